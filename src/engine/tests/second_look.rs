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
    assert_ne!(format!("{:?}", session.hmm), format!("{:?}", hmm::State::default()));
    let mut session = session.clone();
    session.look_again(10, Instant::from_micros(1 << 40).stamp(), &settings(""));
    assert_eq!(format!("{:?}", session.hmm), format!("{:?}", hmm::State::default()));
    assert_eq!(session.payload_packets(), 0);
    bench.millis += 1;
}

/// The model's thresholds are such that any sum makes a suspect at the highest sensitivity, none at another.
#[test]
fn a_listed_pair_is_judged_at_the_highest_sensitivity() {
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
