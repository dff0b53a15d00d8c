//! `minewall hosts` and `minewall report`: which hosts mined, since when, how often, and what was done.

use std::path::Path;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::daemon::control::{self, Request, Unanswered};
use minewall::daemon::hosts::Hosts;
use minewall::daemon::status::hosts_to_json;
use pico_args::Arguments;

use super::records::{Filter, HOST, REPORT, RecordTable};
use super::ubus::objects;

/// Runs `minewall hosts`: the hosts that the daemon remembers.
pub fn hosts(arguments: Arguments) -> Result<ExitCode, String> {
    show(arguments, &RecordTable::new(HOST), "no host has mined\n", |config| {
        let answer = control::ask(&config.control_socket, &Request::HostsJson);
        answer.map(|answer| answer.text).map_err(|error| error.to_string())
    })
}

/// Runs `minewall report`, which needs no daemon.
pub fn run(arguments: Arguments) -> Result<ExitCode, String> {
    show(arguments, &RecordTable::new(REPORT), "no host has mined in this time\n", |config| {
        history(&config.control_socket, config)
    })
}

fn show(
    mut arguments: Arguments,
    table: &RecordTable,
    nothing: &str,
    read: impl FnOnce(&Config) -> Result<String, String>,
) -> Result<ExitCode, String> {
    let path = super::config_path(&mut arguments)?;
    let filter = Filter::take(&mut arguments)?;
    let json = arguments.contains("--json");
    super::nothing_left(arguments)?;
    let history = read(&super::load_or_running(&path)?)?;
    let hosts: Vec<&str> =
        objects(history.trim_start_matches('[')).filter(|host| filter.admits(host, "last_time")).collect();
    if json {
        return super::show(&format!("[{}]\n", hosts.join(",")));
    }
    if hosts.is_empty() {
        return super::show(nothing);
    }
    let rows: String = hosts.iter().map(|host| table.row(host)).collect();
    super::show(&(table.head() + &rows))
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
