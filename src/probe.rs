//! Stage two: a server that a host behind this router talks to is asked whether it is a pool.
//!
//! 1. [`guard`]: whether a server may be asked at all, and how often. (What the reputation store knows already is
//!    not asked again.)
//! 2. [`worker`]: a thread of the lowest priority takes suspects from a bounded queue.
//! 3. [`target`](Target): address, port, name and what is known beforehand.
//! 4. [`strategy`]: the plan of questions, by prior knowledge ([`hint`]) and responses.
//! 5. [`session`]: the conversation, without a socket or a clock.
//! 6. [`classifier`]: the class of a response, by the signatures ([`crate::dpi::server_messages`]).
//! 7. [`transport`] and `tls`: connections; the only place with a socket.
//! 8. [`resolve`]: the address of a name, where a person asks by name.
//!
//! A refusal that only a pool gives counts as much as a job. Anything that any JSON-RPC server may say (an error
//! of the protocol, `true`) is no answer; an Electrum server, an Ethereum node and a web server are no
//! pool. The wallets in the questions are "0" and the zero address, which have no owner.

pub mod guard;
pub mod hint;
pub(crate) mod classifier;
pub(crate) mod question;
pub mod resolve;
pub(crate) mod session;
pub(crate) mod strategy;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub mod transport;
pub mod worker;

use std::fs::File;
use std::io::{self, Read};

use crate::dpi::finding::push_escaped;
use crate::dpi::signatures::Dialect;
use crate::limits::PROBE_EVIDENCE_BYTES;
use crate::net::endpoint::Endpoint;
use crate::util::json_object::JsonObject;
use crate::util::named::named;

/// A server to ask, and prior knowledge of it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address and port.
    pub server: Endpoint,
    /// Whether to speak TLS.
    pub layer: TlsChoice,
    /// The name that the suspected client sent to the server (TLS SNI), if it sent one.
    pub sni: Option<String>,
    /// Hints of the wire and of stage one.
    pub hints: hint::Hints,
}

/// Whether the questions go through TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsChoice {
    /// Sessions with the server don't use TLS.
    Plain,
    /// Sessions with the server use TLS.
    Tls,
    /// Unknown: both are tried.
    Auto,
}

named! {
    /// Transport of a question.
    pub enum Transport {
        /// Bare TCP.
        Tcp = "tcp",
        /// TLS.
        Tls = "tls",
        /// HTTP.
        Http = "http",
        /// HTTP in TLS.
        Https = "https",
        /// WebSocket.
        Ws = "ws",
        /// WebSocket in TLS.
        Wss = "wss",
    }
}

impl Transport {
    /// Whether the question went through TLS.
    pub const fn is_tls(self) -> bool {
        matches!(self, Transport::Tls | Transport::Https | Transport::Wss)
    }
}

named! {
    /// The answer to the question whether a server is a pool.
    pub enum ProbeVerdict {
        /// The server is a pool.
        Pool = "pool",
        /// The server is something else.
        NotPool = "not_pool",
        /// The responses left it open.
        Inconclusive = "inconclusive",
    }
}

/// Result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Pool or not.
    pub verdict: ProbeVerdict,
    /// Dialect of the pool.
    pub dialect: Option<Dialect>,
    /// Transport on which the evidence was found.
    pub transport: Option<Transport>,
    /// The evidence in one line, printable ASCII without quotes and backslashes.
    pub evidence: heapless::String<PROBE_EVIDENCE_BYTES>,
}

impl Outcome {
    /// An outcome whose evidence is `parts` one after the other, escaped.
    pub fn new(
        verdict: ProbeVerdict,
        dialect: Option<Dialect>,
        transport: Option<Transport>,
        parts: &[&[u8]],
    ) -> Self {
        let mut evidence = heapless::String::new();
        for part in parts {
            push_escaped(&mut evidence, part);
        }
        Outcome { verdict, dialect, transport, evidence }
    }

    /// Nothing learned, for the reason `why`.
    pub fn inconclusive(transport: Option<Transport>, why: &str) -> Self {
        Outcome::new(ProbeVerdict::Inconclusive, None, transport, &[why.as_bytes()])
    }

    /// The result in one line of JSON; `elapsed_ms` is the duration of the probe.
    pub fn to_json(&self, endpoint: &str, elapsed_ms: u32) -> String {
        let mut line = JsonObject::default();
        line.text("endpoint", endpoint);
        line.text("outcome", self.verdict.name());
        line.text_or_null("dialect", self.dialect.map(Dialect::name));
        line.text_or_null("transport", self.transport.map(Transport::name));
        line.text("evidence", &self.evidence);
        line.numbers(&[("elapsed_ms", elapsed_ms.into())]);
        line.finish()
    }
}

/// Random bytes from the kernel (random(4)).
///
/// # Errors
/// The device is missing.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}
