//! The rule set: the generated text against `tests/rules/`, and against a real kernel.
//!
//! `MINEWALL_BLESS=1 cargo test --test rules` writes the expected files anew.

use std::path::{Path, PathBuf};

use minewall::config::{self, Config};
use minewall::rules::{self, Variant};

#[path = "live/namespace.rs"]
mod namespace;
use namespace::Namespace;

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

#[test]
fn the_kernel_takes_them_twice_and_gives_them_back() {
    let router = match Namespace::new("rules") {
        Ok(router) => router,
        Err(why) => return println!("skipped: {why}"),
    };
    let list = || router.run(&["nft", "-s", "list", "ruleset"]);
    router.run(&["nft", "add table inet other"]);
    let before = list();
    for options in
        ["", "option mark_bit 0\n", "option mark_bit 28\noption queue 65535\n", "option mode monitor\n"]
    {
        let install = rules::install(&config(options), Variant::Iptables);
        router.script(&install);
        let once = list();
        assert!(once.contains("chain decide_forward") && once.contains("table inet other"), "{once}");
        assert_eq!(once.matches("jump minewall").count(), 6, "{once}");
        router.script(&install);
        assert_eq!(list(), once);
    }
    router.script(&rules::remove(Variant::Iptables));
    let after = list();
    assert!(!after.contains("minewall"), "{after}");
    assert!(after.contains(before.trim_end()), "{after}");
    router.script(&rules::remove(Variant::Iptables));
    assert_eq!(list(), after);
}

/// What this kernel lacks is the `queue` statement alone: with it taken out, the nft variant loads too.
#[test]
fn the_kernel_takes_the_nft_variant() {
    let router = match Namespace::new("nft") {
        Ok(router) => router,
        Err(why) => return println!("skipped: {why}"),
    };
    let has_queue = router.try_nft("table inet t { chain c { queue num 1 bypass; }; }");
    println!("nft queue statement here: {has_queue}");
    for options in ["", "option mode monitor\n"] {
        let text = rules::install(&config(options), Variant::Nft);
        let loadable = if has_queue { text.clone() } else { text.replace("queue num 1330 bypass", "accept") };
        assert!(has_queue || loadable != text);
        assert!(router.try_nft(&loadable), "{loadable}");
        assert!(router.run(&["nft", "list ruleset"]).contains("priority filter - 6"));
        assert!(router.try_nft(&rules::remove(Variant::Nft)));
        assert!(router.try_nft(&rules::remove(Variant::Nft)), "removing what is not there");
        assert!(!router.run(&["nft", "list ruleset"]).contains("watch"));
    }
}
