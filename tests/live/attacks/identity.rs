//! A host that uses the address of another one.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use minewall::dpi::signatures::Dialect;
use minewall::intel::reputation::{Entry, Fact, Origin, Reach, Store, Subject};
use minewall::net::endpoint::Endpoint;

use super::House;
use super::raw::{Forged, Forger};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, SERVERS, ip, wait_for};
use crate::session::{Session, is_reset};

/// Hardware address of the attacker.
const ATTACKER_MAC: &str = "02:00:00:00:00:66";
/// Pools that the kernel refuses by itself.
const KNOWN_POOLS: [&str; 2] = ["203.0.113.9:3333", "[2001:db8:113::9]:3333"];

/// Attack j: a host with another hardware address mines under the victim's addresses, and sends attempts under them to
/// pools that are known. Events name the hardware address and say that it isn't the lease's; the victim's name occurs in
/// none, and the victim is in no list.
#[test]
fn a_spoofed_neighbour_is_not_accused() {
    let Some(house) = House::new() else { return };
    let pools: [SocketAddr; 2] = KNOWN_POOLS.map(|pool| pool.parse().expect("an endpoint"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let mut known = Store::default();
    for at in pools {
        let entry = Entry {
            subject: Subject::server(&Endpoint::new(at.ip(), at.port()), None),
            fact: Fact::Pool,
            origin: Origin::Operator,
            reach: Reach::House,
            dialect: Some(Dialect::CryptoNote),
            evidence: Default::default(),
            since: now,
            until: now + 3_600,
        };
        known.enter(entry, now);
        house.net.publish(at.ip());
    }
    let daemon = Daemon::start_with(&house.net, "", &known);
    house.net.home.run(&["ip", "link", "set", "eth0", "address", ATTACKER_MAC]);
    house.net.router.run(&["ip", "neigh", "flush", "dev", "lan0"]);
    for server in SERVERS {
        let session = Session::open(&house.net.home, &house.net.internet, ip(server));
        (&session.client).write_all(LOGIN.as_bytes()).expect("it leaves the attacker");
        assert!(is_reset(&session.client), "{server}: the attacker is cut off");
    }
    let forger = Forger::new(&house.net.home);
    for ((at, set), home) in pools.into_iter().zip(["pools4", "pools6"]).zip(HOME) {
        wait_for("the kernel's set", || {
            house.net.router.run(&["nft", "list", "set", "inet", "minewall", set]).contains(". 3333 ")
        });
        let from = SocketAddr::new(ip(home), 50_000);
        forger.send(&Forged { from, to: at, seq: 1, ack: None, payload: b"" });
    }
    wait_for("the events", || daemon.events().lines().count() >= 4);
    house.catches_miners(2, "beside the attacker");
    let events = daemon.events();
    let of_attacker: Vec<&str> = events.lines().filter(|line| line.contains(ATTACKER_MAC)).collect();
    assert_eq!(of_attacker.len(), 4, "{events}");
    for line in of_attacker {
        assert!(line.contains("\"identity\":\"conflict\"") || line.contains(HOME[1]), "{line}");
    }
    assert!(!events.contains("gaming-pc") && !daemon.log().contains("gaming-pc"), "{events}");
    let status = daemon.status();
    let listed = status.split("\"hosts\":").nth(1).expect("a list");
    assert!(!listed.contains("gaming-pc") && !listed.contains(HOME[0]), "{listed}");
}
