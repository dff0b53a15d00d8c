//! The way of one packet through the stages: look-up, reading, scoring, verdict.

use core::hash::BuildHasher;
use std::sync::Arc;

use super::dns_cache::AnswerReceiver;
use super::dns_questions::DnsQuestions;
use super::event::{Detection, Source};
use super::intel_lookup::{IntelLookup, proof};
use super::overlap::Overlap;
use super::peers::Peers;
use super::reassembly::{self, Heard, Reassembly};
use super::session::{Session, State};
use super::sni_cache::SniCache;
use super::tunnels::Tunnels;
use super::{Counters, Handled, Packet, Settings};
use crate::config::Mode;
use crate::dpi::Dpi;
use crate::dpi::finding::Finding;
use crate::flow::reassembly_pool::ReassemblyPool;
use crate::flow::tcp::Arrival;
use crate::hmm::StageOne;
use crate::hmm::beaconing::Beacons;
use crate::hmm::model::Model;
use crate::hmm::suspicion::Suspicion;
use crate::limits::{ASSEMBLY_SLOTS, ASSEMBLY_SLOTS_MIN, CANDIDATES_DEFAULT};
use crate::net::direction::Direction;
use crate::net::local_networks::LocalNetworks;
use crate::net::neighbours::Neighbours;
use crate::net::packet::{self, Segment, Unreadable};
use crate::util::time::{Instant, Stamp};
use crate::verdict::{FlowMark, Reason, Reset, Verdict};

/// The stages, and all of the engine's memory but the flow table.
#[derive(Debug)]
pub(super) struct Pipeline<S> {
    pub settings: Settings,
    pub stage_one: StageOne,
    pub pool: ReassemblyPool,
    pub counters: Counters,
    pub intel: IntelLookup<S>,
    pub names: SniCache<S>,
    pub(super) questions: DnsQuestions<S>,
    pub tunnels: Tunnels<S>,
    /// Networks of this side.
    pub networks: Arc<LocalNetworks>,
    pub(super) neighbours: Neighbours<S>,
    pub(super) dpi: Dpi,
    pub(super) beacons: Beacons<S>,
    pub(super) hasher: S,
    /// Engines of other queues.
    pub(super) peers: Option<Peers>,
}

/// The reason to tell of a flow: a proof or a suspicion.
#[derive(Clone, Debug)]
pub(super) struct DetectionCause {
    pub source: Source,
    pub finding: Finding,
    /// The suspicion of stage one, if that is the source.
    pub suspicion: Option<Suspicion>,
}

impl DetectionCause {
    /// A notice that stage one has no part in.
    pub(super) fn new(source: Source, finding: Finding) -> Self {
        DetectionCause { source, finding, suspicion: None }
    }
}

/// Result of the look at one segment, in place: a finding is too large to be moved for each packet.
struct Examined {
    /// Sequence number of the first byte that the receiver doesn't have.
    first_missing: u32,
    overlap: Overlap,
    notice: Option<DetectionCause>,
}

/// A segment, and its place in its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub segment: &'a Segment<'a>,
    /// Sequence number of its first payload byte.
    pub seq: u32,
    pub direction: Direction,
    pub arrival: Arrival,
    pub at: Instant,
    pub stamp: Stamp,
}

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// Stages whose stores are divided by `parts`, a power of two; those whose entries count on every queue are whole.
    pub(super) fn new(parts: usize, settings: Settings, model: Box<Model>, hasher: S) -> Self {
        let mut pipeline = Pipeline {
            settings: settings.clone(),
            stage_one: StageOne::new(model, CANDIDATES_DEFAULT / parts as u16),
            pool: ReassemblyPool::new((ASSEMBLY_SLOTS / parts).max(ASSEMBLY_SLOTS_MIN)),
            counters: Counters::default(),
            intel: IntelLookup::new(hasher.clone()),
            names: SniCache::new(parts, hasher.clone()),
            questions: DnsQuestions::new(hasher.clone()),
            tunnels: Tunnels::new(hasher.clone()),
            networks: Arc::default(),
            neighbours: Neighbours::new(hasher.clone()),
            dpi: Dpi::default(),
            beacons: Beacons::new(hasher.clone()),
            hasher,
            peers: None,
        };
        pipeline.configure(settings);
        pipeline
    }

    /// Replaces the settings.
    pub(super) fn configure(&mut self, settings: Settings) {
        self.intel.blocks_shared = settings.blocks_shared;
        self.settings = settings;
    }

    /// A packet that is no TCP segment. Questions to name servers and their answers are taken note of.
    pub(super) fn other(&mut self, why: Unreadable, packet: &Packet<'_>, now: Instant) {
        match why {
            Unreadable::NotTcp | Unreadable::Fragment => self.counters.not_tcp += 1,
            Unreadable::Malformed => self.counters.malformed += 1,
        }
        if let (Unreadable::NotTcp, Some(datagram)) = (why, packet::datagram(packet.bytes)) {
            self.datagram(&datagram, packet.hw_addr, now);
        }
    }

    /// Makes `session` that of a flow which `segment` opens, in the place of `old`.
    pub(super) fn open(
        &mut self,
        session: &mut Session,
        old: Option<&Session>,
        segment: &Segment<'_>,
        packet: &Packet<'_>,
        now: Instant,
    ) {
        if let Some(old) = old {
            self.release(old);
        }
        let fresh = match packet.reason {
            Reason::Start => Session::begin(segment, now.stamp()),
            Reason::Payload | Reason::Again | Reason::Attempt => {
                Session::join(segment, &self.networks, now.stamp())
            }
        };
        let client = fresh.client();
        if client == segment.src {
            self.learn_neighbour(client.addr(), packet.hw_addr, now);
        }
        *session = fresh;
        session.set_owner(self.owner_of(client.addr()));
        if self.intel.has_suspected(client.addr(), &session.server(), now) {
            session.mark_listed();
        }
        if self.exempts(session, now) {
            session.exclude(now.stamp());
        }
    }

    /// Takes `segment`, which belongs to `session` and may have opened it, through the stages.
    pub(super) fn segment(
        &mut self,
        session: &mut Session,
        opened: bool,
        segment: &Segment<'_>,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Handled {
        let direction = session.direction_from(&segment.src);
        if session.is_made_up(direction, packet.turns_back) {
            self.counters.made_up += 1;
            return Handled { verdict: Verdict::Ignore, opened, event: None };
        }
        let hw_addr = packet.hw_addr.filter(|_| direction == Direction::ToServer);
        if hw_addr.is_some() && !session.streams.is_from_start(Direction::ToServer) {
            // The packet that opened the flow for us may have been the server's.
            self.learn_neighbour(segment.src.addr(), hw_addr, now);
        }
        if session.state() == State::Excluded && !self.exempts(session, now) {
            session.include(now.stamp());
        }
        if packet.reason == Reason::Payload && session.has_lost_its_mark(now.stamp()) {
            self.counters.decided_again += 1;
        }
        let mut examined = Examined { first_missing: segment.seq, overlap: Overlap::Agrees, notice: None };
        self.examine(session, opened, segment, now, &mut examined);
        let Examined { first_missing, overlap, notice } = &mut examined;
        if notice.is_some() && self.exempts(session, now) {
            // The list has changed, or the host's card was not known yet.
            session.exclude(now.stamp());
            *notice = None;
        }
        session.note_packet(now.stamp());
        let verdict = self.verdict(session, segment, *first_missing, notice.is_some(), now);
        let verdict = self.with_one_version(verdict, overlap, segment);
        match notice.take() {
            Some(notice) => {
                let event = self.detection(session, notice, hw_addr, now);
                Handled { verdict, opened, event: Some(event) }
            }
            // A whole event is not moved for a packet that has none.
            None => Handled { verdict, opened, event: None },
        }
    }

    /// `verdict` on `segment`, but for bytes of which the receiver must not get another version than was read.
    fn with_one_version(&self, verdict: Verdict, overlap: &Overlap, segment: &Segment<'_>) -> Verdict {
        match (&verdict, overlap) {
            _ if self.settings.mode == Mode::Monitor => verdict,
            (Verdict::Accept(_), Overlap::Drop) => Verdict::Drop,
            (Verdict::Accept(FlowMark::Undecided), Overlap::Trim { skip }) => Verdict::Trim { skip: *skip },
            (Verdict::Accept(FlowMark::Undecided), Overlap::Agrees) if segment.urg => self.without_urgency(),
            _ => verdict,
        }
    }

    /// The verdict on an undecided packet with an urgent byte, which is read here as any other.
    pub(super) fn without_urgency(&self) -> Verdict {
        match self.settings.mode {
            Mode::Block => Verdict::Trim { skip: 0 },
            Mode::Monitor => Verdict::Accept(FlowMark::Undecided),
        }
    }

    /// Looks up the server, and reads the payload of `segment`.
    fn examine(
        &mut self,
        session: &mut Session,
        opened: bool,
        segment: &Segment<'_>,
        now: Instant,
        examined: &mut Examined,
    ) {
        if session.is_watched()
            && let Some(known) = self.known_of_server(session, opened, now)
        {
            examined.notice = Some(known);
        }
        if segment.payload_len == 0 {
            if let Some(found) = self.acknowledgement(session, segment, now) {
                examined.notice = Some(found);
            }
            return;
        }
        let direction = session.direction_from(&segment.src);
        // Data in the answer to a SYN begins behind it.
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        if direction == Direction::ToServer && session.is_watched() {
            let place = [seq, segment.payload_len];
            reassembly::return_to(&mut self.pool, &mut self.dpi, session, place, now.stamp());
        }
        let arrival = session.streams.place(direction, seq, segment.payload_len);
        examined.first_missing = match arrival {
            Arrival::InOrder { skip } => seq.wrapping_add(skip),
            Arrival::Ahead { .. } | Arrival::Retransmission => seq,
        };
        if session.state() == State::Mining && examined.notice.is_some() {
            session.count_payload(segment.payload_len);
        } else if session.is_watched() {
            let placed = Placed { segment, seq, direction, arrival, at: now, stamp: now.stamp() };
            let overlap = self.compare(session, &placed);
            if !matches!(overlap, Overlap::Agrees) {
                examined.overlap = overlap;
            }
            if let Some(found) = self.payload(session, &placed, &mut examined.overlap) {
                examined.notice = Some(found);
            }
        }
    }

    /// Reads payload, unless it is known or must not pass.
    fn payload(
        &mut self,
        session: &mut Session,
        placed: &Placed<'_>,
        overlap: &mut Overlap,
    ) -> Option<DetectionCause> {
        match overlap {
            Overlap::Proof(finding) => {
                session.count_payload(placed.segment.payload_len);
                self.prove(session, placed.at);
                Some(DetectionCause::new(Source::Dpi, core::mem::take(finding)))
            }
            Overlap::Agrees | Overlap::Trim { .. } if placed.arrival != Arrival::Retransmission => {
                self.inspect(session, placed)
            }
            Overlap::Agrees | Overlap::Trim { .. } | Overlap::Drop => None,
        }
    }

    /// Looks up the server of a flow: at its first packet in the lists, with every packet in the reputation store.
    fn known_of_server(
        &mut self,
        session: &mut Session,
        opened: bool,
        now: Instant,
    ) -> Option<DetectionCause> {
        if let Some((source, finding)) = self.reputation(session).and_then(proof) {
            self.prove(session, now);
            return Some(DetectionCause::new(source, finding));
        }
        if !opened {
            return None;
        }
        let opinion = self.intel.of_endpoint(AnswerReceiver::of(session), &session.server(), now);
        self.heed(session, opinion?, now)
    }

    /// Reads new payload, scores it, and moves the flow to the state that it calls for; answers a notice if that is
    /// worth telling.
    fn inspect(&mut self, session: &mut Session, placed: &Placed<'_>) -> Option<DetectionCause> {
        if session.state() == State::Bypassed {
            self.look_again(session, placed);
        }
        self.counters.payload_packets += 1;
        session.count_payload(placed.segment.payload_len);
        let mut heard = Heard::default();
        Reassembly { session, pool: &mut self.pool, dpi: &mut self.dpi, placed }.read(&mut heard);
        let listed = self.conclude(session, &mut heard, placed.at);
        if session.state() == State::Mining {
            return listed;
        }
        if listed.is_none() {
            return self.assess(session, heard.suspicion, placed);
        }
        let _ = self.assess(session, heard.suspicion, placed);
        listed
    }

    /// The verdict on a segment of a flow in this state; `first` says that it is the one which decides.
    fn verdict(
        &mut self,
        session: &Session,
        segment: &Segment<'_>,
        first_missing: u32,
        first: bool,
        now: Instant,
    ) -> Verdict {
        match session.state() {
            // It stays a suspect, but bulk must not pass through here for hours.
            State::Suspect if session.is_over_budget(now.stamp(), &self.settings) => {
                Verdict::Accept(FlowMark::Benign)
            }
            State::Opening | State::Undecided | State::Suspect => Verdict::Accept(FlowMark::Undecided),
            State::Bypassed | State::Excluded => Verdict::Accept(FlowMark::Benign),
            State::Mining if self.settings.mode == Mode::Monitor => Verdict::Accept(FlowMark::Benign),
            State::Mining => {
                self.counters.resets += 1;
                Verdict::Reset(Reset::in_place_of(segment, first_missing, first))
            }
        }
    }

    /// The event of a notice.
    pub(super) fn detection(
        &mut self,
        session: &Session,
        notice: DetectionCause,
        hw_addr: Option<[u8; 6]>,
        now: Instant,
    ) -> Detection {
        let DetectionCause { source, finding, suspicion } = notice;
        let client = session.client();
        let counter =
            if source.is_proof() { &mut self.counters.detections } else { &mut self.counters.suspects };
        *counter = counter.saturating_add(1);
        Detection {
            at: now,
            client,
            hw_addr: hw_addr.or_else(|| self.neighbours.hw_addr(client.addr())),
            server: session.server(),
            server_name: self.server_name(session, now),
            target: self.target(session).cloned(),
            tls: session.inspection.is_tls(),
            points_to: finding.dialect.or_else(|| super::scoring::guess(session)),
            wire: session.inspection.wire(),
            finding,
            source,
            suspicion,
            server_is_pool: match source {
                Source::Dpi => session.inspection.is_direct(),
                Source::Probe => true,
                Source::Intel | Source::Hmm | Source::Hint => false,
            },
            payload_packets: session.payload_packets(),
            blocked: source.is_proof() && self.settings.mode == Mode::Block,
        }
    }
}
