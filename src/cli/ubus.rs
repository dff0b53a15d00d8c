//! `minewall ubus`: the object `minewall` for OpenWrt's rpcd, as its plugins are called: `list` prints the
//! methods, `call METHOD` takes the arguments as JSON on standard input and prints the answer.
//!
//! The answers are described in `openwrt/UBUS.md`. The texts of others in them come from the daemon as JSON
//! already and are handed on as they are.

mod edit;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use minewall::config::{self, Complaint, Config, Loaded, Mode, Rejected};
use minewall::daemon::control::{self, ControlAnswer, Request, RequestOutcome};
use minewall::daemon::event_tail;
use minewall::intel::exemptions::{self, AllowList};
use minewall::net::endpoint::Endpoint;
use minewall::parse::json::{Tape, TapeValue, ValueEnd, end_of_value};
use minewall::probe::{Outcome, TlsChoice};
use minewall::util::background::Task;
use minewall::util::bounded_read;
use minewall::util::json_object;
use pico_args::Arguments;

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let running: Option<PathBuf> = super::text_option(&mut arguments, "--running")?.map(PathBuf::from);
    let service = ServiceStatus::find(path, running);
    let rules = RulesState {
        loaded: super::option(&mut arguments, "--rules")?,
        complaint: super::text_option(&mut arguments, "--rules-said")?,
    };
    let words = super::words(arguments)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => super::show(METHODS),
        ["call", method] => {
            let input = read_arguments()?;
            let mut tape = Tape::default();
            let arguments = tape.index(&input).filter(|value| value.is_object() && value.is_whole());
            super::show(&match arguments {
                Some(arguments) => call(method, arguments, &service, &rules)?,
                None => refusal("the arguments are no JSON object of reasonable size"),
            })
        }
        ["edit"] => edit::run(),
        ["plain", ref names @ ..] => edit::plain(names),
        ["problems"] => {
            let problems = Survey::of(&service, &rules).problems;
            super::show(&problems.iter().map(|(_, text)| format!("problem: {text}\n")).collect::<String>())
        }
        _ => Err("'list', 'call METHOD', 'problems', 'edit' or 'plain NAME...' is wanted".into()),
    }
}

/// The configuration as it is written, and the socket of the daemon that may have another one.
struct ServiceStatus {
    /// The defaults, where it is refused.
    config: Arc<Config>,
    warnings: Vec<Complaint>,
    /// Why it is refused.
    errors: Vec<Complaint>,
    socket: PathBuf,
}

impl ServiceStatus {
    /// With the configuration at `path`, and the daemon that has that at `running`.
    fn find(path: PathBuf, running: Option<PathBuf>) -> Self {
        let of_daemon = running.and_then(|path| config::load(&path).ok());
        let (config, warnings, errors) = match config::load(&path) {
            Ok(Loaded { config, warnings }) => (config, warnings, Vec::new()),
            Err(Rejected(errors)) => (Config::default(), Vec::new(), errors),
        };
        let socket =
            of_daemon.map_or_else(|| config.control_socket.clone(), |daemon| daemon.config.control_socket);
        ServiceStatus { config: Arc::new(config), warnings, errors, socket }
    }

    /// The configuration, unless it is refused.
    fn config_in_force(&self) -> Option<&Config> {
        self.errors.is_empty().then_some(&self.config)
    }
}

/// State of the rules, which the init scripts know and the program doesn't.
struct RulesState {
    /// 1 if the kernel has them, 0 if not.
    loaded: Option<u8>,
    /// Error message of the latest attempt to load them.
    complaint: Option<String>,
}

/// Methods and the types of their arguments, as rpcd reads them.
const METHODS: &str = r#"{"status":{},"hosts":{},"events":{"last":32},"allow":{"host":"","endpoint":"","remove":true},"unblock":{"target":""},"probe":{"server":"","layer":"","sni":""}}
"#;

fn call(
    method: &str,
    arguments: TapeValue<'_>,
    service: &ServiceStatus,
    rules: &RulesState,
) -> Result<String, String> {
    Ok(match method {
        "status" => status(service, rules),
        "hosts" => hosts(service),
        "events" => events(arguments, service),
        "unblock" => unblock(arguments, service),
        "probe" => probe(arguments, service),
        _ => return Err(format!("no method '{method}'")),
    })
}

/// The state of the service, as far as problems tell.
struct Survey {
    /// Code and text of each.
    problems: Vec<(&'static str, String)>,
    /// The daemon's status, or why there is none.
    daemon: Result<String, String>,
}

impl Survey {
    fn of(service: &ServiceStatus, rules: &RulesState) -> Self {
        let mut problems = Vec::new();
        let mut problem = |code: &'static str, text: String| problems.push((code, text));
        let enabled = service.config_in_force().map(|config| config.enabled);
        for complaint in &service.errors {
            problem("config", complaint.to_string());
        }
        let daemon = control::ask(&service.socket, &Request::StatusJson)
            .map(|answer| answer.text.trim_end().to_owned())
            .map_err(|complaint| complaint.to_string());
        let why = rules.complaint.clone().filter(|text| !text.is_empty());
        match (&daemon, enabled) {
            (Err(_), Some(false)) => problem("disabled", "option 'enabled' is 0".into()),
            (Err(complaint), _) => match why {
                Some(why) => problem("rules", why),
                None => problem("not_running", complaint.clone()),
            },
            (Ok(_), _) if rules.loaded == Some(0) => {
                problem("rules", why.unwrap_or_else(|| "the kernel has none of minewall's rules".into()));
            }
            (Ok(_), _) => {}
        }
        for warning in &service.warnings {
            problem("config_warning", warning.to_string());
        }
        Survey { problems, daemon }
    }
}

fn status(service: &ServiceStatus, rules: &RulesState) -> String {
    let Survey { problems, daemon } = Survey::of(service, rules);
    let config = service.config_in_force();
    let enabled = config.map(|config| config.enabled);
    let running = daemon.is_ok();
    let mode = match &daemon {
        Ok(text) => mode_of(text),
        Err(_) => config.map(|config| config.mode),
    };
    let state = match mode {
        Some(Mode::Block) if running && rules.loaded != Some(0) => "protecting",
        Some(Mode::Monitor) if running && rules.loaded != Some(0) => "monitoring",
        _ => "off",
    };
    let mut problems: Vec<String> = problems
        .iter()
        .map(|(code, text)| {
            format!("{{\"code\":\"{code}\",\"text\":{},\"remedy\":\"{}\"}}", quoted(text), remedy(code))
        })
        .collect();
    let mut tape = Tape::default();
    let of_daemon = daemon.as_ref().ok().and_then(|text| tape.index(text.as_bytes())?.get("problems"));
    let inside = of_daemon.and_then(|list| core::str::from_utf8(list.bytes()).ok()?.strip_prefix('['));
    problems.extend(objects(inside.unwrap_or_default()).map(str::to_owned));
    format!(
        "{{\"state\":\"{state}\",\"problems\":[{}],\"version\":\"{}\",\"enabled\":{},\"mode\":{},\
         \"running\":{running},\"rules\":{},\"daemon\":{}}}\n",
        problems.join(","),
        env!("CARGO_PKG_VERSION"),
        or_null(enabled.map(|enabled| enabled.to_string())),
        or_null(mode.map(|mode| quoted(if mode == Mode::Block { "block" } else { "monitor" }))),
        or_null(rules.loaded.map(|loaded| (loaded != 0).to_string())),
        daemon.as_deref().unwrap_or("null"),
    )
}

/// Remedy for a problem that the daemon doesn't know of.
fn remedy(code: &str) -> &'static str {
    match code {
        "config" => "Correct the configuration; until then the one before stays in force.",
        "config_warning" => "Look at the configuration.",
        "disabled" => "Set option 'enabled' to 1.",
        "not_running" => "The system log says why.",
        "rules" => "Install kmod-nft-queue if it is missing, and restart minewall.",
        _ => "",
    }
}

/// The mode that a daemon's status tells.
fn mode_of(status: &str) -> Option<Mode> {
    [("\"mode\":\"block\"", Mode::Block), ("\"mode\":\"monitor\"", Mode::Monitor)]
        .into_iter()
        .find(|(member, _)| status.contains(member))
        .map(|(_, mode)| mode)
}

/// The hosts of the daemon, and whether each may mine by now.
fn hosts(service: &ServiceStatus) -> String {
    let exempt = service.config.exemptions();
    let list = super::report::history(&service.socket, &service.config).unwrap_or_default();
    let described: Vec<String> = objects(list.strip_prefix('[').unwrap_or_default())
        .map(|host| with_permissions(host, &exempt))
        .collect();
    format!("{{\"hosts\":[{}]}}\n", described.join(","))
}

fn with_permissions(host: &str, exempt: &AllowList) -> String {
    let mut tape = Tape::default();
    let value = tape.index(host.as_bytes());
    let text = |key| value.and_then(|value| value.get(key)).and_then(string);
    let mac = text("mac").and_then(|mac| mac.parse().ok());
    let mac =
        mac.and_then(|host| if let exemptions::ExemptHost::Card(mac) = host { Some(mac) } else { None });
    let host_allowed = text("client")
        .and_then(|client| client.parse().ok())
        .is_some_and(|client| exempt.allows_host(client, mac));
    let server_allowed = text("server")
        .and_then(|server| server.parse::<std::net::SocketAddr>().ok())
        .is_some_and(|server| exempt.allows_endpoint(&Endpoint::new(server.ip(), server.port())));
    let body = host.strip_suffix('}').unwrap_or(host);
    format!("{body},\"host_allowed\":{host_allowed},\"server_allowed\":{server_allowed}}}")
}

/// The JSON objects at the beginning of `text`, with commas between.
pub(super) fn objects(mut text: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        text = text.trim_start_matches(',');
        let ValueEnd::Complete(end) = end_of_value(text.as_bytes()) else { return None };
        let (object, rest) = text.split_at_checked(end)?;
        text = rest;
        object.starts_with('{').then_some(object)
    })
}

fn events(arguments: TapeValue<'_>, service: &ServiceStatus) -> String {
    let last = match arguments.get("last") {
        None => Some(EVENTS_DEFAULT),
        Some(value) => core::str::from_utf8(value.bytes()).ok().and_then(|text| text.parse().ok()),
    };
    let Some(last) = last.filter(|last| (1..=EVENTS_MAX).contains(last)) else {
        return refusal("'last' is a number from 1 to 500");
    };
    let lines = event_tail::events(&service.config, last);
    let is_whole = |line: &&String| {
        line.starts_with('{') && end_of_value(line.as_bytes()) == ValueEnd::Complete(line.len())
    };
    let whole: Vec<&str> = lines.iter().filter(is_whole).map(String::as_str).collect();
    format!("{{\"events\":[{}]}}\n", whole.join(","))
}

const EVENTS_DEFAULT: usize = 50;
const EVENTS_MAX: usize = 500;

fn unblock(arguments: TapeValue<'_>, service: &ServiceStatus) -> String {
    let Some(subject) = arguments.get("target").and_then(string).and_then(|text| text.parse().ok()) else {
        return refusal("'target' is an address, with or without a port, or a name");
    };
    match control::ask(&service.socket, &Request::Unblock(subject)) {
        Ok(ControlAnswer { outcome: RequestOutcome::Refused, text }) => refusal(text.trim_end()),
        Ok(ControlAnswer { text, .. }) => format!("{{\"ok\":true,\"text\":{}}}\n", quoted(text.trim_end())),
        Err(complaint) => refusal(&complaint.to_string()),
    }
}

fn probe(arguments: TapeValue<'_>, service: &ServiceStatus) -> String {
    let text = |key: &str| arguments.get(key).and_then(string).filter(|text| !text.is_empty());
    let layer = match text("layer") {
        None | Some("auto") => TlsChoice::Auto,
        Some("plain") => TlsChoice::Plain,
        Some("tls") => TlsChoice::Tls,
        Some(_) => return refusal("'layer' is auto, plain or tls"),
    };
    let Some(server) = text("server").map(str::to_owned) else { return refusal("'server' is missing") };
    let sni = text("sni").map(str::to_owned);
    let config = Arc::clone(&service.config);
    let begin = Instant::now();
    let operand = server.clone();
    let asking = match Task::start("probe", move || super::probe::ask(&config, &operand, layer, sni)) {
        Ok(asking) => asking,
        Err(error) => return refusal(&error.to_string()),
    };
    while !asking.is_finished() && begin.elapsed() < PROBE_PATIENCE {
        thread::sleep(GLANCE);
    }
    let outcome = match asking.is_finished().then(|| asking.join()) {
        Some(Some(Ok(outcome))) => outcome,
        Some(Some(Err(complaint))) => return refusal(&complaint),
        Some(None) => return refusal("the probe's thread has panicked"),
        None => Outcome::inconclusive(None, &format!("nothing within {} seconds", PROBE_PATIENCE.as_secs())),
    };
    let line = outcome.to_json(&server, begin.elapsed().as_millis() as u32);
    format!("{{\"ok\":true,{}\n", line.trim_start_matches('{'))
}

/// LuCI gives up a call after 20 seconds.
const PROBE_PATIENCE: Duration = Duration::from_secs(15);
/// Interval at which the end of the probe is checked.
const GLANCE: Duration = Duration::from_millis(5);

/// A text argument. One with escapes is none: neither addresses nor names need any.
pub(super) fn string(value: TapeValue<'_>) -> Option<&str> {
    let text = core::str::from_utf8(value.bytes()).ok().filter(|text| !text.contains('\\'))?;
    value.is_string().then_some(text)
}

/// rpcd closes its end when it has written all.
fn read_arguments() -> Result<Vec<u8>, String> {
    bounded_read::all(io::stdin(), ARGUMENTS_BYTES).map_err(|error| format!("standard input: {error}"))
}

const ARGUMENTS_BYTES: u64 = 4_096;

fn refusal(complaint: &str) -> String {
    format!("{{\"ok\":false,\"error\":{}}}\n", quoted(complaint))
}

fn or_null(json: Option<String>) -> String {
    json.unwrap_or_else(|| "null".into())
}

/// `text` as a string of JSON, printable ASCII only.
fn quoted(text: &str) -> String {
    json_object::quoted(&text.replace(|c| !(' '..='~').contains(&c), "?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn hosts_are_told_whether_they_may_mine() {
        let text = "config minewall\nlist allow_host 02:00:5e:10:00:01\nlist allow_endpoint 192.0.2.1\n";
        let config = config::parse(Path::new("test"), text.as_bytes()).expect(text).config.exemptions();
        let list = r#"{"client":"10.0.0.1","mac":"02:00:5e:10:00:01","host":"a}{\"","server":"192.0.2.1:3333"},{"client":"10.0.0.2","mac":null,"server":"[2001:db8::1]:3333"}],"later":{}}"#;
        let described: Vec<String> = objects(list).map(|host| with_permissions(host, &config)).collect();
        assert_eq!(described.len(), 2);
        assert!(
            described[0].ends_with(r#":3333","host_allowed":true,"server_allowed":true}"#),
            "{}",
            described[0]
        );
        assert!(
            described[1].ends_with(r#":3333","host_allowed":false,"server_allowed":false}"#),
            "{}",
            described[1]
        );
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a\"b\\c\nd\u{1b}é"), r#""a\"b\\c?d??""#);
    }
}
