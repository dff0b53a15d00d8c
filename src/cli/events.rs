//! `minewall events`: what has been logged, and what is being logged.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::daemon::control::{self, Request};
use minewall::daemon::event_tail;
use pico_args::Arguments;
use rustix::event::{PollFd, PollFlags, poll};

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = super::load(&super::config_path(&mut arguments)?)?;
    let last: Option<usize> = super::option(&mut arguments, "--last")?;
    let (follows, shares) = (arguments.contains("--follow"), arguments.contains("--share"));
    super::nothing_left(arguments)?;
    if shares && (!follows || last.is_some()) {
        return Err("--share goes with --follow, and without --last".into());
    }
    let shown = if follows {
        // First the stream, then the file: what is in both is told once, and nothing falls between them.
        let request = if shares { Request::FollowShared } else { Request::Follow };
        let stream = control::follow(&config.control_socket, &request).map_err(|error| error.to_string())?;
        let told = if shares { VecDeque::new() } else { tail(&config, last.unwrap_or(0)) };
        show(&told).and_then(|()| follow(stream, told))
    } else {
        let told = tail(&config, last.unwrap_or(MOST));
        if told.is_empty() {
            eprintln!("minewall: no events are logged in {}", config.event_log.display());
        }
        show(&told)
    };
    match shown {
        Ok(()) if follows => Err("the daemon has ended, or found this program too slow".into()),
        Ok(()) => Ok(ExitCode::SUCCESS),
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("standard output: {error}")),
    }
}

fn show(lines: &VecDeque<String>) -> io::Result<()> {
    let mut out = stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// Prints each line of `stream` as it comes but for those `told` already, until it ends.
fn follow(mut stream: BufReader<UnixStream>, mut told: VecDeque<String>) -> io::Result<()> {
    let mut out = stdout().lock();
    let mut line = String::new();
    loop {
        if stream.buffer().is_empty() {
            wait(stream.get_ref())?;
        }
        line.clear();
        // A line that is cut short is one of a daemon that has ended.
        if !matches!(stream.read_line(&mut line), Ok(1..)) || !line.ends_with('\n') {
            return Ok(());
        }
        if told.iter().any(|old| old == line.trim_end()) {
            continue;
        }
        told.clear();
        out.write_all(line.as_bytes())?;
        out.flush()?;
    }
}

/// Waits for more of `stream`. A reader that has gone away is noticed at once, not with the next event,
/// which may be weeks away.
fn wait(stream: &UnixStream) -> io::Result<()> {
    let out = stdout();
    let mut descriptors = [
        PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(out.as_fd(), PollFlags::empty()),
    ];
    poll(&mut descriptors, None)?;
    let [stream, out] = descriptors;
    let has_gone = out.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
    if has_gone && stream.revents().is_empty() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
}

/// The last `wanted` events of the log, the oldest first.
fn tail(config: &Config, wanted: usize) -> VecDeque<String> {
    event_tail::events(config, wanted.min(MOST)).into()
}

/// More events than this, two full files' worth, are never shown at once.
const MOST: usize = 10_000;
