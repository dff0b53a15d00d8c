//! Golden traces: what `minewall replay --json tests/traces/NAME.pcap` prints is in `NAME.expected`.
//!
//! `MINEWALL_BLESS=1 cargo test --test replay golden` writes the `.expected` files anew; read the
//! difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use minewall::lab::replay::report::Format;
use minewall::lab::replay::{ReplayOptions, ReplayOutcome, default_config, run};

// Relative, so that the reports don't name the machine; cargo runs tests in the package's root.
const DIRECTORY: &str = "tests/traces";

fn traces() -> Vec<PathBuf> {
    let mut traces: Vec<PathBuf> = fs::read_dir(DIRECTORY)
        .expect("the traces are in the repository")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcap"))
        .collect();
    traces.sort();
    assert!(!traces.is_empty());
    traces
}

/// The JSON report of `trace`, which is read to its end on so many queues.
fn replayed(trace: &Path, queues: usize) -> Vec<u8> {
    let (mut out, mut diagnostics) = (Vec::new(), Vec::new());
    let config = default_config();
    let options = ReplayOptions { format: Format::Json, config, shows_progress: false, queues };
    let outcome = run(&[trace], &options, &mut out, &mut diagnostics).expect("a vector takes all");
    assert_eq!(outcome, ReplayOutcome::Complete, "{}", String::from_utf8_lossy(&diagnostics));
    out
}

/// Connections, findings and counters are those of one queue, and every engine has a part in some trace.
#[test]
fn several_queues_find_what_one_finds() {
    for trace in traces() {
        let one = fs::read(trace.with_extension("expected")).expect("an expected report");
        for queues in [2, 4] {
            let several = replayed(&trace, queues);
            assert_eq!(
                String::from_utf8_lossy(&several),
                String::from_utf8_lossy(&one),
                "{} on {queues} queues",
                trace.display()
            );
        }
    }
}

#[test]
fn golden_traces_hold() {
    let provenance = fs::read_to_string(Path::new(DIRECTORY).join("README.md")).expect("a provenance table");
    let bless = std::env::var_os("MINEWALL_BLESS").is_some();
    let mut differing = Vec::new();
    for trace in traces() {
        let name = trace.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(provenance.contains(&format!("| {name} |")), "{name} is not in the provenance table");
        let out = replayed(&trace, 1);
        let expected = trace.with_extension("expected");
        if bless {
            fs::write(&expected, &out).expect("the repository is writable");
        }
        let recorded = fs::read(&expected).unwrap_or_default();
        if recorded != out {
            let (recorded, out) = (String::from_utf8_lossy(&recorded), String::from_utf8_lossy(&out));
            differing.push(format!("{name}\n  expected {recorded}  got      {out}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
