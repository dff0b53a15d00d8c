//! Which questions are asked at all, and in which order.
//!
//! What is known of the server beforehand comes first ([`hinted_at`]), and of each dialect what a miner says first:
//! pools ban addresses for words that no miner begins with (P2Pool and MoneroOcean for `keepalived` and
//! `server.version`), and the suspected host shares the router's address. Without a hint the first words are those of
//! the dialect that malware speaks, CryptoNote. A server that never says a word hears the [`CORE`] and no more; what
//! is asked of others follows from what they speak.

use crate::dpi::signatures::Dialect;
use crate::probe::hint::Hints;
use crate::probe::question::Question;

/// What is asked of everybody.
pub(in crate::probe) const CORE: [Question; 10] = [
    Question::Login,
    Question::Page,
    Question::Subscribe,
    Question::Keepalive,
    Question::EthProxy,
    Question::StratumV2,
    Question::Grin,
    Question::Beam,
    Question::Xatum,
    Question::Mqtt,
];

/// What is asked besides of who refuses in JSON what it doesn't know.
pub(in crate::probe) const OF_REFUSERS: [Question; 3] = [Question::HelloShort, Question::Ckb, Question::Node];

/// What is asked of a web server at `port`, which may be a pool's door. Nodes that push work are no
/// neighbours of web sites. A WebSocket's server mostly takes any path; one that doesn't has `/proxy`.
pub(in crate::probe) fn over_http(port: u16) -> &'static [Question] {
    const ALL: [Question; 5] = [
        Question::WebSocketProxy,
        Question::EthGetWork,
        Question::Work,
        Question::XelisWork,
        Question::Getwork,
    ];
    const OF_WEB_SITES: [Question; 4] =
        [Question::WebSocketProxy, Question::EthGetWork, Question::Getwork, Question::WebSocket];
    if matches!(port, 80 | 443) { &OF_WEB_SITES } else { &ALL }
}

/// What a server at `port` speaks, if it is what the port is meant for.
pub(super) fn usual_at(port: u16) -> Option<Question> {
    match port {
        53 | 853 => Some(Question::Dns),
        389 | 636 | 3268 | 3269 => Some(Question::Ldap),
        1883 | 8883 => Some(Question::Mqtt),
        5432 => Some(Question::Postgres),
        _ => None,
    }
}

/// What settles that which `hints` point to, the surest first.
pub(super) fn hinted_at(hints: &Hints) -> impl Iterator<Item = Question> {
    let wire = hints.wire;
    let of_wire: &[Question] = match (wire.noise, wire.server_first, wire.websocket, wire.web) {
        (true, ..) => &[Question::StratumV2],
        (_, true, ..) => &[Question::DuinoCoin],
        (_, _, true, _) => &[Question::WebSocketProxy, Question::WebSocket],
        // Whether it is no more than a web server, the first line of JSON tells as well.
        (_, _, _, true) => &[Question::WebSocketProxy],
        _ => &[],
    };
    let of_dialects = hints.dialects.iter().flat_map(|dialect| for_dialect(*dialect));
    of_dialects.chain(of_wire).copied()
}

/// What settles the suspicion that it is `dialect`.
fn for_dialect(dialect: Dialect) -> &'static [Question] {
    match dialect {
        // A node is asked by its wallet's owner alone, and in gRPC, which no question is made of.
        Dialect::KaspaNode => &[],
        Dialect::CryptoNote | Dialect::SelfSelect | Dialect::P2pool | Dialect::MoneroDaemon => {
            &[Question::Login, Question::Page, Question::Keepalive]
        }
        Dialect::Grin => &[Question::Grin, Question::Login],
        Dialect::Beam => &[Question::Beam],
        Dialect::Ckb => &[Question::Ckb],
        Dialect::EthProxy => &[Question::EthProxy, Question::EthProxyWallet],
        Dialect::EthereumStratum2 => &[Question::Hello],
        Dialect::Xatum => &[Question::Xatum],
        Dialect::DuinoCoin => &[Question::DuinoCoin],
        Dialect::StratumV2 => &[Question::StratumV2],
        Dialect::Getwork | Dialect::GetBlockTemplate => &[Question::Getwork],
        Dialect::EthGetWork => &[Question::EthGetWork],
        Dialect::CoinHive | Dialect::WebMinerPool | Dialect::Nimiq => {
            &[Question::WebSocketProxy, Question::WebSocket]
        }
        Dialect::GetworkWebSocket => {
            &[Question::Work, Question::XelisWork, Question::WebSocketWork, Question::WebSocketXelis]
        }
        _ => &[Question::Subscribe],
    }
}
