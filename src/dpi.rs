//! Step 4: what the bytes of a flow say.
//!
//! The DPI reads the byte stream of both directions, in order, and answers three ways:
//! [`Answer::NeedMore`], [`Answer::NoMatch`], [`Answer::Match`]. It keeps 20 bytes a flow. Bytes that wait
//! for the rest of their message are the caller's to hold ([`crate::flow::reassembly`]).

mod framing;
pub mod noise;
pub mod target;

pub mod dialect;
pub mod finding;
pub mod hearing;

use crate::limits::ASSEMBLY_BYTES;
use crate::net::direction::Direction;
use crate::parse::dns::Resolution;
use dialect::{Context, Dialect, Dialogue};
use finding::Finding;
use framing::{Framing, Reader};
use target::Naming;

/// What the DPI knows of one flow.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// How the bytes become messages.
    framing: Framing,
    /// What the messages so far have shown.
    dialogue: Dialogue,
}

const _: () = assert!(size_of::<Inspection>() <= 20);

/// What is known of the beginning of a flow that can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// HTTP, or TLS whose client offers it (ALPN, RFC 7301).
    pub web: bool,
    /// HTTP that was left for WebSocket.
    pub websocket: bool,
    /// The server spoke first. Inside TLS nobody can tell.
    pub server_first: bool,
    /// 64 bytes without a sense were answered with 234, as the handshake of Stratum V2.
    pub noise: bool,
}

/// The answer to some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing decided; more bytes may.
    NeedMore,
    /// This is no mining protocol in the clear; more bytes won't change that.
    NoMatch,
    /// Proof. What it consists of is in [`Dpi::finding`].
    Match,
}

/// What became of the bytes that were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Leading bytes that are done with; the others are to be offered again with what follows them.
    pub consumed: usize,
    /// What they said.
    pub answer: Answer,
}

/// The working memory of the DPI; one serves all flows.
#[derive(Debug)]
pub struct Dpi {
    /// The index of the JSON message at hand.
    tape: crate::parse::json::Tape,
    /// The payload of the frames or chunks at hand, put together.
    scratch: Scratch,
    /// What the latest [`Answer::Match`] consists of.
    pub finding: Finding,
    /// How a client has named its server in what was read last; to be taken.
    pub naming: Option<Naming>,
    /// What a name server has answered in what was read last; to be taken.
    pub resolution: Option<Resolution>,
}

impl Default for Dpi {
    fn default() -> Self {
        let scratch = Scratch(Vec::with_capacity(ASSEMBLY_BYTES));
        Dpi {
            tape: crate::parse::json::Tape::default(),
            scratch,
            finding: Finding::default(),
            naming: None,
            resolution: None,
        }
    }
}

/// Up to [`ASSEMBLY_BYTES`] of payload. It is moved out of the [`Dpi`] while in use, which leaves one
/// without memory behind; so it never allocates but once.
#[derive(Debug, Default)]
pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Appends `bytes` as far as there is room.
    pub(crate) fn extend(&mut self, bytes: impl Iterator<Item = u8>) {
        let room = ASSEMBLY_BYTES.saturating_sub(self.0.len());
        self.0.extend(bytes.take(room));
    }
}

impl Inspection {
    /// Begins a flow that is seen from its first byte (`true`) or joined midway (`false`).
    pub fn begin(from_start: bool) -> Self {
        Inspection { framing: Framing::begin(from_start), dialogue: Dialogue::default() }
    }

    /// Reads `bytes`: what was left over of `direction`, followed by its next bytes.
    pub fn offer(&mut self, dpi: &mut Dpi, direction: Direction, bytes: &[u8]) -> Offer {
        self.read(dpi, direction, bytes, false)
    }

    /// Reads `bytes` as [`Inspection::offer`] does, but none of them can be held for later: an
    /// unfinished message is read as far as it goes, and its rest passed over when it comes. All bytes
    /// are consumed.
    pub fn overflow(&mut self, dpi: &mut Dpi, direction: Direction, bytes: &[u8]) -> Offer {
        self.read(dpi, direction, bytes, true)
    }

    /// The next `missing` bytes of `direction` will never come; goes on with the next message that can
    /// be found. What was left over before them is to be discarded, or given to
    /// [`Inspection::overflow`] first.
    pub fn gap(&mut self, direction: Direction, missing: u32) {
        self.framing.gap(direction, missing);
    }

    /// Whether the next bytes of `direction` are of any use to the DPI; not when it is encrypted,
    /// say. A caller need not hold such bytes back to bring them in order.
    pub fn wants(&self, direction: Direction) -> bool {
        self.framing.wants(direction)
    }

    /// Whether no byte of the flow is of any use any more: it is encrypted, or another protocol.
    pub fn is_opaque(&self) -> bool {
        !self.wants(Direction::ToServer) && !self.wants(Direction::ToClient)
    }

    /// Whether the flow is TLS; unknown if its beginning was not seen or has not come.
    pub fn is_tls(&self) -> Option<bool> {
        self.framing.is_tls()
    }

    /// Whether it goes through a proxy: what the client says is meant for another server than the flow's.
    pub fn is_tunnelled(&self) -> bool {
        self.framing.is_tunnelled()
    }

    /// Whether anything pointed to mining, short of proof. Such a flow is spared by eviction.
    pub fn has_evidence(&self) -> bool {
        self.framing.has_evidence() || self.dialogue.has_evidence()
    }

    /// Whether the two ends talk with each other and nobody else: not through a proxy or a web server, which
    /// others may share, as far as can be seen from the connection's first byte on.
    pub fn is_direct(&self) -> bool {
        self.framing.is_direct()
    }

    /// How it began, as far as that was seen.
    pub fn wire(&self) -> Wire {
        self.framing.wire()
    }

    /// The dialect that its messages point to, short of proof.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialogue.dialect()
    }

    fn read(&mut self, dpi: &mut Dpi, direction: Direction, bytes: &[u8], last_chance: bool) -> Offer {
        let mut scratch = core::mem::take(&mut dpi.scratch);
        let mut reader = Ear::Flow(DialogueReader { dialogue: &mut self.dialogue, dpi });
        let offer = self.framing.offer(&mut scratch, &mut reader, direction, bytes, last_chance);
        dpi.scratch = scratch;
        offer
    }
}

/// Who listens. One type for both, so that the framing is in the program once.
enum Ear<'a> {
    Flow(DialogueReader<'a>),
    Probe(hearing::Listener<'a>),
}

impl Reader for Ear<'_> {
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer {
        match self {
            Ear::Flow(reader) => reader.message(context, message),
            Ear::Probe(listener) => listener.message(context, message),
        }
    }

    fn stratum_v2(&mut self) {
        match self {
            Ear::Flow(reader) => reader.stratum_v2(),
            Ear::Probe(listener) => listener.stratum_v2(),
        }
    }

    fn named(&mut self, naming: Naming) {
        match self {
            Ear::Flow(reader) => reader.named(naming),
            Ear::Probe(listener) => listener.named(naming),
        }
    }

    fn resolved(&mut self, message: &[u8]) {
        match self {
            Ear::Flow(reader) => reader.resolved(message),
            Ear::Probe(listener) => listener.resolved(message),
        }
    }
}

/// Hands messages to the flow's dialogue.
struct DialogueReader<'a> {
    dialogue: &'a mut Dialogue,
    dpi: &'a mut Dpi,
}

impl Reader for DialogueReader<'_> {
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer {
        self.dialogue.read(self.dpi, context, message)
    }

    fn stratum_v2(&mut self) {
        let mut finding = Finding { dialect: Some(Dialect::StratumV2), ..Finding::default() };
        // Shorter than its room.
        let _ =
            finding.evidence.push_str("Noise handshake (64 and 234 bytes) and a first frame from the client");
        self.dpi.finding = finding;
    }

    fn named(&mut self, naming: Naming) {
        self.dpi.naming = Some(naming);
    }

    fn resolved(&mut self, message: &[u8]) {
        self.dpi.resolution = Resolution::read(message).ok().or(self.dpi.resolution.take());
    }
}
