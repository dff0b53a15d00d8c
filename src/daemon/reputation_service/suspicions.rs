//! From a detection to the question, and from its answer to entries.

use std::time::Duration;

use super::{ReputationService, Traffic, witness};
use crate::daemon::prober::PendingQuestion;
use crate::engine::event::{Detection, Source};
use crate::intel::reputation::{Fact, Origin, Subject};
use crate::probe::ProbeVerdict;
use crate::probe::guard::Purpose;
use crate::probe::worker::{Probed, Suspect};
use crate::util::time::Instant;

impl ReputationService {
    /// Has the server of `detection` asked, if its answer could settle something.
    pub(crate) fn suspect(&mut self, detection: &Detection, traffic: &impl Traffic, now: Instant) {
        let is_open = match detection.source {
            Source::Hmm | Source::Hint => true,
            // Through a proxy the words say nothing of the proxy, but of the server behind it.
            Source::Dpi => detection.server_is_pool || detection.target.is_some(),
            Source::Probe | Source::Intel => false,
        };
        if !is_open || traffic.exempts(&detection.server) {
            return;
        }
        let suspect = self.suspect_of(detection);
        let wall_clock = self.clock.now();
        let mut strong = None;
        let due = match self.store.probed(&suspect.server, suspect.name.as_ref(), wall_clock) {
            None => now,
            Some(known) if matches!(known.fact, Fact::Pool | Fact::NotPool) => {
                return self.prober.count_known();
            }
            // It did not say; and a host that says the same again is no reason to ask more often.
            Some(_) if detection.source == Source::Dpi => return self.prober.count_known(),
            Some(known) => {
                // It did not say before stage one was sure.
                strong = witness::strong(&suspect, known);
                now.after(Duration::from_secs(known.seconds_left(wall_clock).into()))
            }
        };
        if let Some(entry) = strong {
            self.enter(entry, now);
        }
        self.prober.ask(PendingQuestion::again(&suspect, due));
    }

    pub(super) fn suspect_of(&self, detection: &Detection) -> Suspect {
        let suspect = Suspect::of(detection);
        let subject = Subject::server(&suspect.server, suspect.name.as_ref());
        if detection.source == Source::Hint && self.is_hearsay(&subject) {
            return Suspect { purpose: Purpose::Hearsay, ..suspect };
        }
        suspect
    }

    /// Whether another router's word is about `subject`.
    fn is_hearsay(&self, subject: &Subject) -> bool {
        let mut holding = self.store.holding(self.clock.now());
        holding.any(|entry| entry.origin == Origin::Fleet && entry.subject.covers(subject))
    }

    /// Takes the prober's answers. To be called when [`ReputationService::wake`] is readable.
    pub(crate) fn collect(&mut self, now: Instant) {
        while let Some(answer) = self.prober.poll_answer(now) {
            if let Ok(probed) = &answer.result {
                self.conclude(&answer.suspect, probed, now);
            }
        }
    }

    pub(super) fn conclude(&mut self, suspect: &Suspect, probed: &Probed, now: Instant) {
        for entry in witness::facts(suspect, probed, &self.settings.lifetimes, self.clock.now()) {
            self.enter(entry, now);
        }
        if probed.outcome.verdict == ProbeVerdict::Inconclusive {
            self.ask_again(suspect, now);
        }
    }

    /// An inconclusive answer is worth another question, for as long as the session is a suspect.
    fn ask_again(&mut self, suspect: &Suspect, now: Instant) {
        if suspect.is_strong() {
            log::warn!("{} is strongly suspected: it does not say what it is when asked", suspect.server);
        }
        if suspect.purpose == Purpose::Suspicion {
            let wait = Duration::from_secs(self.settings.lifetimes.inconclusive.into());
            self.prober.ask_later(PendingQuestion::again(suspect, now.after(wait)));
        }
    }
}
