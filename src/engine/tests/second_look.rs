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
