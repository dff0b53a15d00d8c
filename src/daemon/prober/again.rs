//! Suspects to be tried again: there was no room, they came too soon after others, or the server
//! didn't say.

use crate::limits::PROBES_AGAIN;
use crate::net::endpoint::Endpoint;
use crate::probe::worker::Suspect;
use crate::util::time::Instant;

/// The suspects, one for each server.
#[derive(Debug, Default)]
pub(super) struct Again {
    entries: heapless::Vec<Entry, PROBES_AGAIN>,
}

#[derive(Debug)]
struct Entry {
    suspect: Suspect,
    at: Instant,
}

impl Again {
    /// To be tried again at `at`. With no room left, a confirmation goes before any suspicion, and of either kind the
    /// one whose turn is furthest away: a server that didn't say has been asked at least.
    pub fn put_off(&mut self, suspect: Suspect, at: Instant) {
        self.forget(&suspect.server);
        if self.entries.is_full() {
            let rank = |entry: &Entry| (entry.suspect.purpose, entry.at);
            let last = self.entries.iter().enumerate().max_by_key(|(_, entry)| rank(entry));
            match last.map(|(number, entry)| (number, rank(entry))) {
                Some((number, last)) if last > (suspect.purpose, at) => {
                    drop(self.entries.swap_remove(number))
                }
                _ => return,
            }
        }
        // Room has been made.
        let _ = self.entries.push(Entry { suspect, at });
    }

    /// One whose turn has come at `now`.
    pub fn take_due(&mut self, now: Instant) -> Option<Suspect> {
        let number = self.entries.iter().position(|entry| entry.at <= now)?;
        Some(self.entries.swap_remove(number).suspect)
    }

    fn forget(&mut self, server: &Endpoint) {
        self.entries.retain(|entry| entry.suspect.server != *server);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::guard::Purpose;

    fn suspect(number: u8) -> Suspect {
        Suspect {
            server: Endpoint::new([192, 0, 2, number].into(), 3333),
            client: Endpoint::new([192, 168, 1, 50].into(), 40_000),
            tls: None,
            purpose: Purpose::Suspicion,
            sni: heapless::String::new(),
            hints: crate::probe::hint::Hints::default(),
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn due(again: &mut Again, now: u64) -> Vec<Suspect> {
        core::iter::from_fn(|| again.take_due(at(now))).collect()
    }

    #[test]
    fn each_server_has_its_turn_once() {
        let mut again = Again::default();
        again.put_off(suspect(1), at(5));
        again.put_off(suspect(2), at(60));
        again.put_off(suspect(1), at(10));
        assert_eq!(due(&mut again, 9), []);
        assert_eq!(due(&mut again, 10), [suspect(1)]);
        assert_eq!(due(&mut again, 3_600), [suspect(2)]);
        assert_eq!(due(&mut again, 3_600), []);
    }

    #[test]
    fn with_no_room_left_the_soonest_stay() {
        let mut again = Again::default();
        for number in (1..=50).rev() {
            again.put_off(suspect(number), at(number.into()));
        }
        again.put_off(suspect(99), at(99));
        let mut left: Vec<u8> = due(&mut again, 100)
            .iter()
            .map(|left| {
                left.server
                    .to_string()
                    .split(['.', ':'])
                    .nth(3)
                    .and_then(|n| n.parse().ok())
                    .expect("a number")
            })
            .collect();
        left.sort_unstable();
        assert_eq!(left, (1..=PROBES_AGAIN as u8).collect::<Vec<_>>());
    }

    /// A host may mine in the clear, or pretend to, at as many servers as it likes.
    #[test]
    fn confirmations_make_room_for_suspicions() {
        let confirmation = |number| Suspect { purpose: Purpose::Confirmation, ..suspect(number) };
        let mut again = Again::default();
        for number in 0..50 {
            again.put_off(confirmation(number), at(20));
        }
        for number in 0..PROBES_AGAIN as u8 {
            again.put_off(suspect(100 + number), at(40));
        }
        again.put_off(confirmation(200), at(20));
        assert!(again.entries.iter().all(|entry| entry.suspect.purpose == Purpose::Suspicion));
        assert_eq!(again.entries.len(), PROBES_AGAIN);
    }
}
