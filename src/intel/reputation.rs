//! The book: what was learnt of endpoints, here and elsewhere, until when, and what that is worth.
//!
//! | origin | how it got here | gives way to |
//! |---|---|---|
//! | [`Origin::Operator`] | a person entered it | nobody |
//! | [`Origin::Probe`] | the server, when asked, proved to be a pool | the operator |
//! | [`Origin::Dpi`] | a session with it was mining in the clear | the two above |
//! | [`Origin::Fleet`] | another router says so | all of them |
//!
//! The book is bounded, its entries end, and it survives restarts (`file`). It knows the wall clock's
//! seconds and nothing else of the world: the daemon turns what it says into lessons for the engine and
//! elements of the kernel's sets.

mod file;
mod line;
mod subject;

pub use line::{BadLine, Heard, read_line};

use crate::dpi::dialect::Dialect;
use crate::intel::entry::{Pattern, Policy};
use crate::limits::{BOOK_ENTRIES, BOOK_FLEET_ENTRIES, CLOCK_SET_FROM};
use crate::net::endpoint::Endpoint;

/// Where an entry comes from; the later ones take the place of the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Another router.
    Fleet,
    /// A session that was read.
    Dpi,
    /// The server's answer to the probe.
    Probe,
    /// A person.
    Operator,
}

impl Origin {
    const ALL: [Origin; 4] = [Origin::Fleet, Origin::Dpi, Origin::Probe, Origin::Operator];

    /// The name in files, requests and lines of JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Fleet => "fleet",
            Origin::Dpi => "dpi",
            Origin::Probe => "probe",
            Origin::Operator => "operator",
        }
    }

    /// The other way round.
    pub fn from_name(name: &str) -> Option<Self> {
        Origin::ALL.into_iter().find(|origin| origin.name() == name)
    }

    /// Whether it was found out by this router, and so is news to others.
    pub const fn is_own_finding(self) -> bool {
        matches!(self, Origin::Dpi | Origin::Probe)
    }
}

/// An entry. Times are seconds of the wall clock, since they outlive the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whom it is about.
    pub subject: Pattern,
    /// What it leads to.
    pub policy: Policy,
    /// Where it comes from.
    pub origin: Origin,
    /// The dialect spoken there, if known.
    pub dialect: Option<Dialect>,
    /// Since when it is known.
    pub since: u64,
    /// Until when it holds.
    pub until: u64,
}

/// What became of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It was news.
    New,
    /// It was known, and now holds as the new one says.
    Renewed,
    /// What is known already goes before it.
    Outranked,
    /// There is no room for one of its origin.
    Full,
}

/// The book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    entries: Vec<Entry>,
}

impl Book {
    /// Enters `entry`. With no room left it takes the place of the entry of its own or a lesser origin
    /// that ends first, the least origin first.
    pub fn enter(&mut self, entry: Entry) -> Entered {
        if let Some(known) = self.entries.iter_mut().find(|known| known.subject == entry.subject) {
            // A suspicion, whose ever it is, is there to be settled.
            let settles = known.policy == Policy::Suspect && entry.origin.is_own_finding();
            if known.origin > entry.origin && !settles {
                return Entered::Outranked;
            }
            let (since, dialect) = (known.since.min(entry.since), entry.dialect.or(known.dialect));
            // A finding confirmed in another way is news to those who hear of it.
            let is_news = known.origin != entry.origin || known.policy != entry.policy;
            *known = Entry { since, dialect, ..entry };
            return if is_news { Entered::New } else { Entered::Renewed };
        }
        let of_fleet = self.entries.iter().filter(|known| known.origin == Origin::Fleet).count();
        let is_fleet_full = entry.origin == Origin::Fleet && of_fleet >= BOOK_FLEET_ENTRIES;
        if is_fleet_full || self.entries.len() >= BOOK_ENTRIES {
            let may_go = |known: &Entry| {
                if is_fleet_full { known.origin == Origin::Fleet } else { known.origin <= entry.origin }
            };
            let victims = self.entries.iter().enumerate().filter(|(_, known)| may_go(known));
            let Some((at, _)) = victims.min_by_key(|(_, known)| (known.origin, known.until)) else {
                return Entered::Full;
            };
            self.entries.swap_remove(at);
        }
        self.entries.push(entry);
        Entered::New
    }

    /// Takes out what is about `subject` or a part of it; what was taken out.
    pub fn remove(&mut self, subject: &Pattern) -> Vec<Entry> {
        self.entries.extract_if(.., |entry| subject.covers(&entry.subject)).collect()
    }

    /// Takes out what holds no longer at `now`; what was taken out.
    ///
    /// A router without a battery begins in 1970. Until its clock is set ([`CLOCK_SET_FROM`]), what was entered by
    /// one that was is left alone; once it is, what was entered before is taken as if it were new, and so is
    /// an entry from the future.
    pub fn sweep(&mut self, now: u64) -> Vec<Entry> {
        let is_set = |time: u64| time >= CLOCK_SET_FROM;
        let is_foreign = |entry: &Entry| match (is_set(now), is_set(entry.since)) {
            (false, true) => false,
            (true, false) => true,
            _ => entry.since > now,
        };
        for entry in self.entries.iter_mut().filter(|entry| is_foreign(entry)) {
            entry.until = now.saturating_add(entry.until.saturating_sub(entry.since));
            entry.since = now;
        }
        self.entries.extract_if(.., |entry| entry.until <= now).collect()
    }

    /// Everything that is known.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is known of `server`: the entry that goes before the others.
    pub fn of_server(&self, server: &Endpoint) -> Option<&Entry> {
        let about = self.entries.iter().filter(|entry| entry.subject.includes(server));
        about.max_by_key(|entry| entry.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    fn entry(subject: &str, origin: Origin, until: u64) -> Entry {
        Entry {
            subject: subject.parse().expect(subject),
            policy: Policy::Block,
            origin,
            dialect: None,
            since: 1,
            until,
        }
    }

    fn numbered(number: usize, origin: Origin, until: u64) -> Entry {
        entry(&format!("203.0.{}.{}:3333", number / 256, number % 256), origin, until)
    }

    #[test]
    fn one_s_own_finding_goes_before_another_s() {
        let mut book = Book::default();
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Fleet, 50)), Entered::New);
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Fleet, 60)), Entered::Renewed);
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Dpi, 40)), Entered::New);
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Fleet, 900)), Entered::Outranked);
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Operator, 30)), Entered::New);
        assert_eq!(book.enter(entry("192.0.2.1:1", Origin::Probe, 900)), Entered::Outranked);
        assert_eq!(book.entries(), [entry("192.0.2.1:1", Origin::Operator, 30)]);
    }

    /// Whatever comes in whatever order: the bounds hold, no origin pushes a higher one out, and no
    /// subject is there twice.
    #[test]
    fn full_is_normal() {
        let mut random = Random::new(5);
        let mut book = Book::default();
        for _ in 0..20_000 {
            let origin = Origin::ALL[random.below(4) as usize];
            let new = numbered(random.below(1_000) as usize, origin, 10 + u64::from(random.below(1_000)));
            let before = book.clone();
            let entered = book.enter(new.clone());
            let of =
                |book: &Book, origin| book.entries().iter().filter(|entry| entry.origin == origin).count();
            assert!(book.entries().len() <= BOOK_ENTRIES && of(&book, Origin::Fleet) <= BOOK_FLEET_ENTRIES);
            for higher in Origin::ALL.into_iter().filter(|&other| other > origin) {
                assert_eq!(of(&book, higher), of(&before, higher));
            }
            let is_there = book.entries().iter().any(|entry| entry.subject == new.subject);
            assert!(is_there || entered == Entered::Full);
            if matches!(entered, Entered::Full | Entered::Outranked) {
                assert_eq!(book, before);
            }
            if random.below(50) == 0 {
                book.sweep(u64::from(random.below(1_000)));
            }
        }
        let mut subjects: Vec<String> =
            book.entries().iter().map(|entry| entry.subject.to_string()).collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), book.entries().len());
    }

    #[test]
    fn entries_end_and_a_clock_set_back_makes_none_eternal() {
        let mut book = Book::default();
        book.enter(numbered(1, Origin::Dpi, 100));
        let other_clock = Entry { since: 1_000_000_000, ..numbered(2, Origin::Dpi, 1_000_000_500) };
        book.enter(other_clock);
        assert!(book.sweep(99).is_empty());
        assert_eq!(book.sweep(100).len(), 1);
        assert!(book.sweep(598).is_empty());
        assert_eq!(book.sweep(599).len(), 1);
    }

    /// A router without a battery boots in 1970, until it hears what time it is.
    #[test]
    fn a_clock_that_is_not_set_yet_ends_nothing_and_what_it_has_entered_begins_once_it_is() {
        const WEEK: u64 = 604_800;
        let today = CLOCK_SET_FROM + 10 * WEEK;
        let mut book = Book::default();
        let known = Entry { since: today, ..numbered(1, Origin::Operator, today + WEEK) };
        book.enter(known.clone());
        assert!(book.sweep(20).is_empty());
        assert_eq!(book.entries(), [known]);
        // What is entered before the clock is set ends by it, or holds its time from then on.
        book.enter(Entry { since: 20, ..numbered(2, Origin::Dpi, 20 + WEEK) });
        book.enter(Entry { since: 20, ..numbered(3, Origin::Dpi, 90) });
        assert_eq!(book.sweep(90).len(), 1);
        let later = today + 3_600;
        assert!(book.sweep(later).is_empty());
        assert_eq!(
            book.entries().iter().map(|entry| entry.until).collect::<Vec<_>>(),
            [today + WEEK, later + WEEK]
        );
        assert_eq!(book.sweep(today + WEEK).len(), 1);
        assert_eq!(book.sweep(later + WEEK).len(), 1);
    }

    #[test]
    fn what_is_struck_out_is_what_was_meant() {
        let mut book = Book::default();
        let all = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.9:1", "pool.example:3333", "eu.pool.example"];
        for text in all {
            book.enter(entry(text, Origin::Dpi, 100));
        }
        let strike = |book: &Book, text: &str| {
            let mut book = book.clone();
            book.remove(&text.parse().expect(text)).len()
        };
        for (text, struck) in [
            ("192.0.2.1:1", 1),
            ("192.0.2.1", 2),
            ("192.0.2.0/24", 3),
            ("192.0.2.0/24:1", 2),
            ("192.0.2.3", 0),
            ("pool.example", 2),
            ("pool.example:3333", 1),
            ("eu.pool.example", 1),
            ("ool.example", 0),
        ] {
            assert_eq!(strike(&book, text), struck, "{text}");
        }
        assert!(book.of_server(&Endpoint::new("192.0.2.1".parse().expect("one"), 2)).is_some());
    }
}
