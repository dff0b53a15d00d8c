//! Segments that bring bytes for a place in the stream which has bytes already.
//!
//! The receiver may take either version: it depends on which of them has reached it, and on its system. So both are
//! read, each may be the proof, and the receiver gets only one: the place keeps the bytes that came first, and what
//! differs from them is dropped or cut off ([`crate::verdict::trim`]). What the receiver has acknowledged can't be
//! replaced any more. A place whose bytes are known neither as held nor as acknowledged (the pool was full) can't be
//! compared: its second version is read and passes.

use super::pipeline::{Pipeline, Placed};
use super::reassembly::{Heard, Reassembly, offer_all};
use super::session::{Session, State};
use crate::dpi::Inspection;
use crate::dpi::finding::Finding;
use crate::flow::table::FlowRecord;
use crate::flow::tcp::Arrival;
use crate::limits::{ASSEMBLY_BYTES, WIDE_SLOT_BYTES};
use crate::net::direction::Direction;

/// A segment compared with the bytes that are held for its places.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, and a packet allocates nothing")]
pub(super) enum Overlap {
    /// All its bytes are new, or those that are known.
    Agrees,
    /// Read as the receiver may take it, it proves mining.
    Proof(Finding),
    /// The first bytes differ from those that are known: only the rest may pass.
    Trim {
        /// Their number.
        skip: u32,
    },
    /// The segment must not pass: its bytes differ, or it is too early.
    Drop,
}

impl<S> Pipeline<S> {
    /// Compares a segment with the bytes that are known for its places.
    pub(super) fn compare(&mut self, session: &mut Session, placed: &Placed<'_>) -> Overlap {
        let overlap = Reassembly { session, pool: &mut self.pool, dpi: &mut self.dpi, placed }.overlap();
        if !matches!(overlap, Overlap::Agrees) {
            self.counters.contradictions = self.counters.contradictions.saturating_add(1);
        }
        overlap
    }
}

impl Reassembly<'_> {
    /// Compares the segment with the bytes that are known, before it is read.
    pub(super) fn overlap(&mut self) -> Overlap {
        let &Placed { segment, seq, direction, arrival, .. } = self.placed;
        let Some(next) = self.session.streams.next(direction) else { return Overlap::Agrees };
        if matches!(arrival, Arrival::Ahead { .. })
            && self.is_far(next)
            && !self.widen(next)
            && (self.is_early() || self.has_to_wait())
        {
            return Overlap::Drop;
        }
        let end = seq.wrapping_add(segment.payload_len);
        if direction == Direction::ToServer && self.session.streams.has_acknowledged(end) {
            return Overlap::Agrees;
        }
        let seen = match arrival {
            Arrival::Retransmission => segment.payload_len,
            Arrival::InOrder { skip } => skip,
            Arrival::Ahead { .. } => 0,
        };
        let index = self.session.streams.slots[direction as usize];
        let slot = self.pool.get(index, self.session.key(), direction);
        let contradicts = slot.as_ref().is_some_and(|slot| slot.contradicts(seq, segment.payload));
        if !contradicts {
            let seen_end = seq.wrapping_add(seen);
            let is_known = seen == 0
                || direction == Direction::ToClient
                || self.session.streams.has_acknowledged(seen_end)
                || slot.is_some_and(|slot| slot.covers(seq, seen_end));
            let is_before = direction == Direction::ToServer && self.is_before_the_start(seq, end);
            if is_known && !is_before {
                return Overlap::Agrees;
            }
        }
        if let Some(finding) = self.read_other_version(contradicts) {
            return Overlap::Proof(finding);
        }
        let is_held = |seq: u32, bytes: &[u8]| {
            let slot = self.pool.get(index, self.session.key(), direction);
            slot.is_some_and(|slot| slot.contradicts(seq, bytes))
        };
        let mut contradicts_from = is_held;
        if !contradicts {
            return Overlap::Agrees;
        }
        let rest = segment.payload.get(seen as usize..).unwrap_or_default();
        let is_trimmable = seen > 0 && !rest.is_empty() && !contradicts_from(next, rest);
        if is_trimmable { Overlap::Trim { skip: seen } } else { Overlap::Drop }
    }

    /// Whether the segment is one of the client's further ahead than its slot holds bytes.
    fn is_far(&mut self, next: u32) -> bool {
        let &Placed { segment, seq, direction, .. } = self.placed;
        if direction == Direction::ToClient
            || self.session.state() == State::Bypassed
            || self.session.streams.has_acknowledged(seq)
        {
            return false;
        }
        let index = self.session.streams.slots[direction as usize];
        let fits = match self.pool.get(index, self.session.key(), direction) {
            Some(slot) => slot.has_room(seq, segment.payload.len()),
            None => seq.wrapping_sub(next) as usize + segment.payload.len() <= ASSEMBLY_BYTES,
        };
        !fits
    }

    /// Moves the client's bytes, of which the one at `next` comes next, to a wide slot, if the segment may be held there and
    /// one is to be had. Answers whether it fits now. A client whose early bytes were lost, as no honest one's are, has to
    /// keep to the order instead.
    fn widen(&mut self, next: u32) -> bool {
        let &Placed { segment, seq, direction, stamp, .. } = self.placed;
        if seq.wrapping_sub(next) as usize + segment.payload.len() > WIDE_SLOT_BYTES
            || !self.session.inspection.wants(direction)
            || self.session.streams.has_filled()
        {
            return false;
        }
        let claim = self.claim(direction);
        let index = self.session.streams.slots[direction as usize];
        let Some(index) = self.pool.widen(index, claim, next, stamp) else { return false };
        self.session.streams.slots[direction as usize] = index;
        self.session.streams.waits[direction as usize] = true;
        self.pool
            .get(index, &claim.key, direction)
            .is_some_and(|slot| slot.has_room(seq, segment.payload.len()))
    }

    /// Whether such a segment is a miner's message. What comes before it may follow, and would make the first words of a
    /// miner of it. It comes again; what is in its place by then is read in its place.
    fn is_early(&mut self) -> bool {
        let &Placed { segment, direction, .. } = self.placed;
        if !self.session.inspection.is_whole() {
            return false;
        }
        let mut inspection = Inspection::begin(true);
        let mut heard = Heard::default();
        let owner = self.session.owner();
        offer_all(&mut inspection, self.dpi, owner, direction, segment.payload, &mut heard);
        inspection.release(self.dpi);
        heard.proof.is_some()
    }

    /// Whether such a segment, of which nothing is kept to be read in its turn, has to come again.
    fn has_to_wait(&mut self) -> bool {
        self.session.inspection.wants(self.placed.direction) && self.session.streams.refuses_early()
    }

    /// Whether the client sends a byte before the first one of which its handshake spoke, after others. The rules compare
    /// that with what the server has acknowledged; where they can't (no labels, or a full set) the client may have lied.
    fn is_before_the_start(&self, seq: u32, end: u32) -> bool {
        let streams = &self.session.streams;
        streams.has_carried(Direction::ToServer)
            && streams.is_before_first(seq)
            && !streams.has_acknowledged(end)
    }

    /// Reads the segment as a receiver may take it that has not got the bytes which are known: from its first byte
    /// on, and further with the bytes that are held behind it.
    fn read_other_version(&mut self, contradicts: bool) -> Option<Finding> {
        let &Placed { segment, seq, direction, .. } = self.placed;
        let streams = &self.session.streams;
        let from_start = match direction {
            Direction::ToServer if contradicts => streams.is_from_start(direction),
            Direction::ToServer => streams.is_first(seq),
            Direction::ToClient => false,
        };
        let mut inspection = Inspection::begin(from_start);
        let mut heard = Heard::default();
        let owner = self.session.owner();
        if segment.payload.len() > ASSEMBLY_BYTES {
            // Of several fragments: nothing of that size is held, and nothing behind it.
            offer_all(&mut inspection, self.dpi, owner, direction, segment.payload, &mut heard);
            inspection.release(self.dpi);
            return heard.proof;
        }
        let mut version = heapless::Vec::<u8, ASSEMBLY_BYTES>::new();
        let mut append = |bytes: &[u8]| {
            let room = version.capacity() - version.len();
            // Cut to the room that there is.
            let _ = version.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        };
        append(segment.payload);
        let index = self.session.streams.slots[direction as usize];
        if let Some(slot) = self.pool.get(index, self.session.key(), direction) {
            append(slot.from(seq.wrapping_add(segment.payload_len)));
        }
        let consumed = offer_all(&mut inspection, self.dpi, owner, direction, &version, &mut heard);
        if !contradicts && heard.proof.is_none() && self.precedes_everything() {
            self.begin_again(inspection, &version, consumed);
        } else {
            inspection.release(self.dpi);
        }
        heard.proof
    }

    /// Whether the segment of a flow joined midway begins before the first bytes of the client that were seen, reaches as
    /// far as them, and the server has acknowledged none: its segments came in another order.
    fn precedes_everything(&mut self) -> bool {
        let &Placed { segment, seq, direction, .. } = self.placed;
        let index = self.session.streams.slots[direction as usize];
        !self.session.streams.is_from_start(direction)
            && self.may_be_replaced(direction, seq)
            && self.pool.get(index, self.session.key(), direction).is_some_and(|slot| {
                let lead = slot.begin().wrapping_sub(seq);
                lead > 0 && lead <= segment.payload_len
            })
    }

    /// Goes on with the reading of `version`, which begins with the segment, in place of one without its first bytes.
    fn begin_again(&mut self, inspection: Inspection, version: &[u8], consumed: usize) {
        let &Placed { seq, direction, .. } = self.placed;
        self.free(direction);
        core::mem::replace(&mut self.session.inspection, inspection).release(self.dpi);
        self.session.streams.advance_to(direction, seq.wrapping_add(version.len() as u32));
        if self.session.inspection.wants(direction) {
            self.keep_read(seq, version, consumed);
        }
    }
}
