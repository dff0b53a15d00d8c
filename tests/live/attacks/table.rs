//! More connections than the flow table holds.

use std::net::SocketAddr;
use std::time::Instant;

use super::{Crowd, House, UNPROVEN};
use crate::daemon::Daemon;
use crate::net::{SERVERS, ip};
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

/// Attack n: connections of one payload each, many more than the table holds; miners are caught between them, and the
/// table is as good as new.
#[test]
fn connections_of_one_payload_hide_no_miner() {
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, SMALL_TABLE);
    for round in 0..4 {
        for server in SERVERS {
            let at = SocketAddr::new(ip(server), 8_080 + round);
            Crowd::open(&house.net.home, &house.net.internet, at, 1_000, |number| {
                format!("message {number}\n").into_bytes()
            });
        }
        house.catches_miners(2, "between the connections");
    }
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
