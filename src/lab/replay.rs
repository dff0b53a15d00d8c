//! Captures through the engine, on their own time: `minewall replay`.
//!
//! The same [`Engine::handle`] that judges the live queue judges the packets of a file, those that the
//! rule set would have queued ([`kernel`]), and its clock is the time of capture. Each file has an engine of its own, so that captures made at
//! different places don't meet in one flow table.

pub mod account;
pub mod bytes;
pub mod capture;
pub mod kernel;
pub mod link;
pub mod report;

use std::fs::File;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Read, Write};
use std::path::Path;

use account::Account;
use capture::{Capture, Damage, Frame, OpenError};
use kernel::Kernel;
use link::NotIp;
use report::{Format, Report, Summary, printable};

use crate::config::Config;
use crate::engine::{Engine, Layer, Packet, Settings};
use crate::hmm::model::Model;
use crate::intel::builtin;
use crate::net::packet;
use crate::util::time::Instant;

/// How a replay went; the worst over all files, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every file was read to its end.
    Complete,
    /// A file was damaged or cut short, and was read as far as it goes.
    Damaged,
    /// A file could not be read at all: missing, not a capture, or of a kind of link that we can't read.
    Unreadable,
}

/// Replays each of `paths` and reports to `out`; what is wrong with a file is told to `diagnostics`.
///
/// # Errors
/// Those of writing to `out`; everything else is in the [`Outcome`].
pub fn run<P: AsRef<Path>>(
    paths: &[P],
    format: Format,
    out: impl Write,
    mut diagnostics: impl Write,
) -> io::Result<Outcome> {
    let mut report = Report::new(out, format);
    let mut summary = Summary::default();
    let mut worst = Outcome::Complete;
    for path in paths.iter().map(AsRef::as_ref) {
        let mut complain = |what: &dyn core::fmt::Display| {
            // Nobody is left to be told if this fails.
            let _ = writeln!(diagnostics, "minewall: {}: {what}", printable(path));
        };
        let replayed = match File::open(path) {
            Ok(file) => replay(engine(Config::default().max_flows), file),
            Err(error) => {
                complain(&error);
                worst = worst.max(Outcome::Unreadable);
                continue;
            }
        };
        let replayed = match replayed {
            Ok(replayed) => replayed,
            Err(OpenError::Damaged(damage)) => Replayed { damage: Some(damage), ..Replayed::default() },
            Err(error) => {
                complain(&error);
                worst = worst.max(Outcome::Unreadable);
                continue;
            }
        };
        summary.captures += 1;
        summary.packets += replayed.packets;
        summary.malformed += replayed.malformed;
        summary.unsupported += replayed.unsupported;
        summary.count(replayed.account.flows());
        report.capture(path, replayed.account.flows())?;
        if replayed.unsupported > 0 {
            complain(&format_args!("{} packets of a link type that is not supported", replayed.unsupported));
            worst = worst.max(Outcome::Unreadable);
        }
        if let Some(damage) = replayed.damage {
            complain(&format_args!("damaged: {damage} (read up to there)"));
            worst = worst.max(Outcome::Damaged);
        }
    }
    report.summary(&summary)?;
    Ok(worst)
}

/// What a capture held.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Its flows.
    pub account: Account,
    /// Its packets, of whatever kind.
    pub packets: u64,
    /// Packets with a header that contradicts itself or ends early.
    pub malformed: u64,
    /// Packets of a kind of link that we can't read.
    pub unsupported: u64,
    /// Why it was not read to its end.
    pub damage: Option<Damage>,
}

/// An engine as the default configuration makes it, the built-in list of pools included, except that its
/// hash key is fixed: the same capture is judged the same way every time.
///
/// # Panics
/// If the model that is part of the program can't be read, which a test rules out.
pub fn engine(max_flows: usize) -> Engine<FixedKey> {
    let model = Model::embedded().expect("the model is part of the program");
    let mut engine = Engine::new(Settings::from(&Config::default()), model, max_flows, FixedKey::default());
    engine.replace_intel(Layer::Lists, Some(builtin::pools()));
    engine
}

/// A keyed hash whose key is not drawn.
pub type FixedKey = BuildHasherDefault<DefaultHasher>;

/// Replays one capture through `engine`, which has seen no other.
///
/// # Errors
/// [`OpenError`], if there is no packet to be had from `source`.
pub fn replay<S: BuildHasher + Clone>(engine: Engine<S>, source: impl Read) -> Result<Replayed, OpenError> {
    let mut capture = Capture::open(source)?;
    let mut replay = Replay::new(engine);
    let damage = loop {
        match capture.next_frame() {
            Ok(Some(frame)) => replay.frame(&frame),
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
    kernel: Kernel,
    replayed: Replayed,
}

impl<S: BuildHasher + Clone> Replay<S> {
    /// A replay through `engine`, which has seen nothing yet.
    pub fn new(engine: Engine<S>) -> Self {
        Replay { engine, kernel: Kernel::default(), replayed: Replayed::default() }
    }

    /// The next captured frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.replayed.packets += 1;
        match link::ip_packet(frame.link, frame.bytes) {
            Ok(packet) => self.packet(&packet, frame.at),
            Err(NotIp::OtherProtocol) => {}
            Err(NotIp::Malformed) => self.replayed.malformed += 1,
            Err(NotIp::UnsupportedLink) => self.replayed.unsupported += 1,
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, at: Instant) {
        let Ok(segment) = packet::parse(packet.bytes) else {
            self.engine.handle(packet, at);
            return;
        };
        let length = packet.bytes.len() - segment.payload.len() + segment.payload_len as usize;
        if !self.kernel.queues(&segment, length, at) {
            self.replayed.account.pass(&segment, at);
            return;
        }
        let handled = self.engine.handle(packet, at);
        self.kernel.decide(&segment, &handled.verdict);
        let detection = self.engine.poll_event();
        let record = self.engine.flow(&segment);
        self.replayed.account.enter(&segment, handled.opened, record, detection.as_ref(), at);
    }

    /// What it came to.
    pub fn finish(mut self) -> Replayed {
        self.replayed.malformed += self.engine.counters().malformed;
        self.replayed
    }
}
