//! Questions: payloads in their order on one connection.
//!
//! The first payload of a question is the least that its dialect answers. Further payloads go out on the same
//! connection, and only if the response to the ones before left it open.

mod payload;

pub(crate) use payload::HostHeader;

use crate::dpi::signatures::{Dialect, DialectQuestion, question};

/// A question takes a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// CryptoNote's sign of life: some pools answer it before any login, others say what is missing.
    Keepalive,
    /// A page: the software of some pools says what it is.
    Page,
    /// Stratum V1 and its relatives, IronFish among them.
    Subscribe,
    /// Stratum V1 for a server that has refused another method in words: IronFish's would have hung up.
    SubscribeShort,
    /// CryptoNote.
    Login,
    /// Ethereum's getwork over TCP.
    EthProxy,
    /// Ethereum's getwork over TCP with a well-formed wallet.
    EthProxyWallet,
    /// EthereumStratum/2.0.0.
    Hello,
    /// Whether it knows the method of EthereumStratum/2.0.0 at all.
    HelloShort,
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
    /// WebSocket at the path of the proxies of CoinHive and its copies.
    WebSocketProxy,
    /// WebSocket at the path of Dero's nodes and pools: the wallet is in the path.
    WebSocketWork,
    /// WebSocket at the path of Xelis's nodes.
    WebSocketXelis,
    /// Dero's path without a WebSocket: its nodes look at the wallet first.
    Work,
    /// Xelis's path without a WebSocket, for the same reason.
    XelisWork,
    /// Whether it is an Electrum server, which is no pool.
    Electrum,
    /// Whether it is an Ethereum node, which is no pool.
    Node,
    /// Whether it is an Ethereum node, over HTTP.
    NodeHttp,
    /// Whether it is a broker of MQTT.
    Mqtt,
    /// Whether it answers for the DNS, over TCP or TLS.
    Dns,
    /// Whether it is PostgreSQL.
    Postgres,
    /// Whether it is a directory that speaks LDAP.
    Ldap,
    /// A question of a signature that nothing else in the plan speaks of.
    OfSignature(DialectQuestion),
}

/// Encoding of payload and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
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
    /// The question that signatures call `name`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, question)| *question);
        known.or_else(|| question(name).map(Question::OfSignature))
    }

    /// The name in signatures; empty without.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Question::OfSignature(question) => question.name(),
            known => NAMES.iter().find(|(_, question)| *question == known).map_or("", |(name, _)| name),
        }
    }

    /// The question as a signature has it, if one does.
    fn of_signature(self) -> Option<DialectQuestion> {
        question(self.name())
    }

    /// Encoding of the question.
    pub(crate) fn encoding(self) -> Encoding {
        if let Some(question) = self.of_signature() {
            return match question.over() {
                "http" => Encoding::Http,
                "websocket" => Encoding::WebSocket,
                "bytes" => Encoding::Opaque,
                _ => Encoding::Lines,
            };
        }
        match self {
            Question::Page | Question::NodeHttp => Encoding::Http,
            Question::StratumV2
            | Question::StratumV2Again
            | Question::Mqtt
            | Question::Dns
            | Question::Postgres
            | Question::Ldap => Encoding::Opaque,
            _ => Encoding::Lines,
        }
    }

    /// The dialect that is asked for, where the question is about one.
    pub(crate) fn dialect(self) -> Option<Dialect> {
        match self {
            Question::StratumV2 | Question::StratumV2Again => Some(Dialect::StratumV2),
            _ => self.of_signature().map(DialectQuestion::dialect),
        }
    }

    /// Whether the question asks for a page alone: any page is a full response.
    pub(crate) const fn is_page(self) -> bool {
        matches!(self, Question::Page | Question::Work | Question::XelisWork)
    }

    /// Whether the question is a subscription in a line of its own, with the login behind it.
    pub(crate) const fn is_subscription(self) -> bool {
        matches!(self, Question::Subscribe | Question::SubscribeShort)
    }

    /// Whether the question is a long HTTP request, of no use unless HTTP is spoken.
    pub(crate) fn is_long_http(self) -> bool {
        matches!(self.encoding(), Encoding::Http | Encoding::WebSocket) && !matches!(self, Question::Page)
    }

    /// The method that is called, where it is JSON-RPC: servers quote it when they don't know it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Question::Electrum => "server.version",
            Question::Node | Question::NodeHttp => "web3_clientVersion",
            _ => self.of_signature().map_or("", DialectQuestion::method),
        }
    }
}

/// Names of questions in signatures (`ask NAME`).
const NAMES: [(&str, Question); 23] = [
    ("login", Question::Login),
    ("page", Question::Page),
    ("keepalive", Question::Keepalive),
    ("subscribe", Question::Subscribe),
    ("subscribe-short", Question::SubscribeShort),
    ("hello-short", Question::HelloShort),
    ("eth-proxy", Question::EthProxy),
    ("eth-proxy-wallet", Question::EthProxyWallet),
    ("hello", Question::Hello),
    ("grin", Question::Grin),
    ("beam", Question::Beam),
    ("ckb", Question::Ckb),
    ("xatum", Question::Xatum),
    ("duino-coin", Question::DuinoCoin),
    ("stratum-v2", Question::StratumV2),
    ("getwork", Question::Getwork),
    ("eth-get-work", Question::EthGetWork),
    ("web-socket", Question::WebSocket),
    ("web-socket-proxy", Question::WebSocketProxy),
    ("web-socket-work", Question::WebSocketWork),
    ("web-socket-xelis", Question::WebSocketXelis),
    ("work", Question::Work),
    ("xelis-work", Question::XelisWork),
];
