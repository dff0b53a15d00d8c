//! The reputation store: what is known of single servers, by whose word, how far it reaches and until when.
//!
//! | source | how a fact gets here | gives way to |
//! |---|---|---|
//! | [`Origin::Operator`] | a person enters it | nothing |
//! | [`Origin::Probe`] | the server answers a probe | the operator |
//! | [`Origin::Fleet`] | another router reports it; a suspicion until this router has asked | both |
//!
//! A client's own words never enter: they cut the client's own connection, and have the server asked.
//!
//! Everything else that speaks of servers is a view of the store: the engine's look-up ([`view`]), the elements of
//! the kernel's sets, `minewall intel list` ([`mod@line`]), whether a server has been asked already
//! ([`Store::probed`]), and what the fleet hears. The store is one file ([`mod@file`]); the two files of earlier
//! versions are read once ([`import`]).
//!
//! Times are seconds of the wall clock, since entries outlive the process. An entry that has ended is kept, without
//! effect, until its room is needed: a clock that is wrong for a while loses nothing.

pub(crate) mod file;
mod import;
pub mod line;
pub(crate) mod subject;
pub(crate) mod view;

use core::net::IpAddr;

use crate::dpi::signatures::Dialect;
use crate::intel::entry::Policy;
use crate::limits::{CLOCK_SET_FROM, PROBE_EVIDENCE_BYTES, REPUTATION_ENTRIES, REPUTATION_FLEET_ENTRIES};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::util::named::named;
pub use subject::Subject;

named! {
    /// Source of an entry; a later one goes before an earlier one.
    #[derive(PartialOrd, Ord)]
    pub enum Origin {
        /// A second router of the fleet.
        Fleet = "fleet",
        /// The server's answers to this router's probe.
        Probe = "probe",
        /// A person.
        Operator = "operator",
    }
}

named! {
    /// Fact about a server.
    #[derive(PartialOrd, Ord)]
    pub enum Fact {
        /// A probe did not settle it.
        Inconclusive = "inconclusive",
        /// The server may be a pool: its sessions are suspects, and it is asked.
        Suspect = "suspect",
        /// A probe did not settle it, and stage one is as good as sure of the session that led to it.
        StronglySuspected = "strongly_suspected",
        /// The server is no pool, even if its traffic looks like one's.
        NotPool = "not_pool",
        /// The server is a pool.
        Pool = "pool",
        /// Sessions with the server are not inspected.
        Exempt = "exempt",
    }
}

impl Fact {
    /// Fact that a policy of a person or another router stands for.
    pub const fn of_policy(policy: Policy) -> Self {
        match policy {
            Policy::Suspect => Fact::Suspect,
            Policy::Block => Fact::Pool,
            Policy::Allow => Fact::Exempt,
        }
    }

    /// Policy that the fact amounts to; `None` where it is only a reason not to ask again.
    pub const fn policy(self) -> Option<Policy> {
        match self {
            Fact::Suspect => Some(Policy::Suspect),
            Fact::Pool => Some(Policy::Block),
            Fact::Exempt => Some(Policy::Allow),
            Fact::Inconclusive | Fact::StronglySuspected | Fact::NotPool => None,
        }
    }
}

/// Clients for which a fact counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every client of the house.
    House,
    /// A single client, whose own traffic is the only witness.
    Client(IpAddr),
}

/// Evidence of an entry: printable ASCII without quotes and backslashes.
pub type EvidenceText = heapless::String<PROBE_EVIDENCE_BYTES>;

/// A fact about one server, or about a pattern of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Server, or servers.
    pub subject: Subject,
    /// The fact.
    pub fact: Fact,
    /// Source of the fact.
    pub origin: Origin,
    /// For which clients.
    pub reach: Reach,
    /// Dialect spoken there, if known.
    pub dialect: Option<Dialect>,
    /// Evidence of the source.
    pub evidence: EvidenceText,
    /// Since when it is known.
    pub since: u64,
    /// Until when it holds.
    pub until: u64,
}

impl Entry {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: u64) -> bool {
        self.until > now
    }

    /// Seconds for which it holds from `now` on.
    pub fn seconds_left(&self, now: u64) -> u32 {
        u32::try_from(self.until.saturating_sub(now)).unwrap_or(u32::MAX)
    }

    /// Whether this router has found it out, so that other routers want to hear of it.
    pub fn is_own_finding(&self) -> bool {
        self.origin == Origin::Probe && self.fact == Fact::Pool
    }

    /// Order of eviction, the first to go first.
    fn rank(&self, now: u64) -> (bool, Origin, Fact, u64) {
        (self.holds(now), self.origin, self.fact, self.until)
    }
}

/// Effect of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The entry is new, or contradicts an earlier one.
    New,
    /// The entry was known, and now holds as the new one says.
    Renewed,
    /// A better source says something of the same subject.
    Outranked,
    /// No room is left for an entry of its worth.
    Full,
}

/// The store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    entries: Vec<Entry>,
}

impl Store {
    /// Enters `entry` at `now`. With no room left it takes the place of the entry that is worth least: one that
    /// has ended, then by source, fact and end; never of one that is worth more than itself. Other routers fill
    /// at most [`REPUTATION_FLEET_ENTRIES`].
    pub fn enter(&mut self, entry: Entry, now: u64) -> Entered {
        let is_better = |known: &Entry| {
            known.subject == entry.subject
                && known.origin > entry.origin
                && known.reach == Reach::House
                && known.fact != Fact::Inconclusive
                && known.holds(now)
        };
        if self.entries.iter().any(is_better) {
            return Entered::Outranked;
        }
        if let Some(known) = self.entries.iter_mut().find(|known| known.is_about_the_same(&entry)) {
            return known.renew(entry, now);
        }
        if let Err(full) = self.make_room(&entry, now) {
            return full;
        }
        self.entries.push(entry);
        Entered::New
    }

    fn make_room(&mut self, new: &Entry, now: u64) -> Result<(), Entered> {
        let of_fleet = |entry: &Entry| entry.origin == Origin::Fleet;
        let is_fleet_full = of_fleet(new)
            && self.entries.iter().filter(|entry| of_fleet(entry)).count() >= REPUTATION_FLEET_ENTRIES;
        if !is_fleet_full && self.entries.len() < REPUTATION_ENTRIES {
            return Ok(());
        }
        let worth = |entry: &Entry| (entry.holds(now), entry.origin, entry.fact);
        let may_go = |entry: &Entry| worth(entry) <= worth(new) && (!is_fleet_full || of_fleet(entry));
        let victims = self.entries.iter().enumerate().filter(|(_, entry)| may_go(entry));
        let (at, _) = victims.min_by_key(|(_, entry)| entry.rank(now)).ok_or(Entered::Full)?;
        self.entries.swap_remove(at);
        Ok(())
    }

    /// Takes out what is about `subject` or a part of it, and answers with it.
    pub fn remove(&mut self, subject: &Subject) -> Vec<Entry> {
        self.entries.extract_if(.., |entry| subject.covers(&entry.subject)).collect()
    }

    /// Everything that holds at `now`.
    pub fn holding(&self, now: u64) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.holds(now))
    }

    /// Answer of the probe that asked `server` by `name`, if it holds at `now`.
    pub fn probed(&self, server: &Endpoint, name: Option<&HostName>, now: u64) -> Option<&Entry> {
        let is_it = |entry: &&Entry| {
            entry.origin == Origin::Probe && entry.subject.is_server(server, name) && entry.holds(now)
        };
        self.entries.iter().filter(is_it).max_by_key(|entry| entry.fact)
    }

    /// Whether an entry has ended after `before`, and by `now`.
    pub fn has_ended_since(&self, before: u64, now: u64) -> bool {
        self.entries.iter().any(|entry| entry.until > before && entry.until <= now)
    }

    /// Takes entries of another clock for new ones. To be called now and then.
    ///
    /// A router without a battery begins in 1970. Until its clock is set ([`CLOCK_SET_FROM`]), entries of a clock
    /// that was set are left alone; once it is, entries from before that, and entries from the future, begin
    /// anew.
    pub fn adopt_clock(&mut self, now: u64) {
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
    }

    /// Moves what holds along with a wall clock that was set from `from` to `to`: an entry's life is a length of
    /// time. What had ended already stays where it is, and may hold again.
    pub fn clock_was_set(&mut self, from: u64, to: u64) {
        let moved = |time: u64| {
            if to >= from { time.saturating_add(to - from) } else { time.saturating_sub(from - to) }
        };
        for entry in self.entries.iter_mut().filter(|entry| entry.since <= from && entry.holds(from)) {
            (entry.since, entry.until) = (moved(entry.since), moved(entry.until));
        }
    }
}

impl Entry {
    fn is_about_the_same(&self, other: &Entry) -> bool {
        (&self.subject, self.origin, self.reach) == (&other.subject, other.origin, other.reach)
    }

    /// Becomes `new`, which is about the same; but a probe that settled nothing takes nothing back.
    fn renew(&mut self, new: Entry, now: u64) -> Entered {
        let is_open = matches!(new.fact, Fact::Inconclusive | Fact::StronglySuspected);
        if is_open && self.holds(now) && matches!(self.fact, Fact::Pool | Fact::NotPool) {
            return Entered::Outranked;
        }
        let is_news = self.fact != new.fact || !self.holds(now);
        let since = if is_news { new.since } else { self.since.min(new.since) };
        let dialect = new.dialect.or(self.dialect.filter(|_| !is_news));
        *self = Entry { since, dialect, ..new };
        if is_news { Entered::New } else { Entered::Renewed }
    }
}

#[cfg(test)]
mod tests;
