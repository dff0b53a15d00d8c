//! Suspects by application, dialect and transport, and how long it took.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::hmm::threshold::{Sensitivity, Test};
use crate::lab::train::dataset::Case;
use crate::lab::train::scores::{SuspectMoment, Trace, interval};
use crate::lab::train::sequence::Label;

/// The name of a session's group.
type Name = fn(&Case) -> &str;

/// Every way of grouping, with its groups.
#[derive(Clone, Debug)]
pub(crate) struct Breakdown {
    /// Groups by `all`, `application`, `dialect`, `transport`.
    pub groupings: Vec<(&'static str, Vec<Group>)>,
}

/// The sessions of one group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Mining or not.
    pub label: Label,
    /// Name of the group, for example the application.
    pub name: String,
    /// Long flows.
    pub flows: usize,
    /// Suspects among them, by sensitivity.
    pub suspects: [Suspects; SENSITIVITIES],
}

/// The suspects at one sensitivity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspects {
    /// Packets until each became suspect, sorted.
    pub packets: Vec<u32>,
    /// Milliseconds until each became suspect, sorted.
    pub millis: Vec<u32>,
}

impl Suspects {
    fn add(&mut self, suspicion: Option<SuspectMoment>) {
        self.packets.extend(suspicion.map(|suspicion| u32::from(suspicion.packets)));
        self.millis.extend(suspicion.map(|suspicion| suspicion.age_ms));
    }
}

impl Breakdown {
    /// Classifies every trace.
    pub(crate) fn of(traces: &[Trace<'_>], test: &Test) -> Self {
        let names: [(&'static str, Name); 4] = [
            ("all", |_| "all"),
            ("application", |case| &case.sequence.application),
            ("dialect", |case| &case.sequence.dialect),
            ("transport", |case| &case.sequence.transport),
        ];
        let suspicions = |trace: &Trace<'_>| Sensitivity::ALL.map(|s| trace.suspicion(test.threshold(s)));
        let suspicions: Vec<[Option<SuspectMoment>; SENSITIVITIES]> = traces.iter().map(suspicions).collect();
        let grouping = |(name, of): (&'static str, Name)| {
            let mut groups: BTreeMap<(Label, &str), Group> = BTreeMap::new();
            for (trace, suspicions) in traces.iter().zip(&suspicions) {
                let (label, name) = (trace.case.label(), of(trace.case));
                let group = groups.entry((label, name)).or_insert_with(|| Group {
                    label,
                    name: name.to_owned(),
                    flows: 0,
                    suspects: Default::default(),
                });
                group.flows += 1;
                group.suspects.iter_mut().zip(suspicions).for_each(|(suspects, &one)| suspects.add(one));
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
    pub(crate) fn all(&self, label: Label) -> Option<&Group> {
        self.groupings.first().and_then(|(_, groups)| groups.iter().find(|g| g.label == label))
    }

    /// For people: shares of suspects by sensitivity; packets and seconds (s) to suspicion at the default.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        for (grouping, groups) in &self.groupings {
            let _ = write!(out, "{grouping:31} {:>6}", "flows");
            Sensitivity::ALL.iter().for_each(|sensitivity| {
                let _ = write!(out, " {:>8}", sensitivity.name());
            });
            let _ = writeln!(out, "  median p90 packets; s");
            groups.iter().for_each(|group| group.row(&mut out));
        }
        if let Some(mining) = self.all(Label::Mining) {
            let suspects = &mining.suspects[Sensitivity::default() as usize];
            let (low, high) = interval(suspects.packets.len(), mining.flows);
            let _ = writeln!(out, "found at the default, 95 %: {low:.3} to {high:.3}");
        }
        out
    }
}

impl Group {
    fn row(&self, out: &mut String) {
        let name: String = self.name.chars().take(24).collect();
        let _ = write!(out, "{:6} {name:24} {:6}", self.label.name(), self.flows);
        for suspects in &self.suspects {
            let _ = write!(out, " {:8.4}", suspects.packets.len() as f64 / self.flows as f64);
        }
        let default = &self.suspects[Sensitivity::default() as usize];
        if !default.packets.is_empty() && self.label == Label::Mining {
            let [packets, millis] = [&default.packets, &default.millis]
                .map(|values| [0.5, 0.9].map(|share| f64::from(quantile(values, share))));
            let [median, p90] = millis.map(|millis| millis / 1_000.0);
            let _ = write!(out, "  {:4} {:4}; {median:5.0} {p90:5.0}", packets[0], packets[1]);
        }
        out.push('\n');
    }
}

/// The value below which a share of `sorted` lies; 0 of nothing.
pub(crate) fn quantile(sorted: &[u32], share: f64) -> u32 {
    let at = (share * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

const SENSITIVITIES: usize = Sensitivity::ALL.len();
/// Median, p90, p99.
pub(crate) const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

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
