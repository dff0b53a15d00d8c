//! IP packets of TCP connections between a host and a server, over IPv4 and IPv6.

use core::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, TcpHeader, ip_number};

/// Connections that [`ip_packet`] knows: half of them over IPv4, half over IPv6.
pub(super) const CONNECTIONS: usize = 8;

/// The packet in which the end `from` (0 is the client) of a connection sends `payload` behind `tcp`, whose ports are
/// filled in.
pub(super) fn ip_packet(connection: usize, from: usize, mut tcp: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let mut ports = [40_000 + connection as u16 / 2, 3_333];
    ports.rotate_left(from);
    (tcp.source_port, tcp.destination_port) = (ports[0], ports[1]);
    let segment = [&tcp.to_bytes()[..], payload].concat();
    let len = segment.len() as u16;
    if connection.is_multiple_of(2) {
        let mut addrs = [Ipv4Addr::new(192, 168, 1, 7).octets(), Ipv4Addr::new(192, 0, 2, 1).octets()];
        addrs.rotate_left(from);
        let ip = Ipv4Header::new(len, 64, ip_number::TCP, addrs[0], addrs[1]).unwrap_or_default();
        return [&ip.to_bytes()[..], &segment].concat();
    }
    let addr = |last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last).octets();
    let mut addrs = [addr(7), addr(1)];
    addrs.rotate_left(from);
    let ip = Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: len,
        next_header: IpNumber::TCP,
        hop_limit: 64,
        source: addrs[0],
        destination: addrs[1],
    };
    [&ip.to_bytes()[..], &segment].concat()
}

/// A TCP connection that is opened as it should be.
pub(super) struct FuzzConnection {
    number: usize,
    next: [u32; 2],
}

impl FuzzConnection {
    /// Connection `number` of [`CONNECTIONS`], with sequence numbers that soon wrap.
    pub(super) fn new(number: usize) -> Self {
        FuzzConnection { number, next: [u32::MAX - 200, u32::MAX - 90] }
    }

    /// The three packets of the handshake.
    pub(super) fn open(&mut self) -> [Vec<u8>; 3] {
        let syn = self.packet(0, 0, b"", |tcp| (tcp.syn, tcp.ack) = (true, false));
        self.next[0] = self.next[0].wrapping_add(1);
        let answer = self.packet(1, 0, b"", |tcp| tcp.syn = true);
        self.next[1] = self.next[1].wrapping_add(1);
        [syn, answer, self.packet(0, 0, b"", |_| {})]
    }

    /// The packet in which `from` sends `payload`, `ahead` bytes beyond what it has sent.
    pub(super) fn segment(&self, from: usize, ahead: usize, payload: &[u8]) -> Vec<u8> {
        self.packet(from, ahead, payload, |tcp| tcp.psh = true)
    }

    /// A packet of `from` without payload, with flags.
    pub(super) fn flagged(&self, from: usize, flags: impl FnOnce(&mut TcpHeader)) -> Vec<u8> {
        self.packet(from, 0, b"", flags)
    }

    /// Counts `len` bytes of `from` as sent.
    pub(super) fn advance(&mut self, from: usize, len: usize) {
        self.next[from] = self.next[from].wrapping_add(len as u32);
    }

    fn packet(
        &self,
        from: usize,
        ahead: usize,
        payload: &[u8],
        flags: impl FnOnce(&mut TcpHeader),
    ) -> Vec<u8> {
        let mut tcp = TcpHeader::new(0, 0, self.next[from].wrapping_add(ahead as u32), 64_240);
        tcp.ack = true;
        flags(&mut tcp);
        tcp.acknowledgment_number = if tcp.ack { self.next[1 - from] } else { 0 };
        ip_packet(self.number, from, tcp, payload)
    }
}
