//! What a training prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Training;
use super::folds::Grouping;
use super::sequence::{Label, Origin};
use super::verdicts::{Peaks, Trace, interval};
use crate::hmm::decision::{BANDS, Decision, Sensitivity, Thresholds};

/// Rates on the sessions held back: of captured and scripted ones, by sensitivity, and by group.
pub fn held_back(
    traces: &[Trace<'_>],
    thresholds: &Thresholds,
    shape: &[i16; BANDS],
    grouping: Grouping,
) -> String {
    let mut out = String::new();
    let name = if grouping == Grouping::Application { "application" } else { "dialect" };
    let _ = writeln!(out, "sessions held back, by {name}:");
    out += &rates(traces, shape, thresholds.benign);
    for sensitivity in Sensitivity::ALL {
        let _ = write!(out, "  {:9}", sensitivity.name());
        for origin in Origin::ALL {
            let what = origin.name();
            let traces: Vec<_> = traces.iter().filter(|t| t.case.sequence.origin() == origin).collect();
            for (label, rate) in [(Label::Mining, "recall"), (Label::Benign, "false positives")] {
                let (hits, of) = suspects(&traces, label, thresholds, sensitivity);
                let _ = write!(out, "  {what} {rate} {:.4} ({hits}/{of})", hits as f64 / of.max(1) as f64);
            }
        }
        out.push('\n');
    }
    let groups: [(&str, Wanted, Name); 3] = [
        ("captured, by application", is_captured, |trace| trace.case.sequence.application.clone()),
        ("captured, by dialect and transport", is_captured, |trace| {
            format!("{} {}", trace.case.sequence.dialect, trace.case.sequence.transport)
        }),
        ("scripted, by dialect", |trace| !is_captured(trace), |trace| trace.case.sequence.dialect.clone()),
    ];
    for (what, wanted, name) in groups {
        let wanted = traces.iter().filter(|trace| wanted(trace));
        let _ = writeln!(out, "{what}: suspects");
        grouped(&mut out, wanted, name, thresholds);
    }
    out
}

fn is_captured(trace: &Trace<'_>) -> bool {
    trace.case.sequence.origin() != Origin::Scripted
}

/// Which sessions.
type Wanted = fn(&Trace<'_>) -> bool;
/// What a session is grouped by.
type Name = fn(&Trace<'_>) -> String;

/// A line for every group, with the suspects at each sensitivity.
fn grouped<'t, 'c: 't>(
    out: &mut String,
    traces: impl Iterator<Item = &'t Trace<'c>>,
    name: Name,
    thresholds: &Thresholds,
) {
    let mut groups: BTreeMap<(Label, String), Vec<&Trace<'_>>> = BTreeMap::new();
    for trace in traces {
        groups.entry((trace.case.label(), name(trace))).or_default().push(trace);
    }
    for ((label, group), traces) in groups {
        let _ = write!(out, "  {label:?} {group:32} {:5}", traces.len());
        for sensitivity in Sensitivity::ALL {
            let (hits, _) = suspects(&traces, label, thresholds, sensitivity);
            let _ = write!(out, "  {} {hits}", sensitivity.name());
        }
        out.push('\n');
    }
}

/// Recall of captured and scripted sessions at several rates of false positives among them.
pub fn rates(traces: &[Trace<'_>], shape: &[i16; BANDS], benign: i16) -> String {
    let mut out = String::from("recall [95 %] where so many benign long flows become suspects:\n");
    let all = traces.iter().collect::<Vec<_>>();
    let of = |wanted: &[Origin]| -> Vec<_> {
        traces.iter().filter(|trace| wanted.contains(&trace.case.sequence.origin())).collect()
    };
    let [captured, daemons, scripted] = Origin::ALL.map(|origin| of(&[origin]));
    let real = of(&[Origin::Captured, Origin::Daemons]);
    for (what, traces) in [
        ("captured", &captured),
        ("daemons", &daemons),
        ("both", &real),
        ("scripted", &scripted),
        ("all", &all),
    ] {
        if traces.is_empty() {
            continue;
        }
        let peaks = Peaks::of(traces.iter().copied(), shape, benign);
        let _ = write!(out, "  {what:9} {:5} mining, {:5} benign:", peaks.mining.len(), peaks.benign.len());
        for rate in RATES {
            let found = peaks.found(peaks.threshold(rate));
            let (low, high) = interval(found, peaks.mining.len());
            let _ = write!(out, "  {:.3} [{low:.3}, {high:.3}] at {}%", peaks.recall(rate), rate * 100.0);
        }
        out.push('\n');
    }
    out
}

fn suspects(
    traces: &[&Trace<'_>],
    label: Label,
    thresholds: &Thresholds,
    sensitivity: Sensitivity,
) -> (usize, usize) {
    let of_label: Vec<_> = traces.iter().filter(|t| t.case.label() == label).collect();
    let suspect = |t: &&&&Trace<'_>| t.outcome(thresholds, sensitivity).decision == Decision::Suspect;
    (of_label.iter().filter(suspect).count(), of_label.len())
}

/// How the final training went.
pub fn course(training: &Training) -> String {
    let mut out = String::new();
    let [mining, background] = &training.log_likelihood;
    for (what, values) in [
        ("log-likelihood per symbol of mining, by iteration", mining),
        ("log-likelihood per symbol of the background, by iteration", background),
        ("loss of the refinement, by round", &training.course.loss),
    ] {
        let _ = write!(out, "{what}:");
        values.iter().for_each(|value| {
            let _ = write!(out, " {value:.4}");
        });
        out.push('\n');
    }
    out
}

const RATES: [f64; 5] = [0.05, 0.01, 0.005, 0.001, 0.000_5];
