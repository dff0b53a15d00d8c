//! The payloads of each question.

use super::Question;
use crate::net::endpoint::Endpoint;

impl Question {
    /// The payload number `step`, counted from 0, for the server called `host`; `None` behind the last. Those of a
    /// dialect's lines stand in its signature.
    ///
    /// Every byte counts: all questions that one kind of server is asked have to fit in
    /// [`PROBE_SEND_BYTES`](crate::limits::PROBE_SEND_BYTES). What a dialect's servers read stays in, at its
    /// shortest (parameters of a wrong shape have crashed some).
    pub(crate) fn payload(self, step: usize, host: &HostHeader, key: &[u8; 64]) -> Option<Vec<u8>> {
        if let Some(question) = self.of_signature() {
            return question.payload(step).map(<[u8]>::to_vec);
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
            // A well-formed address (BIP 173) of a network that there isn't.
            (Question::Work, 0) => Some(get(DERO_PATH)),
            (Question::XelisWork, 0) => Some(get(XELIS_PATH)),
            (Question::Getwork, 0) => Some(post(
                host,
                r#"{"method":"getwork","params":[],"id":1}"#,
                "Authorization: Basic MDp4\r\n",
            )),
            (Question::EthGetWork, 0) => {
                Some(post(host, r#"{"id":1,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#, JSON))
            }
            (Question::NodeHttp, 0) => Some(post(host, CLIENT_VERSION, JSON)),
            (Question::WebSocket, 0) => Some(upgrade(host, "/")),
            (Question::WebSocketProxy, 0) => Some(upgrade(host, "/proxy")),
            (Question::WebSocketWork, 0) => Some(upgrade(host, DERO_PATH)),
            (Question::WebSocketXelis, 0) => Some(upgrade(host, XELIS_PATH)),
            (Question::WebSocket | Question::WebSocketProxy, step) => {
                FRAMES.get(step.checked_sub(1)?).map(|text| frame(text, key))
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

const DERO_PATH: &str = "/ws/void1mzaswn";
/// Wallet and worker.
const XELIS_PATH: &str = "/getwork/0/0";
const JSON: &str = "Content-Type: application/json\r\n";

/// CONNECT of MQTT 3.1.1 (section 3.1): a clean session without a name.
const MQTT_CONNECT: [u8; 14] = *b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00";
/// A query for the root's name servers (RFC 1035 sections 4.1 and 4.2.2), numbered "mw". No recursion is
/// asked for.
const DNS_QUERY: [u8; 19] = *b"\x00\x11mw\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";
/// SSLRequest of PostgreSQL's protocol 3 (section 55.7): answered with one letter.
const POSTGRES_SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// An anonymous bind (RFC 4511 section 4.2), number 1.
const LDAP_BIND: [u8; 14] = *b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";

/// Texts of WebSocket messages, one after the other.
const FRAMES: [&str; 4] = [
    r#"{"type":"auth","params":{"site_key":"0","type":"anonymous"}}"#,
    r#"{"identifier":"handshake","pool":"0","login":"0","password":"","version":8}"#,
    r#"{"id":1,"method":"mining.subscribe","params":["mw"]}"#,
    r#"{"id":1,"method":"login","params":{"login":"0","pass":"x"}}"#,
];

/// HTTP/1.0 needs no `Host` (RFC 1945 section 5): servers of pools serve one site only.
fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.0\r\n\r\n").into_bytes()
}

/// The name is said where the suspected client has said it.
fn post(host: &HostHeader, body: &str, fields: &str) -> Vec<u8> {
    let name = if host.is_name { format!("Host: {}\r\n", host.authority) } else { String::new() };
    format!("POST / HTTP/1.0\r\n{name}{fields}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// RFC 6455 section 4.1. Its key is a nonce, of which nothing hangs here but the form.
fn upgrade(host: &HostHeader, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: bWluZXdhbGwgcHJvYmUgMA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        host.authority
    )
    .into_bytes()
}

/// RFC 6455 section 5.2: one text message, masked.
fn frame(text: &str, key: &[u8; 64]) -> Vec<u8> {
    let mask = [key[0], key[1], key[2], key[3]];
    // All of ours are shorter than 126 bytes.
    let mut frame = vec![0x81, 0x80 | text.len() as u8];
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn len(questions: &[Question]) -> usize {
        questions.iter().flat_map(|question| payloads_of(*question)).map(|payload| payload.len()).sum()
    }

    #[test]
    fn questions_are_short_and_name_nobodys_wallet() {
        for question in EVERY {
            assert!(!payloads_of(question).is_empty(), "{question:?}");
            assert!(len(&[question]) < PROBE_SEND_BYTES, "{question:?}");
        }
        assert!(FRAMES.iter().all(|text| text.len() < 126));
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
