//! The scaled forward algorithm in integers, one step a symbol (Rabiner, "A tutorial on hidden Markov models", 1989,
//! section III.A).

use super::alphabet::Symbol;
#[cfg(any(test, feature = "host"))]
use super::model::Column;
use super::model::{Chain, STATES, WORDS};

/// Probability of each state given the symbols so far, in 2^-15 of the whole; all zero before the first symbol.
pub type Forward = [u16; STATES];

impl Chain {
    /// Moves `forward` by one symbol. Returns the base-2 logarithm of the symbol's probability given all before
    /// it, in 2^-16 bits.
    ///
    /// Products keep 48 bits; the stored vector is what loses precision. `GAIN_ERROR_BITS` bounds the
    /// difference from floating point.
    pub(crate) fn step(&self, forward: &mut Forward, symbol: Symbol) -> i32 {
        let (Some(size), Some(context)) =
            (self.size.get(usize::from(symbol.size)), self.context.get(usize::from(symbol.context)))
        else {
            return 0;
        };
        let (mut mass, mut predicted) = self.predict(forward);
        if mass == 0 {
            mass = 1 << 15;
            predicted = self.start.map(|p| u32::from(p) << 15);
        }

        let mut joint = [0u64; STATES];
        let mut total = 0u64;
        let emissions = size.entries.iter().zip(&context.entries);
        for ((joint, &predicted), (&a, &b)) in joint.iter_mut().zip(&predicted).zip(emissions) {
            // Cannot overflow, nor the sum: factors have 32 bits, and their product is cut to 48.
            let emission = u32::from(a).wrapping_mul(b.into());
            *joint = u64::from(predicted).wrapping_mul(emission.into()) >> 16;
            total = total.wrapping_add(*joint);
        }

        let excess = total.checked_ilog2().unwrap_or(0).saturating_sub(14);
        for (share, joint) in forward.iter_mut().zip(&joint) {
            *share = joint.wrapping_shr(excess) as u16;
        }
        // `predicted` is scaled by mass * 2^16, a column by 2^16 and its own shift; 2^16 were dropped.
        let scale = (32 + i32::from(size.shift) + i32::from(context.shift)) << FRACTION_BITS;
        log2(total) as i32 - log2(u64::from(mass)) as i32 - scale
    }

    /// The reference of [`Chain::step`]: base-2 logarithms of the probabilities of `symbols`, each given those before it,
    /// by the textbook's algorithm in floating point. Symbols are those of the alphabet.
    #[cfg(any(test, feature = "host"))]
    pub(crate) fn exact(&self, symbols: &[Symbol]) -> Vec<f64> {
        let of = |column: &Column, state: usize| {
            f64::from(column.entries[state]) / 65_536.0 / f64::from(1u32 << column.shift)
        };
        let rows = self.step.rows();
        let mut predicted = self.start.map(|p| f64::from(p) / 65_536.0);
        let mut logarithms = Vec::new();
        for symbol in symbols {
            let (size, context) =
                (&self.size[usize::from(symbol.size)], &self.context[usize::from(symbol.context)]);
            let joint: [f64; STATES] =
                core::array::from_fn(|state| predicted[state] * of(size, state) * of(context, state));
            let sum: f64 = joint.iter().sum();
            logarithms.push(sum.log2());
            predicted = core::array::from_fn(|to| {
                (0..STATES).map(|from| joint[from] / sum * f64::from(rows[from][to]) / 65_536.0).sum()
            });
        }
        logarithms
    }

    /// The mass of `forward`, and the probabilities of the next state, scaled by 2^16 times that.
    fn predict(&self, forward: &Forward) -> (u32, [u32; STATES]) {
        let (mut mass, mut sums) = (0u32, [0; WORDS]);
        for (&share, row) in forward.iter().zip(&self.step.0) {
            // More than half of the states have no share.
            if share != 0 {
                mass = mass.wrapping_add(share.into());
                add_row(&mut sums, usize::from(share), row);
            }
        }
        let mut predicted = [0; STATES];
        let mut states = predicted.iter_mut();
        for sum in sums {
            states.next().into_iter().for_each(|state| *state = sum as u32);
            if WORDS < STATES {
                states.next().into_iter().for_each(|state| *state = (sum as u64 >> 32) as u32);
            }
        }
        (mass, predicted)
    }
}

/// Adds the ways from a state with `share` to the `sums`. Written out and not a loop: on MIPS a loop's own instructions
/// are as many as its work, which is most of what a candidate costs.
#[inline(always)]
fn add_row(sums: &mut [usize; WORDS], share: usize, row: &[usize; WORDS]) {
    // Cannot overflow, so that the halves of a word don't meet: `forward` sums to less than 2^15 and an entry is less
    // than 2^16.
    let mut add = |word: usize| sums[word] = sums[word].wrapping_add(share.wrapping_mul(row[word]));
    add(0);
    add(1);
    add(2);
    add(3);
    add(4);
    if WORDS == STATES {
        add(WORDS - 5);
        add(WORDS - 4);
        add(WORDS - 3);
        add(WORDS - 2);
        add(WORDS - 1);
    }
}

const _: () = assert!(STATES == 10, "as many terms as `add_row` adds");

/// Base-2 logarithm in 2^-16, off by less than 2^-13; 0 for 0.
fn log2(x: u64) -> u32 {
    let Some(octave) = x.checked_ilog2() else { return 0 };
    // The bits below the leading one: six to find the table's entry, ten between two entries.
    let mantissa = (x << (63 - octave)) << 1 >> 48;
    let (entry, between) = ((mantissa >> 10) as usize, (mantissa & 0x3ff) as u32);
    let (low, high) = match LOG2.get(entry..entry + 2) {
        Some(&[low, high]) => (low, high),
        _ => (0, 0),
    };
    (octave << FRACTION_BITS) + low + (((high - low) * between) >> 10)
}

/// Fraction bits of a logarithm.
pub(crate) const FRACTION_BITS: u32 = 16;

/// log2(1 + i / 64) in 2^-16.
static LOG2: [u32; 65] = {
    let mut table = [0; 65];
    let mut i = 0;
    while i < 65 {
        // Squaring a number doubles its logarithm: a bit of it each time (Knuth, TAOCP 1.2.2).
        let mut x = (64 + i as u64) << 24;
        let mut bits = 0;
        let mut value = 0;
        while bits < 20 {
            if x >= 2 << 30 {
                value += 1;
                x >>= 1;
            }
            value <<= 1;
            x = (x * x) >> 30;
            bits += 1;
        }
        table[i] = (value + 8) >> 4;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS};
    use crate::hmm::model::Model;
    use crate::util::random::Random;

    /// Each step is as good as exact, of probable symbols and of others.
    #[test]
    fn each_step_agrees_with_floating_point() {
        let model = Model::embedded().expect("built in");
        let mut random = Random::new(7);
        let symbols: Vec<Symbol> = (0..2_000)
            .map(|_| Symbol {
                size: random.below(SIZE_COLUMNS as u32) as u8,
                context: random.below(CONTEXT_COLUMNS as u32) as u8,
            })
            .collect();
        for pair in &model.members {
            for chain in [&pair.mining, &pair.background] {
                let mut forward = Forward::default();
                for (symbol, exact) in symbols.iter().zip(chain.exact(&symbols)) {
                    let step = f64::from(chain.step(&mut forward, *symbol)) / f64::from(1 << FRACTION_BITS);
                    assert!((step - exact).abs() < STEP_ERROR_BITS, "{step} {exact}");
                }
            }
        }
        let outside = Symbol { size: u8::MAX, context: 0 };
        assert_eq!(model.members[0].mining.step(&mut Forward::default(), outside), 0);
    }

    const STEP_ERROR_BITS: f64 = 0.25;

    #[test]
    fn logarithms_agree_with_floating_point() {
        let mut worst = 0f64;
        let mut x = 1u64;
        while x < 1 << 60 {
            for near in [x, x + 1, x + x / 3, x + x / 2 + x / 7] {
                let exact = (near as f64).log2();
                worst = worst.max((f64::from(log2(near)) / 65_536.0 - exact).abs());
            }
            x = x * 9 / 8 + 1;
        }
        assert!(worst < 1.0 / 8_192.0, "{worst}");
        assert_eq!(log2(0), 0);
        assert_eq!(log2(u64::MAX) >> FRACTION_BITS, 63);
    }
}
