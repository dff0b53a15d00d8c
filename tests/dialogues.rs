//! Plays every conversation of `tests/dialogues` through the DPI.
//!
//! Options of a dialogue: `expect` is `not-mining`, or a dialect and the turn that proves it
//! (`stratum-v2 at 3`); `midway: yes` joins the flow there; after the turn `unwanted-after` neither
//! direction is of use any more; `whole: yes` leaves the turns in one piece, for clients without line ends.

use std::path::{Path, PathBuf};

use dialogue::Dialogue;
use minewall::dpi::{Answer, Dpi, Inspection};
use minewall::flow::Direction;

#[path = "common/dialogue.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod dialogue;

/// What became of a flow.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// "not-mining", or dialect and turn.
    verdict: String,
    /// The turn after which no direction was wanted.
    unwanted_after: Option<usize>,
}

/// Plays a dialogue, each of its turns in pieces of at most `piece` bytes.
fn play(dialogue: &Dialogue, piece: usize) -> Outcome {
    let mut dpi = Dpi::default();
    let mut inspection = Inspection::begin(dialogue.option("midway").is_none());
    let mut held = [Vec::new(), Vec::new()];
    let mut unwanted_after = None;
    for (number, turn) in (1..).zip(&dialogue.turns) {
        let direction = if turn.from_client { Direction::ToServer } else { Direction::ToClient };
        for bytes in turn.bytes.chunks(piece) {
            let held = &mut held[direction as usize];
            held.extend(bytes);
            let offer = inspection.offer(&mut dpi, direction, held);
            held.drain(..offer.consumed);
            if offer.answer == Answer::Match {
                let dialect = dpi.finding.dialect.expect("a match names its dialect");
                return Outcome { verdict: format!("{} at {number}", dialect.name()), unwanted_after: None };
            }
        }
        let wanted = inspection.wants(Direction::ToServer) || inspection.wants(Direction::ToClient);
        if !wanted && unwanted_after.is_none() {
            unwanted_after = Some(number);
        }
    }
    Outcome { verdict: "not-mining".to_owned(), unwanted_after }
}

#[test]
fn every_dialogue_has_its_verdict_in_every_portion() {
    let paths = dialogues();
    assert!(paths.len() >= 35, "only {} dialogues found", paths.len());
    for path in paths {
        let dialogue = Dialogue::parse(&std::fs::read_to_string(&path).expect("a readable file"));
        let expected = dialogue.option("expect").expect("what the dialogue should lead to");
        let portions: &[usize] =
            if dialogue.option("whole").is_some() { &[usize::MAX] } else { &[usize::MAX, 1_448, 100, 7, 1] };
        for &piece in portions {
            let outcome = play(&dialogue, piece);
            assert_eq!(outcome.verdict, expected, "{} in pieces of {piece}", path.display());
            if let Some(turn) = dialogue.option("unwanted-after") {
                let turn = turn.parse().expect("the number of a turn");
                assert!(
                    outcome.unwanted_after.is_some_and(|after| after <= turn),
                    "{} in pieces of {piece}: {outcome:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn damaged_dialogues_are_survived() {
    for (seed, path) in (0..4_000).zip(dialogues().iter().cycle()) {
        let mut dialogue = Dialogue::parse(&std::fs::read_to_string(path).expect("a readable file"));
        let count = dialogue.turns.len();
        for choice in dialogue::random(12, seed).chunks_exact(3) {
            let bytes = &mut dialogue.turns[usize::from(choice[0]) % count].bytes;
            let at = usize::from(choice[1]) % (bytes.len() + 1);
            match bytes.get_mut(at) {
                Some(byte) if choice[2] < 200 => *byte ^= choice[2],
                _ => bytes.truncate(at),
            }
        }
        play(&dialogue, 1 + seed as usize % 200);
    }
}

fn dialogues() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let entries = directory.read_dir().expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("a readable directory").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "dialogue")).collect()
}
