//! The table `inet minewall`, text for `nft -f`.

use super::bits::Bits;
use super::clients::{self, ClientSide};
use super::memory::FirstBytes;
use super::{Kernel, Variant, attempts, names, selection};
use crate::config::{Config, Mode};
use crate::limits::{
    ALIVE_TIMEOUT_MILLIS, FAST_OPEN_OF_CLIENT, FAST_OPEN_PER_SECOND, SECOND_LOOK_EARLY_BITS,
    SECOND_LOOK_EARLY_PACKETS, SECOND_LOOK_LATE_BITS, SECOND_LOOK_MAX_PACKET_BYTES, SECOND_LOOK_OF_CLIENT,
    SECOND_LOOK_PACKETS_PER_SECOND, SYN_RECEIVED_SECONDS,
};
use crate::verdict::{FlowMark, Reason};

/// Removes the table; `delete` alone would fail where there is none.
pub(super) const REMOVE: &str = "table inet minewall\ndelete table inet minewall\n";

/// Sets up the table in place of an earlier one, as one transaction.
pub(super) fn replace(config: &Config, kernel: Kernel) -> String {
    let bits = Bits::new(config, kernel.variant);
    let blocks = config.mode == Mode::Block;
    let parts = [
        switches(),
        Hook::ALL.map(|hook| hook.chains(config, kernel)).concat(),
        own(kernel, &bits),
        local(kernel, &bits),
        selection::chain(config, kernel.memory, &bits),
        watch(kernel, &bits, blocks),
        fresh(config, &bits),
        kernel.memory.tuples(),
        again(&bits),
        attempts::chains(config, &bits),
        names::chain(config),
        to_queue(config, &bits),
        empty(),
        decide(config, kernel, &bits),
    ];
    format!("{REMOVE}table inet minewall {{\n{}}}\n", parts.concat())
}

/// The dead man's switch: nothing is queued but while the daemon keeps the elements of `alive` standing. They
/// are here from the beginning, so that a reload leaves no gap. `conflict` holds elements while the daemon sees
/// connections come back that are decided.
fn switches() -> String {
    format!(
        "	set alive {{
		type inet_proto
		flags timeout
		timeout {ALIVE_TIMEOUT_MILLIS}ms
		elements = {{ tcp, udp }}
	}}
	set conflict {{
		type inet_proto
		flags timeout
		timeout 1h
	}}
"
    )
}

/// The hooks at which packets are looked at.
#[derive(Clone, Copy)]
enum Hook {
    Forward,
    Output,
    Input,
}

impl Hook {
    const ALL: [Hook; 3] = [Hook::Forward, Hook::Output, Hook::Input];

    /// The two base chains of the hook.
    fn chains(self, config: &Config, kernel: Kernel) -> String {
        let bits = Bits::new(config, kernel.variant);
        let is_selective = selection::is_wanted(config);
        let (hook, kind, device) = match self {
            Hook::Forward => ("forward", "filter", ""),
            // A change of the mark makes the kernel look up the route again, here as behind the queue: once the
            // mark is its own again, the packet takes the way that it would have taken.
            Hook::Output => ("output", "route", "oifname != \"lo\" "),
            Hook::Input => ("input", "filter", "iifname != \"lo\" "),
        };
        let tcp = format!("meta l4proto tcp {device}");
        let watch = match self {
            Hook::Forward if is_selective => selection::forward(config),
            Hook::Output if is_selective => selection::output(config),
            Hook::Input if is_selective => selection::input(config),
            Hook::Forward => format!("\t\t{tcp}goto watch\n"),
            Hook::Output => {
                let (mask, own) = (bits.mask(), bits.at.own());
                format!(
                    "\t\t{tcp}meta mark & {mask:#010x} == {own:#010x} goto own
		{tcp}ct direction original goto watch
		{tcp}goto local
"
                )
            }
            Hook::Input => format!("\t\t{tcp}ct direction reply goto watch\n\t\t{tcp}goto local\n"),
        };
        let decide = decide_priority(kernel.variant);
        let answers = if is_selective { String::new() } else { names::watch(config, device) };
        let answered = names::decide(config, kernel.variant, device);
        format!(
            "	chain watch_{hook} {{
		type filter hook {hook} priority {WATCH}; policy accept;
{watch}{answers}	}}
	chain decide_{hook} {{
		type {kind} hook {hook} priority {decide}; policy accept;
		{tcp}goto decide
{answered}	}}
"
        )
    }
}

/// Behind the firewall's own chains, at `filter` (0), so that what they drop is never seen.
const WATCH: &str = "security - 10";

/// Behind the queue, which is the end of the chains at [`WATCH`], or the table `security` of iptables: at priority 50
/// by the kernel's name for it, at 150 as iptables-nft makes it.
fn decide_priority(variant: Variant) -> &'static str {
    match variant {
        Variant::Nft => "security + 10",
        Variant::Iptables => "security + 110",
    }
}

/// The daemon's own connections, told by the mark of their sockets.
fn own(kernel: Kernel, bits: &Bits) -> String {
    format!("	chain own {{\n\t\t{}\n\t\taccept\n	}}\n", kernel.memory.set_own(bits))
}

/// Connections that end on the router. Its own services are not watched; what a transparent proxy takes over is:
/// by REDIRECT a connection has another destination than its client named, by TPROXY one that is no address of
/// the router's.
fn local(kernel: Kernel, bits: &Bits) -> String {
    let (set, is) = (kernel.memory.set_proxied(bits), kernel.memory.is_proxied(bits));
    format!(
        "	chain local {{
		ct state new ct direction original goto local_new
		{is} goto watch
		accept
	}}
	chain local_new {{
		ct status dnat {set} accept
		fib daddr type != local {set} accept
		accept
	}}
"
    )
}

/// Leads a packet to the chain of its connection's state. `accept` ends our chain, not the packet's way.
fn watch(kernel: Kernel, bits: &Bits, blocks: bool) -> String {
    let dispatch = kernel.memory.dispatch(bits, blocks);
    let shown = kernel.memory.set_shown(bits);
    let start = bits.set_reason(Reason::Start);
    let unfinished = if blocks { "drop" } else { "accept" };
    let FirstBytes { check, ended, forget, chains } = kernel.memory.first_bytes(unfinished);
    let blocked = if blocks {
        "	# A reset may pass: it may be one of ours, and it ends what is to end.
	chain blocked {
		tcp flags & rst == rst accept
		reject with tcp reset
	}
"
    } else {
        ""
    };
    format!(
        "	chain watch {{
		# These bits are ours between the hooks only.
		meta mark & {any:#010x} != 0 {clear}
		ct state untracked accept
		ct state invalid goto midway
{dispatch}	}}
	# The client's first packet behind its answered SYN, mostly without payload: it says where both streams begin.
	chain start {{
		tcp flags & (syn | rst) != 0 accept
{check}		ct status assured goto first
		# A client that ends its side with its first packet never makes a connection assured. Its state has a longer
		# time then than one whose handshake is not finished.
		tcp flags & fin == fin ct expiration > {SYN_RECEIVED_SECONDS}s goto first
{ended}		# It acknowledges what the server has not said, which the kernel tells from an old packet for half of all numbers,
		# or comes behind a reset: no server takes it, and its sender may be another host.
		meta l4proto @alive {unfinished}
	}}
	chain first {{
{forget}		{shown} {start} goto to_queue
	}}
{chains}	# Both ends have taken part: nothing else is evidence.
	chain payload {{
		ct status assured goto shown
	}}
	chain shown {{
		# An urgent byte is left out by most receivers, so the daemon makes it one as any other.
		tcp flags & urg == urg goto to_queue
		# What the server has, which an upload's server says without payload.
		ct direction reply tcp flags & (fin | syn | rst | ack) == ack goto to_queue
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		goto to_queue
	}}
{blocked}",
        any = bits.any(),
        clear = bits.clear_packet(),
    )
}

/// Connection attempts are not queued, but for those with data and some to known pools.
fn fresh(config: &Config, bits: &Bits) -> String {
    let known = attempts::dispatch(config);
    let flood = match config.mode {
        Mode::Block => "\t\t# The client comes again without the data.\n\t\tmeta l4proto @alive drop\n",
        Mode::Monitor => "",
    };
    let rate = (&format!("{FAST_OPEN_OF_CLIENT}/second")[..], FAST_OPEN_OF_CLIENT);
    let of_client = |then| clients::over("opening", "", ClientSide::Sender, rate, then);
    format!(
        "{sets}	chain fresh {{
		tcp flags & (syn | ack) != syn goto midway
{known}		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		# Data in a SYN, which the daemon takes off.
{of_first}{limit}	}}
	chain opened_enough {{
{flood}	}}
	# No connection yet, or no packet of it, unless the daemon remembers one of which the kernel was misled: made to
	# forget it by a forged end, or to take its window for a smaller one.
	chain midway {{
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
{midway}	}}
	chain attempt {{
		{reason}
		goto to_queue
	}}
",
        sets = clients::sets("opening", 60),
        of_first = of_client("goto opened_enough"),
        limit = clients::limited(FAST_OPEN_PER_SECOND, "goto to_queue", "goto opened_enough"),
        midway = of_client("accept") + &clients::limited(FAST_OPEN_PER_SECOND, "goto attempt", "accept"),
        reason = bits.set_reason(Reason::Attempt),
    )
}

/// The second look at benign connections. What is looked at beyond the kernel's count is divided by client, and each
/// direction has its own: the hardware address, which tells hosts of one network apart, is in what a client sends.
fn again(bits: &Bits) -> String {
    let reason = bits.set_reason(Reason::Again);
    let rate = (&format!("{SECOND_LOOK_OF_CLIENT}/second")[..], SECOND_LOOK_OF_CLIENT);
    let share = |those: &str, end| clients::over("looked", those, end, rate, "accept");
    format!(
        "{sets}	# The second look at what bypasses the queue.
	chain again {{
		meta length >= {SECOND_LOOK_MAX_PACKET_BYTES} accept
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		ct packets 1-{early} ct packets & {SECOND_LOOK_EARLY_BITS:#x} == 0 goto look
		ct packets > {early} ct packets & {SECOND_LOOK_LATE_BITS:#x} == 0 goto look
{sent}{received}		ct direction reply limit rate {all}/second burst {all} packets goto look
		ct direction reply accept
{limit}	}}
	chain look {{
		{reason}
		goto to_queue
	}}
",
        sets = clients::sets("looked", 60),
        early = SECOND_LOOK_EARLY_PACKETS,
        sent = share("ct direction original ", ClientSide::Sender),
        received = share("ct direction reply ", ClientSide::Receiver),
        all = SECOND_LOOK_PACKETS_PER_SECOND,
        limit = clients::limited(SECOND_LOOK_PACKETS_PER_SECOND, "goto look", "accept"),
    )
}

/// The way to the queue, which is closed while the daemon does not say that it lives.
fn to_queue(config: &Config, bits: &Bits) -> String {
    format!("	chain to_queue {{\n\t\tmeta l4proto @alive {}\n\t}}\n", bits.queue(&config.queue_numbers()))
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

/// The verdict goes from the packet's mark into the kernel's memory of the connection. A reason that comes back
/// instead of a verdict, from a bypassed queue, decides nothing.
fn decide(config: &Config, kernel: Kernel, bits: &Bits) -> String {
    let blocks = config.mode == Mode::Block;
    let mask = bits.mask();
    let [undecided, benign, blocked] =
        [FlowMark::Undecided, FlowMark::Benign, FlowMark::Blocked].map(|mark| bits.at.value(mark));
    let (already, block) = if blocks {
        (
            format!("\t\t{} goto block\n", kernel.memory.is_blocked(bits)),
            format!(", {blocked:#010x} : goto block"),
        )
    } else {
        Default::default()
    };
    let unanswered = attempts::unanswered(config, bits);
    format!(
        "	chain decide {{
		meta mark & {any:#010x} == 0 accept
{already}		meta mark & {mask:#010x} vmap {{ {undecided:#010x} : goto undecided, {benign:#010x} : goto benign{block}{unanswered} }}
		{clear}
	}}
{chains}",
        any = bits.any(),
        clear = bits.clear_packet(),
        chains = kernel.memory.verdict_chains(bits, blocks),
    )
}
