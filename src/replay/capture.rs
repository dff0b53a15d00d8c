//! Capture files: pcap and pcapng, one packet after another, in constant memory.
//!
//! `pcap-parser` reads the headers and blocks. The framing is ours, because its streaming readers
//! ask for more bytes for ever when a block contradicts its own length, and because a damage report
//! needs the offset at which the damaged record begins.
//!
//! Formats: draft-ietf-opsawg-pcap (both byte orders, micro- and nanoseconds) and
//! draft-ietf-opsawg-pcapng (section header, interface description, enhanced, simple and the
//! obsolete packet block; what else there is passes unread).

use std::fmt;
use std::io::{self, Read};

use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{
    EPB_MAGIC, IDB_MAGIC, InterfaceDescriptionBlock, OptionCode, PcapHeader, SHB_MAGIC, SPB_MAGIC,
    parse_pcap_header,
};

use super::bytes::{Order, Window};
use super::link::LinkType;
use crate::time::Instant;

/// A capture file that is being read.
#[derive(Debug)]
pub struct Capture<R> {
    window: Window<R>,
    format: Format,
    /// When the latest packet was captured; a simple packet block doesn't say.
    latest: Instant,
}

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the first byte is the first byte of.
    pub link: LinkType,
    /// When it was captured, since 1970.
    pub at: Instant,
    /// The bytes that were kept of it.
    pub bytes: &'a [u8],
}

/// Why a file is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where in the file the record begins that can't be read, in bytes.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The file ends inside a record: the capture was interrupted, or copied incompletely.
    Truncated,
    /// A record gives itself more bytes than any capture program writes.
    TooLong(u32),
    /// A record contradicts itself: overwritten, or not written by a capture program.
    Contradiction,
    /// A packet was captured on an interface that the file doesn't describe.
    UnknownInterface(u32),
    /// The storage failed.
    Io(io::ErrorKind),
}

/// Why a file can't be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Its first bytes are those of neither format.
    NotACapture {
        /// It is gzip-compressed (RFC 1952 section 2.3.1).
        gzip: bool,
    },
    /// It is a capture whose header is damaged.
    Damaged(Damage),
    /// The storage failed at once; a directory, perhaps.
    Io(io::ErrorKind),
}

#[derive(Debug)]
enum Format {
    Pcap(PcapHeader),
    Pcapng { order: Order, interfaces: Vec<Interface> },
}

/// What an interface description block says of the packets captured there.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_length: u32,
    /// `if_tsresol`: 10^-n seconds, or 2^-n with the top bit set.
    resolution: u8,
    /// `if_tsoffset`, seconds.
    offset: i64,
}

impl<R: Read> Capture<R> {
    /// Reads the head of a capture.
    ///
    /// # Errors
    /// [`OpenError`], if there are no packets to be had from `source`.
    pub fn open(source: R) -> Result<Self, OpenError> {
        let mut window = Window::new(source);
        let damaged = |kind| match kind {
            DamageKind::Io(kind) => OpenError::Io(kind),
            kind => OpenError::Damaged(Damage { offset: 0, kind }),
        };
        window.require(MAGIC_LEN).map_err(damaged)?;
        let magic = Order::Little.u32(window.bytes(), 0);
        let format = match magic {
            Some(SHB_MAGIC) => Format::Pcapng { order: Order::Little, interfaces: Vec::new() },
            Some(PCAP_MICROS | PCAP_NANOS | PCAP_MODIFIED | PCAP_MICROS_SWAPPED | PCAP_NANOS_SWAPPED) => {
                window.require(PCAP_HEADER_LEN).map_err(damaged)?;
                let (_, header) =
                    parse_pcap_header(window.bytes()).map_err(|_| damaged(DamageKind::Contradiction))?;
                window.consume(PCAP_HEADER_LEN);
                Format::Pcap(header)
            }
            _ => return Err(OpenError::NotACapture { gzip: window.bytes().starts_with(&[0x1f, 0x8b]) }),
        };
        Ok(Capture { window, format, latest: Instant::default() })
    }

    /// The next packet; `None` at the end of the file.
    ///
    /// # Errors
    /// [`Damage`]; what follows it can't be read.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Damage> {
        let Capture { window, format, latest } = self;
        let frame = match format {
            Format::Pcap(header) => next_record(window, header),
            Format::Pcapng { order, interfaces } => next_packet_block(window, order, interfaces, *latest),
        }?;
        if let Some(frame) = &frame {
            *latest = frame.at;
        }
        Ok(frame)
    }
}

/// The next record of a pcap file.
fn next_record<'a, R: Read>(
    window: &'a mut Window<R>,
    header: &PcapHeader,
) -> Result<Option<Frame<'a>>, Damage> {
    let offset = window.offset();
    let here = |kind| Damage { offset, kind };
    if !window.more().map_err(here)? {
        return Ok(None);
    }
    let order = if header.is_bigendian() { Order::Big } else { Order::Little };
    let head_len = if header.is_modified_format() { MODIFIED_RECORD_HEADER_LEN } else { RECORD_HEADER_LEN };
    window.require(head_len).map_err(here)?;
    let field = |at| order.u32(window.bytes(), at).unwrap_or_default();
    let (seconds, fraction, captured) = (field(0), field(4), field(8));
    if captured > RECORD_MAX_LEN {
        return Err(here(DamageKind::TooLong(captured)));
    }
    window.require(head_len + captured as usize).map_err(here)?;
    let micros = if header.is_nanosecond_precision() { fraction / 1_000 } else { fraction };
    let bytes = window.take(head_len + captured as usize);
    Ok(Some(Frame {
        // The upper half says whether a frame check sequence is kept (section 4).
        link: LinkType(header.network.0 as u16),
        at: Instant::from_micros(u64::from(seconds) * 1_000_000 + u64::from(micros)),
        bytes: bytes.get(head_len..).unwrap_or_default(),
    }))
}

/// The packet of the next block that has one.
fn next_packet_block<'a, R: Read>(
    window: &'a mut Window<R>,
    order: &mut Order,
    interfaces: &mut Vec<Interface>,
    latest: Instant,
) -> Result<Option<Frame<'a>>, Damage> {
    loop {
        let offset = window.offset();
        let here = |kind| Damage { offset, kind };
        if !window.more().map_err(here)? {
            return Ok(None);
        }
        window.require(BLOCK_HEADER_LEN).map_err(here)?;
        let kind = order.u32(window.bytes(), 0).unwrap_or_default();
        if kind == SHB_MAGIC {
            // A section has a byte order of its own, told by a field after its length.
            *order = match Order::Little.u32(window.bytes(), 8) {
                Some(BYTE_ORDER) => Order::Little,
                Some(BYTE_ORDER_SWAPPED) => Order::Big,
                _ => return Err(here(DamageKind::Contradiction)),
            };
            interfaces.clear();
        }
        let len = order.u32(window.bytes(), 4).unwrap_or_default();
        if len > BLOCK_MAX_LEN {
            return Err(here(DamageKind::TooLong(len)));
        }
        let len = len as usize;
        if len < BLOCK_HEADER_LEN || !len.is_multiple_of(4) {
            return Err(here(DamageKind::Contradiction));
        }
        window.require(len).map_err(here)?;
        if order.u32(window.bytes(), len - 4) != Some(len as u32) {
            return Err(here(DamageKind::Contradiction));
        }
        match kind {
            IDB_MAGIC => {
                let block = parse_block(*order, window.take(len)).map_err(here)?;
                if let Block::InterfaceDescription(block) = block {
                    interfaces.push(Interface::from_block(*order, &block));
                }
            }
            EPB_MAGIC | SPB_MAGIC | OBSOLETE_PACKET_BLOCK => {
                let block = window.take(len);
                return packet_of(*order, kind, block, interfaces, latest).map(Some).map_err(here);
            }
            _ => window.consume(len),
        }
    }
}

/// The packet in `block`, which is complete.
fn packet_of<'a>(
    order: Order,
    kind: u32,
    block: &'a [u8],
    interfaces: &[Interface],
    latest: Instant,
) -> Result<Frame<'a>, DamageKind> {
    let interface = |id: u32| interfaces.get(id as usize).copied().ok_or(DamageKind::UnknownInterface(id));
    if kind == OBSOLETE_PACKET_BLOCK {
        let id = order.u16(block, 8).ok_or(DamageKind::Contradiction)?;
        let field = |at| order.u32(block, at).ok_or(DamageKind::Contradiction);
        let (high, low, captured) = (field(12)?, field(16)?, field(20)?);
        let data = block.get(28..block.len().saturating_sub(4)).unwrap_or_default();
        let bytes = data.get(..captured as usize).ok_or(DamageKind::Contradiction)?;
        let interface = interface(u32::from(id))?;
        return Ok(Frame { link: interface.link, at: interface.instant(high, low), bytes });
    }
    match parse_block(order, block)? {
        Block::EnhancedPacket(packet) => {
            let interface = interface(packet.if_id)?;
            let bytes = packet.data.get(..packet.caplen as usize).ok_or(DamageKind::Contradiction)?;
            Ok(Frame { link: interface.link, at: interface.instant(packet.ts_high, packet.ts_low), bytes })
        }
        Block::SimplePacket(packet) => {
            let interface = interface(0)?;
            // The snap length tells padding from data in a packet cut short; zero is no limit.
            let limit = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
            let kept = (packet.orig_len().min(limit) as usize).min(packet.data.len());
            Ok(Frame { link: interface.link, at: latest, bytes: packet.data.get(..kept).unwrap_or_default() })
        }
        _ => Err(DamageKind::Contradiction),
    }
}

/// Reads a complete block; what it lacks is then missing inside.
fn parse_block(order: Order, block: &[u8]) -> Result<Block<'_>, DamageKind> {
    let parsed = match order {
        Order::Little => parse_block_le(block),
        Order::Big => parse_block_be(block),
    };
    parsed.map(|(_, block)| block).map_err(|_| DamageKind::Contradiction)
}

impl Interface {
    fn from_block(order: Order, block: &InterfaceDescriptionBlock<'_>) -> Self {
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

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DamageKind::Truncated => f.write_str("the file ends inside the record"),
            DamageKind::TooLong(len) => write!(f, "impossible record length {len}"),
            DamageKind::Contradiction => f.write_str("the record contradicts itself"),
            DamageKind::UnknownInterface(id) => {
                write!(f, "packet of interface {id}, which is not described,")
            }
            DamageKind::Io(kind) => write!(f, "read error ({kind})"),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NotACapture { gzip: true } => f.write_str("gzip-compressed; decompress it first"),
            OpenError::NotACapture { gzip: false } => f.write_str("neither pcap nor pcapng"),
            OpenError::Damaged(damage) => damage.fmt(f),
            OpenError::Io(kind) => kind.fmt(f),
        }
    }
}

const MAGIC_LEN: usize = 4;
const PCAP_MICROS: u32 = 0xa1b2_c3d4;
const PCAP_NANOS: u32 = 0xa1b2_3c4d;
const PCAP_MICROS_SWAPPED: u32 = PCAP_MICROS.swap_bytes();
const PCAP_NANOS_SWAPPED: u32 = PCAP_NANOS.swap_bytes();
/// Alexey Kuznetsov's libpcap, which adds eight bytes to each record header.
const PCAP_MODIFIED: u32 = 0xa1b2_cd34;
const PCAP_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;
const MODIFIED_RECORD_HEADER_LEN: usize = 24;
/// libpcap's `MAXIMUM_SNAPLEN`.
const RECORD_MAX_LEN: u32 = 262_144;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const BYTE_ORDER_SWAPPED: u32 = BYTE_ORDER.swap_bytes();
/// Type, length, and the length again (or a section's byte order, which comes first).
const BLOCK_HEADER_LEN: usize = 12;
/// Section 4.5 of earlier drafts.
const OBSOLETE_PACKET_BLOCK: u32 = 2;
/// Room for a name table or the TLS secrets of a long session; Wireshark's limit too.
const BLOCK_MAX_LEN: u32 = 16 * 1024 * 1024;
