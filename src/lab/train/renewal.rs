//! Exchanges beneath an application while it talks: new keys, new tickets, the handshake again.
//!
//! A session sequence from any source gets these exchanges inserted. The state of stage one that
//! follows sizes by role must not lose its thread over them.

use super::rng::Rng;
use super::sequence::SequencePacket;
use crate::net::direction::Direction;
use crate::util::named::named;

named! {
    /// Kind of exchange.
    pub(crate) enum Renewal {
        /// TLS 1.3: one end changes its keys and asks the other to (RFC 8446 section 4.6.3).
        KeyUpdate = "key update",
        /// TLS 1.3: the server hands out a ticket (RFC 8446 section 4.6.1).
        Ticket = "ticket",
        /// TLS 1.2: a whole handshake inside the session (RFC 5246 section 7.4.1, RFC 5746).
        Renegotiation = "renegotiate",
        /// SSH: keys are exchanged again (RFC 4253 section 9).
        Rekey = "SSH re-key",
    }
}

impl Renewal {
    /// Exchanges that a session over `transport` may have.
    pub(crate) fn of_transport(transport: &str) -> &'static [Renewal] {
        if transport.contains("tls13") {
            &[Renewal::KeyUpdate, Renewal::KeyUpdate, Renewal::Ticket]
        } else if transport.contains("tls") {
            &[Renewal::Renegotiation]
        } else if transport.contains("ssh") {
            &[Renewal::Rekey]
        } else {
            &[]
        }
    }

    /// The messages, with the milliseconds from the first; sizes on the wire.
    fn messages(self, rng: &mut Rng, rtt: u64) -> Vec<(u64, Direction, u32)> {
        use Direction::{ToClient, ToServer};
        let client_begins = rng.chance(0.5);
        // The client is near, its answer passes at once.
        let answer = rng.bits() % 3;
        match self {
            Renewal::KeyUpdate if client_begins => {
                vec![(0, ToServer, KEY_UPDATE), (rtt, ToClient, KEY_UPDATE)]
            }
            Renewal::KeyUpdate => vec![(0, ToClient, KEY_UPDATE), (answer, ToServer, KEY_UPDATE)],
            Renewal::Ticket => vec![(0, ToClient, rng.range(94, 312))],
            Renewal::Renegotiation => {
                let overhead = *rng.pick(&[21, 29, 37]);
                let mut messages = Vec::new();
                let mut at = 0;
                if !client_begins {
                    // HelloRequest: a message without a body.
                    messages.push((0, ToClient, 4 + overhead));
                    at = answer;
                }
                messages.push((at, ToServer, rng.range(180, 560) + overhead));
                messages.push((at + rtt, ToClient, rng.range(700, 4_400) + overhead));
                messages.push((at + rtt + answer + 1, ToServer, rng.range(70, 330) + 3 * overhead));
                messages.push((at + 2 * rtt + answer + 1, ToClient, rng.range(17, 240) + 2 * overhead));
                messages
            }
            Renewal::Rekey => {
                let (up, down) = (rng.range(900, 1_600), rng.range(900, 1_200));
                let (first, second) = if client_begins {
                    ((0, ToServer, up), (rtt, ToClient, down))
                } else {
                    ((0, ToClient, down), (answer, ToServer, up))
                };
                let exchange = second.0 + answer;
                vec![
                    first,
                    second,
                    (exchange, ToServer, 68),
                    (exchange + rtt, ToClient, rng.range(280, 1_100)),
                    (exchange + rtt + answer, ToServer, 36),
                ]
            }
        }
    }
}

/// `packets` with such an exchange every `period` seconds or so, over a path with this round trip (ms).
pub(crate) fn insert(
    packets: &[SequencePacket],
    renewal: Renewal,
    period: f64,
    rtt: u64,
    rng: &mut Rng,
) -> Vec<SequencePacket> {
    let mut at = 0;
    let mut timed: Vec<(u64, Direction, u32)> = Vec::with_capacity(packets.len());
    for packet in packets {
        at += u64::from(packet.gap_ms);
        timed.push((at, packet.direction, packet.size));
    }
    let Some(&(begin, ..)) = timed.get(HANDSHAKE) else { return packets.to_vec() };
    let mut next = begin as f64 + period * 1_000.0 * rng.uniform(0.3, 1.0);
    while next < at as f64 {
        for (after, direction, size) in renewal.messages(rng, rtt) {
            let mut left = size;
            while left > 0 {
                let segment = left.min(SEGMENT);
                timed.push((next as u64 + after, direction, segment));
                left -= segment;
            }
        }
        next += period * 1_000.0 * rng.uniform(0.9, 1.1);
    }
    timed.sort_by_key(|&(at, ..)| at);
    let mut last = 0;
    let packet = |(at, direction, size): (u64, Direction, u32)| {
        let gap_ms = u32::try_from(at - last).unwrap_or(u32::MAX);
        last = at;
        SequencePacket { direction, size, gap_ms }
    };
    timed.into_iter().map(packet).collect()
}

/// A session over `transport` with a renewal in it, if any can be.
pub(crate) fn renewed(packets: Vec<SequencePacket>, transport: &str, rng: &mut Rng) -> Vec<SequencePacket> {
    let kinds = Renewal::of_transport(transport);
    if kinds.is_empty() {
        return packets;
    }
    let renewal = *rng.pick(kinds);
    let (period, rtt) = (rng.log_uniform(20.0, 1_800.0), rng.log_uniform(5.0, 300.0));
    insert(&packets, renewal, period, rtt as u64, rng)
}

/// Record header 5, handshake header 4, one byte, content type 1, tag 16.
const KEY_UPDATE: u32 = 27;
/// No renewal before so many packets: that would be the first handshake.
const HANDSHAKE: usize = 6;
const SEGMENT: u32 = 1_448;

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn shares() -> Vec<SequencePacket> {
        let packet = |direction, size, gap_ms| SequencePacket { direction, size, gap_ms };
        (0..40).flat_map(|_| [packet(ToServer, 240, 9_960), packet(ToClient, 85, 40)]).collect()
    }

    #[test]
    fn a_renewal_adds_packets_and_takes_no_time_from_the_others() {
        let plain = shares();
        let length = |packets: &[SequencePacket]| packets.iter().map(|p| u64::from(p.gap_ms)).sum::<u64>();
        for renewal in [Renewal::KeyUpdate, Renewal::Ticket, Renewal::Renegotiation, Renewal::Rekey] {
            let renewed = insert(&plain, renewal, 60.0, 50, &mut Rng::new(1));
            assert!(renewed.len() > plain.len() + 3, "{renewal:?}");
            assert!(length(&renewed).abs_diff(length(&plain)) <= 300, "{renewal:?}");
            let kept = |p: &&SequencePacket| p.size == 240 || p.size == 85;
            assert!(renewed.iter().filter(kept).count() >= plain.len(), "{renewal:?}");
            assert!(renewed.iter().all(|p| (1..=SEGMENT).contains(&p.size)));
        }
    }

    #[test]
    fn a_key_update_is_two_records_of_27_bytes_and_nothing_else() {
        let renewed = insert(&shares(), Renewal::KeyUpdate, 100.0, 50, &mut Rng::new(2));
        let updates: Vec<_> = renewed.iter().filter(|p| p.size == KEY_UPDATE).collect();
        assert!(updates.len() >= 4 && updates.len() % 2 == 0, "{}", updates.len());
        assert_eq!(updates.len() + shares().len(), renewed.len());
        let up = updates.iter().filter(|p| p.direction == ToServer).count();
        assert_eq!(up * 2, updates.len());
    }

    #[test]
    fn what_has_no_keys_to_renew_stays_as_it_is() {
        assert_eq!(renewed(shares(), "plain", &mut Rng::new(3)), shares());
        assert_ne!(renewed(shares(), "ws+tls12", &mut Rng::new(3)), shares());
    }

    #[test]
    fn a_short_session_is_left_alone() {
        let short = &shares()[..HANDSHAKE];
        assert_eq!(insert(short, Renewal::Ticket, 1.0, 50, &mut Rng::new(4)), short);
    }
}
