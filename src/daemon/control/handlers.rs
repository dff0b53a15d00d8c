//! Handlers of the requests on the control socket.

use super::knowledge::{Knowledge, patterns_of};
use super::{ControlAnswer, Reply, Request, Stream};
use crate::config::Mode;
use crate::daemon::Daemon;
use crate::daemon::EngineTraffic;
use crate::daemon::hosts::Host;
use crate::daemon::queue::QueueState;
use crate::daemon::status::{Learned, ListsUse, QueueUse, Status, hosts_to_json};
use crate::daemon::usage::LoopUsage;
use crate::daemon::{leases, metrics};
use crate::dpi::signatures::Dialect;
use crate::intel::entry::Policy;
use crate::intel::reputation::{Entry, Fact, Origin, Subject};
use crate::limits::{CLOCK_SET_FROM, HOSTS_IN_STATUS};
use crate::util::text::printable;
use crate::util::wall_clock::unix_seconds;

impl Daemon {
    /// The reply to a request.
    pub(in crate::daemon) fn reply(&mut self, request: Request) -> Reply {
        let now = self.clock.now();
        Reply::Once(match request {
            Request::Follow => return Reply::Stream(Stream::Events, String::new()),
            Request::FollowShared => return Reply::Stream(Stream::Shared, self.reputation.shared()),
            Request::Status => ControlAnswer::done(self.with_status(|status| status.to_text())),
            Request::StatusJson => ControlAnswer::done(self.with_status(|status| status.to_json()) + "\n"),
            Request::StatusPrometheus => {
                ControlAnswer::done(self.with_status(|status| metrics::to_prometheus(&status)))
            }
            Request::HostsJson => ControlAnswer::done(hosts_to_json(&self.hosts()) + "\n"),
            Request::List | Request::ListJson | Request::Check(_) | Request::CheckJson(_) => {
                self.knowledge(|known| known.answer(&request))
            }
            Request::Add(offer) => {
                let Daemon { reputation, packets, others, .. } = self;
                let traffic = EngineTraffic { engine: &packets.engine, others, now };
                let answer = reputation.offer(&offer, &traffic, now);
                if offer.origin == Origin::Operator {
                    self.tick_reputation();
                } else if let Some(router) = &offer.router {
                    self.fleet.heard(router, Some(answer.outcome));
                }
                answer
            }
            Request::Heard(router) => {
                self.fleet.heard(&router, None);
                ControlAnswer::done("")
            }
            Request::Remove(subject) => {
                let removed = self.reputation.remove(&subject, now);
                self.tick_reputation();
                let text: String =
                    removed.iter().map(|entry| format!("{}: removed\n", entry.subject)).collect();
                if text.is_empty() {
                    ControlAnswer::nothing(format!("{subject}: nothing is known of it\n"))
                } else {
                    ControlAnswer::done(text)
                }
            }
            Request::Unblock(subject) => self.unblock(&subject),
            Request::SelfTest => ControlAnswer::done(self.self_test()),
            Request::Elements => ControlAnswer::done(self.reputation.elements(&self.traffic())),
        })
    }

    /// Entries that say what to do with sessions; the rest is only a reason not to ask again.
    fn listed(&self) -> impl Iterator<Item = &Entry> {
        self.reputation.entries().filter(|entry| entry.fact.policy().is_some())
    }

    fn traffic(&self) -> EngineTraffic<'_> {
        EngineTraffic { engine: &self.packets.engine, others: &self.others, now: self.clock.now() }
    }

    /// Forgets all that is known of `subject`.
    fn unblock(&mut self, subject: &Subject) -> ControlAnswer {
        let now = self.clock.now();
        let was_known = !self.reputation.remove(subject, now).is_empty();
        self.tick_reputation();
        let listed =
            patterns_of(subject).into_iter().flat_map(|pattern| self.packets.engine.explain(&pattern, now));
        let blocking = listed.into_iter().find(|found| found.decides && found.entry.policy == Policy::Block);
        let exempt = format!("'minewall intel add --policy allow {subject}' exempts it");
        match blocking {
            Some(found) => {
                let source = printable(&found.source);
                ControlAnswer::refused(format_args!(
                    "{subject}: list '{source}' blocks it by {}; {exempt}",
                    found.entry.pattern
                ))
            }
            None if was_known => {
                log::info!("unblocked by hand: {subject}");
                ControlAnswer::done(format!("{subject}: unblocked\n"))
            }
            None => ControlAnswer::nothing(format!("{subject}: nothing is known of it\n")),
        }
    }

    /// Has `then` look at what is known of servers.
    fn knowledge<T>(&self, then: impl FnOnce(Knowledge<'_>) -> T) -> T {
        let traffic = self.traffic();
        then(Knowledge {
            config: &self.config,
            entries: self.reputation.entries().collect(),
            wall_clock: self.reputation.wall_clock(),
            worth: &|entry| self.reputation.worth(entry, &traffic),
            explain: &|pattern| self.packets.engine.explain(pattern, traffic.now),
        })
    }

    /// Lines of a word and its value; `openwrt/minewall/files/selftest` reads them.
    fn self_test(&mut self) -> String {
        let dialect = self.packets.engine.recognise_login().map_or("none", Dialect::name);
        let clock = u8::from(unix_seconds() >= CLOCK_SET_FROM);
        let leases = leases::read(&self.config.leases_files);
        let names = leases.iter().filter(|lease| lease.name.is_some()).count();
        let sets = u8::from(self.config.kernel_block && self.config.mode == Mode::Block);
        let queues: Vec<String> = self.config.queue_numbers().map(|number| number.to_string()).collect();
        let queues = queues.join(" ");
        format!(
            "queues {queues}\nconversation {dialect}\nsets {sets}\nclock {clock}\nleases {}\nnames {names}\n",
            leases.len()
        )
    }

    fn hosts(&self) -> Vec<&Host> {
        self.reporter.hosts().latest()
    }

    fn with_status<T>(&mut self, then: impl FnOnce(Status<'_>) -> T) -> T {
        let now = self.clock.now();
        let refused_by_kernel = self.reputation.refused_by_kernel(now);
        let usage = self.usage();
        let lists = self.lists.current();
        let problems = self.problems.all();
        let watched: Vec<String> = self.config.watched().map(ToString::to_string).collect();
        let mut hosts = self.hosts();
        hosts.truncate(HOSTS_IN_STATUS);
        then(Status {
            version: env!("CARGO_PKG_VERSION"),
            mode: self.config.mode.name(),
            uptime: now.micros() / 1_000_000,
            packets_minute: self.minute.count(usage.counters.packets),
            usage,
            queue: self.queue_use(&usage),
            probes: self.reputation.probes(),
            learned: self.learned(refused_by_kernel),
            lists: ListsUse {
                files: lists.as_ref().map_or(0, |lists| lists.sources().count()),
                entries: lists.as_ref().map_or(0, |lists| lists.len()),
                bytes: lists.as_ref().map_or(0, |lists| lists.bytes()),
                dns_answers: usage.counters.dns_answers,
            },
            unreported: self.reporter.unreported().saturating_add(usage.findings_lost),
            collector: self.reporter.collector(),
            fleet: self.fleet.routers(),
            watched: &watched,
            problems: &problems,
            hosts: &hosts,
        })
    }

    fn queue_use(&self, usage: &LoopUsage) -> QueueUse {
        let states: Vec<_> = self.packets.queue.state().into_iter().chain(self.others.states()).collect();
        let sum = |count: fn(&QueueState) -> u32| states.iter().map(count).fold(0, u32::saturating_add);
        QueueUse {
            number: self.config.queue,
            queues: self.config.queue_numbers().count(),
            waiting: sum(|queue| queue.waiting),
            dropped: sum(|queue| queue.dropped),
            user_dropped: sum(|queue| queue.user_dropped),
            facts_lost: usage.facts_lost,
            has_rules: self.alive.is_heard(),
        }
    }

    fn learned(&self, refused_by_kernel: u32) -> Learned {
        let count = |origin| self.listed().filter(|entry| entry.origin == origin).count();
        Learned {
            probe: count(Origin::Probe),
            operator: count(Origin::Operator),
            fleet: count(Origin::Fleet),
            blocking: self.listed().filter(|entry| entry.fact == Fact::Pool).count(),
            refused_by_kernel,
        }
    }
}
