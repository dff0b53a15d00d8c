//! From packets to symbols: what a flow did before, in 16 bytes.

use super::State;
use super::alphabet::{Change, Context, SIZE_CAP, Symbol, interval_class, same_beat};
use crate::flow::Direction;
use crate::time::Stamp;

impl State {
    /// The symbol of a packet with `size` bytes of new payload; `None` for those of the first flight
    /// each way (TLS hello and certificates, key exchange of any kind), which tell of the library and
    /// not of what it carries.
    ///
    /// Segments are taken as they are, neither joined to messages nor cut to TLS records: a router
    /// sees them without waiting, and they told more in experiments.
    pub fn observe(&mut self, direction: Direction, size: u32, now: Stamp) -> Option<Symbol> {
        let first = self.turns == 0;
        let same_direction = !first && self.turns & LATEST_TO_CLIENT == direction_bit(direction);
        let gap_ms = if first { 0 } else { now.millis_since(self.latest) };
        self.latest = now;
        if !same_direction {
            let turns = (self.turns & TURNS_MASK) + 1;
            self.turns = turns.min(TURNS_MASK) | direction_bit(direction);
        }

        let side = direction as usize;
        let (latest, older) = (u32::from(self.sizes[side]), self.older_sizes[side]);
        let size = size.min(SIZE_CAP);
        let change = Change::of(size, latest, older);
        self.older_sizes[side] = latest as u8;
        self.sizes[side] = size as u16;

        let continued = same_direction && gap_ms < CONTINUATION_MS;
        let on_beat = direction == Direction::ToServer && !continued && self.beat(now);
        let settled = self.turns & TURNS_MASK > FLIGHTS_PASSED_OVER;
        settled.then(|| Symbol::new(direction, size, &Context { gap_ms, same_direction, change, on_beat }))
    }

    /// A message to the server begins: whether it keeps the beat of the two before it.
    fn beat(&mut self, now: Stamp) -> bool {
        let at = (now.0 / BEAT_UNIT_MS) as u16;
        let interval = interval_class(at.wrapping_sub(self.upward_at));
        let on_beat = same_beat(interval, self.upward_interval);
        (self.upward_at, self.upward_interval) = (at, interval);
        on_beat
    }
}

fn direction_bit(direction: Direction) -> u8 {
    match direction {
        Direction::ToServer => 0,
        Direction::ToClient => LATEST_TO_CLIENT,
    }
}

/// Bits of [`State::turns`] that count.
const TURNS_MASK: u8 = 3;
const LATEST_TO_CLIENT: u8 = 4;
const FLIGHTS_PASSED_OVER: u8 = 2;
/// A packet that follows another of its direction sooner is part of the same message.
const CONTINUATION_MS: u32 = 128;
/// 16 bits of these are 17 minutes; a longer silence is taken for a shorter one, which costs a
/// symbol.
const BEAT_UNIT_MS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn observe_all(packets: &[(Direction, u32, u32)]) -> Vec<Option<Symbol>> {
        let mut state = State::default();
        packets.iter().map(|&(direction, size, at)| state.observe(direction, size, Stamp(at))).collect()
    }

    fn symbol(direction: Direction, size: u32, context: Context) -> Option<Symbol> {
        Some(Symbol::new(direction, size, &context))
    }

    #[test]
    fn the_first_flight_each_way_is_passed_over() {
        let symbols = observe_all(&[
            (ToServer, 517, 1_000),
            (ToClient, 1_448, 1_040),
            (ToClient, 800, 1_041),
            (ToServer, 80, 1_042),
        ]);
        assert_eq!(symbols[..3], [None; 3]);
        let context = Context { gap_ms: 1, same_direction: false, change: Change::Large, on_beat: false };
        assert_eq!(symbols[3], symbol(ToServer, 80, context));
    }

    #[test]
    fn a_report_by_the_clock_is_on_the_beat_from_the_third_on() {
        let mut packets = vec![(ToServer, 517, 0), (ToClient, 900, 40)];
        for second in 1..6u32 {
            packets.push((ToServer, 115, second * 10_000));
            packets.push((ToClient, 78, second * 10_000 + 30));
        }
        let symbols = observe_all(&packets);
        let context =
            |on_beat| Context { gap_ms: 9_970, same_direction: false, change: Change::None, on_beat };
        assert_eq!(symbols[4], symbol(ToServer, 115, context(true)), "the handshake counts as the first");
        assert_eq!(symbols[10], symbol(ToServer, 115, context(true)));
        packets[10].2 += 4_000;
        let late = observe_all(&packets)[10];
        assert_eq!(late, symbol(ToServer, 115, Context { gap_ms: 13_970, ..context(false) }));
    }

    #[test]
    fn time_that_runs_backwards_is_no_gap() {
        let symbols = observe_all(&[(ToServer, 9, 500), (ToClient, 9, 600), (ToServer, 9, 550)]);
        let context = Context { gap_ms: 0, same_direction: false, change: Change::None, on_beat: false };
        assert_eq!(symbols[2], symbol(ToServer, 9, context));
    }
}
