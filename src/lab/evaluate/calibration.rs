//! Whether a probability holds: of the sessions that are said to be mining with 90 %, nine in ten should be.

use std::fmt::Write;

use crate::hmm::suspicion::Suspicion;
use crate::hmm::threshold::{Sensitivity, Test};
use crate::lab::train::calibration::PRIOR;
use crate::lab::train::scores::Trace;
use crate::lab::train::sequence::Label;

/// Suspects that were told with a probability between two bounds, at the threshold of a new house.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CalibrationBin {
    /// Percent, from and below.
    pub bounds: (u8, u8),
    /// Mining and other sessions.
    pub suspects: [usize; 2],
    /// Sum of the probabilities, percent.
    sum: u32,
}

impl CalibrationBin {
    /// Mean of the probabilities that were told, percent.
    pub(crate) fn mean(&self) -> f64 {
        f64::from(self.sum) / self.suspects.iter().sum::<usize>().max(1) as f64
    }

    /// Share of mining in percent, weighted as if `prior` of all sessions were mining.
    fn share(&self, all: [usize; 2], prior: f64) -> f64 {
        let rate = |label: Label| self.suspects[label as usize] as f64 / all[label as usize].max(1) as f64;
        let (mining, benign) = (prior * rate(Label::Mining), (1.0 - prior) * rate(Label::Benign));
        100.0 * mining / (mining + benign).max(f64::MIN_POSITIVE)
    }
}

/// The suspicions of `traces` by what was told of them.
pub(crate) fn told(traces: &[Trace<'_>], test: &Test) -> Vec<CalibrationBin> {
    let threshold = test.threshold(Sensitivity::Adaptive);
    let mut groups: Vec<CalibrationBin> = BOUNDS
        .windows(2)
        .map(|pair| CalibrationBin { bounds: (pair[0], pair[1]), ..CalibrationBin::default() })
        .collect();
    for trace in traces {
        let Some(sum) = trace.sums().find(|&sum| sum >= threshold) else { continue };
        let percent = Suspicion::new(sum, threshold, test).probability;
        if let Some(group) = groups.iter_mut().find(|g| (g.bounds.0..g.bounds.1).contains(&percent)) {
            group.suspects[trace.case.label() as usize] += 1;
            group.sum += u32::from(percent);
        }
    }
    groups.retain(|group| group.suspects != [0, 0]);
    groups
}

/// For people: told and true, the latter as the sessions are and as if one in five were mining.
pub(crate) fn table(groups: &[CalibrationBin], traces: &[Trace<'_>]) -> String {
    let of = |label| traces.iter().filter(|trace| trace.case.label() == label).count();
    let all = [of(Label::Benign), of(Label::Mining)];
    if all.contains(&0) {
        return String::new();
    }
    let mut out =
        String::from("probability told, by suspects of a new house       mining  others  true  weighted\n");
    for group in groups {
        let [benign, mining] = group.suspects;
        let share = 100.0 * mining as f64 / (mining + benign) as f64;
        let _ = writeln!(
            out,
            "  {:2} to {:2} %, {:4.1} in the mean {:24} {benign:7} {share:5.1} {:9.1}",
            group.bounds.0,
            group.bounds.1 - 1,
            group.mean(),
            mining,
            group.share(all, PRIOR),
        );
    }
    out
}

const BOUNDS: [u8; 9] = [1, 50, 60, 70, 80, 87, 93, 97, 100];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_prior_where_suspicion_says_nothing() {
        let told = CalibrationBin { suspects: [50, 10], ..CalibrationBin::default() };
        assert!((told.share([500, 100], PRIOR) - 20.0).abs() < 1e-9);
        assert!((told.share([50_000, 100], PRIOR) - 96.15).abs() < 0.01);
        assert_eq!(CalibrationBin { suspects: [0, 7], ..told }.share([500, 100], PRIOR), 100.0);
    }
}
