//! Events of the engine: proof of mining, and suspicion of it.

use super::tunnels::ProxyTarget;
use crate::dpi::Wire;
use crate::dpi::finding::Finding;
use crate::dpi::signatures::Dialect;
use crate::hmm::suspicion::Suspicion;
use crate::limits::PROBE_SNI_BYTES;
use crate::net::endpoint::Endpoint;
use crate::util::time::Instant;

/// Source of the evidence for mining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The session's own words: proof.
    Dpi,
    /// The server's answer to a probe: proof.
    Probe,
    /// Prior knowledge of the server, by a list whose policy is to block or from earlier sessions.
    Intel,
    /// Sizes and times, by stage one: a suspicion, for which nothing is blocked.
    Hmm,
    /// A list, whose policy is to suspect, or what is less certain than the server's name: the same.
    Hint,
}

impl Source {
    /// The name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Source::Dpi => "dpi",
            Source::Probe => "probe",
            Source::Hmm => "hmm",
            Source::Intel | Source::Hint => "intel",
        }
    }

    /// Whether it is enough to block.
    pub const fn is_proof(self) -> bool {
        matches!(self, Source::Dpi | Source::Probe | Source::Intel)
    }
}

/// A mining session.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Time of the evidence.
    pub at: Instant,
    /// The infected host, and its port.
    pub client: Endpoint,
    /// Hardware address of the host, where a packet from it came over a link that has them.
    pub hw_addr: Option<[u8; 6]>,
    /// The pool.
    pub server: Endpoint,
    /// The name by which the client last called it; empty if it is not known.
    pub server_name: heapless::String<PROBE_SNI_BYTES>,
    /// The server that the client asked `server` for, a proxy.
    pub target: Option<ProxyTarget>,
    /// Whether the session is TLS, if known.
    pub tls: Option<bool>,
    /// The finding.
    pub finding: Finding,
    /// The dialect that the session points to: of a proof the one found, otherwise a guess.
    pub points_to: Option<Dialect>,
    /// First protocol of the session.
    pub wire: Wire,
    /// Source of the evidence.
    pub source: Source,
    /// Suspicion of stage one; none where the source is another.
    pub suspicion: Option<Suspicion>,
    /// The server itself is proven to be the pool: no proxy lies between, and no host that serves others.
    pub server_is_pool: bool,
    /// Packets with payload until then, the deciding one included.
    pub payload_packets: u16,
    /// The session was cut off; otherwise it was only noted.
    pub blocked: bool,
}
