//! Opinions of the lists on a server, by its address, its name, and the names that DNS answers gave it.

use core::fmt::Write;
use core::hash::BuildHasher;
use core::net::IpAddr;
use std::sync::Arc;

use super::dns_cache::{AnswerReceiver, DnsCache};
use super::event::Source;
use super::suppression::Suppression;
use super::tunnels::ProxyTarget;
use crate::dpi::finding::Finding;
use crate::intel::entry::{Pattern, Policy, Ports};
use crate::intel::exemptions::AllowList;
use crate::intel::reputation::Origin;
use crate::intel::reputation::view::{Called, EndpointVerdict, View};
use crate::intel::{Explanation, Intel, ListMatch, builtin};
use crate::limits::KERNEL_LISTED;
use crate::net::authority::{Authority, AuthorityHost};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::parse::dns::Resolution;
use crate::util::time::Instant;

/// Lists, reputation, the names behind addresses, and the opinions told lately.
#[derive(Debug)]
pub(super) struct IntelLookup<S> {
    lists: Option<Arc<Intel>>,
    reputation: Arc<View>,
    /// Addresses that many sites share.
    shared: &'static Intel,
    /// A shared address is blocked by its address, too.
    pub blocks_shared: bool,
    dns_cache: DnsCache<S>,
    /// Answers have changed what the kernel may refuse.
    has_kernel_news: bool,
    suppression: Suppression,
    /// Seconds since 1970 at the engine's time zero.
    epoch: u64,
}

/// Opinion of the lists on a session.
#[derive(Clone, Debug)]
pub(super) struct Opinion {
    pub policy: Policy,
    pub finding: Finding,
}

impl<S: BuildHasher + Clone> IntelLookup<S> {
    /// Nothing is known yet.
    pub(super) fn new(hasher: S) -> Self {
        IntelLookup {
            lists: None,
            reputation: Arc::default(),
            shared: builtin::shared(),
            blocks_shared: false,
            dns_cache: DnsCache::new(hasher),
            has_kernel_news: false,
            suppression: Suppression::default(),
            epoch: 0,
        }
    }

    /// Puts `lists` in the place of those that were in force, which are handed back.
    pub(super) fn replace_lists(&mut self, lists: Option<Arc<Intel>>) -> Option<Arc<Intel>> {
        core::mem::replace(&mut self.lists, lists)
    }

    /// Puts `view` in the place of what was known of servers.
    pub(super) fn replace_reputation(&mut self, view: Arc<View>) {
        self.reputation = view;
    }

    /// Whether there is no fact about any server.
    pub(super) fn knows_nothing(&self) -> bool {
        self.reputation.is_empty()
    }

    /// Whether anything is known of `server`, under any name.
    pub(super) fn knows(&self, server: &Endpoint) -> bool {
        self.reputation.knows(server)
    }

    /// The verdict on `server`, which `client` has called `called`.
    pub(super) fn verdict(
        &self,
        client: IpAddr,
        server: &Endpoint,
        called: Called<'_>,
    ) -> Option<EndpointVerdict> {
        self.reputation.verdict(client, server, called)
    }

    /// What is known of `target`, which `client` asks a proxy for; `called` is said inside the tunnel.
    pub(super) fn verdict_of_target(
        &self,
        client: IpAddr,
        target: &ProxyTarget,
        called: Called<'_>,
    ) -> Option<EndpointVerdict> {
        match (target.addr, target.host_name()) {
            (Some(_), _) => self.reputation.verdict(client, &target.endpoint(), called),
            (None, name) => self.reputation.verdict_by_name(client, &name?, target.port),
        }
    }

    /// Whether a DNS answer gave `addr` for a name that is none of `names`.
    pub(super) fn carries_others(&self, addr: IpAddr, names: &[&HostName], now: Instant) -> bool {
        self.dns_cache.carries_others(addr, names, seconds(now))
    }

    /// Whether DNS answers gave `addr` for more than one name.
    pub(super) fn carries_several(&self, addr: IpAddr, now: Instant) -> bool {
        self.dns_cache.carries_several(addr, seconds(now))
    }

    /// Every entry of the lists that matches, for people.
    pub(super) fn explain(&self, pattern: &Pattern, now: Instant) -> Vec<Explanation> {
        let port = pattern.ports.one();
        self.lists.as_ref().map_or(Vec::new(), |lists| lists.explain(&pattern.what, port, self.unix(now)))
    }

    /// Sets the wall clock: `unix` seconds since 1970 now.
    pub(super) fn tell_time(&mut self, unix: u64, now: Instant) {
        self.epoch = unix.saturating_sub(now.micros() / 1_000_000);
    }

    /// Whether an entry for the address itself says that its sessions are not to be looked at.
    pub(super) fn exempts(&self, server: &Endpoint, now: Instant) -> bool {
        self.by_address(server, now).is_some_and(|found| found.policy == Policy::Allow)
    }

    /// The opinion on a session of `client` with `server`, before its first byte.
    pub(super) fn of_endpoint(
        &self,
        client: AnswerReceiver,
        server: &Endpoint,
        now: Instant,
    ) -> Option<Opinion> {
        if !self.has_any() {
            return None;
        }
        let by_address = self.by_address(server, now);
        if by_address.is_some_and(|found| found.policy == Policy::Allow) {
            return Some(Opinion { policy: Policy::Allow, finding: Finding::default() });
        }
        let (addr, second) = (server.addr(), seconds(now));
        let mut opinion = by_address.map(|found| Opinion {
            policy: self.of_shared(found.policy, addr, second),
            finding: finding(&found, ""),
        });
        for known in self.dns_cache.find(client, addr, second) {
            let Some(name) = HostName::parse(known.name.as_bytes()) else { continue };
            let Some(found) = self.by_name(&name, Some(server.port()), now) else { continue };
            let policy = match (found.policy, known.own) {
                (Policy::Allow, true) => Policy::Allow,
                // Others may not decide for this host.
                (Policy::Allow, false) => continue,
                (_, false) => Policy::Suspect,
                (policy, true) => self.of_shared(policy, addr, second),
            };
            if opinion.as_ref().is_none_or(|opinion| opinion.policy < policy) {
                opinion = Some(Opinion { policy, finding: finding(&found, ", by its address") });
            }
        }
        opinion
    }

    /// The opinion on a session in which a server at `port` was called `name`.
    pub(super) fn of_name(&self, name: &HostName, port: u16, now: Instant) -> Option<Opinion> {
        let found = self.by_name(name, Some(port), now)?;
        Some(Opinion { policy: found.policy, finding: finding(&found, "") })
    }

    /// The opinion on a session in which a proxy was asked for `target`; `port` is that of its
    /// protocol.
    pub(super) fn of_target(&self, target: &Authority, port: u16, now: Instant) -> Option<Opinion> {
        let port = target.port.unwrap_or(port);
        match &target.host {
            AuthorityHost::Name(name) => self.of_name(name, port, now),
            AuthorityHost::Addr(addr) => {
                let found = self.by_address(&Endpoint::new(*addr, port), now)?;
                let policy = self.of_shared(found.policy, *addr, seconds(now));
                Some(Opinion { policy, finding: finding(&found, "") })
            }
        }
    }

    /// What is to be thought of `target`, as it is remembered.
    pub(super) fn of_proxy_target(&self, target: &ProxyTarget, now: Instant) -> Option<Opinion> {
        let host = match target.addr {
            Some(addr) => AuthorityHost::Addr(addr),
            None => AuthorityHost::Name(target.host_name()?),
        };
        self.of_target(&Authority { host, port: Some(target.port) }, target.port, now)
    }

    /// Takes note of an answer that `receiver` got.
    pub(super) fn learn(&mut self, receiver: AnswerReceiver, resolution: &Resolution, now: Instant) {
        let unix = self.unix(now);
        let is_listed =
            |name: &&HostName| self.layers().any(|intel| intel.by_name(name, None, unix).is_some());
        let listed = resolution.names.iter().find(is_listed);
        let is_blocked = |addr: &IpAddr| {
            let is_resolved = || self.dns_cache.find(receiver, *addr, seconds(now)).next().is_some();
            self.layers().any(|intel| intel.by_addr(*addr, None, unix).is_some()) || is_resolved()
        };
        let concerns_kernel = listed.is_some() || resolution.addrs.iter().any(is_blocked);
        let is_news = self.dns_cache.learn(receiver, resolution, listed, seconds(now));
        self.has_kernel_news |= is_news && concerns_kernel;
    }

    /// Whether answers have changed what the kernel may refuse since this was last asked.
    pub(super) fn take_kernel_news(&mut self) -> bool {
        core::mem::take(&mut self.has_kernel_news)
    }

    /// Single addresses that lists block for every client and name, for the kernel; with the seconds left.
    pub(super) fn refused_addresses(
        &self,
        exempt: &AllowList,
        now: Instant,
    ) -> impl Iterator<Item = (IpAddr, Ports, u64)> {
        let unix = self.unix(now);
        let is_harmless = move |addr: IpAddr| {
            let is_allowed = self.layers().any(|intel| {
                intel.by_addr(addr, None, unix).is_some_and(|found| found.policy == Policy::Allow)
            });
            let names = self.dns_cache.listed(seconds(now)).filter(|(_, known, _, _)| *known == addr);
            let has_allowed_name =
                |name: &str| self.policy_of(name, now).is_some_and(|(policy, _)| policy == Policy::Allow);
            !is_allowed
                && !exempt.allows_any_at(addr)
                && self.of_shared(Policy::Block, addr, seconds(now)) == Policy::Block
                && !{ names }.any(|(_, _, name, _)| has_allowed_name(name))
        };
        let blocked = self.layers().flat_map(Intel::blocked).take(KERNEL_LISTED);
        blocked.filter_map(move |blocked| {
            let left = blocked.expires.map_or(u64::MAX, |end| u64::from(end).saturating_sub(unix));
            (left > 0 && is_harmless(blocked.addr)).then_some((blocked.addr, blocked.ports, left))
        })
    }

    /// Clients, and addresses that they were told for names that lists block and nothing else was, for the kernel; with
    /// the seconds left. Those who have asked themselves: `owner_of` is the keyed hash of the client that is known to
    /// send from an address.
    pub(super) fn refused_answers(
        &self,
        exempt: &AllowList,
        owner_of: impl Fn(IpAddr) -> u32,
        now: Instant,
    ) -> impl Iterator<Item = (IpAddr, IpAddr, Ports, u64)> {
        let unix = self.unix(now);
        self.dns_cache.listed(seconds(now)).filter_map(move |(receiver, addr, name, left)| {
            let client = receiver.client;
            let (policy, ports) = self.policy_of(name, now).filter(|_| owner_of(client) == receiver.asker)?;
            let is_allowed = self.layers().any(|intel| {
                intel.by_addr(addr, None, unix).is_some_and(|found| found.policy == Policy::Allow)
            });
            let is_refused = self.of_shared(policy, addr, seconds(now)) == Policy::Block
                && policy == Policy::Block
                && !is_allowed
                && !exempt.allows_any_at(addr);
            is_refused.then_some((client, addr, ports, u64::from(left)))
        })
    }

    /// Policy of the lists for `name` at an unknown port.
    fn policy_of(&self, name: &str, now: Instant) -> Option<(Policy, Ports)> {
        let name = HostName::parse(name.as_bytes())?;
        self.by_name(&name, None, now).map(|found| (found.policy, found.ports))
    }

    /// `client` is known by a new hardware address: of the answers to it, others are its own.
    pub(super) fn note_neighbour(&mut self, client: IpAddr) {
        self.has_kernel_news |= self.dns_cache.listed(0).any(|(receiver, ..)| receiver.client == client);
    }

    /// The listed name that `client` was last told `addr` for.
    pub(super) fn name_of(&self, client: AnswerReceiver, addr: IpAddr, now: Instant) -> Option<&str> {
        self.dns_cache.find(client, addr, seconds(now)).find(|known| known.own).map(|known| known.name)
    }

    /// Whether a suspicion is to be suppression: not if it has been lately.
    pub(super) fn tells(&mut self, client: IpAddr, owner: u32, server: Endpoint, now: Instant) -> bool {
        self.suppression.enter(client, owner, server, seconds(now))
    }

    /// Whether a list has lately made a suspect of `client` and `server`.
    pub(super) fn has_suspected(&self, client: IpAddr, server: &Endpoint, now: Instant) -> bool {
        self.suppression.find(client, server, seconds(now))
    }

    fn has_any(&self) -> bool {
        self.layers().next().is_some()
    }

    /// Lists, and what a person or another router has entered that is matched like a list.
    fn layers(&self) -> impl Iterator<Item = &Intel> {
        self.lists.as_deref().into_iter().chain(self.reputation.patterns())
    }

    fn by_address(&self, server: &Endpoint, now: Instant) -> Option<ListMatch<'_>> {
        let unix = self.unix(now);
        let found = self.layers().filter_map(|intel| intel.by_address(server, unix));
        found.max_by_key(|found| found.policy)
    }

    fn by_name<'a>(&'a self, name: &'a HostName, port: Option<u16>, now: Instant) -> Option<ListMatch<'a>> {
        let unix = self.unix(now);
        let found = self.layers().filter_map(|intel| intel.by_name(name, port, unix));
        found.max_by_key(|found| found.policy)
    }

    /// The policy that is left of `policy` where nothing but an address speaks for it.
    fn of_shared(&self, policy: Policy, addr: IpAddr, second: u32) -> Policy {
        let is_shared =
            || self.shared.by_addr(addr, None, 0).is_some() || self.dns_cache.is_other(addr, second);
        if policy == Policy::Block && !self.blocks_shared && is_shared() { Policy::Suspect } else { policy }
    }

    fn unix(&self, now: Instant) -> u64 {
        self.epoch.saturating_add(now.micros() / 1_000_000)
    }
}

fn seconds(now: Instant) -> u32 {
    (now.micros() / 1_000_000) as u32
}

/// The opinion of the greater weight.
pub(super) fn strictest(one: Option<Opinion>, other: Option<Opinion>) -> Option<Opinion> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.policy > one.policy { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// Why sessions with a server of a verdict are cut off; nothing if they aren't.
pub(super) fn proof(verdict: EndpointVerdict) -> Option<(Source, Finding)> {
    let (source, dialect, why) = match verdict {
        EndpointVerdict::Pool(Origin::Probe, dialect) => {
            (Source::Probe, dialect, "the server answers a probe as pools do")
        }
        EndpointVerdict::Pool(_, dialect) => (Source::Intel, dialect, "entered as a pool by hand"),
        EndpointVerdict::StronglySuspected => {
            (Source::Probe, None, "strongly suspected, and the server doesn't say what it is")
        }
        EndpointVerdict::NotPool => return None,
    };
    Some((source, Finding::of(dialect, why)))
}

/// `list builtin: pool.example`.
fn finding(found: &ListMatch<'_>, how: &str) -> Finding {
    let mut finding = Finding::default();
    let ListMatch { by, source, .. } = found;
    // What doesn't fit is cut off; a list's name comes from a file's.
    let mut text = heapless::String::<{ crate::limits::NAME_BYTES + 128 }>::new();
    let _ = write!(text, "list {source}: {by}{how}");
    crate::dpi::finding::push_escaped(&mut finding.evidence, text.as_bytes());
    finding
}
