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
pub(crate) struct BeaconCount {
    /// Mining or not.
    pub label: Label,
    /// The dialect.
    pub name: String,
    /// Captures that could be read.
    pub captures: usize,
    /// Captures whose sessions became suspect together.
    pub suspects: usize,
}

/// Counts over the captures of `--mining` and `--benign`.
///
/// # Errors
/// A folder or manifest can't be read. A capture that can't is left out, with a warning.
pub(crate) fn count(arguments: &Arguments) -> Result<Vec<BeaconCount>, Error> {
    let mut counts: BTreeMap<(Label, String), [usize; 2]> = BTreeMap::new();
    for (name, label) in [("mining", Label::Mining), ("benign", Label::Benign)] {
        for path in arguments.values(name) {
            for (capture, dialect) in source::captures(path.as_ref(), label)? {
                match beacons_in(&capture) {
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
    let count = |(group, [captures, suspects]): ((Label, String), [usize; 2])| {
        let (label, name) = group;
        BeaconCount { label, name, captures, suspects }
    };
    Ok(counts.into_iter().map(count).collect())
}

fn beacons_in(capture: &Path) -> Result<bool, Error> {
    let mut beacons = Beacons::new(FixedKey::default());
    let mut suspect = false;
    capture::short_sessions(capture, |sent| suspect |= beacons.sent(sent) == Decision::Suspect)?;
    Ok(suspect)
}

/// For people: dialects with suspects, and how many captures had none.
pub(crate) fn table(beacons: &[BeaconCount]) -> String {
    let mut out = String::new();
    for label in [Label::Mining, Label::Benign] {
        let of_label = || beacons.iter().filter(move |s| s.label == label);
        let (captures, suspects) =
            of_label().fold((0, 0), |(c, s), count| (c + count.captures, s + count.suspects));
        if captures == 0 {
            continue;
        }
        let _ = write!(out, "{label:?}: short sessions made a suspect in {suspects} of {captures} captures");
        for count in of_label().filter(|s| s.suspects > 0) {
            let _ = write!(out, "; {} {} of {}", count.name, count.suspects, count.captures);
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
        let beacons = count(&traces("xmrig-in-tls13")).expect("readable");
        assert_eq!(beacons.len(), 1);
        assert_eq!((beacons[0].captures, beacons[0].suspects), (1, 0));
        assert!(table(&beacons).starts_with("Mining: short sessions made a suspect in 0 of 1 captures"));
    }
}
