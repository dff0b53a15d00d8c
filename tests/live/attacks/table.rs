//! More connections than the flow table holds.

use std::net::SocketAddr;
use std::time::Instant;

use super::raw::{FORGED_PORT, ForgedConnection, ForgedEnds};
use super::{Crowd, House, UNPROVEN};
use crate::daemon::Daemon;
use crate::net::{HOME, Net, SERVERS, ip, wait_for};
use crate::session::Session;

/// A table that a test can fill.
const SMALL_TABLE: &str = "option max_flows 1024\n";

/// Attack c: one host of the house opens twice as many connections as the table holds, with strong evidence in each,
/// over both families.
#[test]
fn one_host_s_connections_hide_no_other_s_miner() {
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, SMALL_TABLE);
    let crowds = SERVERS.map(|server| {
        let at = SocketAddr::new(ip(server), 8_080);
        Crowd::open(&house.net.home, &house.net.internet, at, 1_000, |_| UNPROVEN.to_vec())
    });
    house.catches_miners(6, "beside the crowd");
    drop(crowds);
}

/// Attack n: two hundred thousand connections of one payload each, for a table of a thousand; miners are caught between
/// them, and the table is as good as new.
#[test]
fn connections_of_one_payload_hide_no_miner() {
    const CONNECTIONS: u32 = 200_000;
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, SMALL_TABLE);
    // The kernel has a place for each of them only while it lasts.
    house.net.router.run(&["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_established=20"]);
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    let (start, before) = (Instant::now(), house.net.queued());
    for number in 0..CONNECTIONS {
        let (family, port) = ((number % 2) as usize, FORGED_PORT + (number / 100_000) as u16);
        let server = SocketAddr::new(ip(SERVERS[family]), port);
        let it = ForgedConnection::new(HOME[family], 2_000 + (number / 2 % 50_000) as u16, server);
        ends.open(it);
        ends.say(it, 0, if number % 4 < 2 { b"message\n" } else { UNPROVEN }, |_| {});
        if number % 128 == 0 {
            // A full queue lets packets pass, and nothing is tried by that.
            wait_for("the daemon keeps up", || waiting(&house.net) < 256);
        }
        if number % 50_000 == 49_999 {
            house.catches_miners(2, "between the connections");
        }
    }
    let queued = house.net.queued() - before;
    println!("{queued} packets of {CONNECTIONS} connections were queued in {:?}", start.elapsed());
    assert!(queued >= u64::from(CONNECTIONS), "{queued}");
    let opened = super::number(&daemon.status(), "opened");
    assert!(opened >= CONNECTIONS, "{opened}");
    house.catches_miners(2, "behind the connections");
}

/// Packets that wait in the router's queue.
fn waiting(net: &Net) -> u32 {
    let queues =
        net.router.inside(|| std::fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_queue"));
    let queues = queues.expect("the kernel's list of queues");
    queues.split_whitespace().nth(2).and_then(|number| number.parse().ok()).expect("a number")
}

/// Beside a crowd of connections with evidence, four times as many as the table holds, bulk leaves the queue as soon as
/// in an empty one: of its packets hardly more than the budget of an undecided connection are queued.
#[test]
fn bulk_beside_a_crowd_leaves_the_queue() {
    const ROUNDS: u64 = 400;
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, "option max_flows 256\n");
    let crowds = SERVERS.map(|server| {
        let at = SocketAddr::new(ip(server), 8_080);
        Crowd::open(&house.net.home, &house.net.internet, at, 500, |_| UNPROVEN.to_vec())
    });
    let start = Instant::now();
    let before = house.net.queued();
    for server in SERVERS {
        let mut session = Session::open(&house.net.home, &house.net.internet, ip(server));
        (0..ROUNDS).for_each(|_| session.exchange(&[0x9e; 1_200]));
    }
    let queued = house.net.queued() - before;
    println!("{queued} of {} packets were queued in {:?}", 4 * ROUNDS, start.elapsed());
    assert!(queued < ROUNDS, "{queued} of {} packets were queued", 4 * ROUNDS);
    drop(crowds);
}
