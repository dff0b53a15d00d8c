//! `minewall replay`: captures through the engine.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use minewall::config::{self, Config};
use minewall::lab::replay::report::Format;
use minewall::lab::replay::{self, ReplayOptions, ReplayOutcome};
use minewall::limits::QUEUES_MAX;
use pico_args::Arguments;

use super::{STATUS_DAMAGED, STATUS_UNUSABLE};

/// Runs the command.
pub(super) fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let format = match (arguments.contains("--json"), arguments.contains("--all")) {
        (true, true) => return Err("replay: one of --json and --all".into()),
        (true, false) => Format::Json,
        (false, true) => Format::TableOfAll,
        (false, false) => Format::Table,
    };
    let config = configuration(&mut arguments)?;
    let queues = arguments
        .opt_value_from_str("--queues")
        .map_err(|error| format!("replay: --queues: {error}"))?
        .unwrap_or(1);
    if !(1..=QUEUES_MAX).contains(&queues) {
        return Err(format!("replay: --queues: {queues} is not 1..{QUEUES_MAX}"));
    }
    let operands = super::operands(arguments)?;
    if operands.is_empty() {
        return Err("replay: no capture given; - is standard input".into());
    }
    let options = ReplayOptions { format, config, shows_progress: true, queues };
    let out = io::BufWriter::new(io::stdout().lock());
    match replay::run(&operands, &options, out, io::stderr()) {
        Ok(ReplayOutcome::Complete) => Ok(ExitCode::SUCCESS),
        Ok(ReplayOutcome::Damaged) => Ok(ExitCode::from(STATUS_DAMAGED)),
        Ok(ReplayOutcome::Unreadable) => Ok(ExitCode::from(STATUS_UNUSABLE)),
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("replay: {error}")),
    }
}

/// The configuration of `--config`, changed by `--model` and `--sensitivity`.
fn configuration(arguments: &mut Arguments) -> Result<Config, String> {
    let path = |arguments: &mut Arguments, option: &'static str| {
        arguments
            .opt_value_from_os_str(option, |value| Ok::<_, String>(PathBuf::from(value)))
            .map_err(|error| format!("replay: {option}: {error}"))
    };
    let mut config = match path(arguments, "--config")? {
        Some(file) => super::load(&file)?,
        None => replay::default_config(),
    };
    if let Some(model) = path(arguments, "--model")? {
        config.model = model;
    }
    let sensitivity: Option<String> = arguments
        .opt_value_from_str("--sensitivity")
        .map_err(|error| format!("replay: --sensitivity: {error}"))?;
    if let Some(word) = sensitivity {
        // The option's own parser is the one that knows the words.
        let text = format!("config minewall\noption sensitivity '{word}'\n");
        let parsed = config::parse(Path::new("--sensitivity"), text.as_bytes());
        config.sensitivity = parsed.map_err(|complaint| format!("replay: {complaint}"))?.config.sensitivity;
    }
    Ok(config)
}
