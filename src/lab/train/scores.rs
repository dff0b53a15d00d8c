//! Scores of whole sessions: the router's own run over each, peaks, recall, confidence intervals.

use rayon::prelude::*;

use super::dataset::Case;
use super::sequence::Label;
use crate::hmm::model::Model;
use crate::hmm::{Assessment, RATIO_ONE, ScoreState, Seen, StageOne};
use crate::util::time::Stamp;

/// A session and what stage one makes of each of its packets.
#[derive(Clone, Debug)]
pub(crate) struct Trace<'a> {
    /// The session.
    pub case: &'a Case,
    assessments: Vec<Assessment>,
    /// Page's sum of the screening that came closest, less what it takes to become a candidate.
    nearest: i32,
}

/// The moment at which a session becomes suspect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuspectMoment {
    /// Packets by then.
    pub packets: u16,
    /// Milliseconds by then.
    pub age_ms: u32,
}

impl<'a> Trace<'a> {
    /// Runs `stage_one` over `case`, alone and without the engine's budget.
    pub(crate) fn new(case: &'a Case, stage_one: &mut StageOne) -> Self {
        let screen = i32::from(stage_one.model().test.screen);
        let mut state = ScoreState::default();
        let mut nearest = i32::from(i16::MIN);
        let mut now = 0u32;
        let mut assessments = Vec::with_capacity(case.sequence.packets.len());
        for ((packets, age_ms), packet) in case.ages().zip(&case.sequence.packets) {
            now = now.wrapping_add(packet.gap_ms);
            let seen = Seen {
                owner: 0,
                direction: packet.direction,
                size: packet.size,
                now: Stamp(now),
                packets,
                age_ms,
                client: case.sequence.client,
            };
            let assessment = stage_one.packet(&mut state, &seen, || 0);
            if let Assessment::Unlikely { sum, .. } = assessment {
                nearest = nearest.max(sum - screen);
            }
            assessments.push(assessment);
        }
        stage_one.release(&state);
        Trace { case, assessments, nearest }
    }

    /// Runs `model` over all of `cases`.
    pub(crate) fn of_all(cases: &'a [Case], model: &Model) -> Vec<Self> {
        let stage_one = || StageOne::new(Box::new(model.clone()), 1);
        cases.par_iter().map_init(stage_one, |stage_one, case| Trace::new(case, stage_one)).collect()
    }

    /// The first packet at which the session is suspect, if it ever is.
    pub(crate) fn suspicion(&self, threshold: i32) -> Option<SuspectMoment> {
        let mut ages = self.case.ages().zip(&self.assessments);
        let ((packets, age_ms), _) = ages.find(|(_, assessment)| assessment.reaches(threshold))?;
        Some(SuspectMoment { packets, age_ms })
    }

    /// What is compared with the threshold, packet after packet.
    pub(crate) fn sums(&self) -> impl Iterator<Item = i32> {
        self.assessments.iter().filter_map(|assessment| match assessment {
            Assessment::Candidate { sum } => Some(*sum),
            Assessment::Pending | Assessment::Unlikely { .. } => None,
        })
    }

    /// The highest sum, in bits: the session is suspect at every threshold up to it. Below zero for a session
    /// that is never a candidate.
    pub(crate) fn peak(&self) -> f64 {
        let highest = self.sums().max();
        f64::from(highest.unwrap_or(self.nearest.min(-1))) / f64::from(RATIO_ONE)
    }
}

/// Peaks of sessions by label, the highest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peaks {
    /// Scores of mining.
    pub mining: Vec<f64>,
    /// Scores of all other traffic.
    pub benign: Vec<f64>,
}

impl Peaks {
    /// The peaks of `traces`.
    pub(crate) fn of<'t, 'c: 't>(traces: impl IntoIterator<Item = &'t Trace<'c>>) -> Self {
        let mut peaks = Peaks::default();
        for trace in traces {
            peaks.add(trace.case.label(), trace.peak());
        }
        peaks.sort();
        peaks
    }

    /// Adds one; the order is restored by [`Peaks::sort`].
    pub(crate) fn add(&mut self, label: Label, peak: f64) {
        match label {
            Label::Mining => self.mining.push(peak),
            Label::Benign => self.benign.push(peak),
        }
    }

    /// Puts the highest first.
    pub(crate) fn sort(&mut self) {
        self.mining.sort_by(|a, b| b.total_cmp(a));
        self.benign.sort_by(|a, b| b.total_cmp(a));
    }

    /// The lowest threshold that at most a share `rate` of the benign reach, in bits.
    pub(crate) fn threshold(&self, rate: f64) -> f64 {
        let allowed = (rate * self.benign.len() as f64) as usize;
        let next = self.benign.get(allowed).copied().unwrap_or(f64::NEG_INFINITY);
        if next.is_finite() { next + 1.0 / f64::from(RATIO_ONE) } else { LOWEST_THRESHOLD }
    }

    /// Mining sessions that reach `threshold`.
    pub(crate) fn found(&self, threshold: f64) -> usize {
        self.mining.partition_point(|&peak| peak >= threshold)
    }

    /// Benign sessions that reach `threshold`.
    pub(crate) fn mistaken(&self, threshold: f64) -> usize {
        self.benign.partition_point(|&peak| peak >= threshold)
    }

    /// Share of mining found where a share `rate` of the benign is mistaken.
    pub(crate) fn recall(&self, rate: f64) -> f64 {
        self.found(self.threshold(rate)) as f64 / self.mining.len().max(1) as f64
    }
}

/// Wilson's interval of a share, 95 %.
pub(crate) fn interval(hits: usize, of: usize) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.96;
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Threshold at which no benign session can become suspect, bits.
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
