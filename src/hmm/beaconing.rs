//! Mining by many short sessions to one server, which no flow shows: solo mining asks a node for work
//! over HTTPS every second or so, often on a new connection each time.
//!
//! The client and the server are scored together. Each short session that is as long as the
//! ones before it, to the server, and comes soon after them, counts for mining; one of another length
//! counts double against it. A monitoring script that polls looks the same; stage two settles that.

use core::cmp::Reverse;
use core::hash::BuildHasher;
use core::net::IpAddr;

use super::alphabet::Change;
use super::decision::Decision;
use crate::limits::{BEACON_GAP, BEACON_PAIRS, BEACON_SESSIONS, BEACON_WAYS};
use crate::net::endpoint::Endpoint;
use crate::util::bounded_cache::BoundedCache;
use crate::util::time::Stamp;

/// Payload of a session that is short so far, from the client.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The end that opened the session; another port is another session.
    pub client: Endpoint,
    /// Keyed hash of the client whose share it counts for.
    pub owner: u32,
    /// The end that was called.
    pub server: Endpoint,
    /// The begin of the session.
    pub began: Stamp,
    /// Payload bytes.
    pub bytes: u32,
}

/// Clients and servers that have short sessions, a bounded number. In a full set the client with the most pairs makes
/// room, with the one that has been silent for longest.
#[derive(Debug)]
pub struct Beacons<S> {
    pairs: BoundedCache<(IpAddr, Endpoint), Beacon, S>,
    /// Place of the pair of the latest packet: packets come in trains, and a hash of both ends takes longer than the rest.
    latest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Beacon {
    owner: u32,
    /// The client's port, the bytes and the begin of the session at hand, which is over when the
    /// next one begins: the queue shows no end of a connection.
    port: u16,
    sending: u32,
    began: Stamp,
    /// The session before.
    latest: Option<Stamp>,
    sent: u32,
    sent_before: u8,
    score: i16,
}

impl<S: BuildHasher> Beacons<S> {
    /// No pair is known yet.
    pub fn new(hasher: S) -> Self {
        Beacons { pairs: BoundedCache::with_sets(BEACON_PAIRS / BEACON_WAYS, BEACON_WAYS, hasher), latest: 0 }
    }

    /// Takes in some payload; [`Decision::Suspect`] when a session before it completes the number that makes a
    /// beacon, which then begins anew.
    pub fn sent(&mut self, sent: &Sent) -> Decision {
        let pair = (sent.client.addr(), sent.server);
        if let Some(beacon) = self.pairs.get_mut_near(&pair, &mut self.latest) {
            return beacon.add(sent);
        }
        let owner = |_: &(IpAddr, Endpoint), beacon: &Beacon| beacon.owner;
        let rank = |_: &(IpAddr, Endpoint), beacon: &Beacon| Reverse(sent.began.millis_since(beacon.began));
        self.pairs.insert_fairly(pair, Beacon::new(sent), owner, rank);
        Decision::Undecided
    }
}

impl Beacon {
    fn new(sent: &Sent) -> Self {
        Beacon {
            owner: sent.owner,
            port: sent.client.port(),
            sending: sent.bytes,
            began: sent.began,
            latest: None,
            sent: 0,
            sent_before: 0,
            score: 0,
        }
    }

    fn add(&mut self, sent: &Sent) -> Decision {
        if sent.client.port() == self.port {
            self.sending = self.sending.saturating_add(sent.bytes);
            return Decision::Undecided;
        }
        // Sessions side by side take turns: one that is older than the one at hand is not the next.
        if sent.began.millis_since(self.began) == 0 {
            return Decision::Undecided;
        }
        let decision = self.session_over();
        (self.port, self.sending, self.began) = (sent.client.port(), sent.bytes, sent.began);
        decision
    }

    fn session_over(&mut self) -> Decision {
        let soon = self.latest.is_some_and(|latest| !self.began.has_passed(latest, BEACON_GAP));
        let change = Change::of(self.sending, self.sent, self.sent_before);
        let alike = !matches!(change, Change::Moderate | Change::Large);
        self.sent_before = self.sent as u8;
        self.sent = self.sending;
        self.latest = Some(self.began);
        self.score = match (soon, alike) {
            (true, true) => self.score + 1,
            (true, false) => (self.score - 2).max(0),
            (false, _) => 0,
        };
        if self.score < BEACON_SESSIONS {
            return Decision::Undecided;
        }
        self.score = 0;
        Decision::Suspect
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BEACON_SESSION_PACKETS;
    use core::net::Ipv4Addr;
    use std::hash::RandomState;

    /// A session of two packets from a port of its own.
    fn session(beacons: &mut Beacons<RandomState>, server: u8, at: u32, sent: u32) -> bool {
        let client = Endpoint::from((Ipv4Addr::new(192, 168, 1, 1), 32_768 + (at / 100 % 32_768) as u16));
        let server = Endpoint::from((Ipv4Addr::new(192, 0, 2, server), 443));
        let mut packet = |bytes| beacons.sent(&Sent { client, owner: 1, server, began: Stamp(at), bytes });
        let decisions = [packet(sent / 3), packet(sent - sent / 3)];
        decisions.contains(&Decision::Suspect)
    }

    fn run(sessions: impl IntoIterator<Item = (u32, u32)>) -> usize {
        let mut beacons = Beacons::new(RandomState::new());
        sessions.into_iter().filter(|&(at, sent)| session(&mut beacons, 9, at, sent)).count()
    }

    #[test]
    fn a_node_asked_for_work_every_second_becomes_suspect() {
        // The first is nothing like the one before it, and the last one's end is not seen.
        let polls = (0..BEACON_SESSIONS as u32 + 2).map(|at| (at * 1_000, 780 + at % 3));
        assert_eq!(run(polls.clone()), 1);
        assert_eq!(run(polls.skip(1)), 0);
    }

    #[test]
    fn pages_of_all_lengths_and_rare_polls_do_not() {
        assert_eq!(run((0..400u32).map(|at| (at * 900, 500 + at * 7_919 % 1_300))), 0);
        assert_eq!(run((0..400u32).map(|at| (at * 3_600_000, 780))), 0);
    }

    /// A browser's six connections, an application's two: they take turns, and begin once.
    #[test]
    fn sessions_side_by_side_are_few() {
        let mut beacons = Beacons::new(RandomState::new());
        let server = Endpoint::from((Ipv4Addr::new(192, 0, 2, 9), 443));
        for turn in 0..BEACON_SESSION_PACKETS {
            for session in 0..6 {
                let client = Endpoint::from((Ipv4Addr::new(192, 168, 1, 1), 40_000 + session));
                let sent = Sent { client, owner: 1, server, began: Stamp(u32::from(session)), bytes: 300 };
                assert_eq!(beacons.sent(&sent), Decision::Undecided, "turn {turn}");
            }
        }
    }

    #[test]
    fn a_full_table_forgets_the_most_silent() {
        let mut beacons = Beacons::new(RandomState::new());
        let mut suspects = 0;
        for at in 0..200u32 {
            // One beacon among servers that are never met again.
            for other in 0..2 {
                assert!(!session(&mut beacons, 10 + ((at * 2 + other) % 240) as u8, at * 1_000 + other, 100));
            }
            suspects += usize::from(session(&mut beacons, 9, at * 1_000 + 500, 780));
        }
        assert_eq!(suspects, 198 / BEACON_SESSIONS as usize);
    }

    /// A client that opens short sessions to servers without end takes no place from another one.
    #[test]
    fn one_client_hides_no_beacon_of_another() {
        let mut beacons = Beacons::new(RandomState::new());
        let mut suspects = 0;
        for at in 0..100u32 {
            for other in 0..200 {
                let client = Endpoint::from((Ipv4Addr::new(192, 168, 1, 2), 1_024 + other));
                let server = Endpoint::from((Ipv4Addr::new(198, 51, 100, other as u8), at as u16));
                beacons.sent(&Sent { client, owner: 2, server, began: Stamp(at * 1_000), bytes: 300 });
            }
            suspects += usize::from(session(&mut beacons, 9, at * 1_000 + 500, 780));
        }
        assert_eq!(suspects, 98 / BEACON_SESSIONS as usize);
    }
}
