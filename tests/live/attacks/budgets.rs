//! Budgets of questions and of other routers' words.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{House, number};
use crate::daemon::Daemon;
use crate::lists::Lists;
use crate::namespace::Namespace;
use crate::net::{PATIENCE, ip, wait_for};
use crate::tls::serve;

/// A name that a list suspects.
const SUSPECTED: &str = "looks.test";
/// Servers of the other host, one of each family.
const OTHERS: [&str; 2] = ["198.51.100.7", "2001:db8:77::7"];
/// Servers of the attacker, in as many networks.
const SERVERS: u16 = 20;

/// The attacker's server of this number.
fn server(number: u16) -> SocketAddr {
    let network = number / 2;
    let addr = match number % 2 {
        0 => IpAddr::from([45, 1, network as u8, 1]),
        _ => Ipv6Addr::new(0x2001, 0xdb9, network, 0, 0, 0, 0, 1).into(),
    };
    SocketAddr::new(addr, 443)
}

/// Says a ClientHello with the suspected name.
fn arouse_suspicion(from: &Namespace, at: SocketAddr) {
    let stream = from.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect("a way there");
    (&stream).write_all(&client_hello(SUSPECTED)).expect("it leaves the host");
}

/// Counts the connections to a server, which answers nothing.
fn count_at(house: &House, at: SocketAddr) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let listener = house.net.internet.inside(|| TcpListener::bind(at)).expect("a free port");
    let counted = count.clone();
    serve(listener, move |stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        // Kept open: the asker has to wait for as long as it wants to.
        std::mem::forget(stream);
    });
    count
}

/// A house whose daemon suspects a name.
fn suspicious(house: &House, name: &str) -> (Lists, Daemon) {
    let lists = Lists::new(name);
    lists.write("looks.suspect", &format!("{SUSPECTED}\n"));
    house.populate(["45.1.0.0/16", "2001:db9::/32"]);
    OTHERS.into_iter().for_each(|server| house.net.publish(ip(server)));
    let daemon = Daemon::start(&house.net, &lists.options());
    (lists, daemon)
}

/// Panics unless the other host's suspicions are asked within [`PATIENCE`], which is a minute.
fn is_asked_for_the_other_host(house: &House) {
    let counts = OTHERS.map(|other| {
        let at = SocketAddr::new(ip(other), 443);
        let count = count_at(house, at);
        arouse_suspicion(&house.other, at);
        count
    });
    // Its own connection, and the probe's.
    wait_for("the other host's servers are asked", || {
        counts.iter().all(|count| count.load(Ordering::Relaxed) >= 2)
    });
}

/// Attack k: one client has suspicious sessions with forty servers, which never answer the probe. Another client's
/// suspicion is asked within a minute.
#[test]
fn one_client_s_suspicions_leave_room_for_another_s() {
    let Some(house) = House::new() else { return };
    let (_lists, daemon) = suspicious(&house, "suspicions");
    let counts: Vec<_> = (0..2 * SERVERS).map(|number| count_at(&house, server(number))).collect();
    (0..2 * SERVERS).for_each(|number| arouse_suspicion(&house.net.home, server(number)));
    wait_for("the attacker's servers are asked", || {
        counts.iter().any(|count| count.load(Ordering::Relaxed) >= 2)
    });
    is_asked_for_the_other_host(&house);
    house.catches_miners(2, "beside the suspicions");
    assert!(
        daemon.events().contains("\"source\":\"intel\"") || daemon.events().contains("\"source\":\"hint\"")
    );
}

/// Attack l: another router of the fleet reports names and addresses that half the world uses, with every policy, and
/// hundreds of servers to ask. Nothing is blocked or exempt, each refusal says why, and the household's own suspicion
/// is asked within a minute.
#[test]
fn a_lying_fleet_peer_blocks_nothing_and_drains_nothing() {
    let Some(house) = House::new() else { return };
    let (_lists, daemon) = suspicious(&house, "fleet");
    let subjects = ["google.com", "google.com:443", "8.8.8.8:443", "104.16.1.1:443", "[2606:4700::1]:443"];
    let lines: String =
        subjects.map(|subject| format!("{{\"event\":\"intel\",\"entry\":\"{subject}\"}}\n")).concat();
    for policy in ["block", "suspect", "allow"] {
        let said = daemon.command(&["intel", "add", "--fleet", "--policy", policy, "-"], &lines);
        assert_eq!(said.status, 4, "{policy}: {}", said.errors);
        let wanted: &[&str] = match policy {
            "allow" => &["other routers exempt nothing"],
            _ => &["google.com: of a name, a port is wanted", "104.16.1.1:443: many sites share the address"],
        };
        for why in wanted {
            assert!(said.errors.contains(why), "{policy}: {}", said.errors);
        }
    }
    let many: String = (0..200)
        .map(|number| format!("{{\"event\":\"intel\",\"entry\":\"45.2.{number}.1:3333\"}}\n"))
        .collect();
    let said = daemon.command(&["intel", "add", "--fleet", "--policy", "block", "-"], &many);
    assert!(
        said.status == 4 && said.errors.contains("too many from other routers at once"),
        "{}",
        said.errors
    );
    let list = daemon.command(&["intel", "list"], "").output;
    let is_suspect = |line: &str| line.contains(": suspect, reported by another router");
    assert!(list.lines().all(is_suspect) && !list.contains("8.8.8.8"), "{list}");
    is_asked_for_the_other_host(&house);
    for (set, server) in [("pools4", "8.8.8.8"), ("pools6", "2606:")] {
        let elements = house.net.router.run(&["nft", "list", "set", "inet", "minewall", set]);
        assert!(!elements.contains(server), "{elements}");
    }
    house.catches_miners(2, "beside the fleet");
    assert_eq!(number(&daemon.status(), "detections"), 2, "{}", daemon.status());
}

/// A ClientHello that names `name` (RFC 8446 section 4.1.2, RFC 6066 section 3).
fn client_hello(name: &str) -> Vec<u8> {
    let vector = |width: usize, content: &[u8]| {
        let len = (content.len() as u32).to_be_bytes();
        [&len[4 - width..], content].concat()
    };
    let entry = [&[0][..], &vector(2, name.as_bytes())].concat();
    let extensions = [&[0, 0][..], &vector(2, &vector(2, &entry))].concat();
    let hello = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &vector(2, &extensions)].concat();
    [&[22, 3, 1][..], &vector(2, &[&[1][..], &vector(3, &hello)].concat())].concat()
}
