//! The rule set: the generated text against `tests/rules/`. What a kernel says of it is in `tests/live/`.
//!
//! `MINEWALL_BLESS=1 cargo test --test rules` writes the expected files anew.

use std::path::{Path, PathBuf};

use minewall::config::{self, Config};
use minewall::rules::{self, Kernel, Memory, Variant};

fn config(options: &str) -> Config {
    // However many cores the machine has.
    let text = format!("config minewall\noption queues 1\n{options}");
    config::parse(Path::new("test"), text.as_bytes()).expect("a good configuration").config
}

/// The text for `config`, without elements.
fn install(config: &Config, variant: Variant, memory: Memory) -> String {
    rules::install(config, Kernel { variant, memory }, "")
}

/// Name of the expected file, and the text.
fn texts() -> Vec<(&'static str, String)> {
    let (default, moved) = (config(""), config("option mark_bit 8\noption queue 7\n"));
    let monitor = config("option mode monitor\n");
    vec![
        ("default.nft", install(&default, Variant::Nft, Memory::Labels)),
        ("default.sh", install(&default, Variant::Iptables, Memory::Labels)),
        ("mark.nft", install(&default, Variant::Nft, Memory::Mark)),
        ("moved.nft", install(&moved, Variant::Nft, Memory::Mark)),
        ("moved.sh", install(&moved, Variant::Iptables, Memory::Mark)),
        ("monitor.nft", install(&monitor, Variant::Nft, Memory::Labels)),
        ("selected.nft", install(&config(SELECTED), Variant::Nft, Memory::Labels)),
        ("selected.sh", install(&config(SELECTED), Variant::Iptables, Memory::Mark)),
        ("remove.nft", rules::remove(Variant::Nft)),
        ("remove.sh", rules::remove(Variant::Iptables)),
    ]
}

const SELECTED: &str = "list watch_interfaces 'br-guest'\nlist watch_interfaces 'eth0.3'\n";

/// A zone whose devices are not known now lets everything pass unwatched, and says so elsewhere.
#[test]
fn a_zone_without_devices_is_not_all_networks() {
    for (variant, memory) in kernels() {
        let text = install(&config("list watch_zones 'guest'\n"), variant, memory);
        assert!(!text.contains("goto watch\n\t}") && text.contains("goto unwatched"), "{text}");
        assert!(!text.contains("jump watch") && text.matches("goto watch").count() == 1, "{text}");
    }
}

/// Every kind of kernel.
fn kernels() -> [(Variant, Memory); 4] {
    [
        (Variant::Nft, Memory::Labels),
        (Variant::Nft, Memory::Mark),
        (Variant::Iptables, Memory::Labels),
        (Variant::Iptables, Memory::Mark),
    ]
}

#[test]
fn the_texts_are_the_expected_ones() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    for (name, text) in texts() {
        let file = directory.join(name);
        if std::env::var_os("MINEWALL_BLESS").is_some() {
            std::fs::write(&file, &text).expect(name);
        }
        let expected = std::fs::read_to_string(&file).expect(name);
        assert_eq!(text, expected, "{name}; if that is meant: MINEWALL_BLESS=1");
    }
}

/// The rules of several queues are those of one, but for the numbers.
#[test]
fn several_queues_are_a_range() {
    for (variant, memory) in kernels() {
        let [one, three] =
            ["", "option queues 3\n"].map(|options| install(&config(options), variant, memory));
        let expected = one
            .replace("queue num 1330 bypass", "queue num 1330-1332 bypass")
            .replace("--queue-num 1330 --queue-bypass", "--queue-balance 1330:1332 --queue-bypass");
        assert_eq!(three, expected);
        assert_ne!(three, one);
    }
    // There is no number behind the last one.
    let last = install(&config("option queues 3\noption queue 65535\n"), Variant::Nft, Memory::Labels);
    assert!(last.contains("queue num 65535 bypass"), "{last}");
}

/// With the bits elsewhere, none of the default's remain.
#[test]
fn every_mark_moves_with_its_option() {
    for (name, text) in texts() {
        if name.starts_with("moved") {
            for mask in
                ["0x07000000", "0xf8ffffff", "0x0f000000", "0x01000000", "0x02000000", "0x08000000", "1330"]
            {
                assert!(!text.contains(mask), "{name} has {mask}");
            }
        }
    }
}

/// Monitoring rejects nothing, with any mark that a connection has.
#[test]
fn monitoring_cuts_nothing_off() {
    for (variant, memory) in kernels() {
        assert!(install(&config(""), variant, memory).contains("reject"));
        let text = install(&config("option mode monitor\n"), variant, memory);
        assert!(!text.contains("reject") && !text.contains("drop") && !text.contains("0x03000000"), "{text}");
    }
}

/// Without lists the answers of name servers are not read.
#[test]
fn answers_of_name_servers_are_for_lists() {
    for (variant, memory) in kernels() {
        assert!(install(&config(""), variant, memory).contains("sport 53"));
        let text = install(&config("option intel 0\n"), variant, memory);
        assert!(!text.contains("sport 53") && !text.contains("answers"), "{text}");
    }
}

/// Where the kernel shows us a number of packets a second, no client has all of them: a rule before it lets those pass
/// that are beyond the share of their client, told by hardware address or address.
#[test]
fn every_rate_is_divided_by_client() {
    for (variant, memory) in kernels() {
        let text = install(&config(""), variant, memory);
        let mut found = 0;
        for chain in text.split("\n\tchain ").skip(1) {
            let mut shares = Vec::new();
            for rule in chain.lines() {
                if rule.contains("limit rate over") {
                    shares.push(rule);
                } else if let Some(at) = rule.find("limit rate").filter(|_| !rule.contains("update @")) {
                    found += 1;
                    let reply = rule[..at].contains("ct direction reply ");
                    let is_divided = |field: &str| {
                        let way = |share: &&&str| !reply || share.contains("ct direction reply ");
                        shares.iter().filter(way).any(|share| share.contains(field))
                    };
                    let by_address =
                        if reply || chain.starts_with("answers") { "ip daddr" } else { "ip saddr" };
                    let by_card = by_address == "ip daddr" || is_divided("ether saddr limit");
                    assert!(
                        by_card && is_divided(by_address) && is_divided("ip6 "),
                        "{rule} of chain {chain}"
                    );
                }
            }
        }
        assert!(found >= 9, "{found}");
    }
}

/// With labels the connection's mark is left to others.
#[test]
fn labels_leave_the_connection_s_mark_alone() {
    for variant in [Variant::Nft, Variant::Iptables] {
        assert!(install(&config(""), variant, Memory::Mark).contains("ct mark"));
        assert!(!install(&config(""), variant, Memory::Labels).contains("ct mark"));
    }
}
