//! Telling protocols by their first bytes.

use super::{Desk, Framing, Layer, Naming, Reader, SERVER_FIRST, Step};
use crate::dpi::{Answer, dialect, noise};
use crate::net::direction::Direction;
use crate::parse::dns;
use crate::parse::json::{self, End};
use crate::parse::lines::{self, Fit, Line};
use crate::parse::websocket::{self, Kind};
use crate::parse::{client_hello, grpc, http, socks};

impl Framing {
    pub(super) fn first_bytes<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        match desk.direction {
            Direction::ToServer => self.client_first_bytes(desk, bytes),
            Direction::ToClient => self.server_first_bytes(desk, bytes),
        }
    }

    fn client_first_bytes<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let client = Direction::ToServer;
        if self.layer(Direction::ToClient) == Layer::Text {
            return self.enter(client, Layer::Text);
        }
        let fits = [
            (lines::opens_json(bytes), Layer::Line),
            (lines::xatum_verb(bytes), Layer::Line),
            (Fit::prefix(bytes, b"JOB,"), Layer::Text),
            (http::opens_request(bytes), Layer::HttpHead),
            (lines::scalar_line(bytes).0, Layer::Line),
            (Fit::prefix(bytes, PROXY), Layer::FirstBytes),
            (client_hello::opens(bytes), Layer::TlsHello),
            (dns::opens_query(bytes), Layer::Dns),
            (Fit::prefix(bytes, grpc::PREFACE), Layer::Grpc),
        ];
        if let Some((_, layer)) = fits.iter().find(|(fit, _)| *fit == Fit::Yes) {
            match layer {
                Layer::FirstBytes => return proxied(bytes),
                Layer::HttpHead | Layer::Dns | Layer::Grpc => self.expect_of_server(*layer),
                _ => {}
            }
            self.set_layer(client, *layer);
            return Step::Done(if *layer == Layer::Grpc { grpc::PREFACE.len() } else { 0 });
        }
        let greeting = match socks::greeting(bytes) {
            socks::Socks::Foreign => socks::request_4(bytes),
            greeting => greeting,
        };
        match greeting {
            socks::Socks::Step(_) => self.expect_of_server(Layer::Socks5Method),
            socks::Socks::Tunnel(_) => self.expect_of_server(Layer::Socks4Reply),
            socks::Socks::NeedMore => return Step::Wait,
            socks::Socks::Foreign if fits.iter().any(|(fit, _)| *fit == Fit::Maybe) => return Step::Wait,
            // Nothing known by its bytes: a key of Stratum V2, or none of ours.
            socks::Socks::Foreign => return self.enter(client, Layer::ClientHello),
        }
        if let Some(target) = socks::target_4(bytes) {
            desk.reader.named(Naming::Proxy(target));
        }
        self.socks_step(client, greeting, Layer::Socks5Request)
    }

    /// The client decides what the server's bytes are, unless the server speaks first.
    fn server_first_bytes<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let server = Direction::ToClient;
        match self.layer(Direction::ToServer) {
            Layer::Line | Layer::LineEnd => self.enter(server, Layer::Line),
            Layer::HttpHead | Layer::HttpChunk | Layer::HttpTrailer => self.enter(server, Layer::HttpHead),
            Layer::Boundary => self.enter(server, Layer::Boundary),
            Layer::Text => {
                self.set_layer(server, Layer::Text);
                match lines::version(bytes) {
                    // A greeting without a line end, which the client's command has ended.
                    Some(len) if bytes.get(len) != Some(&b'.') => {
                        self.read(desk, bytes.get(..len).unwrap_or_default(), len)
                    }
                    _ => Step::Done(0),
                }
            }
            Layer::Setup => match noise::server_hello(bytes) {
                Answer::Match => {
                    self.set_layer(server, Layer::SetupReceived);
                    Step::Done(bytes.len())
                }
                Answer::NeedMore => Step::Wait,
                Answer::NoMatch => Step::Foreign,
            },
            Layer::FirstBytes => self.greeting(desk, bytes),
            _ => Step::Foreign,
        }
    }

    /// Servers that speak first: those of Duino-Coin, with their version, JSON, and HTTP/2 with its settings.
    fn greeting<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        match grpc::opens_server(bytes) {
            Fit::Yes => return self.enter(Direction::ToClient, Layer::Grpc),
            Fit::Maybe => return Step::Wait,
            Fit::No => {}
        }
        self.flags |= SERVER_FIRST;
        match lines::opens_json(bytes) {
            Fit::Yes => return self.enter(Direction::ToClient, Layer::Line),
            Fit::Maybe => return Step::Wait,
            Fit::No => {}
        }
        let is_version = |line: &[u8]| {
            let fits = line.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
            fits && line.len() <= GREETING_MAX && line.get(1).is_none_or(|&dot| dot == b'.')
        };
        match lines::next_text(bytes, false) {
            Line::Message(range, _) => match bytes.get(range) {
                Some(line) if is_version(line) && lines::version(line).is_some() => {
                    self.enter(Direction::ToClient, Layer::Text)
                }
                _ => Step::Foreign,
            },
            // Some have no line end, and the client's next words are read in their light.
            Line::NeedMore if is_version(bytes) && lines::version(bytes) == Some(bytes.len()) => {
                self.set_layer(Direction::ToClient, Layer::Text);
                self.read(desk, bytes, bytes.len())
            }
            Line::NeedMore if is_version(bytes.trim_ascii_end()) => Step::Wait,
            _ => Step::Foreign,
        }
    }

    /// The client's protocol says what the server's first bytes will be.
    fn expect_of_server(&mut self, layer: Layer) {
        if self.layer(Direction::ToClient) == Layer::FirstBytes {
            self.set_layer(Direction::ToClient, layer);
        }
    }
}

/// How a flow joined midway goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumption {
    /// With the head of an HTTP message.
    Http,
    /// With a WebSocket frame that carries JSON.
    Frame,
    /// With an HTTP/2 frame that carries a mining message of gRPC.
    Grpc,
    /// With a ping or the like, so many bytes long.
    Control(usize),
    /// With a JSON value of so many bytes, which is no part of a larger one.
    Value {
        /// Length, leading white space included.
        len: usize,
        /// Another value or a line end follows; else the bytes end here.
        line_follows: bool,
    },
    /// More bytes are needed.
    NeedMore,
    /// Otherwise.
    Unknown,
}

/// Looks for the beginning of a message at the beginning of `bytes`.
pub(super) fn resumes(bytes: &[u8]) -> Resumption {
    match (http::opens_request(bytes), http::opens_response(bytes)) {
        (Fit::Yes, _) | (_, Fit::Yes) => return Resumption::Http,
        (Fit::Maybe, _) | (_, Fit::Maybe) => return Resumption::NeedMore,
        _ => {}
    }
    match opens_frame(bytes) {
        Resumption::Unknown => {}
        frame => return frame,
    }
    match opens_grpc(bytes) {
        Fit::Yes => return Resumption::Grpc,
        Fit::Maybe => return Resumption::NeedMore,
        Fit::No => {}
    }
    match lines::opens_json(bytes) {
        Fit::Yes => value(bytes),
        Fit::Maybe => Resumption::NeedMore,
        Fit::No => Resumption::Unknown,
    }
}

fn value(bytes: &[u8]) -> Resumption {
    let blank = bytes.len() - bytes.trim_ascii_start().len();
    let len = match json::end_of_value(bytes.get(blank..).unwrap_or_default()) {
        End::Complete(len) => blank + len,
        End::NeedMore if !bytes.contains(&b'\n') => return Resumption::NeedMore,
        End::NeedMore | End::Invalid => return Resumption::Unknown,
    };
    let mut rest = bytes.get(len..).unwrap_or_default().iter();
    match rest.find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) {
        None => Resumption::Value { len, line_follows: false },
        Some(b'\n' | b'{' | b'[') => Resumption::Value { len, line_follows: true },
        // The inside of a larger value.
        Some(_) => Resumption::Unknown,
    }
}

/// Passes over the line in which a relay names the client (HAProxy's PROXY protocol, version 1, section
/// 2.1); pools behind one expect it.
fn proxied(bytes: &[u8]) -> Step {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end < PROXY_LINE_MAX => Step::Done(end + 1),
        None if bytes.len() < PROXY_LINE_MAX => Step::Wait,
        _ => Step::Foreign,
    }
}

/// A header alone is no more than a few likely bits, so something must stand behind it: JSON in a data
/// frame; after a control frame another one, or the end of the segment.
fn opens_frame(bytes: &[u8]) -> Resumption {
    let websocket::Parsed::Frame(frame) = websocket::frame(bytes) else { return Resumption::Unknown };
    match (frame.kind, frame.end_in(bytes)) {
        _ if frame.opaque => Resumption::Unknown,
        (Kind::Control, Some(len)) => match websocket::frame(bytes.get(len..).unwrap_or_default()) {
            websocket::Parsed::Invalid => Resumption::Unknown,
            websocket::Parsed::Frame(_) | websocket::Parsed::NeedMore => Resumption::Control(len),
        },
        (Kind::Data, _) => {
            let mut start = [0; 8];
            let len = start.iter_mut().zip(frame.unmasked(bytes)).map(|(to, byte)| *to = byte).count();
            match lines::opens_json(start.get(..len).unwrap_or_default()) {
                Fit::Yes => Resumption::Frame,
                Fit::Maybe | Fit::No => Resumption::Unknown,
            }
        }
        (Kind::Control | Kind::Continuation, _) => Resumption::Unknown,
    }
}

/// Frames of other kinds, and other messages, are too short to tell from chance.
fn opens_grpc(bytes: &[u8]) -> Fit {
    if ZERO_IN_GRPC.iter().any(|&at| bytes.get(at).is_some_and(|&byte| byte != 0)) {
        return Fit::No;
    }
    let Some(frame) = grpc::frame(bytes).filter(|_| bytes.len() >= GRPC_START) else { return Fit::Maybe };
    let payload = bytes.get(grpc::HEADER..).unwrap_or_default();
    match grpc::messages(frame, payload).next() {
        Some(grpc::Piece::Message(message)) if dialect::kaspad::opens(message) => Fit::Yes,
        _ => Fit::No,
    }
}

/// Where a DATA frame with a plain message has zeros, if both are shorter than 64 KiB: in the frame's length, kind
/// and stream, and in what stands before the message.
const ZERO_IN_GRPC: [usize; 5] = [0, 3, 5, 9, 10];
/// All that stands before the message, and the number and length of its first member.
const GRPC_START: usize = grpc::HEADER + 8;
/// A version of two or three numbers.
const GREETING_MAX: usize = 8;
/// How HAProxy's line begins, and how long it is at most.
const PROXY: &[u8] = b"PROXY TCP";
const PROXY_LINE_MAX: usize = 107;
