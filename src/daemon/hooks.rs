//! Notices: programs of the router's owner that are run on a detection.
//!
//! They run in a process of their own (`minewall notify`), which has nothing to do with packets. What a hook
//! is told comes from strangers (the name of a host, of a miner), and a hook is often five lines of careless
//! shell. So it gets the event as JSON on standard input, for those who parse, and as environment variables
//! that hold no character which means anything to a shell, for those who don't.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{self, Duration};

use crate::config::{Config, NoticeScope};
use crate::limits::{EVENT_LINE_MAX_BYTES, HOOK_PATIENCE, NOTICE_HOSTS, NOTICE_VALUE_BYTES};
use crate::parse::json::Tape;
use crate::util::bounded_cache::BoundedCache;
use crate::util::fair_budget::FairBudget;
use crate::util::time::Instant;
use crate::util::token_bucket::Rate;

/// Which events are told, and how often.
#[derive(Debug)]
pub struct Notices {
    noticed: NoticeScope,
    rate: Rate,
    interval: Duration,
    /// Budget of each host, told by hardware address where it is known.
    tokens: FairBudget<String>,
    /// Until when a host is told of no more.
    hosts: BoundedCache<String, Instant>,
    suppressed: u32,
}

/// A notice that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookNotice {
    /// The event, one line of JSON without its end.
    pub line: String,
    /// The environment: `MINEWALL_CLIENT` and so on, harmless values.
    pub variables: Vec<(String, String)>,
}

impl Notices {
    /// Hooks as `config` sets them, with no event reported yet.
    pub fn new(config: &Config) -> Self {
        Notices {
            noticed: config.notices,
            rate: Rate::per_hour(config.notices_per_hour),
            interval: config.notice_interval,
            tokens: FairBudget::new(NOTICE_HOSTS),
            hosts: BoundedCache::new(NOTICE_HOSTS),
            suppressed: 0,
        }
    }

    /// The notice for the event in `line`, if one is due at `now`. What is left out for the sake of the limits
    /// is counted, and the next notice says how many there were.
    pub fn notice(&mut self, line: &str, now: Instant) -> Option<HookNotice> {
        let mut variables = variables(line)?;
        let value =
            |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let is_wanted = match self.noticed {
            NoticeScope::Nothing => false,
            NoticeScope::Proven => value("MINEWALL_EVENT").as_deref() == Some("detection"),
            NoticeScope::All => true,
        };
        let host = value("MINEWALL_CLIENT").filter(|_| is_wanted)?;
        let is_quiet = self.hosts.get(&host).is_some_and(|until| now < *until);
        let owner = value("MINEWALL_MAC").unwrap_or_else(|| host.clone());
        if is_quiet || !self.tokens.take(owner, &self.rate, now) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.hosts.insert(host, now.after(self.interval), |_, until| *until);
        variables.push(("MINEWALL_SUPPRESSED".into(), std::mem::take(&mut self.suppressed).to_string()));
        Some(HookNotice { line: line.into(), variables })
    }

    /// The notice that was due could not be told.
    pub fn count_as_suppressed(&mut self) {
        self.suppressed = self.suppressed.saturating_add(1);
    }
}

/// Runs all hooks in `directories` for `notice`, one after the other in the order of their names. What goes
/// wrong is logged.
pub fn run_hooks(directories: &[PathBuf], notice: &HookNotice) -> HooksRun {
    let mut run = HooksRun::default();
    for hook in directories.iter().flat_map(|directory| hooks(directory)) {
        run.started += 1;
        if let Err(complaint) = run_hook(&hook, notice, HOOK_PATIENCE) {
            run.failed += 1;
            log::warn!("{}: {complaint}", hook.display());
        }
    }
    run
}

/// Programs that were run for a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HooksRun {
    /// All of them.
    pub started: u32,
    /// Those that ended with another status than 0, or not in time.
    pub failed: u32,
}

/// The programs in `directory` that its owner alone can have put there.
fn hooks(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut hooks: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_hook(path)).collect();
    hooks.sort_unstable();
    hooks
}

fn is_hook(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o111 == 0 {
        return false;
    }
    let is_ours = metadata.uid() == rustix::process::getuid().as_raw() && mode & 0o022 == 0;
    if !is_ours {
        log::warn!("{} is not run: others may write to it", path.display());
    }
    is_ours
}

fn run_hook(path: &Path, notice: &HookNotice, patience: Duration) -> Result<(), String> {
    let mut child = Command::new(path)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(notice.variables.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // It fits the pipe, so this never waits; a hook that doesn't care has closed it.
        let _ = input.write_all(format!("{}\n", notice.line).as_bytes());
    }
    let begin = time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if begin.elapsed() > patience {
            let _ = child.kill().and_then(|()| child.wait().map(drop));
            return Err(format!("ended after {} seconds", patience.as_secs()));
        }
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// The members of the event in `line` as variables; none if it is no event.
fn variables(line: &str) -> Option<Vec<(String, String)>> {
    if line.len() > EVENT_LINE_MAX_BYTES {
        return None;
    }
    let mut tape = Tape::default();
    let event = tape.index(line.as_bytes()).filter(|value| value.is_object() && value.is_whole())?;
    let variables =
        event.members().filter(|(_, value)| !value.is_null() && !value.is_object() && !value.is_array());
    let variables = variables.map(|(name, value)| {
        let name: String = String::from_utf8_lossy(name.bytes())
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        (format!("MINEWALL_{name}"), harmless(value.bytes()))
    });
    Some(variables.collect())
}

/// `text` with nothing in it that a shell or a command line would take for more than text.
fn harmless(text: &[u8]) -> String {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b" .,:/_+@%=-[]".contains(&byte);
    let mut value: String = text
        .iter()
        .take(NOTICE_VALUE_BYTES)
        .map(|&byte| if is_harmless(byte) { char::from(byte) } else { '_' })
        .collect();
    // Or it could be an option of the program that the hook calls.
    if value.starts_with('-') {
        value.replace_range(..1, "_");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(text: &str) -> Notices {
        let text = format!("config minewall\n{text}\n");
        Notices::new(&crate::config::parse(Path::new("test"), text.as_bytes()).expect("a good file").config)
    }

    fn line(event: &str, host: u32) -> String {
        format!(r#"{{"event":"{event}","client":"192.168.1.{host}","host":null,"payload_packets":1}}"#)
    }

    fn suppressed(notice: Option<HookNotice>) -> Option<String> {
        notice?.variables.last().map(|(name, value)| format!("{name}={value}"))
    }

    #[test]
    fn a_host_is_told_of_once_in_its_interval_and_the_house_a_few_times_an_hour() {
        let mut notices = notices("option notice_interval 30\noption notices_per_hour 3");
        let at = |minutes: u64| Instant::default().after(Duration::from_secs(60 * minutes));
        let mut due = |host, minutes| suppressed(notices.notice(&line("detection", host), at(minutes)));
        let with = |count: u32| Some(format!("MINEWALL_SUPPRESSED={count}"));
        assert_eq!(due(1, 0), with(0));
        assert_eq!([due(1, 1), due(1, 29)], [None, None]);
        assert_eq!(due(2, 29), with(2));
        assert_eq!(due(1, 30), with(0));
        // One comes every 20 minutes, so the fourth and the fifth are there by now.
        assert_eq!([due(3, 31), due(4, 31)], [with(0), None]);
        assert_eq!(due(4, 60), with(1));
    }

    #[test]
    fn who_wants_proof_only_hears_of_no_suspicion() {
        let now = Instant::default();
        for (word, heard) in [("off", [false, false]), ("proven", [true, false]), ("all", [true, true])] {
            let mut notices = notices(&format!("option notices {word}"));
            let events = [("detection", 1), ("suspicion", 2)].map(|(event, host)| line(event, host));
            assert_eq!(events.map(|line| notices.notice(&line, now).is_some()), heard, "{word}");
        }
        let mut notices = notices("option notices all");
        for text in [
            "",
            "{",
            "[1]",
            "null",
            r#"{"client":"192.168.1.1""#,
            &format!("{{\"client\":\"{}\"}}", "1".repeat(9_999)),
        ] {
            assert_eq!(notices.notice(text, now), None);
        }
    }

    #[test]
    fn values_mean_nothing_to_a_shell() {
        let line = r#"{"event":"detection","client":"10.0.0.1","host":"$(reboot) `x` \"; a&&b|c>d<e*f?g!h#i~j'k\\","agent":"-oProxy","server":"[2001:db8::1]:3333"}"#;
        let notice = notices("").notice(line, Instant::default()).expect("a detection");
        let value = |name: &str| {
            notice.variables.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
        };
        assert_eq!(value("MINEWALL_HOST"), Some("__reboot_ _x_ ___ a__b_c_d_e_f_g_h_i_j_k__"));
        assert_eq!(value("MINEWALL_AGENT"), Some("_oProxy"));
        assert_eq!(value("MINEWALL_SERVER"), Some("[2001:db8::1]:3333"));
        assert_eq!(notice.line, line);
    }

    /// A hook written by another process: a program that is open for writing anywhere can't be run (ETXTBSY), and a
    /// parallel test that starts a process inherits the open files for a moment.
    fn write_hook(path: &Path, mode: u32, body: &str) {
        let script = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod "$3" "$1""#;
        let arguments =
            [path.as_os_str(), body.as_ref(), format!("{mode:o}").as_ref()].map(|word| word.to_owned());
        let status = Command::new("sh").args(["-c", script, "sh"]).args(arguments).status().unwrap();
        assert!(status.success());
    }

    #[test]
    fn hooks_run_in_order_with_nothing_of_our_environment_and_none_that_others_can_write() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let heard = directory.join("heard");
        let hook = |name: &str, mode: u32, body: &str| write_hook(&directory.join(name), mode, body);
        let report =
            format!("{{ echo ${{0##*/}} \"$MINEWALL_HOST\" \"$HOME\"; cat; }} >>{}", heard.display());
        hook("20-second", 0o755, &report);
        hook("10-first", 0o700, &report);
        hook("15-fails", 0o755, "exit 3");
        hook("30-writable", 0o777, &report);
        hook("40-not-executable", 0o644, &report);
        let notice =
            HookNotice { line: "{}".into(), variables: vec![("MINEWALL_HOST".into(), "a  b".into())] };
        let run = run_hooks(std::slice::from_ref(&directory), &notice);
        assert_eq!(run, HooksRun { started: 3, failed: 1 });
        assert_eq!(fs::read_to_string(&heard).unwrap(), "10-first a  b \n{}\n20-second a  b \n{}\n");
    }

    #[test]
    fn a_hook_that_hangs_is_ended() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("hook");
        write_hook(&path, 0o700, "exec sleep 600");
        let notice = HookNotice { line: "{}".into(), variables: vec![] };
        let patience = Duration::from_secs(1);
        assert_eq!(run_hook(&path, &notice, patience).unwrap_err(), "ended after 1 seconds");
    }
}
