//! What is counted, and what a packet in the middle of a flow does not change.

use super::lists::bench;
use super::*;
use crate::limits::MARK_LATENCY;

/// Another service on the router may take marks away: the kernel then shows what was decided.
#[test]
fn packets_of_a_decided_flow_are_counted_once_its_mark_must_have_come() {
    let mut bench = Bench::new("");
    let decided_again = |bench: &Bench| bench.engine.counters().decided_again;
    bench.connect();
    while bench.state() != Some(State::Bypassed) {
        bench.send(UP, &[0x80; 1_400]);
    }
    bench.send(UP, &[0x80; 1_400]);
    assert_eq!(decided_again(&bench), 0, "it was on its way");
    bench.millis += MARK_LATENCY.as_millis() as u64;
    let shown = bench.packet(UP, bench.seq[0], false, &[0x80; 1_400]);
    bench.handle_for(Reason::Again, UP, &shown);
    assert_eq!(decided_again(&bench), 0, "the rules show some on purpose");
    for packets in 1..4 {
        bench.send(DOWN, &[0x80; 1_400]);
        assert_eq!(decided_again(&bench), packets);
    }
    bench.port += 1;
    bench.connect();
    bench.millis += 2 * MARK_LATENCY.as_millis() as u64;
    bench.send(UP, &[0x80; 10]);
    assert_eq!(decided_again(&bench), 3, "no decision, no mark");
}

#[test]
fn what_is_read_and_what_is_refused_is_counted() {
    let mut bench = Bench::new("");
    bench.connect();
    for direction in [DOWN, UP, DOWN] {
        bench.send(direction, &[0x80; 10]);
    }
    bench.port += 1;
    bench.connect();
    for _ in 0..3 {
        assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)));
    }
    let counters = bench.engine.counters();
    assert_eq!((counters.payload_packets, counters.resets, counters.detections), (4, 3, 1));
}

/// A neighbour may send with a client's address; the client of a flow is who opened it.
#[test]
fn a_later_packet_of_a_flow_changes_no_hardware_address() {
    let mut bench = Bench::new("");
    bench.connect();
    let bytes = bench.packet(UP, bench.seq[0], false, &[0x80; 10]);
    bench.seq[0] += 10;
    let hw_addr = Some([2, 0, 0x5e, 0x10, 0, 2]);
    let packet = Packet { bytes: &bytes, hw_addr, reason: Reason::Payload, turns_back: false };
    assert_eq!(bench.engine.handle(&packet, Instant::from_micros(bench.millis * 1_000)).verdict, WATCH);
    found(&mut bench, Fact::Pool);
    assert!(matches!(bench.send(DOWN, &[0x80; 10]), Verdict::Reset(_)));
    assert_eq!(bench.event().expect("an event").hw_addr, Some(HOST_MAC));
}

/// The packet that opens a flow may say more than the list does.
#[test]
fn a_list_s_suspicion_keeps_no_payload_from_being_read() {
    let mut bench = bench("", "203.0.113.9 suspect\n");
    let packet = bench.packet(UP, bench.seq[0], false, SUBSCRIBE);
    assert!(matches!(bench.handle_for(Reason::Start, UP, &packet), Verdict::Reset(_)));
    assert_eq!(bench.event().expect("an event").source, Source::Dpi);
}
