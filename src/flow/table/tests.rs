use super::*;
use crate::limits::FLOW_IDLE;
use crate::net::endpoint::Endpoint;
use core::net::Ipv4Addr;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, RandomState};

type FixedHash = BuildHasherDefault<DefaultHasher>;

/// A record of a fixed worth until it expires.
#[derive(Clone, Debug)]
struct Fixed {
    key: FiveTuple,
    seen: Stamp,
    worth: Worth,
    owner: u32,
}

impl Default for Fixed {
    fn default() -> Self {
        Fixed { key: FiveTuple::default(), seen: Stamp(0), worth: Worth::Opening, owner: 0 }
    }
}

impl FlowRecord for Fixed {
    fn key(&self) -> &FiveTuple {
        &self.key
    }

    fn last_seen(&self) -> Stamp {
        self.seen
    }

    fn worth(&self, now: Stamp, idle: Duration) -> Worth {
        if now.has_passed(self.seen, idle) { Worth::Expired } else { self.worth }
    }

    fn owner(&self) -> u32 {
        self.owner
    }
}

/// Flow `number` belongs to the client of its upper half.
fn key(number: u32) -> FiveTuple {
    let client = Ipv4Addr::from(0x0a00_0000 | (number >> 16));
    FiveTuple::new(
        Endpoint::new(client.into(), number as u16),
        Endpoint::new(Ipv4Addr::new(192, 0, 2, 1).into(), 443),
    )
}

fn enter<S: BuildHasher>(table: &mut FlowTable<Fixed, S>, number: u32, worth: Worth, now: Stamp) -> bool {
    let owner = number >> 16;
    match table.place(&key(number), || owner, now) {
        Lookup::Known(record) | Lookup::New(record, _) => {
            *record = Fixed { key: key(number), seen: now, worth, owner };
            true
        }
        Lookup::Refused => false,
    }
}

/// Numbers of so many flows of one client, of which at most `ways` share a set under the hash's key.
fn spread<S: BuildHasher>(table: &FlowTable<Fixed, S>, flows: usize, ways: usize) -> Vec<u32> {
    let mut taken = vec![0; table.positions.len()];
    let has_room = |number: &u32| {
        let taken = &mut taken[table.locate(&key(*number)).0];
        *taken += 1;
        *taken <= ways
    };
    (0..1 << 16).filter(has_room).take(flows).collect()
}

fn one_set() -> FlowTable<Fixed, FixedHash> {
    FlowTable::new(FLOW_WAYS, FLOW_IDLE, FixedHash::default())
}

#[test]
fn a_flood_evicts_no_suspect() {
    let mut table = FlowTable::new(1024, FLOW_IDLE, RandomState::new());
    let suspects = spread(&table, 64, PROTECTED_OF_CLIENT);
    for number in &suspects {
        assert!(enter(&mut table, *number, Worth::Protected, Stamp(0)));
    }
    for number in 1_000..101_000 {
        enter(&mut table, 1 << 16 | number, Worth::Undecided, Stamp(1_000 + number));
    }
    for number in suspects {
        assert_eq!(table.get(&key(number)).map(|record| record.worth), Some(Worth::Protected));
    }
    assert!(table.counters().evicted_undecided > 50_000);
    assert!(table.len() <= table.capacity());
}

#[test]
fn a_set_full_of_protected_flows_refuses_more_of_a_client_that_has_one() {
    let mut table = one_set();
    for client in 0..FLOW_WAYS as u32 {
        assert!(enter(&mut table, client << 16, Worth::Protected, Stamp(client)));
    }
    assert!(!enter(&mut table, 99, Worth::Opening, Stamp(1_000)));
    assert_eq!(table.counters().refused, 1);
    assert!(enter(&mut table, 99 << 16, Worth::Opening, Stamp(1_000)), "a client without any finds room");
    assert!(table.get(&key(0)).is_none(), "the longest idle of them has made room");
}

/// A client's flows with evidence, in any number, displace none of another client, and a newcomer finds room.
#[test]
fn a_crowd_of_one_client_makes_room_and_takes_nothing_away() {
    let mut table = one_set();
    let (other, crowd) = (1 << 16, 2 << 16);
    assert!(enter(&mut table, other, Worth::Protected, Stamp(0)));
    for number in 0..1_000 {
        assert!(enter(&mut table, crowd + number, Worth::Protected, Stamp(1 + number)));
    }
    assert_eq!(table.counters().refused, 0);
    assert!(table.get(&key(other)).is_some());
    assert!(table.get(&key(crowd + 999)).is_some());
    assert!(table.get(&key(crowd)).is_none());
    assert!(enter(&mut table, 3 << 16, Worth::Opening, Stamp(2_000)), "a third client finds room");
    assert!(table.get(&key(other)).is_some());
}

/// An undecided flow of an innocent client goes after the protected ones that are more than another's share.
#[test]
fn more_than_a_share_goes_before_undecided_flows() {
    let mut table = one_set();
    let undecided = 1 << 16;
    assert!(enter(&mut table, undecided, Worth::Undecided, Stamp(0)));
    for number in 0..FLOW_WAYS as u32 - 1 {
        assert!(enter(&mut table, 2 << 16 | number, Worth::Protected, Stamp(10 + number)));
    }
    assert!(enter(&mut table, 3 << 16, Worth::Opening, Stamp(100)));
    assert!(table.get(&key(undecided)).is_some());
    assert_eq!(table.counters().evicted_protected, 1);
}

#[test]
fn the_least_worthy_and_longest_idle_goes_first() {
    let mut table = one_set();
    enter(&mut table, 0, Worth::Undecided, Stamp(0));
    enter(&mut table, 1 << 16, Worth::Bypassed, Stamp(20));
    enter(&mut table, 2 << 16, Worth::Bypassed, Stamp(10));
    enter(&mut table, 3 << 16, Worth::Opening, Stamp(30));
    for (newcomer, gone) in [(4 << 16, 3 << 16), (5 << 16, 2 << 16), (6 << 16, 1 << 16)] {
        assert!(enter(&mut table, newcomer, Worth::Protected, Stamp(40)));
        assert!(table.get(&key(gone)).is_none(), "{gone} should have made room for {newcomer}");
    }
    assert!(enter(&mut table, 7 << 16, Worth::Opening, Stamp(50)));
    assert!(table.get(&key(0)).is_none(), "at last the undecided one");
}

#[test]
fn expired_flows_are_swept_and_never_found() {
    let mut table = FlowTable::new(64, FLOW_IDLE, FixedHash::default());
    enter(&mut table, 1, Worth::Undecided, Stamp(0));
    enter(&mut table, 2, Worth::Undecided, Stamp(1));
    let after_first = Stamp(FLOW_IDLE.as_millis() as u32);
    let mut removed = 0;
    table.sweep(usize::MAX, after_first, |_| removed += 1);
    assert_eq!((removed, table.len()), (1, 1));
    let after_all = Stamp(FLOW_IDLE.as_millis() as u32 + 1);
    assert!(matches!(table.place(&key(2), || 0, after_all), Lookup::New(_, Some(_))));
    assert_eq!(table.counters().expired, 2);
}

/// Against a plain map: the table still holds what was put in, and without
/// pressure it holds everything.
#[test]
fn agrees_with_a_hash_map() {
    let mut table = FlowTable::new(4096, FLOW_IDLE, RandomState::new());
    let flows = spread(&table, 300, FLOW_WAYS);
    let mut reference = HashMap::new();
    let mut random = crate::util::random::Random::new(7);
    for step in 0..20_000u32 {
        let number = flows[random.below(300) as usize];
        let worth = [Worth::Undecided, Worth::Bypassed][random.below(2) as usize];
        assert!(enter(&mut table, number, worth, Stamp(step)));
        reference.insert(number, worth);
        let probe = flows[random.below(300) as usize];
        assert_eq!(table.get(&key(probe)).map(|record| record.worth), reference.get(&probe).copied());
    }
    assert_eq!(table.len(), reference.len());
}

#[test]
fn the_table_counts_its_flows_and_forgets_them_after_the_idle_time() {
    let mut table = FlowTable::new(8 * FLOW_WAYS, FLOW_IDLE, FixedHash::default());
    assert!(table.is_empty());
    for number in [1, 2, 3, 1] {
        assert!(enter(&mut table, number, Worth::Undecided, Stamp(0)));
    }
    assert_eq!((table.len(), table.counters().opened), (3, 3), "the fourth is known");
    assert!(!table.is_empty());
    let sets = table.capacity();
    table.sweep(sets, Stamp(2_000), |_| panic!("nothing has expired"));
    table.set_idle(Duration::from_secs(1));
    let mut removed = 0;
    table.sweep(sets, Stamp(2_000), |_| removed += 1);
    assert_eq!((removed, table.len(), table.counters().expired), (3, 0, 3));
}

/// A hash of which every bit is zero: all flows have one set and one tag, which is that of an empty place.
#[derive(Clone, Copy, Default)]
struct ZeroHash;

impl std::hash::Hasher for ZeroHash {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn flows_with_the_same_hash_are_told_apart() {
    let mut table = FlowTable::new(FLOW_WAYS, FLOW_IDLE, BuildHasherDefault::<ZeroHash>::default());
    for number in [1, 2] {
        assert!(enter(&mut table, number, Worth::Undecided, Stamp(0)));
    }
    assert_eq!(table.len(), 2);
    assert!([1, 2].iter().all(|&number| table.get(&key(number)).is_some_and(|flow| flow.key == key(number))));
    assert!(table.get(&key(3)).is_none());
}
