//! A suspicion in terms that people understand: how likely it is, and for which plain reason.

use core::fmt::Write;

use micromath::F32Ext;

use super::threshold::Test;
use super::{RATIO_ONE, ScoreState};

/// Evidence of stage one against a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// Page's sum, in [`RATIO_ONE`]ths of a bit.
    pub sum: i32,
    /// The threshold that it reached.
    pub threshold: i32,
    /// Probability of mining in percent, 1 to 99: where a session is as likely to be mining as not before it is
    /// looked at, as among those on which this was calibrated.
    pub probability: u8,
    /// The sum lies so far beyond the threshold of *balanced* that an inconclusive probe does not clear the server.
    pub is_strong: bool,
}

impl Suspicion {
    pub(crate) fn new(sum: i32, threshold: i32, test: &Test) -> Self {
        Suspicion { sum, threshold, probability: percent(sum, test), is_strong: sum >= test.strong() }
    }
}

/// The logistic function of the sum. Once for each suspicion and off the packet's way, so in floating point; where a
/// router has no floating-point unit, `micromath` costs less than the C library's.
fn percent(sum: i32, test: &Test) -> u8 {
    let nats = (sum - i32::from(test.even)) as f32 * f32::from(test.slope) / 32_768.0;
    let probability = 1.0 / (1.0 + F32Ext::exp(-nats.clamp(-20.0, 20.0)));
    (probability * 100.0).clamp(1.0, 99.0) as u8
}

/// The reason in words, with the probability before it; `packets` are the payload packets so far.
pub fn reason(suspicion: &Suspicion, state: &ScoreState, packets: u16) -> heapless::String<96> {
    let mut text = heapless::String::new();
    let [client_initiated, client_response, server_response, server_push] = state.sizes;
    let probability = suspicion.probability;
    // Each fits: numbers have four digits at most, the probability two.
    let written = if client_initiated.max(client_response) == 0 {
        write!(text, "{probability} %: messages of {server_push} bytes from the server, hardly any to it")
    } else if server_push == 0 {
        write!(
            text,
            "{probability} %: messages of {client_initiated} bytes at random, answered at once by {server_response}"
        )
    } else {
        write!(
            text,
            "{probability} %: {client_initiated} bytes at random, answered at once by {server_response}, {server_push} pushed"
        )
    };
    if written.is_err() {
        text.clear();
        // Shorter than its room.
        let _ = write!(text, "{probability} %: sizes and times of {packets} packets");
    }
    text
}

const _: () = assert!(RATIO_ONE == 64, "the slope is in 2^-15 nats a 64th of a bit");

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: Test = Test::EXAMPLE;

    #[test]
    fn the_probability_follows_the_logistic_function() {
        for bits in (0..600).step_by(3) {
            let sum = bits * RATIO_ONE;
            let nats = f64::from(sum - 15 * 64) * 51.0 / 32_768.0;
            let exact = (100.0 / (1.0 + (-nats).exp())).clamp(1.0, 99.0);
            let percent = f64::from(percent(sum, &TEST));
            assert!((percent - exact).abs() <= 2.0, "{bits}: {percent} {exact}");
        }
        assert_eq!(percent(15 * RATIO_ONE, &TEST), 50);
    }

    #[test]
    fn a_sum_of_twice_the_balanced_threshold_is_strong() {
        let of = |bits: i32| Suspicion::new(bits * RATIO_ONE, 30 * RATIO_ONE, &TEST);
        assert!(!of(79).is_strong && of(80).is_strong);
    }

    #[test]
    fn the_reason_always_fits_and_names_the_probability() {
        let suspicion = Suspicion::new(500 * RATIO_ONE, 0, &TEST);
        for sizes in [[0; 4], [2_047; 4], [240, 0, 85, 0], [0, 0, 0, 379]] {
            let state = ScoreState { sizes, ..ScoreState::default() };
            let reason = reason(&suspicion, &state, u16::MAX);
            assert!(reason.starts_with("99 %: "), "{reason}");
        }
    }
}
