//! The command as a person or a program sees it: output, diagnostics, exit status.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::file::{Fraction, Link, Order, pcap};
use crate::session::{mining, records};

/// A directory of its own for a test, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the target directory is writable");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> OsString {
        let path = self.0.join(name.as_ref());
        fs::write(&path, bytes).expect("the target directory is writable");
        path.into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn sample() -> Vec<u8> {
    pcap(Order::Little, Fraction::Micros, 1, &records(&mining(false), Link::Ethernet))
}

pub fn minewall<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_minewall")).args(arguments).output().expect("the program runs")
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn version_help_and_mistakes() {
    assert_eq!(minewall(&["--version"]).stdout, b"minewall 0.1.0\n");
    let help = minewall(&["--help"]);
    assert!(help.status.success());
    for command in ["replay", "train", "evaluate", "sequences"] {
        assert!(text(&help.stdout).contains(&format!("\n  minewall {command} ")), "{command}");
    }
    for (arguments, complaint) in [
        (&[][..], "no command"),
        (&["dig"], "unknown command 'dig'"),
        (&["--dig"], "unknown option '--dig'"),
        (&["replay"], "no capture given"),
        (&["replay", "--jsn", "x"], "unknown option '--jsn'"),
        (&["train"], "no sessions"),
        (&["evaluate"], "no sessions"),
    ] {
        let output = minewall(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains(complaint), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

/// The same mistake has the same words and the same status, whichever command hears it.
#[test]
fn an_unknown_option_is_told_alike_by_every_command() {
    let scratch = Scratch::new("mistakes");
    let config = scratch.write("config", b"config minewall\n");
    let with_config = [OsStr::new("--config"), &config];
    for (command, takes_config) in [
        ("run", true),
        ("status", true),
        ("hosts", true),
        ("report", true),
        ("events", true),
        ("rules", true),
        ("config", true),
        ("check-list x", true),
        ("signatures list", true),
        ("intel list", true),
        ("intel add", true),
        ("intel check", true),
        ("unblock", true),
        ("replay x", true),
        ("train", false),
        ("evaluate", false),
        ("sequences", false),
    ] {
        let mut words: Vec<&OsStr> = command.split(' ').map(OsStr::new).collect();
        words.push(OsStr::new("--bogus"));
        words.extend(with_config.iter().copied().filter(|_| takes_config));
        let output = minewall(&words);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("unknown option '--bogus'"), "{command}: {said}");
        assert!(output.stdout.is_empty(), "{command}");
    }
}

#[test]
fn a_line_a_flow_and_a_summary() {
    let scratch = Scratch::new("lines");
    let file = scratch.write("a.pcap", &sample());
    let output = minewall(&[OsStr::new("replay"), OsStr::new("--json"), &file, &file]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 3);
    // The second reading knows nothing of the first.
    assert_eq!(lines[0], lines[1]);
    let capture = format!("{{\"event\":\"flow\",\"capture\":\"{}\",\"client\":", file.display());
    assert!(lines[0].starts_with(&capture), "{}", lines[0]);
    let summary = "{\"event\":\"summary\",\"packets\":36,\"flows\":2,";
    assert!(lines[2].starts_with(summary), "{}", lines[2]);
    assert!(lines[2].contains("\"malformed\":0"), "{}", lines[2]);

    let table = minewall(&[OsStr::new("replay"), &file]);
    assert!(
        text(&table.stdout).contains("192.0.2.1:3333") && text(&table.stdout).contains("mining stratum-v1"),
        "{}",
        text(&table.stdout)
    );
}

#[test]
fn the_worst_file_sets_the_status_and_the_others_are_read() {
    let scratch = Scratch::new("status");
    let sound = sample();
    let whole = scratch.write("whole.pcap", &sound);
    let cut = scratch.write("cut.pcap", &sound[..sound.len() - 1]);
    let head_only = scratch.write("head.pcap", &sound[..10]);
    let alien = scratch.write("alien.pcap", b"not a capture at all");
    let link = scratch
        .write("link.pcap", &pcap(Order::Little, Fraction::Micros, 147, &records(&mining(false), Link::Raw)));
    let missing = scratch.0.join("missing.pcap").into_os_string();
    for (file, status, complaint) in [
        (&cut, 2, format!("damaged: the file ends inside the record at byte {}", last_record(&sound))),
        (&head_only, 2, "at byte 0".into()),
        (&alien, 1, "neither pcap nor pcapng".into()),
        (&link, 1, "packets of a link type that is not supported: 18".into()),
        (&missing, 1, "No such file".into()),
    ] {
        let output = minewall(&[OsStr::new("replay"), OsStr::new("--json"), file, &whole]);
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with(&format!("minewall: {}: ", file.display())), "{stderr}");
        assert!(stderr.contains(&complaint), "{stderr}");
        let flow_of_whole = format!("\"capture\":\"{}\"", whole.display());
        assert!(text(&output.stdout).contains(&flow_of_whole));
        assert!(text(&output.stdout).lines().last().is_some_and(|line| line.contains("summary")));
    }
}

#[test]
fn strange_file_names_stay_readable_json() {
    let scratch = Scratch::new("names");
    let file = scratch.write(OsStr::from_bytes(b"a\"\n\xff.pcap"), &sample());
    let output = minewall(&[OsStr::new("replay"), OsStr::new("--json"), OsStr::new("--"), &file]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("a\\\"\\n\\\\xff.pcap\""), "{stdout}");
    assert_eq!(stdout.lines().count(), 2);
}

/// Where the last record of a little-endian pcap begins.
fn last_record(file: &[u8]) -> usize {
    let mut at = 24;
    loop {
        let len = u32::from_le_bytes(file[at + 8..at + 12].try_into().expect("four bytes")) as usize;
        if at + 16 + len == file.len() {
            return at;
        }
        at += 16 + len;
    }
}
