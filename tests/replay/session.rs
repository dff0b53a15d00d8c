//! The sessions that the tests write in every format, and how their reports are compared.

use std::io::Read;
use std::path::Path;

use minewall::lab::replay::capture::OpenError;
use minewall::lab::replay::report::{Format, Report};
use minewall::lab::replay::{self, Replayed};
use minewall::limits::FLOWS_MIN;

use crate::file::{Link, Record};
use crate::wire::{Connection, End};

/// IP packets and when they were captured, in microseconds since 1970.
pub type Session = Vec<(u64, Vec<u8>)>;

/// A miner's first minute, over IPv4 or IPv6, with packets 20 ms apart.
pub fn mining(v6: bool) -> Session {
    let mut connection = if v6 {
        let ends = ("[fd00::7]:40000", "[2001:db8::1]:3333");
        Connection::new(ends.0.parse().unwrap(), ends.1.parse().unwrap(), [u32::MAX - 20, 7])
    } else {
        let ends = ("192.168.1.7:40000", "192.0.2.1:3333");
        Connection::new(ends.0.parse().unwrap(), ends.1.parse().unwrap(), [u32::MAX - 20, 7])
    };
    let mut packets = connection.open();
    for (from, line) in MESSAGES {
        packets.push(connection.send(from, line.as_bytes()));
        // A bare acknowledgement: the shortest packet, which Ethernet pads.
        let receiver = if from == End::Client { End::Server } else { End::Client };
        packets.push(connection.send(receiver, b""));
    }
    packets.extend(connection.close());
    packets.into_iter().enumerate().map(|(index, packet)| (START + 20_000 * index as u64, packet)).collect()
}

/// The records of `session` on `link`.
pub fn records(session: &Session, link: Link) -> Vec<Record> {
    session.iter().map(|(micros, ip)| Record { micros: *micros, frame: link.wrap(ip) }).collect()
}

/// The JSON lines of the flows that were found.
pub fn flow_lines(replayed: &Replayed) -> String {
    let mut out = Vec::new();
    Report::new(&mut out, Format::Json)
        .capture(Path::new("capture"), replayed.account.flows())
        .expect("a vector takes every line");
    let mut lines = String::from_utf8(out).expect("JSON is UTF-8");
    // Only some links have hardware addresses.
    while let Some(at) = lines.find("\"mac\":") {
        let end = at + lines[at..].find(',').expect("it is not the last member") + 1;
        lines.replace_range(at..end, "");
    }
    lines
}

/// Replays a capture through a small engine.
///
/// # Errors
/// Those of the replay.
pub fn replay(source: impl Read) -> Result<Replayed, OpenError> {
    replay::replay(replay::engine(FLOWS_MIN), source)
}

/// What a sound file yields.
pub fn replay_sound(file: &[u8]) -> Replayed {
    let replayed = replay(file).expect("a capture");
    assert_eq!(replayed.damage, None);
    assert_eq!((replayed.malformed, replayed.unsupported), (0, 0));
    replayed
}

const MESSAGES: [(End, &str); 6] = [
    (End::Client, "{\"id\": 1, \"method\": \"mining.subscribe\", \"params\": [\"cpuminer/2.5.1\"]}\n"),
    (
        End::Server,
        "{\"id\":1,\"result\":[[[\"mining.set_difficulty\",\"b4b6\"],[\"mining.notify\",\"ae68\"]],\"0800\",4],\"error\":null}\n",
    ),
    (End::Client, "{\"id\": 2, \"method\": \"mining.authorize\", \"params\": [\"rig.1\", \"x\"]}\n"),
    (End::Server, "{\"id\":2,\"result\":true,\"error\":null}\n"),
    (
        End::Server,
        "{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"bf\",\"4d16\",\"0100\",\"ffff\",[],\"00000002\",\"1c2ac4af\",\"504e86b9\",false]}\n",
    ),
    (
        End::Client,
        "{\"id\": 4, \"method\": \"mining.submit\", \"params\": [\"rig.1\", \"bf\", \"00000001\", \"504e86ed\", \"b2957c02\"]}\n",
    ),
];

/// 2026-01-01 00:00:00 UTC.
pub const START: u64 = 1_767_225_600_000_000;
