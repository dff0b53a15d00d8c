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
//! | shown | the client's first packet was queued |
//! | bypassed | benign: only samples are queued |
//! | recalled | a sample has made it undecided again |
//! | bypassed again | benign for good |
//! | blocked | cut off |
//! | own | a probe's |
//! | proxied | a transparent proxy on the router takes it over |
//!
//! *The mark* has three bits for the same states, which other programs may overwrite or compare.
//!
//! What neither can hold is kept in a set of five-tuples, of benign connections only: those that have no room for
//! labels, and with the mark all that are decided while the daemon says that marks get lost.

use super::bits::Bits;
use super::clients::{self, End};
use crate::limits::{DECIDED_CONNECTIONS, DECIDED_OF_CLIENT, DECIDED_SECONDS};
use crate::verdict::FlowMark;

/// Place in which the rules keep what was decided of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In conntrack labels.
    Labels,
    /// In three bits of the conntrack mark.
    Mark,
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
		{synack} ct label set {BEGUN} accept
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
                        let key = format!(
                            "{family} {client}addr . tcp {client}port . {family} {server}addr . tcp {server}port"
                        );
                        format!("\t\tct direction {direction} {}\n", rule(&key, set))
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
            own = share("ct direction original ", End::Sender),
            others = share("ct direction reply ", End::Receiver),
            look_up = each(&|key, set| format!("{key} @decided{set} goto again")),
            remember = each(&|key, set| format!("add @decided{set} {{ {key} }}")),
            forget = each(&|key, set| format!("delete @decided{set} {{ {key} }}")),
        )
    }
}
