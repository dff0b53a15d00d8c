//! Time as an argument.
//!
//! The engine never reads a clock. Live, `now` is the monotonic clock; in a replay it is the
//! capture's own time, so a recorded session ages exactly as it did on the wire.

use core::time::Duration;

use super::bounded_cache::Numbered;

/// A point in time: microseconds since an epoch that the caller chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// The instant `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Instant(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The instant in the resolution that flow records keep.
    // A packet asks for it several times, and a division of 64 bits takes hundreds of instructions of a 32-bit machine:
    // these are of 32. What is left of a division by 125 is taken away, so that it goes without rest, and that is a
    // multiplication by the inverse of 125, of which the lower half is that of the lower half.
    pub const fn stamp(self) -> Stamp {
        let eighths = self.0 >> 3;
        let (high, low) = ((eighths >> 32) as u32, eighths as u32);
        let rest = (high % 125 * POWER_MODULO_125 + low % 125) % 125;
        Stamp(low.wrapping_sub(rest).wrapping_mul(INVERSE_OF_125))
    }

    /// The instant `by` later.
    // 64-bit arithmetic takes many instructions of a 32-bit machine: one copy of them.
    #[inline(never)]
    pub fn after(self, by: Duration) -> Self {
        let micros = by.as_secs().saturating_mul(1_000_000).saturating_add(by.subsec_micros().into());
        Instant(self.0.saturating_add(micros))
    }
}

impl Numbered for Instant {
    fn number(self) -> u64 {
        self.0
    }
}

/// Milliseconds since the epoch, modulo 2³² (49 days): half the size of an [`Instant`] in a flow
/// record. Differences are right for anything younger than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(pub u32);

impl Stamp {
    /// Milliseconds from `earlier` to `self`; zero if `earlier` is in fact later, as happens when
    /// a capture's packets are out of order.
    pub fn millis_since(self, earlier: Stamp) -> u32 {
        let elapsed = self.0.wrapping_sub(earlier.0);
        if elapsed > u32::MAX / 2 { 0 } else { elapsed }
    }

    /// Whether at least `limit` has passed since `earlier`.
    pub fn has_passed(self, earlier: Stamp, limit: Duration) -> bool {
        let elapsed = self.millis_since(earlier);
        // By parts: the product of both would have 128 bits.
        (u64::from(elapsed / 1_000), elapsed % 1_000) >= (limit.as_secs(), limit.subsec_millis())
    }
}

/// 2^32 modulo 125.
const POWER_MODULO_125: u32 = ((1u64 << 32) % 125) as u32;
/// What 125 must be multiplied by to give 1 modulo 2^32.
const INVERSE_OF_125: u32 = 652_835_029;
const _: () = assert!(INVERSE_OF_125.wrapping_mul(125) == 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_lower_half_of_the_milliseconds() {
        let mut micros = 1u64;
        for step in 0..200_000u64 {
            for micros in [micros, step, micros / 1_000 * 1_000, u64::MAX - micros, (step << 32) + 124] {
                assert_eq!(Instant::from_micros(micros).stamp().0, (micros / 1_000) as u32, "{micros}");
            }
            micros = micros.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step) >> (step % 3);
        }
    }

    #[test]
    fn stamps_wrap_without_a_jump() {
        let before = Instant::from_micros(u64::from(u32::MAX) * 1_000).stamp();
        let after = Instant::from_micros((u64::from(u32::MAX) + 5) * 1_000).stamp();
        assert_eq!(after.millis_since(before), 5);
        assert_eq!(before.millis_since(after), 0);
    }

    #[test]
    fn a_limit_has_passed_to_the_millisecond() {
        for limit in [0, 1, 999, 1_000, 1_001, 5_999, 60_000, u32::MAX / 2] {
            let limit_of = |micros| Duration::from_micros(u64::from(limit) * 1_000 + micros);
            for elapsed in [0, 1, 999, 1_000, 1_001, 5_998, 5_999, 6_000, 61_000, u32::MAX / 2] {
                let has_passed = |micros| Stamp(elapsed).has_passed(Stamp(0), limit_of(micros));
                assert_eq!(
                    (has_passed(0), has_passed(999)),
                    (elapsed >= limit, elapsed >= limit),
                    "{elapsed}"
                );
            }
        }
        assert!(!Stamp(u32::MAX / 2).has_passed(Stamp(0), Duration::MAX));
    }
}
