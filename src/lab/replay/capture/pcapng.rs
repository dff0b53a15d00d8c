//! pcapng: blocks, in sections that each have a byte order and interfaces of their own.

use std::io::Read;

use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{EPB_MAGIC, IDB_MAGIC, InterfaceDescriptionBlock, OptionCode, SHB_MAGIC, SPB_MAGIC};

use super::{CapturedFrame, Damage, DamageKind};
use crate::lab::replay::bytes::{ByteOrder, Window};
use crate::lab::replay::link::LinkType;
use crate::util::time::Instant;

/// The section that is being read; before the first one, an empty one.
#[derive(Debug, Default)]
pub(super) struct CaptureSection {
    order: ByteOrder,
    interfaces: Vec<Interface>,
}

/// Properties of packets from an interface, by its interface description block.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_length: u32,
    /// `if_tsresol`: 10^-n seconds, or 2^-n with the top bit set.
    resolution: u8,
    /// `if_tsoffset`, seconds.
    offset: i64,
}

impl CaptureSection {
    /// The packet of the next block that has one.
    pub(super) fn next_packet<'a, R: Read>(
        &mut self,
        window: &'a mut Window<R>,
        latest: Instant,
    ) -> Result<Option<CapturedFrame<'a>>, Damage> {
        loop {
            let offset = window.offset();
            let here = |kind| Damage { offset, kind };
            if !window.more().map_err(here)? {
                return Ok(None);
            }
            window.require(BLOCK_HEADER_LEN).map_err(here)?;
            let kind = self.order.u32(window.bytes(), 0).unwrap_or_default();
            if kind == SHB_MAGIC {
                // A section has a byte order of its own, told by a field after its length.
                self.order = match ByteOrder::Little.u32(window.bytes(), 8) {
                    Some(BYTE_ORDER) => ByteOrder::Little,
                    Some(BYTE_ORDER_SWAPPED) => ByteOrder::Big,
                    _ => return Err(here(DamageKind::Contradiction)),
                };
                self.interfaces.clear();
            }
            let len = self.order.u32(window.bytes(), 4).unwrap_or_default();
            if len > BLOCK_MAX_LEN {
                return Err(here(DamageKind::TooLong(len)));
            }
            let len = len as usize;
            if len < BLOCK_HEADER_LEN || !len.is_multiple_of(4) {
                return Err(here(DamageKind::Contradiction));
            }
            window.require(len).map_err(here)?;
            if self.order.u32(window.bytes(), len - 4) != Some(len as u32) {
                return Err(here(DamageKind::Contradiction));
            }
            match kind {
                IDB_MAGIC => {
                    let block = parse_block(self.order, window.take(len)).map_err(here)?;
                    if let Block::InterfaceDescription(block) = block {
                        self.interfaces.push(Interface::from_block(self.order, &block));
                    }
                }
                EPB_MAGIC | SPB_MAGIC | OBSOLETE_PACKET_BLOCK => {
                    let block = window.take(len);
                    return self.packet_of(kind, block, latest).map(Some).map_err(here);
                }
                _ => window.consume(len),
            }
        }
    }

    /// The packet in `block`, which is complete.
    fn packet_of<'a>(
        &self,
        kind: u32,
        block: &'a [u8],
        latest: Instant,
    ) -> Result<CapturedFrame<'a>, DamageKind> {
        let interface =
            |id: u32| self.interfaces.get(id as usize).copied().ok_or(DamageKind::UnknownInterface(id));
        if kind == OBSOLETE_PACKET_BLOCK {
            let id = self.order.u16(block, 8).ok_or(DamageKind::Contradiction)?;
            let field = |at| self.order.u32(block, at).ok_or(DamageKind::Contradiction);
            let (high, low, captured) = (field(12)?, field(16)?, field(20)?);
            let data = block.get(28..block.len().saturating_sub(4)).unwrap_or_default();
            let bytes = data.get(..captured as usize).ok_or(DamageKind::Contradiction)?;
            let interface = interface(u32::from(id))?;
            return Ok(CapturedFrame { link: interface.link, at: interface.instant(high, low), bytes });
        }
        match parse_block(self.order, block)? {
            Block::EnhancedPacket(packet) => {
                let interface = interface(packet.if_id)?;
                let bytes = packet.data.get(..packet.caplen as usize).ok_or(DamageKind::Contradiction)?;
                Ok(CapturedFrame {
                    link: interface.link,
                    at: interface.instant(packet.ts_high, packet.ts_low),
                    bytes,
                })
            }
            Block::SimplePacket(packet) => {
                let interface = interface(0)?;
                // The snap length tells padding from data in a packet cut short; zero is no limit.
                let limit = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
                let kept = (packet.orig_len().min(limit) as usize).min(packet.data.len());
                Ok(CapturedFrame {
                    link: interface.link,
                    at: latest,
                    bytes: packet.data.get(..kept).unwrap_or_default(),
                })
            }
            _ => Err(DamageKind::Contradiction),
        }
    }
}

/// Reads a complete block; what it lacks is then missing inside.
fn parse_block(order: ByteOrder, block: &[u8]) -> Result<Block<'_>, DamageKind> {
    let parsed = match order {
        ByteOrder::Little => parse_block_le(block),
        ByteOrder::Big => parse_block_be(block),
    };
    parsed.map(|(_, block)| block).map_err(|_| DamageKind::Contradiction)
}

impl Interface {
    fn from_block(order: ByteOrder, block: &InterfaceDescriptionBlock<'_>) -> Self {
        let offset = block.options.iter().find(|option| option.code == OptionCode::IfTsoffset);
        Interface {
            link: LinkType(block.linktype.0 as u16),
            snap_length: block.snaplen,
            resolution: block.if_tsresol,
            offset: offset.and_then(|option| order.i64(option.value(), 0)).unwrap_or_default(),
        }
    }

    /// The time that `high` and `low` count in this interface's units (section 4.3).
    fn instant(&self, high: u32, low: u32) -> Instant {
        let units = u128::from(high) << 32 | u128::from(low);
        let exponent = u32::from(self.resolution & 0x7f);
        let units_per_second = match self.resolution & 0x80 {
            0 => 10u128.checked_pow(exponent),
            _ => 1u128.checked_shl(exponent),
        };
        // Units so short that 2^64 of them are no microsecond.
        let micros = units_per_second.map_or(0, |per_second| units * 1_000_000 / per_second);
        let shifted = micros as i128 + i128::from(self.offset) * 1_000_000;
        Instant::from_micros(shifted.clamp(0, i128::from(u64::MAX)) as u64)
    }
}

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const BYTE_ORDER_SWAPPED: u32 = BYTE_ORDER.swap_bytes();
/// Type, length, and the length again (or a section's byte order, which comes first).
const BLOCK_HEADER_LEN: usize = 12;
/// Section 4.5 of earlier drafts.
const OBSOLETE_PACKET_BLOCK: u32 = 2;
/// Room for a name table or the TLS secrets of a long session; Wireshark's limit too.
const BLOCK_MAX_LEN: u32 = 16 * 1024 * 1024;
