//! Training of stage one, on a desk: `minewall train` and `minewall sequences`.
//!
//! 1. [`source`] reads [`sequence`] files and captures ([`capture`]); [`generate`] adds scripted
//!    sessions.
//! 2. [`dataset`] spells them in the router's own alphabet and adds disturbed copies.
//! 3. [`baum_welch`] trains a model of mining and one of everything else; [`refine`] moves them apart.
//! 4. [`folds`] hold back groups of applications, on which thresholds are chosen ([`verdicts`]).
//! 5. [`quantise`] writes the tables of integers that the router runs.
//!
//! The same data, options and seed give the same bytes, on any number of threads.

pub mod arguments;
pub mod baum_welch;
pub mod capture;
pub mod chain;
pub mod dataset;
pub mod folds;
pub mod generate;
pub mod parallel;
pub mod progress;
pub mod quantise;
pub mod refine;
pub mod renewal;
pub mod report;
pub mod rng;
pub mod sequence;
pub mod source;
pub mod twin;
pub mod verdicts;

use std::fmt;
use std::path::Path;
use std::thread::available_parallelism;

use arguments::{Arguments, PACKETS_KEPT};
use baum_welch::Trained;
use dataset::Case;
use folds::Grouping;
use progress::Progress;
use refine::Pair;
use sequence::{Label, Sequence};
use verdicts::Trace;

use crate::hmm::decision::Thresholds;
use crate::hmm::model::{Model, Summary};

/// `minewall train --mining PATH... --benign PATH... --output FILE`, and
/// `[--scripted N] [--seed N] [--restarts N] [--iterations N] [--rounds N] [--folds N]
/// [--by application|dialect] [--leave-out DIALECT...] [--threads N] [--rise BITS]`.
///
/// `--scripted N` adds N scripted miners and 2 N look-alikes (default 9,000). `--rise BITS` is by how
/// much thresholds rise from one band of packets to the next. `--output` may be left out: the report
/// is all that is wanted then.
///
/// # Errors
/// A sentence for the user.
pub fn run(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, OPTIONS)?;
    let options = Options::read(&arguments)?;
    let cases = dataset::cases(arguments.sequences(options.seed, SCRIPTED)?);
    for (label, name) in [(Label::Mining, "mining"), (Label::Benign, "benign")] {
        if cases.iter().filter(|c| c.label() == label).count() < options.folds {
            return Err(Error::from(format!("fewer {name} sessions than folds: nothing to hold back")));
        }
    }

    let folds = folds::assign(&cases, options.grouping, options.folds);
    let mut held_back = Vec::new();
    for fold in 0..options.folds {
        let rest: Vec<&Case> = pick(&cases, &folds, move |f| f != fold).collect();
        let label = format!("fold {} of {}", fold + 1, options.folds);
        let training = train(&rest, &options, &label);
        let model = training.tables(Thresholds::default(), Summary::default());
        let trace = |case| Trace::new(case, &model).above(training.course.bias);
        held_back.extend(pick(&cases, &folds, move |f| f == fold).map(trace));
    }
    let (thresholds, rates) = verdicts::choose(&held_back, options.rise);
    print!(
        "{}",
        report::held_back(&held_back, &thresholds, &verdicts::shape(options.rise), options.grouping)
    );

    if let Some(path) = arguments.path("output") {
        let all: Vec<&Case> = cases.iter().collect();
        let trained = train(&all, &options, "all");
        print!("{}", report::course(&trained));
        let count = |label| cases.iter().filter(|c| c.label() == label).count() as u32;
        let (mining, benign) = (count(Label::Mining), count(Label::Benign));
        let summary = Summary { seed: options.seed, mining, benign, rates };
        let thresholds = verdicts::raise(thresholds, trained.course.bias);
        let bytes = quantise::encode(&trained.tables(thresholds, summary));
        Model::decode(&bytes).map_err(|error| Error::from(format!("the result is no good: {error}")))?;
        std::fs::write(&path, &bytes).map_err(|error| Error::from(error).at(&path))?;
        println!("{}: {} bytes", path.display(), bytes.len());
    }
    Ok(())
}

/// `minewall sequences --mining PATH... --benign PATH... --output FILE`: the sequences of captures,
/// those long enough to be judged, cut at 320 packets.
///
/// # Errors
/// A sentence for the user.
pub fn extract(words: impl IntoIterator<Item = String>) -> Result<(), Error> {
    let arguments = Arguments::parse(words, &["mining", "benign", "output", "scripted", "seed"])?;
    let output = arguments.path("output").ok_or("--output FILE is needed")?;
    let mut sequences = arguments.sequences(arguments.value("seed", 1)?, 0)?;
    sequences.retain(Sequence::is_long);
    sequences.iter_mut().for_each(|s| s.packets.truncate(PACKETS_KEPT));
    std::fs::write(&output, sequence::encode(&sequences)).map_err(|error| Error::from(error).at(&output))?;
    println!("{}: {} sequences", output.display(), sequences.len());
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
struct Options {
    seed: u64,
    restarts: u32,
    iterations: u32,
    rounds: u32,
    folds: usize,
    grouping: Grouping,
    threads: usize,
    /// Bits by which thresholds rise from band to band.
    rise: f64,
}

impl Options {
    fn read(arguments: &Arguments) -> Result<Self, Error> {
        let grouping = match arguments.values("by").last() {
            None | Some(&"application") => Grouping::Application,
            Some(&"dialect") => Grouping::Dialect,
            Some(other) => return Err(Error::from(format!("--by {other}: application or dialect"))),
        };
        let options = Options {
            seed: arguments.value("seed", 1)?,
            restarts: arguments.value("restarts", 1)?,
            iterations: arguments.value("iterations", 8)?,
            rounds: arguments.value("rounds", 9)?,
            folds: arguments.value("folds", 5)?,
            grouping,
            threads: arguments.value("threads", available_parallelism().map_or(1, usize::from))?,
            rise: arguments.value("rise", RISE)?,
        };
        if options.folds < 2 {
            return Err(Error::from("--folds: two at least, thresholds are chosen on what is held back"));
        }
        Ok(options)
    }
}

/// A training and how it went.
#[derive(Debug)]
pub struct Training {
    /// The two models.
    pub pair: Pair,
    /// Log-likelihood of Baum-Welch by iteration: mining, background.
    pub log_likelihood: [Vec<f64>; 2],
    /// The refinement.
    pub course: refine::Course,
}

impl Training {
    fn tables(&self, thresholds: Thresholds, summary: Summary) -> Box<Model> {
        quantise::model(&self.pair.mining, &self.pair.background, thresholds, summary)
    }
}

fn train(cases: &[&Case], options: &Options, label: &str) -> Training {
    let copies = dataset::disturbed(cases, options.seed);
    let cases: Vec<&Case> = cases.iter().copied().chain(&copies).collect();
    let batches = cases.len().div_ceil(256) as u32 * options.rounds;
    let mut progress = Progress::new(label, 2 * options.restarts * options.iterations + batches);
    let mut of_label = |label: Label| {
        let spelt: Vec<_> =
            cases.iter().filter(|c| c.label() == label).map(|c| (c.spelt(), c.weight)).collect();
        let data: Vec<_> = spelt.iter().map(|(symbols, weight)| (symbols.as_slice(), *weight)).collect();
        let options = baum_welch::Options {
            seed: options.seed ^ label as u64,
            restarts: options.restarts,
            iterations: options.iterations,
            tolerance: TOLERANCE,
            threads: options.threads,
        };
        baum_welch::train(&data, &options, &mut progress)
    };
    let [mining, background] = [Label::Mining, Label::Benign].map(&mut of_label);
    let Trained { chain, log_likelihood: mining_course } = mining;
    let mut pair = Pair { mining: chain, background: background.chain };
    let refinement = refine::Options {
        seed: options.seed,
        rounds: options.rounds,
        threads: options.threads,
        rise: options.rise,
    };
    let course = refine::refine(&mut pair, &cases, &refinement, &mut progress);
    progress.finish();
    Training { pair, log_likelihood: [mining_course, background.log_likelihood], course }
}

const OPTIONS: &[&str] = &[
    "mining",
    "benign",
    "output",
    "scripted",
    "seed",
    "restarts",
    "iterations",
    "rounds",
    "folds",
    "by",
    "leave-out",
    "threads",
    "rise",
];
const SCRIPTED: u32 = 9_000;
/// Nats per symbol.
const TOLERANCE: f64 = 1e-4;
/// Found by experiment: bits from band to band.
const RISE: f64 = 6.0;

/// Why a tool of the desk gave up: one sentence for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// The same, of the file at `path`.
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
