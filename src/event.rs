//! What the engine has to tell people: detections.

use crate::dpi::finding::Finding;
use crate::packet::Endpoint;
use crate::time::Instant;

/// Where a proof comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The session's own words.
    Dpi,
    /// Its server, when asked.
    Probe,
}

impl Source {
    /// The name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Source::Dpi => "dpi",
            Source::Probe => "probe",
        }
    }
}

/// A proven mining session.
#[derive(Clone, Debug)]
pub struct Detection {
    /// When the proof was complete.
    pub at: Instant,
    /// The infected host, and its port.
    pub client: Endpoint,
    /// Its hardware address, where a packet from it came over a link that has them.
    pub hw_addr: Option<[u8; 6]>,
    /// The pool.
    pub server: Endpoint,
    /// What was found.
    pub finding: Finding,
    /// Where the proof comes from.
    pub source: Source,
    /// Packets with payload until the proof was complete, the completing one included.
    pub payload_packets: u16,
    /// The session was cut off; otherwise it was only noted.
    pub blocked: bool,
}
