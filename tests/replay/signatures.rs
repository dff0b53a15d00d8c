//! `minewall signatures`: for people who write them.

use std::ffi::OsStr;

use crate::command::{Scratch, minewall, text};
use crate::file::{Fraction, Link, Order, pcap};
use crate::session::records;
use crate::wire::{Connection, End};

const COIN: &str = "dialect cli-coin
describe \"A coin of this test\"
message \"cli.login\" from miner
    phase login
    where method is \"cli.login\" and params.purse string
    proof
    wallet params.purse
";

fn run(arguments: &[&OsStr]) -> (Option<i32>, String) {
    let output = minewall(&[&[OsStr::new("signatures")], arguments].concat());
    (output.status.code(), text(&output.stdout).to_owned() + text(&output.stderr))
}

#[test]
fn a_list_says_where_each_dialect_comes_from() {
    let scratch = Scratch::new("signatures-list");
    scratch.write("mine.sig", COIN.as_bytes());
    scratch.write("feed.suspect.sig", COIN.replace("cli-coin", "cli-feed").as_bytes());
    let config = format!("config minewall\nlist signatures '{}'\n", scratch.path().display());
    let config = scratch.write("minewall", config.as_bytes());
    let (status, lines) = run(&["--config".as_ref(), &config, "list".as_ref()]);
    assert_eq!(status, Some(0), "{lines}");
    let says = |name: &str, worth: &str| {
        lines.lines().any(|line| line.starts_with(name) && line.trim_end().ends_with(worth))
    };
    assert!(says("cryptonote ", "built in"), "{lines}");
    assert!(says("cli-coin ", "from a file") && says("cli-feed ", "from a file, suspects only"), "{lines}");
}

#[test]
fn a_check_names_the_line_and_the_reason() {
    let scratch = Scratch::new("signatures-check");
    let good = scratch.write("good.sig", COIN.as_bytes());
    let bad = scratch.write("bad.sig", COIN.replace("phase login", "phase payday").as_bytes());
    let (status, lines) = run(&["check".as_ref(), &good]);
    assert!(status == Some(0) && lines.contains("cli-coin, 1 kind of message"), "{lines}");
    assert_eq!(run(&["check".as_ref(), "--count".as_ref(), &good]), (Some(0), "1\n".to_owned()));
    let (status, lines) = run(&["check".as_ref(), &bad, &good]);
    assert!(status != Some(0) && lines.contains("bad.sig:4: `payday` is no phase"), "{status:?}: {lines}");
    assert!(lines.contains("good.sig: good"), "{lines}");
    for arguments in [&["check"][..], &["test"], &["test", "x.sig"], &["sing"], &[]] {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        assert_ne!(run(&arguments).0, Some(0), "{arguments:?}");
    }
}

#[test]
fn a_test_shows_what_a_file_finds_in_a_capture() {
    let scratch = Scratch::new("signatures-test");
    let ends = ("192.168.1.7:40000", "192.0.2.1:3333");
    let mut connection = Connection::new(ends.0.parse().unwrap(), ends.1.parse().unwrap(), [1, 2]);
    let mut packets = connection.open();
    let login = b"{\"id\":1,\"method\":\"cli.login\",\"params\":{\"purse\":\"p-0017\"}}\n";
    packets.push(connection.send(End::Client, login));
    let session = packets.into_iter().enumerate().map(|(at, packet)| (20_000 * at as u64, packet)).collect();
    let bytes = pcap(Order::Little, Fraction::Micros, 1, &records(&session, Link::Ethernet));
    let capture = scratch.write("a.pcap", &bytes);
    let found = |name: &str| {
        let file = scratch.write(name, COIN.as_bytes());
        run(&["test".as_ref(), &file, &capture])
    };
    let (status, lines) = found("coin.sig");
    assert!(status == Some(0) && lines.contains("mining cli-coin") && lines.contains("p-0017"), "{lines}");
    let (status, lines) = found("coin.suspect.sig");
    assert!(status == Some(0) && lines.contains("0 mining, 1 suspect"), "{lines}");
}
