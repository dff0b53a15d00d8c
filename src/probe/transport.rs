//! The session's way to the network: one connection at a time, blocking with deadlines.
//!
//! It runs in the worker's thread or in `minewall probe`, never in the packet path.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::session::{Action, Session};
use super::strategy::Failure;
#[cfg(feature = "tls")]
use super::tls;
use super::{Outcome, Target, random};
#[cfg(feature = "tls")]
use crate::limits::PROBE_READ_BYTES;
use crate::limits::{PROBE_CONNECT_WAIT, PROBE_WIRE_BYTES};
use crate::time::Instant;

/// What all probes share.
#[derive(Debug)]
pub struct Dialler {
    /// Mark of the probe's own packets; the rule set lets them pass unwatched.
    mark: u32,
    #[cfg(feature = "tls")]
    tls: Option<tls::Client>,
}

impl Dialler {
    /// A dialler whose packets carry `mark`.
    pub fn new(mark: u32) -> Self {
        Dialler {
            mark,
            #[cfg(feature = "tls")]
            tls: tls::Client::new().inspect_err(|error| log::error!("no TLS for probes: {error}")).ok(),
        }
    }

    /// Probes `target`; takes up to [`crate::limits::PROBE_TOTAL_WAIT`] by the clock `now`.
    pub fn probe(&self, target: &Target, now: impl Fn() -> Instant) -> Outcome {
        let mut key = [0; 64];
        if let Err(error) = random(&mut key) {
            return Outcome::inconclusive(None, &format!("no random numbers: {error}"));
        }
        let mut session = Session::new(target, key, now());
        let mut link = None;
        loop {
            match session.poll(now()) {
                Action::Done(outcome) => return outcome,
                Action::Connect { tls } => {
                    link = None;
                    match self.dial(target, tls) {
                        Ok(new) => {
                            if !tls {
                                session.connected(false, now());
                            }
                            link = Some(new);
                        }
                        Err(failure) => session.handle_failure(failure, now()),
                    }
                }
                Action::Transmit(words) => {
                    if let Some(Err(failure)) = link.as_mut().map(|link: &mut Link| link.send(&words)) {
                        session.handle_failure(failure, now());
                    }
                }
                Action::Wait(until) => {
                    let Some(link) = &mut link else {
                        // No connection, nothing to wait for: the session has been told of its failure.
                        session.handle_failure(Failure::Unreachable, now());
                        continue;
                    };
                    let left = until.micros().saturating_sub(now().micros());
                    match link.receive(Duration::from_micros(left)) {
                        Ok(Heard::Nothing) => {}
                        #[cfg(feature = "tls")]
                        Ok(Heard::Established) => session.connected(true, now()),
                        Ok(Heard::Bytes(bytes)) => session.handle_input(&bytes, now()),
                        Err(failure) => session.handle_failure(failure, now()),
                    }
                }
            }
        }
    }

    fn dial(&self, target: &Target, tls: bool) -> Result<Link, Failure> {
        let addr = SocketAddr::new(target.server.addr(), target.server.port());
        let connect = || -> std::io::Result<TcpStream> {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
            // Without CAP_NET_ADMIN (a user's own shell) the packets are watched like any other.
            let _ = socket.set_mark(self.mark);
            socket.connect_timeout(&addr.into(), PROBE_CONNECT_WAIT)?;
            Ok(socket.into())
        };
        let socket = connect().map_err(|_| Failure::Unreachable)?;
        let link = Link {
            socket,
            wire: 0,
            #[cfg(feature = "tls")]
            tls: None,
        };
        if tls { self.wrap(link, target) } else { Ok(link) }
    }

    #[cfg(feature = "tls")]
    fn wrap(&self, mut link: Link, target: &Target) -> Result<Link, Failure> {
        let client = self.tls.as_ref().ok_or(Failure::NoTls)?;
        let connection = client.connect(target.server.addr(), target.sni.as_deref());
        link.tls = Some(Box::new(Wrapped { tls: connection.map_err(|_| Failure::NoTls)?, told: false }));
        link.flush()?;
        Ok(link)
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, clippy::needless_pass_by_value, reason = "the twin above uses them")]
    fn wrap(&self, _link: Link, _target: &Target) -> Result<Link, Failure> {
        Err(Failure::NoTls)
    }
}

/// One connection.
struct Link {
    socket: TcpStream,
    /// Bytes read off the wire.
    wire: usize,
    #[cfg(feature = "tls")]
    tls: Option<Box<Wrapped>>,
}

#[cfg(feature = "tls")]
struct Wrapped {
    tls: tls::Tls,
    /// The session knows that the handshake is done.
    told: bool,
}

enum Heard {
    Nothing,
    #[cfg(feature = "tls")]
    Established,
    Bytes(Vec<u8>),
}

impl Link {
    fn send(&mut self, words: &[u8]) -> Result<(), Failure> {
        #[cfg(feature = "tls")]
        if let Some(wrapped) = &mut self.tls {
            wrapped.tls.send(words);
            return self.flush();
        }
        self.write(words)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // A few hundred bytes fit in the socket's buffer, so this doesn't wait.
        self.socket.write_all(bytes).map_err(|_| Failure::Closed)
    }

    fn receive(&mut self, patience: Duration) -> Result<Heard, Failure> {
        #[cfg(feature = "tls")]
        if let Some(wrapped) = &mut self.tls
            && wrapped.tls.is_established()
            && !wrapped.told
        {
            wrapped.told = true;
            return Ok(Heard::Established);
        }
        let mut buffer = [0; 2_048];
        // A time of zero would mean no limit at all.
        let patience = patience.max(Duration::from_millis(1));
        if self.socket.set_read_timeout(Some(patience)).is_err() || self.wire >= PROBE_WIRE_BYTES {
            return Err(self.ended());
        }
        let len = match self.socket.read(&mut buffer) {
            Ok(0) => return Err(self.ended()),
            Ok(len) => len,
            Err(error) => {
                let is_wait = matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                );
                return if is_wait { Ok(Heard::Nothing) } else { Err(self.ended()) };
            }
        };
        self.wire += len;
        let bytes = buffer.get(..len).unwrap_or_default();
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return self.decrypt(bytes);
        }
        Ok(Heard::Bytes(bytes.to_vec()))
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

    #[cfg(feature = "tls")]
    fn decrypt(&mut self, bytes: &[u8]) -> Result<Heard, Failure> {
        let Some(wrapped) = &mut self.tls else { return Ok(Heard::Nothing) };
        let mut plain = Vec::new();
        let received = wrapped.tls.receive(bytes, &mut plain, PROBE_READ_BYTES);
        let established = wrapped.tls.is_established();
        let flushed = self.flush();
        if received.is_err() && plain.is_empty() {
            return Err(if established { Failure::Closed } else { Failure::NoTls });
        }
        flushed?;
        Ok(if plain.is_empty() { Heard::Nothing } else { Heard::Bytes(plain) })
    }

    #[cfg(feature = "tls")]
    fn flush(&mut self) -> Result<(), Failure> {
        let mut wire = Vec::new();
        if let Some(wrapped) = &mut self.tls {
            wrapped.tls.take_output(&mut wire);
        }
        if wire.is_empty() { Ok(()) } else { self.write(&wire) }
    }
}
