//! More connections than the flow table holds.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::raw::{FORGED_PORT, ForgedConnection, ForgedEnds};
use super::{Crowd, House, UNPROVEN};
use crate::daemon::Daemon;
use crate::mining::NOISE;
use crate::net::{HOME, Net, Over, SERVERS, ip, wait_for};
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

/// One host's benign connections are full of small packets, more than are looked at a second time. What another host's
/// benign connections say meanwhile is looked at, packet by packet, over both families.
#[test]
fn one_host_s_chatter_hides_no_other_s_late_beginning() {
    const PACKETS: u64 = 7;
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "option budget_packets 8\noption low_rate 0\n");
    let [chatter, quiet] = [&house.net.home, &house.other].map(|host| {
        SERVERS.map(|server| {
            let mut session = Session::open(host, &house.net.internet, ip(server));
            wait_for("it is let go", || {
                let before = house.net.queued();
                session.exchange(&NOISE);
                house.net.queued() == before
            });
            session
        })
    });
    // Packets of the other host on their way to the queue.
    let bit = daemon.config().mark.queue_bit();
    let count = format!(
        "table inet counted {{ chain looked {{ type filter hook forward priority security - 5;
            iifname lan1 meta mark & {bit:#010x} != 0 counter; }}; }}"
    );
    assert!(house.net.router.try_nft(&count));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for mut session in chatter {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    session.exchange(b"x");
                }
            });
        }
        let before = house.net.queued();
        wait_for("what is looked at of the first host is used up", || house.net.queued() > before + 100);
        for session in &quiet {
            for _ in 0..PACKETS {
                (&session.client).write_all(b"x").expect("it leaves the client");
                (&session.server).read_exact(&mut [0]).expect("the server hears");
            }
        }
        drop(over);
    });
    let looked_at = house.net.router.counted(&["table", "inet", "counted"]);
    // A busy machine sends a few twice.
    assert!(looked_at >= 2 * PACKETS, "{looked_at}");
}
