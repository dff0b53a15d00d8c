//! Sequences from captures: new payload per TCP flow, in the order in which the router met it.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use pcap_parser::{PcapBlockOwned, PcapError, create_reader};

use super::Error;
use super::sequence::SequencePacket;
use crate::dpi::TlsClient;
use crate::flow::connection::Connection;
use crate::flow::tcp::{Arrival, Streams};
use crate::hmm::beaconing::Sent;
use crate::limits::BEACON_SESSION_PACKETS;
use crate::net::direction::Direction;
use crate::net::five_tuple::FiveTuple;
use crate::net::local_networks::LocalNetworks;
use crate::net::packet::{self, Segment};
use crate::parse::client_hello::{self, ParsedHello};
use crate::parse::fit::Fit;
use crate::util::time::{Instant, Stamp};

/// One flow of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Its packets with payload not seen before.
    pub packets: Vec<SequencePacket>,
    /// The program behind it, if it speaks TLS.
    pub client: Option<TlsClient>,
}

/// The flows of one capture; flows with payload in one direction only are left out.
///
/// # Errors
/// The file can't be read, is no capture, or is damaged before its first packet. What follows later
/// damage is left out.
pub(crate) fn flows(path: &Path) -> Result<Vec<Flow>, Error> {
    let mut tracker = Tracker::default();
    read(path, |segment, now| {
        tracker.handle(segment, now);
    })?;
    Ok(tracker.finish())
}

/// Calls `said` for everything that clients of short sessions say to servers, as the engine tells
/// [`crate::hmm::beaconing::Beacons`].
///
/// # Errors
/// As [`flows`].
pub(crate) fn short_sessions(path: &Path, mut said: impl FnMut(&Sent)) -> Result<(), Error> {
    let mut tracker = Tracker::default();
    read(path, |segment, now| {
        if let Some((flow, direction, bytes)) = tracker.handle(segment, now)
            && direction == Direction::ToServer
            && flow.packets.len() <= usize::from(BEACON_SESSION_PACKETS)
        {
            let (client, server) = (flow.connection.client(), flow.connection.server());
            said(&Sent { client, owner: 0, server, began: flow.began, bytes });
        }
    })
}

fn read(path: &Path, mut handle: impl FnMut(&Segment<'_>, Instant)) -> Result<(), Error> {
    let mut reader = create_reader(READ_BYTES, File::open(path)?).map_err(|error| {
        Error::from(match error {
            PcapError::Eof | PcapError::Incomplete(_) => "not a capture: it is empty or ends in its header",
            _ => "not a capture: neither pcap nor pcapng",
        })
    })?;
    let mut links = Links::default();
    loop {
        match reader.next() {
            Ok((consumed, block)) => {
                if let Some((link, micros, frame)) = links.frame(&block)
                    && let Some(ip) = ip_packet(link, frame)
                    && let Ok(segment) = packet::parse(ip)
                {
                    handle(&segment, Instant::from_micros(micros));
                }
                reader.consume(consumed);
            }
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() || reader.reader_exhausted() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    Ok(())
}

/// The interfaces met so far.
#[derive(Default)]
struct Links {
    /// Link type, and ticks a second, of each interface.
    interfaces: Vec<(i32, u64, i64)>,
    nanoseconds: bool,
}

impl Links {
    /// Link type, microseconds and bytes of the frame in `block`, if one is.
    fn frame<'a>(&mut self, block: &PcapBlockOwned<'a>) -> Option<(i32, u64, &'a [u8])> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.nanoseconds = header.is_nanosecond_precision();
                self.interfaces = vec![(header.network.0, 1_000_000, 0)];
                None
            }
            PcapBlockOwned::Legacy(record) => {
                let fraction = if self.nanoseconds { record.ts_usec / 1_000 } else { record.ts_usec };
                let micros = u64::from(record.ts_sec) * 1_000_000 + u64::from(fraction);
                Some((self.interfaces.first()?.0, micros, record.data))
            }
            PcapBlockOwned::NG(pcap_parser::Block::SectionHeader(_)) => {
                self.interfaces.clear();
                None
            }
            PcapBlockOwned::NG(pcap_parser::Block::InterfaceDescription(idb)) => {
                let ticks = idb.ts_resolution().unwrap_or(1_000_000).max(1);
                self.interfaces.push((idb.linktype.0, ticks, idb.if_tsoffset));
                None
            }
            PcapBlockOwned::NG(pcap_parser::Block::EnhancedPacket(epb)) => {
                let &(link, ticks, offset) = self.interfaces.get(epb.if_id as usize)?;
                let stamp = u128::from(epb.ts_high) << 32 | u128::from(epb.ts_low);
                let micros = (stamp * 1_000_000 / u128::from(ticks)) as i64;
                let micros = micros.wrapping_add(offset.wrapping_mul(1_000_000));
                Some((link, micros as u64, epb.data.get(..epb.caplen as usize)?))
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}

/// The IP packet inside a link-layer frame.
fn ip_packet(link: i32, frame: &[u8]) -> Option<&[u8]> {
    match link {
        LINK_ETHERNET => {
            let mut rest = frame.get(12..)?;
            loop {
                let (ether_type, payload) = rest.split_first_chunk::<2>()?;
                match u16::from_be_bytes(*ether_type) {
                    0x0800 | 0x86dd => return Some(payload),
                    // IEEE 802.1Q and 802.1ad tags.
                    0x8100 | 0x88a8 => rest = payload.get(2..)?,
                    _ => return None,
                }
            }
        }
        LINK_RAW => Some(frame),
        LINK_LINUX_COOKED => frame.get(16..),
        LINK_NULL => frame.get(4..),
        _ => None,
    }
}

/// All flows of one capture, by connection.
#[derive(Default)]
struct Tracker {
    open: HashMap<FiveTuple, usize>,
    flows: Vec<Tracked>,
}

struct Tracked {
    connection: Connection,
    streams: Streams,
    began: Stamp,
    last_payload: Option<Instant>,
    packets: Vec<SequencePacket>,
    /// The client's first bytes, while no ClientHello has been found in them.
    opening: Vec<u8>,
    client: Option<TlsClient>,
}

impl Tracker {
    /// The flow, the direction and the number of new payload bytes, if there are any.
    fn handle(&mut self, segment: &Segment<'_>, now: Instant) -> Option<(&Tracked, Direction, u32)> {
        let key = FiveTuple::new(segment.src, segment.dst);
        let reopened = segment.syn && !segment.has_ack;
        let at = match self.open.get(&key) {
            Some(&at) if !reopened || self.flows[at].packets.is_empty() => at,
            _ => {
                self.flows.push(Tracked {
                    connection: Connection::of(segment, &LocalNetworks::default()),
                    streams: Streams::default(),
                    began: now.stamp(),
                    last_payload: None,
                    packets: Vec::new(),
                    opening: Vec::new(),
                    client: None,
                });
                self.open.insert(key, self.flows.len() - 1);
                self.flows.len() - 1
            }
        };
        let flow = &mut self.flows[at];
        let direction = flow.connection.direction_from(&segment.src);
        flow.streams.handshake(direction, segment);
        if segment.payload_len == 0 || segment.syn {
            return None;
        }
        let new = match flow.streams.place(direction, segment.seq, segment.payload_len) {
            Arrival::InOrder { skip } => segment.payload_len - skip,
            Arrival::Ahead { .. } => segment.payload_len,
            Arrival::Retransmission => return None,
        };
        flow.streams.advance_to(direction, segment.seq.wrapping_add(segment.payload_len));
        let gap = flow.last_payload.map_or(0, |last| now.micros().saturating_sub(last.micros()) / 1_000);
        flow.last_payload = Some(now);
        let gap_ms = u32::try_from(gap).unwrap_or(u32::MAX);
        flow.packets.push(SequencePacket { direction, size: new, gap_ms });
        if direction == Direction::ToServer {
            flow.hear(segment);
        }
        Some((flow, direction, new))
    }

    fn finish(self) -> Vec<Flow> {
        let both_ways = |flow: &Flow| {
            flow.packets
                .first()
                .is_some_and(|first| flow.packets.iter().any(|p| p.direction != first.direction))
        };
        let flow = |tracked: Tracked| Flow { packets: tracked.packets, client: tracked.client };
        self.flows.into_iter().map(flow).filter(both_ways).collect()
    }
}

impl Tracked {
    /// Looks for a ClientHello in the client's first segments.
    fn hear(&mut self, segment: &Segment<'_>) {
        if self.client.is_some() || self.packets.len() > OPENING_PACKETS {
            return;
        }
        self.opening.extend_from_slice(segment.payload);
        let opens = client_hello::opens(&self.opening) == Fit::Yes;
        if let (true, ParsedHello::Hello(hello)) = (opens, client_hello::parse(&self.opening)) {
            self.client = Some(TlsClient::of(&hello));
        }
    }
}

/// A ClientHello is among the first packets with payload.
const OPENING_PACKETS: usize = 3;
const READ_BYTES: usize = 1 << 20;
const LINK_NULL: i32 = 0;
const LINK_ETHERNET: i32 = 1;
const LINK_RAW: i32 = 101;
const LINK_LINUX_COOKED: i32 = 113;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::direction::Direction::{ToClient, ToServer};
    use std::io::Write;

    /// An Ethernet frame between 192.168.0.2:40000 and 192.0.2.9:443.
    fn frame(up: bool, seq: u32, flags: u8, len: u16) -> Vec<u8> {
        let (client, server) = ([192, 168, 0, 2], [192, 0, 2, 9]);
        let (src, dst) = if up { (client, server) } else { (server, client) };
        let (src_port, dst_port) = if up { (40_000u16, 443u16) } else { (443, 40_000) };
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((40 + len).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        frame.extend(src);
        frame.extend(dst);
        frame.extend(src_port.to_be_bytes());
        frame.extend(dst_port.to_be_bytes());
        frame.extend(seq.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        frame.extend(vec![7; usize::from(len)]);
        frame
    }

    fn pcap(frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [0xa1b2_c3d4u32, 0x0002_0004, 0, 0, 65_535, 1] {
            out.extend(if word == 0x0002_0004 { [2, 0, 4, 0] } else { word.to_le_bytes() });
        }
        for (millis, frame) in frames {
            for word in [millis / 1_000, millis % 1_000 * 1_000, frame.len() as u32, frame.len() as u32] {
                out.extend(word.to_le_bytes());
            }
            out.extend(frame);
        }
        out
    }

    #[test]
    fn a_retransmission_is_no_packet_and_a_hole_is_none_either() {
        const SYN: u8 = 2;
        const ACK: u8 = 16;
        let frames = [
            (0, frame(true, 99, SYN, 0)),
            (20, frame(false, 499, SYN | ACK, 0)),
            (30, frame(true, 100, ACK, 50)),
            (80, frame(true, 100, ACK, 50)),
            (90, frame(false, 500, ACK, 20)),
            (1_500, frame(false, 530, ACK, 10)),
            (1_600, frame(true, 140, ACK, 30)),
        ];
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("capture.pcap");
        File::create(&path).and_then(|mut file| file.write_all(&pcap(&frames))).expect("written");
        let flows = flows(&path);
        let packet = |direction, size, gap_ms| SequencePacket { direction, size, gap_ms };
        let expected = vec![
            packet(ToServer, 50, 0),
            packet(ToClient, 20, 60),
            packet(ToClient, 10, 1_410),
            packet(ToServer, 20, 100),
        ];
        assert_eq!(flows, Ok(vec![Flow { packets: expected, client: None }]));
    }
}
