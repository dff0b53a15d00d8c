//! The kernel's memory of a connection: where the rules keep what was decided.
//!
//! *Labels* are 128 bits beside the mark that hardly any other program uses. Rules can set a label but not clear
//! it, so that the states follow one another and the latest in the list below decides. Some kernels have no
//! labels (`CONFIG_NF_CONNTRACK_LABELS`), and a connection that began before the first rule with a label was
//! loaded has no room for one.
//!
//! | label | state |
//! |---|---|
//! | begun | the SYN was answered |
//! | expected | the set of first bytes has what the server expects of the client |
//! | shown | the client's first packet was queued |
//! | bypassed | benign: only samples are queued |
//! | recalled | a sample has made it undecided again |
//! | bypassed again | benign for good |
//! | ended | its client has ended its side before its first byte came |
//! | blocked | cut off |
//! | own | a probe's |
//! | proxied | a transparent proxy on the router takes it over |
//!
//! *The mark* has three bits for the same states, which other programs may overwrite or compare.
//!
//! What neither can hold is kept in a set of five-tuples, of benign connections only: those that have no room for
//! labels, and with the mark all that are decided while the daemon says that marks get lost.

use super::bits::Bits;
use super::clients::{self, ClientSide};
use crate::limits::{
    DECIDED_CONNECTIONS, DECIDED_OF_CLIENT, DECIDED_SECONDS, HANDSHAKE_SECONDS, HANDSHAKES,
    SYN_RECEIVED_SECONDS,
};
use crate::verdict::FlowMark;

/// Place in which the rules keep what was decided of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In conntrack labels.
    Labels,
    /// In three bits of the conntrack mark.
    Mark,
}

/// Text for the check of the client's first byte.
#[derive(Debug, Default)]
pub struct FirstBytes {
    /// The rule that compares a packet with what its server expects.
    pub check: String,
    /// A test for connections whose handshake is over by an end that came first.
    pub ended: String,
    /// Rules that forget what is expected.
    pub forget: String,
    /// Sets and chains.
    pub chains: String,
}

// Numbers of our labels (0 to 127).
const PROXIED: u8 = 118;
const OWN: u8 = 119;
const BEGUN: u8 = 120;
const SHOWN: u8 = 121;
const BYPASSED: u8 = 122;
const RECALLED: u8 = 123;
const BYPASSED_AGAIN: u8 = 124;
const BLOCKED: u8 = 125;
const EXPECTED: u8 = 126;
const ENDED: u8 = 127;

/// The key of a connection in a set, from a packet in which the client is the source (`client` is `s`, `server` is `d`), or
/// the destination (the other way round).
fn tuple(family: &str, client: &str, server: &str) -> String {
    format!("{family} {client}addr . tcp {client}port . {family} {server}addr . tcp {server}port")
}

/// The set `name` of handshakes that are not over.
fn handshakes(name: &str, key: &str) -> String {
    format!(
        "	set {name} {{
		typeof {key}
		flags dynamic,timeout
		timeout {HANDSHAKE_SECONDS}s
		size {HANDSHAKES}
	}}
"
    )
}

impl Memory {
    /// Statements that note a connection as a probe's.
    pub fn set_own(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label set {OWN}"),
            Memory::Mark => bits.set_connection(bits.at.own()),
        }
    }

    /// Statements that note a connection as taken over by a proxy on the router.
    pub fn set_proxied(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label set {PROXIED}"),
            Memory::Mark => bits.set_connection(bits.at.proxied()),
        }
    }

    /// Statements that let a connection of a network that is not watched be offloaded, as a benign one.
    pub fn set_unwatched(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label set {BYPASSED}"),
            Memory::Mark => bits.set_connection(bits.at.value(FlowMark::Benign)),
        }
    }

    /// A test for connections that a proxy on the router has taken over. With the mark those that are decided
    /// have another value, and the router's own services none.
    pub fn is_proxied(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label {PROXIED}"),
            Memory::Mark => format!("ct mark & {:#010x} != 0", bits.mask()),
        }
    }

    /// Statements that note that the client's first packet is on its way to the queue.
    pub fn set_shown(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label set {SHOWN}"),
            Memory::Mark => bits.set_connection(bits.at.value(FlowMark::Undecided)),
        }
    }

    /// The rules of chain `watch` that lead each state to its chain. Those of new connections go to `fresh`.
    pub fn dispatch(self, bits: &Bits, blocks: bool) -> String {
        let synack = "tcp flags & (syn | ack) == syn | ack meta l4proto @alive";
        match self {
            Memory::Labels => {
                let blocked =
                    if blocks { format!("\t\tct label {BLOCKED} goto blocked\n") } else { String::new() };
                format!(
                    "{blocked}		ct label {OWN} accept
		ct state new goto fresh
		ct label {BYPASSED_AGAIN} goto again
		ct label {RECALLED} goto shown
		ct label {BYPASSED} goto again
		ct label {SHOWN} goto shown
		{synack} goto answered
		ct label {BEGUN} ct direction original goto start
		# Older than the first rule with a label, or joined midway.
		goto tuples
"
                )
            }
            Memory::Mark => {
                let at = bits.at;
                let mask = bits.mask();
                let [undecided, benign, blocked] =
                    [FlowMark::Undecided, FlowMark::Benign, FlowMark::Blocked].map(|mark| at.value(mark));
                let blocked =
                    if blocks { format!(", {blocked:#010x} : goto blocked") } else { String::new() };
                format!(
                    "		ct mark & {mask:#010x} vmap {{ {benign:#010x} : goto again, {undecided:#010x} : goto known_undecided, {own:#010x} : accept{blocked} }}
		ct state new goto fresh
		{synack} {begin} accept
		ct mark & {mask:#010x} == {begun:#010x} ct direction original goto start
		# Where marks get lost, the first packet behind the handshake is told by its number.
		meta l4proto @conflict ct direction original ct original packets 2 ct reply packets 1 goto start
		meta l4proto @conflict goto tuples
		goto payload
",
                    own = at.own(),
                    begin = bits.set_connection(at.begun()),
                    begun = at.begun(),
                )
            }
        }
    }

    /// The check of the client's first byte in chain `start`, and what it needs. A client may end its handshake with any
    /// number in its window, and so have the daemon begin to read where its server does not. The server's answer to the
    /// SYN says which byte it expects; where that can't be kept (no labels, or too many handshakes at a time) the client is
    /// believed. What does not begin there comes again behind what does; `then` is done with it.
    pub fn first_bytes(self, then: &str) -> FirstBytes {
        if self == Memory::Mark {
            return FirstBytes::default();
        }
        let families = [("ip", "4"), ("ip6", "6")];
        let each = |line: &dyn Fn(&str, &str) -> String| families.map(|(ip, set)| line(ip, set)).concat();
        let key = |ip: &str| format!("{} . tcp sequence", tuple(ip, "s", "d"));
        let sets = each(&|ip, set| {
            handshakes(&format!("answered{set}"), &tuple(ip, "s", "d"))
                + &handshakes(&format!("expected{set}"), &key(ip))
        });
        // A full set ends the rule.
        let add = each(&|ip, set| {
            let key = tuple(ip, "d", "s");
            format!(
                "\t\tct direction reply update @answered{set} {{ {key} }} update @expected{set} {{ {key} . tcp ackseq }} ct label set {EXPECTED}\n"
            )
        });
        let is_answered =
            each(&|ip, set| format!("\t\t{} @answered{set} goto unexpected\n", tuple(ip, "s", "d")));
        let look_up = each(&|ip, set| format!("\t\t{} @expected{set} return\n", key(ip)));
        let forget = each(&|ip, set| {
            let tuple = tuple(ip, "s", "d");
            format!("\t\tdelete @expected{set} {{ {} }}\n\t\tdelete @answered{set} {{ {tuple} }}\n", key(ip))
        });
        let chains = format!(
            "{sets}	# What servers had said before these rules were loaded is not known; who is believed then is read as
	# one that is joined midway.
	set loaded {{
		type inet_proto
		flags timeout
		timeout {HANDSHAKE_SECONDS}s
		elements = {{ tcp }}
	}}
	# The server says which byte it expects.
	chain answered {{
{add}		ct label set {BEGUN} accept
	}}
	chain unless_expected {{
{look_up}{is_answered}		meta l4proto @loaded ct status assured ct label set {SHOWN} goto shown
		goto unexpected
	}}
	chain unexpected {{
		# The end of its side came before its first byte, which comes again.
		tcp flags & fin == fin ct expiration > {SYN_RECEIVED_SECONDS}s ct label set {ENDED}
		meta nfproto vmap {{ ipv4 : jump empty4, ipv6 : jump empty6 }}
		meta l4proto @alive {then}
	}}
"
        );
        let check = format!("\t\tct label {EXPECTED} jump unless_expected\n");
        FirstBytes { check, ended: format!("\t\tct label {ENDED} goto first\n"), forget, chains }
    }

    /// The chains that change the state by the daemon's verdict: `undecided`, `benign`, and `block` where `blocks`.
    /// Each begins by clearing our bits of the packet's mark.
    pub fn verdict_chains(self, bits: &Bits, blocks: bool) -> String {
        let clear = bits.clear_packet();
        let (undecided, benign, block) = match self {
            Memory::Labels => (
                format!(
                    "\t\tct label {BYPASSED} ct label set {RECALLED} accept\n\t\tct label {SHOWN} accept\n\t\tgoto forget\n"
                ),
                format!(
                    "\t\tct label {RECALLED} ct label set {BYPASSED_AGAIN} accept\n\t\tct label set {BYPASSED}\n\t\tct label {BYPASSED} accept\n\t\tgoto remember\n"
                ),
                format!("ct label set {BLOCKED}"),
            ),
            Memory::Mark => {
                let [undecided, benign, blocked] = [FlowMark::Undecided, FlowMark::Benign, FlowMark::Blocked]
                    .map(|mark| bits.set_connection(bits.at.value(mark)));
                (
                    // A SYN whose data was taken off is answered yet.
                    format!(
                        "\t\tct state new accept\n\t\t{undecided}\n\t\tmeta l4proto @conflict goto forget\n"
                    ),
                    format!("\t\t{benign}\n\t\tmeta l4proto @conflict goto remember\n"),
                    blocked,
                )
            }
        };
        let block = if blocks {
            format!("	chain block {{\n\t\t{clear}\n\t\t{block}\n\t\tgoto blocked\n	}}\n")
        } else {
            String::new()
        };
        format!(
            "	chain undecided {{\n\t\t{clear}\n{undecided}	}}\n	chain benign {{\n\t\t{clear}\n{benign}	}}\n{block}"
        )
    }

    /// A test for what is blocked already: a packet that was in the queue together with the proof changes nothing.
    pub fn is_blocked(self, bits: &Bits) -> String {
        match self {
            Memory::Labels => format!("ct label {BLOCKED}"),
            Memory::Mark => {
                format!("ct mark & {:#010x} == {:#010x}", bits.mask(), bits.at.value(FlowMark::Blocked))
            }
        }
    }

    /// Tests for connections that a firewall may offload, each good enough.
    pub fn offloadable(self, bits: &Bits) -> Vec<String> {
        match self {
            Memory::Labels => vec![
                format!("ct label & ({BYPASSED} | {RECALLED}) == {BYPASSED}"),
                format!("ct label {BYPASSED_AGAIN}"),
            ],
            Memory::Mark => {
                vec![format!("ct mark & {:#010x} == {:#010x}", bits.mask(), bits.at.value(FlowMark::Benign))]
            }
        }
    }

    /// The set of five-tuples and the chains around it: `tuples` looks up, `remember` and `forget` change it. In
    /// these hooks both directions show the client's address as it is at home and the server's own.
    pub fn tuples(self) -> String {
        let sets = [("4", "ipv4_addr"), ("6", "ipv6_addr")].map(|(family, address)| {
            format!(
                "	set decided{family} {{
		type {address} . inet_service . {address} . inet_service
		flags dynamic,timeout
		timeout {DECIDED_SECONDS}s
		size {DECIDED_CONNECTIONS}
	}}
"
            )
        });
        let directions = [("original", "s", "d"), ("reply", "d", "s")];
        let each = |rule: &dyn Fn(&str, &str) -> String| -> String {
            directions
                .iter()
                .flat_map(|(direction, client, server)| {
                    [("ip", "4"), ("ip6", "6")].map(|(family, set)| {
                        format!(
                            "\t\tct direction {direction} {}\n",
                            rule(&tuple(family, client, server), set)
                        )
                    })
                })
                .collect()
        };
        let known = match self {
            Memory::Labels => String::new(),
            // The set is looked at only while marks get lost.
            Memory::Mark => {
                "	chain known_undecided {\n\t\tmeta l4proto @conflict goto tuples\n\t\tgoto shown\n	}\n"
                    .into()
            }
        };
        let rate = (&format!("{DECIDED_OF_CLIENT}/hour")[..], DECIDED_OF_CLIENT);
        let share = |those: &str, end| clients::over("deciding", those, end, rate, "accept");
        format!(
            "{sets}{counted}{known}	chain tuples {{
{look_up}		goto payload
	}}
	chain remember {{
{known_already}		# What a client has beyond its share is inspected for as long as it lasts.
{own}{others}{remember}	}}
	chain forget {{
{forget}	}}
",
            sets = sets.concat(),
            counted = clients::sets("deciding", DECIDED_SECONDS),
            known_already = each(&|key, set| format!("{key} @decided{set} accept")),
            own = share("ct direction original ", ClientSide::Sender),
            others = share("ct direction reply ", ClientSide::Receiver),
            look_up = each(&|key, set| format!("{key} @decided{set} goto again")),
            remember = each(&|key, set| format!("add @decided{set} {{ {key} }}")),
            forget = each(&|key, set| format!("delete @decided{set} {{ {key} }}")),
        )
    }
}
