use super::slot::NoRoom;
use super::*;
use crate::limits::ASSEMBLY_RUNS;
use crate::net::endpoint::Endpoint;
use core::net::Ipv4Addr;

const UP: Direction = Direction::ToServer;

fn key(port: u16) -> FiveTuple {
    FiveTuple::new(Endpoint::from((Ipv4Addr::LOCALHOST, port)), Endpoint::from((Ipv4Addr::LOCALHOST, 1)))
}

fn claim(port: u16, client: u32) -> PoolClaim {
    PoolClaim { key: key(port), direction: UP, client }
}

fn slot(base: u32) -> Box<Slot> {
    let mut slot: Box<Slot> = Box::new(Slot::<[u8; ASSEMBLY_BYTES]>::new());
    slot.clear(base);
    slot
}

#[test]
fn a_hole_is_filled() {
    let mut slot = slot(u32::MAX - 1);
    assert_eq!(slot.put(2, b"ef"), Ok(true));
    assert_eq!((slot.head(), slot.has_hole()), (&b""[..], true));
    assert_eq!(slot.put(u32::MAX - 1, b"abcd"), Ok(true));
    assert_eq!((slot.head(), slot.has_hole()), (&b"abcdef"[..], false));
    slot.consume(3);
    assert_eq!((slot.head(), slot.unread()), (&b"def"[..], 1));
}

#[test]
fn the_first_bytes_stay_where_segments_contradict_each_other() {
    let mut slot = slot(0);
    assert_eq!(slot.put(2, b"cd"), Ok(true));
    assert_eq!(slot.put(0, b"ABCDEF"), Ok(true));
    assert_eq!(slot.head(), b"ABcdEF");
    assert_eq!(slot.put(1, b"xxx"), Ok(false));
}

#[test]
fn a_hole_that_stays_is_given_up() {
    let mut slot = slot(100);
    slot.put(100, b"ab").unwrap();
    slot.put(110, b"yz").unwrap();
    slot.skip_to(105);
    assert_eq!((slot.head(), slot.unread(), slot.has_hole()), (&b""[..], 105, true));
    slot.put(105, b"fg").unwrap();
    assert_eq!((slot.head(), slot.unread()), (&b"fg"[..], 105));
    slot.skip_to(200);
    assert_eq!((slot.head(), slot.unread()), (&b"yz"[..], 110));
}

#[test]
fn what_does_not_fit_leaves_the_slot_as_it_was() {
    let mut slot = slot(0);
    assert_eq!(slot.put(1, &[0; ASSEMBLY_BYTES]), Err(NoRoom));
    for run in 0..ASSEMBLY_RUNS as u32 {
        assert_eq!(slot.put(10 + run * 10, b"x"), Ok(true));
    }
    assert_eq!(slot.put(5, b"x"), Err(NoRoom));
    assert_eq!(slot.put(u32::MAX, b"before the base"), Err(NoRoom));
}

/// A pool whose slots all wait: slot `n` belongs to flow `n` of the client that `client` names.
fn full(client: impl Fn(u16) -> u32) -> (ReassemblyPool, std::vec::Vec<SlotIndex>) {
    let mut pool = ReassemblyPool::new(ASSEMBLY_SLOTS);
    let indices = (0..ASSEMBLY_SLOTS as u16)
        .map(|flow| pool.claim(claim(flow, client(flow)), 0, Stamp(100 + u32::from(flow))).unwrap())
        .collect();
    (pool, indices)
}

#[test]
fn a_full_pool_takes_the_slot_longest_idle_wherever_it_is() {
    for idle in 0..ASSEMBLY_SLOTS {
        let (mut pool, indices) = full(u32::from);
        for (at, &index) in indices.iter().enumerate() {
            pool.note(index, true, Stamp(if at == idle { 200 } else { 300 }));
        }
        let newest = pool.claim(claim(999, 999), 0, Stamp(1_000)).unwrap();
        assert_eq!((newest, pool.taken_away), (indices[idle], 1));
        assert!(pool.get(indices[idle], &key(idle as u16), UP).is_none());
        pool.release(newest, &key(999), UP);
        assert_eq!(pool.in_use(), ASSEMBLY_SLOTS - 1);
    }
}

/// A client that begins messages without end takes slots from itself once it has more than others.
#[test]
fn one_client_takes_no_more_than_its_share_while_another_needs_it() {
    let (mut pool, indices) = full(|flow| u32::from(flow > 0));
    for flow in 0..1_000 {
        pool.claim(claim(10_000 + flow, 1), 0, Stamp(1_000 + u32::from(flow))).unwrap();
    }
    assert!(pool.get(indices[0], &key(0), UP).is_some(), "the only slot of another client");
    let other = pool.claim(claim(5_000, 2), 0, Stamp(3_000)).unwrap();
    for flow in 0..1_000 {
        pool.claim(claim(20_000 + flow, 1), 0, Stamp(4_000 + u32::from(flow))).unwrap();
    }
    assert!(pool.get(other, &key(5_000), UP).is_some());
    assert!(pool.get(indices[0], &key(0), UP).is_some());
}

#[test]
fn read_bytes_take_no_slot_from_bytes_that_wait() {
    let (mut pool, indices) = full(u32::from);
    assert_eq!(pool.claim_for_read(claim(999, 999), 0, Stamp(1_000)), None);
    pool.note(indices[2], false, Stamp(900));
    assert_eq!(pool.claim(claim(999, 999), 0, Stamp(1_000)), Some(indices[2]));
    assert_eq!((pool.taken_away, pool.waiting()), (0, ASSEMBLY_SLOTS));
}

#[test]
fn read_bytes_are_kept_until_they_are_acknowledged() {
    let mut slot = slot(u32::MAX - 1);
    slot.put(u32::MAX - 1, b"abcd").unwrap();
    slot.consume(4);
    assert_eq!((slot.head(), slot.is_read(), slot.is_empty()), (&b""[..], true, false));
    assert!(slot.covers(0, 2) && !slot.covers(0, 3));
    assert!(!slot.contradicts(u32::MAX, b"bcdef"));
    assert!(slot.contradicts(u32::MAX, b"bcxef"));
    assert!(slot.contradicts(u32::MAX - 4, b"...xb"));
    assert!(!slot.contradicts(2, b"any"), "behind them");
    assert_eq!(slot.from(1), b"d");
    slot.acknowledged(1);
    assert!(!slot.is_empty(), "not all of them");
    slot.acknowledged(2);
    assert!(slot.is_empty());
    assert!(!slot.contradicts(u32::MAX, b"bcxef"), "the receiver has them");
}

#[test]
fn read_bytes_make_room() {
    let mut slot = slot(0);
    slot.put(0, &[1; ASSEMBLY_BYTES]).unwrap();
    slot.consume(ASSEMBLY_BYTES);
    assert_eq!(slot.put(ASSEMBLY_BYTES as u32, &[2; 100]), Ok(true));
    assert_eq!(slot.head(), [2; 100]);
    assert_eq!(slot.from(100), [&[1; ASSEMBLY_BYTES - 100][..], &[2; 100]].concat());
}

/// Random puts and reads against a map from offset to byte.
#[test]
fn agrees_with_a_map_of_bytes() {
    let mut random = crate::util::random::Random::new(11);
    for _ in 0..300 {
        let mut slot = slot(0);
        let mut reference = std::collections::BTreeMap::new();
        let (mut base, mut read) = (0u32, 0u32);
        for _ in 0..60 {
            let seq = base + random.below(40);
            let bytes: std::vec::Vec<u8> = (0..random.below(12)).map(|_| random.below(3) as u8).collect();
            let differs = |(at, byte): (u32, &u8)| reference.get(&at).is_some_and(|held| held != byte);
            assert_eq!(slot.contradicts(seq, &bytes), (seq..).zip(&bytes).any(differs));
            if slot.put(seq, &bytes).is_ok() {
                for (at, byte) in (seq..).zip(&bytes) {
                    reference.entry(at).or_insert(*byte);
                }
            }
            let head: std::vec::Vec<u8> = (read..).map_while(|at| reference.get(&at).copied()).collect();
            assert_eq!((slot.head(), slot.unread()), (&head[..], read));
            let first_end = read + head.len() as u32;
            assert_eq!(slot.has_hole(), reference.range(first_end..).next().is_some());
            read += random.below(head.len() as u32 + 1);
            slot.consume((read - slot.unread()) as usize);
            if random.below(8) == 0 {
                slot.acknowledged(read);
                base = read;
                reference.retain(|at, _| *at >= base);
            }
        }
    }
}

#[test]
fn bytes_move_to_a_wide_slot_and_it_is_given_on_once_it_is_of_no_use() {
    let mut pool = ReassemblyPool::new(ASSEMBLY_SLOTS);
    let [first, second, third] = [1, 2, 3].map(|port| claim(port, 0));
    let narrow = pool.claim(first, 100, Stamp(0)).unwrap();
    pool.get(narrow, &first.key, UP).unwrap().put(102, b"cd").unwrap();
    let wide = pool.widen(narrow, first, 100, Stamp(0)).unwrap();
    assert_eq!(pool.widen(wide, first, 100, Stamp(0)), Some(wide), "it has one");
    assert_eq!((pool.in_use(), pool.waiting()), (1, 1), "the other is free again");
    let slot = pool.get(wide, &first.key, UP).unwrap();
    let far = 100 + WIDE_SLOT_BYTES as u32;
    assert!(slot.has_room(far - 1, 1) && !slot.has_room(far, 1));
    assert_eq!((slot.from(102), slot.has_hole(), slot.unread()), (&b"cd"[..], true, 100));
    let idle = WIDE_SLOT_IDLE.as_millis() as u32;
    assert_eq!(pool.widen(SlotIndex::default(), second, 0, Stamp(idle - 100)), None, "it is waited for");
    assert_eq!(pool.widen(SlotIndex::default(), second, 0, Stamp(idle + 100)), Some(wide));
    assert!(pool.get(wide, &first.key, UP).is_none());
    pool.note(wide, false, Stamp(idle + 100));
    assert_eq!(pool.widen(SlotIndex::default(), third, 7, Stamp(idle + 100)), Some(wide), "nothing waits");
    assert_eq!((pool.taken_away, pool.get(wide, &third.key, UP).unwrap().unread()), (1, 7));
    pool.release(wide, &third.key, UP);
    assert_eq!(pool.in_use(), 0);
}

/// One client has all wide slots. Another one gets half of them, and takes none of one that has no more.
#[test]
fn no_client_keeps_all_wide_slots_from_another() {
    let mut pool = ReassemblyPool::new(4);
    pool.places = vec![PoolPlace { owner: None, used: Stamp(0), waits: false }; 4 + 4].into_boxed_slice();
    pool.wide = std::vec::Vec::with_capacity(4);
    let mut widen =
        |port, client| pool.widen(SlotIndex::default(), claim(port, client), 0, Stamp(1)).is_some();
    assert!((1..5).all(|port| widen(port, 1)));
    assert!(!widen(5, 1), "its own are not taken for its next");
    assert!(widen(6, 2) && widen(7, 2));
    assert!(!widen(8, 2), "half each");
    assert!(widen(9, 3), "a third has a place");
    assert_eq!(pool.taken_away, 3);
}
