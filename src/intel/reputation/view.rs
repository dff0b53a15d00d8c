//! The store as the engine looks it up: immutable, built off the packet's way, swapped in whole.
//!
//! A look-up is a binary search in a sorted slice and a comparison of names: no lock, no allocation. What has
//! ended is left out when the next view is built, within a second.

use core::net::IpAddr;

use super::{Entry, Fact, Origin, Reach};
use crate::dpi::signatures::Dialect;
use crate::intel::Intel;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;

/// Name by which a client has called its server so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called<'a> {
    /// No name can have been told yet.
    Unknown,
    /// A greeting without a name.
    Nothing,
    /// This name.
    Name(&'a HostName),
}

/// Sessions with a server that a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All sessions, under any name of the server.
    All,
    /// Sessions that tell no name.
    Nameless,
    /// Sessions that tell this name.
    Named(Box<str>),
}

/// The engine's action on a session with a known server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointVerdict {
    /// The session is cut off.
    Pool(Origin, Option<Dialect>),
    /// The session is cut off by the user's choice (`probe_inconclusive 'block'`), for this client only.
    StronglySuspected,
    /// The session's traffic makes it no suspect.
    NotPool,
}

/// Facts about servers, in the order of servers.
#[derive(Debug, Default)]
pub struct View {
    facts: Box<[ServerFact]>,
    patterns: Option<Intel>,
}

#[derive(Debug)]
struct ServerFact {
    server: Endpoint,
    scope: Scope,
    client: Option<IpAddr>,
    origin: Origin,
    verdict: EndpointVerdict,
}

impl View {
    /// The verdict on `server`, which `client` has called `called`. Of several facts the one of the better
    /// source decides, then the one about fewer sessions.
    pub fn verdict(&self, client: IpAddr, server: &Endpoint, called: Called<'_>) -> Option<EndpointVerdict> {
        let first = self.facts.partition_point(|fact| fact.server < *server);
        let about = self.facts.get(first..)?.iter().take_while(|fact| fact.server == *server);
        let applies = |fact: &&ServerFact| {
            fact.client.is_none_or(|only| only == client)
                && match (&fact.scope, called) {
                    (Scope::All, _) | (Scope::Nameless, Called::Nothing) => true,
                    (Scope::Named(name), Called::Name(called)) => **name == *called.as_str(),
                    _ => false,
                }
        };
        let decides = about.filter(applies).max_by_key(|fact| (fact.origin, fact.scope != Scope::All));
        decides.map(|fact| fact.verdict)
    }

    /// The verdict on the server called `name` at `port`, whose address `client` leaves to a proxy.
    pub fn verdict_by_name(&self, client: IpAddr, name: &HostName, port: u16) -> Option<EndpointVerdict> {
        let applies = |fact: &&ServerFact| {
            fact.server.port() == port
                && fact.client.is_none_or(|only| only == client)
                && matches!(&fact.scope, Scope::Named(known) if **known == *name.as_str())
        };
        let decides = self.facts.iter().filter(applies).max_by_key(|fact| fact.origin);
        decides.map(|fact| fact.verdict)
    }

    /// Whether there is no fact about any server.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Whether there is any fact about `server`, under any name.
    pub fn knows(&self, server: &Endpoint) -> bool {
        self.facts.binary_search_by(|fact| fact.server.cmp(server)).is_ok()
    }

    /// Names, prefixes and suspicions: matched like a list.
    pub fn patterns(&self) -> Option<&Intel> {
        self.patterns.as_ref()
    }
}

/// Gathers a [`View`].
#[derive(Debug, Default)]
pub(crate) struct ViewBuilder {
    facts: Vec<ServerFact>,
}

impl ViewBuilder {
    /// Adds what `entry` says of the sessions of `scope`, if it decides anything about the server itself.
    /// `acts_on_doubt`: sessions of strongly suspected servers are cut off.
    pub(crate) fn add(&mut self, entry: &Entry, scope: Scope, acts_on_doubt: bool) {
        let verdict = match entry.fact {
            Fact::Pool => EndpointVerdict::Pool(entry.origin, entry.dialect),
            Fact::NotPool => EndpointVerdict::NotPool,
            Fact::StronglySuspected if acts_on_doubt => EndpointVerdict::StronglySuspected,
            Fact::StronglySuspected | Fact::Inconclusive | Fact::Suspect | Fact::Exempt => return,
        };
        let Some(server) = entry.subject.endpoint() else { return };
        let client = match entry.reach {
            Reach::House => None,
            Reach::Client(addr) => Some(addr),
        };
        self.facts.push(ServerFact { server, scope, client, origin: entry.origin, verdict });
    }

    /// Puts the facts in order; `patterns` are matched beside them.
    pub(crate) fn build(mut self, patterns: Option<Intel>) -> View {
        self.facts.sort_by_key(|fact| fact.server);
        View { facts: self.facts.into_boxed_slice(), patterns }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EvidenceText, Subject};
    use super::*;
    use crate::util::random::Random;

    fn entry(server: &Endpoint, fact: Fact, origin: Origin, reach: Reach) -> Entry {
        Entry {
            subject: Subject::server(server, None),
            fact,
            origin,
            reach,
            dialect: None,
            evidence: EvidenceText::new(),
            since: 0,
            until: 1,
        }
    }

    fn server(number: u8) -> Endpoint {
        Endpoint::new(IpAddr::from([192, 0, 2, number]), 443)
    }

    fn name(text: &str) -> HostName {
        HostName::parse(text.as_bytes()).expect(text)
    }

    const CLIENT: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 168, 1, 50));

    #[test]
    fn a_name_s_fact_is_nothing_to_its_neighbours() {
        let (pool, other) = (name("pool.example"), name("shop.example"));
        let mut builder = ViewBuilder::default();
        let fact = entry(&server(1), Fact::Pool, Origin::Probe, Reach::House);
        builder.add(&fact, Scope::Named("pool.example".into()), false);
        builder.add(&entry(&server(2), Fact::Pool, Origin::Probe, Reach::House), Scope::Nameless, false);
        let view = builder.build(None);
        let cuts = |number, called| view.verdict(CLIENT, &server(number), called).is_some();
        assert!(cuts(1, Called::Name(&pool)) && cuts(2, Called::Nothing));
        for called in [Called::Name(&other), Called::Nothing, Called::Unknown] {
            assert!(!cuts(1, called), "{called:?}");
        }
        assert!(!cuts(2, Called::Unknown) && !cuts(2, Called::Name(&pool)) && !cuts(3, Called::Unknown));
        assert!(view.knows(&server(1)) && !view.knows(&server(3)));
    }

    #[test]
    fn doubt_acts_for_its_client_alone_and_only_where_wished() {
        for acts in [false, true] {
            let mut builder = ViewBuilder::default();
            let fact = entry(&server(1), Fact::StronglySuspected, Origin::Probe, Reach::Client(CLIENT));
            builder.add(&fact, Scope::Nameless, acts);
            let view = builder.build(None);
            let verdict = |client| view.verdict(client, &server(1), Called::Nothing);
            assert_eq!(verdict(CLIENT), acts.then_some(EndpointVerdict::StronglySuspected));
            assert_eq!(verdict([192, 168, 1, 51].into()), None);
        }
    }

    /// The reference model goes through all facts, one by one.
    #[test]
    fn agrees_with_a_naive_reference_model() {
        let mut random = Random::new(7);
        let names = ["a.example", "b.example"].map(name);
        for _ in 0..200 {
            let mut builder = ViewBuilder::default();
            let mut all = Vec::new();
            for _ in 0..random.below(40) {
                let origin = Origin::ALL[random.below(3) as usize];
                let fact = [Fact::Pool, Fact::NotPool][random.below(2) as usize];
                let scope = match random.below(4) {
                    0 => Scope::All,
                    1 => Scope::Nameless,
                    number => Scope::Named(names[number as usize - 2].as_str().into()),
                };
                let at = server(random.below(6) as u8);
                builder.add(&entry(&at, fact, origin, Reach::House), scope.clone(), false);
                all.push((at, scope, origin, fact));
            }
            let view = builder.build(None);
            for number in 0..6 {
                for called in [Called::Unknown, Called::Nothing, Called::Name(&names[0])] {
                    let applies = |scope: &Scope| match called {
                        Called::Unknown => *scope == Scope::All,
                        Called::Nothing => *scope == Scope::All || *scope == Scope::Nameless,
                        Called::Name(called) => {
                            *scope == Scope::All || *scope == Scope::Named(called.as_str().into())
                        }
                    };
                    let best = all
                        .iter()
                        .filter(|(at, scope, ..)| *at == server(number) && applies(scope))
                        .map(|(_, scope, origin, _)| (*origin, *scope != Scope::All))
                        .max();
                    let expected: Vec<bool> = all
                        .iter()
                        .filter(|(at, scope, origin, _)| {
                            *at == server(number)
                                && applies(scope)
                                && Some((*origin, *scope != Scope::All)) == best
                        })
                        .map(|(.., fact)| *fact == Fact::Pool)
                        .collect();
                    let found = view.verdict(CLIENT, &server(number), called);
                    assert_eq!(found.is_some(), !expected.is_empty());
                    if let Some(found) = found {
                        assert!(expected.contains(&matches!(found, EndpointVerdict::Pool(..))));
                    }
                }
            }
        }
    }
}
