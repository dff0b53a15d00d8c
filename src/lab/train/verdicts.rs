//! Scores of whole sessions: rates, thresholds, confidence intervals.

use super::dataset::Case;
use super::sequence::Label;
use crate::hmm::RATIO_ONE;
use crate::hmm::decision::{BANDS, Decision, Sensitivity, Thresholds, band, is_checkpoint};
use crate::hmm::model::{Model, Rates};

/// A session and the ratio after each of its packets.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    /// The session.
    pub case: &'a Case,
    ratios: Vec<i16>,
}

/// What became of a session.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The decision; [`Decision::Undecided`] where it ended first.
    pub decision: Decision,
    /// Packets by then.
    pub packets: u16,
    /// Milliseconds by then.
    pub age_ms: u32,
}

impl<'a> Trace<'a> {
    /// Runs the integer model over `case`.
    pub fn new(case: &'a Case, model: &Model) -> Self {
        Trace { case, ratios: case.ratios(model) }
    }

    /// The same with ratios above `bias`, in bits: comparable to those of other trainings.
    pub fn above(mut self, bias: f64) -> Self {
        let bias = (bias * f64::from(RATIO_ONE)).round() as i16;
        self.ratios.iter_mut().for_each(|ratio| *ratio = ratio.saturating_sub(bias));
        self
    }

    /// Judges it packet by packet.
    pub fn outcome(&self, thresholds: &Thresholds, sensitivity: Sensitivity) -> Outcome {
        let mut last = Outcome { decision: Decision::Undecided, packets: 0, age_ms: 0 };
        for ((packets, age_ms), &ratio) in self.case.ages().zip(&self.ratios) {
            let decision = thresholds.judge(sensitivity, ratio, packets, age_ms);
            last = Outcome { decision, packets, age_ms };
            if decision != Decision::Undecided {
                break;
            }
        }
        last
    }

    /// The largest excess of the ratio over `shape` at a checkpoint before the ratio falls to `benign`,
    /// in bits: the session is suspect at every threshold up to that. Minus infinity where there is no
    /// checkpoint.
    pub fn peak(&self, shape: &[i16; BANDS], benign: i16) -> f64 {
        let mut peak = i32::MIN;
        for ((packets, age), &ratio) in self.case.ages().zip(&self.ratios) {
            if packets >= crate::limits::HMM_SURE_PACKETS && ratio <= benign {
                break;
            }
            if is_checkpoint(packets, age) {
                peak = peak.max(i32::from(ratio) - i32::from(shape[band(packets)]));
            }
        }
        if peak == i32::MIN { f64::NEG_INFINITY } else { f64::from(peak) / f64::from(RATIO_ONE) }
    }
}

/// Peaks of sessions, sorted, by label.
#[derive(Clone, Debug, Default)]
pub struct Peaks {
    /// Of mining, the highest first.
    pub mining: Vec<f64>,
    /// Of everything else.
    pub benign: Vec<f64>,
}

impl Peaks {
    /// The peaks of `traces`.
    pub fn of<'t, 'c: 't>(
        traces: impl IntoIterator<Item = &'t Trace<'c>>,
        shape: &[i16; BANDS],
        benign: i16,
    ) -> Self {
        let mut peaks = Peaks::default();
        for trace in traces {
            let peak = trace.peak(shape, benign);
            match trace.case.label() {
                Label::Mining => peaks.mining.push(peak),
                Label::Benign => peaks.benign.push(peak),
            }
        }
        peaks.mining.sort_by(|a, b| b.total_cmp(a));
        peaks.benign.sort_by(|a, b| b.total_cmp(a));
        peaks
    }

    /// The lowest threshold that at most a share `rate` of the benign reach, in bits.
    pub fn threshold(&self, rate: f64) -> f64 {
        let allowed = (rate * self.benign.len() as f64) as usize;
        let next = self.benign.get(allowed).copied().unwrap_or(f64::NEG_INFINITY);
        if next.is_finite() { next + 1.0 / f64::from(RATIO_ONE) } else { LOWEST_THRESHOLD }
    }

    /// Mining sessions that reach `threshold`.
    pub fn found(&self, threshold: f64) -> usize {
        self.mining.partition_point(|&peak| peak >= threshold)
    }

    /// Benign sessions that reach `threshold`.
    pub fn mistaken(&self, threshold: f64) -> usize {
        self.benign.partition_point(|&peak| peak >= threshold)
    }

    /// Share of mining found where a share `rate` of the benign is mistaken.
    pub fn recall(&self, rate: f64) -> f64 {
        self.found(self.threshold(rate)) as f64 / self.mining.len().max(1) as f64
    }
}

/// A threshold that rises by `rise` bits from band to band.
pub fn shape(rise: f64) -> [i16; BANDS] {
    core::array::from_fn(|band| (band as f64 * rise * f64::from(RATIO_ONE)) as i16)
}

/// Thresholds for every sensitivity, by the sessions held back; and what they give there.
pub fn choose(traces: &[Trace<'_>], rise: f64) -> (Thresholds, [Rates; 3]) {
    let shape = shape(rise);
    let peaks = Peaks::of(traces, &shape, i16::MIN);
    let mut thresholds =
        Thresholds { benign: benign_threshold(traces, &peaks, &shape), ..Default::default() };
    for sensitivity in Sensitivity::ALL {
        let base = peaks.threshold(f64::from(sensitivity.false_positives()) / 10_000.0);
        let base = (base * f64::from(RATIO_ONE)).ceil();
        let above = |band: usize| {
            let lowest = f64::from(thresholds.benign) + f64::from(RATIO_ONE);
            (base + f64::from(shape[band])).clamp(lowest, f64::from(i16::MAX)) as i16
        };
        thresholds.suspect[sensitivity as usize] = core::array::from_fn(above);
    }
    let mut rates = [Rates::default(); 3];
    for sensitivity in Sensitivity::ALL {
        let share = |label| {
            let of_label: Vec<_> = traces.iter().filter(|t| t.case.label() == label).collect();
            let suspect = |t: &&&Trace<'_>| t.outcome(&thresholds, sensitivity).decision == Decision::Suspect;
            (10_000 * of_label.iter().filter(suspect).count() / of_label.len().max(1)) as u16
        };
        rates[sensitivity as usize] =
            Rates { recall: share(Label::Mining), false_positives: share(Label::Benign) };
    }
    (thresholds, rates)
}

/// `thresholds` of ratios above a bias, for ratios as they are.
pub fn raise(mut thresholds: Thresholds, bias: f64) -> Thresholds {
    let bias = (bias * f64::from(RATIO_ONE)).round() as i16;
    for threshold in thresholds.suspect.iter_mut().flatten().chain([&mut thresholds.benign]) {
        *threshold = threshold.saturating_add(bias);
    }
    thresholds
}

/// So low that one in 400 mining sessions that would become suspect at all falls to it before.
fn benign_threshold(traces: &[Trace<'_>], peaks: &Peaks, shape: &[i16; BANDS]) -> i16 {
    let base = peaks.threshold(f64::from(Sensitivity::Eager.false_positives()) / 10_000.0);
    let mut lows: Vec<i16> = Vec::new();
    for trace in traces.iter().filter(|t| t.case.label() == Label::Mining) {
        let mut low = i16::MAX;
        for ((packets, age), &ratio) in trace.case.ages().zip(&trace.ratios) {
            if packets >= crate::limits::HMM_SURE_PACKETS {
                low = low.min(ratio);
            }
            let height = f64::from(ratio - shape[band(packets)]) / f64::from(RATIO_ONE);
            if is_checkpoint(packets, age) && height >= base {
                lows.push(low);
                break;
            }
        }
    }
    lows.sort_unstable();
    lows.get(lows.len() / 400).map_or(i16::MIN, |low| low.saturating_sub(1))
}

/// Wilson's interval of a share, 95 %.
pub fn interval(hits: usize, of: usize) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.96;
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Where no benign session has a checkpoint, bits.
const LOWEST_THRESHOLD: f64 = 0.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_lets_its_share_of_the_benign_pass() {
        let benign: Vec<f64> = (0..1_000).rev().map(f64::from).collect();
        let peaks = Peaks { mining: vec![2_000.0, 995.0, 500.0, f64::NEG_INFINITY], benign };
        let threshold = peaks.threshold(0.01);
        assert_eq!(peaks.mistaken(threshold), 10);
        assert_eq!(peaks.found(threshold), 2);
        assert_eq!(peaks.mistaken(peaks.threshold(0.0)), 0);
        assert_eq!(peaks.recall(0.6), 0.75);
    }

    #[test]
    fn intervals_of_rare_events_are_not_empty() {
        let (low, high) = interval(0, 400);
        assert!(low == 0.0 && (0.009..0.011).contains(&high), "{high}");
        let (low, high) = interval(50, 100);
        assert!((0.40..0.41).contains(&low) && (0.59..0.60).contains(&high));
    }
}
