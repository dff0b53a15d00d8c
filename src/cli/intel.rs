//! `minewall intel`: what is known of servers, for people and for other routers.

use std::ffi::OsString;
use std::io::{BufRead, Read, stdin};
use std::path::Path;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::daemon::control::{self, ControlAnswer, Offer, Request, RequestOutcome, Unanswered};
use minewall::daemon::fleet::is_router_name;
use minewall::intel::entry::Policy;
use minewall::intel::reputation::line::{self, BadReputationLine, ImportReport};
use minewall::intel::reputation::{Origin, Subject};
use minewall::limits::REPUTATION_LINE_MAX_BYTES;
use minewall::parse::json::Tape;
use pico_args::Arguments;

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let config = || super::load_or_running(&path);
    match arguments.subcommand().map_err(|error| error.to_string())?.as_deref() {
        Some("list") => {
            let request = if arguments.contains("--json") { Request::ListJson } else { Request::List };
            super::nothing_left(arguments)?;
            super::tell(&ask(&config()?, &request)?)
        }
        Some("add") => add(&path, arguments),
        Some("remove") => {
            let subject = only_subject(arguments)?;
            super::tell(&ask(&config()?, &Request::Remove(subject))?)
        }
        Some("check") => {
            let json = arguments.contains("--json");
            let subject = only_subject(arguments)?;
            let request = if json { Request::CheckJson(subject) } else { Request::Check(subject) };
            super::tell(&ask(&config()?, &request)?)
        }
        Some(other) => Err(format!("intel: unknown command '{other}'; list, add, remove or check")),
        None => Err("intel: list, add, remove or check".into()),
    }
}

/// Options that hold for every entry without its own.
struct Terms {
    origin: Origin,
    /// Only the operator's own lines may say what they are worth.
    policy: Option<Policy>,
    seconds: Option<u32>,
    /// Lines begin with a topic, whose last level names the router that tells them.
    has_topics: bool,
}

fn add(path: &Path, mut arguments: Arguments) -> Result<ExitCode, String> {
    let policy: Option<String> = super::text_option(&mut arguments, "--policy")?;
    let policy = policy
        .map(|name| name.parse().map_err(|_| format!("--policy: '{name}' is not block, suspect or allow")))
        .transpose()?;
    let hours: Option<u32> = super::option(&mut arguments, "--hours")?;
    let origin = if arguments.contains("--fleet") { Origin::Fleet } else { Origin::Operator };
    let terms = Terms {
        origin,
        policy,
        seconds: match hours {
            Some(hours @ 1..=8_760) => Some(hours * 3_600),
            Some(_) => return Err("--hours: 1 to 8760".into()),
            None => None,
        },
        has_topics: arguments.contains("--topics"),
    };
    if terms.has_topics && origin != Origin::Fleet {
        return Err("--topics goes with --fleet".into());
    }
    let operands = super::operands(arguments)?;
    match &operands[..] {
        [] => Err("intel add: addresses, prefixes or names, or - for lines of standard input".into()),
        [dash] if dash == "-" => add_lines(&super::load_or_running(path)?, &terms),
        entries => {
            let subjects = entries.iter().map(subject).collect::<Result<Vec<_>, _>>()?;
            let config = super::load_or_running(path)?;
            let mut status = ExitCode::SUCCESS;
            for subject in subjects {
                let report = ImportReport { subject, policy: None, dialect: None, seconds: None };
                let answer = ask(&config, &Request::Add(terms.offer(report, None)))?;
                super::tell(&answer)?;
                if answer.outcome == RequestOutcome::Refused {
                    status = ExitCode::from(super::STATUS_REFUSED);
                }
            }
            Ok(status)
        }
    }
}

/// Adds the entries on the lines of standard input until it ends. A line that can't be taken is reported and skipped;
/// without a daemon, the command fails.
fn add_lines(config: &Config, terms: &Terms) -> Result<ExitCode, String> {
    let (mut input, mut tape) = (stdin().lock(), Tape::default());
    let (mut number, mut refused, mut text) = (0_u64, 0_u64, Vec::new());
    loop {
        number += 1;
        text.clear();
        let topic = if terms.has_topics { TOPIC_MAX_BYTES } else { 0 };
        let limit = REPUTATION_LINE_MAX_BYTES as u64 + 2 + topic;
        let read = input.by_ref().take(limit).read_until(b'\n', &mut text);
        if read.map_err(|error| format!("standard input: {error}"))? == 0 {
            break;
        }
        let why = if text.len() as u64 >= limit && !text.ends_with(b"\n") {
            pass_over(&mut input)?;
            BadReputationLine::TooLong.to_string()
        } else {
            let (router, line) = if terms.has_topics { router_of(&text) } else { (None, &text[..]) };
            match line::read_line(&mut tape, line) {
                Ok(None) => {
                    if let Some(router) = router {
                        ask(config, &Request::Heard(router))?;
                    }
                    continue;
                }
                Err(why) => why.to_string(),
                Ok(Some(report)) => {
                    let answer = ask(config, &Request::Add(terms.offer(report, router)))?;
                    if answer.outcome != RequestOutcome::Refused {
                        super::tell(&answer)?;
                        continue;
                    }
                    answer.text.trim_end().to_owned()
                }
            }
        };
        refused += 1;
        if refused <= COMPLAINTS {
            eprintln!("minewall: line {number} is passed over: {why}");
        }
    }
    if refused > COMPLAINTS {
        eprintln!("minewall: {refused} lines in all were passed over");
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(super::STATUS_REFUSED) })
}

/// The router that the topic before `line` names, if it can be a name, and the rest of the line.
fn router_of(line: &[u8]) -> (Option<String>, &[u8]) {
    let Some(end) = line.iter().position(|&byte| byte == b' ') else { return (None, line) };
    let topic = core::str::from_utf8(line.get(..end).unwrap_or_default()).unwrap_or_default();
    let name = topic.rsplit('/').next().filter(|name| is_router_name(name));
    (name.map(str::to_owned), line.get(end + 1..).unwrap_or_default())
}

/// Reads on to the end of the line.
fn pass_over(input: &mut impl BufRead) -> Result<(), String> {
    loop {
        let chunk = input.fill_buf().map_err(|error| format!("standard input: {error}"))?;
        let (len, ends) = match chunk.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        input.consume(len);
        if ends {
            return Ok(());
        }
    }
}

impl Terms {
    fn offer(&self, report: ImportReport, router: Option<String>) -> Offer {
        let said = if self.origin == Origin::Operator { report.policy } else { None };
        let usual = match self.origin {
            Origin::Operator => Policy::Block,
            // Others are believed as far as the operator says.
            Origin::Fleet | Origin::Probe => Policy::Suspect,
        };
        let seconds = match (self.seconds, report.seconds) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        Offer {
            subject: report.subject,
            policy: self.policy.or(said).unwrap_or(usual),
            origin: self.origin,
            seconds,
            dialect: report.dialect,
            router,
        }
    }
}

/// The one address or name that is left.
pub fn only_subject(arguments: Arguments) -> Result<Subject, String> {
    match &super::operands(arguments)?[..] {
        [one] => subject(one),
        _ => Err("one address or name is wanted, with or without a port".into()),
    }
}

fn subject(text: &OsString) -> Result<Subject, String> {
    let shown = text.display();
    let text = text.to_str().ok_or_else(|| format!("'{shown}' is no text"))?;
    text.parse().map_err(|why| format!("'{shown}': {why}"))
}

/// The daemon's answer, or that of the files where no daemon runs.
fn ask(config: &Config, request: &Request) -> Result<ControlAnswer, String> {
    match control::ask(&config.control_socket, request) {
        Err(Unanswered::NotRunning(why)) => {
            let answer = control::of_files(config, request).ok_or_else(|| why.clone())?;
            eprintln!("minewall: {why}; by the files:");
            Ok(answer)
        }
        answer => answer.map_err(|error| error.to_string()),
    }
}

/// Longest topic, with the blank behind it.
const TOPIC_MAX_BYTES: u64 = 256;
/// Lines of standard input that are complained of one by one.
const COMPLAINTS: u64 = 10;
