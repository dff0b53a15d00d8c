//! Attacks on the daemon, each with a miner beside it that must be caught.
//!
//! Attackers stand on the internet or in the house. They send what they like from any address, and open as many
//! connections as they can; the miner stands at another address of the house.

mod budgets;
mod conntrack;
mod fast_open;
mod floods;
mod identity;
mod outsiders;
mod owner;
mod pieces;
pub mod raw;
mod segments;
mod service;
mod table;
mod unlike;
mod web;
mod words;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::mining::is_cut_from;
use crate::namespace::Namespace;
use crate::net::{Net, PATIENCE, SERVERS};

/// Addresses of the second host of the house.
pub const OTHER: [&str; 2] = ["10.7.3.2", "fd07:3::2"];

/// What a miner says first, without its end: strong evidence, and no proof.
const UNPROVEN: &[u8] = br#"{"id":1,"method":"mining.subscribe","params":["cpuminer/2.5.1","#;

/// A house with two hosts: one that attacks or is attacked, and one that mines.
struct House {
    net: Net,
    other: Namespace,
}

impl House {
    fn new() -> Option<Self> {
        let net = Net::new()?;
        let other = net.add_host(OTHER);
        Some(House { net, other })
    }

    /// Has the firewall drop what comes from outside unasked, as every router's does.
    fn close(&self) {
        let firewall = "table inet firewall {
            chain forward {
                type filter hook forward priority filter; policy accept;
                ct state established,related accept
                iifname wan0 counter drop
            }
        }";
        assert!(self.net.router.try_nft(firewall));
    }

    /// Forwards `port` of the router's outer address to the first host.
    fn forward(&self, port: u16) {
        let rules = format!(
            "table inet forwarded {{ chain in {{ type nat hook prerouting priority dstnat;
                iifname wan0 ip daddr 10.7.2.1 tcp dport {port} dnat ip to 10.7.1.2;
                iifname wan0 ip6 daddr fd07:2::1 tcp dport {port} dnat ip6 to fd07:1::2; }}; }}"
        );
        assert!(self.net.router.try_nft(&rules));
    }

    /// Gives the internet's host every address of a network of each family, by which the router finds it.
    fn populate(&self, networks: [&str; 2]) {
        for (family, (network, via)) in ["ipv4", "ipv6"].into_iter().zip(networks.into_iter().zip(SERVERS)) {
            let path = format!("/proc/sys/net/{family}/ip_nonlocal_bind");
            self.net.internet.inside(|| std::fs::write(path, "1")).expect("a switch of every kernel");
            self.net.internet.run(&["ip", "route", "add", "local", network, "dev", "lo"]);
            self.net.router.run(&["ip", "route", "add", network, "via", via]);
        }
    }

    /// Panics unless `count` miners of the second host are cut, over either family, before the pool hears them.
    fn catches_miners(&self, count: usize, when: &str) {
        for server in SERVERS.into_iter().cycle().take(count) {
            assert!(
                is_cut_from(&self.other, &self.net.internet, server),
                "{when}: a miner at {server} mines"
            );
        }
    }
}

/// The first number in `status` (JSON) by this name.
fn number(status: &str, name: &str) -> u32 {
    let rest = status.split(&format!("\"{name}\":")).nth(1).expect("a member of this name");
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).expect("a number")
}

/// Connections that stay open, with their other ends.
struct Crowd {
    clients: Vec<TcpStream>,
    _servers: Vec<TcpStream>,
}

impl Crowd {
    /// `count` connections from `from` to `at`, on each of which the client says what `text` gives for its number.
    fn open(
        from: &Namespace,
        to: &Namespace,
        at: SocketAddr,
        count: usize,
        text: impl Fn(usize) -> Vec<u8> + Sync,
    ) -> Self {
        let listener = to.inside(|| TcpListener::bind(at)).expect("a free port");
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for number in 0..count {
            let mut client = from.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect("a way there");
            let (mut server, _) = listener.accept().expect("it has connected");
            server.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            let text = text(number);
            client.write_all(&text).expect("it leaves the client");
            // A packet each: what is cut off ends here, too.
            let _ = server.read(&mut vec![0; text.len()]);
            clients.push(client);
            servers.push(server);
        }
        Crowd { clients, _servers: servers }
    }
}

/// Takes connections at `at` and keeps them, until it is over.
fn take_in(listener: &TcpListener, is_over: &AtomicBool) {
    listener.set_nonblocking(true).expect("O_NONBLOCK");
    let mut kept = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((connection, _)) => kept.push(connection),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(error) => panic!("{error}"),
        }
    }
}
