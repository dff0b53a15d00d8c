//! A session's own rules: what it is worth, when it is slow, where it goes on.

use super::*;
use crate::flow::table::{FlowRecord, Worth};
use crate::hmm::decision::Decision;
use crate::limits::{FLOW_OPENING_IDLE, SUSPECT_IDLE};
use crate::util::time::Stamp;
use core::time::Duration;

/// A flow may be idle for so long.
const IDLE: Duration = Duration::from_secs(3_600);

fn after(time: Duration) -> Stamp {
    Stamp(time.as_millis() as u32)
}

/// A session of that state, last seen at 0.
fn session(state: State) -> Session {
    let bytes = Bench::new("").packet(UP, 100, false, b"");
    Session::in_state(&packet::parse(&bytes).expect("a segment"), state)
}

#[test]
fn a_session_is_worth_what_its_state_and_age_say() {
    use Worth::{Bypassed, Expired, Mining, Opening, Protected, Undecided};
    let idle = [Duration::ZERO, FLOW_OPENING_IDLE, SUSPECT_IDLE, IDLE];
    for (state, worth) in [
        (State::Opening, [Opening, Expired, Expired, Expired]),
        (State::Excluded, [Bypassed, Bypassed, Bypassed, Expired]),
        (State::Bypassed, [Bypassed, Bypassed, Bypassed, Expired]),
        (State::Undecided, [Undecided, Undecided, Undecided, Expired]),
        (State::Suspect, [Protected, Protected, Undecided, Expired]),
        (State::Mining, [Mining, Mining, Mining, Expired]),
    ] {
        assert_eq!(idle.map(|idle| session(state).worth(after(idle), IDLE)), worth, "{state:?}");
    }
    let mut session = session(State::Suspect);
    session.note_packet(after(SUSPECT_IDLE));
    assert_eq!(session.worth(after(SUSPECT_IDLE), IDLE), Protected, "a packet makes it young");
}

/// Evidence that is no proof yet protects a flow as suspicion does.
#[test]
fn evidence_protects_a_session() {
    let mut bench = Bench::new("option sensitivity off");
    bench.send(DOWN, ACCEPTED);
    bench.send(UP, SHARE);
    let session = bench.session();
    assert_eq!((session.state(), session.inspection.has_evidence()), (State::Undecided, true));
    let at = |idle: Duration| session.worth(Stamp(bench.millis as u32 + after(idle).0), IDLE);
    assert_eq!([at(Duration::ZERO), at(SUSPECT_IDLE)], [Worth::Protected, Worth::Undecided]);
}

#[test]
fn a_session_counts_for_its_client() {
    let mut session = session(State::Undecided);
    session.set_owner(77);
    session.note_packet(Stamp(55));
    assert_eq!((FlowRecord::owner(&session), FlowRecord::last_seen(&session)), (77, Stamp(55)));
    let bytes = Bench::new("").packet(UP, 100, false, b"");
    let begun = Session::begin(&packet::parse(&bytes).expect("a segment"), Stamp(7));
    assert_eq!(begun.watched_since(), Stamp(7));
}

/// What is read of either stream may lie so far before or behind the next byte.
#[test]
fn a_segment_continues_a_session_within_a_window() {
    const WINDOW: u32 = 1 << 23;
    let bench = Bench::new("");
    let parse = |seq: u32, ack: u32| {
        let mut bytes = bench.packet(UP, seq, false, b"");
        bytes[28..32].copy_from_slice(&ack.to_be_bytes());
        bytes
    };
    let begin = parse(1_000, 5_000);
    let session = Session::begin(&packet::parse(&begin).expect("a segment"), Stamp(0));
    for (seq, ack, continues) in [
        (1_000, 5_000, true),
        (1_000 + WINDOW - 1, 5_000, true),
        (1_000 + WINDOW, 5_000, false),
        (1_000, 5_000 + WINDOW, false),
        (1_000_u32.wrapping_sub(WINDOW), 5_000_u32.wrapping_sub(WINDOW), true),
        (1_000_u32.wrapping_sub(WINDOW + 1), 5_000, false),
    ] {
        let bytes = parse(seq, ack);
        let segment = packet::parse(&bytes).expect("a segment");
        assert_eq!(session.is_continued_by(&segment), continues, "{seq} {ack}");
    }
}

#[test]
fn stage_one_has_an_unlikely_session_bypassed() {
    let mut session = session(State::Undecided);
    assert!(!session.settle(Decision::Undecided, Stamp(0), &settings("")));
    assert_eq!(session.state(), State::Undecided);
    assert!(!session.settle(Decision::Unlikely, Stamp(0), &settings("")));
    assert_eq!(session.state(), State::Bypassed);
}

/// A pool asked over HTTP byte by byte looks like no miner, but what was read of it outweighs sizes and times.
#[test]
fn stage_one_puts_no_session_aside_that_has_evidence() {
    let mut bench = Bench::new("option sensitivity off");
    bench.send(DOWN, ACCEPTED);
    bench.send(UP, SHARE);
    let mut session = bench.session().clone();
    assert!(!session.settle(Decision::Unlikely, Stamp(0), &settings("")));
    assert_eq!(session.state(), State::Undecided);
}

#[test]
fn a_bypassed_session_is_slow_below_the_rate_and_not_before_five_seconds() {
    let settings = Settings { low_rate: 1_000, ..settings("") };
    for (millis, missing, watched) in
        [(10_500, 9_999, true), (10_500, 10_000, false), (5_000, 4_999, true), (4_999, 10, false)]
    {
        let mut session = session(State::Bypassed);
        session.look_again(missing, Stamp(millis), &settings);
        let state = if watched { State::Undecided } else { State::Bypassed };
        assert_eq!(session.state(), state, "{missing} bytes in {millis} ms");
    }
}

#[test]
fn a_session_has_used_up_its_budget_at_the_last_byte() {
    let settings = Settings { budget_bytes: 3_000, budget_packets: 32, low_rate: 100, ..settings("") };
    for (bytes, over) in [(2_999, false), (3_000, true)] {
        let mut session = session(State::Undecided);
        session.count_payload(bytes);
        assert_eq!(session.is_over_budget(Stamp(0), &settings), over);
    }
}
