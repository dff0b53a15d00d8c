//! Half-read messages: fixed memory for all flows together.
//!
//! A message that lies whole in one segment is read in the working draft. Only where one goes on in another
//! segment its flow takes the draft with it, by number, and another one becomes the working draft. When none is
//! free, the client that has the most of them loses the one that was longest idle; its flow goes on with the next
//! message that begins.

use crate::limits::{DRAFTS, LINE_BYTES};
use crate::parse::http::Head;
use crate::parse::lines::Lines;

/// The pool.
#[derive(Debug)]
pub(crate) struct Drafts {
    slots: Box<[DraftSlot]>,
    /// The draft of messages that end where they began.
    work: usize,
    clock: u32,
    /// Drafts that were taken from a flow that still needed them.
    pub taken_away: u32,
}

/// Number of the draft of a direction; none by default. A handle knows its generation, so that a stale one finds
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handle(u32);

#[derive(Clone, Debug, Default)]
struct DraftSlot {
    generation: u32,
    owner: Option<u32>,
    used: u32,
    draft: Draft,
}

/// A message, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// JSON or text in any carrier.
    pub lines: Lines,
    /// The head around it.
    pub head: Option<Head>,
    /// Content of an HTTP body.
    pub body: Content,
    /// A line of a head, a form, another body or a message of gRPC, as far as it is kept.
    pub bytes: heapless::Vec<u8, LINE_BYTES>,
    /// Bytes of the message that are still to come, in gRPC.
    pub missing: u32,
    /// Mask of the WebSocket frame at hand, and the place in it.
    pub mask: [u8; 4],
    /// See [`Draft::mask`].
    pub mask_at: u8,
    /// The frame ends its message.
    pub is_last_frame: bool,
}

/// Content of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Content {
    /// No byte yet.
    #[default]
    Blank,
    /// JSON, by its first byte: content types lie.
    Json,
    /// Anything else.
    Other,
}

impl Draft {
    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.lines.reset();
        self.lines.scanner.tree.reset();
        self.head = None;
        self.body = Content::Blank;
        self.bytes.clear();
        self.missing = 0;
        self.is_last_frame = false;
    }

    /// Whether nothing is half read.
    fn is_idle(&self) -> bool {
        (self.lines.is_idle() || self.lines.passes_over_line())
            && self.head.is_none()
            && self.bytes.is_empty()
            && self.missing == 0
    }

    /// Keeps more `bytes`, as far as there is room.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.bytes.len();
        // It fits by its length.
        let _ = self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl Drafts {
    /// [`DRAFTS`] of them, and the working draft.
    pub(crate) fn new() -> Self {
        Drafts { slots: vec![DraftSlot::default(); DRAFTS + 1].into(), work: 0, clock: 0, taken_away: 0 }
    }

    /// The number of the draft to go on with: the one that `handle` names, or the working draft, empty.
    pub(crate) fn open(&mut self, handle: Handle) -> usize {
        self.clock = self.clock.wrapping_add(1);
        let clock = self.clock;
        if let Some((at, slot)) = self.find(handle) {
            slot.used = clock;
            return at;
        }
        let work = self.work;
        if let Some(slot) = self.slots.get_mut(work) {
            slot.draft.reset();
        }
        work
    }

    /// The draft with that number.
    pub(crate) fn get(&mut self, at: usize) -> Option<&mut Draft> {
        self.slots.get_mut(at).map(|slot| &mut slot.draft)
    }

    /// Ends the reading of a segment: draft `at` stays with its flow if a message is half read or the flow's `layer`
    /// `needs` it, and is free otherwise. Answers with what names it from now on.
    pub(crate) fn close(&mut self, at: usize, handle: Handle, owner: u32, needs: bool) -> Handle {
        let Some(slot) = self.slots.get_mut(at) else { return Handle::default() };
        let is_work = at == self.work;
        if !needs && slot.draft.is_idle() {
            if !is_work {
                slot.owner = None;
            }
            return Handle::default();
        }
        if !is_work {
            return handle;
        }
        slot.generation = (slot.generation + 1) & GENERATIONS;
        slot.owner = Some(owner);
        slot.used = self.clock;
        let handle = Handle(slot.generation << 8 | (at as u32 + 1));
        self.work = self.vacate();
        handle
    }

    /// A copy of the draft that `handle` names, for `owner`.
    pub(crate) fn copy(&mut self, handle: Handle, owner: u32) -> Handle {
        let Some(draft) = self.find(handle).map(|(_, slot)| slot.draft.clone()) else {
            return Handle::default();
        };
        let work = self.work;
        if let Some(slot) = self.slots.get_mut(work) {
            slot.draft = draft;
        }
        self.close(work, Handle::default(), owner, true)
    }

    /// Frees the draft that `handle` names.
    pub(crate) fn release(&mut self, handle: Handle) {
        if let Some((_, slot)) = self.find(handle) {
            slot.owner = None;
        }
    }

    /// Frees all drafts.
    pub(crate) fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.owner = None;
        }
    }

    fn find(&mut self, handle: Handle) -> Option<(usize, &mut DraftSlot)> {
        let at = (handle.0 as usize & 0xff).checked_sub(1)?;
        let slot = self.slots.get_mut(at)?;
        (slot.owner.is_some() && slot.generation == handle.0 >> 8).then_some((at, slot))
    }

    /// The number of a draft that is free, or becomes so.
    fn vacate(&mut self) -> usize {
        if let Some(free) = self.slots.iter().position(|slot| slot.owner.is_none()) {
            return free;
        }
        // Apart from the drafts: every client is counted for each of its drafts.
        let mut owners = [0; DRAFTS + 1];
        for (owner, slot) in owners.iter_mut().zip(&self.slots) {
            *owner = slot.owner.unwrap_or_default();
        }
        let held = |owner: u32| owners.iter().filter(|other| **other == owner).count();
        let clock = self.clock;
        let victim =
            self.slots.iter().enumerate().max_by_key(|(_, slot)| {
                (held(slot.owner.unwrap_or_default()), clock.wrapping_sub(slot.used))
            });
        let at = victim.map_or(0, |(at, _)| at);
        if let Some(slot) = self.slots.get_mut(at) {
            slot.owner = None;
            self.taken_away = self.taken_away.saturating_add(1);
        }
        at
    }
}

const GENERATIONS: u32 = 0x00ff_ffff;
const _: () = assert!(DRAFTS + 1 < u8::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_with_the_most_drafts_makes_room() {
        let mut drafts = Drafts::new();
        let mut take = |owner| {
            let at = drafts.open(Handle::default());
            drafts.close(at, Handle::default(), owner, true)
        };
        let quiet = take(1);
        let loud: Vec<_> = (0..3 * DRAFTS).map(|_| take(2)).collect();
        assert!(drafts.find(quiet).is_some());
        assert!(drafts.find(loud[0]).is_none());
        assert!(drafts.find(*loud.last().unwrap()).is_some());
        assert!(drafts.taken_away > 0);
    }

    #[test]
    fn a_stale_handle_finds_nothing() {
        let mut drafts = Drafts::new();
        let at = drafts.open(Handle::default());
        let handle = drafts.close(at, Handle::default(), 1, true);
        assert_eq!(drafts.open(handle), at);
        drafts.release(handle);
        assert_ne!(drafts.open(handle), at);
    }
}
