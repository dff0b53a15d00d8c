//! Baum-Welch (Rabiner 1989, section III.C).

use rayon::prelude::*;

use super::chain::FloatChain;
use super::progress::Progress;
use super::rng::Rng;
use crate::hmm::alphabet::Symbol;

/// Settings of the training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FitOptions {
    /// Seed of the start.
    pub seed: u64,
    /// Iterations at most, for data on which the likelihood never settles.
    pub iterations: u32,
    /// A training has converged when an iteration raises the log-likelihood by less than this share of it.
    pub tolerance: f64,
}

/// Result of a training.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    /// The model.
    pub chain: FloatChain,
    /// Log-likelihood per symbol, in nats, after each iteration.
    pub log_likelihood: Vec<f64>,
    /// The likelihood has settled before the last iteration that was allowed.
    pub has_converged: bool,
}

/// Trains on symbol sequences with weights, from a random start.
pub(crate) fn train(data: &[(&[Symbol], f32)], options: &FitOptions, progress: &mut Progress) -> Trained {
    let start = FloatChain::random(&mut Rng::new(options.seed), data);
    climb(start, data, options, progress)
}

fn climb(
    mut chain: FloatChain,
    data: &[(&[Symbol], f32)],
    options: &FitOptions,
    progress: &mut Progress,
) -> Trained {
    let mut log_likelihood: Vec<f64> = Vec::new();
    let mut has_converged = false;
    for _ in 0..options.iterations {
        progress.step();
        let expected = expect(&chain, data);
        let now = expected.log_likelihood / expected.symbols.max(f64::MIN_POSITIVE);
        chain = reestimate(expected.counts);
        has_converged =
            log_likelihood.last().is_some_and(|before| now - before < options.tolerance * now.abs());
        log_likelihood.push(now);
        if has_converged {
            break;
        }
    }
    Trained { chain, log_likelihood, has_converged }
}

/// Expected counts over all data.
struct Expected {
    counts: FloatChain,
    log_likelihood: f64,
    symbols: f64,
}

fn expect(chain: &FloatChain, data: &[(&[Symbol], f32)]) -> Expected {
    let part = |chunk: &[(&[Symbol], f32)]| {
        let mut part = Expected { counts: FloatChain::zero(), log_likelihood: 0.0, symbols: 0.0 };
        let mut trellis = Vec::new();
        for (symbols, weight) in chunk {
            chain.forward(symbols, &mut trellis);
            chain.expect(symbols, &trellis, *weight, 0, &mut part.counts);
            let log_likelihood: f32 = trellis.iter().map(|moment| moment.scale.ln()).sum();
            part.log_likelihood += f64::from(weight * log_likelihood);
            part.symbols += f64::from(*weight) * symbols.len() as f64;
        }
        part
    };
    let parts: Vec<Expected> = data.par_chunks(data.len().div_ceil(CHUNKS).max(1)).map(part).collect();
    let mut sum = Expected { counts: FloatChain::zero(), log_likelihood: 0.0, symbols: 0.0 };
    for part in parts {
        sum.counts.add(&part.counts);
        sum.log_likelihood += part.log_likelihood;
        sum.symbols += part.symbols;
    }
    sum
}

/// Counts become probabilities; what was never seen is still possible.
fn reestimate(mut counts: FloatChain) -> FloatChain {
    counts.values_mut().for_each(|count| *count += PSEUDO_COUNT);
    counts.normalise();
    counts.floored(FLOOR)
}

/// Added to every expected count (Laplace's rule, halved).
const PSEUDO_COUNT: f32 = 0.5;
/// No probability below this: the integer tables could not hold it, and one symbol must not decide.
pub(crate) const FLOOR: f32 = 1.0 / 8_192.0;
const CHUNKS: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: FitOptions = FitOptions { seed: 9, iterations: 40, tolerance: 1e-5 };

    /// Two kinds of symbols in strict alternation, which one state can't tell and two can.
    fn alternation() -> Vec<Symbol> {
        (0..200).map(|at| Symbol { size: at % 2 * 7, context: at % 2 * 50 }).collect()
    }

    #[test]
    fn the_likelihood_never_falls_and_structure_is_found() {
        let symbols = alternation();
        let trained = train(&[(&symbols, 1e6)], &OPTIONS, &mut Progress::silent());
        let course = &trained.log_likelihood;
        assert!(course.windows(2).all(|pair| pair[1] > pair[0] - 1e-3), "{course:?}");
        assert!(course.last().expect("iterated") > &-0.35, "{course:?}");
    }

    #[test]
    fn a_training_ends_when_an_iteration_hardly_gains_or_says_that_it_has_not() {
        let symbols = alternation();
        let tolerance = 1e-3;
        let train = |iterations| {
            let options = FitOptions { iterations, tolerance, ..OPTIONS };
            train(&[(&symbols, 1e6)], &options, &mut Progress::silent())
        };
        let settled = train(400);
        let gains: Vec<f64> =
            settled.log_likelihood.windows(2).map(|pair| (pair[1] - pair[0]) / pair[1].abs()).collect();
        let (last, earlier) = gains.split_last().expect("two iterations at least");
        assert!(settled.has_converged && *last < tolerance, "{gains:?}");
        assert!(earlier.iter().all(|gain| *gain >= tolerance), "{gains:?}");
        let cut = train(settled.log_likelihood.len() as u32 - 1);
        assert!(!cut.has_converged);
    }

    #[test]
    fn the_same_seed_gives_the_same_model_on_any_number_of_threads() {
        let symbols = alternation();
        let data: Vec<(&[Symbol], f32)> = (1..50).map(|end| (&symbols[..end * 4], 1.0)).collect();
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| train(&data, &OPTIONS, &mut Progress::silent()).chain)
        });
        assert_eq!(one, three);
    }
}
