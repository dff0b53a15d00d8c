//! Stage one from training to decision, through the functions that the command line calls.
#![cfg(feature = "host")]

use std::fs;
use std::path::PathBuf;

use minewall::hmm::decision::{Decision, Sensitivity};
use minewall::hmm::model::Model;
use minewall::hmm::{Scorer, Seen, State};
use minewall::lab::train::generate;
use minewall::lab::train::sequence::{self, Sequence};
use minewall::lab::{evaluate, train};
use minewall::util::time::Stamp;

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

/// The first decision of a flow, packet by packet as the engine would.
fn decide(scorer: &Scorer, sequence: &Sequence, sensitivity: Sensitivity) -> Decision {
    let (mut state, mut now) = (State::default(), 5_000u32);
    let mut age_ms = 0;
    for (packet, packets) in sequence.packets.iter().zip(1..) {
        now = now.wrapping_add(packet.gap_ms);
        age_ms += packet.gap_ms;
        let (direction, size) = (packet.direction, packet.size);
        let decision = scorer.packet(
            &mut state,
            &Seen { direction, size, now: Stamp(now), packets, age_ms },
            sensitivity,
        );
        if decision != Decision::Undecided {
            return decision;
        }
    }
    Decision::Undecided
}

#[test]
fn the_embedded_model_tells_miners_from_the_innocent() {
    let scorer = Scorer::new(Model::embedded().expect("sound"));
    let share = |sequences: Vec<Sequence>| {
        let long: Vec<_> = sequences.iter().filter(|s| s.is_long()).collect();
        let suspects =
            long.iter().filter(|s| decide(&scorer, s, Sensitivity::Balanced) == Decision::Suspect).count();
        suspects as f64 / long.len() as f64
    };
    // A seed that no training used.
    let (found, mistaken) = (share(generate::mining(77, 340, 320)), share(generate::benign(77, 900, 320)));
    assert!(found > 0.55, "{found}");
    assert!(mistaken < 0.02, "{mistaken}");
}

#[test]
fn a_more_eager_scorer_finds_whatever_a_more_cautious_one_finds() {
    let scorer = Scorer::new(Model::embedded().expect("sound"));
    for sequence in generate::mining(78, 100, 320) {
        let [a, b, c] = Sensitivity::ALL.map(|sensitivity| decide(&scorer, &sequence, sensitivity));
        assert!(a != Decision::Suspect || b == Decision::Suspect);
        assert!(b != Decision::Suspect || c == Decision::Suspect);
    }
}

#[test]
fn typing_over_ssh_is_let_go_before_long() {
    let scorer = Scorer::new(Model::embedded().expect("sound"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/hmm/training/captures.seq");
    let captured = sequence::decode(&fs::read(path).expect("there")).expect("sound");
    let typing: Vec<_> = captured.iter().filter(|s| s.dialect == "ssh-typing").collect();
    let benign =
        typing.iter().filter(|s| decide(&scorer, s, Sensitivity::Balanced) == Decision::Benign).count();
    assert!(typing.len() > 10 && benign * 10 >= typing.len() * 9, "{benign} of {}", typing.len());
}

#[test]
fn a_young_flow_is_never_suspected() {
    let scorer = Scorer::new(Model::embedded().expect("sound"));
    for mut miner in generate::mining(79, 100, 320) {
        miner.packets.iter_mut().for_each(|p| p.gap_ms /= 1_000);
        miner.packets.truncate(200);
        if !miner.is_long() {
            assert_ne!(decide(&scorer, &miner, Sensitivity::Eager), Decision::Suspect);
        }
    }
}

#[test]
fn training_is_reproducible_and_its_model_loads_and_is_measured() {
    let folder = Folder::new("training");
    let common = "--scripted 50 --restarts 1 --iterations 3 --rounds 1 --folds 2 --seed 3";
    let train = |name: &str, threads: u32| {
        let output = folder.file(name);
        train::run(words(&format!("{common} --threads {threads} --output {output}"))).expect("trained");
        fs::read(output).expect("written")
    };
    let (one, three) = (train("one.model", 1), train("three.model", 3));
    assert_eq!(one, three);
    let model = Model::decode(&one).expect("sound");
    assert_eq!(model.summary.seed, 3);
    assert!(model.summary.benign > model.summary.mining);

    let (json, plots, sequences) = (folder.file("m.json"), folder.file("plots"), folder.file("some.seq"));
    train::extract(words(&format!("--scripted 30 --output {sequences}"))).expect("extracted");
    evaluate::run(words(&format!(
        "--model {} --mining {sequences} --benign {sequences} --json {json} --plots {plots}",
        folder.file("one.model")
    )))
    .expect("measured");
    let json = fs::read_to_string(json).expect("written");
    assert!(
        json.contains("\"roc\": [[") && json.contains("\"coalesce 30 s\"") && json.contains("\"swarms\": []")
    );
    for plot in ["roc.svg", "decision.svg", "evasion.svg"] {
        let svg = fs::read_to_string(folder.0.join("plots").join(plot)).expect("written");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
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
    let broken = folder.file("broken.model");
    fs::write(&broken, "MWHMM\u{1}").expect("written");
    refused(evaluate::run(words(&format!("--model {broken}"))), "cut short");
    let missing = folder.file("missing.seq");
    refused(evaluate::run(words(&format!("--mining {missing}"))), "missing.seq");
    refused(evaluate::run(words("--scripted 0")), "no long flow");
}
