//! Where the verdict's three bits sit in the packet mark and the conntrack mark.

use super::FlowMark;
use crate::limits::MARK_BIT_MAX;

/// Width of a [`FlowMark`] in the mark: room for its four values and four to come.
const MARK_BITS: u32 = 0b111;

/// The value behind those of [`FlowMark`].
const OWN: u32 = FlowMark::Blocked as u32 + 1;

/// The position of our bits in a 32-bit mark. Every other bit belongs to somebody else (mwan3,
/// pbr, qosify) and is never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkPosition {
    lowest_bit: u8,
}

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

    /// The three bits of what is ours and never judged: the connections of a probe. No [`FlowMark`] has
    /// this value.
    pub const fn own(self) -> u32 {
        OWN << self.lowest_bit
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
        }
        assert_eq!(MarkPosition::new(MARK_BIT_MAX + 1), None);
        assert_eq!(MarkPosition::new(24).map(|at| at.mask()), Some(0x0700_0000));
    }
}
