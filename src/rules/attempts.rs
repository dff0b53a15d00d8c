//! Connection attempts to known pools, which the kernel refuses without the daemon.
//!
//! Two sets hold addresses and ports; their elements end by themselves. The daemon fills them, and fills them anew
//! well before they end: after its end they block for [`KERNEL_ELEMENT_SECONDS`] more, and everything else passes.
//!
//! A few attempts a minute of each host are shown to the daemon, which reports them; those that come back without a
//! verdict are refused as well.

use core::fmt::Write;

use super::bits::Bits;
use crate::config::{Config, Mode};
use crate::intel::exemptions::ExemptHost;
use crate::limits::{
    KERNEL_ELEMENT_SECONDS, KERNEL_TOLD_HOSTS, KERNEL_TOLD_PER_MINUTE, KERNEL_TOLD_SECONDS,
    REPUTATION_ENTRIES,
};
use crate::net::endpoint::Endpoint;
use crate::verdict::Reason;

/// The chain that refuses, and counts.
pub const REFUSING_CHAIN: &str = "refuse";

/// Whether there are such sets.
pub fn is_wanted(config: &Config) -> bool {
    config.mode == Mode::Block && config.kernel_block
}

/// The rules of chain `fresh`.
pub fn dispatch(config: &Config) -> &'static str {
    if !is_wanted(config) {
        return "";
    }
    "		ip daddr . tcp dport @pools4 goto known
		ip6 daddr . tcp dport @pools6 goto known
"
}

/// The entry of chain `decide` for attempts without a verdict.
pub fn unanswered(config: &Config, bits: &Bits) -> String {
    if !is_wanted(config) {
        return String::new();
    }
    format!(", {:#010x} : goto unanswered", bits.at.reason_value(Reason::Attempt))
}

/// The sets, and the chains that use them.
pub fn chains(config: &Config, bits: &Bits) -> String {
    if !is_wanted(config) {
        return String::new();
    }
    let rate = format!("limit rate {KERNEL_TOLD_PER_MINUTE}/minute burst {KERNEL_TOLD_PER_MINUTE} packets");
    format!(
        "{sets}	chain known {{
{ask}		update @told4 {{ ip saddr {rate} }} goto attempt
		update @told6 {{ ip6 saddr {rate} }} goto attempt
		goto {REFUSING_CHAIN}
	}}
	chain attempt {{
		{reason}
		goto to_queue
	}}
	chain unanswered {{
		{clear}
		goto {REFUSING_CHAIN}
	}}
	chain {REFUSING_CHAIN} {{
{accept}		counter reject with tcp reset
	}}
",
        sets = sets(),
        ask = exempt(config, "goto attempt"),
        reason = bits.set_reason(Reason::Attempt),
        clear = bits.clear_packet(),
        accept = exempt(config, "accept"),
    )
}

fn sets() -> String {
    let families = [("4", "ipv4_addr"), ("6", "ipv6_addr")];
    let pools = families.map(|(family, address)| {
        format!(
            "	set pools{family} {{
		type {address} . inet_service
		flags timeout
		timeout {KERNEL_ELEMENT_SECONDS}s
		size {REPUTATION_ENTRIES}
	}}
"
        )
    });
    let told = families.map(|(family, address)| {
        format!(
            "	set told{family} {{
		type {address}
		flags dynamic,timeout
		timeout {KERNEL_TOLD_SECONDS}s
		size {KERNEL_TOLD_HOSTS}
	}}
"
        )
    });
    pools.concat() + &told.concat()
}

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

/// Text for `nft -f` that adds `servers` to the sets, each for so many seconds at most.
pub fn elements(servers: impl Iterator<Item = (Endpoint, u64)>) -> String {
    let (mut v4, mut v6) = (String::new(), String::new());
    for (server, seconds) in servers {
        let set = if server.addr().is_ipv4() { &mut v4 } else { &mut v6 };
        let seconds = seconds.clamp(1, KERNEL_ELEMENT_SECONDS);
        let separator = if set.is_empty() { "" } else { ", " };
        let _ = write!(set, "{separator}{} . {} timeout {seconds}s", server.addr(), server.port());
    }
    let add = |set: &str, elements: &str| match elements {
        "" => String::new(),
        _ => format!("add element inet minewall {set} {{ {elements} }}\n"),
    };
    add("pools4", &v4) + &add("pools6", &v6)
}

/// Text for `nft -f` that empties the sets.
pub const EMPTY: &str = "flush set inet minewall pools4\nflush set inet minewall pools6\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_go_to_the_set_of_their_family() {
        let server = |text: &str| {
            let at: std::net::SocketAddr = text.parse().expect(text);
            Endpoint::new(at.ip(), at.port())
        };
        let servers = [("203.0.113.9:3333", 10), ("[2001:db8::1]:443", 999_999), ("203.0.113.8:1", 0)];
        let text = elements(servers.into_iter().map(|(text, seconds)| (server(text), seconds)));
        assert_eq!(
            text,
            "add element inet minewall pools4 { 203.0.113.9 . 3333 timeout 10s, 203.0.113.8 . 1 timeout 1s }\n\
             add element inet minewall pools6 { 2001:db8::1 . 443 timeout 3600s }\n"
        );
        assert_eq!(elements([].into_iter()), "");
    }
}
