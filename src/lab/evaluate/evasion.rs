//! Recall on copies of mining sessions that are padded, delayed or joined.

use std::fmt::Write;

use super::Disguised;
use crate::hmm::model::Model;
use crate::hmm::threshold::Sensitivity;
use crate::lab::train::dataset::Case;
use crate::lab::train::progress::Progress;
use crate::lab::train::renewal::{self, Renewal};
use crate::lab::train::rng::Rng;
use crate::lab::train::scores::Trace;
use crate::lab::train::sequence::{Sequence, SequencePacket};

/// A disguise of every packet of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Evasion {
    /// Unchanged sessions.
    None,
    /// Sizes rounded up to a multiple, bytes.
    PadTo(u32),
    /// Random bytes added, up to this many.
    PadRandom(u32),
    /// Every packet delayed by up to so many seconds, order kept.
    Jitter(f64),
    /// Packets of one direction within so many seconds sent as one.
    Coalesce(f64),
    /// Such an exchange every so many seconds.
    Renew(Renewal, f64),
}

impl Evasion {
    /// In words.
    pub(crate) fn name(self) -> String {
        match self {
            Evasion::None => "none".to_owned(),
            Evasion::PadTo(bytes) => format!("pad to {bytes}"),
            Evasion::PadRandom(bytes) => format!("pad 0 to {bytes}"),
            Evasion::Jitter(seconds) => format!("jitter {seconds} s"),
            Evasion::Coalesce(seconds) => format!("coalesce {seconds} s"),
            Evasion::Renew(renewal, seconds) => format!("{} {seconds} s", renewal.name()),
        }
    }

    fn disguise(self, sequence: &Sequence, rng: &mut Rng) -> Sequence {
        let mut copy = sequence.clone();
        match self {
            Evasion::None => {}
            Evasion::PadTo(bytes) => {
                copy.packets.iter_mut().for_each(|p| p.size = p.size.next_multiple_of(bytes));
            }
            Evasion::PadRandom(most) => {
                copy.packets.iter_mut().for_each(|p| p.size += rng.range(0, most));
            }
            Evasion::Jitter(seconds) => jitter(&mut copy.packets, seconds * 1_000.0, rng),
            Evasion::Coalesce(seconds) => copy.packets = coalesce(&copy.packets, (seconds * 1_000.0) as u32),
            Evasion::Renew(renewal, seconds) => {
                copy.packets = renewal::insert(&copy.packets, renewal, seconds, ROUND_TRIP_MS, rng);
            }
        }
        copy
    }
}

fn jitter(packets: &mut [SequencePacket], most_ms: f64, rng: &mut Rng) {
    let (mut at, mut last) = (0.0, 0.0f64);
    for packet in packets {
        at += f64::from(packet.gap_ms);
        let delayed = (at + rng.uniform(0.0, most_ms)).max(last);
        packet.gap_ms = (delayed.floor() - last.floor()) as u32;
        last = delayed;
    }
}

/// Joins a packet to the one before in the same direction within the window; a segment holds no
/// more than an Ethernet frame.
fn coalesce(packets: &[SequencePacket], window_ms: u32) -> Vec<SequencePacket> {
    let mut out: Vec<SequencePacket> = Vec::new();
    let mut open_for = 0u32;
    for packet in packets {
        open_for = open_for.saturating_add(packet.gap_ms);
        match out.last_mut() {
            Some(last)
                if last.direction == packet.direction
                    && open_for <= window_ms
                    && last.size + packet.size <= SEGMENT =>
            {
                last.size += packet.size;
            }
            _ => {
                // Time that went by while others joined the packet before belongs to this gap.
                out.push(SequencePacket { gap_ms: open_for, ..*packet });
                open_for = 0;
            }
        }
    }
    if let Some(first) = out.first_mut() {
        first.gap_ms = 0;
    }
    out
}

/// Recall by sensitivity on `mining` in every disguise. A session that a disguise has made too short
/// counts as missed.
pub(crate) fn recall(mining: &[&Case], model: &Model) -> Vec<Disguised> {
    let mut progress = Progress::new("disguises", EVASIONS.len() as u32);
    let mut of = |evasion: Evasion| {
        let disguised = |(index, case): (usize, &&Case)| {
            let mut rng = Rng::keyed(SEED, index as u64);
            Case::new(evasion.disguise(&case.sequence, &mut rng), 1.0)
        };
        let copies: Vec<Case> = mining.iter().enumerate().map(disguised).collect();
        let traces = Trace::of_all(&copies, model);
        let recall = Sensitivity::ALL.map(|sensitivity| {
            let threshold = model.test.threshold(sensitivity);
            let found = traces.iter().filter(|trace| trace.suspicion(threshold).is_some()).count();
            found as f64 / mining.len().max(1) as f64
        });
        progress.step();
        (evasion, recall)
    };
    let measured = EVASIONS.into_iter().map(&mut of).collect();
    progress.finish();
    measured
}

/// For people.
pub(crate) fn table(evasions: &[Disguised]) -> String {
    let mut out = String::from("recall in disguise    ");
    Sensitivity::ALL.iter().for_each(|sensitivity| {
        let _ = write!(out, " {:>9}", sensitivity.name());
    });
    for (evasion, recall) in evasions {
        let _ = write!(out, "\n{:22}", evasion.name());
        recall.iter().for_each(|recall| {
            let _ = write!(out, " {recall:9.3}");
        });
    }
    out.push('\n');
    out
}

const EVASIONS: [Evasion; 18] = [
    Evasion::None,
    Evasion::PadTo(64),
    Evasion::PadTo(128),
    Evasion::PadTo(256),
    Evasion::PadTo(512),
    Evasion::PadRandom(63),
    Evasion::PadRandom(255),
    Evasion::PadRandom(1_023),
    Evasion::Jitter(1.0),
    Evasion::Jitter(5.0),
    Evasion::Jitter(30.0),
    Evasion::Coalesce(1.0),
    Evasion::Coalesce(5.0),
    Evasion::Coalesce(30.0),
    Evasion::Renew(Renewal::KeyUpdate, 60.0),
    Evasion::Renew(Renewal::Ticket, 60.0),
    Evasion::Renew(Renewal::Renegotiation, 60.0),
    Evasion::Renew(Renewal::Rekey, 60.0),
];
/// Round trip of renewals.
const ROUND_TRIP_MS: u64 = 50;
const SEGMENT: u32 = 1_448;
const SEED: u64 = 17;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::direction::Direction::{ToClient, ToServer};

    fn packet(direction: crate::net::direction::Direction, size: u32, gap_ms: u32) -> SequencePacket {
        SequencePacket { direction, size, gap_ms }
    }

    #[test]
    fn coalescing_joins_one_direction_within_the_window_and_keeps_the_time() {
        let packets = [
            packet(ToServer, 100, 0),
            packet(ToServer, 50, 400),
            packet(ToServer, 70, 700),
            packet(ToClient, 30, 10),
            packet(ToClient, 1_440, 5),
        ];
        let joined = [
            packet(ToServer, 150, 0),
            packet(ToServer, 70, 1_100),
            packet(ToClient, 30, 10),
            packet(ToClient, 1_440, 5),
        ];
        assert_eq!(coalesce(&packets, 1_000), joined);
    }

    #[test]
    fn jitter_keeps_the_order_and_delays_by_no_more_than_the_most() {
        let mut packets = vec![packet(ToServer, 9, 100); 50];
        jitter(&mut packets, 1_000.0, &mut Rng::new(1));
        let total: u32 = packets.iter().map(|p| p.gap_ms).sum();
        assert!((5_000..=6_000).contains(&total), "{total}");
    }
}
