//! Plays every conversation of `tests/dialogues` through the DPI.
//!
//! Options of a dialogue: `expect` is `not-mining`, or a dialect and the turn that proves it
//! (`stratum-v2 at 3`); `cut: 4` allows for turn 4 where the turns are cut, in a dialect whose messages
//! have no end of their own; `midway: yes` joins the flow there; after the turn `unwanted-after` neither
//! direction is of use any more.

use std::path::Path;

use dialogue::Dialogue;
use minewall::dpi::{Answer, Dpi, Inspection};
use minewall::net::direction::Direction;

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
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut played = 0;
    for entry in directory.read_dir().expect("the directory is there") {
        let path = entry.expect("a readable directory").path();
        if path.extension().is_none_or(|extension| extension != "dialogue") {
            continue;
        }
        let dialogue = Dialogue::parse(&std::fs::read_to_string(&path).expect("a readable file"));
        let expected = dialogue.option("expect").expect("what the dialogue should lead to");
        let later = dialogue.option("cut").and_then(|turn| Some((expected.split_once(" at ")?.0, turn)));
        let later = later.map(|(dialect, turn)| format!("{dialect} at {turn}"));
        for piece in [usize::MAX, 1_448, 100, 7, 1] {
            let outcome = play(&dialogue, piece);
            if piece == usize::MAX || later.as_ref() != Some(&outcome.verdict) {
                assert_eq!(outcome.verdict, expected, "{} in pieces of {piece}", path.display());
            }
            if let Some(turn) = dialogue.option("unwanted-after") {
                let turn = turn.parse().expect("the number of a turn");
                assert!(
                    outcome.unwanted_after.is_some_and(|after| after <= turn),
                    "{} in pieces of {piece}: {outcome:?}",
                    path.display()
                );
            }
        }
        played += 1;
    }
    assert!(played >= 20, "only {played} dialogues found");
}
