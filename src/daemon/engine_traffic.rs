//! The engines, as the reputation service sees them.

use std::net::IpAddr;

use super::queue_threads::QueueThreads;
use super::reputation_service::Traffic;
use crate::engine::Engine;
use crate::intel::entry::Ports;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::util::half_sip::TableKey;
use crate::util::time::Instant;

/// The engines, as far as the reputation service has to know of them. Lists and name servers' answers are the same in all
/// of them, so the main loop's is asked.
pub(super) struct EngineTraffic<'a> {
    pub engine: &'a Engine<TableKey>,
    pub others: &'a QueueThreads,
    pub now: Instant,
}

impl Traffic for EngineTraffic<'_> {
    fn exempts(&self, server: &Endpoint) -> bool {
        self.engine.exempts(server, self.now)
    }

    fn carries_others(&self, addr: IpAddr, names: &[&HostName]) -> bool {
        self.engine.carries_others(addr, names, self.now)
    }

    fn carries_several(&self, addr: IpAddr) -> bool {
        self.engine.carries_several(addr, self.now)
    }

    fn suspects(&self, client: &Endpoint, server: &Endpoint) -> bool {
        self.engine.suspects(client, server, self.now) || self.others.suspects(client, server)
    }

    fn refused_addresses(&self) -> Vec<(IpAddr, Ports, u64)> {
        self.engine.refused_addresses(self.now)
    }

    fn refused_answers(&self) -> Vec<(IpAddr, IpAddr, Ports, u64)> {
        self.engine.refused_answers(self.now)
    }
}
