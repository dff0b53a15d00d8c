//! A capture on several queues: the same flows, findings and counters as on one.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};

use crate::command::{Scratch, minewall, text};
use crate::file::{Fraction, Link, Order, pcap};
use crate::session::{START, mining, records};
use crate::wire::{Connection, End};

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 7);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
/// Addresses of the pool, in as many pairs of hosts.
const SERVERS: u8 = 16;

/// What name servers and clients said of pools, over UDP and TCP, and sessions with what was answered, in which nothing
/// can be read.
fn session() -> Vec<(u64, Vec<u8>)> {
    let mut packets = Vec::new();
    for number in 1..=SERVERS {
        let server = Ipv4Addr::new(192, 0, 2, number);
        let (question, answer) = (message(number, None), message(number, Some(server)));
        if number % 2 == 0 {
            packets.push(datagram((CLIENT, 5_000), (RESOLVER, 53), &question));
            packets.push(datagram((RESOLVER, 53), (CLIENT, 5_000), &answer));
        } else {
            let port = 5_000 + u16::from(number);
            let ends: [SocketAddr; 2] = [(CLIENT, port).into(), (RESOLVER, 53).into()];
            let mut connection = Connection::new(ends[0], ends[1], [1, 1]);
            let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes(), message].concat();
            packets.extend(connection.open());
            packets.push(connection.send(End::Client, &framed(&question)));
            packets.push(connection.send(End::Server, &framed(&answer)));
        }
        let mut connection = Connection::new((CLIENT, 40_000).into(), (server, 9_999).into(), [1, 1]);
        packets.extend(connection.open());
        packets.push(connection.send(End::Client, b"\x01\x02\x03\x04 and what nobody can read"));
        packets.push(connection.send(End::Server, b"\x01\x02\x03\x04 and an answer to that"));
    }
    // A damaged packet is counted once.
    packets.push(damaged());
    let others = mining(false).into_iter().chain(mining(true)).map(|(_, packet)| packet);
    packets.extend(others);
    packets.into_iter().enumerate().map(|(index, packet)| (START + 20_000 * index as u64, packet)).collect()
}

/// A question for a listed name, or the answer to it.
fn message(id: u8, answer: Option<Ipv4Addr>) -> Vec<u8> {
    let name = b"\x04pool\x0asupportxmr\x03com\0";
    let mut message =
        vec![0, id, if answer.is_some() { 0x81 } else { 1 }, 0, 0, 1, 0, u8::from(answer.is_some())];
    message.extend([0; 4]);
    message.extend([&name[..], &[0, 1, 0, 1]].concat());
    if let Some(addr) = answer {
        message.extend([&name[..], &[0, 1, 0, 1, 0, 0, 2, 0, 0, 4], &addr.octets()].concat());
    }
    message
}

fn datagram(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let len = (28 + payload.len()) as u16;
    let mut bytes = vec![0x45, 0];
    bytes.extend(len.to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    bytes.extend([src.0.octets(), dst.0.octets()].concat());
    bytes.extend([src.1.to_be_bytes(), dst.1.to_be_bytes(), (len - 20).to_be_bytes(), [0; 2]].concat());
    bytes.extend(payload);
    bytes
}

/// A segment to a name server whose header contradicts itself.
fn damaged() -> Vec<u8> {
    let ends = [(CLIENT, 5_000).into(), (RESOLVER, 53).into()];
    let mut packet = Connection::new(ends[0], ends[1], [1, 1]).send(End::Client, b"");
    packet[32] = 0;
    packet
}

#[test]
fn names_that_were_looked_up_count_on_every_queue() {
    let scratch = Scratch::new("queues");
    let file = scratch
        .write("a.pcap", &pcap(Order::Little, Fraction::Micros, 1, &records(&session(), Link::Ethernet)));
    let report = |queues: &str| {
        let words = ["replay", "--json", "--queues", queues].map(OsStr::new);
        let output = minewall(&[&words[..], &[&file]].concat());
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{queues} queues");
        text(&output.stdout).to_owned()
    };
    let one = report("1");
    let listed = |report: &str| report.lines().filter(|line| line.contains("\"source\":\"intel\"")).count();
    assert_eq!(listed(&one), usize::from(SERVERS) + 1, "{one}");
    assert!(one.contains("\"malformed\":1"), "{one}");
    for queues in ["2", "3", "4", "16"] {
        assert_eq!(report(queues), one, "{queues} queues");
    }
}

#[test]
fn the_number_of_queues_is_one_that_the_daemon_may_have() {
    for queues in ["0", "17", "x", "-1"] {
        let output = minewall(&["replay", "--queues", queues, "tests/traces/curl-download.pcap"]);
        assert_eq!(output.status.code(), Some(1), "{queues}");
        assert!(text(&output.stderr).contains("--queues"), "{}", text(&output.stderr));
    }
    // From a pipe, findings are told as they are made, by one engine.
    let file = std::fs::File::open("tests/traces/xmrig-login-rx0.pcap").expect("a golden trace");
    let child = std::process::Command::new("cat").stdin(file).stdout(std::process::Stdio::piped()).spawn();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_minewall"))
        .args(["replay", "--json", "--queues", "2", "-"])
        .stdin(child.expect("cat starts").stdout.expect("piped"))
        .output()
        .expect("minewall starts");
    assert!(text(&output.stdout).contains("\"dialect\":\"cryptonote\""), "{}", text(&output.stdout));
}
