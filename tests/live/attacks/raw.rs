//! TCP packets as an attacker makes them: from any address, with any numbers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, UdpHeader, ip_number};
use socket2::{Domain, Protocol, Socket, Type};

use crate::namespace::Namespace;
use crate::net::ip;

/// Sends packets whose headers are its own (raw(7), `IPPROTO_RAW`).
pub struct Forger {
    v4: Socket,
    v6: Socket,
}

impl Forger {
    /// One that stands in `namespace`.
    pub fn new(namespace: &Namespace) -> Self {
        let open =
            |domain| Socket::new(domain, Type::RAW, Some(Protocol::from(IPPROTO_RAW))).expect("CAP_NET_RAW");
        namespace.inside(|| Forger { v4: open(Domain::IPV4), v6: open(Domain::IPV6) })
    }

    /// Sends one packet. A full buffer is waited for.
    pub fn send(&self, packet: &Forged<'_>) {
        self.send_as(packet, |_| {});
    }

    /// The same with another header.
    pub fn send_as(&self, packet: &Forged<'_>, change: impl Fn(&mut TcpHeader)) {
        self.send_bytes(packet.to.ip(), &packet.bytes(change));
    }

    /// Sends a UDP datagram.
    pub fn datagram(&self, from: (IpAddr, u16), to: (IpAddr, u16), payload: &[u8]) {
        let len = (UdpHeader::LEN + payload.len()) as u16;
        let bytes = match (from.0, to.0) {
            (IpAddr::V4(source), IpAddr::V4(target)) => {
                let mut ip = Ipv4Header::new(len, 64, ip_number::UDP, source.octets(), target.octets())
                    .expect("it fits");
                ip.header_checksum = ip.calc_header_checksum();
                let udp = UdpHeader::with_ipv4_checksum(from.1, to.1, &ip, payload).expect("it fits");
                [&ip.to_bytes()[..], &udp.to_bytes(), payload].concat()
            }
            (IpAddr::V6(source), IpAddr::V6(target)) => {
                let ip = Ipv6Header {
                    payload_length: len,
                    next_header: ip_number::UDP,
                    hop_limit: 64,
                    source: source.octets(),
                    destination: target.octets(),
                    ..Ipv6Header::default()
                };
                let udp = UdpHeader::with_ipv6_checksum(from.1, to.1, &ip, payload).expect("it fits");
                [&ip.to_bytes()[..], &udp.to_bytes(), payload].concat()
            }
            _ => panic!("both ends have addresses of one family"),
        };
        self.send_bytes(to.0, &bytes);
    }

    /// Sends an IP packet as it is; the kernel fills in length and checksum of an IPv4 header (raw(7)).
    pub fn send_bytes(&self, to: IpAddr, bytes: &[u8]) {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        loop {
            match socket.send_to(bytes, &SocketAddr::new(to, 0).into()) {
                Err(error)
                    if error.raw_os_error() == Some(ENOBUFS) || error.kind() == io::ErrorKind::WouldBlock =>
                {
                    std::thread::sleep(Duration::from_millis(1));
                }
                sent => {
                    sent.expect("it is sent");
                    break;
                }
            }
        }
    }

    /// Sends `count` packets, at most `rate` a second.
    pub fn flood<'a>(&self, count: u32, rate: u32, packet: impl Fn(u32) -> Forged<'a>) {
        let start = Instant::now();
        for number in 0..count {
            let due = Duration::from_secs(1) * number / rate;
            if let Some(early) = due.checked_sub(start.elapsed()).filter(|early| *early > TICK) {
                std::thread::sleep(early);
            }
            self.send(&packet(number));
        }
    }
}

/// A TCP packet.
#[derive(Clone, Copy)]
pub struct Forged<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub seq: u32,
    /// `None` for a SYN.
    pub ack: Option<u32>,
    pub payload: &'a [u8],
}

impl Forged<'_> {
    fn bytes(&self, change: impl Fn(&mut TcpHeader)) -> Vec<u8> {
        let mut tcp = TcpHeader::new(self.from.port(), self.to.port(), self.seq, 64_240);
        tcp.syn = self.ack.is_none();
        tcp.ack = self.ack.is_some();
        tcp.psh = !self.payload.is_empty();
        tcp.acknowledgment_number = self.ack.unwrap_or(0);
        change(&mut tcp);
        let len = (tcp.header_len() + self.payload.len()) as u16;
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let mut ip =
                    Ipv4Header::new(len, 64, ip_number::TCP, from.octets(), to.octets()).expect("it fits");
                ip.header_checksum = ip.calc_header_checksum();
                tcp.checksum =
                    tcp.calc_checksum_ipv4_raw(ip.source, ip.destination, self.payload).expect("it fits");
                [&ip.to_bytes()[..], &tcp.to_bytes(), self.payload].concat()
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let ip = Ipv6Header {
                    payload_length: len,
                    next_header: IpNumber(ip_number::TCP.0),
                    hop_limit: 64,
                    source: from.octets(),
                    destination: to.octets(),
                    ..Ipv6Header::default()
                };
                tcp.checksum =
                    tcp.calc_checksum_ipv6_raw(ip.source, ip.destination, self.payload).expect("it fits");
                [&ip.to_bytes()[..], &tcp.to_bytes(), self.payload].concat()
            }
            _ => panic!("both ends have addresses of one family"),
        }
    }
}

/// Connections both of whose ends are made up: no program holds them, and a hundred thousand cost no socket. Servers are
/// on the ports from [`FORGED_PORT`] on; the kernels of both ends are kept from answering.
pub struct ForgedEnds {
    client: Forger,
    server: Forger,
}

/// First and last port of such servers.
pub const FORGED_PORT: u16 = 40_000;
const FORGED_PORTS: &str = "40000-40015";
/// A packet that arrives with fewer hops left has died on its way from the router.
const ALIVE_HOPS: u8 = 32;

/// A connection with two such ends.
#[derive(Clone, Copy)]
pub struct ForgedConnection {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// The address by which the server knows its client.
    seen_as: SocketAddr,
}

impl ForgedConnection {
    /// One of the host at `home` from `port`, to `server`; IPv4 is masqueraded, and keeps its port.
    pub fn new(home: &str, port: u16, server: SocketAddr) -> Self {
        let client = SocketAddr::new(ip(home), port);
        let seen_as = if server.is_ipv4() { SocketAddr::new(ip("10.7.2.1"), port) } else { client };
        ForgedConnection { client, server, seen_as }
    }

    /// The packet by which the client says `payload`, `offset` bytes behind its first.
    pub fn packet(self, offset: u32, payload: &[u8], change: impl Fn(&mut TcpHeader)) -> Vec<u8> {
        let (seq, ack) = (CLIENT_SEQ.wrapping_add(offset), Some(SERVER_SEQ));
        Forged { from: self.client, to: self.server, seq, ack, payload }.bytes(change)
    }
}

/// Sequence numbers of the first bytes of both ends.
pub const CLIENT_SEQ: u32 = 1_001;
pub const SERVER_SEQ: u32 = 5_001;

impl ForgedEnds {
    /// Ends in these two namespaces.
    pub fn new(home: &Namespace, internet: &Namespace) -> Self {
        for (namespace, port) in [(home, "sport"), (internet, "dport")] {
            let quiet = format!(
                "table inet quiet {{ chain in {{ type filter hook prerouting priority -400;
                    tcp {port} {FORGED_PORTS} ip ttl < {ALIVE_HOPS} drop
                    tcp {port} {FORGED_PORTS} ip6 hoplimit < {ALIVE_HOPS} drop
                    tcp {port} {FORGED_PORTS} tcp flags & rst == 0 meta length > 150 counter drop comment \"long\"
                    tcp {port} {FORGED_PORTS} drop; }}; }}"
            );
            assert!(namespace.try_nft(&quiet));
        }
        ForgedEnds { client: Forger::new(home), server: Forger::new(internet) }
    }

    /// Packets of more than 150 bytes that have reached such servers in `internet`.
    pub fn heard(internet: &Namespace) -> u64 {
        internet.counted(&["table", "inet", "quiet"])
    }

    /// The SYN and its answer.
    pub fn open(&self, it: ForgedConnection) {
        self.open_with(it, |_| {});
    }

    /// The same, with another answer.
    pub fn open_with(&self, it: ForgedConnection, change: impl Fn(&mut TcpHeader)) {
        self.client.send(&Forged {
            from: it.client,
            to: it.server,
            seq: CLIENT_SEQ - 1,
            ack: None,
            payload: b"",
        });
        let answer = Forged {
            from: it.server,
            to: it.seen_as,
            seq: SERVER_SEQ - 1,
            ack: Some(CLIENT_SEQ),
            payload: b"",
        };
        self.server.send_as(&answer, |tcp| {
            tcp.syn = true;
            change(tcp);
        });
    }

    /// The server says `payload`, `offset` bytes behind its first; it has heard `heard` bytes.
    pub fn answer(&self, it: ForgedConnection, at: [u32; 2], payload: &[u8], window: u16) {
        self.answer_with(it, at, payload, |tcp| tcp.window_size = window);
    }

    /// The same with another header.
    pub fn answer_with(
        &self,
        it: ForgedConnection,
        [offset, heard]: [u32; 2],
        payload: &[u8],
        change: impl Fn(&mut TcpHeader),
    ) {
        let (seq, ack) = (SERVER_SEQ + offset, Some(CLIENT_SEQ + heard));
        self.server.send_as(&Forged { from: it.server, to: it.seen_as, seq, ack, payload }, change);
    }

    /// The client sends such an IP packet, of [`ForgedConnection::packet`].
    pub fn send(&self, it: ForgedConnection, packet: &[u8]) {
        self.client.send_bytes(it.server.ip(), packet);
    }

    /// The client says `payload`, `offset` bytes behind its first.
    pub fn say(&self, it: ForgedConnection, offset: u32, payload: &[u8], change: impl Fn(&mut TcpHeader)) {
        self.send(it, &it.packet(offset, payload, change));
    }
}

/// `packet` with so few hops left that it dies behind the router.
pub fn dying(mut packet: Vec<u8>) -> Vec<u8> {
    let at = if packet[0] >> 4 == 4 { 8 } else { 7 };
    packet[at] = ALIVE_HOPS;
    packet
}

/// The fragments of `packet`, in each `size` bytes (a multiple of eight) of what follows the IP header (RFC 791, RFC
/// 8200 section 4.5).
pub fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let is_v4 = packet[0] >> 4 == 4;
    let (header, content) = packet.split_at(if is_v4 { Ipv4Header::MIN_LEN } else { Ipv6Header::LEN });
    let fragment = |(number, part): (usize, &[u8])| {
        let begin = number * size;
        let more = begin + part.len() < content.len();
        let mut header = header.to_vec();
        if is_v4 {
            let field = (begin / 8) as u16 | (u16::from(more) << 13);
            header[4..6].copy_from_slice(&[7, 7]);
            header[6..8].copy_from_slice(&field.to_be_bytes());
            return [&header[..], part].concat();
        }
        let field = begin as u16 | u16::from(more);
        let extension = [&[header[6], 0][..], &field.to_be_bytes(), &[0, 0, 7, 7]].concat();
        with_extension(&[&header[..], part].concat(), ip_number::IPV6_FRAGMENTATION_HEADER.0, &extension)
    };
    content.chunks(size).enumerate().map(fragment).collect()
}

/// The IPv6 packet with an extension header of this kind in front of what it carries; `extension` has its first byte,
/// the kind of the next header, in vain.
pub fn with_extension(packet: &[u8], kind: u8, extension: &[u8]) -> Vec<u8> {
    let (header, content) = packet.split_at(Ipv6Header::LEN);
    let (mut header, mut extension) = (header.to_vec(), extension.to_vec());
    extension[0] = header[6];
    header[6] = kind;
    let len = (extension.len() + content.len()) as u16;
    header[4..6].copy_from_slice(&len.to_be_bytes());
    [header, extension, content.to_vec()].concat()
}

/// The IPv4 packet with these options, whose length is a multiple of four (RFC 791).
pub fn with_options(packet: &[u8], options: &[u8]) -> Vec<u8> {
    let (header, content) = packet.split_at(Ipv4Header::MIN_LEN);
    let mut header = header.to_vec();
    header[0] += (options.len() / 4) as u8;
    [&header, options, content].concat()
}

/// The packet with another checksum of TCP.
pub fn with_wrong_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    let ip = if packet[0] >> 4 == 4 { Ipv4Header::MIN_LEN } else { Ipv6Header::LEN };
    packet[ip + 16] ^= 0x55;
    packet
}

const IPPROTO_RAW: i32 = 255;
const ENOBUFS: i32 = 105;
/// Shorter waits aren't worth a sleep.
const TICK: Duration = Duration::from_millis(2);
