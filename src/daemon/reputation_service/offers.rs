//! Entries that a person or another router offers.
//!
//! A person has the last word. Another router is a witness from hearsay: what it says makes a suspect, and has the
//! server asked from here, from a budget of its own; nothing is blocked until the server answers as a pool.

use super::{ReputationService, Traffic};
use crate::daemon::control::{ControlAnswer, Offer};
use crate::daemon::prober::PendingQuestion;
use crate::intel::entry::{Policy, Ports, What};
use crate::intel::reputation::{Entered, Entry, EvidenceText, Fact, Origin, Reach, Subject};
use crate::net::endpoint::Endpoint;
use crate::net::scope::is_global;
use crate::probe::guard::Purpose;
use crate::probe::hint::Hints;
use crate::probe::worker::Suspect;
use crate::util::time::Instant;

impl ReputationService {
    /// Admits what is offered, or says why not.
    pub(crate) fn offer(&mut self, offer: &Offer, traffic: &impl Traffic, now: Instant) -> ControlAnswer {
        let subject = &offer.subject;
        if offer.policy != Policy::Allow && subject.endpoint().is_some_and(|server| traffic.exempts(&server))
        {
            return ControlAnswer::refused(format_args!("{subject}: exempt, by the configuration or a list"));
        }
        match offer.origin {
            Origin::Operator => self.offer_of_operator(offer, now),
            Origin::Fleet => self.offer_of_fleet(offer, now),
            Origin::Probe => ControlAnswer::refused("only this router finds out for itself"),
        }
    }

    fn offer_of_operator(&mut self, offer: &Offer, now: Instant) -> ControlAnswer {
        let Offer { subject, policy, .. } = offer;
        let seconds = offer.seconds.unwrap_or(self.usual_seconds().max(A_DAY));
        let answer = self.enter_offer(offer, Fact::of_policy(*policy), seconds, now);
        let is_block = *policy == Policy::Block && subject.name().is_none();
        match subject.endpoint().filter(|server| is_block && self.is_on_shared_list(server)) {
            Some(_) => answer.with(&format!(
                "{subject}: many sites share the address, and all are blocked at this port\n"
            )),
            None => answer,
        }
    }

    fn offer_of_fleet(&mut self, offer: &Offer, now: Instant) -> ControlAnswer {
        let subject = &offer.subject;
        let usual = self.usual_seconds();
        if usual == 0 {
            return ControlAnswer::refused(format_args!("{subject}: option 'learn_hours' is 0"));
        }
        if let Some(why) = self.refusal(offer) {
            return ControlAnswer::refused(format_args!("{subject}: {why}"));
        }
        if self.has_been_asked(subject) {
            return ControlAnswer::nothing(format!("{subject}: asked from here, and settled\n"));
        }
        if !self.takes_from_fleet(now) {
            return ControlAnswer::refused(format_args!("{subject}: too many from other routers at once"));
        }
        let seconds = offer.seconds.unwrap_or(usual).min(usual);
        let answer = self.enter_offer(offer, Fact::Suspect, seconds, now);
        if offer.policy == Policy::Block
            && let Some(server) = subject.endpoint()
        {
            self.ask_for_fleet(&server, offer, now);
            return answer
                .with(&format!("{subject}: a suspect until it answers as a pool when asked from here\n"));
        }
        answer
    }

    /// Why another router's word is not taken.
    fn refusal(&self, offer: &Offer) -> Option<&'static str> {
        if offer.policy == Policy::Allow {
            return Some("other routers exempt nothing");
        }
        let Some(server) = offer.subject.endpoint() else {
            return match &offer.subject {
                Subject::Pattern(pattern) => match (&pattern.what, pattern.ports) {
                    (What::Net(_), _) => Some("of addresses, one and its port are wanted"),
                    (What::Name(_), Ports::One(_)) => None,
                    (What::Name(_), _) => Some("of a name, a port is wanted"),
                },
                Subject::NameAt { .. } => None,
            };
        };
        if !is_global(server.addr()) || self.networks().contains(server.addr()) {
            Some("no address of the internet")
        } else if offer.subject.name().is_none() && self.is_on_shared_list(&server) {
            Some("many sites share the address: say which, as NAME@ADDRESS:PORT")
        } else {
            None
        }
    }

    /// Whether a probe from here has settled what `subject` is.
    fn has_been_asked(&self, subject: &Subject) -> bool {
        let settles = |entry: &Entry| {
            entry.origin == Origin::Probe
                && matches!(entry.fact, Fact::Pool | Fact::NotPool)
                && entry.subject.covers(subject)
        };
        self.entries().any(settles)
    }

    fn ask_for_fleet(&mut self, server: &Endpoint, offer: &Offer, now: Instant) {
        let name = offer.subject.name().cloned();
        let hint_name = name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let suspect = Suspect {
            server: *server,
            via: None,
            client: None,
            client_mac: None,
            tls: None,
            purpose: Purpose::Hearsay,
            suspicion: None,
            hints: Hints::new(offer.dialect, Default::default(), &hint_name, server.port()),
            name,
        };
        self.prober.ask(PendingQuestion::again(&suspect, now));
    }

    fn enter_offer(&mut self, offer: &Offer, fact: Fact, seconds: u32, now: Instant) -> ControlAnswer {
        let subject = &offer.subject;
        if seconds == 0 {
            return ControlAnswer::refused(format_args!("{subject}: it has ended already"));
        }
        let since = self.wall_clock();
        let entry = Entry {
            subject: subject.clone(),
            fact,
            origin: offer.origin,
            reach: Reach::House,
            dialect: offer.dialect,
            evidence: told_by(offer),
            since,
            until: since.saturating_add(seconds.into()),
        };
        match self.enter(entry, now) {
            Entered::New => ControlAnswer::done(format!("{subject}: entered\n")),
            Entered::Renewed => ControlAnswer::done(format!("{subject}: renewed\n")),
            Entered::Outranked => {
                ControlAnswer::nothing(format!("{subject}: known already, from a better source\n"))
            }
            Entered::Full => ControlAnswer::refused(format_args!("{subject}: no room left")),
        }
    }

    fn usual_seconds(&self) -> u32 {
        u32::try_from(self.settings.learn.as_secs()).unwrap_or(u32::MAX)
    }
}

/// The router that told it, as evidence; nothing where it is not known, or its name takes more room than there is.
fn told_by(offer: &Offer) -> EvidenceText {
    let mut evidence = EvidenceText::new();
    if let Some(router) = &offer.router {
        let is_whole = evidence.push_str("told by ").and_then(|()| evidence.push_str(router)).is_ok();
        debug_assert!(is_whole);
    }
    evidence
}

/// Least validity of a person's entry, without a time of its own.
const A_DAY: u32 = 86_400;
