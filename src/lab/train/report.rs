//! The report of a training.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Training;
use super::folds::Grouping;
use super::scores::{Peaks, interval};
use super::selection::{HeldBack, PanelChoice};
use super::sequence::{Label, SequenceOrigin};
use crate::hmm::RATIO_ONE;
use crate::hmm::threshold::{Sensitivity, Test};

/// The panel, and what each member adds.
pub(crate) fn selection(choice: &PanelChoice, held_back: &[HeldBack<'_>]) -> String {
    let drift = f64::from(choice.drift) / f64::from(RATIO_ONE);
    let mut out = format!("panel of candidates {:?}, drift {drift} bits; score by size:", choice.members);
    choice.scores.iter().for_each(|score| {
        let _ = write!(out, " {score:.3}");
    });
    out.push('\n');
    let candidates = held_back.first().map_or(0, |h| h.gains.len());
    for members in (0..candidates).map(|candidate| vec![candidate]).chain([choice.members.clone()]) {
        let _ = write!(out, "  {members:?}");
        let peaks = peaks(held_back, &members, choice.drift, |origin| origin != SequenceOrigin::Scripted);
        RATES.into_iter().for_each(|rate| {
            let _ = write!(out, "  {:.3} at {} %", peaks.recall(rate), rate * 100.0);
        });
        out.push('\n');
    }
    out
}

/// Rates on the sessions held back: by origin, by sensitivity, and by group.
pub(crate) fn held_back(
    held_back: &[HeldBack<'_>],
    choice: &PanelChoice,
    test: &Test,
    grouping: Grouping,
) -> String {
    let name = if grouping == Grouping::Application { "application" } else { "dialect" };
    let mut out =
        format!("sessions held back, by {name}; recall [95 %] where so many benign become suspects:\n");
    let of =
        |wanted: &[SequenceOrigin]| peaks(held_back, &choice.members, choice.drift, |o| wanted.contains(&o));
    let [captured, daemons, scripted] = SequenceOrigin::ALL.map(|origin| of(&[origin]));
    let both = of(&[SequenceOrigin::Captured, SequenceOrigin::Daemons]);
    let sources = [("captured", captured), ("daemons", daemons), ("both", both), ("scripted", scripted)];
    for (what, peaks) in &sources {
        out += &recall(what, peaks);
    }
    for sensitivity in Sensitivity::ALL {
        let threshold = f64::from(test.threshold(sensitivity)) / f64::from(RATIO_ONE);
        let _ = write!(out, "  {:9} {threshold:5.1} bits", sensitivity.name());
        for (what, peaks) in &sources {
            let [found, mistaken] = [peaks.found(threshold), peaks.mistaken(threshold)];
            let [mining, benign] = [peaks.mining.len(), peaks.benign.len()];
            let _ = write!(out, "  {what} {found}/{mining}, {mistaken}/{benign}");
        }
        out.push('\n');
    }
    let balanced = f64::from(test.threshold(Sensitivity::Balanced)) / f64::from(RATIO_ONE);
    out += &groups(held_back, choice, balanced);
    out
}

/// Recall of one kind of sessions at several rates of false positives among them; nothing of an empty kind.
pub(crate) fn recall(what: &str, peaks: &Peaks) -> String {
    let (mining, benign) = (peaks.mining.len(), peaks.benign.len());
    if mining == 0 || benign == 0 {
        return String::new();
    }
    let mut out = format!("  {what:9} {mining:5} mining, {benign:5} benign:");
    for rate in RATES {
        let (low, high) = interval(peaks.found(peaks.threshold(rate)), mining);
        let _ = write!(out, "\n    {:.3} [{low:.3}, {high:.3}] at {} %", peaks.recall(rate), rate * 100.0);
    }
    out.push('\n');
    out
}

/// Suspects at the balanced threshold by application and dialect.
fn groups(held_back: &[HeldBack<'_>], choice: &PanelChoice, threshold: f64) -> String {
    let mut groups: BTreeMap<(Label, String), (usize, usize)> = BTreeMap::new();
    for held_back in held_back {
        let sequence = &held_back.case.sequence;
        let name = if sequence.origin() == SequenceOrigin::Scripted {
            sequence.application.clone()
        } else {
            format!("{} {} {}", sequence.application, sequence.dialect, sequence.transport)
        };
        let (suspects, sessions) = groups.entry((sequence.label, name)).or_default();
        *suspects += usize::from(held_back.peak(&choice.members, choice.drift) >= threshold);
        *sessions += 1;
    }
    let mut out = String::from("suspects at balanced, by group:\n");
    for ((label, group), (suspects, sessions)) in groups {
        let _ = writeln!(out, "  {label:?} {group:48} {suspects:5} of {sessions:5}");
    }
    out
}

fn peaks(
    held_back: &[HeldBack<'_>],
    members: &[usize],
    drift: i16,
    wanted: impl Fn(SequenceOrigin) -> bool,
) -> Peaks {
    let mut peaks = Peaks::default();
    for held_back in held_back.iter().filter(|h| wanted(h.case.sequence.origin())) {
        peaks.add(held_back.case.label(), held_back.peak(members, drift));
    }
    peaks.sort();
    peaks
}

/// Course of the training of one member on everything.
pub(crate) fn course(candidate: usize, training: &Training) -> String {
    let mut out = format!("candidate {candidate} on everything\n");
    let [mining, background] = &training.log_likelihood;
    for (what, values) in [
        ("  log-likelihood per symbol of mining, by iteration", mining),
        ("  log-likelihood per symbol of the background, by iteration", background),
        ("  loss of the refinement, by round", &training.course.loss),
    ] {
        let _ = write!(out, "{what}:");
        values.iter().for_each(|value| {
            let _ = write!(out, " {value:.4}");
        });
        out.push('\n');
    }
    out
}

const RATES: [f64; 5] = [0.05, 0.01, 0.005, 0.001_5, 0.0];
