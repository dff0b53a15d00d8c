//! Plays every conversation of `tests/dialogues` through the DPI.
//!
//! Options of a dialogue: `expect` is `not-mining`, or a dialect and the turn that proves it
//! (`stratum-v2 at 3`); `cut: 4` allows for turn 4 where the turns are cut, in a dialect whose messages
//! have no end of their own; `whole: yes` keeps the turns whole, in a dialect that is told by how a turn begins;
//! `midway: yes` joins the flow there; after the turn `unwanted-after` no
//! message can be read in the flow.

use std::path::{Path, PathBuf};

use dialogue::Dialogue;
use minewall::dpi::{Dpi, Inspection, Said};
use minewall::net::direction::Direction;
use random::Random;

#[path = "common/dialogue.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod dialogue;
#[path = "support/random.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod random;

/// What became of a flow.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// "not-mining", or dialect and turn.
    verdict: String,
    /// The turn after which nothing could be read.
    unwanted_after: Option<usize>,
}

/// Plays a dialogue, each of its turns in pieces of at most `piece()` bytes.
fn play(dialogue: &Dialogue, mut piece: impl FnMut() -> usize) -> Outcome {
    let mut dpi = Dpi::default();
    let mut inspection = Inspection::begin(dialogue.option("midway").is_none());
    let mut held = [Vec::new(), Vec::new()];
    let mut unwanted_after = None;
    for (number, turn) in (1..).zip(&dialogue.turns) {
        let direction = if turn.from_client { Direction::ToServer } else { Direction::ToClient };
        let mut rest = &turn.bytes[..];
        while !rest.is_empty() {
            let (bytes, more) = rest.split_at(rest.len().min(piece()));
            rest = more;
            let held = &mut held[direction as usize];
            held.extend(bytes);
            loop {
                let reading = inspection.read(&mut dpi, 7, direction, held);
                let says_more = match reading.said {
                    Said::Nothing => false,
                    Said::Proof(finding) => {
                        let dialect = finding.dialect.expect("a proof names its dialect");
                        let verdict = format!("{} at {number}", dialect.name());
                        return Outcome { verdict, unwanted_after: None };
                    }
                    _ => true,
                };
                held.drain(..reading.consumed);
                if !says_more {
                    break;
                }
            }
        }
        if inspection.is_opaque() && unwanted_after.is_none() {
            unwanted_after = Some(number);
        }
    }
    Outcome { verdict: "not-mining".to_owned(), unwanted_after }
}

/// All dialogues.
fn paths() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut paths: Vec<_> = directory
        .read_dir()
        .expect("the directory is there")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dialogue"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 580, "only {} dialogues found", paths.len());
    paths
}

/// The boundaries of segments say nothing: whole turns are the reference, in all framings.
#[test]
fn any_segmentation_gives_the_same_verdict() {
    let mut random = Random::new(12);
    for path in paths() {
        let dialogue = Dialogue::parse(&std::fs::read_to_string(&path).expect("a readable file"));
        if dialogue.option("whole").is_some() {
            continue;
        }
        let whole = play(&dialogue, || usize::MAX).verdict;
        let cut = dialogue.option("cut").and_then(|turn| Some((whole.split_once(" at ")?.0, turn)));
        let cut = cut.map(|(dialect, turn)| format!("{dialect} at {turn}"));
        for round in 0..6 {
            let most = [3, 20, 200][round % 3];
            let verdict = play(&dialogue, || 1 + random.below(most)).verdict;
            let fits = verdict == whole || Some(&verdict) == cut.as_ref();
            assert!(fits, "{} in pieces of 1 to {most}: {verdict}, not {whole}", path.display());
        }
    }
}

#[test]
fn every_dialogue_has_its_verdict_in_every_portion() {
    let paths = paths();
    let faults: Vec<String> = paths.iter().flat_map(|path| faults_of(path)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What a dialogue leads to that is not expected, by the portions in which it is played.
fn faults_of(path: &Path) -> Vec<String> {
    let name = path.file_stem().expect("a name").to_string_lossy();
    let dialogue = Dialogue::parse(&std::fs::read_to_string(path).expect("a readable file"));
    let expected = dialogue.option("expect").expect("what the dialogue should lead to");
    let later = dialogue.option("cut").and_then(|turn| Some((expected.split_once(" at ")?.0, turn)));
    let later = later.map(|(dialect, turn)| format!("{dialect} at {turn}"));
    let mut faults = Vec::new();
    let portions: &[usize] = if dialogue.option("whole").is_some() {
        &[usize::MAX, 1_448]
    } else {
        &[usize::MAX, 1_448, 100, 7, 1]
    };
    for &piece in portions {
        let outcome = play(&dialogue, || piece);
        let fits =
            outcome.verdict == expected || (piece != usize::MAX && later.as_ref() == Some(&outcome.verdict));
        if !fits {
            faults.push(format!("{name} in pieces of {piece}: {}, not {expected}", outcome.verdict));
        }
        if let Some(turn) = dialogue.option("unwanted-after") {
            let turn = turn.parse().expect("the number of a turn");
            if outcome.unwanted_after.is_none_or(|after| after > turn) {
                faults.push(format!("{name} in pieces of {piece}: {outcome:?}"));
            }
        }
    }
    faults
}
