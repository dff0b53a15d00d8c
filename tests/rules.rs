//! The rule set: the generated text against `tests/rules/`. What a kernel says of it is in `tests/live/`.
//!
//! `MINEWALL_BLESS=1 cargo test --test rules` writes the expected files anew.

use std::path::{Path, PathBuf};

use minewall::config::{self, Config};
use minewall::rules::{self, Variant};

fn config(options: &str) -> Config {
    let text = format!("config minewall\n{options}");
    config::parse(Path::new("test"), text.as_bytes()).expect("a good configuration").config
}

/// Name of the expected file, and the text.
fn texts() -> Vec<(&'static str, String)> {
    let (default, moved) = (config(""), config("option mark_bit 8\noption queue 7\n"));
    let monitor = config("option mode monitor\n");
    vec![
        ("default.nft", rules::install(&default, Variant::Nft)),
        ("default.sh", rules::install(&default, Variant::Iptables)),
        ("moved.nft", rules::install(&moved, Variant::Nft)),
        ("moved.sh", rules::install(&moved, Variant::Iptables)),
        ("monitor.nft", rules::install(&monitor, Variant::Nft)),
        ("remove.nft", rules::remove(Variant::Nft)),
        ("remove.sh", rules::remove(Variant::Iptables)),
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

/// Monitoring rejects nothing, whatever a connection was marked before.
#[test]
fn monitoring_cuts_nothing_off() {
    for variant in [Variant::Nft, Variant::Iptables] {
        assert!(rules::install(&config(""), variant).contains("reject"));
        let text = rules::install(&config("option mode monitor\n"), variant);
        assert!(!text.contains("reject") && !text.contains("drop") && !text.contains("0x03000000"), "{text}");
    }
}

/// Without lists nobody asks what names stand for.
#[test]
fn answers_of_name_servers_are_for_lists() {
    for variant in [Variant::Nft, Variant::Iptables] {
        assert!(rules::install(&config(""), variant).contains("sport 53"));
        let text = rules::install(&config("option intel 0\n"), variant);
        assert!(!text.contains("sport 53") && !text.contains("answers"), "{text}");
    }
}
