//! How far the router's integers are from floating point.

use super::dataset::Case;
use crate::hmm::RATIO_ONE;
use crate::hmm::alphabet::Symbol;
use crate::hmm::model::{Model, Pair};

/// The largest difference, in bits, between the gains of integers and those of floating point over the same
/// tables, no gain above the cap.
pub(crate) fn deviation(pair: &Pair, symbols: &[Symbol]) -> f64 {
    let background = pair.background.exact(symbols);
    let exact = pair.mining.exact(symbols).into_iter().zip(background).map(|(m, b)| m - b);
    let gains = pair.gains(symbols).into_iter().map(|gain| f64::from(gain) / f64::from(RATIO_ONE));
    let cap = f64::from(crate::hmm::GAIN_MAX) / f64::from(RATIO_ONE);
    exact.zip(gains).map(|(exact, gain)| (exact.min(cap) - gain).abs()).fold(0.0, f64::max)
}

/// The largest such difference over all `cases` and members.
pub(crate) fn largest_deviation(cases: &[Case], model: &Model) -> f64 {
    let of_case = |case: &Case| {
        let symbols = case.spelt();
        model.members.iter().map(|pair| deviation(pair, &symbols)).fold(0.0, f64::max)
    };
    cases.iter().map(of_case).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::GAIN_ERROR_BITS;
    use crate::hmm::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS};
    use crate::hmm::model::Summary;
    use crate::hmm::threshold::Test;
    use crate::lab::train::baum_welch::FLOOR;
    use crate::lab::train::chain::FloatChain;
    use crate::lab::train::rng::Rng;
    use crate::lab::train::{quantise, refine};

    /// A random model, from nearly uniform to nearly deterministic.
    fn random_chain(rng: &mut Rng) -> FloatChain {
        let sharpness = rng.uniform(0.2, 6.0);
        let mut chain = FloatChain::zero();
        chain.values_mut().for_each(|p| *p = (rng.normal() * sharpness).exp() as f32);
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
            let pair =
                refine::FloatPair { mining: random_chain(&mut rng), background: random_chain(&mut rng) };
            let Ok(model) = quantise::model(&[pair], &Test::ANY, Summary::default()) else { continue };
            worst = worst.max(deviation(&model.members[0], &random_symbols(&mut rng)));
        }
        assert!(worst < GAIN_ERROR_BITS, "{worst}");
        assert!(worst > GAIN_ERROR_BITS / 50.0, "the bound says nothing: {worst}");
    }
}
