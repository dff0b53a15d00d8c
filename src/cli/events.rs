//! `minewall events`: what has been logged, and what is being logged.

use std::collections::VecDeque;
use std::io::{BufRead, Write, stdout};
use std::process::ExitCode;

use minewall::config::Config;
use minewall::run::control::{self, Request};
use minewall::run::recent;
use pico_args::Arguments;

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = super::load(&super::config_path(&mut arguments)?)?;
    let last: Option<usize> =
        arguments.opt_value_from_str("--last").map_err(|error| format!("--last: {error}"))?;
    let (follows, shares) = (arguments.contains("--follow"), arguments.contains("--share"));
    super::nothing_left(arguments)?;
    if shares && (!follows || last.is_some()) {
        return Err("--share goes with --follow, and without --last".into());
    }
    if !follows {
        return show(&mut tail(&config, last.unwrap_or(usize::MAX)).into_iter()).map(|_| ExitCode::SUCCESS);
    }
    // First the stream, then the file: what is in both is told once, and nothing falls between them.
    let request = if shares { Request::FollowShared } else { Request::Follow };
    let stream = control::follow(&config.control_socket, &request).map_err(|error| error.to_string())?;
    let mut told = if shares { VecDeque::new() } else { tail(&config, last.unwrap_or(0)) };
    if !show(&mut told.iter().cloned())? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut news = stream.lines().map_while(Result::ok).skip_while(|line| {
        let is_old = told.contains(line);
        if !is_old {
            told.clear();
        }
        is_old
    });
    if show(&mut news)? {
        return Err("the daemon has ended, or found this program too slow".into());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints each line as it comes; whether all of them were wanted.
fn show(lines: &mut dyn Iterator<Item = String>) -> Result<bool, String> {
    let mut out = stdout().lock();
    for line in lines {
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Ok(()) => {}
            // The reader has seen enough, as `head` does.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(false),
            Err(error) => return Err(format!("standard output: {error}")),
        }
    }
    Ok(true)
}

/// The last `wanted` events of the log, the oldest first.
fn tail(config: &Config, wanted: usize) -> VecDeque<String> {
    recent::events(config, wanted.min(MOST)).into()
}

/// More events than this, two full files' worth, nobody is shown at once.
const MOST: usize = 10_000;
