//! A stand-in for the daemon: it holds the queue and gives the verdicts that a test wants.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use minewall::config::Config;
use minewall::net::packet;
use minewall::verdict::{FlowMark, Reason};
use nfq::{Message, Queue, Verdict};

use crate::net::Net;

/// A thread that gives queued packets their verdicts until it is dropped.
pub struct StandIn {
    stop: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
    starts: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Gives each packet the verdict of `rule`, which is given its TCP payload. Verdicts are held back until
    /// `at_once` packets with payload wait for theirs. On a busy machine a verdict may take so long that the
    /// sender repeats itself: what was seen before gets its verdict, and does not count.
    pub fn start(net: &Net, config: &Config, at_once: usize, rule: fn(&[u8]) -> FlowMark) -> Self {
        let (number, mark) = (config.queue, config.mark);
        net.keep_alive();
        let mut queue = net.router.inside(|| {
            let mut queue = Queue::open().expect("a netlink socket");
            queue.bind(number).expect("the queue is free");
            queue.set_nonblocking(true);
            queue
        });
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let starts = Arc::new(AtomicUsize::new(0));
        let (stopped, count, started) = (stop.clone(), seen.clone(), starts.clone());
        let thread = std::thread::spawn(move || {
            let mut held: Vec<(Message, Option<FlowMark>)> = Vec::new();
            let mut known = HashSet::new();
            let mut awaited = 0;
            while !stopped.load(Ordering::Relaxed) {
                match queue.recv() {
                    Ok(message) => {
                        let segment = packet::parse(message.get_payload()).expect("TCP only");
                        let has_payload = !segment.payload.is_empty();
                        let verdict = has_payload.then(|| rule(segment.payload));
                        // The first packet behind a handshake has no payload, and neither has a server that hears.
                        let is_start = mark.reason(message.get_nfmark()) == Reason::Start;
                        started.fetch_add(usize::from(is_start), Ordering::Relaxed);
                        let is_counted = has_payload || segment.syn;
                        let what = (segment.src, segment.dst, segment.seq, segment.payload_len);
                        if is_counted && known.insert(what) {
                            count.fetch_add(1, Ordering::Relaxed);
                            awaited += usize::from(has_payload);
                        }
                        held.push((message, verdict));
                        if has_payload && (1..at_once).contains(&awaited) {
                            continue;
                        }
                        awaited = 0;
                        for (mut message, verdict) in held.drain(..) {
                            if let Some(verdict) = verdict {
                                message.set_nfmark(mark.apply(message.get_nfmark(), verdict));
                            }
                            message.set_verdict(Verdict::Accept);
                            queue.verdict(message).expect("the verdict is taken");
                        }
                    }
                    Err(_) => std::thread::sleep(Duration::from_micros(200)),
                }
            }
        });
        StandIn { stop, seen, starts, thread: Some(thread) }
    }

    /// First packets behind a handshake so far.
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    /// Packets seen so far, each once however often it was sent.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the stand-in panicked");
        }
    }
}
