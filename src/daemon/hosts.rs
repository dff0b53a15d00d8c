//! The hosts of detections: their history, and how often each is reported.

use std::fmt::Write;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use crate::intel::exemptions::mac;
use crate::limits::{HOST_JSON_BYTES, HOSTS_MAX, REPORT_CLIENTS, REPORTS_PER_MINUTE};
use crate::net::client_id::ClientId;
use crate::util::atomic_file;
use crate::util::bounded_cache::BoundedCache;
use crate::util::calendar;
use crate::util::fair_budget::FairBudget;
use crate::util::json_object::JsonObject;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};

/// A host with detections.
#[derive(Clone, Debug)]
pub struct Host {
    /// Address.
    pub client: String,
    /// Hardware address, if known.
    pub mac: Option<String>,
    /// Name, if known.
    pub host: Option<String>,
    /// Detections so far.
    pub detections: u32,
    /// Time of the first detection (RFC 3339, UTC).
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
    /// Number of its latest detection among all.
    latest: u64,
    reports: TokenBucket,
    /// Client whose share of the history it takes.
    id: ClientId,
}

/// The history of hosts. A full one forgets addresses of the client that has the most, if any has several; else hosts that are only suspected before others, and of both the one
/// that was silent for longest.
#[derive(Debug)]
pub struct Hosts {
    hosts: BoundedCache<IpAddr, Host>,
    capacity: usize,
    reports: FairBudget<ClientId>,
    /// Detections so far, of all hosts.
    noted: u64,
}

/// A detection, as far as the history of hosts needs it.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Address of the host.
    pub addr: IpAddr,
    /// Hardware address, if known.
    pub mac: Option<String>,
    /// The client for fair shares.
    pub id: ClientId,
    /// Time, RFC 3339 in UTC.
    pub time: String,
    /// Address and port of the pool.
    pub server: String,
    /// The protocol.
    pub dialect: String,
    /// `blocked`, `monitored` or [`SUSPECTED`].
    pub verdict: &'static str,
}

impl Hosts {
    /// No host yet, and room for `capacity`.
    pub fn new(capacity: usize) -> Self {
        Hosts {
            hosts: BoundedCache::new(capacity),
            capacity,
            reports: FairBudget::new(REPORT_CLIENTS),
            noted: 0,
        }
    }

    /// The history in the file at `path`; of more than `capacity` hosts the latest.
    ///
    /// # Errors
    /// There is no file ([`io::ErrorKind::NotFound`]), it can't be read, or it is damaged.
    pub fn load(path: &Path, capacity: usize) -> io::Result<Self> {
        let text = atomic_file::load(path, HEAD, (HOSTS_MAX * HOST_JSON_BYTES) as u64)?;
        let mut hosts = Hosts::new(capacity);
        for line in text.lines() {
            let (addr, host) = Host::from_line(line).ok_or_else(atomic_file::damaged)?;
            hosts.enter(addr, host);
        }
        Ok(hosts)
    }

    /// The text of the file: a line a host, the latest last.
    pub fn to_text(&self) -> String {
        let mut hosts = self.latest();
        hosts.reverse();
        hosts.into_iter().map(Host::to_line).collect()
    }

    /// Changes the capacity to `capacity` hosts.
    pub fn with_capacity(self, capacity: usize) -> Self {
        let mut resized = Hosts { hosts: BoundedCache::new(capacity), capacity, ..self };
        for (addr, host) in self.hosts.iter() {
            resized.hosts.offer(*addr, host.clone(), rank);
        }
        resized
    }

    /// Remembers a detection at `now`; answers whether it is to be reported, which is at most `per_hour`
    /// times an hour for one host, after a burst of as many, and [`REPORTS_PER_MINUTE`] times for all.
    pub fn note(&mut self, sighting: Sighting, per_hour: u32, now: Instant) -> bool {
        let addr = sighting.addr;
        let mut host = self.hosts.remove(&addr).unwrap_or_else(|| Host::unknown(addr));
        if host.detections == 0 {
            host.first_time.clone_from(&sighting.time);
        }
        host.detections = host.detections.saturating_add(1);
        host.mac = sighting.mac.or(host.mac);
        host.id = sighting.id;
        if sighting.verdict != SUSPECTED || matches!(&host.verdict[..], "" | SUSPECTED) {
            host.last_time = sighting.time;
            host.server = sighting.server;
            host.dialect = sighting.dialect;
            host.verdict = sighting.verdict.into();
        }
        let is_reported = host.reports.take(&Rate::per_hour(per_hour), now)
            && self.reports.take(host.id, &Rate::per_minute(REPORTS_PER_MINUTE), now);
        if !is_reported {
            host.unreported = host.unreported.saturating_add(1);
        }
        self.enter(addr, host);
        is_reported
    }

    /// Whether the host at `addr` is in the list, with no other hardware address than `mac`.
    pub fn is_known(&self, addr: IpAddr, mac: Option<&str>) -> bool {
        self.hosts.get(&addr).is_some_and(|host| mac.is_none() || host.mac.as_deref() == mac)
    }

    /// Whether nothing is known of the host at `addr`.
    pub fn is_new(&self, addr: IpAddr) -> bool {
        self.hosts.get(&addr).is_none()
    }

    /// The host at `addr` has a name; without one it keeps the earlier name.
    pub fn name(&mut self, addr: IpAddr, name: Option<String>) {
        if let (Some(host), Some(name)) = (self.hosts.get_mut(&addr), name) {
            host.host = Some(name);
        }
    }

    /// The hosts, latest detection first.
    pub fn latest(&self) -> Vec<&Host> {
        let mut hosts: Vec<&Host> = self.hosts.iter().map(|(_, host)| host).collect();
        hosts.sort_unstable_by_key(|host| core::cmp::Reverse(host.latest));
        hosts
    }

    fn enter(&mut self, addr: IpAddr, mut host: Host) {
        self.noted += 1;
        host.latest = self.noted;
        if self.hosts.len() >= self.capacity
            && self.hosts.get(&addr).is_none()
            && let Some(greediest) = self.greediest()
        {
            self.hosts.remove(&greediest);
        }
        self.hosts.insert(addr, host, rank);
    }

    /// The least of the client that has the most addresses in the list, if any has several.
    fn greediest(&self) -> Option<IpAddr> {
        let mut ids: Vec<ClientId> = self.hosts.iter().map(|(_, host)| host.id).collect();
        ids.sort_unstable();
        let greediest =
            ids.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).filter(|same| same.len() > 1)?;
        let id = *greediest.first()?;
        let of_it = self.hosts.iter().filter(|(_, host)| host.id == id);
        of_it.min_by_key(|(addr, host)| rank(addr, host)).map(|(addr, _)| *addr)
    }
}

/// Hosts of the least rank are forgotten first.
fn rank(_: &IpAddr, host: &Host) -> u64 {
    // Detections are counted from 0: their number never comes near 2^63.
    u64::from(host.verdict != SUSPECTED) << 63 | host.latest
}

/// First line of the file, with its version.
pub const HEAD: &str = "minewall-hosts 1 ";

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
            latest: 0,
            reports: TokenBucket::default(),
            id: ClientId::of(addr, None),
        }
    }

    /// The host as JSON, as status and `hosts` show it.
    pub(super) fn to_json(&self) -> String {
        let mut line = JsonObject::default();
        line.text("client", &self.client);
        line.text_or_null("mac", self.mac.as_deref());
        line.text_or_null("host", self.host.as_deref());
        line.numbers(&[("detections", self.detections.into())]);
        line.text("first_time", &self.first_time);
        line.text("last_time", &self.last_time);
        line.text("server", &self.server);
        line.text("dialect", &self.dialect);
        line.text("verdict", &self.verdict);
        line.numbers(&[("unreported", self.unreported.into())]);
        line.finish()
    }

    /// The host as a line of the file: fields with a tab between, `-` for none. No field holds a control character.
    fn to_line(&self) -> String {
        let Host { client, mac, host, detections, first_time, last_time, server, dialect, verdict, .. } =
            self;
        let [mac, host] = [mac, host].map(|text| text.as_deref().unwrap_or("-"));
        let mut line = String::new();
        // A String takes everything.
        let _ = writeln!(
            line,
            "{client}\t{mac}\t{host}\t{detections}\t{}\t{first_time}\t{last_time}\t{server}\t{dialect}\t{verdict}",
            self.unreported
        );
        line
    }

    fn from_line(line: &str) -> Option<(IpAddr, Host)> {
        let mut fields = line.split('\t');
        let mut next = || fields.next().filter(|field| !field.is_empty());
        let addr: IpAddr = next()?.parse().ok()?;
        let optional = |text: &str| (text != "-").then(|| text.to_owned());
        let mut host = Host::unknown(addr);
        host.mac = optional(next()?);
        host.id = ClientId::of(addr, host.mac.as_deref().and_then(mac));
        host.host = optional(next()?);
        host.detections = next()?.parse().ok()?;
        host.unreported = next()?.parse().ok()?;
        for time in [&mut host.first_time, &mut host.last_time] {
            *time = next().filter(|time| calendar::seconds_of(time).is_some())?.to_owned();
        }
        (host.server, host.dialect, host.verdict) = (next()?.into(), next()?.into(), next()?.into());
        fields.next().is_none().then_some((addr, host))
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
            id: ClientId::of(IpAddr::from([192, 168, 1, last_octet]), None),
            time: "2026-01-01T00:00:00Z".into(),
            server: "192.0.2.1:3333".into(),
            dialect: "cryptonote".into(),
            verdict: "blocked",
        }
    }

    #[test]
    fn a_flood_of_one_host_is_counted_and_reported_at_its_rate() {
        let mut hosts = Hosts::new(32);
        let mut reported = 0;
        for second in 0..7_200 {
            reported += u32::from(hosts.note(sighting(1), 60, at(second)));
        }
        assert!((175..=185).contains(&reported), "{reported}");
        let host = hosts.latest()[0];
        assert_eq!((host.detections, host.unreported), (7_200, 7_200 - reported));
    }

    #[test]
    fn a_suspicion_does_not_hide_a_proof() {
        let mut hosts = Hosts::new(32);
        let suspicion = Sighting {
            server: "192.0.2.9:443".into(),
            dialect: "unknown".into(),
            verdict: SUSPECTED,
            ..sighting(1)
        };
        hosts.note(suspicion.clone(), 60, at(0));
        hosts.note(sighting(1), 60, at(1));
        hosts.note(suspicion, 60, at(2));
        let host = hosts.latest()[0];
        assert_eq!((&host.server[..], &host.verdict[..]), ("192.0.2.1:3333", "blocked"));
        assert_eq!(host.detections, 3);
    }

    #[test]
    fn many_hosts_share_a_bound_and_the_oldest_is_forgotten() {
        let mut hosts = Hosts::new(32);
        let reported = (0..=255).filter(|&octet| hosts.note(sighting(octet), 3_600, at(0))).count();
        assert_eq!(reported, REPORTS_PER_MINUTE as usize);
        assert_eq!(hosts.latest().len(), 32);
        assert_eq!(hosts.latest()[0].client, "192.168.1.255");
        assert!(hosts.note(sighting(1), 3_600, at(60)));
    }

    #[test]
    fn suspected_hosts_make_room_before_proven_ones() {
        let mut hosts = Hosts::new(2);
        hosts.note(sighting(1), 60, at(0));
        hosts.note(Sighting { verdict: SUSPECTED, ..sighting(2) }, 60, at(1));
        hosts.note(Sighting { verdict: SUSPECTED, ..sighting(3) }, 60, at(2));
        let clients: Vec<&str> = hosts.latest().iter().map(|host| &host.client[..]).collect();
        assert_eq!(clients, ["192.168.1.3", "192.168.1.1"]);
        assert_eq!(hosts.with_capacity(1).latest()[0].client, "192.168.1.1");
    }

    #[test]
    fn the_history_outlives_a_restart() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("hosts");
        let mut hosts = Hosts::new(9);
        for octet in 1..=9 {
            hosts.note(Sighting { mac: Some("02:00:5e:10:00:01".into()), ..sighting(octet) }, 60, at(0));
        }
        hosts.note(sighting(4), 60, at(1));
        hosts.name(sighting(4).addr, Some("laptop".into()));
        atomic_file::save(&path, HEAD, &hosts.to_text()).unwrap();
        let told = |hosts: &Hosts| {
            format!("{:?}", hosts.latest().iter().map(|host| host.to_line()).collect::<Vec<_>>())
        };
        let loaded = Hosts::load(&path, 9).unwrap();
        assert_eq!(told(&loaded), told(&hosts));
        assert_eq!((loaded.latest()[0].host.as_deref(), loaded.latest()[0].detections), (Some("laptop"), 2));
        assert_eq!(Hosts::load(&path, 3).unwrap().latest().len(), 3);
        for line in ["x", "192.0.2.1\t-\t-\t1\t0\ttoday\ttoday\ts\td\tv", "192.0.2.1"] {
            atomic_file::save(&path, HEAD, &format!("{line}\n")).unwrap();
            assert_eq!(Hosts::load(&path, 9).unwrap_err().kind(), io::ErrorKind::InvalidData, "{line}");
        }
    }

    /// One host is seen under many addresses; the others stay in the list, and are told.
    #[test]
    fn many_addresses_of_one_host_displace_no_other() {
        let mut hosts = Hosts::new(8);
        for octet in 1..=4 {
            hosts.note(sighting(octet), 60, at(0));
        }
        let id = ClientId::of(IpAddr::from([192, 168, 1, 9]), Some([2; 6]));
        for octet in 10..=250 {
            hosts.note(Sighting { id, ..sighting(octet) }, 60, at(1));
        }
        let clients: Vec<&str> = hosts.latest().iter().map(|host| &host.client[..]).collect();
        for octet in 1..=4 {
            assert!(clients.contains(&&format!("192.168.1.{octet}")[..]), "{clients:?}");
        }
        assert!(hosts.note(sighting(5), 60, at(1)), "the reports of the house are not used up");
        assert_eq!(hosts.latest().len(), 8);
    }
}
