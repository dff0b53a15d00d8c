//! Parts of a compiled signature: flat tables, so that the built-in ones stand in the program's
//! read-only part and nothing is read at start.

use std::borrow::Cow;

/// Compiled signatures.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// The dialects that the files name, in their order.
    pub dialects: Cow<'static, [DialectEntry]>,
    /// Rules of all messages: those that ask for an exact method, sorted by its number; those that ask for a part of
    /// one; the others, sorted by their pivot ([`Program::pivots`]).
    pub rules: Cow<'static, [Rule]>,
    /// Number of rules that ask for an exact method.
    pub with_method: u16,
    /// Number of rules after those that ask for a part of a method's name.
    pub with_pattern: u16,
    /// First of the rules without a method by their pivot: the bit of a member that must be there, the rarest among
    /// the rules; of rules that need no member, their carrier ([`pivot_of_carrier`]). Counted from the first such rule;
    /// one entry more, which is the end.
    pub pivots: Cow<'static, [u16]>,
    /// Expressions ([`op`]).
    pub code: Cow<'static, [u16]>,
    /// End of each text in `text`.
    pub ends: Cow<'static, [u16]>,
    /// Texts in a row.
    pub text: Cow<'static, [u8]>,
    /// Words in host names, and the dialect they point to: text, whether it is a part of a word, dialect.
    pub names: Cow<'static, [(u16, bool, u8)]>,
    /// Ports from, to, and the dialect they point to.
    pub ports: Cow<'static, [(u16, u16, u8)]>,
    /// What the probe asks for a dialect, in order: the name of a question (a text), dialect.
    pub asks: Cow<'static, [(u16, u8)]>,
    /// Questions of the probe.
    pub questions: Cow<'static, [QuestionEntry]>,
    /// What the questions send, one after the other: texts.
    pub sends: Cow<'static, [u16]>,
}

/// A dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DialectEntry {
    /// Name: a text.
    pub name: u16,
    /// Description for people: a text.
    pub about: u16,
    /// The name of its family: a text.
    pub family: u16,
    /// The dialect says no more than its family does.
    pub generic: bool,
}

/// A question of the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuestionEntry {
    /// Name: a text.
    pub name: u16,
    /// Index of the dialect that it is about.
    pub dialect: u8,
    /// Framing of the response: an index among [`QUESTION_CARRIERS`].
    pub over: u8,
    /// Method that a server may quote in its refusal: a text, 0 without.
    pub method: u16,
    /// Path of the request, over HTTP or WebSocket: a text, 0 is `/`.
    pub path: u16,
    /// A field of its head: a text, 0 without.
    pub field: u16,
    /// First and last place among the payloads.
    pub sends: (u16, u16),
}

/// Framings of questions and of the responses to them.
pub(crate) const QUESTION_CARRIERS: [&str; 4] = ["line", "http", "websocket", "bytes"];

/// A kind of message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The exact method's number among the words. Of a rule without one, a byte that must be there ([`edge`]), or 0.
    pub method: u16,
    /// Place among all rules in the order of the files: of two that fit equally well, the first counts.
    pub order: u16,
    /// Index of the dialect.
    pub dialect: u8,
    /// [`Role`], as a number.
    pub role: Role,
    /// Phase of the session.
    pub phase: Phase,
    /// Carriers that it may come in, a bit each ([`carrier`]).
    pub over: u8,
    /// Kinds that values must have, a bit each ([`kind`]).
    pub kinds: u8,
    /// Number of conditions: of two that match, the more specific one counts.
    pub rank: u8,
    /// Member names that must be there, a bit each.
    pub needs: u64,
    /// First and last place of the conditions in the code.
    pub code: (u16, u16),
    /// The message in the field's words: a text.
    pub said: u16,
    /// Coin: a text, 0 without.
    pub coin: u16,
    /// Places of agent, wallet and algorithm: places in the code, 0 without.
    pub agent: u16,
    /// See [`Rule::agent`].
    pub wallet: u16,
    /// See [`Rule::agent`].
    pub algorithm: u16,
}

/// Sender of such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The end that mines.
    Miner = 0,
    /// The end that gives work.
    Pool = 1,
}

/// Phases of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Versions and capabilities.
    Greeting = 0,
    /// The account that is paid.
    Login = 1,
    /// Something to hash.
    Job = 2,
    /// Something found.
    Share = 3,
}

/// Certainty of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Confidence {
    /// Mining has such messages, other protocols too.
    Hint,
    /// Only mining has such messages, but quoting one or asking for one isn't mining yet: it takes a
    /// fitting message from the other side.
    Strong,
    /// Strong, and as a request at its place in the conversation proof by itself.
    Proof,
}

/// Carriers of messages.
pub(crate) mod carrier {
    /// JSON values in a byte stream.
    pub(crate) const LINE: u16 = 1;
    /// JSON in WebSocket messages.
    pub(crate) const WEBSOCKET: u16 = 2;
    /// The head of an HTTP message and its body.
    pub(crate) const HTTP: u16 = 4;
    /// A form in an HTTP body.
    pub(crate) const FORM: u16 = 8;
    /// A line of fields between commas.
    pub(crate) const CSV: u16 = 16;
    /// `verb~json`.
    pub(crate) const TILDE: u16 = 32;
    /// A message of gRPC.
    pub(crate) const GRPC: u16 = 64;
    /// The first bytes of a turn in an unknown protocol.
    pub(crate) const BINARY: u16 = 128;
    /// The names, in the order of the bits.
    pub(crate) const NAMES: [&str; 8] =
        ["line", "websocket", "http", "form", "csv", "tilde", "grpc", "binary"];
}

/// A byte at a place of a text: what tells most rules to be none of a message's. The byte is the lower half of a word, the
/// place stands above it.
pub(crate) mod edge {
    /// Counted from the first byte of the method; of a rule without one, of the path in the head of HTTP.
    pub(crate) const METHOD_BEGINS: u16 = 1 << 14;
    /// The same, counted from the last byte.
    pub(crate) const METHOD_ENDS: u16 = 2 << 14;
    /// Counted from the first byte of a message that is no text.
    pub(crate) const DATA: u16 = 3 << 14;
    /// The farthest place.
    pub(crate) const PLACE_MAX: u16 = 63;
}

/// Kinds of the two values that nearly all rules look into.
pub(crate) mod kind {
    /// The result is an array, an object, something else. Shifted by [`PARAMS`], the same of the parameters.
    pub(crate) const ARRAY: u8 = 1;
    /// See [`ARRAY`].
    pub(crate) const OBJECT: u8 = 2;
    /// See [`ARRAY`].
    pub(crate) const SCALAR: u8 = 4;
    /// Place of the bits of the parameters.
    pub(crate) const PARAMS: u32 = 3;
}

/// Words of the code: an operation is followed by the number of words that belong to it.
pub(crate) mod op {
    /// Conjunction of the operations inside.
    pub(crate) const ALL: u16 = 1;
    /// Disjunction of them.
    pub(crate) const ANY: u16 = 2;
    /// Not the one inside.
    pub(crate) const NOT: u16 = 3;
    /// At least so many (the word behind the size) of those inside.
    pub(crate) const AT_LEAST: u16 = 4;
    /// A value: words of the path with their number before them, then groups of shapes.
    pub(crate) const TEST: u16 = 5;
    /// The message answers the client's latest strong request.
    pub(crate) const ANSWERS: u16 = 6;
    /// A message of a phase (the word behind the size) was seen in the flow.
    pub(crate) const AFTER: u16 = 7;
    /// A grade: the confidence, and the one operation that it takes, if any.
    pub(crate) const GRADE: u16 = 8;
    /// The message answers one of the probe's questions (texts: their names), and no flow of a client's.
    pub(crate) const ASKED: u16 = 9;
}

/// Words of a path.
pub(crate) mod path {
    /// A path that begins at the message.
    pub(crate) const ROOT: u16 = 0;
    /// The HTTP head.
    pub(crate) const HTTP: u16 = 1;
    /// The method.
    pub(crate) const METHOD: u16 = 2;
    /// Bytes of an unknown protocol, or of a body.
    pub(crate) const DATA: u16 = 3;
    /// Members of protobuf.
    pub(crate) const PROTO: u16 = 4;
    /// A step to the item at an index.
    pub(crate) const INDEX: u16 = 0x4000;
    /// A step to some item.
    pub(crate) const SOME: u16 = 0x8000;
    /// A step to every item.
    pub(crate) const EVERY: u16 = 0x8001;
}

/// Shapes of values, each followed by its arguments.
pub(crate) mod shape {
    /// A string.
    pub(crate) const STRING: u16 = 1;
    /// A number.
    pub(crate) const NUMBER: u16 = 2;
    /// `true` or `false`.
    pub(crate) const BOOL: u16 = 3;
    /// `true`.
    pub(crate) const TRUE: u16 = 4;
    /// `false`.
    pub(crate) const FALSE: u16 = 5;
    /// `null`.
    pub(crate) const NULL: u16 = 6;
    /// An object.
    pub(crate) const OBJECT: u16 = 7;
    /// An array.
    pub(crate) const ARRAY: u16 = 8;
    /// A string or a number.
    pub(crate) const NAME: u16 = 9;
    /// Present, be it null.
    pub(crate) const PRESENT: u16 = 10;
    /// Not there, or null.
    pub(crate) const ABSENT: u16 = 11;
    /// An address of a wallet.
    pub(crate) const WALLET: u16 = 12;
    /// The name of a mining program.
    pub(crate) const MINER: u16 = 13;
    /// The name of an algorithm.
    pub(crate) const ALGORITHM: u16 = 14;
    /// The last of the shapes without arguments.
    pub(crate) const LAST_PLAIN: u16 = ALGORITHM;
    /// Equal to one of some texts: their number, and each.
    pub(crate) const IS: u16 = 20;
    /// Begins with one of them.
    pub(crate) const BEGINS: u16 = 21;
    /// Ends with one of them.
    pub(crate) const ENDS: u16 = 22;
    /// Contains one of them, in any case.
    pub(crate) const HAS: u16 = 23;
    /// An object with no members but those of such names.
    pub(crate) const ONLY: u16 = 24;
    /// Hexadecimal digits: least and greatest number.
    pub(crate) const HEX: u16 = 30;
    /// Decimal digits and points.
    pub(crate) const DECIMAL: u16 = 31;
    /// Decimal digits.
    pub(crate) const DIGITS: u16 = 32;
    /// Base58.
    pub(crate) const BASE58: u16 = 33;
    /// Base64.
    pub(crate) const BASE64: u16 = 34;
    /// Capital letters.
    pub(crate) const UPPER: u16 = 35;
    /// Small letters.
    pub(crate) const LOWER: u16 = 36;
    /// Bytes.
    pub(crate) const LENGTH: u16 = 37;
    /// Items or members.
    pub(crate) const ITEMS: u16 = 38;
    /// An integer between two (each in two words, the higher half first).
    pub(crate) const INTEGER: u16 = 40;
    /// A little-endian number in two or four bytes between two.
    pub(crate) const LITTLE: u16 = 41;
    /// A big-endian one.
    pub(crate) const BIG: u16 = 42;
}

/// The pivot of rules that need no member, by the carriers that they may come in: one, or several of them. The bits of
/// members are the pivots below.
pub(crate) fn pivot_of_carrier(over: u16) -> u32 {
    if over.is_power_of_two() { u64::BITS + over.trailing_zeros() } else { PIVOTS - 1 }
}

/// Number of pivots.
pub(crate) const PIVOTS: u32 = u64::BITS + carrier::NAMES.len() as u32 + 1;

impl Program {
    /// The text with this number; 0 is empty.
    pub(crate) fn text(&self, id: u16) -> &[u8] {
        let Some(at) = usize::from(id).checked_sub(1) else { return &[] };
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(0);
        self.text.get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }

    /// The text with this number as characters.
    pub(crate) fn str(&self, id: u16) -> &str {
        core::str::from_utf8(self.text(id)).unwrap_or_default()
    }
}
