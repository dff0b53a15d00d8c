//! The wall clock as the store counts: a clock that jumps is noticed by the one that cannot.

use crate::limits::{CLOCK_SET_FROM, CLOCK_TOLERANCE};
use crate::util::time::Instant;

/// Wall clock, and the daemon's own time at which it was last looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreClock {
    wall: u64,
    at: Instant,
}

impl StoreClock {
    pub(super) fn new(wall: u64, at: Instant) -> Self {
        StoreClock { wall, at }
    }

    /// Seconds since 1970 when it was last looked at.
    pub(super) fn now(&self) -> u64 {
        self.wall
    }

    /// Looks at the clock: `wall` seconds at `now`. Of a clock that was set meanwhile, from one time that makes sense
    /// to another: what it would say, and what it says.
    pub(super) fn follow(&mut self, wall: u64, now: Instant) -> Option<(u64, u64)> {
        let passed = now.micros().saturating_sub(self.at.micros()) / 1_000_000;
        let expected = self.wall.saturating_add(passed);
        *self = StoreClock { wall, at: now };
        let jumped = wall.abs_diff(expected) > CLOCK_TOLERANCE.as_secs();
        // From the time before NTP nothing is moved: the store knows such entries by themselves.
        let both_set = wall >= CLOCK_SET_FROM && expected >= CLOCK_SET_FROM;
        (jumped && both_set).then_some((expected, wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_and_drift_is_not() {
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        let start = CLOCK_SET_FROM + 1_000;
        let mut clock = StoreClock::new(start, at(0));
        assert_eq!(clock.follow(start + 10, at(10)), None);
        assert_eq!(clock.follow(start + 3_611, at(3_610)), None, "drift");
        assert_eq!(clock.follow(start + 90_000, at(3_611)), Some((start + 3_612, start + 90_000)));
        assert_eq!(clock.follow(start + 3_620, at(3_620)), Some((start + 90_009, start + 3_620)));
        assert_eq!(clock.follow(5, at(3_621)), None, "no time that makes sense");
        assert_eq!(clock.follow(start + 3_622, at(3_622)), None, "nor from one");
        assert_eq!(clock.now(), start + 3_622);
    }
}
