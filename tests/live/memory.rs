//! The kernel's memory of connections: labels, and the set of five-tuples.

use minewall::limits;
use minewall::rules::Memory;
use minewall::verdict::FlowMark;

use crate::net::{Net, SERVERS, ip, wait_for};
use crate::rules::{OTHERS, configured, leaves_marks_alone};
use crate::session::Session;
use crate::stand_in::StandIn;

/// Verdicts are kept in labels: the marks of connections and packets are those of others. A sample may make a benign
/// connection undecided again, and benign once more.
#[test]
fn a_verdict_becomes_a_label() {
    const LARGE: [u8; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize] = [b'x'; _];
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules_with(&config, Memory::Labels);
    assert!(net.router.try_nft(OTHERS));
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"web" => FlowMark::Benign,
        _ => FlowMark::Undecided,
    });
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        assert!(queue.starts() > 0, "{server}: the start is told");
        let (starts, before) = (queue.starts(), queue.seen());
        session.exchange(b"hello");
        session.exchange(&LARGE);
        assert_eq!(queue.seen() - before, 4, "{server}: undecided");
        for _ in 0..2 {
            session.exchange(b"web");
            let before = queue.seen();
            session.exchange(&LARGE);
            assert_eq!(queue.seen(), before, "{server}: benign");
            wait_for("a sample", || {
                session.exchange(b"small");
                queue.seen() > before
            });
            let (before, recalled) = (queue.seen(), queue.starts());
            session.exchange(&LARGE);
            if queue.seen() == before {
                break;
            }
            assert_eq!(recalled, starts, "{server}: a connection starts once");
        }
        assert_eq!(net.connection(session.ports).map(|c| c.mark), Some(0x8001), "{server}");
    }
    assert!(leaves_marks_alone(&net));
}

/// A connection that is older than the rules has no room for labels: its five-tuple is remembered.
#[test]
fn connections_older_than_the_rules_are_decided_too() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    let sessions = SERVERS.map(|server| Session::open(&net.home, &net.internet, ip(server)));
    net.load_rules_with(&config, Memory::Labels);
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"web" => FlowMark::Benign,
        _ => FlowMark::Undecided,
    });
    for mut session in sessions {
        // Without a rule that needs it nothing was tracked: then the first packet is a new connection's.
        session.exchange(b"hello");
        let before = queue.seen();
        session.exchange(b"hello");
        session.exchange(b"web");
        assert_eq!(queue.seen() - before, 4, "they are watched");
        let before = queue.seen();
        session.exchange(&[b'x'; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize]);
        assert_eq!(queue.seen(), before, "a large packet of a benign connection");
        session.exchange(b"small");
        assert!(queue.seen() > before, "a sample");
        let before = queue.seen();
        session.exchange(&[b'x'; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize]);
        assert_eq!(queue.seen() - before, 2, "undecided again");
    }
    assert_eq!(queue.starts(), 0);
}

/// Rules that are replaced leave no moment without a label rule: what begins after that takes labels.
#[test]
fn a_reload_makes_no_connection_an_old_one() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules_with(&config, Memory::Labels);
    let mut session = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    for _ in 0..3 {
        net.load_rules_with(&config, Memory::Labels);
    }
    let _queue = StandIn::start(&net, &config, 1, |_| FlowMark::Benign);
    session.exchange(b"web");
    let sets = net.router.run(&["nft", "list", "table", "inet", "minewall"]);
    let set = sets.split("set decided4 {").nth(1).and_then(|set| set.split('}').next()).expect("the set");
    assert!(!set.contains("elements"), "{set}");
}
