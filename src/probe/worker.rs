//! The thread that probes: lowest priority, bounded queues both ways, no lock shared with packets.
//!
//! [`Worker::submit`] hands a suspect over and never waits. Answers wait in a queue of their own; a byte in
//! [`Worker::wake`] (a socket for poll(2)) says that there are some, for [`Worker::poll_answer`]. The thread's own
//! side is in `thread`. Whether a server may be asked at all, and when, is decided before ([`super::guard`]).

mod thread;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use super::guard::Purpose;
use super::hint::Hints;
use super::{Outcome, Target, TlsChoice};
use crate::engine::event::{Detection, Source};
use crate::hmm::suspicion::Suspicion;
use crate::limits::{PROBE_QUEUE, PROBE_STACK_BYTES};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::util::background;
use crate::util::channel::{NotSent, Receiver, Sender, channel};
use thread::ProbeThread;

/// A server that is to be asked, and the client whose traffic is the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Server.
    pub server: Endpoint,
    /// The proxy through which the client speaks with it. The server's address is unspecified until its name is resolved.
    pub via: Option<Endpoint>,
    /// Client; none if another router's word is the reason.
    pub client: Option<Endpoint>,
    /// Client's hardware address, where it is known.
    pub client_mac: Option<[u8; 6]>,
    /// Whether their connection is TLS, if known.
    pub tls: Option<bool>,
    /// Why the server is asked.
    pub purpose: Purpose,
    /// What stage one has against the session, if that is the reason.
    pub suspicion: Option<Suspicion>,
    /// Name that the client called the server by, if any.
    pub name: Option<HostName>,
    /// Hints of the wire and of stage one.
    pub hints: Hints,
}

impl Suspect {
    /// The server of `detection`.
    pub fn of(detection: &Detection) -> Self {
        let Detection { server, client, server_name, points_to, wire, .. } = detection;
        let (server, via, server_name) = match &detection.target {
            Some(target) => (target.endpoint(), Some(*server), &target.name),
            None => (*server, None, server_name),
        };
        Suspect {
            server,
            via,
            client: Some(*client),
            client_mac: detection.hw_addr,
            tls: detection.tls,
            purpose: match detection.source {
                Source::Dpi => Purpose::Confirmation,
                Source::Probe | Source::Intel | Source::Hmm | Source::Hint => Purpose::Suspicion,
            },
            suspicion: detection.suspicion,
            name: HostName::parse(server_name.as_bytes()),
            hints: Hints::new(*points_to, *wire, server_name, server.port()),
        }
    }

    /// Whether stage one is as good as sure of the session.
    pub fn is_strong(&self) -> bool {
        self.suspicion.is_some_and(|suspicion| suspicion.is_strong)
    }

    /// How much stage one has against the session: the more, the sooner it is asked.
    pub fn sum(&self) -> i32 {
        self.suspicion.map_or(0, |suspicion| suspicion.sum)
    }

    /// Whether both are about one server under one name; behind a proxy its address may be known by one of them only.
    pub fn is_same_question(&self, other: &Suspect) -> bool {
        let is_same_server = self.server == other.server || (self.via.is_some() && self.via == other.via);
        is_same_server && self.name == other.name
    }

    /// Whether the address of the server is to be found by its name first.
    pub fn is_unresolved(&self) -> bool {
        self.via.is_some() && self.server.addr().is_unspecified() && self.name.is_some()
    }

    /// The other end of the client's connection: a proxy, or the server itself.
    pub fn called(&self) -> Endpoint {
        self.via.unwrap_or(self.server)
    }

    /// The first probe's target.
    pub fn target(&self) -> Target {
        Target {
            server: self.server,
            layer: match self.tls {
                Some(true) => TlsChoice::Tls,
                // A server of TLS at the same port gets the chance to say so.
                Some(false) | None => TlsChoice::Auto,
            },
            sni: self.name.as_ref().map(|name| name.as_str().into()),
            hints: self.hints.clone(),
        }
    }
}

/// Outcome for a suspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspectAnswer {
    /// The suspect as it was handed over.
    pub suspect: Suspect,
    /// Result of asking, or why there is none.
    pub result: Result<Probed, Unasked>,
}

/// Why a suspect was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// The router could not ask.
    Failed(String),
    /// No more than the address of its name was looked up; the suspect has it now.
    Resolved,
}

/// Result of the probes of one suspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Outcome of the probe that told the name, if there is one.
    pub outcome: Outcome,
    /// The server answers as a pool also where no name is told.
    pub is_pool_without_name: bool,
}

/// Handle of the thread.
#[derive(Debug)]
pub struct Worker {
    suspects: Sender<Box<Suspect>>,
    answers: Receiver<SuspectAnswer>,
    wake: UnixStream,
    /// A byte in it wakes the thread.
    bell: UnixStream,
    thread: JoinHandle<()>,
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
    /// Starts the thread; packets of its probes carry `mark`.
    ///
    /// # Errors
    /// No memory or descriptor is left for it.
    pub fn start(mark: u32) -> std::io::Result<Self> {
        let (suspects, orders) = channel(PROBE_QUEUE);
        let (answer, answers) = channel(PROBE_QUEUE);
        let ((wake, waker), (bell, rung)) = (UnixStream::pair()?, UnixStream::pair()?);
        for end in [&wake, &waker, &bell, &rung] {
            end.set_nonblocking(true)?;
        }
        let thread = background::spawn(
            THREAD_NAME,
            Some(PROBE_STACK_BYTES),
            Box::new(move || ProbeThread::new(mark, answer, waker).work(&orders, &rung)),
        )?;
        Ok(Worker { suspects, answers, wake, bell, thread })
    }

    /// Hands a suspect over, without waiting.
    ///
    /// # Errors
    /// The queue is full, or the thread has ended.
    pub fn submit(&self, suspect: Suspect) -> Result<(), NotTaken> {
        self.suspects.try_send(Box::new(suspect)).map_err(|error| match error {
            NotSent::Full(_) => NotTaken::Full,
            NotSent::Closed(_) => NotTaken::Gone,
        })?;
        // A full socket holds bytes enough to wake the thread.
        let _ = (&self.bell).write(&[1]);
        Ok(())
    }

    /// Empties [`Worker::wake`]; every answer there is must be collected after that.
    pub fn clear_wake(&self) {
        while (&self.wake).read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
    }

    /// The next answer, without waiting.
    pub fn poll_answer(&self) -> Option<SuspectAnswer> {
        self.answers.try_recv()
    }

    /// Readable when there are answers.
    pub fn wake(&self) -> &UnixStream {
        &self.wake
    }

    /// Lets the thread end; probes under way are given up.
    pub fn stop(self) -> JoinHandle<()> {
        // A thread that finds its queue closed, and the bell, ends.
        self.thread
    }
}

const THREAD_NAME: &str = "minewall-probe";
