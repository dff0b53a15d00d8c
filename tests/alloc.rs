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
use std::path::PathBuf;

use allocation_counter::measure;
use dialogue::Dialogue;
use minewall::config::{Config, Mode};
use minewall::engine::{Engine, Packet, Settings};
use minewall::hmm::model::Model;
use minewall::limits::FLOWS_MIN;
use minewall::replay::capture::Capture;
use minewall::replay::link;
use minewall::time::Instant;
use play::{Fate, Style};
use wire::{Connection, End};

/// An IP packet and when it comes.
struct Arrival {
    at: Instant,
    bytes: Vec<u8>,
}

/// Hands `arrivals` to the engine as the queue does, and takes its events; tells how many there were.
fn run(engine: &mut Engine<RandomState>, arrivals: &[Arrival]) -> usize {
    let mut events = 0;
    for Arrival { at, bytes } in arrivals {
        black_box(engine.handle(&Packet { bytes, hw_addr: Some([2, 0, 0, 0, 0, 7]) }, *at));
        events += usize::from(engine.poll_event().is_some());
        engine.sweep(1, *at);
    }
    events
}

fn engine(mode: Mode) -> Engine<RandomState> {
    let settings = Settings { mode, ..Settings::from(&Config::default()) };
    let model = Model::embedded().expect("the model is part of the program");
    Engine::new(settings, model, FLOWS_MIN, RandomState::new())
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

#[test]
fn the_packet_path_never_allocates() {
    let sources = [("traces", traces()), ("dialogues", dialogues()), ("flood", flood())];
    for mode in [Mode::Block, Mode::Monitor] {
        let mut engine = engine(mode);
        for (name, arrivals) in &sources {
            let mut events = 0;
            let counted = measure(|| events = run(&mut engine, arrivals));
            assert_eq!(counted.count_total, 0, "{name} in {mode:?}: {counted:?}");
            assert!(events > 0 || *name == "flood", "{name} proves something");
        }
        let counters = engine.table_counters();
        assert!(counters.evicted_undecided + counters.evicted_settled > 0, "the flood evicts: {counters:?}");
    }
}

#[test]
fn an_allocation_would_be_counted() {
    let counted = measure(|| drop(black_box(Box::new(7))));
    assert_eq!(counted.count_total, 1);
}
