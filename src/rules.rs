//! What the kernel is told: the one generator of the rule set.
//!
//! Each hook has two base chains of ours, both before the firewall's own. *Watch* decides what is
//! queued, and cuts off what is blocked without asking us. A packet accepted from a queue resumes
//! at the next base chain: that is *decide*, where the packet mark of the verdict becomes the
//! conntrack mark. Then come the firewall's chains, as if nothing had happened.
//!
//! | hook | who | packets |
//! |---|---|---|
//! | forward | hosts behind the router | both directions |
//! | output | the router's own connections | original direction |
//! | input | the router's own connections | replies |
//!
//! Connection attempts to servers that are known as pools are refused by the kernel alone (`known`).
//! Besides TCP, answers of name servers are queued; see `rules/names.rs`.
//!
//! The daemon's own connections (its probes) carry a mark of ours and pass unwatched.
//!
//! So connections *to* the router (LuCI, SSH) are never seen. Queued are, of TCP: connection
//! attempts, and what carries payload in flows that nothing has been decided of. Flows let go are
//! looked at again ([`limits::SECOND_LOOK_EARLY_BITS`] and its neighbours) by the kernel's count alone.
//!
//! A firewall that offloads flows would take connections away before any payload: [`offload`] makes its
//! rules wait for the mark.
//!
//! The conntrack mark outlives the rule set: loading, reloading and removing it never touch the
//! marks of connections, so what was decided by an earlier daemon stays decided until the
//! connection ends. Without a daemon the queue is bypassed, and a bypassed packet decides nothing.
//!
//! The marks on output make the kernel look up the route again; routing rules that compare the
//! whole mark, with no mask, don't match such packets.
//!
//! [`limits::SECOND_LOOK_EARLY_BITS`]: crate::limits::SECOND_LOOK_EARLY_BITS

mod known;
pub mod offload;
mod names;
mod script;
mod table;

use core::fmt;
use core::str::FromStr;

pub use known::{EMPTY, REFUSING_CHAIN, elements};

use crate::config::Config;

/// How the packets get from the rules to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// By nft's own `queue` statement (kmod-nft-queue): text for `nft -f`.
    Nft,
    /// By iptables-nft's NFQUEUE, where the kernel lacks the former (CONFIG_NFT_QUEUE): a script for `sh`.
    Iptables,
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, UnknownVariant> {
        match text {
            "nft" => Ok(Variant::Nft),
            "iptables" => Ok(Variant::Iptables),
            _ => Err(UnknownVariant),
        }
    }
}

/// The text names no variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVariant;

impl fmt::Display for UnknownVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant is 'nft' or 'iptables'")
    }
}

impl std::error::Error for UnknownVariant {}

/// The text that puts the rules of `config` in force, replacing those of an earlier one in a single
/// transaction.
pub fn install(config: &Config, variant: Variant) -> String {
    install_with(config, variant, "")
}

/// The same, with the sets of known pools filled by `elements`, a text that [`elements`] makes. Where the
/// configuration wants no such sets they are left out.
pub fn install_with(config: &Config, variant: Variant, elements: &str) -> String {
    let mut table = table::replace(config, variant);
    if known::is_wanted(config) {
        table += elements;
    }
    match variant {
        Variant::Nft => table,
        Variant::Iptables => script::install(config, &table),
    }
}

/// The text that removes the rules, whatever their configuration was. No error if there are none.
pub fn remove(variant: Variant) -> String {
    match variant {
        Variant::Nft => table::REMOVE.into(),
        Variant::Iptables => script::remove(table::REMOVE),
    }
}
