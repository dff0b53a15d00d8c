use super::*;
use crate::util::random::Random;

fn entry(subject: &str, origin: Origin, fact: Fact, until: u64) -> Entry {
    Entry {
        subject: subject.parse().expect(subject),
        fact,
        origin,
        reach: Reach::House,
        dialect: None,
        evidence: EvidenceText::new(),
        since: 1,
        until,
    }
}

fn pool(subject: &str, origin: Origin, until: u64) -> Entry {
    entry(subject, origin, Fact::Pool, until)
}

fn numbered(number: usize, origin: Origin, fact: Fact, until: u64) -> Entry {
    entry(&format!("203.0.{}.{}:3333", number / 256, number % 256), origin, fact, until)
}

fn server(text: &str) -> Endpoint {
    text.parse::<Subject>().expect(text).endpoint().expect(text)
}

#[test]
fn a_better_source_goes_before_another() {
    let mut store = Store::default();
    assert_eq!(store.enter(entry("192.0.2.1:1", Origin::Fleet, Fact::Suspect, 50), 2), Entered::New);
    assert_eq!(store.enter(entry("192.0.2.1:1", Origin::Fleet, Fact::Suspect, 60), 2), Entered::Renewed);
    assert_eq!(store.enter(pool("192.0.2.1:1", Origin::Probe, 40), 2), Entered::New);
    assert_eq!(store.enter(entry("192.0.2.1:1", Origin::Fleet, Fact::Suspect, 900), 2), Entered::Outranked);
    assert_eq!(store.enter(pool("192.0.2.1:1", Origin::Operator, 30), 2), Entered::New);
    assert_eq!(store.enter(pool("192.0.2.1:1", Origin::Probe, 900), 2), Entered::Outranked);
    // What has ended outranks nothing.
    assert_eq!(store.enter(pool("192.0.2.1:1", Origin::Probe, 900), 30), Entered::Renewed);
    assert_eq!(store.holding(30).count(), 2, "the other router's word stands beside it");
}

#[test]
fn a_probe_without_an_answer_takes_nothing_back() {
    let mut store = Store::default();
    let at = server("192.0.2.1:1");
    let fact = |store: &Store, now| store.probed(&at, None, now).map(|entry| entry.fact);
    store.enter(entry("192.0.2.1:1", Origin::Probe, Fact::Inconclusive, 20), 2);
    assert_eq!(fact(&store, 2), Some(Fact::Inconclusive));
    store.enter(pool("192.0.2.1:1", Origin::Probe, 40), 2);
    store.enter(entry("192.0.2.1:1", Origin::Probe, Fact::Inconclusive, 900), 3);
    assert_eq!((fact(&store, 39), fact(&store, 40)), (Some(Fact::Pool), None));
    store.enter(entry("192.0.2.1:1", Origin::Probe, Fact::Inconclusive, 900), 40);
    assert_eq!(fact(&store, 899), Some(Fact::Inconclusive));
    assert_eq!(fact(&store, 900), None, "it may be asked again");
    store.enter(entry("192.0.2.1:1", Origin::Probe, Fact::NotPool, 950), 2);
    assert_eq!(fact(&store, 2), Some(Fact::NotPool), "a server that has changed");
}

#[test]
fn names_at_one_address_are_servers_of_their_own() {
    let mut store = Store::default();
    let at = server("192.0.2.1:443");
    let name = |text: &str| HostName::parse(text.as_bytes()).expect(text);
    store.enter(pool("pool.example@192.0.2.1:443", Origin::Probe, 40), 2);
    store.enter(entry("shop.example@192.0.2.1:443", Origin::Probe, Fact::NotPool, 40), 2);
    let fact = |called: Option<&HostName>| store.probed(&at, called, 2).map(|entry| entry.fact);
    assert_eq!(fact(Some(&name("pool.example"))), Some(Fact::Pool));
    assert_eq!(fact(Some(&name("shop.example"))), Some(Fact::NotPool));
    assert_eq!((fact(Some(&name("example"))), fact(None)), (None, None));
}

/// In any order of entries: the bounds hold, none makes room for one that is worth less, and no two are about the
/// same.
#[test]
fn full_is_normal() {
    let mut random = Random::new(5);
    let mut store = Store::default();
    let mut refused = 0;
    for step in 0..20_000_u64 {
        let now = step / 20;
        let origin = Origin::ALL[random.below(3) as usize];
        let fact = [Fact::Inconclusive, Fact::NotPool, Fact::Pool][random.below(3) as usize];
        let new = numbered(random.below(1_000) as usize, origin, fact, now + u64::from(random.below(1_000)));
        let before = store.clone();
        let entered = store.enter(new.clone(), now);
        let of_fleet = store.entries.iter().filter(|entry| entry.origin == Origin::Fleet).count();
        assert!(store.entries.len() <= REPUTATION_ENTRIES && of_fleet <= REPUTATION_FLEET_ENTRIES);
        let gone = before
            .entries
            .iter()
            .find(|entry| !store.entries.iter().any(|left| left.is_about_the_same(entry)));
        if let Some(gone) = gone {
            let worth = |entry: &Entry| (entry.holds(now), entry.origin, entry.fact);
            assert!(worth(gone) <= worth(&new), "{gone:?} made room for {new:?}");
        }
        if matches!(entered, Entered::Full | Entered::Outranked) {
            refused += 1;
            assert_eq!(store, before);
        }
    }
    assert!(refused > 100, "{refused}: no test of that");
    for (at, entry) in store.entries.iter().enumerate() {
        assert!(!store.entries[..at].iter().any(|other| other.is_about_the_same(entry)));
    }
}

#[test]
fn a_router_s_clock_that_is_not_set_yet_ends_nothing_and_its_entries_begin_once_it_is() {
    const WEEK: u64 = 604_800;
    let today = CLOCK_SET_FROM + 10 * WEEK;
    let mut store = Store::default();
    store.enter(Entry { since: today, ..numbered(1, Origin::Operator, Fact::Pool, today + WEEK) }, today);
    store.adopt_clock(20);
    assert_eq!(store.holding(20).map(|entry| entry.until).collect::<Vec<_>>(), [today + WEEK]);
    store.enter(Entry { since: 20, ..numbered(2, Origin::Probe, Fact::Pool, 20 + WEEK) }, 20);
    let later = today + 3_600;
    store.adopt_clock(later);
    let ends: Vec<u64> = store.holding(later).map(|entry| entry.until).collect();
    assert_eq!(ends, [today + WEEK, later + WEEK]);
    assert!(store.has_ended_since(today + WEEK - 1, today + WEEK) && !store.has_ended_since(today, later));
}

/// 400 days ahead and back, with and without a restart in between, whether something was entered meanwhile or not.
#[test]
fn a_clock_that_jumps_and_comes_back_loses_nothing() {
    const DAYS: u64 = 400 * 86_400;
    let now = CLOCK_SET_FROM + DAYS;
    for restarts in [false, true] {
        let mut store = Store::default();
        store.enter(Entry { since: now - 9, ..numbered(1, Origin::Probe, Fact::Pool, now + 1_000) }, now);
        let ahead = now + DAYS;
        if restarts {
            store.adopt_clock(ahead);
            assert_eq!(store.holding(ahead).count(), 0);
        } else {
            store.clock_was_set(now, ahead);
            assert_eq!(store.holding(ahead).count(), 1, "its life is a length of time");
        }
        store.enter(Entry { since: ahead, ..numbered(2, Origin::Probe, Fact::Pool, ahead + 1_000) }, ahead);
        store.clock_was_set(ahead + 5, now + 5);
        store.adopt_clock(now + 5);
        assert_eq!(store.holding(now + 5).count(), 2, "restarts: {restarts}");
        assert_eq!(store.holding(now + 2_000).count(), 0, "restarts: {restarts}: nothing becomes eternal");
    }
}

#[test]
fn what_is_struck_out_is_what_was_meant() {
    let mut store = Store::default();
    let all = [
        "192.0.2.1:1",
        "192.0.2.1:2",
        "192.0.2.9:1",
        "pool.example:3333",
        "eu.pool.example",
        "pool.example@192.0.2.1:1",
    ];
    for text in all {
        store.enter(pool(text, Origin::Probe, 100), 2);
    }
    for (text, struck) in [
        ("192.0.2.1:1", 2),
        ("192.0.2.1", 3),
        ("192.0.2.0/24", 4),
        ("192.0.2.0/24:1", 3),
        ("192.0.2.3", 0),
        ("pool.example", 3),
        ("pool.example:3333", 1),
        ("eu.pool.example", 1),
        ("pool.example@192.0.2.1:1", 1),
        ("ool.example", 0),
    ] {
        assert_eq!(store.clone().remove(&text.parse().expect(text)).len(), struck, "{text}");
    }
}

#[test]
fn an_entry_ends_at_its_second() {
    let mut store = Store::default();
    store.enter(pool("192.0.2.1:1", Origin::Probe, 100), 2);
    let known = store.probed(&server("192.0.2.1:1"), None, 40).expect("it holds");
    assert_eq!((known.seconds_left(40), known.seconds_left(100), known.seconds_left(200)), (60, 0, 0));
    for (before, now, ended) in [(40, 99, false), (40, 100, true), (99, 100, true), (100, 101, false)] {
        assert_eq!(store.has_ended_since(before, now), ended, "{before} {now}");
    }
}

#[test]
fn pools_of_this_router_s_probe_are_its_own_findings() {
    for origin in Origin::ALL {
        for fact in Fact::ALL {
            let entry = entry("192.0.2.1:1", origin, fact, 100);
            assert_eq!(entry.is_own_finding(), origin == Origin::Probe && fact == Fact::Pool, "{entry:?}");
        }
    }
}

#[test]
fn other_routers_share_a_part_of_the_store() {
    let mut store = Store::default();
    for number in 0..2 * REPUTATION_FLEET_ENTRIES {
        store.enter(numbered(number, Origin::Fleet, Fact::Suspect, 1_000), 2);
        let expected = (number + 1).min(REPUTATION_FLEET_ENTRIES);
        assert_eq!(store.holding(2).count(), expected);
    }
}

/// A strong suspicion stands beside the inconclusive answer that it came with, and weighs more.
#[test]
fn the_weightiest_fact_of_a_probe_counts() {
    let mut store = Store::default();
    store.enter(entry("192.0.2.1:1", Origin::Probe, Fact::Inconclusive, 100), 2);
    let reach = Reach::Client([192, 168, 1, 50].into());
    store.enter(Entry { reach, ..entry("192.0.2.1:1", Origin::Probe, Fact::StronglySuspected, 100) }, 2);
    let known = store.probed(&server("192.0.2.1:1"), None, 2).map(|entry| entry.fact);
    assert_eq!(known, Some(Fact::StronglySuspected));
}
