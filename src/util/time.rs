//! Time as an argument.
//!
//! The engine never reads a clock. Live, `now` is the monotonic clock; in a replay it is the
//! capture's own time, so a recorded session ages exactly as it did on the wire.

use core::time::Duration;

use super::bounded_cache::Number;

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
    pub const fn stamp(self) -> Stamp {
        Stamp((self.0 / 1_000) as u32)
    }

    /// The instant `by` later.
    // 64-bit arithmetic takes many instructions of a 32-bit machine: one copy of them.
    #[inline(never)]
    pub fn after(self, by: Duration) -> Self {
        let micros = by.as_secs().saturating_mul(1_000_000).saturating_add(by.subsec_micros().into());
        Instant(self.0.saturating_add(micros))
    }
}

impl Number for Instant {
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
        u128::from(self.millis_since(earlier)) >= limit.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_wrap_without_a_jump() {
        let before = Instant::from_micros(u64::from(u32::MAX) * 1_000).stamp();
        let after = Instant::from_micros((u64::from(u32::MAX) + 5) * 1_000).stamp();
        assert_eq!(after.millis_since(before), 5);
        assert_eq!(before.millis_since(after), 0);
    }
}
