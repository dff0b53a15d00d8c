//! Hosts that mean harm, and networks that don't.

use super::*;
use crate::hmm::decision::Decision;
use crate::limits::DRAFTS;

/// More than any budget of packets.
const MANY_PACKETS: u32 = 256;
/// The first bytes of a TLS record: a ClientHello, of which nothing more can be read.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[test]
fn a_repeated_syn_forgets_nothing() {
    let mut bench = Bench::new("");
    bench.connect();
    let syn = bench.packet(UP, bench.seq[0] - 1, true, b"");
    let (first, rest) = SUBSCRIBE.split_at(30);
    assert_eq!(bench.send(UP, first), WATCH);
    assert_eq!(bench.handle(UP, &syn), Verdict::Ignore, "the network delivered it twice");
    assert!(matches!(bench.send(UP, rest), Verdict::Reset(_)), "the message in two pieces was lost");
}

#[test]
fn a_repeated_syn_ack_moves_no_stream() {
    let mut bench = Bench::new("");
    bench.connect();
    let mut syn_ack = bench.packet(DOWN, 899, true, b"");
    syn_ack[33] |= 0x10;
    bench.handle(DOWN, &syn_ack);
    bench.send(DOWN, b"{\"id\":1,\"result\":true}\n");
    bench.handle(DOWN, &syn_ack);
    bench.send(DOWN, b"{\"id\":2,\"result\":true}\n");
    assert_eq!(bench.engine.reassembly().in_use(), 0, "nothing is missing");
}

/// A host may send a SYN of its own making into its connection: the server answers with no more than
/// an acknowledgement (RFC 5961 section 4), and the connection goes on.
#[test]
fn a_forged_syn_blinds_nobody() {
    for forged in [50_000_000, 2_000_000_000, 50] {
        let mut bench = Bench::new("");
        bench.connect();
        bench.send(UP, b"{\"id\":0,\"method\":\"x\"}\n");
        let syn = bench.packet(UP, forged, true, b"");
        bench.handle(UP, &syn);
        bench.send(UP, SUBSCRIBE);
        // Bytes may seem to be missing until the server has acknowledged them.
        bench.send(DOWN, b"{\"id\":1,\"result\":true}\n");
        assert_eq!(bench.state(), Some(State::Mining), "SYN at {forged}");
    }
}

#[test]
fn a_flow_whose_waiting_bytes_were_taken_away_loses_a_message_not_more() {
    let mut bench = Bench::new("");
    bench.connect();
    let (first, rest) = SUBSCRIBE.split_at(30);
    bench.send(UP, first);
    let (port, seq) = (bench.port, bench.seq);
    for _ in 0..2 * DRAFTS {
        bench.port += 1;
        bench.connect();
        bench.send(UP, first);
    }
    assert!(bench.engine.drafts_taken_away() > 0);
    (bench.port, bench.seq) = (port, seq);
    bench.send(UP, rest);
    for _ in 0..3 {
        bench.send(UP, SHARE);
        bench.send(DOWN, ACCEPTED);
    }
    assert_eq!(bench.state(), Some(State::Mining));
}

#[test]
fn a_card_that_is_allowed_stays_so_when_the_server_is_seen_first() {
    let mut bench = Bench::new("list allow_host 02:00:5e:10:00:01");
    bench.send(DOWN, ACCEPTED);
    for _ in 0..3 {
        assert!(!matches!(bench.send(UP, SHARE), Verdict::Reset(_)));
        assert!(!matches!(bench.send(DOWN, ACCEPTED), Verdict::Reset(_)));
    }
    assert!(bench.event().is_none());
    assert_eq!(bench.state(), Some(State::Excluded));
}

#[test]
fn the_allowlist_counts_for_flows_that_are_under_way_when_it_changes() {
    let mut bench = Bench::new("");
    bench.connect();
    bench.engine.configure(settings("list allow_endpoint 203.0.113.9"));
    assert_eq!(bench.send(UP, SUBSCRIBE), PASS);
    assert_eq!(bench.state(), Some(State::Excluded));
    assert!(bench.event().is_none());
    bench.engine.configure(settings(""));
    // Unseen in between, then the kernel shows a packet.
    bench.seq[0] += 5_000;
    for _ in 0..3 {
        bench.send(UP, SHARE);
        bench.send(DOWN, ACCEPTED);
    }
    assert_eq!(bench.state(), Some(State::Mining));
}

/// A connection that stage one suspects.
fn with_a_suspect() -> Bench {
    let mut bench = Bench::new("");
    bench.connect();
    bench.send(UP, CLIENT_HELLO);
    let key = FiveTuple::new(Endpoint::new(HOST.into(), bench.port), Endpoint::new(POOL.into(), 3333));
    let now = Instant::from_micros(bench.millis * 1_000).stamp();
    match bench.engine.flows.place(&key, || 0, now) {
        Lookup::Known(session) => session.settle(Decision::Suspect, now, &settings("")),
        _ => panic!("not there"),
    };
    bench
}

#[test]
fn a_suspect_that_moves_fast_does_not_stay_in_the_queue() {
    let mut bench = with_a_suspect();
    let verdicts: Vec<Verdict> = (0..60).map(|_| bench.send(DOWN, &[0x80; 1_400])).collect();
    assert_eq!((verdicts.first(), verdicts.last()), (Some(&WATCH), Some(&PASS)));
    assert_eq!(bench.state(), Some(State::Suspect));
}

#[test]
fn a_slow_suspect_stays_one() {
    let mut bench = with_a_suspect();
    for _ in 0..2 * MANY_PACKETS {
        bench.millis += 20_000;
        assert_eq!(bench.send(UP, &[0x80; 120]), WATCH);
    }
    assert_eq!(bench.state(), Some(State::Suspect));
}

/// A text frame, unmasked or under a mask of zeros.
fn frame(direction: Direction, text: &[u8]) -> Vec<u8> {
    let mask: &[u8] = if direction == UP { &[0; 4] } else { &[] };
    let masked = if direction == UP { 0x80 } else { 0 };
    [&[0x81, masked | text.len() as u8][..], mask, text].concat()
}

#[test]
fn a_chat_that_is_let_go_may_still_quote_a_miner() {
    let mut bench = Bench::new("");
    bench.connect();
    bench.send(UP, b"GET /chat HTTP/1.1\r\nHost: chat.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    bench
        .send(DOWN, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    for number in 0..MANY_PACKETS {
        bench.millis += 700;
        bench.send(UP, &frame(UP, format!("hello, what is this? {number}").as_bytes()));
        bench.send(DOWN, &frame(DOWN, b"no idea"));
    }
    let text = SUBSCRIBE.strip_suffix(b"\n").unwrap();
    bench.send(UP, &frame(UP, text));
    bench.send(DOWN, &frame(DOWN, b"what does it do?"));
    bench.send(UP, &frame(UP, text));
    assert_ne!(bench.state(), Some(State::Mining));
}

/// Attack n: connections of one payload each, hundreds of times the table, with evidence in every other one; a miner's first message is cut
/// off at any time, and the table is never larger.
#[test]
fn connections_of_one_payload_hide_no_miner() {
    let mut bench = Bench::new("");
    for number in 0..20_000_u32 {
        bench.port = 1_024 + (number % 50_000) as u16;
        bench.server_port = 1 + (number / 50_000) as u16;
        let payload = if number % 2 == 0 { &b"hello\n"[..] } else { &SHARE[..40] };
        bench.send(UP, payload);
        if number % 2_000 == 0 {
            (bench.port, bench.server_port) = (60_000 + (number / 2_000) as u16, 3_333);
            bench.connect();
            assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)), "after {number}");
        }
    }
    assert!(bench.engine.flows().len() <= 64);
}
