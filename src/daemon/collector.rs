//! Events as JSON to the router's own log, or over the network to a collector (option `collector`).
//!
//! 1. [`EventCollector::send`] puts an event into a bounded queue, and never waits.
//! 2. A thread of its own gives it the names of the Elastic Common Schema ([`document`]) and the form that the
//!    collector reads ([`frame`]), and sends it ([`link`]).
//! 3. Where the collector does not answer, the event waits, and so do those behind it. Attempts follow one another
//!    with longer and longer pauses. In a full queue the client with the most events loses one, which is counted; the
//!    event log has it.

mod document;
mod frame;
mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::problems::{Code, Problems};
use super::status::CollectorUse;
use crate::config::Config;
use crate::config::collector::{Collector, CollectorFormat};
use crate::limits::{
    COLLECTOR_EVENTS, COLLECTOR_FIRST_PAUSE, COLLECTOR_LAST_WAIT, COLLECTOR_LONGEST_PAUSE, PROBE_STACK_BYTES,
};
use crate::net::client_id::ClientId;
use crate::util::background;
use crate::util::bounded_read::system_text;
use crate::util::channel::{Receiver, Sender, channel};
use link::Peer;

/// The queue's end at the run loop, and the thread at its other end.
pub(super) struct EventCollector {
    problems: Problems,
    destination: Option<(Collector, Peer)>,
    counters: Arc<CollectorCounters>,
    queue: Option<(Sender<CollectorMessage>, JoinHandle<()>)>,
}

/// An event on its way.
struct CollectorMessage {
    /// The event as in the event log.
    line: String,
    is_proof: bool,
    /// The client that it tells of.
    client: ClientId,
}

#[derive(Debug, Default)]
struct CollectorCounters {
    taken: AtomicU32,
    sent: AtomicU32,
    lost: AtomicU32,
}

impl EventCollector {
    /// A collector as `config` wishes.
    pub(super) fn new(config: &Config, problems: &Problems) -> Self {
        let mut collector = EventCollector {
            problems: problems.clone(),
            destination: None,
            counters: Arc::default(),
            queue: None,
        };
        collector.configure(config);
        collector
    }

    /// Takes over another configuration. Events that wait for another collector than before are lost.
    pub(super) fn configure(&mut self, config: &Config) {
        let destination = config.collector.clone().map(|collector| (collector, Peer::of(config)));
        if destination == self.destination {
            return;
        }
        self.queue = None;
        let lost = self.counters.lost.load(Relaxed).saturating_add(self.counters.waiting());
        self.counters = Arc::default();
        self.counters.lost.store(lost, Relaxed);
        self.problems.resolve(Code::Collector);
        if let Some((Collector::Remote { .. }, peer)) = &destination {
            self.queue = self.start(peer.clone());
        }
        self.destination = destination;
    }

    fn start(&self, peer: Peer) -> Option<(Sender<CollectorMessage>, JoinHandle<()>)> {
        let (sender, events) = channel(COLLECTOR_EVENTS);
        let (counters, problems) = (Arc::clone(&self.counters), self.problems.clone());
        let work = Box::new(move || deliver(&peer, &events, &counters, &problems));
        match background::spawn("minewall-events", Some(PROBE_STACK_BYTES), work) {
            Ok(thread) => Some((sender, thread)),
            Err(error) => {
                let text = format!("events do not reach the collector: no thread: {error}");
                self.problems.report(Code::Collector, "", text);
                None
            }
        }
    }

    /// Hands over the event `line`, which tells of `client`. Where too many wait, an event of the client with the most
    /// is lost, and counted.
    pub(super) fn send(&mut self, line: &str, is_proof: bool, client: ClientId) {
        match (&self.destination, &self.queue) {
            (None, _) => {}
            (Some((Collector::Syslog, _)), _) => {
                tell_log(line, is_proof);
                self.counters.sent.fetch_add(1, Relaxed);
                self.counters.taken.fetch_add(1, Relaxed);
            }
            (Some(_), queue) => {
                let message = CollectorMessage { line: line.into(), is_proof, client };
                let displaced =
                    queue.as_ref().map(|(queue, _)| queue.send_fairly(message, |message| message.client));
                if let Some(Ok(None)) = displaced {
                    self.counters.taken.fetch_add(1, Relaxed);
                    return;
                }
                self.counters.lost.fetch_add(1, Relaxed);
                let text = "events for the collector are lost: too many wait for it";
                self.problems.report(Code::Collector, "lost", text.into());
            }
        }
    }

    /// Counters for the status; none without a collector.
    pub(super) fn counters(&self) -> Option<CollectorUse> {
        self.destination.as_ref().map(|(collector, _)| CollectorUse {
            address: collector.to_string(),
            sent: self.counters.sent.load(Relaxed),
            waiting: self.counters.waiting(),
            lost: self.counters.lost.load(Relaxed),
        })
    }

    /// Waits a moment for what is on its way.
    pub(super) fn stop(&mut self) {
        let Some((queue, thread)) = self.queue.take() else { return };
        drop(queue);
        let begin = Instant::now();
        while !thread.is_finished() && begin.elapsed() < COLLECTOR_LAST_WAIT {
            thread::sleep(COLLECTOR_LAST_WAIT / 100);
        }
    }
}

impl CollectorCounters {
    fn waiting(&self) -> u32 {
        self.taken.load(Relaxed).saturating_sub(self.sent.load(Relaxed))
    }
}

/// The event as a line of the system log, at any level of the log: the names of ECS would exceed logd's line.
fn tell_log(line: &str, is_proof: bool) {
    let level = if is_proof { log::Level::Warn } else { log::Level::Info };
    log::logger().log(&log::Record::builder().level(level).args(format_args!("{line}")).build());
}

/// Sends what comes until the queue is closed.
fn deliver(
    peer: &Peer,
    events: &Receiver<CollectorMessage>,
    counters: &CollectorCounters,
    problems: &Problems,
) {
    let router = router_name();
    let mut link = None;
    while let Some(message) = events.recv() {
        let bytes = form(&message, &router, peer);
        let mut pause = COLLECTOR_FIRST_PAUSE;
        while let Err(why) = link::send(&mut link, peer, &bytes) {
            let text = format!("events do not reach the collector {peer}: {why}");
            problems.report(Code::Collector, "", text);
            let begin = Instant::now();
            while begin.elapsed() < pause {
                // Nothing is to be waited for once the run loop's end is gone.
                if events.is_closed() {
                    return;
                }
                thread::sleep(COLLECTOR_FIRST_PAUSE.min(pause));
            }
            pause = (pause * 2).min(COLLECTOR_LONGEST_PAUSE);
        }
        counters.sent.fetch_add(1, Relaxed);
        problems.resolve(Code::Collector);
    }
}

fn form(message: &CollectorMessage, router: &str, peer: &Peer) -> Vec<u8> {
    // A line that is no event of ours goes as it is: nothing is lost for its form.
    let document = document::of(&message.line, router).unwrap_or_else(|| message.line.clone());
    match peer.format {
        CollectorFormat::Json => frame::line(&document),
        CollectorFormat::Syslog => {
            let text = frame::syslog(&document, router, message.is_proof);
            if peer.is_stream() { frame::counted(&text) } else { text.into_bytes() }
        }
    }
}

/// Name of this router, as far as it can stand in a header.
fn router_name() -> String {
    let name = system_text("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
    let name: String = name.trim().chars().take(63).map(plain).collect();
    if name.is_empty() { "-".into() } else { name }
}

#[cfg(test)]
mod tests;
