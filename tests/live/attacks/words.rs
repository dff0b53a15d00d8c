//! One host of the house says a miner's words to servers that are no pools.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::raw::{Forged, Forger};
use super::{House, OTHER, number};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::namespace::Namespace;
use crate::net::{HOME, Over, PATIENCE, SERVERS, ip, wait_up_to};
use crate::session::is_reset;
use crate::tls::serve;

/// Addresses that a probe may ask, one of each family.
const PUBLIC: [&str; 2] = ["203.0.113.9", "2001:db8:9::9"];
/// Questions as fast as the guard allows.
const PROBES: &str = "option probes_per_hour 3600\noption probes_per_block 360\n";

type Answer = fn(&[u8]) -> Vec<u8>;

/// A server on the internet that gives `answer` to all that it hears.
fn open(house: &House, at: SocketAddr, answer: Answer) -> SocketAddr {
    let listener = house.net.internet.inside(|| TcpListener::bind(at)).expect("a free port");
    serve(listener, move |mut stream| {
        let mut heard = [0; 512];
        while let Ok(len @ 1..) = stream.read(&mut heard) {
            if stream.write_all(&answer(&heard[..len])).is_err() {
                return;
            }
        }
    });
    at
}

/// Attack h: push service, game, remote desktop, MQTT, XMPP, and a private server.
#[test]
fn a_liar_takes_no_server_from_the_others() {
    let Some(house) = House::new() else { return };
    let kinds: [(u16, Answer); 5] = [
        (5_228, |_| vec![8, 0]),
        (25_565, <[u8]>::to_vec),
        (3_389, |_| b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0".to_vec()),
        (1_883, |_| b"\x20\x02\0\x05".to_vec()),
        (5_223, |_| b"<stream:error><not-well-formed/></stream:error>".to_vec()),
    ];
    let public = PUBLIC.into_iter().flat_map(|server| {
        house.net.publish(ip(server));
        kinds.map(|(port, answer)| open(&house, SocketAddr::new(ip(server), port), answer))
    });
    let mut servers: Vec<SocketAddr> = public.collect();
    servers.extend(SERVERS.map(|server| {
        open(&house, SocketAddr::new(ip(server), 8_123), |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())
    }));
    lie_to(&house, &servers);
}

/// Attack i: eighty servers that repeat what they hear.
#[test]
fn lies_to_eighty_echo_servers_block_none() {
    let Some(house) = House::new() else { return };
    let servers: Vec<SocketAddr> = PUBLIC
        .into_iter()
        .flat_map(|server| {
            house.net.publish(ip(server));
            (20_000..20_040).map(move |port| SocketAddr::new(ip(server), port))
        })
        .map(|at| open(&house, at, <[u8]>::to_vec))
        .collect();
    lie_to(&house, &servers);
}

/// The first host says a login to each server, really and under the other host's address. The other host uses all of
/// them all the while, also while some are asked, and none refuses it for a moment.
fn lie_to(house: &House, servers: &[SocketAddr]) {
    let daemon = Daemon::start(&house.net, PROBES);
    let (is_over, used) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        scope.spawn(|| use_all(&house.other, servers, &is_over, &used));
        let forger = Forger::new(&house.net.home);
        for at in servers {
            let from = SocketAddr::new(ip(OTHER[usize::from(at.is_ipv6())]), 50_000);
            for ack in [None, Some(7)] {
                forger.send(&Forged { from, to: *at, seq: 1, ack, payload: LOGIN.as_bytes() });
            }
            let liar =
                house.net.home.inside(|| TcpStream::connect_timeout(at, PATIENCE)).expect("a way there");
            liar.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            (&liar).write_all(LOGIN.as_bytes()).expect("it leaves the liar");
            assert!(is_reset(&liar), "{at}: the liar is cut off");
        }
        let rounds = used.load(Ordering::Relaxed) + servers.len() as u32;
        wait_up_to(PATIENCE * 2, "answers to probes, and a round of the other host", || {
            let status = daemon.status();
            number(&status, "not_pool") + number(&status, "inconclusive") >= 2
                && used.load(Ordering::Relaxed) >= rounds
        });
        house.catches_miners(2, "beside the liar");
        drop(over);
    });
    let list = daemon.command(&["intel", "list"], "").output;
    assert!(!list.contains("block"), "{list}");
    let events = daemon.events();
    // That it looks like a miner of many short sessions, using them as it does, is a suspicion at most.
    let is_of_other = |line: &&str| {
        line.contains("\"event\":\"detection\"")
            && OTHER.iter().any(|other| line.contains(&format!("\"client\":\"{other}\"")))
    };
    let accused: Vec<&str> = events.lines().filter(is_of_other).collect();
    // For what it mined itself, and nothing that was said under its address.
    assert!(
        accused.iter().all(|line| servers.iter().all(|at| !line.contains(&format!("\"{at}\"")))),
        "{accused:?}"
    );
    assert!(events.contains(&format!("\"client\":\"{}\"", HOME[0])), "{events}");
    println!("{} connections of the other host", used.load(Ordering::Relaxed));
}

/// Connects to each server in turn, says something, and hears an answer, until it is over.
fn use_all(from: &Namespace, servers: &[SocketAddr], is_over: &AtomicBool, used: &AtomicU32) {
    from.inside(|| {
        for at in servers.iter().cycle() {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let mut stream = TcpStream::connect_timeout(at, PATIENCE).expect("not refused");
            stream.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            stream.write_all(b"hello\n").expect("not cut off");
            let len = stream.read(&mut [0; 64]).expect("not cut off");
            assert!(len > 0, "{at} has closed");
            used.fetch_add(1, Ordering::Relaxed);
        }
    });
}
