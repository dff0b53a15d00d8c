//! The table `inet minewall`, text for `nft -f`.

use super::{Variant, known, names};
use crate::config::{Config, Mode};
use crate::limits::{
    ATTEMPTS_PER_SECOND, SECOND_LOOK_EARLY_BITS, SECOND_LOOK_EARLY_PACKETS, SECOND_LOOK_LATE_BITS,
    SECOND_LOOK_MAX_PACKET_BYTES, SECOND_LOOK_PACKETS_PER_SECOND,
};
use crate::verdict::FlowMark;

/// Removes the table; `delete` alone would fail where there is none.
pub const REMOVE: &str = "table inet minewall\ndelete table inet minewall\n";

/// Sets up the table in place of what it was, as one transaction.
pub fn replace(config: &Config, variant: Variant) -> String {
    let hooks = Hook::ALL.map(|hook| hook.chains(config, variant)).concat();
    let own = own(config);
    let watch = watch(config, variant);
    let ask = ask(config, variant);
    let decide = decide(config, variant);
    let empty = empty();
    let known = known::chains(config, !ours(config, variant));
    let answers = names::chain(config);
    format!("{REMOVE}table inet minewall {{\n{hooks}{own}{watch}{known}{answers}{ask}{empty}{decide}}}\n")
}

/// Where packets are looked at.
#[derive(Clone, Copy)]
enum Hook {
    Forward,
    Output,
    Input,
}

impl Hook {
    const ALL: [Hook; 3] = [Hook::Forward, Hook::Output, Hook::Input];

    /// Its two base chains.
    fn chains(self, config: &Config, variant: Variant) -> String {
        let (hook, device, direction) = match self {
            Hook::Forward => ("forward", "", ""),
            Hook::Output => ("output", "oifname != \"lo\" ", "ct direction original "),
            Hook::Input => ("input", "iifname != \"lo\" ", "ct direction reply "),
        };
        let which = format!("{device}{direction}");
        let (answers, answered) = (names::watch(config, device), names::decide(config, variant, device));
        let own = match self {
            Hook::Output => format!(
                "\t\tmeta l4proto tcp {which}meta mark & {:#010x} == {:#010x} goto own\n",
                config.mark.mask(),
                config.mark.own()
            ),
            Hook::Forward | Hook::Input => String::new(),
        };
        // The queue lies between the two: in nft's case it is the end of the first, in the other the
        // xtables rule at priority mangle.
        let (watch, decide) = match variant {
            Variant::Nft => ("filter - 6", "filter - 4"),
            Variant::Iptables => ("mangle - 10", "mangle + 10"),
        };
        format!(
            "	chain watch_{hook} {{
		type filter hook {hook} priority {watch}; policy accept;
{own}		meta l4proto tcp {which}goto watch
{answers}	}}
	chain decide_{hook} {{
		type filter hook {hook} priority {decide}; policy accept;
		meta l4proto tcp {which}goto decide
{answered}	}}
"
        )
    }
}

/// The daemon's own connections, told by the mark of their sockets: nobody watches its probes. Only what
/// this machine sends can have it here.
fn own(config: &Config) -> String {
    format!(
        "	chain own {{
		ct mark set ct mark & {:#010x} | {:#010x}
		accept
	}}
",
        !config.mark.mask(),
        config.mark.own()
    )
}

/// What is queued, what passes, what is cut off. `accept` ends our chain, not the packet's way.
fn watch(config: &Config, variant: Variant) -> String {
    let mask = config.mark.mask();
    let any = ours(config, variant);
    let others = !any;
    let benign = config.mark.value(FlowMark::Benign);
    let blocked = config.mark.value(FlowMark::Blocked);
    let own = config.mark.own();
    let (blocked_goto, blocked_chain) = match config.mode {
        Mode::Block => (
            format!(", {blocked:#010x} : goto blocked"),
            "	# Without us. A reset may pass: it may be one of ours, and it ends what is to end.
	chain blocked {
		tcp flags & rst == rst accept
		reject with tcp reset
	}
",
        ),
        Mode::Monitor => (String::new(), ""),
    };
    let fresh = if known::is_wanted(config) { "fresh" } else { "attempts" };
    format!(
        "	chain watch {{
		# Whatever these bits said, it was no verdict of ours.
		meta mark & {any:#010x} != 0 meta mark set meta mark & {others:#010x}
		ct state invalid,untracked accept
		ct mark & {mask:#010x} vmap {{ {benign:#010x} : goto again, {own:#010x} : accept{blocked_goto} }}
		tcp flags & (syn | ack) == syn goto {fresh}
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		goto ask
	}}
	# A flood of them is not shown: what comes of it is looked at when it says something.
	chain attempts {{
		limit rate {attempts}/second burst {attempts} packets goto ask
		accept
	}}
	# The second look at what was let go.
	chain again {{
		meta length >= {SECOND_LOOK_MAX_PACKET_BYTES} accept
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		ct packets 1-{early} ct packets & {SECOND_LOOK_EARLY_BITS:#x} == 0 goto ask
		ct packets > {early} ct packets & {SECOND_LOOK_LATE_BITS:#x} == 0 goto ask
		limit rate {rate}/second burst {rate} packets goto ask
		accept
	}}
{blocked_chain}",
        early = SECOND_LOOK_EARLY_PACKETS,
        attempts = ATTEMPTS_PER_SECOND,
        rate = SECOND_LOOK_PACKETS_PER_SECOND,
    )
}

/// The way to the queue.
fn ask(config: &Config, variant: Variant) -> String {
    let statement = match variant {
        Variant::Nft => format!("queue num {} bypass", config.queue),
        Variant::Iptables => format!("meta mark set meta mark | {:#010x} accept", config.mark.queue_bit()),
    };
    format!("	chain ask {{\n\t\t{statement}\n\t}}\n")
}

/// Packets without payload pass: one rule for each length of the TCP header (RFC 9293 section 3.1,
/// 5 to 15 words), the usual ones first. IPv4 options and IPv6 extension headers make such a packet
/// longer, and it is queued.
fn empty() -> String {
    // Timestamps; none; timestamps and one SACK block; SYN/ACK with everything.
    const USUAL_FIRST: [u32; 11] = [8, 5, 11, 10, 6, 7, 9, 12, 13, 14, 15];
    let rules = |length: &str, ip_header: u32| -> String {
        let rule = |words| format!("\t\ttcp doff {words} {length} {} accept\n", ip_header + 4 * words);
        USUAL_FIRST.map(rule).concat()
    };
    format!(
        "	chain empty4 {{\n{}	}}\n	chain empty6 {{\n{}	}}\n",
        rules("ip length", 20),
        rules("ip6 length", 0)
    )
}

/// The verdict's mark goes into the connection's and out of the packet's, so that nobody behind us
/// sees it. What is blocked stays blocked.
fn decide(config: &Config, variant: Variant) -> String {
    let mask = config.mark.mask();
    let any = ours(config, variant);
    let (keep, others) = (!mask, !any);
    let [undecided, benign, blocked] =
        [FlowMark::Undecided, FlowMark::Benign, FlowMark::Blocked].map(|mark| config.mark.value(mark));
    let (already, verdict, chain) = match config.mode {
        Mode::Block => (
            format!("\t\tct mark & {mask:#010x} == {blocked:#010x} goto block\n"),
            format!(", {blocked:#010x} : goto block"),
            // The daemon turns the packet that it cuts off into a reset to its receiver.
            format!(
                "	chain block {{
		ct mark set ct mark & {keep:#010x} | {blocked:#010x}
		meta mark set meta mark & {others:#010x}
		goto blocked
	}}
"
            ),
        ),
        Mode::Monitor => Default::default(),
    };
    let unheard = if known::is_wanted(config) {
        format!("\t\ttcp flags & (syn | ack) == syn meta mark & {mask:#010x} == 0 goto unheard\n")
    } else {
        String::new()
    };
    format!(
        "	chain decide {{
{unheard}		meta mark & {any:#010x} == 0 accept
{already}		meta mark & {mask:#010x} vmap {{ {undecided:#010x} : jump undecided, {benign:#010x} : jump benign{verdict} }}
		meta mark set meta mark & {others:#010x}
	}}
	chain undecided {{
		ct mark set ct mark & {keep:#010x} | {undecided:#010x}
	}}
	chain benign {{
		ct mark set ct mark & {keep:#010x} | {benign:#010x}
	}}
{chain}"
    )
}

/// Every bit of the packet mark that is ours: the verdict's three, and the way to the queue.
fn ours(config: &Config, variant: Variant) -> u32 {
    match variant {
        Variant::Nft => config.mark.mask(),
        Variant::Iptables => config.mark.mask() | config.mark.queue_bit(),
    }
}
