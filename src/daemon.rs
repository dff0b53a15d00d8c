//! The shell on a router: one thread, one loop, around the engine.
//!
//! 1. Wait (poll(2)) for packets, signals and control clients.
//! 2. Take up to [`PACKETS_PER_TURN`] packets, for [`PACKETS_TURN`] at most; each goes through [`Engine::handle`] and
//!    gets its verdict before the next one is received, by two system calls.
//! 3. Report the detections, and hand them to the reputation service.
//! 4. Serve signals (SIGHUP: reload; SIGTERM, SIGINT: stop) and control clients.
//! 5. Collect what probes have found out; a socket of the worker's says when there is something.
//! 6. Once a second, sweep a part of the flow table, swap in lists that have been read, and let the reputation
//!    service do what is due. A new view of the store is swapped into the engine as soon as there is one.
//!
//! If anything fails, traffic goes on: the rules say `bypass`, the queue fails open, and on a
//! clean stop every waiting packet is let pass.

mod nft_set;
mod nft_worker;
mod offload_watch;
mod alive;
mod clock;
mod collector;
mod conflict;
pub mod control;
mod engine_traffic;
mod event_log;
pub mod fleet;
mod history_file;
pub mod hosts;
mod reputation_service;
mod house_file;
pub(crate) mod identity;
mod leases;
mod news;
pub(crate) mod lists;
mod signature_files;
mod metrics;
pub mod model_file;
pub(crate) mod problems;
pub mod hooks;
mod prober;
mod queue;
pub mod event_tail;
mod report;
mod reset;
pub mod status;
pub mod syslog;
mod wait;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::{self, Config};
use crate::engine::{Engine, Settings};
use crate::limits::{
    FULL_TABLE_TOLD_EVERY, PACKETS_PER_TURN, PACKETS_TURN, SWEEP_SETS_PER_SECOND, TURN_WAIT,
};
use crate::net::local_networks::is_own;
use crate::util::half_sip::TableKey;
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;
use alive::Alive;
use clock::{Clock, PacketsOfMinute};
use conflict::ConflictWatch;
use control::{Control, Stream};
use engine_traffic::EngineTraffic;
use fleet::Fleet;
use house_file::HouseFile;
use lists::Lists;
use problems::Problems;
use queue::PacketQueue;
use report::Reporter;
use reputation_service::ReputationService;
use reset::Resetter;
use signature_files::SignatureFiles;
use wait::{Signals, wait};

/// Runs until a signal stops it.
///
/// # Errors
/// The cause in words, for a configuration that can't be used, a queue that can't be bound, a
/// control socket that can't be made, or a queue that breaks while it runs.
pub fn run(config_path: &Path) -> Result<(), String> {
    let config = load(config_path)?;
    log::set_max_level(config.log_level);
    if !config.enabled {
        log::info!("option 'enabled' is 0 in {}: nothing to do", config_path.display());
        return Ok(());
    }
    let signals = Signals::listen().map_err(|error| format!("signals can't be received: {error}"))?;
    let problems = Problems::default();
    let model = model_file::load_or_builtin(&config, &problems)?;
    let mut engine = Engine::new(Settings::from(&config), model, config.max_flows, TableKey::new());
    let clock = Clock::start();
    // Before the queue, which would keep the whole house waiting for as long as lists are read.
    let lists = Lists::start(&config, &problems);
    // Before there are threads that open sockets.
    let queue = PacketQueue::bind(&config)?;
    let resetter = Resetter::open();
    let control = Control::bind(&config.control_socket)?;
    let alive = Alive::start().map_err(|error| format!("the rules can't be kept alive: {error}"))?;
    engine.replace_signatures(SignatureFiles::start(&config, &problems));
    engine.replace_intel(lists.current());
    engine.tell_time(unix_seconds(), clock.now());
    let reputation = ReputationService::start(&config, &problems, clock.now());
    let house = HouseFile::start(&config, &mut engine, clock.now());
    let mut daemon = Daemon {
        engine,
        house,
        lists,
        signatures: SignatureFiles::new(&problems),
        reputation,
        reporter: Reporter::new(&config, &problems),
        fleet: Fleet::default(),
        problems,
        refused_flows: (0, Instant::default()),
        full_told_at: Instant::default(),
        minute: PacketsOfMinute::default(),
        clock,
        verdicts_failed: 0,
        alive,
        conflicts: ConflictWatch::default(),
        queue,
        resetter,
        config,
    };
    log::info!("queue {} is watched in {} mode", daemon.config.queue, daemon.config.mode.name());
    daemon.adopt_reputation();
    daemon.engine.set_networks(Arc::clone(daemon.reputation.networks()));
    daemon.watch(config_path, &signals, control)
}

/// Reads the configuration and says what it passes over.
fn load(path: &Path) -> Result<Config, String> {
    let loaded = config::load(path).map_err(|complaint| complaint.to_string())?;
    for warning in &loaded.warnings {
        log::warn!("{warning}");
    }
    Ok(loaded.config)
}

struct Daemon {
    config: Config,
    engine: Engine<TableKey>,
    house: HouseFile,
    lists: Lists,
    signatures: SignatureFiles,
    reputation: ReputationService,
    alive: Alive,
    conflicts: ConflictWatch,
    queue: PacketQueue,
    resetter: Resetter,
    reporter: Reporter,
    fleet: Fleet,
    clock: Clock,
    verdicts_failed: u32,
    problems: Problems,
    /// Connections that found no place, and when the latest did.
    refused_flows: (u32, Instant),
    /// Time of the latest line of the log about them.
    full_told_at: Instant,
    minute: PacketsOfMinute,
}

impl Daemon {
    fn watch(mut self, config_path: &Path, signals: &Signals, mut control: Control) -> Result<(), String> {
        let mut swept_at = self.clock.now();
        let mut is_idle = true;
        loop {
            let patience = if is_idle { TURN_WAIT } else { Duration::ZERO };
            let ready = wait(&self.queue, signals, &self.reputation, &control, patience)
                .map_err(|error| format!("poll: {error}"))?;
            is_idle = !ready.packets || self.take_packets()?;
            self.alive.turned();
            if ready.stop {
                log::info!("stopping; {} detections", self.engine.counters().detections);
                self.queue.close(&self.resetter);
                // The queue is closed: a write to the flash may take its time.
                if let Some(Err(_)) = self.reputation.stop().map(JoinHandle::join) {
                    log::error!("the probe's thread has panicked");
                }
                self.house.stop(&self.engine);
                self.reporter.stop();
                return Ok(());
            }
            if ready.reload {
                signals.forget_reload();
                self.reload(config_path);
            }
            if ready.control {
                control.serve(|request| self.reply(request));
            }
            let now = self.clock.now();
            if ready.answers {
                self.reputation.collect(now);
            }
            self.publish(&mut control, now);
            if now >= swept_at.after(Duration::from_secs(1)) {
                swept_at = now;
                self.tick(now);
            }
            self.adopt_reputation();
        }
    }

    /// Work of every second.
    fn tick(&mut self, now: Instant) {
        self.engine.sweep(SWEEP_SETS_PER_SECOND, now);
        self.house.tick(&self.engine, now);
        self.reporter.tick(now);
        self.notice_full_table(now);
        self.minute.note(self.engine.counters().packets, now);
        if self.conflicts.notice(self.engine.counters().decided_again, now, &self.problems) {
            self.alive.report_conflict();
        }
        self.engine.tell_time(unix_seconds(), now);
        self.tick_reputation();
        if let Some(signatures) = self.signatures.collect() {
            self.engine.replace_signatures(signatures);
        }
        if self.lists.collect() {
            self.engine.replace_intel(self.lists.current());
            self.reputation.refill(now);
        }
    }

    /// Hands those who follow what there is to tell.
    fn publish(&mut self, control: &mut Control, now: Instant) {
        while let Some(line) = self.reporter.poll_line() {
            control.publish(Stream::Events, &line);
        }
        while let Some(line) = self.reputation.poll_shared() {
            control.publish(Stream::Shared, &line);
        }
        if let Some(line) = self.fleet.poll_sign_of_life(now) {
            control.publish(Stream::Shared, &line);
        }
    }

    /// Has the reputation service do what is due, with the engine up to date.
    fn tick_reputation(&mut self) {
        self.adopt_reputation();
        let Daemon { reputation, engine, clock, .. } = self;
        let now = clock.now();
        if engine.take_kernel_news() {
            reputation.refill_soon(now);
        }
        reputation.tick(&EngineTraffic { engine, now }, now);
        // Read anew now and then: prefixes are delegated, and interfaces come and go.
        engine.set_networks(Arc::clone(reputation.networks()));
    }

    /// Swaps a new view of the reputation store into the engine, if there is one.
    fn adopt_reputation(&mut self) {
        let now = self.clock.now();
        let view = self.reputation.take_view(&EngineTraffic { engine: &self.engine, now });
        if let Some(view) = view {
            self.engine.replace_reputation(view);
        }
    }

    /// Takes packets for a turn; whether no more came.
    fn take_packets(&mut self) -> Result<bool, String> {
        let end = self.clock.now().after(PACKETS_TURN);
        for _ in 0..PACKETS_PER_TURN {
            let packet = match self.queue.recv() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(error) => return Err(format!("the queue broke: {error}")),
            };
            let now = self.clock.now();
            let handled = self.engine.handle(&packet.packet(), now);
            if self.queue.give(packet, &handled.verdict, &self.resetter).is_err() {
                self.verdicts_failed = self.verdicts_failed.saturating_add(1);
            }
            if let Some(detection) = handled.event {
                let traffic = EngineTraffic { engine: &self.engine, now };
                self.reputation.suspect(&detection, &traffic, now);
                let client = detection.client.addr();
                let is_local = self.reputation.networks().contains(client) || is_own(client);
                self.reporter.report(&detection, is_local);
            }
            if now >= end {
                break;
            }
        }
        Ok(false)
    }

    /// Connections that found no place in the flow table are a problem until a minute has passed without one.
    fn notice_full_table(&mut self, now: Instant) {
        let refused = self.engine.table_counters().refused;
        if refused != self.refused_flows.0 {
            self.refused_flows = (refused, now);
            let text = "the flow table is full of undecided connections; others pass without inspection";
            self.problems.report(problems::Code::TableFull, "", text.into());
            if now >= self.full_told_at.after(FULL_TABLE_TOLD_EVERY) {
                self.full_told_at = now;
                log::warn!("{text}: {refused} so far");
            }
        } else if now >= self.refused_flows.1.after(Duration::from_secs(60)) {
            self.problems.resolve(problems::Code::TableFull);
            // A new problem has a line of its own.
            self.full_told_at = now;
        }
    }

    /// A bad file changes nothing.
    fn reload(&mut self, config_path: &Path) {
        let loaded = load(config_path)
            .and_then(|config| Ok((model_file::load_or_builtin(&config, &self.problems)?, config)));
        let (model, new) = match loaded {
            Ok(loaded) => loaded,
            Err(complaint) => {
                for line in complaint.lines() {
                    log::error!("{line}");
                }
                log::error!("the old configuration stays");
                return;
            }
        };
        let is_fixed = |config: &Config| {
            (config.queue, config.queue_length, config.copy_range, config.max_flows, config.mark)
        };
        if is_fixed(&new) != is_fixed(&self.config) || new.control_socket != self.config.control_socket {
            log::warn!(
                "queue, queue_length, copy_range, max_flows, mark_bit and control_socket change at a restart only"
            );
        }
        log::set_max_level(new.log_level);
        self.engine.configure(Settings::from(&new));
        self.engine.replace_model(model);
        self.reporter.configure(&new);
        self.reputation.configure(&new, self.clock.now());
        self.lists.reload(&new);
        self.signatures.reload(&new);
        let old = std::mem::replace(&mut self.config, new);
        let config = &mut self.config;
        (config.queue, config.queue_length, config.copy_range) =
            (old.queue, old.queue_length, old.copy_range);
        (config.max_flows, config.mark, config.control_socket) =
            (old.max_flows, old.mark, old.control_socket);
        log::info!("configuration reloaded, {} mode", self.config.mode.name());
    }
}
