//! Step 4: what the bytes of a flow say.
//!
//! The DPI reads the byte stream of both directions, in order, and answers three ways:
//! [`Answer::NeedMore`], [`Answer::NoMatch`], [`Answer::Match`]. It keeps 20 bytes a flow. Bytes that wait
//! for the rest of their message are the caller's to hold ([`crate::stream`]).

pub mod dialect;
pub mod finding;
pub mod json;

use crate::flow::Direction;
use dialect::Dialogue;
use finding::Finding;

/// What the DPI knows of one flow.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Bytes of the stream, per direction, to pass over unread (the rest of a large body or frame).
    skip: [u32; 2],
    /// How each direction is read.
    layers: [u8; 2],
    /// Wrappers seen (SOCKS, CONNECT, WebSocket), and whether the flow was joined midway.
    wrappers: u8,
    /// What the messages so far have shown.
    dialogue: Dialogue,
}

const _: () = assert!(size_of::<Inspection>() <= 20);

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
#[derive(Debug, Default)]
pub struct Dpi {
    /// The index of the JSON message at hand.
    tape: json::Tape,
    /// What the latest [`Answer::Match`] consists of.
    pub finding: Finding,
}

impl Inspection {
    /// Begins a flow that is seen from its first byte (`true`) or joined midway (`false`).
    pub fn begin(from_start: bool) -> Self {
        let _ = from_start;
        Inspection::default()
    }

    /// Reads `bytes`: what was left over of `direction`, followed by its next bytes.
    pub fn offer(&mut self, dpi: &mut Dpi, direction: Direction, bytes: &[u8]) -> Offer {
        let _ = (dpi, direction);
        Offer { consumed: bytes.len(), answer: Answer::NoMatch }
    }

    /// Some bytes of `direction` will never come: find the next message.
    pub fn gap(&mut self, direction: Direction) {
        let _ = direction;
    }

    /// The message that `bytes` begin is longer than can be held; tells how many to discard, and
    /// passes over the rest of it when it comes.
    pub fn overflow(&mut self, direction: Direction, bytes: &[u8]) -> usize {
        let _ = direction;
        bytes.len()
    }

    /// Whether the next bytes of `direction` are of any use to the DPI; not when it is encrypted,
    /// say. A caller need not hold such bytes back to bring them in order.
    pub fn wants(&self, direction: Direction) -> bool {
        let _ = direction;
        false
    }

    /// Whether the flow can't be read at all (encrypted, compressed, binary), as opposed to being
    /// read and found to be something else.
    pub fn is_opaque(&self) -> bool {
        true
    }

    /// Whether anything pointed to mining, short of proof. Such a flow is spared by eviction.
    pub fn has_evidence(&self) -> bool {
        false
    }
}
