//! The record of one flow, and the states that it passes through.
//!
//! ```text
//!            payload            stage one               proof
//! Opening ------------> Undecided ------> Suspect ---------------> Mining
//!    |                   |     ^             (from every state but Excluded)
//!    | exempt    bypassed|     | second look
//!    v                   v     |
//! Excluded ----------> Bypassed
//!        exempt no more
//! ```
//!
//! Each arrow is a method of [`Session`]; no other code sets the state.

use core::time::Duration;

use super::Settings;
use crate::dpi::Inspection;
use crate::flow::connection::Connection;
use crate::flow::table::{FlowRecord, Worth};
use crate::flow::tcp::Streams;
use crate::hmm;
use crate::hmm::decision::Decision;
use crate::limits::{
    BUDGET_HTTP_BYTES, CANDIDATE_BYTES_PER_SECOND, FLOW_OPENING_IDLE, FLOW_RECORD_MAX_BYTES, MARK_LATENCY,
    RATE_WINDOW_SECONDS, SLOW_AFTER_SECONDS, SUSPECT_IDLE,
};
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::local_networks::LocalNetworks;
use crate::net::packet::Segment;
use crate::util::time::Stamp;

/// The decision on a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Both ends have taken part, no payload yet.
    #[default]
    Opening,
    /// Exempt: host or endpoint is on a list.
    Excluded,
    /// Passes without being read; kept so that a second look remembers the first.
    Bypassed,
    /// Payload seen, nothing decided.
    Undecided,
    /// Weak evidence at hand, proof awaited.
    Suspect,
    /// Proven; the kernel drops or resets it.
    Mining,
}

/// A flow. Fixed size, no pointers: the table is one allocation at start.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The two ends.
    pub(super) connection: Connection,
    state: State,
    /// A list makes a suspect of client and server: stage one classifies at its highest sensitivity.
    listed: bool,
    /// Stage one has told that it is as good as sure.
    strong: bool,
    /// The client's packets go from one device of the router to another.
    crosses: bool,
    /// Keyed hash of the client that it counts for.
    owner: u32,
    /// Sequence tracking of each [`Direction`].
    pub(super) streams: Streams,
    /// The begin of this watch: the first packet, or the return of a bypassed flow.
    watched_since: Stamp,
    /// Latest packet.
    last_seen: Stamp,
    /// The latest decision.
    decided_at: Stamp,
    /// Bytes of new payload on the wire in this watch, both directions; saturating.
    payload_bytes: u32,
    /// Packets with new payload in this watch, both directions; saturating.
    payload_packets: u16,
    /// State of the DPI.
    pub(super) inspection: Inspection,
    /// State of stage one.
    pub(super) hmm: hmm::ScoreState,
}

const _: () = assert!(size_of::<Session>() <= FLOW_RECORD_MAX_BYTES);

impl Session {
    /// A flow that is seen from its first byte on, by the client's first packet behind its answered SYN.
    pub(super) fn begin(start: &Segment<'_>, now: Stamp) -> Self {
        let mut session = Session::new(Connection::new(start.src, start.dst), true, now);
        session.streams.start(Direction::ToServer, start.seq);
        session.streams.start(Direction::ToClient, start.ack);
        session
    }

    /// A flow joined midway: the daemon was restarted, the flow evicted.
    pub(super) fn join(segment: &Segment<'_>, networks: &LocalNetworks, now: Stamp) -> Self {
        Session::new(Connection::of(segment, networks), false, now)
    }

    fn new(connection: Connection, from_start: bool, now: Stamp) -> Self {
        Session {
            connection,
            watched_since: now,
            last_seen: now,
            inspection: Inspection::begin(from_start),
            ..Session::default()
        }
    }

    /// The end that opened the connection.
    pub fn client(&self) -> Endpoint {
        self.connection.client()
    }

    /// The end that was called.
    pub fn server(&self) -> Endpoint {
        self.connection.server()
    }

    /// The direction of a segment that `src` sends.
    pub fn direction_from(&self, src: &Endpoint) -> Direction {
        self.connection.direction_from(src)
    }

    /// Whether `segment` belongs where both streams are: its sender has seen the connection.
    pub(super) fn is_continued_by(&self, segment: &Segment<'_>) -> bool {
        let direction = self.direction_from(&segment.src);
        let is_near = |next: u32, number: u32| number.wrapping_sub(next).wrapping_add(WINDOW) < 2 * WINDOW;
        let [own, other] = [direction, direction.reverse()].map(|of| self.streams.next(of));
        own.is_some_and(|next| is_near(next, segment.seq))
            && other.is_none_or(|next| segment.has_ack && is_near(next, segment.ack))
    }

    /// Whether a segment of `direction`, of which is said whether it leaves by the device by which it came, was made up in
    /// the client's own network: it has the server's address, and the way to the server leads elsewhere.
    pub(super) fn is_made_up(&mut self, direction: Direction, turns_back: bool) -> bool {
        if direction == Direction::ToClient {
            return turns_back && self.crosses;
        }
        self.crosses = !turns_back;
        false
    }

    /// The decision.
    pub fn state(&self) -> State {
        self.state
    }

    /// Packets with new payload in this watch.
    pub fn payload_packets(&self) -> u16 {
        self.payload_packets
    }

    /// The begin of this watch.
    pub(super) fn watched_since(&self) -> Stamp {
        self.watched_since
    }

    /// Whether a list makes a suspect of client and server.
    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether stage one has told that it is as good as sure.
    pub(super) fn is_strong(&self) -> bool {
        self.strong
    }

    /// Stage one tells that it is as good as sure.
    pub(super) fn mark_strong(&mut self) {
        self.strong = true;
    }

    /// Whether its payload is read or scored.
    pub(super) fn is_watched(&self) -> bool {
        !matches!(self.state, State::Mining | State::Excluded)
    }

    /// Whether the kernel still sends packets of a flow that was decided a while ago: its mark is lost.
    pub(super) fn has_lost_its_mark(&self, now: Stamp) -> bool {
        matches!(self.state, State::Bypassed | State::Excluded | State::Mining)
            && now.has_passed(self.decided_at, MARK_LATENCY)
    }

    /// Keyed hash of the client that it counts for.
    pub(super) fn owner(&self) -> u32 {
        self.owner
    }

    /// Counts for the client with the keyed hash `owner`.
    pub(super) fn set_owner(&mut self, owner: u32) {
        self.owner = owner;
    }

    pub(super) fn note_packet(&mut self, now: Stamp) {
        self.last_seen = now;
    }

    pub(super) fn count_payload(&mut self, len: u32) {
        self.payload_packets = self.payload_packets.saturating_add(1);
        self.payload_bytes = self.payload_bytes.saturating_add(len);
    }

    /// A list makes a suspect of client and server.
    pub(super) fn mark_listed(&mut self) {
        self.listed = true;
    }

    /// Host or endpoint is exempt.
    pub(super) fn exclude(&mut self, now: Stamp) {
        self.decide(State::Excluded, now);
    }

    /// Host and endpoint are exempt no more. What passed until then was not read.
    pub(super) fn include(&mut self, now: Stamp) {
        self.decide(State::Bypassed, now);
        self.inspection = Inspection::begin(false);
    }

    /// Proof.
    pub(super) fn prove(&mut self, now: Stamp) {
        self.decide(State::Mining, now);
    }

    /// Takes in the opinion of stage one on new payload that proves nothing; whether that makes it a suspect.
    pub(super) fn settle(&mut self, decision: Decision, now: Stamp, settings: &Settings) -> bool {
        let before = self.state;
        let state = match decision {
            _ if before == State::Suspect => State::Suspect,
            Decision::Suspect => State::Suspect,
            // What was read outweighs sizes and times.
            Decision::Unlikely if !self.inspection.has_evidence() => State::Bypassed,
            _ if self.is_over_budget(now, settings) => State::Bypassed,
            _ if before == State::Bypassed && !self.inspection.has_evidence() => State::Bypassed,
            _ => State::Undecided,
        };
        self.decide(state, now);
        if state == State::Bypassed && self.inspection.is_opaque() {
            // Text may follow what can't be read, with no byte unseen in between.
            self.inspection = Inspection::begin(false);
        }
        state == State::Suspect && before != State::Suspect
    }

    /// Begins a second look at a bypassed flow, of which `missing` bytes passed unseen since its last packet. One
    /// that has become slow is watched again from now on, unless it speaks HTTP; of another the kernel shows a few
    /// packets now and then, and evidence in them is what brings it back.
    pub(super) fn look_again(&mut self, missing: u32, now: Stamp, settings: &Settings) {
        let seconds = now.millis_since(self.last_seen) / 1_000;
        let is_slow = seconds >= SLOW_AFTER_SECONDS && missing / seconds < settings.low_rate;
        if is_slow && !self.inspection.is_http() {
            self.decide(State::Undecided, now);
        }
        self.begin_watch(self.inspection.begin_again(), now);
    }

    /// Watches a bypassed flow from now on, whose client has left HTTP.
    pub(super) fn leave_http(&mut self, now: Stamp) {
        self.decide(State::Undecided, now);
        self.begin_watch(Inspection::begin(false), now);
    }

    fn begin_watch(&mut self, inspection: Inspection, now: Stamp) {
        self.inspection = inspection;
        self.hmm = hmm::ScoreState::default();
        self.strong = false;
        self.watched_since = now;
        self.payload_packets = 0;
        self.payload_bytes = 0;
    }

    /// Whether it has carried so much, so fast, that it is bypassed. A slow flow is watched for as long as it lasts:
    /// its cost is bounded by its rate. HTTP without evidence is bypassed at any rate between two messages: all of them
    /// were read, and a mining client's first ones are proof. Its bytes count besides, since packets may be as small
    /// as the client likes.
    pub(super) fn is_over_budget(&self, now: Stamp, settings: &Settings) -> bool {
        if self.payload_packets < settings.budget_packets && self.payload_bytes < settings.budget_bytes {
            return false;
        }
        let is_read_http = self.inspection.is_between_http_messages() && !self.inspection.has_evidence();
        if is_read_http && self.payload_bytes >= BUDGET_HTTP_BYTES {
            return true;
        }
        let bound = if self.hmm.is_candidate() {
            settings.low_rate.max(CANDIDATE_BYTES_PER_SECOND)
        } else {
            settings.low_rate
        };
        let seconds = (now.millis_since(self.watched_since) / 1_000).max(RATE_WINDOW_SECONDS);
        self.payload_bytes / seconds >= bound
    }

    fn decide(&mut self, state: State, now: Stamp) {
        if self.state != state {
            self.state = state;
            self.decided_at = now;
        }
    }
}

/// More than the largest window that Linux offers by default (tcp(7), `tcp_rmem`: 6 MiB). That both numbers of a forged
/// packet lie within is one chance in 65,536.
const WINDOW: u32 = 1 << 23;

#[cfg(test)]
impl Session {
    /// A flow in some state, as tests of its readers need it.
    pub(crate) fn in_state(segment: &Segment<'_>, state: State) -> Self {
        Session { state, ..Session::join(segment, &LocalNetworks::default(), Stamp(0)) }
    }
}

impl FlowRecord for Session {
    fn key(&self) -> &FiveTuple {
        self.connection.key()
    }

    fn last_seen(&self) -> Stamp {
        self.last_seen
    }

    fn owner(&self) -> u32 {
        self.owner
    }

    fn worth(&self, now: Stamp, idle: Duration) -> Worth {
        let limit = if self.state == State::Opening { FLOW_OPENING_IDLE } else { idle };
        if now.has_passed(self.last_seen, limit) {
            return Worth::Expired;
        }
        match self.state {
            State::Opening => Worth::Opening,
            State::Bypassed | State::Excluded => Worth::Bypassed,
            State::Mining => Worth::Mining,
            State::Undecided if !self.inspection.has_evidence() => Worth::Undecided,
            State::Undecided | State::Suspect if now.has_passed(self.last_seen, SUSPECT_IDLE) => {
                Worth::Undecided
            }
            State::Undecided | State::Suspect => Worth::Protected,
        }
    }
}
