//! Training of stage one, on a desk: `minewall train` and `minewall sequences`.
//!
//! 1. [`source`] reads [`sequence`] files and captures ([`capture`]); [`generate`] adds scripted
//!    sessions.
//! 2. [`dataset`] spells them in the router's own alphabet and adds disturbed copies.
//! 3. [`baum_welch`] trains a model of mining and one of everything else; [`refine`] moves them apart. Each
//!    candidate for the panel begins with a seed of its own.
//! 4. [`folds`] hold back groups of applications from every candidate. [`selection`] chooses the panel by what its
//!    members say of the sessions held back, so that a bad start never ships; [`calibration`] derives the
//!    thresholds and the probability from them.
//! 5. The chosen seeds are trained again on everything; [`quantise`] writes the tables that the router runs.
//!
//! The same data, options and seed give the same bytes, on any number of threads.

pub(crate) mod arguments;
pub(crate) mod baum_welch;
pub(crate) mod calibration;
pub(crate) mod capture;
pub(crate) mod chain;
pub(crate) mod dataset;
pub(crate) mod folds;
pub(crate) mod generate;
pub(crate) mod progress;
pub(crate) mod quantise;
pub(crate) mod reference;
pub(crate) mod refine;
pub(crate) mod renewal;
pub(crate) mod report;
pub(crate) mod rng;
pub(crate) mod scores;
pub(crate) mod selection;
pub(crate) mod sequence;
pub(crate) mod source;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;

use arguments::{Arguments, PACKETS_KEPT};
use dataset::Case;
use folds::Grouping;
use progress::Progress;
use refine::FloatPair;
use selection::HeldBack;
use sequence::{Label, Sequence, SequenceOrigin};

use crate::hmm::model::{self, Summary};
use crate::limits::HMM_PANEL;

/// `minewall train --mining PATH... --benign PATH... --output FILE`, and
/// `[--scripted N] [--seed N] [--candidates N] [--iterations N] [--rounds N] [--folds N]
/// [--by application|dialect] [--leave-out DIALECT...] [--threads N] [--drift BITS]`.
///
/// `--scripted N` adds N scripted miners and 2 N look-alikes. `--drift BITS` is what Page's sum loses with each symbol
/// while the models are refined. `--output` may be left out: the report is all that is wanted then.
///
/// # Errors
/// A sentence for the user.
pub fn run(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, OPTIONS)?;
    let options = TrainOptions::read(&arguments)?;
    let output = arguments.path("output");
    if let Some(path) = &output {
        writable(path)?;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|error| Error::from(error.to_string()))?;
    let mut sequences = arguments.sequences(options.seed, SCRIPTED)?;
    for sequence in &mut sequences {
        let is_scripted = sequence.origin() == SequenceOrigin::Scripted;
        sequence.packets.truncate(if is_scripted { SCRIPTED_PACKETS } else { PACKETS_KEPT });
    }
    let cases = dataset::cases(sequences);
    for (label, name) in [(Label::Mining, "mining"), (Label::Benign, "benign")] {
        if cases.iter().filter(|c| c.label() == label).count() < options.folds {
            return Err(Error::from(format!("fewer {name} sessions than folds: nothing to hold back")));
        }
    }
    pool.install(|| train_panel(&cases, &options, output.as_deref()))
}

/// Chooses a panel on sessions held back, trains it on everything and writes it to `output`.
fn train_panel(cases: &[Case], options: &TrainOptions, output: Option<&Path>) -> Result<(), Error> {
    let candidates = options.candidates as usize;
    let trainings = candidates * options.folds + if output.is_some() { HMM_PANEL } else { 0 };
    let mut progress = Progress::new("candidates", options.steps(cases) * trainings as u32);

    let folds = folds::assign(cases, options.grouping, options.folds);
    let mut held_back = Vec::new();
    for fold in 0..options.folds {
        progress.label(&format!("fold {} of {}", fold + 1, options.folds));
        let rest: Vec<&Case> = pick(cases, &folds, move |f| f != fold).collect();
        let mut pairs = Vec::new();
        for candidate in 0..options.candidates {
            pairs.push(train(&rest, options, candidate, &mut progress)?.pair);
        }
        let tables = quantise::tables(&pairs)?;
        let members: Vec<&model::Pair> = tables.iter().collect();
        let of_fold: Vec<&Case> = pick(cases, &folds, move |f| f == fold).collect();
        held_back.par_extend(of_fold.into_par_iter().map(|case| HeldBack::new(case, &members)));
    }
    let choice = selection::choose(&held_back, candidates, HMM_PANEL);
    let test = calibration::test(&held_back, &choice);
    say(&report::selection(&choice, &held_back))?;
    say(&report::held_back(&held_back, &choice, &test, options.grouping))?;

    if let Some(path) = output {
        let all: Vec<&Case> = cases.iter().collect();
        let mut panel = Vec::new();
        for &candidate in &choice.members {
            progress.label(&format!("member {} of {}", panel.len() + 1, choice.members.len()));
            let training = train(&all, options, candidate as u32, &mut progress)?;
            say(&report::course(candidate, &training))?;
            panel.push(training.pair);
        }
        let count = |label| cases.iter().filter(|c| c.label() == label).count() as u32;
        let (mining, benign) = (count(Label::Mining), count(Label::Benign));
        let summary = Summary { seed: options.seed, mining, benign };
        let bytes = quantise::encode(&panel, &test, summary);
        quantise::model(&panel, &test, summary)?;
        std::fs::write(path, &bytes).map_err(|error| Error::from(error).at(path))?;
        say(&format!("{}: {} bytes\n", path.display(), bytes.len()))?;
    }
    progress.finish();
    Ok(())
}

/// `minewall sequences --mining PATH... --benign PATH... --output FILE`: the sequences of captures, those long
/// enough to be classified, cut at 320 packets.
///
/// # Errors
/// A sentence for the user.
pub fn extract(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, &["mining", "benign", "output", "scripted", "seed"])?;
    let output = arguments.path("output").ok_or("--output FILE is needed")?;
    writable(&output)?;
    let mut sequences = arguments.sequences(arguments.value("seed", 1)?, 0)?;
    sequences.retain(Sequence::is_long);
    sequences.iter_mut().for_each(|s| s.packets.truncate(PACKETS_KEPT));
    std::fs::write(&output, sequence::encode(&sequences)).map_err(|error| Error::from(error).at(&output))?;
    say(&format!("{}: {} sequences\n", output.display(), sequences.len()))?;
    Ok(())
}

/// Prints `text`. A reader that has seen enough, as `head` does, is content, and what is to be written is written.
pub(crate) fn say(text: &str) -> Result<(), Error> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::from(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Refuses early a file that can't be written after the work is done; a file that exists stays as it is.
pub(crate) fn writable(path: &Path) -> Result<(), Error> {
    let exists = path.exists();
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| Error::from(error).at(path))?;
    if !exists {
        std::fs::remove_file(path).map_err(|error| Error::from(error).at(path))?;
    }
    Ok(())
}

fn pick<'a>(
    cases: &'a [Case],
    folds: &'a [usize],
    wanted: impl Fn(usize) -> bool + 'a,
) -> impl Iterator<Item = &'a Case> {
    cases.iter().zip(folds).filter(move |(_, fold)| wanted(**fold)).map(|(case, _)| case)
}

/// Options of a training.
#[derive(Clone, Copy, Debug)]
struct TrainOptions {
    seed: u64,
    candidates: u32,
    iterations: u32,
    rounds: u32,
    folds: usize,
    grouping: Grouping,
    /// 0: as many as there are cores.
    threads: usize,
    /// Bits that Page's sum loses with each symbol.
    drift: f64,
}

impl TrainOptions {
    fn read(arguments: &Arguments) -> Result<Self, Error> {
        let grouping = match arguments.values("by").last() {
            None | Some(&"application") => Grouping::Application,
            Some(&"dialect") => Grouping::Dialect,
            Some(other) => return Err(Error::from(format!("--by {other}: application or dialect"))),
        };
        let options = TrainOptions {
            seed: arguments.value("seed", 1)?,
            candidates: arguments.value("candidates", CANDIDATES)?,
            iterations: arguments.value("iterations", ITERATIONS)?,
            rounds: arguments.value("rounds", ROUNDS)?,
            folds: arguments.value("folds", FOLDS)?,
            grouping,
            threads: arguments.value("threads", 0)?,
            drift: arguments.value("drift", DRIFT)?,
        };
        if options.folds < 2 {
            return Err(Error::from("--folds: two at least, the panel is chosen on what is held back"));
        }
        if !(1..=CANDIDATES_MAX).contains(&options.candidates) {
            return Err(Error::from(format!("--candidates: 1 to {CANDIDATES_MAX}")));
        }
        Ok(options)
    }

    /// Steps of one training for the progress.
    fn steps(&self, cases: &[Case]) -> u32 {
        2 * self.iterations.min(USUAL_ITERATIONS)
            + (2 * cases.len()).div_ceil(refine::BATCH) as u32 * self.rounds
    }
}

/// A training and its course.
#[derive(Debug)]
pub(crate) struct Training {
    /// The two models.
    pub pair: FloatPair,
    /// Log-likelihood of Baum-Welch by iteration: mining, background.
    pub log_likelihood: [Vec<f64>; 2],
    /// The refinement.
    pub course: refine::RefinementCourse,
}

/// Trains candidate number `candidate` on `cases`: Baum-Welch to convergence, and the refinement from there.
///
/// # Errors
/// Baum-Welch has not converged in as many iterations as are allowed.
fn train(
    cases: &[&Case],
    options: &TrainOptions,
    candidate: u32,
    progress: &mut Progress,
) -> Result<Training, Error> {
    let seed = options.seed + u64::from(candidate);
    let copies = dataset::disturbed(cases, seed);
    let cases: Vec<&Case> = cases.iter().copied().chain(&copies).collect();
    let mut of_label = |label: Label| {
        let spelt: Vec<_> =
            (cases.iter().filter(|c| c.label() == label)).map(|c| (c.spelt(), c.weight as f32)).collect();
        let data: Vec<_> = spelt.iter().map(|(symbols, weight)| (symbols.as_slice(), *weight)).collect();
        let options = baum_welch::FitOptions {
            seed: seed ^ label as u64,
            iterations: options.iterations,
            tolerance: TOLERANCE,
        };
        baum_welch::train(&data, &options, progress)
    };
    let [mining, background] = [Label::Mining, Label::Benign].map(&mut of_label);
    if !(mining.has_converged && background.has_converged) {
        let iterations = options.iterations;
        return Err(Error::from(format!("Baum-Welch has not converged in {iterations} iterations")));
    }
    let log_likelihood = [mining.log_likelihood, background.log_likelihood];
    let mut pair = FloatPair { mining: mining.chain, background: background.chain };
    let refinement = refine::RefineOptions { seed, rounds: options.rounds, drift: options.drift };
    let course = refine::refine(&mut pair, &cases, &refinement, progress);
    Ok(Training { pair, log_likelihood, course })
}

const OPTIONS: &[&str] = &[
    "mining",
    "benign",
    "output",
    "scripted",
    "seed",
    "candidates",
    "iterations",
    "rounds",
    "folds",
    "by",
    "leave-out",
    "threads",
    "drift",
];
const SCRIPTED: u32 = 6_000;
/// Packets of a scripted session that are trained on: more sessions teach more than longer ones.
const SCRIPTED_PACKETS: usize = 128;
/// Starts of which the panel is chosen.
const CANDIDATES: u32 = 4;
const CANDIDATES_MAX: u32 = 32;
/// Baum-Welch converges in 25 to 100 iterations; a training that has not by then is refused.
const ITERATIONS: u32 = 1_000;
/// For the time that is left.
const USUAL_ITERATIONS: u32 = 35;
/// More rounds learn the sessions at hand by heart: what is held back is found less often.
const ROUNDS: u32 = 2;
const FOLDS: usize = 2;
/// An iteration that raises the log-likelihood by less than this share of it is the last.
const TOLERANCE: f64 = 1e-4;
/// Found by experiment: bits a symbol while the models are refined.
const DRIFT: f64 = 2.0;

/// Why a tool of the desk gives up: one sentence for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// Adds the path of the file to the error.
    pub fn at(self, path: &Path) -> Self {
        Error(format!("{}: {}", path.display(), self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<&str> for Error {
    fn from(reason: &str) -> Self {
        Error(reason.to_owned())
    }
}

impl From<String> for Error {
    fn from(reason: String) -> Self {
        Error(reason)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error(error.to_string())
    }
}
