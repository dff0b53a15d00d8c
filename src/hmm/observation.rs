//! From packets to symbols: what a flow did before, in 22 bytes.

use super::ScoreState;
use super::alphabet::{Change, PacketContext, PacketRole, SIZE_CAP, Symbol, interval_class, same_period};
use crate::net::direction::Direction;
use crate::util::time::Stamp;

impl ScoreState {
    /// The symbol of a packet with `size` bytes of new payload. `None` for those of the first flight
    /// each way (TLS hello and certificates, key exchange of any kind), which tell of the library and
    /// not of what it carries; and for full segments after full ones, so that a job of ten segments
    /// counts as its beginning and its tail.
    ///
    /// Segments are otherwise taken as they are, neither joined to messages nor cut to TLS records: a
    /// router sees them without waiting, and they told more in experiments.
    pub fn observe(&mut self, direction: Direction, size: u32, now: Stamp) -> Option<Symbol> {
        let first = self.turns == 0;
        let same_direction = !first && self.turns & LATEST_TO_CLIENT == direction_bit(direction);
        let gap_ms = if first { 0 } else { now.millis_since(self.latest) };
        self.latest = now;
        let continued = same_direction && gap_ms < CONTINUATION_MS;
        let after_full = continued && self.turns & LATEST_FULL != 0;
        let full = size >= FULL_SEGMENT;

        let turns = (self.turns & TURNS_MASK) + u8::from(!same_direction);
        let settled = turns > FLIGHTS_PASSED_OVER;
        self.turns = turns.min(TURNS_MASK) | direction_bit(direction) | if full { LATEST_FULL } else { 0 };
        if after_full && full {
            return None;
        }

        let size = size.min(SIZE_CAP);
        let is_ping = size < PING_BYTES && !after_full;
        let (role, change) = if after_full {
            self.tail(direction, size)
        } else if is_ping {
            (role(direction, same_direction, gap_ms), Change::None)
        } else {
            self.message(role(direction, same_direction, gap_ms), size)
        };
        let periodic = direction == Direction::ToServer && !continued && !is_ping && self.is_periodic(now);
        settled.then(|| Symbol::new(role, size, &PacketContext { gap_ms, same_direction, change, periodic }))
    }

    fn message(&mut self, role: PacketRole, size: u32) -> (PacketRole, Change) {
        let (latest, older) = match role {
            PacketRole::ClientInitiated => (&mut self.sizes[0], &mut self.older_sizes[0]),
            PacketRole::ClientResponse => (&mut self.sizes[1], &mut self.older_sizes[1]),
            PacketRole::ServerResponse => (&mut self.sizes[2], &mut self.older_sizes[2]),
            PacketRole::ServerPush | PacketRole::ClientTail | PacketRole::ServerTail => {
                (&mut self.sizes[3], &mut self.older_sizes[3])
            }
        };
        let change = Change::of(size, u32::from(*latest), *older);
        *older = *latest as u8;
        *latest = size as u16;
        (role, change)
    }

    fn tail(&mut self, direction: Direction, size: u32) -> (PacketRole, Change) {
        let (role, latest) = match direction {
            Direction::ToServer => (PacketRole::ClientTail, &mut self.tails[0]),
            Direction::ToClient => (PacketRole::ServerTail, &mut self.tails[1]),
        };
        let change = Change::of_tail(size, *latest);
        *latest = size as u8;
        (role, change)
    }

    /// A message to the server begins: whether it keeps the beat of the two before it.
    fn is_periodic(&mut self, now: Stamp) -> bool {
        let at = (now.0 / INTERVAL_UNIT_MS) as u16;
        let interval = interval_class(at.wrapping_sub(self.upward_at));
        let periodic = same_period(interval, self.upward_interval);
        (self.upward_at, self.upward_interval) = (at, interval);
        periodic
    }
}

/// Role of a packet that begins a message.
fn role(direction: Direction, same_direction: bool, gap_ms: u32) -> PacketRole {
    match direction {
        Direction::ToServer if !same_direction && gap_ms < CLIENT_RESPONSE_MS => PacketRole::ClientResponse,
        Direction::ToServer => PacketRole::ClientInitiated,
        Direction::ToClient if !same_direction && gap_ms < SERVER_RESPONSE_MS => PacketRole::ServerResponse,
        Direction::ToClient => PacketRole::ServerPush,
    }
}

fn direction_bit(direction: Direction) -> u8 {
    match direction {
        Direction::ToServer => 0,
        Direction::ToClient => LATEST_TO_CLIENT,
    }
}

/// Bits of [`ScoreState`]'s field `turns` that count.
const TURNS_MASK: u8 = 3;
const LATEST_TO_CLIENT: u8 = 4;
const LATEST_FULL: u8 = 8;
const FLIGHTS_PASSED_OVER: u8 = 2;
/// A segment from here on is taken for a full one: the smallest MTU of IPv6 (RFC 8200 section 5) less
/// the headers.
const FULL_SEGMENT: u32 = 1_200;
/// Shorter messages are pings of what carries a session, WebSocket or MQTT in TLS: a share in TLS has more. They are
/// symbols, but a flow's sizes and its period are remembered across them.
const PING_BYTES: u32 = 44;
/// The client is near: what it answers passes the router at once.
const CLIENT_RESPONSE_MS: u32 = 64;
/// The longest round trips and a moment of thought.
const SERVER_RESPONSE_MS: u32 = 640;
/// A packet that follows another of its direction sooner is part of the same message.
const CONTINUATION_MS: u32 = 128;
/// 16 bits of these are 17 minutes; a longer silence is taken for a shorter one, which costs a
/// symbol.
const INTERVAL_UNIT_MS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn observe_all(packets: &[(Direction, u32, u32)]) -> Vec<Option<Symbol>> {
        let mut state = ScoreState::default();
        packets.iter().map(|&(direction, size, at)| state.observe(direction, size, Stamp(at))).collect()
    }

    fn symbol(role: PacketRole, size: u32, context: PacketContext) -> Option<Symbol> {
        Some(Symbol::new(role, size, &context))
    }

    #[test]
    fn long_shares_are_told_from_others() {
        let mine = |share: &[u32]| {
            let mut state = ScoreState::default();
            let hello = [(ToServer, 517, 0), (ToClient, 1_448, 40), (ToServer, 80, 41), (ToClient, 300, 90)];
            for (direction, size, at) in hello {
                state.observe(direction, size, Stamp(at));
            }
            for number in 1..9 {
                for (part, size) in (0..).zip(share) {
                    state.observe(ToServer, *size, Stamp(number * 9_000 + part));
                }
                state.observe(ToClient, 60, Stamp(number * 9_000 + 40));
            }
            state.sends_long_shares()
        };
        assert!(mine(&[1_448, 1_300]) && mine(&[1_240]));
        assert!(!mine(&[230]) && !mine(&[120]));
        assert!(!ScoreState::default().sends_long_shares());
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
        let context =
            PacketContext { gap_ms: 1, same_direction: false, change: Change::Large, periodic: false };
        assert_eq!(symbols[3], symbol(PacketRole::ClientResponse, 80, context));
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
            |periodic| PacketContext { gap_ms: 9_970, same_direction: false, change: Change::None, periodic };
        assert_eq!(
            symbols[4],
            symbol(PacketRole::ClientInitiated, 115, context(true)),
            "the handshake counts as the first"
        );
        assert_eq!(symbols[10], symbol(PacketRole::ClientInitiated, 115, context(true)));
        packets[10].2 += 4_000;
        let late = observe_all(&packets)[10];
        assert_eq!(
            late,
            symbol(PacketRole::ClientInitiated, 115, PacketContext { gap_ms: 13_970, ..context(false) })
        );
    }

    #[test]
    fn a_job_between_shares_has_its_own_memory() {
        let mut packets = vec![(ToServer, 517, 0), (ToClient, 900, 40)];
        for second in 1..4u32 {
            packets.push((ToServer, 240, second * 10_000));
            packets.push((ToClient, 85, second * 10_000 + 30));
            packets.push((ToClient, 400, second * 10_000 + 5_030));
        }
        let symbols = observe_all(&packets);
        let context = |gap_ms, same_direction| PacketContext {
            gap_ms,
            same_direction,
            change: Change::None,
            periodic: false,
        };
        assert_eq!(symbols[9], symbol(PacketRole::ServerResponse, 85, context(30, false)));
        assert_eq!(symbols[10], symbol(PacketRole::ServerPush, 400, context(5_000, true)));
    }

    #[test]
    fn a_message_of_many_segments_is_its_beginning_and_its_tail() {
        let mut packets = vec![(ToServer, 517, 0), (ToClient, 900, 40), (ToServer, 300, 41)];
        for second in 1..3u32 {
            packets.extend((0..7).map(|segment| (ToClient, 1_448, second * 10_000 + segment)));
            packets.push((ToClient, 610, second * 10_000 + 7));
        }
        let symbols = observe_all(&packets);
        assert_eq!(symbols.iter().flatten().count(), 5);
        let context =
            PacketContext { gap_ms: 1, same_direction: true, change: Change::None, periodic: false };
        assert_eq!(symbols[18], symbol(PacketRole::ServerTail, 610, context));
    }

    /// Shares of 240 bytes every ten seconds, answered by 85, with `between` before the fourth.
    fn shares_around(between: &[(Direction, u32, u32)]) -> Vec<Option<Symbol>> {
        let mut packets = vec![(ToServer, 517, 0), (ToClient, 900, 40)];
        for second in 1..6u32 {
            if second == 4 {
                packets.extend(between.iter().map(|&(direction, size, at)| (direction, size, 33_000 + at)));
            }
            packets.push((ToServer, 240, second * 10_000));
            packets.push((ToClient, 85, second * 10_000 + 30));
        }
        observe_all(&packets).split_off(8 + between.len())
    }

    /// Role and size of each symbol.
    fn sizes(symbols: &[Option<Symbol>]) -> Vec<Option<u8>> {
        symbols.iter().map(|symbol| symbol.map(|s| s.size)).collect()
    }

    #[test]
    fn a_key_update_or_a_ping_disturbs_neither_sizes_nor_the_period() {
        let plain = shares_around(&[]);
        let updated = shares_around(&[(ToServer, 27, 0), (ToClient, 27, 40)]);
        assert_eq!(sizes(&updated), sizes(&plain));
        let context =
            PacketContext { gap_ms: 6_960, same_direction: false, change: Change::None, periodic: true };
        assert_eq!(updated[0], symbol(PacketRole::ClientInitiated, 240, context));
        assert_eq!(updated[1..], plain[1..]);
    }

    #[test]
    fn a_ticket_disturbs_neither_shares_nor_replies() {
        let (plain, ticket) = (shares_around(&[]), shares_around(&[(ToClient, 255, 0)]));
        assert_eq!(sizes(&ticket), sizes(&plain));
        assert_eq!(ticket[1..], plain[1..]);
    }

    #[test]
    fn a_handshake_inside_the_session_is_forgotten_by_the_second_share_after_it() {
        let renegotiation = [
            (ToServer, 300, 0),
            (ToClient, 1_448, 50),
            (ToClient, 1_448, 50),
            (ToClient, 700, 51),
            (ToServer, 190, 52),
            (ToClient, 110, 102),
        ];
        let (plain, renewed) = (shares_around(&[]), shares_around(&renegotiation));
        assert_eq!(sizes(&renewed), sizes(&plain));
        let context =
            PacketContext { gap_ms: 6_898, same_direction: false, change: Change::Back, periodic: false };
        assert_eq!(renewed[0], symbol(PacketRole::ClientInitiated, 240, context));
        assert_eq!(renewed[3], plain[3]);
    }

    #[test]
    fn time_that_runs_backwards_is_no_gap() {
        let symbols = observe_all(&[(ToServer, 9, 500), (ToClient, 9, 600), (ToServer, 9, 550)]);
        let context =
            PacketContext { gap_ms: 0, same_direction: false, change: Change::None, periodic: false };
        assert_eq!(symbols[2], symbol(PacketRole::ClientResponse, 9, context));
    }
}
