//! The reputation service: keeps the store, has suspected servers asked, and tells engine, kernel, disk and fleet.
//!
//! 1. [`ReputationService::suspect`] takes a detection. A client's own words, or its traffic, are reason to ask the
//!    server, never to enter it: the engine cuts that client's connections one by one meanwhile.
//! 2. The [`Prober`] asks. [`ReputationService::collect`] takes its answers, and `witness` says which facts they are
//!    and how far each reaches.
//! 3. [`ReputationService::offer`] takes what a person or another router says.
//! 4. After a change, [`ReputationService::take_view`] has a new view for the engine, and the nft worker has
//!    orders for file and sets, at the next [`ReputationService::tick`] at the latest.

mod clock;
mod effects;
mod kernel;
mod offers;
mod suspicions;
#[cfg(test)]
mod tests;
mod witness;

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::nft_worker::{NftTask, NftWorker};
use super::prober::{PendingQuestion, ProbeCounters, Prober};
use super::problems::Problems;
use crate::config::{Config, InconclusiveAction, Mode};
use crate::intel::builtin;
use crate::intel::entry::{Policy, Ports};
use crate::intel::reputation::view::View;
use crate::intel::reputation::{Entered, Entry, Fact, Origin, Store, Subject, file::Files};
use crate::limits::{
    FLEET_ENTRIES_PER_MINUTE, LINES_PENDING, REPUTATION_FLEET_WRITE_WAIT, REPUTATION_RENEWAL_WRITE_WAIT,
    REPUTATION_SAVE_AGAIN, REPUTATION_WRITE_WAIT,
};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::net::local_networks::LocalNetworks;
use crate::probe::guard::Purpose;
use crate::rules;
use crate::util::calendar::rfc3339;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};
use crate::util::wall_clock::unix_seconds;
use clock::StoreClock;
use witness::Lifetimes;

/// The service's view of the traffic.
pub(super) trait Traffic {
    /// Whether sessions with `server` are not looked at, by the configuration or a list.
    fn exempts(&self, server: &Endpoint) -> bool;
    /// Whether a DNS answer that was seen here gave `addr` for a name that is none of `names`.
    fn carries_others(&self, addr: IpAddr, names: &[&HostName]) -> bool;
    /// Whether DNS answers that were seen here gave `addr` for more than one name.
    fn carries_several(&self, addr: IpAddr) -> bool;
    /// Whether the session of `client` with `server` is a suspect still.
    fn suspects(&self, client: &Endpoint, server: &Endpoint) -> bool;
    /// Single addresses that lists block, for the kernel; with the seconds left.
    fn refused_addresses(&self) -> Vec<(IpAddr, Ports, u64)>;
    /// Clients, and addresses that name servers gave them for blocked names, for the kernel; with the seconds left.
    fn refused_answers(&self) -> Vec<(IpAddr, IpAddr, Ports, u64)>;
}

/// The service.
pub(super) struct ReputationService {
    store: Store,
    clock: StoreClock,
    settings: ServiceSettings,
    prober: Prober,
    nft: Option<NftWorker>,
    fleet: TokenBucket,
    /// The engine's view is out of date.
    is_view_stale: bool,
    /// Servers whose address is blocked for every name, as the view has them.
    everybodys: Vec<Endpoint>,
    swept_at: u64,
    /// Time of the latest jump of the wall clock.
    jumped_at: Option<Instant>,
    /// Due time of the next write of the store, if it has changed.
    write_at: Option<Instant>,
    fill_at: Option<Instant>,
    /// Due time of the next filling of the sets of DNS answers, and the time of the latest.
    resolve_at: Option<Instant>,
    resolved_at: Instant,
    count_at: Instant,
    shared: heapless::Deque<String, LINES_PENDING>,
}

/// Options of the service.
struct ServiceSettings {
    files: Files,
    lifetimes: Lifetimes,
    /// Validity of others' findings, and whether the kernel and the fleet get ours.
    learn: Duration,
    on_inconclusive: InconclusiveAction,
    /// Addresses that others share are blocked, too.
    blocks_shared: bool,
    fills_kernel: bool,
}

impl From<&Config> for ServiceSettings {
    fn from(config: &Config) -> Self {
        ServiceSettings {
            files: config.reputation_files(),
            lifetimes: Lifetimes::from(config),
            learn: config.learn,
            on_inconclusive: config.probe_inconclusive,
            blocks_shared: config.intel_blocks_shared,
            fills_kernel: config.mode == Mode::Block && config.kernel_block,
        }
    }
}

impl ReputationService {
    /// Opens the store as `config` wishes.
    pub(super) fn start(config: &Config, problems: &Problems, now: Instant) -> Self {
        let nft = NftWorker::start(config.mark, problems);
        if let Err(error) = &nft {
            log::error!("the reputation of servers is not kept: {error}");
        }
        let settings = ServiceSettings::from(config);
        let clock = StoreClock::new(unix_seconds(), now);
        ReputationService {
            store: Store::open(&settings.files, clock.now()),
            prober: Prober::new(config, now),
            nft: nft.ok(),
            fleet: TokenBucket::default(),
            is_view_stale: true,
            everybodys: Vec::new(),
            swept_at: clock.now(),
            jumped_at: None,
            write_at: None,
            // An earlier daemon's elements would end, and the rules may be in force already.
            fill_at: Some(now),
            resolve_at: Some(now),
            resolved_at: Instant::default(),
            count_at: now,
            shared: heapless::Deque::new(),
            clock,
            settings,
        }
    }

    /// Takes over another configuration.
    pub(super) fn configure(&mut self, config: &Config, now: Instant) {
        let filled = self.settings.fills_kernel;
        self.settings = config.into();
        self.prober.configure(config);
        if filled && !self.settings.fills_kernel {
            self.submit(NftTask::Fill([rules::EMPTY, rules::EMPTY_RESOLVED].concat()));
        }
        self.refill(now);
        self.is_view_stale = true;
    }

    /// Strikes out what is known of `subject`, and answers with it.
    pub(super) fn remove(&mut self, subject: &Subject, now: Instant) -> Vec<Entry> {
        let wall_clock = self.clock.now();
        let mut removed = self.store.remove(subject);
        if !removed.is_empty() {
            (self.write_at, self.fill_at, self.is_view_stale) = (Some(now), Some(now), true);
        }
        removed.retain(|entry| entry.holds(wall_clock));
        removed
    }

    /// Does all periodic work; to be called at least once a second.
    pub(super) fn tick(&mut self, traffic: &impl Traffic, now: Instant) {
        self.follow_wall_clock(unix_seconds(), now);
        let wall_clock = self.clock.now();
        if self.store.has_ended_since(self.swept_at, wall_clock) {
            (self.is_view_stale, self.fill_at) = (true, Some(now));
        }
        self.swept_at = wall_clock;
        let everybodys = self.everybodys_servers(traffic);
        if everybodys != self.everybodys {
            (self.is_view_stale, self.fill_at) = (true, Some(now));
            self.everybodys = everybodys;
        }
        let ReputationService { prober, store, .. } = self;
        prober.submit_due(now, |question| {
            let PendingQuestion { suspect, .. } = question;
            let known = store.probed(&suspect.server, suspect.name.as_ref(), wall_clock);
            let is_settled = known.is_some_and(|known| matches!(known.fact, Fact::Pool | Fact::NotPool));
            let is_wanted = match (suspect.purpose, suspect.client) {
                (Purpose::Suspicion, Some(client)) => traffic.suspects(&client, &suspect.called()),
                _ => true,
            };
            !is_settled && is_wanted && !traffic.exempts(&suspect.server)
        });
        self.order_what_is_due(traffic, now);
    }

    fn follow_wall_clock(&mut self, wall: u64, now: Instant) {
        if let Some((from, to)) = self.clock.follow(wall, now) {
            log::warn!("the clock was set from {} to {}", rfc3339(from), rfc3339(to));
            self.store.clock_was_set(from, to);
            self.swept_at = self.swept_at.max(to);
            (self.is_view_stale, self.fill_at) = (true, Some(now));
            // An end by the old clock would be read at the next start as long past. A clock that jumps all the time is
            // no reason to wear the flash.
            let wait = match self.jumped_at.replace(now) {
                Some(before) if now < before.after(REPUTATION_WRITE_WAIT) => REPUTATION_WRITE_WAIT,
                _ => Duration::ZERO,
            };
            let at = now.after(wait);
            self.write_at = Some(self.write_at.map_or(at, |other| other.min(at)));
        }
        self.store.adopt_clock(wall);
    }

    fn order_what_is_due(&mut self, traffic: &impl Traffic, now: Instant) {
        if self.write_at.is_some_and(|at| now >= at)
            && self.submit(NftTask::Save(self.settings.files.path.clone(), self.store.to_body()))
        {
            self.write_at = None;
        }
        if self.nft.as_ref().is_some_and(NftWorker::take_save_failure) {
            let again = now.after(REPUTATION_SAVE_AGAIN);
            self.write_at = Some(self.write_at.map_or(again, |at| at.min(again)));
        }
        self.fill_kernel(traffic, now);
    }

    /// Entries that hold now.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.store.holding(self.clock.now())
    }

    /// Seconds since 1970, as entries are counted.
    pub(super) fn wall_clock(&self) -> u64 {
        self.clock.now()
    }

    /// Counters of the prober.
    pub(super) fn probes(&self) -> ProbeCounters {
        self.prober.counters()
    }

    /// Networks of this side.
    pub(super) fn networks(&self) -> &Arc<LocalNetworks> {
        self.prober.networks()
    }

    /// Readable when there are answers to collect.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.prober.wake()
    }

    /// A new view for the engine, if anything has changed since the last.
    pub(super) fn take_view(&mut self, traffic: &impl Traffic) -> Option<Arc<View>> {
        core::mem::take(&mut self.is_view_stale).then(|| Arc::new(self.view(traffic)))
    }

    /// The next line for those who follow what is found out here.
    pub(super) fn poll_shared(&mut self) -> Option<String> {
        self.shared.pop_front()
    }

    /// All that was found out here and holds, as lines.
    pub(super) fn shared(&self) -> String {
        let own = self.entries().filter(|entry| self.is_shared_with_fleet(entry));
        own.map(|entry| self.line(entry) + "\n").collect()
    }

    fn is_shared_with_fleet(&self, entry: &Entry) -> bool {
        entry.is_own_finding() && !self.settings.learn.is_zero()
    }

    /// An entry as a line of JSON.
    pub(super) fn line(&self, entry: &Entry) -> String {
        entry.to_json(&rfc3339(entry.since), self.clock.now())
    }

    /// Writes what is not written yet, and waits for that; hands back the probe's thread, which ends.
    pub(super) fn stop(mut self) -> Option<JoinHandle<()>> {
        let probe = self.prober.stop();
        if let Some(nft) = self.nft {
            // The latest task may have failed, or wait still.
            let is_unwritten = self.write_at.is_some() || nft.has_unsaved();
            nft.stop(is_unwritten.then(|| NftTask::Save(self.settings.files.path, self.store.to_body())));
        }
        probe
    }

    fn enter(&mut self, entry: Entry, now: Instant) -> Entered {
        let entered = self.store.enter(entry.clone(), self.clock.now());
        if matches!(entered, Entered::Outranked | Entered::Full) {
            return entered;
        }
        self.is_view_stale = true;
        let wait = match (entry.origin, entry.fact) {
            (Origin::Operator, _) | (Origin::Probe, Fact::Pool) => Duration::ZERO,
            (Origin::Probe, _) => REPUTATION_WRITE_WAIT,
            (Origin::Fleet, _) if entered == Entered::Renewed => REPUTATION_RENEWAL_WRITE_WAIT,
            (Origin::Fleet, _) => REPUTATION_FLEET_WRITE_WAIT,
        };
        let at = now.after(wait);
        self.write_at = Some(self.write_at.map_or(at, |other| other.min(at)));
        if entered == Entered::New && entry.fact.policy().is_some() {
            log::info!("entered: {} is {} ({})", entry.subject, entry.fact.name(), entry.origin.name());
            self.fill_at = Some(now);
            if self.is_shared_with_fleet(&entry) {
                // A follower that is behind gets all when it comes anew.
                let _ = self.shared.push_back(self.line(&entry));
            }
        }
        entered
    }

    fn submit(&self, task: NftTask) -> bool {
        self.nft.as_ref().is_none_or(|nft| nft.submit(task))
    }

    /// Whether the address of `server` is on the list of those that many sites share.
    fn is_on_shared_list(&self, server: &Endpoint) -> bool {
        builtin::shared().by_addr(server.addr(), None, 0).is_some()
    }

    fn takes_from_fleet(&mut self, now: Instant) -> bool {
        self.fleet.take(&Rate::per_minute(FLEET_ENTRIES_PER_MINUTE), now)
    }

    /// Policy that `entry` amounts to for the whole address.
    pub(super) fn worth(&self, entry: &Entry, traffic: &impl Traffic) -> Option<Policy> {
        let policy = entry.fact.policy()?;
        let is_by_name = entry.origin == Origin::Probe && !self.is_everybodys(entry, traffic);
        Some(if policy == Policy::Block && is_by_name { Policy::Suspect } else { policy })
    }
}
