//! From sequences to what is trained on: symbols, weights, disturbed copies.

use std::collections::HashMap;

use super::renewal;
use super::rng::Rng;
use super::sequence::{Label, Sequence, SequenceOrigin};
use crate::hmm::ScoreState;
use crate::hmm::alphabet::Symbol;
use crate::hmm::is_old_enough;
use crate::util::time::Stamp;

/// A flow as stage one sees it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Packets and origin.
    pub sequence: Sequence,
    /// The symbol of each packet, where it has one.
    pub symbols: Vec<Option<Symbol>>,
    /// Weight in the training.
    pub weight: f64,
}

impl Case {
    /// The flow `sequence`.
    pub(crate) fn new(sequence: Sequence, weight: f64) -> Self {
        let (mut state, mut now) = (ScoreState::default(), 0u32);
        let observe = |p: &super::sequence::SequencePacket| {
            now = now.wrapping_add(p.gap_ms);
            state.observe(p.direction, p.size, Stamp(now))
        };
        let symbols = sequence.packets.iter().map(observe).collect();
        Case { sequence, symbols, weight }
    }

    /// Label of the flow.
    pub(crate) fn label(&self) -> Label {
        self.sequence.label
    }

    /// The symbols, without the packets that have none.
    pub(crate) fn spelt(&self) -> Vec<Symbol> {
        self.symbols.iter().flatten().copied().collect()
    }

    /// Number and age of each packet, milliseconds.
    pub(crate) fn ages(&self) -> impl Iterator<Item = (u16, u32)> {
        let mut age = 0u32;
        self.sequence.packets.iter().zip(1u32..).map(move |(p, number)| {
            age = age.saturating_add(p.gap_ms);
            (u16::try_from(number).unwrap_or(u16::MAX), age)
        })
    }

    /// Symbols before the first packet at which the flow is long and old enough to become suspect.
    pub(crate) fn symbols_before_age(&self) -> usize {
        let is_young = |(packets, age): (u16, u32)| !is_old_enough(packets, age);
        let young = self.ages().take_while(|&age| is_young(age)).count();
        self.symbols[..young].iter().flatten().count()
    }
}

/// The long flows among `sequences`. Flows of one session share its weight. Three scripted sessions weigh as
/// much as a real one; with one as much as one, recall on real sessions was lower.
pub(crate) fn cases(sequences: Vec<Sequence>) -> Vec<Case> {
    let key = |s: &Sequence| (s.label, s.kind.clone(), s.application.clone(), s.session);
    let long: Vec<Sequence> = sequences.into_iter().filter(Sequence::is_long).collect();
    let mut flows: HashMap<_, u32> = HashMap::new();
    for sequence in &long {
        *flows.entry(key(sequence)).or_default() += 1;
    }
    let weigh = |sequence: Sequence| {
        let weight = if sequence.origin() == SequenceOrigin::Scripted { 1.0 } else { REAL_WEIGHT };
        let share = weight / f64::from(flows[&key(&sequence)]);
        Case::new(sequence, share)
    };
    long.into_iter().map(weigh).collect()
}

/// A copy of each case as an evader would have it (or a padding library, or a bad line).
pub(crate) fn disturbed(cases: &[&Case], seed: u64) -> Vec<Case> {
    let copy = |(index, case): (usize, &&Case)| {
        let mut rng = Rng::keyed(seed, index as u64);
        Case::new(disturb(&case.sequence, &mut rng), case.weight * DISTURBED_WEIGHT)
    };
    cases.iter().enumerate().map(copy).collect()
}

fn disturb(sequence: &Sequence, rng: &mut Rng) -> Sequence {
    let mut sequence = sequence.clone();
    let padding = rng.range(0, 3);
    let block = *rng.pick(&[16, 32, 64, 128]);
    let most = *rng.pick(&[32, 64, 128, 256]);
    let delay = *rng.pick(&[0.0, 150.0, 600.0, 1_500.0]);
    for packet in &mut sequence.packets {
        match padding {
            0 => packet.size = packet.size.next_multiple_of(block),
            1 => packet.size += rng.range(0, most),
            2 => packet.size += block,
            _ => {}
        }
        if delay > 0.0 {
            let stretched = f64::from(packet.gap_ms) * rng.uniform(0.7, 1.3);
            packet.gap_ms = (stretched + rng.exponential(delay)) as u32;
        }
    }
    if rng.chance(RENEWED) {
        sequence.packets = renewal::renewed(sequence.packets, &sequence.transport, rng);
    }
    sequence
}

const REAL_WEIGHT: f64 = 3.0;
const DISTURBED_WEIGHT: f64 = 0.4;
/// Share of the disturbed copies that also renew their keys.
const RENEWED: f64 = 0.15;
