//! TCP connections as IP packets, for tests that feed the engine without a network.

use std::net::{IpAddr, SocketAddr};

/// Which end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The end that opens the connection.
    Client,
    /// The end that is called.
    Server,
}

/// A TCP connection: both ends and how far each has come.
#[derive(Clone, Debug)]
pub struct Connection {
    addrs: [SocketAddr; 2],
    /// Next sequence number of client and server.
    next: [u32; 2],
}

impl Connection {
    /// A connection that begins at the given initial sequence numbers (client's, server's).
    pub fn new(client: SocketAddr, server: SocketAddr, initial: [u32; 2]) -> Self {
        Connection { addrs: [client, server], next: initial }
    }

    /// The three packets that open it.
    pub fn open(&mut self) -> Vec<Vec<u8>> {
        let syn = self.packet(End::Client, SYN, b"");
        self.advance(End::Client, 1);
        let answer = self.packet(End::Server, SYN | ACK, b"");
        self.advance(End::Server, 1);
        vec![syn, answer, self.packet(End::Client, ACK, b"")]
    }

    /// The packet in which `from` sends `payload` next.
    pub fn send(&mut self, from: End, payload: &[u8]) -> Vec<u8> {
        let packet = self.packet(from, ACK | PSH, payload);
        self.advance(from, payload.len() as u32);
        packet
    }

    /// The packets that close it, the client first.
    pub fn close(&mut self) -> Vec<Vec<u8>> {
        let first = self.packet(End::Client, ACK | FIN, b"");
        self.advance(End::Client, 1);
        let second = self.packet(End::Server, ACK | FIN, b"");
        self.advance(End::Server, 1);
        vec![first, second, self.packet(End::Client, ACK, b"")]
    }

    fn advance(&mut self, end: End, by: u32) {
        let next = &mut self.next[end as usize];
        *next = next.wrapping_add(by);
    }

    fn packet(&self, from: End, flags: u8, payload: &[u8]) -> Vec<u8> {
        let (from, to) = (from as usize, 1 - from as usize);
        let mut tcp = Vec::with_capacity(TCP_HEADER_LEN + payload.len());
        tcp.extend(self.addrs[from].port().to_be_bytes());
        tcp.extend(self.addrs[to].port().to_be_bytes());
        tcp.extend(self.next[from].to_be_bytes());
        let acknowledged = if flags & ACK == 0 { 0 } else { self.next[to] };
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([(TCP_HEADER_LEN as u8 / 4) << 4, flags]);
        tcp.extend(64_240u16.to_be_bytes());
        // Checksum and urgent pointer; nobody here verifies the former (the kernel has, live).
        tcp.extend([0; 4]);
        tcp.extend(payload);
        match (self.addrs[from].ip(), self.addrs[to].ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let total_len = (IPV4_HEADER_LEN + tcp.len()) as u16;
                let mut ip = vec![0x45, 0];
                ip.extend(total_len.to_be_bytes());
                // Identification, "don't fragment", hop limit, protocol, no checksum.
                ip.extend([0, 0, 0x40, 0, 64, PROTOCOL_TCP, 0, 0]);
                ip.extend(source.octets());
                ip.extend(destination.octets());
                ip.extend(tcp);
                ip
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut ip = vec![0x60, 0, 0, 0];
                ip.extend((tcp.len() as u16).to_be_bytes());
                ip.extend([PROTOCOL_TCP, 64]);
                ip.extend(source.octets());
                ip.extend(destination.octets());
                ip.extend(tcp);
                ip
            }
            _ => panic!("both ends have addresses of one family"),
        }
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const TCP_HEADER_LEN: usize = 20;
const IPV4_HEADER_LEN: usize = 20;
const PROTOCOL_TCP: u8 = 6;
