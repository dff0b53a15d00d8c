//! Flow offload that waits for the verdict.
//!
//! A rule like firewall4's `meta l4proto { tcp, udp } flow add @ft` takes a TCP connection off the forward hook with
//! its third packet, before any payload. Such rules are found in the output of `nft -a list`, and each becomes two or
//! three: for TCP that the kernel remembers as benign, and for everything else, as before. A reload of the firewall
//! makes the rule anew as it was, so this has to be done again after each.
//!
//! A flowtable is known in its own table only, so a table of ours can't hold these rules. An offloaded connection
//! comes back to the hook, and to a second look, once it has been idle for half a minute (the kernel's
//! nf_flowtable_tcp_timeout).

use core::fmt::Write;

use super::bits::Bits;
use super::{Memory, Variant};
use crate::config::Config;
use crate::verdict::mark::MarkPosition;

/// The rules of `listing` (`nft -a list ruleset`, or of one table or chain) that offload flows, as text
/// for `nft -f` that makes them wait for the verdict, in one transaction. Rules that wait already are
/// made anew with the memory in use. Empty where nothing is offloaded.
pub fn wait(config: &Config, memory: Memory, listing: &str) -> String {
    wait_for(&memory.offloadable(&Bits::new(config, Variant::Nft)), listing)
}

/// As [`wait`], for rules that other programs have loaded since. Empty unless one of them offloads without waiting, and
/// where our rules are not loaded.
pub fn catch(mark: MarkPosition, memory: impl FnOnce() -> Memory, listing: &str) -> String {
    let is_original = |rule: OffloadRule<'_>| matches!(role(rule.comment), FlowtableRole::Original);
    if !listing.contains("table inet minewall {") || !rules(listing).any(is_original) {
        return String::new();
    }
    wait_for(&memory().offloadable(&Bits::at(mark, Variant::Nft)), listing)
}

fn wait_for(tests: &[String], listing: &str) -> String {
    let mut text = String::new();
    for OffloadRule { place, handle, body, comment } in rules(listing) {
        let (original, comment) = match role(comment) {
            FlowtableRole::Decided => {
                let _ = writeln!(text, "delete rule {place} handle {handle}");
                continue;
            }
            FlowtableRole::Others(comment) => (original(body), comment),
            FlowtableRole::Original => (body, comment),
        };
        // Their comments may fill the room there is.
        let room = COMMENT_MAX_BYTES - DECIDED.len().max(OTHERS.len());
        let comment = comment.get(..room).unwrap_or(comment);
        for test in tests {
            let _ = writeln!(
                text,
                "insert rule {place} handle {handle} meta l4proto tcp {test} {original} comment \"{DECIDED}{comment}\""
            );
        }
        let _ = writeln!(
            text,
            "replace rule {place} handle {handle} {NOT_TCP}{original} comment \"{OTHERS}{comment}\""
        );
    }
    text
}

/// Undoes [`wait`] in the rules of `listing`, for every configuration. Empty where nothing waits.
pub fn release(listing: &str) -> String {
    let mut text = String::new();
    for OffloadRule { place, handle, body, comment } in rules(listing) {
        let _ = match role(comment) {
            FlowtableRole::Decided => writeln!(text, "delete rule {place} handle {handle}"),
            FlowtableRole::Others(comment) => {
                let original = original(body);
                let quoted =
                    if comment.is_empty() { String::new() } else { format!(" comment \"{comment}\"") };
                writeln!(text, "replace rule {place} handle {handle} {original}{quoted}")
            }
            FlowtableRole::Original => Ok(()),
        };
    }
    text
}

/// A rule that offloads flows.
struct OffloadRule<'a> {
    place: HookPlace<'a>,
    handle: u64,
    /// Statements of the rule.
    body: &'a str,
    /// Empty without one.
    comment: &'a str,
}

/// Table and chain of a rule.
#[derive(Clone, Copy, Default)]
struct HookPlace<'a> {
    /// Family and name.
    table: &'a str,
    chain: &'a str,
}

impl core::fmt::Display for HookPlace<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.table, self.chain)
    }
}

/// Owner of a rule, by its comment.
enum FlowtableRole<'a> {
    /// Ours, for TCP that is decided.
    Decided,
    /// The firewall's, without TCP; with its own comment.
    Others(&'a str),
    /// The firewall's, untouched.
    Original,
}

fn role(comment: &str) -> FlowtableRole<'_> {
    match comment.strip_prefix(OTHERS) {
        Some(comment) => FlowtableRole::Others(comment),
        None if comment.starts_with(DECIDED) => FlowtableRole::Decided,
        None => FlowtableRole::Original,
    }
}

/// The original of a rule for everything but TCP. nft prints numbers where /etc/protocols is missing.
fn original(body: &str) -> &str {
    [NOT_TCP, "meta l4proto != 6 "].iter().find_map(|test| body.strip_prefix(test)).unwrap_or(body)
}

/// The rules of `listing` that offload flows. nft prints a line each; what it breaks off (a long list of
/// elements) is left alone.
fn rules(listing: &str) -> impl Iterator<Item = OffloadRule<'_>> {
    let mut place = HookPlace::default();
    listing.lines().filter_map(move |line| {
        let line = line.trim();
        // Of the table nft prints no handle where one chain is asked for.
        let (line, handle) = rsplit(line, " ", '#', " handle ").unwrap_or((line, ""));
        let block = |keyword| line.strip_prefix(keyword).and_then(|rest| rest.strip_suffix(" {"));
        if let Some(table) = block("table ") {
            place.table = table;
        } else if let Some(chain) = block("chain ") {
            place.chain = chain;
        } else {
            // nft takes no quotes in a comment.
            let quoted = line.strip_suffix('"').and_then(|line| rsplit(line, " comment ", '"', ""));
            let (body, comment) = quoted.unwrap_or((line, ""));
            let offloads = ["flow add @", "flow offload @"].iter().any(|statement| body.contains(statement));
            let is_whole = body.matches('{').count() == body.matches('}').count();
            if offloads && is_whole && !place.chain.is_empty() {
                return handle.parse().ok().map(|handle| OffloadRule { place, handle, body, comment });
            }
        }
        None
    })
}

/// The parts of `line` around its last `sign`, which stands between `before` and `behind`. (std's search for a text
/// from the end is 2 KB of flash.)
fn rsplit<'a>(line: &'a str, before: &str, sign: char, behind: &str) -> Option<(&'a str, &'a str)> {
    let (front, back) = line.rsplit_once(sign)?;
    Some((front.strip_suffix(before)?, back.strip_prefix(behind)?))
}

/// Begin of the comment of a rule for decided TCP.
const DECIDED: &str = "minewall, TCP once decided: ";
/// Begin of the comment of a rule for everything else.
const OTHERS: &str = "minewall, other than TCP: ";
const NOT_TCP: &str = "meta l4proto != tcp ";
/// libnftnl's NFTNL_UDATA_COMMENT_MAXLEN, less its final zero.
const COMMENT_MAX_BYTES: usize = 127;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const MEMORIES: [Memory; 2] = [Memory::Labels, Memory::Mark];

    const FW4: &str = "table inet fw4 { # handle 3
	flowtable ft { # handle 9
		hook ingress priority filter
		devices = { eth0, lan1 }
	}
	chain forward { # handle 2
		type filter hook forward priority filter; policy drop;
		meta l4proto { tcp, udp } flow add @ft # handle 102
		ct state established,related accept comment \"!fw4: flow add @ft\" # handle 104
	}
}
table ip mine { # handle 4
	chain fast { # handle 1
		tcp dport { 80, 443 } counter packets 3 bytes 99 flow add @f comment \"my own\" # handle 7
	}
}
";

    fn config(options: &str) -> Config {
        let text = format!("config minewall\n{options}");
        crate::config::parse(Path::new("test"), text.as_bytes()).expect("good options").config
    }

    /// Listing of nft after `script`, whose commands are the four that this module uses.
    fn after(listing: &str, script: &str) -> String {
        let mut lines: Vec<String> = listing.lines().map(String::from).collect();
        let mut next = 1_000;
        for command in script.lines() {
            let words: Vec<&str> = command.splitn(8, ' ').collect();
            let [verb, "rule", _, _, _, "handle", handle, ref rest @ ..] = words[..] else {
                panic!("{command}")
            };
            let end = format!(" # handle {handle}");
            let at = lines.iter().position(|line| line.ends_with(&end)).expect("a rule of that handle");
            let rest = rest.first().unwrap_or(&"");
            match verb {
                "insert" => {
                    lines.insert(at, format!("\t\t{rest} # handle {next}"));
                    next += 1;
                }
                "replace" => lines[at] = format!("\t\t{rest}{end}"),
                "delete" => drop(lines.remove(at)),
                _ => panic!("{command}"),
            }
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn offload_waits_in_every_table_and_is_released() {
        let text = wait(&config(""), Memory::Mark, FW4);
        assert_eq!(
            text,
            "insert rule inet fw4 forward handle 102 meta l4proto tcp ct mark & 0x07000000 == 0x02000000 meta l4proto { tcp, udp } flow add @ft comment \"minewall, TCP once decided: \"
replace rule inet fw4 forward handle 102 meta l4proto != tcp meta l4proto { tcp, udp } flow add @ft comment \"minewall, other than TCP: \"
insert rule ip mine fast handle 7 meta l4proto tcp ct mark & 0x07000000 == 0x02000000 tcp dport { 80, 443 } counter packets 3 bytes 99 flow add @f comment \"minewall, TCP once decided: my own\"
replace rule ip mine fast handle 7 meta l4proto != tcp tcp dport { 80, 443 } counter packets 3 bytes 99 flow add @f comment \"minewall, other than TCP: my own\"
"
        );
        let waiting = after(FW4, &text);
        assert_eq!(after(&waiting, &release(&waiting)), FW4);
        assert_eq!(release(FW4), "");
    }

    /// Labels take a rule for each state that means benign; from there to the mark and back nothing is left over.
    #[test]
    fn the_memory_may_change() {
        for (first, second) in [(0, 1), (1, 0), (0, 0)] {
            let once = after(FW4, &wait(&config(""), MEMORIES[first], FW4));
            let twice = after(&once, &wait(&config(""), MEMORIES[second], &once));
            let anew = after(FW4, &wait(&config(""), MEMORIES[second], FW4));
            assert_eq!(rules(&twice).count(), rules(&anew).count());
            assert_eq!(after(&twice, &release(&twice)), FW4);
        }
    }

    /// A second time, with another mark: the same number of rules, and the same way back.
    #[test]
    fn rules_that_wait_are_made_anew() {
        let once = after(FW4, &wait(&config(""), Memory::Mark, FW4));
        let moved = after(&once, &wait(&config("option mark_bit 8\n"), Memory::Mark, &once));
        assert_eq!((rules(&once).count(), rules(&moved).count()), (4, 4));
        assert!(!moved.contains("0x07000000") && moved.contains("ct mark & 0x00000700"), "{moved}");
        assert_eq!(after(&moved, &release(&moved)), FW4);
    }

    #[test]
    fn rules_of_others_are_caught_once() {
        let mark = config("").mark;
        let catch = |listing: &str| catch(mark, || Memory::Labels, listing);
        let ours = format!("{FW4}table inet minewall {{ # handle 9\n}}\n");
        assert_eq!(catch(FW4), "", "our rules are not loaded");
        assert_eq!(catch(&ours), wait(&config(""), Memory::Labels, &ours));
        assert_eq!(catch(&after(&ours, &catch(&ours))), "");
    }

    /// Without /etc/protocols nft prints numbers.
    #[test]
    fn protocols_may_be_numbers() {
        let listing = FW4.replace("tcp, udp", "6, 17");
        let numbers = |text: String| text.replace("l4proto tcp", "l4proto 6").replace("!= tcp", "!= 6");
        let once = numbers(after(&listing, &wait(&config(""), Memory::Mark, &listing)));
        let twice = numbers(after(&once, &wait(&config(""), Memory::Mark, &once)));
        let bodies = |listing: &str| rules(listing).map(|rule| rule.body.to_owned()).collect::<Vec<_>>();
        assert_eq!(bodies(&twice), bodies(&once));
        assert_eq!(after(&twice, &release(&twice)), listing);
    }

    /// `nft -a list chain` prints no handle of the table, `nft -a list ruleset` does.
    #[test]
    fn a_listing_of_one_chain_will_do() {
        let chain = FW4.replace("fw4 { # handle 3", "fw4 {");
        assert!(chain != FW4);
        assert_eq!(wait(&config(""), Memory::Mark, &chain), wait(&config(""), Memory::Mark, FW4));
    }

    #[test]
    fn without_offload_there_is_nothing_to_do() {
        for listing in
            ["", "table inet fw4 { # handle 3\n}\n", "no listing # handle x flow add @ft # handle y"]
        {
            assert_eq!(wait(&config(""), Memory::Mark, listing), "");
            assert_eq!(release(listing), "");
        }
    }

    /// nft takes 127 bytes of a comment.
    #[test]
    fn a_long_comment_is_cut() {
        let listing = format!(
            "table ip t {{ # handle 1\nchain c {{ # handle 2\nflow add @f comment \"{}\" # handle 3\n",
            "x".repeat(COMMENT_MAX_BYTES)
        );
        let text = wait(&config(""), Memory::Mark, &listing);
        for line in text.lines() {
            let (_, comment) = line.trim_end_matches('"').rsplit_once('"').expect("a comment");
            assert!(comment.len() <= COMMENT_MAX_BYTES, "{line}");
        }
        assert_eq!(text.lines().count(), 2);
    }
}
