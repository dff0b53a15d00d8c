//! TCP sequence tracking, as little as an observer needs (RFC 9293 section 3.4).

use crate::flow::reassembly_pool::SlotIndex;
use crate::limits::{EARLY_FILLED, EARLY_REFUSED};
use crate::net::direction::Direction;
#[cfg(any(test, feature = "host"))]
use crate::net::packet::Segment;

/// Positions of both directions of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    /// Sequence number of the next payload byte in each direction.
    next: [u32; 2],
    /// Sequence number of the client's first byte, where it is known.
    first: u32,
    /// The client's bytes from the one to the other sequence number were passed over unseen; none if they are equal.
    hole: [u32; 2],
    /// Sequence number up to which the server has acknowledged what the client sent, where it is known.
    acknowledged: u32,
    /// What the client sent too early.
    early: Early,
    /// [`KNOWN`], [`FROM_START`] and [`CARRIED`], a bit for each direction, and [`ACKNOWLEDGED`].
    flags: u8,
    /// The slots of both directions, for bytes that wait for the rest of their message or for an acknowledgement.
    pub slots: [SlotIndex; 2],
    /// Bytes of the direction wait in its slot to be read.
    pub waits: [bool; 2],
}

/// Segments of the client that came further ahead of their turn than bytes are held. A segment that was lost on its way to
/// us has such ones behind it, now and then; a miner could send each message so, and no one would read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Early {
    /// One has passed unread, and the server is not known to have it.
    passed: bool,
    /// The same, and the client has not gone on in order since.
    awaits: bool,
    /// Times that it has: its bytes were not lost to us alone, it sends them later.
    filled: u8,
    /// Segments refused since.
    refused: u8,
}

/// Position of a segment's payload in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The bytes from `skip` on are the next ones of the stream.
    InOrder {
        /// Leading payload bytes that were seen before.
        skip: u32,
    },
    /// `missing` bytes before it have not been seen: lost before us, or still on their way.
    Ahead {
        /// Length of the hole.
        missing: u32,
    },
    /// Nothing new.
    Retransmission,
}

impl Streams {
    /// Learns initial sequence numbers from the handshake: from a SYN its sender's, from the first
    /// acknowledgement of a flow seen from its SYN the peer's.
    #[cfg(any(test, feature = "host"))]
    pub(crate) fn handshake(&mut self, direction: Direction, segment: &Segment<'_>) {
        if segment.syn && !self.is_known(direction) {
            self.start(direction, segment.seq.wrapping_add(1));
        }
        let peer = direction.reverse();
        if segment.has_ack && !self.is_known(peer) && self.is_from_start(direction) {
            self.start(peer, segment.ack);
        }
    }

    /// Places `len` payload bytes at sequence number `seq`; the stream does not advance.
    ///
    /// The client's first byte is known where the flow is seen from its start ([`Reason::Start`]); its server takes nothing
    /// that lies before. Elsewhere nothing can be repeated before there was anything. A keepalive is no more than a byte.
    ///
    /// [`Reason::Start`]: crate::verdict::Reason::Start
    pub(crate) fn place(&self, direction: Direction, seq: u32, len: u32) -> Arrival {
        if !self.is_known(direction) {
            return Arrival::InOrder { skip: 0 };
        }
        let offset = seq.wrapping_sub(self.next[direction as usize]);
        if offset as i32 > 0 {
            return Arrival::Ahead { missing: offset };
        }
        let seen = offset.wrapping_neg();
        if seen > 0 && len > 1 && direction == Direction::ToClient && !self.has_carried(direction) {
            Arrival::InOrder { skip: 0 }
        } else if seen >= len {
            Arrival::Retransmission
        } else {
            Arrival::InOrder { skip: seen }
        }
    }

    /// The client's bytes from `from` to `to` are passed over, for they may never come.
    pub(crate) fn pass_over(&mut self, from: u32, to: u32) {
        self.hole = [from, to];
        (self.early.passed, self.early.awaits) = (false, false);
    }

    /// A segment of the client passes unread, for it is too early.
    pub(crate) fn pass_early(&mut self) {
        (self.early.passed, self.early.awaits) = (true, true);
    }

    /// Whether a segment of the client has passed unread. The server has it, and what came before it.
    pub(crate) fn ends_wait(&mut self) -> bool {
        self.early.awaits = false;
        core::mem::take(&mut self.early.passed)
    }

    /// The client's stream goes on in order.
    pub(crate) fn go_on(&mut self) {
        self.early.filled = self.early.filled.saturating_add(core::mem::take(&mut self.early.awaits).into());
        self.early.refused = 0;
    }

    /// Whether the client has sent bytes in order behind others that had passed unread.
    pub(crate) fn has_filled(&self) -> bool {
        self.early.filled > 0
    }

    /// Whether a segment of the client which is too early has to come again in its turn.
    pub(crate) fn refuses_early(&mut self) -> bool {
        let refuses = self.early.filled > 0 && !self.waits_in_vain();
        self.early.refused = self.early.refused.saturating_add(refuses.into());
        refuses
    }

    /// Whether the bytes before what is too early will hardly come: they may have passed while the queue was full. That is
    /// believed of a client that has not sent such bytes later again and again.
    pub(crate) fn waits_in_vain(&self) -> bool {
        let Early { filled, refused, .. } = self.early;
        (1..=EARLY_FILLED).contains(&filled) && refused >= EARLY_REFUSED << filled
    }

    /// Whether the client's byte at `seq` was passed over, and may still reach the server: what came behind it is no
    /// proof that it had been lost, since that may have been made to die on its way.
    pub(crate) fn is_passed_over(&self, seq: u32) -> bool {
        let [from, to] = self.hole;
        seq.wrapping_sub(from) < to.wrapping_sub(from) && !self.has_acknowledged(seq.wrapping_add(1))
    }

    /// The first of the bytes that were passed over, if it may still reach the server.
    pub(crate) fn hole_begin(&self) -> Option<u32> {
        let [from, _] = self.hole;
        self.is_passed_over(from).then_some(from)
    }

    /// The client's stream goes on at `seq`, in the bytes that were passed over. Those before it may come, too.
    pub(crate) fn return_to(&mut self, seq: u32) {
        let [from, _] = self.hole;
        self.hole = [from, seq];
        self.early = Early { filled: self.early.filled.saturating_add(1), ..Early::default() };
        self.next[Direction::ToServer as usize] = seq;
    }

    /// The next byte of the stream is the one at `seq`.
    pub(crate) fn advance_to(&mut self, direction: Direction, seq: u32) {
        self.next[direction as usize] = seq;
        self.flags |= KNOWN.of(direction) | CARRIED.of(direction);
    }

    /// Sequence number of the next byte expected, if known.
    pub(crate) fn next(&self, direction: Direction) -> Option<u32> {
        self.is_known(direction).then_some(self.next[direction as usize])
    }

    /// The server has everything that the client sent up to sequence number `ack`.
    pub(crate) fn acknowledge(&mut self, ack: u32) {
        if self.flags & ACKNOWLEDGED == 0 || ack.wrapping_sub(self.acknowledged) as i32 > 0 {
            self.acknowledged = ack;
            self.flags |= ACKNOWLEDGED;
        }
    }

    /// Whether the server is known to have the client's bytes up to sequence number `end`.
    pub(crate) fn has_acknowledged(&self, end: u32) -> bool {
        self.flags & ACKNOWLEDGED != 0 && self.acknowledged.wrapping_sub(end) as i32 >= 0
    }

    /// Whether the client's byte at sequence number `seq` is its first one, or lies before it.
    pub(crate) fn is_first(&self, seq: u32) -> bool {
        self.is_from_start(Direction::ToServer) && self.first.wrapping_sub(seq) as i32 >= 0
    }

    /// Whether the client's byte at sequence number `seq` lies before its first one.
    pub(crate) fn is_before_first(&self, seq: u32) -> bool {
        self.is_first(seq) && seq != self.first
    }

    /// Whether this direction was seen from its first byte.
    pub(crate) fn is_from_start(&self, direction: Direction) -> bool {
        self.flags & FROM_START.of(direction) != 0
    }

    /// Whether payload of this direction was seen.
    pub(crate) fn has_carried(&self, direction: Direction) -> bool {
        self.flags & CARRIED.of(direction) != 0
    }

    fn is_known(&self, direction: Direction) -> bool {
        self.flags & KNOWN.of(direction) != 0
    }

    /// `direction` is seen from its first byte on, which has the sequence number `first`.
    pub(crate) fn start(&mut self, direction: Direction, first: u32) {
        self.next[direction as usize] = first;
        if direction == Direction::ToServer {
            self.first = first;
        }
        self.flags |= KNOWN.of(direction) | FROM_START.of(direction);
    }
}

/// State of a direction: the lowest of two bits, one for each.
struct DirectionFlag(u8);

/// The next sequence number is known.
const KNOWN: DirectionFlag = DirectionFlag(0);
/// The direction is seen from its first byte.
const FROM_START: DirectionFlag = DirectionFlag(2);
/// Payload of the direction has been seen.
const CARRIED: DirectionFlag = DirectionFlag(4);
/// The server has acknowledged something.
const ACKNOWLEDGED: u8 = 1 << 6;

impl DirectionFlag {
    fn of(&self, direction: Direction) -> u8 {
        1 << (self.0 + direction as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn at(next: u32) -> Streams {
        let mut streams = Streams::default();
        streams.advance_to(ToServer, next);
        streams
    }

    #[test]
    fn places_segments_around_the_wrap_of_sequence_numbers() {
        let streams = at(u32::MAX - 1);
        assert_eq!(streams.place(ToServer, u32::MAX - 1, 10), Arrival::InOrder { skip: 0 });
        assert_eq!(streams.place(ToServer, 3, 10), Arrival::Ahead { missing: 5 });
        assert_eq!(at(3).place(ToServer, u32::MAX, 10), Arrival::InOrder { skip: 4 });
        assert_eq!(at(3).place(ToServer, u32::MAX, 4), Arrival::Retransmission);
    }

    #[test]
    fn a_keepalive_with_a_stale_byte_is_a_retransmission() {
        assert_eq!(at(100).place(ToServer, 99, 1), Arrival::Retransmission);
    }

    #[test]
    fn an_unknown_stream_begins_where_it_is_first_seen() {
        let mut streams = Streams::default();
        assert_eq!(streams.place(ToClient, 77, 5), Arrival::InOrder { skip: 0 });
        streams.advance_to(ToClient, 82);
        assert!(!streams.is_from_start(ToClient));
        assert_eq!(streams.next(ToClient), Some(82));
    }

    #[test]
    fn the_client_s_bytes_before_its_first_one_count_for_nothing() {
        let mut streams = Streams::default();
        streams.start(ToServer, 100);
        assert_eq!(streams.place(ToServer, 90, 5), Arrival::Retransmission);
        assert_eq!(streams.place(ToServer, 90, 20), Arrival::InOrder { skip: 10 });
        assert_eq!(streams.place(ToServer, 99, 1), Arrival::Retransmission);
        assert!(streams.is_first(99) && streams.is_before_first(99) && !streams.is_before_first(100));
        assert!(streams.is_first(100) && !streams.is_first(101));
        streams.start(ToClient, 100);
        assert_eq!(streams.place(ToClient, 90, 5), Arrival::InOrder { skip: 0 }, "as its peer has said");
        assert_eq!(streams.place(ToClient, 99, 1), Arrival::Retransmission);
    }

    #[test]
    fn an_acknowledgement_holds_up_to_its_end_and_never_goes_back() {
        let mut streams = Streams::default();
        assert!(!streams.has_acknowledged(0), "none was seen");
        streams.acknowledge(u32::MAX - 9);
        assert!(streams.has_acknowledged(u32::MAX - 9) && !streams.has_acknowledged(20));
        for ack in [20, u32::MAX - 5] {
            streams.acknowledge(ack);
            assert!(streams.has_acknowledged(20) && streams.has_acknowledged(u32::MAX - 9), "{ack}");
            assert!(!streams.has_acknowledged(21), "{ack}");
        }
    }

    #[test]
    fn the_handshake_tells_the_first_bytes_of_both_ends() {
        let end = |port| crate::net::endpoint::Endpoint::new([192, 0, 2, 1].into(), port);
        let segment = |syn, seq, has_ack, ack| Segment {
            src: end(1),
            dst: end(2),
            seq,
            ack,
            syn,
            has_ack,
            fin: false,
            rst: false,
            urg: false,
            payload: b"",
            payload_len: 0,
        };
        let mut streams = Streams::default();
        streams.handshake(ToClient, &segment(false, 7, true, 8));
        assert_eq!((streams.next(ToServer), streams.next(ToClient)), (None, None), "no SYN was seen");
        streams.handshake(ToServer, &segment(true, 99, false, 0));
        assert_eq!((streams.next(ToServer), streams.next(ToClient)), (Some(100), None));
        streams.handshake(ToServer, &segment(false, 100, true, 500));
        assert_eq!((streams.next(ToServer), streams.next(ToClient)), (Some(100), Some(500)));
        streams.handshake(ToServer, &segment(true, 9_000, true, 9_000));
        assert_eq!((streams.next(ToServer), streams.next(ToClient)), (Some(100), Some(500)), "a second SYN");
    }
}
