//! Where captures come from, and what is told of them: folders, gzip, pipes, configuration.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::command::{Scratch, minewall, sample, text};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

/// The output of `minewall replay` with `bytes` in a pipe.
fn from_a_pipe(arguments: &[&str], bytes: &[u8]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_minewall"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(bytes).expect("the program reads to the end");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout).to_owned()
}

#[test]
fn a_folder_stands_for_the_captures_in_it_compressed_or_not() {
    let scratch = Scratch::new("folder");
    fs::create_dir_all(scratch.path().join("deeper")).expect("a writable folder");
    scratch.write("a.pcap", &sample());
    scratch.write("deeper/b.pcap.gz", &gzip(&sample()));
    scratch.write("notes.txt", b"not a capture");
    let output = minewall(&[OsStr::new("replay"), OsStr::new("--json"), scratch.path().as_os_str()]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
    assert!(stdout.contains("/a.pcap\"") && stdout.contains("/deeper/b.pcap.gz\""), "{stdout}");
    assert!(stdout.contains("\"mining\":2") && stdout.contains("\"captures\":2"), "{stdout}");
}

#[test]
fn a_folder_without_captures_is_a_mistake() {
    let scratch = Scratch::new("no-captures");
    let output = minewall(&[OsStr::new("replay"), scratch.path().as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no capture in this folder"));
}

#[test]
fn a_compressed_capture_that_is_cut_is_damaged() {
    let scratch = Scratch::new("cut-gzip");
    let whole = gzip(&sample());
    let file = scratch.write("cut.pcap.gz", &whole[..whole.len() - 20]);
    let output = minewall(&[OsStr::new("replay"), &file]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

/// A finding is printed while the pipe is still open, before the capture's end is known.
#[test]
fn a_pipe_is_told_as_it_happens() {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(env!("CARGO_BIN_EXE_minewall"))
        .args(["replay", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&sample()).expect("the program reads");
    stdin.flush().expect("the program reads");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("UTF-8");
    for member in [
        "\"event\":\"detection\"",
        "\"time\":\"2026-01-01T00:00:",
        "\"dialect\":\"stratum-v1\"",
        "\"agent\":\"cpuminer/2.5.1\"",
        "\"mac\":\"",
        "\"source\":\"dpi\"",
        "\"capture\":\"-\"",
    ] {
        assert!(line.contains(member), "{member}: {line}");
    }
    drop(stdin);
    let rest: Vec<_> = lines.map(|line| line.expect("UTF-8")).collect();
    assert!(rest.last().is_some_and(|line| line.contains("\"summary\"") && line.contains("\"mining\":1")));
    assert!(child.wait().expect("the program ends").success());
}

#[test]
fn people_get_a_sentence_a_finding_from_a_pipe() {
    let stdout = from_a_pipe(&["-"], &gzip(&sample()));
    let line = stdout.lines().next().expect("a line");
    assert!(
        line.contains("192.168.1.7:40000 -> 192.0.2.1:3333") && line.contains("mining stratum-v1"),
        "{line}"
    );
}

#[test]
fn the_configuration_decides_as_it_does_live() {
    let scratch = Scratch::new("configured");
    let file = scratch.write("a.pcap", &sample());
    let exempting =
        scratch.write("minewall", b"config minewall\noption intel 0\nlist allow_host 192.168.1.7\n");
    let verdict = |arguments: &[&OsStr]| {
        let all = [&[OsStr::new("replay"), OsStr::new("--json")], arguments, &[&file[..]]].concat();
        let output = minewall(&all);
        (output.status.code(), text(&output.stdout).to_owned() + text(&output.stderr))
    };
    let (status, lines) = verdict(&[]);
    assert!(status == Some(0) && lines.contains("\"verdict\":\"mining\""), "{lines}");
    let (status, lines) = verdict(&[OsStr::new("--config"), &exempting]);
    assert!(status == Some(0) && lines.contains("\"verdict\":\"benign\""), "{lines}");
    for (option, value, complaint) in [
        ("--config", "/nowhere", "/nowhere"),
        ("--model", "/nowhere", "/nowhere"),
        ("--sensitivity", "bold", "sensitivity"),
    ] {
        let (status, lines) = verdict(&[OsStr::new(option), OsStr::new(value)]);
        assert!(status == Some(1) && lines.contains(complaint), "{option}: {lines}");
    }
    assert_eq!(verdict(&[OsStr::new("--sensitivity"), OsStr::new("eager")]).0, Some(0));
}

/// The default table has a line for each finding; the other flows are counted.
#[test]
fn people_see_findings_and_all_flows_on_demand() {
    let scratch = Scratch::new("findings");
    let benign = fs::read("tests/traces/curl-download.pcap").expect("a golden trace");
    let file = scratch.write("benign.pcap", &benign);
    let (findings, all) = (
        minewall(&[OsStr::new("replay"), &file]),
        minewall(&[OsStr::new("replay"), OsStr::new("--all"), &file]),
    );
    assert!(text(&findings.stdout).contains("no findings"), "{}", text(&findings.stdout));
    assert!(text(&all.stdout).contains("undecided") || text(&all.stdout).contains("benign"));
}

/// With a configuration that names leases, a finding says which host it is and how sure that is.
#[test]
fn hosts_are_named_by_the_leases_of_the_configuration() {
    let scratch = Scratch::new("leases");
    let file = scratch.write("a.pcap", &sample());
    let leases = scratch.write("leases", b"1 02:00:00:00:00:0a 192.168.1.7 laptop *\n");
    let text_of_config =
        format!("config minewall\noption intel 0\nlist leases_file '{}'\n", leases.display());
    let config = scratch.write("minewall", text_of_config.as_bytes());
    let output =
        minewall(&[OsStr::new("replay"), OsStr::new("--json"), OsStr::new("--config"), &config, &file]);
    let lines = text(&output.stdout);
    assert!(lines.contains("\"host\":\"laptop\"") && lines.contains("\"identity\":\"confirmed\""), "{lines}");
    let without = minewall(&[OsStr::new("replay"), OsStr::new("--json"), &file]);
    assert!(!text(&without.stdout).contains("\"identity\""), "there is nothing to compare with");
}
