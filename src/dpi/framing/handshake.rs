//! Handshakes that lead to other bytes than they are made of: proxies, TLS, Stratum V2; and DNS.

use super::{DEPTH, Desk, Framing, Layer, Naming, Reader, Step, TLS, WEB};
use crate::dpi::{Answer, noise};
use crate::limits::PROXY_DEPTH;
use crate::net::direction::Direction;
use crate::parse::client_hello::{self, Hello, Parsed};
use crate::parse::socks;

impl Framing {
    /// What follows the server's name can't be read, whatever it is.
    pub(super) fn tls_hello<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let hello = match client_hello::parse(bytes) {
            Parsed::Hello(hello) => hello,
            Parsed::NeedMore if bytes.len() < desk.limit => return Step::Wait,
            Parsed::NeedMore => Hello::default(),
            Parsed::Invalid => return Step::Foreign,
        };
        self.flags |= TLS | if hello.web { WEB } else { 0 };
        desk.reader.named(Naming::Tls(hello.name));
        Step::Foreign
    }

    /// DNS over TCP (RFC 1035 section 4.2.2). An answer too long to wait for is read as far as it goes.
    pub(super) fn dns<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let Some((len, message)) = bytes.split_first_chunk() else { return Step::Wait };
        let len = usize::from(u16::from_be_bytes(*len));
        let message = match message.get(..len) {
            _ if len < DNS_HEADER_BYTES => return Step::Foreign,
            Some(message) => message,
            None if bytes.len() < desk.limit => return Step::Wait,
            None => message,
        };
        if desk.direction == Direction::ToClient {
            desk.reader.resolved(message);
        }
        self.set_pending(desk.direction, len.saturating_sub(message.len()) as u32);
        Step::Done(2 + message.len())
    }

    pub(super) fn client_hello(&mut self, bytes: &[u8]) -> Step {
        match noise::client_hello(bytes) {
            Answer::Match => {
                self.set_layer(Direction::ToServer, Layer::Setup);
                Step::Done(bytes.len())
            }
            Answer::NeedMore => Step::Wait,
            Answer::NoMatch => Step::Foreign,
        }
    }

    pub(super) fn setup<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        if self.layer(Direction::ToClient) != Layer::SetupReceived {
            return Step::Foreign;
        }
        match noise::setup(bytes) {
            Answer::Match => {
                desk.reader.stratum_v2();
                Step::Proof
            }
            Answer::NeedMore => Step::Wait,
            Answer::NoMatch => Step::Foreign,
        }
    }

    pub(super) fn socks_step(&mut self, direction: Direction, socks: socks::Socks, next: Layer) -> Step {
        match socks {
            socks::Socks::Step(len) => {
                self.set_layer(direction, next);
                Step::Done(len)
            }
            socks::Socks::Tunnel(len) => self.enter_tunnel(direction, len),
            socks::Socks::NeedMore => Step::Wait,
            socks::Socks::Foreign => Step::Foreign,
        }
    }

    /// `direction` goes on inside a tunnel after `len` bytes.
    pub(super) fn enter_tunnel(&mut self, direction: Direction, len: usize) -> Step {
        if direction == Direction::ToServer {
            if self.flags & DEPTH >= PROXY_DEPTH {
                return Step::Foreign;
            }
            self.flags += 1;
        }
        self.set_layer(direction, Layer::FirstBytes);
        Step::Done(len)
    }
}

/// RFC 1035 section 4.1.1.
const DNS_HEADER_BYTES: usize = 12;
