//! Bridged traffic that the kernel shows to the forward hook (`bridge-nf-call-iptables`).

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{Net, PATIENCE, ip, or_skip, wait_for};
use crate::session::is_reset;

/// Two hosts at two ports of one bridge on the router: a miner at one is cut before the pool at the other hears it.
#[test]
fn bridged_miners_are_cut_where_the_kernel_shows_them() {
    let Some(net) = Net::new() else { return };
    let switch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    let shown = net.router.inside(|| std::fs::write(switch, "1"));
    if or_skip(shown.map_err(|error| format!("{switch}: {error}"))).is_none() {
        return;
    }
    // The bridge has an address, as a router's has: resets come from it.
    net.router.script(
        "ip link add br0 type bridge
ip link set br0 up
ip address add 10.9.0.1/24 dev br0",
    );
    for (host, port, address) in
        [(&net.home, "br-home", "10.9.0.2/24"), (&net.internet, "br-pool", "10.9.0.3/24")]
    {
        host.run(&[
            "ip",
            "link",
            "add",
            "port",
            "type",
            "veth",
            "peer",
            "name",
            port,
            "netns",
            net.router.name(),
        ]);
        host.run(&["ip", "address", "add", address, "dev", "port"]);
        host.run(&["ip", "link", "set", "port", "up"]);
        net.router.run(&["ip", "link", "set", port, "master", "br0", "up"]);
    }
    let daemon = Daemon::start(&net, "");
    let pool = SocketAddr::new(ip("10.9.0.3"), 3_333);
    let listener = net.internet.inside(|| TcpListener::bind(pool)).expect("the port is free");
    let miner = net.home.inside(|| TcpStream::connect_timeout(&pool, PATIENCE)).expect("a way there");
    let (server, _) = listener.accept().expect("it connected");
    for end in [&miner, &server] {
        end.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    }
    (&miner).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    assert!(is_reset(&miner), "the miner");
    assert!(is_reset(&server), "the pool, which has heard nothing");
    wait_for("the event", || daemon.events().contains("\"client\":\"10.9.0.2\""));
}
