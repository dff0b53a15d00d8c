//! A detection becomes a line in the log and a line of JSON.

use std::io;
use std::path::PathBuf;

use super::collector::EventCollector;
use super::event_log::{EventLine, EventLog};
use super::history_file::HistoryFile;
use super::hosts::{Hosts, SUSPECTED, Sighting};
use super::identity::{self, Accused, Identity};
use super::news::News;
use super::problems::Problems;
use super::status::CollectorUse;
use crate::config::Config;
use crate::engine::event::{Detection, Source};
use crate::limits::{EVENT_LINE_MAX_BYTES, FOREIGN_REPORTS_PER_HOUR, LINES_PENDING, REPORT_CLIENTS};
use crate::net::client_id::ClientId;
use crate::util::calendar::rfc3339;
use crate::util::fair_budget::FairBudget;
use crate::util::text::printable;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};
use crate::util::wall_clock::unix_seconds;

/// Tells people.
pub(super) struct Reporter {
    hosts: Hosts,
    new_proofs: News,
    new_suspicions: News,
    /// Reports of addresses that are not of this side, all together: the log is the house's.
    foreign: TokenBucket,
    /// Reports of hosts whose identity is in doubt.
    doubtful: FairBudget<ClientId>,
    history: HistoryFile,
    log: EventLog,
    collector: EventCollector,
    problems: Problems,
    leases_files: Vec<PathBuf>,
    events_per_hour: u32,
    unreported: u32,
    lines: heapless::Deque<String, LINES_PENDING>,
}

impl Reporter {
    /// A reporter as `config` wishes.
    pub(super) fn new(config: &Config, problems: &Problems) -> Self {
        Reporter {
            hosts: load_history(config),
            new_proofs: News::default(),
            new_suspicions: News::default(),
            foreign: TokenBucket::default(),
            doubtful: FairBudget::new(REPORT_CLIENTS),
            history: HistoryFile::new(&config.hosts_file, problems),
            log: event_log(config, problems),
            collector: EventCollector::new(config, problems),
            problems: problems.clone(),
            leases_files: config.leases_files.clone(),
            events_per_hour: config.host_events_per_hour,
            unreported: 0,
            lines: heapless::Deque::new(),
        }
    }

    /// Takes over another configuration; what is known of hosts stays.
    pub(super) fn configure(&mut self, config: &Config) {
        self.log = event_log(config, &self.problems);
        self.collector.configure(config);
        self.leases_files.clone_from(&config.leases_files);
        self.events_per_hour = config.host_events_per_hour;
        self.history.path.clone_from(&config.hosts_file);
        let hosts = std::mem::replace(&mut self.hosts, Hosts::new(0));
        self.hosts = hosts.with_capacity(config.hosts_remembered);
    }

    /// Writes the history when it is time to. To be called once in a while.
    pub(super) fn tick(&mut self, now: Instant) {
        self.history.tick(&self.hosts, now);
    }

    /// Writes the history if it has changed, and waits for it and, for a moment, for the collector.
    pub(super) fn stop(&mut self) {
        self.collector.stop();
        self.history.stop(&self.hosts);
    }

    /// Reports `detection`, unless its host has had its share of reports. Only a host of this side (`is_local`) whose
    /// identity is in no doubt gets a place in the list of hosts.
    pub(super) fn report(&mut self, detection: &Detection, is_local: bool) {
        let now = unix_seconds();
        let addr = detection.client.addr();
        let sighting = Sighting {
            addr,
            mac: detection.hw_addr.map(mac_text),
            id: ClientId::of(addr, detection.hw_addr),
            time: rfc3339(now),
            server: detection.server.to_string(),
            dialect: detection.finding.dialect.map_or("unknown", |dialect| dialect.name()).into(),
            verdict: match detection.source {
                Source::Hmm | Source::Hint => SUSPECTED,
                _ if detection.blocked => "blocked",
                _ => "monitored",
            },
        };
        let Some(Accused { identity, name: host }) = self.admit(detection, &sighting, is_local) else {
            self.unreported = self.unreported.saturating_add(1);
            return;
        };
        log::warn!("{}", human_line(&sighting, host.as_deref(), detection));
        let finding = &detection.finding;
        let some = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (coin, agent, wallet) = (some(&finding.coin), some(&finding.agent), some(&finding.wallet));
        let server_name = some(&detection.server_name);
        let target = detection.target.as_ref().map(ToString::to_string);
        let client = addr.to_string();
        let line = EventLine {
            event: if detection.source.is_proof() { "detection" } else { "suspicion" },
            time: &sighting.time,
            client: &client,
            mac: sighting.mac.as_deref(),
            host: host.as_deref(),
            identity: Some(identity.name()),
            server: &sighting.server,
            server_is_pool: detection.server_is_pool,
            server_name: server_name.as_deref(),
            target: target.as_deref(),
            dialect: &sighting.dialect,
            coin: coin.as_deref(),
            agent: agent.as_deref(),
            wallet: wallet.as_deref(),
            source: detection.source.name(),
            evidence: &finding.evidence,
            probability: detection.suspicion.map(|suspicion| suspicion.probability),
            verdict: sighting.verdict,
            payload_packets: detection.payload_packets,
        };
        let line = line.to_json();
        if line.len() > EVENT_LINE_MAX_BYTES {
            log::error!("an event line of {} bytes is too long to be written", line.len());
            return;
        }
        self.log.write(&line);
        self.collector.send(&line, detection.source.is_proof(), sighting.id);
        // Those who follow are told of what there is room for; the file has it all.
        let _ = self.lines.push_back(line);
    }

    /// The host of `detection`, if it is to be reported.
    fn admit(&mut self, detection: &Detection, sighting: &Sighting, is_local: bool) -> Option<Accused> {
        if !is_local {
            let is_told = self.foreign.take(&Rate::per_hour(FOREIGN_REPORTS_PER_HOUR), detection.at);
            return is_told.then_some(Accused { identity: Identity::Unconfirmed, name: None });
        }
        let news = if detection.source.is_proof() { &mut self.new_proofs } else { &mut self.new_suspicions };
        let is_news = news.take(sighting.addr, sighting.id, detection.server, detection.at);
        let rate = Rate::per_hour(self.events_per_hour);
        let accused = |reporter: &Reporter| {
            let Accused { identity, name } =
                identity::accused(&reporter.leases_files, sighting.addr, detection.hw_addr);
            Accused { identity, name: name.map(|name| label(&name)) }
        };
        // Another hardware address than before, or none before: the lease decides whether it is this host.
        let is_known = self.hosts.is_known(sighting.addr, sighting.mac.as_deref());
        if is_known {
            self.history.changed(false, detection.at);
            let is_told = self.hosts.note(sighting.clone(), self.events_per_hour, detection.at) || is_news;
            let accused = is_told.then(|| accused(self))?;
            self.hosts.name(sighting.addr, accused.name.clone());
            return Some(accused);
        }
        let accused = accused(self);
        if accused.identity == Identity::Conflict {
            return (self.doubtful.take(sighting.id, &rate, detection.at) || is_news).then_some(accused);
        }
        self.history.changed(self.hosts.is_new(sighting.addr), detection.at);
        let is_told = self.hosts.note(sighting.clone(), self.events_per_hour, detection.at) || is_news;
        self.hosts.name(sighting.addr, accused.name.clone());
        is_told.then_some(accused)
    }

    /// The next event, as it was logged, for those who follow.
    pub(super) fn poll_line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    /// Use of the collector, if there is one.
    pub(super) fn collector(&self) -> Option<CollectorUse> {
        self.collector.counters()
    }

    /// Hosts with detections.
    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Detections that were counted but not reported.
    pub(super) fn unreported(&self) -> u32 {
        self.unreported
    }
}

/// The history on disk; none without a file, or with one that can't be read.
fn load_history(config: &Config) -> Hosts {
    let capacity = config.hosts_remembered;
    Hosts::load(&config.hosts_file, capacity).unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            log::warn!("{}: {error}; earlier detections are forgotten", config.hosts_file.display());
        }
        Hosts::new(capacity)
    })
}

fn event_log(config: &Config, problems: &Problems) -> EventLog {
    EventLog::new(&config.event_log, config.event_log_bytes, config.event_log_rotations, problems)
}

/// `blocked: laptop (192.168.1.50, 02:...) mines cryptonote at 192.0.2.1:3333: login ...`
fn human_line(sighting: &Sighting, host: Option<&str>, detection: &Detection) -> String {
    let name = host.unwrap_or("host");
    let mac = sighting.mac.as_deref().unwrap_or("no MAC");
    let Detection { finding, .. } = detection;
    let what = match detection.source {
        Source::Hmm | Source::Hint => "may be mining".into(),
        Source::Intel => "is kept from mining".into(),
        Source::Dpi | Source::Probe => format!("mines {}", sighting.dialect),
    };
    let server_name = match &detection.server_name[..] {
        "" => String::new(),
        server_name => format!(" ({server_name})"),
    };
    let target = detection.target.as_ref().map_or(String::new(), |target| format!(", a proxy to {target}"));
    let mut line = format!(
        "{}: {name} ({}, {mac}) {what} at {}{server_name}{target}: {}",
        sighting.verdict, sighting.addr, sighting.server, finding.evidence
    );
    for (what, text) in [("coin", &finding.coin[..]), ("agent", &finding.agent), ("wallet", &finding.wallet)]
    {
        if !text.is_empty() {
            line += &format!(", {what} {text}");
        }
    }
    line
}

fn mac_text([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// Host names come from the hosts themselves: as long as a label may be (RFC 1035 section 2.3.4).
fn label(name: &str) -> String {
    printable(&name.chars().take(63).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection() -> Detection {
        Detection {
            at: crate::util::time::Instant::from_micros(0),
            client: (std::net::Ipv4Addr::new(192, 168, 1, 50), 40_000).into(),
            hw_addr: None,
            server: (std::net::Ipv4Addr::new(203, 0, 113, 9), 3_333).into(),
            server_name: Default::default(),
            target: None,
            tls: None,
            finding: Default::default(),
            points_to: None,
            wire: Default::default(),
            source: Source::Dpi,
            suspicion: None,
            server_is_pool: true,
            payload_packets: 1,
            blocked: true,
        }
    }

    /// A host may be suspected of many servers, of this one, too, before it proves to mine there.
    #[test]
    fn suspicions_do_not_silence_a_proof() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let text = format!(
            "config minewall\noption host_events 1\noption event_log {}\noption hosts_file {}\n",
            directory.join("events").display(),
            directory.join("hosts").display()
        );
        let config = crate::config::parse(std::path::Path::new("test"), text.as_bytes()).unwrap().config;
        let mut reporter = Reporter::new(&config, &Problems::default());
        for port in 1..1_000 {
            let server = (std::net::Ipv4Addr::new(203, 0, 113, 9), port).into();
            reporter.report(&Detection { server, source: Source::Hmm, ..detection() }, true);
        }
        while reporter.poll_line().is_some() {}
        let proof = Detection { server: (std::net::Ipv4Addr::new(203, 0, 113, 9), 1).into(), ..detection() };
        reporter.report(&proof, true);
        assert!(reporter.poll_line().is_some_and(|line| line.contains("\"event\":\"detection\"")));
        assert_eq!(reporter.poll_line(), None);
    }

    /// A host can cause thousands of detections a second; what it costs to find its name is for those
    /// that are told.
    #[test]
    fn only_what_is_told_costs_a_look_into_the_leases() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let leases = directory.join("leases");
        let text = format!(
            "config minewall\noption host_events 1\nlist leases_file {}\noption event_log {}\noption hosts_file {}\n",
            leases.display(),
            directory.join("events").display(),
            directory.join("hosts").display()
        );
        let config = crate::config::parse(std::path::Path::new("test"), text.as_bytes()).unwrap().config;
        let mut reporter = Reporter::new(&config, &Problems::default());
        let detection = detection();
        std::fs::write(&leases, "1 02:00:5e:10:00:01 192.168.1.50 laptop *\n").unwrap();
        reporter.report(&detection, true);
        std::fs::write(&leases, "1 02:00:5e:10:00:01 192.168.1.50 desktop *\n").unwrap();
        reporter.report(&detection, true);
        let host = reporter.hosts().latest()[0];
        assert_eq!((host.host.as_deref(), host.detections), (Some("laptop"), 2));
        assert_eq!(reporter.unreported(), 1);
    }

    /// A host that uses another one's address is not taken for it, and an address of the internet is no host of the
    /// house; both are told.
    #[test]
    fn neither_a_victim_nor_a_stranger_enters_the_list_of_hosts() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let leases = directory.join("leases");
        std::fs::write(&leases, "1 02:00:5e:10:00:01 192.168.1.50 laptop *\n").unwrap();
        let text = format!(
            "config minewall\nlist leases_file {}\noption event_log {}\noption hosts_file {}\n",
            leases.display(),
            directory.join("events").display(),
            directory.join("hosts").display()
        );
        let config = crate::config::parse(std::path::Path::new("test"), text.as_bytes()).unwrap().config;
        let mut reporter = Reporter::new(&config, &Problems::default());
        let mut told = |client: [u8; 4], mac: u8, is_local: bool| {
            let detection = Detection {
                client: (std::net::Ipv4Addr::from(client), 40_000).into(),
                hw_addr: Some([2, 0, 0x5e, 0x10, 0, mac]),
                ..detection()
            };
            reporter.report(&detection, is_local);
            let hosts = reporter.hosts().latest().len();
            (reporter.poll_line().unwrap_or_default(), hosts)
        };
        let (line, hosts) = told([192, 168, 1, 50], 2, true);
        assert!(line.contains("\"identity\":\"conflict\"") && !line.contains("laptop"), "{line}");
        assert!(line.contains("02:00:5e:10:00:02"), "{line}");
        assert_eq!(hosts, 0);
        let (line, hosts) = told([198, 51, 100, 7], 3, false);
        assert!(line.contains("198.51.100.7") && hosts == 0, "{line}");
        let (line, hosts) = told([192, 168, 1, 50], 1, true);
        assert!(line.contains("\"identity\":\"confirmed\"") && line.contains("laptop"), "{line}");
        assert_eq!(hosts, 1);
        let (line, hosts) = told([192, 168, 1, 50], 2, true);
        assert!(!line.contains("laptop") && hosts == 1, "{line}");
    }

    /// A host that uses ever other addresses silences no other host that does.
    #[test]
    fn one_host_in_doubt_silences_no_other() {
        let scratch = tempfile::tempdir().unwrap();
        let leases = scratch.path().join("leases");
        let text: String = (1..255).map(|n| format!("1 02:00:5e:10:01:00 192.168.1.{n} h{n} *\n")).collect();
        std::fs::write(&leases, text).unwrap();
        let text = format!(
            "config minewall\noption host_events 8\nlist leases_file {0}\noption event_log {0}1\noption hosts_file {0}2\n",
            leases.display()
        );
        let config = crate::config::parse(std::path::Path::new("test"), text.as_bytes()).unwrap().config;
        let mut reporter = Reporter::new(&config, &Problems::default());
        let mut told = |client: u8, mac: u8| {
            let client = (std::net::Ipv4Addr::new(192, 168, 1, client), 40_000).into();
            let hw_addr = Some([2, 0, 0x5e, 0x10, 0, mac]);
            reporter.report(&Detection { client, hw_addr, ..detection() }, true);
            std::iter::from_fn(|| reporter.poll_line()).count()
        };
        let loud: usize = (1..200).map(|client| told(client, 1)).sum();
        assert!(loud < 40, "{loud}");
        // New findings have a budget of their own: the same one a second time is none.
        assert_eq!([told(200, 2), told(200, 2)], [1, 1]);
    }

    #[test]
    fn names_from_the_network_are_harmless() {
        assert_eq!(label("laptop-\u{1b}[31m\"\\\n"), "laptop-?[31m???");
        assert_eq!(label(&"x".repeat(100)).len(), 63);
    }
}
