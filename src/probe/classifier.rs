//! Classification of responses.
//!
//! A message that the dialects' own rules call strong is a pool's. So are the refusals of [`refusal`],
//! each in answer to the question that provokes it; where others might say the same, a question that means
//! nothing to a pool has to be answered differently. Everything else leaves it open, unless it shows a
//! server of another kind ([`other_services`]); what is taken and what is refused, and in which form, the strategy
//! puts together.

mod other_services;
mod refusal;

use super::question::{Encoding, Question};
use crate::dpi::finding::push_escaped;
use crate::dpi::server_messages::{MessageReader, PoolMessage, ServerMessage};
use crate::dpi::signatures::Dialect;
use crate::dpi::{Answer, Dpi, noise};
use crate::limits::{PROBE_EVIDENCE_BYTES, SV2_SERVER_HELLO};
use crate::parse::tree::Value;

/// The evidence, in one line.
pub(crate) type EvidenceLine = heapless::String<PROBE_EVIDENCE_BYTES>;

/// Class of the responses on one connection so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// Nothing that can be read yet.
    Nothing,
    /// A pool.
    Pool(Dialect, EvidenceLine),
    /// A pool, unless the server refuses every method in these words.
    Claim(Dialect, EvidenceLine),
    /// A server of another kind, for certain.
    OtherService(EvidenceLine),
    /// HTTP where lines were expected, or nothing but a page. Its status line.
    WebPage(EvidenceLine),
    /// A web server that wants TLS, or an alert of TLS itself.
    WantsTls,
    /// JSON-RPC that says yes, or says something that means nothing to us.
    Inconclusive,
    /// A result without an error in response to a subscription or the login behind it.
    Taken,
    /// JSON-RPC that doesn't know what was asked, or won't tell. Its words, and their form.
    Refused(EvidenceLine, ErrorForm),
    /// The right number of random bytes.
    Key,
    /// Bytes of no protocol that we know.
    Unreadable,
}

/// Form of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// `[code, text, traceback]` with one of Stratum's codes. Any server may write its errors so: the form proves
    /// nothing where all methods are refused in it.
    Stratum,
    /// Any other.
    Other,
}

/// Classifies the responses on one connection.
#[derive(Debug)]
pub(crate) struct ResponseClassifier {
    question: Question,
    reader: MessageReader,
    /// All that the server has sent.
    bytes: Vec<u8>,
    /// Bytes of it that have been read.
    read: usize,
    /// The first payload of ours; an echo begins with it.
    sent: Vec<u8>,
    response: Response,
}

impl ResponseClassifier {
    /// A classifier of responses to `question`.
    pub(crate) fn new(question: Question) -> Self {
        ResponseClassifier {
            question,
            reader: MessageReader::of(question.name()),
            bytes: Vec::new(),
            read: 0,
            sent: Vec::new(),
            response: Response::Nothing,
        }
    }

    /// Notes the payload that was sent.
    pub(crate) fn note_sent(&mut self, dpi: &mut Dpi, words: &[u8]) {
        if self.sent.is_empty() {
            self.sent.extend_from_slice(words);
        }
        if self.question.encoding() != Encoding::Opaque {
            self.reader.note_sent(dpi, words);
        }
        self.response = Response::Nothing;
    }

    /// Reads the next bytes of the server.
    pub(crate) fn receive(&mut self, dpi: &mut Dpi, bytes: &[u8]) -> &Response {
        self.bytes.extend_from_slice(bytes);
        if matches!(self.response, Response::Pool(..) | Response::OtherService(_)) {
            return &self.response;
        }
        if let Some(response) = self.by_first_bytes() {
            self.response = response;
        } else {
            self.read_messages(dpi);
        }
        &self.response
    }

    /// The class so far.
    pub(crate) fn response(&self) -> &Response {
        &self.response
    }

    /// Whether the server has sent anything on this connection.
    pub(crate) fn has_received(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The class by the raw bytes, before they are parsed.
    fn by_first_bytes(&self) -> Option<Response> {
        let bytes = &self.bytes[..];
        if self
            .sent
            .get(..bytes.len().min(self.sent.len()))
            .is_some_and(|sent| sent.len() >= 16 && bytes.starts_with(sent))
        {
            return Some(Response::OtherService(evidence(&[b"echoes what it is told"])));
        }
        if other_services::wants_tls(bytes) {
            return Some(Response::WantsTls);
        }
        if bytes.starts_with(b"HTTP/") {
            if let Some((page, dialect)) = other_services::pool_page(self.question, bytes) {
                return Some(Response::Pool(dialect, evidence(&[b"page reads ", page])));
            }
            if let Some(node) = other_services::node_page(bytes) {
                return Some(Response::OtherService(evidence(&[node])));
            }
            let line = bytes.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
            let goes_on = match self.question.encoding() {
                Encoding::WebSocket => line.get(9..12) == Some(b"101"),
                Encoding::Http => !self.question.is_page() && line.get(9..10) == Some(b"2"),
                Encoding::Lines | Encoding::Opaque => false,
            };
            return (!goes_on).then(|| Response::WebPage(evidence(&[b"web server: ", line])));
        }
        if let Some((protocol, answer)) = other_services::answer(self.question, bytes) {
            return Some(match answer {
                Answer::Match => Response::OtherService(evidence(&[b"speaks ", protocol.as_bytes()])),
                Answer::NeedMore => Response::Nothing,
                Answer::NoMatch => Response::Unreadable,
            });
        }
        if self.question.encoding() == Encoding::Opaque {
            return Some(match noise::server_hello(bytes) {
                Answer::Match => Response::Key,
                Answer::NeedMore if bytes.len() < SV2_SERVER_HELLO => Response::Nothing,
                Answer::NeedMore | Answer::NoMatch => Response::Unreadable,
            });
        }
        if let Some(kind) = other_services::banner(bytes) {
            return Some(Response::OtherService(evidence(&[b"speaks ", kind.as_bytes()])));
        }
        None
    }

    fn read_messages(&mut self, dpi: &mut Dpi) {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let (question, is_first) = (self.question, self.read == 0);
        let mut latest = None;
        let offer = self.reader.read_messages(dpi, rest, &mut |message| {
            if !matches!(latest, Some(Response::Pool(..) | Response::OtherService(_))) {
                latest = Some(classify(question, message));
            }
        });
        self.read = self.read.saturating_add(offer.consumed);
        match latest {
            Some(response) => self.response = response,
            None if offer.is_unreadable && is_first && question.encoding() != Encoding::Http => {
                self.response = Response::Unreadable;
            }
            // A page where JSON was hoped for; a WebSocket that waits for us.
            None if self.response == Response::Nothing && self.bytes.starts_with(b"HTTP/") => {
                self.response = match question.encoding() {
                    Encoding::WebSocket => Response::Inconclusive,
                    _ => Response::WebPage(evidence(&[b"web server: a page in answer to a question"])),
                };
            }
            None => {}
        }
    }
}

/// The class of one message in response to `question`.
fn classify(question: Question, message: &ServerMessage<'_>) -> Response {
    let is_refused = |shown: &PoolMessage<'_>| shown.said.starts_with(REFUSED);
    if let Some(shown) = message.shown.filter(|shown| shown.strong) {
        let words = message.root.filter(|_| is_refused(&shown)).and_then(refusal::named);
        let words = words.unwrap_or_else(|| evidence(&[shown.said.as_bytes(), b" from the server"]));
        return Response::Pool(shown.dialect, words);
    }
    let Some(root) = message.root else { return Response::Unreadable };
    // Header, seed and target are a hint alone, but not when it is what was asked for.
    if let Some(shown) = message.shown.filter(|shown| shown.said == "work")
        && matches!(question, Question::EthProxy | Question::EthProxyWallet | Question::EthGetWork)
    {
        let dialect = if question == Question::EthGetWork { Dialect::EthGetWork } else { shown.dialect };
        return Response::Pool(dialect, evidence(&[b"eth_getWork answered with work"]));
    }
    if let Some(refusal) = refusal::of_pool(question, root) {
        let class = if refusal.certain { Response::Pool } else { Response::Claim };
        return class(refusal.dialect, refusal.words);
    }
    if let Some(shown) = message.shown.filter(is_refused)
        && let Some(words) = refusal::named(root)
    {
        return Response::Claim(shown.dialect, words);
    }
    if let Some(kind) = other_services::service(question, root) {
        return Response::OtherService(evidence(&[kind]));
    }
    match refusal::text(root) {
        Some((text, form)) => Response::Refused(text, form),
        None if is_extranonce(question, root) => {
            Response::Pool(Dialect::Equihash, evidence(&[b"mining.subscribe answered with an extranonce"]))
        }
        None if question.is_subscription() && root.get("result").is_some() => Response::Taken,
        None => Response::Inconclusive,
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
    question.is_subscription()
        && result.len() == 2
        && result.item(0).is_some_and(|session| session.is_null() || is_hex(session))
        && result.item(1).is_some_and(is_hex)
}

/// Beginning of the names of messages that refuse a question.
const REFUSED: &str = "refused ";

fn evidence(parts: &[&[u8]]) -> EvidenceLine {
    let mut text = EvidenceLine::new();
    for part in parts {
        push_escaped(&mut text, part);
    }
    text
}
