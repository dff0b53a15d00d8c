//! Mining by many short sessions to one server, which no flow shows: solo mining asks a node for work
//! over HTTPS every second or so, often on a new connection each time.
//!
//! What is scored is the client and the server together. Each short session that is as long as the
//! ones before it, to the server, and comes soon after them, counts for mining; one of another length
//! counts double against it. A monitoring script that polls looks the same; stage two settles that.

use core::net::IpAddr;

use super::alphabet::Change;
use super::decision::Decision;
use crate::limits::{SWARM_GAP, SWARM_SESSIONS, SWARM_SLOTS};
use crate::net::endpoint::Endpoint;
use crate::util::time::Stamp;

/// Payload of a session that is short so far, from the client.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Who opened the session; another port is another session.
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// When the session began.
    pub began: Stamp,
    /// Payload bytes.
    pub bytes: u32,
}

/// The clients and servers that have short sessions, a bounded number: a new pair takes the place of
/// the one that has been silent for longest.
#[derive(Debug)]
pub struct Swarms {
    slots: [Option<Swarm>; SWARM_SLOTS],
}

#[derive(Clone, Copy, Debug)]
struct Swarm {
    client: IpAddr,
    server: Endpoint,
    /// The client's port, the bytes and the beginning of the session at hand, which is over when the
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

impl Default for Swarms {
    fn default() -> Self {
        Swarms { slots: [None; SWARM_SLOTS] }
    }
}

impl Swarms {
    /// Takes in some payload; [`Decision::Suspect`] when a session before it has completed a swarm,
    /// which then begins anew.
    pub fn sent(&mut self, sent: &Sent) -> Decision {
        let client = sent.client.addr();
        let is_theirs = |slot: &&mut Option<Swarm>| {
            slot.is_some_and(|swarm| swarm.client == client && swarm.server == sent.server)
        };
        if let Some(Some(swarm)) = self.slots.iter_mut().find(is_theirs) {
            return swarm.add(sent);
        }
        let silence =
            |slot: &&mut Option<Swarm>| slot.map_or(u32::MAX, |swarm| sent.began.millis_since(swarm.began));
        if let Some(slot) = self.slots.iter_mut().max_by_key(silence) {
            *slot = Some(Swarm {
                client,
                server: sent.server,
                port: sent.client.port(),
                sending: sent.bytes,
                began: sent.began,
                latest: None,
                sent: 0,
                sent_before: 0,
                score: 0,
            });
        }
        Decision::Undecided
    }
}

impl Swarm {
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
        let soon = self.latest.is_some_and(|latest| !self.began.has_passed(latest, SWARM_GAP));
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
        if self.score < SWARM_SESSIONS {
            return Decision::Undecided;
        }
        self.score = 0;
        Decision::Suspect
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SWARM_SESSION_PACKETS;
    use core::net::Ipv4Addr;

    /// A session of two packets from a port of its own.
    fn session(swarms: &mut Swarms, server: u8, at: u32, sent: u32) -> bool {
        let client = Endpoint::from((Ipv4Addr::new(192, 168, 1, 1), 32_768 + (at / 100 % 32_768) as u16));
        let server = Endpoint::from((Ipv4Addr::new(192, 0, 2, server), 443));
        let mut packet = |bytes| swarms.sent(&Sent { client, server, began: Stamp(at), bytes });
        let decisions = [packet(sent / 3), packet(sent - sent / 3)];
        decisions.contains(&Decision::Suspect)
    }

    fn run(sessions: impl IntoIterator<Item = (u32, u32)>) -> usize {
        let mut swarms = Swarms::default();
        sessions.into_iter().filter(|&(at, sent)| session(&mut swarms, 9, at, sent)).count()
    }

    #[test]
    fn a_node_asked_for_work_every_second_becomes_suspect() {
        // The first is nothing like the one before it, and the last one's end is not seen.
        let polls = (0..SWARM_SESSIONS as u32 + 2).map(|at| (at * 1_000, 780 + at % 3));
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
        let mut swarms = Swarms::default();
        let server = Endpoint::from((Ipv4Addr::new(192, 0, 2, 9), 443));
        for turn in 0..SWARM_SESSION_PACKETS {
            for session in 0..6 {
                let client = Endpoint::from((Ipv4Addr::new(192, 168, 1, 1), 40_000 + session));
                let sent = Sent { client, server, began: Stamp(u32::from(session)), bytes: 300 };
                assert_eq!(swarms.sent(&sent), Decision::Undecided, "turn {turn}");
            }
        }
    }

    #[test]
    fn a_full_table_forgets_the_most_silent() {
        let mut swarms = Swarms::default();
        let mut suspects = 0;
        for at in 0..200u32 {
            // One swarm among servers that are never met again.
            for other in 0..2 {
                assert!(!session(&mut swarms, 10 + ((at * 2 + other) % 240) as u8, at * 1_000 + other, 100));
            }
            suspects += usize::from(session(&mut swarms, 9, at * 1_000 + 500, 780));
        }
        assert_eq!(suspects, 198 / SWARM_SESSIONS as usize);
    }
}
