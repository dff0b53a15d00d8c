//! Stage one over captured sessions, packet by packet as the engine calls it.

use super::threshold::Sensitivity;
use super::*;
use crate::lab::train::generate;
use crate::lab::train::sequence::{self, Label, Packet, Sequence};

fn stage_one() -> StageOne {
    StageOne::new(Model::embedded().expect("built in"), 8)
}

fn captured(wanted: impl Fn(&Sequence) -> bool) -> Vec<Sequence> {
    let bytes = include_bytes!("training/captures.seq");
    let mut sequences = sequence::decode(bytes).expect("sound");
    sequences.retain(wanted);
    sequences
}

fn is_miner_in_tls(sequence: &Sequence) -> bool {
    sequence.label == Label::Mining && sequence.dialect == "cn" && sequence.transport == "tls13"
}

/// Stage one's assessment of each packet, with the number and the age of the packet.
fn assess(
    stage_one: &mut StageOne,
    state: &mut State,
    packets: impl IntoIterator<Item = Packet>,
) -> Vec<(u16, u32, Assessment)> {
    let (mut age_ms, mut number) = (0u32, 0u16);
    let mut assess = |packet: Packet| {
        age_ms += packet.gap_ms;
        number += 1;
        let seen = Seen {
            owner: 7,
            direction: packet.direction,
            size: packet.size,
            now: Stamp(5_000u32.wrapping_add(age_ms)),
            packets: number,
            age_ms,
        };
        (number, age_ms, stage_one.packet(state, &seen))
    };
    packets.into_iter().map(&mut assess).collect()
}

fn is_suspected(stage_one: &mut StageOne, packets: &[Packet], threshold: i32) -> bool {
    let mut state = State::default();
    let assessed = assess(stage_one, &mut state, packets.iter().copied());
    stage_one.release(&state);
    assessed.iter().any(|(_, _, assessment)| assessment.reaches(threshold))
}

#[test]
fn captured_miners_are_suspects_and_captured_typing_is_none() {
    let mut stage_one = stage_one();
    let threshold = stage_one.threshold(Sensitivity::Adaptive);
    let mut suspected = |sessions: &[Sequence]| {
        sessions.iter().filter(|s| is_suspected(&mut stage_one, &s.packets, threshold)).count()
    };
    let miners = captured(is_miner_in_tls);
    let found = suspected(&miners);
    assert!(miners.len() > 30 && found * 10 >= miners.len() * 8, "{found} of {}", miners.len());
    let typing = captured(|s| s.dialect == "ssh-typing");
    assert!(typing.len() > 10);
    assert_eq!(suspected(&typing), 0);
}

#[test]
fn a_flow_is_pending_until_it_is_long_and_old_enough() {
    let mut stage_one = stage_one();
    for miner in captured(is_miner_in_tls) {
        let mut state = State::default();
        for (packets, age_ms, assessment) in assess(&mut stage_one, &mut state, miner.packets) {
            if !is_old_enough(packets, age_ms) {
                assert_eq!(assessment, Assessment::Pending);
            }
        }
        stage_one.release(&state);
    }
    assert_eq!(stage_one.watched(), 0, "every place was given back");
    assert!(stage_one.counters().entered > 0);
}

/// The test has no end: mining that begins after hours of something else is found.
#[test]
fn a_miner_that_starts_late_in_a_session_is_found() {
    let mut stage_one = stage_one();
    let threshold = stage_one.threshold(Sensitivity::Adaptive);
    let mail = captured(|s| s.dialect == "imap-idle").swap_remove(0);
    let quiet = mail.packets.iter().cycle().take(4_000);
    for miner in captured(is_miner_in_tls).into_iter().take(10) {
        let early = is_suspected(&mut stage_one, &miner.packets, threshold);
        let both: Vec<Packet> = quiet.clone().chain(&miner.packets).copied().collect();
        assert_eq!(is_suspected(&mut stage_one, &both, threshold), early);
    }
}

#[test]
fn a_lower_threshold_suspects_no_fewer() {
    let mut stage_one = stage_one();
    for sequence in generate::mining(78, 60, 320) {
        let thresholds = Sensitivity::FIXED.map(|s| stage_one.threshold(s));
        let [a, b, c] =
            thresholds.map(|threshold| is_suspected(&mut stage_one, &sequence.packets, threshold));
        assert!(a <= b && b <= c);
    }
}

#[test]
fn a_listed_pair_is_suspect_as_easily_as_at_eager() {
    let mut stage_one = stage_one();
    let eager = stage_one.threshold(Sensitivity::Eager);
    let mut is_suspect = |sensitivity, sum, is_listed| {
        let now = Instant::from_micros(0);
        let circumstances = Circumstances { sensitivity, budget: 50, is_listed, client: 1, server: 7, now };
        stage_one.suspect(sum, &circumstances).is_some()
    };
    for sensitivity in [Sensitivity::Cautious, Sensitivity::Adaptive] {
        assert!(!is_suspect(sensitivity, eager, false));
        assert!(is_suspect(sensitivity, eager, true));
        assert!(!is_suspect(sensitivity, eager - 1, true));
    }
}

#[test]
fn a_candidate_of_another_model_begins_anew() {
    let mut stage_one = stage_one();
    let miner = captured(is_miner_in_tls).swap_remove(0);
    let mut state = State::default();
    assess(&mut stage_one, &mut state, miner.packets.iter().copied());
    assert!(state.is_candidate() && stage_one.sum(&state).is_some());
    stage_one.replace_model(Model::embedded().expect("built in"));
    assert_eq!(stage_one.watched(), 1, "the same model changes nothing");
    let mut other = Model::embedded().expect("built in");
    other.test.drift += 1;
    stage_one.replace_model(other);
    assert_eq!((stage_one.watched(), stage_one.sum(&state)), (0, None));
    assess(&mut stage_one, &mut state, miner.packets);
    assert_eq!(stage_one.watched(), 1);
}

#[test]
fn the_window_holds_the_latest_symbols_in_order() {
    let mut state = State::default();
    for size in 0..200u8 {
        state.remember(Symbol { size, context: 0 });
        let window: Vec<u8> = state.window().map(|symbol| symbol.size).collect();
        let first = (size + 1).saturating_sub(HMM_RECENT as u8);
        assert_eq!(window, (first..=size).collect::<Vec<_>>());
    }
    state.begin_window();
    assert_eq!(state.window().count(), 0);
}
