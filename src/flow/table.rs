//! Every flow in fixed memory: a set-associative table, like a CPU's cache.
//!
//! A keyed hash of the [`FiveTuple`] picks a set of [`FLOW_WAYS`] records; a 16-bit tag finds the
//! record in it. Nothing is linked, nothing moves, and no operation looks beyond one set, so the
//! worst packet costs what the average one does. The hash key is drawn at start,
//! so flows that meet in one set can't be computed.
//!
//! **Eviction.** A full set gives up, in the order of [`Worth`]: a flow that has expired; a connection
//! without payload; a bypassed one; a proven one (the kernel remembers those two); an undecided flow. Among
//! equals the longest idle goes. A protected record (a suspect, or a flow with evidence of mining, until it has
//! been idle for a while) stays, but within a share: of one client [`PROTECTED_OF_CLIENT`] in a set, the longest
//! idle of them goes first; of all clients together [`PROTECTED_IN_SET`]. A miner can't hide behind suspects
//! that it makes, nor can one client take another's place. A newcomer finds the set full only when
//! nothing in it may go; it is refused, and counted.

use core::cmp::Reverse;
use core::hash::BuildHasher;
use core::time::Duration;

use crate::limits::{FLOW_WAYS, PROTECTED_IN_SET, PROTECTED_OF_CLIENT};
use crate::net::five_tuple::FiveTuple;
use crate::util::time::Stamp;

/// A record as eviction sees it.
pub trait FlowRecord: Clone + Default {
    /// The connection.
    fn key(&self) -> &FiveTuple;
    /// The latest packet.
    fn last_seen(&self) -> Stamp;
    /// The value of keeping it at `now`, if flows expire after `idle` without a packet.
    fn worth(&self, now: Stamp, idle: Duration) -> Worth;
    /// A keyed hash of the client whose share it counts for.
    fn owner(&self) -> u32;
}

/// The value of keeping a record, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Without a packet for too long.
    Expired,
    /// No payload yet.
    Opening,
    /// Passes without being read; the kernel remembers it.
    Bypassed,
    /// Proven; the kernel remembers it.
    Mining,
    /// Nothing decided.
    Undecided,
    /// A suspect, or with evidence: only its client's share bounds it.
    Protected,
}

/// The flow table of records `R`. `S` is the keyed hash.
#[derive(Debug)]
pub struct FlowTable<R, S> {
    /// Where in `sets` each set is, counted from one; none yet.
    positions: Box<[u32]>,
    /// Those that flows have been in, in the order in which the first came; room for all is taken at the start, but the
    /// kernel gives no memory for what was not used.
    sets: Vec<Set<R>>,
    hasher: S,
    idle: Duration,
    used: usize,
    swept: usize,
    /// Position and way of the flow of the latest packet: packets come in trains, and the next one's key need not be hashed.
    latest: (usize, usize),
    counters: TableCounters,
}

/// The records of one set, and their tags in one cache line of their own.
#[derive(Clone, Debug, Default)]
struct Set<R> {
    tags: [u16; FLOW_WAYS],
    records: [R; FLOW_WAYS],
}

/// A tag that no flow has.
const EMPTY: u16 = 0;

/// Counters of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCounters {
    /// Flows that were entered.
    pub opened: u32,
    /// Flows removed because they were idle too long.
    pub expired: u32,
    /// Connections without payload, bypassed and proven flows evicted for a newcomer.
    pub evicted_settled: u32,
    /// Undecided flows evicted for a newcomer.
    pub evicted_undecided: u32,
    /// Protected flows evicted since their client, or all together, had more than a share of a set.
    pub evicted_protected: u32,
    /// Newcomers refused because nothing in a set could go.
    pub refused: u32,
}

/// The place of a flow, old or new.
#[derive(Debug)]
pub enum Lookup<'a, R> {
    /// The record exists.
    Known(&'a mut R),
    /// The record is new: a default one, to be filled in; and the record that made room, if one did.
    New(&'a mut R, Option<R>),
    /// There is no room for it.
    Refused,
}

impl<R: FlowRecord, S: BuildHasher> FlowTable<R, S> {
    /// A table for `capacity` flows (rounded up to a power of two, at least one set), each of which
    /// expires after `idle` without a packet.
    pub fn new(capacity: usize, idle: Duration, hasher: S) -> Self {
        let sets = capacity.div_ceil(FLOW_WAYS).next_power_of_two();
        FlowTable {
            positions: vec![0; sets].into_boxed_slice(),
            sets: Vec::with_capacity(sets),
            hasher,
            idle,
            used: 0,
            swept: 0,
            latest: (0, 0),
            counters: TableCounters::default(),
        }
    }

    /// The place of `key`, which is entered for a client with the hash `owner` if it is not there; a record that
    /// has expired by `now` counts as not there.
    pub fn place(&mut self, key: &FiveTuple, owner: impl FnOnce() -> u32, now: Stamp) -> Lookup<'_, R> {
        let (position, known, tag) = match self.find(key) {
            Ok((position, way)) => (Some(position), Some(way), None),
            Err((index, tag)) => (self.enter_set(index), None, Some(tag)),
        };
        let Some((position, set)) = position.and_then(|at| Some((at, self.sets.get_mut(at)?))) else {
            return Lookup::Refused;
        };
        let expired = |record: &R| record.worth(now, self.idle) == Worth::Expired;
        if let Some(way) = known.filter(|&way| !expired(&set.records[way])) {
            self.latest = (position, way);
            return Lookup::Known(&mut set.records[way]);
        }
        let Some(way) = known.or_else(|| set.room(owner(), now, self.idle)) else {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return Lookup::Refused;
        };
        let replaced = (set.tags[way] != EMPTY).then(|| core::mem::take(&mut set.records[way]));
        match &replaced {
            Some(old) => self.counters.count_removal(old.worth(now, self.idle)),
            None => self.used += 1,
        }
        self.counters.opened = self.counters.opened.saturating_add(1);
        self.latest = (position, way);
        if let Some(tag) = tag {
            set.tags[way] = tag;
        }
        Lookup::New(&mut set.records[way], replaced)
    }

    /// The record of `key`, if it is there.
    pub fn get(&self, key: &FiveTuple) -> Option<&R> {
        let (position, way) = self.find(key).ok()?;
        Some(&self.sets.get(position)?.records[way])
    }

    /// The position and the way of `key`; without it, the index of its set and the tag that it would have.
    fn find(&self, key: &FiveTuple) -> Result<(usize, usize), (usize, u16)> {
        let (position, way) = self.latest;
        let is_latest = |set: &Set<R>| set.tags[way] != EMPTY && set.records[way].key() == key;
        if self.sets.get(position).is_some_and(is_latest) {
            return Ok(self.latest);
        }
        let (index, tag) = self.locate(key);
        let position = self.positions.get(index).map_or(0, |&position| position as usize).wrapping_sub(1);
        let way = self.sets.get(position).and_then(|set| set.find(key, tag));
        way.map(|way| (position, way)).ok_or((index, tag))
    }

    /// The position of set `index`, which is entered if it is not there: room for all was taken at the start.
    fn enter_set(&mut self, index: usize) -> Option<usize> {
        let position = self.positions.get_mut(index)?;
        if *position == 0 && self.sets.len() < self.sets.capacity() {
            self.sets.push(Set::default());
            *position = self.sets.len() as u32;
        }
        (*position as usize).checked_sub(1)
    }

    /// Removes expired flows from the next `sets` sets, handing each to `removed`. Called now and
    /// then from an idle moment; a packet never pays for it.
    pub fn sweep(&mut self, sets: usize, now: Stamp, mut removed: impl FnMut(&R)) {
        for _ in 0..sets.min(self.sets.len()) {
            let Some(set) = self.sets.get_mut(self.swept) else {
                self.swept = 0;
                return;
            };
            for (tag, record) in set.tags.iter_mut().zip(&mut set.records) {
                if *tag != EMPTY && record.worth(now, self.idle) == Worth::Expired {
                    *tag = EMPTY;
                    self.used -= 1;
                    self.counters.count_removal(Worth::Expired);
                    removed(record);
                    *record = R::default();
                }
            }
            self.swept = (self.swept + 1) % self.sets.len();
        }
    }

    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether there is no flow in the table.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Flows the table can hold.
    pub fn capacity(&self) -> usize {
        self.positions.len() * FLOW_WAYS
    }

    /// Counters since the start.
    pub fn counters(&self) -> TableCounters {
        self.counters
    }

    /// Changes the idle time for all flows, also those in the table.
    pub fn set_idle(&mut self, idle: Duration) {
        self.idle = idle;
    }

    /// The index of its set and the tag of `key`: low bits of its hash for the one, high bits for the other.
    fn locate(&self, key: &FiveTuple) -> (usize, u16) {
        let hash = self.hasher.hash_one(key);
        let index = hash as usize & (self.positions.len() - 1);
        let tag = (hash >> 48) as u16;
        (index, if tag == EMPTY { 1 } else { tag })
    }
}

impl<R: FlowRecord> Set<R> {
    fn find(&self, key: &FiveTuple, tag: u16) -> Option<usize> {
        (0..FLOW_WAYS).find(|&way| self.tags[way] == tag && self.records[way].key() == key)
    }

    /// The way that a newcomer of `owner` gets: an empty one, or that of the record to evict.
    fn room(&self, owner: u32, now: Stamp, idle: Duration) -> Option<usize> {
        if let Some(way) = self.tags.iter().position(|&tag| tag == EMPTY) {
            return Some(way);
        }
        let worth: [Worth; FLOW_WAYS] = core::array::from_fn(|way| self.records[way].worth(now, idle));
        let protected = |way: &usize| worth[*way] == Worth::Protected;
        let share = |owner: u32| {
            (0..FLOW_WAYS).filter(|way| protected(way) && self.records[*way].owner() == owner).count()
        };
        // The longest idle record of the client that has the most of those which `fits`.
        let of_largest_share = |fits: &dyn Fn(usize) -> bool| {
            let ranked = (0..FLOW_WAYS).filter(protected).map(|way| {
                let record = &self.records[way];
                (share(record.owner()), now.millis_since(record.last_seen()), way)
            });
            ranked.filter(|(share, ..)| fits(*share)).max().map(|(_, _, way)| way)
        };
        let settled = || {
            let candidates = (0..FLOW_WAYS).filter(|way| !protected(way));
            candidates
                .map(|way| (worth[way], Reverse(now.millis_since(self.records[way].last_seen())), way))
                .min()
        };
        match settled() {
            Some((Worth::Undecided, ..)) | None => {}
            Some((_, _, way)) => return Some(way),
        }
        let crowd = of_largest_share(&|share| share > PROTECTED_OF_CLIENT);
        let undecided = || settled().map(|(_, _, way)| way);
        let total = (0..FLOW_WAYS).filter(protected).count();
        let excess = || {
            // A client that holds no more than the newcomer's own has nothing to give.
            let own = share(owner);
            if total > PROTECTED_IN_SET { of_largest_share(&|share| share > own) } else { None }
        };
        crowd.or_else(excess).or_else(undecided)
    }
}

impl TableCounters {
    fn count_removal(&mut self, worth: Worth) {
        let counter = match worth {
            Worth::Expired => &mut self.expired,
            Worth::Opening | Worth::Bypassed | Worth::Mining => &mut self.evicted_settled,
            Worth::Undecided => &mut self.evicted_undecided,
            Worth::Protected => &mut self.evicted_protected,
        };
        *counter = counter.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
