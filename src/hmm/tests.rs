//! Stage one over captured sessions, packet by packet as the engine calls it.

use super::threshold::Sensitivity;
use super::*;
use crate::lab::train::generate;
use crate::lab::train::sequence::{self, Label, Sequence, SequencePacket};

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
    state: &mut ScoreState,
    packets: impl IntoIterator<Item = SequencePacket>,
) -> Vec<(u16, u32, Assessment)> {
    let (mut age_ms, mut number) = (0u32, 0u16);
    let mut assess = |packet: SequencePacket| {
        age_ms += packet.gap_ms;
        number += 1;
        let seen = Seen {
            owner: 7,
            direction: packet.direction,
            size: packet.size,
            now: Stamp(5_000u32.wrapping_add(age_ms)),
            packets: number,
            age_ms,
            client: None,
        };
        (number, age_ms, stage_one.packet(state, &seen, || 5))
    };
    packets.into_iter().map(&mut assess).collect()
}

fn is_suspected(stage_one: &mut StageOne, packets: &[SequencePacket], threshold: i32) -> bool {
    let mut state = ScoreState::default();
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
        let mut state = ScoreState::default();
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
        let both: Vec<SequencePacket> = quiet.clone().chain(&miner.packets).copied().collect();
        assert_eq!(is_suspected(&mut stage_one, &both, threshold), early);
    }
}

/// A session as its connection is cut every 25 s, and made again with the same handshake: the packets of each.
fn cut(session: &Sequence) -> Vec<Vec<SequencePacket>> {
    let (handshake, rest) = session.packets.split_at(6.min(session.packets.len()));
    let handshake: Vec<SequencePacket> =
        handshake.iter().map(|packet| SequencePacket { gap_ms: packet.gap_ms.min(200), ..*packet }).collect();
    let mut connections = vec![handshake.clone()];
    let mut age_ms = 0;
    for packet in rest {
        age_ms += packet.gap_ms;
        let mut gap_ms = packet.gap_ms;
        if age_ms > 25_000 {
            connections.push(handshake.clone());
            (age_ms, gap_ms) = (0, 100);
        }
        connections.last_mut().expect("one at least").push(SequencePacket { gap_ms, ..*packet });
    }
    connections
}

/// Whether any of `connections`, one after the other, becomes suspect; `pair_of` tells the server of each.
fn is_any_suspected(connections: &[Vec<SequencePacket>], pair_of: impl Fn(usize) -> u64) -> bool {
    let mut stage_one = stage_one();
    let threshold = stage_one.threshold(Sensitivity::Adaptive);
    let mut now = Stamp(5_000);
    let mut is_suspected = false;
    for (at, packets) in connections.iter().enumerate() {
        let (mut state, mut age_ms, mut number) = (ScoreState::default(), 0, 0);
        now = Stamp(now.0 + 3_000);
        for packet in packets {
            (now, age_ms, number) = (Stamp(now.0 + packet.gap_ms), age_ms + packet.gap_ms, number + 1);
            let &SequencePacket { direction, size, .. } = packet;
            let seen = Seen { owner: 7, direction, size, now, packets: number, age_ms, client: None };
            is_suspected |= stage_one.packet(&mut state, &seen, || pair_of(at)).reaches(threshold);
        }
    }
    is_suspected
}

/// No connection is old enough to be classified alone; what they show adds up.
#[test]
fn a_miner_whose_connection_is_cut_every_25_seconds_is_found() {
    let miners: Vec<Vec<Vec<SequencePacket>>> = captured(is_miner_in_tls).iter().map(cut).collect();
    let found = miners.iter().filter(|miner| is_any_suspected(miner, |_| 9)).count();
    let apart = miners.iter().filter(|miner| is_any_suspected(miner, |at| 9 + 2 * at as u64)).count();
    assert!(found * 10 >= miners.len() * 6, "{found} of {}", miners.len());
    assert_eq!(apart, 0, "each with a server of its own");
    let others = captured(|s| s.dialect == "ssh-typing" || s.dialect == "imap-idle");
    let mistaken = others.iter().filter(|other| is_any_suspected(&cut(other), |_| 9)).count();
    assert!(mistaken * 20 <= others.len(), "{mistaken} of {}", others.len());
}

#[test]
fn a_client_hello_adds_its_prior_to_the_sum() {
    use crate::dpi::TlsClient;
    let mut stage_one = stage_one();
    let miner = captured(is_miner_in_tls).swap_remove(0);
    let mut highest = |client| {
        let (mut state, mut now, mut highest) = (ScoreState::default(), 0, 0);
        for (packets, &SequencePacket { direction, size, gap_ms }) in (1..).zip(&miner.packets) {
            now += gap_ms;
            let seen = Seen { owner: 7, direction, size, now: Stamp(now), packets, age_ms: now, client };
            if let Assessment::Candidate { sum } = stage_one.packet(&mut state, &seen, || 5) {
                highest = highest.max(sum);
            }
        }
        stage_one.candidates.clear();
        highest
    };
    let none = highest(None);
    assert!(none > 10 * RATIO_ONE, "{none}");
    assert_eq!(highest(Some(TlsClient::Bare)), none + RATIO_ONE / 2);
    assert_eq!(highest(Some(TlsClient::Greases)), none - 2 * RATIO_ONE);
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
    let stage_one = stage_one();
    let eager = stage_one.threshold(Sensitivity::Eager);
    let is_suspect = |sensitivity, sum, is_listed| {
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

/// A replay of many houses' captures, over days: the threshold stays that of a new house.
#[test]
fn a_house_that_stays_new_learns_nothing() {
    let stage_one = stage_one();
    let start = stage_one.threshold(Sensitivity::Adaptive);
    let is_suspect = |sum, server, hours: u64| {
        let circumstances = Circumstances {
            sensitivity: Sensitivity::Adaptive,
            budget: NEW_HOUSE,
            is_listed: false,
            client: 1,
            server,
            now: Instant::from_micros(hours * 3_600_000_000),
        };
        stage_one.suspect(sum, &circumstances).is_some()
    };
    for number in 0..400 {
        assert!(is_suspect(start, number, number));
        assert!(!is_suspect(start - 1, number, number));
    }
}

#[test]
fn a_candidate_of_another_model_begins_anew() {
    let mut stage_one = stage_one();
    let miner = captured(is_miner_in_tls).swap_remove(0);
    let mut state = ScoreState::default();
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
    let mut state = ScoreState::default();
    for size in 0..200u8 {
        state.remember(Symbol { size, context: 0 });
        let window: Vec<u8> = state.window().map(|symbol| symbol.size).collect();
        let first = (size + 1).saturating_sub(HMM_RECENT as u8);
        assert_eq!(window, (first..=size).collect::<Vec<_>>());
    }
    state.begin_window();
    assert_eq!(state.window().count(), 0);
}
