//! What the ClientHello of a session adds to its evidence: a small constant, never a verdict.
//!
//! A miner's TLS library is used with nothing set; browsers and applications offer protocols, and browsers send values
//! reserved for GREASE. Measured on long TLS sessions, shares of 247 captured mining ones (XMRig, minerd, cpuminer-opt
//! and scripts over OpenSSL) and of about 950 of public captures:
//!
//! | ClientHello | mining | public | ratio, bits | here |
//! |---|---|---|---|---|
//! | no server name, no protocols | .58 | .37 | +0.6 | +0.5 |
//! | server name, no protocols | .28 | .21 | +0.4 | +0.5 |
//! | protocols (ALPN) | .14 | .42 | -1.6 | -1.5 |
//! | GREASE | none | .09 | below -4 | -2 |
//!
//! A miner can send any ClientHello, so none takes away more than two bits: less than two shares bring.

use super::RATIO_ONE;
use crate::dpi::TlsClient;

/// The prior of a session with this client, in [`RATIO_ONE`]ths of a bit; none where there is no ClientHello.
pub(crate) fn prior(client: Option<TlsClient>) -> i32 {
    let half_bits = match client {
        Some(TlsClient::Bare | TlsClient::Named) => 1,
        Some(TlsClient::Negotiates) => -3,
        Some(TlsClient::Greases) => -4,
        None => 0,
    };
    half_bits * RATIO_ONE / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_is_worth_two_bits_at_most() {
        use TlsClient::{Bare, Greases, Named, Negotiates};
        let clients = [None, Some(Bare), Some(Named), Some(Negotiates), Some(Greases)];
        let priors = clients.map(prior);
        assert_eq!(priors, [0, 32, 32, -96, -128]);
        assert!(priors.iter().all(|prior| prior.abs() <= 2 * RATIO_ONE));
    }
}
