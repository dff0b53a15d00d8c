//! From the sums of sessions held back to thresholds, and to a probability that people understand.

use super::scores::Peaks;
use super::selection::{Choice, HeldBack};
use super::sequence::{Label, Origin};
use crate::hmm::RATIO_ONE;
use crate::hmm::threshold::Test;

/// The test of the panel `choice` by the sessions held back from its members.
pub(crate) fn test(held_back: &[HeldBack<'_>], choice: &Choice) -> Test {
    let mut peaks = Peaks::default();
    for held_back in held_back.iter().filter(|h| h.case.sequence.origin() != Origin::Scripted) {
        peaks.add(held_back.case.label(), held_back.peak(&choice.members, choice.drift));
    }
    peaks.sort();
    let unit = peaks.threshold(0.01) * f64::from(RATIO_ONE);
    let [cautious, balanced, eager, start, floor] =
        HOUSES.map(|share| (share * unit).clamp(f64::from(RATIO_ONE), f64::from(i16::MAX)) as i16);
    let (even, slope) = odds(held_back, choice);
    let screen = SCREEN_BITS * RATIO_ONE as i16;
    Test { drift: choice.drift, screen, fixed: [cautious, balanced, eager], start, floor, even, slope }
}

/// Logistic regression of the label on the peak (Platt, "Probabilistic outputs for support vector machines", 1999),
/// both classes weighing the same; where the odds are even, and their slope as [`Test`] has it.
fn odds(held_back: &[HeldBack<'_>], choice: &Choice) -> (i16, i16) {
    let of = |label| held_back.iter().filter(move |h| h.case.label() == label);
    let [mining, benign] = [Label::Mining, Label::Benign].map(|label| of(label).count().max(1) as f64);
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for held_back in held_back {
        let peak = held_back.peak(&choice.members, choice.drift).clamp(0.0, PEAK_MAX);
        let (truth, weight) = match held_back.case.label() {
            Label::Mining => (1.0, 1.0 / mining),
            Label::Benign => (0.0, 1.0 / benign),
        };
        points.push((peak, truth, weight));
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
    let unit = f64::from(RATIO_ONE);
    let even = (-offset / slope * unit).clamp(0.0, f64::from(i16::MAX)) as i16;
    (even, (slope / unit * f64::from(1 << 15)).clamp(1.0, f64::from(i16::MAX)) as i16)
}

/// Thresholds that suspect 0.1, 1, 5, 2 and 8 % of the long flows of real houses, in units of the one that 1 % of
/// the real sessions held back reach. Measured once on public captures of houses and test beds (README of the
/// training), which are not part of the training: the crowd of daemons there is harder than a house.
const HOUSES: [f64; 5] = [1.17, 0.77, 0.54, 0.6, 0.38];
/// Bits of the first member's sum over eight symbols.
const SCREEN_BITS: i16 = 6;
/// Bits beyond which a sum says no more.
const PEAK_MAX: f64 = 300.0;
const NEWTON_STEPS: u32 = 25;
