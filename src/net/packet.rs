//! Step 1: the bytes of an IP packet become a TCP segment.
//!
//! Lengths are checked here, once; a [`Segment`] cannot be malformed. What is not a TCP segment is
//! told apart by [`Unreadable`], and each kind has a defined verdict (accept) and counter.

use core::net::Ipv4Addr;

use etherparse::{LaxIpSlice, ip_number};

use super::endpoint::{Endpoint, mapped};

/// A TCP segment, as the flow tracker needs it.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Sequence number of the first payload byte (of the SYN itself, if set).
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Connection attempt or its answer.
    pub syn: bool,
    /// The acknowledgement number is valid.
    pub has_ack: bool,
    /// The sender will send no more.
    pub fin: bool,
    /// The connection is torn down.
    pub rst: bool,
    /// Most receivers leave out the byte that the urgent pointer marks (RFC 6093 section 3.2).
    pub urg: bool,
    /// Payload bytes at hand.
    pub payload: &'a [u8],
    /// Payload bytes on the wire; more than `payload.len()` where the copy was cut short.
    pub payload_len: u32,
}

/// Why a packet is not a TCP segment we can follow. All of them are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The packet carries another transport protocol.
    NotTcp,
    /// A fragment; conntrack reassembles before the queue, so only captures hold these.
    Fragment,
    /// A header that contradicts itself or ends early: damaged, or cut by a capture's snap length.
    Malformed,
}

/// Reads the IP packet `bytes`, which may be cut short.
///
/// # Errors
/// [`Unreadable`], by what the packet is instead of a TCP segment.
pub fn parse(bytes: &[u8]) -> Result<Segment<'_>, Unreadable> {
    let ip = IpPacket::read(bytes).ok_or(Unreadable::Malformed)?;
    if ip.is_fragment {
        return Err(Unreadable::Fragment);
    }
    if ip.protocol != ip_number::TCP.0 {
        return Err(Unreadable::NotTcp);
    }
    let header = ip.payload.first_chunk::<TCP_HEADER_LEN>().ok_or(Unreadable::Malformed)?;
    let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let word = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
    // The upper half of the byte counts words of 32 bits.
    let header_len = usize::from(header[12] >> 4) * 4;
    let flags = header[13];
    let payload = ip.payload.get(header_len..).filter(|_| header_len >= TCP_HEADER_LEN);
    let payload = payload.ok_or(Unreadable::Malformed)?;
    let headers_len = ip.header_len + header_len;
    Ok(Segment {
        src: Endpoint::of_octets(ip.src, half(0)),
        dst: Endpoint::of_octets(ip.dst, half(2)),
        seq: word(4),
        ack: word(8),
        syn: flags & SYN != 0,
        has_ack: flags & ACK != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        urg: flags & URG != 0,
        payload,
        // A total length of zero is a packet that the card had yet to segment when it was captured.
        payload_len: ip.total_len.saturating_sub(headers_len).max(payload.len()) as u32,
    })
}

/// An IP packet, as far as its transport is concerned.
#[derive(Debug, PartialEq, Eq)]
struct IpPacket<'a> {
    /// Addresses, those of IPv4 mapped.
    src: [u8; 16],
    dst: [u8; 16],
    /// Number of the transport.
    protocol: u8,
    is_fragment: bool,
    /// Length of all headers before the payload.
    header_len: usize,
    /// Length of the packet by its header.
    total_len: usize,
    /// Payload at hand.
    payload: &'a [u8],
}

impl<'a> IpPacket<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        IpPacket::plain(bytes).or_else(|| IpPacket::with_extensions(bytes))
    }

    /// Nearly all packets have the plain header alone, whose fields stand at fixed places.
    fn plain(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? {
            0x45 => {
                let (header, rest) = bytes.split_first_chunk::<IPV4_HEADER_LEN>()?;
                let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
                let addr = |at: usize| {
                    let addr = [header[at], header[at + 1], header[at + 2], header[at + 3]];
                    Ipv4Addr::from(addr).to_ipv6_mapped().octets()
                };
                let (total_len, protocol) = (usize::from(half(2)), header[9]);
                let payload = total_len.checked_sub(header.len()).and_then(|len| rest.get(..len));
                (protocol != ip_number::AUTH.0).then_some(IpPacket {
                    src: addr(12),
                    dst: addr(16),
                    protocol,
                    is_fragment: half(6) & IPV4_FRAGMENT != 0,
                    header_len: header.len(),
                    total_len,
                    payload: payload.unwrap_or(rest),
                })
            }
            0x60..=0x6f => {
                let (header, rest) = bytes.split_first_chunk::<IPV6_HEADER_LEN>()?;
                let ([_, _, _, _, len @ .., protocol, _], ends) = header.split_first_chunk::<8>()?;
                let (src, dst) = ends.split_first_chunk::<16>()?;
                let payload_len = usize::from(u16::from_be_bytes(*len));
                // Zero: the card had yet to segment it, or a jumbogram.
                let payload = rest.get(..payload_len).filter(|_| payload_len > 0);
                [ip_number::TCP.0, ip_number::UDP.0].contains(protocol).then_some(IpPacket {
                    src: *src,
                    dst: *dst.first_chunk()?,
                    protocol: *protocol,
                    is_fragment: false,
                    header_len: header.len(),
                    total_len: header.len() + payload_len,
                    payload: payload.unwrap_or(rest),
                })
            }
            _ => None,
        }
    }

    /// A packet with options or extension headers, or with none of either version.
    fn with_extensions(bytes: &'a [u8]) -> Option<Self> {
        let (ip, _) = LaxIpSlice::from_slice(bytes).ok()?;
        let payload = ip.payload().payload;
        Some(IpPacket {
            src: mapped(ip.source_addr()),
            dst: mapped(ip.destination_addr()),
            protocol: ip.payload_ip_number().0,
            is_fragment: ip.is_fragmenting_payload(),
            header_len: payload.as_ptr() as usize - bytes.as_ptr() as usize,
            total_len: match &ip {
                LaxIpSlice::Ipv4(v4) => usize::from(v4.header().total_len()),
                LaxIpSlice::Ipv6(v6) => IPV6_HEADER_LEN + usize::from(v6.header().payload_length()),
            },
            payload,
        })
    }
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Payload at hand, which may be cut short.
    pub payload: &'a [u8],
}

/// Reads the UDP datagram (RFC 768) in the IP packet `bytes`; `None` for anything else.
pub fn datagram(bytes: &[u8]) -> Option<Datagram<'_>> {
    let ip = IpPacket::read(bytes).filter(|ip| !ip.is_fragment && ip.protocol == ip_number::UDP.0)?;
    let (header, payload) = ip.payload.split_first_chunk::<UDP_HEADER_LEN>()?;
    let [src_high, src_low, dst_high, dst_low, len_high, len_low, ..] = *header;
    let len = usize::from(u16::from_be_bytes([len_high, len_low])).checked_sub(UDP_HEADER_LEN)?;
    Some(Datagram {
        src: Endpoint::of_octets(ip.src, u16::from_be_bytes([src_high, src_low])),
        dst: Endpoint::of_octets(ip.dst, u16::from_be_bytes([dst_high, dst_low])),
        payload: payload.get(..len).unwrap_or(payload),
    })
}

const UDP_HEADER_LEN: usize = 8;
/// RFC 8200 section 3.
const IPV6_HEADER_LEN: usize = 40;
/// Without options (RFC 791 section 3.1).
const IPV4_HEADER_LEN: usize = 20;
/// More fragments follow, or this one is not the first.
const IPV4_FRAGMENT: u16 = 0x3fff;
/// Without options (RFC 9293 section 3.1).
const TCP_HEADER_LEN: usize = 20;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const URG: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    #[test]
    fn a_plain_header_is_read_as_by_the_reader_of_all_headers() {
        let mut random = Random::new(5);
        let mut plain = 0;
        for _ in 0..200_000 {
            let len = random.below(90) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
            let (version, protocol, lengths) =
                if random.below(2) == 0 { ([0x45, 0x46], 9, 2..4) } else { ([0x60, 0x6a], 6, 4..6) };
            for (at, values) in [(0, version), (protocol, [[6, 17], [51, 44]][random.below(2) as usize])] {
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = values[random.below(2) as usize]);
            }
            if let Some(lengths) = bytes.get_mut(lengths) {
                lengths.copy_from_slice(&(random.below(100) as u16).to_be_bytes());
            }
            if random.below(2) == 0 {
                bytes.get_mut(6..8).into_iter().for_each(|fragment| fragment.fill(0));
            }
            let Some(read) = IpPacket::plain(&bytes) else { continue };
            plain += 1;
            assert_eq!(Some(read), IpPacket::with_extensions(&bytes), "{bytes:02x?}");
        }
        assert!(plain > 10_000, "{plain}");
    }
}
