//! Answers of name servers to clients: from servers beyond the router (forward), from the router's own resolver
//! (output), and to the router itself (input).
//!
//! Only replies to a query that conntrack knows are queued, so that unsolicited answers are never read. Answers get
//! no mark and no verdict. A flood of them passes unread. Over TCP they are payload as any other, except those of
//! the router's own resolver: connections to the router are not watched.

use super::Variant;
use crate::config::Config;
use crate::limits::{DNS_ANSWERS_OF_CLIENT, DNS_ANSWERS_PER_SECOND, DNS_CLIENTS};

/// The packets in question; `device` leaves the loopback device out.
fn answers(device: &str) -> String {
    format!("meta l4proto udp {device}udp sport 53 ct direction reply ")
}

/// The rule of a hook's first chain.
pub(super) fn watch(config: &Config, device: &str) -> String {
    if config.intel { format!("\t\t{}goto answers\n", answers(device)) } else { String::new() }
}

/// The rule of a hook's second chain: the iptables variant leaves a bit in the mark.
pub(super) fn decide(config: &Config, variant: Variant, device: &str) -> String {
    let bit = config.mark.queue_bit();
    match variant {
        Variant::Iptables if config.intel => {
            format!("\t\t{}meta mark set meta mark & {:#010x}\n", answers(device), !bit)
        }
        _ => String::new(),
    }
}

/// The chain on the way to the queue.
pub(super) fn chain(config: &Config) -> String {
    if !config.intel {
        return String::new();
    }
    let sets = [("4", "ipv4_addr"), ("6", "ipv6_addr")].map(|(family, address)| {
        format!(
            "	set asking{family} {{
		type {address}
		flags dynamic,timeout
		timeout 60s
		size {DNS_CLIENTS}
	}}
"
        )
    });
    format!(
        "{sets}	# One client's answers take none of the others' from us.
	chain answers {{
		update @asking4 {{ ip daddr limit rate over {DNS_ANSWERS_OF_CLIENT}/second burst {DNS_ANSWERS_OF_CLIENT} packets }} accept
		update @asking6 {{ ip6 daddr limit rate over {DNS_ANSWERS_OF_CLIENT}/second burst {DNS_ANSWERS_OF_CLIENT} packets }} accept
		limit rate {DNS_ANSWERS_PER_SECOND}/second burst {DNS_ANSWERS_PER_SECOND} packets goto to_queue
		accept
	}}
",
        sets = sets.concat()
    )
}

/// The line for iptables' restore that leads them to the queue.
pub(super) fn iptables(config: &Config) -> String {
    if !config.intel {
        return String::new();
    }
    let (bit, queue) = (config.mark.queue_bit(), config.queue);
    format!(
        "-A minewall -p udp --sport 53 -m mark --mark {bit:#010x}/{bit:#010x} -j NFQUEUE --queue-num {queue} --queue-bypass\n"
    )
}
