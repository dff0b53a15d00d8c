//! Runs the fuzz targets on any compiler: the seeds, then seeds mutated at random, so many executions of each target.
//!
//! The inputs follow from the seeds, the target and `--from`; where one breaks a promise it is written to
//! `target/fuzz/`, and the others go on. Coverage does not steer the mutations: that is libFuzzer's part
//! (`make fuzz`).

mod mutate;

use std::fs;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use minewall::lab::fuzz::{FuzzTarget, TARGETS};
use mutate::Mutator;

const USAGE: &str = "\
usage: fuzz [--runs N] [--from N] [TARGET...]     runs the targets (all if none is named), 100000 times each
       fuzz --input FILE TARGET                   runs one on one input";
/// Beyond so many failures of one target, the rest are the same.
const FAILURES_MAX: u64 = 5;

fn main() -> ExitCode {
    match start(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::from(64)
        }
    }
}

/// Whether all promises held.
fn start(arguments: Vec<String>) -> io::Result<bool> {
    let (mut runs, mut from, mut input, mut names) = (100_000, 0, None, Vec::new());
    let mut arguments = arguments.into_iter();
    let number =
        |text: Option<String>| text.and_then(|text| text.parse().ok()).ok_or(io::Error::other(USAGE));
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--runs" => runs = number(arguments.next())?,
            "--from" => from = number(arguments.next())?,
            "--input" => input = Some(arguments.next().ok_or(io::Error::other(USAGE))?),
            name => names.push(name.to_owned()),
        }
    }
    let known = |name: &String| TARGETS.iter().any(|target| target.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(io::Error::other(format!("no target '{unknown}'\n{USAGE}")));
    }
    let chosen =
        TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name));
    if let Some(file) = input {
        let bytes = fs::read(file)?;
        chosen.for_each(|target| (target.run)(&bytes));
        return Ok(true);
    }
    println!("{:<14} {:>10} {:>8} {:>9}", "target", "executions", "seconds", "failures");
    let mut failures = 0;
    for target in chosen {
        failures += fuzz(target, runs, from)?;
    }
    Ok(failures == 0)
}

/// Runs one target and tells what came of it; the number of failures.
fn fuzz(target: &FuzzTarget, runs: u64, from: u64) -> io::Result<u64> {
    let seeds = seeds(target.name)?;
    let mut mutator = Mutator::new(&seeds, target.name, from);
    let begin = Instant::now();
    let mut failures = 0;
    let mut done = 0;
    while done < runs && failures < FAILURES_MAX {
        let input = seeds.get(done as usize).cloned().unwrap_or_else(|| mutator.next());
        done += 1;
        if panic::catch_unwind(|| (target.run)(&input)).is_err() {
            failures += 1;
            let path = PathBuf::from(format!("target/fuzz/{}-{}", target.name, from + done));
            fs::create_dir_all("target/fuzz")?;
            fs::write(&path, &input)?;
            eprintln!("{}: {} breaks a promise", target.name, path.display());
        }
    }
    println!("{:<14} {done:>10} {:>8.1} {failures:>9}", target.name, begin.elapsed().as_secs_f64());
    Ok(failures)
}

/// Seeds that stand elsewhere in the repository: of a target, a file or a folder.
const ELSEWHERE: [(&str, &str); 4] = [
    ("capture", "tests/traces"),
    ("config", "openwrt/minewall/files/minewall.conf"),
    ("lists", "src/intel/builtin"),
    ("model", "src/hmm/default.model"),
];
/// Larger files say nothing more, and cost time.
const SEED_MAX_BYTES: u64 = 32_000;

/// The checked-in seeds of a target, in the order of their names.
fn seeds(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let elsewhere = ELSEWHERE.iter().filter(|(name, _)| *name == target).map(|(_, path)| root.join(path));
    let mut paths = Vec::new();
    for place in elsewhere.chain([root.join("tests/fuzz/seeds").join(target)]) {
        if place.is_dir() {
            paths.extend(fs::read_dir(&place)?.filter_map(Result::ok).map(|entry| entry.path()));
        } else if place.exists() {
            paths.push(place);
        }
    }
    paths.retain(|path| path.metadata().is_ok_and(|file| file.len() <= SEED_MAX_BYTES));
    paths.sort();
    if paths.is_empty() {
        return Err(io::Error::other(format!("no seeds of '{target}'")));
    }
    paths.iter().map(fs::read).collect()
}
