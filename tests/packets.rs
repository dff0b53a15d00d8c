//! Every dialogue of `tests/dialogues` as packets through the engine, under every segmentation.
//!
//! The verdict must not depend on how the bytes are cut, merged, repeated or reordered, and of packets
//! in order it must fall on the one that completes the proof. Of the options that
//! `tests/dialogues.rs` describes, `expect`, `cut` and `midway` count here; and one more: `resumed: N`, a
//! mining flow is found too when the capture begins at turn N.

#[path = "common/dialogue.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod dialogue;
#[path = "support/file.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod file;
#[path = "support/play.rs"]
mod play;
#[path = "support/random.rs"]
mod random;
#[path = "support/wire.rs"]
mod wire;

use std::fs;

use dialogue::Dialogue;
use file::Link;
use minewall::dpi::signatures::Dialect;
use minewall::lab::replay::account::{FlowAccount, FlowVerdict};
use play::{Fate, Piece, Style, pieces, play};
use random::Random;

/// A dialogue and what must come of it.
struct Case {
    name: String,
    dialogue: Dialogue,
    expected: Expected,
}

enum Expected {
    Mining { dialect: String, turn: usize, cut: Option<usize>, resumed: Option<usize> },
    NotMining,
}

impl Case {
    fn read(name: &str, text: &str) -> Case {
        let dialogue = Dialogue::parse(text);
        let turn = |number: &str| {
            let number: usize = number.parse().unwrap_or_else(|_| panic!("{name}: '{number}' is no turn"));
            assert!((1..=dialogue.turns.len()).contains(&number), "{name} has no turn {number}");
            number - 1
        };
        let expect = dialogue.option("expect").unwrap_or_else(|| panic!("{name} expects nothing"));
        let expected = match expect.split_once(" at ") {
            Some((dialect, number)) => Expected::Mining {
                dialect: dialect.to_owned(),
                turn: turn(number),
                cut: dialogue.option("cut").map(turn),
                resumed: dialogue.option("resumed").map(turn),
            },
            None if expect == "not-mining" => Expected::NotMining,
            None => panic!("{name} expects '{expect}'"),
        };
        Case { name: name.to_owned(), dialogue, expected }
    }

    fn play(&self, style: &Style) -> Result<(), String> {
        if self.is_whole() && style.segment < Style::PLAIN.segment {
            return Ok(());
        }
        self.check(&pieces(&self.dialogue, style), style)
    }

    /// Whether the dialect is told by how a turn begins, so that a turn in pieces tells nothing.
    fn is_whole(&self) -> bool {
        self.dialogue.option("whole").is_some()
    }

    /// Whether `pieces` come to what is expected; if not, what they come to instead.
    fn check(&self, pieces: &[Piece], style: &Style) -> Result<(), String> {
        let midway = self.dialogue.option("midway").is_some();
        let joined = Style { joined_at: style.joined_at.or(midway.then_some(0)), ..*style };
        let flow = play(pieces, &joined);
        let FlowAccount { verdict, finding, decided, .. } = &flow;
        let come_to = format!("{verdict:?} {finding:?} {decided:?} in {style:?}");
        match &self.expected {
            Expected::NotMining => match verdict {
                FlowVerdict::Mining | FlowVerdict::Suspect => Err(come_to),
                FlowVerdict::Benign | FlowVerdict::Undecided => Ok(()),
            },
            Expected::Mining { .. } if *verdict != FlowVerdict::Mining => Err(come_to),
            // The name and the packet are told by messages that this style withholds or delays.
            Expected::Mining { .. } if style.joined_at.is_some() || style.fate == Fate::Swapped => Ok(()),
            Expected::Mining { dialect, turn, cut, .. } => {
                let at = decided.ok_or("mining, but not decided")?.payload_packet as usize;
                let (first, last) = pieces.get(at - 1).ok_or("decided after the last packet")?.turns;
                let mut allowed = [Some(turn), cut.as_ref()].into_iter().flatten();
                let in_time = allowed.any(|turn| (first..=last).contains(turn));
                let spoken = finding.as_ref().and_then(|finding| finding.dialect);
                if spoken != Some(dialect.as_str()) || !in_time {
                    return Err(format!("{come_to}: turns {} to {}", first + 1, last + 1));
                }
                Ok(())
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = fs::read_dir("tests/dialogues")
        .expect("the dialogues are in the repository")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dialogue"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            Case::read(&name, &fs::read_to_string(&path).expect("a readable dialogue"))
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty());
    cases
}

/// Runs `check` on every dialogue and tells of all that fail.
fn every(check: impl Fn(&Case) -> Result<(), String>) {
    let failed: Vec<_> = cases()
        .iter()
        .filter_map(|case| check(case).err().map(|came_to| format!("\n  {}: {came_to}", case.name)))
        .collect();
    assert!(failed.is_empty(), "{} fail:{}", failed.len(), failed.concat());
}

#[test]
fn a_packet_a_turn() {
    every(|case| case.play(&Style::PLAIN));
}

#[test]
fn over_ipv6() {
    every(|case| case.play(&Style { v6: true, ..Style::PLAIN }));
}

#[test]
fn at_ports_of_the_web_mail_names_and_games() {
    for port in [80, 443, 25, 993, 22, 53, 25_565] {
        every(|case| case.play(&Style { port, ..Style::PLAIN }));
    }
}

#[test]
fn tagged_and_tunnelled() {
    for link in [Link::Vlan, Link::QinQ, Link::Pppoe, Link::VlanPppoe, Link::Cooked2] {
        every(|case| case.play(&Style { link, ..Style::PLAIN }));
    }
}

#[test]
fn turns_merged() {
    every(|case| case.play(&Style { merge: true, ..Style::PLAIN }));
}

#[test]
fn split_every_few_bytes() {
    for segment in [1, 2, 3, 7, 20, 64, 65, 200, 536] {
        every(|case| case.play(&Style { segment, ..Style::PLAIN }));
        every(|case| case.play(&Style { segment, merge: true, ..Style::PLAIN }));
    }
}

#[test]
fn every_packet_twice() {
    for segment in [11, 100, 1_440] {
        every(|case| case.play(&Style { segment, fate: Fate::Twice, ..Style::PLAIN }));
    }
}

#[test]
fn neighbours_swapped() {
    for segment in [40, 100, 1_440] {
        every(|case| match case.dialogue.option("midway") {
            // Of a flow joined midway the first packet seen begins the stream: one that it overtook is lost.
            Some(_) => Ok(()),
            None => case.play(&Style { segment, fate: Fate::Swapped, ..Style::PLAIN }),
        });
    }
}

#[test]
fn split_at_random() {
    every(|case| {
        if case.is_whole() {
            return Ok(());
        }
        let mut random = Random::new(case.name.len() as u64);
        for _ in 0..10 {
            let mut cut = Vec::new();
            for piece in pieces(&case.dialogue, &Style { merge: true, segment: 4_096, ..Style::PLAIN }) {
                // A piece may join several turns; where they meet is no longer told apart, so its
                // parts answer for all of them.
                let mut rest = &piece.bytes[..];
                while !rest.is_empty() {
                    let (head, tail) = rest.split_at(rest.len().min(1 + random.below(300)));
                    cut.push(Piece { bytes: head.to_vec(), ..piece.clone() });
                    rest = tail;
                }
            }
            case.check(&cut, &Style::PLAIN)?;
        }
        Ok(())
    });
}

#[test]
fn joined_midway() {
    every(|case| {
        let turns = match case.expected {
            Expected::Mining { resumed, .. } => resumed.map_or(0..0, |turn| turn..turn + 1),
            Expected::NotMining => 0..case.dialogue.turns.len(),
        };
        for turn in turns {
            for segment in [50, 1_440] {
                case.play(&Style { joined_at: Some(turn), segment, ..Style::PLAIN })?;
            }
        }
        Ok(())
    });
}

/// A look-alike beside every dialect is only worth something if every dialect is there.
#[test]
fn every_dialect_has_a_dialogue() {
    let cases = cases();
    let is_spoken = |dialect: &Dialect| {
        cases.iter().any(|case| {
            matches!(&case.expected, Expected::Mining { dialect: named, .. } if named == dialect.name())
        })
    };
    let missing: Vec<_> = Dialect::all().filter(|dialect| !is_spoken(dialect)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
