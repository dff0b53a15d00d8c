//! The thread that probes: lowest priority, bounded queues both ways, no lock shared with packets.
//!
//! The packet path hands suspects over with [`Worker::submit`], which never waits: with the queue full
//! the suspect stays one and comes again. Answers wait in a queue of their own; a byte in
//! [`Worker::wake`] (a socket for poll(2)) says that there are some, for [`Worker::poll_answer`].

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::cache::{Cache, Lifetimes};
use super::guard::{Guard, Refusal};
use super::transport::Dialler;
use super::{Layer, Outcome, Target, Verdict};
use crate::allow::AllowList;
use crate::config::{Config, Probing};
use crate::dpi::dialect::Dialect;
use crate::intel::entry::Pattern;
use crate::limits::{PROBE_CACHE_WRITE_WAIT, PROBE_QUEUE, PROBE_SNI_BYTES, PROBE_STACK_BYTES};
use crate::packet::Endpoint;
use crate::time::Instant;

/// A server that a host behind this router talks to, and that stage one suspects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The server.
    pub server: Endpoint,
    /// The host.
    pub client: Endpoint,
    /// Whether their connection is TLS, if known.
    pub tls: Option<bool>,
    /// The name that the client sent (SNI); empty without one.
    pub sni: heapless::String<PROBE_SNI_BYTES>,
    /// The dialect that stage one or the wire points to.
    pub hint: Option<Dialect>,
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
    /// Probes made, by [`Verdict`]: pool, not a pool, inconclusive.
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
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Order {
    Look(Box<Suspect>),
    Configure(Box<Settings>),
    Forget(Pattern),
    Stop,
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
            lifetimes: config.probe_lifetimes,
            allow: config.allow.clone(),
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
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let settings = Settings::from(config);
        let thread = thread::Builder::new()
            .name(THREAD_NAME.into())
            .stack_size(PROBE_STACK_BYTES)
            .spawn(move || Desk::new(settings, cache, answer, waker).work(&orders))?;
        Ok(Worker { suspects, answers, wake, thread })
    }

    /// Hands a suspect over, without waiting.
    ///
    /// # Errors
    /// The queue is full; it may be tried again later.
    pub fn submit(&self, suspect: Suspect) -> Result<(), NotTaken> {
        self.suspects.try_send(Order::Look(Box::new(suspect))).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Gone,
        })
    }

    /// Probes by another configuration from now on, once the queue has room; whether it had.
    pub fn configure(&self, config: &Config) -> bool {
        self.suspects.try_send(Order::Configure(Box::new(config.into()))).is_ok()
    }

    /// Forgets what was found out about `subject`, once the queue has room; whether it had.
    pub fn forget(&self, subject: &Pattern) -> bool {
        self.suspects.try_send(Order::Forget(subject.clone())).is_ok()
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

    /// Lets the thread end once it is through with the probe at hand; doesn't wait for that.
    pub fn stop(self) -> JoinHandle<()> {
        // A thread that finds its queue closed ends as well.
        let _ = self.suspects.try_send(Order::Stop);
        self.thread
    }
}

/// The thread's own.
struct Desk {
    settings: Settings,
    answers: SyncSender<Answer>,
    waker: UnixStream,
    clock: std::time::Instant,
    guard: Guard,
    cache: Cache,
    dialler: Dialler,
    counters: Counters,
    unsaved_since: Option<Instant>,
}

impl Desk {
    fn new(settings: Settings, cache: Cache, answers: SyncSender<Answer>, waker: UnixStream) -> Self {
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
            unsaved_since: None,
            settings,
        }
    }

    fn work(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(PROBE_CACHE_WRITE_WAIT) {
                Ok(Order::Look(suspect)) => {
                    let result = self.look(&suspect);
                    self.answer(*suspect, result);
                }
                Ok(Order::Configure(settings)) => self.configure(*settings),
                Ok(Order::Forget(subject)) => self.forget(&subject),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            let waits_long = |since: Instant| self.now() >= since.after(PROBE_CACHE_WRITE_WAIT);
            if self.unsaved_since.is_some_and(waits_long) {
                self.save();
            }
        }
        self.save();
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

    fn look(&mut self, suspect: &Suspect) -> Probed {
        let lifetimes = self.settings.lifetimes;
        let server = suspect.server;
        if let Some(entry) = self.cache.get(&server, &lifetimes, unix_seconds()) {
            self.counters.known = self.counters.known.saturating_add(1);
            let left = entry.until.saturating_sub(unix_seconds());
            return Probed::Known(entry.outcome.clone(), u32::try_from(left).unwrap_or(u32::MAX));
        }
        let now = self.now();
        if let Err(refusal) = self.guard.admit(&server, &self.settings.allow, now) {
            let counter = match refusal {
                Refusal::Rate => &mut self.counters.too_many,
                Refusal::NotGlobal | Refusal::Own | Refusal::Allowed => &mut self.counters.forbidden,
            };
            *counter = counter.saturating_add(1);
            return Probed::Refused(refusal);
        }
        if self.settings.probing == Probing::Dry {
            self.counters.dry = self.counters.dry.saturating_add(1);
            log::info!("probe of {server} left out (dry run), suspected by {}", suspect.client);
            return Probed::Dry;
        }
        let target = Target {
            server,
            layer: match suspect.tls {
                Some(true) => Layer::Tls,
                Some(false) => Layer::Plain,
                None => Layer::Auto,
            },
            sni: (!suspect.sni.is_empty()).then(|| suspect.sni.as_str().into()),
            hint: suspect.hint,
        };
        let outcome = self.dialler.probe(&target, || self.now());
        log::info!(
            "probe of {server}, suspected by {}: {}, {}",
            suspect.client,
            outcome.verdict.name(),
            outcome.evidence
        );
        if let Some(count) = self.counters.asked.get_mut(outcome.verdict as usize) {
            *count = count.saturating_add(1);
        }
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
        Probed::Asked(outcome, seconds)
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

    fn now(&self) -> Instant {
        Instant::from_micros(self.clock.elapsed().as_micros() as u64)
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

const THREAD_NAME: &str = "minewall-probe";
/// setpriority(2): the weakest claim to the processor there is outside the idle class.
const LOWEST: i32 = 19;
