//! Strangers on the internet, and servers at home.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener};

use minewall::limits::FOREIGN_REPORTS_PER_HOUR;

use super::raw::{Forged, Forger};
use super::{House, OTHER, number};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, connect_from, ip, wait_for};
use crate::run::WEB;
use crate::session::{Session, is_reset};

/// Networks of the internet, each with many hosts.
const OUTSIDE: [&str; 2] = ["45.0.0.0", "2001:db8:9::"];
/// The router's addresses on the internet, whose port 8333 leads to the host at home.
const FORWARDED: [&str; 2] = ["10.7.2.1", "fd07:2::1"];
const PORT: u16 = 8_333;
/// Attackers of each family.
const ATTACKERS: u16 = 70;

/// Another address of the internet for each number.
fn stranger(family: usize, number: u16) -> IpAddr {
    match ip(OUTSIDE[family]) {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() + 1 + u32::from(number)).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() + 1 + u128::from(number)).into()),
    }
}

/// One packet with a whole login for a server at home from each of `count` addresses, in a connection that does not
/// exist; one more in a SYN; and over IPv6 to the server's own address, too.
fn send_single_packets(house: &House, count: u16) {
    let forger = Forger::new(&house.net.internet);
    for number in 0..count {
        for (from, to) in [(0, FORWARDED[0]), (1, FORWARDED[1]), (1, HOME[1])] {
            for ack in [None, Some(7)] {
                let from = SocketAddr::new(stranger(from, number), 40_000 + number);
                let to = SocketAddr::new(ip(to), PORT);
                forger.send(&Forged { from, to, seq: 1, ack, payload: LOGIN.as_bytes() });
            }
        }
    }
}

/// Attack e: one packet from outside says that a server at home is a pool. Nothing is blocked, asked or listed.
#[test]
fn a_packet_from_outside_says_nothing_of_a_server_at_home() {
    let Some(house) = House::new() else { return };
    house.populate(["45.0.0.0/24", "2001:db8:9::/64"]);
    house.forward(PORT);
    let daemon = Daemon::start(&house.net, "");
    let listeners =
        HOME.map(|home| house.net.home.inside(|| TcpListener::bind((ip(home), PORT))).expect("a free port"));
    send_single_packets(&house, 1);
    // What comes over the same way afterwards has everything before it behind itself.
    for home in HOME {
        Session::open(&house.other, &house.net.home, ip(home)).exchange(WEB);
    }
    house.catches_miners(2, "after the packets");
    let status = daemon.status();
    assert_eq!(number(&status, "detections"), 2, "the two miners: {status}");
    let list = daemon.command(&["intel", "list"], "").output;
    assert!(!list.contains("8333") && !list.contains("block"), "{list}");
    for asked in ["pool", "not_pool", "inconclusive"] {
        assert_eq!(number(&status, asked), 0, "{status}");
    }
    let listed = status.split("\"hosts\":").nth(1).expect("a list");
    assert!(
        HOME.iter().all(|home| !listed.contains(home)) && !daemon.events().contains(":8333\""),
        "{status}"
    );
    drop(listeners);
}

/// Attack f: seventy of them, and as many strangers who really connect and say the same. The list of hosts and the log
/// stay the house's: strangers have a few lines an hour, and no place.
#[test]
fn strangers_fill_neither_list_nor_log() {
    let Some(house) = House::new() else { return };
    house.populate(["45.0.0.0/24", "2001:db8:9::/64"]);
    house.forward(PORT);
    let daemon = Daemon::start(&house.net, "");
    send_single_packets(&house, ATTACKERS);
    for (family, home) in HOME.into_iter().enumerate() {
        let at = SocketAddr::new(ip(FORWARDED[family]), PORT);
        let listener = house.net.home.inside(|| TcpListener::bind((ip(home), PORT))).expect("a free port");
        for number in 0..ATTACKERS {
            let from = SocketAddr::new(stranger(family, number), 0);
            let attacker = house.net.internet.inside(|| connect_from(from, at));
            let (server, _) = listener.accept().expect("it connected");
            (&attacker).write_all(LOGIN.as_bytes()).expect("it leaves the stranger");
            assert!(is_reset(&attacker), "{from}: cut off as any other");
            drop(server);
        }
    }
    house.catches_miners(2, "after the strangers");
    wait_for("the miners' events", || OTHER.iter().all(|miner| daemon.events().contains(miner)));
    let (events, status) = (daemon.events(), daemon.status());
    let of_strangers = events.lines().filter(|line| !OTHER.iter().any(|miner| line.contains(miner))).count();
    assert!(of_strangers <= FOREIGN_REPORTS_PER_HOUR as usize, "{of_strangers} lines: {events}");
    assert_eq!(number(&status, "detections"), 2 * u32::from(ATTACKERS) + 2, "{status}");
    let listed = status.split("\"hosts\":").nth(1).expect("a list");
    assert_eq!(listed.matches("\"client\"").count(), OTHER.len(), "the miners alone: {listed}");
    // A private server is no pool for the house.
    let list = daemon.command(&["intel", "list"], "").output;
    assert!(!list.contains("8333") && !list.contains("block"), "{list}");
    for home in HOME {
        Session::open(&house.other, &house.net.home, ip(home)).exchange(WEB);
    }
}
