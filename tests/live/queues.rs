//! Several queues, each with a packet loop of its own.

use std::fs;

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::mining::is_cut_from;
use crate::net::{Net, SERVERS};

/// Servers of each family: a pair of hosts is in one of two queues, so that all pairs in the same would be one case in 32,768.
const PAIRS: u8 = 16;
const QUEUES: u64 = 2;

/// Packets that the kernel has led to each queue, by the order of their numbers (the column `id_sequence`).
fn packets(net: &Net, first: u16) -> Vec<u64> {
    let table = "/proc/thread-self/net/netfilter/nfnetlink_queue";
    let table = net.router.inside(|| fs::read_to_string(table)).expect("the kernel's list of queues");
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = lines.filter(|line| line[0].parse().is_ok_and(|number: u16| number >= first));
    own.map(|line| line[7].parse().expect("a number")).collect()
}

/// Miners at many servers meet either loop, and are cut off by both; status and log are of all.
#[test]
fn miners_are_cut_off_on_every_queue() {
    let Some(net) = Net::new() else { return };
    for (network, via) in [("45.0.0.0/24", SERVERS[0]), ("2001:db8:9::/64", SERVERS[1])] {
        net.internet.run(&["ip", "route", "add", "local", network, "dev", "lo"]);
        net.router.run(&["ip", "route", "add", network, "via", via]);
    }
    let switch = "/proc/sys/net/ipv6/ip_nonlocal_bind";
    net.internet.inside(|| fs::write(switch, "1")).expect("a switch of every kernel");
    let mut daemon = Daemon::start(&net, &format!("option queues {QUEUES}\n"));
    let servers: Vec<String> = (1..=PAIRS)
        .flat_map(|number| [format!("45.0.0.{number}"), format!("2001:db8:9::{number:x}")])
        .collect();
    for server in &servers {
        assert!(is_cut_from(&net.home, &net.internet, server), "a miner at {server} mines");
    }
    let by_queue = packets(&net, daemon.config().queue);
    assert_eq!(by_queue.len() as u64, QUEUES, "{by_queue:?}");
    let all: u64 = by_queue.iter().sum();
    assert!(by_queue.iter().all(|&packets| packets >= all / 10), "each has its part: {by_queue:?}");
    let status = daemon.status();
    for counted in [
        format!("\"packets\":{all},"),
        format!("\"detections\":{},", servers.len()),
        format!("\"queues\":{QUEUES},"),
    ] {
        assert!(status.contains(&counted), "{counted} {status}");
    }
    assert!(daemon.command(&["status"], "").output.contains("queues 1330-1331"), "{status}");
    let tested = daemon.command(&["selftest", "--daemon"], "").output;
    assert!(tested.contains("queues 1330 1331\n"), "{tested}");
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success(), "{}", daemon.log());
    assert!(packets(&net, 1330).is_empty(), "both are given up");
}

/// A number that another program has is told, whichever of them it is.
#[test]
fn every_number_must_be_free() {
    let Some(net) = Net::new() else { return };
    let _other = Daemon::start(&net, "option queue 1331\noption queues 1\n");
    let mut daemon = Daemon::spawn(&net, "option queues 2\n");
    assert!(!daemon.wait().success());
    assert!(daemon.log().contains("queue 1331 is taken by another program"), "{}", daemon.log());
}
