//! Packets of connections that do not exist.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicBool;

use super::raw::{Forged, Forger};
use super::{House, UNPROVEN, take_in};
use crate::daemon::Daemon;
use crate::net::{HOME, Over, SERVERS, ip};

/// Packets of a flood, and how many a second.
const PACKETS: u32 = 17_000;
const RATE: u32 = 4_000;

/// The number of flows that the daemon knows.
fn flows(daemon: &Daemon) -> u32 {
    let status = daemon.status();
    let number = status.split("\"flows\":{\"used\":").nth(1).and_then(|rest| rest.split(',').next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

/// An address of the internet, another one for each number.
fn outside(server: &str, number: u32) -> SocketAddr {
    let port = 1_024 + (number % 60_000) as u16;
    match ip(server) {
        std::net::IpAddr::V4(_) => {
            SocketAddr::new(std::net::Ipv4Addr::from(0x2d00_0000 + number).into(), port)
        }
        std::net::IpAddr::V6(_) => {
            let base = u128::from(std::net::Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 0));
            SocketAddr::new(std::net::Ipv6Addr::from(base + u128::from(number)).into(), port)
        }
    }
}

/// Attack a: unsolicited packets with strong evidence, which the firewall drops, open no flow.
#[test]
fn packets_that_the_firewall_drops_hide_no_miner() {
    let Some(house) = House::new() else { return };
    house.close();
    let daemon = Daemon::start(&house.net, "");
    let forger = Forger::new(&house.net.internet);
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        forger.flood(PACKETS, RATE, |number| Forged {
            from: outside(server, number),
            to: SocketAddr::new(ip(home), 8_080),
            seq: number,
            ack: Some(1),
            payload: UNPROVEN,
        });
        assert!(flows(&daemon) < 10, "{server}: {}", daemon.status());
        house.catches_miners(6, "after the flood");
    }
}

/// Attack b: the same through a forwarded port, from sources that never hear an answer.
#[test]
fn packets_through_a_forwarded_port_hide_no_miner() {
    let Some(house) = House::new() else { return };
    house.forward(8_333);
    let daemon = Daemon::start(&house.net, "");
    let listeners =
        HOME.map(|home| house.net.home.inside(|| TcpListener::bind((ip(home), 8_333))).expect("a free port"));
    let forger = Forger::new(&house.net.internet);
    for (server, router) in SERVERS.into_iter().zip(["10.7.2.1", "fd07:2::1"]) {
        forger.flood(PACKETS, RATE, |number| Forged {
            from: outside(server, number),
            to: SocketAddr::new(ip(router), 8_333),
            seq: number,
            // Half of them as if the handshake were over, half as data in a SYN.
            ack: number.is_multiple_of(2).then_some(1),
            payload: UNPROVEN,
        });
        assert!(flows(&daemon) < 10, "{server}: {}", daemon.status());
        house.catches_miners(6, "after the flood");
    }
    drop(listeners);
}

/// Attack g: floods of SYNs, from outside through a forwarded port and from a host of the house, to open ports and to
/// closed ones. Every login is cut before the pool hears it, while they last.
#[test]
fn a_flood_of_attempts_hides_no_miner() {
    let Some(house) = House::new() else { return };
    house.forward(8_333);
    let daemon = Daemon::start(&house.net, "");
    let open = SERVERS.map(|server| SocketAddr::new(ip(server), 8_080));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for at in open {
            let listener = house.net.internet.inside(|| TcpListener::bind(at)).expect("a free port");
            let is_over = &is_over;
            scope.spawn(move || take_in(&listener, is_over));
        }
        let listeners = HOME
            .map(|home| house.net.home.inside(|| TcpListener::bind((ip(home), 8_333))).expect("a free port"));
        let floods = [
            scope.spawn(|| {
                let forger = Forger::new(&house.net.internet);
                forger.flood(10_000, 1_500, |number| {
                    let family = (number % 2) as usize;
                    let to = SocketAddr::new(ip(["10.7.2.1", "fd07:2::1"][family]), 8_333);
                    Forged {
                        from: outside(SERVERS[family], number),
                        to,
                        seq: number,
                        ack: None,
                        payload: b"",
                    }
                });
            }),
            scope.spawn(|| {
                let forger = Forger::new(&house.net.home);
                forger.flood(40_000, 10_000, |number| {
                    let family = (number % 2) as usize;
                    let from = SocketAddr::new(ip(HOME[family]), 1_024 + (number % 60_000) as u16);
                    let to =
                        if number % 4 < 2 { open[family] } else { SocketAddr::new(open[family].ip(), 9) };
                    Forged { from, to, seq: number, ack: None, payload: b"" }
                });
            }),
        ];
        let mut miners = 0;
        while !floods.iter().all(|flood| flood.is_finished()) || miners < 6 {
            house.catches_miners(2, "during the flood");
            miners += 2;
        }
        println!("{miners} miners were cut during the floods");
        // Those of the miners, at most.
        assert!(flows(&daemon) < miners as u32 + 200, "{}", daemon.status());
        drop((listeners, over));
    });
}
