//! Shapes that only mining's values have: wallets, names of mining programs, algorithms, coins.

use crate::parse::tree::class;

/// Hexadecimal digits, at least `digits` of them.
fn hex(text: &[u8], digits: usize) -> bool {
    text.len() >= digits && class::of_all(text) & class::HEX != 0
}

/// A wallet address, with or without a worker behind it: an Ethereum address, a Bech32 one (BIP 173),
/// one with its chain's prefix (CashAddr), or one in Base58. Neither a word, an e-mail address, a
/// UUID nor a hash looks like that.
pub(crate) fn is_wallet(text: &[u8]) -> bool {
    let address = text.split(|byte| matches!(byte, b'.' | b'+' | b'/')).next().unwrap_or(text);
    if let Some(digits) = address.strip_prefix(b"0x") {
        return hex(digits, 40);
    }
    if !address.is_ascii() {
        return false;
    }
    let mut parts = address.splitn(2, |&byte| byte == b':');
    let (head, rest) = (parts.next().unwrap_or_default(), parts.next());
    match rest {
        Some(rest) if head.len() <= 12 => {
            is_lower_alphanumeric(head) && is_lower_alphanumeric(rest) && rest.len() >= 30
        }
        _ => is_bech32(head) || is_base58(head),
    }
}

/// The name of a mining program somewhere in `agent`, which is none that watches over miners.
pub(crate) fn is_miner(agent: &[u8]) -> bool {
    let agent = agent.get(..AGENT_BYTES).unwrap_or(agent);
    let is_named = MINERS.iter().any(|name| contains(agent, name.as_bytes()))
        || WORDS_OF_MINERS.iter().any(|name| begins_word(agent, name.as_bytes()))
        || is_some_miner(agent);
    is_named && !WATCHERS.iter().any(|name| contains(agent, name.as_bytes()))
}

/// The coin of a single-purpose program, or of a wallet that is no use for another coin.
pub(crate) fn coin_of(agent_or_wallet: &[u8]) -> Option<&'static str> {
    let begins = |name: &str| {
        agent_or_wallet.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
    };
    COINS.iter().find(|(name, _)| begins(name)).map(|(_, coin)| *coin)
}

/// The name of a proof-of-work algorithm as XMRig and its pools write it ("rx/0", "cn/r").
pub(crate) fn is_algorithm(text: &[u8]) -> bool {
    ALGORITHMS.iter().any(|name| text.starts_with(name.as_bytes()))
}

/// Whether `text` contains `word` (lower case), in any case.
pub(crate) fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether a word of `text` begins with `name`, in any case.
fn begins_word(text: &[u8], name: &[u8]) -> bool {
    let mut before = None;
    text.windows(name.len()).zip(text).any(|(window, byte)| {
        let is_inside = before.replace(*byte).is_some_and(|byte| byte.is_ascii_alphanumeric());
        !is_inside && window.eq_ignore_ascii_case(name)
    })
}

/// Whether `agent` has a name like `kaspa-miner` that isn't of those who dig in data.
fn is_some_miner(agent: &[u8]) -> bool {
    let at = agent.windows(MINER.len()).position(|window| window.eq_ignore_ascii_case(MINER));
    let Some(before) = at.and_then(|at| agent.get(..at)) else { return false };
    !DUG_IN.iter().any(|name| {
        let end = before.len().checked_sub(name.len()).and_then(|from| before.get(from..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn is_lower_alphanumeric(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_bech32(address: &[u8]) -> bool {
    let mut parts = address.splitn(2, |&byte| byte == b'1');
    let (prefix, data) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (2..=8).contains(&prefix.len())
        && prefix.iter().all(u8::is_ascii_lowercase)
        && is_lower_alphanumeric(data)
        && data.len() >= 30
}

fn is_base58(address: &[u8]) -> bool {
    // Bitcoin's have 33 or 34 letters, Monero's 95 or 106.
    (33..=200).contains(&address.len())
        && address
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l'))
        && address.iter().any(u8::is_ascii_digit)
        && address.iter().any(u8::is_ascii_uppercase)
        && address.iter().any(u8::is_ascii_lowercase)
}

/// Parts of the names of mining programs and firmware, lower case. A name from this list is one
/// marker among several, never proof.
const MINERS: [&str; 60] = [
    "xmrig",
    "poclbm",
    "diablominer",
    "ufasoft",
    "guiminer",
    "xmr-stak",
    "xmrstak",
    "xlarig",
    "cpuminer",
    "cgminer",
    "bfgminer",
    "sgminer",
    "ccminer",
    "nheqminer",
    "lolminer",
    "nbminer",
    "teamredminer",
    "srbminer",
    "bzminer",
    "onezerominer",
    "wildrig",
    "phoenixminer",
    "claymore",
    "ethminer",
    "kawpowminer",
    "progpowminer",
    "nanominer",
    "cryptodredge",
    "z-enemy",
    "gominer",
    "handyminer",
    "verthashminer",
    "hellminer",
    "jceminer",
    "castxmr",
    "deroluna",
    "astrominer",
    "tnn-miner",
    "kaspa-miner",
    "grin-miner",
    "ironfish-miner",
    "nicehash",
    "excavator",
    "braiins",
    "bosminer",
    "bmminer",
    "btminer",
    "whatsminer",
    "antminer",
    "nerdminer",
    "nmminer",
    "bitaxe",
    "stratum-miner",
    "chainweb-miner",
    "epic-miner",
    "mwc-miner",
    "xmr-node-proxy",
    "janusminer",
    "dynexsolve",
    "cast_xmr",
];

/// The same of names so short that other words end with them (`LogMiner`, `WebMiner`, `MiniZip`): a word begins so.
const WORDS_OF_MINERS: [&str; 13] = [
    "minerd/",
    "ewbf",
    "miniz/",
    "gminer",
    "t-rex/",
    "trex/",
    "trm/",
    "rigel/",
    "bminer",
    "zm/",
    "dstm",
    "avalonminer",
    "avalon nano",
];

/// The end of the name of many a mining program, and what others of that name dig in.
const MINER: &[u8] = b"-miner";
const DUG_IN: [&str; 16] = [
    "data", "text", "process", "task", "web", "url", "log", "rule", "pattern", "graph", "image", "news",
    "opinion", "review", "repo", "git",
];

/// What the names of programs say that look at miners and nodes for their owners.
const WATCHERS: [&str; 4] = ["monitor", "exporter", "dashboard", "explorer"];

/// First letters of the names of single-purpose programs and of the addresses of coins. Bitcoin's address
/// isn't among them: many pools pay in Bitcoin for any coin that is mined.
const COINS: [(&str, &str); 18] = [
    ("kaspa", "kaspa"),
    ("gominer/", "decred"),
    ("handyminer", "handshake"),
    ("hs1q", "handshake"),
    ("chainweb", "kadena"),
    ("k:", "kadena"),
    ("kawpowminer", "kawpow"),
    ("nheqminer", "zcash"),
    ("grin-miner", "grin"),
    ("ironfish", "ironfish"),
    ("verthashminer", "vertcoin"),
    ("xelis", "xelis"),
    ("xel:", "xelis"),
    ("nerdminer", "bitcoin"),
    ("cfx:", "conflux"),
    ("ckb1", "ckb"),
    ("ckt1", "ckb"),
    ("nexa:", "nexa"),
];

/// First letters of the names of the CryptoNote family's algorithms (XMRig's algorithm list).
const ALGORITHMS: [&str; 11] = [
    "rx/",
    "cn/",
    "cn-",
    "argon2/chukwa",
    "argon2/ninja",
    "argon2/wrkz",
    "kawpow",
    "ghostrider",
    "randomx",
    "cryptonight",
    "astrobwt",
];

/// Bytes of an agent that are searched for the names above; the longest known has 120.
const AGENT_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wallets_are_told_from_words() {
        for wallet in [
            "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
            "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A.rig+9",
            "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A:x",
            "0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4/mail@example.test",
            "bc1qcrsk8wwmfaumqtlstm2clpacavsdu6smr0eyds",
            "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
            "kaspa:qz8v4c8g6k0f5d3s2a9p7l6m4n3j2h1g0f9e8d7c6b5a4s3d2f1g0.rig",
        ] {
            assert!(is_wallet(wallet.as_bytes()), "{wallet}");
        }
        for word in [
            "",
            "bob",
            "user3802.worker",
            "a.very.long.name.of.somebody.with.many.dots",
            "first-middle-last-name-1234567890-ABC@example.test",
            "f0746452-7c89-3e90-6b75-df2085a4ce3f",
            "4adf702bfa06ce7aca402261eee1fbe13619bf69ec5b52dbc4144fd3cda1250a",
            "https://example.test:8080/a/path/that/is/long/enough",
            "0x42",
            "Zürich1Zürich1Zürich1Zürich1Zürich1",
        ] {
            assert!(!is_wallet(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn miners_are_told_by_name_in_any_case_and_place() {
        assert!(is_miner(b"XMRig/6.26.0") && is_miner(b"renamed cgMINER 4") && is_miner(b"Antminer S19/550"));
        assert!(is_miner(b"T-Rex/0.26.8") && is_miner(b"(GMiner/3.44)") && is_miner(b"rusty-kaspa-miner"));
        assert!(
            !is_miner(b"")
                && !is_miner(b"Mozilla/5.0")
                && !is_miner(b"DataMiner/2.0")
                && !is_miner(b"process-miner/1.0")
                && !is_miner(b"Oracle LogMiner 19")
                && !is_miner(b"MiniZinc/2.8")
                && !is_miner(b"ethminer_exporter/1.0")
                && !is_miner(b"curl/8")
        );
        assert!(!is_miner(&[b'x'; 4_000]));
    }
}
