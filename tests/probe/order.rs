//! From packets to the order of the questions: a session becomes suspect in the engine, and what is known of
//! it decides what its server is asked first.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::io::Read;
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use minewall::config;
use minewall::engine::event::{Detection, Source};
use minewall::engine::{Engine, Packet, Settings};
use minewall::hmm::model::Model;
use minewall::limits::BEACON_SESSIONS;
use minewall::net::endpoint::Endpoint;
use minewall::probe::transport::Dialler;
use minewall::probe::worker::Suspect;
use minewall::probe::{ProbeVerdict, Target, TlsChoice};
use minewall::util::time::Instant;
use minewall::verdict::Reason;

use crate::server::Server;
use crate::wire::{Connection, End};

/// What the two ends say, in packets.
type Words = Vec<(End, Vec<u8>)>;

/// What is known, the server's port, what the two ends say, and whether a question is the right one to begin with.
type Case = (&'static str, u16, Words, fn(&str) -> bool);

/// Has an engine see short sessions with a server at `port`, each like the other, until it suspects one.
fn suspicion(port: u16, words: &Words) -> Detection {
    let settings = config::parse(Path::new("test"), b"config minewall\n").expect("good options").config;
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let model = Model::embedded().expect("it is part of the program");
    let mut engine = Engine::new(Settings::from(&settings), model, 256, hasher);
    let mut micros = 1_000_000;
    for number in 0..2 * BEACON_SESSIONS as u16 {
        let client = SocketAddr::from(([192, 168, 1, 50], 40_000 + number));
        let mut connection =
            Connection::new(client, SocketAddr::from(([203, 0, 113, 9], port)), [7, 900_000]);
        // The rules show nothing of the handshake but its end.
        let start = connection.open().split_off(2).into_iter().map(|bytes| (Reason::Start, bytes));
        let mut packets: Vec<_> = start.collect();
        packets.extend(words.iter().map(|(end, bytes)| (Reason::Payload, connection.send(*end, bytes))));
        for (reason, bytes) in packets {
            micros += 20_000;
            let packet = Packet { bytes: &bytes, hw_addr: None, reason, turns_back: false };
            if let Some(detection) = engine.handle(&packet, Instant::from_micros(micros)).event {
                assert_eq!(detection.source, Source::Hmm, "{detection:?}");
                return detection;
            }
        }
        micros += 2_000_000;
    }
    panic!("nobody suspects it");
}

/// What a server of the suspect's hears that hangs up on every word, question by question.
fn questions(suspected: &Detection) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let recorder = heard.clone();
    let server = Server::start(move |mut stream| {
        let mut buffer = [0; 1_024];
        let len = stream.read(&mut buffer).unwrap_or(0);
        let words = String::from_utf8_lossy(&buffer[..len]).into_owned();
        recorder.lock().expect("nobody panics").push(words);
        let _ = stream.shutdown(Shutdown::Both);
    });
    // As the thread that probes would, but for where the server is and that it speaks no TLS.
    let server_addr = Endpoint::new(server.addr.ip(), server.addr.port());
    let target = Target { server: server_addr, layer: TlsChoice::Plain, ..Suspect::of(suspected).target() };
    let start = std::time::Instant::now();
    let now = || Instant::from_micros(start.elapsed().as_micros() as u64);
    assert_eq!(Dialler::new(0).probe(&target, now).verdict, ProbeVerdict::Inconclusive);
    std::mem::take(&mut heard.lock().expect("nobody panics"))
}

/// A ClientHello that names `name` and offers `protocol` (RFC 7301), if any.
fn client_hello(name: &str, protocol: Option<&str>) -> Vec<u8> {
    let vector = |width: usize, content: &[u8]| {
        let len = (content.len() as u32).to_be_bytes();
        [&len[4 - width..], content].concat()
    };
    let entry = [&[0][..], &vector(2, name.as_bytes())].concat();
    let mut extensions = [&[0, 0][..], &vector(2, &vector(2, &entry))].concat();
    if let Some(protocol) = protocol {
        let list = vector(2, &vector(1, protocol.as_bytes()));
        extensions.extend([&[0, 16][..], &vector(2, &list)].concat());
    }
    let hello = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &vector(2, &extensions)].concat();
    [&[22, 3, 1][..], &vector(2, &[&[1][..], &vector(3, &hello)].concat())].concat()
}

/// Bytes without a sense, the first of which no protocol begins with.
fn noise(len: u32) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8 | if at == 0 { 0x80 } else { 0 }).collect()
}

#[test]
fn what_is_known_comes_first() {
    let (up, down) = (End::Client, End::Server);
    let tls = |name, protocol| vec![(up, client_hello(name, protocol)), (down, noise(120)), (up, noise(90))];
    let upgrade = b"GET /x HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let upgraded = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let key = |question: &str| !question.starts_with('{') && !question.starts_with("GET");
    let cases: [Case; 9] = [
        ("nothing", 5_001, vec![(up, noise(200))], |first| first.contains("\"login\"")),
        ("the server speaks first", 5_001, vec![(down, noise(20)), (up, noise(200))], |first| {
            first == "JOB,0,LOW\n"
        }),
        (
            "a handshake of Stratum V2 that goes on in its own way",
            5_001,
            vec![(up, noise(64)), (down, noise(234)), (up, vec![0x80; 60])],
            key,
        ),
        ("TLS, and no more", 5_001, tls("a.example", None), |first| first.contains("\"login\"")),
        ("TLS for HTTP", 5_001, tls("a.example", Some("h2")), |first| {
            first.starts_with("GET /proxy ") && first.contains("Host: a.example\r\n")
        }),
        ("TLS with a coin in its name", 5_001, tls("eu-beam.pool.example", None), |first| {
            first.contains("api_key")
        }),
        ("TLS for another protocol", 5_001, tls("etc1.pool.example", Some("stratum")), |first| {
            first.contains("eth_submitLogin")
        }),
        (
            "WebSocket, and nothing that can be read in it",
            5_001,
            vec![(up, upgrade.to_vec()), (down, upgraded.to_vec()), (up, noise(60)), (up, noise(60))],
            |first| first.starts_with("GET /proxy "),
        ),
        ("a port of Grin's", 3_416, vec![(up, noise(200))], |first| first.contains("getjobtemplate")),
    ];
    std::thread::scope(|scope| {
        for (known, port, words, fits) in &cases {
            scope.spawn(move || {
                let questions = questions(&suspicion(*port, words));
                assert!(questions.first().is_some_and(|first| fits(first)), "{known}: {questions:?}");
                let mut once = questions.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), questions.len(), "{known}: nothing is asked twice, {questions:?}");
                assert!(questions.iter().any(|question| question.contains("keepalived")), "{questions:?}");
            });
        }
    });
}
