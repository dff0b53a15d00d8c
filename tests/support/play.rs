//! Dialogues as packets through the engine, under any segmentation.

use std::net::{IpAddr, SocketAddr};

use minewall::lab::replay::account::FlowAccount;
use minewall::lab::replay::capture::CapturedFrame;
use minewall::lab::replay::link::LinkType;
use minewall::lab::replay::{self, Replay};
use minewall::limits::FLOWS_MIN;
use minewall::util::time::Instant;

use crate::dialogue::{Dialogue, Turn};
use crate::file::Link;
use crate::wire::{Connection, End};

/// How a dialogue travels.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Over IPv6.
    pub v6: bool,
    /// The server's port.
    pub port: u16,
    /// What the packets are captured on.
    pub link: Link,
    /// Payload bytes of a packet, at most.
    pub segment: usize,
    /// Turns of one end that follow one another share packets.
    pub merge: bool,
    /// What happens to the packets on their way.
    pub fate: Fate,
    /// Index of the turn with which the capture begins; the handshake is seen only with the first.
    pub joined_at: Option<usize>,
}

/// What happens to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They arrive in order.
    InOrder,
    /// Each arrives twice.
    Twice,
    /// Of two neighbours in one direction the second arrives first.
    Swapped,
}

impl Style {
    /// A packet for each turn (for each part of one that is longer than an Ethernet frame).
    pub const PLAIN: Style = Style {
        v6: false,
        port: 3_333,
        link: Link::Raw,
        segment: 1_440,
        merge: false,
        fate: Fate::InOrder,
        joined_at: None,
    };
}

/// Part of a dialogue in one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Who sends it.
    pub from: End,
    /// Its payload.
    pub bytes: Vec<u8>,
    /// Indexes of the first and the last turn it has bytes of.
    pub turns: (usize, usize),
}

/// The pieces of `dialogue`, in the order in which they are sent.
pub fn pieces(dialogue: &Dialogue, style: &Style) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, turn) in dialogue.turns.iter().enumerate().skip(style.joined_at.unwrap_or(0)) {
        let from = end_of(turn);
        let mut rest = &turn.bytes[..];
        if let Some(last) = pieces.last_mut().filter(|last| style.merge && last.from == from) {
            let (fits, more) = rest.split_at(rest.len().min(style.segment - last.bytes.len()));
            if !fits.is_empty() {
                last.bytes.extend(fits);
                last.turns.1 = index;
            }
            rest = more;
        }
        pieces.extend(rest.chunks(style.segment).map(|bytes| Piece {
            from,
            bytes: bytes.to_vec(),
            turns: (index, index),
        }));
    }
    pieces
}

/// Plays `pieces` to a fresh engine; what it made of the flow.
pub fn play(pieces: &[Piece], style: &Style) -> FlowAccount {
    let client = if style.v6 { "[fd00::7]:40000" } else { "192.168.1.7:40000" };
    inspect(&packets(pieces, style, client.parse().expect("an address")), style.link)
}

/// The connection in which `client` and a server say `pieces`, as IP packets.
pub fn packets(pieces: &[Piece], style: &Style, client: SocketAddr) -> Vec<Vec<u8>> {
    let server: IpAddr =
        if client.is_ipv6() { "2001:db8::1" } else { "192.0.2.1" }.parse().expect("an address");
    let mut connection = Connection::new(client, SocketAddr::new(server, style.port), INITIAL);
    let mut packets = connection.open();
    if style.joined_at.is_some() {
        packets.clear();
    }
    let mut from = None;
    for piece in pieces {
        let packet = connection.send(piece.from, &piece.bytes);
        let neighbour = from.replace(piece.from) == Some(piece.from);
        match style.fate {
            Fate::InOrder => packets.push(packet),
            Fate::Twice => packets.extend([packet.clone(), packet]),
            Fate::Swapped if neighbour => {
                packets.insert(packets.len() - 1, packet);
                from = None;
            }
            Fate::Swapped => packets.push(packet),
        }
    }
    packets.extend(connection.close());
    packets
}

/// What a fresh engine makes of the one flow in `packets`.
fn inspect(packets: &[Vec<u8>], link: Link) -> FlowAccount {
    let mut replay = Replay::new(replay::engine(FLOWS_MIN));
    let mut now = START;
    for bytes in packets {
        // Slow enough, whatever the segmentation, that the budget of a fast flow is never spent.
        now += 1_000 + MICROS_PER_BYTE * bytes.len() as u64;
        let frame = link.wrap(bytes);
        let link = LinkType(link.number(bytes));
        replay.frame(&CapturedFrame { link, at: Instant::from_micros(now), bytes: &frame });
    }
    let flows: Vec<_> = replay.finish().account.flows().cloned().collect();
    assert_eq!(flows.len(), 1, "a dialogue is one flow");
    flows.into_iter().next().expect("one flow")
}

fn end_of(turn: &Turn) -> End {
    if turn.from_client { End::Client } else { End::Server }
}

/// Both ends' sequence numbers wrap during the dialogue.
const INITIAL: [u32; 2] = [u32::MAX - 60, u32::MAX - 90];
const START: u64 = 1_767_225_600_000_000;
const MICROS_PER_BYTE: u64 = 2_000;
