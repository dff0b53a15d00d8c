//! `minewall notify`: runs the hooks of the router's owner on events, from the daemon or from standard input.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{self, Duration};

use minewall::config::Config;
use minewall::daemon::control::{self, Request};
use minewall::daemon::hooks::{self, Notice, Notices};
use minewall::limits::NOTICES_WAITING;
use minewall::util::channel::{Sender, channel};
use minewall::util::time::Instant;
use pico_args::Arguments;

/// Runs the command; following the daemon, it never ends.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let directory: PathBuf = arguments
        .opt_value_from_str("--hooks")
        .map_err(|error| error.to_string())?
        .unwrap_or_else(|| HOOKS.into());
    super::start_log(&mut arguments)?;
    let config = super::load(&path)?;
    let operands = super::words(arguments)?;
    let mut notices = Notices::new(&config);
    let begin = time::Instant::now();
    let now = || Instant::from_micros(begin.elapsed().as_micros() as u64);
    let (hand_over, waiting) = channel(NOTICES_WAITING);
    // Hooks take their time; whoever doesn't read is dropped by the daemon.
    let hooks = thread::spawn(move || {
        while let Some(notice) = waiting.recv() {
            hooks::run_hooks(&directory, &notice);
        }
    });
    match &operands[..] {
        [operand] if operand == "-" => {
            read(io::stdin().lock(), &mut notices, &hand_over, now);
            drop(hand_over);
            hooks.join().map_err(|_| "the hooks were given up")?;
            Ok(ExitCode::SUCCESS)
        }
        [] => follow(&config, &mut notices, &hand_over, now),
        _ => Err("'-' for standard input, and nothing else besides options".into()),
    }
}

/// Reads events to the end of `input`.
fn read(input: impl BufRead, notices: &mut Notices, hand_over: &Sender<Notice>, now: impl Fn() -> Instant) {
    for line in input.lines().map_while(Result::ok) {
        if let Some(notice) = notices.notice(&line, now())
            && hand_over.try_send(notice).is_err()
        {
            notices.count_as_suppressed();
        }
    }
}

/// Reads the daemon's events, and those of the daemon that comes after it.
fn follow(
    config: &Config,
    notices: &mut Notices,
    hand_over: &Sender<Notice>,
    now: impl Fn() -> Instant + Copy,
) -> ! {
    loop {
        match control::follow(&config.control_socket, &Request::Follow) {
            Ok(stream) => read(stream, notices, hand_over, now),
            Err(why) => log::debug!("no events: {why}"),
        }
        thread::sleep(AGAIN_AFTER);
    }
}

/// How long a daemon that isn't there is left alone.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Where the package has them.
const HOOKS: &str = "/etc/minewall/hooks.d";
