//! What the server says that it has, without payload.

use super::*;

const PART: u32 = 1_000;

impl Bench {
    /// The server has the first `bytes` of the client's.
    fn acknowledge(&mut self, bytes: u32) -> Verdict {
        self.seq[0] = 101 + bytes;
        let packet = self.packet(DOWN, self.seq[1], false, b"");
        self.handle(DOWN, &packet)
    }

    /// The client's bytes from `offset` on.
    fn say(&mut self, offset: u32, payload: &[u8]) -> Verdict {
        let packet = self.packet(UP, 101 + offset, false, payload);
        self.handle(UP, &packet)
    }
}

/// An upload whose packets are lost on their way to us now and then: what came early is not waited for once the server
/// has it.
#[test]
fn an_upload_that_loses_packets_goes_on() {
    const PARTS: usize = 40;
    const WINDOW: usize = 12;
    for every in [2, 3, 5, 7, 11] {
        let mut bench = Bench::new("");
        bench.connect();
        let mut upload = b"POST /up HTTP/1.1\r\nHost: example.org\r\nContent-Length: 39000\r\n\r\n".to_vec();
        upload.resize(PARTS * PART as usize, b'x');
        let mut has = [false; PARTS + 1];
        let (mut sent, mut rounds) = (0, 0);
        while let Some(first) = (0..PARTS).find(|&part| !has[part]) {
            for (part, has) in has.iter_mut().enumerate().take(PARTS.min(first + WINDOW)).skip(first) {
                sent += 1;
                let offset = part as u32 * PART;
                if !*has && sent % every != 0 {
                    let verdict = bench.say(offset, &upload[offset as usize..][..PART as usize]);
                    assert!(matches!(verdict, WATCH | PASS | Verdict::Drop), "{verdict:?}");
                    *has = verdict != Verdict::Drop;
                }
            }
            let end = has.iter().position(|&it| !it).expect("the last one is nobody's");
            bench.acknowledge(end as u32 * PART);
            rounds += 1;
            assert!(rounds < 3 * PARTS, "of every {every} packets one is lost: {end} of {PARTS} parts");
        }
    }
}

/// The byte before the next one with any content is a question whether the other end is there (RFC 9293 section 3.8.4),
/// and has an answer.
#[test]
fn a_keep_alive_with_another_byte_passes_once_the_server_has_the_true_one() {
    for message in [&b"PING :home\r\n"[..], b"half a message"] {
        let mut bench = Bench::new("");
        bench.connect();
        let end = message.len() as u32;
        assert_eq!(bench.say(0, message), WATCH);
        assert_eq!(bench.say(end - 1, b"\0"), Verdict::Drop, "it may be the one that arrives");
        bench.acknowledge(end);
        assert_eq!(bench.say(end - 1, b"\0"), WATCH);
    }
}

/// Bytes behind what it has may still come.
#[test]
fn an_acknowledgement_gives_up_no_more_than_it_says() {
    let mut bench = Bench::new("");
    bench.connect();
    // Bytes from 100 on were not seen, and those from 700 on came early.
    assert_eq!(bench.say(0, &[b'\n'; 100]), WATCH);
    assert_eq!(bench.say(700, b"\n\n"), WATCH);
    for (heard, next) in [(500, 500), (600, 600), (700, 702)] {
        bench.acknowledge(heard);
        assert_eq!(bench.session().streams.next(UP), Some(101 + next), "{heard}");
    }
}

/// The server's empty packets open no flow, and tell nothing of one that is none.
#[test]
fn an_acknowledgement_without_a_flow_is_ignored() {
    let mut bench = Bench::new("");
    assert_eq!(bench.acknowledge(7), Verdict::Ignore);
    assert_eq!(bench.state(), None);
}
