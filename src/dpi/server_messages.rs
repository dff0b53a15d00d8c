//! Answers of a server to the active probe, read by the DPI.
//!
//! The framing is that of any flow, and every message is compared with the signatures; but a question of ours is
//! no evidence, so only what the *server* says counts, one message at a time.

use super::framing::{Found, Framing};
use super::signatures::compile::program::{Confidence, Role, carrier};
use super::signatures::matcher::Before;
use super::{Dpi, message, signatures::Dialect};
use crate::net::direction::Direction;
use crate::parse::tree::Value;

/// A connection of the probe.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageReader {
    framing: Framing,
    /// Question that the server has been asked, by its name in signatures.
    asked: &'static str,
}

/// A message of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerMessage<'a> {
    /// The pool's message that it is, if it is one.
    pub shown: Option<PoolMessage<'a>>,
    /// Values of a JSON message. Of a batch, every object is heard by itself.
    pub root: Option<Value<'a>>,
}

/// A single message as pools send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolMessage<'a> {
    /// The dialect.
    pub dialect: Dialect,
    /// Only pools say so; otherwise others may, too.
    pub strong: bool,
    /// The message in the field's words.
    pub said: &'a str,
}

/// Outcome of reading bytes of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consumption {
    /// Leading bytes that are done with; the others are to be offered again with what follows them.
    pub consumed: usize,
    /// No message in them can be read.
    pub is_unreadable: bool,
}

impl MessageReader {
    /// A reader of responses to the question that signatures call `asked`.
    pub(crate) fn of(asked: &'static str) -> Self {
        MessageReader { asked, ..MessageReader::default() }
    }

    /// Notes what we sent: it decides how the answer is framed (HTTP, WebSocket, lines).
    pub(crate) fn note_sent(&mut self, dpi: &mut Dpi, bytes: &[u8]) {
        self.read(dpi, Direction::ToServer, bytes, &mut |_| {});
    }

    /// Reads `bytes`, what was left over of the server's followed by its next ones, and hands every
    /// whole message to `each`.
    pub(crate) fn read_messages(
        &mut self,
        dpi: &mut Dpi,
        bytes: &[u8],
        each: &mut dyn FnMut(&ServerMessage<'_>),
    ) -> Consumption {
        self.read(dpi, Direction::ToClient, bytes, each)
    }

    fn read(
        &mut self,
        dpi: &mut Dpi,
        direction: Direction,
        bytes: &[u8],
        each: &mut dyn FnMut(&ServerMessage<'_>),
    ) -> Consumption {
        let Dpi { drafts, signatures } = dpi;
        let slot = self.framing.open(drafts, direction);
        let mut consumed = 0;
        while let Some(draft) = drafts.get(slot) {
            let rest = bytes.get(consumed..).unwrap_or_default();
            let step = self.framing.step(draft, signatures.words(), direction, rest, consumed == 0);
            consumed += step.len;
            let over = match step.found {
                Found::Nothing => break,
                Found::Message(over) => over,
                Found::OpenLine => carrier::CSV,
                Found::Named(_) | Found::Resolved(_) | Found::StratumV2 => continue,
            };
            message::prepare(draft, signatures, over);
            let message = message::of(draft, signatures, over);
            let before = Before { answers: true, phases: 0, asked: self.asked };
            let found = signatures.find(&message, before).filter(|found| found.rule.role == Role::Pool);
            let is_text = over == carrier::CSV;
            if is_text && found.is_none() {
                if !matches!(step.found, Found::OpenLine) {
                    self.framing.note_nonsense(direction);
                    self.framing.end_message(draft, direction, over);
                    continue;
                }
                break;
            }
            self.framing.note_message(direction);
            let shown = found.map(|found| PoolMessage {
                dialect: signatures.dialect_of(&found),
                strong: found.confidence > Confidence::Hint,
                said: found.program.str(found.rule.said),
            });
            let root = message.root.filter(|_| !is_text);
            if direction == Direction::ToClient && (shown.is_some() || root.is_some()) {
                each(&ServerMessage { shown, root });
            }
            if is_text {
                draft.lines.reset();
            }
            self.framing.end_message(draft, direction, over);
            if over == carrier::BINARY {
                self.framing.end_turn(draft, direction);
            }
        }
        self.framing.close(drafts, direction, slot, 0);
        Consumption { consumed, is_unreadable: self.framing.is_opaque() }
    }
}
