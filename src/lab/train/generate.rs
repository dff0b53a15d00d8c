//! Scripted sessions: what no capture at hand shows, written from the protocols.
//!
//! Miners of every dialect with pools, clients, wrappers and paths of all habits ([`mod@mining`]), and
//! long-lived sessions of the innocent ([`mod@benign`]); both as [`script`]s of messages, carried over
//! [`wire`]. Every session has a random stream of its own, keyed by (seed, index): the same seed
//! gives the same sessions.

pub(crate) mod benign;
pub(crate) mod dialects;
pub(crate) mod mining;
pub(crate) mod script;
pub(crate) mod wire;
pub(crate) mod wrapper;

use super::renewal;
use super::rng::Rng;
use super::sequence::{Label, SCRIPTED, Sequence};

/// `count` mining sessions, dialect after dialect.
pub(crate) fn mining(seed: u64, count: u32, limit: usize) -> Vec<Sequence> {
    sessions(seed, count, limit, Label::Mining, dialects::dialects().len(), mining::session)
}

/// `count` benign sessions, service after service.
pub(crate) fn benign(seed: u64, count: u32, limit: usize) -> Vec<Sequence> {
    sessions(seed ^ 0xb, count, limit, Label::Benign, benign::SERVICES.len(), benign::session)
}

/// A script, what carries it, and the name of what it speaks.
pub(crate) type ScriptedSession = (script::Script, wire::SessionWrapping, &'static str);

fn sessions(
    seed: u64,
    count: u32,
    limit: usize,
    label: Label,
    kinds: usize,
    make: fn(&mut Rng, usize) -> ScriptedSession,
) -> Vec<Sequence> {
    let one = |index: u32| {
        let mut rng = Rng::keyed(seed, u64::from(index));
        let (script, transport, dialect) = make(&mut rng, index as usize % kinds);
        let path = script.path;
        let mut packets = transport.carry(&mut rng, &path, &script.finish(), limit);
        if rng.chance(RENEWED) {
            packets = renewal::renewed(packets, transport.name(), &mut rng);
            packets.truncate(limit);
        }
        Sequence {
            label,
            application: format!("scripted-{dialect}"),
            dialect: dialect.to_owned(),
            transport: transport.name().to_owned(),
            kind: SCRIPTED.to_owned(),
            session: index,
            client: None,
            packets,
        }
    };
    (0..count).map(one).collect()
}

/// Share of the sessions over TLS or SSH that renew their keys or tickets, or negotiate again.
const RENEWED: f64 = 0.12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_the_same_whatever_is_made_before_it() {
        let (few, many) = (mining(5, 10, 100), mining(5, 90, 100));
        assert_eq!(few, many[..10]);
        assert_ne!(mining(6, 10, 100), few);
        assert_eq!(benign(5, 20, 100), benign(5, 60, 100)[..20]);
    }

    #[test]
    fn every_dialect_and_service_makes_long_sessions_with_payload_both_ways() {
        let kinds = [mining(1, 200, 320), benign(1, 500, 320)].concat();
        let mut long = std::collections::BTreeMap::new();
        for sequence in &kinds {
            let both =
                sequence.packets.iter().any(|p| p.direction as u8 != sequence.packets[0].direction as u8);
            assert!(both || sequence.packets.len() < 2, "{}", sequence.dialect);
            *long.entry(&sequence.dialect).or_insert(0) += u32::from(sequence.is_long());
        }
        assert!(long.values().all(|&long| long > 0), "{long:?}");
        assert!(kinds.iter().flat_map(|s| &s.packets).all(|p| (1..=1_460).contains(&p.size)));
    }
}
