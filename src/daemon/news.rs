//! The budget of new findings: a client and a server that were not told lately.
//!
//! A miner that is refused again and again uses up the reports of its host, and many of them those of the house. A
//! finding that is new has a budget of its own, so that no number of repeated refusals silences it. Proofs and suspicions
//! are counted apart: suspicions are cheap to cause.

use std::net::IpAddr;

use crate::limits::{NEWS_CLIENTS, NEWS_PER_HOUR_OF_CLIENT, NEWS_PER_MINUTE, NEWS_REPEAT, NEWS_TOLD};
use crate::net::client_id::ClientId;
use crate::net::endpoint::Endpoint;
use crate::util::bounded_cache::BoundedCache;
use crate::util::fair_budget::FairBudget;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};

/// Findings told lately, and the tokens of clients and of all together.
#[derive(Debug)]
pub(super) struct News {
    told: BoundedCache<(IpAddr, Endpoint), (Instant, ClientId)>,
    clients: BoundedCache<ClientId, (TokenBucket, Instant)>,
    all: FairBudget<ClientId>,
}

impl Default for News {
    fn default() -> Self {
        News {
            told: BoundedCache::new(NEWS_TOLD),
            clients: BoundedCache::new(NEWS_CLIENTS),
            all: FairBudget::new(NEWS_CLIENTS),
        }
    }
}

impl News {
    /// Whether a finding of `client`, at `addr`, and `server` is new at `now`, and may be told on the budget of new ones.
    pub(super) fn take(&mut self, addr: IpAddr, client: ClientId, server: Endpoint, now: Instant) -> bool {
        let key = (addr, server);
        let is_repeated = self.told.get(&key).is_some_and(|(told, _)| now < told.after(NEWS_REPEAT));
        if is_repeated {
            return false;
        }
        let new = || (TokenBucket::default(), now);
        let tokens = self.clients.get_or_insert_with(client, new, |_, (_, used)| *used);
        let has_own = tokens.is_some_and(|(tokens, used)| {
            *used = now;
            tokens.take(&Rate::per_hour(NEWS_PER_HOUR_OF_CLIENT), now)
        });
        let is_told = has_own && self.all.take(client, &Rate::per_minute(NEWS_PER_MINUTE), now);
        if is_told {
            self.told.insert_fairly(key, (now, client), |_, (_, client)| *client, |_, (told, _)| *told);
        }
        is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, number])
    }

    fn id(number: u8) -> ClientId {
        ClientId::of(client(number), None)
    }

    fn server(number: u16) -> Endpoint {
        Endpoint::new(IpAddr::from([203, 0, 113, 9]), number)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(1_000_000 * (1 + seconds))
    }

    #[test]
    fn a_finding_is_new_once_in_a_while() {
        let mut news = News::default();
        assert!(news.take(client(1), id(1), server(1), at(0)));
        assert!(!news.take(client(1), id(1), server(1), at(10)));
        assert!(news.take(client(1), id(1), server(2), at(10)), "another server");
        assert!(news.take(client(2), id(2), server(1), at(10)), "another client");
        assert!(news.take(client(1), id(1), server(1), at(NEWS_REPEAT.as_secs())));
    }

    /// A client with ever other servers uses up its own budget.
    #[test]
    fn one_client_silences_no_other() {
        let mut news = News::default();
        let told = (0..10_000).filter(|&number| news.take(client(1), id(1), server(number), at(0))).count();
        assert_eq!(told, NEWS_PER_HOUR_OF_CLIENT as usize);
        assert!(news.take(client(2), id(2), server(1), at(0)));
    }

    /// One host under a thousand addresses has the budget of one.
    #[test]
    fn many_addresses_of_one_host_silence_no_other() {
        let mut news = News::default();
        let flood = (0..1_000_u32).filter(|number| {
            let addr = IpAddr::from((0xfd00_0000_0000_0000_u128 << 64 | u128::from(*number)).to_be_bytes());
            news.take(addr, ClientId::of(addr, None), server(1), at(0))
        });
        assert_eq!(flood.count(), NEWS_PER_HOUR_OF_CLIENT as usize);
        assert!(news.take(client(2), id(2), server(1), at(0)));
    }
}
