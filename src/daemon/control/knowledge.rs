//! What is known of servers, and by whose word: of the daemon's own memory, or of the files without one.

use core::fmt::Write;
use std::io;

use super::{ControlAnswer, Request, RequestOutcome};
use crate::config::Config;
use crate::daemon::lists;
use crate::intel::Explanation;
use crate::intel::entry::{Pattern, Policy, Ports, What};
use crate::intel::reputation::{Entry, Fact, Origin, Reach, Store, Subject};
use crate::util::calendar::rfc3339;
use crate::util::text::printable;
use crate::util::wall_clock::unix_seconds;

/// The sources of an answer.
pub(super) struct Knowledge<'a> {
    pub config: &'a Config,
    /// Entries of the store that hold.
    pub entries: Vec<&'a Entry>,
    /// Seconds since 1970, as entries are counted.
    pub wall_clock: u64,
    /// Policy that an entry amounts to for the whole address.
    pub worth: &'a dyn Fn(&Entry) -> Option<Policy>,
    /// Entries of the lists that match.
    pub explain: &'a dyn Fn(&Pattern) -> Vec<Explanation>,
}

/// The answer of the files that `config` names, for `list` and `check`; none for other requests.
pub fn of_files(config: &Config, request: &Request) -> Option<ControlAnswer> {
    if !matches!(request, Request::List | Request::ListJson | Request::Check(_) | Request::CheckJson(_)) {
        return None;
    }
    let store = match Store::peek(&config.reputation_file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Some(ControlAnswer::refused(format_args!(
                "{}: {error}",
                config.reputation_file.display()
            )));
        }
        store => store.unwrap_or_default(),
    };
    let (wall_clock, lists) = (unix_seconds(), lists::of_files(config));
    let known = Knowledge {
        config,
        entries: store.holding(wall_clock).collect(),
        wall_clock,
        worth: &|entry| entry.fact.policy(),
        explain: &|pattern| {
            let port = pattern.ports.one();
            lists.as_ref().map_or(Vec::new(), |lists| lists.explain(&pattern.what, port, wall_clock))
        },
    };
    Some(known.answer(request))
}

impl Knowledge<'_> {
    /// The answer to `list` and `check`.
    pub(super) fn answer(&self, request: &Request) -> ControlAnswer {
        match request {
            Request::Check(subject) => {
                let (outcome, policy, reasons) = self.check(subject);
                let text = reasons
                    .iter()
                    .fold(format!("{subject}: {policy}\n"), |text, (_, reason)| text + "  " + reason + "\n");
                ControlAnswer { outcome, text }
            }
            Request::CheckJson(subject) => {
                let (outcome, policy, reasons) = self.check(subject);
                let mut text = format!("{{\"subject\":\"{subject}\",\"policy\":\"{policy}\",\"reasons\":[");
                for (number, (source, reason)) in reasons.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "," };
                    // Neither has a character that JSON would escape: names and addresses are parsed, the rest is ours.
                    let _ = write!(text, "{separator}{{\"source\":\"{source}\",\"reason\":\"{reason}\"}}");
                }
                ControlAnswer { outcome, text: text + "]}\n" }
            }
            request => {
                let is_json = matches!(request, Request::ListJson);
                let listed = self.entries.iter().filter(|entry| entry.fact.policy().is_some());
                let line = |entry: &&Entry| {
                    let now = self.wall_clock;
                    let line =
                        if is_json { entry.to_json(&rfc3339(entry.since), now) } else { shown(entry, now) };
                    line + "\n"
                };
                let text: String = listed.map(line).collect();
                let is_nothing = text.is_empty() && !is_json;
                ControlAnswer::done(if is_nothing { "nothing is known of any server\n".into() } else { text })
            }
        }
    }

    /// RequestOutcome of connections to `subject`, with source and sentence.
    fn check(&self, subject: &Subject) -> (RequestOutcome, &'static str, Vec<(&'static str, String)>) {
        let mut reasons = Vec::new();
        let mut policy = None;
        let patterns = patterns_of(subject);
        for pattern in &patterns {
            let What::Net(net) = &pattern.what else { continue };
            let exempting = self.config.exempt_servers.iter().filter(|allowed| {
                allowed.prefix.contains(net.addr())
                    && allowed.port.is_none_or(|port| pattern.ports == Ports::One(port))
            });
            for allowed in exempting {
                policy = Some(Policy::Allow);
                reasons.push(("config", format!("option 'allow_endpoint' has {allowed}: nothing is done")));
            }
        }
        let mut entries: Vec<&Entry> =
            self.entries.iter().copied().filter(|entry| entry.subject.concerns(subject)).collect();
        entries.sort_by_key(|entry| core::cmp::Reverse((entry.origin, entry.fact)));
        for entry in entries {
            let worth = (self.worth)(entry);
            policy = policy.max(worth);
            let narrow =
                if worth == entry.fact.policy() { "" } else { "; sessions that name it, or nothing, only" };
            reasons.push((entry.origin.name(), shown(entry, self.wall_clock) + narrow));
        }
        for found in patterns.iter().flat_map(self.explain) {
            let ended = if found.holds { "" } else { ", which has ended" };
            if found.holds {
                policy = policy.max(Some(found.entry.policy));
            }
            reasons.push(("list", format!("list '{}' has {}{ended}", printable(&found.source), found.entry)));
        }
        let outcome = if reasons.is_empty() { RequestOutcome::Nothing } else { RequestOutcome::Done };
        (outcome, policy.map_or("none", Policy::name), reasons)
    }
}

/// An entry at `now`, for a person.
fn shown(entry: &Entry, now: u64) -> String {
    let Entry { subject, fact, origin, reach, dialect, evidence, since, until } = entry;
    let what = match (origin, fact) {
        (Origin::Operator, _) => "entered by hand",
        (Origin::Fleet, _) => "reported by another router",
        (Origin::Probe, Fact::Pool) => "a pool by its own answer",
        (Origin::Probe, Fact::NotPool) => "no pool by its own answer",
        (Origin::Probe, Fact::StronglySuspected) => {
            "strongly suspected, and it doesn't say what it is when asked"
        }
        (Origin::Probe, _) => "it doesn't say what it is when asked",
    };
    let left = until.saturating_sub(now);
    let (days, hours, minutes) = (left / 86_400, left / 3_600 % 24, left / 60 % 60);
    let left = if days > 0 { format!("{days} d {hours} h") } else { format!("{hours} h {minutes} min") };
    let dialect = dialect.map_or(String::new(), |dialect| format!(", {}", dialect.name()));
    let client = match reach {
        Reach::House => String::new(),
        Reach::Client(addr) => format!(", for {addr} only"),
    };
    let evidence = if evidence.is_empty() { String::new() } else { format!(" ({evidence})") };
    let policy = fact.policy().map_or(fact.name(), Policy::name);
    format!(
        "{subject}: {policy}, {what}{dialect}{client}{evidence}, since {}, for {left} more",
        rfc3339(*since)
    )
}

/// Patterns by which lists and exemptions know `subject`.
pub(super) fn patterns_of(subject: &Subject) -> Vec<Pattern> {
    match subject {
        Subject::Pattern(pattern) => vec![pattern.clone()],
        Subject::NameAt { name, at } => {
            vec![Pattern { what: What::Name(name.clone()), ports: Ports::One(at.port()) }, Pattern::of(at)]
        }
    }
}
