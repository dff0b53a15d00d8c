//! The thread that probes: lowest priority, bounded queues both ways, no lock shared with packets.
//!
//! The packet path hands suspects over with [`Worker::submit`], which never waits: with the queue full
//! the suspect stays one and comes again. Answers wait in a queue of their own; a byte in
//! [`Worker::wake`] (a socket for poll(2)) says that there are some, for [`Worker::poll_answer`].
//! What the thread does is in `desk`.

mod desk;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::cache::{Cache, Lifetimes};
use super::guard::{Purpose, Refusal};
use super::hint::Hints;
use super::{Layer, Outcome, Target};
use crate::config::{Config, Probing};
use crate::engine::event::{Detection, Source};
use crate::intel::entry::Pattern;
use crate::intel::exemptions::AllowList;
use crate::limits::{PROBE_QUEUE, PROBE_SNI_BYTES, PROBE_STACK_BYTES};
use crate::net::endpoint::Endpoint;
use desk::Desk;

/// A server that a host behind this router talks to, and that stage one suspects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The server.
    pub server: Endpoint,
    /// The host.
    pub client: Endpoint,
    /// Whether their connection is TLS, if known.
    pub tls: Option<bool>,
    /// Why it is to be asked.
    pub purpose: Purpose,
    /// The name that the client sent (SNI); empty without one.
    pub sni: heapless::String<PROBE_SNI_BYTES>,
    /// What the wire and stage one point to.
    pub hints: Hints,
}

impl Suspect {
    /// The server of `detection`.
    pub fn of(detection: &Detection) -> Self {
        let Detection { server, server_name, points_to, wire, .. } = detection;
        Suspect {
            server: *server,
            client: detection.client,
            tls: detection.tls,
            purpose: match detection.source {
                Source::Dpi => Purpose::Confirmation,
                Source::Probe | Source::Intel | Source::Hmm | Source::Hint => Purpose::Suspicion,
            },
            sni: server_name.clone(),
            hints: Hints::new(*points_to, *wire, server_name, server.port()),
        }
    }

    /// As it is to be asked.
    pub fn target(&self) -> Target {
        Target {
            server: self.server,
            layer: match self.tls {
                Some(true) => Layer::Tls,
                Some(false) => Layer::Plain,
                None => Layer::Auto,
            },
            sni: (!self.sni.is_empty()).then(|| self.sni.as_str().into()),
            hints: self.hints.clone(),
        }
    }
}

/// What became of a suspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As it was handed over.
    pub suspect: Suspect,
    /// What was done.
    pub result: Probed,
    /// The thread's counters after it.
    pub counters: Counters,
}

/// What was done about a suspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It was asked; the outcome holds for so many seconds.
    Asked(Outcome, u32),
    /// It had been asked before; the outcome holds for so many seconds more.
    Known(Outcome, u32),
    /// It must not be asked.
    Refused(Refusal),
    /// It would have been asked, but for the dry run.
    Dry,
}

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Probes made, by [`Verdict`](super::Verdict): pool, not a pool, inconclusive.
    pub asked: [u32; 3],
    /// Suspects answered by an earlier probe.
    pub known: u32,
    /// Suspects that must not be asked: no host of the internet, the router itself, or exempt.
    pub forbidden: u32,
    /// Suspects that came too soon after others.
    pub too_many: u32,
    /// Probes that a dry run left out.
    pub dry: u32,
    /// Answers that nobody collected in time; what they said is in the cache.
    pub lost: u32,
}

/// The thread's other end.
#[derive(Debug)]
pub struct Worker {
    suspects: SyncSender<Order>,
    answers: Receiver<Answer>,
    wake: UnixStream,
    /// A byte in it wakes the thread.
    bell: UnixStream,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Order {
    Look(Box<Suspect>),
    Configure(Box<Settings>),
    Forget(Box<Pattern>),
}

/// What the thread wants of the configuration.
#[derive(Clone, Debug)]
struct Settings {
    probing: Probing,
    hourly: u32,
    block_hourly: u32,
    lifetimes: Lifetimes,
    allow: AllowList,
    mark: u32,
    file: PathBuf,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Settings {
            probing: config.probing(),
            hourly: config.probes_per_hour,
            block_hourly: config.probes_per_block,
            lifetimes: config.into(),
            allow: config.exemptions(),
            mark: config.mark.own(),
            file: config.probe_cache.clone(),
        }
    }
}

/// Why a suspect was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many wait already.
    Full,
    /// The thread has ended.
    Gone,
}

impl Worker {
    /// Starts the thread, which knows what is in `cache` already.
    ///
    /// # Errors
    /// There is no memory or descriptor left for it.
    pub fn start(config: &Config, cache: Cache) -> std::io::Result<Self> {
        let (suspects, orders) = sync_channel(PROBE_QUEUE);
        let (answer, answers) = sync_channel(PROBE_QUEUE);
        let ((wake, waker), (bell, rung)) = (UnixStream::pair()?, UnixStream::pair()?);
        for end in [&wake, &waker, &bell, &rung] {
            end.set_nonblocking(true)?;
        }
        let settings = Settings::from(config);
        let thread = thread::Builder::new()
            .name(THREAD_NAME.into())
            .stack_size(PROBE_STACK_BYTES)
            .spawn(move || Desk::new(settings, cache, answer, waker).work(&orders, &rung))?;
        Ok(Worker { suspects, answers, wake, bell, thread })
    }

    /// Hands a suspect over, without waiting.
    ///
    /// # Errors
    /// The queue is full; it may be tried again later.
    pub fn submit(&self, suspect: Suspect) -> Result<(), NotTaken> {
        let order = Order::Look(Box::new(suspect));
        self.order(order).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Gone,
        })
    }

    /// Probes by another configuration from now on, once the queue has room; whether it had.
    pub fn configure(&self, config: &Config) -> bool {
        self.order(Order::Configure(Box::new(config.into()))).is_ok()
    }

    /// Forgets what was found out about `subject`, once the queue has room; whether it had.
    pub fn forget(&self, subject: &Pattern) -> bool {
        self.order(Order::Forget(Box::new(subject.clone()))).is_ok()
    }

    /// Empties [`Worker::wake`]; every answer there is must be collected after that.
    pub fn fall_asleep(&self) {
        while (&self.wake).read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
    }

    /// The next answer, without waiting.
    pub fn poll_answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Readable when there are answers.
    pub fn wake(&self) -> &UnixStream {
        &self.wake
    }

    /// Lets the thread end: probes under way are given up, what has been found is written to disk.
    pub fn stop(self) -> JoinHandle<()> {
        // A thread that finds its queue closed, and the bell, ends.
        self.thread
    }

    fn order(&self, order: Order) -> Result<(), TrySendError<Order>> {
        self.suspects.try_send(order)?;
        // With the socket full there are bytes enough to wake anybody.
        let _ = (&self.bell).write(&[1]);
        Ok(())
    }
}

const THREAD_NAME: &str = "minewall-probe";
