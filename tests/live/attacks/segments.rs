//! Segments by which one host misleads the router, and its server is read in another way.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::House;
use super::raw::{CLIENT_SEQ, FORGED_PORT, Forged, ForgedConnection, ForgedEnds, Forger, SERVER_SEQ, dying};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, HOME_MAC, ROUTER, SERVERS, ip, wait_for};
use crate::session::Session;

/// A connection over each family; from ports that are no other test's, for the kernel shows connections of all namespaces.
fn connections(port: u16) -> [ForgedConnection; 2] {
    [0, 1].map(|family| {
        ForgedConnection::new(HOME[family], port, SocketAddr::new(ip(SERVERS[family]), FORGED_PORT))
    })
}

/// Detections of the first host, which has mined over both families.
fn both_are_told(daemon: &Daemon) {
    wait_for("the events", || {
        let events = daemon.events();
        HOME.iter().all(|home| events.lines().any(|line| line.contains(home) && line.contains("\"dpi\"")))
    });
}

/// A client ends its side with its first packet, which has the whole request: a connection that conntrack never calls
/// assured.
#[test]
fn a_login_with_the_end_of_its_stream_is_not_heard() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    for it in connections(1501) {
        ends.open(it);
        ends.say(it, 0, LOGIN.as_bytes(), |tcp| tcp.fin = true);
    }
    both_are_told(&daemon);
    assert_eq!(ForgedEnds::heard(&house.net.internet), 0);
    house.catches_miners(2, "beside it");
}

/// A client resets its connection by a packet that dies on its way, or that its server doesn't believe, waits until the
/// kernel has forgotten it, and logs in.
#[test]
fn a_login_behind_a_forged_end_is_not_heard() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    house.net.router.run(&["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_close=1"]);
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    for it in connections(1502) {
        ends.open(it);
        ends.say(it, 0, b"", |_| {});
        ends.say(it, 0, b"", |tcp| (tcp.rst, tcp.ack) = (true, false));
    }
    for it in connections(1502) {
        let ports = [it.client.port(), it.server.port()];
        wait_for("the kernel forgets it", || house.net.connection(ports).is_none());
    }
    for it in connections(1502) {
        ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    }
    both_are_told(&daemon);
    assert_eq!(ForgedEnds::heard(&house.net.internet), 0);
    house.catches_miners(2, "beside it");
}

/// Bytes that never reach the server, as far ahead as its window allows, between the parts of a login.
#[test]
fn a_login_between_decoys_is_not_heard() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    let (first, last) = LOGIN.as_bytes().split_at(60);
    // The first decoy may also come in the place of the handshake's end.
    for (port, finishes) in [(1_503, true), (1_504, false)] {
        for it in connections(port) {
            ends.open(it);
            if finishes {
                ends.say(it, 0, b"", |_| {});
            }
            for (offset, part) in [(20_000, &b"decoy"[..]), (0, first), (30_000, b"decoy"), (60, last)] {
                ends.say(it, offset, part, |_| {});
            }
        }
    }
    both_are_told(&daemon);
    assert_eq!(ForgedEnds::heard(&house.net.internet), 0);
    house.catches_miners(2, "beside it");
}

/// One byte is urgent: a server leaves it out of the stream. It gets the stream that was read here.
#[test]
fn an_urgent_byte_hides_no_login() {
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, "");
    for server in SERVERS {
        let session = Session::open(&house.net.home, &house.net.internet, ip(server));
        let (first, last) = LOGIN.split_at(LOGIN.find("login").expect("a login") + 2);
        (&session.client).write_all(first.as_bytes()).expect("it leaves the client");
        assert_eq!(send(&session.client, b"X", SendFlags::OOB).ok(), Some(1));
        (&session.client).write_all(last.as_bytes()).expect("it leaves the client");
        let mut heard = vec![0; LOGIN.len() + 1];
        (&session.server).read_exact(&mut heard).expect("this is no login");
        assert_eq!(String::from_utf8_lossy(&heard), format!("{first}X{last}"), "{server}");
    }
    house.catches_miners(2, "beside it");
}

/// One host sends SYNs with data, as many as are looked at at all. Those of another host are not dropped for that.
#[test]
fn attempts_with_data_take_nothing_from_another_client() {
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, "");
    let at = SERVERS.map(|server| SocketAddr::new(ip(server), FORGED_PORT));
    let _ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    let count = "table inet counted { chain out { type filter hook postrouting priority 0;
        iifname lan1 tcp dport 40000 tcp flags syn counter; }; }";
    assert!(house.net.router.try_nft(count));
    let [attacker, other] = [&house.net.home, &house.other].map(Forger::new);
    let send = |forger: &Forger, from: &str, number: u32| {
        let to = at[usize::from(ip(from).is_ipv6())];
        let from = SocketAddr::new(ip(from), 1_024 + (number % 60_000) as u16);
        forger.send(&super::raw::Forged { from, to, seq: CLIENT_SEQ, ack: None, payload: b"some data" });
    };
    let mut sent = 0;
    for round in 0..10 {
        // Under every address that it may use.
        for number in 0..200 {
            let from = [format!("10.7.1.{}", 2 + number % 200), format!("fd07:1::{:x}", 2 + number)];
            from.iter().for_each(|from| send(&attacker, from, number));
        }
        for from in super::OTHER {
            send(&other, from, round);
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    wait_for("all of them pass", || house.net.router.counted(&["table", "inet", "counted"]) == sent);
    house.catches_miners(2, "beside it");
}

/// A host of the house says what a server would say, to its own address: the kernel takes it for the other end of the
/// connection. So it would acknowledge decoys that never arrive, and the login in their place would be no other version.
#[test]
fn a_server_s_words_from_within_the_house_hide_no_login() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    let client = "fd07:1::99";
    house.net.home.run(&["ip", "-6", "route", "add", client, "via", ROUTER[1]]);
    house.net.router.run(&["ip", "-6", "neigh", "add", client, "lladdr", HOME_MAC, "dev", "lan0"]);
    let it = ForgedConnection::new(client, 1_505, SocketAddr::new(ip(SERVERS[1]), FORGED_PORT));
    ends.open(it);
    ends.say(it, 0, b"", |_| {});
    let end = LOGIN.len().next_multiple_of(80) as u32;
    (0..end).step_by(80).for_each(|at| ends.send(it, &dying(it.packet(at, &[b'q'; 80], |_| {}))));
    let (seq, ack) = (SERVER_SEQ, Some(CLIENT_SEQ + end));
    let answer = Forged { from: it.server, to: it.client, seq, ack, payload: b"ok\n" };
    Forger::new(&house.net.home).send(&answer);
    ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    wait_for("the event", || daemon.events().lines().any(|line| line.contains(client)));
    assert_eq!(ForgedEnds::heard(&house.net.internet), 0);
    house.catches_miners(2, "beside it");
}
