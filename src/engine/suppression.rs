//! Suspicions of lists that were told lately, so that they are not told again with every connection.

use core::net::IpAddr;

use crate::limits::{HINT_REPEAT, HINTS_TOLD};
use crate::net::endpoint::Endpoint;
use crate::util::bounded_cache::BoundedCache;

/// [`HINTS_TOLD`] suspicions. Full, the client with the most makes room, with its oldest. Asked only when a list has an
/// opinion, or a flow opens.
#[derive(Debug)]
pub(super) struct Suppression {
    told: BoundedCache<(IpAddr, Endpoint), Announcement>,
}

#[derive(Clone, Copy, Debug)]
struct Announcement {
    until: u32,
    /// Keyed hash of the client whose share it takes.
    owner: u32,
}

impl Default for Suppression {
    fn default() -> Self {
        Suppression { told: BoundedCache::new(HINTS_TOLD) }
    }
}

impl Suppression {
    /// Notes a suspicion of `client`, whose share is that of `owner`; `false` if it is there already.
    pub(super) fn enter(&mut self, client: IpAddr, owner: u32, server: Endpoint, now: u32) -> bool {
        if self.find(client, &server, now) {
            return false;
        }
        let until = now.saturating_add(HINT_REPEAT.as_secs() as u32);
        let owner_of = |_: &(IpAddr, Endpoint), told: &Announcement| told.owner;
        self.told
            .insert_fairly((client, server), Announcement { until, owner }, owner_of, |_, told| told.until);
        true
    }

    pub(super) fn find(&self, client: IpAddr, server: &Endpoint, now: u32) -> bool {
        !self.told.is_unused() && self.told.get(&(client, *server)).is_some_and(|told| told.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspicion_is_told_once_in_a_while() {
        let mut told = Suppression::default();
        let server = |number: u8| Endpoint::new(IpAddr::from([192, 0, 2, number]), 443);
        let client = IpAddr::from([192, 168, 1, 50]);
        assert!(told.enter(client, 1, server(0), 0));
        assert!(!told.enter(client, 1, server(0), 1));
        assert!(told.enter(client, 1, server(0), HINT_REPEAT.as_secs() as u32));
        for number in 1..=HINTS_TOLD as u8 {
            assert!(told.enter(client, 1, server(number), 1));
        }
        assert_eq!(told.told.len(), HINTS_TOLD);
    }

    /// One client has ever new suspicions; those of another are still known.
    #[test]
    fn one_client_displaces_no_other_s() {
        let mut told = Suppression::default();
        let server = |number: u32| Endpoint::new(IpAddr::from(number.to_be_bytes()), 443);
        let clients = [50, 51].map(|octet| IpAddr::from([192, 168, 1, octet]));
        assert!(told.enter(clients[0], 1, server(1), 0));
        for number in 0..10 * HINTS_TOLD as u32 {
            assert!(told.enter(clients[1], 2, server(number), 1));
        }
        assert!(!told.enter(clients[0], 1, server(1), 2));
    }
}
