//! Stage one's part: sizes and times of flows that the DPI can't read.

use core::fmt::Write;
use core::hash::BuildHasher;

use super::pipeline::{Pipeline, Placed};
use super::session::Session;
use crate::dpi::dialect::Dialect;
use crate::dpi::finding::Finding;
use crate::flow::table::Record;
use crate::flow::tcp::Arrival;
use crate::hmm::beaconing::Sent;
use crate::hmm::decision::{Decision, Sensitivity};
use crate::hmm::{self, Seen};
use crate::limits::{BEACON_SESSION_PACKETS, HMM_STRONG_BITS};
use crate::net::direction::Direction;

/// An opinion of stage one, and of a suspicion the reason.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub decision: Decision,
    pub finding: Option<Finding>,
}

impl Evidence {
    /// An opinion that needs no reason.
    pub fn of(decision: Decision) -> Self {
        Evidence { decision, finding: None }
    }
}

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// Scores new payload of a flow. A flow that the DPI can read is scored, too, since it may become unreadable, but
    /// decided by its words.
    pub(super) fn score(&mut self, session: &mut Session, placed: &Placed<'_>) -> Evidence {
        let Some(mut sensitivity) = self.settings.sensitivity else {
            return Evidence::of(Decision::Undecided);
        };
        if session.is_listed() {
            sensitivity = Sensitivity::Eager;
        }
        let now = placed.at.stamp();
        let seen_before = match placed.arrival {
            Arrival::InOrder { skip } => skip,
            Arrival::Ahead { .. } | Arrival::Retransmission => 0,
        };
        let seen = Seen {
            direction: placed.direction,
            size: placed.segment.payload_len.saturating_sub(seen_before),
            now,
            packets: session.payload_packets(),
            age_ms: now.millis_since(session.watched_since()),
        };
        let decision = self.scorer.packet(&mut session.hmm, &seen, sensitivity);
        if !session.inspection.is_opaque() {
            return Evidence::of(Decision::Undecided);
        }
        if placed.direction == Direction::ToServer && seen.packets <= BEACON_SESSION_PACKETS {
            let sent = Sent {
                client: session.client(),
                owner: session.owner(),
                server: session.server(),
                began: session.watched_since(),
                bytes: seen.size,
            };
            if self.beacons.sent(&sent) == Decision::Suspect {
                let finding = Finding::of(None, "short sessions to one server, each like the one before");
                return Evidence { decision: Decision::Suspect, finding: Some(finding) };
            }
        }
        let finding = (decision == Decision::Suspect).then(|| suspicion(session));
        Evidence { decision, finding }
    }
}

/// Whether stage one is as good as sure of a session.
pub(super) fn is_strong(session: &Session) -> bool {
    session.hmm.ratio() >= HMM_STRONG_BITS.saturating_mul(hmm::RATIO_ONE)
}

/// The dialect that a session points to which proves none.
pub(super) fn guess(session: &Session) -> Option<Dialect> {
    let at_length = session.inspection.is_opaque() && session.hmm.tells_at_length();
    session.inspection.dialect().or_else(|| at_length.then_some(Dialect::Equihash))
}

/// The reason of a suspicion by the models.
fn suspicion(session: &Session) -> Finding {
    let mut finding = Finding::default();
    let bits = session.hmm.ratio() / hmm::RATIO_ONE;
    let packets = session.payload_packets();
    // Shorter than its room.
    let _ = write!(finding.evidence, "sizes and times of {packets} packets speak for mining by {bits} bits");
    finding
}
