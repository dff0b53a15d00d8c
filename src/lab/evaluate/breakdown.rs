//! Suspects by application, dialect and transport, and how long it took.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::hmm::decision::{Decision, Sensitivity, Thresholds};
use crate::lab::train::dataset::Case;
use crate::lab::train::sequence::Label;
use crate::lab::train::verdicts::{Outcome, Trace, interval};

/// What a session is grouped by.
type Name = fn(&Case) -> &str;

/// Every way of grouping, with its groups.
#[derive(Clone, Debug)]
pub struct Breakdown {
    /// By `all`, `application`, `dialect`, `transport`.
    pub groupings: Vec<(&'static str, Vec<Group>)>,
}

/// The sessions of one group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Mining or not.
    pub label: Label,
    /// The application, say.
    pub name: String,
    /// Long flows.
    pub flows: usize,
    /// Suspects among them, by sensitivity.
    pub suspects: [Suspects; 3],
}

/// The suspects at one sensitivity.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    /// Packets until each became suspect, sorted.
    pub packets: Vec<u32>,
    /// Milliseconds until each became suspect, sorted.
    pub millis: Vec<u32>,
}

impl Suspects {
    fn add(&mut self, outcome: &Outcome) {
        if outcome.decision == Decision::Suspect {
            self.packets.push(u32::from(outcome.packets));
            self.millis.push(outcome.age_ms);
        }
    }
}

impl Breakdown {
    /// Judges every trace.
    pub fn of(traces: &[Trace<'_>], thresholds: &Thresholds) -> Self {
        let names: [(&'static str, Name); 4] = [
            ("all", |_| "all"),
            ("application", |case| &case.sequence.application),
            ("dialect", |case| &case.sequence.dialect),
            ("transport", |case| &case.sequence.transport),
        ];
        let outcomes: Vec<[Outcome; 3]> = traces
            .iter()
            .map(|trace| Sensitivity::ALL.map(|sensitivity| trace.outcome(thresholds, sensitivity)))
            .collect();
        let grouping = |(name, of): (&'static str, Name)| {
            let mut groups: BTreeMap<(Label, &str), Group> = BTreeMap::new();
            for (trace, outcomes) in traces.iter().zip(&outcomes) {
                let (label, name) = (trace.case.label(), of(trace.case));
                let group = groups.entry((label, name)).or_insert_with(|| Group {
                    label,
                    name: name.to_owned(),
                    flows: 0,
                    suspects: Default::default(),
                });
                group.flows += 1;
                group.suspects.iter_mut().zip(outcomes).for_each(|(suspects, outcome)| suspects.add(outcome));
            }
            let mut groups: Vec<Group> = groups.into_values().collect();
            for suspects in groups.iter_mut().flat_map(|g| &mut g.suspects) {
                suspects.packets.sort_unstable();
                suspects.millis.sort_unstable();
            }
            (name, groups)
        };
        Breakdown { groupings: names.into_iter().map(grouping).collect() }
    }

    /// The group of all sessions with this label.
    pub fn all(&self, label: Label) -> Option<&Group> {
        self.groupings.first().and_then(|(_, groups)| groups.iter().find(|g| g.label == label))
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for (grouping, groups) in &self.groupings {
            let _ = write!(out, "{:7} {grouping:24} {:>6}", "", "flows");
            for sensitivity in Sensitivity::ALL {
                let _ = write!(out, "  {:>8} {:14}", sensitivity.name(), "[95 %]");
            }
            let _ = writeln!(out, "  packets, seconds to suspicion (balanced): median p90 p99");
            for group in groups {
                let label = if group.label == Label::Mining { "mining" } else { "benign" };
                let _ = write!(out, "{label:7} {:24} {:6}", group.name, group.flows);
                for suspects in &group.suspects {
                    let (low, high) = interval(suspects.packets.len(), group.flows);
                    let share = suspects.packets.len() as f64 / group.flows as f64;
                    let _ = write!(out, "  {share:8.4} [{low:.3}, {high:.3}]");
                }
                let balanced = &group.suspects[Sensitivity::Balanced as usize];
                if !balanced.packets.is_empty() && group.label == Label::Mining {
                    for share in QUANTILES {
                        let _ = write!(out, " {:4}", quantile(&balanced.packets, share));
                    }
                    out.push(',');
                    for share in QUANTILES {
                        let _ =
                            write!(out, " {:6.0}", f64::from(quantile(&balanced.millis, share)) / 1_000.0);
                    }
                }
                out.push('\n');
            }
        }
        out
    }
}

/// The value below which a share of `sorted` lies; 0 of nothing.
pub fn quantile(sorted: &[u32], share: f64) -> u32 {
    let at = (share * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// Median, p90, p99.
pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted() {
        let sorted: Vec<u32> = (0..100).collect();
        assert_eq!(QUANTILES.map(|share| quantile(&sorted, share)), [50, 90, 99]);
        assert_eq!(quantile(&sorted, 1.0), 99);
        assert_eq!(quantile(&[], 0.5), 0);
    }
}
