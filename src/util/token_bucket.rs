//! Rate limits.
//!
//! A token bucket, kept as the generic cell rate algorithm has it (ITU-T I.371, virtual scheduling): all that
//! is stored is the time at which the bucket is full again. Nothing is refilled, so that a look after a year
//! costs as much as one after a microsecond.

use core::time::Duration;

use crate::util::time::Instant;

/// Rate of new tokens, and capacity of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Microseconds from one token to the next.
    interval: u64,
    burst: u32,
}

impl Rate {
    /// `tokens` (at least one) in each `period`, and as many at once.
    pub(crate) const fn new(tokens: u32, period: Duration) -> Self {
        let tokens = if tokens == 0 { 1 } else { tokens };
        Rate { interval: period.as_micros() as u64 / tokens as u64, burst: tokens }
    }

    /// `tokens` a second, and as many at once.
    #[cfg(any(test, feature = "host"))]
    pub(crate) const fn per_second(tokens: u32) -> Self {
        Rate::new(tokens, Duration::from_secs(1))
    }

    /// `tokens` a minute, and as many at once.
    pub(crate) const fn per_minute(tokens: u32) -> Self {
        Rate::new(tokens, Duration::from_secs(60))
    }

    /// `tokens` an hour, and as many at once.
    pub(crate) const fn per_hour(tokens: u32) -> Self {
        Rate::new(tokens, Duration::from_secs(3_600))
    }

    /// The rate with a capacity of at most `tokens` (at least one).
    pub(crate) const fn burst(self, tokens: u32) -> Self {
        Rate { burst: if tokens == 0 { 1 } else { tokens }, ..self }
    }

    /// The rate with half the capacity, rounded up.
    pub(crate) const fn half(self) -> Self {
        self.burst(self.burst.div_ceil(2))
    }

    /// A quarter of the rate, with a quarter of the capacity.
    pub(crate) const fn quarter(self) -> Self {
        Rate { interval: self.interval * 4, ..self }.burst(self.burst / 4)
    }
}

/// A bucket of tokens, full at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenBucket {
    full_at: Instant,
}

impl TokenBucket {
    /// Takes a token, if there is one at `now`.
    pub(crate) fn take(&mut self, rate: &Rate, now: Instant) -> bool {
        let has = self.has(rate, now);
        if has {
            let begin = self.full_at.max(now).micros();
            self.full_at = Instant::from_micros(begin.saturating_add(rate.interval));
        }
        has
    }

    /// Whether there is a token at `now`.
    pub(crate) fn has(&self, rate: &Rate, now: Instant) -> bool {
        let missing = self.full_at.micros().saturating_sub(now.micros());
        missing <= rate.interval.saturating_mul(u64::from(rate.burst - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_its_rate() {
        let rate = Rate::per_hour(60).burst(6);
        let mut bucket = TokenBucket::default();
        assert_eq!((0..100).filter(|_| bucket.take(&rate, at(7))).count(), 6);
        let taken = (1..=24 * 3_600).filter(|second| bucket.take(&rate, at(second * 1_000_000 + 7))).count();
        assert_eq!(taken, 24 * 60);
        assert!(bucket.take(&rate, at(u64::MAX)), "the end of time");
    }

    #[test]
    fn a_rate_of_zero_counts_as_one() {
        assert_eq!(Rate::per_hour(0), Rate::per_hour(1));
        let mut bucket = TokenBucket::default();
        assert!(bucket.take(&Rate::per_second(0).burst(0), at(0)));
        assert!(!bucket.has(&Rate::per_second(0).burst(0), at(999_999)));
    }

    /// The reference model adds tokens one by one.
    #[test]
    fn agrees_with_counted_tokens() {
        let mut random = Random::new(4);
        for _ in 0..200 {
            let (interval, burst) = (u64::from(1 + random.below(50)), 1 + random.below(8));
            let rate = Rate { interval, burst };
            let (mut bucket, mut now) = (TokenBucket::default(), u64::from(random.below(100)));
            let (mut tokens, mut next) = (burst, u64::MAX);
            for _ in 0..500 {
                now += u64::from(random.below(60)) / 2;
                while next <= now {
                    tokens += 1;
                    next = if tokens == burst { u64::MAX } else { next + interval };
                }
                assert_eq!(bucket.has(&rate, at(now)), tokens > 0);
                assert_eq!(bucket.take(&rate, at(now)), tokens > 0);
                if tokens > 0 {
                    next = if tokens == burst { now + interval } else { next };
                    tokens -= 1;
                }
            }
        }
    }
}
