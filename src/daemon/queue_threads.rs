//! The packet loops of all queues but the first, each in a thread of its own.
//!
//! The main thread has the first queue and everything that is one for the router: lists, reputation, probe, reports,
//! control socket. A loop beside it has a queue, an engine, and three ways to the main thread:
//!
//! - updates ([`super::engine_update`]), which it looks for before each packet;
//! - findings, in a bounded queue with a bell. A loop that finds it full waits for room as long as
//!   [`FINDING_PATIENCE`], while its packets wait in the kernel; what has no room then is counted as not reported;
//! - its use, which it leaves behind with each packet and each turn, for the status; it never waits for the place.
//!
//! The dead man's switch asks for a turn of every loop, so one that hangs, or has ended, opens the way for all.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::engine_update::{EngineUpdate, UpdatePlaces};
use super::packet_loop::{PacketLoop, Surroundings};
use super::queue::QueueState;
use super::usage::LoopUsage;
use super::wait::{StopSignal, wait_for_packets};
use crate::engine::Engine;
use crate::engine::event::Detection;
use crate::limits::{FINDING_PATIENCE, FINDINGS_WAITING, PROBE_QUESTIONS, QUEUE_STACK_BYTES, TURN_WAIT};
use crate::net::client_id::ClientId;
use crate::net::endpoint::Endpoint;
use crate::util::background;
use crate::util::bounded_cache::BoundedCache;
use crate::util::channel::{NotSent, Receiver, Sender, channel};
use crate::util::counters::Sum;
use crate::util::half_sip::TableKey;
use crate::util::time::Instant;

/// The main thread's end of all loops beside its own.
pub(super) struct QueueThreads {
    queues: Vec<OtherQueue>,
    findings: Receiver<QueueFinding>,
    bell: UnixStream,
    /// Suspects of theirs that may still be asked about.
    suspects: BoundedCache<(Endpoint, Endpoint), RemoteSuspect>,
}

/// A queue beside the main loop's.
struct OtherQueue {
    places: Arc<LoopPlaces>,
    /// Its loop, until it begins.
    waiting: Option<QueueThread>,
    thread: Option<JoinHandle<()>>,
}

/// A suspect of another thread's loop.
struct RemoteSuspect {
    /// Queue of the loop.
    queue: u16,
    client: ClientId,
    since: Instant,
}

/// What a loop tells the main thread.
pub(super) enum QueueFinding {
    /// A proof or a suspicion, of the loop of this queue.
    Event(u16, Box<Detection>),
    /// The session of this client and server is no suspect any more.
    Cleared(Endpoint, Endpoint),
    /// The loop has ended, for this reason.
    Broken(String),
}

/// What a loop and the main thread leave for each other.
struct LoopPlaces {
    updates: UpdatePlaces,
    usage: Mutex<LoopUsage>,
    queue: u16,
}

impl QueueThreads {
    /// Threads for `loops`, which are to begin. What the engines are given until then they have before their first packet.
    pub(super) fn new(loops: Vec<PacketLoop>) -> io::Result<Self> {
        let (sender, findings) = channel(FINDINGS_WAITING);
        let (bell, rung) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        rung.set_nonblocking(true)?;
        let mut queues = Vec::with_capacity(loops.len());
        for packets in loops {
            let (updates, usage) = (UpdatePlaces::default(), Mutex::new(packets.usage()));
            let places = Arc::new(LoopPlaces { updates, usage, queue: packets.queue.number() });
            let main = MainEnd {
                places: Arc::clone(&places),
                findings: sender.clone(),
                bell: rung.try_clone()?,
                sessions: Vec::new(),
                lost: 0,
            };
            queues.push(OtherQueue { places, waiting: Some(QueueThread { packets, main }), thread: None });
        }
        Ok(QueueThreads { queues, findings, bell, suspects: BoundedCache::new(PROBE_QUESTIONS) })
    }

    /// Has the threads begin, which end when `stop` says so.
    ///
    /// # Errors
    /// No memory or descriptor is left for a thread.
    pub(super) fn begin(&mut self, stop: &StopSignal) -> io::Result<()> {
        for queue in &mut self.queues {
            let Some(waiting) = queue.waiting.take() else { continue };
            let stop = stop.try_clone()?;
            let work = Box::new(move || waiting.run(&stop));
            queue.thread = Some(background::spawn(THREAD_NAME, Some(QUEUE_STACK_BYTES), work)?);
        }
        Ok(())
    }

    /// Readable when there are findings; none without threads.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        (!self.queues.is_empty()).then(|| self.bell.as_fd())
    }

    /// Gives `update` to every engine.
    pub(super) fn update(&self, update: &EngineUpdate) {
        self.queues.iter().for_each(|queue| queue.places.updates.leave(update.clone()));
    }

    /// The next finding. To be called until there is none.
    ///
    /// # Errors
    /// Why a loop has ended.
    pub(super) fn poll(&mut self, now: Instant) -> Result<Option<Detection>, String> {
        if self.findings.is_empty() {
            return Ok(None);
        }
        while (&self.bell).read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
        while let Some(finding) = self.findings.try_recv() {
            match finding {
                QueueFinding::Event(queue, detection) => {
                    self.note_suspect(queue, &detection, now);
                    return Ok(Some(*detection));
                }
                QueueFinding::Cleared(client, server) => drop(self.suspects.remove(&(client, server))),
                QueueFinding::Broken(why) => return Err(why),
            }
        }
        Ok(None)
    }

    fn note_suspect(&mut self, queue: u16, detection: &Detection, now: Instant) {
        if detection.source.is_proof() {
            return;
        }
        let client = ClientId::of(detection.client.addr(), detection.hw_addr);
        let suspect = RemoteSuspect { queue, client, since: now };
        let pair = (detection.client, detection.server);
        self.suspects.insert_fairly(pair, suspect, |_, suspect| suspect.client, |_, suspect| suspect.since);
    }

    /// Whether the session of `client` with `server`, on one of these queues, is a suspect still, as far as its loop has
    /// told.
    pub(super) fn suspects(&self, client: &Endpoint, server: &Endpoint) -> bool {
        self.suspects.get(&(*client, *server)).is_some()
    }

    /// Asks each loop about its suspects; to be called once a second.
    ///
    /// # Errors
    /// A loop has ended.
    pub(super) fn tick(&self) -> Result<(), String> {
        for OtherQueue { places, thread, .. } in &self.queues {
            let has_ended = thread.as_ref().is_some_and(JoinHandle::is_finished);
            if has_ended && self.findings.is_empty() {
                return Err(format!("the loop of queue {} has ended", places.queue));
            }
            let own = self.suspects.iter().filter(|(_, suspect)| suspect.queue == places.queue);
            let sessions: Vec<_> = own.map(|(pair, _)| *pair).collect();
            if !sessions.is_empty() {
                places.updates.ask_about(sessions);
            }
        }
        Ok(())
    }

    /// Sum of `own`, which the main loop uses, and what the others do.
    pub(super) fn usage(&self, own: LoopUsage) -> LoopUsage {
        self.queues.iter().map(|queue| queue.places.usage()).fold(own, Sum::plus)
    }

    /// The kernel's counters of their queues.
    pub(super) fn states(&self) -> impl Iterator<Item = QueueState> {
        self.queues.iter().filter_map(|queue| QueueState::read(queue.places.queue))
    }

    /// Waits for the end of the threads, which have been told to stop.
    pub(super) fn join(self) {
        // A loop that waits for room goes on once nothing takes its findings any more.
        drop(self.findings);
        for OtherQueue { places, thread, .. } in self.queues {
            if thread.is_some_and(|thread| thread.join().is_err()) {
                log::error!("the loop of queue {} has panicked", places.queue);
            }
        }
    }
}

impl LoopPlaces {
    fn usage(&self) -> LoopUsage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loop in its thread.
struct QueueThread {
    packets: PacketLoop,
    main: MainEnd,
}

/// A loop's end of the ways to the main thread.
struct MainEnd {
    places: Arc<LoopPlaces>,
    findings: Sender<QueueFinding>,
    bell: UnixStream,
    /// Sessions that the main thread has asked about.
    sessions: Vec<(Endpoint, Endpoint)>,
    /// Findings for which there was no room.
    lost: u32,
}

impl QueueThread {
    fn run(mut self, stop: &StopSignal) {
        match self.watch(stop) {
            Ok(()) => drop(self.packets.close()),
            Err(why) => {
                let why = format!("queue {}: {why}", self.main.places.queue);
                self.main.tell(QueueFinding::Broken(why));
            }
        }
    }

    /// Takes packets until `stop` is readable.
    fn watch(&mut self, stop: &StopSignal) -> Result<(), String> {
        let QueueThread { packets, main } = self;
        let mut is_idle = true;
        loop {
            let patience = if is_idle { TURN_WAIT } else { Duration::ZERO };
            let (has_packets, is_end) =
                wait_for_packets(&packets.queue, stop, patience).map_err(|error| format!("poll: {error}"))?;
            is_idle = !has_packets || packets.take_packets(main)?;
            if is_end {
                return Ok(());
            }
            main.prepare(&mut packets.engine);
            main.answer(packets);
            packets.turned();
            main.counted(|| packets.usage());
        }
    }
}

impl Surroundings for MainEnd {
    fn prepare(&mut self, engine: &mut Engine<TableKey>) {
        let Some(waiting) = self.places.updates.fetch() else { return };
        waiting.updates.into_iter().flatten().for_each(|update| update.apply(engine));
        if !waiting.sessions.is_empty() {
            self.sessions = waiting.sessions;
        }
    }

    fn counted(&mut self, usage: impl FnOnce() -> LoopUsage) {
        // Where the main thread reads it at this moment, the next packet or turn changes it.
        if let Ok(mut place) = self.places.usage.try_lock() {
            *place = LoopUsage { findings_lost: self.lost, ..usage() };
        }
    }

    fn found(&mut self, detection: Detection, _engine: &Engine<TableKey>, _now: Instant) {
        if !self.tell(QueueFinding::Event(self.places.queue, Box::new(detection))) {
            self.lost = self.lost.saturating_add(1);
        }
    }
}

impl MainEnd {
    /// Answers what the main thread has asked about sessions: those that are no suspects any more.
    fn answer(&mut self, packets: &PacketLoop) {
        let now = packets.clock.now();
        for (client, server) in core::mem::take(&mut self.sessions) {
            if !packets.engine.suspects(&client, &server, now) {
                self.tell(QueueFinding::Cleared(client, server));
            }
        }
    }

    fn tell(&self, finding: QueueFinding) -> bool {
        tell(&self.findings, &self.bell, finding)
    }
}

/// Hands `finding` to the main thread; false if it finds no room in time.
fn tell(findings: &Sender<QueueFinding>, mut bell: &UnixStream, finding: QueueFinding) -> bool {
    let mut finding = finding;
    for _ in 0..=FINDING_PATIENCE.as_millis() {
        match findings.try_send(finding) {
            Ok(()) => {
                // A full socket holds bytes enough to wake the main thread.
                let _ = bell.write(&[1]);
                return true;
            }
            Err(NotSent::Full(back)) => finding = back,
            Err(NotSent::Closed(_)) => return false,
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

const THREAD_NAME: &str = "minewall-queue";
