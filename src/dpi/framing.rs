//! Framing: from the bytes of a flow to messages.
//!
//! Each direction is in one [`Layer`] at a time, named for what it awaits. A message that is half read stands in a
//! draft ([`super::drafts`]); only handshakes leave bytes with the caller, which offers them again with what
//! follows. What makes no sense is passed over up to the next place where a message may begin, and from then on
//! both ends have to prove what they are. Nothing is given up but what is known to be encrypted.

mod first;
mod flags;
mod grpc;
mod handshake;
mod http;
mod layer;
mod step;
mod text;
mod websocket;

use flags::{
    BROKEN, CLIENT, CLIENT_SHIFT, DEPTH, GRPC, HTTP, MIDWAY, NOISE, REST, SERVER_FIRST, SPOKE, TARGET, TLS,
    TURN, UNREADABLE, WEB, WEBSOCKET,
};
use layer::Layer;
pub(super) use step::{Found, Step};

use super::drafts::{Draft, Drafts, Handle};
use super::naming::Naming;
use super::signatures::compile::program::carrier;
use super::{TlsClient, Wire};
use crate::limits::{ASSEMBLY_BYTES, SV2_SERVER_HELLO};
use crate::net::direction::Direction;
use crate::parse::http::PendingRequests;
use crate::parse::socks;
use crate::parse::words::Words;

/// State of both directions of a flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Framing {
    /// Bytes per direction that are left of a body, a chunk or a frame.
    pending: [u32; 2],
    /// The half-read message of each direction.
    drafts: [Handle; 2],
    /// Layer of each direction.
    layers: [Layer; 2],
    /// Facts about the flow.
    flags: u32,
    /// HTTP requests without a response yet.
    asked: PendingRequests,
}

const _: () = assert!(size_of::<Framing>() <= 24);

/// What a step works with: direction, half-read message, known words.
struct StepContext<'d> {
    direction: Direction,
    draft: &'d mut Draft,
    words: &'d Words,
}

impl Framing {
    /// A flow that is seen from its first byte (`true`) or joined midway (`false`).
    pub(super) fn begin(from_start: bool) -> Self {
        if from_start {
            return Framing::default();
        }
        Framing { layers: [Layer::Text; 2], flags: BROKEN[0] | BROKEN[1] | MIDWAY, ..Framing::default() }
    }

    /// The draft with which `direction` goes on.
    pub(super) fn open(&self, drafts: &mut Drafts, direction: Direction) -> usize {
        drafts.open(self.drafts[direction as usize])
    }

    /// Ends the reading of a segment with draft `at`.
    pub(super) fn close(&mut self, drafts: &mut Drafts, direction: Direction, at: usize, owner: u32) {
        let needs = matches!(
            self.layer(direction),
            Layer::HttpHead
                | Layer::HttpBody
                | Layer::HttpChunk
                | Layer::HttpTrailer
                | Layer::FrameData
                | Layer::GrpcData
        );
        if drafts.get(at).is_some_and(|draft| draft.lines.passes_over_line()) {
            self.flags |= REST[direction as usize];
        }
        let handle = &mut self.drafts[direction as usize];
        *handle = drafts.close(at, *handle, owner, needs);
    }

    /// Copies of the drafts, for a flow that is read in two ways.
    pub(super) fn fork(&self, drafts: &mut Drafts, owner: u32) -> Framing {
        Framing { drafts: self.drafts.map(|handle| drafts.copy(handle, owner)), ..self.clone() }
    }

    /// Gives the drafts back.
    pub(super) fn release(&self, drafts: &mut Drafts) {
        for handle in self.drafts {
            drafts.release(handle);
        }
    }

    /// Reads `bytes` of `direction` up to the end of the next thing that is found. `is_first` bytes begin a segment.
    pub(super) fn step<'b>(
        &mut self,
        draft: &mut Draft,
        words: &Words,
        direction: Direction,
        bytes: &'b [u8],
        is_first: bool,
    ) -> Step<'b> {
        if is_first {
            self.begin_segment(draft, direction, bytes);
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty() || self.is_due(direction)) {
            let mut context = StepContext { direction, draft, words };
            let step = self.layer_step(&mut context, rest, is_first && at == 0);
            at += step.len;
            // Looked at in its place: a name is large, and is moved only where there is one.
            match &step.found {
                // More than any handshake has.
                Found::Nothing if step.waits && rest.len() >= ASSEMBLY_BYTES => self.resume(&mut context),
                Found::Nothing if step.waits => return Step { len: at, ..Step::wait() },
                Found::Nothing => {}
                Found::Message(over) => return Step::found(at, Found::Message(*over)),
                Found::OpenLine => return Step::found(at, Found::OpenLine),
                _ => return Step::found(at, step.found),
            }
        }
        Step::done(at)
    }

    /// `missing` bytes of `direction` will never come.
    pub(super) fn gap(&mut self, drafts: &mut Drafts, direction: Direction, missing: u32) {
        let (layer, pending) = (self.layer(direction), self.pending(direction));
        if layer == Layer::Opaque {
            return;
        }
        drafts.release(core::mem::take(&mut self.drafts[direction as usize]));
        self.flags |= BROKEN[direction as usize] | MIDWAY;
        match layer {
            // The rest is as long as it was.
            Layer::HttpBody | Layer::FrameData | Layer::GrpcData if pending >= missing => {
                self.set_pending(direction, pending - missing);
                let layer =
                    if layer == Layer::HttpBody && pending > missing { Layer::HttpBody } else { layer };
                self.set_layer(direction, layer);
            }
            Layer::Dns if pending >= missing => self.set_pending(direction, pending - missing),
            Layer::ClientHello
            | Layer::Setup
            | Layer::SetupReceived
            | Layer::SetupSuccess
            | Layer::TlsHello => {
                self.set_pending(direction, 0);
                self.flags |= UNREADABLE[direction as usize];
                self.set_layer(direction, Layer::Text);
            }
            _ => {
                self.set_pending(direction, 0);
                self.set_layer(direction, Layer::Text);
                self.flags |= REST[direction as usize];
            }
        }
    }

    /// Ends the message that `direction` has brought last, after it was read.
    pub(super) fn end_message(&self, draft: &mut Draft, direction: Direction, over: u16) {
        match over {
            carrier::HTTP | carrier::FORM if self.layer(direction) == Layer::Text => draft.reset(),
            carrier::GRPC if draft.missing == 0 => draft.bytes.clear(),
            carrier::CSV => draft.lines.reset(),
            _ => {}
        }
    }

    /// Whether the first bytes of a turn in `draft` are all that signatures look at.
    pub(super) fn is_turn_full(draft: &Draft) -> bool {
        draft.bytes.len() >= text::BINARY_BYTES
    }

    /// Whether something ends without a byte of its own.
    fn is_due(&self, direction: Direction) -> bool {
        self.pending(direction) == 0
            && matches!(self.layer(direction), Layer::HttpBody | Layer::FrameData | Layer::GrpcData)
    }

    /// Whether the next bytes of `direction` are of any use.
    pub(super) fn wants(&self, direction: Direction) -> bool {
        self.layer(direction) != Layer::Opaque
    }

    /// Whether no message can be read in the flow as it is now.
    pub(super) fn is_opaque(&self) -> bool {
        self.flags & (TLS | UNREADABLE[0] | UNREADABLE[1]) != 0 || self.layers == [Layer::Opaque; 2]
    }

    /// The state after bytes of both ends have passed unseen. HTTP is taken to go on.
    pub(super) fn begin_again(&self) -> Self {
        let http = if self.is_http() { HTTP[0] | HTTP[1] } else { 0 };
        let framing = Framing::begin(false);
        Framing { flags: framing.flags | http, ..framing }
    }

    /// Whether a proxy has been entered: what the client says is meant for another server than the flow's.
    pub(super) fn is_tunnelled(&self) -> bool {
        self.flags & DEPTH > 0
    }

    /// Notes that the client has asked a proxy for another server.
    pub(super) fn note_target(&mut self) {
        self.flags |= TARGET;
    }

    /// Whether the client has asked a proxy for another server.
    pub(super) fn names_target(&self) -> bool {
        self.flags & TARGET != 0
    }

    /// Whether the flow is TLS; unknown if its beginning was not seen or has not come.
    pub(super) fn is_tls(&self) -> Option<bool> {
        match (self.flags & (MIDWAY | TLS), self.layer(Direction::ToServer)) {
            (flags, _) if flags & TLS > 0 => Some(true),
            (0, layer) if !matches!(layer, Layer::FirstBytes | Layer::TlsHello) => Some(false),
            _ => None,
        }
    }

    /// Whether a Stratum V2 handshake lacks only its last messages.
    pub(super) fn has_evidence(&self) -> bool {
        OF_NOISE.contains(&self.layer(Direction::ToClient))
    }

    /// Whether neither a proxy nor HTTP carries the flow, seen from its start.
    pub(super) fn is_direct(&self) -> bool {
        self.flags & (DEPTH | MIDWAY | TLS | WEB | GRPC | BROKEN[0] | BROKEN[1]) == 0
    }

    /// Beginning of the flow.
    pub(super) fn wire(&self) -> Wire {
        let has = |flag| self.flags & flag > 0;
        Wire {
            web: has(WEB),
            websocket: has(WEBSOCKET),
            server_first: has(SERVER_FIRST),
            noise: has(NOISE) || self.layers.iter().any(|layer| OF_NOISE.contains(layer)),
            tls_client: has(TLS).then_some(match (self.flags & CLIENT) >> CLIENT_SHIFT {
                0 => TlsClient::Bare,
                1 => TlsClient::Named,
                2 => TlsClient::Negotiates,
                _ => TlsClient::Greases,
            }),
        }
    }

    /// Whether `direction` was heard from its first byte and said nothing but messages. A message behind HTTP in the
    /// same direction has something before it, unless HTTP carries it.
    pub(super) fn is_whole(&self, direction: Direction, over_http: bool) -> bool {
        let at = direction as usize;
        self.flags & BROKEN[at] == 0
            && (over_http || self.flags & HTTP[at] == 0 || self.flags & WEBSOCKET > 0)
    }

    /// Notes that a message of `direction` could be read.
    pub(super) fn note_message(&mut self, direction: Direction) {
        self.flags &= !UNREADABLE[direction as usize];
    }

    /// Notes that what `direction` has said last makes no sense so far.
    pub(super) fn note_unreadable(&mut self, direction: Direction) {
        self.flags |= UNREADABLE[direction as usize];
    }

    /// Notes that something in `direction` made no sense.
    pub(super) fn note_nonsense(&mut self, direction: Direction) {
        self.flags |= BROKEN[direction as usize] | UNREADABLE[direction as usize];
    }

    fn layer_step<'b>(
        &mut self,
        context: &mut StepContext<'_>,
        bytes: &'b [u8],
        begins_segment: bool,
    ) -> Step<'b> {
        let direction = context.direction;
        match self.layer(direction) {
            Layer::FirstBytes => self.first_bytes(context, bytes),
            Layer::Text => self.text(context, bytes, begins_segment),
            Layer::HttpHead => self.http_head(context, bytes),
            Layer::HttpBody => self.http_body(context, bytes),
            Layer::HttpChunk => self.http_chunk(context, bytes),
            Layer::HttpTrailer => self.http_trailer(context, bytes),
            Layer::Frame => self.frame(context, bytes),
            Layer::FrameData => self.frame_data(context, bytes),
            Layer::Grpc => self.grpc_frame(context, bytes),
            Layer::GrpcData => self.grpc_data(context, bytes),
            Layer::Socks5Request => {
                let step = self.socks_step(context, socks::request(bytes), Layer::Socks5Request);
                match socks::target(bytes).filter(|_| !step.waits) {
                    Some(target) => Step::found(step.len, Found::Named(Naming::Proxy(target))),
                    None => step,
                }
            }
            Layer::Socks5Method => self.socks_step(context, socks::method(bytes), Layer::Socks5Reply),
            Layer::Socks5Reply => self.socks_step(context, socks::reply(bytes), Layer::Socks5Reply),
            Layer::Socks4Reply => self.socks_step(context, socks::reply_4(bytes), Layer::Text),
            Layer::Dns => self.dns(context, bytes),
            Layer::TlsHello => self.tls_hello(context, bytes),
            Layer::ClientHello => self.client_hello(context, bytes),
            Layer::Setup => self.setup(context, bytes),
            // The server has had its turn; the client's comes first.
            Layer::SetupReceived if bytes.len() <= SV2_SERVER_HELLO => Step::wait(),
            Layer::SetupReceived => {
                self.resume(context);
                Step::done(0)
            }
            Layer::SetupSuccess => self.setup_success(context, bytes),
            Layer::Opaque => Step::done(bytes.len()),
        }
    }

    /// A segment of `direction` begins.
    fn begin_segment(&mut self, draft: &mut Draft, direction: Direction, bytes: &[u8]) {
        let (at, other) = (direction as usize, direction.reverse() as usize);
        if self.flags & REST[at] != 0 {
            self.flags &= !REST[at];
            draft.lines.pass_over_line();
        }
        if self.flags & SPOKE[other] != 0 {
            // The other end's turn was in between: a line that it had not ended was one all the same, and where not all
            // made sense a value may have been none.
            self.flags &= !SPOKE[other];
            let is_text = self.layer(direction) == Layer::Text;
            if draft.lines.is_in_line() && is_text {
                draft.lines.reset();
            }
            let is_doubtful = draft.lines.is_in_value() && self.flags & BROKEN[at] != 0;
            if is_doubtful && is_text && bytes.first() == Some(&b'{') {
                draft.lines.pass_over_line();
            }
        }
        if self.flags & SPOKE[at] == 0 {
            self.flags |= SPOKE[at] | TURN[at];
            if matches!(self.layer(direction), Layer::Text | Layer::FirstBytes) {
                draft.bytes.clear();
            }
        }
    }

    /// Goes on with the next message that begins, as in a flow joined midway.
    fn resume(&mut self, context: &mut StepContext<'_>) {
        self.note_nonsense(context.direction);
        context.draft.reset();
        self.set_pending(context.direction, 0);
        self.set_layer(context.direction, Layer::Text);
    }

    /// Ends the reading of both directions.
    fn give_up(&mut self) {
        self.layers = [Layer::Opaque; 2];
        self.pending = [0; 2];
    }

    fn layer(&self, direction: Direction) -> Layer {
        self.layers[direction as usize]
    }

    fn set_layer(&mut self, direction: Direction, layer: Layer) {
        self.layers[direction as usize] = layer;
    }

    fn enter(&mut self, direction: Direction, layer: Layer) -> Step<'static> {
        self.set_layer(direction, layer);
        Step::done(0)
    }

    fn pending(&self, direction: Direction) -> u32 {
        self.pending[direction as usize]
    }

    fn set_pending(&mut self, direction: Direction, bytes: u32) {
        self.pending[direction as usize] = bytes;
    }
}

const OF_NOISE: [Layer; 2] = [Layer::SetupReceived, Layer::SetupSuccess];

#[cfg(test)]
mod tests;
