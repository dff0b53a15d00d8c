//! `minewall notify`: runs the hooks of the router's owner on events, from the daemon or from standard input.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{self, Duration};

use minewall::config::Config;
use minewall::daemon::control::{self, Request};
use minewall::daemon::hooks::{self, HookNotice, Notices};
use minewall::limits::NOTICES_WAITING;
use minewall::util::background;
use minewall::util::channel::{Sender, channel};
use minewall::util::time::Instant;
use pico_args::Arguments;
use signal_hook::consts::SIGTERM;
use signal_hook::flag::register_conditional_shutdown;

/// Runs the command; following the daemon, it never ends.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let mut directories = Vec::new();
    while let Some(directory) = super::text_option(&mut arguments, "--hooks")? {
        directories.push(PathBuf::from(directory));
    }
    if directories.is_empty() {
        directories = HOOKS.map(PathBuf::from).to_vec();
    }
    super::start_log(&mut arguments)?;
    let operands = super::words(arguments)?;
    let config = super::load_or_running(&path)?;
    let mut notices = Notices::new(&config);
    let begin = time::Instant::now();
    let now = || Instant::from_micros(begin.elapsed().as_micros() as u64);
    if operands == ["-"] {
        return tell_all(io::stdin().lock(), &mut notices, &directories, now);
    }
    let (hand_over, waiting) = channel(NOTICES_WAITING);
    // Hooks take their time; the daemon drops a client that doesn't read.
    let work = move || {
        while let Some(notice) = waiting.recv() {
            hooks::run_hooks(&directories, &notice);
        }
    };
    background::spawn("hooks", None, Box::new(work)).map_err(|error| error.to_string())?;
    match &operands[..] {
        [] => follow(&config, &mut notices, &hand_over, now),
        _ => Err("'-' for standard input, and nothing else besides options".into()),
    }
}

/// Runs the hooks for each event of `input`, one after the other. The exit status is 0 if there was an event and
/// all programs did their work; what went wrong is said.
fn tell_all(
    input: impl BufRead,
    notices: &mut Notices,
    directories: &[PathBuf],
    now: impl Fn() -> Instant,
) -> Result<ExitCode, String> {
    let (mut told, mut failed) = (0, 0);
    for line in input.lines() {
        let line = line.map_err(|error| format!("standard input: {error}"))?;
        let Some(notice) = notices.notice(&line, now()) else {
            eprintln!("minewall: not told: no event, or one that the options 'notices...' leave out: {line}");
            continue;
        };
        told += 1;
        let run = hooks::run_hooks(directories, &notice);
        if run.started == 0 {
            return Err("there is no program to run: see openwrt/GUIDE.md, Being told".into());
        }
        failed += run.failed;
    }
    match (told, failed) {
        (0, _) => Err("nothing was told".into()),
        (_, 0) => Ok(ExitCode::SUCCESS),
        (_, failed) => Err(format!("programs that failed: {failed}")),
    }
}

/// Reads events to the end of `input`.
fn read(
    input: impl BufRead,
    notices: &mut Notices,
    hand_over: &Sender<HookNotice>,
    now: impl Fn() -> Instant,
) {
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
    hand_over: &Sender<HookNotice>,
    now: impl Fn() -> Instant + Copy,
) -> ! {
    // The first process of a jail does not end by a signal that it does not handle.
    let is_always = Arc::new(AtomicBool::new(true));
    if let Err(error) = register_conditional_shutdown(SIGTERM, 0, is_always) {
        log::warn!("signals can't be received: {error}");
    }
    loop {
        match control::follow(&config.control_socket, &Request::Follow) {
            Ok(stream) => read(stream, notices, hand_over, now),
            Err(why) => log::debug!("no events: {why}"),
        }
        thread::sleep(AGAIN_AFTER);
    }
}

/// Pause before the next attempt to reach a daemon that isn't there.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Folder of the package's hooks.
const HOOKS: [&str; 2] = ["/etc/minewall/hooks.d", "/usr/share/minewall/notify.d"];
