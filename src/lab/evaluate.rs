//! Measuring stage one, on a desk: `minewall evaluate`.
//!
//! The integer model of the router runs over every long flow; what is reported is what it would have
//! decided, and when. Short sessions of captures are counted by server, as the router does.

pub mod breakdown;
pub mod evasion;
pub mod json;
pub mod plot;
pub mod swarms;

use std::fs;
use std::path::Path;

use crate::hmm::decision::Sensitivity;
use crate::hmm::model::{EMBEDDED, Model};
use crate::lab::train::arguments::Arguments;
use crate::lab::train::dataset::{self, Case};
use crate::lab::train::sequence::Label;
use crate::lab::train::verdicts::{Peaks, Trace};
use crate::lab::train::{Error, report, twin};

use breakdown::Breakdown;
use evasion::Evasion;

/// `minewall evaluate --mining PATH... --benign PATH...`, and `[--model FILE] [--scripted N]
/// [--seed N] [--leave-out DIALECT...] [--json FILE] [--plots FOLDER]`.
///
/// Without `--model`, the one that is part of the program. `--scripted N` adds N scripted miners and
/// 2 N look-alikes, drawn with another seed than the training's.
///
/// # Errors
/// A sentence for the user.
pub fn run(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, OPTIONS)?;
    let model = match arguments.path("model") {
        None => Model::decode(EMBEDDED).map_err(|error| error.to_string())?,
        Some(path) => {
            let bytes = fs::read(&path).map_err(|error| Error::from(error).at(&path))?;
            Model::decode(&bytes).map_err(|error| Error::from(error.to_string()).at(&path))?
        }
    };
    let swarms = swarms::count(&arguments)?;
    print!("{}", swarms::table(&swarms));
    let cases = dataset::cases(arguments.sequences(arguments.value("seed", SEED)?, 0)?);
    if cases.is_empty() {
        return Err(Error::from("no long flow: at least 12 payload packets in 30 seconds are needed"));
    }
    let traces: Vec<Trace<'_>> = cases.iter().map(|case| Trace::new(case, &model)).collect();
    let breakdown = Breakdown::of(&traces, &model.thresholds);
    let curve = roc(&traces, &model);
    let mining: Vec<&Case> = cases.iter().filter(|c| c.label() == Label::Mining).collect();
    let evasions = evasion::recall(&mining, &model);

    print!("{}", breakdown.table());
    print!("{}", report::rates(&traces, &shape(&model), model.thresholds.benign));
    print!("{}", evasion::table(&evasions));
    println!("largest deviation from floating point: {:.3} bits", twin::largest_deviation(&cases, &model));
    if let Some(path) = arguments.path("json") {
        write(&path, &json::document(&breakdown, &curve, &evasions, &swarms))?;
    }
    if let Some(folder) = arguments.path("plots") {
        fs::create_dir_all(&folder).map_err(|error| Error::from(error).at(&folder))?;
        write(&folder.join("roc.svg"), &plot::roc(&curve, &breakdown))?;
        write(&folder.join("decision.svg"), &plot::decision(&breakdown))?;
        write(&folder.join("evasion.svg"), &plot::evasion(&evasions))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| Error::from(error).at(path))
}

/// How the balanced thresholds rise from band to band.
fn shape(model: &Model) -> [i16; crate::hmm::decision::BANDS] {
    let balanced = &model.thresholds.suspect[Sensitivity::Balanced as usize];
    balanced.map(|threshold| threshold.saturating_sub(balanced[0]))
}

/// Points (false-positive rate, recall), every threshold that changes the former.
fn roc(traces: &[Trace<'_>], model: &Model) -> Vec<(f64, f64)> {
    let peaks = Peaks::of(traces, &shape(model), model.thresholds.benign);
    let (mining, benign) = (peaks.mining.len().max(1) as f64, peaks.benign.len().max(1) as f64);
    let point = |allowed: usize| {
        let threshold = peaks.threshold(allowed as f64 / benign);
        (peaks.mistaken(threshold) as f64 / benign, peaks.found(threshold) as f64 / mining)
    };
    let mut curve: Vec<(f64, f64)> = (0..=peaks.benign.len() / 4).map(point).collect();
    curve.dedup();
    curve
}

/// How mining was disguised, and the recall by sensitivity.
pub type Disguised = (Evasion, [f64; 3]);

const OPTIONS: &[&str] = &["mining", "benign", "model", "scripted", "seed", "leave-out", "json", "plots"];
/// Not the seed of the training.
const SEED: u64 = 2;
