//! Classification of responses.
//!
//! A message that the dialects' own rules call strong is a pool's. So are the refusals of [`refusal`],
//! each in answer to the question that provokes it; where others might say the same, a question that means
//! nothing to a pool has to be answered differently. Everything else leaves it open, unless it shows a
//! server of another kind ([`foreign`]).

mod foreign;
mod refusal;

use super::question::{Manner, Question};
use crate::dpi::finding::push_escaped;
use crate::dpi::hearing::{Heard, Hearing};
use crate::dpi::signatures::Dialect;
use crate::dpi::{Answer, Dpi, noise};
use crate::limits::{PROBE_EVIDENCE_BYTES, SV2_SERVER_HELLO};
use crate::parse::tree::Value;

/// The evidence, in one line.
pub type Evidence = heapless::String<PROBE_EVIDENCE_BYTES>;

/// Class of the responses on one connection so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing that can be read yet.
    Nothing,
    /// A pool.
    Pool(Dialect, Evidence),
    /// A pool, unless the server refuses every method in these words.
    Claim(Dialect, Evidence),
    /// A server of another kind, for certain.
    Foreign(Evidence),
    /// HTTP where lines were expected, or nothing but a page. Its status line.
    Web(Evidence),
    /// A web server that wants TLS, or an alert of TLS itself.
    WantsTls,
    /// JSON-RPC that says yes, or says something that means nothing to us.
    Open,
    /// JSON-RPC that doesn't know what was asked, or won't tell. Its words.
    Refused(Evidence),
    /// The right number of random bytes.
    Key,
    /// Bytes of no protocol that we know.
    Unreadable,
}

/// Classifies the responses on one connection.
#[derive(Debug)]
pub struct Judge {
    question: Question,
    hearing: Hearing,
    /// All that the server has sent.
    bytes: Vec<u8>,
    /// Bytes of it that have been read.
    read: usize,
    /// The first payload of ours; an echo begins with it.
    said: Vec<u8>,
    finding: Finding,
}

impl Judge {
    /// A classifier of responses to `question`.
    pub fn new(question: Question) -> Self {
        Judge {
            question,
            hearing: Hearing::default(),
            bytes: Vec::new(),
            read: 0,
            said: Vec::new(),
            finding: Finding::Nothing,
        }
    }

    /// Notes the payload that was sent.
    pub fn said(&mut self, dpi: &mut Dpi, words: &[u8]) {
        if self.said.is_empty() {
            self.said.extend_from_slice(words);
        }
        if self.question.manner() != Manner::Opaque {
            self.hearing.said(dpi, words);
        }
        self.finding = Finding::Nothing;
    }

    /// Reads the next bytes of the server.
    pub fn hear(&mut self, dpi: &mut Dpi, bytes: &[u8]) -> &Finding {
        self.bytes.extend_from_slice(bytes);
        if matches!(self.finding, Finding::Pool(..) | Finding::Foreign(_)) {
            return &self.finding;
        }
        if let Some(finding) = self.at_sight() {
            self.finding = finding;
        } else {
            self.read_messages(dpi);
        }
        &self.finding
    }

    /// The class so far.
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Whether the server has sent anything on this connection.
    pub fn has_heard(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The class by the raw bytes, before they are parsed.
    fn at_sight(&self) -> Option<Finding> {
        let bytes = &self.bytes[..];
        if self
            .said
            .get(..bytes.len().min(self.said.len()))
            .is_some_and(|said| said.len() >= 16 && bytes.starts_with(said))
        {
            return Some(Finding::Foreign(words(&[b"echoes what it is told"])));
        }
        if foreign::wants_tls(bytes) {
            return Some(Finding::WantsTls);
        }
        if bytes.starts_with(b"HTTP/") {
            if let Some((page, dialect)) = foreign::pool_page(self.question, bytes) {
                return Some(Finding::Pool(dialect, words(&[b"page reads ", page])));
            }
            if let Some(node) = foreign::node_page(bytes) {
                return Some(Finding::Foreign(words(&[node])));
            }
            let line = bytes.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
            let goes_on = match self.question.manner() {
                Manner::WebSocket => line.get(9..12) == Some(b"101"),
                Manner::Http => !self.question.is_page() && line.get(9..10) == Some(b"2"),
                Manner::Lines | Manner::Opaque => false,
            };
            return (!goes_on).then(|| Finding::Web(words(&[b"web server: ", line])));
        }
        if let Some((protocol, answer)) = foreign::answer(self.question, bytes) {
            return Some(match answer {
                Answer::Match => Finding::Foreign(words(&[b"speaks ", protocol.as_bytes()])),
                Answer::NeedMore => Finding::Nothing,
                Answer::NoMatch => Finding::Unreadable,
            });
        }
        if self.question.manner() == Manner::Opaque {
            return Some(match noise::server_hello(bytes) {
                Answer::Match => Finding::Key,
                Answer::NeedMore if bytes.len() < SV2_SERVER_HELLO => Finding::Nothing,
                Answer::NeedMore | Answer::NoMatch => Finding::Unreadable,
            });
        }
        if let Some(kind) = foreign::banner(bytes) {
            return Some(Finding::Foreign(words(&[b"speaks ", kind.as_bytes()])));
        }
        None
    }

    fn read_messages(&mut self, dpi: &mut Dpi) {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let (question, is_first) = (self.question, self.read == 0);
        let mut latest = None;
        let offer = self.hearing.heard(dpi, rest, &mut |heard| {
            if !matches!(latest, Some(Finding::Pool(..) | Finding::Foreign(_))) {
                latest = Some(weigh(question, heard));
            }
        });
        self.read = self.read.saturating_add(offer.consumed);
        match latest {
            Some(finding) => self.finding = finding,
            None if offer.is_unreadable && is_first && question.manner() != Manner::Http => {
                self.finding = Finding::Unreadable;
            }
            // A page where JSON was hoped for; a WebSocket that waits for us.
            None if self.finding == Finding::Nothing && self.bytes.starts_with(b"HTTP/") => {
                self.finding = match question.manner() {
                    Manner::WebSocket => Finding::Open,
                    _ => Finding::Web(words(&[b"web server: a page in answer to a question"])),
                };
            }
            None => {}
        }
    }
}

/// The class of one message in response to `question`.
fn weigh(question: Question, heard: &Heard<'_>) -> Finding {
    if let Some(shown) = heard.shown.filter(|shown| shown.strong) {
        return Finding::Pool(shown.dialect, words(&[shown.said.as_bytes(), b" from the server"]));
    }
    let Some(root) = heard.root else { return Finding::Unreadable };
    // Header, seed and target are a hint alone, but not when it is what was asked for.
    if let Some(shown) = heard.shown.filter(|shown| shown.said == "work")
        && matches!(question, Question::EthProxy | Question::EthProxyWallet | Question::EthGetWork)
    {
        let dialect = if question == Question::EthGetWork { Dialect::EthGetWork } else { shown.dialect };
        return Finding::Pool(dialect, words(&[b"eth_getWork answered with work"]));
    }
    if let Some(refusal) = refusal::of_pool(question, root) {
        let finding = if refusal.certain { Finding::Pool } else { Finding::Claim };
        return finding(refusal.dialect, refusal.words);
    }
    if let Some(kind) = foreign::service(question, root) {
        return Finding::Foreign(words(&[kind]));
    }
    match refusal::text(root) {
        Some(text) => Finding::Refused(text),
        None if is_extranonce(question, root) => {
            Finding::Pool(Dialect::Equihash, words(&[b"mining.subscribe answered with an extranonce"]))
        }
        None => Finding::Open,
    }
}

/// `[null,"nonce1"]` or `["session","nonce1"]`: Zcash's pools say no more to a subscription.
fn is_extranonce(question: Question, root: Value<'_>) -> bool {
    let Some(result) = root.get("result") else { return false };
    let is_hex = |value: Value<'_>| {
        value.holds(|text| {
            text.len() >= 4
                && text.len() % 2 == 0
                && text.len() <= 64
                && text.iter().all(u8::is_ascii_hexdigit)
        })
    };
    matches!(question, Question::Subscribe | Question::SubscribeShort)
        && result.len() == 2
        && result.item(0).is_some_and(|session| session.is_null() || is_hex(session))
        && result.item(1).is_some_and(is_hex)
}

fn words(parts: &[&[u8]]) -> Evidence {
    let mut text = Evidence::new();
    for part in parts {
        push_escaped(&mut text, part);
    }
    text
}
