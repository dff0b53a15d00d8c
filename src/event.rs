//! What the engine has to tell people: proof of mining, and suspicion of it.

use crate::dpi::finding::Finding;
use crate::packet::Endpoint;
use crate::time::Instant;

/// How sure a detection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The DPI has read it.
    Proven,
    /// Stage one finds it likely; nothing is blocked for that.
    Suspected,
}

/// A mining session.
#[derive(Clone, Debug)]
pub struct Detection {
    /// When it was noticed.
    pub at: Instant,
    /// How sure that is.
    pub certainty: Certainty,
    /// The infected host, and its port.
    pub client: Endpoint,
    /// Its hardware address, where a packet from it came over a link that has them.
    pub hw_addr: Option<[u8; 6]>,
    /// The pool.
    pub server: Endpoint,
    /// What was found.
    pub finding: Finding,
    /// Packets with payload until then, the deciding one included.
    pub payload_packets: u16,
    /// The session was cut off; otherwise it was only noted.
    pub blocked: bool,
}
