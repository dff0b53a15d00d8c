//! Which questions are asked at all, and in which order.
//!
//! From the least harmful on. Keepalive and page disturb no pool's software known; a wrong first word
//! makes P2Pool and MoneroOcean ban the address, which the suspected host shares. A server that never
//! says a word hears the [`CORE`] and no more; what is asked of others follows from what they speak.

use crate::dpi::dialect::Dialect;
use crate::probe::question::Question;

/// What is asked of everybody.
pub(super) const CORE: [Question; 10] = [
    Question::Keepalive,
    Question::Page,
    Question::Subscribe,
    Question::Login,
    Question::EthProxy,
    Question::StratumV2,
    Question::Grin,
    Question::Beam,
    Question::Xatum,
    Question::Mqtt,
];

/// What is asked besides of who speaks JSON.
pub(super) const IN_JSON: [Question; 3] = [Question::Node, Question::Hello, Question::Ckb];

/// What is asked of a web server at `port`, which may be a pool's door. Nodes that push work are no
/// neighbours of web sites.
pub(super) fn over_http(port: u16) -> &'static [Question] {
    const ALL: [Question; 5] = [
        Question::Getwork,
        Question::EthGetWork,
        Question::WebSocket,
        Question::WebSocketWork,
        Question::WebSocketProxy,
    ];
    const OF_WEB_SITES: [Question; 4] =
        [Question::Getwork, Question::EthGetWork, Question::WebSocket, Question::WebSocketProxy];
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

/// What settles the suspicion that it is `dialect`.
pub(super) fn for_dialect(dialect: Option<Dialect>) -> impl Iterator<Item = Question> {
    let questions: &[Question] = match dialect {
        // A node is asked by its wallet's owner alone, and in gRPC, which no question is made of.
        None | Some(Dialect::KaspaNode) => &[],
        Some(Dialect::CryptoNote | Dialect::SelfSelect | Dialect::P2pool | Dialect::MoneroDaemon) => {
            &[Question::Keepalive, Question::Page, Question::Login]
        }
        Some(Dialect::Grin) => &[Question::Grin, Question::Login],
        Some(Dialect::Beam) => &[Question::Beam],
        Some(Dialect::Ckb) => &[Question::Ckb],
        Some(Dialect::EthProxy) => &[Question::EthProxy],
        Some(Dialect::EthereumStratum2) => &[Question::Hello],
        Some(Dialect::Xatum) => &[Question::Xatum],
        Some(Dialect::DuinoCoin) => &[Question::DuinoCoin],
        Some(Dialect::StratumV2) => &[Question::StratumV2],
        Some(Dialect::Getwork | Dialect::GetBlockTemplate) => &[Question::Getwork],
        Some(Dialect::EthGetWork) => &[Question::EthGetWork],
        Some(Dialect::CoinHive | Dialect::WebMinerPool | Dialect::Nimiq) => {
            &[Question::WebSocket, Question::WebSocketProxy]
        }
        Some(Dialect::GetworkWebSocket) => &[Question::WebSocketWork, Question::WebSocket],
        Some(
            Dialect::StratumV1
            | Dialect::Equihash
            | Dialect::XmrigEthStratum
            | Dialect::EthereumStratum1
            | Dialect::Conflux
            | Dialect::Alephium
            | Dialect::Kaspa
            | Dialect::IronFish,
        ) => &[Question::Subscribe],
    };
    questions.iter().copied()
}
