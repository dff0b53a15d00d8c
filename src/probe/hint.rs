//! Prior knowledge of a server: the dialect to begin with.
//!
//! A hint decides nothing but the order of the questions, so a wrong one costs a question; a right one
//! saves the server, and the router, all others.

use crate::dpi::Wire;
use crate::dpi::signatures::Dialect;
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
        for dialect in shown.into_iter().chain(of_name(name)).chain(of_port(port)) {
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

/// The dialect by names that pools give the hosts of a coin: `xmr-eu1.nanopool.org`, `etc.2miners.com`, `pool.supportxmr.com`.
fn of_name(name: &str) -> Option<Dialect> {
    if name.contains("v2.stratum.") {
        return Some(Dialect::StratumV2);
    }
    let known = |word: &str| WORDS.iter().find(|(known, _)| *known == word).map(|(_, dialect)| *dialect);
    name.split('.').find_map(|label| {
        // "eth2", "us1"; but "sv2" means it.
        let bare = |word: &'_ str| known(word.trim_end_matches(|last: char| last.is_ascii_digit()));
        let by_word = label.split('-').find_map(|word| known(word).or_else(|| bare(word)));
        by_word.or_else(|| PARTS.iter().find(|(part, _)| label.contains(part)).map(|(_, dialect)| *dialect))
    })
}

/// Whole words of a host's name, digits behind them left out unless they stand here.
const WORDS: [(&str, Dialect); 50] = [
    ("sv2", Dialect::StratumV2),
    ("btc", Dialect::StratumV1),
    ("bch", Dialect::StratumV1),
    ("bsv", Dialect::StratumV1),
    ("ltc", Dialect::StratumV1),
    ("doge", Dialect::StratumV1),
    ("dash", Dialect::StratumV1),
    ("dgb", Dialect::StratumV1),
    ("dcr", Dialect::StratumV1),
    ("hns", Dialect::StratumV1),
    ("kda", Dialect::StratumV1),
    ("erg", Dialect::StratumV1),
    ("ergo", Dialect::StratumV1),
    ("vrsc", Dialect::StratumV1),
    ("rvn", Dialect::EthereumStratum1),
    ("neox", Dialect::EthereumStratum1),
    ("clore", Dialect::EthereumStratum1),
    ("kas", Dialect::Kaspa),
    ("kaspa", Dialect::Kaspa),
    ("alph", Dialect::Alephium),
    ("alephium", Dialect::Alephium),
    ("cfx", Dialect::Conflux),
    ("conflux", Dialect::Conflux),
    ("iron", Dialect::IronFish),
    ("ironfish", Dialect::IronFish),
    ("zec", Dialect::Equihash),
    ("zen", Dialect::Equihash),
    ("zcash", Dialect::Equihash),
    ("btg", Dialect::Equihash),
    ("flux", Dialect::Equihash),
    ("equihash", Dialect::Equihash),
    ("rx", Dialect::CryptoNote),
    ("xtm", Dialect::CryptoNote),
    ("sal", Dialect::CryptoNote),
    ("zeph", Dialect::CryptoNote),
    ("eth", Dialect::EthProxy),
    ("etc", Dialect::EthProxy),
    ("ethw", Dialect::EthProxy),
    ("zano", Dialect::EthProxy),
    ("grin", Dialect::Grin),
    ("mwc", Dialect::Grin),
    ("beam", Dialect::Beam),
    ("ckb", Dialect::Ckb),
    ("nervos", Dialect::Ckb),
    ("xel", Dialect::Xatum),
    ("xelis", Dialect::Xatum),
    ("dero", Dialect::GetworkWebSocket),
    ("nim", Dialect::Nimiq),
    ("nimiq", Dialect::Nimiq),
    ("duco", Dialect::DuinoCoin),
];
/// Parts of a label that are part of no other word.
const PARTS: [(&str, Dialect); 5] = [
    ("xmr", Dialect::CryptoNote),
    ("monero", Dialect::CryptoNote),
    ("ethermine", Dialect::EthProxy),
    ("nanopool", Dialect::EthProxy),
    ("duinocoin", Dialect::DuinoCoin),
];

/// The dialect by ports that software or a large pool gives to one dialect. Common ports give no hint.
fn of_port(port: u16) -> Option<Dialect> {
    // MoneroOcean's: 10,000 and a power of two, the starting difficulty; 10,000 more for TLS.
    let is_power =
        |base: u16| port.checked_sub(base).is_some_and(|port| port.is_power_of_two() && port <= 8_192);
    Some(match port {
        // Default ports of software: Grin's node and its test network's, Alephium's pool, Dero's
        // node, Duino-Coin's servers, the reference implementation of Stratum V2.
        3_416 | 13_416 => Dialect::Grin,
        20_032 => Dialect::Alephium,
        10_100 => Dialect::GetworkWebSocket,
        2_811..=2_814 => Dialect::DuinoCoin,
        34_254 | 34_255 | 34_265 => Dialect::StratumV2,
        // 2Miners, Nanopool and F2Pool, from their pages for miners.
        2_222 | 10_300 | 10_343 | 13_531 => Dialect::CryptoNote,
        3_030 => Dialect::Grin,
        5_252 => Dialect::Beam,
        4_300 | 6_464 => Dialect::Ckb,
        6_688 | 9_433 | 9_999 | 19_433 | 19_999 => Dialect::EthProxy,
        3_357 | 6_633 | 6_666 => Dialect::Equihash,
        6_060 | 10_400 | 10_443 => Dialect::EthereumStratum1,
        _ if is_power(10_000) || is_power(20_000) => Dialect::CryptoNote,
        _ => return None,
    })
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
            assert_eq!(of_name(name), Some(dialect), "{name}");
        }
        for name in ["", "example.com", "methods.example", "stratum2.example", "-", "7.1"] {
            assert_eq!(of_name(name), None, "{name}");
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
            assert_eq!(of_port(port), None, "{port}");
        }
        assert_eq!(
            (of_port(10_001), of_port(28_192)),
            (Some(Dialect::CryptoNote), Some(Dialect::CryptoNote))
        );
    }
}
