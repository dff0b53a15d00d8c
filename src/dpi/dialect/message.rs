//! One JSON message, and what it is a sign of.

use super::{Context, Dialect, HttpHead};
use crate::limits::METHOD_BYTES;
use crate::parse::json::Value;

/// A JSON object that may be a JSON-RPC request, notification or response (JSON-RPC 1.0 and 2.0;
/// hardly any mining protocol keeps to either).
pub(super) struct Message<'a> {
    /// The object.
    pub root: Value<'a>,
    /// `method`, escapes decoded; empty in a response, and if it is longer than any known.
    pub method: heapless::String<METHOD_BYTES>,
    /// `params`.
    pub params: Option<Value<'a>>,
    /// `id`.
    pub id: Option<Value<'a>>,
    /// `result`, unless it is `null`.
    pub result: Option<Value<'a>>,
    /// The HTTP message around it.
    pub http: Option<HttpHead<'a>>,
}

impl<'a> Message<'a> {
    pub(super) fn new(root: Value<'a>, context: &Context<'a>) -> Self {
        let mut method = heapless::String::new();
        let filled = |key| root.get(key).is_some_and(|value| !value.is_null());
        // Grin's nodes repeat the method in the response.
        let response = filled("result") && !filled("params") && !filled("body");
        if let Some(value) = root.get("method").filter(|_| !response) {
            value.holds(|text| core::str::from_utf8(text).is_ok_and(|text| method.push_str(text).is_ok()));
        }
        Message {
            root,
            method,
            params: root.get("params"),
            id: root.get("id"),
            result: root.get("result").filter(|value| !value.is_null()),
            http: context.http,
        }
    }

    /// A member of the object `params`.
    pub(super) fn param(&self, key: &str) -> Option<Value<'a>> {
        self.params?.get(key)
    }

    /// An item of the array `params`.
    pub(super) fn param_at(&self, index: usize) -> Option<Value<'a>> {
        self.params?.item(index)
    }

    /// Whether it has the members that log shippers add.
    pub(super) fn is_logged(&self) -> bool {
        self.root.members().any(|(name, _)| LOG_MEMBERS.iter().any(|known| name.is(known)))
    }

    /// Whether it has no members but those of a request. Others, a time, say, or a severity, make it a
    /// line of a log perhaps that quotes one; pools don't mind them.
    pub(super) fn is_bare(&self) -> bool {
        if self.method.is_empty() {
            return !self.is_logged();
        }
        self.root.members().all(|(name, _)| REQUEST_MEMBERS.iter().any(|known| name.is(known)))
    }

    /// Whether it is the response to a request that succeeded.
    pub(super) fn is_success(&self) -> bool {
        self.method.is_empty()
            && self.result.is_some_and(|value| !value.is_false())
            && self.root.get("error").is_none_or(Value::is_null)
    }

    /// Whether a mining program sent it over HTTP.
    pub(super) fn is_by_miner(&self) -> bool {
        self.http.is_some_and(|head| head.is_of_miner())
    }
}

/// What a message shows about the flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign<'a> {
    pub dialect: Dialect,
    pub role: Role,
    pub step: Step,
    pub weight: Weight,
    /// The message in the field's words.
    pub said: &'static str,
    pub agent: Option<Text<'a>>,
    pub wallet: Option<Text<'a>>,
    pub coin: Coin<'a>,
}

impl<'a> Sign<'a> {
    /// A message as miners send it.
    pub(super) fn miner(dialect: Dialect, step: Step, weight: Weight, said: &'static str) -> Self {
        Sign { dialect, role: Role::Miner, step, weight, said, agent: None, wallet: None, coin: Coin::Untold }
    }

    /// A message as pools (or nodes that give work) send it.
    pub(super) fn pool(dialect: Dialect, step: Step, weight: Weight, said: &'static str) -> Self {
        Sign { role: Role::Pool, ..Sign::miner(dialect, step, weight, said) }
    }

    pub(super) fn agent(self, agent: Option<Value<'a>>) -> Self {
        Sign { agent: agent.map(Text::Value), ..self }
    }

    pub(super) fn wallet(self, wallet: Option<Value<'a>>) -> Self {
        Sign { wallet: wallet.map(Text::Value), ..self }
    }

    pub(super) fn user(self, user: &'a [u8]) -> Self {
        Sign { wallet: Some(Text::Bytes(user)), ..self }
    }

    pub(super) fn coin(self, coin: &'static str) -> Self {
        Sign { coin: Coin::Known(coin), ..self }
    }

    pub(super) fn algorithm(self, algorithm: Option<Value<'a>>) -> Self {
        Sign { coin: algorithm.map_or(self.coin, |name| Coin::Told(Text::Value(name))), ..self }
    }
}

/// Who sends such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Miner = 0,
    Pool = 1,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Versions and capabilities.
    Greeting = 0,
    /// Who is paid.
    Authorisation = 1,
    /// Something to hash.
    Job = 2,
    /// Something found.
    Share = 3,
}

/// What a message is worth as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Mining has such messages, other protocols too.
    Hint,
    /// Only mining has such messages, but quoting one or asking for one isn't mining yet: it takes a
    /// fitting message from the other side.
    Strong,
    /// Strong, and as a request at its place in the conversation proof by itself.
    Unmistakable,
}

/// Coin or algorithm, if the message tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Coin<'a> {
    Untold,
    /// It follows from the shape.
    Known(&'static str),
    /// It is in the message.
    Told(Text<'a>),
}

/// Words out of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Text<'a> {
    Value(Value<'a>),
    Bytes(&'a [u8]),
}

impl Text<'_> {
    /// Hands the words to `reader`, escapes decoded; nothing if it isn't a string.
    pub(super) fn read(self, reader: impl FnOnce(&[u8])) {
        match self {
            Text::Value(value) => {
                value.holds(|text| {
                    reader(text);
                    true
                });
            }
            Text::Bytes(bytes) => reader(bytes),
        }
    }
}

/// The members that requests of mining programs have at the top.
const REQUEST_MEMBERS: [&str; 12] = [
    "id", "method", "params", "jsonrpc", "worker", "body", "agent", "pass", "api_key", "nonce", "output",
    "minerid",
];

const LOG_MEMBERS: [&str; 10] =
    ["@timestamp", "timestamp", "time", "ts", "host", "hostname", "level", "severity", "tag", "log"];
