//! The run loop's body: one packet in, one verdict out, nothing else.
//!
//! The engine owns all memory of the packet's way, reads no clock and opens no socket. The live
//! queue and the capture replay call the same [`Engine::handle`].

pub mod event;
mod pipeline;
mod knowledge;
mod learnt;
pub mod names;
mod reader;
mod resolved;
#[cfg(test)]
mod tests;

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use crate::config::{Config, Mode};
use crate::engine::event::Detection;
use crate::flow::reassembly::Assembly;
use crate::flow::table::{Entry, FlowTable, TableCounters};
use crate::flow::{FlowRecord, FlowState};
use crate::hmm::model::Model;
use crate::hmm::threshold::Sensitivity;
use crate::intel::entry::Pattern;
use crate::intel::exemptions::AllowList;
use crate::intel::{Explanation, Intel};
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::{self, Segment, Unreadable};
use crate::util::time::Instant;
use crate::verdict::{Reason, Verdict};
pub use knowledge::Layer;
pub use learnt::Lesson;
use pipeline::Judge;

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
    /// How much suspicion stage one may have; `None` turns it off.
    pub sensitivity: Option<Sensitivity>,
    /// Hosts and endpoints that are never looked at.
    pub allow: AllowList,
    /// A list may block an address that many sites share.
    pub blocks_shared: bool,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Settings {
            mode: config.mode,
            budget_packets: config.budget_packets,
            budget_bytes: config.budget_bytes,
            low_rate: config.low_rate_bytes_per_second,
            flow_idle: config.flow_idle,
            sensitivity: config.sensitivity,
            allow: config.exemptions(),
            blocks_shared: config.intel_blocks_shared,
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
    /// Why it is here.
    pub reason: Reason,
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
    /// Sessions that stage one suspects.
    pub suspects: u32,
    /// Packets that were replaced by a reset.
    pub resets: u64,
    /// Flows let go as benign.
    pub let_go: u32,
    /// Detections that nobody collected in time.
    pub events_lost: u32,
    /// Answers of name servers that were read.
    pub dns_answers: u32,
}

/// The engine. `S` is the keyed hash: `RandomState` live, a fixed one where runs must repeat.
#[derive(Debug)]
pub struct Engine<S> {
    flows: FlowTable<S>,
    judge: Judge<S>,
}

impl<S: BuildHasher + Clone> Engine<S> {
    /// An engine for `max_flows` flows, with `model` for stage one.
    pub fn new(settings: Settings, model: Box<Model>, max_flows: usize, hasher: S) -> Self {
        Engine {
            flows: FlowTable::new(max_flows, settings.flow_idle, hasher.clone()),
            judge: Judge::new(settings, model, hasher),
        }
    }

    /// Judges by other settings from now on; flows keep their state.
    pub fn configure(&mut self, settings: Settings) {
        self.flows.set_idle(settings.flow_idle);
        self.judge.configure(settings);
    }

    /// Scores by another model from now on. Candidates begin anew: sums of two models have no common scale.
    pub fn replace_model(&mut self, model: Box<Model>) {
        self.judge.stage_one.replace_model(model);
    }

    /// Judges one packet that arrived at `now`.
    pub fn handle(&mut self, packet: &Packet<'_>, now: Instant) -> Handled {
        let Engine { flows, judge } = self;
        judge.counters.packets += 1;
        let mut handled = Handled { verdict: Verdict::Ignore, opened: false };
        let segment = match packet::parse(packet.bytes) {
            Ok(segment) => segment,
            Err(why) => {
                match why {
                    Unreadable::NotTcp | Unreadable::Fragment => judge.counters.not_tcp += 1,
                    Unreadable::Malformed => judge.counters.malformed += 1,
                }
                if let (Unreadable::NotTcp, Some(datagram)) = (why, packet::datagram(packet.bytes)) {
                    judge.datagram(&datagram, now);
                }
                return handled;
            }
        };
        let record = match flows.entry(&FiveTuple::new(segment.src, segment.dst), now.stamp()) {
            Entry::Known(record) if !record.is_superseded_by(&segment) => record,
            Entry::Known(record) => {
                let old = core::mem::take(record);
                judge.open(record, Some(&old), &segment, packet.hw_addr, now);
                handled.opened = true;
                record
            }
            Entry::New(record, evicted) => {
                judge.open(record, evicted.as_ref(), &segment, packet.hw_addr, now);
                handled.opened = true;
                record
            }
            Entry::Refused => return handled,
        };
        handled.verdict = judge.verdict(record, &segment, handled.opened, packet.hw_addr, now);
        record.last_seen = now.stamp();
        handled
    }

    /// The next detection that has not been collected.
    pub fn poll_event(&mut self) -> Option<Detection> {
        self.judge.events.pop_front()
    }

    /// The flow that `segment` belongs to, if it is tracked.
    pub fn flow(&self, segment: &Segment<'_>) -> Option<&FlowRecord> {
        self.flows.get(&FiveTuple::new(segment.src, segment.dst))
    }

    /// Whether the flow from `client` to `server` is one that stage one suspects, or whose server is on a
    /// list.
    pub fn suspects(&self, client: &Endpoint, server: &Endpoint, now: Instant) -> bool {
        let flow = self.flows.get(&FiveTuple::new(*client, *server));
        flow.is_some_and(|record| {
            let is_hinted = || self.judge.knowledge.suspects(client.addr(), server, now);
            record.client() == *client && (record.state == FlowState::Suspect || is_hinted())
        })
    }

    /// Forgets expired flows, a part of the table at a time: `sets` sets of it; and expired lessons.
    pub fn sweep(&mut self, sets: usize, now: Instant) {
        self.judge.learnt.sweep(now);
        let (assembly, stage_one) = (&mut self.judge.assembly, &mut self.judge.stage_one);
        self.flows.sweep(sets, now.stamp(), |record| {
            reader::release(assembly, record);
            stage_one.release(&record.hmm);
        });
    }

    /// The flow table.
    pub fn flows(&self) -> &FlowTable<S> {
        &self.flows
    }

    /// What has happened to packets so far.
    pub fn counters(&self) -> Counters {
        self.judge.counters
    }

    /// What has happened to flows so far.
    pub fn table_counters(&self) -> TableCounters {
        self.flows.counters()
    }

    /// The pool of waiting bytes.
    pub fn assembly(&self) -> &Assembly {
        &self.judge.assembly
    }

    /// From now on until `until`, all flows to `server` are decided by `lesson`, those that are open
    /// with their next packet. A lesson learnt later takes its place.
    pub fn learn(&mut self, server: Endpoint, lesson: Lesson, until: Instant) {
        self.judge.learnt.enter(server, lesson, until);
    }

    /// What the lists have of `pattern`, the entry that decides first.
    pub fn explain(&self, pattern: &Pattern, now: Instant) -> Vec<Explanation> {
        self.judge.knowledge.explain(pattern, now)
    }

    /// Whether nobody's sessions with `server` are looked at, by the configuration or a list.
    pub fn exempts(&self, server: &Endpoint, now: Instant) -> bool {
        self.judge.exempts_server(server, now)
    }

    /// Forgets what is known of the servers that are `meant`; whether anything was. Their next sessions are
    /// judged by what they say.
    pub fn forget(&mut self, meant: impl Fn(&Endpoint) -> bool) -> bool {
        self.judge.learnt.forget(meant)
    }

    /// Judges by these lists from now on, in the place of those that were in `layer`; they are handed back,
    /// so that somebody with more time may free them.
    pub fn replace_intel(&mut self, layer: Layer, intel: Option<Arc<Intel>>) -> Option<Arc<Intel>> {
        self.judge.knowledge.replace(layer, intel)
    }

    /// It is `unix` seconds since 1970 at `now`: entries of lists end by that clock. Whoever is not told
    /// takes `now` for the time since 1970.
    pub fn tell_time(&mut self, unix: u64, now: Instant) {
        self.judge.knowledge.tell_time(unix, now);
    }

    /// The name by which `client` last called `server`: in its ClientHello, or the `Host` of a request.
    pub fn server_name(&self, client: IpAddr, server: &Endpoint) -> Option<&str> {
        self.judge.names.find(client, server).map(|name| &name[..])
    }

    /// What a probe has found out about `server`. One that is no pool makes nobody a suspect.
    pub fn lesson(&self, server: &Endpoint) -> Option<Lesson> {
        self.judge.learnt.find(server)
    }
}
