//! Every flow in fixed memory: a set-associative table, like a CPU's cache.
//!
//! A keyed hash of the [`FiveTuple`] picks a set of [`FLOW_WAYS`] records; a 16-bit tag finds the
//! record in it. Nothing is linked, nothing moves, and no operation looks beyond one set, so the
//! worst packet costs what the average one does. The hash key is drawn at start (`RandomState`),
//! so nobody can compute flows that meet in one set.
//!
//! **Eviction.** A full set gives up, in this order: a flow that has expired; a connection attempt
//! without payload; a flow let go as benign; a proven one (the kernel remembers those two by its
//! conntrack mark); an undecided flow. Among equals the longest idle goes. A suspect, or a flow
//! with evidence of mining, goes only once it has been idle for [`SUSPECT_IDLE`]. If a whole set is
//! of that kind, and one client has [`CROWD`] or more of it, that client loses its longest idle one:
//! nobody hides a miner behind suspects of its own making, nor takes away another's. Otherwise the
//! newcomer is refused: it passes unwatched and is counted.

use core::hash::BuildHasher;
use core::time::Duration;

use super::{FlowRecord, FlowState};
use crate::limits::{CROWD, FLOW_SYN_IDLE, FLOW_WAYS, SUSPECT_IDLE};
use crate::net::five_tuple::FiveTuple;
use crate::util::time::Stamp;

/// The flow table. `S` is the keyed hash.
#[derive(Debug)]
pub struct FlowTable<S> {
    sets: Box<[Set]>,
    hasher: S,
    idle: Duration,
    used: usize,
    swept: usize,
    counters: TableCounters,
}

/// The records of one set, and their tags in one cache line of their own.
#[derive(Clone, Debug, Default)]
struct Set {
    tags: [u16; FLOW_WAYS],
    records: [FlowRecord; FLOW_WAYS],
}

/// A tag that no flow has.
const EMPTY: u16 = 0;

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCounters {
    /// Flows that were entered.
    pub opened: u32,
    /// Flows removed because they were idle too long.
    pub expired: u32,
    /// Connection attempts, benign and proven flows evicted for a newcomer.
    pub evicted_settled: u32,
    /// Undecided flows evicted for a newcomer.
    pub evicted_undecided: u32,
    /// Newcomers refused because a whole set was suspect.
    pub refused: u32,
}

/// The record of a flow, old or new.
#[derive(Debug)]
pub enum Entry<'a> {
    /// It was there.
    Known(&'a mut FlowRecord),
    /// It is new: a default record, to be filled in; and the record that made room, if one did.
    New(&'a mut FlowRecord, Option<FlowRecord>),
    /// There is no room for it.
    Refused,
}

impl<S: BuildHasher> FlowTable<S> {
    /// A table for `capacity` flows (rounded up to a power of two, at least one set), each of which
    /// expires after `idle` without a packet.
    pub fn new(capacity: usize, idle: Duration, hasher: S) -> Self {
        let sets = capacity.div_ceil(FLOW_WAYS).next_power_of_two();
        FlowTable {
            sets: vec![Set::default(); sets].into_boxed_slice(),
            hasher,
            idle,
            used: 0,
            swept: 0,
            counters: TableCounters::default(),
        }
    }

    /// The record of `key`, which is entered if it is not there; one that has expired by `now`
    /// counts as not there.
    pub fn entry(&mut self, key: &FiveTuple, now: Stamp) -> Entry<'_> {
        let (index, tag) = self.place(key);
        let Some(set) = self.sets.get_mut(index) else {
            return Entry::Refused;
        };
        match set.find(key, tag) {
            Some(way) if !set.records[way].has_expired(now, self.idle) => Entry::Known(&mut set.records[way]),
            found => {
                let way = found.or_else(|| set.room(now, self.idle)).or_else(|| set.crowded_out(now));
                let Some(way) = way else {
                    self.counters.refused = self.counters.refused.saturating_add(1);
                    return Entry::Refused;
                };
                let replaced = (set.tags[way] != EMPTY).then(|| core::mem::take(&mut set.records[way]));
                match &replaced {
                    Some(old) => self.counters.count_removal(old, now, self.idle),
                    None => self.used += 1,
                }
                self.counters.opened = self.counters.opened.saturating_add(1);
                set.tags[way] = tag;
                Entry::New(&mut set.records[way], replaced)
            }
        }
    }

    /// The record of `key`, if it is there.
    pub fn get(&self, key: &FiveTuple) -> Option<&FlowRecord> {
        let (index, tag) = self.place(key);
        let set = self.sets.get(index)?;
        set.find(key, tag).map(|way| &set.records[way])
    }

    /// Removes expired flows from the next `sets` sets, handing each to `removed`. Called now and
    /// then from an idle moment; a packet never pays for it.
    pub fn sweep(&mut self, sets: usize, now: Stamp, mut removed: impl FnMut(&FlowRecord)) {
        for _ in 0..sets.min(self.sets.len()) {
            let Some(set) = self.sets.get_mut(self.swept) else {
                self.swept = 0;
                return;
            };
            for (tag, record) in set.tags.iter_mut().zip(&mut set.records) {
                if *tag != EMPTY && record.has_expired(now, self.idle) {
                    *tag = EMPTY;
                    self.used -= 1;
                    self.counters.count_removal(record, now, self.idle);
                    removed(record);
                    *record = FlowRecord::default();
                }
            }
            self.swept = (self.swept + 1) % self.sets.len();
        }
    }

    /// Every record, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &FlowRecord> {
        self.sets.iter().flat_map(|set| {
            set.tags.iter().zip(&set.records).filter(|(tag, _)| **tag != EMPTY).map(|(_, record)| record)
        })
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
        self.sets.len() * FLOW_WAYS
    }

    /// What has happened so far.
    pub fn counters(&self) -> TableCounters {
        self.counters
    }

    /// Changes the idle time for all flows, also those in the table.
    pub fn set_idle(&mut self, idle: Duration) {
        self.idle = idle;
    }

    /// The set and the tag of `key`: low bits of its hash for the one, high bits for the other.
    fn place(&self, key: &FiveTuple) -> (usize, u16) {
        let hash = self.hasher.hash_one(key);
        let index = hash as usize & (self.sets.len() - 1);
        let tag = (hash >> 48) as u16;
        (index, if tag == EMPTY { 1 } else { tag })
    }
}

impl Set {
    fn find(&self, key: &FiveTuple, tag: u16) -> Option<usize> {
        (0..FLOW_WAYS).find(|&way| self.tags[way] == tag && self.records[way].key == *key)
    }

    /// The way that a newcomer gets: an empty one, or that of the record to evict.
    fn room(&self, now: Stamp, idle: Duration) -> Option<usize> {
        if let Some(way) = self.tags.iter().position(|&tag| tag == EMPTY) {
            return Some(way);
        }
        (0..FLOW_WAYS)
            .filter_map(|way| {
                let record = &self.records[way];
                let worth = record.worth(now, idle)?;
                Some((worth, core::cmp::Reverse(now.millis_since(record.last_seen)), way))
            })
            .min()
            .map(|(_, _, way)| way)
    }

    /// The way of the longest idle record of the client that has [`CROWD`] or more; all are to be spared.
    fn crowded_out(&self, now: Stamp) -> Option<usize> {
        let client = |record: &FlowRecord| record.client().addr();
        let crowd = |record: &FlowRecord| {
            self.records.iter().filter(|other| client(other) == client(record)).count() >= CROWD
        };
        (0..FLOW_WAYS)
            .filter(|&way| crowd(&self.records[way]))
            .max_by_key(|&way| now.millis_since(self.records[way].last_seen))
    }
}

/// What eviction thinks of a record, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Expired,
    Opening,
    Benign,
    Mining,
    Undecided,
}

impl FlowRecord {
    fn has_expired(&self, now: Stamp, idle: Duration) -> bool {
        let limit = if self.state == FlowState::Opening { FLOW_SYN_IDLE } else { idle };
        now.has_passed(self.last_seen, limit)
    }

    /// `None` for a record that must be spared.
    fn worth(&self, now: Stamp, idle: Duration) -> Option<Worth> {
        if self.has_expired(now, idle) {
            return Some(Worth::Expired);
        }
        match self.state {
            FlowState::Opening => Some(Worth::Opening),
            FlowState::Benign | FlowState::Allowed => Some(Worth::Benign),
            FlowState::Mining => Some(Worth::Mining),
            FlowState::Undecided if !self.inspection.has_evidence() => Some(Worth::Undecided),
            FlowState::Undecided | FlowState::Suspect => {
                now.has_passed(self.last_seen, SUSPECT_IDLE).then_some(Worth::Undecided)
            }
        }
    }
}

impl TableCounters {
    fn count_removal(&mut self, record: &FlowRecord, now: Stamp, idle: Duration) {
        let counter = match record.worth(now, idle) {
            Some(Worth::Expired) => &mut self.expired,
            Some(Worth::Opening | Worth::Benign | Worth::Mining) => &mut self.evicted_settled,
            Some(Worth::Undecided) | None => &mut self.evicted_undecided,
        };
        *counter = counter.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::FLOW_IDLE;
    use crate::net::endpoint::Endpoint;
    use core::net::Ipv4Addr;
    use std::collections::HashMap;
    use std::hash::{BuildHasherDefault, DefaultHasher, RandomState};

    type FixedHash = BuildHasherDefault<DefaultHasher>;

    fn key(number: u32) -> FiveTuple {
        let client = Ipv4Addr::from(0x0a00_0000 | (number >> 16));
        FiveTuple::new(
            Endpoint::new(client.into(), number as u16),
            Endpoint::new(Ipv4Addr::new(192, 0, 2, 1).into(), 443),
        )
    }

    fn enter<S: BuildHasher>(table: &mut FlowTable<S>, number: u32, state: FlowState, now: Stamp) -> bool {
        match table.entry(&key(number), now) {
            Entry::Known(record) | Entry::New(record, _) => {
                record.key = key(number);
                record.last_seen = now;
                record.state = state;
                true
            }
            Entry::Refused => false,
        }
    }

    /// Numbers of so many flows of one client, of which no more than `ways` share a set, whatever the hash's key.
    fn spread<S: BuildHasher>(table: &FlowTable<S>, flows: usize, ways: usize) -> Vec<u32> {
        let mut taken = vec![0; table.sets.len()];
        let has_room = |number: &u32| {
            let taken = &mut taken[table.place(&key(*number)).0];
            *taken += 1;
            *taken <= ways
        };
        (0..1 << 16).filter(has_room).take(flows).collect()
    }

    #[test]
    fn a_flood_evicts_no_suspect() {
        let mut table = FlowTable::new(1024, FLOW_IDLE, RandomState::new());
        // With more than that in one set they would be a crowd.
        let suspects = spread(&table, 64, CROWD - 1);
        for number in &suspects {
            assert!(enter(&mut table, *number, FlowState::Suspect, Stamp(0)));
        }
        for number in 1_000..101_000 {
            enter(&mut table, number, FlowState::Undecided, Stamp(1_000 + number));
        }
        for number in suspects {
            assert_eq!(table.get(&key(number)).map(|record| record.state), Some(FlowState::Suspect));
        }
        assert!(table.counters().evicted_undecided > 90_000);
        assert!(table.len() <= table.capacity());
    }

    #[test]
    fn a_set_full_of_suspects_refuses_newcomers_until_they_are_idle() {
        let mut table = FlowTable::new(FLOW_WAYS, FLOW_IDLE, FixedHash::default());
        for client in 0..FLOW_WAYS as u32 {
            assert!(enter(&mut table, client << 16, FlowState::Suspect, Stamp(0)));
        }
        assert!(!enter(&mut table, 99, FlowState::Opening, Stamp(1_000)));
        assert_eq!(table.counters().refused, 1);
        let later = Stamp(SUSPECT_IDLE.as_millis() as u32);
        assert!(enter(&mut table, 99, FlowState::Opening, later));
    }

    #[test]
    fn a_crowd_of_one_client_makes_room_and_takes_nothing_away() {
        let mut table = FlowTable::new(FLOW_WAYS, FLOW_IDLE, FixedHash::default());
        let (other, crowd) = (1 << 16, 2 << 16);
        assert!(enter(&mut table, other, FlowState::Suspect, Stamp(0)));
        for number in 0..1_000 {
            assert!(enter(&mut table, crowd + number, FlowState::Suspect, Stamp(1 + number)));
        }
        assert_eq!(table.counters().refused, 0);
        assert!(table.get(&key(other)).is_some());
        assert!(table.get(&key(crowd + 999)).is_some());
        assert!(table.get(&key(crowd)).is_none());
        assert!(enter(&mut table, 3 << 16, FlowState::Opening, Stamp(2_000)), "a third client finds room");
    }

    #[test]
    fn the_least_worthy_and_longest_idle_goes_first() {
        let mut table = FlowTable::new(FLOW_WAYS, FLOW_IDLE, FixedHash::default());
        enter(&mut table, 0, FlowState::Undecided, Stamp(0));
        enter(&mut table, 1, FlowState::Benign, Stamp(20));
        enter(&mut table, 2, FlowState::Benign, Stamp(10));
        enter(&mut table, 3, FlowState::Opening, Stamp(30));
        for (newcomer, gone) in [(4, 3), (5, 2), (6, 1), (7, 0)] {
            assert!(enter(&mut table, newcomer, FlowState::Suspect, Stamp(40)));
            assert!(table.get(&key(gone)).is_none(), "{gone} should have made room for {newcomer}");
        }
    }

    #[test]
    fn expired_flows_are_swept_and_never_found() {
        let mut table = FlowTable::new(64, FLOW_IDLE, FixedHash::default());
        enter(&mut table, 1, FlowState::Undecided, Stamp(0));
        enter(&mut table, 2, FlowState::Opening, Stamp(0));
        let after_syn = Stamp(FLOW_SYN_IDLE.as_millis() as u32);
        let mut removed = 0;
        table.sweep(usize::MAX, after_syn, |_| removed += 1);
        assert_eq!((removed, table.len()), (1, 1));
        let after_all = Stamp(FLOW_IDLE.as_millis() as u32);
        assert!(matches!(table.entry(&key(1), after_all), Entry::New(_, Some(_))));
        assert_eq!(table.counters().expired, 2);
    }

    /// Against a plain map: whatever the table still holds is what was put in, and without
    /// pressure it holds everything.
    #[test]
    fn agrees_with_a_hash_map() {
        let mut table = FlowTable::new(4096, FLOW_IDLE, RandomState::new());
        let flows = spread(&table, 300, FLOW_WAYS);
        let mut twin = HashMap::new();
        let mut random = crate::util::random::Random::new(7);
        for step in 0..20_000u32 {
            let number = flows[random.below(300) as usize];
            let state = [FlowState::Undecided, FlowState::Benign][random.below(2) as usize];
            assert!(enter(&mut table, number, state, Stamp(step)));
            twin.insert(number, state);
            let probe = flows[random.below(300) as usize];
            assert_eq!(table.get(&key(probe)).map(|record| record.state), twin.get(&probe).copied());
        }
        assert_eq!(table.len(), twin.len());
        assert_eq!(table.iter().count(), twin.len());
    }
}
