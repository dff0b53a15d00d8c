//! `minewall events`: what has been logged, and what is being logged; a table for people, lines of JSON for programs.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, IsTerminal, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::daemon::control::{self, Request};
use minewall::daemon::event_tail;
use pico_args::Arguments;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::records::{EVENT, Filter, RecordTable};

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let last: Option<usize> = super::option(&mut arguments, "--last")?;
    let filter = Filter::take(&mut arguments)?;
    let is_table = (arguments.contains("--table"), arguments.contains("--json"));
    let (follows, shares) = (arguments.contains("--follow"), arguments.contains("--share"));
    super::nothing_left(arguments)?;
    if shares && (!follows || last.is_some()) {
        return Err("--share goes with --follow, and without --last".into());
    }
    if is_table == (true, true) {
        return Err("--table or --json".into());
    }
    let config = super::load_or_running(&path)?;
    let mut printer = Printer {
        filter,
        table: match is_table {
            // Programs read from pipes, people from terminals.
            (false, false) if !shares && stdout().is_terminal() => Some(RecordTable::new(EVENT)),
            (is_table, _) => is_table.then(|| RecordTable::new(EVENT)),
        },
        has_head: false,
    };
    let signals = if follows { Some(signals()?) } else { None };
    let shown = if follows {
        // First the stream, then the file: what is in both is told once, and nothing falls between them.
        let request = if shares { Request::FollowShared } else { Request::Follow };
        let stream = control::follow(&config.control_socket, &request).map_err(|error| error.to_string())?;
        let told = if shares { VecDeque::new() } else { printer.latest(&config, last.unwrap_or(0)) };
        printer.show(&told).and_then(|()| follow(stream, signals, told, &mut printer))
    } else {
        let told = printer.latest(&config, last.unwrap_or(MOST));
        if told.is_empty() {
            eprintln!("minewall: no such events are logged in {}", config.event_log.display());
        }
        printer.show(&told).map(|()| FollowEnd::Wanted)
    };
    match shown {
        Ok(FollowEnd::Daemon) => Err("the daemon has ended, or found this program too slow".into()),
        Ok(FollowEnd::Wanted) => Ok(ExitCode::SUCCESS),
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("standard output: {error}")),
    }
}

/// Why following has ended.
enum FollowEnd {
    /// The daemon has closed the stream.
    Daemon,
    /// A signal, or there was no more to show.
    Wanted,
}

/// Prints the events that are wanted.
struct Printer {
    filter: Filter,
    /// None for lines of JSON.
    table: Option<RecordTable>,
    has_head: bool,
}

impl Printer {
    fn show(&mut self, lines: &VecDeque<String>) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.print(line))?;
        stdout().flush()
    }

    fn print(&mut self, line: &str) -> io::Result<()> {
        let Some(table) = &self.table else { return writeln!(stdout(), "{line}") };
        if !self.has_head {
            self.has_head = true;
            stdout().write_all(table.head().as_bytes())?;
        }
        stdout().write_all(table.row(line).as_bytes())
    }

    fn wants(&self, line: &str) -> bool {
        self.filter.admits(line, "time")
    }

    /// The last `wanted` of the events in the log that are wanted, the oldest first.
    fn latest(&self, config: &Config, wanted: usize) -> VecDeque<String> {
        let mut events: VecDeque<String> = event_tail::events(config, MOST).into();
        events.retain(|line| self.wants(line));
        events.drain(..events.len().saturating_sub(wanted));
        events
    }
}

/// Prints each line of `stream` as it comes but for those `told` already, until it ends.
fn follow(
    mut stream: BufReader<UnixStream>,
    signals: Option<UnixStream>,
    mut told: VecDeque<String>,
    printer: &mut Printer,
) -> io::Result<FollowEnd> {
    let mut line = String::new();
    loop {
        if stream.buffer().is_empty() && !wait(stream.get_ref(), signals.as_ref())? {
            return Ok(FollowEnd::Wanted);
        }
        line.clear();
        // A line that is cut short is one of a daemon that has ended.
        if !matches!(stream.read_line(&mut line), Ok(1..)) || !line.ends_with('\n') {
            return Ok(FollowEnd::Daemon);
        }
        let line = line.trim_end();
        if told.iter().any(|old| old == line) {
            continue;
        }
        told.clear();
        // What other routers may know has neither host nor verdict to choose by.
        if printer.wants(line) {
            printer.print(line)?;
            stdout().flush()?;
        }
    }
}

/// Waits for more of `stream`; false once a signal says that it is enough. A reader that has gone away is noticed at
/// once, not with the next event, which may be weeks away.
fn wait(stream: &UnixStream, signals: Option<&UnixStream>) -> io::Result<bool> {
    let out = stdout();
    let mut descriptors: Vec<PollFd<'_>> = vec![
        PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(out.as_fd(), PollFlags::empty()),
    ];
    descriptors.extend(signals.map(|signals| PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)));
    loop {
        match poll(&mut descriptors, None) {
            Ok(_) => break,
            // The signal's byte is in its pipe by now.
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let is_ready = |at: usize| descriptors.get(at).is_some_and(|descriptor| !descriptor.revents().is_empty());
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    let has_gone = descriptors.get(1).is_some_and(|out| out.revents().intersects(gone));
    if has_gone && !is_ready(0) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(is_ready(0) || !is_ready(2))
}

/// A socket that has something to read after SIGINT or SIGTERM.
fn signals() -> Result<UnixStream, String> {
    let listen = || -> io::Result<UnixStream> {
        let (signals, on_signal) = UnixStream::pair()?;
        pipe::register(SIGTERM, on_signal.try_clone()?)?;
        pipe::register(SIGINT, on_signal)?;
        Ok(signals)
    };
    listen().map_err(|error| format!("signals can't be received: {error}"))
}

/// More events than this, two full files' worth, are never shown at once.
const MOST: usize = 10_000;
