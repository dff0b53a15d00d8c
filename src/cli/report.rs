//! `minewall report`: which hosts mined, since when, how often, and what was done.

use std::path::Path;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::daemon::control::{self, Request, Unanswered};
use minewall::daemon::hosts::Hosts;
use minewall::daemon::status::hosts_to_json;
use minewall::parse::json::Tape;
use minewall::util::calendar;
use minewall::util::wall_clock::unix_seconds;
use pico_args::Arguments;

use super::ubus::{objects, string};

/// Runs the command.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = super::load(&super::config_path(&mut arguments)?)?;
    let days: Option<u32> = super::option(&mut arguments, "--days")?;
    let json = arguments.contains("--json");
    super::nothing_left(arguments)?;
    let since = days.map_or(0, |days| unix_seconds().saturating_sub(u64::from(days) * 86_400));
    let history = history(&config.control_socket, &config)?;
    let hosts: Vec<&str> = objects(history.trim_start_matches('['))
        .filter(|host| field(host, "last_time").is_some_and(|time| is_since(&time, since)))
        .collect();
    super::show(&if json { format!("[{}]\n", hosts.join(",")) } else { table(&hosts) })
}

/// The hosts that the daemon remembers, or, without a daemon, those in its file; an array of JSON.
pub(super) fn history(socket: &Path, config: &Config) -> Result<String, String> {
    match control::ask(socket, &Request::HostsJson) {
        Ok(answer) => Ok(answer.text),
        Err(Unanswered::NotRunning(_)) => match Hosts::load(&config.hosts_file, config.hosts_remembered) {
            Ok(hosts) => Ok(hosts_to_json(&hosts.latest())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("[]".into()),
            Err(error) => Err(format!("{}: {error}", config.hosts_file.display())),
        },
        Err(why) => Err(why.to_string()),
    }
}

fn is_since(time: &str, since: u64) -> bool {
    calendar::seconds_of(time).is_some_and(|seconds| u64::from(seconds) >= since)
}

/// The member `key` of the JSON object `host`, if it is a text or a number.
fn field(host: &str, key: &str) -> Option<String> {
    let mut tape = Tape::default();
    let value = tape.index(host.as_bytes())?.get(key)?;
    let number = || core::str::from_utf8(value.bytes()).ok().filter(|text| *text != "null");
    string(value).or_else(number).map(str::to_owned)
}

fn table(hosts: &[&str]) -> String {
    if hosts.is_empty() {
        return "no host has mined in this time\n".into();
    }
    let mut text =
        String::from("last (UTC)            first (UTC)           host, address, times, verdict\n");
    for host in hosts {
        let of = |key| field(host, key).unwrap_or_else(|| "-".into());
        text += &format!(
            "{}  {}  {} ({}) {} times: {}, {} at {}\n",
            of("last_time"),
            of("first_time"),
            field(host, "host").unwrap_or_else(|| "no name".into()),
            of("client"),
            of("detections"),
            of("verdict"),
            of("dialect"),
            of("server"),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_line_and_none_is_said() {
        let host = r#"{"client":"10.0.0.1","mac":null,"host":null,"detections":3,"first_time":"2026-11-22T05:10:50Z","last_time":"2026-11-23T05:10:50Z","server":"192.0.2.1:3333","dialect":"cryptonote","verdict":"blocked","unreported":0}"#;
        let text = table(&[host]);
        assert!(
            text.ends_with("no name (10.0.0.1) 3 times: blocked, cryptonote at 192.0.2.1:3333\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);
        assert!(table(&[]).starts_with("no host"));
        let time = field(host, "last_time").expect("it has one");
        assert!(is_since(&time, 0) && is_since(&time, 1_795_410_650) && !is_since(&time, 1_795_410_651));
    }
}
