//! The status, as `minewall status` shows it.

mod json;

use super::fleet::Router;
use super::hosts::Host;
use super::problems::Problem;
use crate::daemon::prober::ProbeCounters;
use crate::util::json_object::array;

/// The daemon at a glance.
#[derive(Debug)]
pub struct Status<'a> {
    /// The version that runs.
    pub version: &'a str,
    /// `block` or `monitor`.
    pub mode: &'a str,
    /// Seconds since start.
    pub uptime: u64,
    /// Packets handled.
    pub packets: u64,
    /// Packets of the last minute.
    pub packets_minute: u64,
    /// Packets with payload not seen before.
    pub payload_packets: u64,
    /// Other transports and fragments, accepted.
    pub not_tcp: u64,
    /// Packets whose headers contradict themselves, accepted.
    pub malformed: u64,
    /// Sessions proven to be mining.
    pub detections: u32,
    /// Sessions that stage one suspects.
    pub suspects: u32,
    /// Packets replaced by a reset.
    pub resets: u64,
    /// Flows bypassed as benign.
    pub let_go: u32,
    /// The flow table.
    pub flows: Flows,
    /// The pool of waiting bytes.
    pub assembly: Slots,
    /// The kernel's queue.
    pub queue: QueueUse,
    /// The probe.
    pub probes: Probes,
    /// The reputation store.
    pub learned: Learned,
    /// Lists in force.
    pub lists: ListsUse,
    /// Verdicts that the kernel didn't take.
    pub verdicts_failed: u32,
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

/// Use of the flow table.
#[derive(Debug)]
pub struct Flows {
    /// Flows in it.
    pub used: usize,
    /// Flows it can hold.
    pub capacity: usize,
    /// Entered so far.
    pub opened: u32,
    /// Idle for too long.
    pub expired: u32,
    /// Decided flows evicted for newcomers.
    pub evicted_settled: u32,
    /// Undecided flows evicted for newcomers.
    pub evicted_undecided: u32,
    /// Newcomers refused since a whole set was suspect.
    pub refused: u32,
}

/// Use of the assembly slots.
#[derive(Debug)]
pub struct Slots {
    /// Slots that hold bytes.
    pub used: usize,
    /// Slots there are.
    pub capacity: usize,
    /// Slots taken from a flow that still needed them.
    pub taken_away: u32,
}

/// Use of the netfilter queues.
#[derive(Debug, Default)]
pub struct QueueUse {
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

/// Outcomes of suspects' servers.
#[derive(Debug)]
pub struct Probes {
    /// Asked, and a pool.
    pub pool: u32,
    /// Asked, and something else.
    pub not_pool: u32,
    /// Asked, and didn't say.
    pub inconclusive: u32,
    /// Not asked: known from an earlier probe.
    pub known: u32,
    /// Not asked: of this side, the router itself, or exempt.
    pub forbidden: u32,
    /// Questions that had to make room for others.
    pub too_many: u32,
    /// Not asked: a dry run.
    pub dry: u32,
    /// Not asked: this router could not.
    pub failed: u32,
}

/// Entries of the reputation store that say what to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learned {
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

/// Size of the lists, and of the DNS cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListsUse {
    /// Lists, the built-in one included.
    pub files: usize,
    /// Their entries.
    pub entries: usize,
    /// Bytes of memory that they take.
    pub bytes: usize,
    /// Answers of name servers that were read.
    pub dns_answers: u32,
}

/// Events for the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorUse {
    /// Address of the collector.
    pub address: String,
    /// Events sent.
    pub sent: u32,
    /// Events that wait for it.
    pub waiting: u32,
    /// Events that it never got.
    pub lost: u32,
}

impl From<ProbeCounters> for Probes {
    fn from(counters: ProbeCounters) -> Self {
        let ProbeCounters { asked: [pool, not_pool, inconclusive], known, forbidden, too_many, dry, failed } =
            counters;
        Probes { pool, not_pool, inconclusive, known, forbidden, too_many, dry, failed }
    }
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
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "minewall {} has been running for {} s in {} mode\n\
             packets    {} seen, {} in the last minute, {} with new payload, {} replaced by resets, {} malformed\n\
             flows      {} of {}; {} bypassed, {} evicted undecided, {} refused\n\
             {:<10} {} waiting, {} passed unseen\n\
             probes     {} pools, {} others, {} inconclusive; {} known, {} too soon, {} forbidden\n\
             reputation {} by asking, {} by hand, {} from others; {} refused by the kernel\n\
             lists      {} entries of {} lists in {} KiB; {} answers of name servers read\n\
             detections {} proven, {} suspected ({} not reported one by one)\n",
            self.version,
            self.uptime,
            self.mode,
            self.packets,
            self.packets_minute,
            self.payload_packets,
            self.resets,
            self.malformed,
            self.flows.used,
            self.flows.capacity,
            self.let_go,
            self.flows.evicted_undecided,
            self.flows.refused,
            self.queue.name(),
            self.queue.waiting,
            u64::from(self.queue.dropped) + u64::from(self.queue.user_dropped),
            self.probes.pool,
            self.probes.not_pool,
            self.probes.inconclusive,
            self.probes.known,
            self.probes.too_many,
            self.probes.forbidden,
            self.learned.probe,
            self.learned.operator,
            self.learned.fleet,
            self.learned.refused_by_kernel,
            self.lists.entries,
            self.lists.files,
            self.lists.bytes.div_ceil(1_024),
            self.lists.dns_answers,
            self.detections,
            self.suspects,
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
            text += &format!("collector  {address}: {sent} events sent, {waiting} waiting, {lost} lost\n");
        }
        for Router { router, last_time, messages, taken, refused } in self.fleet {
            text += &format!(
                "router     {router}: last heard {last_time}, {messages} messages; {taken} servers taken, {refused} not\n"
            );
        }
        text
    }
}

/// Hosts with detections, a line each, for a person.
fn hosts_to_text(hosts: &[&Host]) -> String {
    let line = |host: &&Host| {
        format!(
            "{}  {} ({}, {})  {} to {}, {}, {} times\n",
            host.last_time,
            host.client,
            host.host.as_deref().unwrap_or("no name"),
            host.mac.as_deref().unwrap_or("no MAC"),
            host.dialect,
            host.server,
            host.verdict,
            host.detections,
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
        let flows = Flows {
            used: 1,
            capacity: 2,
            opened: 3,
            expired: 4,
            evicted_settled: 5,
            evicted_undecided: 6,
            refused: 7,
        };
        let status = Status {
            version: "0",
            mode: "block",
            uptime: u64::MAX,
            packets: u64::MAX,
            packets_minute: 0,
            payload_packets: 0,
            not_tcp: 0,
            malformed: 0,
            detections: 0,
            suspects: 0,
            resets: 0,
            let_go: 0,
            flows,
            assembly: Slots { used: 0, capacity: 0, taken_away: 0 },
            queue: QueueUse { queues: 1, has_rules: true, ..QueueUse::default() },
            probes: ProbeCounters::default().into(),
            learned: Learned::default(),
            lists: ListsUse::default(),
            verdicts_failed: 0,
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
