//! TCP Fast Open without its data.
//!
//! Data in a SYN would be heard by the server before the handshake shows that both ends take part. A SYN that
//! arrives without it is acknowledged without it, and the client sends the data again behind the handshake
//! (RFC 7413 section 4.2.2), where it is read as any other. This costs the client one round trip.

use etherparse::{IpSlice, TcpSlice};
use heapless::Vec;

/// The longest headers that are kept: IPv6 with 128 bytes of extensions, and TCP with all its options.
pub(crate) const HEADERS_MAX_LEN: usize = 40 + 128 + 60;

/// The IP packet `bytes`, a SYN, without what follows its TCP header; its addresses, options and sequence number
/// stay. `None` for what is no whole TCP packet.
pub(crate) fn without_data(bytes: &[u8]) -> Option<Vec<u8, HEADERS_MAX_LEN>> {
    let ip = IpSlice::from_slice(bytes).ok()?;
    let tcp = TcpSlice::from_slice(ip.payload().payload).ok()?;
    let ip_len = bytes.len().checked_sub(ip.payload().payload.len())?;
    let header_len = tcp.header_slice().len();
    let mut header = tcp.to_header();
    let mut packet = Vec::new();
    packet.extend_from_slice(bytes.get(..ip_len)?).ok()?;
    match &ip {
        IpSlice::Ipv4(slice) => {
            let mut ip = slice.header().to_header();
            ip.set_payload_len(header_len).ok()?;
            ip.header_checksum = ip.calc_header_checksum();
            header.checksum = header.calc_checksum_ipv4_raw(ip.source, ip.destination, &[]).ok()?;
            packet.get_mut(..ip.header_len())?.copy_from_slice(&ip.to_bytes());
        }
        IpSlice::Ipv6(slice) => {
            let mut ip = slice.header().to_header();
            ip.set_payload_length(ip_len.checked_sub(IPV6_HEADER_LEN)? + header_len).ok()?;
            header.checksum = header.calc_checksum_ipv6_raw(ip.source, ip.destination, &[]).ok()?;
            packet.get_mut(..IPV6_HEADER_LEN)?.copy_from_slice(&ip.to_bytes());
        }
    }
    packet.extend_from_slice(&header.to_bytes()).ok()?;
    Some(packet)
}

const IPV6_HEADER_LEN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, TcpOptionElement, ip_number};

    /// A SYN with options and `data`.
    fn syn(is_v4: bool, data: &[u8]) -> std::vec::Vec<u8> {
        let mut tcp = TcpHeader::new(40_000, 3_333, 77, 1_000);
        tcp.syn = true;
        let options = [
            TcpOptionElement::MaximumSegmentSize(1_460),
            TcpOptionElement::SelectiveAcknowledgementPermitted,
        ];
        tcp.set_options(&options).expect("they fit");
        let len = (tcp.header_len() + data.len()) as u16;
        if is_v4 {
            let (source, destination) = ([192, 168, 1, 7], [203, 0, 113, 9]);
            let mut ip = Ipv4Header::new(len, 64, ip_number::TCP, source, destination).expect("it fits");
            ip.header_checksum = ip.calc_header_checksum();
            tcp.checksum = tcp.calc_checksum_ipv4_raw(source, destination, data).expect("it fits");
            [&ip.to_bytes()[..], &tcp.to_bytes(), data].concat()
        } else {
            let (source, destination) = ([0x20; 16], [0x21; 16]);
            let next_header = IpNumber(ip_number::TCP.0);
            let ip = Ipv6Header {
                payload_length: len,
                next_header,
                hop_limit: 64,
                source,
                destination,
                ..Ipv6Header::default()
            };
            tcp.checksum = tcp.calc_checksum_ipv6_raw(source, destination, data).expect("it fits");
            [&ip.to_bytes()[..], &tcp.to_bytes(), data].concat()
        }
    }

    /// Lengths and checksums are those of a SYN that never had data.
    #[test]
    fn only_the_data_is_missing() {
        for is_v4 in [true, false] {
            let bytes = without_data(&syn(is_v4, b"{\"id\":1}")).expect("a SYN");
            assert_eq!(bytes[..], syn(is_v4, b"")[..]);
        }
    }

    #[test]
    fn what_is_cut_short_stays_as_it_is() {
        let whole = syn(true, b"data");
        for len in 0..whole.len() {
            assert_eq!(without_data(&whole[..len]), None, "{len}");
        }
    }
}
