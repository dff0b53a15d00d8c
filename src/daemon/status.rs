//! The status, as `minewall status` shows it.

mod json;

use super::fleet::Router;
use super::hosts::Host;
use super::prober::ProbeCounters;
use super::problems::Problem;
use super::usage::LoopUsage;
use crate::util::counters::named_counters;
use crate::util::json_object::array;
use crate::util::text::one_or_many;

/// The daemon at a glance.
#[derive(Debug)]
pub(super) struct Status<'a> {
    /// The version that runs.
    pub version: &'a str,
    /// `block` or `monitor`.
    pub mode: &'a str,
    /// Seconds since start.
    pub uptime: u64,
    /// Packets of the last minute.
    pub packets_minute: u64,
    /// Use of all packet loops together.
    pub usage: LoopUsage,
    /// The kernel's queue.
    pub queue: QueueUse,
    /// The probe.
    pub probes: ProbeCounters,
    /// The reputation store.
    pub learned: Learned,
    /// Lists in force.
    pub lists: ListsUse,
    /// Detections that were counted but not reported, since there were too many.
    pub unreported: u32,
    /// The collector of events, if there is one.
    pub collector: Option<CollectorUse>,
    /// Other routers that were heard, the latest last.
    pub fleet: &'a [Router],
    /// Zones and devices that are watched; empty where all networks are.
    pub watched: &'a [String],
    /// Problems that last.
    pub problems: &'a [Problem],
    /// Hosts with detections, the latest first.
    pub hosts: &'a [&'a Host],
}

/// Use of the netfilter queues.
#[derive(Debug, Default)]
pub(super) struct QueueUse {
    /// Number of the first queue.
    pub number: u16,
    /// How many there are, each with a packet loop.
    pub queues: usize,
    /// Packets that wait in them.
    pub waiting: u32,
    /// Packets that found one full and were let pass.
    pub dropped: u32,
    /// Packets that found the socket's buffer full and were let pass.
    pub user_dropped: u32,
    /// Facts, such as name servers' answers, that one packet loop could not tell another: too many at once.
    pub facts_lost: u32,
    /// The rules that feed it are loaded, and take the daemon's signs of life.
    pub has_rules: bool,
}

named_counters! {
    /// Entries of the reputation store that say what to do.
    pub(super) struct Learned {
        /// Entries of probes.
        pub probe: usize,
        /// Entries of people.
        pub operator: usize,
        /// Entries of other routers.
        pub fleet: usize,
        /// Entries of all of them that block.
        pub blocking: usize,
        /// Connection attempts that the kernel has refused without us.
        pub refused_by_kernel: u32,
    }
}

named_counters! {
    /// Size of the lists, and of the DNS cache.
    pub(super) struct ListsUse {
        /// Lists, the built-in one included.
        pub files: usize,
        /// Their entries.
        pub entries: usize,
        /// Bytes of memory that they take.
        pub bytes: usize,
        /// Answers of name servers that were read.
        pub dns_answers: u32,
    }
}

/// Events for the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CollectorUse {
    /// Address of the collector.
    pub address: String,
    /// Events sent.
    pub sent: u32,
    /// Events that wait for it.
    pub waiting: u32,
    /// Events that it never got.
    pub lost: u32,
}

impl QueueUse {
    /// `queue 1330`, or `queues 1330-1331`.
    fn name(&self) -> String {
        match self.queues {
            1 => format!("queue {}", self.number),
            queues => format!("queues {}-{}", self.number, usize::from(self.number) + queues - 1),
        }
    }
}

impl Status<'_> {
    /// For a person.
    pub(super) fn to_text(&self) -> String {
        let LoopUsage { counters, flows, .. } = &self.usage;
        let mut text = format!(
            "minewall {} has been running for {} s in {} mode\n\
             packets    {} seen, {} in the last minute, {} with new payload, {} replaced by a reset, {} malformed\n\
             flows      {} of {}; {} bypassed, {} evicted undecided, {} refused\n\
             {:<10} {} waiting, {} passed unseen\n\
             probes     {} {}, {} {}, {} inconclusive; {} known, {} too soon, {} forbidden\n\
             reputation {} by asking, {} by hand, {} from others; {} refused by the kernel\n\
             lists      {} {} of {} {} in {} KiB; {} {} of name servers read\n\
             detections {} proven, {} suspected ({} not reported one by one)\n",
            self.version,
            self.uptime,
            self.mode,
            counters.packets,
            self.packets_minute,
            counters.payload_packets,
            counters.resets,
            counters.malformed,
            flows.used,
            flows.capacity,
            counters.bypassed,
            flows.evicted_undecided,
            flows.refused,
            self.queue.name(),
            self.queue.waiting,
            u64::from(self.queue.dropped) + u64::from(self.queue.user_dropped),
            self.probes.pool,
            one_or_many(self.probes.pool.into(), "pool", "pools"),
            self.probes.not_pool,
            one_or_many(self.probes.not_pool.into(), "other", "others"),
            self.probes.inconclusive,
            self.probes.known,
            self.probes.too_many,
            self.probes.forbidden,
            self.learned.probe,
            self.learned.operator,
            self.learned.fleet,
            self.learned.refused_by_kernel,
            self.lists.entries,
            one_or_many(self.lists.entries as u64, "entry", "entries"),
            self.lists.files,
            one_or_many(self.lists.files as u64, "list", "lists"),
            self.lists.bytes.div_ceil(1_024),
            self.lists.dns_answers,
            one_or_many(self.lists.dns_answers.into(), "answer", "answers"),
            counters.detections,
            counters.suspects,
            self.unreported,
        );
        text += &self.extras_to_text();
        if !self.queue.has_rules {
            text += "rules      not loaded: no packet is seen\n";
        }
        for problem in self.problems {
            text += &format!("problem    {}: {} {}\n", problem.code, problem.text, problem.remedy);
        }
        text += &hosts_to_text(self.hosts);
        text
    }

    /// Lines about what only some routers have, for a person.
    fn extras_to_text(&self) -> String {
        let mut text = String::new();
        if !self.watched.is_empty() {
            text += &format!("watched    only {}\n", self.watched.join(", "));
        }
        if let Some(CollectorUse { address, sent, waiting, lost }) = &self.collector {
            text += &format!("collector  {address}: {sent} sent, {waiting} waiting, {lost} lost\n");
        }
        for Router { router, last_time, messages, taken, refused } in self.fleet {
            text += &format!(
                "router     {router}: last heard {last_time}, messages: {messages}; servers taken: {taken}, refused: {refused}\n"
            );
        }
        text
    }
}

/// Hosts with detections, a line each, for a person.
fn hosts_to_text(hosts: &[&Host]) -> String {
    let line = |host: &&Host| {
        format!(
            "{}  {} ({}, {})  {} to {}, {}, {} {}\n",
            host.last_time,
            host.client,
            host.host.as_deref().unwrap_or("no name"),
            host.mac.as_deref().unwrap_or("no MAC"),
            host.dialect,
            host.server,
            host.verdict,
            host.detections,
            one_or_many(host.detections.into(), "time", "times"),
        )
    };
    hosts.iter().map(line).collect()
}

/// The hosts as an array of JSON.
pub fn hosts_to_json(hosts: &[&Host]) -> String {
    array(&hosts.iter().map(|host| host.to_json()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::hosts::{Hosts, Sighting};
    use crate::engine::Counters;
    use crate::limits::HOSTS_IN_STATUS;
    use std::net::IpAddr;

    #[test]
    fn a_full_house_fits() {
        let mut hosts = Hosts::new(HOSTS_IN_STATUS);
        for octet in 0..HOSTS_IN_STATUS as u8 {
            let sighting = Sighting {
                addr: IpAddr::from([0xfd00, 0, 0, 0, 0x1234, 0x5678, 0x9abc, 0xff00 | u16::from(octet)]),
                mac: Some("02:00:5e:10:00:01".into()),
                id: crate::net::client_id::ClientId::of(std::net::Ipv4Addr::UNSPECIFIED.into(), None),
                time: "2026-01-01T00:00:00Z".into(),
                server: "[2001:db8:1111:2222:3333:4444:5555:6666]:33333".into(),
                dialect: "ethereum-stratum-1".into(),
                verdict: "monitored",
            };
            let addr = sighting.addr;
            hosts.note(sighting, 1, Default::default());
            hosts.name(addr, Some("x".repeat(63)));
        }
        let hosts = hosts.latest();
        let status = Status {
            version: "0",
            mode: "block",
            uptime: u64::MAX,
            packets_minute: 0,
            usage: LoopUsage {
                counters: Counters { packets: u64::MAX, ..Default::default() },
                ..Default::default()
            },
            queue: QueueUse { queues: 1, has_rules: true, ..QueueUse::default() },
            probes: ProbeCounters::default(),
            learned: Learned::default(),
            lists: ListsUse::default(),
            unreported: 0,
            collector: None,
            fleet: &[],
            watched: &[],
            problems: &[],
            hosts: &hosts,
        };
        assert_eq!(status.to_text().lines().count(), 8 + HOSTS_IN_STATUS);
        assert_eq!(hosts_to_json(&hosts).matches("\"last_time\"").count(), HOSTS_IN_STATUS);
        let json = status.to_json();
        assert_eq!(json.matches("\"last_time\"").count(), HOSTS_IN_STATUS);
        assert!(json.starts_with("{\"version\":\"0\",") && json.ends_with("]}"), "{json}");
    }
}
