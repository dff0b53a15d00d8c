//! What a packet costs as the flow table grows, for `make bench`: a random flow of a table that is nine tenths full begins
//! anew, by a packet without payload and one with, in alternating rounds of one run. Nothing is queued.

#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod wire;

use std::hash::RandomState;
use std::time::Instant as Clock;

use minewall::config::Config;
use minewall::engine::{Engine, Packet, Settings};
use minewall::hmm::model::Model;
use minewall::util::time::Instant;
use minewall::verdict::Reason;
use wire::{Connection, End};

const SIZES: [u32; 4] = [1 << 10, 1 << 13, 1 << 16, 1 << 19];
const ROUNDS: usize = 5;
const FLOWS: u32 = 200_000;

fn main() {
    let mut tables: Vec<Table> = SIZES.into_iter().map(Table::new).collect();
    let mut nanoseconds = vec![Vec::new(); tables.len()];
    for _ in 0..ROUNDS {
        for (table, nanoseconds) in tables.iter_mut().zip(&mut nanoseconds) {
            nanoseconds.push(table.round());
        }
    }
    let medians: Vec<u64> = nanoseconds
        .into_iter()
        .map(|mut rounds| {
            rounds.sort_unstable();
            rounds[ROUNDS / 2]
        })
        .collect();
    for (size, median) in SIZES.iter().zip(&medians) {
        println!(
            "{size} flows: {median} ns a packet, {:.2} of {}",
            *median as f64 / medians[0] as f64,
            SIZES[0]
        );
    }
}

struct Table {
    engine: Engine<RandomState>,
    flows: u32,
    /// The client's first packet, and its first with payload; their address is that of a flow in turn.
    start: Vec<u8>,
    payload: Vec<u8>,
    random: u32,
}

impl Table {
    fn new(size: u32) -> Self {
        let model = Model::embedded().expect("the model is part of the program");
        let settings = Settings::from(&Config::default());
        let mut connection =
            Connection::new(([10, 0, 0, 0], 10_000).into(), ([203, 0, 113, 9], 8_333).into(), [7, 9]);
        let start = connection.open().pop().expect("three packets");
        let payload = connection.send(End::Client, &[0x9e; 60]);
        let engine = Engine::new(settings, model, size as usize, RandomState::new());
        let mut table = Table { engine, flows: size / 10 * 9, start, payload, random: 1 };
        (0..table.flows).for_each(|flow| table.begin(flow));
        table
    }

    fn begin(&mut self, flow: u32) {
        let Table { engine, start, payload, .. } = self;
        for (bytes, reason) in [(start, Reason::Start), (payload, Reason::Payload)] {
            bytes[13..16].copy_from_slice(&flow.to_be_bytes()[1..]);
            let _ = engine.handle(
                &Packet { bytes, hw_addr: Some([2; 6]), reason, turns_back: false },
                Instant::from_micros(1 << 40),
            );
        }
    }

    /// Nanoseconds a packet.
    fn round(&mut self) -> u64 {
        let start = Clock::now();
        for _ in 0..FLOWS {
            // xorshift (Marsaglia 2003).
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            self.begin(self.random % self.flows);
        }
        (start.elapsed().as_nanos() / u128::from(2 * FLOWS)) as u64
    }
}
