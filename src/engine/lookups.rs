//! Lists and name servers' answers applied to a flow.

use core::hash::BuildHasher;
use core::net::IpAddr;
use std::sync::Arc;

use super::dns_cache::{AnswerReceiver, ROUTER};
use super::event::Source;
use super::intel_lookup::{Opinion, proof, strictest};
use super::peers::{PeerFact, Peers};
use super::pipeline::{DetectionCause, Pipeline};
use super::reassembly::Heard;
use super::session::Session;
use super::sni_cache::KeptName;
use super::tunnels::ProxyTarget;
use crate::dpi::finding::Finding;
use crate::dpi::naming::Naming;
use crate::flow::table::FlowRecord;
use crate::intel::entry::Policy;
use crate::intel::reputation::view::{Called, EndpointVerdict};
use crate::net::authority::{Authority, AuthorityHost};
use crate::net::client_id::ClientId;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::net::packet::Datagram;
use crate::parse::dns::Resolution;
use crate::util::time::Instant;

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// Hash of the client at this address, for fair shares.
    pub(super) fn owner_of(&self, client: IpAddr) -> u32 {
        self.owner_from(client, self.neighbours.hw_addr(client))
    }

    /// The same of one whose packet comes from `hw_addr`.
    pub(super) fn owner_from(&self, client: IpAddr, hw_addr: Option<[u8; 6]>) -> u32 {
        self.hasher.hash_one(ClientId::of(client, hw_addr)) as u32
    }

    /// Notes that `client` sends from `hw_addr`. Which answers of name servers are its own may depend on that.
    pub(super) fn learn_neighbour(&mut self, client: IpAddr, hw_addr: Option<[u8; 6]>, now: Instant) {
        let Some(new) = hw_addr.filter(|_| self.neighbours.hw_addr(client) != hw_addr) else { return };
        self.take_neighbour(client, new);
        let owner = self.owner_from(client, hw_addr);
        if let Some(peers) = &mut self.peers {
            peers.tell_within_budget(&PeerFact::Neighbour(client, new), owner, now);
        }
    }

    fn take_neighbour(&mut self, client: IpAddr, hw_addr: [u8; 6]) {
        self.neighbours.learn(client, Some(hw_addr));
        self.intel.note_neighbour(client);
    }

    /// Takes over what engines of other queues have learned.
    pub(super) fn hear_peers(&mut self, now: Instant) {
        while let Some(fact) = self.peers.as_ref().and_then(Peers::hear) {
            match fact {
                PeerFact::Answer(answer) => self.intel.learn(answer.0, &answer.1, now),
                PeerFact::Neighbour(client, hw_addr) => self.take_neighbour(client, hw_addr),
            }
        }
    }

    /// Draws the conclusions from proof and names in what was heard.
    pub(super) fn conclude(
        &mut self,
        session: &mut Session,
        heard: &mut Heard,
        at: Instant,
    ) -> Option<DetectionCause> {
        let hears_name = heard.naming.is_some() || heard.target.is_some();
        let opinion = if heard.says_names() { self.take_names(session, heard, at) } else { None };
        if let Some(finding) = heard.proof.take() {
            self.prove(session, at);
            return Some(DetectionCause::new(Source::Dpi, finding));
        }
        if hears_name && let Some((source, finding)) = self.known_by_name(session) {
            self.prove(session, at);
            return Some(DetectionCause::new(source, finding));
        }
        opinion.and_then(|opinion| self.heed(session, opinion, at))
    }

    /// Whether stage one's suspicion counts for nothing: the server has been asked and is no pool, or a list allows
    /// it.
    pub(super) fn clears(&self, session: &Session, now: Instant) -> bool {
        let (client, server) = (session.client().addr(), session.server());
        let receiver = AnswerReceiver::of(session);
        let allows =
            |opinion: Option<Opinion>| opinion.is_some_and(|opinion| opinion.policy == Policy::Allow);
        self.reputation(session) == Some(EndpointVerdict::NotPool)
            || self.target(session).is_some_and(|target| allows(self.intel.of_proxy_target(target, now)))
            || allows(self.intel.of_endpoint(receiver, &server, now))
            || self.names.find(client, &server).is_some_and(|name| {
                let name = HostName::parse(name.as_bytes());
                name.is_some_and(|name| allows(self.intel.of_name(&name, server.port(), now)))
            })
    }

    /// The verdict on the server of `session`, by the name that its client has told it on this connection.
    pub(super) fn reputation(&self, session: &Session) -> Option<EndpointVerdict> {
        if self.intel.knows_nothing() {
            return None;
        }
        if let Some(verdict) = self.reputation_of_target(session) {
            return Some(verdict);
        }
        // Until a greeting was read that hides the rest, a name may come; another connection's is not this one's.
        if session.inspection.is_opaque() {
            self.reputation_by_name(session)
        } else {
            self.intel.verdict(session.client().addr(), &session.server(), Called::Unknown)
        }
    }

    /// The server that the client of `session` has asked a proxy for.
    pub(super) fn target(&self, session: &Session) -> Option<&ProxyTarget> {
        if !session.inspection.names_target() {
            return None;
        }
        self.tunnels.target(session.key())
    }

    /// The server that the client of `session` talks with, as endpoints are compared: the one behind a proxy.
    pub(super) fn destination(&self, session: &Session) -> Endpoint {
        self.target(session).map_or(session.server(), |target| self.tunnels.stand_in(target))
    }

    /// What is known of the server that the client asks a proxy for.
    fn reputation_of_target(&self, session: &Session) -> Option<EndpointVerdict> {
        let target = self.target(session)?;
        let name = target.host_name();
        let called = match &name {
            _ if !session.inspection.is_opaque() => Called::Unknown,
            Some(name) => Called::Name(name),
            None => Called::Nothing,
        };
        self.intel.verdict_of_target(session.client().addr(), target, called)
    }

    fn reputation_by_name(&self, session: &Session) -> Option<EndpointVerdict> {
        let (client, server) = (session.client().addr(), session.server());
        if !self.intel.knows(&server) {
            return None;
        }
        let name = self.names.find(client, &server).and_then(|name| HostName::parse(name.as_bytes()));
        let called = name.as_ref().map_or(Called::Nothing, Called::Name);
        self.intel.verdict(client, &server, called)
    }

    /// Why the session is cut off now that its client has told its server's name; nothing if it isn't.
    pub(super) fn known_by_name(&self, session: &Session) -> Option<(Source, Finding)> {
        let is_of_server = !session.inspection.is_tunnelled();
        let of_server = || self.reputation_by_name(session).filter(|_| is_of_server);
        self.reputation_of_target(session).or_else(of_server).and_then(proof)
    }

    /// Why `client` is refused a connection to `server`, before anything was said; nothing if it isn't.
    pub(super) fn known_at(
        &self,
        client: AnswerReceiver,
        server: &Endpoint,
        now: Instant,
    ) -> Option<(Source, Finding)> {
        let by_list = || {
            let opinion = self.intel.of_endpoint(client, server, now);
            let opinion = opinion.filter(|opinion| opinion.policy == Policy::Block)?;
            Some((Source::Intel, opinion.finding))
        };
        self.intel.verdict(client.client, server, Called::Unknown).and_then(proof).or_else(by_list)
    }

    /// Whether host or server of `session` is exempt, by the configuration or a list.
    pub(super) fn exempts(&self, session: &Session, now: Instant) -> bool {
        let client = session.client().addr();
        let allow = &self.settings.allow;
        (!allow.hosts.is_empty() && allow.allows_host(client, self.neighbours.hw_addr(client)))
            || self.exempts_server(&session.server(), now)
    }

    /// Whether sessions with `server` are exempt, by the configuration or a list.
    pub(super) fn exempts_server(&self, server: &Endpoint, now: Instant) -> bool {
        self.settings.allow.allows_endpoint(server) || self.intel.exempts(server, now)
    }

    /// Does as a list says; answers a notice if that is worth telling.
    pub(super) fn heed(
        &mut self,
        session: &mut Session,
        opinion: Opinion,
        now: Instant,
    ) -> Option<DetectionCause> {
        let Opinion { policy, finding } = opinion;
        let client = session.client().addr();
        let server = self.destination(session);
        match policy {
            Policy::Allow => None,
            Policy::Block => {
                self.prove(session, now);
                Some(DetectionCause::new(Source::Intel, finding))
            }
            Policy::Suspect => {
                session.mark_listed();
                // An answer that settles it makes every other question idle.
                let is_news = self.reputation(session).is_none()
                    && self.intel.tells(client, session.owner(), server, now);
                is_news.then_some(DetectionCause::new(Source::Hint, finding))
            }
        }
    }

    /// Takes note of a datagram from `hw_addr`, if it is a question to a name server or the answer to one that was seen.
    pub(super) fn datagram(&mut self, datagram: &Datagram<'_>, hw_addr: Option<[u8; 6]>, now: Instant) {
        let Datagram { src, dst, payload } = datagram;
        let second = (now.micros() / 1_000_000) as u32;
        if dst.port() == DNS_PORT {
            let asker = AnswerReceiver::new(src.addr(), self.owner_from(src.addr(), hw_addr));
            self.questions.note(asker, src.port(), dst, payload, second);
        } else if src.port() == DNS_PORT
            && let Some(asker) = self.questions.owner(dst, src, payload, second)
            && let Ok(resolution) = Resolution::read(payload)
        {
            let receiver = self.resolve(AnswerReceiver::new(dst.addr(), asker), &resolution, now);
            // The rules limit how many there are.
            if let Some(peers) = &mut self.peers {
                peers.tell(&PeerFact::Answer(Arc::new((receiver, resolution))));
            }
        }
    }

    /// Takes over the names that a message told: the client's for its server, a proxy's target, a DNS answer. The
    /// strictest opinion of the lists on them comes back.
    pub(super) fn take_names(
        &mut self,
        session: &Session,
        heard: &mut Heard,
        now: Instant,
    ) -> Option<Opinion> {
        let target = heard.target.take().and_then(|target| self.hear(session, &Naming::Proxy(target), now));
        let name = heard.naming.as_ref().and_then(|naming| self.hear(session, naming, now));
        if let Some(resolution) = &heard.resolution {
            self.answered(session, resolution, now);
        }
        strictest(target, name)
    }

    /// Takes note of a name server's answer over TCP.
    fn answered(&mut self, session: &Session, resolution: &Resolution, now: Instant) {
        if session.server().port() == DNS_PORT {
            let receiver = self.resolve(AnswerReceiver::of(session), resolution, now);
            if let Some(peers) = &mut self.peers {
                let answer = Arc::new((receiver, resolution.clone()));
                peers.tell_within_budget(&PeerFact::Answer(answer), session.owner(), now);
            }
        }
    }

    /// Whether `addr` is known to be no address of this side.
    pub(super) fn is_stranger(&self, addr: IpAddr) -> bool {
        !self.networks.is_empty() && !self.networks.contains(addr)
    }

    /// Takes note of an answer; the receiver as it counts.
    fn resolve(
        &mut self,
        mut receiver: AnswerReceiver,
        resolution: &Resolution,
        now: Instant,
    ) -> AnswerReceiver {
        self.counters.dns_answers = self.counters.dns_answers.saturating_add(1);
        // The router's own resolver asks for every client, and is told first.
        if self.is_stranger(receiver.client) {
            receiver.owner = ROUTER;
        }
        self.intel.learn(receiver, resolution, now);
        receiver
    }

    /// Takes note of the name by which the client calls its server, and looks it up. A name inside a tunnel is not
    /// that of the flow's server.
    fn hear(&mut self, session: &Session, naming: &Naming, now: Instant) -> Option<Opinion> {
        let name = match naming {
            Naming::Proxy(target) => {
                self.tunnels.open(*session.key(), session.owner(), target, HTTP_PORT, now.stamp());
                return self.intel.of_target(target, HTTP_PORT, now);
            }
            // The tunnel's target has a port of its own, which is not said again; lists say least of the web's.
            Naming::Tls(name) if session.inspection.is_tunnelled() => {
                let name = name.as_ref()?;
                self.tunnels.tell_name(session.key(), name);
                return self.intel.of_name(name, HTTPS_PORT, now);
            }
            Naming::Http(_) if session.inspection.is_tunnelled() => return None,
            Naming::Tls(name) => name.as_ref(),
            Naming::Http(Authority { host: AuthorityHost::Name(name), .. }) => Some(name),
            Naming::Http(_) => None,
        };
        let (client, server) = (session.client().addr(), session.server());
        self.names.learn(client, session.owner(), server, name, now.stamp());
        self.intel.of_name(name?, server.port(), now)
    }

    /// The name by which the client has called its server, or which it has looked up.
    pub(super) fn server_name(&self, session: &Session, now: Instant) -> KeptName {
        let (client, server) = (session.client().addr(), session.server());
        let looked_up =
            || KeptName::try_from(self.intel.name_of(AnswerReceiver::of(session), server.addr(), now)?).ok();
        self.names.find(client, &server).cloned().or_else(looked_up).unwrap_or_default()
    }
}

const DNS_PORT: u16 = 53;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
