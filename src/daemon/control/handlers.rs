//! What the daemon answers on its control socket.

use core::fmt::Write;

use super::{Answer, Outcome, Reply, Request, Stream};
use crate::daemon::Daemon;
use crate::daemon::hosts::Host;
use crate::daemon::metrics;
use crate::daemon::reputation_service as keeper;
use crate::daemon::status::{
    Flows, Learned, ListsUse, QueueUse, Slots, Status, hosts_to_json, hosts_to_text,
};
use crate::dpi::dialect::Dialect;
use crate::engine::Lesson;
use crate::intel::entry::{Pattern, Policy, Ports, What};
use crate::intel::reputation::{Entry, Origin};
use crate::limits::ASSEMBLY_SLOTS;
use crate::util::calendar::rfc3339;
use crate::util::text::printable;
use crate::util::wall_clock::unix_seconds;

impl Daemon {
    /// The reply to a request.
    pub(in crate::daemon) fn reply(&mut self, request: Request) -> Reply {
        let now = self.clock.now();
        Reply::Once(match request {
            Request::Follow => return Reply::Stream(Stream::Events, String::new()),
            Request::FollowShared => return Reply::Stream(Stream::Shared, self.keeper.shared()),
            Request::Status => Answer::done(self.with_status(|status| status.to_text())),
            Request::StatusJson => Answer::done(self.with_status(|status| status.into_json()) + "\n"),
            Request::StatusPrometheus => {
                Answer::done(self.with_status(|status| metrics::to_prometheus(&status)))
            }
            Request::Hosts => Answer::done(hosts_to_text(&self.hosts())),
            Request::HostsJson => Answer::done(hosts_to_json(&self.hosts()) + "\n"),
            Request::List => {
                let entries = self.keeper.book().entries();
                Answer::done(entries.iter().map(|entry| shown(entry) + "\n").collect::<String>())
            }
            Request::ListJson => {
                let wall_clock = unix_seconds();
                let entries = self.keeper.book().entries();
                Answer::done(
                    entries.iter().map(|entry| keeper::line(entry, wall_clock) + "\n").collect::<String>(),
                )
            }
            Request::Add(offer) => self.keeper.offer(&offer, &mut self.engine, now),
            Request::Remove(subject) => {
                let removed = self.keeper.remove(&subject, &mut self.engine, now);
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
            Request::Elements => Answer::done(self.keeper.elements(&self.engine, now)),
        })
    }

    /// Forgets whatever was learnt of `subject`: book, kernel, engine, and the outcomes of probes.
    fn unblock(&mut self, subject: &Pattern) -> Answer {
        let now = self.clock.now();
        if !self.prober.forget(subject) {
            return Answer::refused("the probe is busy; try again");
        }
        let struck_out = !self.keeper.remove(subject, &mut self.engine, now).is_empty();
        let forgotten = self.engine.forget(|server| subject.includes(server));
        let listed = self.engine.explain(subject, now);
        let blocking = listed.iter().find(|found| found.decides && found.entry.policy == Policy::Block);
        let exempt = format!("'minewall intel add --policy allow {subject}' exempts it");
        match blocking {
            Some(found) => {
                let source = printable(&found.source);
                Answer::refused(format_args!(
                    "{subject}: list '{source}' blocks it by {}; {exempt}",
                    found.entry.pattern
                ))
            }
            None if struck_out || forgotten => {
                log::info!("unblocked by hand: {subject}");
                Answer::done(format!("{subject}: unblocked\n"))
            }
            None => Answer::nothing(format!("{subject}: nothing was learnt of it\n")),
        }
    }

    /// What becomes of connections to `subject`, and why: source and sentence.
    fn check(&self, subject: &Pattern) -> (Outcome, &'static str, Vec<(&'static str, String)>) {
        let now = self.clock.now();
        let mut reasons = Vec::new();
        let mut policy = None;
        if let What::Net(net) = &subject.what {
            let exempting = self.config.exempt_servers.iter().filter(|allowed| {
                allowed.prefix.contains(net.addr())
                    && allowed.port.is_none_or(|port| subject.ports == Ports::One(port))
            });
            for allowed in exempting {
                policy = Some(Policy::Allow);
                reasons.push(("config", format!("option 'allow_endpoint' has {allowed}: nothing is done")));
            }
        }
        let mut entries: Vec<&Entry> =
            self.keeper.book().entries().iter().filter(|entry| entry.subject.concerns(subject)).collect();
        entries.sort_by_key(|entry| core::cmp::Reverse(entry.origin));
        for entry in entries {
            let worth = self.keeper.worth(entry);
            policy = policy.max(Some(worth));
            let shared = if worth == entry.policy { "" } else { "; others share the address: suspect" };
            reasons.push((entry.origin.name(), shown(entry) + shared));
        }
        for found in self.engine.explain(subject, now) {
            let ended = if found.holds { "" } else { ", which has ended" };
            if found.holds {
                policy = policy.max(Some(found.entry.policy));
            }
            reasons.push(("list", format!("list '{}' has {}{ended}", printable(&found.source), found.entry)));
        }
        let lesson = subject.as_endpoint().and_then(|server| self.engine.lesson(&server));
        if let Some((means, reason)) = lesson.and_then(explained) {
            policy = policy.max(means);
            reasons.push(("probe", reason));
        }
        let outcome = if reasons.is_empty() { Outcome::Nothing } else { Outcome::Done };
        (outcome, policy.map_or("none", Policy::name), reasons)
    }

    fn hosts(&self) -> Vec<&Host> {
        self.reporter.hosts().latest().collect()
    }

    fn with_status<T>(&mut self, then: impl FnOnce(Status<'_>) -> T) -> T {
        let now = self.clock.now();
        let refused_by_kernel = self.keeper.refused_by_kernel(now);
        let entries = self.keeper.book().entries();
        let count = |origin| entries.iter().filter(|entry| entry.origin == origin).count();
        let counters = self.engine.counters();
        let table = self.engine.table_counters();
        let kernel = self.queue.state();
        let lists = self.lists.current();
        let problems = self.problems.all();
        let hosts = self.hosts();
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
            probes: self.prober.counters().into(),
            learned: Learned {
                dpi: count(Origin::Dpi),
                probe: count(Origin::Probe),
                operator: count(Origin::Operator),
                fleet: count(Origin::Fleet),
                blocking: entries.iter().filter(|entry| entry.policy == Policy::Block).count(),
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

/// An entry, for a person.
fn shown(entry: &Entry) -> String {
    let Entry { subject, policy, origin, dialect, since, until } = entry;
    let what = match origin {
        Origin::Operator => "entered by hand",
        Origin::Probe => "a pool by its own answer",
        Origin::Dpi => "mined at from here",
        Origin::Fleet => "told by another router",
    };
    let left = until.saturating_sub(unix_seconds());
    let (days, hours, minutes) = (left / 86_400, left / 3_600 % 24, left / 60 % 60);
    let left = if days > 0 { format!("{days} d {hours} h") } else { format!("{hours} h {minutes} min") };
    let dialect = dialect.map_or(String::new(), |dialect| format!(", {}", dialect.name()));
    format!("{subject}: {}, {what}{dialect}, since {}, for {left} more", policy.name(), rfc3339(*since))
}

/// What a lesson means that the book doesn't explain, and why.
fn explained(lesson: Lesson) -> Option<(Option<Policy>, String)> {
    Some(match lesson {
        Lesson::Pool(dialect) => {
            let dialect = dialect.map_or("mining", Dialect::name);
            (Some(Policy::Block), format!("when asked, it answered as pools do, in {dialect}"))
        }
        Lesson::Doubtful => (Some(Policy::Block), "a suspect that didn't say what it is when asked".into()),
        Lesson::NotPool => (None, "when asked, it was no pool: nobody is suspected for it".into()),
        Lesson::Known(..) => return None,
    })
}
