//! What the values of mining messages look like.

use crate::dpi::json::Value;

/// A string of at least `digits` hexadecimal digits, with `0x` or without.
pub(super) fn is_hex(value: Value<'_>, digits: usize) -> bool {
    value.holds(|text| hex(text, digits))
}

/// Like [`is_hex`], of a value that may be missing.
pub(super) fn has_hex(value: Option<Value<'_>>, digits: usize) -> bool {
    value.is_some_and(|value| is_hex(value, digits))
}

/// A string or a number: what identifiers are, be it of a job or a request.
pub(super) fn is_name(value: Value<'_>) -> bool {
    value.is_string() || value.is_number()
}

/// Hexadecimal digits, at least `digits` of them, with `0x` or without.
pub(super) fn hex(text: &[u8], digits: usize) -> bool {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    text.len() >= digits.max(1) && text.iter().all(u8::is_ascii_hexdigit)
}

/// A wallet address, with or without a worker behind it: an Ethereum address, a Bech32 one (BIP 173),
/// one with its chain's prefix (CashAddr), or one in Base58. Neither a word, an e-mail address, a
/// UUID nor a hash looks like that.
pub(super) fn is_wallet(text: &[u8]) -> bool {
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

/// The name of a mining program somewhere in `agent`.
pub(super) fn is_miner(agent: &[u8]) -> bool {
    MINERS.iter().any(|name| contains(agent, name))
}

/// The coin or algorithm that a program mines which mines nothing else.
pub(super) fn coin_of_agent(agent: &[u8]) -> Option<&'static str> {
    COINS.iter().find(|(name, _)| contains(agent, name)).map(|(_, coin)| *coin)
}

/// The name of a proof-of-work algorithm as XMRig and its pools write it ("rx/0", "cn/r").
pub(super) fn is_algorithm(value: Value<'_>) -> bool {
    value.holds(|text| ALGORITHMS.iter().any(|name| text.starts_with(name.as_bytes())))
}

/// Whether `text` contains `word` (lower case) in whatever case.
pub(super) fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
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
const MINERS: [&str; 62] = [
    "xmrig",
    "xmr-stak",
    "xmrstak",
    "xlarig",
    "cpuminer",
    "minerd",
    "cgminer",
    "bfgminer",
    "sgminer",
    "ccminer",
    "nheqminer",
    "ewbf",
    "miniz",
    "gminer",
    "lolminer",
    "t-rex",
    "trex/",
    "nbminer",
    "teamredminer",
    "trm/",
    "srbminer",
    "bzminer",
    "rigel",
    "onezerominer",
    "wildrig",
    "phoenixminer",
    "claymore",
    "ethminer",
    "bminer",
    "kawpowminer",
    "progpowminer",
    "nanominer",
    "cryptodredge",
    "z-enemy",
    "zm/",
    "dstm",
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
    "avalon",
    "nerdminer",
    "nmminer",
    "bitaxe",
    "stratum-miner",
    "chainweb-miner",
];

/// Single-purpose programs, lower case, and what they mine.
const COINS: [(&str, &str); 11] = [
    ("kaspa", "kaspa"),
    ("gominer", "decred"),
    ("handyminer", "handshake"),
    ("chainweb", "kadena"),
    ("kawpow", "kawpow"),
    ("nheqminer", "zcash"),
    ("grin-miner", "grin"),
    ("ironfish", "ironfish"),
    ("verthash", "verthash"),
    ("xelis", "xelis"),
    ("nerdminer", "bitcoin"),
];

/// What the names of the CryptoNote family's algorithms begin with (XMRig's algorithm list).
const ALGORITHMS: [&str; 9] =
    ["rx/", "cn/", "cn-", "argon2/", "kawpow", "ghostrider", "randomx", "cryptonight", "astrobwt"];
