//! Who was caught: the hosts of recent detections, and how much may be said of each.

use std::net::IpAddr;

use serde::Serialize;

use crate::limits::{HOSTS_REMEMBERED, REPORTS_PER_MINUTE};
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};

/// A host with detections.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its address.
    pub client: String,
    /// Its hardware address, if known.
    pub mac: Option<String>,
    /// Its name, if known.
    pub host: Option<String>,
    /// Detections so far.
    pub detections: u32,
    /// When the first one was (RFC 3339, UTC).
    pub first_time: String,
    /// The latest one, a proven one if there is any: when (RFC 3339, UTC), where to, what and what became of it.
    pub last_time: String,
    /// Address and port of the pool.
    pub server: String,
    /// The protocol.
    pub dialect: String,
    /// `blocked`, `monitored` or [`SUSPECTED`].
    pub verdict: String,
    /// Detections that were counted but not reported, since there were too many.
    pub unreported: u32,
    #[serde(skip)]
    addr: IpAddr,
    #[serde(skip)]
    reports: TokenBucket,
}

/// The latest [`HOSTS_REMEMBERED`] of them, latest last.
#[derive(Debug, Default)]
pub struct Hosts {
    hosts: Vec<Host>,
    reports: TokenBucket,
}

/// What there is to say of a detection.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Address of the host.
    pub addr: IpAddr,
    /// Its hardware address, if known.
    pub mac: Option<String>,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Address and port of the pool.
    pub server: String,
    /// The protocol.
    pub dialect: String,
    /// `blocked`, `monitored` or [`SUSPECTED`].
    pub verdict: &'static str,
}

impl Hosts {
    /// Remembers a detection at `now`; answers whether it is to be reported, which is at most `per_hour`
    /// times an hour for one host, after a burst of as many, and [`REPORTS_PER_MINUTE`] times for all.
    pub fn note(&mut self, sighting: Sighting, per_hour: u32, now: Instant) -> bool {
        let index = self.hosts.iter().position(|host| host.addr == sighting.addr);
        let mut host = match index {
            Some(index) => self.hosts.remove(index),
            None => {
                if self.hosts.len() == HOSTS_REMEMBERED {
                    self.hosts.remove(0);
                }
                Host::unknown(sighting.addr)
            }
        };
        if host.detections == 0 {
            host.first_time.clone_from(&sighting.time);
        }
        host.detections = host.detections.saturating_add(1);
        host.mac = sighting.mac.or(host.mac);
        if sighting.verdict != SUSPECTED || matches!(&host.verdict[..], "" | SUSPECTED) {
            host.last_time = sighting.time;
            host.server = sighting.server;
            host.dialect = sighting.dialect;
            host.verdict = sighting.verdict.into();
        }
        let is_reported = host.reports.take(&Rate::per_hour(per_hour), now)
            && self.reports.take(&Rate::per_minute(REPORTS_PER_MINUTE), now);
        if !is_reported {
            host.unreported = host.unreported.saturating_add(1);
        }
        self.hosts.push(host);
        is_reported
    }

    /// Whether the host at `addr` is in the list, with no other hardware address than `mac`.
    pub fn is_known(&self, addr: IpAddr, mac: Option<&str>) -> bool {
        let is_it = |host: &Host| host.addr == addr && (mac.is_none() || host.mac.as_deref() == mac);
        self.hosts.iter().any(is_it)
    }

    /// The host of the latest detection has a name; without one it keeps what it had.
    pub fn name_latest(&mut self, name: Option<String>) {
        if let (Some(host), Some(name)) = (self.hosts.last_mut(), name) {
            host.host = Some(name);
        }
    }

    /// The hosts, latest detection first.
    pub fn latest(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().rev()
    }
}

/// The verdict on what is not proven.
pub const SUSPECTED: &str = "suspected";

impl Host {
    fn unknown(addr: IpAddr) -> Self {
        Host {
            client: addr.to_string(),
            mac: None,
            host: None,
            detections: 0,
            first_time: String::new(),
            last_time: String::new(),
            server: String::new(),
            dialect: String::new(),
            verdict: String::new(),
            unreported: 0,
            addr,
            reports: TokenBucket::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn sighting(last_octet: u8) -> Sighting {
        Sighting {
            addr: IpAddr::from([192, 168, 1, last_octet]),
            mac: None,
            time: "2026-01-01T00:00:00Z".into(),
            server: "192.0.2.1:3333".into(),
            dialect: "cryptonote".into(),
            verdict: "blocked",
        }
    }

    #[test]
    fn a_flood_of_one_host_is_counted_and_reported_at_its_rate() {
        let mut hosts = Hosts::default();
        let mut reported = 0;
        for second in 0..7_200 {
            reported += u32::from(hosts.note(sighting(1), 60, at(second)));
        }
        assert!((175..=185).contains(&reported), "{reported}");
        let host = hosts.latest().next().unwrap();
        assert_eq!((host.detections, host.unreported), (7_200, 7_200 - reported));
    }

    #[test]
    fn a_suspicion_does_not_hide_a_proof() {
        let mut hosts = Hosts::default();
        let suspicion = Sighting {
            server: "192.0.2.9:443".into(),
            dialect: "unknown".into(),
            verdict: SUSPECTED,
            ..sighting(1)
        };
        hosts.note(suspicion.clone(), 60, at(0));
        hosts.note(sighting(1), 60, at(1));
        hosts.note(suspicion, 60, at(2));
        let host = hosts.latest().next().unwrap();
        assert_eq!((&host.server[..], &host.verdict[..]), ("192.0.2.1:3333", "blocked"));
        assert_eq!(host.detections, 3);
    }

    #[test]
    fn many_hosts_share_a_bound_and_the_oldest_is_forgotten() {
        let mut hosts = Hosts::default();
        let reported = (0..=255).filter(|&octet| hosts.note(sighting(octet), 3_600, at(0))).count();
        assert_eq!(reported, REPORTS_PER_MINUTE as usize);
        assert_eq!(hosts.latest().count(), HOSTS_REMEMBERED);
        assert_eq!(hosts.latest().next().unwrap().client, "192.168.1.255");
        assert!(hosts.note(sighting(1), 3_600, at(60)));
    }
}
