//! The rule set: what the kernel is told, generated in one place.
//!
//! Each hook has two base chains of ours, both behind the firewall's own, so that what the firewall drops is never
//! seen. *Watch* decides what is queued, and cuts off what is blocked without the daemon. A packet accepted from a
//! queue resumes at the next base chain: that is *decide*, where the verdict in the packet's mark goes into the
//! kernel's memory of the connection ([`memory`]).
//!
//! | hook | connections | packets |
//! |---|---|---|
//! | forward | of hosts behind the router | both directions |
//! | output, input | the router's own | queries on output, replies on input |
//! | input, output | of hosts to a transparent proxy on the router | both directions |
//!
//! Where the configuration chooses networks, only theirs are watched ([`selection`]).
//!
//! Other connections *to* the router (LuCI, SSH) are never seen. Bridged packets that the kernel shows to these hooks
//! (`bridge-nf-call-iptables`) are forwarded packets as any other.
//!
//! **Queued are, of TCP**: the client's first packet behind the handshake, which says where both streams begin, and
//! payload of connections that are not decided and in which both ends have taken part (`ct status assured`).
//! Connection attempts are not; those to known pools and listed addresses the kernel refuses by itself ([`attempts`]). Benign connections
//! are looked at again by the kernel's count alone ([`limits::SECOND_LOOK_EARLY_BITS`] and its neighbours). Besides
//! TCP, questions to name servers and their answers are queued ([`names`]).
//!
//! With several queues the kernel leads a packet to one of them by a hash of both addresses (`nfqueue_hash`), which is the
//! same for either direction: in these hooks NAT is undone on the side of the client, and done on that of the server, for
//! both.
//!
//! **Failure is open.** Without a daemon the queue is bypassed, and a bypassed packet decides nothing. A daemon that
//! hangs is noticed by the dead man's switch: the way to the queue is open only while elements stand in the set
//! `alive`, which end after [`limits::ALIVE_TIMEOUT_MILLIS`] and which the daemon renews.
//!
//! A firewall that offloads flows would take connections away before any payload: [`offload`] makes its rules wait
//! for the verdict.
//!
//! Loading, reloading and removing the rules never touch what is remembered of connections. Bits in a packet's mark
//! are cleared before it leaves our chains. The daemon's own connections (its probes) carry a mark of ours on their
//! way to `watch`, and pass unwatched.
//!
//! [`limits::SECOND_LOOK_EARLY_BITS`]: crate::limits::SECOND_LOOK_EARLY_BITS
//! [`limits::ALIVE_TIMEOUT_MILLIS`]: crate::limits::ALIVE_TIMEOUT_MILLIS

mod attempts;
mod bits;
mod clients;
mod detect;
pub(crate) mod memory;
mod names;
pub mod offload;
mod script;
mod selection;
mod table;

use core::fmt;
use core::str::FromStr;

pub use attempts::{EMPTY, EMPTY_RESOLVED, Elements, REFUSING_CHAIN};
pub use memory::Memory;

use crate::config::Config;

/// The kernel that the rules are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Way of packets to the queue.
    pub variant: Variant,
    /// Place of verdicts.
    pub memory: Memory,
}

/// The way of packets from the rules to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Queues by nft's own `queue` statement (kmod-nft-queue): text for `nft -f`.
    Nft,
    /// Queues by iptables-nft's NFQUEUE, where the kernel lacks the former (CONFIG_NFT_QUEUE): a script for `sh`.
    Iptables,
}

impl FromStr for Variant {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "nft" => Ok(Variant::Nft),
            "iptables" => Ok(Variant::Iptables),
            _ => Err(UnknownWord("a variant is 'nft' or 'iptables'")),
        }
    }
}

impl FromStr for Memory {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "labels" => Ok(Memory::Labels),
            "mark" => Ok(Memory::Mark),
            _ => Err(UnknownWord("a memory is 'labels' or 'mark'")),
        }
    }
}

/// A word that names no variant or no memory, and those that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord(&'static str);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UnknownWord {}

/// The text that puts the rules of `config` in force for `kernel`, in place of earlier ones in a single transaction.
/// `elements`, a text of [`Elements`], fills the sets of what is refused at the attempt; where the configuration wants no such sets they
/// are left out.
pub fn install(config: &Config, kernel: Kernel, elements: &str) -> String {
    let mut table = table::replace(config, kernel);
    if attempts::is_wanted(config) {
        table += elements;
    }
    match kernel.variant {
        Variant::Nft => table,
        Variant::Iptables => script::install(config, &table),
    }
}

/// The text that removes the rules of every configuration. No error if there are none.
pub fn remove(variant: Variant) -> String {
    match variant {
        Variant::Nft => table::REMOVE.into(),
        Variant::Iptables => script::remove(table::REMOVE),
    }
}
