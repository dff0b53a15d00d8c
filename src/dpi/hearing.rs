//! What a server answers when we ask ourselves: the DPI's eyes for the active probe.
//!
//! The framing is that of any flow, and every message is weighed by the dialects' own rules; but a
//! question of ours is no evidence, so only what the *server* says counts, one message at a time.

use super::dialect::{self, Context, Shown};
use super::framing::{Framing, Reader};
use super::target::Naming;
use super::{Answer, Dpi, Ear, Offer};
use crate::net::direction::Direction;
use super::signatures::Signatures;
use crate::parse::scanner::Scanner;
use crate::parse::tree::Value;

/// One connection that we lead.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    framing: Framing,
}

/// One message of the server.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What it is a sign of, if it is one that pools send.
    pub shown: Option<Shown<'a>>,
    /// The object, if it is JSON. Of a batch, every object is heard by itself.
    pub root: Option<Value<'a>>,
    /// Its bytes.
    pub message: &'a [u8],
}

impl Hearing {
    /// Notes what we sent: it decides how the answer is framed (HTTP, WebSocket, lines).
    pub fn said(&mut self, dpi: &mut Dpi, bytes: &[u8]) {
        self.read(dpi, Direction::ToServer, bytes, &mut |_| {});
    }

    /// Reads `bytes`, what was left over of the server's followed by its next ones, and hands every
    /// whole message to `each`. [`Answer::NoMatch`] means that it can't be read.
    pub fn heard(&mut self, dpi: &mut Dpi, bytes: &[u8], each: &mut dyn FnMut(&Heard<'_>)) -> Offer {
        self.read(dpi, Direction::ToClient, bytes, each)
    }

    fn read(
        &mut self,
        dpi: &mut Dpi,
        direction: Direction,
        bytes: &[u8],
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> Offer {
        let mut scratch = core::mem::take(&mut dpi.scratch);
        let Dpi { scanner, signatures, .. } = dpi;
        let mut listener = Ear::Probe(Listener { scanner, signatures, each });
        let offer = self.framing.offer(&mut scratch, &mut listener, direction, bytes, false);
        dpi.scratch = scratch;
        offer
    }
}

pub(super) struct Listener<'a> {
    scanner: &'a mut Scanner,
    signatures: &'a Signatures,
    each: &'a mut dyn FnMut(&Heard<'_>),
}

impl Reader for Listener<'_> {
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer {
        if context.direction == Direction::ToClient {
            dialect::show(self.scanner, self.signatures, context, message, &mut |shown, root| {
                (self.each)(&Heard { shown, root, message });
            });
        }
        Answer::NeedMore
    }

    fn stratum_v2(&mut self) {}

    fn named(&mut self, _: Naming) {}

    fn resolved(&mut self, _: &[u8]) {}
}
