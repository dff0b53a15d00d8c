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
use crate::packet::Endpoint;
use crate::time::Stamp;

/// A session that has ended, too short for a decision of its own.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Who opened it.
    pub client: IpAddr,
    /// Who was called.
    pub server: Endpoint,
    /// When it began.
    pub began: Stamp,
    /// Payload bytes to the server.
    pub sent: u32,
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
    latest: Stamp,
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
    /// Takes in one session; [`Decision::Suspect`] when it completes a swarm, which then begins anew.
    pub fn session(&mut self, session: &Session) -> Decision {
        let is_theirs = |slot: &&mut Option<Swarm>| {
            slot.is_some_and(|swarm| swarm.client == session.client && swarm.server == session.server)
        };
        if let Some(Some(swarm)) = self.slots.iter_mut().find(is_theirs) {
            return swarm.add(session);
        }
        let silence = |slot: &&mut Option<Swarm>| {
            slot.map_or(u32::MAX, |swarm| session.began.millis_since(swarm.latest))
        };
        if let Some(slot) = self.slots.iter_mut().max_by_key(silence) {
            *slot = Some(Swarm {
                client: session.client,
                server: session.server,
                latest: session.began,
                sent: session.sent,
                sent_before: session.sent as u8,
                score: 0,
            });
        }
        Decision::Undecided
    }
}

impl Swarm {
    fn add(&mut self, session: &Session) -> Decision {
        let soon = !session.began.has_passed(self.latest, SWARM_GAP);
        let change = Change::of(session.sent, self.sent, self.sent_before);
        let alike = !matches!(change, Change::Moderate | Change::Large);
        self.sent_before = self.sent as u8;
        self.sent = session.sent;
        self.latest = session.began;
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
    use core::net::Ipv4Addr;

    fn session(server: u8, at: u32, sent: u32) -> Session {
        let addr = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        Session { client: addr(1), server: Endpoint::new(addr(server), 443), began: Stamp(at), sent }
    }

    fn run(sessions: impl IntoIterator<Item = Session>) -> usize {
        let mut swarms = Swarms::default();
        sessions.into_iter().filter(|s| swarms.session(s) == Decision::Suspect).count()
    }

    #[test]
    fn a_node_asked_for_work_every_second_becomes_suspect() {
        let polls = (0..=SWARM_SESSIONS as u32).map(|at| session(9, at * 1_000, 780 + at % 3));
        assert_eq!(run(polls), 1);
    }

    #[test]
    fn pages_of_all_lengths_and_rare_polls_do_not() {
        let pages = (0..400u32).map(|at| session(9, at * 900, 500 + at * 7_919 % 1_300));
        assert_eq!(run(pages), 0);
        let hourly = (0..400u32).map(|at| session(9, at * 3_600_000, 780));
        assert_eq!(run(hourly), 0);
    }

    #[test]
    fn a_full_table_forgets_the_most_silent() {
        let mut swarms = Swarms::default();
        let mut suspects = 0;
        for at in 0..200u32 {
            // One swarm among servers that are never met again.
            let others = (0..2).map(|i| session(10 + (at * 2 + i) as u8 % 240, at * 1_000 + i, 100));
            others.for_each(|s| assert_eq!(swarms.session(&s), Decision::Undecided));
            suspects += usize::from(swarms.session(&session(9, at * 1_000 + 500, 780)) == Decision::Suspect);
        }
        assert_eq!(suspects, 199 / SWARM_SESSIONS as usize);
    }
}
