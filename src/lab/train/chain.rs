//! A hidden Markov model in floating point: the result of a training, and the reference model of the integer one.
//!
//! Single precision: a vector of eight states fills one register, and rounding is far below the tables' 16ths of an
//! octave.

use super::rng::Rng;
use crate::hmm::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS, Symbol};
use crate::hmm::model::STATES;

/// A value for every state.
pub(crate) type Row = [f32; STATES];

/// Probabilities of a hidden Markov model, or expected counts of the same shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FloatChain {
    /// Probability of each state at the first symbol.
    pub start: Row,
    /// Probability of each state after each.
    pub step: [Row; STATES],
    /// Probability of each size column in each state.
    pub size: Vec<Row>,
    /// Probability of each context column in each state.
    pub context: Vec<Row>,
}

impl FloatChain {
    /// All zero: counts before counting.
    pub(crate) fn zero() -> Self {
        FloatChain {
            start: [0.0; STATES],
            step: [[0.0; STATES]; STATES],
            size: vec![[0.0; STATES]; SIZE_COLUMNS],
            context: vec![[0.0; STATES]; CONTEXT_COLUMNS],
        }
    }

    /// A start for the training: the columns' own frequencies, disturbed differently in each state.
    pub(crate) fn random(rng: &mut Rng, data: &[(&[Symbol], f32)]) -> Self {
        let mut chain = FloatChain::zero();
        for (symbols, weight) in data {
            for symbol in *symbols {
                chain.size[usize::from(symbol.size)].iter_mut().for_each(|n| *n += weight);
                chain.context[usize::from(symbol.context)].iter_mut().for_each(|n| *n += weight);
            }
        }
        for count in chain.size.iter_mut().chain(&mut chain.context).flatten() {
            *count = (*count + 0.5) * (rng.exponential(1.0) as f32 + 0.1);
        }
        chain.start.iter_mut().for_each(|p| *p = 1.0 + rng.unit() as f32);
        for (from, row) in chain.step.iter_mut().enumerate() {
            for (to, p) in row.iter_mut().enumerate() {
                *p = rng.unit() as f32 + if from == to { 1.0 } else { 0.2 };
            }
        }
        chain.normalise();
        chain
    }

    /// Every number, row after row.
    pub(crate) fn values(&self) -> impl Iterator<Item = &f32> {
        self.rows().flatten()
    }

    /// Every number, row after row, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let rows = [&mut self.start].into_iter().chain(&mut self.step);
        rows.chain(&mut self.size).chain(&mut self.context).flatten()
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        [&self.start].into_iter().chain(&self.step).chain(&self.size).chain(&self.context)
    }

    /// Adds the counts of `other`.
    pub(crate) fn add(&mut self, other: &FloatChain) {
        for (mine, theirs) in self.values_mut().zip(other.values()) {
            *mine += theirs;
        }
    }

    /// Makes probabilities of counts.
    pub(crate) fn normalise(&mut self) {
        for row in self.step.iter_mut().chain([&mut self.start]) {
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        for columns in [&mut self.size, &mut self.context] {
            let sums = column_sums(columns);
            for row in columns {
                row.iter_mut().zip(sums).for_each(|(p, sum)| *p /= sum);
            }
        }
    }

    /// Probabilities with none below `floor` (by much; they sum to one again).
    pub(crate) fn floored(mut self, floor: f32) -> Self {
        self.values_mut().for_each(|p| *p = p.max(floor));
        self.normalise();
        self
    }

    fn emission(&self, symbol: Symbol) -> Row {
        let (a, b) = (&self.size[usize::from(symbol.size)], &self.context[usize::from(symbol.context)]);
        core::array::from_fn(|state| a[state] * b[state])
    }

    fn predict(&self, forward: &Row) -> Row {
        let mut predicted = [0.0; STATES];
        for (from, row) in forward.iter().zip(&self.step) {
            for (sum, p) in predicted.iter_mut().zip(row) {
                *sum += from * p;
            }
        }
        predicted
    }

    /// The scaled forward algorithm; what it passed through is left in `trellis`.
    pub(crate) fn forward(&self, symbols: &[Symbol], trellis: &mut Vec<Moment>) {
        trellis.clear();
        for &symbol in symbols {
            let predicted = trellis.last().map_or(self.start, |last| self.predict(&last.forward));
            let emission = self.emission(symbol);
            let joint: Row = core::array::from_fn(|state| predicted[state] * emission[state]);
            let scale: f32 = joint.iter().sum();
            let forward = joint.map(|p| p / scale);
            trellis.push(Moment { forward, emission, scale });
        }
    }

    /// The backward pass over `trellis`: adds to `counts` the derivative, by the logarithm of every probability,
    /// of the symbols' log-likelihoods from number `window` on, times `weight`. From 0 on, these are the expected
    /// counts of Baum-Welch.
    pub(crate) fn expect(
        &self,
        symbols: &[Symbol],
        trellis: &[Moment],
        weight: f32,
        window: usize,
        counts: &mut FloatChain,
    ) {
        // Derivative of all that follows by the scaled forward vector.
        let mut later = [0.0; STATES];
        let mut weight = weight;
        for (at, (symbol, moment)) in symbols.iter().zip(trellis).enumerate().rev() {
            let mean: f32 = later.iter().zip(&moment.forward).map(|(l, f)| l * f).sum();
            let backward = later.map(|l| l - mean + weight);
            let size = &mut counts.size[usize::from(symbol.size)];
            let context = &mut counts.context[usize::from(symbol.context)];
            for state in 0..STATES {
                let count = moment.forward[state] * backward[state];
                size[state] += count;
                context[state] += count;
                if at == 0 {
                    counts.start[state] += count;
                }
            }
            let Some(before) = at.checked_sub(1).map(|at| &trellis[at].forward) else { break };
            let ahead: Row =
                core::array::from_fn(|state| moment.emission[state] * backward[state] / moment.scale);
            for from in 0..STATES {
                let mut sum = 0.0;
                for ((count, p), ahead) in counts.step[from].iter_mut().zip(&self.step[from]).zip(ahead) {
                    *count += before[from] * p * ahead;
                    sum += p * ahead;
                }
                later[from] = sum;
            }
            if at == window {
                weight = 0.0;
            }
        }
    }
}

/// Sum of each state's columns.
pub(crate) fn column_sums(columns: &[Row]) -> Row {
    let mut sums = [0.0; STATES];
    for row in columns {
        sums.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
    }
    sums
}

/// The forward variables of a symbol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Probability of each state, given the symbols so far.
    pub forward: Row,
    emission: Row,
    /// Probability of the symbol, given the symbols before it.
    pub scale: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(rng: &mut Rng, len: usize) -> Vec<Symbol> {
        let column = |rng: &mut Rng, columns: usize| rng.range(0, columns as u32 - 1) as u8;
        (0..len)
            .map(|_| Symbol { size: column(rng, SIZE_COLUMNS), context: column(rng, CONTEXT_COLUMNS) })
            .collect()
    }

    fn likelihood(chain: &FloatChain, symbols: &[Symbol], window: usize) -> f64 {
        let mut trellis = Vec::new();
        chain.forward(symbols, &mut trellis);
        trellis[window..].iter().map(|moment| f64::from(moment.scale).ln()).sum()
    }

    #[test]
    fn the_forward_algorithm_agrees_with_the_sum_over_all_paths() {
        let mut rng = Rng::new(3);
        let symbols = symbols(&mut rng, 4);
        let chain = FloatChain::random(&mut rng, &[(&symbols, 1.0)]);
        let mut sum = 0.0;
        for path in 0..STATES.pow(4) {
            let state = |at: usize| path / STATES.pow(at as u32) % STATES;
            let mut p = chain.start[state(0)];
            for (at, symbol) in symbols.iter().enumerate() {
                if at > 0 {
                    p *= chain.step[state(at - 1)][state(at)];
                }
                p *= chain.emission(*symbol)[state(at)];
            }
            sum += p;
        }
        assert!((likelihood(&chain, &symbols, 0) - f64::from(sum).ln()).abs() < 1e-4);
    }

    #[test]
    fn expected_counts_are_the_derivative_of_the_likelihood() {
        let mut rng = Rng::new(4);
        let symbols = symbols(&mut rng, 30);
        let chain = FloatChain::random(&mut rng, &[(&symbols, 1.0)]);
        for window in [0, 17] {
            let mut counts = FloatChain::zero();
            let mut trellis = Vec::new();
            chain.forward(&symbols, &mut trellis);
            chain.expect(&symbols, &trellis, 1.0, window, &mut counts);
            let at = |which: usize| counts.values().nth(which).copied().expect("inside");
            for which in [0, 3, STATES + 5, STATES * 4, STATES * 30, STATES * 90 + 2] {
                let mut nudged = chain.clone();
                let step = 1e-2;
                *nudged.values_mut().nth(which).expect("inside") *= 1.0 + step;
                let gain = likelihood(&nudged, &symbols, window) - likelihood(&chain, &symbols, window);
                let slope = gain / f64::from(step).ln_1p();
                assert!((slope - f64::from(at(which))).abs() < 0.02, "{which}: {slope} {}", at(which));
            }
        }
    }

    #[test]
    fn every_symbol_is_counted_once() {
        let mut rng = Rng::new(5);
        let symbols = symbols(&mut rng, 40);
        let chain = FloatChain::random(&mut rng, &[(&symbols, 1.0)]);
        let (mut counts, mut trellis) = (FloatChain::zero(), Vec::new());
        chain.forward(&symbols, &mut trellis);
        chain.expect(&symbols, &trellis, 1.0, 0, &mut counts);
        assert!((counts.size.iter().flatten().sum::<f32>() - 40.0).abs() < 1e-3);
        assert!((counts.step.iter().flatten().sum::<f32>() - 39.0).abs() < 1e-3);
        assert!((counts.start.iter().sum::<f32>() - 1.0).abs() < 1e-3);
    }
}
