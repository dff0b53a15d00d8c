//! Transparent proxies on the router, which take connections of the house over.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, Net, PATIENCE, SERVERS, ip, wait_for};
use crate::session::is_reset;

/// Port of the proxy, and of the pool that its clients mean.
const PROXY: u16 = 12_345;
const POOL: u16 = 3_333;

/// By REDIRECT: the connection's destination becomes the router itself.
const REDIRECT: &str = "table inet proxy {
    chain in { type nat hook prerouting priority dstnat; iifname lan0 tcp dport 3333 redirect to :12345; }
}";

/// By TPROXY: the destination stays, and the packets are delivered to the proxy's socket.
const TPROXY: &str = "table inet proxy {
    chain in {
        type filter hook prerouting priority mangle;
        iifname lan0 meta nfproto ipv4 tcp dport 3333 tproxy ip to 127.0.0.1:12345 meta mark set 9 accept
        iifname lan0 meta nfproto ipv6 tcp dport 3333 tproxy ip6 to [::1]:12345 meta mark set 9 accept
    }
}";

/// Ways to the proxy for what TPROXY has marked.
const DELIVERY: &str = "for v in -4 -6; do
ip $v rule add fwmark 9 lookup 99
ip $v route add local default dev lo table 99
done";

#[test]
fn a_miner_behind_a_redirect_is_cut_and_named() {
    let Some(net) = Net::new() else { return };
    assert!(net.router.try_nft(REDIRECT));
    is_cut_before_the_proxy_hears_it(&net);
}

#[test]
fn a_miner_behind_tproxy_is_cut_and_named() {
    let Some(net) = Net::new() else { return };
    if !net.router.try_nft(TPROXY) {
        println!("the kernel has no TPROXY");
        return;
    }
    net.router.script(DELIVERY);
    is_cut_before_the_proxy_hears_it(&net);
}

/// The connection from the house to the proxy is watched: the event names the host of the house, and the proxy, which
/// would say it to the pool in its own name, never hears the login. What is harmless passes; the router's own services
/// are not watched.
fn is_cut_before_the_proxy_hears_it(net: &Net) {
    let daemon = Daemon::start(net, "");
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        let listener = net.router.inside(|| proxy(server));
        let pool = SocketAddr::new(ip(server), POOL);
        let connect = || {
            let client =
                net.home.inside(|| TcpStream::connect_timeout(&pool, PATIENCE)).expect("a way there");
            let (taken, _) = listener.accept().expect("the proxy takes it over");
            for end in [&client, &taken] {
                end.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            }
            (client, taken)
        };
        let (mut client, mut taken) = connect();
        client.write_all(b"hello").expect("it leaves the client");
        taken.read_exact(&mut [0; 5]).expect("the proxy hears");
        taken.write_all(b"hello").expect("it leaves the proxy");
        client.read_exact(&mut [0; 5]).expect("the client hears");
        let (miner, taken) = connect();
        (&miner).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
        assert!(is_reset(&miner), "{server}: the miner");
        assert!(is_reset(&taken), "{server}: the proxy, which has heard nothing");
        wait_for("the event", || daemon.events().contains(&format!("\"client\":\"{home}\"")));
    }
}

/// A socket that takes over connections to any address (`IP_TRANSPARENT`).
fn proxy(server: &str) -> TcpListener {
    let (domain, any) = if ip(server).is_ipv4() { (Domain::IPV4, "0.0.0.0") } else { (Domain::IPV6, "::") };
    let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    if domain == Domain::IPV6 {
        socket.set_only_v6(true).expect("IPV6_V6ONLY");
    }
    // Of either family, in spite of its name.
    socket.set_ip_transparent_v4(true).expect("IP_TRANSPARENT");
    socket.bind(&SocketAddr::new(ip(any), PROXY).into()).expect("a free port");
    socket.listen(16).expect("it listens");
    socket.into()
}
