//! Flows that were bypassed, and the connections that a list points to.

use super::*;
use crate::intel::Builder;
use crate::intel::entry::Policy;
use std::sync::Arc;

/// A flow that a download has taken out of the queue.
fn bypassed() -> Bench {
    let mut bench = Bench::new("");
    bench.connect();
    for _ in 0..60 {
        bench.send(DOWN, &[0x80; 1_400]);
    }
    assert_eq!(bench.state(), Some(State::Bypassed));
    bench
}

#[test]
fn a_flow_that_is_still_fast_stays_bypassed() {
    let mut bench = bypassed();
    bench.seq[1] += 50_000_000;
    bench.millis += 10_000;
    bench.send(DOWN, &[0x80; 300]);
    assert_eq!(bench.state(), Some(State::Bypassed));
}

#[test]
fn a_flow_that_has_become_slow_is_watched_again() {
    let mut bench = bypassed();
    bench.seq[1] += 2_000;
    bench.millis += 10_000;
    bench.send(DOWN, &[0x80; 300]);
    assert_eq!(bench.state(), Some(State::Undecided));
}

const GET: &[u8] = b"GET /news HTTP/1.1\r\nHost: news.example\r\nConnection: keep-alive\r\n\r\n";
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nnews\n";

/// A connection on which a page is asked for again every four seconds.
fn kept_alive(requests: usize) -> Bench {
    let mut bench = Bench::new("");
    bench.connect();
    for _ in 0..requests {
        bench.millis += 4_000;
        bench.send(UP, GET);
        bench.send(DOWN, PAGE);
    }
    bench
}

#[test]
fn kept_http_is_bypassed_after_its_packets_however_slow_it_is() {
    assert_eq!(kept_alive(15).state(), Some(State::Undecided));
    assert_eq!(kept_alive(16).state(), Some(State::Bypassed));
}

#[test]
fn kept_http_stays_bypassed_in_a_second_look() {
    let mut bench = kept_alive(16);
    for _ in 0..3 {
        bench.seq = [bench.seq[0] + 400, bench.seq[1] + 400];
        bench.millis += 20_000;
        bench.send(UP, GET);
        bench.send(DOWN, PAGE);
        assert_eq!(bench.state(), Some(State::Bypassed));
    }
}

#[test]
fn mining_behind_kept_http_is_proven_in_a_second_look() {
    let mut bench = kept_alive(16);
    bench.seq = [bench.seq[0] + 400, bench.seq[1] + 400];
    bench.millis += 20_000;
    bench.send(UP, SUBSCRIBE);
    for _ in 0..3 {
        bench.send(UP, SHARE);
        bench.send(DOWN, ACCEPTED);
    }
    assert_eq!(bench.state(), Some(State::Mining));
}

/// So that stage one sees what follows, whether the kernel has shown every packet or a few of them.
#[test]
fn a_client_that_leaves_http_is_watched_again() {
    for unseen in [0, 400] {
        let mut bench = kept_alive(16);
        bench.seq = bench.seq.map(|seq| seq + unseen);
        bench.millis += 4_000;
        bench.send(UP, &[0x91; 200]);
        assert_eq!(bench.state(), Some(State::Undecided), "{unseen} bytes unseen");
    }
}

/// Sizes and times of the download say nothing of what follows it.
#[test]
fn a_second_look_begins_with_a_fresh_state_of_stage_one() {
    let mut bench = bypassed();
    let session = bench.session();
    assert_ne!(format!("{:?}", session.hmm), format!("{:?}", hmm::ScoreState::default()));
    let mut session = session.clone();
    session.look_again(10, Instant::from_micros(1 << 40).stamp(), &settings(""));
    assert_eq!(format!("{:?}", session.hmm), format!("{:?}", hmm::ScoreState::default()));
    assert_eq!(session.payload_packets(), 0);
    bench.millis += 1;
}

/// Stage one has become as good as sure of a suspect: that is told once more, and never again.
#[test]
fn a_suspect_is_told_again_when_it_is_strongly_suspected() {
    let told = |balanced: i16| -> Vec<bool> {
        let mut bench = Bench::new("option sensitivity balanced");
        let mut model = Model::embedded().unwrap();
        (model.test.fixed, model.test.floor) = ([i16::MAX, balanced, 0], 0);
        (model.test.screen, model.test.drift) = (0, 0);
        bench.engine.replace_model(model);
        bench.connect();
        bench.events.clear();
        for pause in [7_000, 16_000, 3_000, 25_000, 11_000, 19_000].into_iter().cycle().take(40) {
            bench.millis += pause;
            bench.send(UP, &[0x80; 240]);
            bench.millis += 40;
            bench.send(DOWN, &[0x80; 85]);
        }
        bench.events.iter().filter_map(|event| event.suspicion).map(|suspicion| suspicion.is_strong).collect()
    };
    let all: Vec<Vec<bool>> = (1..40).map(|step| told(step * 128)).collect();
    assert!(all.iter().all(|told| matches!(told[..], [] | [true] | [false] | [false, true])), "{all:?}");
    assert!(all.iter().any(|told| told[..] == [false, true]), "{all:?}");
}

/// The model's thresholds are such that any sum makes a suspect at the highest sensitivity, none at another.
#[test]
fn a_listed_pair_is_classified_at_the_highest_sensitivity() {
    let suspects = |lists: &str| {
        let mut bench = Bench::new("option sensitivity balanced");
        let mut model = Model::embedded().unwrap();
        (model.test.fixed, model.test.floor) = ([i16::MAX, i16::MAX, 0], 0);
        (model.test.screen, model.test.drift) = (0, 0);
        bench.engine.replace_model(model);
        let mut builder = Builder::new(1 << 20);
        builder.add_text("test", Policy::Suspect, lists.as_bytes()).unwrap();
        bench.engine.replace_intel(Some(Arc::new(builder.build().0)));
        bench.connect();
        bench.events.clear();
        for _ in 0..16 {
            bench.millis += 10_000;
            bench.send(UP, &[0x80; 200]);
            bench.send(DOWN, &[0x80; 100]);
        }
        bench.state() == Some(State::Suspect)
    };
    assert!(suspects("203.0.113.9\n"));
    assert!(!suspects("203.0.113.10\n"));
}
