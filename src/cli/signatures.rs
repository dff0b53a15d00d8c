//! `minewall signatures`: for people who write signatures.

use std::path::PathBuf;
use std::process::ExitCode;

use minewall::dpi::signatures::{SignatureFile, Signatures};
use minewall::util::text::one_or_many;
use pico_args::Arguments;

/// Runs the command: `list`, `check` or `test`.
pub(super) fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = super::config_path(&mut arguments)?;
    let action = arguments.subcommand().map_err(|error| error.to_string())?;
    match action.as_deref() {
        Some("list") => list(&config, arguments),
        Some("check") => check(arguments),
        #[cfg(feature = "host")]
        Some("test") => test(arguments),
        _ => Err("signatures: list, check FILE... or test FILE CAPTURE...".into()),
    }
}

/// Shows every dialect that is known, with the files that `config` names.
fn list(config: &std::path::Path, arguments: Arguments) -> Result<ExitCode, String> {
    super::nothing_left(arguments)?;
    let config = if config.exists() { super::load(config)? } else { Default::default() };
    let files = SignatureFile::read_folders(&config.signatures).map_err(|refusal| refusal.to_string())?;
    let signatures = Signatures::with_files(&files).map_err(|refusal| refusal.to_string())?;
    let mut text = String::new();
    for listed in signatures.list() {
        let worth = match listed.worth {
            None => "built in",
            Some(false) => "from a file",
            Some(true) => "from a file, suspects only",
        };
        let messages = one_or_many(listed.messages as u64, "message", "messages");
        text += &format!(
            "{:<24} {:>2} {messages:<8}  {worth}\n    {}\n",
            listed.name, listed.messages, listed.about
        );
    }
    super::show(&text)
}

/// Says whether files are signatures, and where not; with `--count` no more than how many kinds of messages they have.
/// The exit status is 0 if all of them are.
fn check(mut arguments: Arguments) -> Result<ExitCode, String> {
    let counts = arguments.contains("--count");
    let paths: Vec<PathBuf> = super::operands(arguments)?.into_iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        return Err("signatures check: no file given".into());
    }
    let (mut text, mut count) = (String::new(), 0);
    let mut refusals = Vec::new();
    for path in &paths {
        let file = SignatureFile::read(path).and_then(|file| {
            let signatures = Signatures::with_files(std::slice::from_ref(&file))?;
            let listed = signatures.list().into_iter().rfind(|listed| listed.worth.is_some());
            count += listed.map_or(0, |listed| listed.messages);
            Ok(listed.map_or(String::new(), |listed| {
                let kinds = one_or_many(listed.messages as u64, "kind of message", "kinds of messages");
                format!("{}, {} {kinds}", listed.name, listed.messages)
            }))
        });
        match file {
            Ok(what) => text += &format!("{}: good: {what}\n", path.display()),
            Err(refusal) => refusals.push(refusal.to_string()),
        }
    }
    super::show(&if counts { format!("{count}\n") } else { text })?;
    if refusals.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(refusals.join("\n")) }
}

/// Replays captures with one file beside the built-in signatures.
#[cfg(feature = "host")]
fn test(arguments: Arguments) -> Result<ExitCode, String> {
    use minewall::lab::replay::report::Format;
    use minewall::lab::replay::{self, ReplayOptions, ReplayOutcome};

    let mut operands = super::operands(arguments)?.into_iter().map(PathBuf::from);
    let file = operands.next().ok_or("signatures test: no file given")?;
    let captures: Vec<PathBuf> = operands.collect();
    if captures.is_empty() {
        return Err("signatures test: no capture given".into());
    }
    let config = minewall::config::Config { signatures: vec![file], ..replay::default_config() };
    let options = ReplayOptions { format: Format::Table, config, shows_progress: false, queues: 1 };
    match replay::run(&captures, &options, std::io::stdout().lock(), std::io::stderr()) {
        Ok(ReplayOutcome::Complete) => Ok(ExitCode::SUCCESS),
        Ok(ReplayOutcome::Damaged) => Ok(ExitCode::from(super::STATUS_DAMAGED)),
        Ok(ReplayOutcome::Unreadable) => Ok(ExitCode::from(super::STATUS_UNUSABLE)),
        Err(error) => Err(format!("signatures test: {error}")),
    }
}
