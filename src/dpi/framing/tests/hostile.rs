//! Conversations that are damaged, cut, lost in part, or never end.

use super::carriers::{LOGIN, UPGRADE};
use super::*;

/// Conversations to damage.
fn specimens() -> Vec<Dialogue> {
    let connect = ">crlf CONNECT next:1 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf\n";
    let socks = ">hex 050100\n<hex 0500\n>hex 0501000304706f6f6c0d05\n<hex 05000001000000000000\n";
    let chunked = "<crlf HTTP/1.1 200 OK\n<crlf Transfer-Encoding: chunked\n<crlf\n<crlf 3\n<crlf {\"r\n<crlf 5\n<crlf \":42}\n<crlf 0\n<crlf\n";
    let exchange = format!(
        ">crlf POST /a HTTP/1.1\n>crlf Content-Length: 8\n>crlf\n>raw {{\"id\":0}}\n{chunked}\
         >crlf HEAD /b HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 99\n<crlf\n\
         >crlf GET /c HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 7\n<crlf\n<raw PNG....\n"
    );
    let frames = format!(
        "{UPGRADE}>frame {{\"a\":1}}\n>hex 898000000000\n<frame {{\"b\":2}}\\n{{\"c\":\n\n<frame 3}}\\n\n\
         >hex 018300000000\n>raw {{\"a\n>hex 808400000000\n>raw \":1}}\n<hex c103aabbcc\n<frame {{\"d\":4}}\n"
    );
    let lines = format!(
        "{LOGIN}\n> [{{\"id\":1}}]\n< job~{{\"k\":[1,2]}}\n>raw {{\"id\":2}}{{\"s\":\"}}\\\\\"{{\"}}\\r\\n\n"
    );
    let inner = [exchange, frames, lines, NOISE.to_owned()];
    let outer = ["", connect, socks];
    let nested = outer.iter().flat_map(|outer| inner.iter().map(move |inner| format!("{outer}{inner}")));
    nested.map(|text| Dialogue::parse(&text)).collect()
}

/// `dialogue` with a few bytes changed, lost, repeated or put in.
fn damaged(mut dialogue: Dialogue, seed: u64) -> Dialogue {
    let extremes: [&[u8]; 8] = [
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"{{{{[[[[",
        b"\r\n",
        b"\n\n",
        b"\0",
        b"4294967295",
        b"\x81\x80",
    ];
    for choice in dialogue::random(32, seed).chunks_exact(8).take(1 + seed as usize % 4) {
        let count = dialogue.turns.len();
        let bytes = &mut dialogue.turns[usize::from(choice[0]) % count].bytes;
        let at = usize::from(choice[1]) % (bytes.len() + 1);
        let len = (usize::from(choice[2]) % 16).min(bytes.len() - at);
        match choice[3] % 5 {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= choice[4]),
            1 => drop(bytes.drain(at..at + len)),
            2 => drop(bytes.splice(at..at, bytes[at..at + len].to_vec())),
            3 => drop(bytes.splice(at..at, extremes[usize::from(choice[5]) % 8].to_vec())),
            _ => dialogue.turns.swap(usize::from(choice[6]) % count, usize::from(choice[7]) % count),
        }
    }
    dialogue
}

/// Fuzz entry: damaged conversations with losses.
fn survive(dialogue: &Dialogue, seed: u64) -> usize {
    let mut flow = PlayedFlow::begin(!seed.is_multiple_of(3));
    for (turn, choice) in dialogue.turns.iter().zip(dialogue::random(dialogue.turns.len(), seed)) {
        let direction = if turn.from_client { Direction::ToServer } else { Direction::ToClient };
        match choice {
            0..30 => flow.gap(direction, u32::from(choice) * 99),
            _ => flow.say(direction, &turn.bytes),
        }
    }
    flow.record.messages.len()
}

#[test]
fn losses_and_damage_neither_panic_nor_stall() {
    let specimens = specimens();
    let mut messages = 0;
    for seed in 0..4_000 {
        let dialogue = damaged(specimens[seed as usize % specimens.len()].clone(), seed);
        messages += survive(&dialogue.in_pieces_of(1 + seed as usize / 5 % 60), seed);
        messages += survive(&dialogue, seed);
    }
    assert!(messages > 8_000, "only {messages} messages came through");
}

#[test]
fn behind_endless_and_nested_input_a_message_is_found() {
    for bytes in [
        vec![b'{'; 10_000],
        b"{\"a\":".repeat(2_000),
        [&b"GET / HTTP/1.1\r\nCookie: "[..], &[b'c'; 100_000]].concat(),
        b"POST / HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n".to_vec(),
        dialogue::random(10_000, 3),
        vec![0; 10_000],
    ] {
        for piece in [1, 1_448, 10_000] {
            let mut flow = PlayedFlow::begin(true);
            bytes.chunks(piece).for_each(|bytes| flow.say(Direction::ToServer, bytes));
            flow.say(Direction::ToServer, b"\n");
            flow.say(Direction::ToServer, b"}\n");
            flow.say(Direction::ToServer, b"{\"id\":7}\n");
            let is_nested = bytes.starts_with(b"{\"a\"");
            let found = flow.record.messages.last().is_some_and(|last| last.ends_with("{\"id\":7}"));
            assert!(
                found || is_nested,
                "{} in pieces of {piece}: {:?}",
                bytes[..16].escape_ascii(),
                flow.record.messages
            );
        }
    }
}

#[test]
fn any_stream_of_messages_reads_the_same_in_random_portions() {
    for seed in 0..300u64 {
        let choices = dialogue::random(64, seed + 1);
        let stream: Vec<u8> = choices
            .iter()
            .flat_map(|choice| match choice % 5 {
                0 => format!("{{\"id\":{choice},\"s\":\"\\\\\\\"}}\"}}\n").into_bytes(),
                1 => b"[{\"a\":[1,{\"b\":null}]}]\r\n".to_vec(),
                2 => b"{}{\"x\":1}\n\n ".to_vec(),
                3 => b"job~{\"k\":\"v\"}\n".to_vec(),
                _ => format!("{{\"pad\":\"{}\"}}", "y".repeat(usize::from(*choice))).into_bytes(),
            })
            .collect();
        let mut whole = PlayedFlow::begin(true);
        whole.say(Direction::ToServer, &stream);
        let mut portioned = PlayedFlow::begin(true);
        let mut rest = &stream[..];
        for size in dialogue::random(stream.len(), seed + 1_000) {
            let (head, tail) = rest.split_at(usize::from(size).min(rest.len()));
            portioned.say(Direction::ToServer, head);
            rest = tail;
        }
        assert!(rest.is_empty() && whole.record.messages.len() >= 64);
        assert_eq!(portioned.record, whole.record, "seed {seed}");
    }
}
