//! What packets cost: plays one kind of session so many times through the engine. `cross/instructions.sh` counts the
//! instructions of two runs of different length; the difference is the packets' alone.

#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod wire;

use std::hash::BuildHasherDefault;
use std::process::ExitCode;
use std::time::Duration;

use minewall::config::Config;
use minewall::engine::{Engine, Packet, Settings};
use minewall::hmm::model::Model;
use minewall::util::half_sip::TableHasher;
use minewall::util::time::Instant;
use minewall::verdict::Reason;
use wire::{Connection, End};

const USAGE: &str = "\
usage: cost KIND SESSIONS
  tls     a slow encrypted session, 60 packets of payload, one a second
  miner   the same with a share, its reply and a job in turn: the whole panel watches it
  web     a request in the clear and its answer, 6 packets of payload, at once
  wallet  JSON-RPC in the clear that is no mining, 40 packets of payload, one a second
  block   the same with answers of 1,000 bytes: a request and a list of hashes in turn
  binary  messages of an unknown protocol in turn, of 200 bytes that are no text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, sessions] = &arguments[..] else { return usage() };
    let (Some(session), Ok(sessions)) = (session(kind), sessions.parse::<u16>()) else { return usage() };
    let model = Model::embedded().expect("the model is part of the program");
    let mut engine = Engine::new(
        Settings::from(&Config::default()),
        model,
        1_024,
        BuildHasherDefault::<TableHasher>::default(),
    );
    // Built once, so that what is counted is the engine's work; each round opens the connection anew.
    let (start, payload) = packets(&session);
    let mut now = Instant::from_micros(1 << 40);
    for _ in 0..sessions {
        let first = (&start, Reason::Start);
        for (bytes, reason) in [first].into_iter().chain(payload.iter().map(|bytes| (bytes, Reason::Payload)))
        {
            let _ = engine.handle(&Packet { bytes, hw_addr: Some([2; 6]), reason, turns_back: false }, now);
            now = now.after(session.pause);
        }
    }
    println!("packets {}", payload.len() * usize::from(sessions));
    ExitCode::SUCCESS
}

/// The client's acknowledgement that opens the connection, and the packets with payload.
fn packets(session: &Session) -> (Vec<u8>, Vec<Vec<u8>>) {
    let client = ([192, 168, 1, 7], 10_000).into();
    let mut connection = Connection::new(client, ([203, 0, 113, 9], session.port).into(), [7, 9]);
    let start = connection.open().pop().expect("three packets");
    let payload = session.said.iter().map(|(from, bytes)| connection.send(*from, bytes)).collect();
    (start, payload)
}

struct Session {
    port: u16,
    pause: Duration,
    said: Vec<(End, Vec<u8>)>,
}

fn session(kind: &str) -> Option<Session> {
    let turn = |number: usize| if number.is_multiple_of(2) { End::Client } else { End::Server };
    Some(match kind {
        "tls" => {
            let mut said = vec![(End::Client, CLIENT_HELLO.to_vec()), (End::Server, record(22, 900))];
            said.extend((0..58).map(|number| (turn(number), record(23, 60 + number * 13 % 200))));
            Session { port: 443, pause: Duration::from_secs(1), said }
        }
        "miner" => {
            let mut said = vec![(End::Client, CLIENT_HELLO.to_vec()), (End::Server, record(22, 900))];
            let part = |number: usize| match number % 3 {
                0 => (End::Client, record(23, 240)),
                1 => (End::Server, record(23, 85)),
                _ => (End::Server, record(23, 400)),
            };
            said.extend((0..58).map(part));
            Session { port: 443, pause: Duration::from_secs(3), said }
        }
        "web" => {
            let mut said =
                vec![(End::Client, b"GET / HTTP/1.1\r\nHost: www.example\r\nUser-Agent: x\r\n\r\n".to_vec())];
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6000\r\n\r\n";
            said.push((End::Server, [&head[..], &[b'.'; 1_200]].concat()));
            said.extend((0..4).map(|_| (End::Server, vec![b'.'; 1_200])));
            Session { port: 80, pause: Duration::from_micros(200), said }
        }
        "wallet" => {
            let line = |number: usize| match turn(number) {
                End::Client => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"eth_getBalance\",\"params\":[\"0x{:040x}\",\"latest\"]}}\n",
                    number * 7_919
                ),
                End::Server => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":\"0x{:x}\"}}\n",
                    number * 104_729
                ),
            };
            let said = (0..40).map(|number| (turn(number), line(number).into_bytes())).collect();
            Session { port: 8_545, pause: Duration::from_secs(1), said }
        }
        "block" => {
            let hashes: Vec<String> =
                (1..14_u64).map(|number| format!("\"0x{:064x}\"", number << 40)).collect();
            let line = |number: usize| match turn(number) {
                End::Client => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"eth_getBlockByNumber\",\"params\":[\"0x{number:x}\",false]}}\n"
                ),
                End::Server => format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":{{\"number\":\"0x{number:x}\",\"transactions\":[{}]}}}}\n",
                    hashes.join(",")
                ),
            };
            let said = (0..40).map(|number| (turn(number), line(number).into_bytes())).collect();
            Session { port: 8_545, pause: Duration::from_secs(1), said }
        }
        "binary" => {
            let said = (0..40).map(|number| (turn(number), record(5 + number as u8, 195))).collect();
            Session { port: 9_999, pause: Duration::from_secs(1), said }
        }
        _ => return None,
    })
}

/// A TLS record of `kind` whose `len` bytes look encrypted.
fn record(kind: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3, (len >> 8) as u8, len as u8];
    bytes.extend((0..len).map(|at| (at * 197 + 31) as u8));
    bytes
}

/// A ClientHello without extensions (RFC 8446 section 4.1.2).
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03\
0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x00";

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(64)
}
