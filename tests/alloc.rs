//! The packet path doesn't allocate: not once, on any of the traces and dialogues, nor while an
//! attacker fills the flow table.

#[path = "common/dialogue.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod dialogue;
#[path = "support/file.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod file;
#[path = "support/play.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod play;
#[path = "support/wire.rs"]
mod wire;

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use allocation_counter::measure;
use dialogue::Dialogue;
use minewall::config::{Config, Mode};
use minewall::engine::{Engine, Packet, Settings};
use minewall::hmm::model::Model;
use minewall::intel::Builder;
use minewall::intel::entry::Policy;
use minewall::lab::replay::capture::Capture;
use minewall::lab::replay::kernel::KernelModel;
use minewall::lab::replay::link;
use minewall::limits::FLOWS_MIN;
use minewall::net::five_tuple::FiveTuple;
use minewall::net::packet;
use minewall::util::time::Instant;
use minewall::verdict::Reason;
use play::{Fate, Style};
use wire::{Connection, End};

/// An IP packet and when it comes.
struct Arrival {
    at: Instant,
    bytes: Vec<u8>,
}

/// An IP packet that the rules queue, when and why.
struct Queued {
    at: Instant,
    bytes: Vec<u8>,
    reason: Reason,
}

/// The packets among `arrivals` that the rules would queue while nothing is decided.
fn queued(arrivals: Vec<Arrival>) -> Vec<Queued> {
    let mut kernel = KernelModel::default();
    let mut reason = |at, bytes: &[u8]| match packet::parse(bytes) {
        Ok(segment) => {
            kernel.queues(&FiveTuple::new(segment.src, segment.dst), &segment, bytes.len(), at).reason
        }
        Err(_) => Some(Reason::Payload),
    };
    let queue = |Arrival { at, bytes }| reason(at, &bytes).map(|reason| Queued { at, bytes, reason });
    arrivals.into_iter().filter_map(queue).collect()
}

/// Hands `packets` to the engine as the queue does; tells how many events there were.
fn run(engine: &mut Engine<RandomState>, packets: &[Queued]) -> usize {
    let mut events = 0;
    for Queued { at, bytes, reason } in packets {
        let packet = Packet { bytes, hw_addr: Some([2, 0, 0, 0, 0, 7]), reason: *reason, turns_back: false };
        let handled = black_box(engine.handle(&packet, *at));
        events += usize::from(handled.event.is_some());
        engine.sweep(1, *at);
    }
    events
}

fn engine(mode: Mode) -> Engine<RandomState> {
    let settings = Settings { mode, ..Settings::from(&Config::default()) };
    let model = Model::embedded().expect("the model is part of the program");
    let mut engine = Engine::new(settings, model, FLOWS_MIN, RandomState::new());
    let mut lists = Builder::new(1 << 20);
    for (policy, text) in
        [(Policy::Block, "pool.example\n10.0.7.0/24\n"), (Policy::Allow, "192.0.2.77:3333\n")]
    {
        lists.add_text(policy.name(), policy, text.as_bytes()).expect("good entries");
    }
    engine.replace_intel(Some(Arc::new(lists.build().0)));
    engine
}

fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory is in the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// The packets of all golden traces.
fn traces() -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for path in files("tests/traces", "pcap") {
        let mut capture = Capture::open(File::open(path).expect("a readable trace")).expect("a capture");
        while let Some(frame) = capture.next_frame().expect("a sound trace") {
            let packet = link::ip_packet(frame.link, frame.bytes).expect("an IP packet");
            arrivals.push(Arrival { at: frame.at, bytes: packet.bytes.to_vec() });
        }
    }
    arrivals
}

/// The packets of all dialogues, each a connection of its own, cut and repeated.
fn dialogues() -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut port = 1_024;
    for path in files("tests/dialogues", "dialogue") {
        let dialogue = Dialogue::parse(&fs::read_to_string(path).expect("a readable dialogue"));
        for (segment, fate) in [(1_440, Fate::InOrder), (37, Fate::Swapped), (200, Fate::Twice)] {
            let style = Style { segment, fate, ..Style::PLAIN };
            port += 1;
            let client = format!("192.168.1.7:{port}").parse().expect("an address");
            for bytes in play::packets(&play::pieces(&dialogue, &style), &style, client) {
                let at = Instant::from_micros(1_000_000 + 5_000 * arrivals.len() as u64);
                arrivals.push(Arrival { at, bytes });
            }
        }
    }
    arrivals
}

/// Many times more flows than the table holds, each with the beginning of a message that never ends.
fn flood() -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for index in 0..20 * FLOWS_MIN {
        let client = format!("10.0.{}.{}:4000", index / 250, 1 + index % 250);
        let server = "192.0.2.1:3333".parse().expect("an address");
        let mut connection = Connection::new(client.parse().expect("an address"), server, [1, 1]);
        let mut packets = connection.open();
        packets.push(connection.send(End::Client, b"{\"id\":1,\"method\":\"mining.sub"));
        packets.push(connection.send(End::Server, &[0x16; 1_200]));
        for bytes in packets {
            let at = Instant::from_micros(1_000_000 + 100 * arrivals.len() as u64);
            arrivals.push(Arrival { at, bytes });
        }
    }
    arrivals
}

/// Answers of name servers, and connections to what they say, by listed names and others: more than is
/// remembered of either.
fn names() -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for index in 0..3_000u32 {
        let name =
            if index % 2 == 0 { format!("n{index}.pool.example") } else { format!("shop{index}.example") };
        let addr = Ipv4Addr::from_bits(0xcb00_7100 + index);
        let client = Ipv4Addr::new(192, 168, 1, (index % 200) as u8);
        let mut connection = Connection::new((client, 40_000).into(), (addr, 3_333).into(), [1, 1]);
        let mut packets = vec![question(client, &name), answer(client, &name, addr)];
        packets.extend(connection.open());
        packets
            .push(connection.send(End::Client, format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n").as_bytes()));
        for bytes in packets {
            let at = Instant::from_micros(1_000_000 + 10_000 * arrivals.len() as u64);
            arrivals.push(Arrival { at, bytes });
        }
    }
    arrivals
}

const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const DNS_PORT: u16 = 53;
const ASKING_PORT: u16 = 40_000;

/// A UDP packet in which `client` asks for the address of `name`: without one, no answer is believed.
fn question(client: Ipv4Addr, name: &str) -> Vec<u8> {
    let message = [&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &asked(name)[..]].concat();
    datagram((client, ASKING_PORT), (NAME_SERVER, DNS_PORT), &message)
}

/// A UDP packet in which `client` is told that `name` has `addr`.
fn answer(client: Ipv4Addr, name: &str, addr: Ipv4Addr) -> Vec<u8> {
    let head = [7, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4];
    let message = [&head, &asked(name)[..], &record, &addr.octets()].concat();
    datagram((NAME_SERVER, DNS_PORT), (client, ASKING_PORT), &message)
}

/// The question of a message of DNS: the address of `name`.
fn asked(name: &str) -> Vec<u8> {
    let mut question = Vec::new();
    for label in name.split('.') {
        question.push(label.len() as u8);
        question.extend(label.bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    question
}

fn datagram(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), message: &[u8]) -> Vec<u8> {
    let len = 8 + message.len() as u16;
    let mut packet = vec![0x45, 0];
    packet.extend((20 + len).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(from.0.octets());
    packet.extend(to.0.octets());
    packet.extend(from.1.to_be_bytes());
    packet.extend(to.1.to_be_bytes());
    packet.extend(len.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(message);
    packet
}

#[test]
fn the_packet_path_never_allocates() {
    let sources = [("traces", traces()), ("dialogues", dialogues()), ("names", names()), ("flood", flood())]
        .map(|(name, arrivals)| (name, queued(arrivals)));
    for mode in [Mode::Block, Mode::Monitor] {
        let mut engine = engine(mode);
        for (name, arrivals) in &sources {
            let mut events = 0;
            let counted = measure(|| events = run(&mut engine, arrivals));
            assert_eq!(counted.count_total, 0, "{name} in {mode:?}: {counted:?}");
            assert!(events > 0 || *name == "flood", "{name} proves something");
        }
        assert_eq!(engine.counters().dns_answers, 3_000);
        let counters = engine.table_counters();
        assert!(counters.evicted_undecided + counters.evicted_settled > 0, "the flood evicts: {counters:?}");
    }
}

#[test]
fn an_allocation_would_be_counted() {
    let counted = measure(|| drop(black_box(Box::new(7))));
    assert_eq!(counted.count_total, 1);
}
