//! A segment without its first bytes.
//!
//! Two segments with different bytes for one place in the stream are read in one way here and may be read in another
//! way by the receiver (Ptacek and Newsham, "Insertion, evasion, and denial of service", 1998, section 5.4). So the
//! place keeps the bytes that came first, and only what is new in the second segment goes on.
//!
//! The same is true of an urgent byte, which one receiver reads in its place and another leaves out: no byte goes on as
//! an urgent one.

use etherparse::{IpSlice, Ipv4Header, TcpSlice};

/// The IP packet `bytes`, a TCP segment, without the first `skip` bytes of its payload. `None` for what is no whole
/// TCP packet. Allocates: contradictions are rare, and the packet has a copy anyway.
pub(crate) fn without_front(bytes: &[u8], skip: u32) -> Option<Vec<u8>> {
    let ip = IpSlice::from_slice(bytes).ok()?;
    let transport = ip.payload().payload;
    let tcp = TcpSlice::from_slice(transport).ok()?;
    let payload = tcp.payload().get(usize::try_from(skip).ok()?..)?;
    let headers_len = bytes.len().checked_sub(transport.len())?;
    let mut packet = bytes.get(..headers_len)?.to_vec();
    let mut header = tcp.to_header();
    header.sequence_number = header.sequence_number.wrapping_add(skip);
    (header.urg, header.urgent_pointer) = (false, 0);
    let segment_len = header.header_len() + payload.len();
    match &ip {
        IpSlice::Ipv4(slice) => {
            let mut ip = slice.header().to_header();
            ip.set_payload_len(segment_len).ok()?;
            ip.header_checksum = ip.calc_header_checksum();
            header.checksum = header.calc_checksum_ipv4_raw(ip.source, ip.destination, payload).ok()?;
            packet.get_mut(..Ipv4Header::MIN_LEN.max(ip.header_len()))?.copy_from_slice(&ip.to_bytes());
        }
        IpSlice::Ipv6(slice) => {
            let mut ip = slice.header().to_header();
            ip.set_payload_length(headers_len.checked_sub(IPV6_HEADER_LEN)? + segment_len).ok()?;
            header.checksum = header.calc_checksum_ipv6_raw(ip.source, ip.destination, payload).ok()?;
            packet.get_mut(..IPV6_HEADER_LEN)?.copy_from_slice(&ip.to_bytes());
        }
    }
    packet.extend_from_slice(&header.to_bytes());
    packet.extend_from_slice(payload);
    Some(packet)
}

const IPV6_HEADER_LEN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::packet;
    use etherparse::{IpNumber, Ipv6Header, TcpHeader, ip_number};

    fn segment(is_v4: bool, seq: u32, payload: &[u8]) -> Vec<u8> {
        let mut tcp = TcpHeader::new(40_000, 3_333, seq, 1_000);
        (tcp.psh, tcp.ack, tcp.acknowledgment_number) = (true, true, 7);
        let len = (TcpHeader::MIN_LEN + payload.len()) as u16;
        if is_v4 {
            let (source, destination) = ([192, 168, 1, 7], [203, 0, 113, 9]);
            let mut ip = Ipv4Header::new(len, 64, ip_number::TCP, source, destination).expect("it fits");
            ip.header_checksum = ip.calc_header_checksum();
            tcp.checksum = tcp.calc_checksum_ipv4_raw(source, destination, payload).expect("it fits");
            return [&ip.to_bytes()[..], &tcp.to_bytes(), payload].concat();
        }
        let (source, destination) = ([0x20; 16], [0x21; 16]);
        let ip = Ipv6Header {
            payload_length: len,
            next_header: IpNumber(ip_number::TCP.0),
            hop_limit: 64,
            source,
            destination,
            ..Ipv6Header::default()
        };
        tcp.checksum = tcp.calc_checksum_ipv6_raw(source, destination, payload).expect("it fits");
        [&ip.to_bytes()[..], &tcp.to_bytes(), payload].concat()
    }

    /// Lengths, checksums and sequence number are those of a segment that never had the first bytes.
    #[test]
    fn the_rest_is_a_segment_of_its_own() {
        for is_v4 in [true, false] {
            let bytes = without_front(&segment(is_v4, u32::MAX - 1, b"abcdef"), 4).expect("a segment");
            assert_eq!(bytes, segment(is_v4, 2, b"ef"));
            assert_eq!(packet::parse(&bytes).map(|it| it.payload), Ok(&b"ef"[..]));
        }
    }

    #[test]
    fn an_urgent_byte_is_one_as_any_other() {
        for is_v4 in [true, false] {
            let plain = segment(is_v4, 7, b"abc");
            let mut urgent = plain.clone();
            let tcp = urgent.len() - TcpHeader::MIN_LEN - 3;
            (urgent[tcp + 13], urgent[tcp + 19]) = (urgent[tcp + 13] | 0x20, 2);
            assert_eq!(without_front(&urgent, 0), Some(plain));
        }
    }

    #[test]
    fn a_segment_that_is_cut_short_is_refused() {
        let whole = segment(true, 1, b"data");
        assert_eq!(without_front(&whole, 5), None);
        for len in 0..whole.len() {
            assert_eq!(without_front(&whole[..len], 1), None, "{len}");
        }
    }
}
