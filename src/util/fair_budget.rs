//! A rate limit of all clients together that no client can use up.
//!
//! Half of the tokens are for all comers. The other half is kept for clients that have had few lately: each has a bucket
//! of its own beside, of a quarter of the rate, and with less than half of the tokens left it takes one out of both.

use core::hash::Hash;

use crate::util::bounded_cache::BoundedCache;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};

/// The budget, of clients that are told by `K`.
#[derive(Debug)]
pub(crate) struct FairBudget<K> {
    all: TokenBucket,
    /// Buckets of clients; the one used longest ago makes room.
    clients: BoundedCache<K, (TokenBucket, Instant)>,
}

impl<K: Hash + Eq> FairBudget<K> {
    /// A full budget that tells so many clients apart.
    pub(crate) fn new(clients: usize) -> Self {
        FairBudget { all: TokenBucket::default(), clients: BoundedCache::new(clients) }
    }

    /// Takes a token of `rate` for `client`, if there is one at `now`.
    pub(crate) fn take(&mut self, client: K, rate: &Rate, now: Instant) -> bool {
        if !self.all.has(rate, now) {
            return false;
        }
        let is_plenty = self.all.has(&rate.half(), now);
        let new = || (TokenBucket::default(), now);
        let Some((bucket, used)) = self.clients.get_or_insert_with(client, new, |_, (_, used)| *used) else {
            return is_plenty && self.all.take(rate, now);
        };
        *used = now;
        let has_share = bucket.take(&rate.quarter(), now);
        (has_share || is_plenty) && self.all.take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::per_minute(40);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(1_000_000 * (1_000 + seconds))
    }

    /// One client asks a thousand times a second; three others have what they ask for at any time.
    #[test]
    fn one_client_leaves_the_others_their_share() {
        let mut budget = FairBudget::new(8);
        let taken = (0..1_000).filter(|_| budget.take(0, &RATE, at(0))).count();
        assert_eq!(taken, 20, "half of all");
        for client in 1..=3 {
            assert!(budget.take(client, &RATE, at(0)), "{client}");
        }
        for second in 1..600 {
            assert!((0..1_000).filter(|_| budget.take(0, &RATE, at(second))).count() < 20);
            assert!(second % 20 > 0 || budget.take(1, &RATE, at(second)), "{second}");
        }
    }

    /// Many clients together have no more than the rate.
    #[test]
    fn all_together_have_what_there_is() {
        let mut budget = FairBudget::new(8);
        assert_eq!((0..1_000).filter(|client| budget.take(*client, &RATE, at(0))).count(), 40);
        let mut none = FairBudget::new(0);
        assert_eq!((0..1_000).filter(|client| none.take(*client, &RATE, at(0))).count(), 20);
    }
}
