//! Servers that mean harm: every probe ends in time, within its bounds, with nothing learnt.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use minewall::limits::{PROBE_CONNECTIONS, PROBE_SEND_BYTES, PROBE_TOTAL_WAIT};
use minewall::net::endpoint::Endpoint;
use minewall::probe::transport::{Dialler, ProbeProgress};
use minewall::probe::{ProbeVerdict, Target, TlsChoice};
use rustix::event::{PollFd, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

use crate::pools::POOLS;
use crate::server::{Server, probe_in_time};

/// Probes a server that does `harm` on each connection: it takes its time, no more.
#[track_caller]
fn suffers(layer: TlsChoice, harm: impl Fn(TcpStream) + Send + Sync + 'static) -> ProbeVerdict {
    let server = Server::start(harm);
    let start = Instant::now();
    let outcome = probe_in_time(server.addr, layer);
    // On a busy machine it takes a while to notice that the time is over.
    let limit = PROBE_TOTAL_WAIT + Duration::from_secs(20);
    assert!(start.elapsed() < limit, "{:?}: {outcome:?}", start.elapsed());
    assert!((1..=PROBE_CONNECTIONS).contains(&server.connections()), "{}", server.connections());
    assert_ne!(outcome.verdict, ProbeVerdict::Pool, "{outcome:?}");
    outcome.verdict
}

/// All at once: most of the time is waiting for what never comes.
#[test]
fn servers_that_mean_harm() {
    let cases: [(&str, fn()); 6] = [
        ("hangs", hangs),
        ("hangs in the handshake", hangs_in_the_handshake),
        ("answers a byte a second", answers_a_byte_a_second),
        ("sends a megabyte", sends_a_megabyte),
        ("closes or resets at once", closes_or_resets_at_once),
        ("sends garbage and deep JSON", sends_garbage_and_deep_json),
    ];
    let failures: Vec<&str> = std::thread::scope(|scope| {
        let running = cases.map(|(name, case)| (name, scope.spawn(case)));
        running.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name)).collect()
    });
    assert!(failures.is_empty(), "a server that {failures:?}");
}

fn hangs() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let hang = move |mut stream: TcpStream| {
        let mut buffer = [0; 4_096];
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            count.fetch_add(len, Ordering::Relaxed);
        }
    };
    assert_eq!(suffers(TlsChoice::Plain, hang), ProbeVerdict::Inconclusive);
    assert!(grows_to(&told, 60), "{told:?} bytes");
    let told = told.load(Ordering::Relaxed);
    assert!(told <= PROBE_SEND_BYTES, "{told} bytes");
}

/// Whether `counter` reaches `least`: the server's thread counts after the call that moves the bytes, and on a busy
/// machine the probe may end in between.
fn grows_to(counter: &AtomicUsize, least: usize) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while counter.load(Ordering::Relaxed) < least {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn hangs_in_the_handshake() {
    let hang = |mut stream: TcpStream| while stream.read(&mut [0; 512]).is_ok_and(|len| len > 0) {};
    assert_eq!(suffers(TlsChoice::Tls, hang), ProbeVerdict::Inconclusive);
}

fn answers_a_byte_a_second() {
    let drip = |mut stream: TcpStream| {
        for byte in b"{\"id\":1,\"result\":[[[\"mining.notify\",\"x\"]],\"00\",4]}\n" {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    assert_eq!(suffers(TlsChoice::Plain, drip), ProbeVerdict::Inconclusive);
}

fn sends_a_megabyte() {
    let fillers = [
        &b"x"[..],
        b"[",
        b"{\"a\":",
        b"\n",
        b"\xff",
        b"{\"id\":1,\"result\":true}\n",
        b"HTTP/1.1 200 OK\r\n",
    ];
    std::thread::scope(|scope| {
        for filler in fillers {
            scope.spawn(move || {
                let sent = Arc::new(AtomicUsize::new(0));
                let (count, bytes) = (sent.clone(), filler.repeat(1_000_000 / filler.len()));
                suffers(TlsChoice::Auto, move |mut stream| {
                    for part in bytes.chunks(4_096).take_while(|part| stream.write_all(part).is_ok()) {
                        count.fetch_add(part.len(), Ordering::Relaxed);
                    }
                });
                assert!(grows_to(&sent, 4_096), "{filler:?} is never sent");
            });
        }
    });
}

fn closes_or_resets_at_once() {
    let close = |stream: TcpStream| drop(stream.shutdown(Shutdown::Both));
    assert_eq!(suffers(TlsChoice::Auto, close), ProbeVerdict::Inconclusive);
    let reset = |stream: TcpStream| {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset instead of an end");
    };
    assert_eq!(suffers(TlsChoice::Auto, reset), ProbeVerdict::Inconclusive);
}

fn sends_garbage_and_deep_json() {
    let mut random = [0; 900];
    minewall::probe::random(&mut random).expect("random bytes");
    random[0] = 0x80;
    let deep = [&b"[".repeat(3_000)[..], b"\n"].concat();
    let deep_value =
        [&b"{\"id\":1,\"result\":"[..], &b"[".repeat(2_000), &b"]".repeat(2_000), b"}\n"].concat();
    let record = b"\x16\x03\x03\xff\xff\x02\x00\x00".repeat(100);
    let frame =
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff{".to_vec();
    let garbage =
        [random.to_vec(), deep, deep_value, record, frame, b"\0".to_vec(), b"{\"id\":1,\"result\":".to_vec()];
    std::thread::scope(|scope| {
        for words in &garbage {
            for layer in [TlsChoice::Plain, TlsChoice::Tls] {
                let words = words.clone();
                let say = move |mut stream: TcpStream| {
                    while stream.write_all(&words).is_ok()
                        && stream.read(&mut [0; 512]).is_ok_and(|len| len > 0)
                    {}
                };
                scope.spawn(move || suffers(layer, say));
            }
        }
    });
}

#[test]
fn nobody_at_all() {
    // A port that is bound, so that nobody else gets it, and at which nobody listens.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
    let port = socket.local_addr().ok().and_then(|addr| addr.as_socket()).expect("an address");
    let target = Target {
        server: Endpoint::new(port.ip(), port.port()),
        layer: TlsChoice::Auto,
        sni: None,
        hints: minewall::probe::hint::Hints::default(),
    };
    let looks = AtomicUsize::new(0);
    // A clock that stands still: what waits for anything never ends.
    let outcome = Dialler::new(0).probe(&target, || {
        assert!(looks.fetch_add(1, Ordering::Relaxed) < 1_000, "one attempt will do");
        minewall::util::time::Instant::default()
    });
    assert_eq!((outcome.verdict, outcome.evidence.as_str()), (ProbeVerdict::Inconclusive, "no connection"));
}

/// The probe has the lowest priority: on a busy machine its thread may sleep longer than an answer may take. An
/// answer that is there by then came in time.
#[test]
fn an_answer_that_had_to_wait_for_the_probe_counts() {
    let server = Server::of(*POOLS.iter().find(|model| model.name == "nodejs-pool").expect("a pool"));
    let target = Target {
        server: Endpoint::new(server.addr.ip(), server.addr.port()),
        layer: TlsChoice::Plain,
        sni: None,
        hints: minewall::probe::hint::Hints::default(),
    };
    let dialler = Dialler::new(0);
    let mut now = minewall::util::time::Instant::default();
    let mut probe = dialler.begin(target, now).expect("random numbers");
    let outcome = loop {
        match probe.advance(&dialler, now) {
            ProbeProgress::CannotAsk(why) => panic!("{why}"),
            ProbeProgress::Done(outcome) => break outcome,
            ProbeProgress::WaitUntil(until) => {
                let interest = probe.interest().map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
                let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
                let ready = poll(&mut [interest.expect("a connection")], Some(&minute));
                assert_eq!(ready, Ok(1), "the server does not answer");
                now = until.after(Duration::from_millis(1));
            }
        }
    };
    assert_eq!(outcome.verdict, ProbeVerdict::Pool, "{outcome:?}");
}
