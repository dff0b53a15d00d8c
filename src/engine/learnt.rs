//! What is known of servers, for the packet path: a sorted list, so that a look-up is
//! a few comparisons, and nobody can make it more.

use crate::dpi::dialect::Dialect;
use crate::dpi::finding::Finding;
use crate::engine::event::Source;
use crate::intel::reputation::Origin;
use crate::limits::LEARNT_ENDPOINTS;
use crate::net::endpoint::Endpoint;
use crate::util::time::Instant;

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// It is a pool. The dialect it speaks, if known.
    Pool(Option<Dialect>),
    /// It didn't say what it is, and the user wants such suspects cut off.
    Doubtful,
    /// It is none, whatever its traffic looks like.
    NotPool,
    /// The book says that it is a pool.
    Known(Origin, Option<Dialect>),
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    entries: heapless::Vec<Entry, LEARNT_ENDPOINTS>,
    /// Entries that cut flows off.
    cutting: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    server: Endpoint,
    lesson: Lesson,
    until: Instant,
}

const _: () = assert!(size_of::<Learnt>() <= LEARNT_ENDPOINTS * 48 + 16);

impl Learnt {
    /// Enters a lesson that holds until `until`. With no room left it replaces the one that ends first,
    /// pools last of all.
    pub(super) fn enter(&mut self, server: Endpoint, lesson: Lesson, until: Instant) {
        self.entries.retain(|entry| entry.server != server);
        if self.entries.is_full() {
            let is_pool = |lesson| matches!(lesson, Lesson::Pool(_) | Lesson::Known(..));
            let order = |entry: &Entry| (is_pool(entry.lesson), entry.until);
            let victim = self.entries.iter().enumerate().min_by_key(|(_, entry)| order(entry));
            if let Some(at) = victim.map(|(at, _)| at) {
                self.entries.remove(at);
            }
        }
        let at = self.entries.partition_point(|entry| entry.server < server);
        // Room has been made.
        let _ = self.entries.insert(at, Entry { server, lesson, until });
        self.count();
    }

    /// Forgets what is known of the servers that are `meant`; whether anything was.
    pub(super) fn forget(&mut self, meant: impl Fn(&Endpoint) -> bool) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !meant(&entry.server));
        self.count();
        self.entries.len() < before
    }

    /// Forgets what holds no longer at `now`.
    pub(super) fn sweep(&mut self, now: Instant) {
        if self.entries.iter().any(|entry| entry.until <= now) {
            self.entries.retain(|entry| entry.until > now);
            self.count();
        }
    }

    /// What flows to `server` are cut off for. Costs nothing while there is nothing of the kind.
    pub(super) fn proof(&self, server: &Endpoint) -> Option<(Source, Finding)> {
        if self.cutting == 0 {
            return None;
        }
        let (source, dialect, why) = match self.find(server)? {
            Lesson::Pool(dialect) | Lesson::Known(Origin::Probe, dialect) => {
                (Source::Probe, dialect, "the server answers a probe as pools do")
            }
            Lesson::Doubtful => (Source::Probe, None, "a suspect, whose server doesn't say what it is"),
            Lesson::Known(Origin::Dpi, dialect) => {
                (Source::Intel, dialect, "a pool that was mined at before")
            }
            Lesson::Known(Origin::Operator, dialect) => (Source::Intel, dialect, "entered as a pool by hand"),
            Lesson::Known(Origin::Fleet, dialect) => (Source::Intel, dialect, "a pool, says another router"),
            Lesson::NotPool => return None,
        };
        Some((source, Finding::of(dialect, why)))
    }

    /// What is known of `server`.
    pub(super) fn find(&self, server: &Endpoint) -> Option<Lesson> {
        let at = self.entries.binary_search_by(|entry| entry.server.cmp(server)).ok()?;
        self.entries.get(at).map(|entry| entry.lesson)
    }

    fn count(&mut self) {
        self.cutting = self.entries.iter().filter(|entry| entry.lesson != Lesson::NotPool).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::net::IpAddr;

    fn server(number: u8) -> Endpoint {
        Endpoint::new(IpAddr::from([192, 0, 2, number]), 3333)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn it_is_a_map_as_long_as_there_is_room() {
        let (mut learnt, mut twin) = (Learnt::default(), HashMap::new());
        for number in (0..LEARNT_ENDPOINTS as u8).rev().chain(0..3) {
            let lesson = if number % 3 == 0 { Lesson::Pool(None) } else { Lesson::NotPool };
            learnt.enter(server(number), lesson, at(100 + u64::from(number)));
            twin.insert(server(number), lesson);
        }
        for number in 0..=u8::MAX {
            assert_eq!(learnt.find(&server(number)), twin.get(&server(number)).copied());
        }
        learnt.sweep(at(103));
        assert_eq!(learnt.find(&server(3)), None);
        assert!(learnt.find(&server(4)).is_some());
    }

    #[test]
    fn what_matters_is_kept_when_it_is_full() {
        let mut learnt = Learnt::default();
        learnt.enter(server(0), Lesson::Pool(None), at(1));
        for number in 1..=200 {
            learnt.enter(server(number), Lesson::NotPool, at(100 + u64::from(number)));
        }
        assert_eq!(learnt.find(&server(0)), Some(Lesson::Pool(None)));
        assert_eq!(learnt.find(&server(200)), Some(Lesson::NotPool));
        assert_eq!(learnt.entries.len(), LEARNT_ENDPOINTS);
    }
}
