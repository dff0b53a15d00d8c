//! Findings in reports, in the words of the live events.

use std::path::PathBuf;

use serde::Serialize;

use crate::daemon::identity::accused;
use crate::dpi::signatures::Dialect;
use crate::engine::event::Detection;

/// A proof or a suspicion in a flow, in the words of the event log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowFinding {
    /// `dpi`, `probe`, `intel` or `hmm`.
    pub source: &'static str,
    /// Evidence, as text.
    #[serde(rename = "finding")]
    pub evidence: String,
    /// Hardware address of the client, where the link has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Name of the client by the DHCP leases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `confirmed`, `unconfirmed` or `conflict`, as in live events; none without leases to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<&'static str>,
    /// The name by which the client called its server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The server that the client asked a proxy for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether the server is the pool itself, as far as can be seen.
    pub server_is_pool: bool,
    /// Coin or algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coin: Option<String>,
    /// The miner's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The wallet, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
    /// The dialect spoken, where one was recognised.
    #[serde(skip)]
    pub dialect: Option<&'static str>,
    /// Whether it proves mining; otherwise it is a suspicion.
    #[serde(skip)]
    pub is_proof: bool,
}

impl FlowFinding {
    /// The finding of `detection`, with the host by the leases in `files`.
    pub fn new(detection: &Detection, files: &[PathBuf]) -> Self {
        let finding = FlowFinding::from(detection);
        if !files.iter().any(|file| file.exists()) {
            return finding;
        }
        let host = accused(files, detection.client.addr(), detection.hw_addr);
        FlowFinding { host: host.name, identity: Some(host.identity.name()), ..finding }
    }
}

impl From<&Detection> for FlowFinding {
    fn from(detection: &Detection) -> Self {
        let finding = &detection.finding;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        FlowFinding {
            source: detection.source.name(),
            evidence: finding.evidence.to_string(),
            mac: detection.hw_addr.map(|addr| addr.map(|byte| format!("{byte:02x}")).join(":")),
            host: None,
            identity: None,
            server_name: some(&detection.server_name),
            target: detection.target.as_ref().map(ToString::to_string),
            server_is_pool: detection.server_is_pool,
            coin: some(&finding.coin),
            agent: some(&finding.agent),
            wallet: some(&finding.wallet),
            dialect: finding.dialect.map(Dialect::name),
            is_proof: detection.source.is_proof(),
        }
    }
}
