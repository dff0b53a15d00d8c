//! The words of the owner, and of other routers.

use super::*;

#[test]
fn a_person_has_the_last_word() {
    let mut bench = ServiceBench::new("");
    let known = server(1, 8443);
    assert_eq!(bench.offer("203.0.113.1:8443", Policy::Block, Origin::Operator).outcome, Word::Done);
    bench.answer(&known, "", ProbeVerdict::NotPool, false);
    assert!(bench.cuts(&known, "") && bench.cuts(&known, "any.example"));
    bench.offer("203.0.113.1:8443", Policy::Allow, Origin::Operator);
    assert!(!bench.cuts(&known, ""));
    let said = bench.offer("104.16.0.1:443", Policy::Block, Origin::Operator);
    assert!(said.outcome == Word::Done && said.text.contains("many sites share"), "{}", said.text);
    assert_eq!(bench.offer("203.0.113.1:8443", Policy::Block, Origin::Probe).outcome, Word::Refused);
}

/// A peer of the fleet sends what it likes: nothing is blocked, and what is refused is said.
#[test]
fn another_router_s_word_blocks_nothing() {
    let mut bench = ServiceBench::new("list allow_endpoint 203.0.113.7\noption learn_hours 1\n");
    bench.house.exempt.push(server(7, 3333));
    for text in [
        "203.0.113.7:3333",
        "192.168.1.1:443",
        "10.0.0.1:3333",
        "[fd00::1]:3333",
        "203.0.113.9",
        "203.0.113.0/24:3333",
        "203.0.113.9:nonweb",
        "bank.example",
        "google.com",
        "8.8.8.8:443",
        "104.16.132.229:443",
    ] {
        for policy in [Policy::Block, Policy::Suspect] {
            let answer = bench.offer(text, policy, Origin::Fleet);
            assert_eq!(answer.outcome, Word::Refused, "{text}: {}", answer.text);
            assert!(answer.text.len() > text.len() + 5, "it says why: {}", answer.text);
        }
        assert_eq!(bench.offer(text, Policy::Allow, Origin::Fleet).outcome, Word::Refused, "{text}");
    }
    assert_eq!((bench.service.entries().count(), bench.waiting().len()), (0, 0));

    for text in ["203.0.113.9:3333", "google.com:443", "www.example@104.16.132.229:443"] {
        for policy in [Policy::Block, Policy::Suspect] {
            let answer = bench.offer(text, policy, Origin::Fleet);
            assert_eq!(answer.outcome, Word::Done, "{text}: {}", answer.text);
        }
    }
    assert!(
        bench
            .service
            .entries()
            .all(|entry| entry.fact == Fact::Suspect && entry.until - entry.since == 3_600)
    );
    assert!(!bench.cuts(&server(9, 3333), "") && bench.service.elements(&bench.house).is_empty());
    assert!(bench.service.poll_shared().is_none() && bench.service.shared().is_empty(), "it doesn't go on");
    // Of what is to be blocked, the single servers are asked; from a budget of their own.
    let asked = bench.waiting();
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|question| question.suspect.purpose == Purpose::Hearsay && question.client.is_none())
    );
    bench.answer(&server(9, 3333), "", ProbeVerdict::Pool, true);
    assert!(bench.cuts(&server(9, 3333), ""), "by its own answer");
    let again = bench.offer("203.0.113.9:3333", Policy::Block, Origin::Fleet);
    assert!(again.outcome == Word::Nothing && again.text.contains("asked from here"), "{}", again.text);
    // A session with a server that only another router suspects takes nothing from suspicions of this house.
    bench.offer("203.0.113.8:443", Policy::Suspect, Origin::Fleet);
    bench.detect(Source::Hint, &server(8, 443), "");
    assert!(bench.waiting().iter().any(|question| {
        question.suspect.server == server(8, 443) && question.suspect.purpose == Purpose::Hearsay
    }));
}

#[test]
fn another_router_says_only_so_much() {
    let mut bench = ServiceBench::new("");
    let said: Vec<ControlAnswer> = (0..2 * FLEET_ENTRIES_PER_MINUTE)
        .map(|number| bench.offer(&format!("203.0.113.1:{}", 1_000 + number), Policy::Suspect, Origin::Fleet))
        .collect();
    let last = said.last().expect("some");
    assert!(last.outcome == Word::Refused && last.text.contains("too many"), "{}", last.text);
    assert!(bench.service.entries().count() <= REPUTATION_ENTRIES / 3);
    let mut bench = ServiceBench::new("option learn_hours 0\n");
    assert_eq!(bench.offer("203.0.113.2:3333", Policy::Suspect, Origin::Fleet).outcome, Word::Refused);
}
