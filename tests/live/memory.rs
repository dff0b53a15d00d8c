//! The kernel's memory of connections: labels, and the set of five-tuples.

use std::net::SocketAddr;

use minewall::limits;
use minewall::rules::Memory;
use minewall::verdict::FlowMark;

use crate::attacks::raw::{FORGED_PORT, ForgedConnection, ForgedEnds};
use crate::net::{HOME, Net, SERVERS, ip, wait_for};
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

/// Where marks get lost, a client that has many connections decided takes no more than its share of the set, and another
/// client's are kept.
#[test]
fn one_client_has_a_share_of_the_decided_connections() {
    let Some(net) = Net::new() else { return };
    let others = ["10.7.3.2", "fd07:3::2"];
    let other = net.add_host(others);
    let config = configured("");
    net.load_rules_with(&config, Memory::Mark);
    assert!(net.router.try_nft("add element inet minewall conflict { tcp timeout 1h, udp timeout 1h }"));
    let queue = StandIn::start(&net, &config, 1, |_| FlowMark::Benign);
    let ends = ForgedEnds::new(&net.home, &net.internet);
    let (share, mut taken) = (limits::DECIDED_OF_CLIENT, 0);
    for (family, (server, set)) in SERVERS.into_iter().zip(["decided4", "decided6"]).enumerate() {
        for port in 0..share + 100 {
            let at = SocketAddr::new(ip(server), FORGED_PORT);
            let it = ForgedConnection::new(HOME[family], 3_000 + port as u16, at);
            let before = queue.seen();
            ends.open(it);
            ends.say(it, 0, b"hello", |_| {});
            wait_for("its verdict", || queue.seen() > before);
        }
        let elements = || net.router.run(&["nft", "list", "set", "inet", "minewall", set]);
        let of = |addr: &str| elements().matches(&format!("{addr} . ")).count() as u32;
        // Of both families together.
        taken += of(HOME[family]);
        assert!((share / 2..=share + 2).contains(&taken), "{taken} of {share}");
        let mut session = Session::open(&other, &net.internet, ip(server));
        session.exchange(b"hello");
        assert!(of(others[family]) > 0, "{}", elements());
    }
}
