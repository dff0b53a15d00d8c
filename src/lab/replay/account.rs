//! Account of the flows of a capture.
//!
//! The engine forgets: its table is bounded and flows expire. The account does not, so that every
//! flow has its line; it grows with the flows of a capture, not with its packets.

use std::collections::HashMap;
use std::path::PathBuf;

use super::finding::FlowFinding;
use crate::engine::event::Detection;
use crate::engine::session::{Session, State};
use crate::flow::connection::Connection;
use crate::flow::tcp::{Arrival, Streams};
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::local_networks::LocalNetworks;
use crate::net::packet::Segment;
use crate::util::named::named;
use crate::util::time::Instant;

/// The flows of one capture, in the order of their first packets.
#[derive(Debug, Default)]
pub struct Account {
    flows: Vec<FlowAccount>,
    /// Index of the latest connection of a five-tuple in `flows`.
    latest: HashMap<FiveTuple, usize>,
    /// The latest packet's, as `latest` has it.
    at_hand: Option<(FiveTuple, usize)>,
    /// Files of DHCP leases, by which hosts are named.
    pub leases: Vec<PathBuf>,
    /// Number of the frame at hand, by which flows of several accounts are put in order.
    pub(super) frame: (u64, u64),
}

/// A TCP connection.
#[derive(Clone, Debug)]
pub struct FlowAccount {
    /// The end that opened it.
    pub client: Endpoint,
    /// The end that was called.
    pub server: Endpoint,
    /// The latest verdict; proof is final.
    pub verdict: FlowVerdict,
    /// The proof, or the first suspicion.
    pub finding: Option<FlowFinding>,
    /// Time and place of the verdict; none while it is undecided.
    pub decided: Option<Decided>,
    /// Packets with new payload, both directions.
    pub payload_packets: u64,
    first: Instant,
    last: Instant,
    streams: Streams,
    /// Number of the first frame.
    frame: (u64, u64),
}

/// Time at which a flow was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// At which packet with new payload, counted from one.
    pub payload_packet: u64,
    /// Milliseconds after the flow's first packet.
    pub after_ms: u64,
}

named! {
    /// The verdict on a flow, as reports name it.
    pub enum FlowVerdict {
        /// Nothing decided.
        Undecided = "undecided",
        /// Bypassed.
        Benign = "benign",
        /// Stage one only.
        Suspect = "suspect",
        /// Proven.
        Mining = "mining",
    }
}

impl Account {
    /// Enters a segment of connection `key` that the engine has handled at `now`. `session`: its record of the flow; `detection`: the
    /// proof or suspicion that the segment completes.
    pub fn enter(
        &mut self,
        key: &FiveTuple,
        segment: &Segment<'_>,
        session: Option<&Session>,
        detection: Option<&Detection>,
        now: Instant,
    ) {
        let flow = self.flow(key, segment, now);
        flow.count(segment, now);
        let Some(session) = session else { return };
        flow.note_packet(session, now);
        if let Some(detection) = detection {
            let finding = FlowFinding::new(detection, &self.leases);
            self.flow(key, segment, now).note_finding(finding);
        }
    }

    /// Enters a segment that the engine was not shown.
    pub fn pass(&mut self, key: &FiveTuple, segment: &Segment<'_>, now: Instant) {
        self.flow(key, segment, now).count(segment, now);
    }

    /// A new connection begins on the old five-tuple `key`.
    pub fn reopen(&mut self, key: &FiveTuple) {
        self.latest.remove(key);
        self.at_hand = None;
    }

    /// The flow of `segment`: the latest connection of its five-tuple.
    fn flow(&mut self, key: &FiveTuple, segment: &Segment<'_>, now: Instant) -> &mut FlowAccount {
        let index = match &self.at_hand {
            Some((known, index)) if known == key => *index,
            _ => {
                let next = self.flows.len();
                let index = *self.latest.entry(*key).or_insert(next);
                if index == next {
                    self.flows.push(FlowAccount { frame: self.frame, ..FlowAccount::open(segment, now) });
                }
                self.at_hand = Some((*key, index));
                index
            }
        };
        &mut self.flows[index]
    }

    /// Takes out the flows without a packet since `before`, so that an endless capture takes bounded memory.
    pub fn take_idle(&mut self, before: Instant) -> Vec<FlowAccount> {
        let (kept, idle) = core::mem::take(&mut self.flows).into_iter().partition(|flow| flow.last >= before);
        self.flows = kept;
        self.at_hand = None;
        self.latest.clear();
        self.latest.extend(
            (0..).zip(&self.flows).map(|(index, flow)| (FiveTuple::new(flow.client, flow.server), index)),
        );
        idle
    }

    /// Forgets the flows that are not `wanted`.
    pub(super) fn retain(&mut self, wanted: impl Fn(&FlowAccount) -> bool) {
        self.flows.retain(wanted);
        self.at_hand = None;
    }

    /// Takes over the flows of `other` that `belongs` to it, each at its place by its first frame.
    pub(super) fn join(&mut self, other: Account, belongs: impl Fn(&FlowAccount) -> bool) {
        self.flows.extend(other.flows.into_iter().filter(belongs));
        self.at_hand = None;
        self.flows.sort_by_key(|flow| flow.frame);
    }

    /// The flows that carried payload, in the order of their first packets.
    pub fn flows(&self) -> impl Iterator<Item = &FlowAccount> + Clone {
        self.flows.iter().filter(|flow| flow.has_payload())
    }
}

impl FlowAccount {
    fn open(segment: &Segment<'_>, now: Instant) -> Self {
        let connection = Connection::of(segment, &LocalNetworks::default());
        FlowAccount {
            client: connection.client(),
            server: connection.server(),
            verdict: FlowVerdict::Undecided,
            finding: None,
            decided: None,
            payload_packets: 0,
            first: now,
            last: now,
            streams: Streams::default(),
            frame: (0, 0),
        }
    }

    fn count(&mut self, segment: &Segment<'_>, now: Instant) {
        // Captures made on several queues or interfaces can be out of order.
        self.last = self.last.max(now);
        let direction = if segment.src == self.client { Direction::ToServer } else { Direction::ToClient };
        self.streams.handshake(direction, segment);
        if segment.payload_len == 0 {
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        if self.streams.place(direction, seq, segment.payload_len) != Arrival::Retransmission {
            self.streams.advance_to(direction, seq.wrapping_add(segment.payload_len));
            self.payload_packets += 1;
        }
    }

    fn note_packet(&mut self, record: &Session, now: Instant) {
        self.client = record.client();
        self.server = record.server();
        let verdict = FlowVerdict::from(record.state());
        // A decision is not unmade by a record that begins anew, and proof by nothing.
        let is_new = verdict != FlowVerdict::Undecided
            && verdict != self.verdict
            && self.verdict != FlowVerdict::Mining;
        if is_new {
            self.verdict = verdict;
            self.decided =
                Some(Decided { payload_packet: self.payload_packets, after_ms: millis(self.first, now) });
        }
    }

    fn note_finding(&mut self, finding: FlowFinding) {
        if self.finding.as_ref().is_none_or(|known| finding.is_proof && !known.is_proof) {
            self.finding = Some(finding);
        }
    }

    /// Whether any payload was seen.
    pub fn has_payload(&self) -> bool {
        self.payload_packets > 0
    }

    /// Time of the first packet.
    pub fn first(&self) -> Instant {
        self.first
    }

    /// Milliseconds from its first packet to its last.
    pub fn duration_ms(&self) -> u64 {
        millis(self.first, self.last)
    }
}

impl From<State> for FlowVerdict {
    fn from(state: State) -> Self {
        match state {
            State::Opening | State::Undecided => FlowVerdict::Undecided,
            State::Bypassed | State::Excluded => FlowVerdict::Benign,
            State::Suspect => FlowVerdict::Suspect,
            State::Mining => FlowVerdict::Mining,
        }
    }
}

fn millis(from: Instant, to: Instant) -> u64 {
    to.micros().saturating_sub(from.micros()) / 1_000
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::dpi::finding::Finding;
    use crate::dpi::signatures::Dialect;
    use crate::engine::event::Source;

    const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 168, 1, 7), 40_000);
    const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 3_333);

    /// The one-byte payloads of each side are numbered from 1; the SYN is number 0.
    fn segment(from_client: bool, number: u32) -> Segment<'static> {
        let (client, server) = (CLIENT.into(), SERVER.into());
        let (src, dst) = if from_client { (client, server) } else { (server, client) };
        let payload: &[u8] = if number == 0 { b"" } else { b"x" };
        Segment {
            src,
            dst,
            seq: number,
            ack: 0,
            syn: number == 0,
            has_ack: number != 0,
            fin: false,
            rst: false,
            urg: false,
            payload,
            payload_len: payload.len() as u32,
        }
    }

    fn record(state: State) -> Session {
        Session::in_state(&segment(true, 0), state)
    }

    fn at(millis: u64) -> Instant {
        Instant::from_micros(1_000_000 + millis * 1_000)
    }

    fn pass(account: &mut Account, segment: &Segment<'_>, now: Instant) {
        account.pass(&FiveTuple::new(segment.src, segment.dst), segment, now);
    }

    fn enter(
        account: &mut Account,
        segment: &Segment<'_>,
        session: Option<&Session>,
        detection: Option<&Detection>,
        now: Instant,
    ) {
        account.enter(&FiveTuple::new(segment.src, segment.dst), segment, session, detection, now);
    }

    #[test]
    fn a_verdict_is_dated_by_payload_packet_and_time() {
        let mut account = Account::default();
        let undecided = record(State::Undecided);
        enter(&mut account, &segment(true, 0), Some(&undecided), None, at(0));
        enter(&mut account, &segment(true, 1), Some(&undecided), None, at(20));
        enter(&mut account, &segment(true, 1), Some(&undecided), None, at(25));
        pass(&mut account, &segment(false, 1), at(31));
        let mining = record(State::Mining);
        let detection = Detection {
            at: at(45),
            client: CLIENT.into(),
            hw_addr: None,
            server: SERVER.into(),
            server_name: Default::default(),
            target: None,
            tls: None,
            finding: Finding { dialect: Some(Dialect::StratumV1), ..Finding::default() },
            points_to: None,
            wire: Default::default(),
            source: Source::Dpi,
            suspicion: None,
            server_is_pool: true,
            payload_packets: 3,
            blocked: true,
        };
        enter(&mut account, &segment(true, 2), Some(&mining), Some(&detection), at(45));
        enter(&mut account, &segment(true, 3), Some(&mining), None, at(90));
        let flow = account.flows().next().expect("one flow");
        let finding = flow.finding.as_ref().expect("a finding");
        assert_eq!(flow.verdict, FlowVerdict::Mining);
        assert_eq!((finding.source, finding.dialect), ("dpi", Some(Dialect::StratumV1.name())));
        assert_eq!(flow.decided, Some(Decided { payload_packet: 3, after_ms: 45 }));
        assert_eq!((flow.payload_packets, flow.duration_ms()), (4, 90));
        assert_eq!(flow.client, CLIENT.into());
        let listed = Detection { source: Source::Intel, ..detection };
        let mut account = Account::default();
        enter(&mut account, &segment(true, 1), Some(&mining), Some(&listed), at(0));
        let finding = account.flows().next().and_then(|flow| flow.finding.as_ref());
        assert_eq!(finding.map(|finding| finding.source), Some("intel"));
    }

    #[test]
    fn proof_outlives_the_record() {
        let mut account = Account::default();
        let states = [State::Bypassed, State::Mining, State::Undecided, State::Bypassed];
        for (number, state) in (1..).zip(states) {
            enter(&mut account, &segment(true, number), Some(&record(state)), None, at(number.into()));
        }
        enter(&mut account, &segment(true, 5), None, None, at(5));
        let flows: Vec<_> = account.flows().collect();
        assert_eq!(flows.len(), 1);
        assert_eq!(flows[0].verdict, FlowVerdict::Mining);
        assert_eq!(flows[0].decided, Some(Decided { payload_packet: 2, after_ms: 1 }));
        assert_eq!(flows[0].payload_packets, 5);
    }

    #[test]
    fn a_new_connection_on_an_old_five_tuple_is_a_new_flow() {
        let mut account = Account::default();
        let record = record(State::Undecided);
        for millis in [0, 500] {
            account.reopen(&FiveTuple::new(CLIENT.into(), SERVER.into()));
            enter(&mut account, &segment(true, 0), Some(&record), None, at(millis));
            enter(&mut account, &segment(true, 0), Some(&record), None, at(millis + 1));
            enter(&mut account, &segment(true, 1), Some(&record), None, at(millis + 2));
        }
        let durations: Vec<_> = account.flows().map(FlowAccount::duration_ms).collect();
        assert_eq!(durations, [2, 2]);
    }

    #[test]
    fn a_flow_without_payload_has_no_line_and_one_without_a_record_has() {
        let mut account = Account::default();
        enter(&mut account, &segment(true, 0), None, None, at(0));
        assert_eq!(account.flows().count(), 0);
        enter(&mut account, &segment(true, 1), None, None, at(1));
        assert_eq!(account.flows().count(), 1);
    }
}
