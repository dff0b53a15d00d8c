//! Prior knowledge of a server: the dialect to begin with.
//!
//! A hint decides nothing but the order of the questions, so a wrong one costs a question; a right one
//! saves the server, and the router, all others.

use crate::dpi::Wire;
use crate::dpi::signatures::{Dialect, hinted_by_name, hinted_by_port};
use crate::limits::PROBE_HINTS;

/// Prior knowledge, the surest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Dialects that it may speak.
    pub dialects: heapless::Vec<Dialect, PROBE_HINTS>,
    /// First protocol of the suspected session.
    pub wire: Wire,
}

impl Hints {
    /// Hints about a server at `port`, called `name` (empty if unknown), after a session that has shown `shown`
    /// and begun as `wire` says.
    pub fn new(shown: Option<Dialect>, wire: Wire, name: &str, port: u16) -> Self {
        let mut hints = Hints { dialects: heapless::Vec::new(), wire };
        for dialect in shown.into_iter().chain(hinted_by_name(name)).chain(hinted_by_port(port)) {
            if !hints.dialects.contains(&dialect) {
                // The least sure is what there is no room for.
                let _ = hints.dialects.push(dialect);
            }
        }
        hints
    }

    /// Nothing but a dialect.
    pub fn of(dialect: Dialect) -> Self {
        Hints::new(Some(dialect), Wire::default(), "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_pools_give_their_hosts() {
        for (name, dialect) in [
            ("xmr-eu1.nanopool.org", Dialect::CryptoNote),
            ("pool.supportxmr.com", Dialect::CryptoNote),
            ("gulf.moneroocean.stream", Dialect::CryptoNote),
            ("donate.v2.xmrig.com", Dialect::CryptoNote),
            ("etc.2miners.com", Dialect::EthProxy),
            ("us2.ethermine.org", Dialect::EthProxy),
            ("eth-de.flexpool.io", Dialect::EthProxy),
            ("us-beam.2miners.com", Dialect::Beam),
            ("grin2.example", Dialect::Grin),
            ("ckb.f2pool.com", Dialect::Ckb),
            ("v2.stratum.braiins.com", Dialect::StratumV2),
            ("sv2.example", Dialect::StratumV2),
            ("btc-us.f2pool.com", Dialect::StratumV1),
            ("community-pools.mysrv.kaspa.example", Dialect::Kaspa),
            ("pool.nimiq.example", Dialect::Nimiq),
        ] {
            assert_eq!(hinted_by_name(name), Some(dialect), "{name}");
        }
        for name in ["", "example.com", "methods.example", "stratum2.example", "-", "7.1"] {
            assert_eq!(hinted_by_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_surest_comes_first_and_once() {
        let hints = Hints::new(Some(Dialect::Beam), Wire::default(), "xmr.pool.example", 13_531);
        assert_eq!(hints.dialects[..], [Dialect::Beam, Dialect::CryptoNote]);
        let hints = Hints::new(None, Wire::default(), "", 10_128);
        assert_eq!(hints.dialects[..], [Dialect::CryptoNote]);
        assert_eq!(Hints::new(None, Wire::default(), "mail.example", 443), Hints::default());
    }

    #[test]
    fn ports_of_everybody_say_nothing() {
        for port in [0, 1, 25, 80, 443, 3_333, 4_444, 5_555, 7_777, 8_080, 8_443, 9_000, 10_003, 65_535] {
            assert_eq!(hinted_by_port(port), None, "{port}");
        }
        assert_eq!(
            (hinted_by_port(10_001), hinted_by_port(28_192)),
            (Some(Dialect::CryptoNote), Some(Dialect::CryptoNote))
        );
    }
}
