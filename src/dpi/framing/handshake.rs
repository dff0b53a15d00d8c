//! Handshakes that lead to other bytes than they are made of: proxies, TLS, Stratum V2; and DNS.

use super::{
    BROKEN, CLIENT, CLIENT_SHIFT, DEPTH, Found, Framing, HTTP, Layer, Naming, Step, StepContext, TLS, WEB,
};
use crate::dpi::{Answer, TlsClient, noise};
use crate::limits::{ASSEMBLY_BYTES, PROXY_DEPTH, SV2_CLIENT_HELLO, SV2_SERVER_HELLO};
use crate::net::direction::Direction;
use crate::parse::client_hello::{self, Hello, ParsedHello};
use crate::parse::socks;

impl Framing {
    /// Bytes behind the server's name can't be read, if the server answers in TLS.
    pub(super) fn tls_hello<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let hello = match client_hello::parse(bytes) {
            ParsedHello::Hello(hello) => hello,
            ParsedHello::NeedMore if bytes.len() < ASSEMBLY_BYTES => return Step::wait(),
            ParsedHello::NeedMore => Hello::default(),
            ParsedHello::Invalid => {
                self.resume(context);
                return Step::done(0);
            }
        };
        let client = (TlsClient::of(&hello) as u32) << CLIENT_SHIFT;
        self.flags = self.flags & !CLIENT | client | TLS | if hello.web { WEB } else { 0 };
        if self.layer(Direction::ToClient) == Layer::FirstBytes {
            self.set_layer(Direction::ToServer, Layer::Opaque);
        } else {
            // The server has spoken before, as after STARTTLS in other words than ours.
            self.give_up();
        }
        Step::found(bytes.len(), Found::Named(Naming::Tls(hello.name)))
    }

    /// DNS over TCP (RFC 1035 section 4.2.2). An answer too long to wait for is read as far as it goes.
    pub(super) fn dns<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let pending = self.pending(context.direction) as usize;
        if pending > 0 {
            let len = pending.min(bytes.len());
            self.set_pending(context.direction, (pending - len) as u32);
            return Step::done(len);
        }
        let Some((len, message)) = bytes.split_first_chunk() else { return Step::wait() };
        let len = usize::from(u16::from_be_bytes(*len));
        let message = match message.get(..len) {
            _ if len < DNS_HEADER_BYTES => {
                self.resume(context);
                return Step::done(0);
            }
            Some(message) => message,
            None if bytes.len() < ASSEMBLY_BYTES => return Step::wait(),
            None => message,
        };
        self.set_pending(context.direction, len.saturating_sub(message.len()) as u32);
        let done = 2 + message.len();
        match context.direction {
            Direction::ToClient => Step::found(done, Found::Resolved(message)),
            Direction::ToServer => Step::done(done),
        }
    }

    pub(super) fn client_hello<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        match noise::client_hello(bytes) {
            // The bytes stay with the caller: what follows may show that they were no key, and they are read anew.
            Answer::Match if self.layer(Direction::ToClient) == Layer::FirstBytes => {
                self.set_layer(Direction::ToServer, Layer::Setup);
                Step::wait()
            }
            Answer::NeedMore => Step::wait(),
            Answer::Match | Answer::NoMatch => {
                self.resume(context);
                Step::done(0)
            }
        }
    }

    pub(super) fn setup<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let frame = bytes.get(SV2_CLIENT_HELLO..).unwrap_or_default();
        if self.layer(Direction::ToClient) != Layer::SetupReceived {
            if frame.is_empty() {
                return Step::wait();
            }
            self.resume(context);
            return Step::done(0);
        }
        match noise::setup(frame) {
            Answer::Match => {
                self.set_layer(Direction::ToServer, Layer::Opaque);
                self.set_layer(Direction::ToClient, Layer::SetupSuccess);
                Step::done(bytes.len())
            }
            Answer::NeedMore => Step::wait(),
            Answer::NoMatch => {
                self.resume(context);
                Step::done(0)
            }
        }
    }

    /// The two sizes of the handshake may be an accident; with a success of the right length behind them they are none.
    pub(super) fn setup_success<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        match noise::setup_success(bytes.get(SV2_SERVER_HELLO..).unwrap_or_default()) {
            Answer::Match => {
                self.give_up();
                Step::found(bytes.len(), Found::StratumV2)
            }
            Answer::NeedMore => Step::wait(),
            Answer::NoMatch => {
                self.resume(context);
                self.set_layer(Direction::ToServer, Layer::Text);
                Step::done(0)
            }
        }
    }

    pub(super) fn socks_step<'b>(
        &mut self,
        context: &mut StepContext<'_>,
        socks: socks::Socks,
        next: Layer,
    ) -> Step<'b> {
        match socks {
            socks::Socks::Step(len) => {
                self.set_layer(context.direction, next);
                Step::done(len)
            }
            socks::Socks::Tunnel(len) => self.enter_tunnel(context, len),
            socks::Socks::NeedMore => Step::wait(),
            socks::Socks::Foreign => {
                self.resume(context);
                Step::done(0)
            }
        }
    }

    /// The direction goes on inside a tunnel after `len` bytes.
    pub(super) fn enter_tunnel<'b>(&mut self, context: &mut StepContext<'_>, len: usize) -> Step<'b> {
        let at = context.direction as usize;
        if context.direction == Direction::ToServer {
            if self.flags & DEPTH >= u32::from(PROXY_DEPTH) {
                self.flags |= BROKEN[at];
                self.set_layer(context.direction, Layer::Text);
                return Step::done(len);
            }
            self.flags += 1;
        }
        self.flags &= !HTTP[at];
        self.set_layer(context.direction, Layer::FirstBytes);
        Step::done(len)
    }
}

/// RFC 1035 section 4.1.1.
const DNS_HEADER_BYTES: usize = 12;
