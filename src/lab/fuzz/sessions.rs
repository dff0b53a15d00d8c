//! Whole sessions: what both ends say, in any pieces, at any time.

use core::time::Duration;

use super::wire::{CONNECTIONS, FuzzConnection};
use crate::engine::{Engine, Packet};
use crate::lab::replay::{self, FixedKey};
use crate::limits::{FLOW_IDLE, FLOWS_MIN};
use crate::util::time::Instant;
use crate::verdict::{Reason, Verdict};

/// Plays a script of sessions on eight connections at once: what is said, how it is cut, repeated and swapped, how
/// connections end and begin anew, and how much time passes.
///
/// # Panics
/// If the engine does; if a connection that was reset is let through again; or if memory is held for flows that have
/// expired.
pub(super) fn sessions(script: &[u8]) {
    let mut run = FuzzRun::new();
    let mut script = script;
    while let [operation, argument, rest @ ..] = script {
        let connection = usize::from(operation >> 5) % CONNECTIONS;
        script = rest;
        match operation & 3 {
            from @ (0 | 1) => {
                let (payload, rest) = rest.split_at(rest.len().min(usize::from(*argument)));
                script = rest;
                run.say(connection, usize::from(from), payload, operation >> 2 & 7);
            }
            2 => run.now = run.now.after(Duration::from_millis(1 << (argument & 31).min(24))),
            _ => run.control(connection, *argument),
        }
        assert!(run.engine.reassembly().in_use() <= run.engine.reassembly().capacity());
    }
    run.end();
}

/// Plays a conversation on one connection: a byte says which end speaks and how long, the end's bytes follow.
/// Each message comes whole, then the same conversation in pieces.
///
/// # Panics
/// If the engine does, or if a session is proven in one piece and not in several.
pub(super) fn signatures(conversation: &[u8]) {
    let whole = proven(conversation, 0);
    for cut in 1..=6 {
        assert!(whole == 0 || proven(conversation, cut) > 0, "mining is missed in pieces of kind {cut}");
    }
}

/// Plays a conversation whose messages are cut in one way; the number of detections.
fn proven(conversation: &[u8], cut: u8) -> usize {
    let mut run = FuzzRun::new();
    let mut rest = conversation;
    let mut said = 0;
    while let [head, more @ ..] = rest {
        let (payload, more) = more.split_at(more.len().min(usize::from(head & 0x7f)));
        rest = more;
        said += payload.len();
        // Beyond that, the budget of packets may end an inspection.
        if said > BYTES_OF_A_CONVERSATION {
            break;
        }
        run.say(0, usize::from(head >> 7), payload, cut);
        run.now = run.now.after(Duration::from_millis(200));
    }
    run.end();
    run.detections
}

const BYTES_OF_A_CONVERSATION: usize = 1_000;

struct FuzzRun {
    engine: Engine<FixedKey>,
    connections: [Option<FuzzConnection>; CONNECTIONS],
    latest: Vec<u8>,
    now: Instant,
    detections: usize,
    packets: u64,
}

impl FuzzRun {
    fn new() -> Self {
        FuzzRun {
            engine: replay::engine(FLOWS_MIN),
            connections: [const { None }; CONNECTIONS],
            latest: Vec::new(),
            now: Instant::from_micros(1 << 40),
            detections: 0,
            packets: 0,
        }
    }

    fn hand(&mut self, bytes: &[u8]) -> Verdict {
        self.hand_for(Reason::Payload, bytes)
    }

    fn hand_for(&mut self, reason: Reason, bytes: &[u8]) -> Verdict {
        self.packets += 1;
        let handled =
            self.engine.handle(&Packet { bytes, hw_addr: Some([2; 6]), reason, turns_back: false }, self.now);
        self.detections += usize::from(handled.event.is_some());
        handled.verdict
    }

    /// `from` says `payload` on a connection, cut as `cut` says.
    fn say(&mut self, number: usize, from: usize, payload: &[u8], cut: u8) {
        if self.connections[number].is_none() {
            let mut connection = FuzzConnection::new(number);
            // Of a handshake the kernel hands the client's acknowledgement on.
            let [.., start] = connection.open();
            self.hand_for(Reason::Start, &start);
            self.connections[number] = Some(connection);
        }
        let half = payload.len() / 2;
        let pieces: &[(usize, usize)] = match cut {
            1 => &[(0, half), (0, payload.len())],
            2 => &[(0, half), (half, payload.len())],
            3 => &[(half, payload.len()), (0, half)],
            4 => &[(0, payload.len()), (0, payload.len())],
            5 => &[(0, payload.len().min(1)), (payload.len().min(1), payload.len())],
            6 => &[(half / 2, payload.len()), (0, half)],
            _ => &[(0, payload.len())],
        };
        for (start, end) in pieces {
            let Some(connection) = &self.connections[number] else { return };
            let packet = connection.segment(from, *start, &payload[*start..*end]);
            self.hand(&packet);
            self.latest = packet;
        }
        if let Some(connection) = &mut self.connections[number] {
            connection.advance(from, payload.len());
        }
    }

    fn control(&mut self, number: usize, argument: u8) {
        let from = usize::from(argument >> 7);
        if argument & 7 == 0 {
            let latest = core::mem::take(&mut self.latest);
            self.hand(&latest);
            self.latest = latest;
            return;
        }
        if argument & 7 == 5 {
            self.engine.sweep(usize::from(argument >> 3), self.now);
            return;
        }
        let Some(connection) = &self.connections[number] else { return };
        let packet = connection.flagged(from, |tcp| match argument & 7 {
            1 => tcp.fin = true,
            2 => tcp.rst = true,
            3 => (tcp.syn, tcp.ack) = (true, from == 1),
            _ => {}
        });
        self.hand(&packet);
        if matches!(argument & 7, 1 | 2) {
            self.connections[number] = None;
        }
    }

    fn end(&mut self) {
        assert_eq!(self.engine.counters().packets, self.packets);
        let later = self.now.after(3 * FLOW_IDLE);
        self.engine.sweep(FLOWS_MIN, later);
        assert_eq!((self.engine.flows().len(), self.engine.reassembly().in_use()), (0, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_mining_are_proven_however_they_are_cut() {
        for name in ["cryptonote-xmrig", "eth-proxy-ethminer", "stratum-v1-cgminer"] {
            let path = format!("{}/tests/fuzz/seeds/signatures/{name}", env!("CARGO_MANIFEST_DIR"));
            let seed = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            for cut in 0..8 {
                assert_ne!(proven(&seed, cut), 0, "{name} in pieces of kind {cut}");
            }
        }
    }

    #[test]
    fn the_flow_table_is_held_against_its_reference_model() {
        let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/flow_table/idle");
        super::super::flow_table::flow_table(&std::fs::read(seed).expect("a seed"));
    }
}
