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

    fn send_bytes(&self, to: IpAddr, bytes: &[u8]) {
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
        let len = (TcpHeader::MIN_LEN + self.payload.len()) as u16;
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
                    tcp {port} {FORGED_PORTS} tcp flags & rst == 0 meta length > 150 counter drop comment \"long\"
                    tcp {port} {FORGED_PORTS} drop; }}; }}"
            );
            assert!(namespace.try_nft(&quiet));
        }
        ForgedEnds { client: Forger::new(home), server: Forger::new(internet) }
    }

    /// Packets of more than 150 bytes that have reached such servers in `internet`.
    pub fn heard(internet: &Namespace) -> u32 {
        let table = internet.run(&["nft", "list", "table", "inet", "quiet"]);
        let counter = table.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next());
        counter.and_then(|number| number.parse().ok()).expect("a counter")
    }

    /// The SYN and its answer.
    pub fn open(&self, it: ForgedConnection) {
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
        self.server.send_as(&answer, |tcp| tcp.syn = true);
    }

    /// The client says `payload`, `offset` bytes behind its first.
    pub fn say(&self, it: ForgedConnection, offset: u32, payload: &[u8], change: impl Fn(&mut TcpHeader)) {
        let seq = CLIENT_SEQ + offset;
        let said = Forged { from: it.client, to: it.server, seq, ack: Some(SERVER_SEQ), payload };
        self.client.send_as(&said, change);
    }
}

const IPPROTO_RAW: i32 = 255;
const ENOBUFS: i32 = 105;
/// Shorter waits aren't worth a sleep.
const TICK: Duration = Duration::from_millis(2);
