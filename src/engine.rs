//! The run loop's body: one packet in, one verdict out, nothing else.
//!
//! The engine owns all memory of the packet's way, reads no clock and opens no socket. The live
//! queue and the capture replay call the same [`Engine::handle`].

use crate::flow::FlowRecord;
use crate::packet::Segment;
use crate::time::Instant;
use crate::verdict::Verdict;

/// A packet as it reaches the engine.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The IP packet, from its first header byte; may be cut short.
    pub bytes: &'a [u8],
    /// Link-layer source address, where there is one.
    pub hw_addr: Option<[u8; 6]>,
}

/// The engine.
#[derive(Debug, Default)]
pub struct Engine {}

/// The verdict on one packet, and the flow it joined.
#[derive(Debug)]
pub struct Handled<'a> {
    /// What to do with the packet.
    pub verdict: Verdict,
    /// Its segment, if it is TCP.
    pub segment: Option<Segment<'a>>,
    /// It opened a flow (a new one, or a new connection on an old five-tuple).
    pub opened: bool,
    /// It carried payload not seen before.
    pub new_payload: bool,
}

impl Engine {
    /// Judges one packet that arrived at `now`.
    pub fn handle<'a>(&mut self, packet: &Packet<'a>, now: Instant) -> Handled<'a> {
        let _ = (packet, now);
        Handled { verdict: Verdict::Ignore, segment: None, opened: false, new_payload: false }
    }

    /// The flow that `segment` belongs to, if it is tracked.
    pub fn flow(&self, segment: &Segment<'_>) -> Option<&FlowRecord> {
        let _ = segment;
        None
    }
}
