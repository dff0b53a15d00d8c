//! Sessions held back by group, so that generalising to what was never seen is what is measured.

use std::collections::BTreeMap;

use super::dataset::Case;
use super::sequence::Label;

/// Property by which sessions are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// The client program.
    Application,
    /// The dialect.
    Dialect,
}

impl Grouping {
    /// The group of a case.
    pub(crate) fn of(self, case: &Case) -> &str {
        match self {
            Grouping::Application => &case.sequence.application,
            Grouping::Dialect => &case.sequence.dialect,
        }
    }
}

/// The fold of each case: all of a group are in one, and folds are as even as groups allow, for each
/// label.
pub(crate) fn assign(cases: &[Case], grouping: Grouping, folds: usize) -> Vec<usize> {
    let mut sizes: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for case in cases {
        sizes.entry(grouping.of(case)).or_default()[case.label() as usize] += 1;
    }
    let mut groups: Vec<_> = sizes.into_iter().collect();
    groups.sort_by_key(|(_, [benign, mining])| core::cmp::Reverse(benign.max(mining).to_owned()));
    let mut loads = vec![[0; 2]; folds.max(1)];
    let mut fold_of = BTreeMap::new();
    for (group, counts) in groups {
        let label = if counts[Label::Mining as usize] > 0 { Label::Mining } else { Label::Benign };
        let emptiest = (0..loads.len()).min_by_key(|&fold| loads[fold][label as usize]).unwrap_or(0);
        (0..2).for_each(|label| loads[emptiest][label] += counts[label]);
        fold_of.insert(group, emptiest);
    }
    cases.iter().map(|case| fold_of[grouping.of(case)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::train::generate;

    #[test]
    fn a_group_is_never_split_and_every_fold_has_both_labels() {
        let sequences = [generate::mining(1, 60, 20), generate::benign(1, 60, 20)].concat();
        let cases: Vec<Case> = sequences.into_iter().map(|s| Case::new(s, 1.0)).collect();
        let folds = assign(&cases, Grouping::Dialect, 4);
        for (a, fold_a) in cases.iter().zip(&folds) {
            for (b, fold_b) in cases.iter().zip(&folds) {
                assert!(a.sequence.dialect != b.sequence.dialect || fold_a == fold_b);
            }
        }
        for fold in 0..4 {
            for label in [Label::Mining, Label::Benign] {
                assert!(cases.iter().zip(&folds).any(|(c, f)| *f == fold && c.label() == label));
            }
        }
    }
}
