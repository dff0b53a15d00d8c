//! Rules where only chosen networks are watched: what enters or leaves by their devices, and what their hosts send to a
//! transparent proxy on the router. The router's own connections belong to none of them.

use super::bits::Bits;
use super::memory::Memory;
use super::names;
use crate::config::Config;

/// Whether networks are chosen.
pub(super) fn is_wanted(config: &Config) -> bool {
    config.watched().next().is_some()
}

/// Rules of the forward hook: packets of either direction, questions to name servers and their answers. Connections of other networks
/// are remembered as benign, so that a firewall may offload them.
pub(super) fn forward(config: &Config) -> String {
    let Some(devices) = devices(config) else { return UNWATCHED.into() };
    format!(
        "		meta l4proto tcp iifname {devices} goto watch
		meta l4proto tcp oifname {devices} goto watch
{answers}{questions}{UNWATCHED}",
        answers = names::watch_answers(config, &format!("oifname {devices} ")),
        questions = names::watch_questions(config, &format!("iifname {devices} "))
    )
}

/// Rules of the input hook: what hosts send to a transparent proxy, and ask the router's own resolver.
pub(super) fn input(config: &Config) -> String {
    let Some(devices) = devices(config) else { return String::new() };
    format!(
        "\t\tmeta l4proto tcp iifname {devices} ct direction original goto local\n{}",
        names::watch_questions(config, &format!("iifname {devices} "))
    )
}

/// Rules of the output hook: the proxy's replies, and answers of the router's own resolver.
pub(super) fn output(config: &Config) -> String {
    let Some(devices) = devices(config) else { return String::new() };
    format!(
        "\t\tmeta l4proto tcp oifname {devices} ct direction reply goto local\n{}",
        names::watch_answers(config, &format!("oifname {devices} "))
    )
}

/// The chain for what is not watched.
pub(super) fn chain(config: &Config, memory: Memory, bits: &Bits) -> String {
    if !is_wanted(config) {
        return String::new();
    }
    format!("	chain unwatched {{\n\t\t{}\n	}}\n", memory.set_unwatched(bits))
}

const UNWATCHED: &str = "\t\tmeta l4proto tcp goto unwatched\n";

/// The devices as a set of nft's; none where the chosen zones have none now.
fn devices(config: &Config) -> Option<String> {
    let names: Vec<String> = config.watch_interfaces.iter().map(|name| format!("\"{name}\"")).collect();
    (!names.is_empty()).then(|| format!("{{ {} }}", names.join(", ")))
}
