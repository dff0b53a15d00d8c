//! Captures through the engine, on their own time: `minewall replay`.
//!
//! The same [`Engine::handle`] that inspects the live queue inspects the packets of a capture, those that the
//! rule set would have queued ([`kernel`]), and its clock is the time of capture. Each file has an engine of
//! its own, so that captures made at different places don't meet in one flow table; on several queues it has one for
//! each ([`queues`]). Of a pipe, findings are told as they are made, and flows that have ended are counted and forgotten.

pub mod account;
pub(crate) mod bytes;
pub mod capture;
mod engines;
pub(crate) mod finding;
mod input;
pub mod kernel;
pub mod link;
mod progress;
mod queues;
pub mod report;

use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use account::{Account, FlowAccount};
use capture::{Capture, CapturedFrame, Damage, OpenError};
use engines::EngineMaker;
pub use engines::{FixedKey, default_config, engine};
use input::{Input, Opened};
use kernel::KernelModel;
use link::NotIp;
use progress::ReplayProgress;
use queues::QueueShare;
use report::{Format, ReplaySummary, Report, printable};

use crate::config::Config;
use crate::engine::event::Detection;
use crate::engine::{Engine, Packet};
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::{self, Segment};
use crate::util::time::Instant;
use crate::verdict::Reason;

/// Result of a replay; the worst over all captures, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplayOutcome {
    /// Every capture was read to its end.
    Complete,
    /// A capture was damaged or cut short, and was read as far as it goes.
    Damaged,
    /// A capture could not be read at all: missing, not a capture, or of a kind of link that we can't read.
    Unreadable,
}

/// Settings of inspection and report.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Format of the report.
    pub format: Format,
    /// Settings, lists and model, as the daemon takes them.
    pub config: Config,
    /// Whether progress through long files is shown on standard error.
    pub shows_progress: bool,
    /// Queues, each with a thread and an engine; a pipe has one.
    pub queues: usize,
}

/// Replays the captures that `operands` name, and reports to `out`; problems with a capture go to
/// `diagnostics`.
///
/// # Errors
/// Those of writing to `out`, and a model that can't be read; everything else is in the [`ReplayOutcome`].
pub fn run<P: AsRef<Path>>(
    operands: &[P],
    options: &ReplayOptions,
    out: impl Write,
    diagnostics: impl Write,
) -> io::Result<ReplayOutcome> {
    let maker = EngineMaker::new(&options.config).map_err(io::Error::other)?;
    let mut run = Run {
        options,
        maker,
        report: Report::new(out, options.format),
        diagnostics,
        summary: ReplaySummary::default(),
        worst: ReplayOutcome::Complete,
    };
    for operand in operands.iter().map(AsRef::as_ref) {
        match Input::named_by(operand) {
            Ok(inputs) => inputs.iter().try_for_each(|input| run.read(input))?,
            Err(error) => run.complain(operand, ReplayOutcome::Unreadable, &error),
        }
    }
    run.report.summary(&run.summary)?;
    Ok(run.worst)
}

/// A run over several captures.
struct Run<'a, W: Write, D> {
    options: &'a ReplayOptions,
    maker: EngineMaker,
    report: Report<W>,
    diagnostics: D,
    summary: ReplaySummary,
    worst: ReplayOutcome,
}

impl<W: Write, D: Write> Run<'_, W, D> {
    fn complain(&mut self, path: &Path, outcome: ReplayOutcome, what: &dyn core::fmt::Display) {
        // A failure to write to the diagnostics has no other place to be told.
        let _ = writeln!(self.diagnostics, "minewall: {}: {what}", printable(path));
        self.worst = self.worst.max(outcome);
    }

    /// Replays one capture and reports its flows.
    fn read(&mut self, input: &Input) -> io::Result<()> {
        let path = input.path().to_owned();
        let opened = match input.open() {
            Ok(opened) => opened,
            Err(error) => {
                self.complain(&path, ReplayOutcome::Unreadable, &error);
                return Ok(());
            }
        };
        let replayed = match self.replay(&path, input, opened)? {
            Ok(replayed) => replayed,
            Err(OpenError::Damaged(damage)) => Replayed { damage: Some(damage), ..Replayed::default() },
            Err(error) => {
                self.complain(&path, ReplayOutcome::Unreadable, &error);
                return Ok(());
            }
        };
        self.summary.captures += 1;
        self.summary.packets += replayed.packets;
        self.summary.malformed += replayed.malformed;
        self.summary.unsupported += replayed.unsupported;
        self.summary.count(replayed.account.flows());
        if !replayed.was_told {
            self.report.capture(&path, replayed.account.flows())?;
        }
        if replayed.unsupported > 0 {
            let what = format_args!("packets of a link type that is not supported: {}", replayed.unsupported);
            self.complain(&path, ReplayOutcome::Unreadable, &what);
        }
        if let Some(damage) = replayed.damage {
            self.complain(
                &path,
                ReplayOutcome::Damaged,
                &format_args!("damaged: {damage} (read up to there)"),
            );
        }
        Ok(())
    }

    /// Feeds one capture to its engines; of a pipe, each finding is told at once.
    fn replay(
        &mut self,
        path: &Path,
        input: &Input,
        opened: Opened,
    ) -> io::Result<Result<Replayed, OpenError>> {
        let mut progress =
            self.options.shows_progress.then(|| ReplayProgress::through(&printable(path), &opened));
        let is_pipe = opened.length.is_none();
        if !is_pipe && self.options.queues > 1 {
            let leases = &self.options.config.leases_files;
            let queues = self.options.queues;
            return Ok(queues::replay(input, opened, queues, &self.maker, leases, progress.flatten()));
        }
        let mut capture = match Capture::open(opened.source) {
            Ok(capture) => capture,
            Err(error) => return Ok(Err(error)),
        };
        let mut replay = Replay::new(self.maker.engine());
        replay.replayed.account.leases = self.options.config.leases_files.clone();
        let mut count = 0_u32;
        let damage = loop {
            let frame = match capture.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break None,
                Err(damage) => break Some(damage),
            };
            match replay.frame(&frame) {
                Some(detection) if is_pipe => {
                    self.report.event(path, &detection, &self.options.config.leases_files)?;
                }
                _ => {}
            }
            count = count.wrapping_add(1);
            if count.is_multiple_of(FRAMES_A_TURN) {
                if let Some(Some(progress)) = &mut progress {
                    progress.show();
                }
                if is_pipe {
                    let ended = replay.take_idle(self.options.config.flow_idle);
                    self.summary.count(ended.iter().filter(|flow| flow.has_payload()));
                }
            }
        };
        if let Some(Some(progress)) = progress {
            progress.end();
        }
        Ok(Ok(Replayed { damage, was_told: is_pipe, ..replay.finish() }))
    }
}

/// Contents of a capture.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Flows of the capture; of a pipe, those that had not ended.
    pub account: Account,
    /// Number of packets of all kinds.
    pub packets: u64,
    /// Packets with a header that contradicts itself or ends early.
    pub malformed: u64,
    /// Packets of a kind of link that we can't read.
    pub unsupported: u64,
    /// Why it was not read to its end.
    pub damage: Option<Damage>,
    /// Findings have been reported one by one.
    was_told: bool,
}

/// Replays one capture through `engine`, which has seen no other.
///
/// # Errors
/// [`OpenError`], if there is no packet to be had from `source`.
pub fn replay<S: BuildHasher + Clone>(engine: Engine<S>, source: impl Read) -> Result<Replayed, OpenError> {
    let mut capture = Capture::open(source)?;
    let mut replay = Replay::new(engine);
    let damage = loop {
        match capture.next_frame() {
            Ok(Some(frame)) => drop(replay.frame(&frame)),
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
    };
    Ok(Replayed { damage, ..replay.finish() })
}

/// A replay under way: an engine, what the kernel would do for it, and the account of both.
#[derive(Debug)]
pub struct Replay<S> {
    engine: Engine<S>,
    kernel: KernelModel,
    replayed: Replayed,
    unanswered: Vec<Held>,
    /// Time of the latest frame.
    latest: Instant,
    /// The packets that are this replay's, of those of the capture.
    share: QueueShare,
}

/// A packet of a connection joined midway whose other end was not seen yet.
#[derive(Debug)]
struct Held {
    key: FiveTuple,
    bytes: Box<[u8]>,
    hw_addr: Option<[u8; 6]>,
    at: Instant,
    /// Number of its frame.
    frame: u64,
}

/// Such packets, of all connections together, that are held; of more the connection is inspected as far as it is seen.
const UNANSWERED: usize = 1_024;

impl<S: BuildHasher + Clone> Replay<S> {
    /// A replay through `engine`, which has seen nothing yet.
    pub fn new(engine: Engine<S>) -> Self {
        Replay {
            engine,
            kernel: KernelModel::default(),
            replayed: Replayed::default(),
            unanswered: Vec::new(),
            latest: Instant::default(),
            share: QueueShare::default(),
        }
    }

    /// The same, of the packets of one queue.
    fn of_queue(engine: Engine<S>, share: QueueShare) -> Self {
        Replay { share, ..Replay::new(engine) }
    }

    /// Takes the next captured frame, and returns what it gave away.
    pub fn frame(&mut self, frame: &CapturedFrame<'_>) -> Option<Detection> {
        self.replayed.packets += 1;
        self.replayed.account.frame = (self.replayed.packets, 0);
        self.latest = self.latest.max(frame.at);
        let mut detection = None;
        match link::ip_packet(frame.link, frame.bytes) {
            Ok(packet) if self.share.takes(packet.bytes) => self.packet(&packet, frame.at, &mut detection),
            Ok(_) => {}
            Err(NotIp::OtherProtocol) => {}
            Err(NotIp::Malformed) => self.replayed.malformed += 1,
            Err(NotIp::UnsupportedLink) => self.replayed.unsupported += 1,
        }
        // A detection is large, and most packets have none.
        detection.as_ref()?;
        detection
    }

    fn packet(&mut self, packet: &Packet<'_>, at: Instant, detection: &mut Option<Detection>) {
        let segment = match packet::parse(packet.bytes) {
            Ok(segment) => segment,
            Err(why) => {
                let _ = self.engine.handle_read(packet, Err(why), at);
                return;
            }
        };
        let length = packet.bytes.len() - segment.payload.len() + segment.payload_len as usize;
        let key = FiveTuple::new(segment.src, segment.dst);
        let shown = self.kernel.queues(&key, &segment, length, at);
        if shown.reopens {
            self.replayed.account.reopen(&key);
        }
        if shown.awaits_answer && self.unanswered.len() < UNANSWERED {
            let (bytes, hw_addr, frame) = (packet.bytes.into(), packet.hw_addr, self.replayed.packets);
            let held = Held { key, bytes, hw_addr, at, frame };
            self.unanswered.push(held);
            return;
        }
        if shown.releases {
            let (answered, others): (Vec<_>, Vec<_>) =
                core::mem::take(&mut self.unanswered).into_iter().partition(|held| held.key == key);
            self.unanswered = others;
            for held in answered {
                let packet = link::captured(&held.bytes, held.hw_addr);
                let Ok(segment) = packet::parse(&held.bytes) else { continue };
                self.inspect(&packet, &key, &segment, Some(Reason::Payload), held.at, detection);
            }
        }
        self.inspect(packet, &key, &segment, shown.reason, at, detection);
    }

    /// Takes out the flows that have been silent for `idle`.
    fn take_idle(&mut self, idle: Duration) -> Vec<FlowAccount> {
        let before = self.latest.micros().saturating_sub(idle.as_micros() as u64);
        let flows = self.replayed.account.take_idle(Instant::from_micros(before));
        flows.iter().for_each(|flow| self.kernel.forget(&FiveTuple::new(flow.client, flow.server)));
        flows
    }

    /// Hands a packet to the engine, if the kernel queues it, and enters the result.
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        key: &FiveTuple,
        segment: &Segment<'_>,
        reason: Option<Reason>,
        at: Instant,
        detection: &mut Option<Detection>,
    ) {
        let Some(reason) = reason else {
            self.replayed.account.pass(key, segment, at);
            return;
        };
        let handled = self.engine.handle_read(&Packet { reason, ..*packet }, Ok(*segment), at);
        self.kernel.decide(key, &handled.verdict);
        let session = self.engine.flow(key);
        self.replayed.account.enter(key, segment, session, handled.event.as_ref(), at);
        if let Some(event) = handled.event {
            *detection = Some(event);
        }
    }

    /// The result.
    pub fn finish(mut self) -> Replayed {
        for held in core::mem::take(&mut self.unanswered) {
            let packet = link::captured(&held.bytes, held.hw_addr);
            // Flows that begin here come behind all others.
            self.replayed.account.frame = (u64::MAX, held.frame);
            if let Ok(segment) = packet::parse(&held.bytes) {
                self.inspect(&packet, &held.key, &segment, None, held.at, &mut None);
            }
        }
        self.replayed.malformed += self.engine.counters().malformed;
        self.replayed
    }
}

/// Frames between two looks at progress and ended flows.
const FRAMES_A_TURN: u32 = 1 << 14;
