mod abuse;
mod acknowledgements;
mod counters;
mod dns_over_tcp;
mod early;
mod lists;
mod naming;
mod overlaps;
mod queues;
mod second_look;
mod sessions;
mod tunnels;

use super::*;
use crate::config;
use crate::dpi::signatures::Dialect;
use crate::engine::event::Source;
use crate::engine::session::State;
use crate::hmm;
use crate::intel::reputation::view::{self, Scope, View};
use crate::intel::reputation::{self, Fact, Origin, Reach, Subject};
use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::verdict::FlowMark;
use core::net::{IpAddr, Ipv4Addr};
use etherparse::{Ipv4Header, TcpHeader, ip_number};
use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::path::Path;

const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 50);
const POOL: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const HOST_MAC: [u8; 6] = [2, 0, 0x5e, 0x10, 0, 1];
const ROUTER_MAC: [u8; 6] = [2, 0, 0x5e, 0x10, 0, 0xff];

const SUBSCRIBE: &[u8] = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cgminer/4.12\"]}\n";
const SHARE: &[u8] = b"{\"params\":[\"w\",\"5a1\",\"00000000\",\"5e0f1a2b\",\"deadbeef\"],\"id\":4,\"method\":\"mining.submit\"}\n";
const ACCEPTED: &[u8] = b"{\"id\":4,\"result\":true,\"error\":null}\n";

/// An engine, and the two ends of a connection through it.
struct Bench {
    engine: Engine<BuildHasherDefault<DefaultHasher>>,
    port: u16,
    server_port: u16,
    seq: [u32; 2],
    millis: u64,
    /// Whether packets of each direction leave by the device by which they came.
    turns_back: [bool; 2],
    events: VecDeque<Detection>,
}

impl Bench {
    fn new(options: &str) -> Self {
        let engine =
            Engine::new(settings(options), Model::embedded().unwrap(), 64, BuildHasherDefault::default());
        Bench {
            engine,
            port: 40_000,
            server_port: 3333,
            seq: [100, 900],
            millis: 1,
            turns_back: [false; 2],
            events: VecDeque::new(),
        }
    }

    fn packet(&self, direction: Direction, seq: u32, syn: bool, payload: &[u8]) -> Vec<u8> {
        let (src, dst, ports) = match direction {
            Direction::ToServer => (HOST, POOL, (self.port, self.server_port)),
            Direction::ToClient => (POOL, HOST, (self.server_port, self.port)),
        };
        let mut tcp = TcpHeader::new(ports.0, ports.1, seq, 0);
        tcp.syn = syn;
        tcp.ack = !syn;
        tcp.acknowledgment_number = self.seq[direction.reverse() as usize];
        let len = (TcpHeader::MIN_LEN + payload.len()) as u16;
        let ip = Ipv4Header::new(len, 64, ip_number::TCP, src.octets(), dst.octets()).unwrap();
        [&ip.to_bytes()[..], &tcp.to_bytes(), payload].concat()
    }

    fn handle(&mut self, direction: Direction, bytes: &[u8]) -> Verdict {
        self.handle_for(Reason::Payload, direction, bytes)
    }

    fn handle_for(&mut self, reason: Reason, direction: Direction, bytes: &[u8]) -> Verdict {
        self.millis += 10;
        let hw_addr = Some(if direction == Direction::ToServer { HOST_MAC } else { ROUTER_MAC });
        let now = Instant::from_micros(self.millis * 1_000);
        let turns_back = self.turns_back[direction as usize];
        let handled = self.engine.handle(&Packet { bytes, hw_addr, reason, turns_back }, now);
        self.events.extend(handled.event);
        handled.verdict
    }

    /// The next event.
    fn event(&mut self) -> Option<Detection> {
        self.events.pop_front()
    }

    /// Opens the connection; the verdict on the client's first packet behind the handshake.
    fn connect(&mut self) -> Verdict {
        self.seq[0] += 1;
        let syn = self.packet(Direction::ToServer, self.seq[0] - 1, true, b"");
        assert_eq!(self.handle(Direction::ToServer, &syn), Verdict::Ignore);
        let start = self.packet(Direction::ToServer, self.seq[0], false, b"");
        self.handle_for(Reason::Start, Direction::ToServer, &start)
    }

    fn send(&mut self, direction: Direction, payload: &[u8]) -> Verdict {
        let packet = self.packet(direction, self.seq[direction as usize], false, payload);
        self.seq[direction as usize] += payload.len() as u32;
        self.handle(direction, &packet)
    }

    fn session(&self) -> &Session {
        let key = FiveTuple::new(
            Endpoint::new(HOST.into(), self.port),
            Endpoint::new(POOL.into(), self.server_port),
        );
        self.engine.flows().get(&key).expect("it is tracked")
    }

    fn state(&self) -> Option<State> {
        let key = FiveTuple::new(
            Endpoint::new(HOST.into(), self.port),
            Endpoint::new(POOL.into(), self.server_port),
        );
        self.engine.flows().get(&key).map(Session::state)
    }
}

fn settings(options: &str) -> Settings {
    let text = format!("config minewall\n{options}\n");
    Settings::from(&config::parse(Path::new("test"), text.as_bytes()).expect("good options").config)
}

const UP: Direction = Direction::ToServer;
const DOWN: Direction = Direction::ToClient;
const WATCH: Verdict = Verdict::Accept(FlowMark::Undecided);
const PASS: Verdict = Verdict::Accept(FlowMark::Benign);

#[test]
fn the_first_mining_message_is_replaced_by_resets_for_both_ends() {
    let mut bench = Bench::new("");
    assert_eq!(bench.connect(), WATCH);
    let seq = bench.seq[0];
    let Verdict::Reset(reset) = bench.send(UP, SUBSCRIBE) else { panic!("not cut off") };
    let to_pool = packet::parse(&reset.to_receiver()).map(|it| (it.rst, it.seq, it.payload_len));
    assert_eq!(to_pool, Ok((true, seq, 0)));
    let to_host = reset.to_sender().expect("the host is told at once");
    assert_eq!(packet::parse(&to_host).map(|it| (it.seq, it.ack)), Ok((900, seq + SUBSCRIBE.len() as u32)));
    let Verdict::Reset(again) = bench.send(UP, SUBSCRIBE) else { panic!("let through") };
    assert_eq!(again.to_sender(), None, "told once");
    let detection = bench.event().expect("an event");
    assert_eq!((detection.client.addr(), detection.hw_addr), (IpAddr::from(HOST), Some(HOST_MAC)));
    assert_eq!((detection.payload_packets, detection.blocked), (1, true));
    assert!(bench.event().is_none());
}

#[test]
fn a_message_in_pieces_loses_the_piece_that_completes_it() {
    let mut bench = Bench::new("");
    bench.connect();
    let (first, rest) = SUBSCRIBE.split_at(20);
    let (second, third) = rest.split_at(20);
    let seq = bench.seq[0];
    let early = bench.packet(UP, seq + 40, false, third);
    assert_eq!(bench.handle(UP, &early), WATCH, "it overtook the others");
    let retransmitted = bench.packet(UP, seq, false, first);
    assert_eq!(bench.handle(UP, &retransmitted), WATCH);
    assert_eq!(bench.handle(UP, &retransmitted), WATCH);
    assert_eq!(bench.engine.reassembly().in_use(), 1);
    // Together with bytes that have been seen.
    let overlapping = bench.packet(UP, seq + 10, false, &[&first[10..], second].concat());
    let Verdict::Reset(reset) = bench.handle(UP, &overlapping) else { panic!("let through") };
    let parsed = packet::parse(&reset.to_receiver()).map(|it| it.seq);
    assert_eq!(parsed, Ok(seq + 20), "the first byte that the pool misses");
    assert_eq!(bench.engine.reassembly().in_use(), 0);
}

#[test]
fn monitoring_notes_and_lets_pass() {
    let mut bench = Bench::new("option mode monitor");
    bench.connect();
    assert_eq!(bench.send(UP, SUBSCRIBE), PASS);
    assert_eq!(bench.send(UP, SHARE), PASS);
    assert!(!bench.event().expect("an event").blocked);
    assert_eq!(bench.engine.counters().detections, 1);
    // The operator has seen enough.
    bench.engine.configure(settings("option mode block"));
    assert!(matches!(bench.send(UP, SHARE), Verdict::Reset(_)));
}

#[test]
fn whom_the_operator_allows_is_not_looked_at() {
    for options in [
        "list allow_host 192.168.1.0/24",
        "list allow_host 02:00:5e:10:00:01",
        "list allow_endpoint 203.0.113.9:3333",
    ] {
        let mut bench = Bench::new(options);
        assert_eq!(bench.connect(), PASS, "{options}");
        assert_eq!(bench.send(UP, SUBSCRIBE), PASS, "{options}");
        assert_eq!(bench.engine.counters().detections, 0, "{options}");
    }
    let mut bench = Bench::new("list allow_endpoint 203.0.113.9:4444");
    bench.connect();
    assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)));
}

#[test]
fn a_bulk_flow_is_let_go_and_a_slow_one_is_not() {
    let mut bench = Bench::new("");
    bench.connect();
    let verdicts: Vec<Verdict> = (0..60).map(|_| bench.send(DOWN, &[0x80; 1_400])).collect();
    let watched = verdicts.iter().filter(|verdict| **verdict == WATCH).count();
    assert_eq!((watched, verdicts.last()), (31, Some(&PASS)));
    // As far as the DPI goes; stage one may be sure of more.
    let mut bench = Bench::new("option sensitivity off");
    bench.connect();
    for _ in 0..1_000 {
        bench.millis += 30_000;
        assert_eq!(bench.send(DOWN, &[0x80; 300]), WATCH);
    }
}

#[test]
fn a_flow_that_mines_after_a_harmless_start_is_found() {
    let mut bench = Bench::new("");
    bench.connect();
    for _ in 0..40 {
        bench.send(UP, &[0x80; 1_400]);
    }
    assert_eq!(bench.state(), Some(State::Bypassed));
    let mines = |bench: &mut Bench| {
        for _ in 0..4 {
            if bench.state() != Some(State::Mining) {
                bench.send(UP, SHARE);
                bench.send(DOWN, ACCEPTED);
            }
        }
        bench.state() == Some(State::Mining)
    };
    // Unseen in between, then the kernel shows a few packets.
    bench.seq = [5_000_000, 7_000_000];
    bench.millis += 600_000;
    assert!(mines(&mut bench));
    // Nothing unseen: it mines on from the next byte.
    let mut bench = Bench::new("");
    bench.connect();
    for _ in 0..40 {
        bench.send(UP, &[0x80; 1_400]);
    }
    assert_eq!(bench.state(), Some(State::Bypassed));
    assert!(mines(&mut bench));
}

#[test]
fn a_miner_is_found_after_the_daemon_was_restarted() {
    let mut bench = Bench::new("");
    bench.send(DOWN, ACCEPTED);
    for _ in 0..3 {
        bench.send(UP, SHARE);
        bench.send(DOWN, ACCEPTED);
    }
    assert_eq!(bench.state(), Some(State::Mining));
    let detection = bench.event().expect("an event");
    assert_eq!((detection.client.addr(), detection.hw_addr), (IpAddr::from(HOST), Some(HOST_MAC)));
}

#[test]
fn a_new_connection_on_an_old_five_tuple_begins_anew() {
    let mut bench = Bench::new("");
    bench.connect();
    assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)));
    bench.seq = [70_000, 80_000];
    assert_eq!(bench.connect(), WATCH);
    assert_eq!(bench.state(), Some(State::Opening));
}

#[test]
fn forgotten_flows_give_back_their_slots() {
    let mut bench = Bench::new("");
    bench.connect();
    bench.send(UP, &SUBSCRIBE[..10]);
    assert_eq!((bench.engine.flows().len(), bench.engine.reassembly().in_use()), (1, 1));
    let after = Instant::from_micros(3_600_000_000);
    bench.engine.sweep(usize::MAX, after);
    assert_eq!((bench.engine.flows().len(), bench.engine.reassembly().in_use()), (0, 0));
}

#[test]
fn what_is_not_tcp_passes_and_is_counted() {
    let mut bench = Bench::new("");
    let mut udp = bench.packet(UP, 0, false, b"x");
    udp[9] = 17;
    for bytes in [&udp[..], b"", b"\x45", &udp[..15], &[0x60; 60]] {
        assert_eq!(bench.handle(UP, bytes), Verdict::Ignore);
    }
    let counters = bench.engine.counters();
    assert_eq!((counters.packets, counters.not_tcp + counters.malformed), (5, 5));
    assert!(bench.engine.flows().is_empty());
}

#[test]
fn no_bytes_upset_it() {
    let mut random = crate::util::random::Random::new(3);
    let mut bench = Bench::new("");
    let messages = [SUBSCRIBE, SHARE, ACCEPTED, b"GET / HTTP/1.1\r\n\r\n", b"\x05\x01\x00"];
    for _ in 0..50_000 {
        let direction = if random.below(2) == 0 { UP } else { DOWN };
        bench.port = 40_000 + random.below(200) as u16;
        let seq = random.below(3_000);
        let mut packet =
            bench.packet(direction, seq, random.below(20) == 0, messages[random.below(5) as usize]);
        for _ in 0..random.below(3) {
            let at = random.below(packet.len() as u32) as usize;
            packet[at] = random.below(256) as u8;
        }
        packet.truncate(packet.len() - random.below(packet.len() as u32 / 8) as usize);
        bench.millis += u64::from(random.below(5_000));
        bench.handle(direction, &packet);
        bench.events.clear();
    }
    assert!(bench.engine.flows().len() <= bench.engine.flows().capacity());
}

/// A view of a store with one fact, a probe's.
fn view_with(server: &Endpoint, fact: Fact, scope: Scope) -> Arc<View> {
    let entry = reputation::Entry {
        subject: Subject::server(server, None),
        fact,
        origin: Origin::Probe,
        reach: Reach::House,
        dialect: Some(Dialect::CryptoNote),
        evidence: Default::default(),
        since: 0,
        until: u64::MAX,
    };
    let mut facts = view::ViewBuilder::default();
    facts.add(&entry, scope, false);
    Arc::new(facts.build(None))
}

fn found(bench: &mut Bench, fact: Fact) {
    bench.engine.replace_reputation(view_with(&Endpoint::new(POOL.into(), 3333), fact, Scope::All));
}

#[test]
fn what_a_probe_finds_to_be_a_pool_is_cut_off_now_and_later() {
    let mut bench = Bench::new("");
    assert_eq!(bench.connect(), WATCH);
    assert_eq!(bench.send(UP, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]), WATCH, "nothing to read in TLS");
    found(&mut bench, Fact::Pool);
    let Verdict::Reset(reset) = bench.send(DOWN, &[0x16, 3, 3, 0, 1, 2]) else { panic!("let through") };
    assert!(reset.to_sender().is_some());
    let detection = bench.event().expect("an event");
    assert_eq!((detection.source, detection.finding.dialect), (Source::Probe, Some(Dialect::CryptoNote)));
    assert_eq!((detection.client.addr(), detection.hw_addr), (IpAddr::from(HOST), Some(HOST_MAC)));
    assert_eq!(detection.payload_packets, 2);
    // The next one doesn't even get its connection.
    bench.port += 1;
    let Verdict::Reset(reset) = bench.connect() else { panic!("connected") };
    let to_host = reset.to_sender().expect("the host is told at once");
    let to_host = packet::parse(&to_host).map(|it| (it.rst, it.ack));
    assert_eq!(to_host, Ok((true, bench.seq[0])), "it acknowledges the SYN, else nobody believes it");
    assert!(bench.event().is_some());
    // Until that is no longer known.
    bench.engine.replace_reputation(Arc::default());
    bench.port += 1;
    assert_eq!(bench.connect(), WATCH);
}

#[test]
fn a_pool_that_the_user_exempts_stays_exempt() {
    let mut bench = Bench::new("list allow_endpoint 203.0.113.9:3333");
    found(&mut bench, Fact::Pool);
    assert_eq!(bench.connect(), PASS);
    assert_eq!(bench.send(UP, SUBSCRIBE), PASS);
}

#[test]
fn a_pool_that_is_only_watched_is_reported_once_a_flow() {
    let mut bench = Bench::new("option mode monitor");
    found(&mut bench, Fact::Pool);
    assert_eq!(bench.connect(), PASS);
    assert!(bench.event().is_some());
    assert_eq!(bench.send(UP, b"\x16\x03"), PASS);
    assert!(bench.event().is_none());
}

#[test]
fn a_server_that_is_no_pool_decides_nothing_by_itself() {
    let mut bench = Bench::new("");
    found(&mut bench, Fact::NotPool);
    assert_eq!(bench.connect(), WATCH);
    assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)), "a proof is a proof");
}
