//! Bridged traffic that the kernel shows to the forward hook (`bridge-nf-call-iptables`).

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::namespace::Namespace;
use crate::net::{Net, PATIENCE, ip, or_skip, wait_for};
use crate::session::is_reset;

/// Addresses of the bridge, of the host at one of its ports and of the server at the other.
const BRIDGE: [&str; 2] = ["10.9.0.1/24", "fd09::1/64"];
const HOST: [&str; 2] = ["10.9.0.2/24", "fd09::2/64"];
const SERVER: [&str; 2] = ["10.9.0.3/24", "fd09::3/64"];

/// Two hosts at two ports of one bridge on the router: a miner at one is cut before the pool at the other hears it.
#[test]
fn bridged_miners_are_cut_where_the_kernel_shows_them() {
    let Some(net) = Net::new() else { return };
    if bridge(&net).is_none() {
        return;
    }
    add(&net.router, "br0", BRIDGE);
    add(&net.home, "port", HOST);
    add(&net.internet, "port", SERVER);
    let daemon = Daemon::start(&net, "");
    for (host, server) in HOST.into_iter().zip(SERVER) {
        is_cut(&net, &daemon, host, server);
    }
}

/// Lays a bridge between home and internet, of which the kernel shows IP packets to the router's rules. `None` where it
/// can't.
fn bridge(net: &Net) -> Option<()> {
    for switch in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
        let switch = format!("/proc/sys/net/bridge/{switch}");
        let shown = net.router.inside(|| std::fs::write(&switch, "1"));
        or_skip(shown.map_err(|error| format!("{switch}: {error}")))?;
    }
    // The bridge has an address, as a router's has: resets come from it.
    net.router.run(&["ip", "link", "add", "br0", "type", "bridge"]);
    net.router.run(&["ip", "link", "set", "br0", "up"]);
    let router = net.router.name();
    for (host, port) in [(&net.home, "br-home"), (&net.internet, "br-pool")] {
        let peer = ["type", "veth", "peer", "name", port, "netns", router];
        host.run(&[&["ip", "link", "add", "port"][..], &peer[..]].concat());
        host.run(&["ip", "link", "set", "port", "up"]);
        net.router.run(&["ip", "link", "set", port, "master", "br0", "up"]);
    }
    Some(())
}

/// Gives `device` these addresses, and switches it on.
fn add(namespace: &Namespace, device: &str, addresses: [&str; 2]) {
    for address in addresses {
        namespace.add_address(device, address);
    }
    namespace.run(&["ip", "link", "set", device, "up"]);
}

/// Panics unless a miner at `host` is cut before the pool at `server` hears it, and told.
fn is_cut(net: &Net, daemon: &Daemon, host: &str, server: &str) {
    let [host, server] = [host, server].map(|address| address.split('/').next().expect("an address"));
    let pool = SocketAddr::new(ip(server), 3_333);
    let mut listener = None;
    // An address of IPv6 takes a while to be one.
    wait_for("the address", || {
        listener = net.internet.inside(|| TcpListener::bind(pool)).ok();
        listener.is_some()
    });
    let listener = listener.expect("it is bound");
    let miner = net.home.inside(|| TcpStream::connect_timeout(&pool, PATIENCE)).expect("a way there");
    let (server, _) = listener.accept().expect("it connected");
    for end in [&miner, &server] {
        end.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    }
    (&miner).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    assert!(is_reset(&miner), "{host}: the miner");
    assert!(is_reset(&server), "{host}: the pool, which has heard nothing");
    wait_for("the event", || daemon.events().contains(&format!("\"client\":\"{host}\"")));
}
