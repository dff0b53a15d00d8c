//! Connection attempts that the kernel refuses without the daemon.
//!
//! | sets, one of each family | elements | filled with |
//! |---|---|---|
//! | `pools4`, `pools6` | address and port | servers that have answered as pools, and entries of lists with a port |
//! | `listed4`, `listed6`; `listed_nonweb4`, `listed_nonweb6` | address | single addresses that a list blocks, at every port, or at every one but those of the web |
//! | `resolved4`, `resolved6`; `resolved_nonweb4`, `resolved_nonweb6` | client and address | addresses that a name server gave the client for a name that a list blocks |
//!
//! **Nothing stands there that could hit anything else.** What others share is left to the first payload, where the
//! name is read: prefixes, addresses on the list of shared ones, addresses that a DNS answer gave for a name on no list,
//! and everything that an exemption or a list allows, at any port. A DNS answer counts for the client that got it alone.
//!
//! Elements end by themselves. The daemon fills the sets, and fills them anew well before that: after its end they
//! block for [`KERNEL_ELEMENT_SECONDS`] more, and everything else passes.
//!
//! **A refusal is told**: the first attempts of each host and server in a minute are shown to the daemon, which reports
//! them and answers with a reset. A host is told by its hardware address where the packet has one, so that attempts under
//! many addresses silence no other host, and attempts at one server no other server. Where the daemon knows better by now (an address that turned out to be shared) the
//! attempt passes. Those that come back without a verdict are refused as well.

use core::fmt::Write;
use core::net::IpAddr;

use super::bits::Bits;
use crate::config::{Config, Mode};
use crate::intel::entry::{Ports, WEB_PORTS};
use crate::intel::exemptions::ExemptHost;
use crate::limits::{
    KERNEL_ELEMENT_SECONDS, KERNEL_LISTED, KERNEL_TOLD_HOSTS, KERNEL_TOLD_OF_CARD, KERNEL_TOLD_OF_PAIR,
    KERNEL_TOLD_PAIRS, KERNEL_TOLD_PER_MINUTE, KERNEL_TOLD_SECONDS, REPUTATION_ENTRIES, RESOLVED_NAMES,
};
use crate::net::endpoint::Endpoint;
use crate::verdict::Reason;

/// The chain that refuses, and counts.
pub const REFUSING_CHAIN: &str = "refuse";

/// Whether there are such sets.
pub(super) fn is_wanted(config: &Config) -> bool {
    config.mode == Mode::Block && config.kernel_block
}

/// The rules of chain `fresh`.
pub(super) fn dispatch(config: &Config) -> &'static str {
    if !is_wanted(config) {
        return "";
    }
    "		ip daddr . tcp dport @pools4 goto known
		ip6 daddr . tcp dport @pools6 goto known
		ip daddr @listed4 goto known
		ip6 daddr @listed6 goto known
		ip saddr . ip daddr @resolved4 goto known
		ip6 saddr . ip6 daddr @resolved6 goto known
		jump fresh_nonweb
"
}

/// The entry of chain `decide` for attempts without a verdict.
pub(super) fn unanswered(config: &Config, bits: &Bits) -> String {
    if !is_wanted(config) {
        return String::new();
    }
    format!(", {:#010x} : goto unanswered", bits.at.reason_value(Reason::Attempt))
}

/// The sets, and the chains that use them.
pub(super) fn chains(config: &Config, bits: &Bits) -> String {
    if !is_wanted(config) {
        return String::new();
    }
    let [rate, pair_rate, card_rate] = [KERNEL_TOLD_PER_MINUTE, KERNEL_TOLD_OF_PAIR, KERNEL_TOLD_OF_CARD]
        .map(|number| format!("limit rate {number}/minute burst {number} packets"));
    let [http, https, http_alternate, https_alternate] = WEB_PORTS;
    format!(
        "{sets}	chain fresh_nonweb {{
		tcp dport {{ {http}, {https}, {http_alternate}, {https_alternate} }} return
		ip daddr @listed_nonweb4 goto known
		ip6 daddr @listed_nonweb6 goto known
		ip saddr . ip daddr @resolved_nonweb4 goto known
		ip6 saddr . ip6 daddr @resolved_nonweb6 goto known
	}}
	chain known {{
{ask}		meta iiftype ether goto known_by_card
		update @told4 {{ ip saddr {rate} }} goto attempt
		update @told6 {{ ip6 saddr {rate} }} goto attempt
		goto {REFUSING_CHAIN}
	}}
	chain known_by_card {{
		update @told_pairs4 {{ ether saddr . ip daddr {pair_rate} }} goto told_card
		update @told_pairs6 {{ ether saddr . ip6 daddr {pair_rate} }} goto told_card
		goto {REFUSING_CHAIN}
	}}
	chain told_card {{
		update @told_cards {{ ether saddr {card_rate} }} goto attempt
		goto {REFUSING_CHAIN}
	}}
	chain unanswered {{
		{clear}
		tcp flags & (syn | ack) != syn accept
		goto {REFUSING_CHAIN}
	}}
	chain {REFUSING_CHAIN} {{
{accept}		counter reject with tcp reset
	}}
",
        sets = sets(),
        ask = exempt(config, "goto attempt"),
        clear = bits.clear_packet(),
        accept = exempt(config, "accept"),
    )
}

fn sets() -> String {
    let mut text = String::new();
    let mut set = |name: &str, kind: &str, flags: &str, seconds: u64, size: usize| {
        // A String takes everything.
        let _ = writeln!(
            text,
            "\tset {name} {{\n\t\ttype {kind}\n\t\tflags {flags}\n\t\ttimeout {seconds}s\n\t\tsize {size}\n\t}}"
        );
    };
    let told = "dynamic,timeout";
    for (family, address) in [("4", "ipv4_addr"), ("6", "ipv6_addr")] {
        let endpoint = format!("{address} . inet_service");
        let pair = format!("{address} . {address}");
        let kinds = [
            ("pools", &endpoint[..], POOLS_SIZE),
            ("listed", address, KERNEL_LISTED),
            ("listed_nonweb", address, KERNEL_LISTED),
            ("resolved", &pair, RESOLVED_NAMES),
            ("resolved_nonweb", &pair, RESOLVED_NAMES),
        ];
        for (name, kind, size) in kinds {
            set(&format!("{name}{family}"), kind, "timeout", KERNEL_ELEMENT_SECONDS, size);
        }
        let (seconds, hosts) = (KERNEL_TOLD_SECONDS.into(), KERNEL_TOLD_HOSTS as usize);
        set(&format!("told{family}"), address, told, seconds, hosts);
        let card_and_server = format!("ether_addr . {address}");
        set(&format!("told_pairs{family}"), &card_and_server, told, seconds, KERNEL_TOLD_PAIRS);
    }
    set("told_cards", "ether_addr", told, KERNEL_TOLD_SECONDS.into(), KERNEL_TOLD_HOSTS as usize);
    text
}

/// Elements with a port: of the reputation store, and of lists.
const POOLS_SIZE: usize = REPUTATION_ENTRIES + KERNEL_LISTED;

/// A rule for each exempt host.
fn exempt(config: &Config, statement: &str) -> String {
    let rule = |host: &ExemptHost| match host {
        ExemptHost::At(prefix) => {
            let family = if prefix.addr().is_ipv4() { "ip" } else { "ip6" };
            format!("\t\t{family} saddr {prefix} {statement}\n")
        }
        ExemptHost::Card([a, b, c, d, e, f]) => {
            format!("\t\tether saddr {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x} {statement}\n")
        }
    };
    config.exempt_hosts.iter().map(rule).collect()
}

/// Text for `nft -f` that adds elements to the sets.
#[derive(Debug, Default)]
pub struct Elements {
    /// Elements by set and family.
    texts: [[String; 2]; SETS.len()],
}

/// Sets that the daemon fills, without the number of their family.
const SETS: [&str; 5] = ["pools", "listed", "listed_nonweb", "resolved", "resolved_nonweb"];

impl Elements {
    /// A server, for so many seconds at most.
    pub fn server(&mut self, server: &Endpoint, seconds: u64) {
        self.add(0, server.addr(), format_args!("{} . {}", server.addr(), server.port()), seconds);
    }

    /// A single address that a list blocks at `ports`.
    pub fn listed(&mut self, addr: IpAddr, ports: Ports, seconds: u64) {
        match ports {
            Ports::One(port) => self.server(&Endpoint::new(addr, port), seconds),
            Ports::Any => self.add(1, addr, format_args!("{addr}"), seconds),
            Ports::NonWeb => self.add(2, addr, format_args!("{addr}"), seconds),
        }
    }

    /// An address that `client` was given for a name that a list blocks at `ports`. One of a single port is left to
    /// the first payload, as is one of the other family than its client.
    pub fn resolved(&mut self, client: IpAddr, addr: IpAddr, ports: Ports, seconds: u64) {
        let set = match ports {
            Ports::One(_) => return,
            Ports::Any => 3,
            Ports::NonWeb => 4,
        };
        if client.is_ipv4() == addr.is_ipv4() {
            self.add(set, addr, format_args!("{client} . {addr}"), seconds);
        }
    }

    /// The text.
    pub fn into_text(self) -> String {
        let mut text = String::new();
        for (set, families) in SETS.iter().zip(&self.texts) {
            for (family, elements) in ["4", "6"].iter().zip(families) {
                if !elements.is_empty() {
                    let _ = writeln!(text, "add element inet minewall {set}{family} {{ {elements} }}");
                }
            }
        }
        text
    }

    fn add(&mut self, set: usize, addr: IpAddr, element: core::fmt::Arguments<'_>, seconds: u64) {
        let family = usize::from(addr.is_ipv6());
        if let Some(text) = self.texts.get_mut(set).and_then(|families| families.get_mut(family)) {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ =
                write!(text, "{separator}{element} timeout {}s", seconds.clamp(1, KERNEL_ELEMENT_SECONDS));
        }
    }
}

/// Text for `nft -f` that empties the sets of servers and listed addresses.
pub const EMPTY: &str = "flush set inet minewall pools4
flush set inet minewall pools6
flush set inet minewall listed4
flush set inet minewall listed6
flush set inet minewall listed_nonweb4
flush set inet minewall listed_nonweb6
";

/// Text for `nft -f` that empties the sets of DNS answers.
pub const EMPTY_RESOLVED: &str = "flush set inet minewall resolved4
flush set inet minewall resolved6
flush set inet minewall resolved_nonweb4
flush set inet minewall resolved_nonweb6
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_go_to_the_set_of_their_family() {
        let server = |text: &str| {
            let at: std::net::SocketAddr = text.parse().expect(text);
            Endpoint::new(at.ip(), at.port())
        };
        let mut elements = Elements::default();
        let servers = [("203.0.113.9:3333", 10), ("[2001:db8::1]:443", 999_999), ("203.0.113.8:1", 0)];
        servers.into_iter().for_each(|(text, seconds)| elements.server(&server(text), seconds));
        let addr = |text: &str| text.parse::<IpAddr>().expect(text);
        elements.listed(addr("203.0.113.7"), Ports::Any, 60);
        elements.listed(addr("2001:db8::7"), Ports::NonWeb, 60);
        elements.listed(addr("203.0.113.7"), Ports::One(9), 60);
        elements.resolved(addr("10.0.0.1"), addr("203.0.113.6"), Ports::NonWeb, 60);
        elements.resolved(addr("10.0.0.1"), addr("203.0.113.6"), Ports::One(9), 60);
        elements.resolved(addr("10.0.0.1"), addr("2001:db8::6"), Ports::Any, 60);
        let add = "add element inet minewall";
        assert_eq!(
            elements.into_text(),
            format!(
                "{add} pools4 {{ 203.0.113.9 . 3333 timeout 10s, 203.0.113.8 . 1 timeout 1s, 203.0.113.7 . 9 timeout 60s }}
{add} pools6 {{ 2001:db8::1 . 443 timeout 3600s }}
{add} listed4 {{ 203.0.113.7 timeout 60s }}
{add} listed_nonweb6 {{ 2001:db8::7 timeout 60s }}
{add} resolved_nonweb4 {{ 10.0.0.1 . 203.0.113.6 timeout 60s }}
"
            )
        );
        assert_eq!(Elements::default().into_text(), "");
    }
}
