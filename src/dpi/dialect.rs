//! The mining dialects: what counts as proof of each.
//!
//! Each family of dialects has a file that turns a message into a *sign*: whose message it would be
//! (miner's or pool's), and its weight. What the weight of signs adds up to is the same for all and
//! is decided here:
//!
//! - An *unmistakable* request from the client of a flow that is seen from its start is proof by
//!   itself, so that the pool never receives it. One with members that no miner adds (a log shipper's
//!   time and host) is strong.
//! - Otherwise proof takes both sides: a *strong* sign from one, and at least a hint from the other
//!   in the other role. The success of a strong request, told by its identifier, is such a hint. Who
//!   opened the connection doesn't matter for this, so a flow joined midway may have its ends
//!   swapped. Since one end alone proves nothing, mail or chat that quotes a whole conversation
//!   doesn't match.
//! - A strong sign from the server of a flow seen from its start is proof if the client asked for
//!   anything in JSON: the request may be of a dialect not known yet, the answer is not. (Not over
//!   WebSockets, where a pool shows its jobs to visitors of its site, too; nor if the server has said
//!   what miners say, too, as a log does.)
//! - Over HTTP only the dialects count that are at home there: pastes, logs and documents of all sorts
//!   are stored and fetched by it.
//! - A hint and a hint are no proof, however many there are.

mod browser;
mod catalogue;
mod eth;
pub(super) mod kaspad;
mod line;
mod login;
mod message;
mod node;
mod shape;
mod stratum;
#[cfg(test)]
mod tests;

pub use catalogue::Dialect;

use super::finding::{Finding, push_escaped, push_shortened};
use super::{Answer, Dpi};
use crate::limits::{FOREIGN_MESSAGES, FOREIGN_MESSAGES_ONE_WAY};
use crate::net::direction::Direction;
use crate::parse::json::Value;
use message::{Coin, Message, Role, Sign, Step, Text, Weight};

/// What the messages of one flow have shown so far: a small state machine in both directions.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// A bit for each fact.
    facts: u16,
    /// The dialect that the facts point to.
    dialect: Option<Dialect>,
    /// A hash of the identifier of the latest strong request; 0 if there is none.
    awaited: u8,
    /// Messages without a sign of mining, per direction.
    foreign: [u8; 2],
}

const _: () = assert!(size_of::<Dialogue>() <= 8);

/// Where a message was found.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// Both directions were seen from their first byte, and nothing but messages was in them.
    pub from_start: bool,
    /// The HTTP message that carries it, if one does.
    pub http: Option<HttpHead<'a>>,
    /// WebSocket frames carry it.
    pub websocket: bool,
    /// It is a message of gRPC, or the beginning of one.
    pub grpc: bool,
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

impl HttpHead<'_> {
    /// Whether the head is a mining program's.
    fn is_of_miner(&self) -> bool {
        self.mining_extensions || shape::is_miner(self.agent)
    }
}

impl Dialogue {
    /// Reads one whole message: a JSON value (several in a batch), a line of a dialect that isn't
    /// JSON, the body of an HTTP message, which may be empty, or a message of gRPC.
    pub fn read(&mut self, dpi: &mut Dpi, context: &Context<'_>, message: &[u8]) -> Answer {
        let Dpi { tape, finding, .. } = dpi;
        if context.grpc {
            return match kaspad::read(message) {
                Some(sign) => self.weigh(finding, context, sign),
                None => self.pass(context, 1),
            };
        }
        match (message.trim_ascii_start().first(), &context.http) {
            (Some(b'{' | b'['), _) => match tape.index(message) {
                Some(root) => self.read_json(finding, context, root),
                None => self.pass(context, FOREIGN),
            },
            (Some(_), None) => match line::read(tape, message) {
                Some(sign) => self.weigh(finding, context, sign),
                None => self.pass(context, FOREIGN),
            },
            (None, Some(head)) => match node::read_head(head) {
                Some(sign) => self.weigh(finding, context, sign),
                None => self.pass(context, 1),
            },
            (Some(_), Some(_)) | (None, None) => self.pass(context, 1),
        }
    }

    /// Whether anything pointed to mining, short of proof.
    pub fn has_evidence(&self) -> bool {
        self.facts & SIGNS != 0
    }

    /// The dialect that the evidence points to, if there is any.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect.filter(|_| self.has_evidence())
    }

    fn read_json(&mut self, finding: &mut Finding, context: &Context<'_>, root: Value<'_>) -> Answer {
        let mut answer = self.read_batch(finding, context, root);
        if answer != Answer::Match && root.has_repeated_keys() {
            // Parsers differ in which of two members they take; either may be what the pool reads.
            answer = self.read_batch(finding, context, root.with_last_keys());
        }
        answer
    }

    fn read_batch(&mut self, finding: &mut Finding, context: &Context<'_>, root: Value<'_>) -> Answer {
        if root.is_object() {
            return self.read_object(finding, context, root);
        }
        let mut answer = self.pass(context, u8::from(!root.items().any(Value::is_object)));
        for item in root.items().filter(|item| item.is_object()) {
            answer = self.read_object(finding, context, item);
            if answer == Answer::Match {
                break;
            }
        }
        answer
    }

    fn read_object(&mut self, finding: &mut Finding, context: &Context<'_>, root: Value<'_>) -> Answer {
        let message = Message::new(root, context);
        let sign = read_sign(&message)
            .filter(|sign| self.is_asked_for(&message, sign))
            .or_else(|| self.read_success(&message));
        if sign.is_none_or(|sign| sign.role == Role::Miner) {
            self.facts |= asked(context.direction);
        }
        let Some(mut sign) = sign else {
            if !message.method.is_empty() {
                // Explorers ask for a template now and then, among other things.
                self.facts &= !TEMPLATE_GIVEN;
            }
            return self.pass(context, foreignness(&message));
        };
        match sign.role {
            Role::Miner if !message.is_bare() => sign.weight = sign.weight.min(Weight::Strong),
            Role::Pool if message.is_logged() => sign.weight = Weight::Hint,
            _ => {}
        }
        let strong_request = sign.role == Role::Miner && sign.weight > Weight::Hint;
        let answer = self.weigh(finding, context, sign);
        if strong_request {
            self.awaited = fold(message.id);
        }
        answer
    }

    /// Over HTTP a list of hashes is work only in answer to the request for work: filters give such lists.
    fn is_asked_for(&self, message: &Message<'_>, sign: &Sign<'_>) -> bool {
        sign.dialect != Dialect::EthGetWork || sign.role == Role::Miner || self.awaited == fold(message.id)
    }

    /// The success of the latest strong request. (In that request's own direction it proves nothing.)
    fn read_success<'a>(&self, message: &Message<'a>) -> Option<Sign<'a>> {
        let awaited = self.awaited != 0 && self.awaited == fold(message.id);
        let dialect = self.dialect.filter(|_| awaited && message.is_success())?;
        // A node that has no work to give, or a place that takes all sorts, answers with something else.
        if dialect == Dialect::EthGetWork && !message.result.is_some_and(Value::is_bool) {
            return None;
        }
        Some(Sign::pool(dialect, Step::Authorisation, Weight::Hint, "success"))
    }

    /// Adds a sign to the facts, and tells what they amount to.
    fn weigh(&mut self, finding: &mut Finding, context: &Context<'_>, mut sign: Sign<'_>) -> Answer {
        let direction = context.direction;
        if context.http.is_some() && !sign.dialect.is_over_http() {
            return self.pass(context, 1);
        }
        self.weigh_template(&mut sign, direction);
        if let Some(dialect) = self.dialect {
            if dialect.family() != sign.dialect.family() {
                let has_strong = [Direction::ToServer, Direction::ToClient].iter().any(|&way| {
                    self.has(Role::Miner, way, Weight::Strong) || self.has(Role::Pool, way, Weight::Strong)
                });
                if sign.weight == Weight::Hint && has_strong {
                    return self.pass(context, 1);
                }
                self.facts &= !(SIGNS | STEPS);
            } else if sign.dialect.is_generic() {
                sign.dialect = dialect;
            }
        }
        let earlier = self.facts;
        self.dialect = Some(sign.dialect);
        self.facts |= fact(sign.role, direction, Weight::Hint) | step(sign.step);
        if sign.weight > Weight::Hint {
            self.facts |= fact(sign.role, direction, Weight::Strong);
        }
        // An end that has spoken for both sides quotes.
        let by_itself = sign.weight == Weight::Unmistakable
            && sign.role == Role::Miner
            && context.from_start
            && direction == Direction::ToServer
            && !self.has(Role::Pool, direction, Weight::Strong);
        if by_itself || self.is_proven(context.from_start && context.http.is_none() && !context.websocket) {
            describe(finding, context, &sign, if by_itself { 0 } else { earlier });
            return Answer::Match;
        }
        self.pass(context, 0)
    }

    /// Whether both sides have said enough.
    fn is_proven(&self, any_request_counts: bool) -> bool {
        let pair = |way: Direction| {
            let (miner, pool) = (way, way.reverse());
            (self.has(Role::Miner, miner, Weight::Strong) && self.has(Role::Pool, pool, Weight::Hint))
                || (self.has(Role::Miner, miner, Weight::Hint) && self.has(Role::Pool, pool, Weight::Strong))
        };
        let answered = any_request_counts
            && self.facts & asked(Direction::ToServer) != 0
            && self.has(Role::Pool, Direction::ToClient, Weight::Strong)
            && !self.has(Role::Miner, Direction::ToClient, Weight::Hint);
        pair(Direction::ToServer) || pair(Direction::ToClient) || answered
    }

    /// A block template asked for is a hint, given it is another one. Asked for again right after that,
    /// or followed by a block, it is work.
    fn weigh_template(&mut self, sign: &mut Sign<'_>, direction: Direction) {
        match (sign.dialect, sign.role, sign.step) {
            (Dialect::GetBlockTemplate, Role::Miner, Step::Job) => {
                if self.facts & TEMPLATE_GIVEN != 0 {
                    sign.weight = Weight::Unmistakable;
                }
                self.facts |= TEMPLATE_ASKED;
            }
            (Dialect::GetBlockTemplate, Role::Miner, Step::Share) if self.facts & TEMPLATE_ASKED != 0 => {
                sign.weight = Weight::Unmistakable;
            }
            (Dialect::GetBlockTemplate, Role::Pool, Step::Job) => {
                let asked = self.has(Role::Miner, direction.reverse(), Weight::Hint);
                if asked && self.facts & TEMPLATE_ASKED != 0 {
                    self.facts |= TEMPLATE_GIVEN;
                }
            }
            _ => {}
        }
    }

    /// Counts a message that is worth `foreign` as a sign of another protocol.
    fn pass(&mut self, context: &Context<'_>, foreign: u8) -> Answer {
        let [to_server, to_client] = &mut self.foreign;
        let count = match context.direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        };
        *count = count.saturating_add(foreign);
        // Weak evidence is outlived by a long conversation about other things, strong evidence isn't.
        if self.facts & STRONG_SIGNS != 0 {
            return Answer::NeedMore;
        }
        let patience = if self.has_evidence() { 4 } else { 1 };
        let [to_server, to_client] = self.foreign.map(|count| count / patience);
        let both = to_server.min(to_client) >= FOREIGN_MESSAGES;
        let one = to_server.max(to_client) >= FOREIGN_MESSAGES_ONE_WAY;
        if both || one { Answer::NoMatch } else { Answer::NeedMore }
    }

    fn has(&self, role: Role, direction: Direction, weight: Weight) -> bool {
        self.facts & fact(role, direction, weight) != 0
    }
}

/// What one message by itself is a sign of, when pools send such messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The dialect.
    pub dialect: Dialect,
    /// Nobody but a pool says so; otherwise others may, too.
    pub strong: bool,
    /// The message in the field's words.
    pub said: &'static str,
}

/// What `root`, an object that a server sent, is a sign of.
pub(super) fn show(context: &Context<'_>, root: Value<'_>) -> Option<Shown> {
    read_sign(&Message::new(root, context)).and_then(shown_by_pool)
}

/// What a line that isn't JSON is a sign of.
pub(super) fn show_line(tape: &mut crate::parse::json::Tape, line: &[u8]) -> Option<Shown> {
    line::read(tape, line).and_then(shown_by_pool)
}

fn shown_by_pool(sign: Sign<'_>) -> Option<Shown> {
    let Sign { dialect, role, weight, said, .. } = sign;
    (role == Role::Pool).then_some(Shown { dialect, strong: weight > Weight::Hint, said })
}

/// The sign of a message that needs no other to be understood.
fn read_sign<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    node::read(message)
        .or_else(|| stratum::read(message))
        .or_else(|| login::read(message))
        .or_else(|| eth::read(message))
        .or_else(|| browser::read(message))
}

/// Fills `finding`; `earlier` are the facts that were known before.
fn describe(finding: &mut Finding, context: &Context<'_>, sign: &Sign<'_>, earlier: u16) {
    *finding = Finding { dialect: Some(sign.dialect), ..Finding::default() };
    let Finding { coin, agent, wallet, evidence, .. } = finding;
    match sign.coin {
        Coin::Untold => {}
        Coin::Known(name) => push_escaped(coin, name.as_bytes()),
        Coin::Told(name) => name.read(|text| push_escaped(coin, text)),
    }
    let head = context.http.filter(|_| sign.role == Role::Miner).map(|head| Text::Bytes(head.agent));
    let mut known = None;
    if let Some(name) = sign.agent.or(head) {
        name.read(|text| {
            push_escaped(agent, text);
            known = shape::coin_of(text);
        });
    }
    if let Some(name) = sign.wallet {
        name.read(|text| {
            push_shortened(wallet, text);
            known = known.or(shape::coin_of(text));
        });
    }
    if let (Some(name), true) = (known, coin.is_empty()) {
        push_escaped(coin, name.as_bytes());
    }
    push_escaped(evidence, sign.said.as_bytes());
    push_escaped(
        evidence,
        match context.direction {
            Direction::ToServer => b" from the client",
            Direction::ToClient => b" from the server",
        },
    );
    let known = [
        (Step::Share, " after a share"),
        (Step::Job, " after a job"),
        (Step::Authorisation, " after a login"),
        (Step::Greeting, " after a greeting"),
    ];
    if let Some((_, said)) = known.iter().find(|(at, _)| earlier & step(*at) != 0) {
        push_escaped(evidence, said.as_bytes());
    }
}

/// How much a message without a sign speaks for another protocol.
fn foreignness(message: &Message<'_>) -> u8 {
    // What a pool says to a method that it doesn't know: a miner may try several.
    if message.method.is_empty() && message.root.get("error").is_some_and(|error| !error.is_null()) {
        return 0;
    }
    let electrum = ["server.", "blockchain.", "mempool."];
    let language_server = ["textDocument/", "workspace/", "window/", "$/"];
    let known = |prefix: &&str| message.method.starts_with(prefix);
    if electrum.iter().any(known) || language_server.iter().any(known) { FOREIGN } else { 1 }
}

/// A hash of an identifier that is never 0; 0 if there is none.
fn fold(id: Option<Value<'_>>) -> u8 {
    id.filter(|id| !id.is_null())
        .map_or(0, |id| id.bytes().iter().fold(1_u8, |hash, byte| hash.rotate_left(3) ^ byte).max(1))
}

const fn fact(role: Role, direction: Direction, weight: Weight) -> u16 {
    let strong = if matches!(weight, Weight::Hint) { 0 } else { 1 };
    1 << (role as u16 * 4 + direction as u16 * 2 + strong)
}

const fn step(step: Step) -> u16 {
    1 << (8 + step as u16)
}

/// That direction has asked for something in JSON.
const fn asked(direction: Direction) -> u16 {
    1 << (12 + direction as u16)
}

const SIGNS: u16 = 0x00ff;
const STRONG_SIGNS: u16 = 0x00aa;
const STEPS: u16 = 0x0f00;
const TEMPLATE_ASKED: u16 = 1 << 14;
const TEMPLATE_GIVEN: u16 = 1 << 15;

/// A message that settles what is spoken: half of what a flow is let go for, per direction.
const FOREIGN: u8 = FOREIGN_MESSAGES;
