//! From the sums of sessions held back to thresholds, and to a probability that people understand.

use super::scores::Peaks;
use super::selection::{HeldBack, PanelChoice};
use super::sequence::{Label, SequenceOrigin};
use crate::hmm::RATIO_ONE;
use crate::hmm::house::LEVEL_WIDTH;
use crate::hmm::threshold::Test;

/// The test of the panel `choice` by the sessions held back from its members.
pub(crate) fn test(held_back: &[HeldBack<'_>], choice: &PanelChoice) -> Test {
    let mut peaks = Peaks::default();
    for held_back in held_back.iter().filter(|h| h.case.sequence.origin() != SequenceOrigin::Scripted) {
        peaks.add(held_back.case.label(), held_back.peak(&choice.members, choice.drift));
    }
    peaks.sort();
    let unit = peaks.threshold(0.01) * f64::from(RATIO_ONE);
    let [cautious, balanced, start, eager, floor] = thresholds(HOUSES, unit);
    let (even, slope) = odds(held_back, choice, &thresholds(TOLD, unit));
    let screen = SCREEN_BITS * RATIO_ONE as i16;
    Test { drift: choice.drift, screen, fixed: [cautious, balanced, eager], start, floor, even, slope }
}

/// The thresholds of *cautious*, *balanced*, a new house, *eager* and the floor, from multiples of `unit`.
fn thresholds(multiples: [f64; 5], unit: f64) -> [i16; 5] {
    let [cautious, balanced, start, eager, floor] =
        multiples.map(|share| (share * unit).clamp(f64::from(RATIO_ONE), f64::from(i16::MAX)) as i16);
    // A house's threshold is the begin of a level of its histogram.
    let width = LEVEL_WIDTH as i16;
    [cautious, balanced, floor + (start - floor) / width * width, eager, floor]
}

/// Logistic regression (Platt, "Probabilistic outputs for support vector machines", 1999) of the label on what an event
/// knows: the sum with which a session first reaches the threshold, whichever of `thresholds` that is. One in five
/// sessions is taken to be mining before it is looked at. Answers where the odds are even, and their slope as [`Test`]
/// has it.
fn odds(held_back: &[HeldBack<'_>], choice: &PanelChoice, thresholds: &[i16]) -> (i16, i16) {
    let of = |label| held_back.iter().filter(move |h| h.case.label() == label);
    let [mining, benign] = [Label::Mining, Label::Benign].map(|label| of(label).count().max(1) as f64);
    let unit = f64::from(RATIO_ONE);
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for held_back in held_back {
        let sums = held_back.sums(&choice.members, choice.drift);
        let (truth, weight) = match held_back.case.label() {
            Label::Mining => (1.0, PRIOR / mining),
            Label::Benign => (0.0, (1.0 - PRIOR) / benign),
        };
        for &threshold in thresholds {
            if let Some(&sum) = sums.iter().find(|&&sum| sum >= i32::from(threshold)) {
                points.push((f64::from(sum) / unit, truth, weight));
            }
        }
    }
    let (mut offset, mut slope) = (0.0, 0.05);
    for _ in 0..NEWTON_STEPS {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for &(x, truth, weight) in &points {
            let p = 1.0 / (1.0 + (-(offset + slope * x)).exp());
            let (error, curve) = (weight * (truth - p), weight * p * (1.0 - p));
            (g0, g1) = (g0 + error, g1 + error * x);
            (h00, h01, h11) = (h00 + curve, h01 + curve * x, h11 + curve * x * x);
        }
        let determinant: f64 = h00 * h11 - h01 * h01;
        offset += (h11 * g0 - h01 * g1) / determinant;
        slope += (h00 * g1 - h01 * g0) / determinant;
    }
    let even = (-offset / slope * unit).clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
    (even, (slope / unit * f64::from(1 << 15)).clamp(1.0, f64::from(i16::MAX)) as i16)
}

/// Thresholds that suspect 0, 0.6, 1.6, 3.4 and at most 5 % of the long flows of real houses, in units of the one that 1 % of
/// the real sessions held back reach. Measured once on public captures of houses and test beds (README of the
/// training), which are not part of the training: the crowd of daemons there is harder than a house.
const HOUSES: [f64; 5] = [0.69, 0.52, 0.41, 0.3196, 0.319];
/// Thresholds at which the probability is fitted, in the same unit: the range in which events are told.
const TOLD: [f64; 5] = [1.0, 0.69, 0.52, 0.41, 0.33];
/// Bits of the first member's sum over eight symbols.
const SCREEN_BITS: i16 = 6;
/// Share of mining among the sessions that the probability is meant for: as many as are held back here.
pub(crate) const PRIOR: f64 = 0.2;
const NEWTON_STEPS: u32 = 25;
