//! What a server answers when we ask ourselves: the DPI's eyes for the active probe.
//!
//! The framing is that of any flow, and every message is weighed by the dialects' own rules; but a
//! question of ours is no evidence, so only what the *server* says counts, one message at a time.

use super::dialect::{self, Context, Shown};
use super::framing::{Framing, Reader};
use super::target::Naming;
use super::{Answer, Dpi, Ear, Offer};
use crate::net::direction::Direction;
use crate::parse::json::{Tape, Value};

/// One connection that we lead.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    framing: Framing,
}

/// One message of the server.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What it is a sign of, if it is one that pools send.
    pub shown: Option<Shown>,
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
        let mut listener = Ear::Probe(Listener { tape: &mut dpi.tape, each });
        let offer = self.framing.offer(&mut scratch, &mut listener, direction, bytes, false);
        dpi.scratch = scratch;
        offer
    }
}

pub(super) struct Listener<'a> {
    tape: &'a mut Tape,
    each: &'a mut dyn FnMut(&Heard<'_>),
}

impl Reader for Listener<'_> {
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer {
        if context.direction == Direction::ToServer {
            return Answer::NeedMore;
        }
        if !matches!(message.trim_ascii_start().first(), Some(b'{' | b'[')) {
            let shown = if context.http.is_none() { dialect::show_line(self.tape, message) } else { None };
            (self.each)(&Heard { shown, root: None, message });
            return Answer::NeedMore;
        }
        let Some(root) = self.tape.index(message) else {
            (self.each)(&Heard { shown: None, root: None, message });
            return Answer::NeedMore;
        };
        let hear = |object: Value<'_>, each: &mut dyn FnMut(&Heard<'_>)| {
            each(&Heard { shown: dialect::show(context, object), root: Some(object), message });
        };
        if root.is_object() {
            hear(root, self.each);
        }
        for object in root.items().filter(|item| item.is_object()) {
            hear(object, self.each);
        }
        Answer::NeedMore
    }

    fn stratum_v2(&mut self) {}

    fn named(&mut self, _: Naming) {}

    fn resolved(&mut self, _: &[u8]) {}
}
