//! What is asked: the words, and in which order on one connection.
//!
//! The first words of a question are the least that its dialect answers. The others go out on the same
//! connection, and only if the answer to the words before them left it open.

use crate::dpi::dialect::Dialect;

/// A question takes a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// CryptoNote's sign of life: some pools answer it before any login, others say what is missing.
    Keepalive,
    /// A page: the software of some pools says what it is.
    Page,
    /// Stratum V1 and its relatives, IronFish among them.
    Subscribe,
    /// CryptoNote.
    Login,
    /// Ethereum's getwork over TCP.
    EthProxy,
    /// EthereumStratum/2.0.0.
    Hello,
    /// Grin.
    Grin,
    /// Beam.
    Beam,
    /// Nervos CKB.
    Ckb,
    /// Xatum.
    Xatum,
    /// Duino-Coin, whose server speaks first.
    DuinoCoin,
    /// Stratum V2: a key.
    StratumV2,
    /// Stratum V2 again, since one answer of the right length may be chance.
    StratumV2Again,
    /// Bitcoin's getwork over HTTP.
    Getwork,
    /// Ethereum's getwork over HTTP.
    EthGetWork,
    /// Miners in web pages, and Stratum in WebSocket messages.
    WebSocket,
    /// The same where the proxies of CoinHive and its copies have their door.
    WebSocketProxy,
    /// The same where Dero's nodes and pools have theirs: the wallet is in the path.
    WebSocketWork,
    /// Whether it is an Electrum server, which is no pool.
    Electrum,
    /// Whether it is an Ethereum node, which is no pool.
    Node,
    /// The same over HTTP.
    NodeHttp,
    /// Whether it is a broker of MQTT.
    Mqtt,
    /// Whether it answers for the DNS, over TCP or TLS.
    Dns,
    /// Whether it is PostgreSQL.
    Postgres,
    /// Whether it is a directory that speaks LDAP.
    Ldap,
}

/// How the answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// JSON or Xatum, a message a line.
    Lines,
    /// An HTTP response.
    Http,
    /// HTTP, then WebSocket frames.
    WebSocket,
    /// Bytes that are no text.
    Opaque,
}

impl Question {
    /// How it is asked.
    pub const fn manner(self) -> Manner {
        match self {
            Question::Page | Question::Getwork | Question::EthGetWork | Question::NodeHttp => Manner::Http,
            Question::WebSocket | Question::WebSocketProxy | Question::WebSocketWork => Manner::WebSocket,
            Question::StratumV2
            | Question::StratumV2Again
            | Question::Mqtt
            | Question::Dns
            | Question::Postgres
            | Question::Ldap => Manner::Opaque,
            _ => Manner::Lines,
        }
    }

    /// The dialect that is asked for, where the question is about one.
    pub const fn dialect(self) -> Option<Dialect> {
        Some(match self {
            Question::Keepalive | Question::Login => Dialect::CryptoNote,
            Question::Subscribe => Dialect::StratumV1,
            Question::EthProxy => Dialect::EthProxy,
            Question::Hello => Dialect::EthereumStratum2,
            Question::Grin => Dialect::Grin,
            Question::Beam => Dialect::Beam,
            Question::Ckb => Dialect::Ckb,
            Question::Xatum => Dialect::Xatum,
            Question::DuinoCoin => Dialect::DuinoCoin,
            Question::StratumV2 | Question::StratumV2Again => Dialect::StratumV2,
            Question::Getwork => Dialect::Getwork,
            Question::EthGetWork => Dialect::EthGetWork,
            Question::WebSocket | Question::WebSocketProxy => Dialect::CoinHive,
            Question::WebSocketWork => Dialect::GetworkWebSocket,
            Question::Page
            | Question::Electrum
            | Question::Node
            | Question::NodeHttp
            | Question::Mqtt
            | Question::Dns
            | Question::Postgres
            | Question::Ldap => return None,
        })
    }

    /// The words number `step`, counted from 0, for the server called `host`; `None` behind the last.
    pub fn words(self, step: usize, host: &str, key: &[u8; 64]) -> Option<Vec<u8>> {
        let line = |text: &str| Some(format!("{text}\n").into_bytes());
        match (self, step) {
            (Question::Keepalive, 0) => {
                line(r#"{"id":1,"jsonrpc":"2.0","method":"keepalived","params":{"id":"0"}}"#)
            }
            // Whoever reads the parameters passes over the body, and the other way round.
            (Question::Subscribe, 0) => line(
                r#"{"id":1,"method":"mining.subscribe","params":["minewall/1"],"body":{"version":3,"publicAddress":"0"}}"#,
            ),
            (Question::Subscribe, 1) => line(r#"{"id":2,"method":"mining.authorize","params":["0","x"]}"#),
            (Question::Login, 0) => line(
                r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"0","pass":"x","agent":"minewall/1"}}"#,
            ),
            (Question::EthProxy, 0) => line(
                r#"{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":["0x0000000000000000000000000000000000000000"]}"#,
            ),
            (Question::EthProxy, 1) => line(r#"{"id":2,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#),
            (Question::Hello, 0) => line(
                r#"{"id":1,"method":"mining.hello","params":{"agent":"minewall/1","host":"0","port":"0","proto":"EthereumStratum/2.0.0"}}"#,
            ),
            // Its servers want no login for this one, or say so.
            (Question::Grin, 0) => {
                line(r#"{"id":"0","jsonrpc":"2.0","method":"getjobtemplate","params":null}"#)
            }
            (Question::Beam, 0) => line(r#"{"method":"login","api_key":"0","id":"login","jsonrpc":"2.0"}"#),
            (Question::Ckb, 0) => {
                line(r#"{"id":1,"method":"ckb_submitLogin","params":{"login":"0","agent":"minewall/1"}}"#)
            }
            (Question::Xatum, 0) => line(r#"shake~{"addr":"0","work":"x","agent":"minewall/1","algos":[]}"#),
            (Question::DuinoCoin, 0) => line("JOB,0,LOW"),
            (Question::StratumV2, 0) => Some(key.to_vec()),
            (Question::StratumV2Again, 0) => {
                let mut key = *key;
                // Another key that begins as well as the first one does.
                key[8..].reverse();
                Some(key.to_vec())
            }
            (Question::Page, 0) => Some(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()),
            (Question::Getwork, 0) => Some(post(
                host,
                r#"{"method":"getwork","params":[],"id":1}"#,
                "Authorization: Basic MDp4\r\n",
            )),
            (Question::EthGetWork, 0) => {
                Some(post(host, r#"{"id":1,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#, ""))
            }
            (Question::NodeHttp, 0) => Some(post(host, CLIENT_VERSION, "")),
            (Question::WebSocket, 0) => Some(upgrade(host, "/")),
            (Question::WebSocketProxy, 0) => Some(upgrade(host, "/proxy")),
            // A well-formed address (BIP 173) of a network that there isn't.
            (Question::WebSocketWork, 0) => Some(upgrade(host, "/ws/void1mzaswn")),
            (Question::WebSocket | Question::WebSocketProxy, step) => {
                FRAMES.get(step.checked_sub(1)?).map(|text| frame(text, key))
            }
            (Question::Electrum, 0) => {
                line(r#"{"id":1,"method":"server.version","params":["minewall","1.4"]}"#)
            }
            (Question::Node, 0) => line(CLIENT_VERSION),
            (Question::Mqtt, 0) => Some(MQTT_CONNECT.to_vec()),
            (Question::Dns, 0) => Some(DNS_QUERY.to_vec()),
            (Question::Postgres, 0) => Some(POSTGRES_SSL_REQUEST.to_vec()),
            (Question::Ldap, 0) => Some(LDAP_BIND.to_vec()),
            _ => None,
        }
    }
}

const CLIENT_VERSION: &str = r#"{"id":1,"jsonrpc":"2.0","method":"web3_clientVersion","params":[]}"#;

/// CONNECT of MQTT 3.1.1 (section 3.1): a clean session without a name.
const MQTT_CONNECT: [u8; 14] = *b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00";
/// A query for the root's name servers (RFC 1035 sections 4.1 and 4.2.2), numbered "mw". Nobody is asked to
/// look further than at what he has.
const DNS_QUERY: [u8; 19] = *b"\x00\x11mw\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";
/// SSLRequest of PostgreSQL's protocol 3 (section 55.7): answered with one letter.
const POSTGRES_SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// An anonymous bind (RFC 4511 section 4.2), number 1.
const LDAP_BIND: [u8; 14] = *b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";

/// What is said in WebSocket messages, one after the other.
const FRAMES: [&str; 4] = [
    r#"{"type":"auth","params":{"site_key":"0","type":"anonymous","user":null,"goal":0}}"#,
    r#"{"identifier":"handshake","pool":"0","login":"0","password":"","userid":"","version":8}"#,
    r#"{"id":1,"method":"mining.subscribe","params":["minewall/1"]}"#,
    r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"0","pass":"x"}}"#,
];

fn post(host: &str, body: &str, fields: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// RFC 6455 section 4.1. Its key is a nonce, of which nothing hangs here but the form.
fn upgrade(host: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: bWluZXdhbGwgcHJvYmUgMA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
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

    const EVERY: [Question; 25] = [
        Question::Keepalive,
        Question::Page,
        Question::Subscribe,
        Question::Login,
        Question::EthProxy,
        Question::Hello,
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
        Question::Electrum,
        Question::Node,
        Question::NodeHttp,
        Question::Mqtt,
        Question::Dns,
        Question::Postgres,
        Question::Ldap,
    ];

    #[test]
    fn questions_are_short_and_name_nobodys_wallet() {
        for question in EVERY {
            let words: Vec<_> =
                (0..8).map_while(|step| question.words(step, "192.0.2.1:3333", &[0x9c; 64])).collect();
            assert!(!words.is_empty(), "{question:?}");
            for words in words {
                assert!(words.len() < 256 && words.len() * 4 < PROBE_SEND_BYTES, "{question:?}");
            }
        }
        assert!(FRAMES.iter().all(|text| text.len() < 126));
    }
}
