mod stratum_form;

use super::*;
use crate::dpi::Wire;
use crate::net::endpoint::Endpoint;
use crate::probe::hint::Hints;
use crate::probe::{TlsChoice, Transport};

/// A server as a function of what it is told; the clock moves when the session waits.
struct SessionBench {
    session: ProbeSession,
    now: Instant,
    tls: bool,
    /// Whether each connection went through TLS.
    connections: Vec<bool>,
    told: Vec<String>,
}

enum ScriptedReply {
    Say(Vec<u8>),
    /// After so long, if the session still listens.
    Late(Duration, Vec<u8>),
    Silence,
    Close,
}

fn say(text: &str) -> ScriptedReply {
    ScriptedReply::Say(text.as_bytes().to_vec())
}

impl SessionBench {
    fn new(layer: TlsChoice, port: u16, hint: Option<Dialect>) -> Self {
        let server = Endpoint::new([192, 0, 2, 1].into(), port);
        let hints = hint.map(Hints::of).unwrap_or_default();
        SessionBench::of(&Target { server, layer, sni: None, hints })
    }

    fn of(target: &Target) -> Self {
        let now = Instant::from_micros(1_000_000);
        let session = ProbeSession::new(target, core::array::from_fn(|at| at as u8), now);
        SessionBench { session, now, tls: false, connections: Vec::new(), told: Vec::new() }
    }

    /// Runs to the end; TLS handshakes succeed where `speaks_tls`.
    fn run(&mut self, speaks_tls: bool, mut server: impl FnMut(&[u8]) -> ScriptedReply) -> Outcome {
        let mut late = None;
        for _ in 0..1_000 {
            match self.session.poll(self.now) {
                Action::Done(outcome) => return outcome,
                Action::Connect { tls } => {
                    (self.tls, late) = (tls, None);
                    self.connections.push(tls);
                    if tls && !speaks_tls {
                        self.session.handle_failure(Failure::NoTls, self.now);
                    } else {
                        self.session.connected(tls, self.now);
                    }
                }
                Action::Transmit(words) => {
                    self.told.push(String::from_utf8_lossy(&words).into_owned());
                    self.now = self.now.after(core::time::Duration::from_millis(30));
                    match server(&words) {
                        ScriptedReply::Say(bytes) => self.session.handle_input(&bytes, self.now),
                        ScriptedReply::Late(delay, bytes) => late = Some((self.now.after(delay), bytes)),
                        ScriptedReply::Silence => {}
                        ScriptedReply::Close => self.session.handle_failure(Failure::Closed, self.now),
                    }
                }
                Action::Wait(until) => {
                    assert!(until > self.now, "a wait for what is past");
                    self.now = until;
                    if let Some((at, bytes)) = late.take_if(|(at, _)| *at < until) {
                        self.now = at;
                        self.session.handle_input(&bytes, at);
                    }
                }
            }
        }
        panic!("it never ends");
    }
}

#[test]
fn it_stops_at_the_first_conclusive_answer() {
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, None);
    let outcome = bench.run(false, |_| {
        say("{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"KEEPALIVED\"}}\n")
    });
    assert_eq!((outcome.verdict, outcome.transport), (ProbeVerdict::Pool, Some(Transport::Tcp)));
    assert_eq!((bench.told.len(), bench.connections.len()), (1, 1));
    assert!(bench.session.bytes_sent() < 100);
}

/// A pool that thinks for 19 seconds before it answers a stranger's first words.
#[test]
fn a_pool_that_takes_its_time_is_heard_by_the_patient() {
    for is_patient in [false, true] {
        let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::StratumV1));
        if is_patient {
            bench.session.be_patient();
        }
        let Action::Connect { tls: false } = bench.session.poll(bench.now) else { panic!("a connection") };
        bench.session.connected(false, bench.now);
        let Action::Transmit(_) = bench.session.poll(bench.now) else { panic!("a question") };
        bench.now = bench.now.after(Duration::from_secs(19));
        let still_waits = matches!(bench.session.poll(bench.now), Action::Wait(_));
        assert_eq!(still_waits, is_patient);
        if is_patient {
            let answer =
                b"{\"id\":1,\"result\":[[\"mining.notify\",\"b2\"],\"08000002\",4],\"error\":null}\n";
            bench.session.handle_input(answer, bench.now);
            let Action::Done(outcome) = bench.session.poll(bench.now) else { panic!("an outcome") };
            assert_eq!(outcome.verdict, ProbeVerdict::Pool);
        }
    }
}

/// An answer in one byte at a time is the same answer.
#[test]
fn answers_come_in_any_segments() {
    for size in [1, 2, 7, 30] {
        let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::StratumV1));
        let Action::Connect { tls: false } = bench.session.poll(bench.now) else { panic!("a connection") };
        bench.session.connected(false, bench.now);
        let Action::Transmit(_) = bench.session.poll(bench.now) else { panic!("a question") };
        for part in
            b"{\"id\":1,\"result\":[[\"mining.notify\",\"b2\"],\"08000002\",4],\"error\":null}\n".chunks(size)
        {
            bench.session.handle_input(part, bench.now);
        }
        let Action::Done(outcome) = bench.session.poll(bench.now) else { panic!("in pieces of {size}") };
        assert_eq!(outcome.dialect, Some(Dialect::StratumV1));
    }
}

#[test]
fn every_question_has_a_connection_of_its_own_and_a_hint_comes_first() {
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::Ckb));
    let outcome = bench.run(false, |_| ScriptedReply::Close);
    assert_eq!(outcome.verdict, ProbeVerdict::Inconclusive);
    assert!(bench.told[0].contains("ckb_submitLogin"), "{:?}", bench.told);
    assert_eq!(bench.told.len(), bench.connections.len());
    let times = bench.told.iter().filter(|words| words.contains("ckb_submitLogin")).count();
    assert_eq!(times, 1, "asked once");
}

/// The miner influences the hints: by the pool's name and port, and by the first bytes of the session.
#[test]
fn a_wrong_hint_leaves_room_for_the_usual_questions() {
    let web = Wire { web: true, ..Wire::default() };
    for (dialect, wire) in Dialect::all().flat_map(|dialect| [(dialect, Wire::default()), (dialect, web)]) {
        let server = Endpoint::new([192, 0, 2, 1].into(), 3333);
        let hints = Hints { wire, ..Hints::of(dialect) };
        let sni = Some("a.b.".repeat(32));
        let mut bench = SessionBench::of(&Target { server, layer: TlsChoice::Tls, sni, hints });
        bench.run(true, |_| ScriptedReply::Close);
        for method in ["mining.subscribe", "\"login\"", "keepalived"] {
            let is_asked = bench.told.iter().any(|words| words.contains(method));
            assert!(is_asked, "{method} after {dialect:?}, {wire:?}: {:?}", bench.told);
        }
    }
}

#[test]
fn nothing_is_asked_twice() {
    let not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    for (dialect, answer) in Dialect::all().flat_map(|dialect| [(dialect, not_found), (dialect, "?!\n")]) {
        let server = Endpoint::new([192, 0, 2, 1].into(), 443);
        let hints = Hints { wire: Wire { web: true, ..Wire::default() }, ..Hints::of(dialect) };
        let mut bench = SessionBench::of(&Target { server, layer: TlsChoice::Tls, sni: None, hints });
        let outcome = bench.run(true, |_| say(answer));
        assert_eq!(outcome.verdict == ProbeVerdict::NotPool, answer == not_found, "{dialect:?}");
        let mut once = bench.told.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), bench.told.len(), "{dialect:?}: {:?}", bench.told);
    }
}

#[test]
fn other_doors_that_are_hinted_at_follow_where_http_is_spoken() {
    let mut bench = SessionBench::new(TlsChoice::Plain, 8_117, Some(Dialect::Nimiq));
    bench.run(false, |_| say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    assert!(bench.told[0].starts_with("GET /proxy "), "{:?}", bench.told);
    assert!(bench.told[2].starts_with("GET / HTTP/1.1"), "{:?}", bench.told);
}

#[test]
fn tls_is_tried_once_and_kept_where_it_is_spoken() {
    let mut bench = SessionBench::new(TlsChoice::Auto, 3333, None);
    let outcome = bench.run(true, |_| ScriptedReply::Silence);
    assert_eq!(bench.connections[..3], [false, true, true]);
    assert_eq!((outcome.verdict, outcome.transport), (ProbeVerdict::Inconclusive, Some(Transport::Tls)));
    let mut bench = SessionBench::new(TlsChoice::Auto, 3333, None);
    bench.run(false, |_| ScriptedReply::Silence);
    assert_eq!(bench.connections.iter().filter(|tls| **tls).count(), 1);
    assert!(bench.connections.len() > 5, "and then the plain ones go on: {:?}", bench.connections);
    let mut bench = SessionBench::new(TlsChoice::Auto, 443, None);
    bench.run(false, |_| ScriptedReply::Close);
    assert_eq!(bench.connections[..3], [true, false, false]);
}

#[test]
fn an_alert_of_tls_is_understood() {
    let mut bench = SessionBench::new(TlsChoice::Auto, 3333, None);
    let outcome = bench.run(true, |words| match words {
        [b'{', ..] => ScriptedReply::Say(vec![21, 3, 1, 0, 2, 2, 70]),
        _ => ScriptedReply::Silence,
    });
    assert_eq!(bench.connections[..2], [false, true], "{outcome:?}");
}

#[test]
fn one_answer_of_the_right_length_is_chance() {
    let key: Vec<u8> = (0..234_u32).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::StratumV2));
    let mut times = 0;
    let outcome = bench.run(false, |_| {
        times += 1;
        if times == 1 { ScriptedReply::Say(key.clone()) } else { ScriptedReply::Close }
    });
    assert_eq!(outcome.verdict, ProbeVerdict::Inconclusive);
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::StratumV2));
    let outcome = bench.run(false, |_| ScriptedReply::Say(key.clone()));
    assert_eq!((outcome.verdict, bench.told.len()), (ProbeVerdict::Pool, 2));
    assert_ne!(bench.told[0], bench.told[1], "another key");
    // Bitcoin's nodes send more than that.
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, Some(Dialect::StratumV2));
    let outcome = bench.run(false, |_| ScriptedReply::Say([&key[..], b"more"].concat()));
    assert_eq!(outcome.verdict, ProbeVerdict::Inconclusive);
}

/// A server refuses bad parameters of a known method in other words than an unknown method.
#[test]
fn a_method_that_is_known_is_asked_in_full() {
    const UNKNOWN: &str = "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such thing\"}}\n";
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, None);
    let outcome = bench.run(false, |words| match String::from_utf8_lossy(words) {
        words if words.contains("0x0000") => say("{\"id\":1,\"result\":true}\n"),
        words if words.contains("eth_submitLogin") => say("{\"id\":1,\"error\":\"malformed\"}\n"),
        words if words.contains("eth_getWork") => {
            let hash = format!("\"0x{}\"", "4adf702bfa06ce7a".repeat(4));
            say(&format!("{{\"id\":2,\"result\":[{hash},{hash},{hash}]}}\n"))
        }
        _ => say(UNKNOWN),
    });
    assert_eq!(
        (outcome.verdict, outcome.dialect),
        (ProbeVerdict::Pool, Some(Dialect::EthProxy)),
        "{outcome:?}"
    );
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, None);
    let outcome = bench.run(false, |words| match String::from_utf8_lossy(words) {
        words if words.contains("\"proto\"") => {
            say("{\"id\":1,\"result\":{\"proto\":\"EthereumStratum/2.0.0\",\"encoding\":\"plain\",\"resume\":\"0\",\"timeout\":\"b4\",\"maxerrors\":\"5\",\"node\":\"x\"}}\n")
        }
        words if words.contains("mining.hello") => {
            say("{\"id\":1,\"error\":{\"code\":400,\"message\":\"bad request\"}}\n")
        }
        _ => say(UNKNOWN),
    });
    assert_eq!(
        (outcome.verdict, outcome.dialect),
        (ProbeVerdict::Pool, Some(Dialect::EthereumStratum2)),
        "{outcome:?}"
    );
    // One that quotes what it doesn't know says the same to all.
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, None);
    let outcome = bench.run(false, |words| {
        let words = String::from_utf8_lossy(words);
        let method = words.split("\"method\":\"").nth(1).and_then(|rest| rest.split('"').next());
        say(&format!("{{\"id\":1,\"error\":\"unknown method {}\"}}\n", method.unwrap_or_default()))
    });
    assert_eq!(outcome.verdict, ProbeVerdict::Inconclusive);
    let is_longer = |words: &&String| words.contains("0x0000") || words.contains("\"proto\"");
    assert_eq!(bench.told.iter().find(is_longer), None);
    assert!(bench.told.iter().any(|words| words.contains("ckb_submitLogin")), "{:?}", bench.told);
}

/// A name as long as names get takes room from the questions that say it, and from no others.
#[test]
fn what_is_too_long_is_passed_over() {
    let server = Endpoint::new([192, 0, 2, 1].into(), 443);
    let name = "x".repeat(60) + "." + &"y".repeat(60);
    let target = Target { server, layer: TlsChoice::Tls, sni: Some(name), hints: Hints::default() };
    let mut bench = SessionBench::new(TlsChoice::Tls, 443, None);
    bench.session = ProbeSession::new(&target, [0x9c; 64], bench.now);
    let outcome = bench.run(true, |_| say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(outcome.verdict, ProbeVerdict::NotPool, "{outcome:?}");
    assert!(bench.session.bytes_sent() <= PROBE_SEND_BYTES, "{}", bench.session.bytes_sent());
    assert!(bench.told.iter().any(|words| words.contains("Upgrade: websocket")), "{:?}", bench.told);
}

/// Bytes, connections and time are bounded against every server.
#[test]
fn nothing_is_asked_without_end() {
    let behaviours: [fn(&[u8]) -> ScriptedReply; 5] = [
        |_| ScriptedReply::Silence,
        |_| ScriptedReply::Close,
        |_| say("{\"id\":1,\"result\":true}\n"),
        |_| say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        |_| ScriptedReply::Say(vec![b'{'; 100_000]),
    ];
    for (number, behaviour) in behaviours.into_iter().enumerate() {
        for layer in [TlsChoice::Plain, TlsChoice::Tls, TlsChoice::Auto] {
            let mut bench = SessionBench::new(layer, 3333, None);
            let start = bench.now;
            let outcome = bench.run(true, behaviour);
            assert_ne!(outcome.verdict, ProbeVerdict::Pool, "{number}");
            assert!(bench.now <= start.after(PROBE_TOTAL_WAIT), "{number}");
            assert!(bench.connections.len() <= PROBE_CONNECTIONS, "{number}");
            let told: usize = bench.told.iter().map(String::len).sum();
            assert!(
                told <= 3 * PROBE_SEND_BYTES && bench.session.bytes_sent() <= PROBE_SEND_BYTES,
                "{number}"
            );
        }
    }
}

#[test]
fn the_outcome_in_json_has_the_fields_that_were_agreed_on() {
    let outcome = Outcome::new(
        ProbeVerdict::Pool,
        Some(Dialect::CryptoNote),
        Some(Transport::Tls),
        &[b"refusal: \"\\\x1b"],
    );
    assert_eq!(
        outcome.to_json("192.0.2.1:3333", 17),
        "{\"endpoint\":\"192.0.2.1:3333\",\"outcome\":\"pool\",\"dialect\":\"cryptonote\",\"transport\":\"tls\",\
         \"evidence\":\"refusal: %22%5c%1b\",\"elapsed_ms\":17}"
    );
    let json = Outcome::inconclusive(None, "no connection").to_json("x:1", 0);
    assert!(json.contains("\"dialect\":null,\"transport\":null"), "{json}");
}
