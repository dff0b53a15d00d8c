//! The run loop's side of the probe: a queue of questions, fair by client, in front of the probe's thread.
//!
//! 1. [`Prober::ask`] takes a question; it waits until it is due.
//! 2. [`Prober::submit_due`] hands due questions to the thread, as far as the guard has tokens for them.
//! 3. [`Prober::poll_answer`] has what the thread found out.

mod questions;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::config::{Config, Probing};
use crate::intel::exemptions::AllowList;
use crate::limits::{LOCAL_NETWORKS_EVERY, PROBE_FAILURE_WAIT};
use crate::net::local_networks::LocalNetworks;
use crate::probe::ProbeVerdict;
use crate::probe::guard::{self, Guard, Refusal};
use crate::probe::worker::{Suspect, SuspectAnswer, Unasked, Worker};
use crate::util::counters::named_counters;
use crate::util::time::Instant;
pub(super) use questions::PendingQuestion;
use questions::Questions;

named_counters! {
    /// Suspects' servers: those that were asked, by their answer, and those that were not, by the reason.
    pub(super) struct ProbeCounters {
        /// Asked, and a pool.
        pub pool: u32,
        /// Asked, and something else.
        pub not_pool: u32,
        /// Asked, and didn't say.
        pub inconclusive: u32,
        /// Suspicions that an earlier answer settled.
        pub known: u32,
        /// Servers that must not be asked: of this side, the router itself, or exempt.
        pub forbidden: u32,
        /// Questions that had to make room for others.
        pub too_many: u32,
        /// Probes that a dry run left out.
        pub dry: u32,
        /// Probes that this router could not make.
        pub failed: u32,
    }
}

/// Questions that wait, and the handle of the probe's thread.
pub(super) struct Prober {
    worker: Option<Worker>,
    probing: Probing,
    mark: u32,
    exempt: AllowList,
    guard: Guard,
    questions: Questions,
    /// Suspects that the thread has now: none is asked twice at a time.
    running: Vec<Suspect>,
    networks: Arc<LocalNetworks>,
    read_networks_at: Instant,
    counters: ProbeCounters,
}

impl Prober {
    /// A prober as `config` wishes.
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        let mut prober = Prober {
            worker: None,
            probing: Probing::Off,
            mark: config.mark.own(),
            exempt: AllowList::default(),
            guard: Guard::new(config.probes_per_hour, config.probes_per_block),
            questions: Questions::default(),
            running: Vec::new(),
            networks: Arc::new(LocalNetworks::read()),
            read_networks_at: now,
            counters: ProbeCounters::default(),
        };
        prober.configure(config);
        prober
    }

    /// Takes over another configuration; the thread begins or ends with option `probe`.
    pub(super) fn configure(&mut self, config: &Config) {
        self.probing = config.probing();
        self.exempt = config.exemptions();
        self.guard.configure(config.probes_per_hour, config.probes_per_block);
        match (&self.worker, self.probing) {
            (Some(_), Probing::Off | Probing::Dry) => drop(self.stop()),
            (None, Probing::On) => match Worker::start(self.mark) {
                Ok(worker) => self.worker = Some(worker),
                Err(error) => log::error!("servers are not asked: {error}"),
            },
            _ => {}
        }
        if self.probing == Probing::Off {
            self.questions = Questions::default();
        }
    }

    /// Whether `server` may be asked, now or later.
    ///
    /// # Errors
    /// Why it never is.
    pub(super) fn check(&mut self, question: &PendingQuestion) -> Result<(), Refusal> {
        may_be_asked(&question.suspect, &self.exempt, &self.networks).inspect_err(|_| {
            self.counters.forbidden = self.counters.forbidden.saturating_add(1);
        })
    }

    /// Takes `question`, to be asked from its time on. Full, the client with the most questions makes room.
    pub(super) fn ask(&mut self, question: PendingQuestion) {
        if self.probing == Probing::Off || self.check(&question).is_err() {
            return;
        }
        if self.questions.enter(question).is_some() {
            self.counters.too_many = self.counters.too_many.saturating_add(1);
        }
    }

    /// Takes `question` in place of an earlier one about the same server: what was said while the server was asked is
    /// no reason to ask it again before `question` is due.
    pub(super) fn ask_later(&mut self, question: PendingQuestion) {
        self.questions.retain(|waiting| !waiting.suspect.is_same_question(&question.suspect));
        self.ask(question);
    }

    /// Hands over what is due at `now` and `is_wanted` still, as far as there are tokens: the client that was
    /// served longest ago first.
    pub(super) fn submit_due(&mut self, now: Instant, is_wanted: impl Fn(&PendingQuestion) -> bool) {
        if now >= self.read_networks_at.after(LOCAL_NETWORKS_EVERY) {
            self.read_networks_at = now;
            self.read_networks();
        }
        let Prober { worker, probing, guard, questions, running, counters, exempt, networks, .. } = self;
        questions.retain(|question| now < question.due || is_wanted(question));
        questions.serve(now, |question| {
            let suspect = &question.suspect;
            if running.iter().any(|running| running.is_same_question(suspect)) {
                return false;
            }
            if may_be_asked(suspect, exempt, networks).is_err() {
                counters.forbidden = counters.forbidden.saturating_add(1);
                return true;
            }
            if guard.take(&suspect.server, question.client, suspect.purpose, now).is_err() {
                return false;
            }
            match (&worker, *probing) {
                (_, Probing::Dry) => {
                    counters.dry = counters.dry.saturating_add(1);
                    log::info!("probe of {} left out (dry run)", suspect.server);
                    true
                }
                (Some(worker), _) => {
                    let is_submitted = worker.submit(suspect.clone()).is_ok();
                    running.extend(is_submitted.then(|| suspect.clone()));
                    is_submitted
                }
                (None, _) => true,
            }
        });
    }

    /// The next answer. To be called until there is none when [`Prober::wake`] is readable.
    pub(super) fn poll_answer(&mut self, now: Instant) -> Option<SuspectAnswer> {
        loop {
            let worker = self.worker.as_ref()?;
            worker.clear_wake();
            let answer = worker.poll_answer()?;
            self.running.retain(|running| !running.is_same_question(&answer.suspect));
            match &answer.result {
                Ok(probed) => {
                    let count = match probed.outcome.verdict {
                        ProbeVerdict::Pool => &mut self.counters.pool,
                        ProbeVerdict::NotPool => &mut self.counters.not_pool,
                        ProbeVerdict::Inconclusive => &mut self.counters.inconclusive,
                    };
                    *count = count.saturating_add(1);
                }
                // The server behind a proxy has an address now, and the guard looks at it.
                Err(Unasked::Resolved) => {
                    self.ask(PendingQuestion::again(&answer.suspect, now));
                    continue;
                }
                Err(Unasked::Failed(_)) => {
                    self.counters.failed = self.counters.failed.saturating_add(1);
                    self.ask(PendingQuestion::again(&answer.suspect, now.after(PROBE_FAILURE_WAIT)));
                }
            }
            return Some(answer);
        }
    }

    /// Counts a suspicion that needs no question.
    pub(super) fn count_known(&mut self) {
        self.counters.known = self.counters.known.saturating_add(1);
    }

    /// Networks of this side, as they were last read.
    pub(super) fn networks(&self) -> &Arc<LocalNetworks> {
        &self.networks
    }

    /// Counters since the start.
    pub(super) fn counters(&self) -> ProbeCounters {
        self.counters
    }

    /// Readable when there are answers.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.worker.as_ref().map(|worker| worker.wake().as_fd())
    }

    /// Lets the thread end.
    pub(super) fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.running.clear();
        self.worker.take().map(Worker::stop)
    }

    /// Questions that wait, in no particular order.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> impl Iterator<Item = &PendingQuestion> {
        self.questions.waiting()
    }

    /// Forgets questions that wait.
    #[cfg(test)]
    pub(super) fn clear_waiting(&mut self) {
        self.questions = Questions::default();
    }

    fn read_networks(&mut self) {
        let networks = LocalNetworks::read();
        if networks != *self.networks {
            log::info!("networks of this side: {networks}");
            self.networks = Arc::new(networks);
        }
    }
}

/// Whether the server of `suspect` may be asked; one whose address is not known yet, for its address.
fn may_be_asked(suspect: &Suspect, exempt: &AllowList, networks: &LocalNetworks) -> Result<(), Refusal> {
    if suspect.is_unresolved() { Ok(()) } else { guard::check(&suspect.server, exempt, networks) }
}
