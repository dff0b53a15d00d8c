//! What comes further ahead of its turn than a slot holds: in a wide one where one is free, else by the order that its
//! client has to keep.

use super::overlaps::{SUBSCRIBED, connected};
use super::*;
use crate::limits::{ASSEMBLY_RUNS, WIDE_SLOT_BYTES, WIDE_SLOT_IDLE};

/// A connection while another has the wide slot.
fn crowded() -> Bench {
    let mut bench = connected();
    assert_eq!(bench.send_at(20_000, b"early"), WATCH);
    (bench.port, bench.seq) = (bench.port + 1, [100, 900]);
    bench.connect();
    bench
}

/// An upload whose packets overtake each other, again and again: nothing has to come again.
#[test]
fn an_upload_whose_packets_overtake_each_other_loses_none() {
    const PART: usize = 1_400;
    let mut bench = connected();
    let line = b"a line of text, and another one\n".iter().copied();
    let upload: Vec<u8> = line.cycle().take(30 * PART).collect();
    let send = |bench: &mut Bench, part: usize| {
        assert_eq!(bench.send_at((part * PART) as u32, &upload[part * PART..][..PART]), WATCH, "{part}");
    };
    for first in (0..30).step_by(10) {
        (1..10).for_each(|part| send(&mut bench, first + part));
        send(&mut bench, first);
    }
    assert_eq!(bench.engine.counters().contradictions, 0);
    let session = bench.session();
    assert_eq!(session.streams.next(UP), Some(101 + upload.len() as u32));
}

/// A message that waits in a wide slot is read once the bytes before it are there, in any parts and order.
#[test]
fn a_message_that_waits_far_ahead_is_read_in_its_turn() {
    for cuts in [[20, 40], [30, 60]] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut bench = connected();
            let parts = [0, cuts[0], cuts[1], SUBSCRIBE.len()];
            for at in order {
                let part = &SUBSCRIBE[parts[at]..parts[at + 1]];
                assert_eq!(bench.send_at(6_000 + parts[at] as u32, part), WATCH);
            }
            for offset in (0..5_000).step_by(1_000) {
                assert_eq!(bench.send_at(offset, &[b'\n'; 1_000]), WATCH);
            }
            assert_eq!(bench.send_at(6_000, &[b'x'; 40]), Verdict::Drop, "another version");
            assert!(matches!(bench.send_at(5_000, &[b'\n'; 1_000]), Verdict::Reset(_)), "{cuts:?} {order:?}");
        }
    }
}

/// Who lets a wide slot go to another connection, with its bytes unread, has to keep to the order from then on.
#[test]
fn a_wide_slot_that_is_taken_away_is_none_to_have_again() {
    let mut bench = connected();
    assert_eq!(bench.send_at(6_000, b"early\n"), WATCH);
    bench.millis += 2 * WIDE_SLOT_IDLE.as_millis() as u64;
    let first = (bench.port, bench.seq);
    (bench.port, bench.seq) = (bench.port + 1, [100, 900]);
    bench.connect();
    assert_eq!(bench.send_at(6_000, b"early\n"), WATCH);
    (bench.port, bench.seq) = first;
    for offset in (0..6_000).step_by(1_000) {
        assert_eq!(bench.send_at(offset, &[b'\n'; 1_000]), WATCH);
    }
    bench.millis += 2 * WIDE_SLOT_IDLE.as_millis() as u64;
    assert_eq!(bench.send_at(20_000, b"early\n"), Verdict::Drop);
}

/// What no slot could hold is as before.
#[test]
fn a_message_beyond_every_slot_is_refused() {
    let mut bench = connected();
    assert_eq!(bench.send_at(WIDE_SLOT_BYTES as u32, SUBSCRIBE), Verdict::Drop);
}

/// A decoy too far ahead to be held, which may die on its way, before the message and between its parts.
#[test]
fn a_decoy_far_ahead_hides_no_message() {
    for parts in [1, 2, 3, 7] {
        for decoys in [1, 2, 8] {
            let mut bench = crowded();
            let mut offset = 0;
            let mut verdict = WATCH;
            for (number, part) in SUBSCRIBE.chunks(SUBSCRIBE.len().div_ceil(parts)).enumerate() {
                if number < decoys {
                    // What the client sends behind the first of them shows that it was too early.
                    let expected = if number == 0 { WATCH } else { Verdict::Drop };
                    assert_eq!(bench.send_at(20_000 + 100 * number as u32, &[b'q'; 40]), expected);
                }
                verdict = bench.send_at(offset, part);
                offset += part.len() as u32;
            }
            assert!(matches!(verdict, Verdict::Reset(_)), "{parts} parts, {decoys} decoys: {verdict:?}");
        }
    }
}

/// A login further ahead than bytes are held, which the bytes before it follow.
#[test]
fn a_message_far_ahead_waits_for_what_comes_before_it() {
    for decoys in [0, ASSEMBLY_RUNS as u32] {
        let mut bench = crowded();
        for number in 0..decoys {
            assert_eq!(bench.send_at(100 + 70 * number, b"\n"), WATCH);
        }
        let far = if decoys > 0 { 1_000 } else { 6_000 };
        assert_eq!(bench.send_at(far, SUBSCRIBE), Verdict::Drop);
        for offset in (0..far).step_by(1_000) {
            assert_eq!(bench.send_at(offset, &[b'\n'; 1_000]), WATCH);
        }
        assert!(matches!(bench.send_at(far, SUBSCRIBE), Verdict::Reset(_)), "{decoys}");
    }
    // What the server has is no hole any more.
    let mut bench = connected();
    bench.seq[0] = 101 + 6_000;
    bench.send(DOWN, ACCEPTED);
    assert_eq!(bench.send_at(6_000, SUBSCRIBE), WATCH);
}

/// Where the parts can't be put together because they are further ahead than bytes are held, what follows is read: once a
/// client has sent later what came before, parts have to wait for their turn.
#[test]
fn messages_that_come_far_ahead_in_parts_are_read_in_their_turn() {
    for order in [[0, 1], [1, 0]] {
        let mut bench = crowded();
        let mut end = 0;
        let mut say = |bench: &mut Bench, message: &[u8]| {
            bench.send_at(end, b"\n");
            let cuts = [0, 20, message.len()];
            let part = |at: usize| (end + 6_001 + cuts[at] as u32, &message[cuts[at]..cuts[at + 1]]);
            let send = |bench: &mut Bench, at| bench.send_at(part(at).0, part(at).1) == Verdict::Drop;
            let refused = order.map(|at| send(bench, at).then_some(at));
            for offset in (1..6_001).step_by(1_000) {
                bench.send_at(end + offset, &[b'\n'; 1_000]);
            }
            for at in refused.into_iter().flatten() {
                assert!(!send(bench, at));
            }
            end += 6_001 + message.len() as u32;
            bench.seq[0] = 101 + end;
            refused.iter().all(Option::is_some)
        };
        assert!(!say(&mut bench, SUBSCRIBE));
        bench.send(DOWN, SUBSCRIBED);
        assert!(say(&mut bench, SHARE), "each part is refused");
        bench.send(DOWN, ACCEPTED);
        assert_eq!(bench.state(), Some(State::Mining), "{order:?}");
    }
}

/// The same with decoys that use up the patience: what is further ahead is read instead of what comes before it.
#[test]
fn messages_that_come_far_ahead_behind_decoys_are_read() {
    for (order, connect) in
        [([0, 1], connected as fn() -> Bench), ([1, 0], connected), ([0, 1], crowded), ([1, 0], crowded)]
    {
        for decoys in [0, 3, 4, 20] {
            let mut bench = connect();
            let mut end = 0;
            let mut shares = 0;
            while bench.state() != Some(State::Mining) {
                assert!(shares < 8, "{order:?} {decoys}");
                bench.send_at(end, b"\n");
                for _ in 0..decoys {
                    let _ = bench.send_at(end + 9_000, b"decoy");
                }
                let cuts = [0, 40, SHARE.len()];
                let part = |at: usize| (end + 6_001 + cuts[at] as u32, &SHARE[cuts[at]..cuts[at + 1]]);
                let is_refused = order.map(|at| bench.send_at(part(at).0, part(at).1) == Verdict::Drop);
                for offset in (1..6_001).step_by(1_000) {
                    bench.send_at(end + offset, &[b'\n'; 1_000]);
                }
                for (at, _) in order.into_iter().zip(is_refused).filter(|(_, is_refused)| *is_refused) {
                    let _ = bench.send_at(part(at).0, part(at).1);
                }
                end += 6_001 + SHARE.len() as u32;
                bench.seq[0] = 101 + end;
                bench.send(DOWN, ACCEPTED);
                shares += 1;
            }
        }
    }
}

/// Bytes that were passed on unseen, because the queue was full, never come here: what is behind them is not held up for
/// ever, and is read.
#[test]
fn what_never_comes_holds_up_nothing_for_ever() {
    let mut bench = crowded();
    bench.send_at(0, b"\n");
    assert_eq!(bench.send_at(6_000, b"lost before us"), WATCH, "it may have been lost");
    bench.send_at(1, &[b'\n'; 100]);
    let refused = (0..100).take_while(|_| bench.send_at(6_000, b"{\"id\":1,") == Verdict::Drop).count();
    assert_eq!(refused, 4);
    assert_eq!(bench.send_at(6_008, b"\"x\":2}\n"), WATCH);
    // What the server has was not lost.
    bench.seq[0] = 101 + 30_000;
    bench.send(DOWN, ACCEPTED);
    assert_eq!(bench.send_at(30_000, b"{\"id\":1,"), WATCH);
}
