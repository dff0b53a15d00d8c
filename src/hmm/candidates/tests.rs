//! The pool of candidates: shares, eviction, reconnections.

use super::*;
use crate::hmm::RATIO_ONE;
use crate::net::direction::Direction;

fn pool() -> (Candidates, Box<Model>) {
    (Candidates::new(8), Model::embedded().expect("built in"))
}

fn seen(host: u8, packets: u16, age_ms: u32, now: u32) -> Seen {
    let owner = u32::from(host);
    let direction = Direction::ToServer;
    Seen { owner, direction, size: 100, now: Stamp(now), packets, age_ms, client: None }
}

/// A flow of `host` to a server of its own that began just now.
fn enter(pool: &mut Candidates, model: &Model, host: u8, now: u32) -> Ticket {
    let carry = Carry { pair: u32::from(host) << 16 | now << 1 | 1, most: 500 };
    pool.enter(model, core::iter::empty(), &seen(host, 12, 0, now), carry).expect("room").0
}

/// A symbol that every member holds for mining, and one that they hold for something else.
fn symbols(model: &Model) -> [Symbol; 2] {
    let sum = |symbol: &Symbol| {
        let mut evidence = PanelEvidence::starting_at(200 * RATIO_ONE);
        (0..4).map(|_| evidence.step(model, *symbol)).sum::<i32>()
    };
    let all = || (0..u8::MAX).map(|at| Symbol { size: at % 87, context: at % 192 });
    [all().max_by_key(sum).expect("some"), all().min_by_key(sum).expect("some")]
}

#[test]
fn one_client_with_many_flows_displaces_its_own_only() {
    let (mut pool, model) = pool();
    let others: Vec<Ticket> = (1..4).map(|host| enter(&mut pool, &model, host, 0)).collect();
    for at in 0..100 {
        enter(&mut pool, &model, 9, at);
    }
    assert!(others.iter().all(|&ticket| pool.sum(ticket).is_some()));
    assert_eq!((pool.len(), pool.counters().evicted), (8, 95));
    // And a third client still finds a place.
    let late = enter(&mut pool, &model, 4, 100);
    assert!(pool.sum(late).is_some() && others.iter().all(|&ticket| pool.sum(ticket).is_some()));
}

#[test]
fn a_place_that_was_taken_away_is_not_found_by_its_old_ticket() {
    let (mut pool, model) = pool();
    let tickets: Vec<Ticket> = (0..9).map(|at| enter(&mut pool, &model, 7, at)).collect();
    assert_eq!(tickets.iter().filter(|&&ticket| pool.sum(ticket).is_some()).count(), 8);
    let symbol = Symbol::default();
    let lost = tickets.iter().find(|&&ticket| pool.sum(ticket).is_none()).expect("one");
    assert_eq!(pool.step(*lost, &model, symbol, &seen(7, 13, 0, 9)), None);
    pool.leave(*lost);
    assert_eq!(pool.len(), 8, "an old ticket frees nothing");
}

#[test]
fn the_place_of_a_silent_flow_is_free() {
    let (mut pool, model) = pool();
    let silent = enter(&mut pool, &model, 1, 0);
    for at in 0..7 {
        enter(&mut pool, &model, 2, 1_000 + at);
    }
    let later = HMM_CANDIDATE_IDLE.as_millis() as u32 + 500;
    enter(&mut pool, &model, 1, later);
    assert_eq!(pool.sum(silent), None);
}

#[test]
fn evidence_that_never_comes_frees_the_place() {
    let (mut pool, model) = pool();
    let ticket = enter(&mut pool, &model, 1, 0);
    let [likely, unlikely] = symbols(&model);
    let mut step =
        |ticket, symbol, at: u32| pool.step(ticket, &model, symbol, &seen(1, 12 + at as u16, at, at));
    for at in 0..u32::from(HMM_COLD_SYMBOLS) - 1 {
        assert!(step(ticket, unlikely, at).is_some(), "{at}");
    }
    assert_eq!(step(ticket, unlikely, 40), None);
    assert_eq!(pool.len(), 0);
    let ticket = enter(&mut pool, &model, 1, 50);
    for at in 51..51 + 2 * u32::from(HMM_COLD_SYMBOLS) {
        let standing = pool.step(ticket, &model, likely, &seen(1, 12, at, at)).expect("there is evidence");
        assert!(standing.sum > 0, "{at}");
    }
}

#[test]
fn the_pool_counts_its_flows_and_can_be_cleared() {
    let (mut pool, model) = pool();
    let tickets: Vec<Ticket> = (0..3).map(|host| enter(&mut pool, &model, host, 0)).collect();
    assert_eq!((pool.len(), pool.counters().entered, pool.counters().evicted), (3, 3, 0));
    pool.clear();
    assert_eq!(pool.len(), 0);
    assert!(tickets.iter().all(|&ticket| pool.sum(ticket).is_none()));
    enter(&mut pool, &model, 1, 1);
    assert_eq!((pool.len(), pool.counters().entered), (1, 4));
}

/// Of the client with the most places, the flow with the least evidence goes.
#[test]
fn the_flow_with_the_least_evidence_makes_room() {
    let (mut pool, model) = pool();
    let [likely, _] = symbols(&model);
    let carry = |at: u32| Carry { pair: at << 1 | 1, most: 500 };
    let tickets: Vec<Ticket> = (0..8)
        .map(|at| {
            let evidence = core::iter::repeat_n(likely, if at == 5 { 0 } else { 40 });
            pool.enter(&model, evidence, &seen(1, 12, 0, at), carry(at)).expect("room").0
        })
        .collect();
    enter(&mut pool, &model, 2, 100);
    let lost: Vec<usize> = (0..8).filter(|&at| pool.sum(tickets[at]).is_none()).collect();
    assert_eq!(lost, [5]);
}

/// Evidence of a connection that is still open counts for the one that follows it, and only once; its place is freed.
#[test]
fn evidence_is_taken_over_once() {
    let (mut pool, model) = pool();
    let [likely, _] = symbols(&model);
    let evidence = core::iter::repeat_n(likely, 40);
    let (first, _) = pool.enter(&model, evidence, &seen(1, 8, 9_000, 10_000), PAIR).expect("room");
    let mut follow = |now: u32| {
        pool.enter(&model, core::iter::empty(), &seen(1, 8, 1_000, now), PAIR).expect("room").1.sum
    };
    assert_eq!(follow(13_000), PAIR.most);
    assert_eq!(follow(13_000), 0, "it began beside the one that took the evidence over");
    assert_eq!(pool.sum(first), None);
    assert_eq!((pool.len(), pool.counters().carried), (2, 1));
}

const PAIR: Carry = Carry { pair: 77, most: 500 };

/// Sums with which connections of client 1 begin that bring no symbols of their own, the first one after evidence
/// of 60 bits; each begins so many milliseconds after the one before has said its last.
fn begin_sums(silences: &[u32], pair_of: impl Fn(usize) -> u32) -> (Vec<i32>, Candidates) {
    let (mut pool, model) = pool();
    let [likely, _] = symbols(&model);
    let mut now = 10_000;
    let evidence = core::iter::repeat_n(likely, 40);
    let (ticket, standing) = pool.enter(&model, evidence, &seen(1, 8, 9_000, now), PAIR).expect("room");
    assert!(standing.sum > PAIR.most && !standing.is_old_enough, "{standing:?}");
    pool.leave(ticket);
    let mut sums = Vec::new();
    for (at, silence) in silences.iter().enumerate() {
        now += silence + 1_000;
        let carry = Carry { pair: pair_of(at), ..PAIR };
        let entered = pool.enter(&model, core::iter::empty(), &seen(1, 8, 1_000, now), carry);
        let (ticket, standing) = entered.expect("room");
        sums.push(standing.sum);
        pool.leave(ticket);
    }
    (sums, pool)
}

/// Of two connections that have ended one has given its evidence to the next: its place goes before that of the other,
/// however long the other has been silent.
#[test]
fn a_place_whose_evidence_was_taken_over_goes_first() {
    let (mut pool, model) = pool();
    let tickets: Vec<Ticket> = (0..8).map(|at| enter(&mut pool, &model, 1 + at as u8, at)).collect();
    tickets[..2].iter().for_each(|&ticket| pool.leave(ticket));
    let mut again = |host: u8, now: u32| {
        let carry = Carry { pair: u32::from(host) << 16 | (u32::from(host) - 1) << 1 | 1, most: 500 };
        pool.enter(&model, core::iter::empty(), &seen(host, 12, 0, now), carry).expect("room");
        pool.counters()
    };
    assert_eq!(again(2, 100).carried, 1);
    let counters = again(1, 200);
    assert_eq!((counters.carried, counters.evicted), (2, 0));
}

#[test]
fn evidence_adds_up_over_reconnections_and_fades() {
    let (sums, pool) = begin_sums(&[2_000, 2_000], |_| PAIR.pair);
    assert_eq!(sums, [500, 500], "at most what the bound says");
    assert_eq!(pool.counters().carried, 2);
    let halves = HMM_CARRY_HALVES.as_millis() as u32;
    assert_eq!(begin_sums(&[2_000, 2 * halves], |_| PAIR.pair).0, [500, 125]);
    let forgotten = HMM_CANDIDATE_IDLE.as_millis() as u32 + 1_000;
    assert_eq!(begin_sums(&[forgotten], |_| PAIR.pair).0, [0]);
    assert_eq!(begin_sums(&[2_000], |_| 9).0, [0], "another server");
}

#[test]
fn packets_and_age_add_up_so_that_short_sessions_can_be_classified() {
    let (mut pool, model) = pool();
    let standing = |pool: &mut Candidates, packets, age_ms, now| {
        let (ticket, standing) =
            pool.enter(&model, core::iter::empty(), &seen(1, packets, age_ms, now), PAIR).expect("room");
        pool.leave(ticket);
        standing.is_old_enough
    };
    assert!(!standing(&mut pool, 8, 20_000, 100_000));
    assert!(standing(&mut pool, 8, 20_000, 125_000));
}

#[test]
fn connections_side_by_side_share_no_evidence() {
    let (mut pool, model) = pool();
    let [likely, _] = symbols(&model);
    let first = pool.enter(&model, core::iter::repeat_n(likely, 40), &seen(1, 12, 5_000, 50_000), PAIR);
    let (ticket, _) = first.expect("room");
    let (_, second) =
        pool.enter(&model, core::iter::empty(), &seen(1, 12, 6_000, 51_000), PAIR).expect("room");
    assert_eq!(second.sum, 0, "it began before the other one's latest packet");
    assert!(pool.sum(ticket).is_some());
    // Nor do those of two clients of one server.
    pool.leave(ticket);
    let other = pool.enter(&model, core::iter::empty(), &seen(2, 12, 1_000, 60_000), PAIR).expect("room");
    assert_eq!(other.1.sum, 0);
}
