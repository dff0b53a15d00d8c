//! The run loop's body: one packet in, one verdict out, nothing else.
//!
//! The engine owns all memory of the packet's way, reads no clock and opens no socket. The live
//! queue and the capture replay call the same [`Engine::handle`]:
//!
//! 1. [`crate::net::packet`] parses the packet, [`crate::flow::table`] finds its [`session`].
//! 2. [`lookups`] asks lists, names and reputation about the server.
//! 3. [`reassembly`] brings new payload in order and hands it to the DPI.
//! 4. [`scoring`] weighs sizes and times of a flow that can't be read.
//! 5. [`session`] changes its state; the state and the settings are the verdict ([`pipeline`]).

mod acknowledgement;
mod attempts;
mod dns_cache;
mod dns_questions;
pub mod event;
mod intel_lookup;
mod lookups;
mod overlap;
pub mod peers;
mod pipeline;
mod reassembly;
mod scoring;
pub(crate) mod session;
mod sni_cache;
mod suppression;
#[cfg(test)]
mod tests;
pub(crate) mod tunnels;

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use crate::config::{Config, Mode};
use crate::dpi::signatures::{Dialect, Signatures};
use crate::dpi::{Inspection, Said};
use crate::flow::connection::Connection;
use crate::flow::reassembly_pool::ReassemblyPool;
use crate::flow::table::{FlowTable, Lookup, TableCounters};
use crate::hmm::house::House;
use crate::hmm::model::Model;
use crate::hmm::threshold::Sensitivity;
use crate::intel::entry::{Pattern, Ports};
use crate::intel::exemptions::AllowList;
use crate::intel::reputation::view::View;
use crate::intel::{Explanation, Intel};
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::host_name::HostName;
use crate::net::local_networks::LocalNetworks;
use crate::net::packet::{self, Segment, Unreadable};
use crate::util::counters::counters;
use crate::util::time::Instant;
use crate::verdict::{FlowMark, Reason, Verdict};
use event::Detection;
use pipeline::Pipeline;
use session::{Session, State};

/// Settings of the engine; they may change while it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Action against a proven session.
    pub mode: Mode,
    /// Payload packets after which a fast undecided flow is bypassed.
    pub budget_packets: u16,
    /// Payload bytes after which a fast undecided flow is bypassed.
    pub budget_bytes: u32,
    /// Average payload rate, bytes a second, below which a flow is never bypassed.
    pub low_rate: u32,
    /// A flow without a packet for this long is over.
    pub flow_idle: Duration,
    /// Amount of suspicion that stage one may have; `None` turns it off.
    pub sensitivity: Option<Sensitivity>,
    /// Servers that may be newly suspected in a day, where the threshold follows the house.
    pub suspects_per_day: u32,
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
            suspects_per_day: config.suspects_per_day,
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
    /// It is to leave by the device by which it came.
    pub turns_back: bool,
}

/// The result of one packet.
#[derive(Clone, Debug)]
#[must_use]
pub struct Handled {
    /// The verdict on it.
    pub verdict: Verdict,
    /// The packet opened a flow (a new one, or a new connection on an old five-tuple).
    pub opened: bool,
    /// The proof or suspicion that it completes.
    pub event: Option<Detection>,
}

counters! {
    /// Counters of everything the engine does.
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
        /// Flows that pass without being read from then on.
        pub bypassed: u32,
        /// Answers of name servers that were read.
        pub dns_answers: u32,
        /// Packets of flows that were decided a while ago, which the kernel should have kept: another program has
        /// overwritten its mark.
        pub decided_again: u64,
        /// Segments with other bytes than those known for the same place, or a message too early for it.
        pub contradictions: u32,
        /// Packets with a server's address that came from the client's own network: accepted, and not read.
        pub made_up: u32,
    }
}

/// The engine. `S` is the keyed hash: [`TableKey`](crate::util::half_sip::TableKey) live, a fixed one where runs must repeat.
#[derive(Debug)]
pub struct Engine<S> {
    flows: FlowTable<Session, S>,
    pipeline: Pipeline<S>,
}

impl<S: BuildHasher + Clone> Engine<S> {
    /// An engine for `max_flows` flows, with `model` for stage one.
    pub fn new(settings: Settings, model: Box<Model>, max_flows: usize, hasher: S) -> Self {
        Engine::part(1, settings, model, max_flows, hasher)
    }

    /// Uses other settings from now on; flows keep their state.
    pub fn configure(&mut self, settings: Settings) {
        self.flows.set_idle(settings.flow_idle);
        self.pipeline.configure(settings);
    }

    /// Scores by another model from now on. Ratios that flows have gathered stay: those of two models
    /// are of one scale, and old evidence fades.
    pub fn replace_model(&mut self, model: Box<Model>) {
        self.pipeline.stage_one.replace_model(model);
    }

    /// The history of the house's sums in stage one, which the daemon keeps across restarts.
    pub fn house(&self) -> House {
        self.pipeline.stage_one.house()
    }

    /// Goes on with what an earlier run has learned of the house.
    pub fn restore_house(&mut self, house: House) {
        self.pipeline.stage_one.restore_house(house);
    }

    /// Inspects one packet that arrived at `now`.
    pub fn handle(&mut self, packet: &Packet<'_>, now: Instant) -> Handled {
        self.handle_read(packet, packet::parse(packet.bytes), now)
    }

    /// The same, of a packet whose headers have been read.
    pub fn handle_read(
        &mut self,
        packet: &Packet<'_>,
        headers: Result<Segment<'_>, Unreadable>,
        now: Instant,
    ) -> Handled {
        let Engine { flows, pipeline } = self;
        pipeline.counters.packets += 1;
        pipeline.hear_peers(now);
        let passed = |verdict| Handled { verdict, opened: false, event: None };
        let segment = match &headers {
            Ok(segment) => segment,
            Err(why) => {
                pipeline.other(*why, packet, now);
                return passed(Verdict::Ignore);
            }
        };
        if segment.syn && !segment.has_ack {
            return pipeline.attempt(segment, packet, now);
        }
        let starts = packet.reason == Reason::Start;
        let key = FiveTuple::new(segment.src, segment.dst);
        let is_server_s = |session: &Session| session.direction_from(&segment.src) == Direction::ToClient;
        let acknowledges = segment.has_ack && !segment.urg && packet.reason == Reason::Payload;
        if segment.payload_len == 0 && !starts && !(acknowledges && flows.get(&key).is_some_and(is_server_s))
        {
            // The byte may come in a later packet.
            let is_urgent = segment.urg && packet.reason == Reason::Payload;
            return passed(if is_urgent { pipeline.without_urgency() } else { Verdict::Ignore });
        }
        if packet.reason == Reason::Attempt
            && !flows.get(&key).is_some_and(|session| session.is_continued_by(segment))
        {
            return passed(Verdict::Ignore);
        }
        let client =
            || if starts { segment.src } else { Connection::of(segment, &pipeline.networks).client() };
        let owner = || pipeline.owner_of(client().addr());
        let (session, opened) = match flows.place(&key, owner, now.stamp()) {
            Lookup::Known(session) if !starts => (session, false),
            Lookup::Known(session) => {
                let old = core::mem::take(session);
                pipeline.open(session, Some(&old), segment, packet, now);
                (session, true)
            }
            Lookup::New(session, evicted) => {
                pipeline.open(session, evicted.as_ref(), segment, packet, now);
                (session, true)
            }
            // The kernel lets the connection pass by itself from now on, so a full table costs no throughput.
            Lookup::Refused => return passed(Verdict::Accept(FlowMark::Benign)),
        };
        pipeline.segment(session, opened, segment, packet, now)
    }

    /// The flow with this key, if it is tracked.
    pub fn flow(&self, key: &FiveTuple) -> Option<&Session> {
        self.flows.get(key)
    }

    /// Whether stage one suspects the flow from `client` to `server`, or its server is on a list.
    pub fn suspects(&self, client: &Endpoint, server: &Endpoint, now: Instant) -> bool {
        let flow = self.flows.get(&FiveTuple::new(*client, *server));
        flow.is_some_and(|session| {
            // Behind a proxy it is the target that a list suspects.
            let listed = self.pipeline.destination(session);
            let is_listed = || self.pipeline.intel.has_suspected(client.addr(), &listed, now);
            session.client() == *client && (session.state() == State::Suspect || is_listed())
        })
    }

    /// Forgets expired flows, a part of the table at a time: `sets` sets of it.
    pub fn sweep(&mut self, sets: usize, now: Instant) {
        self.flows.sweep(sets, now.stamp(), |session| self.pipeline.release(session));
    }

    /// The flow table.
    pub fn flows(&self) -> &FlowTable<Session, S> {
        &self.flows
    }

    /// Counts of packets so far.
    pub fn counters(&self) -> Counters {
        self.pipeline.counters
    }

    /// Counts of flows so far.
    pub fn table_counters(&self) -> TableCounters {
        self.flows.counters()
    }

    /// The pool of waiting bytes.
    pub fn reassembly(&self) -> &ReassemblyPool {
        &self.pipeline.pool
    }

    /// Tells clients from servers by these networks of this side from now on.
    pub fn set_networks(&mut self, networks: Arc<LocalNetworks>) {
        self.pipeline.networks = networks;
    }

    /// Decides by this view of the reputation of servers from now on, open flows with their next packet.
    pub fn replace_reputation(&mut self, view: Arc<View>) {
        self.pipeline.intel.replace_reputation(view);
    }

    /// Whether a DNS answer that was seen here gave `addr` for a name that is none of `names`.
    pub fn carries_others(&self, addr: IpAddr, names: &[&HostName], now: Instant) -> bool {
        self.pipeline.intel.carries_others(addr, names, now)
    }

    /// Whether DNS answers that were seen here gave `addr` for more than one name.
    pub fn carries_several(&self, addr: IpAddr, now: Instant) -> bool {
        self.pipeline.intel.carries_several(addr, now)
    }

    /// Whether answers of name servers have changed what the kernel may refuse since this was last asked.
    pub fn take_kernel_news(&mut self) -> bool {
        self.pipeline.intel.take_kernel_news()
    }

    /// Single addresses that lists block for every client and name, with the ports and the seconds left: the kernel may
    /// refuse them at the attempt.
    pub fn refused_addresses(&self, now: Instant) -> Vec<(IpAddr, Ports, u64)> {
        self.pipeline.intel.refused_addresses(&self.pipeline.settings.allow, now).collect()
    }

    /// Clients, and addresses that name servers gave them for blocked names alone; the same.
    pub fn refused_answers(&self, now: Instant) -> Vec<(IpAddr, IpAddr, Ports, u64)> {
        let pipeline = &self.pipeline;
        let owner_of = |client| pipeline.owner_of(client);
        pipeline.intel.refused_answers(&pipeline.settings.allow, owner_of, now).collect()
    }

    /// The entries of the lists for `pattern`, the one that decides first.
    pub fn explain(&self, pattern: &Pattern, now: Instant) -> Vec<Explanation> {
        self.pipeline.intel.explain(pattern, now)
    }

    /// Whether sessions with `server` are exempt, by the configuration or a list.
    pub fn exempts(&self, server: &Endpoint, now: Instant) -> bool {
        self.pipeline.exempts_server(server, now)
    }

    /// Half-read messages that were taken from a flow which still needed them.
    pub fn drafts_taken_away(&self) -> u32 {
        self.pipeline.dpi.drafts_taken_away()
    }

    /// The dialect as which the signatures in force recognise a built-in login, for a self-test. No flow, no
    /// counter and no reputation hears of it.
    pub fn recognise_login(&mut self) -> Option<Dialect> {
        let dpi = &mut self.pipeline.dpi;
        let mut inspection = Inspection::begin(true);
        let reading = inspection.read(dpi, 0, Direction::ToServer, LOGIN);
        inspection.release(dpi);
        match reading.said {
            Said::Proof(finding) => finding.dialect,
            _ => None,
        }
    }

    /// Compares messages with `signatures` from now on.
    pub fn replace_signatures(&mut self, signatures: Signatures) {
        self.pipeline.dpi.replace_signatures(signatures);
    }

    /// Uses these lists from now on, in the place of those that were; they are handed back, so that a
    /// thread with more time may free them.
    pub fn replace_intel(&mut self, lists: Option<Arc<Intel>>) -> Option<Arc<Intel>> {
        self.pipeline.intel.replace_lists(lists)
    }

    /// Sets the clock: `now` is `unix` seconds since 1970; entries of lists end by that clock. An engine without it
    /// takes `now` for the time since 1970.
    pub fn tell_time(&mut self, unix: u64, now: Instant) {
        self.pipeline.intel.tell_time(unix, now);
    }
}

/// What XMRig says first, by src/base/net/stratum/Client.cpp; the wallet is none.
const LOGIN: &[u8] =
    b"{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"selftest\",\
\"pass\":\"x\",\"agent\":\"XMRig/6.26.0\",\"algo\":[\"rx/0\"]}}\n";
