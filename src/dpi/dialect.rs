//! The mining dialects: what counts as proof of each.
//!
//! Each family of dialects has a file that turns a message into a *sign*: whose message it would be
//! (miner's or pool's), and its weight. What the weight of signs adds up to is the same for all and
//! is decided here:
//!
//! - An *unmistakable* request from the client of a flow that is seen from its start is proof by
//!   itself, so that the pool never receives it.
//! - Otherwise proof takes both sides: a *strong* sign from one, and at least a hint from the other
//!   in the other role. The success of a strong request, told by its identifier, is such a hint. Who
//!   opened the connection doesn't matter for this, so a flow joined midway may have its ends
//!   swapped. Since one end alone proves nothing, mail or chat that quotes a whole conversation
//!   doesn't match.
//! - A strong sign from the server of a flow seen from its start is proof if the client asked for
//!   anything in JSON (not over HTTP, where servers serve all sorts): the request may be of a dialect
//!   not known yet, the answer is not.
//! - A hint and a hint are no proof, however many there are.

mod browser;
mod eth;
mod line;
mod login;
mod message;
mod node;
mod shape;
mod stratum;
#[cfg(test)]
mod tests;

use super::finding::{Finding, push_escaped, push_shortened};
use super::json::Value;
use super::{Answer, Dpi};
use crate::flow::Direction;
use crate::limits::{FOREIGN_MESSAGES, FOREIGN_MESSAGES_ONE_WAY};
use message::{Coin, Message, Role, Sign, Step, Text, Weight};

/// A mining protocol, named as in the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dialect {
    /// Bitcoin's Stratum V1 and its relatives. Proof: see the module's rules; a request `mining.*`
    /// with fitting parameters is unmistakable, a difficulty, job or subscription strong.
    StratumV1 = 1,
    /// Zcash's variant of Stratum V1 (nheqminer, EWBF, miniZ, GMiner): the pool's host and port in
    /// `mining.subscribe`, a long solution in `mining.submit`, a job of three hashes.
    Equihash = 2,
    /// XMRig's client for KawPow and GhostRider: `mining.subscribe` with XMRig for an agent.
    XmrigEthStratum = 3,
    /// EthereumStratum/1.0.0 (NiceHash): the name in `mining.subscribe` or in its answer, or a job of
    /// two hashes and a bool.
    EthereumStratum1 = 4,
    /// EthereumStratum/2.0.0: `mining.hello` with protocol, or agent, host and port; `mining.set`.
    EthereumStratum2 = 5,
    /// Conflux: a `cfx:` account in `mining.authorize`, or a job of height, hash and boundary.
    Conflux = 6,
    /// Alephium: jobs with a `headerBlob`; `alph_submitHashrate`.
    Alephium = 7,
    /// Kaspa's bridge: jobs of four numbers.
    Kaspa = 8,
    /// IronFish: `mining.*` with a `body` that has version and agent, or a request identifier.
    IronFish = 9,
    /// CryptoNote's `login` (Monero and its kin): login and password with a miner's agent, algorithms
    /// or a wallet; a share with job, nonce and hash; from the server a job with blob, identifier and
    /// target, or `KEEPALIVED`.
    CryptoNote = 10,
    /// CryptoNote with blocks of the miner's own making: mode "self-select", `block_template`.
    SelfSelect = 11,
    /// CryptoNote as P2Pool speaks it, which only its answer to the login shows.
    P2pool = 12,
    /// Grin: login by a Grin miner, a share with a cycle; from the server a job with `pre_pow`.
    Grin = 13,
    /// Beam: login with nothing but an `api_key`, `solution`; from the server a job with `input`, or
    /// a `nonceprefix`.
    Beam = 14,
    /// Nervos CKB: `ckb_*`; from the server `nonce_pre` or `pow_hash` with a target.
    Ckb = 15,
    /// Ethereum's getwork over bare TCP: `eth_submitLogin` with a user, `eth_getWork`,
    /// `eth_submitWork` and `eth_submitHashrate` with hexadecimal parameters.
    EthProxy = 16,
    /// Ethereum's getwork over HTTP: a share or hash rate; a request for work by a miner's name, or
    /// one that is answered.
    EthGetWork = 17,
    /// Bitcoin's getwork: by a miner's name, `X-Mining-Extensions`, with a solution, or answered.
    Getwork = 18,
    /// getblocktemplate (BIP 22): by a miner's name, with a miner's capabilities or a long poll,
    /// or again after it was answered; `submitblock` after it, or answered.
    GetBlockTemplate = 19,
    /// Monero's daemon: `getblocktemplate` with wallet and room for a nonce; its height asked by a
    /// miner's name.
    MoneroDaemon = 20,
    /// CoinHive and its copies: `auth` with `site_key` and a kind of account; jobs; shares.
    CoinHive = 21,
    /// webminerpool and its kin: `handshake` with pool and login; jobs; `solved`.
    WebMinerPool = 22,
    /// Nimiq: `register` with an address of Nimiq's and a device; `settings`; `new-block`.
    Nimiq = 23,
    /// Xatum (Xelis, Dero): `shake~` with address, and agent or algorithms; `job~`; `submit~`.
    Xatum = 24,
    /// Duino-Coin: `JOB,` with user and a known difficulty; jobs of two hashes.
    DuinoCoin = 25,
    /// Stratum V2, by the sizes of its Noise handshake.
    StratumV2 = 26,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 26] = [
        Dialect::StratumV1,
        Dialect::Equihash,
        Dialect::XmrigEthStratum,
        Dialect::EthereumStratum1,
        Dialect::EthereumStratum2,
        Dialect::Conflux,
        Dialect::Alephium,
        Dialect::Kaspa,
        Dialect::IronFish,
        Dialect::CryptoNote,
        Dialect::SelfSelect,
        Dialect::P2pool,
        Dialect::Grin,
        Dialect::Beam,
        Dialect::Ckb,
        Dialect::EthProxy,
        Dialect::EthGetWork,
        Dialect::Getwork,
        Dialect::GetBlockTemplate,
        Dialect::MoneroDaemon,
        Dialect::CoinHive,
        Dialect::WebMinerPool,
        Dialect::Nimiq,
        Dialect::Xatum,
        Dialect::DuinoCoin,
        Dialect::StratumV2,
    ];

    /// The name in events and in the replay's lines.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::StratumV1 => "stratum-v1",
            Dialect::Equihash => "equihash",
            Dialect::XmrigEthStratum => "xmrig-eth-stratum",
            Dialect::EthereumStratum1 => "ethereum-stratum-1",
            Dialect::EthereumStratum2 => "ethereum-stratum-2",
            Dialect::Conflux => "conflux",
            Dialect::Alephium => "alephium",
            Dialect::Kaspa => "kaspa",
            Dialect::IronFish => "ironfish",
            Dialect::CryptoNote => "cryptonote",
            Dialect::SelfSelect => "cryptonote-self-select",
            Dialect::P2pool => "p2pool",
            Dialect::Grin => "grin",
            Dialect::Beam => "beam",
            Dialect::Ckb => "ckb",
            Dialect::EthProxy => "eth-proxy",
            Dialect::EthGetWork => "eth-getwork",
            Dialect::Getwork => "getwork",
            Dialect::GetBlockTemplate => "getblocktemplate",
            Dialect::MoneroDaemon => "monero-daemon",
            Dialect::CoinHive => "coinhive",
            Dialect::WebMinerPool => "webminerpool",
            Dialect::Nimiq => "nimiq",
            Dialect::Xatum => "xatum",
            Dialect::DuinoCoin => "duino-coin",
            Dialect::StratumV2 => "stratum-v2",
        }
    }

    /// The dialect with this number, for a flow record that holds one in a byte.
    pub fn from_code(code: u8) -> Option<Dialect> {
        Self::ALL.into_iter().find(|dialect| *dialect as u8 == code)
    }

    /// Dialects of one family share messages, so a flow may turn from one into the other.
    const fn family(self) -> Family {
        match self {
            Dialect::StratumV1
            | Dialect::Equihash
            | Dialect::XmrigEthStratum
            | Dialect::EthereumStratum1
            | Dialect::EthereumStratum2
            | Dialect::Conflux
            | Dialect::Alephium
            | Dialect::Kaspa
            | Dialect::IronFish
            | Dialect::StratumV2 => Family::Stratum,
            Dialect::CryptoNote | Dialect::SelfSelect | Dialect::P2pool | Dialect::Grin | Dialect::Beam => {
                Family::Login
            }
            Dialect::Ckb | Dialect::EthProxy | Dialect::EthGetWork => Family::Ethereum,
            Dialect::Getwork | Dialect::GetBlockTemplate | Dialect::MoneroDaemon => Family::Node,
            Dialect::CoinHive | Dialect::WebMinerPool | Dialect::Nimiq => Family::Browser,
            Dialect::Xatum | Dialect::DuinoCoin => Family::Line,
        }
    }

    /// Whether it says no more than its family does; a more specific sign keeps its name then.
    const fn is_generic(self) -> bool {
        matches!(self, Dialect::StratumV1 | Dialect::CryptoNote | Dialect::EthProxy | Dialect::Getwork)
    }

    /// Whether it is at home in HTTP. Of another one even an unmistakable request wants an answer:
    /// web services take all sorts of JSON.
    const fn is_over_http(self) -> bool {
        matches!(self.family(), Family::Node) || matches!(self, Dialect::EthGetWork)
    }
}

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
    /// JSON, or the body of an HTTP message, which may be empty.
    pub fn read(&mut self, dpi: &mut Dpi, context: &Context<'_>, message: &[u8]) -> Answer {
        let Dpi { tape, finding, .. } = dpi;
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
                None => self.pass(context, 0),
            },
            (Some(_), Some(_)) | (None, None) => self.pass(context, 1),
        }
    }

    /// Whether anything pointed to mining, short of proof.
    pub fn has_evidence(&self) -> bool {
        self.facts & SIGNS != 0
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
        let sign = node::read(&message)
            .or_else(|| stratum::read(&message))
            .or_else(|| login::read(&message))
            .or_else(|| eth::read(&message))
            .or_else(|| browser::read(&message))
            .or_else(|| self.read_success(context, &message));
        if sign.is_none_or(|sign| sign.role == Role::Miner) {
            self.facts |= asked(context.direction);
        }
        let Some(sign) = sign else {
            return self.pass(context, foreignness(&message));
        };
        let strong_request = sign.role == Role::Miner && sign.weight > Weight::Hint;
        let answer = self.weigh(finding, context, sign);
        if strong_request {
            self.awaited = fold(message.id);
        }
        answer
    }

    /// The success of a strong request that went the other way.
    fn read_success<'a>(&self, context: &Context<'a>, message: &Message<'a>) -> Option<Sign<'a>> {
        let awaited = self.awaited != 0
            && self.awaited == fold(message.id)
            && self.has(Role::Miner, context.direction.reverse(), Weight::Strong);
        let dialect = self.dialect.filter(|_| awaited && message.is_success())?;
        Some(Sign::pool(dialect, Step::Authorisation, Weight::Hint, "success"))
    }

    /// Adds a sign to the facts, and tells what they amount to.
    fn weigh(&mut self, finding: &mut Finding, context: &Context<'_>, mut sign: Sign<'_>) -> Answer {
        let direction = context.direction;
        self.weigh_template(&mut sign);
        if context.http.is_some() && !sign.dialect.is_over_http() {
            sign.weight = sign.weight.min(Weight::Strong);
        }
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
        let by_itself = sign.weight == Weight::Unmistakable
            && sign.role == Role::Miner
            && context.from_start
            && direction == Direction::ToServer;
        if by_itself || self.is_proven(context.from_start && context.http.is_none()) {
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
            && self.has(Role::Pool, Direction::ToClient, Weight::Strong);
        pair(Direction::ToServer) || pair(Direction::ToClient) || answered
    }

    /// A block template asked for is a hint, given it is another one. Asked for again after that, or
    /// followed by a block, it is work.
    fn weigh_template(&mut self, sign: &mut Sign<'_>) {
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
            (Dialect::GetBlockTemplate, Role::Pool, Step::Job) if self.facts & TEMPLATE_ASKED != 0 => {
                self.facts |= TEMPLATE_GIVEN;
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
    if let Some(name) = sign.agent.or(head) {
        name.read(|text| push_escaped(agent, text));
    }
    if let Some(name) = sign.wallet {
        name.read(|text| push_shortened(wallet, text));
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Stratum,
    Login,
    Ethereum,
    Node,
    Browser,
    Line,
}
