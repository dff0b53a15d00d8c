//! The choice of a panel: which trainings, with which drift, by sessions held back from each.

use rayon::prelude::*;

use super::dataset::Case;
use super::scores::Peaks;
use super::sequence::SequenceOrigin;
use crate::hmm::model::Pair;
use crate::hmm::threshold::accumulate;
use crate::hmm::{RATIO_ONE, is_old_enough};

/// A session held back, and what each candidate for the panel says of its symbols.
#[derive(Clone, Debug)]
pub(crate) struct HeldBack<'a> {
    /// The session.
    pub case: &'a Case,
    /// Gains of each symbol by candidate, in [`RATIO_ONE`]ths of a bit.
    pub gains: Vec<Vec<i32>>,
}

/// The best panel that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PanelChoice {
    /// Numbers of the candidates, the best single one first.
    pub members: Vec<usize>,
    /// Loss of Page's sum with each symbol, in [`RATIO_ONE`]ths of a bit.
    pub drift: i16,
    /// Mean recall over [`RATES`] after each member was added.
    pub scores: Vec<f64>,
}

impl<'a> HeldBack<'a> {
    /// `case` as `candidates` weigh it.
    pub(crate) fn new(case: &'a Case, candidates: &[&Pair]) -> Self {
        let symbols = case.spelt();
        HeldBack { case, gains: candidates.iter().map(|pair| pair.gains(&symbols)).collect() }
    }

    /// Page's sum of the mean of `members` after each packet that may make the flow suspect.
    pub(crate) fn sums(&self, members: &[usize], drift: i16) -> Vec<i32> {
        let mut sum = 0;
        let mut symbol = 0;
        let mut sums = Vec::new();
        for ((packets, age), seen) in self.case.ages().zip(&self.case.symbols) {
            if seen.is_some() {
                let gains: i32 = members.iter().map(|&member| self.gains[member][symbol]).sum();
                sum = accumulate(sum, gains.div_euclid(members.len() as i32), drift);
                symbol += 1;
            }
            if is_old_enough(packets, age) {
                sums.push(sum);
            }
        }
        sums
    }

    /// The highest of these sums, in bits; minus infinity of a flow that can't become suspect.
    pub(crate) fn peak(&self, members: &[usize], drift: i16) -> f64 {
        let peak = self.sums(members, drift).into_iter().max();
        peak.map_or(f64::NEG_INFINITY, |peak| f64::from(peak) / f64::from(RATIO_ONE))
    }
}

/// Chooses `size` of the candidates, one after the other, each with the drift that suits the panel so far.
pub(crate) fn choose(held_back: &[HeldBack<'_>], candidates: usize, size: usize) -> PanelChoice {
    let mut choice = PanelChoice { members: Vec::new(), drift: 0, scores: Vec::new() };
    while choice.members.len() < size.min(candidates) {
        let mut trials = Vec::new();
        for candidate in (0..candidates).filter(|candidate| !choice.members.contains(candidate)) {
            let members: Vec<usize> = choice.members.iter().copied().chain([candidate]).collect();
            trials.extend(DRIFTS.map(|bits| (members.clone(), bits * RATIO_ONE as i16)));
        }
        let score = |(members, drift): (Vec<usize>, i16)| (score(held_back, &members, drift), members, drift);
        let scored: Vec<(f64, Vec<usize>, i16)> = trials.into_par_iter().map(score).collect();
        // Among equals the first, so that the result does not depend on the number of threads.
        let best = scored.into_iter().reduce(|best, other| if other.0 > best.0 { other } else { best });
        let Some((score, members, drift)) = best else { break };
        choice.scores.push(score);
        (choice.members, choice.drift) = (members, drift);
    }
    choice
}

/// Mean recall over [`RATES`], of real and of scripted sessions; the real ones count twice.
fn score(held_back: &[HeldBack<'_>], members: &[usize], drift: i16) -> f64 {
    let of = |scripted: bool| {
        let mut peaks = Peaks::default();
        for held_back in held_back {
            if (held_back.case.sequence.origin() == SequenceOrigin::Scripted) == scripted {
                peaks.add(held_back.case.label(), held_back.peak(members, drift));
            }
        }
        peaks.sort();
        RATES.map(|rate| peaks.recall(rate)).iter().sum::<f64>() / RATES.len() as f64
    };
    (2.0 * of(false) + of(true)) / 3.0
}

/// Shares of the benign sessions that a good panel is chosen by.
const RATES: [f64; 4] = [0.001_5, 0.005, 0.01, 0.05];
/// Bits a symbol.
const DRIFTS: [i16; 5] = [1, 2, 3, 4, 5];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::train::sequence::{Label, Sequence, SequencePacket};
    use crate::net::direction::Direction;

    fn case(label: Label) -> Case {
        let packet = |number: u32| SequencePacket {
            direction: if number.is_multiple_of(2) { Direction::ToServer } else { Direction::ToClient },
            size: 100,
            gap_ms: 5_000,
        };
        let sequence = Sequence {
            label,
            application: "x".into(),
            dialect: "x".into(),
            transport: "tls13".into(),
            kind: "real".into(),
            session: 0,
            client: None,
            packets: (0..40).map(packet).collect(),
        };
        Case::new(sequence, 1.0)
    }

    /// A candidate that says nothing, one that is right, and one that is wrong.
    #[test]
    fn a_bad_start_never_becomes_a_member_before_a_good_one() {
        let (mining, benign) = (case(Label::Mining), case(Label::Benign));
        let gains = |right: i32| {
            let of = |bits: i32| vec![bits * RATIO_ONE; mining.spelt().len()];
            vec![of(0), of(right), of(-right)]
        };
        let held_back =
            [HeldBack { case: &mining, gains: gains(10) }, HeldBack { case: &benign, gains: gains(-10) }];
        let choice = choose(&held_back, 3, 2);
        assert_eq!(choice.members, [1, 0]);
        assert_eq!(choice.scores.len(), 2);
        assert!(held_back[0].peak(&[1], 64) > 100.0 && held_back[1].peak(&[1], 64) <= 0.0);
    }
}
