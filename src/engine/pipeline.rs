//! From a segment and its flow to a verdict.

mod lists;

use core::hash::BuildHasher;

use heapless::Deque;

use super::knowledge::Knowledge;
use super::learnt::Learnt;
use super::names::Names;
use super::reader::{self, Reader};
use super::{Counters, Settings};
use crate::config::Mode;
use crate::dpi::dialect::Dialect;
use crate::dpi::finding::Finding;
use crate::dpi::{Answer, Dpi, Inspection};
use crate::engine::event::{Detection, Source};
use crate::flow::reassembly::Assembly;
use crate::flow::tcp::Arrival;
use crate::flow::{FlowRecord, FlowState};
use crate::hmm::decision::Decision;
use crate::hmm::model::Model;
use crate::hmm::swarm::{Sent, Swarms};
use crate::hmm::{self, Assessment, Seen, StageOne};
use crate::limits::{
    CANDIDATE_BYTES_PER_SECOND, CANDIDATES_DEFAULT, EVENTS_PENDING, HMM_FAILED_SCREENINGS, RATE_WINDOW_SECONDS,
    SLOW_AFTER_SECONDS, SWARM_SESSION_PACKETS,
};
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::neighbours::Neighbours;
use crate::net::packet::Segment;
use crate::util::time::{Instant, Stamp};
use crate::verdict::{FlowMark, Reset, Verdict};

/// All of the engine but its flows.
#[derive(Debug)]
pub(super) struct Judge<S> {
    pub settings: Settings,
    pub stage_one: StageOne,
    pub assembly: Assembly,
    pub events: Deque<Detection, EVENTS_PENDING>,
    pub counters: Counters,
    pub learnt: Learnt,
    pub knowledge: Knowledge<S>,
    pub names: Names<S>,
    neighbours: Neighbours<S>,
    dpi: Dpi,
    swarms: Swarms,
}

impl<S: BuildHasher + Clone> Judge<S> {
    pub fn new(settings: Settings, model: Box<Model>, hasher: S) -> Self {
        let knowledge = Knowledge::new(hasher.clone());
        let mut judge = Judge {
            settings: settings.clone(),
            stage_one: StageOne::new(model, CANDIDATES_DEFAULT),
            assembly: Assembly::new(),
            events: Deque::new(),
            counters: Counters::default(),
            learnt: Learnt::default(),
            knowledge,
            names: Names::new(hasher.clone()),
            neighbours: Neighbours::new(hasher),
            dpi: Dpi::default(),
            swarms: Swarms::default(),
        };
        judge.configure(settings);
        judge
    }

    /// Judges by other settings from now on.
    pub fn configure(&mut self, settings: Settings) {
        self.knowledge.blocks_shared = settings.blocks_shared;
        self.settings = settings;
    }

    /// Makes `record` that of a flow which `segment` opens, in the place of `old`.
    pub fn open(
        &mut self,
        record: &mut FlowRecord,
        old: Option<&FlowRecord>,
        segment: &Segment<'_>,
        hw_addr: Option<[u8; 6]>,
        now: Instant,
    ) {
        if let Some(old) = old {
            reader::release(&mut self.assembly, old);
            self.stage_one.release(&old.hmm);
        }
        *record = FlowRecord::open(segment, now.stamp());
        let client = record.client();
        if client == segment.src {
            self.neighbours.learn(client.addr(), hw_addr);
        }
        if self.exempts(record, now) {
            record.state = FlowState::Allowed;
        }
    }

    /// Whether the operator's list says that `record` is not to be looked at.
    fn exempts(&self, record: &FlowRecord, now: Instant) -> bool {
        let client = record.client().addr();
        self.settings.allow.allows_host(client, self.neighbours.hw_addr(client))
            || self.exempts_server(&record.server(), now)
    }

    /// The same of whatever goes to `server`.
    pub fn exempts_server(&self, server: &Endpoint, now: Instant) -> bool {
        self.settings.allow.allows_endpoint(server) || self.knowledge.exempts(server, now)
    }

    /// The verdict on `segment`, which belongs to `record`, and may have opened it.
    pub fn verdict(
        &mut self,
        record: &mut FlowRecord,
        segment: &Segment<'_>,
        opened: bool,
        hw_addr: Option<[u8; 6]>,
        now: Instant,
    ) -> Verdict {
        let direction = record.direction_from(segment.src);
        record.streams.handshake(direction, segment);
        let hw_addr = hw_addr.filter(|_| direction == Direction::ToServer);
        if !record.streams.is_from_start(Direction::ToServer) && hw_addr.is_some() {
            // The packet that opened the flow for us may have been the server's.
            self.neighbours.learn(segment.src.addr(), hw_addr);
        }
        if record.state == FlowState::Allowed && !self.exempts(record, now) {
            // The list has changed. Whatever passed until then was not read.
            record.state = FlowState::Benign;
            record.inspection = Inspection::begin(false);
        }
        let mut first_missing = segment.seq;
        let mut noticed = None;
        if record.is_watched()
            && let Some((source, finding)) = self.learnt.proof(&record.server())
        {
            self.dpi.finding = finding;
            if segment.payload_len > 0 {
                record.count_payload(segment.payload_len);
            }
            reader::release(&mut self.assembly, record);
            record.state = FlowState::Mining;
            noticed = Some(source);
        }
        if opened && record.is_watched() {
            let opinion = self.knowledge.of_endpoint(record.client().addr(), &record.server(), now);
            noticed = self.heed(record, opinion, now);
        }
        if segment.payload_len > 0 {
            // Data in a SYN (TCP Fast Open, RFC 7413) begins behind it.
            let seq = segment.seq.wrapping_add(u32::from(segment.syn));
            let arrival = record.streams.place(direction, seq, segment.payload_len);
            first_missing = match arrival {
                Arrival::InOrder { skip } => seq.wrapping_add(skip),
                Arrival::Ahead { .. } | Arrival::Retransmission => seq,
            };
            if arrival != Arrival::Retransmission && record.is_watched() {
                noticed = self.watch(record, segment, seq, arrival, direction, now).or(noticed);
            }
        }
        if noticed.is_some() && self.exempts(record, now) {
            // The list has changed, or the host's card was not known yet.
            record.state = FlowState::Allowed;
        } else if let Some(source) = noticed {
            self.note(record, source, hw_addr, now);
        }
        match record.state {
            // It stays a suspect, but bulk must not pass through here for hours.
            FlowState::Suspect if record.is_over_budget(now.stamp(), &self.settings) => {
                Verdict::Accept(FlowMark::Benign)
            }
            FlowState::Opening | FlowState::Undecided | FlowState::Suspect => {
                Verdict::Accept(FlowMark::Undecided)
            }
            FlowState::Benign | FlowState::Allowed => Verdict::Accept(FlowMark::Benign),
            FlowState::Mining if self.settings.mode == Mode::Monitor => Verdict::Accept(FlowMark::Benign),
            FlowState::Mining => {
                self.counters.resets += 1;
                Verdict::Reset(Reset::in_place_of(segment, first_missing, noticed.is_some()))
            }
        }
    }

    /// Reads new payload and moves the flow to the state that it calls for; answers whether that is
    /// worth telling.
    fn watch(
        &mut self,
        record: &mut FlowRecord,
        segment: &Segment<'_>,
        seq: u32,
        arrival: Arrival,
        direction: Direction,
        at: Instant,
    ) -> Option<Source> {
        let now = at.stamp();
        if let (FlowState::Benign, Arrival::Ahead { missing }) = (record.state, arrival) {
            record.look_again(missing, now, &self.settings);
        }
        self.counters.payload_packets += 1;
        record.count_payload(segment.payload_len);
        let reader = Reader { record, assembly: &mut self.assembly, dpi: &mut self.dpi, direction, now };
        let answer = reader.read(segment, seq, arrival);
        let opinion = self.dpi.naming.take().and_then(|naming| self.hear(record, &naming, at));
        if let Some(resolution) = self.dpi.resolution.take() {
            self.answered(record, &resolution, at);
        }
        let decision = match self.score(record, segment, arrival, direction, at) {
            Decision::Suspect if self.clears(record, at) => Decision::Undecided,
            decision => decision,
        };

        let before = record.state;
        let heeded = if answer == Answer::Match { None } else { self.heed(record, opinion, at) };
        record.state = match (answer, decision) {
            (Answer::Match, _) => FlowState::Mining,
            _ if heeded == Some(Source::Intel) => FlowState::Mining,
            _ if before == FlowState::Suspect => FlowState::Suspect,
            (_, Decision::Suspect) => FlowState::Suspect,
            (_, Decision::Unlikely) => FlowState::Benign,
            _ if record.is_over_budget(now, &self.settings) => FlowState::Benign,
            _ if before == FlowState::Benign && !record.inspection.has_evidence() => FlowState::Benign,
            _ => FlowState::Undecided,
        };
        if record.state == FlowState::Benign && before != FlowState::Benign {
            self.stage_one.release(&record.hmm);
            record.hmm = hmm::State::default();
            self.counters.let_go = self.counters.let_go.saturating_add(1);
        }
        if record.state != FlowState::Undecided && before != record.state {
            reader::release(&mut self.assembly, record);
            record.streams.waiting = Default::default();
        }
        if record.state == FlowState::Benign && record.inspection.is_opaque() {
            // What could not be read so far may be followed by what can, with no byte unseen in between.
            record.inspection = Inspection::begin(false);
        }
        match record.state {
            FlowState::Mining => heeded.or(Some(Source::Dpi)),
            FlowState::Suspect if before != FlowState::Suspect => heeded.or(Some(Source::Hmm)),
            _ => heeded,
        }
    }

    /// Stage one's opinion of a flow that the DPI can't read.
    fn score(
        &mut self,
        record: &mut FlowRecord,
        segment: &Segment<'_>,
        arrival: Arrival,
        direction: Direction,
        at: Instant,
    ) -> Decision {
        let now = at.stamp();
        let Some(sensitivity) = self.settings.sensitivity.filter(|_| record.inspection.is_opaque()) else {
            return Decision::Undecided;
        };
        let seen_before = match arrival {
            Arrival::InOrder { skip } => skip,
            Arrival::Ahead { .. } | Arrival::Retransmission => 0,
        };
        let seen = Seen {
            client: record.client().addr(),
            direction,
            size: segment.payload_len.saturating_sub(seen_before),
            now,
            packets: record.payload_packets,
            age_ms: now.millis_since(record.watched_since),
        };
        let assessment = self.stage_one.packet(&mut record.hmm, &seen);
        if direction == Direction::ToServer && seen.packets <= SWARM_SESSION_PACKETS {
            let sent = Sent {
                client: record.client(),
                server: record.server(),
                began: record.watched_since,
                bytes: seen.size,
            };
            if self.swarms.sent(&sent) == Decision::Suspect {
                self.dpi.finding =
                    Finding::of(None, "short sessions to one server, each like the one before");
                return Decision::Suspect;
            }
        }
        let listed = self.knowledge.suspects(record.client().addr(), &record.server(), at);
        let threshold = self.stage_one.threshold(sensitivity, listed);
        match assessment {
            Assessment::Candidate { sum } if sum >= threshold => {
                self.dpi.finding = suspicion(record, sum);
                Decision::Suspect
            }
            Assessment::Unlikely { screenings, .. } if screenings >= HMM_FAILED_SCREENINGS => Decision::Unlikely,
            _ => Decision::Undecided,
        }
    }

    /// Tells of a detection.
    fn note(&mut self, record: &FlowRecord, source: Source, hw_addr: Option<[u8; 6]>, now: Instant) {
        let client = record.client();
        let counter =
            if source.is_proof() { &mut self.counters.detections } else { &mut self.counters.suspects };
        *counter = counter.saturating_add(1);
        let detection = Detection {
            at: now,
            client,
            hw_addr: hw_addr.or_else(|| self.neighbours.hw_addr(client.addr())),
            server: record.server(),
            server_name: self.server_name(record, now),
            tls: record.inspection.is_tls(),
            points_to: self.dpi.finding.dialect.or_else(|| guess(record)),
            wire: record.inspection.wire(),
            finding: core::mem::take(&mut self.dpi.finding),
            source,
            server_is_pool: match source {
                Source::Dpi => record.inspection.is_direct(),
                Source::Probe => true,
                Source::Intel | Source::Hmm | Source::Hint => false,
            },
            payload_packets: record.payload_packets,
            blocked: source.is_proof() && self.settings.mode == Mode::Block,
        };
        if self.events.push_back(detection).is_err() {
            self.counters.events_lost = self.counters.events_lost.saturating_add(1);
        }
    }
}

/// The dialect that a session points to which proves none.
fn guess(record: &FlowRecord) -> Option<Dialect> {
    let at_length = record.inspection.is_opaque() && record.hmm.sends_long_shares();
    record.inspection.dialect().or_else(|| at_length.then_some(Dialect::Equihash))
}

/// What stage one has to show.
fn suspicion(record: &FlowRecord, sum: i32) -> Finding {
    use core::fmt::Write;
    let mut finding = Finding::default();
    let bits = sum / hmm::RATIO_ONE;
    let packets = record.payload_packets;
    // Shorter than its room.
    let _ = write!(finding.evidence, "sizes and times of {packets} packets speak for mining by {bits} bits");
    finding
}

impl FlowRecord {
    /// A connection attempt on this five-tuple that is not a copy of the one that opened the flow. Such
    /// a copy lies no further back than the payload since then.
    pub(super) fn is_superseded_by(&self, segment: &Segment<'_>) -> bool {
        let first = segment.seq.wrapping_add(1);
        let is_copy = |next: u32| next.wrapping_sub(first) <= self.payload_bytes;
        segment.syn
            && !segment.has_ack
            && (segment.src != self.client() || !self.streams.next(Direction::ToServer).is_some_and(is_copy))
    }

    fn is_watched(&self) -> bool {
        !matches!(self.state, FlowState::Mining | FlowState::Allowed)
    }

    fn count_payload(&mut self, len: u32) {
        self.payload_packets = self.payload_packets.saturating_add(1);
        self.payload_bytes = self.payload_bytes.saturating_add(len);
    }

    /// Whether an undecided flow has carried so much, so fast, that it is let go. What stays slow is
    /// watched for as long as it lasts: its cost is bounded by its rate.
    fn is_over_budget(&self, now: Stamp, settings: &Settings) -> bool {
        let spent =
            self.payload_packets >= settings.budget_packets || self.payload_bytes >= settings.budget_bytes;
        let seconds = (now.millis_since(self.watched_since) / 1_000).max(RATE_WINDOW_SECONDS);
        let bound = if self.hmm.is_candidate() {
            settings.low_rate.max(CANDIDATE_BYTES_PER_SECOND)
        } else {
            settings.low_rate
        };
        spent && self.payload_bytes / seconds >= bound
    }

    /// Begins a second look at a flow that had been let go, of which `missing` bytes passed unseen
    /// since its last packet. One that has become slow is watched again from now on; of another the
    /// kernel shows a few packets now and then, and evidence in them is what brings it back.
    fn look_again(&mut self, missing: u32, now: Stamp, settings: &Settings) {
        let seconds = now.millis_since(self.last_seen) / 1_000;
        if seconds >= SLOW_AFTER_SECONDS && missing / seconds < settings.low_rate {
            self.state = FlowState::Undecided;
        }
        self.inspection = Inspection::begin(false);
        self.hmm = hmm::State::default();
        self.watched_since = now;
        self.payload_packets = 0;
        self.payload_bytes = 0;
    }
}
