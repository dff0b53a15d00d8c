//! What lists and name servers' answers do to a flow.

use core::hash::BuildHasher;
use core::net::IpAddr;

use super::Judge;
use crate::dpi::target::{Host, Naming, Target};
use crate::engine::Lesson;
use crate::engine::event::Source;
use crate::engine::knowledge::Opinion;
use crate::engine::names::KeptName;
use crate::engine::reader;
use crate::flow::{FlowRecord, FlowState};
use crate::intel::entry::Policy;
use crate::net::host_name::HostName;
use crate::net::packet::Datagram;
use crate::parse::dns::Resolution;
use crate::util::time::Instant;

impl<S: BuildHasher + Clone> Judge<S> {
    /// Whether something speaks for the server so strongly that its traffic makes it no suspect: it has been
    /// asked and is no pool, or a list allows it.
    pub(super) fn clears(&self, record: &FlowRecord, now: Instant) -> bool {
        let (client, server) = (record.client().addr(), record.server());
        let allows =
            |opinion: Option<Opinion>| opinion.is_some_and(|opinion| opinion.policy == Policy::Allow);
        self.learnt.find(&server) == Some(Lesson::NotPool)
            || allows(self.knowledge.of_endpoint(client, &server, now))
            || self.names.find(client, &server).is_some_and(|name| {
                let name = HostName::parse(name.as_bytes());
                name.is_some_and(|name| allows(self.knowledge.of_name(&name, server.port(), now)))
            })
    }

    /// Does as a list says, and answers whether that is worth telling.
    pub(super) fn heed(
        &mut self,
        record: &mut FlowRecord,
        opinion: Option<Opinion>,
        now: Instant,
    ) -> Option<Source> {
        let Opinion { policy, finding } = opinion?;
        let (client, server) = (record.client().addr(), record.server());
        let source = match policy {
            Policy::Allow => return None,
            Policy::Block => {
                reader::release(&mut self.assembly, record);
                record.state = FlowState::Mining;
                Source::Intel
            }
            Policy::Suspect => {
                // An answer that settles it makes every other question idle.
                if self.learnt.find(&server).is_some() || !self.knowledge.tells(client, server, now) {
                    return None;
                }
                Source::Hint
            }
        };
        self.dpi.finding = finding;
        Some(source)
    }

    /// Takes note of a datagram, if it is a name server's answer.
    pub(in crate::engine) fn datagram(&mut self, datagram: &Datagram<'_>, now: Instant) {
        if datagram.src.port() == DNS_PORT
            && let Ok(resolution) = Resolution::read(datagram.payload)
        {
            self.resolve(datagram.dst.addr(), &resolution, now);
        }
    }

    /// Takes note of a name server's answer over TCP.
    pub(super) fn answered(&mut self, record: &FlowRecord, resolution: &Resolution, now: Instant) {
        if record.server().port() == DNS_PORT {
            self.resolve(record.client().addr(), resolution, now);
        }
    }

    fn resolve(&mut self, client: IpAddr, resolution: &Resolution, now: Instant) {
        self.counters.dns_answers = self.counters.dns_answers.saturating_add(1);
        self.knowledge.learn(client, resolution, now);
    }

    /// Takes note of whom the client calls its server, and looks it up. What it says inside a tunnel is not
    /// meant for the flow's server.
    pub(super) fn hear(&mut self, record: &FlowRecord, naming: &Naming, now: Instant) -> Option<Opinion> {
        let name = match naming {
            Naming::Proxy(target) => return self.knowledge.of_target(target, HTTP_PORT, now),
            // It has a port of its own, which nobody says again. The web's is that of which least is thought.
            Naming::Tls(name) if record.inspection.is_tunnelled() => {
                return self.knowledge.of_name(name.as_ref()?, HTTPS_PORT, now);
            }
            Naming::Http(_) if record.inspection.is_tunnelled() => return None,
            Naming::Tls(name) => name.as_ref(),
            Naming::Http(Target { host: Host::Name(name), .. }) => Some(name),
            Naming::Http(_) => None,
        };
        let (client, server) = (record.client().addr(), record.server());
        self.names.learn(client, server, name, now.stamp());
        self.knowledge.of_name(name?, server.port(), now)
    }

    /// The name by which the client has called its server, or which it has looked up.
    pub(super) fn server_name(&self, record: &FlowRecord, now: Instant) -> KeptName {
        let (client, server) = (record.client().addr(), record.server());
        let looked_up = || KeptName::try_from(self.knowledge.name_of(client, server.addr(), now)?).ok();
        self.names.find(client, &server).cloned().or_else(looked_up).unwrap_or_default()
    }
}

const DNS_PORT: u16 = 53;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
