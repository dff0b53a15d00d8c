//! Limits that each client has to itself. A client is told as [`ClientId`] tells it: by its hardware address where the
//! packet has one, else by its IPv4 address or its IPv6 network.
//!
//! [`ClientId`]: crate::net::client_id::ClientId

use crate::limits::COUNTED_CLIENTS;

/// The end of a packet that is the client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientSide {
    Sender,
    /// Its hardware address is not in the packet.
    Receiver,
}

/// The sets of the clients that are counted as `name`; one is forgotten after so many seconds without a packet.
pub(super) fn sets(name: &str, seconds: u32) -> String {
    [("_cards", "ether_addr"), ("4", "ipv4_addr"), ("6", "ipv6_addr")]
        .map(|(suffix, kind)| {
            format!(
                "	set {name}{suffix} {{
		type {kind}
		flags dynamic,timeout
		timeout {seconds}s
		size {COUNTED_CLIENTS}
	}}
"
            )
        })
        .concat()
}

/// Rules that do `then` with each packet of `those` whose client is over `rate`, `number/second` with a burst of
/// `burst` packets. The router's own packets are of no client.
pub(super) fn over(
    name: &str,
    those: &str,
    end: ClientSide,
    (rate, burst): (&str, u32),
    then: &str,
) -> String {
    let limit = format!("limit rate over {rate} burst {burst} packets");
    let (card, other, addr) = match end {
        ClientSide::Sender => (
            format!("\t\t{those}meta iiftype ether update @{name}_cards {{ ether saddr {limit} }} {then}\n"),
            "meta iiftype != ether ",
            "saddr",
        ),
        ClientSide::Receiver => (String::new(), "", "daddr"),
    };
    let network = "ffff:ffff:ffff:ffff::";
    format!(
        "{card}		{those}{other}update @{name}4 {{ ip {addr} {limit} }} {then}
		{those}{other}update @{name}6 {{ ip6 {addr} & {network} {limit} }} {then}
"
    )
}

/// Rules that do `then` with at most `number` packets a second, and `otherwise` with the others. Hosts with a hardware
/// address have a limit to themselves, so that no crowd without any displaces them.
pub(super) fn limited(number: u32, then: &str, otherwise: &str) -> String {
    let limit = format!("limit rate {number}/second burst {number} packets {then}");
    format!(
        "\t\tmeta iiftype ether {limit}\n\t\tmeta iiftype ether {otherwise}\n\t\t{limit}\n\t\t{otherwise}\n"
    )
}
