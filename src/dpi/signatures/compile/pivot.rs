//! The order of rules in which few of them have to be looked at.

use super::TermForm;
use super::program::{PIVOTS, Rule, pivot_of_carrier};

/// Sorts rules without a method by their pivot; answers where each pivot's begin (`Program::pivots`).
pub(super) fn sort(rules: &mut [(TermForm, Rule)]) -> Vec<u16> {
    let mut frequency = [0_u16; u64::BITS as usize];
    for bit in rules.iter().flat_map(|(_, rule)| bits(rule.needs)) {
        frequency[bit as usize] += 1;
    }
    let pivot = |rule: &Rule| {
        let rarest = bits(rule.needs).min_by_key(|bit| frequency[*bit as usize]);
        rarest.unwrap_or(pivot_of_carrier(rule.over.into()))
    };
    rules.sort_unstable_by_key(|(_, rule)| (pivot(rule), rule.order));
    let first_of = |of: u32| rules.partition_point(|(_, rule)| pivot(rule) < of) as u16;
    (0..=PIVOTS).map(first_of).collect()
}

/// The places of the bits that are set.
fn bits(mut set: u64) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(lowest)
    })
}
