//! The shell on a router: the main thread's loop, around the engine. With several queues each other one has a loop and an
//! engine in a thread of its own ([`queue_threads`]); everything but packets is the main loop's.
//!
//! 1. Wait (poll(2)) for packets, signals and control clients.
//! 2. Take packets for a turn ([`packet_loop`]); each goes through [`Engine::handle`] and gets its verdict before the next
//!    one is received, by two system calls.
//! 3. Report the detections, and hand them to the reputation service.
//! 4. Serve signals (SIGHUP: reload; SIGTERM, SIGINT: stop) and control clients.
//! 5. Collect what probes have found out, and findings of other queues' loops; sockets say when there is something.
//! 6. Once a second, sweep a part of the flow table, swap in lists that have been read, and let the reputation
//!    service do what is due. A new view of the store is swapped into the engine as soon as there is one.
//!
//! If anything fails, traffic goes on: the rules say `bypass`, the queues fail open, and on a
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
mod engine_update;
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
mod packet_loop;
mod prober;
mod queue;
mod queue_threads;
pub mod event_tail;
mod report;
mod reset;
pub mod status;
pub mod syslog;
mod usage;
mod wait;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::{self, Config};
use crate::engine::event::Detection;
use crate::engine::{Engine, Settings};
use crate::limits::{FINDINGS_WAITING, FULL_TABLE_TOLD_EVERY, TURN_WAIT};
use crate::net::local_networks::{LocalNetworks, is_own};
use crate::util::half_sip::TableKey;
use crate::util::time::Instant;
use alive::Alive;
use clock::{Clock, PacketsOfMinute};
use conflict::ConflictWatch;
use control::{Control, Stream};
use engine_traffic::EngineTraffic;
use engine_update::EngineUpdate;
use fleet::Fleet;
use house_file::HouseFile;
use lists::Lists;
use packet_loop::{PacketLoop, Surroundings};
use problems::Problems;
use queue::PacketQueue;
use queue_threads::QueueThreads;
use report::Reporter;
use reputation_service::ReputationService;
use signature_files::SignatureFiles;
use usage::LoopUsage;
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
    let clock = Clock::start();
    // Before the queues, which would keep the whole house waiting for as long as lists are read.
    let lists = Lists::start(&config, &problems);
    // Before there are threads that open sockets.
    let queues: Vec<PacketQueue> =
        config.queue_numbers().map(|number| PacketQueue::bind(number, &config)).collect::<Result<_, _>>()?;
    let control = Control::bind(&config.control_socket)?;
    let alive =
        Alive::start(queues.len()).map_err(|error| format!("the rules can't be kept alive: {error}"))?;
    let mut loops = PacketLoop::for_queues(queues, &config, &model, &clock, &alive);
    let mut packets = loops.remove(0);
    let cannot_divide = |error| format!("there is no thread for each queue: {error}");
    let others = QueueThreads::new(loops).map_err(cannot_divide)?;
    let reputation = ReputationService::start(&config, &problems, clock.now());
    let house = HouseFile::start(&config, &mut packets.engine, clock.now());
    let mut daemon = Daemon {
        packets,
        others,
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
        alive,
        conflicts: ConflictWatch::default(),
        networks: Arc::default(),
        config,
    };
    daemon.update(EngineUpdate::Signatures(SignatureFiles::start(&daemon.config, &daemon.problems)));
    daemon.update(EngineUpdate::Lists(daemon.lists.current()));
    daemon.adopt_reputation();
    daemon.adopt_networks();
    daemon.others.begin(signals.stop()).map_err(cannot_divide)?;
    let mode = daemon.config.mode.name();
    let queues = daemon.config.queue_numbers();
    match (queues.start(), queues.end()) {
        (queue, last) if queue == last => log::info!("queue {queue} is watched in {mode} mode"),
        (first, last) => log::info!("each queue of {first} to {last} is watched in {mode} mode"),
    }
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
    /// The main loop's queue and engine.
    packets: PacketLoop,
    /// Those of the other queues.
    others: QueueThreads,
    house: HouseFile,
    lists: Lists,
    signatures: SignatureFiles,
    reputation: ReputationService,
    alive: Alive,
    conflicts: ConflictWatch,
    reporter: Reporter,
    fleet: Fleet,
    clock: Clock,
    /// Networks of this side, as the engines have them.
    networks: Arc<LocalNetworks>,
    problems: Problems,
    /// Connections that found no place, and when the latest did.
    refused_flows: (u32, Instant),
    /// Time of the latest line of the log about them.
    full_told_at: Instant,
    minute: PacketsOfMinute,
}

impl Daemon {
    fn watch(mut self, config_path: &Path, signals: &Signals, mut control: Control) -> Result<(), String> {
        let mut is_idle = true;
        loop {
            let patience = if is_idle { TURN_WAIT } else { Duration::ZERO };
            let ready =
                wait(&self.packets.queue, signals, &self.reputation, &self.others, &control, patience)
                    .map_err(|error| format!("poll: {error}"))?;
            is_idle = !ready.packets || self.take_packets()?;
            let is_second_over = self.packets.turned();
            if ready.stop {
                self.stop();
                return Ok(());
            }
            if ready.findings {
                self.take_findings()?;
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
            if is_second_over {
                self.tick(now)?;
            }
            self.adopt_reputation();
        }
    }

    /// Lets waiting packets pass, and writes what is to outlive this run.
    fn stop(mut self) {
        log::info!("stopping; detections: {}", self.usage().counters.detections);
        let engine = self.packets.close();
        self.others.join();
        // The queues are closed: a write to the flash may take its time.
        if let Some(Err(_)) = self.reputation.stop().map(JoinHandle::join) {
            log::error!("the probe's thread has panicked");
        }
        self.house.stop(&engine);
        self.reporter.stop();
    }

    /// Work of every second.
    fn tick(&mut self, now: Instant) -> Result<(), String> {
        let usage = self.usage();
        self.house.tick(&self.packets.engine, now);
        self.reporter.tick(now);
        self.notice_full_table(usage.flows.refused, now);
        self.minute.note(usage.counters.packets, now);
        if self.conflicts.notice(usage.counters.decided_again, now, &self.problems) {
            self.alive.report_conflict();
        }
        self.tick_reputation();
        if let Some(signatures) = self.signatures.collect() {
            self.update(EngineUpdate::Signatures(signatures));
        }
        if self.lists.collect() {
            self.update(EngineUpdate::Lists(self.lists.current()));
            self.reputation.refill(now);
        }
        self.others.tick()
    }

    /// Gives `update` to the engines of all queues.
    fn update(&mut self, update: EngineUpdate) {
        self.others.update(&update);
        update.apply(&mut self.packets.engine);
    }

    /// Use of all packet loops together.
    fn usage(&self) -> LoopUsage {
        self.others.usage(self.packets.usage())
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
        let Daemon { reputation, packets, others, clock, .. } = self;
        let (engine, now) = (&mut packets.engine, clock.now());
        if engine.take_kernel_news() {
            reputation.refill_soon(now);
        }
        reputation.tick(&EngineTraffic { engine, others, now }, now);
        self.adopt_networks();
    }

    /// Gives the engines the networks of this side, which are read anew now and then: prefixes are delegated, and
    /// interfaces come and go.
    fn adopt_networks(&mut self) {
        if !Arc::ptr_eq(&self.networks, self.reputation.networks()) {
            self.networks = Arc::clone(self.reputation.networks());
            self.update(EngineUpdate::Networks(Arc::clone(&self.networks)));
        }
    }

    /// Swaps a new view of the reputation store into the engines, if there is one.
    fn adopt_reputation(&mut self) {
        let Daemon { reputation, packets, others, clock, .. } = self;
        let traffic = EngineTraffic { engine: &packets.engine, others, now: clock.now() };
        if let Some(view) = reputation.take_view(&traffic) {
            self.update(EngineUpdate::Reputation(view));
        }
    }

    /// Takes packets for a turn; whether no more came.
    fn take_packets(&mut self) -> Result<bool, String> {
        let Daemon { packets, others, reputation, reporter, .. } = self;
        packets.take_packets(&mut MainSurroundings { others, reputation, reporter })
    }

    /// Takes findings of other queues' loops, as many as have room to wait at most: packets come first.
    fn take_findings(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        for _ in 0..FINDINGS_WAITING {
            let Some(detection) = self.others.poll(now)? else { break };
            let Daemon { packets, others, reputation, reporter, .. } = self;
            MainSurroundings { others, reputation, reporter }.found(detection, &packets.engine, now);
        }
        Ok(())
    }

    /// Connections that found no place in the flow table are a problem until a minute has passed without one.
    fn notice_full_table(&mut self, refused: u32, now: Instant) {
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
            let queues = config.queue_numbers();
            (queues, config.queue_length, config.copy_range, config.max_flows, config.mark)
        };
        if is_fixed(&new) != is_fixed(&self.config) || new.control_socket != self.config.control_socket {
            log::warn!(
                "queue, queues, queue_length, copy_range, max_flows, mark_bit and control_socket change at a restart only"
            );
        }
        log::set_max_level(new.log_level);
        self.update(EngineUpdate::Settings(Box::new(Settings::from(&new))));
        self.update(EngineUpdate::Model(model));
        self.reporter.configure(&new);
        self.reputation.configure(&new, self.clock.now());
        self.lists.reload(&new);
        self.signatures.reload(&new);
        let old = std::mem::replace(&mut self.config, new);
        let config = &mut self.config;
        (config.queue, config.queues, config.queue_length, config.copy_range) =
            (old.queue, old.queues, old.queue_length, old.copy_range);
        (config.max_flows, config.mark, config.control_socket) =
            (old.max_flows, old.mark, old.control_socket);
        log::info!("configuration reloaded, {} mode", self.config.mode.name());
    }
}

/// What the main loop's packets have to do with.
struct MainSurroundings<'a> {
    others: &'a QueueThreads,
    reputation: &'a mut ReputationService,
    reporter: &'a mut Reporter,
}

impl Surroundings for MainSurroundings<'_> {
    /// It is up to date: this thread is the one that changes it.
    fn prepare(&mut self, _engine: &mut Engine<TableKey>) {}

    fn counted(&mut self, _usage: impl FnOnce() -> LoopUsage) {}

    /// Hands a detection to the reputation service and to the reports.
    fn found(&mut self, detection: Detection, engine: &Engine<TableKey>, now: Instant) {
        let traffic = EngineTraffic { engine, others: self.others, now };
        self.reputation.suspect(&detection, &traffic, now);
        let client = detection.client.addr();
        let is_local = self.reputation.networks().contains(client) || is_own(client);
        self.reporter.report(&detection, is_local);
    }
}
