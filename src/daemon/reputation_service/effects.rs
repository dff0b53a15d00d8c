//! Effects of entries: the engine's view, and elements of the kernel's sets.

use super::{ReputationService, Traffic};
use crate::config::InconclusiveAction;
use crate::intel::entry::{self, Pattern, Policy, Ports, What};
use crate::intel::reputation::view::{self, Scope, View};
use crate::intel::reputation::{Entry, Fact, Origin, Subject};
use crate::intel::{Builder, Intel};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::rules::Elements;

impl ReputationService {
    /// The elements of the kernel's sets, as text for nft. Nothing where the kernel is not to block.
    pub(crate) fn elements(&self, traffic: &impl Traffic) -> String {
        self.servers(traffic).into_text() + &self.answers(traffic).into_text()
    }

    /// Servers that are blocked for every client and every name, by an answer of theirs or by a list.
    pub(super) fn servers(&self, traffic: &impl Traffic) -> Elements {
        let mut elements = Elements::default();
        if !self.settings.fills_kernel {
            return elements;
        }
        let now = self.wall_clock();
        for entry in self.entries() {
            let is_blocked = match entry.origin {
                Origin::Operator => entry.fact == Fact::Pool && entry.subject.name().is_none(),
                Origin::Probe => !self.settings.learn.is_zero() && self.is_everybodys(entry, traffic),
                Origin::Fleet => false,
            };
            let server = entry.subject.endpoint().filter(|server| is_blocked && !traffic.exempts(server));
            if let Some(server) = server {
                elements.server(&server, entry.until.saturating_sub(now));
            }
        }
        for (addr, ports, seconds) in traffic.refused_addresses() {
            elements.listed(addr, ports, seconds);
        }
        elements
    }

    /// Addresses that name servers gave a client for names that a list blocks.
    pub(super) fn answers(&self, traffic: &impl Traffic) -> Elements {
        let mut elements = Elements::default();
        if self.settings.fills_kernel {
            for (client, addr, ports, seconds) in traffic.refused_answers() {
                elements.resolved(client, addr, ports, seconds);
            }
        }
        elements
    }

    /// Servers that a probe has found, and that are blocked for every client and every name.
    pub(super) fn everybodys_servers(&self, traffic: &impl Traffic) -> Vec<Endpoint> {
        let everybodys = self.entries().filter(|entry| self.is_everybodys(entry, traffic));
        everybodys.filter_map(|entry| entry.subject.endpoint()).collect()
    }

    /// Whether `entry`, a probe's, is about everything at its address and port: the server answers as a pool
    /// where no name is told, and neither the list of shared addresses nor a DNS answer seen here nor another
    /// probe knows of anything else there.
    pub(super) fn is_everybodys(&self, entry: &Entry, traffic: &impl Traffic) -> bool {
        if (entry.origin, entry.fact) != (Origin::Probe, Fact::Pool) || entry.subject.name().is_some() {
            return false;
        }
        let Some(server) = entry.subject.endpoint() else { return false };
        if self.settings.blocks_shared {
            return true;
        }
        let at_address = |other: &&Entry| {
            other.origin == Origin::Probe
                && other.subject.endpoint().is_some_and(|at| at.addr() == server.addr())
        };
        let pools: Vec<&HostName> = (self.entries().filter(at_address))
            .filter(|other| other.fact == Fact::Pool)
            .filter_map(|other| other.subject.name())
            .collect();
        let is_something_else =
            |other: &Entry| other.fact == Fact::NotPool && other.subject.endpoint() == Some(server);
        !self.is_on_shared_list(&server)
            && !self.entries().any(is_something_else)
            && !if is_by_line(entry, &server) {
                traffic.carries_several(server.addr())
            } else {
                traffic.carries_others(server.addr(), &pools)
            }
    }

    /// The engine's view of the store.
    pub(super) fn view(&self, traffic: &impl Traffic) -> View {
        let acts_on_doubt = self.settings.on_inconclusive == InconclusiveAction::Block;
        let mut facts = view::ViewBuilder::default();
        for entry in self.entries() {
            let scope = match (entry.origin, entry.subject.name()) {
                (_, Some(name)) => Scope::Named(name.as_str().into()),
                (Origin::Probe, None) if !self.is_everybodys(entry, traffic) => Scope::Nameless,
                (_, None) => Scope::All,
            };
            facts.add(entry, scope, acts_on_doubt);
        }
        facts.build(self.patterns())
    }

    /// Entries that are matched like a list: names, prefixes, exemptions and suspicions.
    fn patterns(&self) -> Option<Intel> {
        let mut builder = Builder::new(usize::MAX);
        for origin in [Origin::Operator, Origin::Fleet] {
            // Two lists of any length are not too many.
            let _ = builder.begin(origin.name());
            for entry in self.entries().filter(|entry| entry.origin == origin) {
                let Some(policy) = entry.fact.policy() else { continue };
                let is_fact = policy == Policy::Block && entry.subject.endpoint().is_some();
                if !is_fact {
                    let pattern = pattern_of(&entry.subject);
                    let _ = builder.add(&entry::ListEntry { pattern, policy, expires: None });
                }
            }
        }
        (!builder.is_empty()).then(|| builder.build().0)
    }
}

/// Whether the server of `entry` answered a line over TCP at a port of its own: no name is told there, so one name that
/// clients look up is the pool's.
fn is_by_line(entry: &Entry, server: &Endpoint) -> bool {
    entry.evidence.starts_with("tcp: ") && Ports::NonWeb.contain(Some(server.port()))
}

/// Pattern that matches `subject` in a list; of a name at an address, the name.
fn pattern_of(subject: &Subject) -> Pattern {
    match subject {
        Subject::Pattern(pattern) => pattern.clone(),
        Subject::NameAt { name, at } => {
            Pattern { what: What::Name(name.clone()), ports: Ports::One(at.port()) }
        }
    }
}
