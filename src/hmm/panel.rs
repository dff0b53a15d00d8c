//! A panel of models: each member weighs every symbol, and the mean of their ratios is the evidence.
//!
//! Members are trained apart. Where one of them errs on a program that training did not know, the others seldom
//! do; where all agree, the flow is mining.

use super::alphabet::Symbol;
use super::forward::{FRACTION_BITS, Forward};
use super::model::{Model, Pair};
use super::threshold::accumulate;
use super::{GAIN_MAX, RATIO_ONE};
use crate::limits::HMM_PANEL;

/// The panel's state of one flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PanelEvidence {
    /// Forward vectors of each member: mining, background.
    forward: [[Forward; 2]; HMM_PANEL],
    /// Page's sum of the mean gain, in [`RATIO_ONE`]ths of a bit.
    sum: i32,
}

impl PanelEvidence {
    /// Evidence of a new flow to which earlier connections have brought `sum`.
    pub(crate) fn starting_at(sum: i32) -> Self {
        PanelEvidence { sum, ..PanelEvidence::default() }
    }

    /// Adds one symbol; returns Page's sum.
    pub(crate) fn step(&mut self, model: &Model, symbol: Symbol) -> i32 {
        let gain = self.gain(model, symbol);
        self.sum = accumulate(self.sum, gain, model.test.drift);
        self.sum
    }

    /// Page's sum so far.
    pub(crate) fn sum(&self) -> i32 {
        self.sum
    }

    /// The mean of the members' log-likelihood ratios of one symbol, in [`RATIO_ONE`]ths of a bit.
    pub(crate) fn gain(&mut self, model: &Model, symbol: Symbol) -> i32 {
        let members = model.members.iter().zip(&mut self.forward);
        let gains: i32 = members.map(|(pair, forward)| round(pair.gain(forward, symbol))).sum();
        gains.div_euclid(model.members.len().max(1) as i32)
    }
}

impl Pair {
    /// The log-likelihood ratio of `symbol`, in 2^-16 bits, at most [`GAIN_MAX`].
    fn gain(&self, forward: &mut [Forward; 2], symbol: Symbol) -> i32 {
        let [mining, background] = forward;
        let gain = self.mining.step(mining, symbol) - self.background.step(background, symbol);
        gain.min(GAIN_MAX << FORWARD_SHIFT)
    }

    /// The gains rounded to [`RATIO_ONE`]ths of a bit, for each of `symbols` from a fresh start.
    #[cfg(feature = "host")]
    pub(crate) fn gains(&self, symbols: &[Symbol]) -> Vec<i32> {
        let mut forward = [Forward::default(); 2];
        symbols.iter().map(|&symbol| round(self.gain(&mut forward, symbol))).collect()
    }
}

impl Model {
    /// The highest value of Page's sum of the first member alone over `symbols`, from a fresh start.
    pub(crate) fn screening_sum(&self, symbols: impl Iterator<Item = Symbol>) -> i32 {
        let Some(first) = self.members.first() else { return 0 };
        let mut forward = [Forward::default(); 2];
        let (mut sum, mut highest) = (0, 0);
        for symbol in symbols {
            sum = accumulate(sum, round(first.gain(&mut forward, symbol)), self.test.drift);
            highest = highest.max(sum);
        }
        highest
    }
}

/// From 2^-16 bits to [`RATIO_ONE`]ths of a bit.
fn round(gain: i32) -> i32 {
    (gain + (1 << (FORWARD_SHIFT - 1))) >> FORWARD_SHIFT
}

/// From the forward step's 2^-16 bits to the ratio's.
const FORWARD_SHIFT: u32 = FRACTION_BITS - RATIO_ONE.ilog2();
