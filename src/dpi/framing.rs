//! How the bytes of a flow become messages.
//!
//! Each direction is in one [`Layer`] at a time, named for what it awaits. The bytes of an
//! unfinished message stay with the caller and are offered again, so nothing is copied or kept here
//! but a counter; what a layer needs to know of a message it reads from the message itself.
//! Something that is no known protocol makes the whole flow opaque.

mod first;
mod grpc;
mod handshake;
mod http;
mod websocket;

use super::dialect::{Context, HttpHead};
use super::target::Naming;
use super::{Answer, Offer, Scratch, Wire};
use crate::limits::{ASSEMBLY_BYTES, PROXY_DEPTH};
use crate::net::direction::Direction;
use crate::parse::http::Asked;
use crate::parse::lines::{self, Fit, Line, Tail};
use crate::parse::socks;

/// Who reads the messages.
pub trait Reader {
    /// Reads one message.
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer;
    /// Notes that a Stratum V2 handshake has been completed, which leaves no message to read.
    fn stratum_v2(&mut self);
    /// Notes whom the client has named as its server.
    fn named(&mut self, naming: Naming);
    /// Reads what a name server answers.
    fn resolved(&mut self, message: &[u8]);
}

/// Where both directions of a flow stand.
#[derive(Clone, Debug, Default)]
pub struct Framing {
    /// Bytes per direction to pass over unread (the rest of a body or a frame); in
    /// [`Layer::FrameRest`] the payload bytes that have been read already.
    pending: [u32; 2],
    /// How each direction is read.
    layers: [Layer; 2],
    /// HTTP requests without a response yet.
    asked: Asked,
    /// Proxies entered so far, [`MIDWAY`], [`TLS`], and what [`Wire`] tells.
    flags: u8,
}

/// What a direction awaits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layer {
    /// The first bytes of a connection or a tunnel.
    #[default]
    FirstBytes,
    /// The end of a line, joined midway; lines follow.
    Boundary,
    /// A segment that begins an HTTP message or a frame, after a loss.
    MessageStart,
    /// A JSON value or a Xatum line.
    Line,
    /// The end of a line that was too long.
    LineEnd,
    /// A line of Duino-Coin.
    Text,
    /// The head of an HTTP message.
    HttpHead,
    /// The size of a chunk of an HTTP body.
    HttpChunk,
    /// The blank line after the last chunk.
    HttpTrailer,
    /// A WebSocket frame.
    Frame,
    /// More frames that continue a half-read value.
    FrameRest,
    /// An HTTP/2 frame, which may carry gRPC.
    Grpc,
    /// SOCKS 5: the client's password or request.
    Socks5Request,
    /// SOCKS 5: the server's choice of method.
    Socks5Method,
    /// SOCKS 5: the server's word on password or request.
    Socks5Reply,
    /// SOCKS 4: the server's word on the request.
    Socks4Reply,
    /// DNS: the length of a message, and the message.
    Dns,
    /// TLS: the rest of the ClientHello, as far as the server name.
    TlsHello,
    /// Stratum V2: the rest of the client's key.
    ClientHello,
    /// Stratum V2: the client's first frame.
    Setup,
    /// Stratum V2: the server has answered and awaits that frame.
    SetupReceived,
    /// Nothing that can be read.
    Opaque,
}

/// What reading on has led to.
enum Step {
    /// So many bytes are done with; with none, the layer has changed.
    Done(usize),
    /// The message goes on after the bytes at hand.
    Wait,
    /// Mining is proven.
    Proof,
    /// This is no protocol we read, or not mining for certain.
    Foreign,
}

/// What a step works with.
struct Desk<'a, R> {
    direction: Direction,
    /// Bytes of one message that are waited for.
    limit: usize,
    scratch: &'a mut Scratch,
    reader: &'a mut R,
}

impl Framing {
    /// A flow that is seen from its first byte (`true`) or joined midway (`false`).
    pub fn begin(from_start: bool) -> Self {
        let (layer, flags) = if from_start { (Layer::FirstBytes, 0) } else { (Layer::Boundary, MIDWAY) };
        Framing { layers: [layer; 2], flags, ..Framing::default() }
    }

    /// Reads `bytes` of `direction`. If they can't be held (`last_chance`), an unfinished message is
    /// read as far as it goes, or given up.
    pub fn offer<R: Reader>(
        &mut self,
        scratch: &mut Scratch,
        reader: &mut R,
        direction: Direction,
        bytes: &[u8],
        last_chance: bool,
    ) -> Offer {
        let mut consumed = 0;
        while let Some(rest) = bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
            let limit = if last_chance { rest.len().min(ASSEMBLY_BYTES) } else { ASSEMBLY_BYTES };
            let desk = Desk { direction, limit, scratch, reader };
            match self.step(desk, rest) {
                Step::Done(len) => consumed += len,
                Step::Wait if rest.len() < limit => return Offer { consumed, answer: Answer::NeedMore },
                Step::Proof => return Offer { consumed: bytes.len(), answer: Answer::Match },
                Step::Wait | Step::Foreign => {
                    self.give_up();
                    break;
                }
            }
        }
        let opaque = self.layers == [Layer::Opaque; 2];
        Offer { consumed: bytes.len(), answer: if opaque { Answer::NoMatch } else { Answer::NeedMore } }
    }

    /// `missing` bytes of `direction` will never come.
    pub fn gap(&mut self, direction: Direction, missing: u32) {
        let (layer, pending) = (self.layer(direction), self.pending(direction));
        if layer == Layer::Opaque {
            return;
        }
        if layer != Layer::FrameRest && pending >= missing {
            self.set_pending(direction, pending - missing);
            return;
        }
        self.set_pending(direction, 0);
        self.flags |= MIDWAY;
        match layer {
            Layer::FirstBytes | Layer::Boundary | Layer::Line | Layer::LineEnd | Layer::Text => {
                self.set_layer(direction, Layer::Boundary);
            }
            Layer::HttpHead
            | Layer::HttpChunk
            | Layer::HttpTrailer
            | Layer::Frame
            | Layer::FrameRest
            | Layer::Grpc
            | Layer::MessageStart => self.set_layer(direction, Layer::MessageStart),
            Layer::Socks5Request
            | Layer::Socks5Method
            | Layer::Socks5Reply
            | Layer::Socks4Reply
            | Layer::Dns
            | Layer::TlsHello
            | Layer::ClientHello
            | Layer::Setup
            | Layer::SetupReceived
            | Layer::Opaque => self.give_up(),
        }
    }

    /// Whether the next bytes of `direction` are of any use.
    pub fn wants(&self, direction: Direction) -> bool {
        self.layer(direction) != Layer::Opaque
    }

    /// Whether a proxy has been entered: what the client says is meant for another server than the flow's.
    pub fn is_tunnelled(&self) -> bool {
        self.flags & DEPTH > 0
    }

    /// Whether the flow is TLS; unknown if its beginning was not seen or has not come.
    pub fn is_tls(&self) -> Option<bool> {
        match (self.flags & (MIDWAY | TLS), self.layer(Direction::ToServer)) {
            (flags, _) if flags & TLS > 0 => Some(true),
            (0, layer) if !matches!(layer, Layer::FirstBytes | Layer::TlsHello) => Some(false),
            _ => None,
        }
    }

    /// Whether a Stratum V2 handshake lacks only its last message.
    pub fn has_evidence(&self) -> bool {
        self.layer(Direction::ToClient) == Layer::SetupReceived
    }

    /// Whether neither a proxy nor HTTP carries the flow, seen from its start.
    pub fn is_direct(&self) -> bool {
        let is_bare = |layer: &Layer| {
            matches!(
                layer,
                Layer::FirstBytes
                    | Layer::Line
                    | Layer::LineEnd
                    | Layer::Text
                    | Layer::ClientHello
                    | Layer::Setup
                    | Layer::SetupReceived
            )
        };
        self.flags & (DEPTH | MIDWAY | TLS) == 0 && self.layers.iter().all(is_bare)
    }

    /// How the flow began.
    pub fn wire(&self) -> Wire {
        let has = |flag| self.flags & flag > 0;
        let is_in = |layers: &[Layer]| self.layers.iter().any(|layer| layers.contains(layer));
        Wire {
            web: has(WEB) || is_in(&OF_HTTP),
            websocket: has(WEBSOCKET) || is_in(&OF_WEBSOCKET),
            server_first: has(SERVER_FIRST),
            noise: has(NOISE) || is_in(&OF_NOISE),
        }
    }

    fn step<R: Reader>(&mut self, mut desk: Desk<'_, R>, bytes: &[u8]) -> Step {
        let direction = desk.direction;
        let layer = self.layer(direction);
        let pending = self.pending(direction);
        if pending > 0 && layer != Layer::FrameRest {
            let len = usize::try_from(pending).unwrap_or(usize::MAX).min(bytes.len());
            self.set_pending(direction, pending.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX)));
            return Step::Done(len);
        }
        match layer {
            Layer::FirstBytes => self.first_bytes(&mut desk, bytes),
            Layer::Boundary => self.boundary(&mut desk, bytes),
            Layer::MessageStart => self.message_start(direction, bytes),
            Layer::Line => self.line(&mut desk, bytes),
            Layer::LineEnd => self.line_end(direction, bytes),
            Layer::Text => match lines::next_text(bytes, direction == Direction::ToServer) {
                Line::Blank(len) => Step::Done(len),
                Line::Message(range, len) => self.read(&mut desk, bytes.get(range).unwrap_or_default(), len),
                Line::NeedMore => Step::Wait,
                Line::Foreign => Step::Foreign,
            },
            Layer::HttpHead => self.http_message(&mut desk, bytes),
            Layer::HttpChunk => self.http_chunk(direction, bytes),
            Layer::HttpTrailer => self.http_trailer(direction, bytes),
            Layer::Frame | Layer::FrameRest => self.frames(&mut desk, bytes),
            Layer::Grpc => self.grpc_frame(&mut desk, bytes),
            Layer::Socks5Request => {
                if let Some(target) = socks::target(bytes) {
                    desk.reader.named(Naming::Proxy(target));
                }
                self.socks_step(direction, socks::request(bytes), Layer::Socks5Request)
            }
            Layer::Socks5Method => self.socks_step(direction, socks::method(bytes), Layer::Socks5Reply),
            Layer::Socks5Reply => self.socks_step(direction, socks::reply(bytes), Layer::Socks5Reply),
            Layer::Socks4Reply => self.socks_step(direction, socks::reply_4(bytes), Layer::Opaque),
            Layer::Dns => self.dns(&mut desk, bytes),
            Layer::TlsHello => self.tls_hello(&mut desk, bytes),
            Layer::ClientHello => self.client_hello(bytes),
            Layer::Setup => self.setup(&mut desk, bytes),
            // The server has had its turn; the client's comes first.
            Layer::SetupReceived => Step::Foreign,
            Layer::Opaque => Step::Done(bytes.len()),
        }
    }

    fn line<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        // What a message says must not depend on how much of it came at once.
        let window = bytes.get(..desk.limit).unwrap_or(bytes);
        match lines::next_json(window) {
            Line::Blank(len) => Step::Done(len),
            Line::Message(range, len) => self.read(desk, window.get(range).unwrap_or_default(), len),
            Line::Foreign => match lines::scalar_line(window) {
                (Fit::Yes, len) => Step::Done(len),
                (Fit::Maybe, _) if window.len() < desk.limit => Step::Wait,
                _ => Step::Foreign,
            },
            Line::NeedMore if window.len() < desk.limit => Step::Wait,
            Line::NeedMore => {
                // Its beginning may say enough; a reader takes a value without an end.
                self.set_layer(desk.direction, Layer::LineEnd);
                self.read(desk, window, window.len())
            }
        }
    }

    fn line_end(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        let end = crate::parse::http::line_len(bytes);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        if !lines::is_text(line) {
            return Step::Foreign;
        }
        if end.is_some() {
            self.set_layer(direction, Layer::Line);
        }
        Step::Done(line.len())
    }

    fn boundary<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let direction = desk.direction;
        if self.layer(direction.reverse()) == Layer::Text {
            return self.enter(direction, Layer::Text);
        }
        match first::resumes(bytes) {
            first::Resumption::Http => return self.enter(direction, Layer::HttpHead),
            first::Resumption::Frame => return self.enter(direction, Layer::Frame),
            first::Resumption::Grpc => return self.enter(direction, Layer::Grpc),
            first::Resumption::Control(len) => return Step::Done(len),
            first::Resumption::Value { len, line_follows } => {
                if line_follows {
                    self.set_layer(direction, Layer::Line);
                }
                return self.read(desk, bytes.get(..len).unwrap_or_default(), len);
            }
            first::Resumption::NeedMore if bytes.len() < desk.limit => return Step::Wait,
            first::Resumption::NeedMore | first::Resumption::Unknown => {}
        }
        match lines::tail(bytes) {
            Tail::Json(len) => {
                self.set_layer(direction, Layer::Line);
                Step::Done(len)
            }
            Tail::Text => self.enter(direction, Layer::Text),
            Tail::NeedMore if bytes.len() < desk.limit => Step::Wait,
            Tail::NeedMore => self.enter(direction, Layer::LineEnd),
            Tail::Foreign => Step::Foreign,
        }
    }

    fn message_start(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        match first::resumes(bytes) {
            first::Resumption::Http => self.enter(direction, Layer::HttpHead),
            first::Resumption::Frame => self.enter(direction, Layer::Frame),
            first::Resumption::Grpc => self.enter(direction, Layer::Grpc),
            first::Resumption::Control(len) => Step::Done(len),
            _ => Step::Done(bytes.len()),
        }
    }

    /// Hands a message over; it is `len` bytes long in the stream.
    fn read<R: Reader>(&self, desk: &mut Desk<'_, R>, message: &[u8], len: usize) -> Step {
        match desk.reader.message(&self.context(desk.direction, None), message) {
            Answer::NeedMore => Step::Done(len),
            Answer::NoMatch => Step::Foreign,
            Answer::Match => Step::Proof,
        }
    }

    fn context<'a>(&self, direction: Direction, http: Option<HttpHead<'a>>) -> Context<'a> {
        let websocket = matches!(self.layer(direction), Layer::Frame | Layer::FrameRest);
        let grpc = self.layer(direction) == Layer::Grpc;
        Context { direction, from_start: self.flags & MIDWAY == 0, http, websocket, grpc }
    }

    fn enter(&mut self, direction: Direction, layer: Layer) -> Step {
        self.set_layer(direction, layer);
        Step::Done(0)
    }

    /// Nothing more is read; what was seen before that is still known.
    fn give_up(&mut self) {
        let Wire { web, websocket, noise, .. } = self.wire();
        for (is_so, flag) in [(web, WEB), (websocket, WEBSOCKET), (noise, NOISE)] {
            self.flags |= if is_so { flag } else { 0 };
        }
        self.layers = [Layer::Opaque; 2];
        self.pending = [0; 2];
    }

    fn layer(&self, direction: Direction) -> Layer {
        self.layers[direction as usize]
    }

    fn set_layer(&mut self, direction: Direction, layer: Layer) {
        self.layers[direction as usize] = layer;
    }

    fn pending(&self, direction: Direction) -> u32 {
        self.pending[direction as usize]
    }

    fn set_pending(&mut self, direction: Direction, bytes: u32) {
        self.pending[direction as usize] = bytes;
    }
}

/// The bits of [`Framing::flags`] that count proxies.
const DEPTH: u8 = 3;
/// Part of the flow has not been seen.
const MIDWAY: u8 = 4;
/// The client has sent a ClientHello.
const TLS: u8 = 8;
/// What [`Wire`] says of a flow that is read no more.
const WEB: u8 = 16;
const WEBSOCKET: u8 = 32;
const SERVER_FIRST: u8 = 64;
const NOISE: u8 = 128;

/// Layers that say so by themselves.
const OF_HTTP: [Layer; 3] = [Layer::HttpHead, Layer::HttpChunk, Layer::HttpTrailer];
const OF_WEBSOCKET: [Layer; 2] = [Layer::Frame, Layer::FrameRest];
const OF_NOISE: [Layer; 1] = [Layer::SetupReceived];

const _: () = assert!(PROXY_DEPTH <= DEPTH);
const _: () = assert!(size_of::<Framing>() <= 12);

#[cfg(test)]
mod tests;
