//! The command line: which command, with which options.
//!
//! Exit statuses: 0 for success, 1 for a command line that is wrong or a file that can't be read,
//! 2 for a capture that was damaged and read as far as it goes. `probe` has its own: 0 for a pool, 1 for
//! no pool, 2 for inconclusive, 3 where no probe was made. `unblock` and `intel` add 3 where nothing is
//! known of what they are asked about, and 4 where the daemon refuses what it is told.

mod check_list;
mod commands;
mod events;
mod intel;
mod notify;
mod probe;
mod records;
mod report;
#[cfg(feature = "host")]
mod replay;
mod signatures;
mod ubus;
mod zones;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use minewall::config::{self, Config, service};
use minewall::daemon::control::{self, ControlAnswer, Request, RequestOutcome};
use minewall::daemon::model_file;
use minewall::daemon::syslog::{SYSLOG_SOCKET, Syslog};
use minewall::rules::{self, Kernel, Memory, Variant};
use minewall::util::bounded_read;
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
    let wants_help = arguments.contains(["-h", "--help"]);
    if arguments.contains(["-V", "--version"]) {
        return show(concat!("minewall ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let command = arguments.subcommand().map_err(|error| error.to_string())?;
    if wants_help {
        let subcommand = arguments.subcommand().map_err(|error| error.to_string())?;
        return help(command.as_deref(), subcommand.as_deref());
    }
    match command.as_deref() {
        #[cfg(feature = "host")]
        Some("help") if arguments.contains("--man") => show(&commands::manual_page()),
        #[cfg(feature = "host")]
        Some("help") if arguments.contains("--bash") => show(&commands::completion(false)),
        #[cfg(feature = "host")]
        Some("help") if arguments.contains("--zsh") => show(&commands::completion(true)),
        Some("help") => {
            let command = arguments.subcommand().map_err(|error| error.to_string())?;
            let subcommand = arguments.subcommand().map_err(|error| error.to_string())?;
            nothing_left(arguments)?;
            help(command.as_deref(), subcommand.as_deref())
        }
        Some("version") => show(concat!("minewall ", env!("CARGO_PKG_VERSION"), "\n")),
        Some("run") => run_daemon(arguments),
        Some("status") if arguments.contains("--prometheus") => {
            ask(arguments, &Request::StatusPrometheus, &Request::StatusPrometheus)
        }
        Some("status") => ask(arguments, &Request::Status, &Request::StatusJson),
        Some("report") => report::run(arguments),
        Some("hosts") => report::hosts(arguments),
        Some("events") => events::run(arguments),
        Some("unblock") => unblock(arguments),
        Some("intel") => intel::run(arguments),
        Some("rules") => rules(arguments),
        Some("config") => config(arguments),
        Some("probe") => Ok(probe::run(arguments)),
        Some("check-list") => check_list::run(arguments),
        Some("signatures") => signatures::run(arguments),
        Some("notify") => notify::run(arguments),
        Some("ubus") => ubus::run(arguments),
        Some("selftest") => selftest(arguments),
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
            Some(option) => unknown(option),
            None => "no command; 'minewall --help' lists them".into(),
        }),
    }
}

/// The help of `command`, of its `subcommand` if it has such a one, or of all without a command.
fn help(command: Option<&str>, subcommand: Option<&str>) -> Result<ExitCode, String> {
    match command {
        None => show(&commands::overview()),
        Some(name) => {
            let text = subcommand.and_then(|subcommand| commands::help_of(&format!("{name} {subcommand}")));
            show(
                &text
                    .or_else(|| commands::help_of(name))
                    .ok_or_else(|| format!("unknown command '{name}'; 'minewall --help' lists them"))?,
            )
        }
    }
}

fn run_daemon(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    start_log(&mut arguments)?;
    nothing_left(arguments)?;
    minewall::daemon::run(&path).map(|()| ExitCode::SUCCESS)
}

/// Logs to the system log with `--syslog`, to standard error without.
fn start_log(arguments: &mut Arguments) -> Result<(), String> {
    if arguments.contains("--syslog") {
        Syslog::new(Path::new(SYSLOG_SOCKET)).install().map_err(|error| error.to_string())?;
    } else {
        // Not from the environment: the configuration says what is logged.
        env_logger::Builder::new().filter_level(log::LevelFilter::Trace).format_timestamp(None).init();
    }
    // The configuration sets the level; until then errors and warnings must be heard.
    log::set_max_level(log::LevelFilter::Info);
    Ok(())
}

/// A question with two answers: for people, and for programs.
fn ask(mut arguments: Arguments, text: &Request, json: &Request) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    let request = if arguments.contains("--json") { json } else { text };
    nothing_left(arguments)?;
    let config = load_or_running(&path)?;
    // What the service has noted; the daemon can't know why it has no rules.
    if matches!(request, Request::Status)
        && path == Path::new(config::DEFAULT_PATH)
        && let Ok(problem) = bounded_read::system_text(RULES_PROBLEM)
    {
        eprintln!("problem: {}", problem.trim_end());
    }
    tell(&control::ask(&config.control_socket, request).map_err(|error| error.to_string())?)
}

/// The configuration at `path`, or the one that the daemon runs with.
fn load_or_running(path: &Path) -> Result<Config, String> {
    load(path).or_else(|complaint| running_copy(path, complaint))
}

/// The configuration that OpenWrt's service has given to the daemon, where the one at `path` is refused.
fn running_copy(path: &Path, complaint: String) -> Result<Config, String> {
    if path != Path::new(config::DEFAULT_PATH) {
        return Err(complaint);
    }
    let running = config::load(Path::new(RUNNING_COPY)).map_err(|_| complaint.clone())?;
    eprintln!("problem: {complaint}");
    Ok(running.config)
}

fn unblock(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    let request = Request::Unblock(intel::only_subject(arguments)?);
    let config = load_or_running(&path)?;
    tell(&control::ask(&config.control_socket, &request).map_err(|error| error.to_string())?)
}

/// Prints an answer of the daemon's.
fn tell(answer: &ControlAnswer) -> Result<ExitCode, String> {
    match answer.outcome {
        RequestOutcome::Done => show(&answer.text),
        RequestOutcome::Nothing => show(&answer.text).map(|_| ExitCode::from(STATUS_NOTHING)),
        RequestOutcome::Refused => {
            eprint!("minewall: {}", answer.text);
            Ok(ExitCode::from(STATUS_REFUSED))
        }
    }
}

/// The self-test is a script, since most of it is the kernel's and the system's part; the daemon's own part
/// (`--daemon`) it asks for again.
fn selftest(mut arguments: Arguments) -> Result<ExitCode, String> {
    if arguments.contains("--daemon") {
        return ask(arguments, &Request::SelfTest, &Request::SelfTest);
    }
    let error = std::process::Command::new(SELFTEST).args(arguments.finish()).exec();
    Err(format!("{SELFTEST}: {error}"))
}

fn rules(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = config_path(&mut arguments)?;
    let variant = option(&mut arguments, "--variant")?.unwrap_or(Variant::Nft);
    let memory = option(&mut arguments, "--memory")?;
    let memory = || memory.unwrap_or_else(Memory::of_this_kernel);
    let is_removal = arguments.contains("--remove");
    let is_offload = arguments.contains("--offload");
    nothing_left(arguments)?;
    if is_offload {
        let listing = bounded_read::all(io::stdin(), u64::MAX).and_then(bounded_read::into_text);
        let listing = listing.map_err(|error| format!("standard input: {error}"))?;
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
    let mut config = load(&path)?;
    zones::resolve(&mut config);
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

/// The value of the option `name`, as text.
fn text_option(arguments: &mut Arguments, name: &'static str) -> Result<Option<String>, String> {
    arguments.opt_value_from_str(name).map_err(|error| format!("{name}: {error}"))
}

/// The value of the option `name`.
fn option<T: FromStr<Err: Display>>(
    arguments: &mut Arguments,
    name: &'static str,
) -> Result<Option<T>, String> {
    let Some(text) = text_option(arguments, name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("{name}: '{text}': {error}"))
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

/// The arguments left once the options have been taken, as text.
fn words(arguments: Arguments) -> Result<Vec<String>, String> {
    let word = |word: OsString| word.into_string().map_err(|word| format!("'{}' is no text", word.display()));
    arguments.finish().into_iter().map(word).collect()
}

fn nothing_left(arguments: Arguments) -> Result<(), String> {
    match arguments.finish().first() {
        Some(extra) => Err(unknown(extra)),
        None => Ok(()),
    }
}

/// The complaint about a word of the command line that no command knows.
fn unknown(word: &OsString) -> String {
    let kind = if word.as_encoded_bytes().starts_with(b"-") { "option" } else { "argument" };
    format!("unknown {kind} '{}'", word.display())
}

/// A tool that reads its own options.
#[cfg(feature = "host")]
fn desk_tool(
    arguments: Arguments,
    tool: fn(Vec<String>) -> Result<(), minewall::lab::train::Error>,
) -> Result<ExitCode, String> {
    tool(words(arguments)?).map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string())
}

/// The arguments left once the options have been taken; one that still looks like an option is unknown.
fn operands(arguments: Arguments) -> Result<Vec<OsString>, String> {
    let mut operands = arguments.finish();
    let end = operands.iter().position(|operand| operand == "--");
    let looks_like_option =
        |operand: &&OsString| operand.as_encoded_bytes().starts_with(b"-") && *operand != "-";
    match operands.iter().take(end.unwrap_or(operands.len())).find(looks_like_option) {
        Some(option) => Err(unknown(option)),
        None => {
            if let Some(end) = end {
                operands.remove(end);
            }
            Ok(operands)
        }
    }
}

/// Path of the self-test in the packages.
const SELFTEST: &str = "/usr/share/minewall/selftest";
/// Of OpenWrt's service: the copy of the last good configuration, and the cause why the kernel has no rules of ours.
const RUNNING_COPY: &str = "/var/run/minewall/config";
const RULES_PROBLEM: &str = "/var/run/minewall/rules";
const STATUS_UNUSABLE: u8 = 1;
const STATUS_NOTHING: u8 = 3;
const STATUS_REFUSED: u8 = 4;
#[cfg(feature = "host")]
const STATUS_DAMAGED: u8 = 2;
