//! Short sessions to one server, in captures: what [`crate::hmm::beaconing`] makes of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::hmm::beaconing::Beacons;
use crate::hmm::decision::Decision;
use crate::lab::replay::FixedKey;
use crate::lab::train::arguments::Arguments;
use crate::lab::train::sequence::Label;
use crate::lab::train::{Error, capture, source};

/// The captures of one dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swarming {
    /// Mining or not.
    pub label: Label,
    /// The dialect.
    pub name: String,
    /// Captures that could be read.
    pub captures: usize,
    /// Sessions with a swarm that became suspect.
    pub suspects: usize,
}

/// Counts over the captures of `--mining` and `--benign`.
///
/// # Errors
/// A folder or manifest can't be read. A capture that can't is left out, with a warning.
pub(crate) fn count(arguments: &Arguments) -> Result<Vec<Swarming>, Error> {
    let mut counts: BTreeMap<(Label, String), [usize; 2]> = BTreeMap::new();
    for (name, label) in [("mining", Label::Mining), ("benign", Label::Benign)] {
        for path in arguments.values(name) {
            for (capture, dialect) in source::captures(path.as_ref(), label)? {
                match has_swarm(&capture) {
                    Ok(suspect) => {
                        let [captures, suspects] = counts.entry((label, dialect)).or_default();
                        *captures += 1;
                        *suspects += usize::from(suspect);
                    }
                    Err(error) => log::warn!("left out: {}", error.at(&capture)),
                }
            }
        }
    }
    let swarming = |(group, [captures, suspects]): ((Label, String), [usize; 2])| {
        let (label, name) = group;
        Swarming { label, name, captures, suspects }
    };
    Ok(counts.into_iter().map(swarming).collect())
}

fn has_swarm(capture: &Path) -> Result<bool, Error> {
    let mut swarms = Beacons::new(FixedKey::default());
    let mut suspect = false;
    capture::short_sessions(capture, |sent| suspect |= swarms.sent(sent) == Decision::Suspect)?;
    Ok(suspect)
}

/// For people: dialects with suspects, and how many captures had none.
pub(crate) fn table(swarms: &[Swarming]) -> String {
    let mut out = String::new();
    for label in [Label::Mining, Label::Benign] {
        let of_label = || swarms.iter().filter(move |s| s.label == label);
        let (captures, suspects) =
            of_label().fold((0, 0), |(c, s), swarming| (c + swarming.captures, s + swarming.suspects));
        if captures == 0 {
            continue;
        }
        let _ = write!(out, "{label:?}: short sessions made a suspect in {suspects} of {captures} captures");
        for swarming in of_label().filter(|s| s.suspects > 0) {
            let _ = write!(out, "; {} {} of {}", swarming.name, swarming.suspects, swarming.captures);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(name: &str) -> Arguments {
        let path = format!("{}/tests/traces/{name}.pcap", env!("CARGO_MANIFEST_DIR"));
        let words = ["--mining".to_owned(), path];
        Arguments::parse(words, &["mining", "benign"]).expect("well-formed")
    }

    #[test]
    fn one_session_is_no_swarm_and_is_counted() {
        let swarms = count(&traces("xmrig-in-tls13")).expect("readable");
        assert_eq!(swarms.len(), 1);
        assert_eq!((swarms[0].captures, swarms[0].suspects), (1, 0));
        assert!(table(&swarms).starts_with("Mining: short sessions made a suspect in 0 of 1 captures"));
    }
}
