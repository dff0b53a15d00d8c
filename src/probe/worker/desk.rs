//! The thread's own: suspects come in, a few probes are under way at once, outcomes go out.
//!
//! One thread has all of them at hand, since each spends its time waiting: a server that takes all the
//! time there is delays nobody else's probe, and on one processor no two of them compete.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender};

use rustix::event::{PollFd, PollFlags, poll};

use super::{Answer, Counters, Order, Probed, Settings, Suspect};
use crate::config::Probing;
use crate::intel::entry::Pattern;
use crate::limits::{PROBE_CACHE_WRITE_WAIT, PROBE_QUEUE, PROBES_AT_ONCE};
use crate::probe::cache::Cache;
use crate::probe::guard::{Guard, Refusal};
use crate::probe::transport::{Dialler, Probe, Progress, time_until};
use crate::probe::{Outcome, Verdict};
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;

pub(super) struct Desk {
    settings: Settings,
    answers: SyncSender<Answer>,
    waker: UnixStream,
    clock: std::time::Instant,
    guard: Guard,
    cache: Cache,
    dialler: Dialler,
    counters: Counters,
    /// Suspects whose turn has not come.
    waiting: heapless::Vec<Box<Suspect>, PROBE_QUEUE>,
    at_hand: heapless::Vec<AtHand, PROBES_AT_ONCE>,
    unsaved_since: Option<Instant>,
}

/// A probe under way.
struct AtHand {
    suspect: Box<Suspect>,
    probe: Box<Probe>,
    /// Until then there is nothing to do unless its socket is ready.
    until: Instant,
}

impl Desk {
    pub(super) fn new(
        settings: Settings,
        cache: Cache,
        answers: SyncSender<Answer>,
        waker: UnixStream,
    ) -> Self {
        if let Err(error) = rustix::process::nice(LOWEST) {
            log::warn!("probes run at the usual priority: {error}");
        }
        Desk {
            answers,
            waker,
            clock: std::time::Instant::now(),
            guard: Guard::new(settings.hourly, settings.block_hourly, Instant::default()),
            cache,
            dialler: Dialler::new(settings.mark),
            counters: Counters::default(),
            waiting: heapless::Vec::new(),
            at_hand: heapless::Vec::new(),
            unsaved_since: None,
            settings,
        }
    }

    /// Works until the other end of `bell` is closed; a byte in it says that there are orders.
    pub(super) fn work(mut self, orders: &Receiver<Order>, bell: &UnixStream) {
        // The bell first: what is ordered after this is looked at with the next turn.
        while !is_closed(bell) {
            self.advance_probes();
            self.take_orders(orders);
            let waits_long = |since: Instant| self.now() >= since.after(PROBE_CACHE_WRITE_WAIT);
            if self.unsaved_since.is_some_and(waits_long) {
                self.save();
            }
            self.wait(bell);
        }
        self.save();
    }

    /// Takes orders as long as there are any and room for what comes of them.
    fn take_orders(&mut self, orders: &Receiver<Order>) {
        self.begin_probes();
        while !self.waiting.is_full() {
            match orders.try_recv() {
                Ok(Order::Look(suspect)) => drop(self.waiting.push(suspect)),
                Ok(Order::Configure(settings)) => self.configure(*settings),
                Ok(Order::Forget(subject)) => self.forget(&subject),
                Err(_) => return,
            }
            self.begin_probes();
        }
    }

    fn configure(&mut self, settings: Settings) {
        self.guard.configure(settings.hourly, settings.block_hourly);
        if settings.mark != self.settings.mark {
            self.dialler = Dialler::new(settings.mark);
        }
        self.settings = settings;
    }

    /// A person's wish is worth a write.
    fn forget(&mut self, subject: &Pattern) {
        if self.cache.forget(|server| subject.includes(server)) {
            let now = self.now();
            self.unsaved_since.get_or_insert(now);
            self.save();
        }
    }

    /// Goes through the suspects that wait, in the order in which they came. One whose server is being
    /// asked already waits for that answer.
    fn begin_probes(&mut self) {
        let mut at = 0;
        while let Some(suspect) = self.waiting.get(at) {
            let server = suspect.server;
            if self.at_hand.is_full() || self.at_hand.iter().any(|other| other.suspect.server == server) {
                at += 1;
                continue;
            }
            let suspect = self.waiting.remove(at);
            if let Some(result) = self.look(&suspect) {
                self.answer(*suspect, result);
                continue;
            }
            let now = self.now();
            match self.dialler.begin(suspect.target(), now) {
                Ok(probe) => drop(self.at_hand.push(AtHand { suspect, probe: Box::new(probe), until: now })),
                Err(error) => {
                    let why = format!("no random numbers: {error}");
                    self.conclude(*suspect, Outcome::inconclusive(None, &why));
                }
            }
        }
    }

    /// Whether `suspect` is to be asked: `None`; or what is to be said instead.
    fn look(&mut self, suspect: &Suspect) -> Option<Probed> {
        let server = suspect.server;
        let (lifetimes, wall_clock) = (&self.settings.lifetimes, unix_seconds());
        if let Some(entry) = self.cache.get(&server, lifetimes, wall_clock) {
            self.counters.known = self.counters.known.saturating_add(1);
            let left = entry.left(lifetimes, wall_clock);
            return Some(Probed::Known(entry.outcome.clone(), u32::try_from(left).unwrap_or(u32::MAX)));
        }
        let now = self.now();
        if let Err(refusal) = self.guard.admit(&server, suspect.purpose, &self.settings.allow, now) {
            let counter = match refusal {
                Refusal::Rate => &mut self.counters.too_many,
                Refusal::NotGlobal | Refusal::Own | Refusal::Allowed => &mut self.counters.forbidden,
            };
            *counter = counter.saturating_add(1);
            return Some(Probed::Refused(refusal));
        }
        if self.settings.probing == Probing::Dry {
            self.counters.dry = self.counters.dry.saturating_add(1);
            log::info!("probe of {server} left out (dry run), suspected by {}", suspect.client);
            return Some(Probed::Dry);
        }
        None
    }

    fn advance_probes(&mut self) {
        let mut at = 0;
        while at < self.at_hand.len() {
            // Of its own for each: the one before may have taken a while to compute.
            let now = self.now();
            let Some(next) = self.at_hand.get_mut(at) else { return };
            match next.probe.advance(&self.dialler, now) {
                Progress::WaitUntil(until) => {
                    next.until = until;
                    at += 1;
                }
                Progress::Done(outcome) => {
                    let done = self.at_hand.swap_remove(at);
                    self.conclude(*done.suspect, outcome);
                }
            }
        }
    }

    fn conclude(&mut self, suspect: Suspect, outcome: Outcome) {
        let server = suspect.server;
        log::info!(
            "probe of {server}, suspected by {}: {}, {}",
            suspect.client,
            outcome.verdict.name(),
            outcome.evidence
        );
        if let Some(count) = self.counters.asked.get_mut(outcome.verdict as usize) {
            *count = count.saturating_add(1);
        }
        let lifetimes = self.settings.lifetimes;
        self.cache.insert(server, outcome.clone(), &lifetimes, unix_seconds());
        let now = self.now();
        self.unsaved_since.get_or_insert(now);
        if outcome.verdict == Verdict::Pool {
            // A proof is worth a write.
            self.save();
        }
        let seconds = match outcome.verdict {
            Verdict::Pool => lifetimes.pool,
            Verdict::NotPool => lifetimes.not_pool,
            Verdict::Inconclusive => lifetimes.inconclusive,
        };
        self.answer(suspect, Probed::Asked(outcome, seconds));
    }

    fn answer(&mut self, suspect: Suspect, result: Probed) {
        let answer = Answer { suspect, result, counters: self.counters };
        if self.answers.try_send(answer).is_err() {
            self.counters.lost = self.counters.lost.saturating_add(1);
        }
        // With the socket full there are bytes enough to wake anybody.
        let _ = self.waker.write(&[1]);
    }

    fn save(&mut self) {
        if self.unsaved_since.take().is_some()
            && let Err(error) = self.cache.save(&self.settings.file)
        {
            log::warn!("outcomes of probes are not kept in {}: {error}", self.settings.file.display());
        }
    }

    /// Waits for orders, for the sockets of the probes at hand, or for the first of their deadlines.
    fn wait(&self, bell: &UnixStream) {
        let now = self.now();
        let latest = now.after(PROBE_CACHE_WRITE_WAIT);
        let until = self.at_hand.iter().map(|probe| probe.until).fold(latest, Instant::min);
        let sockets = self.at_hand.iter().filter_map(|at_hand| at_hand.probe.interest());
        let mut ready: heapless::Vec<PollFd<'_>, { 1 + PROBES_AT_ONCE }> = [(bell.as_fd(), PollFlags::IN)]
            .into_iter()
            .chain(sockets)
            .map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags))
            .collect();
        // Interrupted by a signal, it has waited less than it might have.
        let _ = poll(&mut ready, Some(&time_until(until, now)));
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.clock.elapsed().as_micros() as u64)
    }
}

/// Empties `bell`; whether the other end is gone.
fn is_closed(mut bell: &UnixStream) -> bool {
    loop {
        match bell.read(&mut [0; 64]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// setpriority(2): the weakest claim to the processor there is outside the idle class.
const LOWEST: i32 = 19;
