//! Handlers of the requests on the control socket.

use core::fmt::Write;

use super::{Answer, Outcome, Reply, Request, Stream};
use crate::daemon::Daemon;
use crate::daemon::EngineTraffic;
use crate::daemon::hosts::Host;
use crate::daemon::metrics;
use crate::daemon::status::{
    Flows, Learned, ListsUse, QueueUse, Slots, Status, hosts_to_json, hosts_to_text,
};
use crate::intel::entry::{Pattern, Policy, Ports, What};
use crate::intel::reputation::{Entry, Fact, Origin, Reach, Subject};
use crate::limits::{ASSEMBLY_SLOTS, HOSTS_IN_STATUS};
use crate::util::calendar::rfc3339;
use crate::util::text::printable;

impl Daemon {
    /// The reply to a request.
    pub(in crate::daemon) fn reply(&mut self, request: Request) -> Reply {
        let now = self.clock.now();
        Reply::Once(match request {
            Request::Follow => return Reply::Stream(Stream::Events, String::new()),
            Request::FollowShared => return Reply::Stream(Stream::Shared, self.reputation.shared()),
            Request::Status => Answer::done(self.with_status(|status| status.to_text())),
            Request::StatusJson => Answer::done(self.with_status(|status| status.into_json()) + "\n"),
            Request::StatusPrometheus => {
                Answer::done(self.with_status(|status| metrics::to_prometheus(&status)))
            }
            Request::Hosts => Answer::done(hosts_to_text(&self.hosts())),
            Request::HostsJson => Answer::done(hosts_to_json(&self.hosts()) + "\n"),
            Request::List => {
                let now = self.reputation.wall_clock();
                Answer::done(self.listed().map(|entry| shown(entry, now) + "\n").collect::<String>())
            }
            Request::ListJson => Answer::done(
                self.listed().map(|entry| self.reputation.line(entry) + "\n").collect::<String>(),
            ),
            Request::Add(offer) => {
                let Daemon { reputation, engine, .. } = self;
                let answer = reputation.offer(&offer, &EngineTraffic { engine, now }, now);
                if offer.origin == Origin::Operator {
                    self.tick_reputation();
                }
                answer
            }
            Request::Remove(subject) => {
                let removed = self.reputation.remove(&subject, now);
                self.tick_reputation();
                let text: String =
                    removed.iter().map(|entry| format!("{}: removed\n", entry.subject)).collect();
                if text.is_empty() {
                    Answer::nothing(format!("{subject}: nothing is known of it\n"))
                } else {
                    Answer::done(text)
                }
            }
            Request::Unblock(subject) => self.unblock(&subject),
            Request::Check(subject) => {
                let (outcome, policy, reasons) = self.check(&subject);
                let text = reasons
                    .iter()
                    .fold(format!("{subject}: {policy}\n"), |text, (_, reason)| text + "  " + reason + "\n");
                Answer { outcome, text }
            }
            Request::CheckJson(subject) => {
                let (outcome, policy, reasons) = self.check(&subject);
                let mut text = format!("{{\"subject\":\"{subject}\",\"policy\":\"{policy}\",\"reasons\":[");
                for (number, (source, reason)) in reasons.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "," };
                    // Neither has a character that JSON would escape: names and addresses are parsed, the rest is ours.
                    let _ = write!(text, "{separator}{{\"source\":\"{source}\",\"reason\":\"{reason}\"}}");
                }
                Answer { outcome, text: text + "]}\n" }
            }
            Request::Elements => Answer::done(self.reputation.elements(&self.traffic())),
        })
    }

    /// Entries that say what to do with sessions; the rest is only a reason not to ask again.
    fn listed(&self) -> impl Iterator<Item = &Entry> {
        self.reputation.entries().filter(|entry| entry.fact.policy().is_some())
    }

    fn traffic(&self) -> EngineTraffic<'_> {
        EngineTraffic { engine: &self.engine, now: self.clock.now() }
    }

    /// Forgets all that is known of `subject`.
    fn unblock(&mut self, subject: &Subject) -> Answer {
        let now = self.clock.now();
        let was_known = !self.reputation.remove(subject, now).is_empty();
        self.tick_reputation();
        let listed = patterns_of(subject).into_iter().flat_map(|pattern| self.engine.explain(&pattern, now));
        let blocking = listed.into_iter().find(|found| found.decides && found.entry.policy == Policy::Block);
        let exempt = format!("'minewall intel add --policy allow {subject}' exempts it");
        match blocking {
            Some(found) => {
                let source = printable(&found.source);
                Answer::refused(format_args!(
                    "{subject}: list '{source}' blocks it by {}; {exempt}",
                    found.entry.pattern
                ))
            }
            None if was_known => {
                log::info!("unblocked by hand: {subject}");
                Answer::done(format!("{subject}: unblocked\n"))
            }
            None => Answer::nothing(format!("{subject}: nothing is known of it\n")),
        }
    }

    /// Outcome of connections to `subject`, with source and sentence.
    fn check(&self, subject: &Subject) -> (Outcome, &'static str, Vec<(&'static str, String)>) {
        let (now, wall_clock) = (self.clock.now(), self.reputation.wall_clock());
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
            self.reputation.entries().filter(|entry| entry.subject.concerns(subject)).collect();
        entries.sort_by_key(|entry| core::cmp::Reverse((entry.origin, entry.fact)));
        for entry in entries {
            let worth = self.reputation.worth(entry, &self.traffic());
            policy = policy.max(worth);
            let narrow =
                if worth == entry.fact.policy() { "" } else { "; sessions that name it, or nothing, only" };
            reasons.push((entry.origin.name(), shown(entry, wall_clock) + narrow));
        }
        for found in patterns.iter().flat_map(|pattern| self.engine.explain(pattern, now)) {
            let ended = if found.holds { "" } else { ", which has ended" };
            if found.holds {
                policy = policy.max(Some(found.entry.policy));
            }
            reasons.push(("list", format!("list '{}' has {}{ended}", printable(&found.source), found.entry)));
        }
        let outcome = if reasons.is_empty() { Outcome::Nothing } else { Outcome::Done };
        (outcome, policy.map_or("none", Policy::name), reasons)
    }

    fn hosts(&self) -> Vec<&Host> {
        self.reporter.hosts().latest()
    }

    fn with_status<T>(&mut self, then: impl FnOnce(Status<'_>) -> T) -> T {
        let now = self.clock.now();
        let refused_by_kernel = self.reputation.refused_by_kernel(now);
        let count = |origin| self.listed().filter(|entry| entry.origin == origin).count();
        let counters = self.engine.counters();
        let table = self.engine.table_counters();
        let kernel = self.queue.state();
        let lists = self.lists.current();
        let problems = self.problems.all();
        let mut hosts = self.hosts();
        hosts.truncate(HOSTS_IN_STATUS);
        then(Status {
            version: env!("CARGO_PKG_VERSION"),
            mode: self.config.mode.name(),
            uptime: now.micros() / 1_000_000,
            packets: counters.packets,
            payload_packets: counters.payload_packets,
            not_tcp: counters.not_tcp,
            malformed: counters.malformed,
            detections: counters.detections,
            suspects: counters.suspects,
            resets: counters.resets,
            let_go: counters.bypassed,
            flows: Flows {
                used: self.engine.flows().len(),
                capacity: self.engine.flows().capacity(),
                opened: table.opened,
                expired: table.expired,
                evicted_settled: table.evicted_settled,
                evicted_undecided: table.evicted_undecided,
                refused: table.refused,
            },
            assembly: Slots {
                used: self.engine.reassembly().in_use(),
                capacity: ASSEMBLY_SLOTS,
                taken_away: self.engine.reassembly().taken_away,
            },
            queue: QueueUse {
                number: self.config.queue,
                waiting: kernel.map_or(0, |queue| queue.waiting),
                dropped: kernel.map_or(0, |queue| queue.dropped),
                user_dropped: kernel.map_or(0, |queue| queue.user_dropped),
                has_rules: self.alive.is_heard(),
            },
            probes: self.reputation.probes().into(),
            learned: Learned {
                probe: count(Origin::Probe),
                operator: count(Origin::Operator),
                fleet: count(Origin::Fleet),
                blocking: self.listed().filter(|entry| entry.fact == Fact::Pool).count(),
                refused_by_kernel,
            },
            lists: ListsUse {
                files: lists.as_ref().map_or(0, |lists| lists.sources().count()),
                entries: lists.as_ref().map_or(0, |lists| lists.len()),
                bytes: lists.as_ref().map_or(0, |lists| lists.bytes()),
                dns_answers: counters.dns_answers,
            },
            verdicts_failed: self.verdicts_failed,
            unreported: self.reporter.unreported(),
            problems: &problems,
            hosts: &hosts,
        })
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
fn patterns_of(subject: &Subject) -> Vec<Pattern> {
    match subject {
        Subject::Pattern(pattern) => vec![pattern.clone()],
        Subject::NameAt { name, at } => {
            vec![Pattern { what: What::Name(name.clone()), ports: Ports::One(at.port()) }, Pattern::of(at)]
        }
    }
}
