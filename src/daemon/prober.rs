//! The run loop's end of the probe: suspects go out, lessons come in, nobody waits for anybody.

mod again;

use std::hash::BuildHasher;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::{Config, InconclusiveAction, Probing};
use crate::engine::event::Detection;
use crate::engine::{Engine, Lesson};
use crate::intel::builtin;
use crate::intel::entry::Pattern;
use crate::limits::{PROBE_QUEUE_WAIT, PROBE_RATE_WAIT};
use crate::net::endpoint::Endpoint;
use crate::probe::cache::Cache;
use crate::probe::guard::Refusal;
use crate::probe::worker::{Counters, Probed, Suspect, Worker};
use crate::probe::{Outcome, Verdict};
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;
use again::Again;

/// The worker, if there is to be one.
pub struct Prober {
    worker: Option<Worker>,
    counters: Counters,
    doubt: InconclusiveAction,
    blocks_shared: bool,
    again: Again,
}

impl Prober {
    /// Starts the worker as `config` wishes, and teaches `engine` what is known from earlier probes.
    pub fn start<S: BuildHasher + Clone>(config: &Config, engine: &mut Engine<S>, now: Instant) -> Self {
        let mut prober = Prober {
            worker: None,
            counters: Counters::default(),
            doubt: config.probe_inconclusive,
            blocks_shared: config.intel_blocks_shared,
            again: Again::default(),
        };
        if config.probing() == Probing::Off {
            return prober;
        }
        let mut cache = Cache::load(&config.probe_cache);
        let wall_clock = unix_seconds();
        let servers: Vec<Endpoint> = cache.entries().iter().map(|entry| entry.server).collect();
        for server in servers {
            if let Some(entry) = cache.get(&server, &config.into(), wall_clock) {
                let left = Duration::from_secs(entry.left(&config.into(), wall_clock));
                prober.teach(engine, server, &entry.outcome, now.after(left));
            }
        }
        match Worker::start(config, cache) {
            Ok(worker) => prober.worker = Some(worker),
            Err(error) => log::error!("nobody probes: {error}"),
        }
        prober
    }

    /// Asks about the server of a suspected session. Where there is no room for the question, it is tried
    /// again while the session is a suspect.
    pub fn ask(&mut self, suspected: &Detection) {
        self.submit(Suspect::of(suspected), suspected.at);
    }

    /// Asks again about those servers whose turn has come, if that `is_wanted` still. To be called once in a
    /// while.
    pub fn ask_again(&mut self, now: Instant, is_wanted: impl Fn(&Suspect) -> bool) {
        while let Some(suspect) = self.again.take_due(now) {
            if is_wanted(&suspect) {
                self.submit(suspect, now);
            }
        }
    }

    fn submit(&mut self, suspect: Suspect, now: Instant) {
        let Some(worker) = &self.worker else { return };
        if let Err(why) = worker.submit(suspect.clone()) {
            log::debug!("{} is not asked yet: {why:?}", suspect.server);
            self.again.put_off(suspect, now.after(PROBE_QUEUE_WAIT));
        }
    }

    /// Teaches `engine` what has been found out since, and tells of each outcome and for how many seconds it
    /// holds. To be called when [`Prober::wake`] is readable.
    pub fn learn<S: BuildHasher + Clone>(
        &mut self,
        engine: &mut Engine<S>,
        now: Instant,
        mut found: impl FnMut(&mut Engine<S>, Endpoint, &Outcome, u32),
    ) {
        if let Some(worker) = &self.worker {
            worker.fall_asleep();
        }
        while let Some(answer) = self.worker.as_ref().and_then(Worker::poll_answer) {
            self.counters = answer.counters;
            match answer.result {
                Probed::Asked(outcome, seconds) | Probed::Known(outcome, seconds) => {
                    let until = now.after(Duration::from_secs(seconds.into()));
                    self.teach(engine, answer.suspect.server, &outcome, until);
                    found(engine, answer.suspect.server, &outcome, seconds);
                    if outcome.verdict == Verdict::Inconclusive {
                        self.again.put_off(answer.suspect, until);
                    }
                }
                Probed::Refused(Refusal::Rate) => {
                    self.again.put_off(answer.suspect, now.after(PROBE_RATE_WAIT));
                }
                Probed::Refused(_) | Probed::Dry => {}
            }
        }
    }

    /// Forgets what was found out about `subject`; whether that could be asked for.
    pub fn forget(&self, subject: &Pattern) -> bool {
        self.worker.as_ref().is_none_or(|worker| worker.forget(subject))
    }

    /// Takes over another configuration. Whether there is a worker at all is decided at the start.
    pub fn configure(&mut self, config: &Config) {
        self.doubt = config.probe_inconclusive;
        self.blocks_shared = config.intel_blocks_shared;
        let is_wanted = config.probing() != Probing::Off;
        match &self.worker {
            Some(_) if !is_wanted => drop(self.stop()),
            None if is_wanted => log::warn!("option 'probe' takes effect at a restart"),
            Some(worker) if !worker.configure(config) => {
                log::warn!("the probe is busy and keeps its old configuration; reload again");
            }
            _ => {}
        }
    }

    /// Lets the worker end; what it has found is on disk once its thread has.
    pub fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.worker.take().map(Worker::stop)
    }

    /// The worker's counters at its latest answer.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Readable when there is something to learn.
    pub fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.worker.as_ref().map(|worker| worker.wake().as_fd())
    }

    fn teach<S: BuildHasher + Clone>(
        &self,
        engine: &mut Engine<S>,
        server: Endpoint,
        outcome: &Outcome,
        until: Instant,
    ) {
        let lesson = match (outcome.verdict, self.doubt) {
            (Verdict::Pool, _) => Lesson::Pool(outcome.dialect),
            (Verdict::NotPool, _) => Lesson::NotPool,
            (Verdict::Inconclusive, InconclusiveAction::Block) => Lesson::Doubtful,
            (Verdict::Inconclusive, InconclusiveAction::Alert) => return,
        };
        if lesson != Lesson::NotPool && self.spares(&server) {
            engine.forget(|known| *known == server);
        } else {
            engine.learn(server, lesson, until);
        }
    }

    /// Whether `server` has an address that many sites share: what one of them is, when asked by its name, is
    /// no reason to cut off the others.
    fn spares(&self, server: &Endpoint) -> bool {
        !self.blocks_shared && builtin::shared().by_addr(server.addr(), None, 0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;
    use crate::hmm::model::Model;
    use std::hash::RandomState;
    use std::path::Path;

    /// One of the sites behind an address may be a pool, and asked by its name says so.
    #[test]
    fn no_answer_blocks_an_address_that_many_share() {
        let shared = Endpoint::new([104, 16, 0, 1].into(), 443);
        let other = Endpoint::new([203, 0, 113, 9].into(), 443);
        for (options, blocks) in [("", false), ("option intel_shared block\n", true)] {
            let text = format!("config minewall\noption probe 0\noption probe_inconclusive block\n{options}");
            let config =
                crate::config::parse(Path::new("test"), text.as_bytes()).expect("good options").config;
            let model = Model::embedded().expect("it is part of the program");
            let mut engine = Engine::new(Settings::from(&config), model, 64, RandomState::new());
            let prober = Prober::start(&config, &mut engine, Instant::default());
            for verdict in [Verdict::NotPool, Verdict::Pool, Verdict::Inconclusive] {
                let outcome = Outcome::new(verdict, None, None, &[]);
                for (server, blocks) in [(shared, blocks), (other, true)] {
                    prober.teach(&mut engine, server, &outcome, Instant::from_micros(9));
                    let cuts = matches!(engine.lesson(&server), Some(Lesson::Pool(_) | Lesson::Doubtful));
                    assert_eq!(cuts, blocks && verdict != Verdict::NotPool, "{server} {verdict:?} {options}");
                }
            }
        }
    }
}
