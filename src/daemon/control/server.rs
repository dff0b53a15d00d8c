//! The daemon's end of the control socket.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::Mode;
use rustix::process::umask;

use super::{ControlAnswer, Request};
use crate::limits::{
    CONTROL_ANSWER_BYTES, CONTROL_CLIENTS, CONTROL_FOLLOWERS, CONTROL_PATIENCE, CONTROL_REQUEST_BYTES,
    CONTROL_STREAM_BYTES,
};

/// Reply to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer, and that was it.
    Once(ControlAnswer),
    /// These lines, then everything published to the stream from now on.
    Stream(Stream, String),
}

/// Streams that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Events, as they are logged.
    Events,
    /// Intelligence of this router's own making.
    Shared,
}

/// The daemon's end.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    listener: UnixListener,
    /// Without a free descriptor the listener stays readable; it is left alone until then.
    rests_until: Option<Instant>,
    clients: Vec<ControlClient>,
}

#[derive(Debug)]
struct ControlClient {
    stream: UnixStream,
    since: Instant,
    state: ClientState,
}

#[derive(Debug)]
enum ClientState {
    /// The request as far as it has arrived.
    AwaitRequest(Vec<u8>),
    /// The part of an answer that the client has not taken yet.
    AwaitTaking(Vec<u8>),
    /// The part of a stream that the client has not taken yet; the stream goes on.
    Following(Stream, Vec<u8>),
}

impl Control {
    /// Listens at `path`; a socket left behind by a daemon that is gone is replaced.
    ///
    /// # Errors
    /// The cause in words: another daemon listens there, or the path can't be used.
    pub fn bind(path: &Path) -> Result<Self, String> {
        let explain = |error: io::Error| format!("no control socket at {}: {error}", path.display());
        if UnixStream::connect(path).is_ok() {
            return Err(format!("another minewall answers at {}", path.display()));
        }
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(format!("{} is there already, and not a socket", path.display()));
            }
            Ok(_) => fs::remove_file(path).map_err(explain)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(explain(error)),
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(explain)?;
        }
        let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let listener = UnixListener::bind(path);
        umask(before);
        let listener = listener.map_err(explain)?;
        listener.set_nonblocking(true).map_err(explain)?;
        Ok(Control { path: path.into(), listener, rests_until: None, clients: Vec::new() })
    }

    /// The descriptors to wait for, and for what.
    pub fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let clients = self.clients.iter().map(|client| (client.stream.as_fd(), client.awaits()));
        let listens = self.rests_until.is_none_or(|until| Instant::now() >= until);
        listens.then_some((self.listener.as_fd(), PollFlags::IN)).into_iter().chain(clients)
    }

    /// Whether a client has not finished its request, or not taken its answer: it is given up in time.
    pub fn has_clients(&self) -> bool {
        self.clients.iter().any(|client| !matches!(client.state, ClientState::Following(..)))
    }

    /// Takes what has arrived, answers what is complete, hands over what is taken. Never waits.
    ///
    /// With no place left, a newcomer takes that of the client that has been silent for longest: any number of idle
    /// clients locks no other out.
    pub fn serve(&mut self, mut answer: impl FnMut(Request) -> Reply) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.clients.len() >= CONTROL_CLIENTS {
                        self.serve_clients(&mut answer);
                    }
                    self.admit(stream);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let is_empty = error.kind() == io::ErrorKind::WouldBlock;
                    self.rests_until = (!is_empty).then(|| Instant::now() + LISTENER_REST);
                    break;
                }
            }
        }
        self.serve_clients(&mut answer);
    }

    fn admit(&mut self, stream: UnixStream) {
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        if self.clients.len() >= CONTROL_CLIENTS {
            // The oldest come first.
            let is_silent = |client: &ControlClient| matches!(client.state, ClientState::AwaitRequest(_));
            match self.clients.iter().position(is_silent) {
                Some(at) => drop(self.clients.remove(at)),
                None => return,
            }
        }
        let state = ClientState::AwaitRequest(Vec::new());
        self.clients.push(ControlClient { stream, since: Instant::now(), state });
    }

    fn serve_clients(&mut self, answer: &mut impl FnMut(Request) -> Reply) {
        let mut places = CONTROL_FOLLOWERS - self.following().count();
        self.clients.retain_mut(|client| {
            if let ClientState::AwaitRequest(_) = client.state {
                let reply = match client.read() {
                    ClientProgress::Waiting => return client.since.elapsed() < CONTROL_PATIENCE,
                    ClientProgress::Gone => return false,
                    ClientProgress::Asked(None) => Reply::Once(ControlAnswer::refused("unknown request")),
                    ClientProgress::Asked(Some(request)) => answer(*request),
                };
                client.state = match reply {
                    Reply::Stream(..) if places == 0 => ClientState::AwaitTaking(on_the_wire(
                        &ControlAnswer::refused("too many follow already"),
                    )),
                    Reply::Stream(stream, lines) => {
                        places -= 1;
                        ClientState::Following(stream, on_the_wire(&ControlAnswer::done(lines)))
                    }
                    Reply::Once(answer) => ClientState::AwaitTaking(on_the_wire(&answer)),
                };
            }
            client.write()
        });
    }

    /// Tells `line`, which has no line feed, to those who follow `stream`. One who is too slow for what
    /// there is to tell is dropped.
    pub fn publish(&mut self, stream: Stream, line: &str) {
        self.clients.retain_mut(|client| match &mut client.state {
            ClientState::Following(followed, waiting) if *followed == stream => {
                if waiting.len() + line.len() >= CONTROL_STREAM_BYTES {
                    log::info!("a program that follows events is too slow and was dropped");
                    return false;
                }
                waiting.extend(line.bytes());
                waiting.push(b'\n');
                client.write()
            }
            _ => true,
        });
    }

    fn following(&self) -> impl Iterator<Item = &ControlClient> {
        self.clients.iter().filter(|client| matches!(client.state, ClientState::Following(..)))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("{} stays behind: {error}", self.path.display());
        }
    }
}

/// Pause of the listener after a failure.
const LISTENER_REST: Duration = Duration::from_secs(1);

fn on_the_wire(answer: &ControlAnswer) -> Vec<u8> {
    let mut bytes = format!("{}\n{}", answer.outcome.name(), answer.text).into_bytes();
    bytes.truncate(CONTROL_ANSWER_BYTES);
    bytes
}

enum ClientProgress {
    Waiting,
    Asked(Option<Box<Request>>),
    Gone,
}

impl ControlClient {
    fn awaits(&self) -> PollFlags {
        match &self.state {
            ClientState::AwaitRequest(_) => PollFlags::IN,
            ClientState::AwaitTaking(_) => PollFlags::OUT,
            // It has nothing more to say: readable it is once it has gone, and stays so until that is seen.
            ClientState::Following(_, waiting) if waiting.is_empty() => PollFlags::IN,
            ClientState::Following(..) => PollFlags::OUT,
        }
    }

    fn read(&mut self) -> ClientProgress {
        let ClientState::AwaitRequest(request) = &mut self.state else { return ClientProgress::Gone };
        let mut buffer = [0; CONTROL_REQUEST_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return ClientProgress::Gone,
                Ok(len) => {
                    request.extend(buffer.iter().take(len));
                    if let Some(end) = request.iter().position(|&byte| byte == b'\n') {
                        request.truncate(end);
                        let line = core::str::from_utf8(request).ok();
                        return ClientProgress::Asked(line.and_then(|line| line.parse().ok()).map(Box::new));
                    }
                    if request.len() > CONTROL_REQUEST_BYTES {
                        return ClientProgress::Asked(None);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ClientProgress::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return ClientProgress::Gone,
            }
        }
    }

    /// Hands over what it takes; whether it is to stay.
    fn write(&mut self) -> bool {
        let (waiting, follows) = match &mut self.state {
            ClientState::AwaitRequest(_) => return true,
            ClientState::AwaitTaking(waiting) => (waiting, false),
            ClientState::Following(_, waiting) => (waiting, true),
        };
        while !waiting.is_empty() {
            match self.stream.write(waiting) {
                Ok(len) => drop(waiting.drain(..len)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return follows || self.since.elapsed() < CONTROL_PATIENCE;
                }
                Err(_) => return false,
            }
        }
        // What a follower says is nothing to us, but its end is.
        follows && !matches!(self.stream.read(&mut [0; 16]), Ok(0))
    }
}

#[cfg(test)]
mod tests;
