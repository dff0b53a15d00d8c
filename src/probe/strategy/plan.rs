//! The plan: the questions that are asked, and their order.
//!
//! Questions by hints come first ([`hinted_at`]), and of each dialect the first message of a miner:
//! pools ban addresses for words that no miner begins with (P2Pool and MoneroOcean for `keepalived` and
//! `server.version`), and the suspected host shares the router's address. Without a hint the first words are those of
//! the dialect that malware speaks, CryptoNote. A server that never says a word hears the [`CORE`] and no more; what
//! is asked of others follows from what they speak.

use crate::dpi::signatures::{Dialect, asks};
use crate::probe::hint::Hints;
use crate::probe::question::Question;

/// Questions to every server.
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

/// Further questions to a server that refuses unknown methods in JSON.
pub(in crate::probe) const OF_REFUSERS: [Question; 3] = [Question::HelloShort, Question::Ckb, Question::Node];

/// Questions to a web server at `port`, which may be part of a pool. Nodes that push work are no
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

/// The question for the usual protocol of `port`.
pub(super) fn usual_at(port: u16) -> Option<Question> {
    match port {
        53 | 853 => Some(Question::Dns),
        389 | 636 | 3268 | 3269 => Some(Question::Ldap),
        1883 | 8883 => Some(Question::Mqtt),
        5432 => Some(Question::Postgres),
        _ => None,
    }
}

/// Questions for the dialects of `hints`, the surest first.
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
    of_dialects.chain(of_wire.iter().copied())
}

/// Questions that settle whether the server speaks `dialect`, as its signature has them. A node is asked by its wallet's
/// owner alone, and has none.
fn for_dialect(dialect: Dialect) -> impl Iterator<Item = Question> {
    asks(dialect).filter_map(Question::of_name)
}
