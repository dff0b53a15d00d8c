//! Discriminative training after Baum-Welch.
//!
//! Baum-Welch makes each model likely on its own data and spends a model's few states on frequent symbols.
//! This pass moves both models along the gradient of the goal itself: Page's sum of a mining session exceeds the
//! threshold at some symbol, that of another session at none. The gradient of a log-likelihood by the logarithms
//! of the probabilities is the expected counts that Baum-Welch computes anyway (Fisher's identity); each
//! session's counts, from the last reset of its sum to its peak, are weighed by how wrong its decision is,
//! positive in the model of its own class and negative in the other (maximum mutual information estimation:
//! Bahl, Brown, de Souza, Mercer, 1986). Steps are Adam's (Kingma, Ba, 2015).

use rayon::prelude::*;

use super::baum_welch::FLOOR;
use super::chain::{FloatChain, Moment, Row, column_sums};
use super::dataset::Case;
use super::progress::Progress;
use super::rng::Rng;
use super::sequence::Label;
use crate::hmm::alphabet::Symbol;

/// Options of a refinement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefineOptions {
    /// Seed of the order in which sessions are visited.
    pub seed: u64,
    /// Visits of each session.
    pub rounds: u32,
    /// Bits that Page's sum loses with each symbol.
    pub drift: f64,
}

/// Two chains whose ratio is evidence.
#[derive(Clone, Debug)]
pub(crate) struct FloatPair {
    /// Model of mining.
    pub mining: FloatChain,
    /// Model of all other traffic.
    pub background: FloatChain,
}

/// Course of a refinement.
#[derive(Clone, Debug)]
pub(crate) struct RefinementCourse {
    /// Mean loss of each round.
    pub loss: Vec<f64>,
    /// Page's sum, in bits, at which mining and the others are equally likely.
    pub bias: f64,
}

/// Refines `pair` on `cases`.
pub(crate) fn refine(
    pair: &mut FloatPair,
    cases: &[&Case],
    options: &RefineOptions,
    progress: &mut Progress,
) -> RefinementCourse {
    let mut cases_to_learn = cases_to_learn(cases);
    let mut climber = Climber::new(pair);
    let drift = (options.drift * core::f64::consts::LN_2) as f32;
    let batches = cases_to_learn.len().div_ceil(BATCH) as u32 * options.rounds;
    let mut rng = Rng::new(options.seed);
    let mut course = RefinementCourse { loss: Vec::new(), bias: 0.0 };
    let mut done = 0;
    for _ in 0..options.rounds {
        rng.shuffle(&mut cases_to_learn);
        let (mut loss, mut weight) = (0.0, 0.0);
        for batch in cases_to_learn.chunks(BATCH) {
            let part = |chunk: &[TrainingCase]| {
                let mut slope = Slope::zero();
                let mut trellises = [Vec::new(), Vec::new()];
                let target = Objective { drift, bias: climber.bias };
                chunk.iter().for_each(|case| slope.learn(pair, case, &target, &mut trellises));
                slope
            };
            let parts: Vec<Slope> = batch.par_chunks(batch.len().div_ceil(CHUNKS)).map(part).collect();
            let slope = parts.into_iter().fold(Slope::zero(), Slope::sum);
            loss += f64::from(slope.loss);
            weight += f64::from(slope.weight);
            let left = 1.0 - done as f32 / batches as f32;
            climber.climb(pair, &slope, RATE * left.max(0.02));
            done += 1;
            progress.step();
        }
        course.loss.push(loss / weight);
    }
    course.bias = f64::from(climber.bias) / core::f64::consts::LN_2;
    course
}

/// A session ready for the training.
struct TrainingCase {
    symbols: Vec<Symbol>,
    /// Symbols before the flow is long and old enough to be suspect.
    first: usize,
    label: Label,
    weight: f32,
}

/// The sessions that can become suspect; both classes weigh the same.
fn cases_to_learn(cases: &[&Case]) -> Vec<TrainingCase> {
    let weight = |label| cases.iter().filter(|c| c.label() == label).map(|c| c.weight).sum::<f64>();
    let (mining, benign) = (weight(Label::Mining), weight(Label::Benign));
    let case = |case: &&Case| {
        let of_class = if case.label() == Label::Mining { mining } else { benign };
        let weight = (case.weight * cases.len() as f64 / of_class) as f32;
        TrainingCase { symbols: case.spelt(), first: case.symbols_before_age(), label: case.label(), weight }
    };
    cases.iter().map(case).filter(|case| case.first < case.symbols.len()).collect()
}

/// The goal of a session: Page's sum with this drift above or below the bias, in nats.
struct Objective {
    drift: f32,
    bias: f32,
}

/// Gradient of a batch of sessions.
struct Slope {
    mining: FloatChain,
    background: FloatChain,
    bias: f32,
    loss: f32,
    weight: f32,
}

impl Slope {
    fn zero() -> Self {
        Slope {
            mining: FloatChain::zero(),
            background: FloatChain::zero(),
            bias: 0.0,
            loss: 0.0,
            weight: 0.0,
        }
    }

    fn sum(mut self, other: Slope) -> Self {
        self.mining.add(&other.mining);
        self.background.add(&other.background);
        self.bias += other.bias;
        self.loss += other.loss;
        self.weight += other.weight;
        self
    }

    /// Adds one session: the logistic loss of its peak.
    fn learn(
        &mut self,
        pair: &FloatPair,
        case: &TrainingCase,
        target: &Objective,
        trellises: &mut [Vec<Moment>; 2],
    ) {
        let [mining, background] = trellises;
        pair.mining.forward(&case.symbols, mining);
        pair.background.forward(&case.symbols, background);
        let Some(peak) = peak(mining, background, case.first, target.drift) else { return };
        let margin = SHARPNESS * (peak.sum - target.bias);
        let sign = if case.label == Label::Mining { 1.0 } else { -1.0 };
        self.loss += case.weight * (-sign * margin).exp().ln_1p();
        self.weight += case.weight;
        let wrong = 1.0 / (1.0 + (sign * margin).exp());
        if wrong < NEGLIGIBLE {
            return;
        }
        let push = case.weight * wrong * sign * SHARPNESS;
        self.bias -= push;
        let symbols = &case.symbols[..peak.end];
        pair.mining.expect(symbols, &mining[..peak.end], push, peak.begin, &mut self.mining);
        pair.background.expect(symbols, &background[..peak.end], -push, peak.begin, &mut self.background);
    }
}

/// The highest sum over a run of symbols that ends where the flow may be suspect.
struct Peak {
    sum: f32,
    begin: usize,
    end: usize,
}

/// The peak of Page's sum; below zero where no run of symbols speaks for mining.
fn peak(mining: &[Moment], background: &[Moment], first: usize, drift: f32) -> Option<Peak> {
    let mut best: Option<Peak> = None;
    let (mut sum, mut begin) = (0.0f32, 0);
    for (at, (m, b)) in mining.iter().zip(background).enumerate() {
        if sum <= 0.0 {
            (sum, begin) = (0.0, at);
        }
        sum += (m.scale / b.scale).ln().min(GAIN_MAX) - drift;
        if at >= first && best.as_ref().is_none_or(|best| sum > best.sum) {
            best = Some(Peak { sum, begin, end: at + 1 });
        }
    }
    best
}

/// Adam on the logarithms of all probabilities, and on the bias.
struct Climber {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
    bias: f32,
}

impl Climber {
    fn new(pair: &FloatPair) -> Self {
        let len = pair.mining.values().count() + pair.background.values().count() + 1;
        Climber { mean: vec![0.0; len], square: vec![0.0; len], steps: 0, bias: FIRST_BIAS }
    }

    fn climb(&mut self, pair: &mut FloatPair, slope: &Slope, rate: f32) {
        self.steps += 1;
        let unit = 1.0 / slope.weight.max(f32::MIN_POSITIVE);
        let centred = [centred(&pair.mining, &slope.mining), centred(&pair.background, &slope.background)];
        let slopes = centred.iter().flat_map(|chain| chain.values()).chain([&slope.bias]);
        let fade = [FADE_MEAN, FADE_SQUARE].map(|fade| 1.0 - fade.powi(self.steps));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        let mut moves = moments.zip(slopes).map(|((mean, square), slope)| {
            let slope = slope * unit;
            *mean = FADE_MEAN * *mean + (1.0 - FADE_MEAN) * slope;
            *square = FADE_SQUARE * *square + (1.0 - FADE_SQUARE) * slope * slope;
            rate * (*mean / fade[0]) / ((*square / fade[1]).sqrt() + 1e-6)
        });
        for chain in [&mut pair.mining, &mut pair.background] {
            chain.values_mut().zip(moves.by_ref()).for_each(|(p, step)| *p *= step.exp());
            chain.normalise();
            *chain = chain.clone().floored(FLOOR);
        }
        self.bias += moves.next().unwrap_or(0.0) * BIAS_PACE;
    }
}

/// The gradient by the logarithms of probabilities that have to sum to one: the excess of each count over its
/// share of its distribution's counts.
fn centred(chain: &FloatChain, counts: &FloatChain) -> FloatChain {
    let mut slope = counts.clone();
    let rows = |slope: &mut Row, p: &Row| {
        let sum: f32 = slope.iter().sum();
        slope.iter_mut().zip(p).for_each(|(slope, p)| *slope -= sum * p);
    };
    rows(&mut slope.start, &chain.start);
    slope.step.iter_mut().zip(&chain.step).for_each(|(slope, p)| rows(slope, p));
    for (slope, columns) in [(&mut slope.size, &chain.size), (&mut slope.context, &chain.context)] {
        let sums = column_sums(slope);
        for (slope, p) in slope.iter_mut().zip(columns) {
            slope.iter_mut().zip(p).zip(sums).for_each(|((slope, p), sum)| *slope -= sum * p);
        }
    }
    slope
}

/// Slope of the logistic function, per nat: a decision that is off by ten nats counts in full.
const SHARPNESS: f32 = 0.1;
/// A decision that is this clear teaches nothing.
const NEGLIGIBLE: f32 = 1e-4;
/// Nats that one symbol adds at most, as [`crate::hmm::GAIN_MAX`] has it in bits.
const GAIN_MAX: f32 = crate::hmm::GAIN_MAX as f32 / crate::hmm::RATIO_ONE as f32 * core::f32::consts::LN_2;
/// Nats; near where trainings end.
const FIRST_BIAS: f32 = 10.0;
const RATE: f32 = 0.05;
const BIAS_PACE: f32 = 5.0;
const FADE_MEAN: f32 = 0.9;
const FADE_SQUARE: f32 = 0.99;
/// Sessions between two steps.
pub(crate) const BATCH: usize = 256;
const CHUNKS: usize = 16;
