//! The payloads of each question.

use super::Question;
use crate::dpi::signatures::DialectQuestion;
use crate::net::endpoint::Endpoint;

impl Question {
    /// The payload number `step`, counted from 0, for the server called `host`; `None` behind the last. Those of a
    /// dialect stand in its signature.
    ///
    /// Every byte counts: all questions that one kind of server is asked have to fit in
    /// [`PROBE_SEND_BYTES`](crate::limits::PROBE_SEND_BYTES). What a dialect's servers read stays in, at its
    /// shortest (parameters of a wrong shape have crashed some).
    pub(crate) fn payload(self, step: usize, host: &HostHeader, key: &[u8; 64]) -> Option<Vec<u8>> {
        if let Some(question) = self.of_signature() {
            return payload_of(question, step, host, key);
        }
        let line = |text: &str| Some(format!("{text}\n").into_bytes());
        match (self, step) {
            (Question::StratumV2, 0) => Some(key.to_vec()),
            (Question::StratumV2Again, 0) => {
                let mut key = *key;
                // Another key that begins as well as the first one does.
                key[8..].reverse();
                Some(key.to_vec())
            }
            // Monero's daemon looks for the end of a head behind a field.
            (Question::Page, 0) => Some(b"GET / HTTP/1.0\r\nHost:0\r\n\r\n".to_vec()),
            (Question::NodeHttp, 0) => {
                Some(post(host, "/", CLIENT_VERSION.as_bytes(), "Content-Type: application/json\r\n"))
            }
            (Question::Electrum, 0) => line(r#"{"id":1,"method":"server.version","params":["mw","1.4"]}"#),
            (Question::Node, 0) => line(CLIENT_VERSION),
            (Question::Mqtt, 0) => Some(MQTT_CONNECT.to_vec()),
            (Question::Dns, 0) => Some(DNS_QUERY.to_vec()),
            (Question::Postgres, 0) => Some(POSTGRES_SSL_REQUEST.to_vec()),
            (Question::Ldap, 0) => Some(LDAP_BIND.to_vec()),
            _ => None,
        }
    }
}

/// The payloads of a question that a signature has.
fn payload_of(question: DialectQuestion, step: usize, host: &HostHeader, key: &[u8; 64]) -> Option<Vec<u8>> {
    let field = match question.field() {
        "" => String::new(),
        field => format!("{field}\r\n"),
    };
    match (question.over(), step) {
        ("http", 0) => Some(match question.text(0) {
            Some(body) => post(host, question.path(), body, &field),
            None => get(question.path(), &field),
        }),
        ("http", _) => None,
        ("websocket", 0) => Some(upgrade(host, question.path(), &field)),
        ("websocket", step) => question.text(step - 1).map(|text| frame(text, key)),
        (_, step) => question.text(step).map(<[u8]>::to_vec),
    }
}

/// Name of a server in HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HostHeader {
    /// The name that the suspected client used, or the address and port.
    authority: String,
    is_name: bool,
}

impl HostHeader {
    /// The name of the server at `server`: `name`, if that is known and no longer than pools' names are.
    pub(crate) fn new(name: Option<&str>, server: &Endpoint) -> Self {
        let name = name.filter(|name| name.len() <= NAME_MAX);
        HostHeader { authority: name.map_or_else(|| server.to_string(), Into::into), is_name: name.is_some() }
    }
}

/// A client may name any server in its handshake; a long name would leave no room for the other questions.
const NAME_MAX: usize = 64;
/// go-ethereum answers nothing without `jsonrpc`.
const CLIENT_VERSION: &str = r#"{"id":1,"jsonrpc":"2.0","method":"web3_clientVersion"}"#;

/// CONNECT of MQTT 3.1.1 (section 3.1): a clean session without a name.
const MQTT_CONNECT: [u8; 14] = *b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00";
/// A query for the root's name servers (RFC 1035 sections 4.1 and 4.2.2), numbered "mw". No recursion is
/// asked for.
const DNS_QUERY: [u8; 19] = *b"\x00\x11mw\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";
/// SSLRequest of PostgreSQL's protocol 3 (section 55.7): answered with one letter.
const POSTGRES_SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// An anonymous bind (RFC 4511 section 4.2), number 1.
const LDAP_BIND: [u8; 14] = *b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";

/// HTTP/1.0 needs no `Host` (RFC 1945 section 5): servers of pools serve one site only.
fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.0\r\n{fields}\r\n").into_bytes()
}

/// The name is said where the suspected client has said it.
fn post(host: &HostHeader, path: &str, body: &[u8], fields: &str) -> Vec<u8> {
    let name = if host.is_name { format!("Host: {}\r\n", host.authority) } else { String::new() };
    let head = format!("POST {path} HTTP/1.0\r\n{name}{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// RFC 6455 section 4.1. Its key is a nonce, of which nothing hangs here but the form.
fn upgrade(host: &HostHeader, path: &str, fields: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: bWluZXdhbGwgcHJvYmUgMA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        host.authority
    )
    .into_bytes()
}

/// RFC 6455 section 5.2: one text message, masked.
fn frame(text: &[u8], key: &[u8; 64]) -> Vec<u8> {
    let mask = [key[0], key[1], key[2], key[3]];
    let mut frame = match text.len() {
        len @ ..126 => vec![0x81, 0x80 | len as u8],
        // A text of a signature has at most 200 bytes.
        len => vec![0x81, 0x80 | 126, (len >> 8) as u8, len as u8],
    };
    frame.extend(mask);
    frame.extend(text.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpi::signatures::question;
    use crate::limits::PROBE_SEND_BYTES;
    use crate::probe::strategy::plan::{CORE, OF_REFUSERS, over_http};

    const EVERY: [Question; 31] = [
        Question::Keepalive,
        Question::Page,
        Question::Subscribe,
        Question::SubscribeShort,
        Question::Login,
        Question::EthProxy,
        Question::EthProxyWallet,
        Question::Hello,
        Question::HelloShort,
        Question::Grin,
        Question::Beam,
        Question::Ckb,
        Question::Xatum,
        Question::DuinoCoin,
        Question::StratumV2,
        Question::StratumV2Again,
        Question::Getwork,
        Question::EthGetWork,
        Question::WebSocket,
        Question::WebSocketProxy,
        Question::WebSocketWork,
        Question::WebSocketXelis,
        Question::Work,
        Question::XelisWork,
        Question::Electrum,
        Question::Node,
        Question::NodeHttp,
        Question::Mqtt,
        Question::Dns,
        Question::Postgres,
        Question::Ldap,
    ];

    fn payloads_of(question: Question) -> Vec<Vec<u8>> {
        let host = HostHeader::new(None, &Endpoint::new([192, 0, 2, 123].into(), 33_333));
        (0..8).map_while(|step| question.payload(step, &host, &[0x9c; 64])).collect()
    }

    #[test]
    fn a_question_that_only_a_signature_has_is_asked_like_any_other() {
        for name in ["login", "getwork", "xelis-work", "web-socket-proxy"] {
            let known = Question::of_name(name).expect("a question");
            let other = Question::OfSignature(question(name).expect("a question of a signature"));
            assert_eq!(payloads_of(other), payloads_of(known), "{name}");
            assert_eq!((other.encoding(), other.dialect()), (known.encoding(), known.dialect()), "{name}");
            assert_eq!((other.method(), other.name()), (known.method(), name));
        }
    }

    fn len(questions: &[Question]) -> usize {
        questions.iter().flat_map(|question| payloads_of(*question)).map(|payload| payload.len()).sum()
    }

    #[test]
    fn questions_are_short_and_name_nobodys_wallet() {
        for question in EVERY {
            assert!(!payloads_of(question).is_empty(), "{question:?}");
            assert!(len(&[question]) < PROBE_SEND_BYTES, "{question:?}");
        }
    }

    /// All that a server is asked which shows nothing, of each kind.
    #[test]
    fn what_one_server_is_asked_has_room() {
        let first = |question| payloads_of(question).first().map_or(0, Vec::len);
        let firsts =
            |questions: &[Question]| questions.iter().map(|question| first(*question)).sum::<usize>();
        let closes = firsts(&CORE);
        let refuses = firsts(&[
            Question::Keepalive,
            Question::Electrum,
            Question::SubscribeShort,
            Question::Login,
            Question::EthProxy,
            Question::Grin,
        ]) + firsts(&OF_REFUSERS);
        let agrees = firsts(&[Question::Keepalive, Question::Electrum, Question::Login])
            + len(&[Question::Subscribe, Question::EthProxy]);
        let web = first(Question::Keepalive) + firsts(over_http(33_333));
        let websocket = first(Question::Keepalive) + len(&[Question::WebSocketProxy]);
        println!("closes {closes}, refuses {refuses}, agrees {agrees}, web {web}, WebSocket {websocket}");
        for told in [closes, refuses, agrees, web, websocket] {
            assert!(told <= PROBE_SEND_BYTES, "{told}");
        }
    }
}
