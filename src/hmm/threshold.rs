//! The sequential test: when the evidence of a flow is enough to ask its server.
//!
//! Page's test for a change ("Continuous inspection schemes", Biometrika, 1954): each symbol adds the panel's
//! log-likelihood ratio less a drift to a sum that never falls below zero, so that evidence adds up from whenever
//! mining begins, and the test has no end. The sum forgets a 32nd of itself each time, as in a geometric moving
//! average (Roberts, Technometrics, 1959): hundreds of symbols of a slightly wrong model must not outweigh anything. Page's thresholds follow from the false alarms that are acceptable
//! where increments are independent and both models are true; neither holds here. Thresholds are therefore
//! measured: each [`Sensitivity`] suspects a stated share of the benign long flows of programs that training
//! did not know.

use crate::util::named::named;

named! {
    /// Amount of suspicion wanted. Its cost is probes, since only proof blocks.
    #[derive(Default)]
    pub enum Sensitivity {
        /// 1 in 1,000 benign long flows.
        Cautious = "cautious",
        /// 1 in 100.
        Balanced = "balanced",
        /// 1 in 20.
        Eager = "eager",
        /// The threshold follows the house ([`super::house`]).
        #[default]
        Adaptive = "adaptive",
    }
}

impl Sensitivity {
    /// Sensitivities with a fixed rate, the most reluctant first.
    pub const FIXED: [Sensitivity; 3] = [Sensitivity::Cautious, Sensitivity::Balanced, Sensitivity::Eager];
}

/// Parameters of the test, in [`RATIO_ONE`](super::RATIO_ONE)ths of a bit unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Test {
    /// Subtracted with each symbol.
    pub drift: i16,
    /// Sum of the first member over the latest symbols from which a flow is a candidate.
    pub screen: i16,
    /// Thresholds of the three fixed sensitivities.
    pub fixed: [i16; 3],
    /// Threshold of a house of which nothing is known yet.
    pub start: i16,
    /// Lowest threshold of any house.
    pub floor: i16,
    /// Sum at which mining is as likely as not, among as many mining as benign sessions.
    pub even: i16,
    /// Rise of the logarithm of the odds with the sum, in 2^-15 nats.
    pub slope: i16,
}

impl Test {
    /// The mildest test, of a model whose thresholds are not known yet.
    #[cfg(feature = "host")]
    pub(crate) const ANY: Test =
        Test { drift: 0, screen: 0, fixed: [1, 1, 1], start: 1, floor: 1, even: 0, slope: 1 };
    /// A test with round numbers.
    #[cfg(test)]
    pub(crate) const EXAMPLE: Test = Test {
        drift: 64,
        screen: 0,
        fixed: [60 * 64, 40 * 64, 20 * 64],
        start: 30 * 64,
        floor: 10 * 64,
        even: 15 * 64,
        slope: 51,
    };
    /// Numbers in the model file.
    pub(crate) const FIELDS: usize = 9;

    /// Reads the file's numbers, unless they contradict each other.
    pub(crate) fn from_fields(fields: [i16; Test::FIELDS]) -> Option<Self> {
        let [drift, screen, cautious, balanced, eager, start, floor, even, slope] = fields;
        let fixed = [cautious, balanced, eager];
        let is_ordered = cautious >= balanced && balanced >= eager && eager >= floor && start >= floor;
        (drift >= 0 && is_ordered && floor > 0 && slope > 0).then_some(Test {
            drift,
            screen,
            fixed,
            start,
            floor,
            even,
            slope,
        })
    }

    /// Numbers for the file.
    #[cfg(any(test, feature = "host"))]
    pub(crate) fn fields(&self) -> [i16; Test::FIELDS] {
        let [cautious, balanced, eager] = self.fixed;
        let Test { drift, screen, start, floor, even, slope, .. } = *self;
        [drift, screen, cautious, balanced, eager, start, floor, even, slope]
    }

    /// The sum from which an inconclusive probe does not clear a server: twice the threshold of *balanced*.
    pub(crate) fn strong(&self) -> i32 {
        let [_, balanced, _] = self.fixed;
        2 * i32::from(balanced)
    }

    /// The threshold of `sensitivity`; that of a new house where it follows the house.
    pub(crate) fn threshold(&self, sensitivity: Sensitivity) -> i32 {
        let [cautious, balanced, eager] = self.fixed;
        i32::from(match sensitivity {
            Sensitivity::Cautious => cautious,
            Sensitivity::Balanced => balanced,
            Sensitivity::Eager => eager,
            Sensitivity::Adaptive => self.start,
        })
    }
}

/// Adds a step to Page's sum.
pub(crate) fn accumulate(sum: i32, gain: i32, drift: i16) -> i32 {
    (sum - (sum >> LEAK_SHIFT) + gain - i32::from(drift)).max(0)
}

/// Each symbol takes a 32nd of the sum. A gain is at most ten bits, so the sum stays below 320. (Sessions of
/// applications held back, recall at 0.15, 1 and 5 %: .45, .73, .86 without, .46, .75, .88 with a 32nd, .53, .74, .88
/// with a 16th.)
const LEAK_SHIFT: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::RATIO_ONE;

    #[test]
    fn the_sum_finds_a_change_however_late_it_comes() {
        let benign = |sum| accumulate(sum, -2 * RATIO_ONE, 64);
        let mining = |sum| accumulate(sum, 5 * RATIO_ONE, 64);
        let long = (0..10_000).fold(0, |sum, _| benign(sum));
        let late = (0..8).fold(long, |sum, _| mining(sum));
        let early = (0..8).fold(0, |sum, _| mining(sum));
        assert_eq!(late, early);
        assert!((7 * 4 * RATIO_ONE..8 * 4 * RATIO_ONE).contains(&early), "{early}");
        let most = (0..100_000).fold(0, |sum, _| accumulate(sum, crate::hmm::GAIN_MAX, 0));
        assert!((319 * RATIO_ONE..=321 * RATIO_ONE).contains(&most), "{most}");
    }

    #[test]
    fn thresholds_that_contradict_each_other_are_refused() {
        let good = [64, 100, 900, 700, 500, 600, 400, 300, 900];
        let test = Test::from_fields(good).expect("ordered");
        assert_eq!(test.fields(), good);
        assert_eq!(test.threshold(Sensitivity::Balanced), 700);
        assert_eq!(test.threshold(Sensitivity::Adaptive), 600);
        assert_eq!(test.strong(), 1_400);
        let equal = [64, 100, 700, 700, 700, 700, 700, 300, 900];
        assert!(Test::from_fields(equal).is_some(), "thresholds may be the same");
        for (at, value) in [(0, -1), (3, 901), (4, 701), (5, 399), (6, 501), (6, 0), (8, 0)] {
            let mut bad = good;
            bad[at] = value;
            assert_eq!(Test::from_fields(bad), None, "{at}");
        }
    }
}
