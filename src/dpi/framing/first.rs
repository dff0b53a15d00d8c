//! Telling protocols by their first bytes.

use super::{BROKEN, Found, Framing, GRPC, Layer, NOISE, Naming, SERVER_FIRST, Step, StepContext, TLS};
use crate::dpi::{Answer, noise};
use crate::net::direction::Direction;
use crate::parse::fit::{self, Fit};
use crate::parse::websocket::{self, Opcode};
use crate::parse::{client_hello, dns, grpc, http, lines, socks};

impl Framing {
    pub(super) fn first_bytes<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        match context.direction {
            Direction::ToServer => self.client_first_bytes(context, bytes),
            Direction::ToClient => self.server_first_bytes(context, bytes),
        }
    }

    fn client_first_bytes<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let client = Direction::ToServer;
        if let Some(step) = self.relay(bytes) {
            return step;
        }
        let fits = [
            (client_hello::opens(bytes), Layer::TlsHello),
            (dns::opens_query(bytes), Layer::Dns),
            (Fit::prefix(bytes, grpc::PREFACE), Layer::Grpc),
        ];
        if let Some((_, layer)) = fits.iter().find(|(fit, _)| *fit == Fit::Yes) {
            self.set_layer(client, *layer);
            if *layer == Layer::Grpc {
                self.flags |= GRPC;
                self.expect_of_server(Layer::Grpc);
                return Step::done(grpc::PREFACE.len());
            }
            if *layer == Layer::Dns {
                self.expect_of_server(Layer::Dns);
            }
            return Step::done(0);
        }
        let greeting = match socks::greeting(bytes) {
            socks::Socks::Foreign => socks::request_4(bytes),
            greeting => greeting,
        };
        match greeting {
            socks::Socks::Step(_) => self.expect_of_server(Layer::Socks5Method),
            socks::Socks::Tunnel(_) => self.expect_of_server(Layer::Socks4Reply),
            socks::Socks::NeedMore => return Step::wait(),
            socks::Socks::Foreign if fits.iter().any(|(fit, _)| *fit == Fit::Maybe) => return Step::wait(),
            socks::Socks::Foreign => return self.text_or_key(bytes),
        }
        let target = socks::target_4(bytes);
        let step = self.socks_step(context, greeting, Layer::Socks5Request);
        match target {
            Some(target) => Step::found(step.len, Found::Named(Naming::Proxy(target))),
            None => step,
        }
    }

    /// Text, or the random key with which Stratum V2 begins. A key holds a byte that is no text within its first
    /// 24, all but once in 10^6 times.
    fn text_or_key<'b>(&mut self, bytes: &'b [u8]) -> Step<'b> {
        let blank = bytes.iter().take_while(|byte| lines::is_blank(**byte)).count();
        let text = bytes.get(blank..).unwrap_or_default();
        let head = text.get(..KEY_IS_TOLD_BY).unwrap_or(text);
        if !fit::is_text(head) {
            return self.enter(Direction::ToServer, Layer::ClientHello);
        }
        // Then it has sent no key; a byte that is no ASCII may still begin a frame.
        let server_spoke = self.flags & SERVER_FIRST != 0 && head.is_ascii();
        let is_told = [fit::opens_json(text), http::opens_request(text), Fit::prefix(text, b"JOB,")]
            .contains(&Fit::Yes);
        let is_counted = bytes.iter().take(10).filter(|byte| byte.is_ascii_digit()).count() == 10;
        let is_long = bytes.len() >= KEY_IS_TOLD_BY || bytes.contains(&b'\n') || is_counted;
        if is_told || is_long || server_spoke {
            return self.enter(Direction::ToServer, Layer::Text);
        }
        Step::wait()
    }

    /// The client decides what the server's bytes are, unless the server speaks first.
    fn server_first_bytes<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let server = Direction::ToClient;
        if self.flags & TLS != 0 {
            // An alert or a handshake; anything else shows that the ClientHello was a blind.
            if !matches!(bytes, [21 | 22, 3, ..] | [21 | 22]) {
                self.flags &= !TLS;
                self.flags |= BROKEN[0] | BROKEN[1];
                self.set_layer(Direction::ToServer, Layer::Text);
                return self.enter(server, Layer::Text);
            }
            return self.enter(server, Layer::Opaque);
        }
        match self.layer(Direction::ToServer) {
            Layer::Setup => match noise::server_hello(bytes) {
                Answer::Match => {
                    self.flags |= NOISE;
                    self.set_layer(server, Layer::SetupReceived);
                    Step::wait()
                }
                Answer::NeedMore => Step::wait(),
                Answer::NoMatch => {
                    self.resume(context);
                    Step::done(0)
                }
            },
            Layer::FirstBytes => {
                match grpc::opens_server(bytes) {
                    Fit::Yes => {
                        self.flags |= GRPC;
                        return self.enter(server, Layer::Grpc);
                    }
                    Fit::Maybe => return Step::wait(),
                    Fit::No => {}
                }
                // The answer of a proxy is none of a server's.
                if self.asked.is_empty() {
                    self.flags |= SERVER_FIRST;
                }
                self.enter(server, Layer::Text)
            }
            _ => self.enter(server, Layer::Text),
        }
    }

    /// The client's protocol says what the server's first bytes will be.
    fn expect_of_server(&mut self, layer: Layer) {
        if self.layer(Direction::ToClient) == Layer::FirstBytes {
            self.set_layer(Direction::ToClient, layer);
        }
    }

    /// Passes over what a relay says of the client (HAProxy's PROXY protocol, version 1 section 2.1, version 2
    /// section 2.2); pools behind one expect it.
    fn relay(&mut self, bytes: &[u8]) -> Option<Step<'static>> {
        let line = PROXY.map(|known| Fit::prefix(bytes, known));
        let line = [Fit::Yes, Fit::Maybe].into_iter().find(|fit| line.contains(fit)).unwrap_or(Fit::No);
        match (line, Fit::prefix(bytes, PROXY_2)) {
            (Fit::Yes, _) => Some(match bytes.iter().position(|&byte| byte == b'\n') {
                Some(end) if end < PROXY_LINE_MAX => Step::done(end + 1),
                None if bytes.len() < PROXY_LINE_MAX => Step::wait(),
                _ => self.enter(Direction::ToServer, Layer::Text),
            }),
            (_, Fit::Yes) => Some(match bytes.get(PROXY_2.len()..PROXY_2.len() + 4) {
                Some(&[_, _, high, low]) => {
                    let len = PROXY_2.len() + 4 + usize::from(u16::from_be_bytes([high, low]));
                    match bytes.len() >= len {
                        true => Step::done(len),
                        false => Step::wait(),
                    }
                }
                _ => Step::wait(),
            }),
            (Fit::Maybe, _) | (_, Fit::Maybe) if bytes.len() > 1 => Some(Step::wait()),
            _ => None,
        }
    }
}

/// Continuation of a flow joined midway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumption {
    /// With a WebSocket frame that carries JSON.
    Frame,
    /// With an HTTP/2 frame that carries a mining message of gRPC.
    Grpc,
    /// With a ping or the like, so many bytes long.
    Control(usize),
    /// More bytes are needed to tell.
    NeedMore,
    /// With something else.
    Other,
}

/// Looks for a frame at the beginning of a segment. A header alone is no more than a few likely bits, so something
/// must stand behind it: JSON in a data frame; after a control frame another one, or the end of the segment.
pub(super) fn resumes(bytes: &[u8]) -> Resumption {
    match opens_grpc(bytes) {
        Fit::Yes => return Resumption::Grpc,
        Fit::Maybe => return Resumption::NeedMore,
        Fit::No => {}
    }
    let frame = match websocket::frame(bytes) {
        websocket::ParsedFrame::Frame(frame) => frame,
        websocket::ParsedFrame::NeedMore => return Resumption::NeedMore,
        websocket::ParsedFrame::Invalid => return Resumption::Other,
    };
    match (frame.kind, frame.end_in(bytes)) {
        _ if frame.opaque => Resumption::Other,
        (Opcode::Control, Some(len)) => match websocket::frame(bytes.get(len..).unwrap_or_default()) {
            websocket::ParsedFrame::Invalid => Resumption::Other,
            websocket::ParsedFrame::Frame(_) | websocket::ParsedFrame::NeedMore => Resumption::Control(len),
        },
        (Opcode::Data, _) => {
            let mut start = [0; 8];
            let len = start.iter_mut().zip(frame.unmasked(bytes)).map(|(to, byte)| *to = byte).count();
            match fit::opens_json(start.get(..len).unwrap_or_default()) {
                Fit::Yes => Resumption::Frame,
                Fit::Maybe if frame.end_in(bytes).is_none() => Resumption::NeedMore,
                Fit::Maybe | Fit::No => Resumption::Other,
            }
        }
        (Opcode::Control | Opcode::Continuation, _) => Resumption::Other,
    }
}

/// Frames of other kinds, and other messages, are too short to tell from chance.
fn opens_grpc(bytes: &[u8]) -> Fit {
    if ZERO_IN_GRPC.iter().any(|&at| bytes.get(at).is_some_and(|&byte| byte != 0)) {
        return Fit::No;
    }
    if bytes.len() < GRPC_START {
        return Fit::Maybe;
    }
    let message = bytes.get(grpc::HEADER + grpc::PREFIX..).unwrap_or_default();
    let is_data = grpc::frame(bytes).is_some_and(|frame| frame.kind == grpc::FrameKind::Data);
    let is_of_users = grpc::members(message).next().is_some_and(|(number, _)| OF_USERS.contains(&number));
    if is_data && is_of_users { Fit::Yes } else { Fit::No }
}

/// Messages of any kind between a Kaspa node and its user.
const OF_USERS: core::ops::Range<u64> = 1001..1200;
/// Places of zeros in a DATA frame with a plain message, if both are shorter than 64 KiB: in the frame's length, kind
/// and stream, and in what stands before the message.
const ZERO_IN_GRPC: [usize; 5] = [0, 3, 5, 9, 10];
/// Bytes before the message, and the number and length of its first member.
const GRPC_START: usize = grpc::HEADER + 8;
/// First bytes of HAProxy's line, and its greatest length.
const PROXY: [&[u8]; 2] = [b"PROXY TCP", b"PROXY UNKNOWN"];
const PROXY_LINE_MAX: usize = 107;
/// First bytes of its binary form.
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Random bytes of which one is no text, for sure.
const KEY_IS_TOLD_BY: usize = 24;
