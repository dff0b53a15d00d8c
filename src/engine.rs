//! The run loop's body: one packet in, one verdict out, nothing else.
//!
//! The engine owns all memory of the packet's way, reads no clock and opens no socket. The live
//! queue and the capture replay call the same [`Engine::handle`].

#[cfg(feature = "host")]
pub mod fuzz;
mod learnt;
mod reader;
#[cfg(test)]
mod tests;

use core::hash::BuildHasher;
use core::time::Duration;

use heapless::Deque;

use crate::allow::AllowList;
use crate::config::{Config, Mode};
use crate::dpi::{Answer, Dpi, Inspection};
use crate::event::{Detection, Source};
use crate::flow::table::{Entry, FlowTable, TableCounters};
use crate::flow::tcp::Arrival;
use crate::flow::{Direction, FlowKey, FlowRecord, FlowState};
use crate::limits::{EVENTS_PENDING, RATE_WINDOW_SECONDS, SLOW_AFTER_SECONDS};
use crate::neighbours::Neighbours;
use crate::packet::{self, Endpoint, Segment, Unreadable};
use crate::stream::Assembly;
use crate::time::{Instant, Stamp};
use crate::verdict::{FlowMark, Reset, Verdict};
use learnt::Learnt;
pub use learnt::Lesson;

/// How the engine judges; may change while it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to do with a proven session.
    pub mode: Mode,
    /// Payload packets after which a fast undecided flow is let go.
    pub budget_packets: u16,
    /// Payload bytes after which a fast undecided flow is let go.
    pub budget_bytes: u32,
    /// Average payload rate, bytes a second, below which a flow is never let go.
    pub low_rate: u32,
    /// A flow without a packet for this long is over.
    pub flow_idle: Duration,
    /// Hosts and endpoints that are never looked at.
    pub allow: AllowList,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Settings {
            mode: config.mode,
            budget_packets: config.budget_packets,
            budget_bytes: config.budget_bytes,
            low_rate: config.low_rate_bytes_per_second,
            flow_idle: config.flow_idle,
            allow: config.allow.clone(),
        }
    }
}

/// A packet as it reaches the engine.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The IP packet, from its first header byte; may be cut short.
    pub bytes: &'a [u8],
    /// Link-layer source address, where there is one.
    pub hw_addr: Option<[u8; 6]>,
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// What to do with it.
    pub verdict: Verdict,
    /// It opened a flow (a new one, or a new connection on an old five-tuple).
    pub opened: bool,
}

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets handled.
    pub packets: u64,
    /// Packets of other transports, and fragments: accepted.
    pub not_tcp: u64,
    /// Packets whose headers contradict themselves: accepted.
    pub malformed: u64,
    /// Packets with payload not seen before.
    pub payload_packets: u64,
    /// Sessions proven to be mining.
    pub detections: u32,
    /// Packets that were replaced by a reset.
    pub resets: u64,
    /// Flows let go as benign.
    pub let_go: u32,
    /// Detections that nobody collected in time.
    pub events_lost: u32,
}

/// The engine. `S` is the keyed hash: `RandomState` live, a fixed one where runs must repeat.
#[derive(Debug)]
pub struct Engine<S> {
    settings: Settings,
    flows: FlowTable<S>,
    neighbours: Neighbours<S>,
    assembly: Assembly,
    dpi: Dpi,
    learnt: Learnt,
    events: Deque<Detection, EVENTS_PENDING>,
    counters: Counters,
}

impl<S: BuildHasher + Clone> Engine<S> {
    /// An engine for `max_flows` flows.
    pub fn new(settings: Settings, max_flows: usize, hasher: S) -> Self {
        Engine {
            flows: FlowTable::new(max_flows, settings.flow_idle, hasher.clone()),
            neighbours: Neighbours::new(hasher),
            assembly: Assembly::new(),
            dpi: Dpi::default(),
            learnt: Learnt::default(),
            events: Deque::new(),
            counters: Counters::default(),
            settings,
        }
    }

    /// Judges by other settings from now on; flows keep their state.
    pub fn configure(&mut self, settings: Settings) {
        self.flows.set_idle(settings.flow_idle);
        self.settings = settings;
    }

    /// Judges one packet that arrived at `now`.
    pub fn handle(&mut self, packet: &Packet<'_>, now: Instant) -> Handled {
        self.counters.packets += 1;
        let segment = match packet::parse(packet.bytes) {
            Ok(segment) => segment,
            Err(why) => {
                match why {
                    Unreadable::NotTcp | Unreadable::Fragment => self.counters.not_tcp += 1,
                    Unreadable::Malformed => self.counters.malformed += 1,
                }
                return Handled { verdict: Verdict::Ignore, opened: false };
            }
        };
        let mut handled = Handled { verdict: Verdict::Ignore, opened: false };
        let stamp = now.stamp();
        let key = FlowKey::new(segment.src, segment.dst);
        let (record, evicted) = match self.flows.entry(&key, stamp) {
            Entry::Known(record) if record.is_superseded_by(&segment) => {
                let old = record.clone();
                (record, Some(Some(old)))
            }
            Entry::Known(record) => (record, None),
            Entry::New(record, evicted) => (record, Some(evicted)),
            Entry::Refused => return handled,
        };
        if let Some(evicted) = evicted {
            if let Some(old) = evicted {
                reader::release(&mut self.assembly, &old);
            }
            *record = FlowRecord::open(&segment, stamp);
            handled.opened = true;
            let client = record.client();
            if client == segment.src {
                self.neighbours.learn(client.addr(), packet.hw_addr);
            }
            if self.settings.allow.allows_endpoint(&record.server())
                || self.settings.allow.allows_host(client.addr(), self.neighbours.hw_addr(client.addr()))
            {
                record.state = FlowState::Allowed;
            }
        }
        let direction = record.direction_from(segment.src);
        record.streams.handshake(direction, &segment);
        if !handled.opened && direction == Direction::ToServer && !record.streams.is_from_start(direction) {
            // The packet that opened the flow for us may have been the server's.
            self.neighbours.learn(segment.src.addr(), packet.hw_addr);
        }
        if record.is_watched()
            && let Some(finding) = self.learnt.proof(&record.server())
        {
            self.dpi.finding = finding;
            if segment.payload_len > 0 {
                record.count_payload(segment.payload_len);
            }
            decide(record, Answer::Match, stamp, &self.settings, &mut self.assembly, &mut self.counters);
            record.last_seen = stamp;
            let record = record.clone();
            self.note(&record, packet.hw_addr, direction, Source::Probe, now);
            handled.verdict = self.verdict_on_proof(&segment, segment.seq);
            return handled;
        }
        if segment.payload_len > 0 {
            // Data in a SYN (TCP Fast Open, RFC 7413) begins behind it.
            let seq = segment.seq.wrapping_add(u32::from(segment.syn));
            let arrival = record.streams.place(direction, seq, segment.payload_len);
            if arrival != Arrival::Retransmission && record.is_watched() {
                if let (FlowState::Benign, Arrival::Ahead { missing }) = (record.state, arrival) {
                    record.look_again(missing, stamp, &self.settings);
                }
                self.counters.payload_packets += 1;
                record.count_payload(segment.payload_len);
                let answer = reader::Reader {
                    record,
                    assembly: &mut self.assembly,
                    dpi: &mut self.dpi,
                    direction,
                    now: stamp,
                }
                .read(&segment, seq, arrival);
                decide(record, answer, stamp, &self.settings, &mut self.assembly, &mut self.counters);
                if answer == Answer::Match {
                    record.last_seen = stamp;
                    let record = record.clone();
                    self.note(&record, packet.hw_addr, direction, Source::Dpi, now);
                    let missing = match arrival {
                        Arrival::InOrder { skip } => seq.wrapping_add(skip),
                        Arrival::Ahead { .. } | Arrival::Retransmission => seq,
                    };
                    handled.verdict = self.verdict_on_proof(&segment, missing);
                    return handled;
                }
            }
        }
        record.last_seen = stamp;
        handled.verdict = match record.state {
            FlowState::Opening | FlowState::Undecided | FlowState::Suspect => {
                Verdict::Accept(FlowMark::Undecided)
            }
            FlowState::Benign | FlowState::Allowed => Verdict::Accept(FlowMark::Benign),
            FlowState::Mining if self.settings.mode == Mode::Monitor => Verdict::Accept(FlowMark::Benign),
            FlowState::Mining => {
                self.counters.resets += 1;
                Verdict::Reset(Reset::in_place_of(&segment, segment.seq, false))
            }
        };
        handled
    }

    /// The next detection that has not been collected.
    pub fn poll_event(&mut self) -> Option<Detection> {
        self.events.pop_front()
    }

    /// The flow that `segment` belongs to, if it is tracked.
    pub fn flow(&self, segment: &Segment<'_>) -> Option<&FlowRecord> {
        self.flows.get(&FlowKey::new(segment.src, segment.dst))
    }

    /// Forgets expired flows, a part of the table at a time: `sets` sets of it; and expired lessons.
    pub fn sweep(&mut self, sets: usize, now: Instant) {
        self.learnt.sweep(now);
        let assembly = &mut self.assembly;
        self.flows.sweep(sets, now.stamp(), |record| reader::release(assembly, record));
    }

    /// The flow table.
    pub fn flows(&self) -> &FlowTable<S> {
        &self.flows
    }

    /// What has happened to packets so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What has happened to flows so far.
    pub fn table_counters(&self) -> TableCounters {
        self.flows.counters()
    }

    /// The pool of waiting bytes.
    pub fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// From now on until `until`, all flows to `server` are decided by `lesson`, those that are open
    /// with their next packet. A lesson learnt later takes its place.
    pub fn learn(&mut self, server: Endpoint, lesson: Lesson, until: Instant) {
        self.learnt.enter(server, lesson, until);
    }

    /// What a probe has found out about `server`. One that is no pool makes nobody a suspect.
    pub fn lesson(&self, server: &Endpoint) -> Option<Lesson> {
        self.learnt.find(server)
    }

    /// Notes that mining is proven; what it consists of is in the DPI's finding.
    fn note(
        &mut self,
        record: &FlowRecord,
        hw_addr: Option<[u8; 6]>,
        direction: Direction,
        source: Source,
        now: Instant,
    ) {
        let client = record.client();
        let detection = Detection {
            at: now,
            client,
            hw_addr: hw_addr
                .filter(|_| direction == Direction::ToServer)
                .or_else(|| self.neighbours.hw_addr(client.addr())),
            server: record.server(),
            finding: core::mem::take(&mut self.dpi.finding),
            source,
            payload_packets: record.payload_packets,
            blocked: self.settings.mode == Mode::Block,
        };
        self.counters.detections = self.counters.detections.saturating_add(1);
        if self.events.push_back(detection).is_err() {
            self.counters.events_lost = self.counters.events_lost.saturating_add(1);
        }
    }

    fn verdict_on_proof(&mut self, segment: &Segment<'_>, missing: u32) -> Verdict {
        match self.settings.mode {
            Mode::Monitor => Verdict::Accept(FlowMark::Benign),
            Mode::Block => {
                self.counters.resets += 1;
                Verdict::Reset(Reset::in_place_of(segment, missing, true))
            }
        }
    }
}

/// Moves the flow to the state that `answer` and its budget call for.
fn decide(
    record: &mut FlowRecord,
    answer: Answer,
    now: Stamp,
    settings: &Settings,
    assembly: &mut Assembly,
    counters: &mut Counters,
) {
    let before = record.state;
    record.state = match answer {
        Answer::Match => FlowState::Mining,
        _ if record.is_over_budget(now, settings) => FlowState::Benign,
        _ if before == FlowState::Benign && !record.inspection.has_evidence() => FlowState::Benign,
        _ => FlowState::Undecided,
    };
    if record.state == FlowState::Benign && before != FlowState::Benign {
        counters.let_go = counters.let_go.saturating_add(1);
    }
    if record.state != FlowState::Undecided && before != record.state {
        reader::release(assembly, record);
    }
    let is_unread =
        [Direction::ToServer, Direction::ToClient].iter().all(|&way| !record.inspection.wants(way));
    if record.state == FlowState::Benign && is_unread {
        // What could not be read so far may be followed by what can, with no byte unseen in between.
        record.inspection = Inspection::begin(false);
    }
}

impl FlowRecord {
    /// A connection attempt on this five-tuple that is not a copy of the one that opened the flow.
    fn is_superseded_by(&self, segment: &Segment<'_>) -> bool {
        segment.syn
            && !segment.has_ack
            && (segment.src != self.client()
                || self.streams.next(Direction::ToServer) != Some(segment.seq.wrapping_add(1)))
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
        spent && self.payload_bytes / seconds >= settings.low_rate
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
        self.watched_since = now;
        self.payload_packets = 0;
        self.payload_bytes = 0;
    }
}
