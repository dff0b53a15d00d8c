//! The network of a live test.
//!
//! ```text
//!    home                     router                       internet
//!   ┌───────────┐            ┌──────────────────┐         ┌───────────┐
//!   │ 10.7.1.2  ├ eth0  lan0 ┤ 10.7.1.1         │         │           │
//!   │ fd07:1::2 │            │ fd07:1::1        │         │           │
//!   └───────────┘            │         10.7.2.1 ├ wan0  eth0 ┤ 10.7.2.2  │
//!                            │        fd07:2::1 │         │ fd07:2::2 │
//!                            │  masquerades v4  │         │           │
//!                            └──────────────────┘         └───────────┘
//! ```
//!
//! Every test has namespaces of its own, so the addresses can be the same.

use std::io::{self, ErrorKind, Write, stderr};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use minewall::config::Config;
use minewall::rules::{self, Kernel, Memory, Variant};
use socket2::{Domain, Socket, Type};

use crate::namespace::Namespace;

/// Addresses of the server on the internet, one of each family.
pub const SERVERS: [&str; 2] = ["10.7.2.2", "fd07:2::2"];
/// Addresses of the host at home.
pub const HOME: [&str; 2] = ["10.7.1.2", "fd07:1::2"];
/// Hardware address of the host at home; its lease has the same.
pub const HOME_MAC: &str = "02:00:00:00:00:07";
/// Addresses of the router on the side of its home.
pub const ROUTER: [&str; 2] = ["10.7.1.1", "fd07:1::1"];

/// Three namespaces in a row.
pub struct Net {
    pub home: Namespace,
    pub router: Namespace,
    pub internet: Namespace,
}

impl Net {
    /// Lays the network, or says why not as [`or_skip`] does.
    pub fn new() -> Option<Self> {
        or_skip(Net::lay())
    }

    fn lay() -> Result<Self, String> {
        let (home, router) = (Namespace::new("home")?, Namespace::new("router")?);
        let internet = Namespace::new("internet")?;
        for namespace in [&home, &router, &internet] {
            switch(namespace, "ipv6/conf/default/accept_dad", "0")?;
        }
        let links = [
            (&home, "eth0", &router, "lan0", [HOME[0], HOME[1]], [ROUTER[0], ROUTER[1]]),
            (&internet, "eth0", &router, "wan0", [SERVERS[0], SERVERS[1]], ["10.7.2.1", "fd07:2::1"]),
        ];
        for (end, end_device, router, router_device, end_addresses, router_addresses) in links {
            let peer = ["type", "veth", "peer", "name", router_device, "netns", router.name()];
            end.run(&[&["ip", "link", "add", end_device][..], &peer[..]].concat());
            if end.name() == home.name() {
                end.run(&["ip", "link", "set", end_device, "address", HOME_MAC]);
            }
            for (namespace, device, addresses) in
                [(end, end_device, end_addresses), (router, router_device, router_addresses)]
            {
                for (address, length) in addresses.into_iter().zip(["24", "64"]) {
                    namespace.add_address(device, &format!("{address}/{length}"));
                }
                // Else a neighbour that isn't quite up yet costs a second; and one that is slow is none.
                for (name, value) in
                    [("retrans_time_ms", "20"), ("mcast_solicit", "500"), ("ucast_solicit", "500")]
                {
                    switch(namespace, &format!("ipv6/neigh/{device}/{name}"), value)?;
                }
                namespace.run(&["ip", "link", "set", device, "up"]);
            }
            for (family, gateway) in ["-4", "-6"].into_iter().zip(router_addresses) {
                end.run(&["ip", family, "route", "add", "default", "via", gateway]);
            }
        }
        for forwarding in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            switch(&router, forwarding, "1")?;
        }
        let masquerade = "table ip nat {
            chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }
        }";
        let queue = "*security\n-A FORWARD -p icmp -j NFQUEUE --queue-num 1 --queue-bypass\nCOMMIT\n*security\n-F\nCOMMIT\n";
        if !router.try_nft(masquerade) {
            return Err("the kernel has no nft NAT".into());
        }
        if !router.accepts("iptables-nft-restore", queue) {
            return Err("the kernel has no NFQUEUE".into());
        }
        let net = Net { home, router, internet };
        net.wait_until_up();
        Ok(net)
    }

    /// Adds a host to the house, at `addresses` of the networks 10.7.3.0/24 and fd07:3::/64.
    pub fn add_host(&self, addresses: [&str; 2]) -> Namespace {
        let host = Namespace::new("other").expect("there are three already");
        switch(&host, "ipv6/conf/default/accept_dad", "0").expect("as in the others");
        host.run(&[
            "ip",
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            "lan1",
            "netns",
            self.router.name(),
        ]);
        let gateways = ["10.7.3.1", "fd07:3::1"];
        for (namespace, device, addresses) in [(&host, "eth0", addresses), (&self.router, "lan1", gateways)] {
            for (address, length) in addresses.into_iter().zip(["24", "64"]) {
                namespace.add_address(device, &format!("{address}/{length}"));
            }
            namespace.run(&["ip", "link", "set", device, "up"]);
        }
        for (family, gateway) in ["-4", "-6"].into_iter().zip(gateways) {
            host.run(&["ip", family, "route", "add", "default", "via", gateway]);
        }
        for server in SERVERS {
            wait_for("the host is up", || {
                let attempt =
                    || TcpStream::connect_timeout(&SocketAddr::new(ip(server), 9), Duration::from_millis(50));
                host.inside(attempt).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
            });
        }
        host
    }

    /// Waits until an attempt to connect to a closed port is answered, from everywhere: IPv6 takes a
    /// while to know its neighbours.
    fn wait_until_up(&self) {
        for (from, addresses) in [(&self.home, SERVERS), (&self.home, ROUTER), (&self.router, SERVERS)] {
            for address in addresses {
                let closed = SocketAddr::new(ip(address), 9);
                let attempt = || TcpStream::connect_timeout(&closed, Duration::from_millis(50));
                wait_for("the network is up", || {
                    let answer = from.inside(attempt).expect_err("the port is closed");
                    answer.kind() == ErrorKind::ConnectionRefused
                });
            }
        }
    }

    /// Gives the internet another address: one that the probe may ask, unlike the private ones above.
    pub fn publish(&self, address: IpAddr) {
        let [via, family, length] =
            if address.is_ipv4() { [SERVERS[0], "-4", "32"] } else { [SERVERS[1], "-6", "128"] };
        let address = format!("{address}/{length}");
        self.internet.add_address("eth0", &address);
        self.router.run(&["ip", family, "route", "add", &address, "via", via]);
    }

    /// Makes every packet a single segment: by default devices like these carry 64 KB in one.
    pub fn send_single_segments(&self) {
        for (namespace, device) in
            [(&self.home, "eth0"), (&self.router, "lan0"), (&self.router, "wan0"), (&self.internet, "eth0")]
        {
            namespace.run(&["ip", "link", "set", device, "gso_max_segs", "1"]);
        }
    }

    /// Loads the rules of `config` into the router, with the memory that they would choose.
    pub fn load_rules(&self, config: &Config) {
        self.load_rules_with(config, Memory::of_this_kernel());
    }

    /// The same, with another memory.
    pub fn load_rules_with(&self, config: &Config, memory: Memory) {
        self.router.script(&rules::install(config, Kernel { variant: Variant::Iptables, memory }, ""));
    }

    /// Gives the rules a sign of life that lasts, in place of a daemon's.
    pub fn keep_alive(&self) {
        let elements = "add element inet minewall alive { tcp timeout 1h, udp timeout 1h }";
        assert!(self.router.try_nft(&format!("flush set inet minewall alive\n{elements}")));
    }

    /// Packets that the rules have sent towards the queue so far, both families.
    pub fn queued(&self) -> u64 {
        let list = |tool: &str| self.router.run(&[tool, "-t", "security", "-nvxL", "minewall"]);
        ["iptables-nft", "ip6tables-nft"]
            .iter()
            .map(|tool| {
                let text = list(tool);
                let rule = text.lines().find(|line| line.contains("NFQUEUE")).expect("our rule");
                rule.split_whitespace()
                    .next()
                    .and_then(|packets| packets.parse::<u64>().ok())
                    .expect("a counter")
            })
            .sum()
    }

    /// The connection between these ports of client and server, as the router's kernel shows it. The client's
    /// alone may be another connection's, too.
    pub fn connection(&self, [client, server]: [u16; 2]) -> Option<Connection> {
        let wanted = format!(" sport={client} dport={server} ");
        // The table is that of all namespaces, read a page at a time: what others remove meanwhile may hide an entry.
        (0..5).find_map(|_| {
            let table = self.router.inside(|| std::fs::read_to_string("/proc/thread-self/net/nf_conntrack"));
            let table = table.expect("conntrack's table");
            table.lines().find(|line| line.contains(&wanted)).map(Connection::read)
        })
    }
}

/// An entry of the connection table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its mark.
    pub mark: u32,
    /// Packets in both directions.
    pub packets: u64,
}

impl Connection {
    fn read(line: &str) -> Self {
        let values = |key| line.split_whitespace().filter_map(move |word| word.strip_prefix(key));
        Connection {
            mark: values("mark=").next().and_then(|mark| mark.parse().ok()).expect("a mark"),
            packets: values("packets=").filter_map(|packets| packets.parse::<u64>().ok()).sum(),
        }
    }
}

/// Sets a switch of the namespace's network stack.
fn switch(namespace: &Namespace, name: &str, value: &str) -> Result<(), String> {
    let set = || std::fs::write(format!("/proc/sys/net/{name}"), value);
    namespace.inside(set).map_err(|error| format!("{name} can't be set: {error}"))
}

/// What a test needs. `None`, with the reason printed, where this machine doesn't have it;
/// `MINEWALL_LIVE=1` makes that a failure.
pub fn or_skip<T>(needed: Result<T, String>) -> Option<T> {
    match needed {
        Ok(needed) => Some(needed),
        Err(why) if std::env::var_os("MINEWALL_LIVE").is_some() => panic!("live tests must run here: {why}"),
        Err(why) => {
            // Past the capture of println!, so that it is seen of a test that passes, too.
            let _ = writeln!(stderr(), "skipped: {why}");
            None
        }
    }
}

/// Waits until `condition` holds; panics with `what` if it never does.
pub fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    wait_up_to(PATIENCE, what, condition);
}

/// The same, for what may take its time even where all is well.
pub fn wait_up_to(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Says that a test is over when it is dropped, also where the test fails: its threads wait for that.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads an address of the constants above.
pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// How long anything may take before the test fails; nothing waits that long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Binds a port that this test has used before. A child process that another test starts has copies of the sockets of all
/// tests until it runs its own program, and a port is in use as long.
pub fn once_free<T>(mut bind: impl FnMut() -> io::Result<T>) -> T {
    let mut bound = None;
    wait_for("the port is free", || match bind() {
        Err(error) if error.kind() == ErrorKind::AddrInUse => false,
        result => {
            bound = Some(result.expect("an address of this host"));
            true
        }
    });
    bound.expect("it has been waited for")
}

/// Connects from an address of the caller's choice.
pub fn connect_from(from: SocketAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
    once_free(|| socket.bind(&from.into()));
    socket.connect_timeout(&to.into(), PATIENCE).expect("a way there");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    socket.into()
}
