//! Signs of life for the rules' dead man's switch.
//!
//! The rules queue packets only while elements stand in a set, for [`ALIVE_TIMEOUT_MILLIS`] at most. A thread renews
//! them as long as every packet loop turns, so that a loop that hangs, a process that is stopped and a thread that never
//! runs again all have the same effect: the kernel lets everything pass. A thread of its own, since the kernel makes
//! it wait while another program changes a large rule set, and packets must not.
//!
//! [`ALIVE_TIMEOUT_MILLIS`]: crate::limits::ALIVE_TIMEOUT_MILLIS

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use super::nft_set::NftSocket;
use crate::limits::{ALIVE_EVERY, ALIVE_STACK_BYTES, CONFLICT_RENEWAL};
use crate::util::background;

/// The main loop's end of the thread, which ends when this and all [`Turns`] are dropped.
#[derive(Debug)]
pub(super) struct Alive {
    shared: Arc<AliveFlags>,
}

/// A packet loop's end of the thread.
#[derive(Debug)]
pub(super) struct Turns {
    shared: Arc<AliveFlags>,
    queue_loop: usize,
}

#[derive(Debug, Default)]
struct AliveFlags {
    /// Turns of each packet loop, modulo 2^32.
    turns: Box<[AtomicU32]>,
    /// The rules took the last sign of life.
    is_heard: AtomicBool,
    /// Decided connections come back.
    has_conflict: AtomicBool,
}

impl Alive {
    /// Starts the thread, for so many packet loops.
    ///
    /// # Errors
    /// There is no socket or no memory left.
    pub(super) fn start(loops: usize) -> io::Result<Self> {
        let turns = (0..loops).map(|_| AtomicU32::default()).collect();
        let shared = Arc::new(AliveFlags { turns, ..AliveFlags::default() });
        let (weak, socket) = (Arc::downgrade(&shared), NftSocket::open()?);
        background::spawn(THREAD_NAME, Some(ALIVE_STACK_BYTES), Box::new(move || renew(&weak, socket)))?;
        Ok(Alive { shared })
    }

    /// The end for packet loop number `queue_loop`.
    pub(super) fn turns(&self, queue_loop: usize) -> Turns {
        Turns { shared: Arc::clone(&self.shared), queue_loop }
    }

    /// Whether the rules are loaded and took the last sign of life.
    pub(super) fn is_heard(&self) -> bool {
        self.shared.is_heard.load(Ordering::Relaxed)
    }

    /// Has the rules keep decided connections in a set: the kernel's memory of them gets lost.
    pub(super) fn report_conflict(&self) {
        self.shared.has_conflict.store(true, Ordering::Relaxed);
    }
}

impl Turns {
    /// The packet loop has turned.
    pub(super) fn turned(&self) {
        if let Some(turns) = self.shared.turns.get(self.queue_loop) {
            // Relaxed: the value alone is compared.
            turns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl AliveFlags {
    /// Whether every loop has turned since its count was in `seen`, which takes the new counts then.
    fn have_turned(&self, seen: &mut Vec<u32>) -> bool {
        let turns = || self.turns.iter().map(|turns| turns.load(Ordering::Relaxed));
        let is_first = seen.is_empty();
        let all = is_first || turns().zip(&*seen).all(|(turns, seen)| turns != *seen);
        if all {
            *seen = turns().collect();
        }
        all
    }
}

fn renew(shared: &Weak<AliveFlags>, mut socket: NftSocket) {
    let mut seen = Vec::new();
    let mut last_error = None;
    let mut conflict_told: Option<Instant> = None;
    while let Some(shared) = shared.upgrade() {
        if shared.have_turned(&mut seen) {
            let renewed = socket.renew(ALIVE_SET, &PROTOCOLS);
            shared.is_heard.store(renewed.is_ok(), Ordering::Relaxed);
            report(renewed, &mut last_error);
        }
        let is_due = conflict_told.is_none_or(|at| at.elapsed() >= CONFLICT_RENEWAL);
        if is_due
            && shared.has_conflict.load(Ordering::Relaxed)
            && socket.renew(CONFLICT_SET, &PROTOCOLS).is_ok()
        {
            conflict_told = Some(Instant::now());
        }
        drop(shared);
        thread::sleep(ALIVE_EVERY);
    }
}

/// Logs an outcome that differs from the last one.
fn report(renewed: io::Result<()>, last_error: &mut Option<io::ErrorKind>) {
    let error = renewed.err();
    let kind = error.as_ref().map(io::Error::kind);
    if kind == *last_error {
        return;
    }
    *last_error = kind;
    match error {
        None => log::debug!("the rules are in force"),
        Some(error) if error.kind() == io::ErrorKind::NotFound => log::debug!("no rules are loaded: {error}"),
        Some(error) => log::error!("no packets are seen, the kernel takes no sign of life: {error}"),
    }
}

/// The rules' dead man's switch, and the set that says that the kernel's memory gets lost.
const ALIVE_SET: &str = "alive";
const CONFLICT_SET: &str = "conflict";
/// TCP and UDP (IANA protocol numbers), by which the rules look it up.
const PROTOCOLS: [u8; 2] = [6, 17];
const THREAD_NAME: &str = "minewall-alive";

#[cfg(test)]
mod tests {
    use super::*;

    /// One loop that hangs is as good as all: its queue's packets would wait for ever.
    #[test]
    fn every_loop_has_to_turn() {
        let turns = (0..3).map(|_| AtomicU32::default()).collect();
        let shared = Arc::new(AliveFlags { turns, ..AliveFlags::default() });
        let ends = [0, 1, 2].map(|queue_loop| Turns { shared: Arc::clone(&shared), queue_loop });
        let mut seen = Vec::new();
        assert!(shared.have_turned(&mut seen), "the first sign of life");
        assert!(!shared.have_turned(&mut seen));
        ends[0].turned();
        ends[2].turned();
        ends[2].turned();
        assert!(!shared.have_turned(&mut seen), "one has not");
        ends[1].turned();
        assert!(shared.have_turned(&mut seen));
        assert!(!shared.have_turned(&mut seen));
    }

    /// Without rules of ours, or without the right to change them, nothing is heard and nothing breaks.
    #[test]
    fn without_rules_nothing_is_heard() {
        let Ok(mut socket) = NftSocket::open() else { return };
        assert!(socket.renew("no such set", &PROTOCOLS).is_err());
        let alive = Alive::start(1).expect("a thread");
        alive.turns(0).turned();
        assert!(!alive.is_heard());
    }
}
