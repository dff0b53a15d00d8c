//! The command line: which command, with which options.
//!
//! Exit statuses: 0 for success, 1 for a command line that is wrong or a file that can't be read,
//! 2 for a capture that was damaged and read as far as it goes. `probe` has its own: 0 for a pool, 1 for
//! no pool, 2 for inconclusive, 3 where no probe was made. `unblock` and `intel` add 3 where nothing is
//! known of what they are asked about, and 4 where the daemon refuses what it is told.

mod check_list;
mod events;
mod intel;
mod notify;
mod probe;
mod report;
#[cfg(feature = "host")]
mod replay;
mod ubus;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use minewall::config::{self, Config, service};
use minewall::daemon::control::{self, Answer, Outcome, Request};
use minewall::daemon::model_file;
use minewall::daemon::syslog::{SYSLOG_SOCKET, Syslog};
use minewall::rules::{self, Kernel, Memory, Variant};
use pico_args::Arguments;

/// Runs the command that `arguments` ask for (without the program's name).
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = Arguments::from_vec(arguments);
    match dispatch(arguments) {
        Ok(status) => status,
        Err(error) => {
            for line in error.lines() {
                eprintln!("minewall: {line}");
            }
            ExitCode::from(STATUS_UNUSABLE)
        }
    }
}

fn dispatch(mut arguments: Arguments) -> Result<ExitCode, String> {
    if arguments.contains(["-h", "--help"]) {
        return show(HELP);
    }
    if arguments.contains(["-V", "--version"]) {
        return show(concat!("minewall ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let command = arguments.subcommand().map_err(|error| error.to_string())?;
    match command.as_deref() {
        Some("run") => run_daemon(arguments),
        Some("status") if arguments.contains("--prometheus") => {
            ask(arguments, &Request::StatusPrometheus, &Request::StatusPrometheus)
        }
        Some("status") => ask(arguments, &Request::Status, &Request::StatusJson),
        Some("report") => report::run(arguments),
        Some("hosts") => ask(arguments, &Request::Hosts, &Request::HostsJson),
        Some("events") => events::run(arguments),
        Some("unblock") => unblock(arguments),
        Some("intel") => intel::run(arguments),
        Some("rules") => rules(arguments),
        Some("config") => config(arguments),
        Some("probe") => Ok(probe::run(arguments)),
        Some("check-list") => check_list::run(arguments),
        Some("notify") => notify::run(arguments),
        Some("ubus") => ubus::run(arguments),
        #[cfg(feature = "host")]
        Some("replay") => replay::run(arguments),
        #[cfg(feature = "host")]
        Some("train") => desk_tool(arguments, minewall::lab::train::run),
        #[cfg(feature = "host")]
        Some("evaluate") => desk_tool(arguments, minewall::lab::evaluate::run),
        #[cfg(feature = "host")]
        Some("sequences") => desk_tool(arguments, minewall::lab::train::extract),
        Some(other) => Err(format!("unknown command '{other}'; 'minewall --help' lists them")),
        None => Err(match arguments.finish().first() {
            Some(option) => format!("unknown option '{}'", option.display()),
            None => "no command; 'minewall --help' lists them".into(),
        }),
    }
}

fn run_daemon(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    start_log(&mut arguments)?;
    nothing_left(arguments)?;
    minewall::daemon::run(&path).map(|()| ExitCode::SUCCESS)
}

/// To the system log with `--syslog`, to standard error without.
fn start_log(arguments: &mut Arguments) -> Result<(), String> {
    if arguments.contains("--syslog") {
        Syslog::new(Path::new(SYSLOG_SOCKET)).install().map_err(|error| error.to_string())?;
    } else {
        env_logger::builder().filter_level(log::LevelFilter::Trace).format_timestamp(None).init();
    }
    // The configuration sets the level; until then errors and warnings must be heard.
    log::set_max_level(log::LevelFilter::Info);
    Ok(())
}

/// A question with two answers: for people, and for programs.
fn ask(mut arguments: Arguments, text: &Request, json: &Request) -> Result<ExitCode, String> {
    let config = load(&config_path(&mut arguments)?)?;
    let request = if arguments.contains("--json") { json } else { text };
    nothing_left(arguments)?;
    tell(&control::ask(&config.control_socket, request).map_err(|error| error.to_string())?)
}

fn unblock(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = load(&config_path(&mut arguments)?)?;
    let request = Request::Unblock(intel::only_subject(arguments)?);
    tell(&control::ask(&config.control_socket, &request).map_err(|error| error.to_string())?)
}

/// Prints an answer of the daemon's.
fn tell(answer: &Answer) -> Result<ExitCode, String> {
    match answer.outcome {
        Outcome::Done => show(&answer.text),
        Outcome::Nothing => show(&answer.text).map(|_| ExitCode::from(STATUS_NOTHING)),
        Outcome::Refused => {
            eprint!("minewall: {}", answer.text);
            Ok(ExitCode::from(STATUS_REFUSED))
        }
    }
}

fn rules(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    let variant = arguments
        .opt_value_from_str("--variant")
        .map_err(|error| format!("--variant: {error}"))?
        .unwrap_or(Variant::Nft);
    let memory = arguments.opt_value_from_str("--memory").map_err(|error| format!("--memory: {error}"))?;
    let memory = || memory.unwrap_or_else(Memory::of_this_kernel);
    let is_removal = arguments.contains("--remove");
    let is_offload = arguments.contains("--offload");
    nothing_left(arguments)?;
    if is_offload {
        let listing = io::read_to_string(io::stdin()).map_err(|error| format!("standard input: {error}"))?;
        return show(&if is_removal {
            rules::offload::release(&listing)
        } else {
            rules::offload::wait(&load(&path)?, memory(), &listing)
        });
    }
    // Removal takes no configuration: it must work with a bad one, too.
    if is_removal {
        return show(&rules::remove(variant));
    }
    let config = load(&path)?;
    // What the daemon knows comes with the rules, so that a firewall that is reloaded is never without.
    let known = control::ask(&config.control_socket, &Request::Elements);
    let known = known.map_or(String::new(), |answer| answer.text);
    show(&rules::install(&config, Kernel { variant, memory: memory() }, &known))
}

fn config(mut arguments: Arguments) -> Result<ExitCode, String> {
    if arguments.contains("--default") {
        nothing_left(arguments)?;
        return show(&config::default_file());
    }
    let path = config_path(&mut arguments)?;
    let is_for_service = arguments.contains("--service");
    nothing_left(arguments)?;
    let loaded = config::load(&path).map_err(|rejected| rejected.to_string())?;
    for warning in &loaded.warnings {
        eprintln!("minewall: {warning}");
    }
    if is_for_service {
        return show(&service::describe(&loaded.config));
    }
    // A misspelt name leaves its option at the default, which is no fine configuration.
    let model = model_file::load(&loaded.config);
    if let Err(complaint) = &model {
        eprintln!("minewall: {}: {complaint}", path.display());
    }
    if model.is_err() || !loaded.warnings.is_empty() {
        return Ok(ExitCode::from(STATUS_UNUSABLE));
    }
    show(&format!("{} is fine\n", path.display()))
}

/// Prints `text`. A reader that has seen enough, as `head` does, is content.
fn show(text: &str) -> Result<ExitCode, String> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// `--config FILE`, or the usual one.
fn config_path(arguments: &mut Arguments) -> Result<PathBuf, String> {
    let given = arguments.opt_value_from_os_str("--config", |path| Ok::<_, String>(PathBuf::from(path)));
    Ok(given.map_err(|error| error.to_string())?.unwrap_or_else(|| config::DEFAULT_PATH.into()))
}

fn load(path: &Path) -> Result<Config, String> {
    let loaded = config::load(path).map_err(|complaint| complaint.to_string())?;
    for warning in &loaded.warnings {
        eprintln!("minewall: {warning}");
    }
    Ok(loaded.config)
}

/// What is left once the options have been taken, as text.
fn words(arguments: Arguments) -> Result<Vec<String>, String> {
    let word = |word: OsString| word.into_string().map_err(|word| format!("'{}' is no text", word.display()));
    arguments.finish().into_iter().map(word).collect()
}

fn nothing_left(arguments: Arguments) -> Result<(), String> {
    match arguments.finish().first() {
        Some(extra) => Err(format!("unknown argument '{}'", extra.display())),
        None => Ok(()),
    }
}

/// A tool that reads its own options.
#[cfg(feature = "host")]
fn desk_tool(
    arguments: Arguments,
    tool: fn(Vec<String>) -> Result<(), minewall::lab::train::Error>,
) -> Result<ExitCode, String> {
    tool(words(arguments)?).map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string())
}

/// What is left once the options have been taken; what still looks like an option is one we don't know.
#[cfg(feature = "host")]
fn operands(arguments: Arguments) -> Result<Vec<OsString>, String> {
    let mut operands = arguments.finish();
    let end = operands.iter().position(|operand| operand == "--");
    let looks_like_option =
        |operand: &&OsString| operand.as_encoded_bytes().starts_with(b"-") && *operand != "-";
    match operands.iter().take(end.unwrap_or(operands.len())).find(looks_like_option) {
        Some(option) => Err(format!("unknown option '{}'", option.display())),
        None => {
            if let Some(end) = end {
                operands.remove(end);
            }
            Ok(operands)
        }
    }
}

const STATUS_UNUSABLE: u8 = 1;
const STATUS_NOTHING: u8 = 3;
const STATUS_REFUSED: u8 = 4;
#[cfg(feature = "host")]
const STATUS_DAMAGED: u8 = 2;

/// What `--help` says; a macro, since the two builds share most of it.
macro_rules! help {
    ($host_commands:literal) => {
        concat!(
            "\
minewall: a cryptomining firewall that runs on the router itself

usage:
  minewall run [--config FILE] [--syslog]     judge the packets of the netfilter queue
  minewall status [--config FILE] [--json|--prometheus]
                                              what the running daemon has seen
  minewall hosts [--config FILE] [--json]     the hosts that were caught
  minewall events [--config FILE] [--last N] [--follow]
                                              detections as lines of JSON: the last N of the log (all,
                                              or with --follow none), then those that come
  minewall events --follow --share            only what other routers may know: pools found here
  minewall unblock ADDRESS[:PORT]|NAME        forget whatever was learnt of a server
  minewall intel list [--json]                what is known of servers
  minewall intel add [--policy block|suspect|allow] [--hours N] [--fleet] ENTRY... | -
                                              enter servers by hand: ADDRESS, PREFIX or NAME, each with
                                              :PORT or without; - reads lines (these, or JSON); --fleet:
                                              they come from other routers
  minewall intel remove ENTRY                 strike entries out
  minewall intel check [--json] ADDRESS[:PORT]|NAME[:PORT]
                                              what becomes of connections to it, and why
  minewall rules [--config FILE] [--variant nft|iptables] [--remove]
                                              the rule set that feeds the queue, as text
  minewall rules --offload [--config FILE] [--remove]
                                              of rules that offload flows (as 'nft -a list' prints them,
                                              on standard input), those that wait for the verdict
  minewall config [--config FILE]             check the configuration
  minewall config [--config FILE] --service   the same, and what an init script has to know of it
  minewall config --default                   print it with all options at their defaults
  minewall probe [--config FILE] HOST:PORT [--tls|--plain|--auto] [--sni NAME] [--json]
                                              ask a server whether it is a pool
  minewall check-list [--config FILE] [--count] LIST...
                                              whether files are lists, and how many entries they have
",
            "  minewall notify [--config FILE] [--hooks DIRECTORY] [--syslog] [-]
                                              run the owner's programs for the daemon's events, or those on
                                              standard input
  minewall ubus list | call METHOD | edit     for rpcd; see openwrt/UBUS.md
",
            $host_commands,
            "  minewall --help | --version

FILE is /etc/config/minewall unless said otherwise.
exit status: 0 success; 1 wrong command line, unusable file or failure;
             2 damaged capture, read as far as it goes
of probe:    0 pool; 1 not a pool; 2 inconclusive; 3 no probe was made
of unblock and intel: 3 nothing is known of it; 4 the daemon refused (some of) it
of events --follow:   1 once the daemon has ended
"
        )
    };
}

#[cfg(feature = "host")]
const HELP: &str = help!(
    "  minewall replay [--json|--all] [--config FILE] [--model FILE] [--sensitivity WORD] CAPTURE...
                                              judge the TCP flows of captures (pcap, pcapng, gzip or not),
                                              folders of them, or - (standard input, told as it happens)
  minewall train --mining PATH... --benign PATH... [--output FILE]
                                              train a model of stage one, of captures, .seq files or folders
                                              of them, and scripted sessions (--scripted N; 9000); report
                                              what it finds of applications that were held back
  minewall evaluate [--model FILE] --mining PATH... --benign PATH... [--json FILE] [--plots FOLDER]
                                              what a model finds, and how fast
  minewall sequences --mining PATH... --benign PATH... --output FILE
                                              captures as a .seq file: sizes, directions and gaps only
"
);
#[cfg(not(feature = "host"))]
const HELP: &str = help!("");
