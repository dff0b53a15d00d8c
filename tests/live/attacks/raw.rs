//! TCP packets as an attacker makes them: from any address, with any numbers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, TcpHeader, ip_number};
use socket2::{Domain, Protocol, Socket, Type};

use crate::namespace::Namespace;

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
        let bytes = packet.bytes();
        let (socket, to) = match packet.to {
            SocketAddr::V4(_) => (&self.v4, SocketAddr::new(packet.to.ip(), 0)),
            SocketAddr::V6(_) => (&self.v6, SocketAddr::new(packet.to.ip(), 0)),
        };
        loop {
            match socket.send_to(&bytes, &to.into()) {
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
    fn bytes(&self) -> Vec<u8> {
        let mut tcp = TcpHeader::new(self.from.port(), self.to.port(), self.seq, 64_240);
        tcp.syn = self.ack.is_none();
        tcp.ack = self.ack.is_some();
        tcp.psh = !self.payload.is_empty();
        tcp.acknowledgment_number = self.ack.unwrap_or(0);
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

const IPPROTO_RAW: i32 = 255;
const ENOBUFS: i32 = 105;
/// Shorter waits aren't worth a sleep.
const TICK: Duration = Duration::from_millis(2);
