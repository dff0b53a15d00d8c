//! The session's way to the network: one connection at a time, without ever blocking.
//!
//! 1. [`Dialler::begin`] opens the probe of one server.
//! 2. [`Probe::advance`] does all that can be done without waiting, and says until when there is nothing
//!    more to do unless the socket of [`Probe::interest`] is ready.
//!
//! The worker's thread has several of them at hand and waits for all of them together;
//! [`Dialler::probe`] is the loop for one alone.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Type;

use super::session::{Action, ProbeSession};
use super::strategy::Failure;
#[cfg(feature = "tls")]
use super::tls;
use super::{Outcome, Target, random};
#[cfg(feature = "tls")]
use crate::limits::PROBE_READ_BYTES;
use crate::limits::{PROBE_CONNECT_WAIT, PROBE_WIRE_BYTES};
use crate::net::socket;
use crate::util::time::Instant;

/// State that all probes share.
#[derive(Debug)]
pub struct Dialler {
    /// Mark of the probe's own packets.
    mark: u32,
    /// Servers may take their time for the first question ([`ProbeSession::be_patient`]).
    is_patient: bool,
    #[cfg(feature = "tls")]
    tls: Option<tls::TlsConnector>,
}

impl Dialler {
    /// A dialler whose packets carry `mark`.
    pub fn new(mark: u32) -> Self {
        Dialler {
            mark,
            is_patient: false,
            #[cfg(feature = "tls")]
            tls: tls::TlsConnector::new().inspect_err(|error| log::error!("no TLS for probes: {error}")).ok(),
        }
    }

    /// A dialler for probes in the background, which may take longer.
    pub fn patient(mark: u32) -> Self {
        Dialler { is_patient: true, ..Dialler::new(mark) }
    }

    /// Begins a probe of `target`; nothing is sent yet.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn begin(&self, target: Target, now: Instant) -> io::Result<Probe> {
        let mut key = [0; 64];
        random(&mut key)?;
        let mut session = ProbeSession::new(&target, key, now);
        if self.is_patient {
            session.be_patient();
        }
        Ok(Probe { target, session, link: None })
    }

    /// Probes `target` and waits for the outcome, up to [`crate::limits::PROBE_TOTAL_WAIT`] by the
    /// clock `now`.
    pub fn probe(&self, target: &Target, now: impl Fn() -> Instant) -> Outcome {
        let mut probe = match self.begin(target.clone(), now()) {
            Ok(probe) => probe,
            Err(error) => return Outcome::inconclusive(None, &format!("no random numbers: {error}")),
        };
        loop {
            match probe.advance(self, now()) {
                ProbeProgress::Done(outcome) => return outcome,
                ProbeProgress::CannotAsk(why) => return Outcome::inconclusive(None, &why),
                ProbeProgress::WaitUntil(until) => {
                    let mut ready: heapless::Vec<PollFd<'_>, 1> = probe
                        .interest()
                        .map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags))
                        .into_iter()
                        .collect();
                    // Interrupted by a signal, it has waited less than it might have.
                    let _ = poll(&mut ready, Some(&time_until(until, now())));
                }
            }
        }
    }

    fn dial(&self, target: &Target, tls: bool, now: Instant) -> Result<Link, NotDialled> {
        let addr = SocketAddr::new(target.server.addr(), target.server.port());
        let connect = || -> io::Result<TcpStream> {
            let socket = socket::marked(addr, Type::STREAM, self.mark)?;
            socket.set_nonblocking(true)?;
            match socket.connect(&addr.into()) {
                Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                    Err(error)
                }
                _ => Ok(socket.into()),
            }
        };
        let socket = connect().map_err(NotDialled::of)?;
        let link = Link {
            socket,
            connecting_until: Some(now.after(PROBE_CONNECT_WAIT)),
            unsent: Vec::new(),
            wire: 0,
            #[cfg(feature = "tls")]
            tls: None,
        };
        if tls { self.wrap(link, target).map_err(NotDialled::Failure) } else { Ok(link) }
    }

    #[cfg(feature = "tls")]
    fn wrap(&self, mut link: Link, target: &Target) -> Result<Link, Failure> {
        let client = self.tls.as_ref().ok_or(Failure::NoTls)?;
        let connection = client.connect(target.server.addr(), target.sni.as_deref());
        link.tls = Some(Box::new(Wrapped { tls: connection.map_err(|_| Failure::NoTls)?, told: false }));
        Ok(link)
    }

    #[cfg(not(feature = "tls"))]
    #[allow(
        clippy::unused_self,
        clippy::needless_pass_by_value,
        reason = "the function above, with TLS, uses them"
    )]
    fn wrap(&self, _link: Link, _target: &Target) -> Result<Link, Failure> {
        Err(Failure::NoTls)
    }
}

/// Why a connection was not even attempted.
enum NotDialled {
    /// The server, or the way there.
    Failure(Failure),
    /// This router itself.
    Here(String),
}

impl NotDialled {
    fn of(error: io::Error) -> Self {
        use rustix::io::Errno;
        let of_router =
            [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::NETUNREACH, Errno::NETDOWN];
        if error.raw_os_error().is_some_and(|code| of_router.iter().any(|errno| errno.raw_os_error() == code))
        {
            NotDialled::Here(error.to_string())
        } else {
            NotDialled::Failure(Failure::Unreachable)
        }
    }
}

/// The probe of one server, under way.
#[derive(Debug)]
pub struct Probe {
    target: Target,
    session: ProbeSession,
    link: Option<Link>,
}

/// Progress of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeProgress {
    /// The probe has ended with this result.
    Done(Outcome),
    /// There is nothing to do until then, or until the socket is ready.
    WaitUntil(Instant),
    /// This router can't open a connection, which says nothing of the server; the reason.
    CannotAsk(String),
}

impl Probe {
    /// Goes on as far as it can at `now`.
    pub fn advance(&mut self, dialler: &Dialler, now: Instant) -> ProbeProgress {
        self.take_input(now);
        if self.link.as_ref().is_some_and(|link| link.connecting_until.is_some_and(|until| now >= until)) {
            // The session would take it for a handshake without end.
            self.session.handle_failure(Failure::Unreachable, now);
        }
        loop {
            self.take_input(now);
            match self.session.poll(now) {
                Action::Done(outcome) => {
                    self.link = None;
                    return ProbeProgress::Done(outcome);
                }
                Action::Connect { tls } => {
                    self.link = None;
                    match dialler.dial(&self.target, tls, now) {
                        Ok(link) => self.link = Some(link),
                        Err(NotDialled::Failure(failure)) => self.session.handle_failure(failure, now),
                        Err(NotDialled::Here(why)) => return ProbeProgress::CannotAsk(why),
                    }
                }
                Action::Transmit(words) => {
                    if let Some(Err(failure)) = self.link.as_mut().map(|link| link.send(&words)) {
                        self.session.handle_failure(failure, now);
                    }
                }
                // No connection, nothing to wait for: the session has been told of its failure.
                Action::Wait(_) if self.link.is_none() => {
                    self.session.handle_failure(Failure::Unreachable, now);
                }
                Action::Wait(until) => return ProbeProgress::WaitUntil(until),
            }
        }
    }

    /// Hands the session all pending events, before its deadlines are checked: on a busy router this
    /// thread is kept waiting longer than any server takes to answer.
    fn take_input(&mut self, now: Instant) {
        while self.session.is_waiting() {
            let Some(link) = &mut self.link else { return };
            match link.receive() {
                Ok(LinkInput::Nothing) => return,
                Ok(LinkInput::Connected { tls }) => self.session.connected(tls, now),
                Ok(LinkInput::Bytes(bytes)) => self.session.handle_input(&bytes, now),
                Err(failure) => self.session.handle_failure(failure, now),
            }
        }
    }

    /// The socket to wait for, and what for (poll(2)).
    pub fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.link.as_ref().map(|link| {
            let flags = match (link.connecting_until, link.unsent.is_empty()) {
                (Some(_), _) => PollFlags::OUT,
                (None, true) => PollFlags::IN,
                (None, false) => PollFlags::IN | PollFlags::OUT,
            };
            (link.socket.as_fd(), flags)
        })
    }
}

/// From `now` to `until`, for poll(2).
pub(super) fn time_until(until: Instant, now: Instant) -> Timespec {
    let micros = until.micros().saturating_sub(now.micros());
    Timespec { tv_sec: (micros / 1_000_000) as i64, tv_nsec: (micros % 1_000_000 * 1_000) as _ }
}

/// A connection.
#[derive(Debug)]
struct Link {
    socket: TcpStream,
    /// Deadline of an attempt that has not succeeded yet.
    connecting_until: Option<Instant>,
    /// Bytes that the socket has no room for yet.
    unsent: Vec<u8>,
    /// Bytes read off the wire.
    wire: usize,
    #[cfg(feature = "tls")]
    tls: Option<Box<Wrapped>>,
}

#[cfg(feature = "tls")]
#[derive(Debug)]
struct Wrapped {
    tls: tls::Tls,
    /// The session knows that the handshake is done.
    told: bool,
}

enum LinkInput {
    /// Nothing, for now.
    Nothing,
    /// The connection stands, the handshake of TLS included.
    Connected {
        tls: bool,
    },
    Bytes(Vec<u8>),
}

impl Link {
    fn send(&mut self, words: &[u8]) -> Result<(), Failure> {
        #[cfg(feature = "tls")]
        if let Some(wrapped) = &mut self.tls {
            wrapped.tls.send(words);
            return self.flush();
        }
        self.unsent.extend_from_slice(words);
        self.flush()
    }

    /// Sends what waits, as far as the socket takes it; a few hundred bytes at a time, it always does.
    fn flush(&mut self) -> Result<(), Failure> {
        #[cfg(feature = "tls")]
        if let Some(wrapped) = &mut self.tls {
            wrapped.tls.take_output(&mut self.unsent);
        }
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<LinkInput, Failure> {
        if self.connecting_until.is_some() {
            if !self.has_come_about()? {
                return Ok(LinkInput::Nothing);
            }
            self.connecting_until = None;
            if !self.is_wrapped() {
                return Ok(LinkInput::Connected { tls: false });
            }
        }
        self.flush()?;
        self.receive_tls()
    }

    #[cfg(feature = "tls")]
    fn is_wrapped(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, reason = "the function above, with TLS, uses it")]
    fn is_wrapped(&self) -> bool {
        false
    }

    /// Whether the connection stands.
    fn has_come_about(&self) -> Result<bool, Failure> {
        match self.socket.take_error() {
            Ok(None) => Ok(self.socket.peer_addr().is_ok()),
            Ok(Some(_)) | Err(_) => Err(Failure::Unreachable),
        }
    }

    fn receive_tls(&mut self) -> Result<LinkInput, Failure> {
        loop {
            #[cfg(feature = "tls")]
            if let Some(wrapped) = &mut self.tls
                && wrapped.tls.is_established()
                && !wrapped.told
            {
                wrapped.told = true;
                return Ok(LinkInput::Connected { tls: true });
            }
            if self.wire >= PROBE_WIRE_BYTES {
                return Err(self.ended());
            }
            let mut buffer = [0; 2_048];
            let len = match self.socket.read(&mut buffer) {
                Ok(0) => return Err(self.ended()),
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    return Ok(LinkInput::Nothing);
                }
                Err(_) => return Err(self.ended()),
            };
            self.wire += len;
            let bytes = buffer.get(..len).unwrap_or_default();
            #[cfg(feature = "tls")]
            let bytes = &self.decrypt(bytes)?[..];
            if !bytes.is_empty() {
                return Ok(LinkInput::Bytes(bytes.to_vec()));
            }
        }
    }

    /// Why there is nothing more to read: a server that ends the connection amid the handshake speaks no
    /// TLS that we do.
    fn ended(&self) -> Failure {
        #[cfg(feature = "tls")]
        if self.tls.as_ref().is_some_and(|wrapped| !wrapped.tls.is_established()) {
            return Failure::NoTls;
        }
        Failure::Closed
    }

    /// Plaintext of `bytes`; nothing while they are of the handshake.
    #[cfg(feature = "tls")]
    fn decrypt(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let Some(wrapped) = &mut self.tls else { return Ok(bytes.to_vec()) };
        let mut plain = Vec::new();
        let received = wrapped.tls.receive(bytes, &mut plain, PROBE_READ_BYTES);
        let established = wrapped.tls.is_established();
        let flushed = self.flush();
        if received.is_err() && plain.is_empty() {
            return Err(if established { Failure::Closed } else { Failure::NoTls });
        }
        flushed.map(|()| plain)
    }
}
