//! The thread's own side: suspects come in, a few probes are under way at once, answers go out.
//!
//! One thread has all of them at hand, since each spends its time waiting: a server that takes all the time there
//! is delays no other probe, and on one processor no two of them compete.
//!
//! A pool that was asked by its name is asked twice more without one, and one that was asked without a name once
//! more: only what answers as a pool to any greeting is a pool for every client of the address.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::{Probed, Suspect, SuspectAnswer, Unasked};
use crate::limits::{PROBE_NAMELESS_ANSWERS, PROBE_QUEUE, PROBE_STACK_BYTES, PROBES_AT_ONCE};
use crate::net::endpoint::Endpoint;
use crate::probe::hint::Hints;
use crate::probe::resolve::address;
use crate::probe::transport::{Dialler, Probe, ProbeProgress, time_until};
use crate::probe::{Outcome, ProbeVerdict, Target, TlsChoice, Transport};
use crate::util::background;
use crate::util::channel::{NotSent, Receiver, Sender};
use crate::util::time::Instant;

pub(super) struct ProbeThread {
    answers: Sender<SuspectAnswer>,
    waker: UnixStream,
    clock: std::time::Instant,
    dialler: Dialler,
    /// Suspects whose turn has not come.
    waiting: heapless::Vec<Box<Suspect>, PROBE_QUEUE>,
    at_hand: heapless::Vec<AtHand, PROBES_AT_ONCE>,
    /// Answers for which the queue had no room.
    unsent: Vec<SuspectAnswer>,
}

/// A suspect that is being asked.
struct AtHand {
    suspect: Box<Suspect>,
    stage: Stage,
    probe: Box<Probe>,
    /// Until then there is nothing to do unless its socket is ready.
    until: Instant,
}

/// Which of a suspect's probes is under way.
enum Stage {
    /// The one that tells the client's name for the server, if there is one.
    First,
    /// The server is a pool by `outcome`; so many times more it is to say so without a name.
    Nameless { outcome: Outcome, left: u8 },
}

impl ProbeThread {
    pub(super) fn new(mark: u32, answers: Sender<SuspectAnswer>, waker: UnixStream) -> Self {
        background::give_way();
        ProbeThread {
            answers,
            waker,
            clock: std::time::Instant::now(),
            dialler: Dialler::patient(mark),
            waiting: heapless::Vec::new(),
            at_hand: heapless::Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Works until the other end of `bell` is closed; a byte in it says that there are suspects.
    pub(super) fn work(mut self, suspects: &Receiver<Box<Suspect>>, bell: &UnixStream) {
        // The bell first: what is submitted after this is taken with the next turn.
        while !is_closed(bell) {
            self.advance_probes();
            while !self.waiting.is_full()
                && let Some(suspect) = suspects.try_recv()
            {
                let _ = self.waiting.push(suspect);
            }
            self.begin_probes();
            self.send_answers();
            self.wait(bell);
        }
    }

    /// Goes through the suspects that wait, in the order in which they came. One whose server is being asked
    /// already waits for that to end.
    fn begin_probes(&mut self) {
        let mut at = 0;
        while let Some(suspect) = self.waiting.get(at) {
            let server = suspect.server;
            if self.at_hand.is_full() || self.at_hand.iter().any(|other| other.suspect.server == server) {
                at += 1;
                continue;
            }
            let suspect = self.waiting.remove(at);
            if suspect.is_unresolved() {
                self.resolve(suspect);
                continue;
            }
            let target = suspect.target();
            self.begin(suspect, Stage::First, target);
        }
    }

    /// Looks the address of a suspect's name up, in a thread of its own: probes at hand don't wait for name servers.
    fn resolve(&mut self, suspect: Box<Suspect>) {
        let (answers, waker) = (self.answers.clone(), self.waker.try_clone());
        let work = {
            let suspect = suspect.clone();
            move || {
                let found = address(suspect.name.as_ref().map_or("", |name| name.as_str()));
                let (server, result) = match found {
                    Ok(addr) => (Endpoint::new(addr, suspect.server.port()), Unasked::Resolved),
                    Err(why) => (suspect.server, Unasked::Failed(why)),
                };
                // With no room left, the session's next suspicion asks again.
                let _ = answers
                    .try_send(SuspectAnswer { suspect: Suspect { server, ..*suspect }, result: Err(result) });
                if let Ok(mut waker) = waker {
                    let _ = waker.write(&[1]);
                }
            }
        };
        if let Err(error) = background::spawn("minewall-name", Some(PROBE_STACK_BYTES), Box::new(work)) {
            self.answer(*suspect, Err(Unasked::Failed(error.to_string())));
        }
    }

    fn begin(&mut self, suspect: Box<Suspect>, stage: Stage, target: Target) {
        let now = self.now();
        match self.dialler.begin(target, now) {
            Ok(probe) => {
                drop(self.at_hand.push(AtHand { suspect, stage, probe: Box::new(probe), until: now }));
            }
            Err(error) => {
                self.answer(*suspect, Err(Unasked::Failed(format!("no random numbers: {error}"))));
            }
        }
    }

    fn advance_probes(&mut self) {
        let mut at = 0;
        while at < self.at_hand.len() {
            // Of its own for each: the one before may have taken a while to compute.
            let now = self.now();
            let Some(next) = self.at_hand.get_mut(at) else { return };
            match next.probe.advance(&self.dialler, now) {
                ProbeProgress::WaitUntil(until) => {
                    next.until = until;
                    at += 1;
                }
                ProbeProgress::Done(outcome) => {
                    let done = self.at_hand.swap_remove(at);
                    self.conclude(done, outcome);
                }
                ProbeProgress::CannotAsk(why) => {
                    let done = self.at_hand.swap_remove(at);
                    match done.stage {
                        Stage::First => self.answer(*done.suspect, Err(Unasked::Failed(why))),
                        Stage::Nameless { outcome, .. } => {
                            self.answer(*done.suspect, Ok(by_name_only(outcome)))
                        }
                    }
                }
            }
        }
    }

    fn conclude(&mut self, done: AtHand, found: Outcome) {
        let AtHand { suspect, stage, .. } = done;
        let (outcome, left) = match stage {
            Stage::First => {
                let left = nameless_answers_wanted(&suspect, &found);
                (found, left)
            }
            Stage::Nameless { outcome, .. } if found.verdict != ProbeVerdict::Pool => {
                return self.answer(*suspect, Ok(by_name_only(outcome)));
            }
            Stage::Nameless { outcome, left } => (outcome, left.saturating_sub(1)),
        };
        if outcome.verdict != ProbeVerdict::Pool {
            return self.answer(*suspect, Ok(by_name_only(outcome)));
        }
        if left == 0 {
            return self.answer(*suspect, Ok(Probed { outcome, is_pool_without_name: true }));
        }
        let target = Target {
            server: suspect.server,
            layer: if outcome.transport.is_some_and(Transport::is_tls) {
                TlsChoice::Tls
            } else {
                TlsChoice::Plain
            },
            sni: None,
            hints: Hints { wire: suspect.hints.wire, ..outcome.dialect.map(Hints::of).unwrap_or_default() },
        };
        self.begin(suspect, Stage::Nameless { outcome, left }, target);
    }

    fn answer(&mut self, suspect: Suspect, result: Result<Probed, Unasked>) {
        match &result {
            Ok(Probed { outcome, is_pool_without_name }) => log::info!(
                "probe of {}{}: {}, {}{}",
                CalledName(suspect.name.as_ref().map(|name| name.as_str()), &suspect),
                suspect.client.map_or(String::new(), |client| format!(", suspected by {client}")),
                outcome.verdict.name(),
                outcome.evidence,
                if *is_pool_without_name && suspect.name.is_some() {
                    ", by its name and without"
                } else {
                    ""
                }
            ),
            Err(Unasked::Resolved) => {}
            Err(Unasked::Failed(why)) => {
                log::warn!("probe of {}: this router can't ask: {why}", suspect.server)
            }
        }
        self.unsent.push(SuspectAnswer { suspect, result });
    }

    /// Hands answers over as far as there is room; the rest waits for the next turn.
    fn send_answers(&mut self) {
        while let Some(answer) = self.unsent.pop() {
            if let Err(error) = self.answers.try_send(answer) {
                if let NotSent::Full(answer) = error {
                    self.unsent.push(answer);
                }
                return;
            }
            // A full socket holds bytes enough to wake the run loop.
            let _ = self.waker.write(&[1]);
        }
    }

    /// Waits for suspects, for the sockets of the probes at hand, or for the first of their deadlines.
    fn wait(&self, bell: &UnixStream) {
        let now = self.now();
        let latest = now.after(if self.unsent.is_empty() { LONGEST_WAIT } else { UNSENT_WAIT });
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

/// Answers as a pool without a name that are wanted after the first probe has found one.
fn nameless_answers_wanted(suspect: &Suspect, found: &Outcome) -> u8 {
    match found.transport {
        // A line over TCP tells no name.
        Some(Transport::Tcp) => 0,
        _ if suspect.name.is_some() => PROBE_NAMELESS_ANSWERS,
        _ => PROBE_NAMELESS_ANSWERS - 1,
    }
}

fn by_name_only(outcome: Outcome) -> Probed {
    Probed { outcome, is_pool_without_name: false }
}

/// `pool.example at 203.0.113.9:443`.
struct CalledName<'a>(Option<&'a str>, &'a Suspect);

impl core::fmt::Display for CalledName<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let CalledName(name, suspect) = self;
        match name {
            Some(name) => write!(f, "{} ({name})", suspect.server),
            None => suspect.server.fmt(f),
        }
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

/// Without anything to do the thread looks around as often.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// And as often while answers wait for the run loop.
const UNSENT_WAIT: Duration = Duration::from_millis(100);
