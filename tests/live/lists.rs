//! Lists in force on a real queue, with a real resolver.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::attacks::raw::Forger;
use crate::daemon::Daemon;
use crate::namespace::Namespace;
use crate::net::{HOME, Net, Over, PATIENCE, ROUTER, SERVERS, ip, or_skip, wait_for, wait_up_to};
use crate::session::{Session, is_refused};

/// A directory of lists.
pub struct Lists(PathBuf);

impl Lists {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minewall-live-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a directory of our own");
        Lists(path)
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("a list");
    }

    pub fn options(&self) -> String {
        format!("list intel_lists '{}'\n", self.0.display())
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// dnsmasq, which knows the servers on the internet by several names.
struct Resolver(Child);

impl Resolver {
    fn start(namespace: &Namespace, addresses: [&str; 2]) -> Option<Self> {
        let installed = Command::new("dnsmasq").arg("--version").stdout(Stdio::null()).status();
        or_skip(installed.map(|_| ()).map_err(|_| "no dnsmasq on this machine".to_owned()))?;
        let mut command = namespace.command("dnsmasq");
        command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root"]);
        command.args(["--no-resolv", "--no-hosts", "--bind-interfaces", "--except-interface=lo"]);
        command.args(addresses.map(|address| format!("--listen-address={address}")));
        for name in ["pool.test", "mine.test", "shop.test", "eu.pool.test"] {
            command.arg(format!("--host-record={name},{},{}", SERVERS[0], SERVERS[1]));
        }
        command.arg("--cname=hidden.test,eu.pool.test");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let resolver = Resolver(process.expect("ip(8) starts"));
        wait_for("the resolver listens", || namespace.inside(Resolver::listens));
        Some(resolver)
    }

    /// Whether port 53 is taken here, in both families and over both transports.
    fn listens() -> bool {
        ["udp", "udp6", "tcp", "tcp6"].iter().all(|table| {
            let sockets = fs::read_to_string(format!("/proc/thread-self/net/{table}"));
            sockets.is_ok_and(|sockets| sockets.contains(":0035 "))
        })
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A question for the address of `name` in the family of `server`.
fn question(name: &str, server: IpAddr) -> Vec<u8> {
    let mut message = vec![0x4d, 0x57, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, if server.is_ipv4() { 1 } else { 28 }, 0, 1]);
    message
}

fn has_answer(message: &[u8]) -> bool {
    matches!(message, [0x4d, 0x57, flags, code, _, _, 0, answers, ..] if flags & 0x80 > 0 && code & 15 == 0 && *answers > 0)
}

/// Asks `resolver` from `home`: once its answer is there, it has passed the queue. Asked once, for a second
/// answer might pass the queue after those to later questions.
fn resolve(home: &Namespace, resolver: &str, name: &str, server: &str) {
    let resolver = SocketAddr::new(ip(resolver), 53);
    let any = if resolver.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = home.inside(|| UdpSocket::bind(any)).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    socket.send_to(&question(name, ip(server)), resolver).expect("it is sent");
    let mut message = [0; 512];
    let len = socket.recv(&mut message).expect("an answer");
    assert!(has_answer(&message[..len]), "{message:?}");
}

fn resolve_over_tcp(home: &Namespace, resolver: &str, name: &str, server: &str) {
    let resolver = SocketAddr::new(ip(resolver), 53);
    let mut stream = home.inside(|| TcpStream::connect_timeout(&resolver, PATIENCE)).expect("a way there");
    let question = question(name, ip(server));
    stream.write_all(&[&(question.len() as u16).to_be_bytes()[..], &question].concat()).expect("it is heard");
    let mut len = [0; 2];
    stream.read_exact(&mut len).expect("an answer");
    let mut message = vec![0; u16::from_be_bytes(len).into()];
    stream.read_exact(&mut message).expect("an answer");
    assert!(has_answer(&message), "{message:?}");
}

/// The servers on the internet, one of each family, at one port.
struct Servers {
    listeners: [TcpListener; 2],
}

impl Servers {
    fn start(net: &Net) -> Self {
        let listeners =
            SERVERS.map(|server| net.internet.inside(|| TcpListener::bind((ip(server), 0))).expect("a port"));
        Servers { listeners }
    }

    /// Whether the server of this family hears what is said to it from home.
    fn is_open(&self, net: &Net, family: usize) -> bool {
        !is_refused(&net.home, &self.listeners[family])
    }
}

/// A router under load, or with lists of a hundred thousand names, takes seconds to read them. The rules are in
/// force by then, and what waited for a verdict would be every new connection of the house.
#[test]
fn nothing_waits_while_lists_are_read_at_the_start() {
    let Some(net) = Net::new() else { return };
    let lists = Lists::new("start");
    let fifo = lists.0.join("slow.block");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo(1)").success());
    let mut daemon = Daemon::spawn(&net, &lists.options());
    net.load_rules(&daemon.config());
    let mut writer = None;
    wait_for("the list is being read", || {
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        writer = fs::OpenOptions::new().write(true).custom_flags(flags).open(&fifo).ok();
        writer.is_some()
    });
    assert!(!daemon.holds_queue(&net));
    drop(Session::open(&net.home, &net.internet, ip(SERVERS[0])));
    drop(writer);
    daemon.wait_until_ready(&net);
}

/// The host asks the router's resolver and connects: it is cut before the server hears anything. The same address
/// by an allowed name is open, and so is one that other names share.
#[test]
fn a_name_that_was_resolved_is_known_by_its_address() {
    let Some(net) = Net::new() else { return };
    let Some(_resolver) = Resolver::start(&net.router, ROUTER) else { return };
    let lists = Lists::new("resolver");
    lists.write("pools.block", "pool.test\n");
    lists.write("mine.allow", "mine.test\n");
    let daemon = Daemon::start(&net, &lists.options());
    let servers = Servers::start(&net);
    for (family, (server, resolver)) in SERVERS.into_iter().zip(ROUTER).enumerate() {
        assert!(servers.is_open(&net, family), "nothing is known of it yet");
        resolve(&net.home, resolver, "pool.test", server);
        assert!(!servers.is_open(&net, family));
        resolve(&net.home, resolver, "mine.test", server);
        assert!(servers.is_open(&net, family), "it is what the host has asked for");
        resolve(&net.home, resolver, "hidden.test", server);
        assert!(!servers.is_open(&net, family), "an alias");
        resolve(&net.home, resolver, "shop.test", server);
        assert!(servers.is_open(&net, family), "others share it");
        wait_for("the events", || {
            let events = daemon.events();
            let of_host = |line: &&str| line.contains(&format!("\"client\":\"{}\"", HOME[family]));
            let lines: Vec<&str> = events.lines().filter(of_host).collect();
            let has = |verdict: &str, name: &str| {
                let fits = |line: &&&str| {
                    line.contains(verdict) && line.contains(&format!("\"server_name\":\"{name}\""))
                };
                lines.iter().filter(fits).count()
            };
            has("\"verdict\":\"blocked\"", "pool.test") == 1
                && has("\"verdict\":\"blocked\"", "eu.pool.test") == 1
                && has("\"verdict\":\"suspected\"", "eu.pool.test") == 1
                && lines.iter().all(|line| line.contains("\"source\":\"intel\""))
        });
    }
}

/// A resolver on the internet, over UDP and over TCP; the policy is to suspect.
#[test]
fn answers_from_beyond_the_router_count_too() {
    let Some(net) = Net::new() else { return };
    let Some(_resolver) = Resolver::start(&net.internet, SERVERS) else { return };
    let lists = Lists::new("beyond");
    lists.write("pools.block", "pool.test\n");
    let daemon = Daemon::start(&net, &lists.options());
    let servers = Servers::start(&net);
    for (family, server) in SERVERS.into_iter().enumerate() {
        resolve(&net.home, server, "mine.test", server);
        assert!(servers.is_open(&net, family));
    }
    drop(daemon);
    let _daemon = Daemon::start(&net, &lists.options());
    resolve_over_tcp(&net.home, SERVERS[0], "pool.test", SERVERS[0]);
    assert!(!servers.is_open(&net, 0));
    resolve(&net.home, SERVERS[1], "pool.test", SERVERS[1]);
    assert!(!servers.is_open(&net, 1));
}

/// Tens of thousands of entries are read again and again during a download: not a byte is lost, nothing waits,
/// a bad file leaves the old one in force, and a new entry takes effect.
#[test]
fn a_reload_under_load_loses_nothing() {
    let Some(net) = Net::new() else { return };
    let lists = Lists::new("reload");
    let many: String = (0..20_000).map(|number| format!("n{number}.pool.test block\n")).collect();
    lists.write("many.block", &many);
    let daemon = Daemon::start(&net, &lists.options());
    let servers = Servers::start(&net);
    let download = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    let mut chat = Session::open(&net.home, &net.internet, ip(SERVERS[1]));
    let (sent, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let received = std::thread::scope(|scope| {
        let over = Over(&is_over);
        scope.spawn(|| {
            let chunk = [7; 65_536];
            while !is_over.load(Ordering::Relaxed) {
                (&download.server).write_all(&chunk).expect("the download goes on");
                sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                // It isn't the machine that is to be exhausted.
                std::thread::sleep(Duration::from_millis(1));
            }
            download.server.shutdown(Shutdown::Write).expect("it is open");
        });
        let receiver = scope.spawn(|| {
            let (mut chunk, mut received) = ([0; 65_536], 0);
            while let len @ 1.. = (&download.client).read(&mut chunk).expect("the download goes on") {
                received += len as u64;
            }
            received
        });
        for round in 1..=3 {
            if round == 3 {
                lists.write("many.block", "<html>\n<title>404 Not Found</title>\n");
                lists.write("new.block", &SERVERS.join("\n"));
            }
            daemon.signal(Signal::HUP);
            // By a thread of the lowest priority, which a busy machine keeps waiting for long.
            wait_up_to(PATIENCE * 6, "the lists are read", || {
                chat.exchange(b"hello");
                daemon.log().matches("entries of the built-in list").count() == 1 + round
            });
        }
        for family in 0..2 {
            wait_for("the new list is in force", || !servers.is_open(&net, family));
        }
        drop(over);
        receiver.join().expect("it has no reason to panic")
    });
    assert_eq!(received, sent.load(Ordering::Relaxed));
    assert!(received > 0);
    let log = daemon.log();
    assert!(
        log.contains("many.block is refused: it is no list") && log.contains("; its earlier entries stay"),
        "{log}"
    );
}

/// What a list blocks is refused at the attempt by the kernel: a listed address, and the address that a name server
/// gave for a listed name. The first refusal is told. An address that a name on no list leads to as well passes, and
/// so does one that only another client was told of.
#[test]
fn what_a_list_blocks_is_refused_at_the_attempt() {
    let Some(net) = Net::new() else { return };
    let Some(_resolver) = Resolver::start(&net.router, ROUTER) else { return };
    let other = net.add_host(["10.7.3.2", "fd07:3::2"]);
    let lists = Lists::new("attempt");
    let listed = ["203.0.113.9", "2001:db8:9::9"];
    listed.iter().for_each(|address| net.publish(ip(address)));
    lists.write("addresses.block", &listed.join("\n"));
    lists.write("names.block", "pool.test\n");
    let daemon = Daemon::start(&net, &lists.options());
    let sets =
        |names: [&str; 2]| names.map(|set| net.router.run(&["nft", "list", "set", "inet", "minewall", set]));
    let listeners =
        listed.map(|address| net.internet.inside(|| TcpListener::bind((ip(address), 0))).expect("a port"));
    wait_for("the addresses are in the kernel's sets", || {
        sets(["listed4", "listed6"]).iter().zip(listed).all(|(set, address)| set.contains(address))
    });
    for (listener, home) in listeners.iter().zip(HOME) {
        let at = listener.local_addr().expect("it is bound");
        for attempt in 0..20 {
            let error = net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect_err("refused");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused, "{at}, {attempt}");
        }
        wait_for("the first refusal is told", || {
            daemon.events().lines().any(|line| line.contains(home) && line.contains(&at.to_string()))
        });
    }
    let servers = Servers::start(&net);
    for (family, (server, resolver)) in SERVERS.into_iter().zip(ROUTER).enumerate() {
        let at = servers.listeners[family].local_addr().expect("it is bound");
        // Its hardware address is known by that: others may ask under its address.
        assert!(servers.is_open(&net, family));
        resolve(&net.home, resolver, "pool.test", server);
        let set = [["resolved4", "resolved_nonweb4"], ["resolved6", "resolved_nonweb6"]][family];
        wait_for("the answer is in the kernel's sets", || sets(set).concat().contains(server));
        net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect_err("refused at the attempt");
        assert!(!is_refused(&other, &servers.listeners[family]), "another client was not told");
        resolve(&net.home, resolver, "shop.test", server);
        assert!(servers.is_open(&net, family), "it is shared: at once, for the daemon knows better");
        wait_for("it is out of the kernel's sets", || !sets(set).concat().contains(server));
    }
}

/// Another host of the house asks under the address of the first, and sends it an answer in the server's name: what a list
/// blocks by that is refused to neither. The first host has a connection, so that the daemon knows its hardware address.
#[test]
fn a_spoofed_question_refuses_nothing() {
    let Some(net) = Net::new() else { return };
    let Some(_resolver) = Resolver::start(&net.internet, SERVERS) else { return };
    let other = net.add_host(["10.7.3.2", "fd07:3::2"]);
    let lists = Lists::new("spoofed");
    lists.write("names.block", "pool.test\n");
    let daemon = Daemon::start(&net, &lists.options());
    let servers = Servers::start(&net);
    let forger = Forger::new(&other);
    let read = |daemon: &Daemon| {
        let status = daemon.status();
        let rest = status.split("\"dns_answers\":").nth(1).expect("a counter").to_owned();
        rest.split(|letter: char| !letter.is_ascii_digit())
            .next()
            .and_then(|it| it.parse().ok())
            .unwrap_or(0_u32)
    };
    for (family, server) in SERVERS.into_iter().enumerate() {
        assert!(servers.is_open(&net, family));
        let before = read(&daemon);
        // The server's answer goes to the victim, over the router.
        forger.datagram((ip(HOME[family]), 5_353), (ip(server), 53), &question("pool.test", ip(server)));
        wait_for("the answer is read", || read(&daemon) > before);
        assert!(servers.is_open(&net, family), "{server}: by a spoofed question");
        resolve(&net.home, server, "pool.test", server);
        assert!(!servers.is_open(&net, family), "{server}: its own question");
    }
}
