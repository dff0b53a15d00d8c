//! The kernel's part in a replay: which packets the rule set would hand to the daemon.
//!
//! A capture holds every packet; the live daemon sees few of them. This is conntrack and the rule set's *watch*
//! chain ([`crate::rules`]) over again, so that a replayed flow is inspected by what would have been
//! queued of it: nothing before both ends have taken part, and the client's first packet behind its
//! answered SYN as [`Reason::Start`], unless it acknowledges what the server has not said. What the rules drop because it
//! does not begin at the client's first byte starts a flow here: in a capture it does not come again.

use std::collections::HashMap;

use crate::limits::{
    SECOND_LOOK_EARLY_BITS, SECOND_LOOK_EARLY_PACKETS, SECOND_LOOK_LATE_BITS, SECOND_LOOK_MAX_PACKET_BYTES,
    SECOND_LOOK_PACKETS_PER_SECOND,
};
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::Segment;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};
use crate::verdict::{FlowMark, Reason, Verdict};

/// The connections that the kernel tracks.
#[derive(Debug, Default)]
pub struct KernelModel {
    /// All but the latest packet's.
    connections: HashMap<FiveTuple, ConntrackEntry>,
    /// The latest packet's connection: the next packet is most likely of the same.
    latest: Option<(FiveTuple, ConntrackEntry)>,
    looks: TokenBucket,
}

/// The kernel's treatment of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelTreatment {
    /// Why it is queued; none: it passes, or is dropped.
    pub reason: Option<Reason>,
    /// The packet begins a new connection on an old five-tuple.
    pub reopens: bool,
    /// The packet is payload of a connection joined midway whose other end was not seen yet: conntrack may know that
    /// end from before the capture, or it may not exist.
    pub awaits_answer: bool,
    /// Packets of the connection have awaited an answer, and need not any more.
    pub releases: bool,
}

/// The record of conntrack.
#[derive(Clone, Copy, Debug)]
struct ConntrackEntry {
    /// Sender of the first packet.
    first: Endpoint,
    phase: ConntrackPhase,
    /// Sequence number behind a SYN that is not answered yet.
    attempt: Option<u32>,
    /// Sequence number behind the latest answer to a SYN.
    answered: u32,
    mark: FlowMark,
    packets: u32,
    /// Packets of it await an answer.
    is_awaited: bool,
}

/// The progress of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConntrackPhase {
    /// Only one end has sent.
    New,
    /// The SYN was answered; the client's next packet is the start.
    Answered,
    /// Both ends have taken part.
    Established,
}

impl ConntrackEntry {
    fn new(segment: &Segment<'_>) -> Self {
        ConntrackEntry {
            first: segment.src,
            phase: ConntrackPhase::New,
            attempt: None,
            answered: 0,
            mark: FlowMark::Unseen,
            packets: 0,
            is_awaited: false,
        }
    }

    /// Whether the client's `segment` acknowledges the server's SYN.
    fn is_answered_by(&self, segment: &Segment<'_>) -> bool {
        segment.has_ack && segment.ack.wrapping_sub(self.answered) as i32 >= 0
    }

    /// Whether the latest packet is a sample by the kernel's count.
    fn is_sample(&self) -> bool {
        let bits = if self.packets <= SECOND_LOOK_EARLY_PACKETS {
            SECOND_LOOK_EARLY_BITS
        } else {
            SECOND_LOOK_LATE_BITS
        };
        self.packets & bits == 0
    }
}

impl KernelModel {
    /// The kernel's treatment of `segment` of connection `key`, in an IP packet of `length` bytes that came at `now`.
    pub fn queues(
        &mut self,
        key: &FiveTuple,
        segment: &Segment<'_>,
        length: usize,
        now: Instant,
    ) -> KernelTreatment {
        let KernelModel { connections, latest, looks } = self;
        if latest.as_ref().is_none_or(|(known, _)| known != key) {
            let connection = connections.remove(key).unwrap_or_else(|| ConntrackEntry::new(segment));
            connections.extend(latest.replace((*key, connection)));
        }
        let Some((_, connection)) = latest else { return KernelTreatment::default() };
        connection.packets = connection.packets.saturating_add(1);
        if segment.syn {
            return KernelModel::handshake(connection, segment);
        }
        match connection.phase {
            ConntrackPhase::New if segment.src == connection.first => {
                let awaits_answer = segment.payload_len > 0;
                let awaited = core::mem::replace(&mut connection.is_awaited, awaits_answer);
                let releases = awaited && !awaits_answer;
                return KernelTreatment { awaits_answer, releases, ..KernelTreatment::default() };
            }
            ConntrackPhase::New => connection.phase = ConntrackPhase::Established,
            ConntrackPhase::Answered if segment.src == connection.first => {
                if !connection.is_answered_by(segment) {
                    // Conntrack leaves the connection as it is, and the rules drop the packet.
                    return KernelTreatment::default();
                }
                connection.phase = ConntrackPhase::Established;
                let releases = core::mem::take(&mut connection.is_awaited);
                return KernelTreatment {
                    reason: Some(Reason::Start),
                    releases,
                    ..KernelTreatment::default()
                };
            }
            ConntrackPhase::Answered | ConntrackPhase::Established => {}
        }
        let releases = core::mem::take(&mut connection.is_awaited);
        if segment.payload_len == 0 {
            return KernelTreatment { releases, ..KernelTreatment::default() };
        }
        let reason = match connection.mark {
            FlowMark::Unseen | FlowMark::Undecided => Some(Reason::Payload),
            FlowMark::Blocked => None,
            FlowMark::Benign => {
                let is_small = length < SECOND_LOOK_MAX_PACKET_BYTES as usize;
                let is_shown = is_small && (connection.is_sample() || looks.take(&LOOKS, now));
                is_shown.then_some(Reason::Again)
            }
        };
        KernelTreatment { reason, releases, ..KernelTreatment::default() }
    }

    /// A SYN or its answer. A SYN in a connection changes nothing until it is answered.
    fn handshake(connection: &mut ConntrackEntry, segment: &Segment<'_>) -> KernelTreatment {
        if !segment.has_ack {
            connection.attempt = Some(segment.seq.wrapping_add(1));
            let has_data = segment.payload_len > 0;
            return KernelTreatment {
                reason: has_data.then_some(Reason::Payload),
                ..KernelTreatment::default()
            };
        }
        // The answer acknowledges the SYN alone, or data in it, too.
        let is_answer = connection.attempt.is_some_and(|next| segment.ack.wrapping_sub(next) < 1 << 16);
        if !is_answer {
            return KernelTreatment::default();
        }
        let reopens = connection.phase != ConntrackPhase::New;
        let packets = if reopens { 1 } else { connection.packets };
        *connection = ConntrackEntry {
            first: segment.dst,
            phase: ConntrackPhase::Answered,
            answered: segment.seq.wrapping_add(1),
            packets,
            is_awaited: connection.is_awaited,
            ..ConntrackEntry::new(segment)
        };
        KernelTreatment { reopens, ..KernelTreatment::default() }
    }

    /// Forgets the connection of `key`, which has ended.
    pub fn forget(&mut self, key: &FiveTuple) {
        self.connections.remove(key);
        self.latest.take_if(|(known, _)| known == key);
    }

    /// Remembers the verdict on a packet of the latest connection, `key`; what is blocked stays blocked.
    pub fn decide(&mut self, key: &FiveTuple, verdict: &Verdict) {
        let mark = match verdict {
            Verdict::Accept(mark) => *mark,
            Verdict::Reset(_) => FlowMark::Blocked,
            Verdict::Ignore | Verdict::WithoutData | Verdict::Trim { .. } | Verdict::Drop => return,
        };
        if let Some((known, connection)) = &mut self.latest
            && known == key
            && connection.mark != FlowMark::Blocked
        {
            connection.mark = mark;
        }
    }
}

/// The rule set's `limit rate N/second burst N packets`.
const LOOKS: Rate = Rate::per_second(SECOND_LOOK_PACKETS_PER_SECOND);

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 168, 1, 7), 40_000);
    const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 443);

    fn segment(from_client: bool, flags: &str, payload: &'static [u8]) -> Segment<'static> {
        let mut ends = [CLIENT.into(), SERVER.into()];
        ends.rotate_left(usize::from(!from_client));
        Segment {
            src: ends[0],
            dst: ends[1],
            seq: 100,
            ack: 101,
            syn: flags.contains('S'),
            has_ack: flags.contains('A'),
            fin: false,
            rst: false,
            urg: false,
            payload,
            payload_len: payload.len() as u32,
        }
    }

    fn key(segment: &Segment<'_>) -> FiveTuple {
        FiveTuple::new(segment.src, segment.dst)
    }

    fn queued(kernel: &mut KernelModel, segment: &Segment<'_>) -> Option<Reason> {
        kernel.queues(&key(segment), segment, 52 + segment.payload.len(), Instant::default()).reason
    }

    fn connect(kernel: &mut KernelModel) {
        assert_eq!(queued(kernel, &segment(true, "S", b"")), None);
        assert_eq!(queued(kernel, &segment(false, "SA", b"")), None);
        assert_eq!(queued(kernel, &segment(true, "A", b"")), Some(Reason::Start));
    }

    #[test]
    fn only_what_can_matter_is_queued() {
        let mut kernel = KernelModel::default();
        let hello = segment(true, "A", b"hello");
        connect(&mut kernel);
        assert_eq!(queued(&mut kernel, &segment(true, "A", b"")), None);
        assert_eq!(queued(&mut kernel, &hello), Some(Reason::Payload));
        kernel.decide(&key(&hello), &Verdict::Accept(FlowMark::Blocked));
        assert_eq!(queued(&mut kernel, &hello), None);
        assert_eq!(queued(&mut kernel, &segment(true, "S", b"")), None);
        let answer = segment(false, "SA", b"");
        assert!(kernel.queues(&key(&answer), &answer, 60, Instant::default()).reopens);
        assert_eq!(queued(&mut kernel, &hello), Some(Reason::Start), "a new connection begins anew");
    }

    #[test]
    fn nothing_is_queued_before_both_ends_have_taken_part() {
        let mut kernel = KernelModel::default();
        for _ in 0..3 {
            assert_eq!(queued(&mut kernel, &segment(true, "A", b"hello")), None);
            assert_eq!(queued(&mut kernel, &segment(true, "S", b"")), None);
        }
        assert_eq!(
            queued(&mut kernel, &segment(true, "S", b"data")),
            Some(Reason::Payload),
            "to lose its data"
        );
        let mut kernel = KernelModel::default();
        assert_eq!(queued(&mut kernel, &segment(true, "A", b"hello")), None);
        assert_eq!(queued(&mut kernel, &segment(false, "A", b"")), None, "joined midway, and answered");
        assert_eq!(queued(&mut kernel, &segment(true, "A", b"hello")), Some(Reason::Payload));
    }

    #[test]
    fn a_forged_syn_begins_nothing() {
        let mut kernel = KernelModel::default();
        connect(&mut kernel);
        assert_eq!(queued(&mut kernel, &segment(true, "S", b"")), None);
        assert_eq!(queued(&mut kernel, &segment(true, "A", b"hello")), Some(Reason::Payload));
    }

    #[test]
    fn what_acknowledges_nothing_of_the_server_starts_nothing() {
        let mut kernel = KernelModel::default();
        assert_eq!(queued(&mut kernel, &segment(true, "S", b"")), None);
        assert_eq!(queued(&mut kernel, &segment(false, "SA", b"")), None);
        let forged = Segment { ack: 7, ..segment(true, "A", b"login") };
        assert_eq!(queued(&mut kernel, &forged), None);
        assert_eq!(queued(&mut kernel, &forged), None);
        assert_eq!(queued(&mut kernel, &segment(true, "A", b"login")), Some(Reason::Start));
    }

    #[test]
    fn a_bypassed_flow_is_looked_at_again_at_a_bounded_cost() {
        let mut kernel = KernelModel::default();
        connect(&mut kernel);
        let small = segment(true, "A", b"x");
        kernel.decide(&key(&small), &Verdict::Accept(FlowMark::Benign));
        let shown = (0..SECOND_LOOK_EARLY_PACKETS - 3).filter(|_| queued(&mut kernel, &small).is_some());
        let expected = SECOND_LOOK_EARLY_PACKETS / 4 + SECOND_LOOK_PACKETS_PER_SECOND;
        assert!(shown.count().abs_diff(expected as usize) <= 16);
        let is_shown = |_| kernel.queues(&key(&small), &small, 1_500, Instant::default()).reason.is_some();
        assert!(!(0..10_000).any(is_shown));
    }
}
