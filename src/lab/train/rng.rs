//! Pseudo-random numbers: seeded, the same on every machine, nothing secret.

use crate::util::random::Random;

/// Draws from the distributions that sessions are made of.
#[derive(Clone, Debug)]
pub(crate) struct Rng(Random);

impl Rng {
    /// A stream of its own for every seed.
    pub(crate) fn new(seed: u64) -> Self {
        Rng(Random::new(seed))
    }

    /// A stream of its own for every (seed, index): item `index` does not depend on the
    /// items made before it.
    pub(crate) fn keyed(seed: u64, index: u64) -> Self {
        Rng::new(Rng::new(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95)).bits())
    }

    /// 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.bits()
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Uniform in [low, high).
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in [low, high], log scale; both positive.
    pub(crate) fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        (self.uniform(low.ln(), high.ln())).exp()
    }

    /// Uniform integer, both ends included.
    pub(crate) fn range(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.max(low) - low) + 1;
        low + (self.bits() % span) as u32
    }

    /// Waiting time of a Poisson process with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Standard normal (Box-Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (core::f64::consts::TAU * self.unit()).cos()
    }

    /// Log-normal with this median and this standard deviation of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// A random one of `items`, which are not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[(self.bits() % items.len() as u64) as usize]
    }

    /// A permutation of `items`.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, (self.bits() % (at as u64 + 1)) as usize);
        }
    }
}
