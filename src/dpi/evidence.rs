//! Evidence: what the messages of one flow amount to.
//!
//! A signature says of one message whose it would be (a miner's or a pool's) and how certain it is. What
//! messages add up to is the same for all dialects and is decided here:
//!
//! - A *proof* from the client of a flow whose client was heard from its first byte is proof by itself, so that
//!   the pool never receives it. With members that no miner adds (a log shipper's time and host), or in a
//!   request that a web page can make a browser send, it is strong.
//! - Otherwise proof takes both sides: a *strong* message from one, and at least a hint from the other in the
//!   other role. The success of a strong request, told by its identifier, is such a hint. Which end opened the
//!   connection doesn't matter for this, so a flow joined midway may have its ends swapped. Since one end
//!   alone proves nothing, mail or chat that quotes a whole conversation doesn't match.
//! - A strong message from the server of a flow seen from its start is proof if the client asked for anything in
//!   JSON: the request may be of a dialect not known yet, the answer is not. (Not over WebSockets, where a
//!   pool shows its jobs to visitors of its site, too; nor over HTTP; nor if the server has said what miners
//!   say, too, as a log does.)
//! - Login, job and share in this order, each by the end whose it would be, are proof at any certainty:
//!   the three together are no accident.
//! - A hint and a hint are no proof, however many there are.

mod proof;

use super::Said;
use super::signatures::compile::program::{Confidence, Phase, Role, carrier};
use super::signatures::matcher::{Before, Match, Message};
use super::signatures::{Dialect, Signatures, word};
use crate::limits::{FOREIGN_MESSAGES, FOREIGN_MESSAGES_ONE_WAY};
use crate::net::direction::Direction;
use crate::parse::tree::Value;
use crate::parse::words::WordId;
use proof::Proof;

/// Sum of the messages of one flow so far: a small state machine in both directions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// A bit for each fact.
    facts: u32,
    /// The dialect that the facts point to.
    dialect: Option<Dialect>,
    /// A hash of the identifier of the latest strong request; 0 if there is none.
    awaited: u8,
    /// Messages that fit no signature, per direction.
    foreign: [u8; 2],
}

const _: () = assert!(size_of::<Evidence>() <= 8);

/// Circumstances of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// Direction of the message.
    pub direction: Direction,
    /// The client was heard from its first byte, and said nothing but messages.
    pub client_is_whole: bool,
    /// Both ends were heard from their first byte, and said nothing but messages.
    pub is_whole: bool,
    /// A web page can make a browser send it.
    pub by_page: bool,
}

/// A message by its signature, and how certain it is where it was found.
struct Indicator<'a> {
    dialect: Dialect,
    role: Role,
    phase: Phase,
    confidence: Confidence,
    found: Option<Match<'a>>,
}

impl Evidence {
    /// Weighs one message; answers whether it fits a signature, and with what it proves.
    pub(crate) fn weigh(
        &mut self,
        signatures: &Signatures,
        context: &Context,
        message: &Message<'_>,
    ) -> (bool, Option<Said<'static>>) {
        let (is_known, proof) = self.weigh_once(signatures, context, message);
        if let Some(proof) = proof {
            return (is_known, Some(proof.said(message)));
        }
        if !message.root.is_some_and(|root| root.tree().has_repeated_members()) {
            return (is_known, None);
        }
        // Readers differ in which of two members they take; either may be what the pool reads.
        let root = message.root.map(Value::with_last_members);
        let method =
            root.and_then(|root| root.member(word::METHOD)).filter(|_| message.over & carrier::TILDE == 0);
        let (method, method_word) = match method.filter(|method| method.is_string()) {
            Some(method) => (method.bytes(), signatures.word(method.bytes())),
            None => (message.method, message.method_word),
        };
        let message = Message { root, method, method_word, ..*message };
        let (is_known, proof) = self.weigh_once(signatures, context, &message);
        (is_known, proof.map(|proof| proof.said(&message)))
    }

    /// Whether anything pointed to mining, short of proof.
    pub(crate) fn has_evidence(&self) -> bool {
        self.facts & SIGNS != 0
    }

    /// The dialect that the evidence points to, if there is any.
    pub(crate) fn dialect(&self) -> Option<Dialect> {
        self.dialect.filter(|_| self.has_evidence())
    }

    fn weigh_once<'s>(
        &mut self,
        signatures: &'s Signatures,
        context: &Context,
        message: &Message<'_>,
    ) -> (bool, Option<Proof<'s>>) {
        let answers = self.awaited != 0 && self.awaited == fold(id_of(message));
        if answers && message.method.is_empty() == (context.direction == Direction::ToClient) {
            // The answer comes once, and a client that numbers nothing uses the identifier for its next request.
            self.awaited = 0;
        }
        let before = Before { answers, phases: (self.facts >> PHASES_AT & 0xf) as u8, asked: "" };
        let found = signatures.find(message, before).filter(|found| !self.is_stray(signatures, found));
        let mut indicator = match found {
            Some(found) => Indicator {
                dialect: signatures.dialect_of(&found),
                role: found.rule.role,
                phase: found.rule.phase,
                confidence: found.confidence,
                found: Some(found),
            },
            // The same bytes may still be text.
            None if message.over & carrier::BINARY != 0 => return (false, None),
            None => {
                self.note_asked(context, message);
                match self.success(message, answers) {
                    Some(indicator) => indicator,
                    None => {
                        self.pass(context, foreignness(message));
                        return (false, None);
                    }
                }
            }
        };
        if indicator.role == Role::Miner {
            self.note_asked(context, message);
            if !is_bare(message) || context.by_page {
                indicator.confidence = indicator.confidence.min(Confidence::Strong);
            }
        } else if is_logged(message) {
            indicator.confidence = Confidence::Hint;
        }
        let is_strong_request = indicator.role == Role::Miner && indicator.confidence > Confidence::Hint;
        let is_suspicion = signatures.is_suspicion(&indicator.found);
        let proof = self.add(context, message, indicator, is_suspicion);
        if is_strong_request {
            self.awaited = fold(id_of(message));
        }
        (true, proof)
    }

    /// Whether a match is no more than a hint, or a feed's word, and of another family than the strong evidence at hand.
    fn is_stray(&self, signatures: &Signatures, found: &Match<'_>) -> bool {
        (found.confidence == Confidence::Hint || signatures.is_suspicion(&Some(*found)))
            && self.facts & STRONG_SIGNS != 0
            && self.dialect.is_some_and(|known| known.family() != signatures.dialect_of(found).family())
    }

    /// The success of the latest strong request. (In that request's own direction it proves nothing.)
    fn success<'a>(&self, message: &Message<'_>, answers: bool) -> Option<Indicator<'a>> {
        let result =
            message.root?.member(word::RESULT).filter(|result| !result.is_null() && !result.is_false())?;
        let failed = message.root?.member(word::ERROR).is_some_and(|error| !error.is_null());
        // A node that has no work to give, or a place that takes all sorts, answers with something else.
        let fits = message.over & carrier::HTTP == 0 || result.is_bool();
        let dialect = self.dialect.filter(|_| answers && !failed && fits && message.method.is_empty())?;
        Some(Indicator {
            dialect,
            role: Role::Pool,
            phase: Phase::Login,
            confidence: Confidence::Hint,
            found: None,
        })
    }

    /// Adds an indicator to the facts; answers with what they amount to.
    fn add<'s>(
        &mut self,
        context: &Context,
        message: &Message<'_>,
        indicator: Indicator<'s>,
        is_suspicion: bool,
    ) -> Option<Proof<'s>> {
        let direction = context.direction;
        let Indicator { mut dialect, role, phase, confidence, found } = indicator;
        if let Some(known) = self.dialect {
            if known.family() != dialect.family() {
                self.facts &= !(SIGNS | PHASES);
            } else if dialect.is_generic() {
                dialect = known;
            }
        }
        let earlier = self.facts;
        self.dialect = Some(dialect);
        self.facts |= fact(role, direction, Confidence::Hint) | phase_bit(phase);
        if confidence > Confidence::Hint {
            self.facts |= fact(role, direction, Confidence::Strong);
        }
        let over_http = message.over & (carrier::HTTP | carrier::FORM) != 0;
        let in_order = self.advance(role, phase, direction) && !over_http;
        // An end that has spoken for both sides quotes.
        let by_itself = confidence == Confidence::Proof
            && role == Role::Miner
            && context.client_is_whole
            && self.facts & TALKS_OF_OTHER_THINGS == 0
            && direction == Direction::ToServer
            && !self.has(Role::Pool, direction, Confidence::Strong);
        let any_request_counts = context.is_whole && !over_http && message.over & carrier::WEBSOCKET == 0;
        if !(by_itself || in_order || self.is_proven(any_request_counts)) {
            self.pass(context, 0);
            return None;
        }
        Some(Proof {
            dialect,
            found,
            direction,
            earlier: if by_itself { 0 } else { earlier },
            server_answered: self.has(Role::Pool, Direction::ToClient, Confidence::Hint),
            is_suspicion,
        })
    }

    /// Whether both sides have said enough.
    fn is_proven(&self, any_request_counts: bool) -> bool {
        use Confidence::{Hint, Strong};
        let pair = |way: Direction| {
            let (miner, pool) = (way, way.reverse());
            (self.has(Role::Miner, miner, Strong) && self.has(Role::Pool, pool, Hint))
                || (self.has(Role::Miner, miner, Hint) && self.has(Role::Pool, pool, Strong))
        };
        let answered = any_request_counts
            && self.facts & TALKS_OF_OTHER_THINGS == 0
            && self.facts & asked(Direction::ToServer) != 0
            && self.has(Role::Pool, Direction::ToClient, Strong)
            && !self.has(Role::Miner, Direction::ToClient, Hint);
        pair(Direction::ToServer) || pair(Direction::ToClient) || answered
    }

    /// Whether login, job and share have now come in this order, each by the end whose it is.
    fn advance(&mut self, role: Role, phase: Phase, direction: Direction) -> bool {
        let miner = if role == Role::Miner { direction } else { direction.reverse() };
        let at = ORDER_AT + 2 * miner as u32;
        let reached = self.facts >> at & 3;
        let now = match (reached, role, phase) {
            (0, Role::Miner, Phase::Login) => 1,
            (1, Role::Pool, Phase::Job) => 2,
            (2, Role::Miner, Phase::Share) => 3,
            _ => reached,
        };
        self.facts = self.facts & !(3 << at) | now << at;
        now == 3
    }

    /// Notes that a direction has asked for something in JSON.
    fn note_asked(&mut self, context: &Context, message: &Message<'_>) {
        if message.root.is_some_and(Value::is_object) {
            self.facts |= asked(context.direction);
        }
    }

    /// Counts a message that is worth `foreign` as a sign of another protocol. After many of them the flow is
    /// read as one that was joined midway, and weak evidence is forgotten; strong evidence isn't.
    fn pass(&mut self, context: &Context, foreign: u8) {
        let count = &mut self.foreign[context.direction as usize];
        *count = count.saturating_add(foreign);
        if self.facts & STRONG_SIGNS != 0 {
            return;
        }
        let patience = if self.has_evidence() { 4 } else { 1 };
        let [to_server, to_client] = self.foreign.map(|count| count / patience);
        let both = to_server.min(to_client) >= FOREIGN_MESSAGES;
        if both || to_server.max(to_client) >= FOREIGN_MESSAGES_ONE_WAY {
            self.facts = self.facts & !(SIGNS | PHASES) | TALKS_OF_OTHER_THINGS;
            self.foreign = [0; 2];
        }
    }

    fn has(&self, role: Role, direction: Direction, confidence: Confidence) -> bool {
        self.facts & fact(role, direction, confidence) != 0
    }
}

/// Whether `message` fits a signature.
pub(crate) fn fits(signatures: &Signatures, message: &Message<'_>) -> bool {
    signatures.find(message, Before::default()).is_some()
}

fn id_of<'a>(message: &Message<'a>) -> Option<Value<'a>> {
    message.root?.member(word::ID)
}

/// Whether the message has members that log shippers add.
fn is_logged(message: &Message<'_>) -> bool {
    let Some(root) = message.root else { return false };
    LOG_MEMBERS.iter().any(|word| root.member(*word).is_some())
}

/// Whether a request has no members but those of a request. Others, a time, say, or a severity, make it a line
/// of a log perhaps that quotes one; pools don't mind them.
fn is_bare(message: &Message<'_>) -> bool {
    let Some(root) = message.root else { return true };
    if message.method.is_empty() || message.over & carrier::TILDE != 0 {
        return !is_logged(message);
    }
    root.tree().unknown_members() == 0 && root.members().all(|(key, _)| REQUEST_MEMBERS.contains(&key))
}

/// Weight of a message without a signature as a sign of another protocol.
fn foreignness(message: &Message<'_>) -> u8 {
    // Lines that make no sense have their own consequence.
    if message.over == carrier::CSV {
        return 0;
    }
    let Some(root) = message.root else { return 1 };
    // What a pool says to a method that it doesn't know: a miner may try several.
    if message.method.is_empty() && root.member(word::ERROR).is_some_and(|error| !error.is_null()) {
        return 0;
    }
    let electrum: [&[u8]; 3] = [b"server.", b"blockchain.", b"mempool."];
    let language_server: [&[u8]; 4] = [b"textDocument/", b"workspace/", b"window/", b"$/"];
    let known = |prefix: &&[u8]| message.method.starts_with(prefix);
    if electrum.iter().any(known) || language_server.iter().any(known) { FOREIGN_MESSAGES } else { 1 }
}

/// A hash of an identifier that is never 0; 0 if there is none.
fn fold(id: Option<Value<'_>>) -> u8 {
    id.filter(|id| !id.is_null())
        .map_or(0, |id| id.bytes().iter().fold(1_u8, |hash, byte| hash.rotate_left(3) ^ byte).max(1))
}

const fn fact(role: Role, direction: Direction, confidence: Confidence) -> u32 {
    let strong = if matches!(confidence, Confidence::Hint) { 0 } else { 1 };
    1 << (role as u32 * 4 + direction as u32 * 2 + strong)
}

const fn phase_bit(phase: Phase) -> u32 {
    1 << (PHASES_AT + phase as u32)
}

const fn asked(direction: Direction) -> u32 {
    1 << (12 + direction as u32)
}

const SIGNS: u32 = 0x00ff;
const STRONG_SIGNS: u32 = 0x00aa;
const PHASES_AT: u32 = 8;
const PHASES: u32 = 0xf << PHASES_AT;
/// Progress of login, job and share, two bits for each end that may be the miner's.
const ORDER_AT: u32 = 14;
/// Long enough about other things to be read like a flow joined midway.
const TALKS_OF_OTHER_THINGS: u32 = 1 << 18;

/// The members that requests of mining programs have at the top.
const REQUEST_MEMBERS: [WordId; 14] = [
    word::ID,
    word::METHOD,
    word::PARAMS,
    word::BODY,
    word::AGENT,
    word::number("jsonrpc"),
    word::number("worker"),
    word::number("pass"),
    word::number("api_key"),
    word::number("nonce"),
    word::number("output"),
    word::number("minerid"),
    word::number("client_id"),
    word::number("server"),
];

const LOG_MEMBERS: [WordId; 10] = [
    word::number("@timestamp"),
    word::number("timestamp"),
    word::number("time"),
    word::number("ts"),
    word::number("host"),
    word::number("hostname"),
    word::number("level"),
    word::number("severity"),
    word::number("tag"),
    word::number("log"),
];

#[cfg(test)]
mod tests;
