//! Suspicions of lists that were told lately, so that they are not told again with every connection.

use core::net::IpAddr;

use crate::limits::{HINT_REPEAT, HINTS_TOLD};
use crate::net::endpoint::Endpoint;

/// The latest [`HINTS_TOLD`] suspicions; the oldest makes room. Asked only when a list has an opinion, or a flow opens.
#[derive(Debug)]
pub(super) struct Suppression {
    entries: [Option<(IpAddr, Endpoint, u32)>; HINTS_TOLD],
    next: usize,
    used: usize,
}

impl Default for Suppression {
    fn default() -> Self {
        Suppression { entries: [None; HINTS_TOLD], next: 0, used: 0 }
    }
}

impl Suppression {
    /// Notes a suspicion; `false` if it is there already.
    pub fn enter(&mut self, client: IpAddr, server: Endpoint, now: u32) -> bool {
        if self.find(client, &server, now) {
            return false;
        }
        let until = now.saturating_add(HINT_REPEAT.as_secs() as u32);
        if let Some(entry) = self.entries.get_mut(self.next) {
            *entry = Some((client, server, until));
        }
        self.next = (self.next + 1) % HINTS_TOLD;
        self.used = (self.used + 1).min(HINTS_TOLD);
        true
    }

    pub fn find(&self, client: IpAddr, server: &Endpoint, now: u32) -> bool {
        let is_it =
            |entry: &(IpAddr, Endpoint, u32)| entry.0 == client && entry.1 == *server && entry.2 > now;
        self.entries.iter().take(self.used).flatten().any(is_it)
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
        assert!(told.enter(client, server(0), 0));
        assert!(!told.enter(client, server(0), 1));
        assert!(told.enter(client, server(0), HINT_REPEAT.as_secs() as u32));
        for number in 1..=HINTS_TOLD as u8 {
            assert!(told.enter(client, server(number), 1));
        }
        assert!(told.enter(client, server(0), 2), "it has made room");
        assert_eq!(told.used, HINTS_TOLD);
    }
}
