//! Segments that bring other bytes for a place which has bytes already.

use super::*;

/// What a pool answers to [`SUBSCRIBE`].
pub(super) const SUBSCRIBED: &[u8] =
    b"{\"id\":1,\"result\":[[[\"mining.notify\",\"ae68\"]],\"08000002\",4],\"error\":null}\n";

/// Harmless JSON of the same length as [`SUBSCRIBE`].
fn harmless() -> Vec<u8> {
    let mut line = b"{\"id\":1,\"name\":\"".to_vec();
    line.resize(SUBSCRIBE.len() - 3, b'x');
    line.extend(b"\"}\n");
    line
}

impl Bench {
    /// Sends `payload` to the server at `offset` from the client's first byte.
    pub(super) fn send_at(&mut self, offset: u32, payload: &[u8]) -> Verdict {
        let packet = self.packet(UP, 101 + offset, false, payload);
        self.handle(UP, &packet)
    }
}

pub(super) fn connected() -> Bench {
    let mut bench = Bench::new("");
    bench.connect();
    bench
}

#[test]
fn a_decoy_that_came_ahead_hides_no_message() {
    let mut bench = connected();
    assert_eq!(bench.send_at(10, &[b'q'; 40]), WATCH);
    assert!(matches!(bench.send_at(0, SUBSCRIBE), Verdict::Reset(_)));
}

/// Bytes that were lost on their way to us stay lost once the server has them.
#[test]
fn what_was_lost_before_us_is_no_place_to_return_to() {
    let mut bench = connected();
    bench.send_at(0, b"{\"id\":1,\"half\":");
    bench.send_at(20_000, b"{\"id\":2}\n");
    bench.seq[0] = 101 + 20_009;
    bench.send(DOWN, b"{\"id\":1,\"result\":true}\n");
    for _ in 0..3 {
        bench.send(UP, SHARE);
        bench.send(DOWN, ACCEPTED);
    }
    assert_eq!(bench.state(), Some(State::Mining));
    assert_eq!(bench.engine.reassembly().waiting(), 0);
}

#[test]
fn bytes_that_are_replaced_before_they_are_read_are_read_in_both_ways() {
    let mut bench = connected();
    let (first, rest) = SUBSCRIBE.split_at(28);
    bench.send_at(0, first);
    assert!(
        matches!(bench.send_at(0, &[&[b'#'; 28], rest].concat()), Verdict::Reset(_)),
        "the first version"
    );
    let mut bench = connected();
    bench.send_at(0, &[b'#'; 28]);
    assert!(matches!(bench.send_at(0, SUBSCRIBE), Verdict::Reset(_)), "the second version");
}

/// The first version may have been made to die behind this router.
#[test]
fn a_message_that_replaces_one_which_was_read_is_read() {
    let mut bench = connected();
    assert_eq!(bench.send_at(0, &harmless()), WATCH);
    assert!(matches!(bench.send_at(0, SUBSCRIBE), Verdict::Reset(_)));
    assert_eq!(bench.event().expect("an event").source, Source::Dpi);
}

#[test]
fn a_message_that_replaces_another_piece_by_piece_never_arrives() {
    let mut bench = connected();
    bench.send_at(0, &harmless());
    for (at, piece) in (0..).step_by(7).zip(SUBSCRIBE.chunks(7)) {
        let verdict = bench.send_at(at, piece);
        let agrees = harmless()[at as usize..].starts_with(piece);
        assert_eq!(verdict, if agrees { WATCH } else { Verdict::Drop }, "{}", piece.escape_ascii());
    }
    assert!(bench.engine.counters().contradictions > 5);
}

#[test]
fn bytes_that_the_server_has_can_t_be_replaced() {
    let mut bench = connected();
    bench.seq[0] += harmless().len() as u32;
    bench.send_at(0, &harmless());
    bench.send(DOWN, b"{\"id\":1,\"error\":\"what?\"}\n");
    assert_eq!(bench.send_at(0, SUBSCRIBE), WATCH);
    assert_eq!(bench.engine.counters().contradictions, 0);
}

#[test]
fn only_what_is_new_behind_other_bytes_goes_on() {
    let mut bench = connected();
    bench.send_at(0, b"{\"id\":1,");
    assert_eq!(bench.send_at(0, b"{\"ID\":1,\"x\":"), Verdict::Trim { skip: 8 });
    assert_eq!(bench.send_at(0, b"{\"id\":1,\"y\""), Verdict::Drop);
    assert_eq!(bench.send_at(30, b"later"), WATCH);
    assert_eq!(bench.send_at(12, b"between, and another end"), Verdict::Drop, "bytes that are held");
}

#[test]
fn honest_retransmissions_pass_however_they_are_cut() {
    let text: Vec<u8> = (0..200).flat_map(|at| format!("{{\"id\":{at}}}\n").into_bytes()).collect();
    let mut random = crate::util::random::Random::new(5);
    for _ in 0..20 {
        let mut bench = connected();
        let mut sent = 0;
        while sent < text.len() {
            let from = sent.saturating_sub(random.below(300) as usize);
            let to = (sent + random.below(120) as usize).min(text.len());
            assert_eq!(bench.send_at(from as u32, &text[from..to]), WATCH);
            sent = sent.max(to);
        }
        assert_eq!(bench.engine.counters().contradictions, 0);
    }
}

/// Monitoring changes nothing on the wire: neither another version of known bytes nor a message before its turn.
#[test]
fn monitoring_lets_other_versions_pass() {
    for (options, is_refused) in [("", true), ("option mode monitor", false)] {
        let mut bench = Bench::new(options);
        bench.connect();
        bench.send_at(0, b"{\"id\":1,\"x\"");
        assert_eq!(bench.send_at(0, b"{\"id\":1,\"y\"") == Verdict::Drop, is_refused, "{options}");
        let mut bench = Bench::new(options);
        bench.connect();
        assert_eq!(bench.send_at(60_000, SUBSCRIBE) == Verdict::Drop, is_refused, "{options}");
    }
}

/// A receiver leaves an urgent byte out, where it isn't told otherwise, so nothing stays urgent: neither in the packet
/// that has it nor by one before.
#[test]
fn no_byte_goes_on_as_an_urgent_one() {
    for (options, expected) in [("", Verdict::Trim { skip: 0 }), ("option mode monitor", WATCH)] {
        let mut bench = Bench::new(options);
        bench.connect();
        for payload in [&b"{\"id\":1,\"meX"[..], b""] {
            let mut packet = bench.packet(UP, bench.seq[0], false, payload);
            packet[33] |= 0x20;
            assert_eq!(bench.handle(UP, &packet), expected, "{options}");
        }
    }
}

/// The client may lie about its stream's first byte when it ends the handshake.
#[test]
fn the_second_half_of_a_message_before_the_first_is_no_way_out() {
    let mut bench = Bench::new("");
    let start = bench.packet(UP, 101 + 30, false, b"");
    bench.handle_for(Reason::Start, UP, &start);
    let (first, rest) = SUBSCRIBE.split_at(30);
    assert_eq!(bench.send_at(30, rest), WATCH);
    assert!(matches!(bench.send_at(0, first), Verdict::Reset(_)));
}

/// A flow joined midway whose first two segments have changed places: the message that they make counts as evidence.
#[test]
fn segments_that_change_places_at_the_begin_are_read_in_order() {
    for (cut, overlap) in [(3, 0), (30, 0), (20, 20)] {
        let mut bench = Bench::new("");
        let (first, rest) = SHARE.split_at(cut);
        bench.send_at(cut as u32, rest);
        bench.send_at(0, &SHARE[..first.len() + overlap]);
        bench.seq[0] = 101 + SHARE.len() as u32;
        bench.send(DOWN, ACCEPTED);
        for _ in 0..2 {
            bench.send(UP, SHARE);
            bench.send(DOWN, ACCEPTED);
        }
        let swapped = bench.event().map(|event| event.payload_packets);
        let mut bench = Bench::new("");
        for _ in 0..3 {
            bench.send(UP, SHARE);
            bench.send(DOWN, ACCEPTED);
        }
        let in_order = bench.event().map(|event| event.payload_packets);
        assert!(swapped.is_some());
        assert_eq!(swapped, in_order, "cut at {cut}");
    }
}

/// A packet that was put together of fragments is longer than what is kept for comparison, and has the message behind
/// that, in the place of another such packet which may have died on its way.
#[test]
fn a_message_far_behind_the_beginning_of_another_version_is_read() {
    let mut bench = connected();
    assert_eq!(bench.send_at(0, &[b'q'; 6_000]), WATCH);
    let second = [&[b'\n'; 5_000], SUBSCRIBE].concat();
    assert!(matches!(bench.send_at(0, &second), Verdict::Reset(_)));
}

/// A packet that the kernel has no place for belongs to a known connection if both its numbers are near; else it may be
/// forged.
#[test]
fn a_packet_without_a_connection_counts_where_both_its_numbers_are_known() {
    for (seq, ack, counts) in [
        (101, 900, true),
        (101 + (6 << 20), 900, true),
        (101, 900 + (1 << 24), false),
        (101 + (1 << 24), 900, false),
        (101 + (1 << 31), 900 + (1 << 31), false),
    ] {
        let mut bench = connected();
        bench.seq[1] = ack;
        let packet = bench.packet(UP, seq, false, SUBSCRIBE);
        let verdict = bench.handle_for(Reason::Attempt, UP, &packet);
        assert_eq!(verdict != Verdict::Ignore, counts, "{seq} {ack}: {verdict:?}");
    }
    let mut bench = Bench::new("");
    let packet = bench.packet(UP, 101, false, SUBSCRIBE);
    assert_eq!(bench.handle_for(Reason::Attempt, UP, &packet), Verdict::Ignore, "of no known connection");
}

/// Behind a decoy far ahead, a login in three parts, the last one first: each goes its way by itself, and the server puts
/// them together.
#[test]
fn a_message_behind_a_decoy_is_read_in_whatever_order_its_parts_come() {
    let cuts = [0, 20, 40, SUBSCRIBE.len()];
    let part = |at: usize| (cuts[at] as u32, &SUBSCRIBE[cuts[at]..cuts[at + 1]]);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for decoys in [0, 1, 2] {
            for before in [0, 300] {
                let mut bench = connected();
                for number in 0..decoys {
                    bench.send_at(20_000 + 10_000 * number, b"decoy");
                }
                if before > 0 {
                    bench.send_at(0, &vec![b'\n'; before as usize]);
                }
                for at in order {
                    let (offset, bytes) = part(at);
                    bench.send_at(before + offset, bytes);
                }
                assert_eq!(bench.state(), Some(State::Mining), "{order:?} {decoys} {before}");
            }
        }
    }
}

/// A packet with the server's address that comes from the client's network acknowledges nothing, and is not read; where
/// the way to the server leads back there, it is the server's.
#[test]
fn what_is_said_for_the_server_from_within_counts_for_nothing() {
    for (client_turns_back, is_read) in [(false, false), (true, true)] {
        let mut bench = connected();
        bench.turns_back = [client_turns_back, true];
        bench.send_at(0, &harmless());
        bench.seq[0] += harmless().len() as u32;
        let verdict = bench.send(DOWN, b"{\"id\":1,\"error\":\"what?\"}\n");
        assert_eq!(verdict, if is_read { WATCH } else { Verdict::Ignore });
        let verdict = bench.send_at(0, SUBSCRIBE);
        assert_eq!(matches!(verdict, Verdict::Reset(_)), !is_read, "{verdict:?}");
        assert_eq!(bench.engine.counters().made_up, u32::from(!is_read));
    }
}
