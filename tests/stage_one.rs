//! Stage one from training to decision, through the functions that the command line calls.
#![cfg(feature = "host")]

use std::fs;
use std::path::PathBuf;

use minewall::hmm::model::Model;
use minewall::lab::{evaluate, train};
use serde_json::Value;

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minewall-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("made");
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn training_is_reproducible_and_its_model_loads_and_is_measured() {
    let folder = Folder::new("training");
    let common = "--scripted 50 --candidates 2 --rounds 1 --folds 2 --seed 3";
    let train = |name: &str, threads: u32| {
        let output = folder.file(name);
        train::run(words(&format!("{common} --threads {threads} --output {output}"))).expect("trained");
        fs::read(output).expect("written")
    };
    let (one, three) = (train("one.model", 1), train("three.model", 3));
    assert_eq!(one, three);
    let model = Model::decode(&one).expect("sound");
    assert_eq!(model.summary().seed, 3);
    assert!(model.summary().benign > model.summary().mining);

    let (json, plots, sequences) = (folder.file("m.json"), folder.file("plots"), folder.file("some.seq"));
    train::extract(words(&format!("--scripted 30 --output {sequences}"))).expect("extracted");
    evaluate::run(words(&format!(
        "--model {} --mining {sequences} --benign {sequences} --json {json} --plots {plots}",
        folder.file("one.model")
    )))
    .expect("measured");
    let json: Value = serde_json::from_str(&fs::read_to_string(json).expect("written")).expect("JSON");
    assert!(json["roc"].as_array().is_some_and(|curve| !curve.is_empty()));
    assert_eq!(json["beacons"].as_array().map(Vec::len), Some(0));
    let sessions = json["sessions"].as_array().expect("sessions");
    let flows: u64 = (json["groups"]["all"].as_array().expect("groups").iter())
        .map(|group| group["flows"].as_u64().expect("a number"))
        .sum();
    assert_eq!(sessions.len() as u64, flows);
    let threshold = json["thresholds"]["adaptive"].as_f64().expect("a number");
    for session in sessions {
        assert!(["mining", "benign"].contains(&session["label"].as_str().expect("a label")));
        assert!(["application", "dialect", "transport"].iter().all(|member| session[member].is_string()));
        let suspected = session["peak"].as_f64().expect("a number") >= threshold;
        assert_eq!(session["seconds"].is_number(), suspected, "{session}");
        assert_eq!(session["packets"].is_number(), suspected, "{session}");
    }
    for plot in ["roc.svg", "decision.svg", "evasion.svg"] {
        let svg = fs::read_to_string(folder.0.join("plots").join(plot)).expect("written");
        assert!(
            svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains("\ncautious\n"),
            "{svg}"
        );
    }
}

#[test]
fn what_cannot_be_trained_on_or_measured_is_refused_with_the_reason() {
    let folder = Folder::new("refused");
    let refused = |result: Result<(), train::Error>, reason: &str| {
        let error = result.expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(train::run(words("--scripted 0 --output x")), "fewer mining sessions than folds");
    refused(train::run(words("--folds 1")), "--folds");
    refused(train::run(words("--scripted 20 --candidates 1 --iterations 2")), "has not converged in 2");
    let broken = folder.file("broken.model");
    fs::write(&broken, "MWHMM\u{3}").expect("written");
    refused(evaluate::run(words(&format!("--model {broken}"))), "cut short");
    let missing = folder.file("missing.seq");
    refused(evaluate::run(words(&format!("--mining {missing}"))), "missing.seq");
    refused(evaluate::run(words("--scripted 0")), "no long flow");
    let (text, empty, sound) =
        (folder.file("text.pcap"), folder.file("empty.pcap"), folder.file("sound.seq"));
    fs::write(&text, "neither of both, but long enough for a header").expect("written");
    fs::write(&empty, "").expect("written");
    train::extract(words(&format!("--scripted 2 --output {sound}"))).expect("extracted");
    refused(
        evaluate::run(words(&format!("--mining {text}"))),
        "text.pcap: not a capture: neither pcap nor pcapng",
    );
    refused(evaluate::run(words(&format!("--mining {empty}"))), "empty.pcap: not a capture: it is empty");
    // The last of many names is wrong: the first is not read for nothing.
    refused(evaluate::run(words(&format!("--mining {sound} --benign {missing}"))), "missing.seq");
    let json = format!("{}/none/m.json", folder.file("text.pcap"));
    refused(evaluate::run(words(&format!("--scripted 4 --json {json}"))), "m.json");
    refused(evaluate::run(words(&format!("--scripted 4 --plots {text}"))), "text.pcap");
}

/// A terminal of 100 columns shows each table as it is meant.
#[test]
fn tables_have_at_most_a_hundred_columns() {
    for command in [
        "evaluate --scripted 8 --house 1",
        "train --scripted 50 --candidates 1 --rounds 1 --folds 2 --seed 3",
    ] {
        let program =
            std::process::Command::new(env!("CARGO_BIN_EXE_minewall")).args(words(command)).output();
        let ended = program.expect("started");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && said.lines().count() > 10, "{said}");
        let wide: Vec<&str> = said.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{command}: {wide:#?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    use std::process::{Command, Stdio};

    let mut child = Command::new(env!("CARGO_BIN_EXE_minewall"))
        .args(words("evaluate --scripted 4"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && !said.contains("panicked"), "{said}");
}
