//! What a proof consists of, for the event that names the host.

use super::dialect::Dialect;

/// A proven mining session, as far as the wire tells.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// The protocol spoken.
    pub dialect: Option<Dialect>,
    /// Coin or algorithm, where a message names one ("rx/0", "kawpow", "ETH").
    pub coin: heapless::String<24>,
    /// The miner's own name and version, escaped.
    pub agent: heapless::String<64>,
    /// Wallet or user name, shortened: it identifies without leaking.
    pub wallet: heapless::String<24>,
    /// What was seen, in the field's words: "mining.subscribe from the client".
    pub evidence: heapless::String<96>,
}
