//! The naive twin of the integer model: the textbook's forward algorithm in floating point.

use super::chain::{Chain, Row};
use super::dataset::Case;
use super::refine::KEEP;
use crate::hmm::alphabet::Symbol;
use crate::hmm::model::{self, Column, Model};
use crate::hmm::{RATIO_ONE, State};

/// The probabilities that `tables` hold.
pub fn chain(tables: &model::Chain) -> Chain {
    let row = |row: &[u16; model::STATES]| row.map(|p| f64::from(p) / 65_536.0);
    let column = |column: &Column| -> Row {
        column.entries.map(|p| f64::from(p) / 65_536.0 / f64::from(1u32 << column.shift))
    };
    Chain {
        start: row(&tables.start),
        step: tables.step.each_ref().map(row),
        size: tables.size.iter().map(column).collect(),
        context: tables.context.iter().map(column).collect(),
    }
}

/// The ratio after each symbol, in bits.
pub fn ratios(mining: &Chain, background: &Chain, symbols: &[Symbol]) -> Vec<f64> {
    let [mut m, mut b] = [Vec::new(), Vec::new()];
    mining.forward(symbols, &mut m);
    background.forward(symbols, &mut b);
    let mut ratio = 0.0;
    let mut add = |(m, b): (&super::chain::Moment, &super::chain::Moment)| {
        ratio = ratio * KEEP + m.scale.log2() - b.scale.log2();
        ratio
    };
    m.iter().zip(&b).map(&mut add).collect()
}

/// The largest difference between the ratios of integers and `expected`, in bits.
pub fn deviation(model: &Model, symbols: &[Symbol], expected: &[f64]) -> f64 {
    let mut state = State::default();
    let difference = |(&symbol, expected): (&Symbol, &f64)| {
        state.step(model, symbol);
        (f64::from(state.ratio()) / f64::from(RATIO_ONE) - expected).abs()
    };
    symbols.iter().zip(expected).map(difference).fold(0.0, f64::max)
}

/// The largest such difference over all `cases`.
pub fn largest_deviation(cases: &[Case], model: &Model) -> f64 {
    let (mining, background) = (chain(&model.mining), chain(&model.background));
    let of_case = |case: &Case| {
        let symbols = case.spelt();
        deviation(model, &symbols, &ratios(&mining, &background, &symbols))
    };
    cases.iter().map(of_case).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::RATIO_ERROR_BITS;
    use crate::hmm::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS};
    use crate::hmm::decision::Thresholds;
    use crate::hmm::model::Summary;
    use crate::lab::train::baum_welch::FLOOR;
    use crate::lab::train::quantise;
    use crate::lab::train::rng::Rng;

    /// A random model, from nearly uniform to nearly deterministic.
    fn random_chain(rng: &mut Rng) -> Chain {
        let sharpness = rng.uniform(0.2, 6.0);
        let mut chain = Chain::zero();
        chain.values_mut().for_each(|p| *p = (rng.normal() * sharpness).exp());
        chain.normalise();
        chain.floored(FLOOR)
    }

    fn random_symbols(rng: &mut Rng) -> Vec<Symbol> {
        // A few columns again and again, as real sessions have them, and any column now and then.
        let some: Vec<Symbol> = (0..6).map(|_| random_symbol(rng)).collect();
        (0..300).map(|_| if rng.chance(0.2) { random_symbol(rng) } else { *rng.pick(&some) }).collect()
    }

    fn random_symbol(rng: &mut Rng) -> Symbol {
        let size = rng.range(0, SIZE_COLUMNS as u32 - 1) as u8;
        Symbol { size, context: rng.range(0, CONTEXT_COLUMNS as u32 - 1) as u8 }
    }

    #[test]
    fn integers_follow_floating_point_over_random_models_and_sequences() {
        let mut worst = 0f64;
        for index in 0..400 {
            let mut rng = Rng::keyed(11, index);
            let (mining, background) = (random_chain(&mut rng), random_chain(&mut rng));
            let model = quantise::model(&mining, &background, Thresholds::default(), Summary::default());
            let symbols = random_symbols(&mut rng);
            worst = worst.max(deviation(&model, &symbols, &ratios(&mining, &background, &symbols)));
        }
        assert!(worst < RATIO_ERROR_BITS, "{worst}");
        assert!(worst > RATIO_ERROR_BITS / 20.0, "the bound says nothing: {worst}");
    }
}
