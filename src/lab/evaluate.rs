//! Measuring stage one, on a desk: `minewall evaluate`.
//!
//! The router's integer model runs over every long flow, alone and without the engine's budget. Short sessions of
//! captures are counted by server, as the router does.

pub(crate) mod breakdown;
pub(crate) mod calibration;
#[cfg(test)]
mod end_to_end;
pub(crate) mod evasion;
pub(crate) mod house;
pub(crate) mod json;
pub(crate) mod plot;
pub(crate) mod beaconing;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::hmm::RATIO_ONE;
use crate::hmm::model::Model;
use crate::hmm::threshold::{Sensitivity, Test};
use crate::lab::train::arguments::Arguments;
use crate::lab::train::dataset::{self, Case};
use crate::lab::train::folds::{self, Grouping};
use crate::lab::train::scores::{Peaks, Trace};
use crate::lab::train::sequence::{Label, SequenceOrigin};
use crate::lab::train::{Error, reference, report, say, writable};

use beaconing::BeaconCount;
use breakdown::Breakdown;
use calibration::CalibrationBin;
use evasion::Evasion;

/// `minewall evaluate --mining PATH... --benign PATH...`, and `[--model FILE] [--scripted N]
/// [--seed N] [--leave-out DIALECT...] [--house DAYS] [--json FILE] [--plots FOLDER]`.
///
/// Without `--model`, the one that is part of the program. `--scripted N` adds N scripted miners and 2 N look-alikes,
/// drawn with another seed than the training's. `--house DAYS` lets houses live on the benign sessions, and says how
/// many servers they ask ([`house`]).
///
/// # Errors
/// A sentence for the user.
pub fn run(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, OPTIONS)?;
    let model = match arguments.path("model") {
        None => Model::embedded().map_err(|error| error.to_string())?,
        Some(path) => {
            let bytes = fs::read(&path).map_err(|error| Error::from(error).at(&path))?;
            Model::decode(&bytes).map_err(|error| Error::from(error.to_string()).at(&path))?
        }
    };
    if let Some(path) = arguments.path("json") {
        writable(&path)?;
    }
    if let Some(folder) = arguments.path("plots") {
        fs::create_dir_all(&folder).map_err(|error| Error::from(error).at(&folder))?;
        PLOTS.iter().try_for_each(|name| writable(&folder.join(name)))?;
    }
    let beacons = beaconing::count(&arguments)?;
    say(&beaconing::table(&beacons))?;
    let cases = dataset::cases(arguments.sequences(arguments.value("seed", SEED)?, 0)?);
    if cases.is_empty() {
        return Err(Error::from("no long flow: at least 12 payload packets in 30 seconds are needed"));
    }
    let traces = Trace::of_all(&cases, &model);
    let breakdown = Breakdown::of(&traces, &model.test);
    let curve = roc(&traces);
    let told = calibration::told(&traces, &model.test);
    let mining: Vec<&Case> = cases.iter().filter(|c| c.label() == Label::Mining).collect();
    let evasions = evasion::recall(&mining, &model);

    say(&breakdown.table())?;
    say(&rates(&traces))?;
    say(&false_alarms(&traces, &model.test))?;
    say(&across_halves(&cases, &traces))?;
    say(&calibration::table(&told, &traces))?;
    say(&evasion::table(&evasions))?;
    let days = arguments.value("house", 0)?;
    if days > 0 {
        say(&house::live(&traces, &model.test, days).table())?;
    }
    let deviation = reference::largest_deviation(&cases, &model);
    say(&format!("largest deviation of a symbol from floating point: {deviation:.3} bits\n"))?;
    let measured = Measured {
        breakdown: &breakdown,
        curve: &curve,
        evasions: &evasions,
        beacons: &beacons,
        told: &told,
    };
    if let Some(path) = arguments.path("json") {
        write(&path, &json::document(&measured, &model.test, &traces))?;
    }
    if let Some(folder) = arguments.path("plots") {
        let plots = [plot::roc(&curve, &breakdown)?, plot::decision(&breakdown)?, plot::evasion(&evasions)?];
        for (name, plot) in PLOTS.iter().zip(&plots) {
            write(&folder.join(name), plot)?;
        }
    }
    Ok(())
}

/// Files of the plots.
const PLOTS: [&str; 3] = ["roc.svg", "decision.svg", "evasion.svg"];

/// Everything that is measured over all sessions.
struct Measured<'a> {
    breakdown: &'a Breakdown,
    /// False-positive rate and recall at every threshold that changes the former.
    curve: &'a [(f64, f64)],
    evasions: &'a [Disguised],
    beacons: &'a [BeaconCount],
    told: &'a [CalibrationBin],
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| Error::from(error).at(path))
}

/// [`RATIO_ONE`]ths of a bit as bits.
fn bits(ratio: i32) -> f64 {
    f64::from(ratio) / f64::from(RATIO_ONE)
}

/// Recall at several rates of false positives, by origin.
fn rates(traces: &[Trace<'_>]) -> String {
    let mut out = String::from("recall [95 %] where so many benign long flows become suspects:\n");
    for origin in SequenceOrigin::ALL {
        let of_origin = traces.iter().filter(|trace| trace.case.sequence.origin() == origin);
        out += &report::recall(origin.name(), &Peaks::of(of_origin));
    }
    out + &report::recall("all", &Peaks::of(traces))
}

/// False alarms an hour of benign long flows by sensitivity: the price of a test without an end.
fn false_alarms(traces: &[Trace<'_>], test: &Test) -> String {
    let benign = || traces.iter().filter(|trace| trace.case.label() == Label::Benign);
    let hours = benign().map(|trace| trace.case.sequence.duration_ms()).sum::<u64>() as f64 / 3_600_000.0;
    let mut out = format!("false alarms an hour, of {hours:.0} hours of benign long flows:\n ");
    for sensitivity in Sensitivity::ALL {
        let threshold = test.threshold(sensitivity);
        let alarms = benign().filter(|trace| trace.suspicion(threshold).is_some()).count();
        let _ = write!(out, " {} {:.4}", sensitivity.name(), alarms as f64 / hours.max(f64::MIN_POSITIVE));
    }
    out.push('\n');
    out
}

/// Thresholds set on half of the benign applications, and the share of the other half's sessions that reach them: what
/// a rate promises for houses that it was not set on.
fn across_halves(cases: &[Case], traces: &[Trace<'_>]) -> String {
    let folds = folds::assign(cases, Grouping::Application, 2);
    let half = |wanted: usize| {
        Peaks::of(traces.iter().zip(&folds).filter(|(_, fold)| **fold == wanted).map(|(trace, _)| trace))
    };
    let halves = [half(0), half(1)];
    if halves.iter().any(|half| half.benign.is_empty()) {
        return String::new();
    }
    let mut out = String::from("set on half of the benign applications, told of the other half:\n");
    for rate in ACROSS {
        let _ = write!(out, "  {:3} %:", rate * 100.0);
        for (set_on, told_of) in [(0, 1), (1, 0)] {
            let (set_on, told_of): (&Peaks, &Peaks) = (&halves[set_on], &halves[told_of]);
            let mistaken = told_of.mistaken(set_on.threshold(rate));
            let _ = write!(out, "  {mistaken} of {}", told_of.benign.len());
        }
        out.push('\n');
    }
    out
}

/// Points (false-positive rate, recall), every threshold that changes the former.
fn roc(traces: &[Trace<'_>]) -> Vec<(f64, f64)> {
    let peaks = Peaks::of(traces);
    let (mining, benign) = (peaks.mining.len().max(1) as f64, peaks.benign.len().max(1) as f64);
    let point = |allowed: usize| {
        let threshold = peaks.threshold(allowed as f64 / benign);
        (peaks.mistaken(threshold) as f64 / benign, peaks.found(threshold) as f64 / mining)
    };
    let mut curve: Vec<(f64, f64)> = (0..=peaks.benign.len() / 4).map(point).collect();
    curve.dedup();
    curve
}

/// A disguise of mining, and the recall by sensitivity.
pub(crate) type Disguised = (Evasion, [f64; Sensitivity::ALL.len()]);

/// Shares of the benign sessions for which [`across_halves`] sets its thresholds.
const ACROSS: [f64; 4] = [0.005, 0.01, 0.02, 0.05];
const OPTIONS: &[&str] =
    &["mining", "benign", "model", "scripted", "seed", "leave-out", "house", "json", "plots"];
/// Not the seed of the training.
const SEED: u64 = 1_000;
