//! Signs of life for the rules' dead man's switch.
//!
//! The rules queue packets only while elements stand in a set, for [`ALIVE_TIMEOUT_MILLIS`] at most. A thread renews
//! them as long as the packet loop turns, so that a loop that hangs, a process that is stopped and a thread that never
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

/// The packet loop's end of the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Alive {
    shared: Arc<AliveFlags>,
}

#[derive(Debug, Default)]
struct AliveFlags {
    /// Turns of the packet loop, modulo 2^32.
    turns: AtomicU32,
    /// The rules took the last sign of life.
    is_heard: AtomicBool,
    /// Decided connections come back.
    has_conflict: AtomicBool,
}

impl Alive {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no socket or no memory left.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(AliveFlags::default());
        let (weak, socket) = (Arc::downgrade(&shared), NftSocket::open()?);
        background::spawn(THREAD_NAME, Some(ALIVE_STACK_BYTES), Box::new(move || renew(&weak, socket)))?;
        Ok(Alive { shared })
    }

    /// The packet loop has turned.
    pub(super) fn turned(&self) {
        // Relaxed: the value alone is compared.
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
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

fn renew(shared: &Weak<AliveFlags>, mut socket: NftSocket) {
    let mut seen = None;
    let mut last_error = None;
    let mut conflict_told: Option<Instant> = None;
    while let Some(shared) = shared.upgrade() {
        let turns = shared.turns.load(Ordering::Relaxed);
        if seen != Some(turns) {
            seen = Some(turns);
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

    /// Without rules of ours, or without the right to change them, nothing is heard and nothing breaks.
    #[test]
    fn without_rules_nothing_is_heard() {
        let Ok(mut socket) = NftSocket::open() else { return };
        assert!(socket.renew("no such set", &PROTOCOLS).is_err());
        let alive = Alive::start().expect("a thread");
        alive.turned();
        assert!(!alive.is_heard());
    }
}
