//! The resets that cut a session off at both ends, as IP packets.
//!
//! RFC 9293 section 3.5.2: a reset is believed if its sequence number is the next one expected.

use core::net::IpAddr;

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, ip_number};
use heapless::Vec;

use crate::net::endpoint::Endpoint;
use crate::net::packet::Segment;

/// The longest reset: an IPv6 and a TCP header without options.
pub(crate) const RESET_MAX_LEN: usize = Ipv6Header::LEN + TcpHeader::MIN_LEN;

/// All that the two resets need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Sender of the packet that is cut off.
    sender: Endpoint,
    /// Receiver of that packet.
    receiver: Endpoint,
    /// Sequence number the receiver expects from the sender.
    seq: u32,
    /// Sequence number the sender expects from the receiver.
    ack: u32,
    /// Sequence number behind the packet.
    end: u32,
    /// The sender has not been told yet.
    first: bool,
}

impl Reset {
    /// The resets in place of `segment`, of which `seq` is the first byte that its receiver misses.
    /// `first`: the segment completes the proof, so neither end knows yet.
    pub fn in_place_of(segment: &Segment<'_>, seq: u32, first: bool) -> Self {
        // A SYN takes a sequence number of its own.
        let end = segment.seq.wrapping_add(segment.payload_len).wrapping_add(u32::from(segment.syn));
        Reset { sender: segment.src, receiver: segment.dst, seq, ack: segment.ack, end, first }
    }

    /// The IP packet that goes to the receiver instead of the one that is cut off.
    pub fn to_receiver(&self) -> Vec<u8, RESET_MAX_LEN> {
        build(self.sender, self.receiver, self.seq, self.ack)
    }

    /// The IP packet that goes back to the sender. Not for later packets of the session: the
    /// sender knows, and two hosts that ignore resets must not make the router answer each packet.
    pub fn to_sender(&self) -> Option<Vec<u8, RESET_MAX_LEN>> {
        self.first.then(|| build(self.receiver, self.sender, self.ack, self.end))
    }

    /// Destination of [`Reset::to_sender`].
    pub fn sender(&self) -> IpAddr {
        self.sender.addr()
    }
}

fn build(src: Endpoint, dst: Endpoint, seq: u32, ack: u32) -> Vec<u8, RESET_MAX_LEN> {
    let mut tcp = TcpHeader::new(src.port(), dst.port(), seq, 0);
    tcp.rst = true;
    tcp.ack = true;
    tcp.acknowledgment_number = ack;
    let mut packet = Vec::new();
    // Both headers have fixed lengths that fit, so neither the checksum nor the copy can fail.
    let written = match (src.addr(), dst.addr()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let ip = Ipv4Header::new(
                TcpHeader::MIN_LEN as u16,
                HOP_LIMIT,
                ip_number::TCP,
                src.octets(),
                dst.octets(),
            );
            ip.ok().and_then(|mut ip| {
                ip.dont_fragment = true;
                ip.header_checksum = ip.calc_header_checksum();
                tcp.checksum = tcp.calc_checksum_ipv4_raw(ip.source, ip.destination, &[]).ok()?;
                packet.extend_from_slice(&ip.to_bytes()).ok()
            })
        }
        (src, dst) => {
            let (src, dst) = (to_v6(src), to_v6(dst));
            let ip = Ipv6Header {
                payload_length: TcpHeader::MIN_LEN as u16,
                next_header: IpNumber(ip_number::TCP.0),
                hop_limit: HOP_LIMIT,
                source: src,
                destination: dst,
                ..Ipv6Header::default()
            };
            tcp.calc_checksum_ipv6_raw(src, dst, &[]).ok().and_then(|checksum| {
                tcp.checksum = checksum;
                packet.extend_from_slice(&ip.to_bytes()).ok()
            })
        }
    };
    if written.and_then(|()| packet.extend_from_slice(&tcp.to_bytes()).ok()).is_none() {
        packet.clear();
    }
    packet
}

fn to_v6(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// RFC 1700: the recommended time to live.
const HOP_LIMIT: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::packet;
    use etherparse::{LaxIpSlice, TcpSlice};

    fn segment<'a>(addrs: (&str, &str), payload: &'a [u8]) -> Segment<'a> {
        Segment {
            src: Endpoint::new(addrs.0.parse().unwrap(), 40_000),
            dst: Endpoint::new(addrs.1.parse().unwrap(), 3_333),
            seq: u32::MAX - 1,
            ack: 7_000,
            syn: false,
            has_ack: true,
            fin: false,
            rst: false,
            urg: false,
            payload,
            payload_len: payload.len() as u32,
        }
    }

    #[test]
    fn both_ends_get_a_reset_they_believe() {
        for addrs in [("192.168.1.50", "192.0.2.1"), ("2001:db8::50", "2001:db8:1::1")] {
            let cut = segment(addrs, b"hello");
            let reset = Reset::in_place_of(&cut, cut.seq.wrapping_add(2), true);
            let to_receiver = reset.to_receiver();
            let parsed = packet::parse(&to_receiver).unwrap();
            assert!(parsed.rst && parsed.has_ack && parsed.payload_len == 0);
            assert_eq!((parsed.src, parsed.dst), (cut.src, cut.dst));
            assert_eq!((parsed.seq, parsed.ack), (0, 7_000));
            let to_sender = reset.to_sender().unwrap();
            let parsed = packet::parse(&to_sender).unwrap();
            assert_eq!((parsed.src, parsed.dst), (cut.dst, cut.src));
            assert_eq!((parsed.seq, parsed.ack), (7_000, 3));
            assert_eq!(Reset::in_place_of(&cut, cut.seq, false).to_sender(), None);
        }
    }

    #[test]
    fn checksums_are_right() {
        let cut = segment(("192.168.1.50", "192.0.2.1"), b"x");
        let bytes = Reset::in_place_of(&cut, cut.seq, true).to_receiver();
        let (LaxIpSlice::Ipv4(ip), _) = LaxIpSlice::from_slice(&bytes).unwrap() else {
            panic!("not IPv4");
        };
        assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
        let tcp = TcpSlice::from_slice(&bytes[20..]).unwrap();
        let expected = tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).unwrap();
        assert_eq!(tcp.checksum(), expected);
    }
}
