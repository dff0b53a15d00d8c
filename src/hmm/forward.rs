//! One step of the forward algorithm (Rabiner, "A tutorial on hidden Markov models", 1989, section
//! III.A), scaled, in integers.
//!
//! Between packets a forward vector is packed to a byte a state: 16ths of an octave above 2^-15 of the
//! whole, so that what is unlikely is kept as precisely as what is likely; 0 is nothing.

use super::alphabet::Symbol;
use super::model::{Chain, STATES};

impl Chain {
    /// Moves `forward` by one symbol; returns the logarithm of the symbol's probability given all
    /// before it, base 2, in 2^-16 bits.
    ///
    /// Products are kept whole to 48 bits; what loses bits is the vector that is stored. How far that
    /// takes the ratio from floating point is [`super::RATIO_ERROR_BITS`].
    pub fn step(&self, packed: &mut [u8; STATES], symbol: Symbol) -> i32 {
        let (Some(size), Some(context)) =
            (self.size.get(usize::from(symbol.size)), self.context.get(usize::from(symbol.context)))
        else {
            return 0;
        };
        let forward = packed.map(unpack);
        let mass: u32 = forward.iter().sum();
        let (predicted, mass) = if mass == 0 {
            (self.start.map(|p| u32::from(p) << 15), 1 << 15)
        } else {
            (self.predict(&forward), mass)
        };

        let mut joint = [0u64; STATES];
        let mut total = 0u64;
        for (((joint, predicted), a), b) in
            joint.iter_mut().zip(predicted).zip(&size.entries).zip(&context.entries)
        {
            let emission = u64::from(u32::from(*a) * u32::from(*b));
            *joint = (u64::from(predicted) * emission) >> 16;
            total += *joint;
        }

        let excess = total.checked_ilog2().unwrap_or(0).saturating_sub(14);
        for (packed, joint) in packed.iter_mut().zip(joint) {
            *packed = pack((joint >> excess) as u32);
        }
        // `predicted` is scaled by mass * 2^16, a column by 2^16 and its own shift, and 2^16 were dropped.
        let scale = (32 + i32::from(size.shift) + i32::from(context.shift)) << FRACTION_BITS;
        log2(total) as i32 - log2(u64::from(mass)) as i32 - scale
    }

    /// Probabilities of the next state, scaled by 2^16 times the mass of `forward`.
    fn predict(&self, forward: &[u32; STATES]) -> [u32; STATES] {
        let mut predicted = [0u32; STATES];
        for (&from, row) in forward.iter().zip(&self.step) {
            for (sum, &p) in predicted.iter_mut().zip(row) {
                // Cannot overflow: `forward` sums to less than 2^15 before packing, which adds a 40th at
                // most, and `p` is less than 2^16.
                *sum += from * u32::from(p);
            }
        }
        predicted
    }
}

/// A share of the forward vector, below 2^15, in 16ths of an octave; 0 for nothing.
fn pack(share: u32) -> u8 {
    let Some(octave) = share.checked_ilog2() else { return 0 };
    let octave = octave.min(14);
    // The six bits below the leading one.
    let mantissa = (share << (15 - octave)) >> 9 & 0x3f;
    let sixteenths = SIXTEENTHS.get(mantissa as usize).copied().unwrap_or(0);
    (octave as u8 * 16 + sixteenths).max(1)
}

/// The share that [`pack`] gave `packed` for, off by 3 % at most.
fn unpack(packed: u8) -> u32 {
    if packed == 0 {
        return 0;
    }
    let power = POWERS.get(usize::from(packed & 15)).copied().unwrap_or(0);
    u32::from(power) >> (15 - (packed >> 4))
}

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
pub const FRACTION_BITS: u32 = 16;

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

/// 16 log2(1 + (i + 1/2) / 64), rounded.
static SIXTEENTHS: [u8; 64] = {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        let middle = (LOG2[i] + LOG2[i + 1]) / 2;
        table[i] = ((middle + (1 << 11)) >> 12) as u8;
        i += 1;
    }
    table
};

/// 2^(15 + i / 16).
static POWERS: [u16; 16] = [
    32_768, 34_219, 35_734, 37_316, 38_968, 40_693, 42_495, 44_376, 46_341, 48_393, 50_535, 52_773, 55_109,
    57_549, 60_097, 62_757,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_what_is_likely_and_what_is_not() {
        for share in 0..1u32 << 15 {
            let kept = unpack(pack(share));
            assert!(f64::from(kept.abs_diff(share)) <= f64::from(share) * 0.03 + 0.999, "{share}: {kept}");
        }
        assert_eq!((pack(0), unpack(0)), (0, 0));
        let exact = |i: usize| (32_768.0 * (i as f64 / 16.0).exp2()).round() as u16;
        assert_eq!(POWERS, core::array::from_fn(exact));
    }

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
