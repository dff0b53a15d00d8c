//! Our bits of the packet mark and the conntrack mark, as nft statements.

use core::ops::RangeInclusive;

use super::Variant;
use crate::config::Config;
use crate::verdict::Reason;
use crate::verdict::mark::MarkPosition;

/// The bits of one rule set.
#[derive(Clone, Copy, Debug)]
pub struct Bits {
    /// Their position.
    pub at: MarkPosition,
    variant: Variant,
}

impl Bits {
    /// The bits of `config`.
    pub fn new(config: &Config, variant: Variant) -> Self {
        Bits::at(config.mark, variant)
    }

    /// The bits at `at`.
    pub fn at(at: MarkPosition, variant: Variant) -> Self {
        Bits { at, variant }
    }

    /// The three bits of a value.
    pub fn mask(&self) -> u32 {
        self.at.mask()
    }

    /// All bits of the packet mark that are ours: the iptables variant has a fourth, the way to the queue.
    pub fn any(&self) -> u32 {
        match self.variant {
            Variant::Nft => self.mask(),
            Variant::Iptables => self.mask() | self.at.queue_bit(),
        }
    }

    /// Clears our bits of the packet's mark.
    pub fn clear_packet(&self) -> String {
        format!("meta mark set meta mark & {:#010x}", !self.any())
    }

    /// Writes `value` into our bits of the connection's mark.
    pub fn set_connection(&self, value: u32) -> String {
        format!("ct mark set ct mark & {:#010x} | {value:#010x}", !self.mask())
    }

    /// Writes `reason` into our bits of the packet's mark, which are zero.
    pub fn set_reason(&self, reason: Reason) -> String {
        format!("meta mark set meta mark | {:#010x}", self.at.reason_value(reason))
    }

    /// Sends a packet to one of the queues `numbers`: by a hash of both addresses, the same for either direction.
    pub fn queue(&self, numbers: &RangeInclusive<u16>) -> String {
        match self.variant {
            Variant::Nft if numbers.start() == numbers.end() => {
                format!("queue num {} bypass", numbers.start())
            }
            Variant::Nft => format!("queue num {}-{} bypass", numbers.start(), numbers.end()),
            Variant::Iptables => format!("meta mark set meta mark | {:#010x} accept", self.at.queue_bit()),
        }
    }
}
