//! Only chosen networks are watched.

use std::io::Write;

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{Net, SERVERS, ip, wait_for};
use crate::run::WEB;
use crate::session::{Session, is_reset};

#[test]
fn hosts_of_other_networks_are_not_watched() {
    let Some(net) = Net::new() else { return };
    let guest_addresses = ["10.7.3.2", "fd07:3::2"];
    let guest = net.add_host(guest_addresses);
    let daemon = Daemon::start(&net, "option mode block\nlist watch_interfaces 'lan1'\n");
    for (server, address) in SERVERS.into_iter().zip(guest_addresses) {
        let before = net.queued();
        let mut miner = Session::open(&net.home, &net.internet, ip(server));
        miner.exchange(LOGIN.as_bytes());
        miner.exchange(WEB);
        assert_eq!(net.queued(), before, "{server}: nothing of another network is queued");
        let miner = Session::open(&guest, &net.internet, ip(server));
        (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
        assert!(is_reset(&miner.client), "{server}: the miner among the guests");
        wait_for("the event", || daemon.events().contains(address));
    }
    let status = daemon.status();
    assert!(status.contains("\"detections\":2") && status.contains("\"watched\":[\"lan1\"]"), "{status}");
    // Without a choice the same host is watched again.
    daemon.configure("option mode block\n");
    daemon.load_rules(&net);
    let miner = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    assert!(is_reset(&miner.client));
}
