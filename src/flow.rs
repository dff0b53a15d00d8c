//! Step 2: the segment joins its flow.
//!
//! A flow is what is known of one TCP connection, in [`FlowRecord`]'s 128 bytes; [`table`] holds
//! them in fixed memory; [`tcp`] tells new payload from retransmissions, gaps and reordering.

pub mod reassembly;
pub mod table;
pub mod tcp;

use crate::dpi::Inspection;
use crate::limits::FLOW_RECORD_MAX_BYTES;
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::Segment;
use crate::util::time::Stamp;

/// What has been decided of a flow; the order is the order in which eviction spares them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum FlowState {
    /// Opened, no payload yet.
    #[default]
    Opening,
    /// Never looked at: the host or the endpoint is on the operator's list.
    Allowed,
    /// Let go; kept so that a second look remembers the first.
    Benign,
    /// Payload seen, nothing decided.
    Undecided,
    /// Weak evidence at hand, proof awaited.
    Suspect,
    /// Proven; the kernel drops or resets it.
    Mining,
}

/// One flow. Fixed size, no pointers: the table is one allocation at start.
#[derive(Clone, Debug, Default)]
pub struct FlowRecord {
    /// The connection.
    pub key: FiveTuple,
    /// Sequence tracking of each [`Direction`].
    pub streams: tcp::Streams,
    /// When this watch began: the first packet, or the return of a flow that had been let go.
    pub watched_since: Stamp,
    /// Latest packet.
    pub last_seen: Stamp,
    /// Bytes of new payload on the wire in this watch, both directions; saturating.
    pub payload_bytes: u32,
    /// Packets with new payload in this watch, both directions; saturating.
    pub payload_packets: u16,
    /// What has been decided.
    pub state: FlowState,
    /// The key's `high` end is the client.
    pub client_is_high: bool,
    /// The DPI's knowledge.
    pub inspection: Inspection,
    /// The hidden Markov model's knowledge.
    pub hmm: crate::hmm::State,
}

const _: () = assert!(size_of::<FlowRecord>() <= FLOW_RECORD_MAX_BYTES);

impl FlowRecord {
    /// A flow whose first segment seen is `segment`, at `now`.
    ///
    /// Without its SYN (the daemon was restarted, the flow evicted) the client is the end with a
    /// local address, else the one with the higher port.
    pub fn open(segment: &Segment<'_>, now: Stamp) -> Self {
        let key = FiveTuple::new(segment.src, segment.dst);
        let src_is_client = if segment.syn {
            !segment.has_ack
        } else {
            match (segment.src.is_local(), segment.dst.is_local()) {
                (true, false) => true,
                (false, true) => false,
                _ => segment.src.port() >= segment.dst.port(),
            }
        };
        FlowRecord {
            key,
            watched_since: now,
            last_seen: now,
            client_is_high: (key.high() == segment.src) == src_is_client,
            inspection: Inspection::begin(segment.syn),
            ..FlowRecord::default()
        }
    }

    /// The end that opened the connection.
    pub fn client(&self) -> Endpoint {
        if self.client_is_high { self.key.high() } else { self.key.low() }
    }

    /// The end that was called.
    pub fn server(&self) -> Endpoint {
        if self.client_is_high { self.key.low() } else { self.key.high() }
    }

    /// Which way a segment sent by `src` goes.
    pub fn direction_from(&self, src: Endpoint) -> Direction {
        if src == self.client() { Direction::ToServer } else { Direction::ToClient }
    }
}
