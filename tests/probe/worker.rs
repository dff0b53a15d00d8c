//! The thread that probes.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use minewall::config::{self, Config};
use minewall::limits::PROBE_QUEUE;
use minewall::net::endpoint::Endpoint;
use minewall::probe::cache::Cache;
use minewall::probe::guard::Refusal;
use minewall::probe::worker::{Answer, NotTaken, Probed, Suspect, Worker};
use minewall::probe::{Outcome, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A configuration whose outcomes go to a file of the test's own.
fn configured(name: &str, options: &str) -> (Config, PathBuf) {
    let directory = std::env::temp_dir().join(format!("minewall-worker-{}-{name}", std::process::id()));
    let file = directory.join("probes");
    let text = format!("config minewall\noption probe_cache {}\n{options}\n", file.display());
    (config::parse(Path::new("test"), text.as_bytes()).expect("good options").config, directory)
}

fn suspect(server: &str) -> Suspect {
    let server: SocketAddr = server.parse().expect("an endpoint");
    Suspect {
        server: Endpoint::new(server.ip(), server.port()),
        client: Endpoint::new([192, 168, 1, 50].into(), 40_000),
        tls: Some(false),
        purpose: minewall::probe::guard::Purpose::Suspicion,
        sni: heapless::String::new(),
        hints: minewall::probe::hint::Hints::default(),
    }
}

/// Waits on the worker's socket as the run loop does.
fn answer(worker: &Worker) -> Answer {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let mut descriptors = [PollFd::from_borrowed_fd(worker.wake().as_fd(), PollFlags::IN)];
        poll(&mut descriptors, Some(&Timespec { tv_sec: 60, tv_nsec: 0 })).expect("poll");
        worker.fall_asleep();
        if let Some(answer) = worker.poll_answer() {
            return answer;
        }
    }
    panic!("no answer");
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

#[test]
fn it_has_the_lowest_priority_and_nobody_else_has() {
    let (config, directory) = configured("nice", "");
    let ours = rustix::process::getpriority_process(None);
    let worker = Worker::start(&config, Cache::default()).expect("a thread");
    worker.submit(suspect("10.0.0.1:3333")).expect("room");
    answer(&worker);
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
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn addresses_of_this_side_are_never_asked() {
    let (config, directory) = configured("private", "list allow_endpoint 203.0.113.0/24\n");
    let worker = Worker::start(&config, Cache::default()).expect("a thread");
    for (server, refusal) in [
        ("127.0.0.1:22", Refusal::NotGlobal),
        ("192.168.1.1:80", Refusal::NotGlobal),
        ("[fe80::1]:3333", Refusal::NotGlobal),
        ("224.0.0.1:3333", Refusal::NotGlobal),
        ("203.0.113.7:3333", Refusal::Allowed),
    ] {
        worker.submit(suspect(server)).expect("room");
        assert_eq!(answer(&worker).result, Probed::Refused(refusal), "{server}");
    }
    worker.stop().join().expect("it ends");
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn a_dry_run_asks_nobody_and_spares_nobody() {
    let (config, directory) = configured("dry", "option probe_dry_run 1\noption probes_per_block 1\n");
    let worker = Worker::start(&config, Cache::default()).expect("a thread");
    let results: Vec<Probed> = (0..3)
        .map(|_| {
            worker.submit(suspect("203.0.113.7:3333")).expect("room");
            answer(&worker).result
        })
        .collect();
    // As often as it would be asked, and no oftener.
    assert_eq!(results, [Probed::Dry, Probed::Dry, Probed::Refused(Refusal::Rate)]);
    worker.stop().join().expect("it ends");
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn what_is_known_is_not_asked_again_nor_after_a_restart() {
    let (config, directory) = configured("cache", "");
    let pool = Outcome::new(Verdict::Pool, None, None, &[b"known"]);
    let mut cache = Cache::default();
    let known = suspect("203.0.113.7:3333");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    cache.insert(known.server, pool.clone(), &(&config).into(), now);
    cache.save(&config.probe_cache).expect("saved");
    let worker = Worker::start(&config, Cache::load(&config.probe_cache)).expect("a thread");
    worker.submit(known.clone()).expect("room");
    let answer = answer(&worker);
    assert_eq!(answer.suspect, known);
    let Probed::Known(outcome, seconds) = answer.result else { panic!("{:?}", answer.result) };
    assert_eq!(outcome, pool);
    assert!((1..=config.probe_pool_seconds).contains(&seconds), "{seconds}");
    assert_eq!((answer.counters.known, answer.counters.asked), (1, [0; 3]));
    worker.stop().join().expect("it ends");
    std::fs::remove_dir_all(directory).expect("its directory");
}

/// Handing over never waits, and nothing is lost but what was refused.
#[test]
fn a_full_queue_is_normal() {
    let (config, directory) = configured("full", "");
    let worker = Worker::start(&config, Cache::default()).expect("a thread");
    let start = Instant::now();
    let mut taken = 0;
    let mut refused = 0_u32;
    // The thread gets to it when nobody else has anything to do.
    for number in 0_u32.. {
        match worker.submit(suspect(&format!("10.0.{}.{}:3333", number / 256 % 256, number % 256))) {
            Ok(()) => taken += 1,
            Err(NotTaken::Full) => refused += 1,
            Err(NotTaken::Gone) => panic!("the thread is gone"),
        }
        if refused > 0 && taken > 4 * PROBE_QUEUE {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{taken} taken, {refused} refused");
    }
    worker.stop().join().expect("it ends");
    let _ = std::fs::remove_dir_all(directory);
}
