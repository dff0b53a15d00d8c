//! Position and values of the three bits in the packet mark, and in the conntrack mark of a kernel without labels.

use super::{FlowMark, Reason};
use crate::limits::{MARK_BIT_DEFAULT, MARK_BIT_MAX};

/// Width of a value in the mark.
const MARK_BITS: u32 = 0b111;

// Values of a connection behind those of `FlowMark`.
const OWN: u32 = 4;
const BEGUN: u32 = 5;
const PROXIED: u32 = 6;

// Values of a packet on its way to the daemon: no `FlowMark`, so that a bypassed queue decides nothing.
const START: u32 = 5;
const AGAIN: u32 = 6;
const ATTEMPT: u32 = 7;

/// The position of our bits in a 32-bit mark. All other bits belong to other programs (mwan3, pbr, qosify) and
/// are never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkPosition {
    lowest_bit: u8,
}

impl Default for MarkPosition {
    /// From [`MARK_BIT_DEFAULT`] up.
    fn default() -> Self {
        MarkPosition { lowest_bit: MARK_BIT_DEFAULT }
    }
}

const _: () = assert!(MARK_BIT_DEFAULT <= MARK_BIT_MAX);

impl MarkPosition {
    /// Three bits from `lowest_bit` up, and above them the bit of [`MarkPosition::queue_bit`].
    /// `None` above [`MARK_BIT_MAX`]: the four would not fit.
    pub const fn new(lowest_bit: u8) -> Option<Self> {
        if lowest_bit <= MARK_BIT_MAX { Some(MarkPosition { lowest_bit }) } else { None }
    }

    /// The three bits.
    pub const fn mask(self) -> u32 {
        MARK_BITS << self.lowest_bit
    }

    /// `mark` as the value of the three bits, all others zero.
    pub const fn value(self, mark: FlowMark) -> u32 {
        (mark as u32) << self.lowest_bit
    }

    /// `packet_mark` with `mark` in our three bits, all others kept.
    pub const fn apply(self, packet_mark: u32, mark: FlowMark) -> u32 {
        (packet_mark & !self.mask()) | self.value(mark)
    }

    /// The value of a probe's connections, which are never queued.
    pub const fn own(self) -> u32 {
        OWN << self.lowest_bit
    }

    /// The value of a connection whose SYN was answered, and whose client has sent nothing since.
    pub const fn begun(self) -> u32 {
        BEGUN << self.lowest_bit
    }

    /// The value of a connection that a transparent proxy on the router takes over, before it is answered.
    pub const fn proxied(self) -> u32 {
        PROXIED << self.lowest_bit
    }

    /// The value of a packet that is queued for `reason`.
    pub const fn reason_value(self, reason: Reason) -> u32 {
        let value = match reason {
            Reason::Payload => 0,
            Reason::Start => START,
            Reason::Again => AGAIN,
            Reason::Attempt => ATTEMPT,
        };
        value << self.lowest_bit
    }

    /// The reason in the mark of a queued packet.
    pub const fn reason(self, packet_mark: u32) -> Reason {
        match (packet_mark & self.mask()) >> self.lowest_bit {
            START => Reason::Start,
            AGAIN => Reason::Again,
            ATTEMPT => Reason::Attempt,
            _ => Reason::Payload,
        }
    }

    /// A fourth bit of the packet mark: "queue this one". Only the iptables variant of the rule set
    /// uses it, between two hooks of one packet.
    pub const fn queue_bit(self) -> u32 {
        (MARK_BITS + 1) << self.lowest_bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bits_stay_at_every_position() {
        for lowest_bit in 0..=MARK_BIT_MAX {
            let at = MarkPosition::new(lowest_bit).expect("in range");
            assert_eq!(at.mask().count_ones(), 3);
            assert_eq!(at.queue_bit() & at.mask(), 0);
            assert_eq!(at.apply(u32::MAX, FlowMark::Unseen), !at.mask());
            assert_eq!(at.apply(0, FlowMark::Blocked), at.value(FlowMark::Blocked));
            assert_eq!(at.apply(!at.mask(), FlowMark::Benign) & !at.mask(), !at.mask());
            for reason in [Reason::Payload, Reason::Start, Reason::Again, Reason::Attempt] {
                assert_eq!(at.reason(at.reason_value(reason) | !at.mask()), reason);
                let is_verdict = |mark| at.reason_value(reason) == at.value(mark);
                assert!(
                    ![FlowMark::Undecided, FlowMark::Benign, FlowMark::Blocked].into_iter().any(is_verdict)
                );
            }
        }
        assert_eq!(MarkPosition::new(MARK_BIT_MAX + 1), None);
        assert_eq!(MarkPosition::new(24).map(|at| at.mask()), Some(0x0700_0000));
    }
}
