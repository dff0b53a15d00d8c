//! Stage one's part: sizes and times of flows that the DPI can't read.

use core::hash::BuildHasher;

use super::event::Source;
use super::pipeline::{DetectionCause, Pipeline, Placed};
use super::reassembly;
use super::session::{Session, State};
use crate::dpi::finding::Finding;
use crate::dpi::signatures::Dialect;
use crate::flow::tcp::Arrival;
use crate::hmm::beaconing::Sent;
use crate::hmm::decision::Decision;
use crate::hmm::suspicion::{self, Suspicion};
use crate::hmm::threshold::Sensitivity;
use crate::hmm::{Assessment, Circumstances, Seen};
use crate::limits::{BEACON_SESSION_PACKETS, HMM_FAILED_SCREENINGS};
use crate::net::direction::Direction;
use crate::util::time::Instant;

/// An opinion of stage one, and of a suspicion the reason.
#[derive(Clone, Debug)]
pub(super) struct ScoreEvidence {
    pub decision: Decision,
    pub finding: Option<Finding>,
    /// Probability of mining by the models.
    pub suspicion: Option<Suspicion>,
}

impl ScoreEvidence {
    /// An opinion that needs no reason.
    pub(super) fn of(decision: Decision) -> Self {
        ScoreEvidence { decision, finding: None, suspicion: None }
    }
}

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// Scores the payload, unless a signature has made it suspect, and moves the flow to the state that this calls
    /// for; answers a suspicion that is worth telling.
    pub(super) fn assess(
        &mut self,
        session: &mut Session,
        by_signature: Option<Finding>,
        placed: &Placed<'_>,
    ) -> Option<DetectionCause> {
        let source = if by_signature.is_some() { Source::Hint } else { Source::Hmm };
        let mut scored = match by_signature {
            Some(finding) => {
                ScoreEvidence { decision: Decision::Suspect, finding: Some(finding), suspicion: None }
            }
            None => self.score(session, placed),
        };
        if scored.decision == Decision::Suspect && self.clears(session, placed.at) {
            scored = ScoreEvidence::of(Decision::Undecided);
        }
        let before = session.state();
        let suspected = session.settle(scored.decision, placed.stamp, &self.settings);
        if session.state() == State::Bypassed && before != State::Bypassed {
            self.stage_one.release(&session.hmm);
            self.counters.bypassed = self.counters.bypassed.saturating_add(1);
        }
        if session.state() != State::Undecided && before != session.state() {
            reassembly::release(&mut self.pool, &mut self.dpi, session);
            session.streams.slots = Default::default();
            session.streams.waits = Default::default();
        }
        let is_told = suspected || scored.suspicion.is_some_and(|suspicion| suspicion.is_strong);
        is_told.then_some(())?;
        Some(DetectionCause { source, finding: scored.finding?, suspicion: scored.suspicion })
    }

    /// Begins a second look at a bypassed flow, if `placed` calls for one.
    pub(super) fn look_again(&mut self, session: &mut Session, placed: &Placed<'_>) {
        let missing = match placed.arrival {
            Arrival::Ahead { missing } => Some(missing),
            Arrival::InOrder { .. } | Arrival::Retransmission => None,
        };
        let leaves_http = session.inspection.leaves_http(placed.direction, placed.segment.payload);
        if missing.is_none() && !leaves_http {
            return;
        }
        self.stage_one.release(&session.hmm);
        match missing.filter(|_| !leaves_http) {
            Some(missing) => session.look_again(missing, placed.stamp, &self.settings),
            None => session.leave_http(placed.stamp),
        }
    }

    /// Scores new payload of a flow that the DPI can't read.
    fn score(&mut self, session: &mut Session, placed: &Placed<'_>) -> ScoreEvidence {
        let Some(sensitivity) = self.settings.sensitivity.filter(|_| session.inspection.is_opaque()) else {
            return ScoreEvidence::of(Decision::Undecided);
        };
        let now = placed.stamp;
        let seen_before = match placed.arrival {
            Arrival::InOrder { skip } => skip,
            Arrival::Ahead { .. } | Arrival::Retransmission => 0,
        };
        let seen = Seen {
            owner: session.owner(),
            direction: placed.direction,
            size: placed.segment.payload_len.saturating_sub(seen_before),
            now,
            packets: session.payload_packets(),
            age_ms: now.millis_since(session.watched_since()),
            client: session.inspection.wire().tls_client,
        };
        let connection = &session.connection;
        let pair = || self.hasher.hash_one((connection.client().addr(), connection.server()));
        let assessment = self.stage_one.packet(&mut session.hmm, &seen, pair);
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
                return ScoreEvidence {
                    decision: Decision::Suspect,
                    finding: Some(finding),
                    suspicion: None,
                };
            }
        }
        match assessment {
            Assessment::Candidate { sum } if sum >= self.stage_one.floor() => {
                self.weigh(session, sum, sensitivity, placed)
            }
            Assessment::Unlikely { screenings, .. } if screenings >= HMM_FAILED_SCREENINGS => {
                ScoreEvidence::of(Decision::Unlikely)
            }
            _ => ScoreEvidence::of(Decision::Undecided),
        }
    }

    /// Compares the sum of a candidate with the threshold, unless something clears its server. A suspect is told once
    /// more when stage one has become as good as sure: an inconclusive answer is worth less then.
    fn weigh(
        &mut self,
        session: &mut Session,
        sum: i32,
        sensitivity: Sensitivity,
        placed: &Placed<'_>,
    ) -> ScoreEvidence {
        // A suspect is not told again until it is strong, even if its server was cleared.
        let says_nothing = session.state() == State::Suspect && self.stage_one.strong(sum).is_none();
        if session.is_strong() || says_nothing || self.clears(session, placed.at) {
            return ScoreEvidence::of(Decision::Undecided);
        }
        let circumstances = Circumstances {
            sensitivity,
            budget: self.settings.suspects_per_day,
            is_listed: session.is_listed(),
            client: session.owner(),
            server: self.hasher.hash_one(session.server()),
            now: placed.at,
        };
        let suspicion = match session.state() {
            State::Suspect => self.stage_one.strong(sum),
            _ => self.stage_one.suspect(sum, &circumstances),
        };
        let Some(suspicion) = suspicion else {
            return ScoreEvidence::of(Decision::Undecided);
        };
        if suspicion.is_strong {
            session.mark_strong();
        }
        let evidence = suspicion::reason(&suspicion, &session.hmm, session.payload_packets());
        let finding = Finding { evidence, ..Finding::default() };
        ScoreEvidence { decision: Decision::Suspect, finding: Some(finding), suspicion: Some(suspicion) }
    }

    /// The flow is proven to be mining: nothing of it is read any more, and a suspicion of it was no false alarm.
    pub(super) fn prove(&mut self, session: &mut Session, now: Instant) {
        if session.state() == State::Suspect {
            self.stage_one.give_back(session.owner(), self.hasher.hash_one(session.server()));
        }
        self.release(session);
        session.prove(now.stamp());
    }

    /// Frees what other stores keep of a flow that is removed or no longer read.
    pub(super) fn release(&mut self, session: &Session) {
        reassembly::release(&mut self.pool, &mut self.dpi, session);
        self.stage_one.release(&session.hmm);
    }
}

/// The dialect that a session points to which proves none.
pub(super) fn guess(session: &Session) -> Option<Dialect> {
    let at_length = session.inspection.is_opaque() && session.hmm.sends_long_shares();
    session.inspection.dialect().or_else(|| at_length.then_some(Dialect::Equihash))
}
