//! After Baum-Welch, which makes each model likely on its own data: what tells the two apart.
//!
//! Baum-Welch spends a model's few states on whatever is frequent. This pass moves both models along
//! the gradient of what is asked for, that mining sessions exceed the threshold at some checkpoint
//! and the others at none. The gradient of a log-likelihood by the logarithms of the probabilities is
//! the expected counts that Baum-Welch computes anyway (Fisher's identity); each session's counts are
//! weighed by how wrong its decision is, positive in the model of its own class and negative in the
//! other (maximum mutual information estimation: Bahl, Brown, de Souza, Mercer, 1986).
//! Steps are Adam's (Kingma, Ba, 2015).

use super::baum_welch::FLOOR;
use super::chain::{Chain, Moment, Row, column_sums};
use super::dataset::Case;
use super::parallel::map_chunks;
use super::progress::Progress;
use super::rng::Rng;
use super::sequence::Label;
use crate::hmm::LEAK_SHIFT;
use crate::hmm::alphabet::Symbol;

/// How to refine.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Of the order in which sessions are visited.
    pub seed: u64,
    /// Times that each session is visited.
    pub rounds: u32,
    /// Threads.
    pub threads: usize,
    /// Bits by which the threshold rises from one band to the next.
    pub rise: f64,
}

/// The two models.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Of mining.
    pub mining: Chain,
    /// Of everything else.
    pub background: Chain,
}

/// How a refinement went.
#[derive(Clone, Debug)]
pub struct Course {
    /// The mean loss of each round.
    pub loss: Vec<f64>,
    /// The ratio, in bits, at which mining and the others are equally likely in the first band. It
    /// differs from training to training; thresholds are compared above it.
    pub bias: f64,
}

/// Refines `pair` on `cases`.
pub fn refine(pair: &mut Pair, cases: &[&Case], options: &Options, progress: &mut Progress) -> Course {
    let mut lessons = lessons(cases, options.rise);
    let mut climber = Climber::new(pair);
    let batches = lessons.len().div_ceil(BATCH) as u32 * options.rounds;
    let mut rng = Rng::new(options.seed);
    let mut course = Course { loss: Vec::new(), bias: 0.0 };
    let mut done = 0;
    for _ in 0..options.rounds {
        rng.shuffle(&mut lessons);
        let (mut loss, mut weight) = (0.0, 0.0);
        for batch in lessons.chunks(BATCH) {
            let slope = slope(pair, batch, climber.bias, options.threads);
            loss += slope.loss;
            weight += slope.weight;
            let left = 1.0 - f64::from(done) / f64::from(batches);
            climber.climb(pair, &slope, RATE * left.max(0.02));
            done += 1;
            progress.step();
        }
        course.loss.push(loss / weight);
    }
    course.bias = climber.bias / core::f64::consts::LN_2;
    course
}

/// A session, ready to be learnt from.
struct Lesson {
    symbols: Vec<Symbol>,
    /// Symbols and height of the threshold above the bias, in nats, at each checkpoint.
    checkpoints: Vec<(usize, f64)>,
    label: Label,
    weight: f64,
}

/// Sessions with checkpoints; both classes weigh the same.
fn lessons(cases: &[&Case], rise: f64) -> Vec<Lesson> {
    let weight = |label| cases.iter().filter(|c| c.label() == label).map(|c| c.weight).sum::<f64>();
    let (mining, benign) = (weight(Label::Mining), weight(Label::Benign));
    let lesson = |case: &&Case| Lesson {
        symbols: case.spelt(),
        checkpoints: (case.checkpoints().into_iter())
            .map(|(symbols, band)| (symbols, band as f64 * rise * core::f64::consts::LN_2))
            .collect(),
        label: case.label(),
        weight: case.weight * cases.len() as f64
            / if case.label() == Label::Mining { mining } else { benign },
    };
    cases.iter().map(lesson).filter(|lesson| !lesson.checkpoints.is_empty()).collect()
}

/// Where a batch of sessions wants the parameters to go.
struct Slope {
    mining: Chain,
    background: Chain,
    bias: f64,
    loss: f64,
    weight: f64,
}

fn slope(pair: &Pair, batch: &[Lesson], bias: f64, threads: usize) -> Slope {
    let zero =
        || Slope { mining: Chain::zero(), background: Chain::zero(), bias: 0.0, loss: 0.0, weight: 0.0 };
    let parts = map_chunks(batch, CHUNKS, threads, |chunk| {
        let mut part = zero();
        let mut trellises = [Vec::new(), Vec::new()];
        chunk.iter().for_each(|lesson| learn(pair, lesson, bias, &mut part, &mut trellises));
        part
    });
    parts.into_iter().fold(zero(), |mut sum, part| {
        sum.mining.add(&part.mining);
        sum.background.add(&part.background);
        sum.bias += part.bias;
        sum.loss += part.loss;
        sum.weight += part.weight;
        sum
    })
}

/// Adds one session: logistic loss of its best checkpoint.
fn learn(pair: &Pair, lesson: &Lesson, bias: f64, slope: &mut Slope, trellises: &mut [Vec<Moment>; 2]) {
    let [mining, background] = trellises;
    pair.mining.forward(&lesson.symbols, mining);
    pair.background.forward(&lesson.symbols, background);
    let mut ratio = 0.0;
    let mut best: Option<(usize, f64)> = None;
    let mut checkpoints = lesson.checkpoints.iter().peekable();
    for (at, (m, b)) in mining.iter().zip(background.iter()).enumerate() {
        ratio = ratio * KEEP + m.scale.ln() - b.scale.ln();
        while let Some(&&(symbols, height)) = checkpoints.peek()
            && symbols == at + 1
        {
            let margin = SHARPNESS * (ratio - height - bias);
            if best.is_none_or(|(_, most)| margin > most) {
                best = Some((symbols, margin));
            }
            checkpoints.next();
        }
    }
    let Some((symbols, margin)) = best else { return };
    let sign = if lesson.label == Label::Mining { 1.0 } else { -1.0 };
    slope.loss += lesson.weight * (-sign * margin).exp().ln_1p();
    slope.weight += lesson.weight;
    let wrong = 1.0 / (1.0 + (sign * margin).exp());
    if wrong < NEGLIGIBLE {
        return;
    }
    let push = lesson.weight * wrong * sign * SHARPNESS;
    slope.bias -= push;
    let heard = &lesson.symbols[..symbols];
    pair.mining.expect(heard, &mining[..symbols], push, KEEP, &mut slope.mining);
    pair.background.expect(heard, &background[..symbols], -push, KEEP, &mut slope.background);
}

/// Adam on the logarithms of all probabilities, and on the threshold's bias.
struct Climber {
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
    bias: f64,
}

impl Climber {
    fn new(pair: &Pair) -> Self {
        let len = pair.mining.values().count() + pair.background.values().count() + 1;
        Climber { mean: vec![0.0; len], square: vec![0.0; len], steps: 0, bias: 0.0 }
    }

    fn climb(&mut self, pair: &mut Pair, slope: &Slope, rate: f64) {
        self.steps += 1;
        let unit = 1.0 / slope.weight.max(f64::MIN_POSITIVE);
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

/// The gradient by the logarithms of probabilities that have to sum to one: what a count exceeds its
/// share of its distribution's counts by.
fn centred(chain: &Chain, counts: &Chain) -> Chain {
    let mut slope = counts.clone();
    let rows = |slope: &mut Row, p: &Row| {
        let sum: f64 = slope.iter().sum();
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

/// What remains of the ratio with every symbol, as [`crate::hmm::State::step`] has it.
pub const KEEP: f64 = 1.0 - 1.0 / (1u32 << LEAK_SHIFT) as f64;
/// Of the logistic function, per nat: a decision that is off by ten nats counts in full.
const SHARPNESS: f64 = 0.1;
/// A decision that is this clear teaches nothing.
const NEGLIGIBLE: f64 = 1e-4;
const RATE: f64 = 0.05;
const BIAS_PACE: f64 = 5.0;
const FADE_MEAN: f64 = 0.9;
const FADE_SQUARE: f64 = 0.99;
const BATCH: usize = 256;
const CHUNKS: usize = 16;
