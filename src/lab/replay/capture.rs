//! Capture files: pcap and pcapng, one packet after another, in constant memory.
//!
//! `pcap-parser` reads the headers and blocks. The framing is ours, because its streaming readers
//! ask for more bytes for ever when a block contradicts its own length, and because a damage report
//! needs the offset at which the damaged record begins.
//!
//! Formats: draft-ietf-opsawg-pcap (both byte orders, micro- and nanoseconds) and
//! draft-ietf-opsawg-pcapng (section header, interface description, enhanced, simple and the
//! obsolete packet block; what else there is passes unread).

mod pcapng;

use std::fmt;
use std::io::{self, Read};

use pcap_parser::{PcapHeader, SHB_MAGIC, parse_pcap_header};
use pcapng::CaptureSection;

use super::bytes::{ByteOrder, Window};
use super::link::LinkType;
use crate::util::time::Instant;

/// A capture file that is being read.
#[derive(Debug)]
pub struct Capture<R> {
    window: Window<R>,
    format: CaptureFormat,
    /// Time of the latest packet; a simple packet block has none.
    latest: Instant,
}

/// A captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedFrame<'a> {
    /// Protocol of the first byte.
    pub link: LinkType,
    /// Time of the capture, since 1970.
    pub at: Instant,
    /// The bytes that were kept of it.
    pub bytes: &'a [u8],
}

/// Why a file is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Offset of the unreadable record in the file, in bytes.
    pub offset: u64,
    /// Kind of the damage.
    pub kind: DamageKind,
}

/// Kind of damage to a capture file.
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
    /// The first bytes belong to neither format.
    NotACapture,
    /// The capture's header is damaged.
    Damaged(Damage),
    /// The storage failed at once; a directory, perhaps.
    Io(io::ErrorKind),
}

#[derive(Debug)]
enum CaptureFormat {
    Pcap(PcapHeader),
    Pcapng(CaptureSection),
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
        let magic = ByteOrder::Little.u32(window.bytes(), 0);
        let format = match magic {
            Some(SHB_MAGIC) => CaptureFormat::Pcapng(CaptureSection::default()),
            Some(PCAP_MICROS | PCAP_NANOS | PCAP_MODIFIED | PCAP_MICROS_SWAPPED | PCAP_NANOS_SWAPPED) => {
                window.require(PCAP_HEADER_LEN).map_err(damaged)?;
                let (_, header) =
                    parse_pcap_header(window.bytes()).map_err(|_| damaged(DamageKind::Contradiction))?;
                window.consume(PCAP_HEADER_LEN);
                CaptureFormat::Pcap(header)
            }
            _ => return Err(OpenError::NotACapture),
        };
        Ok(Capture { window, format, latest: Instant::default() })
    }

    /// The next packet; `None` at the end of the file.
    ///
    /// # Errors
    /// [`Damage`]; what follows it can't be read.
    pub fn next_frame(&mut self) -> Result<Option<CapturedFrame<'_>>, Damage> {
        let Capture { window, format, latest } = self;
        let frame = match format {
            CaptureFormat::Pcap(header) => next_record(window, header),
            CaptureFormat::Pcapng(section) => section.next_packet(window, *latest),
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
) -> Result<Option<CapturedFrame<'a>>, Damage> {
    let offset = window.offset();
    let here = |kind| Damage { offset, kind };
    if !window.more().map_err(here)? {
        return Ok(None);
    }
    let order = if header.is_bigendian() { ByteOrder::Big } else { ByteOrder::Little };
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
    Ok(Some(CapturedFrame {
        // The upper half says whether a frame check sequence is kept (section 4).
        link: LinkType(header.network.0 as u16),
        at: Instant::from_micros(u64::from(seconds) * 1_000_000 + u64::from(micros)),
        bytes: bytes.get(head_len..).unwrap_or_default(),
    }))
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
            OpenError::NotACapture => f.write_str("not a capture: neither pcap nor pcapng"),
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
