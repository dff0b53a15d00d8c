//! Lists and name servers' answers applied to a flow.

use core::hash::BuildHasher;
use core::net::IpAddr;

use super::event::Source;
use super::intel_lookup::{Opinion, proof};
use super::pipeline::{DetectionCause, Pipeline};
use super::session::Session;
use super::sni_cache::KeptName;
use crate::dpi::finding::Finding;
use crate::dpi::naming::Naming;
use crate::intel::entry::Policy;
use crate::intel::reputation::view::{Called, EndpointVerdict};
use crate::net::authority::{Authority, AuthorityHost};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::net::packet::Datagram;
use crate::parse::dns::Resolution;
use crate::util::time::Instant;

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// Whether stage one's suspicion counts for nothing: the server has been asked and is no pool, or a list allows
    /// it.
    pub(super) fn clears(&self, session: &Session, now: Instant) -> bool {
        let (client, server) = (session.client().addr(), session.server());
        let allows =
            |opinion: Option<Opinion>| opinion.is_some_and(|opinion| opinion.policy == Policy::Allow);
        self.reputation(session) == Some(EndpointVerdict::NotPool)
            || allows(self.intel.of_endpoint(client, &server, now))
            || self.names.find(client, &server).is_some_and(|name| {
                let name = HostName::parse(name.as_bytes());
                name.is_some_and(|name| allows(self.intel.of_name(&name, server.port(), now)))
            })
    }

    /// The verdict on the server of `session`, by the name that its client has told it on this connection.
    pub(super) fn reputation(&self, session: &Session) -> Option<EndpointVerdict> {
        // Until a greeting was read that hides the rest, a name may come; another connection's is not this one's.
        if session.inspection.is_opaque() {
            self.reputation_by_name(session)
        } else {
            self.intel.verdict(session.client().addr(), &session.server(), Called::Unknown)
        }
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
        self.reputation_by_name(session).filter(|_| is_of_server).and_then(proof)
    }

    /// Why `client` is refused a connection to `server`, before anything was said; nothing if it isn't.
    pub(super) fn known_at(&self, client: &Endpoint, server: &Endpoint) -> Option<(Source, Finding)> {
        self.intel.verdict(client.addr(), server, Called::Unknown).and_then(proof)
    }

    /// Whether host or server of `session` is exempt, by the configuration or a list.
    pub(super) fn exempts(&self, session: &Session, now: Instant) -> bool {
        let client = session.client().addr();
        self.settings.allow.allows_host(client, self.neighbours.hw_addr(client))
            || self.exempts_server(&session.server(), now)
    }

    /// Whether sessions with `server` are exempt, by the configuration or a list.
    pub fn exempts_server(&self, server: &Endpoint, now: Instant) -> bool {
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
        let (client, server) = (session.client().addr(), session.server());
        match policy {
            Policy::Allow => None,
            Policy::Block => {
                self.prove(session, now);
                Some(DetectionCause::new(Source::Intel, finding))
            }
            Policy::Suspect => {
                session.mark_listed();
                // An answer that settles it makes every other question idle.
                let is_news = self.reputation(session).is_none() && self.intel.tells(client, server, now);
                is_news.then_some(DetectionCause::new(Source::Hint, finding))
            }
        }
    }

    /// Takes note of a datagram, if it is a name server's answer.
    pub(super) fn datagram(&mut self, datagram: &Datagram<'_>, now: Instant) {
        if datagram.src.port() == DNS_PORT
            && let Ok(resolution) = Resolution::read(datagram.payload)
        {
            self.resolve(datagram.dst.addr(), &resolution, now);
        }
    }

    /// Takes note of a name server's answer over TCP.
    pub(super) fn answered(&mut self, session: &Session, resolution: &Resolution, now: Instant) {
        if session.server().port() == DNS_PORT {
            self.resolve(session.client().addr(), resolution, now);
        }
    }

    fn resolve(&mut self, client: IpAddr, resolution: &Resolution, now: Instant) {
        self.counters.dns_answers = self.counters.dns_answers.saturating_add(1);
        self.intel.learn(client, resolution, now);
    }

    /// Takes note of the name by which the client calls its server, and looks it up. A name inside a tunnel is not
    /// that of the flow's server.
    pub(super) fn hear(&mut self, session: &Session, naming: &Naming, now: Instant) -> Option<Opinion> {
        let name = match naming {
            Naming::Proxy(target) => return self.intel.of_target(target, HTTP_PORT, now),
            // The tunnel's target has a port of its own, which is not said again; lists say least of the web's.
            Naming::Tls(name) if session.inspection.is_tunnelled() => {
                return self.intel.of_name(name.as_ref()?, HTTPS_PORT, now);
            }
            Naming::Http(_) if session.inspection.is_tunnelled() => return None,
            Naming::Tls(name) => name.as_ref(),
            Naming::Http(Authority { host: AuthorityHost::Name(name), .. }) => Some(name),
            Naming::Http(_) => None,
        };
        let (client, server) = (session.client().addr(), session.server());
        self.names.learn(client, server, name, now.stamp());
        self.intel.of_name(name?, server.port(), now)
    }

    /// The name by which the client has called its server, or which it has looked up.
    pub(super) fn server_name(&self, session: &Session, now: Instant) -> KeptName {
        let (client, server) = (session.client().addr(), session.server());
        let looked_up = || KeptName::try_from(self.intel.name_of(client, server.addr(), now)?).ok();
        self.names.find(client, &server).cloned().or_else(looked_up).unwrap_or_default()
    }
}

const DNS_PORT: u16 = 53;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
