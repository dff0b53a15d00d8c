//! Refusals: what pools say to strangers.
//!
//! The words of one are taken for a pool's only where nobody else would use them: they name what only
//! pools deal in, or have a form that only Stratum's errors have, and they answer the question that
//! asked for them. "Method not found" is anybody's.

use super::{Evidence, words};
use crate::dpi::dialect::Dialect;
use crate::dpi::json::Value;
use crate::probe::question::{Manner, Question};

/// Names what only pools deal in, whatever was asked.
const OF_POOLS: [(&str, Dialect); 9] = [
    // CryptoNote's pools: node-cryptonote-pool and its heirs, nodejs-pool, monero-pool.
    ("payment address provided", Dialect::CryptoNote),
    ("address used for login", Dialect::CryptoNote),
    ("low difficulty share", Dialect::CryptoNote),
    ("duplicate share", Dialect::CryptoNote),
    ("proxy is unavailable", Dialect::CryptoNote),
    ("invalid_site_key", Dialect::CoinHive),
    ("unauthorized worker", Dialect::StratumV1),
    ("mining.authorize", Dialect::StratumV1),
    ("not subscribed", Dialect::StratumV1),
];

/// What a wallet is refused with, by those who were given one.
const OF_WALLETS: [&str; 6] = [
    "wallet address",
    "invalid wallet",
    "mining address",
    "invalid address",
    "invalid login",
    "incorrect wallet",
];

/// The dialect of the pool that refuses so, and its words.
pub(super) fn of_pool(question: Question, root: Value<'_>) -> Option<(Dialect, Evidence)> {
    let refusal = Refusal::read(root)?;
    let asked = question.dialect();
    let over_tcp = question.manner() != Manner::Http;
    let dialect = if let Some((_, dialect)) = OF_POOLS.iter().find(|(text, _)| refusal.says(text)) {
        over_tcp.then_some(*dialect)
    } else {
        match (question, refusal.code) {
            // Stratum's form, [code, text, traceback], which nobody else has.
            (
                Question::Subscribe | Question::Hello | Question::IronFish | Question::WebSocket,
                Some(20..=25),
            ) if refusal.is_array => Some(Dialect::StratumV1),
            // The same as an object, from Handshake's pools.
            (Question::Subscribe, Some(20..=25))
                if refusal.says("authorized") || refusal.says("job not found") =>
            {
                Some(Dialect::StratumV1)
            }
            (Question::Keepalive, Some(-1)) if refusal.is("unauthenticated") => Some(Dialect::CryptoNote),
            (Question::Grin, Some(-32500)) if refusal.says("login first") => Some(Dialect::Grin),
            (Question::Beam, Some(-32003)) if refusal.is("login failed") => Some(Dialect::Beam),
            // Who understands eth_submitLogin and refuses the wallet.
            (Question::EthProxy, _) if OF_WALLETS.iter().any(|text| refusal.says(text)) => {
                Some(Dialect::EthProxy)
            }
            (Question::Login, _)
                if ["wallet address", "mining address", "incorrect wallet"]
                    .iter()
                    .any(|text| refusal.says(text)) =>
            {
                asked
            }
            (Question::Ckb, _) if refusal.says("ckb address") || refusal.says("wallet address") => asked,
            _ => None,
        }
    }?;
    Some((dialect, words(&[b"refusal: ", refusal.bytes])))
}

/// The words of an error, if the message is one.
pub(super) fn text(root: Value<'_>) -> Option<Evidence> {
    Refusal::read(root).map(|refusal| words(&[b"JSON-RPC error: ", refusal.bytes]))
}

/// An error, in any of the forms that servers give it.
struct Refusal<'a> {
    code: Option<i32>,
    text: Option<Value<'a>>,
    bytes: &'a [u8],
    is_array: bool,
}

impl<'a> Refusal<'a> {
    fn read(root: Value<'a>) -> Option<Self> {
        let nested = || root.get("params").and_then(|params| params.get("error"));
        let error = root.get("error").or_else(nested).filter(|error| !error.is_null());
        let (code, text) = match error {
            Some(error) if error.is_array() => (error.item(0), error.item(1)),
            Some(error) if error.is_object() => (error.get("code"), error.get("message")),
            Some(error) => (None, Some(error)),
            // Beam's errors stand at the top.
            None => (Some(root.get("code")?), Some(root.get("description")?)),
        };
        let code = code.and_then(|code| core::str::from_utf8(code.bytes()).ok()?.parse().ok());
        let success = error.is_none() && code.is_some_and(|code| code >= 0);
        (!success).then(|| Refusal {
            code,
            text,
            bytes: text.map_or(b"without words", |text| text.bytes()),
            is_array: error.is_some_and(|error| error.is_array() && text.is_some_and(Value::is_string)),
        })
    }

    /// Whether `part` (lower case) is in its words.
    fn says(&self, part: &str) -> bool {
        let has =
            |text: &[u8]| text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
        self.text.is_some_and(|text| text.holds(has))
    }

    fn is(&self, whole: &str) -> bool {
        self.text
            .is_some_and(|text| text.holds(|text| text.trim_ascii().eq_ignore_ascii_case(whole.as_bytes())))
    }
}
