//! What an end says that it has of its peer's bytes.
//!
//! The server's acknowledgements count without payload, too: during an upload it says nothing else, and only they tell
//! whether bytes of the client that were not read here are still to come.

use core::hash::BuildHasher;

use super::pipeline::{DetectionCause, Pipeline, Placed};
use super::reassembly::{Heard, Reassembly};
use super::session::Session;
use crate::flow::table::FlowRecord;
use crate::flow::tcp::Arrival;
use crate::net::direction::Direction;
use crate::net::packet::Segment;
use crate::util::time::Instant;

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// An acknowledgement without payload. Bytes that have waited for those which it covers may be proof.
    pub(super) fn acknowledgement(
        &mut self,
        session: &mut Session,
        segment: &Segment<'_>,
        at: Instant,
    ) -> Option<DetectionCause> {
        let direction = session.direction_from(&segment.src);
        if direction == Direction::ToServer || !session.is_watched() {
            return None;
        }
        let (seq, arrival, stamp) = (segment.seq, Arrival::Retransmission, at.stamp());
        let placed = &Placed { segment, seq, direction, arrival, at, stamp };
        let mut heard = Heard::default();
        Reassembly { session, pool: &mut self.pool, dpi: &mut self.dpi, placed }.acknowledge(&mut heard);
        self.conclude(session, &mut heard, at)
    }
}

impl Reassembly<'_> {
    /// Takes note of the bytes that the segment acknowledges.
    pub(super) fn acknowledge(&mut self, heard: &mut Heard) {
        let segment = self.placed.segment;
        if segment.has_ack {
            self.drop_acknowledged(segment.ack);
            self.give_up_acknowledged_hole(segment.ack, heard);
        }
    }

    /// The peer has acknowledged bytes that were not seen: they took another way (the queue was full and
    /// failed open, the capture lost them), or passed before their turn, and will not come.
    fn give_up_acknowledged_hole(&mut self, ack: u32, heard: &mut Heard) {
        let peer = self.placed.direction.reverse();
        let Some(next) = self.session.streams.next(peer) else { return };
        let missing = ack.wrapping_sub(next);
        if missing as i32 <= 0 {
            return;
        }
        let index = self.session.streams.slots[peer as usize];
        let waits = self.waits(peer);
        match self.pool.get(index, self.session.key(), peer) {
            Some(slot) if slot.has_hole() => {
                let unread = slot.unread();
                slot.skip_to(ack);
                let head_end = slot.head_end();
                let missing = slot.unread().wrapping_sub(unread);
                self.session.inspection.gap(self.dpi, peer, missing);
                self.session.streams.advance_to(peer, head_end);
                self.offer_head(peer, heard);
            }
            Some(_) if waits => {
                self.free(peer);
                self.session.inspection.gap(self.dpi, peer, missing);
                self.session.streams.advance_to(peer, ack);
            }
            // The end of a stream takes a number, too (RFC 9293 section 3.4).
            None if peer == Direction::ToServer && (self.session.streams.ends_wait() || missing > 1) => {
                self.session.inspection.gap(self.dpi, peer, missing);
                self.session.streams.advance_to(peer, ack);
            }
            _ => {}
        }
    }

    /// The server has what the client sent up to `ack`: another version of it is harmless.
    fn drop_acknowledged(&mut self, ack: u32) {
        if self.placed.direction != Direction::ToClient {
            return;
        }
        self.session.streams.acknowledge(ack);
        let index = self.session.streams.slots[Direction::ToServer as usize];
        if let Some(slot) = self.pool.get(index, self.session.key(), Direction::ToServer) {
            slot.acknowledged(ack);
            if slot.is_empty() {
                self.free(Direction::ToServer);
            }
        }
    }
}
