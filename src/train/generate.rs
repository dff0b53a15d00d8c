//! Scripted sessions: what no capture at hand shows, written from the protocols.
//!
//! Miners of every dialect with pools, clients, wrappers and paths of all habits ([`mining`]), and
//! long-lived sessions of the innocent ([`benign`]); both as [`script`]s of messages, carried over
//! [`wire`]. Every session has a random stream of its own, keyed by (seed, index): the same seed
//! gives the same sessions.

pub mod benign;
pub mod dialects;
pub mod mining;
pub mod script;
pub mod wire;

use super::rng::Rng;
use super::sequence::{Label, Sequence};

/// `count` mining sessions, dialect after dialect.
pub fn mining(seed: u64, count: u32, limit: usize) -> Vec<Sequence> {
    sessions(seed, count, limit, Label::Mining, dialects::DIALECTS.len(), mining::session)
}

/// `count` benign sessions, service after service.
pub fn benign(seed: u64, count: u32, limit: usize) -> Vec<Sequence> {
    sessions(seed ^ 0xb, count, limit, Label::Benign, benign::SERVICES.len(), benign::session)
}

/// A script, what carries it, and the name of what it speaks.
pub type Session = (script::Script, wire::Transport, &'static str);

fn sessions(
    seed: u64,
    count: u32,
    limit: usize,
    label: Label,
    kinds: usize,
    make: fn(&mut Rng, usize) -> Session,
) -> Vec<Sequence> {
    let one = |index: u32| {
        let mut rng = Rng::keyed(seed, u64::from(index));
        let (script, transport, dialect) = make(&mut rng, index as usize % kinds);
        let path = script.path;
        let packets = transport.carry(&mut rng, &path, &script.finish(), limit);
        Sequence {
            label,
            application: format!("scripted-{dialect}"),
            dialect: dialect.to_owned(),
            transport: transport.name().to_owned(),
            kind: "scripted".to_owned(),
            session: index,
            packets,
        }
    };
    (0..count).map(one).collect()
}
