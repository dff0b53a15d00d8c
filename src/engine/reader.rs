//! From a segment's payload to the DPI: in order, once, with what waited for it.

use crate::dpi::{Answer, Dpi};
use crate::flow::FlowRecord;
use crate::flow::reassembly::{Assembly, Slot, SlotIndex};
use crate::flow::tcp::Arrival;
use crate::limits::ASSEMBLY_BYTES;
use crate::net::direction::Direction;
use crate::net::packet::Segment;
use crate::util::time::Stamp;

/// One segment's reading.
pub(super) struct Reader<'a> {
    pub record: &'a mut FlowRecord,
    pub assembly: &'a mut Assembly,
    pub dpi: &'a mut Dpi,
    pub direction: Direction,
    pub now: Stamp,
}

/// Frees the slots of a flow that needs them no longer.
pub(super) fn release(assembly: &mut Assembly, record: &FlowRecord) {
    for direction in [Direction::ToServer, Direction::ToClient] {
        assembly.release(record.streams.waiting[direction as usize], &record.key, direction);
    }
}

impl Reader<'_> {
    /// Reads the payload of `segment`, which begins at sequence number `seq`.
    pub fn read(mut self, segment: &Segment<'_>, seq: u32, arrival: Arrival) -> Answer {
        if segment.has_ack {
            let answer = self.give_up_acknowledged_hole(segment.ack);
            if answer != Answer::NeedMore {
                return answer;
            }
        }
        self.notice_theft();
        let end = seq.wrapping_add(segment.payload_len);
        if !self.record.inspection.wants(self.direction) {
            self.record.streams.advance_to(self.direction, end);
            return Answer::NeedMore;
        }
        let answer = match arrival {
            Arrival::Retransmission => return Answer::NeedMore,
            Arrival::InOrder { skip } => {
                self.record.streams.advance_to(self.direction, end);
                let new = segment.payload.get(skip as usize..).unwrap_or_default();
                self.feed(seq.wrapping_add(skip), new)
            }
            Arrival::Ahead { .. } if self.hold(seq, segment.payload) => Answer::NeedMore,
            Arrival::Ahead { missing } => {
                self.lose(seq.wrapping_sub(missing), seq);
                self.record.streams.advance_to(self.direction, end);
                self.feed(seq, segment.payload)
            }
        };
        let at_hand = segment.payload.len() as u32;
        if at_hand < segment.payload_len && answer == Answer::NeedMore {
            self.lose(seq.wrapping_add(at_hand), end);
        }
        answer
    }

    /// The peer has acknowledged bytes that we miss: they took another way (the queue was full and
    /// failed open, the capture lost them) and will not come.
    fn give_up_acknowledged_hole(&mut self, ack: u32) -> Answer {
        let peer = self.direction.reverse();
        let Some(next) = self.record.streams.next(peer) else {
            return Answer::NeedMore;
        };
        let is_beyond = (ack.wrapping_sub(next) as i32) > 0;
        let index = self.record.streams.waiting[peer as usize];
        match self.assembly.get(index, &self.record.key, peer) {
            Some(slot) if is_beyond && slot.has_hole() => {
                let unread = slot.base();
                slot.skip_hole();
                let head_end = slot.head_end();
                self.record.inspection.gap(peer, slot.base().wrapping_sub(unread));
                self.record.streams.advance_to(peer, head_end);
                self.offer_head(peer)
            }
            _ => Answer::NeedMore,
        }
    }

    /// Bytes that waited are gone if another flow has needed the slot more; how many is not known.
    fn notice_theft(&mut self) {
        let index = self.record.streams.waiting[self.direction as usize];
        if index != SlotIndex::default()
            && self.assembly.get(index, &self.record.key, self.direction).is_none()
        {
            self.record.streams.waiting[self.direction as usize] = SlotIndex::default();
            self.record.inspection.gap(self.direction, u32::MAX);
        }
    }

    /// Reads `bytes`, the next ones of the stream, which begin at `seq`.
    fn feed(&mut self, mut seq: u32, mut bytes: &[u8]) -> Answer {
        let index = self.record.streams.waiting[self.direction as usize];
        if self.assembly.get(index, &self.record.key, self.direction).is_none() {
            let (answer, consumed) = offer_all(self.record, self.dpi, self.direction, bytes);
            bytes = bytes.get(consumed..).unwrap_or_default();
            seq = seq.wrapping_add(consumed as u32);
            if answer != Answer::NeedMore || !self.record.inspection.wants(self.direction) {
                return answer;
            }
        }
        while !bytes.is_empty() {
            let Some(slot) = slot(self.assembly, self.record, self.direction, seq, self.now) else {
                return Answer::NeedMore;
            };
            let room = ASSEMBLY_BYTES.saturating_sub(seq.wrapping_sub(slot.base()) as usize);
            let (fits, rest) = bytes.split_at(bytes.len().min(room));
            if fits.is_empty() || slot.put(seq, fits, self.now).is_err() {
                self.lose(seq, seq.wrapping_add(bytes.len() as u32));
                return Answer::NeedMore;
            }
            if rest.is_empty() {
                // Bytes that came ahead of their turn may follow at once.
                let head_end = slot.head_end();
                self.record.streams.advance_to(self.direction, head_end);
            }
            bytes = rest;
            seq = seq.wrapping_add(fits.len() as u32);
            let answer = self.offer_head(self.direction);
            if answer != Answer::NeedMore || !self.record.inspection.wants(self.direction) {
                return answer;
            }
        }
        Answer::NeedMore
    }

    /// Offers what waits at the head of the slot of `direction`, and frees the slot once it is empty.
    fn offer_head(&mut self, direction: Direction) -> Answer {
        let key = self.record.key;
        let index = self.record.streams.waiting[direction as usize];
        let Some(slot) = self.assembly.get(index, &key, direction) else {
            return Answer::NeedMore;
        };
        let (mut answer, mut consumed) = offer_all(self.record, self.dpi, direction, slot.head());
        if answer == Answer::NeedMore && consumed == 0 && slot.head().len() == ASSEMBLY_BYTES {
            answer = self.record.inspection.overflow(self.dpi, direction, slot.head()).answer;
            consumed = ASSEMBLY_BYTES;
        }
        slot.consume(consumed);
        if slot.is_empty() || !self.record.inspection.wants(direction) {
            self.free(direction);
        }
        answer
    }

    /// Keeps bytes that came ahead of their turn, if there is room.
    fn hold(&mut self, seq: u32, bytes: &[u8]) -> bool {
        let Some(next) = self.record.streams.next(self.direction) else {
            return false;
        };
        slot(self.assembly, self.record, self.direction, next, self.now)
            .is_some_and(|slot| slot.put(seq, bytes, self.now).is_ok())
    }

    /// The bytes from `from` up to `to` will never be seen, and neither will be what waits for them.
    fn lose(&mut self, from: u32, to: u32) {
        let index = self.record.streams.waiting[self.direction as usize];
        let unread = match self.assembly.get(index, &self.record.key, self.direction) {
            Some(slot) => slot.base(),
            None => from,
        };
        self.free(self.direction);
        self.record.inspection.gap(self.direction, to.wrapping_sub(unread));
    }

    /// Gives the slot of `direction` back.
    fn free(&mut self, direction: Direction) {
        let index = core::mem::take(&mut self.record.streams.waiting[direction as usize]);
        self.assembly.release(index, &self.record.key, direction);
    }
}

/// The slot of `direction`, claimed at `base` if it has none.
fn slot<'a>(
    assembly: &'a mut Assembly,
    record: &mut FlowRecord,
    direction: Direction,
    base: u32,
    now: Stamp,
) -> Option<&'a mut Slot> {
    let waiting = &mut record.streams.waiting[direction as usize];
    if assembly.get(*waiting, &record.key, direction).is_none() {
        *waiting = assembly.claim(&record.key, direction, base, now)?;
    }
    assembly.get(*waiting, &record.key, direction)
}

/// Offers `bytes` until nothing more is consumed; answers how many were.
fn offer_all(record: &mut FlowRecord, dpi: &mut Dpi, direction: Direction, bytes: &[u8]) -> (Answer, usize) {
    let mut consumed = 0;
    while let Some(rest) = bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
        let offer = record.inspection.offer(dpi, direction, rest);
        consumed += offer.consumed.min(rest.len());
        if offer.answer != Answer::NeedMore || offer.consumed == 0 {
            return (offer.answer, consumed);
        }
    }
    (Answer::NeedMore, consumed)
}
