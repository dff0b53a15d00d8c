//! Questions to name servers and their answers: of clients to servers beyond the router (forward), of clients to the
//! router's own resolver and back (input, output), and of that to others (output, input).
//!
//! Answers are queued where conntrack knows of a question, and believed where the daemon has seen the same question:
//! a sender that guesses the port of a question would have to guess the rest of it, too. They get no mark and no
//! verdict. A flood of them passes unread. Over TCP they are payload as any other, except those of the router's own
//! resolver: connections to the router are not watched.

use super::Variant;
use super::clients::{self, ClientSide};
use super::script::xtables_queue;
use crate::config::Config;
use crate::limits::{DNS_OF_CLIENT, DNS_PER_SECOND};

/// Answers; `device` leaves those of other devices out.
fn answers(device: &str) -> String {
    format!("meta l4proto udp {device}udp sport 53 ct direction reply ")
}

/// Questions, in the same way.
fn questions(device: &str) -> String {
    format!("meta l4proto udp {device}udp dport 53 ct direction original ")
}

/// The rules of a hook's first chain.
pub(super) fn watch(config: &Config, device: &str) -> String {
    watch_answers(config, device) + &watch_questions(config, device)
}

/// Those for answers alone.
pub(super) fn watch_answers(config: &Config, device: &str) -> String {
    if config.intel { format!("\t\t{}goto answers\n", answers(device)) } else { String::new() }
}

/// Those for questions alone.
pub(super) fn watch_questions(config: &Config, device: &str) -> String {
    if config.intel { format!("\t\t{}goto questions\n", questions(device)) } else { String::new() }
}

/// The rules of a hook's second chain: the iptables variant leaves a bit in the mark.
pub(super) fn decide(config: &Config, variant: Variant, device: &str) -> String {
    let bit = config.mark.queue_bit();
    match variant {
        Variant::Iptables if config.intel => [answers(device), questions(device)]
            .map(|each| format!("\t\t{each}meta mark set meta mark & {:#010x}\n", !bit))
            .concat(),
        _ => String::new(),
    }
}

/// The chains on the way to the queue. One client's messages take none of the others' from us.
pub(super) fn chain(config: &Config) -> String {
    if !config.intel {
        return String::new();
    }
    let rate = (&format!("{DNS_OF_CLIENT}/second")[..], DNS_OF_CLIENT);
    [("answers", ClientSide::Receiver), ("questions", ClientSide::Sender)]
        .map(|(name, end)| {
            format!(
                "{sets}	chain {name} {{
{over}{limit}	}}
",
                sets = clients::sets(name, 60),
                over = clients::over(name, "", end, rate, "accept"),
                limit = clients::limited(DNS_PER_SECOND, "goto to_queue", "accept"),
            )
        })
        .concat()
}

/// The line for iptables' restore that leads them to the queue.
pub(super) fn iptables(config: &Config) -> String {
    if !config.intel {
        return String::new();
    }
    let (bit, queue) = (config.mark.queue_bit(), xtables_queue(&config.queue_numbers()));
    format!("-A minewall -p udp -m mark --mark {bit:#010x}/{bit:#010x} -j NFQUEUE {queue}\n")
}
