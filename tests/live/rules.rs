//! The rules, with a stand-in at the queue or none.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use minewall::config::{self, Config};
use minewall::limits;
use minewall::rules::{self, Kernel, Memory, Variant};
use minewall::verdict::FlowMark;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use crate::namespace::Namespace;
use crate::net::{Net, ROUTER, SERVERS, ip, or_skip, wait_for};
use crate::session::{Session, is_reset};
use crate::stand_in::StandIn;

pub fn configured(options: &str) -> Config {
    config::parse(Path::new("test"), format!("config minewall\noption queues 1\n{options}").as_bytes())
        .expect("good options")
        .config
}

pub const MEMORIES: [Memory; 2] = [Memory::Labels, Memory::Mark];

/// Marks of other programs, and a counter for packets that leave without theirs.
pub const OTHERS: &str = "table inet others {
    chain before { type filter hook prerouting priority -180; meta mark set 0x4002; ct state new ct mark set 0x8001; }
    chain after { type filter hook postrouting priority 0; meta l4proto tcp meta mark != 0x4002 counter; }
}";

/// Whether every packet has left with the mark of [`OTHERS`].
pub fn leaves_marks_alone(net: &Net) -> bool {
    net.router.counted(&["chain", "inet", "others", "after"]) == 0
}

/// Rules without a sign of life: everything flows, nothing is queued, no mark changes.
#[test]
fn without_a_sign_of_life_everything_flows_unseen() {
    for memory in MEMORIES {
        let Some(net) = Net::new() else { return };
        net.load_rules_with(&configured(""), memory);
        assert!(net.router.try_nft(OTHERS) && net.router.try_nft("flush set inet minewall alive"));
        for server in SERVERS {
            let before = net.queued();
            let mut session = Session::open(&net.home, &net.internet, ip(server));
            (0..20).for_each(|_| session.exchange(b"message"));
            assert_eq!(net.queued(), before, "{memory:?} {server}");
            let connection = net.connection(session.ports).expect("it is tracked");
            assert_eq!(connection.mark, 0x8001, "{memory:?} {server}");
        }
        assert!(leaves_marks_alone(&net), "{memory:?}");
    }
}

/// A daemon that has just died: the queue is bypassed, and nothing but payload and a server's acknowledgements is offered,
/// after the first packet behind the handshake.
#[test]
fn without_a_daemon_everything_flows_undecided() {
    for memory in MEMORIES {
        let Some(net) = Net::new() else { return };
        net.load_rules_with(&configured(""), memory);
        net.keep_alive();
        assert!(net.router.try_nft(OTHERS));
        for server in SERVERS {
            let before = net.queued();
            let mut session = Session::open(&net.home, &net.internet, ip(server));
            (0..20).for_each(|_| session.exchange(b"message"));
            // A server that takes its time acknowledges by itself, and a busy machine sends a few twice. The client
            // acknowledges about as often: those would show.
            let queued = net.queued() - before;
            assert!((1 + 20 * 2..=1 + 20 * 3 + 8).contains(&queued), "{memory:?} {server}: {queued}");
            let connection = net.connection(session.ports).expect("it is tracked");
            assert!(connection.packets > 1 + 20 * 2, "no packet without payload, no test: {connection:?}");
            assert!(memory == Memory::Mark || connection.mark == 0x8001, "{server}: {connection:?}");
        }
        assert!(leaves_marks_alone(&net), "{memory:?}");
    }
}

/// What the firewall drops is never seen.
#[test]
fn the_firewall_comes_first() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let queue = StandIn::start(&net, &config, 1, |_| FlowMark::Undecided);
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        session.exchange(b"hello");
        let port = session.ports[1];
        let drop = format!(
            "table inet firewall {{ chain forward {{ type filter hook forward priority filter; tcp dport {port} counter drop; }}; }}"
        );
        assert!(net.router.try_nft(&drop));
        let before = queue.seen();
        session.client.write_all(b"dropped").expect("it leaves the client");
        wait_for("it is dropped twice", || net.router.counted(&["table", "inet", "firewall"]) >= 2);
        assert_eq!(queue.seen(), before, "{server}");
        assert!(net.router.try_nft("delete table inet firewall"));
    }
}

/// Each verdict arrives in the connection's mark, next to the marks of others, and stays out of the packet's.
#[test]
fn a_verdict_becomes_the_connection_s_mark() {
    let Some(net) = Net::new() else { return };
    let config = configured("option mark_bit 4\noption queue 7\n");
    net.load_rules_with(&config, Memory::Mark);
    assert!(net.router.try_nft(OTHERS));
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"web" => FlowMark::Benign,
        _ => FlowMark::Undecided,
    });
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        let before = queue.seen();
        session.exchange(b"hello");
        session.exchange(b"again");
        assert_eq!(queue.seen() - before, 4);
        assert_eq!(net.connection(session.ports).map(|c| c.mark), Some(0x8001 | 1 << 4));
        session.exchange(b"web");
        assert_eq!(net.connection(session.ports).map(|c| c.mark), Some(0x8001 | 2 << 4));
        let before = queue.seen();
        session.exchange(&[b'x'; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize]);
        assert_eq!(queue.seen(), before, "a large packet of a benign flow");
    }
    assert!(leaves_marks_alone(&net));
}

/// The packet that is proof never arrives, both ends are reset, and the kernel does that alone.
#[test]
fn a_blocked_connection_is_reset_by_the_kernel() {
    MEMORIES.into_iter().for_each(blocked_connections_are_reset);
}

fn blocked_connections_are_reset(memory: Memory) {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules_with(&config, memory);
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Undecided,
    });
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        session.exchange(b"hello");
        session.client.write_all(b"mine").expect("it leaves the client");
        assert!(is_reset(&session.client), "{server}: the sender of the proof");
        let before = queue.seen();
        session.server.write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&session.server), "{server}: the other end, which never heard of it");
        assert_eq!(queue.seen(), before, "{server}: blocked is blocked without us");
    }
}

/// What was decided outlives the rules: with them replaced, and with them gone and back.
#[test]
fn loading_the_rules_again_keeps_what_was_decided() {
    MEMORIES.into_iter().for_each(decisions_outlive_rules);
}

fn decisions_outlive_rules(memory: Memory) {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules_with(&config, memory);
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Benign,
    });
    for server in SERVERS {
        let mut web = Session::open(&net.home, &net.internet, ip(server));
        web.exchange(b"web");
        let miner = Session::open(&net.home, &net.internet, ip(server));
        (&miner.client).write_all(b"mine").expect("it leaves the client");
        assert!(is_reset(&miner.client), "{server}");
        net.load_rules_with(&config, memory);
        net.router.script(&rules::remove(Variant::Iptables));
        net.load_rules_with(&config, memory);
        net.keep_alive();
        let seen = queue.seen();
        web.exchange(&[b'x'; limits::SECOND_LOOK_MAX_PACKET_BYTES as usize]);
        (&miner.server).write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&miner.server), "{server}");
        assert_eq!(queue.seen(), seen, "{server}");
    }
}

/// A packet that was in the queue together with the proof can't talk the kernel out of it.
#[test]
fn a_later_verdict_doesn_t_free_a_blocked_connection() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules_with(&config, Memory::Mark);
    let _queue = StandIn::start(&net, &config, 2, |payload| match payload {
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
        wait_for("both verdicts", || net.connection(session.ports).is_some_and(|c| c.mark == mark));
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
    let queue = StandIn::start(&net, &config, 1, |_| FlowMark::Blocked);
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        session.exchange(b"mine");
        assert_eq!(net.connection(session.ports).map(|c| c.mark), Some(0));
    }
    assert_eq!(queue.seen(), 2 * 2);
}

/// A benign flow is looked at again now and then, not always.
#[test]
fn what_was_let_go_is_looked_at_again_at_a_bounded_cost() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let queue = StandIn::start(&net, &config, 1, |_| FlowMark::Benign);
    for server in SERVERS {
        let mut session = Session::open(&net.home, &net.internet, ip(server));
        let (before, start) = (queue.seen(), Instant::now());
        const ROUNDS: usize = 500;
        for _ in 0..ROUNDS {
            session.exchange(b"x");
        }
        let (seen, seconds) = (queue.seen() - before, start.elapsed().as_secs() as usize + 1);
        // A quarter by the count, the client's bucket each way with what drips into it, and one window at the edge.
        let rate = 2 * limits::SECOND_LOOK_OF_CLIENT as usize;
        assert!(seen <= ROUNDS * 2 / 4 + rate * (1 + seconds) + 16, "{server}: {seen} in {seconds} s");
        assert!(seen >= ROUNDS / 4, "{server}: {seen}");
    }
}

/// Less than one packet in 200 of a download, in packets of the size that a wire has.
#[test]
fn a_download_that_was_let_go_is_hardly_looked_at() {
    const BYTES: usize = 16 * 1_024 * 1_024;
    let Some(net) = Net::new() else { return };
    net.send_single_segments();
    let config = configured("");
    net.load_rules(&config);
    let queue = StandIn::start(&net, &config, 1, |_| FlowMark::Benign);
    let session = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| (&session.server).write_all(&vec![7; BYTES]).expect("the server sends"));
        (&session.client).read_exact(&mut vec![0; BYTES]).expect("the client hears");
    });
    let packets = net.connection(session.ports).expect("it is tracked").packets as usize;
    assert!(packets > BYTES / 1_500, "{packets} packets: they were no single segments");
    let bucket = 2 * limits::SECOND_LOOK_OF_CLIENT as usize * (1 + start.elapsed().as_secs() as usize);
    assert!(queue.seen() <= packets / 200 + bucket, "{} of {packets}", queue.seen());
}

/// Connection attempts never get to the queue; what is said later does.
#[test]
fn a_flood_of_attempts_is_not_looked_at_and_what_comes_of_it_is() {
    const IN_VAIN: u64 = 4_000;
    const CONNECTIONS: u64 = 400;
    let Some(net) = Net::new() else { return };
    net.load_rules(&configured(""));
    net.keep_alive();
    for server in SERVERS {
        let [closed, open] = [9, 3_333].map(|port| SocketAddr::new(ip(server), port));
        let listener = net.internet.inside(|| listen(open, CONNECTIONS));
        let before = net.queued();
        net.home.inside(|| (0..IN_VAIN).for_each(|_| drop(attempt(closed))));
        assert_eq!(net.queued(), before, "{server}");
        let clients: Vec<TcpStream> =
            net.home.inside(|| (0..CONNECTIONS).map(|_| attempt(open).into()).collect());
        for client in &clients {
            wait_for("a way there", || client.peer_addr().is_ok());
        }
        for mut client in &clients {
            client.write_all(b"hello").expect("the client sends");
        }
        for _ in &clients {
            let (mut heard, _) = listener.accept().expect("it has connected");
            heard.read_exact(&mut [0; 5]).expect("the server hears");
        }
        // Of each the first packet behind the handshake, what it says, and that it was heard; a busy machine sends a few
        // twice.
        let queued = net.queued() - before;
        assert!((2 * CONNECTIONS..4 * CONNECTIONS).contains(&queued), "{server}: {queued}");
    }
}

/// Begins to connect to `to`, and doesn't wait.
fn attempt(to: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("O_NONBLOCK");
    let begun = socket.connect(&to.into()).expect_err("no connection is that fast");
    assert_eq!(begun.raw_os_error(), Some(Errno::INPROGRESS.raw_os_error()), "{begun}");
    socket
}

/// A server that lets so many connections wait to be taken in.
fn listen(at: SocketAddr, waiting: u64) -> TcpListener {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None).expect("a socket");
    socket.bind(&at.into()).expect("the port is free");
    socket.listen(waiting as i32).expect("it listens");
    socket.into()
}

/// The router's own connections are watched both ways; those to the router (its web interface) never.
#[test]
fn the_router_s_own_connections_are_seen_and_its_services_are_not() {
    let Some(net) = Net::new() else { return };
    let config = configured("");
    net.load_rules(&config);
    let queue = StandIn::start(&net, &config, 1, |payload| match payload {
        b"mine" => FlowMark::Blocked,
        _ => FlowMark::Undecided,
    });
    for (server, router) in SERVERS.into_iter().zip(ROUTER) {
        let before = queue.seen();
        let mut web_interface = Session::open(&net.home, &net.router, ip(router));
        web_interface.exchange(b"mine");
        assert_eq!(queue.seen(), before, "{router}");

        let mut own = Session::open(&net.router, &net.internet, ip(server));
        own.exchange(b"hello");
        assert_eq!(queue.seen() - before, 2, "{server}: the question, the answer");
        own.client.write_all(b"mine").expect("it leaves the socket");
        assert!(is_reset(&own.client), "{server}: the router's own end");
        own.server.write_all(b"job").expect("it leaves the server");
        assert!(is_reset(&own.server), "{server}: the other end");
    }
}

#[test]
fn the_kernel_takes_them_twice_and_gives_them_back() {
    let Some(router) = or_skip(Namespace::new("rules")) else { return };
    // Without elements that have an end.
    let list = || router.run(&["nft", "-s", "-t", "list", "ruleset"]);
    router.run(&["nft", "add table inet other"]);
    let before = list();
    for options in
        ["", "option mark_bit 0\n", "option mark_bit 28\noption queue 65535\n", "option mode monitor\n"]
    {
        for memory in MEMORIES {
            let kernel = Kernel { variant: Variant::Iptables, memory };
            let install = rules::install(&configured(options), kernel, "");
            router.script(&install);
            let once = list();
            assert!(once.contains("chain decide_forward") && once.contains("table inet other"), "{once}");
            assert_eq!(once.matches("jump minewall").count(), 6, "{once}");
            router.script(&install);
            assert_eq!(list(), once);
        }
    }
    router.script(&rules::remove(Variant::Iptables));
    let after = list();
    assert!(!after.contains("minewall"), "{after}");
    assert!(after.contains(before.trim_end()), "{after}");
    router.script(&rules::remove(Variant::Iptables));
    assert_eq!(list(), after);
}

/// What this kernel lacks is the `queue` statement alone: with it taken out, the nft variant loads too.
#[test]
fn the_kernel_takes_the_nft_variant() {
    let Some(router) = or_skip(Namespace::new("nft")) else { return };
    let has_queue = router.try_nft("table inet t { chain c { queue num 1 bypass; }; }");
    println!("nft queue statement here: {has_queue}");
    for options in ["", "option mode monitor\n"] {
        let kernel = Kernel { variant: Variant::Nft, memory: Memory::Labels };
        let text = rules::install(&configured(options), kernel, "");
        let loadable = if has_queue { text.clone() } else { text.replace("queue num 1330 bypass", "accept") };
        assert!(has_queue || loadable != text);
        assert!(router.try_nft(&loadable), "{loadable}");
        assert!(router.run(&["nft", "list ruleset"]).contains("priority security - 10"));
        assert!(router.try_nft(&rules::remove(Variant::Nft)));
        assert!(router.try_nft(&rules::remove(Variant::Nft)), "removing what is not there");
        assert!(!router.run(&["nft", "list ruleset"]).contains("watch"));
    }
}
