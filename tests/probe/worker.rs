//! The thread that probes.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use minewall::limits::PROBE_QUEUE;
use minewall::net::endpoint::Endpoint;
use minewall::net::host_name::HostName;
use minewall::probe::ProbeVerdict;
use minewall::probe::guard::Purpose;
use minewall::probe::hint::Hints;
use minewall::probe::worker::{NotTaken, Probed, Suspect, SuspectAnswer, Worker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::server::Server;

fn suspect(server: SocketAddr) -> Suspect {
    Suspect {
        server: Endpoint::new(server.ip(), server.port()),
        via: None,
        client: Some(Endpoint::new([192, 168, 1, 50].into(), 40_000)),
        client_mac: None,
        tls: Some(false),
        purpose: Purpose::Suspicion,
        suspicion: None,
        name: None,
        hints: Hints::default(),
    }
}

/// Waits on the worker's socket as the run loop does.
fn answer(worker: &Worker) -> SuspectAnswer {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let mut descriptors = [PollFd::from_borrowed_fd(worker.wake().as_fd(), PollFlags::IN)];
        poll(&mut descriptors, Some(&Timespec { tv_sec: 60, tv_nsec: 0 })).expect("poll");
        worker.clear_wake();
        if let Some(answer) = worker.poll_answer() {
            return answer;
        }
    }
    panic!("no answer");
}

fn ask(suspect: Suspect) -> Probed {
    let worker = Worker::start(0).expect("a thread");
    worker.submit(suspect).expect("room");
    let answer = answer(&worker);
    worker.stop().join().expect("it ends");
    answer.result.expect("this machine can ask")
}

/// Priorities of the threads `name` of this process, as the kernel shows them (proc(5), stat, field 19).
fn niceness(name: &str) -> Vec<i32> {
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        let (head, fields) = stat.rsplit_once(") ")?;
        head.ends_with(name).then(|| fields.split(' ').nth(16)?.parse().ok())?
    };
    std::fs::read_dir("/proc/self/task").expect("threads").filter_map(of_thread).collect()
}

/// A web server with a pool's door: its answer depends on the `Host` that is named, and on how often it was asked.
fn front(answers: impl Fn(bool) -> bool + Send + Sync + 'static) -> Server {
    let answers = Arc::new(answers);
    Server::start(move |stream: TcpStream| {
        let mut writer = stream.try_clone().expect("a descriptor");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let is_post = lines.next().is_some_and(|line| line.starts_with("POST"));
        let is_named =
            lines.by_ref().take_while(|line| !line.is_empty()).any(|line| line == "Host: pool.example");
        let body = if is_post && answers(is_named) {
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[\"0x1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f\",\"0x2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e\",\"0x00000000ffff0000000000000000000000000000000000000000000000000000\"]}"
        } else {
            "<html></html>"
        };
        let _ = write!(
            writer,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = writer.shutdown(Shutdown::Write);
        lines.for_each(drop);
    })
}

fn by_name(server: SocketAddr) -> Suspect {
    let name = HostName::parse(b"pool.example");
    let hints = Hints::of(minewall::dpi::signatures::Dialect::EthGetWork);
    Suspect { name, hints, ..suspect(server) }
}

#[test]
fn it_has_the_lowest_priority_and_no_other_thread_has() {
    let ours = rustix::process::getpriority_process(None);
    let worker = Worker::start(0).expect("a thread");
    let refusing = Server::start(|stream: TcpStream| drop(stream));
    worker.submit(suspect(refusing.addr)).expect("room");
    // Another test's may just have begun.
    let start = Instant::now();
    loop {
        let all = niceness("minewall-probe");
        if !all.is_empty() && all.iter().all(|nice| *nice == 19) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{all:?}");
    }
    assert_eq!(rustix::process::getpriority_process(None), ours);
    assert!(ours.is_ok_and(|ours| ours < 19), "else nothing is shown");
    worker.stop().join().expect("it ends");
}

/// A pool that was asked by its name is asked twice more without: as often as it must say the same.
#[test]
fn a_pool_by_its_name_is_asked_without_twice() {
    let nameless = Arc::new(AtomicUsize::new(0));
    let count = nameless.clone();
    let everybodys = front(move |is_named| {
        count.fetch_add(usize::from(!is_named), Ordering::Relaxed);
        true
    });
    let probed = ask(by_name(everybodys.addr));
    assert_eq!(
        (probed.outcome.verdict, probed.is_pool_without_name),
        (ProbeVerdict::Pool, true),
        "{probed:?}"
    );
    assert_eq!(nameless.load(Ordering::Relaxed), 2);
}

/// One of the names at an address that many share; and one whose server can't make up its mind.
#[test]
fn a_pool_by_its_name_alone_is_one_by_its_name_alone() {
    let one_of_many = front(|is_named| is_named);
    let probed = ask(by_name(one_of_many.addr));
    assert_eq!(
        (probed.outcome.verdict, probed.is_pool_without_name),
        (ProbeVerdict::Pool, false),
        "{probed:?}"
    );
    let nameless = AtomicUsize::new(0);
    let fickle = front(move |is_named| is_named || nameless.fetch_add(1, Ordering::Relaxed) == 0);
    let probed = ask(by_name(fickle.addr));
    assert_eq!(
        (probed.outcome.verdict, probed.is_pool_without_name),
        (ProbeVerdict::Pool, false),
        "{probed:?}"
    );
}

/// A line over TCP tells no name.
#[test]
fn a_pool_that_answers_a_line_is_asked_once() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let pool = Server::start(move |stream: TcpStream| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut writer = stream.try_clone().expect("a descriptor");
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let is_login = line.contains("\"login\"");
            let answer = if is_login { "Invalid payment address provided: 0" } else { "Unknown RPC method" };
            let answer = format!(
                "{{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{{\"code\":-1,\"message\":\"{answer}\"}}}}\n"
            );
            let _ = writer.write_all(answer.as_bytes());
        }
    });
    let probed = ask(suspect(pool.addr));
    assert_eq!(probed.outcome.verdict, ProbeVerdict::Pool, "{probed:?}");
    assert!(probed.is_pool_without_name);
    assert!(connections.load(Ordering::Relaxed) <= 2, "{connections:?}");
}

/// Handing over never waits, and nothing is lost but what was refused.
#[test]
fn a_full_queue_is_normal() {
    let worker = Worker::start(0).expect("a thread");
    let start = Instant::now();
    let silent = Server::start(|stream: TcpStream| {
        let _ = BufReader::new(stream).lines().count();
    });
    let mut taken = 0;
    loop {
        match worker.submit(suspect(silent.addr)) {
            Ok(()) => taken += 1,
            Err(NotTaken::Full) => break,
            Err(NotTaken::Gone) => panic!("the thread is gone"),
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{taken} taken");
    }
    assert!(taken >= PROBE_QUEUE, "{taken}");
    // Its probes are given up.
    worker.stop().join().expect("it ends");
}
