//! Training sequences: what stage one sees of a session, and nothing else of it.
//!
//! A sequence file keeps of each flow the direction, payload size and gap of its payload packets.
//! No address, port, name or byte of content is in it. Format, all integers unsigned LEB128 unless
//! said otherwise:
//!
//! ```text
//! "MWSEQ" 0x01                       magic and version
//! number of flows
//! per flow:
//!   label                            one byte: 0 benign, 1 mining
//!   application dialect transport kind   each: length, then that many bytes of UTF-8
//!   session                          flows of one capture share it, and its weight
//!   number of packets
//!   per packet:
//!     gap                            milliseconds since the packet before
//!     size * 2 + direction           direction: 0 to the server, 1 to the client
//! CRC-32 of all that                 four bytes, little-endian
//! ```

use super::Error;
use crate::dpi::TlsClient;
use crate::net::direction::Direction;
use crate::util::crc32::crc32;
use crate::util::named::named;

/// A packet with payload not seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequencePacket {
    /// Which way it went.
    pub direction: Direction,
    /// New payload bytes.
    pub size: u32,
    /// Milliseconds since the packet before; 0 for the first.
    pub gap_ms: u32,
}

named! {
    /// Known nature of a flow.
    #[derive(PartialOrd, Ord, Hash)]
    pub(crate) enum Label {
        /// Anything but mining.
        Benign = "benign",
        /// Mining.
        Mining = "mining",
    }
}

named! {
    /// Source of a sequence.
    pub(crate) enum SequenceOrigin {
        /// Captures of single sessions.
        Captured = "captured",
        /// The crowd of daemons and clients, many sessions at once.
        Daemons = "daemons",
        /// `generate.rs`.
        Scripted = "scripted",
    }
}

/// A flow and its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Nature of the flow.
    pub label: Label,
    /// The client program, `xmrig`.
    pub application: String,
    /// Application protocol, `cn`, `mqtt-pub`.
    pub dialect: String,
    /// Transport, `tls13`, `socks5+tls12`.
    pub transport: String,
    /// Closeness to reality: `real`, `synthetic`, `scripted`, ...
    pub kind: String,
    /// Flows of one capture share this number.
    pub session: u32,
    /// The program behind it by its ClientHello; captures tell, sequence files don't.
    pub client: Option<TlsClient>,
    /// The packets, in the order in which the router met them.
    pub packets: Vec<SequencePacket>,
}

impl Sequence {
    /// Time from the first packet to the last, milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        self.packets.iter().map(|p| u64::from(p.gap_ms)).sum()
    }

    /// Source of the sequence, by its kind.
    pub(crate) fn origin(&self) -> SequenceOrigin {
        if self.kind == SCRIPTED {
            SequenceOrigin::Scripted
        } else if self.kind.contains("daemon") {
            SequenceOrigin::Daemons
        } else {
            SequenceOrigin::Captured
        }
    }

    /// Long enough to be classified: at least `LONG_PACKETS` payload packets in `LONG_MILLIS`.
    pub(crate) fn is_long(&self) -> bool {
        self.packets.len() >= LONG_PACKETS && self.duration_ms() >= LONG_MILLIS
    }
}

/// Writes `sequences` as a sequence file.
pub(crate) fn encode(sequences: &[Sequence]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put(&mut out, sequences.len() as u64);
    for s in sequences {
        out.push(s.label as u8);
        for text in [&s.application, &s.dialect, &s.transport, &s.kind] {
            put(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        put(&mut out, u64::from(s.session));
        put(&mut out, s.packets.len() as u64);
        for p in &s.packets {
            put(&mut out, u64::from(p.gap_ms));
            put(&mut out, u64::from(p.size) * 2 + p.direction as u64);
        }
    }
    let sum = crc32(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// Reads a sequence file.
///
/// # Errors
/// A sentence on what is wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Sequence>, Error> {
    let body = bytes.strip_prefix(MAGIC.as_slice()).ok_or("not a sequence file of version 1")?;
    let (body, sum) = body.split_last_chunk::<4>().ok_or("cut short")?;
    let summed = &bytes[..bytes.len() - sum.len()];
    if crc32(summed) != u32::from_le_bytes(*sum) {
        return Err(Error::from("damaged or cut short: the checksum does not match"));
    }
    let mut cursor = SequenceReader(body);
    let flows = cursor.number()?;
    let mut sequences = Vec::new();
    for _ in 0..flows {
        sequences.push(cursor.sequence()?);
    }
    Ok(sequences)
}

/// The bytes that remain to be read.
struct SequenceReader<'a>(&'a [u8]);

impl SequenceReader<'_> {
    fn byte(&mut self) -> Result<u8, Error> {
        let (&first, rest) = self.0.split_first().ok_or("ends inside a flow")?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::from("a number of more than 63 bits"))
    }

    fn number32(&mut self) -> Result<u32, Error> {
        u32::try_from(self.number()?).map_err(|_| Error::from("a number of more than 32 bits"))
    }

    fn text(&mut self) -> Result<String, Error> {
        let len = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(len).ok_or("ends inside a name")?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| Error::from("a name that is not UTF-8"))
    }

    fn sequence(&mut self) -> Result<Sequence, Error> {
        let label = match self.byte()? {
            0 => Label::Benign,
            1 => Label::Mining,
            _ => return Err(Error::from("a label that is neither 0 nor 1")),
        };
        let [application, dialect, transport, kind] =
            [self.text()?, self.text()?, self.text()?, self.text()?];
        let session = self.number32()?;
        let mut packets = Vec::new();
        for _ in 0..self.number()? {
            let gap_ms = self.number32()?;
            let word = self.number()?;
            let direction = if word & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
            let size = u32::try_from(word >> 1).map_err(|_| "a size of more than 32 bits")?;
            packets.push(SequencePacket { direction, size, gap_ms });
        }
        Ok(Sequence { label, application, dialect, transport, kind, session, client: None, packets })
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const MAGIC: &[u8; 6] = b"MWSEQ\x01";

/// [`Sequence::kind`] of the generated.
pub(crate) const SCRIPTED: &str = "scripted";
/// Payload packets of the shortest session that is classified.
pub(crate) const LONG_PACKETS: usize = 12;
/// Duration of the shortest session that is classified, milliseconds.
pub(crate) const LONG_MILLIS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Sequence> {
        let packet = |direction, size, gap_ms| SequencePacket { direction, size, gap_ms };
        vec![Sequence {
            label: Label::Mining,
            application: "minerd".into(),
            dialect: "v1".into(),
            transport: "tls12".into(),
            kind: "real".into(),
            session: 300,
            client: None,
            packets: vec![
                packet(Direction::ToServer, 517, 0),
                packet(Direction::ToClient, 70_000, 4_000_000_000),
            ],
        }]
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(&encode(&sample())), Ok(sample()));
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_refused() {
        let whole = encode(&sample());
        for end in 0..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged).is_err(), "damaged at {at}");
        }
    }
}
