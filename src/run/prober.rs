//! The run loop's end of the probe: suspects go out, lessons come in, nobody waits for anybody.

use std::hash::BuildHasher;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::{Config, Doubt, Probing};
use crate::engine::{Engine, Lesson};
use crate::event::Detection;
use crate::intel::entry::Pattern;
use crate::packet::Endpoint;
use crate::probe::cache::Cache;
use crate::probe::worker::{Counters, Probed, Suspect, Worker};
use crate::probe::{Outcome, Verdict};
use crate::time::Instant;

/// The worker, if there is to be one.
pub struct Prober {
    worker: Option<Worker>,
    counters: Counters,
    doubt: Doubt,
}

impl Prober {
    /// Starts the worker as `config` wishes, and teaches `engine` what is known from earlier probes.
    pub fn start<S: BuildHasher + Clone>(config: &Config, engine: &mut Engine<S>, now: Instant) -> Self {
        let mut prober =
            Prober { worker: None, counters: Counters::default(), doubt: config.probe_inconclusive };
        if config.probing() == Probing::Off {
            return prober;
        }
        let mut cache = Cache::load(&config.probe_cache);
        let wall_clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let servers: Vec<Endpoint> = cache.entries().iter().map(|entry| entry.server).collect();
        for server in servers {
            if let Some(entry) = cache.get(&server, &config.probe_lifetimes, wall_clock) {
                let left = Duration::from_secs(entry.until.saturating_sub(wall_clock));
                prober.teach(engine, server, &entry.outcome, now.after(left));
            }
        }
        match Worker::start(config, cache) {
            Ok(worker) => prober.worker = Some(worker),
            Err(error) => log::error!("nobody probes: {error}"),
        }
        prober
    }

    /// Asks about the server of a suspected session. Where there is no room for the question the
    /// session stays a suspect, and the next one to that server asks again.
    pub fn ask(&self, suspected: &Detection) {
        let suspect = Suspect {
            server: suspected.server,
            client: suspected.client,
            tls: suspected.tls,
            sni: suspected.server_name.clone(),
            hint: None,
        };
        if let Some(Err(why)) = self.worker.as_ref().map(|worker| worker.submit(suspect)) {
            log::debug!("{} is not asked: {why:?}", suspected.server);
        }
    }

    /// Teaches `engine` what has been found out since, and tells of each pool and for how many seconds it
    /// is one. To be called when [`Prober::wake`] is readable.
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
            if let Probed::Asked(outcome, seconds) | Probed::Known(outcome, seconds) = answer.result {
                let until = now.after(Duration::from_secs(seconds.into()));
                self.teach(engine, answer.suspect.server, &outcome, until);
                if outcome.verdict == Verdict::Pool {
                    found(engine, answer.suspect.server, &outcome, seconds);
                }
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
        let is_wanted = config.probing() != Probing::Off;
        match &self.worker {
            Some(_) if !is_wanted => self.stop(),
            None if is_wanted => log::warn!("option 'probe' takes effect at a restart"),
            Some(worker) if !worker.configure(config) => {
                log::warn!("the probe is busy and keeps its old configuration; reload again");
            }
            _ => {}
        }
    }

    /// Lets the worker end; what it has found is on disk once it does.
    pub fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop();
        }
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
            (Verdict::Inconclusive, Doubt::Block) => Lesson::Doubtful,
            (Verdict::Inconclusive, Doubt::Alert) => return,
        };
        engine.learn(server, lesson, until);
    }
}
