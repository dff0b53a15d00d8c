//! Refusals: errors that pools send to unknown clients.
//!
//! A refusal proves a pool only where no other software sends it: it names things that only pools deal in,
//! or has a form that only Stratum's errors have, and it responds to the question that provokes it.
//! "Method not found" comes from any server. Refusals of one dialect are messages of its signature that name the
//! question (`asked`); here stand those of whole families, and those with a code.

use super::{ErrorForm, EvidenceLine, evidence};
use crate::dpi::signatures::Dialect;
use crate::parse::tree::Value;
use crate::probe::question::{Encoding, Question};

/// Texts about things that only pools deal in, in response to any question.
const OF_POOLS: [(&str, Dialect); 5] = [
    // CryptoNote's pools: node-cryptonote-pool and its heirs, nodejs-pool, monero-pool.
    ("payment address provided", Dialect::CryptoNote),
    ("address used for login", Dialect::CryptoNote),
    ("low difficulty share", Dialect::CryptoNote),
    ("duplicate share", Dialect::CryptoNote),
    ("unauthorized worker", Dialect::StratumV1),
];

/// A refusal that speaks for a pool.
pub(super) struct OfPool {
    pub dialect: Dialect,
    pub words: EvidenceLine,
    /// No other software sends it. Otherwise a server that refuses every method with the same words has to be
    /// ruled out.
    pub certain: bool,
}

/// The pool that refuses so.
pub(super) fn of_pool(question: Question, root: Value<'_>) -> Option<OfPool> {
    let refusal = ErrorMessage::read(root)?;
    let over_tcp = question.encoding() != Encoding::Http;
    let says = |texts: &[&str]| texts.iter().any(|text| refusal.says(text));
    let named = OF_POOLS.iter().find(|(text, _)| over_tcp && refusal.says(text));
    let (dialect, certain) = match (named, question, refusal.code) {
        (Some((_, dialect)), _, _) => (*dialect, true),
        // Stratum's form, [code, text, traceback], with the code of a thing that only pools deal in: a job, a share,
        // a worker, a subscription.
        (
            _,
            Question::Subscribe
            | Question::SubscribeShort
            | Question::Hello
            | Question::WebSocketProxy
            | Question::WebSocket,
            Some(21..=25),
        ) if refusal.is_array => (Dialect::StratumV1, true),
        // 20 stands for all else, and says no more than that the server refuses. In a WebSocket no control is asked.
        (_, Question::Subscribe | Question::SubscribeShort | Question::Hello, Some(20))
            if refusal.is_array =>
        {
            (Dialect::StratumV1, false)
        }
        (_, Question::Grin, Some(-32500)) if refusal.says("login first") => (Dialect::Grin, true),
        (_, Question::Beam, Some(-32003)) if refusal.is("login failed") => (Dialect::Beam, true),
        // Stratum's codes in an object, from Handshake's pools.
        (_, Question::Subscribe | Question::SubscribeShort, Some(20..=25))
            if says(&["authorized", "subscribed", "job not found"]) =>
        {
            (Dialect::StratumV1, false)
        }
        (_, Question::Keepalive, Some(-1)) if refusal.is("unauthenticated") => (Dialect::CryptoNote, false),
        _ => return None,
    };
    Some(OfPool { dialect, words: evidence(&[b"refusal: ", refusal.bytes]), certain })
}

/// The evidence of a refusal as a signature has it.
pub(super) fn named(root: Value<'_>) -> Option<EvidenceLine> {
    ErrorMessage::read(root).map(|refusal| evidence(&[b"refusal: ", refusal.bytes]))
}

/// The words of an error and their form, if the message is one.
pub(super) fn text(root: Value<'_>) -> Option<(EvidenceLine, ErrorForm)> {
    let refusal = ErrorMessage::read(root)?;
    let is_of_stratum = refusal.is_array && matches!(refusal.code, Some(20..=25));
    let form = if is_of_stratum { ErrorForm::Stratum } else { ErrorForm::Other };
    Some((evidence(&[b"JSON-RPC error: ", refusal.bytes]), form))
}

/// An error, in any of the forms that servers give it.
struct ErrorMessage<'a> {
    code: Option<i32>,
    text: Option<Value<'a>>,
    bytes: &'a [u8],
    is_array: bool,
}

impl<'a> ErrorMessage<'a> {
    fn read(root: Value<'a>) -> Option<Self> {
        let nested = || root.get("params").and_then(|params| params.get("error"));
        let error = root.get("error").or_else(nested).filter(|error| !error.is_null());
        let (code, text) = match error {
            Some(error) if error.is_array() => (error.item(0), error.item(1)),
            Some(error) if error.is_object() => (error.get("code"), error.get("message")),
            Some(error) => (None, Some(error)),
            // Nimiq's errors stand at the top, and Beam's.
            None if root.get("reason").is_some() => (None, root.get("reason")),
            None => (Some(root.get("code")?), Some(root.get("description")?)),
        };
        let code = code.and_then(|code| core::str::from_utf8(code.bytes()).ok()?.parse().ok());
        let success = error.is_none() && code.is_some_and(|code| code >= 0);
        (!success).then(|| ErrorMessage {
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
