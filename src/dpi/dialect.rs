//! One whole message, from bytes to evidence.

pub use super::signatures::Dialect;

use super::evidence::{self, Evidence};
use super::signatures::Signatures;
use super::signatures::compile::program::{Confidence, Role, carrier};
use super::signatures::matcher::{Before, Message};
use super::{Answer, Dpi};
use crate::net::direction::Direction;
use crate::parse::scanner::{Progress, Scanner};
use crate::parse::tree::{Kind, Tree, Value};

/// What the messages of one flow have shown so far.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    evidence: Evidence,
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

impl Dialogue {
    /// Reads one whole message.
    pub fn read(&mut self, dpi: &mut Dpi, context: &Context<'_>, bytes: &[u8]) -> Answer {
        let Dpi { scanner, signatures, finding, .. } = dpi;
        let evidence = &mut self.evidence;
        let place = evidence::Context {
            direction: context.direction,
            client_is_whole: context.from_start,
            is_whole: context.from_start,
            by_page: false,
        };
        each(scanner, signatures, context, bytes, &mut |message| {
            let found = evidence.weigh(signatures, &place, message);
            if let Some(found) = found {
                *finding = found;
                return true;
            }
            false
        })
    }

    /// Whether anything pointed to mining, short of proof.
    pub fn has_evidence(&self) -> bool {
        self.evidence.has_evidence()
    }

    /// The dialect that the evidence points to, if there is any.
    pub fn dialect(&self) -> Option<Dialect> {
        self.evidence.dialect()
    }
}

/// Hands the messages in `bytes` over until one is the last.
fn each(
    scanner: &mut Scanner,
    signatures: &Signatures,
    context: &Context<'_>,
    bytes: &[u8],
    take: &mut dyn FnMut(&Message<'_>) -> bool,
) -> Answer {
    let words = signatures.words();
    scanner.reset();
    scanner.tree.reset();
    let over = match context {
        Context { http: Some(_), .. } => carrier::HTTP,
        Context { grpc: true, .. } => carrier::GRPC,
        Context { websocket: true, .. } => carrier::WEBSOCKET,
        _ => carrier::LINE,
    };
    if let Some(head) = context.http {
        push_head(&mut scanner.tree, signatures, &head);
    }
    let answer = |matched| if matched { Answer::Match } else { Answer::NeedMore };
    let base = Message { over, method: b"", method_word: 0, root: None, http: None, data: bytes };
    if context.grpc {
        return answer(take(&base));
    }
    let text = bytes.trim_ascii_start();
    let (verb, text, over) = match text.iter().position(|&byte| byte == b'~') {
        Some(at) if over == carrier::LINE && text.get(at + 1) == Some(&b'{') => {
            (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default(), carrier::TILDE)
        }
        _ => (&b""[..], text, over),
    };
    if !matches!(text.first(), Some(b'{' | b'[')) {
        if over == carrier::LINE {
            push_fields(&mut scanner.tree, text.trim_ascii_end());
            return answer(take(&Message { over: carrier::CSV, root: scanner.tree.root(words), ..base }));
        }
        return answer(take(&Message { http: scanner.tree.head(words), ..base }));
    }
    let mut at = 0;
    loop {
        match scanner.feed(words, text.get(at..).unwrap_or_default()) {
            Progress::Message(len) => at += len,
            Progress::End(_) | Progress::NeedMore | Progress::Broken(_) => return Answer::NeedMore,
        }
        let message = message_of(&scanner.tree, signatures, Message { over, data: b"", ..base }, verb);
        if take(&message) {
            return Answer::Match;
        }
        if scanner.is_idle() {
            return Answer::NeedMore;
        }
    }
}

/// The message whose values are in `tree`.
fn message_of<'a>(
    tree: &'a Tree,
    signatures: &'a Signatures,
    base: Message<'a>,
    verb: &'a [u8],
) -> Message<'a> {
    let words = signatures.words();
    let root = tree.root(words);
    let get = |name| root.and_then(|root: Value<'_>| root.get(name));
    let filled = |name| get(name).is_some_and(|value| !value.is_null());
    // Grin's nodes repeat the method in the response.
    let response = filled("result") && !filled("params") && !filled("body");
    let method = match get("method").filter(|method| !response && method.is_string()) {
        _ if !verb.is_empty() => verb,
        Some(method) => method.bytes(),
        None => b"",
    };
    let method_word = signatures.word(method);
    Message { method, method_word, root, http: tree.head(words), ..base }
}

fn push_head(tree: &mut Tree, signatures: &Signatures, head: &HttpHead<'_>) {
    let word = |name: &str| signatures.words().find(name).unwrap_or(0);
    tree.push(Kind::Object, 0, 1);
    let path = head.target.split(|&byte| byte == b'?').next().unwrap_or_default();
    for (name, text) in [("target", head.target), ("path", path), ("agent", head.agent)] {
        tree.push_text(Kind::String, word(name), text);
    }
    if head.mining_extensions {
        tree.push_text(Kind::String, word("x-mining-extensions"), b"");
    }
    tree.keep_head();
}

fn push_fields(tree: &mut Tree, line: &[u8]) {
    let Some(root) = tree.push(Kind::Array, 0, 1) else { return };
    for field in line.split(|&byte| byte == b',') {
        tree.count(root);
        tree.push_text(Kind::String, 0, field);
    }
    tree.close(root);
}

/// What one message by itself is a sign of, when pools send such messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The dialect.
    pub dialect: Dialect,
    /// Only pools say so; otherwise others may, too.
    pub strong: bool,
    /// The message in the field's words.
    pub said: &'a str,
}

/// Hands over what each message of a server is a sign of, and its values.
pub(super) fn show(
    scanner: &mut Scanner,
    signatures: &Signatures,
    context: &Context<'_>,
    bytes: &[u8],
    take: &mut dyn FnMut(Option<Shown<'_>>, Option<Value<'_>>),
) {
    each(scanner, signatures, context, bytes, &mut |message| {
        let before = Before { answers: context.http.is_some(), phases: 0 };
        let found = signatures.find(message, before).filter(|found| found.rule.role == Role::Pool);
        let shown = found.map(|found| Shown {
            dialect: signatures.dialect_of(&found),
            strong: found.confidence > Confidence::Hint,
            said: found.program.str(found.rule.said),
        });
        take(shown, message.root.filter(|_| message.over != carrier::CSV));
        false
    });
}
