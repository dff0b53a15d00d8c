//! The mining dialects: what counts as proof of each.

use super::{Answer, Dpi};
use crate::flow::Direction;

/// A mining protocol, named as in the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dialect {
    /// Bitcoin's Stratum V1 and its relatives.
    StratumV1 = 1,
    /// Stratum V2, known by its Noise handshake.
    StratumV2 = 2,
}

/// What the messages of one flow have shown so far: a small state machine in both directions.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// A bit for each fact.
    facts: u32,
    /// The dialect that the facts point to.
    dialect: Option<Dialect>,
}

/// Where a message was found.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// Both directions were seen from their first byte, and nothing but messages was in them.
    pub from_start: bool,
    /// The HTTP message that carries it, if one does.
    pub http: Option<HttpHead<'a>>,
}

/// What matters of an HTTP message's head.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpHead<'a> {
    /// Request target; empty in a response.
    pub target: &'a [u8],
    /// `User-Agent`, or `Server` in a response.
    pub agent: &'a [u8],
    /// `X-Mining-Extensions` was present, which only getwork miners and their servers send.
    pub mining_extensions: bool,
}

impl Dialogue {
    /// Reads one whole message (a JSON value, or a line of a dialect that isn't JSON).
    pub fn read(&mut self, dpi: &mut Dpi, context: &Context<'_>, message: &[u8]) -> Answer {
        let _ = (dpi, context, message, self.facts, self.dialect);
        Answer::NoMatch
    }

    /// Whether anything pointed to mining, short of proof.
    pub fn has_evidence(&self) -> bool {
        self.facts != 0
    }
}
