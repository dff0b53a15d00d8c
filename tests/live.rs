//! Live tests: real packets through a real kernel, in namespaces made for the purpose.
//!
//! They take root, network namespaces, nft, iptables-nft and NFQUEUE. Where something is missing
//! they print `skipped: why`; with `MINEWALL_LIVE=1` that is a failure.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use minewall::config::{self, Config};
use minewall::limits;
use minewall::verdict::FlowMark;

#[path = "live/judge.rs"]
mod judge;
#[path = "live/namespace.rs"]
mod namespace;
#[path = "live/net.rs"]
mod net;

use judge::Judge;
use namespace::Namespace;
use net::{Net, PATIENCE, ROUTER, SERVERS, ip, wait_for};

fn configured(options: &str) -> Config {
    config::parse(Path::new("test"), format!("config minewall\n{options}").as_bytes())
        .expect("good options")
        .config
}

/// A connection through the network, and both ends of it.
struct Session {
    client: TcpStream,
    server: TcpStream,
    port: u16,
}

impl Session {
    fn open(from: &Namespace, to: &Namespace, at: IpAddr) -> Self {
        let listener = to.inside(|| TcpListener::bind(SocketAddr::new(at, 0))).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let client = from.inside(|| TcpStream::connect_timeout(&address, PATIENCE)).expect("a way there");
        let (server, _) = listener.accept().expect("it connected");
        for end in [&client, &server] {
            end.set_nodelay(true).expect("TCP_NODELAY");
            end.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            end.set_write_timeout(Some(PATIENCE)).expect("SO_SNDTIMEO");
        }
        Session { client, server, port: address.port() }
    }

    /// The client says something, the server the same: two packets with payload.
    fn exchange(&mut self, text: &[u8]) {
        let mut heard = vec![0; text.len()];
        self.client.write_all(text).expect("the client sends");
        self.server.read_exact(&mut heard).expect("the server hears");
        assert_eq!(heard, text);
        self.server.write_all(text).expect("the server sends");
        self.client.read_exact(&mut heard).expect("the client hears");
        assert_eq!(heard, text);
    }
}

fn is_reset(mut end: &TcpStream) -> bool {
    matches!(end.read(&mut [0; 64]), Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

/// Rules without a daemon: everything flows, what has no payload isn't even offered, nobody's marks change.
#[test]
fn without_a_daemon_everything_flows_unmarked() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    // Somebody else's marks, and a counter for packets that leave without theirs.
    let others = "table inet others {
        chain before { type filter hook prerouting priority -180; meta mark set 0x4002; ct mark set 0x40000010; }
        chain after { type filter hook postrouting priority 0; meta l4proto tcp meta mark != 0x4002 counter; }
    }";
    assert!(net.router.try_nft(others));
    for server in SERVERS {
        let before = net.queued();
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        for round in 0..20 {
            session.exchange(format!("message {round}").as_bytes());
        }
        // The SYN, and a packet each way each time.
        assert_eq!(net.queued() - before, 1 + 20 * 2, "{server}");
        let connection = net.connection(session.port).expect("it is tracked");
        assert_eq!(connection.mark, 0x4000_0010, "{server}");
        assert!(connection.packets > 1 + 20 * 2, "no packet without payload, no test: {connection:?}");
        let counters = net.router.run(&["nft", "list", "chain", "inet", "others", "after"]);
        assert!(counters.contains("packets 0 "), "{server}: {counters}");
    }
}

/// Each verdict arrives in the connection's mark, next to the marks of others, and stays out of the packet's.
#[test]
fn a_verdict_becomes_the_connection_s_mark() {
    let Some(net) = Net::new() else { return };
    let config = configured("option mark_bit 4\noption queue 7\n");
    net.load_rules(&config);
    let others = "table inet others {
        chain before { type filter hook prerouting priority -180; meta mark set 0x4002; ct state new ct mark set 0x8001; }
        chain after { type filter hook postrouting priority 0; meta l4proto tcp meta mark != 0x4002 counter; }
    }";
    assert!(net.router.try_nft(others));
    let judge = Judge::start(&net, &config, 1, |payload| match payload {
        b"web" => FlowMark::Benign,
        _ => FlowMark::Undecided,
    });
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        let before = judge.seen();
        session.exchange(b"hello");
        session.exchange(b"again");
        assert_eq!(judge.seen() - before, 4);
        assert_eq!(net.connection(session.port).map(|c| c.mark), Some(0x8001 | 1 << 4));
        session.exchange(b"web");
        assert_eq!(net.connection(session.port).map(|c| c.mark), Some(0x8001 | 2 << 4));
        let before = judge.seen();
        session.exchange(&[b'x'; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize]);
        assert_eq!(judge.seen(), before, "a large packet of a benign flow");
    }
    let counters = net.router.run(&["nft", "list", "chain", "inet", "others", "after"]);
    assert!(counters.contains("packets 0 "), "{counters}");
}

/// The packet that is proof never arrives, both ends are reset, and the kernel needs nobody for that.
#[test]
fn a_blocked_connection_is_reset_by_the_kernel() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let judge = Judge::start(&net, &config, 1, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Undecided,
    });
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        session.exchange(b"hello");
        session.client.write_all(b"mine").expect("it leaves the client");
        assert!(is_reset(&session.client), "{server}: the sender of the proof");
        let before = judge.seen();
        session.server.write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&session.server), "{server}: the other end, and it never heard of it");
        assert_eq!(judge.seen(), before, "{server}: blocked is blocked without us");
    }
}

/// A packet that was in the queue together with the proof can't talk the kernel out of it.
#[test]
fn a_later_verdict_doesn_t_free_a_blocked_connection() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let _judge = Judge::start(&net, &config, 2, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Benign,
    });
    for server in SERVERS {
        let session = Session::open(&net.home, &net.internet, ip(server));
        // Both are on their way before either has its verdict.
        (&session.client).write_all(b"mine").expect("it leaves the client");
        (&session.client).write_all(b"web").expect("it leaves the client");
        assert!(is_reset(&session.client), "{server}");
        let mark = config.mark.value(FlowMark::Blocked);
        wait_for("both verdicts", || net.connection(session.port).is_some_and(|c| c.mark == mark));
        (&session.server).write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&session.server), "{server}");
    }
}

/// The same verdict in monitor mode cuts nothing off.
#[test]
fn monitoring_lets_a_miner_mine() {
    let Some(net) = Net::new() else { return };
    let config = configured("option mode monitor\n");
    net.load_rules(&config);
    let judge = Judge::start(&net, &config, 1, |_| FlowMark::Blocked);
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        session.exchange(b"mine");
        assert_eq!(net.connection(session.port).map(|c| c.mark), Some(0));
    }
    assert_eq!(judge.seen(), 2 * 3);
}

/// A benign flow is looked at again now and then, not always.
#[test]
fn what_was_let_go_is_looked_at_again_at_a_bounded_cost() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let judge = Judge::start(&net, &config, 1, |_| FlowMark::Benign);
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        let (before, start) = (judge.seen(), Instant::now());
        const ROUNDS: usize = 500;
        for _ in 0..ROUNDS {
            session.exchange(b"x");
        }
        let (seen, seconds) = (judge.seen() - before, start.elapsed().as_secs() as usize + 1);
        // A quarter by the count, the bucket with what drips into it, and one window at the edge.
        let rate = limits::SECOND_LOOK_PACKETS_PER_SECOND as usize;
        assert!(seen <= ROUNDS * 2 / 4 + rate * (1 + seconds) + 16, "{server}: {seen} in {seconds} s");
        assert!(seen >= ROUNDS / 4, "{server}: {seen}");
    }
}

/// The router's own connections are watched both ways; those to the router (its web interface) never.
#[test]
fn the_router_s_own_connections_are_seen_and_its_services_are_not() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let judge = Judge::start(&net, &config, 1, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Undecided,
    });
    for (server, router) in SERVERS.into_iter().zip(ROUTER) {
        let before = judge.seen();
        let mut web_interface = Session::open(&net.home, &net.router, ip(router));
        web_interface.exchange(b"mine");
        assert_eq!(judge.seen(), before, "{router}");

        let mut own = Session::open(&net.router, &net.internet, ip(server));
        own.exchange(b"hello");
        assert_eq!(judge.seen() - before, 3, "{server}: the attempt, the question, the answer");
        own.client.write_all(b"mine").expect("it leaves the socket");
        assert!(is_reset(&own.client), "{server}: the router's own end");
        own.server.write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&own.server), "{server}: the other end");
    }
}
