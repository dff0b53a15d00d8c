//! The kernel's part in a replay: which packets the rule set would hand to the daemon.
//!
//! A capture holds every packet; the live daemon sees few of them. This is the rule set's *watch*
//! chain ([`crate::rules`]) over again, so that a replayed flow is judged by what would have been
//! queued of it.

use std::collections::HashMap;

use crate::limits::{
    SECOND_LOOK_EARLY_BITS, SECOND_LOOK_EARLY_PACKETS, SECOND_LOOK_LATE_BITS, SECOND_LOOK_MAX_PACKET_BYTES,
    SECOND_LOOK_PACKETS_PER_SECOND,
};
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::Segment;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};
use crate::verdict::{FlowMark, Verdict};

/// The connections that the kernel tracks.
#[derive(Debug, Default)]
pub struct Kernel {
    connections: HashMap<FiveTuple, Connection>,
    looks: TokenBucket,
}

/// What conntrack knows of a connection.
#[derive(Clone, Copy, Debug)]
struct Connection {
    mark: FlowMark,
    packets: u32,
}

impl Kernel {
    /// Whether `segment`, in an IP packet of `length` bytes that came at `now`, is queued.
    pub fn queues(&mut self, segment: &Segment<'_>, length: usize, now: Instant) -> bool {
        let key = FiveTuple::new(segment.src, segment.dst);
        let opens = segment.syn && !segment.has_ack;
        let connection =
            self.connections.entry(key).or_insert(Connection { mark: FlowMark::Unseen, packets: 0 });
        if opens {
            *connection = Connection { mark: FlowMark::Unseen, packets: 0 };
        }
        connection.packets = connection.packets.saturating_add(1);
        if !opens && segment.payload_len == 0 {
            return false;
        }
        match connection.mark {
            FlowMark::Unseen | FlowMark::Undecided => true,
            FlowMark::Blocked => false,
            FlowMark::Benign => {
                let bits = if connection.packets <= SECOND_LOOK_EARLY_PACKETS {
                    SECOND_LOOK_EARLY_BITS
                } else {
                    SECOND_LOOK_LATE_BITS
                };
                length < SECOND_LOOK_MAX_PACKET_BYTES as usize
                    && (connection.packets & bits == 0 || self.looks.take(&LOOKS, now))
            }
        }
    }

    /// Forgets the connection of `key`, which has ended.
    pub fn forget(&mut self, key: &FiveTuple) {
        self.connections.remove(key);
    }

    /// Remembers the verdict on `segment`; what is blocked stays blocked.
    pub fn decide(&mut self, segment: &Segment<'_>, verdict: &Verdict) {
        let mark = match verdict {
            Verdict::Accept(mark) => *mark,
            Verdict::Reset(_) => FlowMark::Blocked,
            Verdict::Ignore | Verdict::WithoutData => return,
        };
        if let Some(connection) = self.connections.get_mut(&FiveTuple::new(segment.src, segment.dst))
            && connection.mark != FlowMark::Blocked
        {
            connection.mark = mark;
        }
    }
}

/// The rule set's `limit rate N/second burst N packets`.
const LOOKS: Rate = Rate::per_second(SECOND_LOOK_PACKETS_PER_SECOND);

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn segment(syn: bool, payload: &[u8]) -> Segment<'_> {
        Segment {
            src: (Ipv4Addr::new(192, 168, 1, 7), 40_000).into(),
            dst: (Ipv4Addr::new(192, 0, 2, 1), 443).into(),
            seq: 0,
            ack: 0,
            syn,
            has_ack: !syn,
            fin: false,
            rst: false,
            payload,
            payload_len: payload.len() as u32,
        }
    }

    #[test]
    fn only_what_can_matter_is_queued() {
        let mut kernel = Kernel::default();
        let now = Instant::default();
        assert!(kernel.queues(&segment(true, b""), 60, now));
        assert!(!kernel.queues(&segment(false, b""), 52, now));
        assert!(kernel.queues(&segment(false, b"hello"), 57, now));
        kernel.decide(&segment(false, b"hello"), &Verdict::Accept(FlowMark::Blocked));
        assert!(!kernel.queues(&segment(false, b"hello"), 57, now));
        assert!(kernel.queues(&segment(true, b""), 60, now), "a new connection begins anew");
    }

    #[test]
    fn a_flow_let_go_is_looked_at_again_at_a_bounded_cost() {
        let mut kernel = Kernel::default();
        let now = Instant::default();
        kernel.queues(&segment(true, b""), 60, now);
        kernel.decide(&segment(true, b""), &Verdict::Accept(FlowMark::Benign));
        let small =
            (0..SECOND_LOOK_EARLY_PACKETS - 1).filter(|_| kernel.queues(&segment(false, b"x"), 53, now));
        let expected = SECOND_LOOK_EARLY_PACKETS / 4 + SECOND_LOOK_PACKETS_PER_SECOND;
        assert!(small.count().abs_diff(expected as usize) <= 16);
        assert!((0..10_000).all(|_| !kernel.queues(&segment(false, b"x"), 1_500, now)));
    }
}
