//! The control socket: a line in, an answer out.
//!
//! A Unix stream socket that only its owner may open (mode 0600). A client sends one request, a
//! word ended by a line feed, and reads the answer to its end.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::Mode;
use rustix::process::umask;

use crate::limits::{CONTROL_CLIENTS, CONTROL_PATIENCE, CONTROL_REQUEST_BYTES};

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The state of the daemon, for a person.
    Status,
    /// The same as JSON.
    StatusJson,
}

impl Request {
    const ALL: [Request; 2] = [Request::Status, Request::StatusJson];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Request::Status => "status",
            Request::StatusJson => "status-json",
        }
    }

    fn parse(line: &[u8]) -> Option<Self> {
        Request::ALL.into_iter().find(|request| request.word().as_bytes() == line)
    }
}

/// The daemon's end.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    listener: UnixListener,
    clients: Vec<Client>,
}

/// A client that has not finished its request.
#[derive(Debug)]
struct Client {
    stream: UnixStream,
    request: Vec<u8>,
    since: Instant,
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
        Ok(Control { path: path.into(), listener, clients: Vec::new() })
    }

    /// The descriptors to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        core::iter::once(self.listener.as_fd()).chain(self.clients.iter().map(|client| client.stream.as_fd()))
    }

    /// Whether a client has not finished its request.
    pub fn has_clients(&self) -> bool {
        !self.clients.is_empty()
    }

    /// Takes what has arrived and answers what is complete. Never waits.
    pub fn serve(&mut self, mut answer: impl FnMut(Request) -> String) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < CONTROL_CLIENTS && stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, request: Vec::new(), since: Instant::now() });
            }
        }
        self.clients.retain_mut(|client| match client.read() {
            Progress::Waiting => client.since.elapsed() < CONTROL_PATIENCE,
            Progress::Gone => false,
            Progress::Asked(request) => {
                let text = match request {
                    Some(request) => answer(request),
                    None => "unknown request\n".into(),
                };
                // An answer fits the socket's buffer, or its reader is not worth waiting for.
                if let Err(error) = client.stream.write_all(text.as_bytes()) {
                    log::debug!("a control client did not take its answer: {error}");
                }
                false
            }
        });
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("{} stays behind: {error}", self.path.display());
        }
    }
}

enum Progress {
    Waiting,
    Asked(Option<Request>),
    Gone,
}

impl Client {
    fn read(&mut self) -> Progress {
        let mut buffer = [0; CONTROL_REQUEST_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Progress::Gone,
                Ok(len) => {
                    self.request.extend(buffer.iter().take(len));
                    if let Some(end) = self.request.iter().position(|&byte| byte == b'\n') {
                        self.request.truncate(end);
                        return Progress::Asked(Request::parse(&self.request));
                    }
                    if self.request.len() > CONTROL_REQUEST_BYTES {
                        return Progress::Asked(None);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Progress::Gone,
            }
        }
    }
}

/// Asks the daemon that listens at `path`.
///
/// # Errors
/// The cause in words: nobody listens, or the socket belongs to somebody else.
pub fn ask(path: &Path, request: Request) -> Result<String, String> {
    let explain = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("no minewall is running (nobody answers at {})", path.display())
        }
        _ => format!("{}: {error}", path.display()),
    };
    let mut stream = UnixStream::connect(path).map_err(explain)?;
    stream.set_read_timeout(Some(CONTROL_PATIENCE)).map_err(explain)?;
    stream.write_all(format!("{}\n", request.word()).as_bytes()).map_err(explain)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(explain)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("minewall-control-{name}-{}.sock", std::process::id()))
    }

    #[test]
    fn a_question_is_answered_and_a_silent_client_delays_nobody() {
        let path = path("answer");
        let mut control = Control::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let _silent = UnixStream::connect(&path).unwrap();
        let done = AtomicBool::new(false);
        let answer = std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let answer = ask(&path, Request::StatusJson);
                done.store(true, Ordering::Release);
                answer
            });
            while !done.load(Ordering::Acquire) {
                control.serve(|request| format!("{request:?}"));
                std::thread::yield_now();
            }
            asking.join().unwrap()
        });
        assert_eq!(answer.as_deref(), Ok("StatusJson"));
        drop(control);
        assert!(ask(&path, Request::Status).unwrap_err().contains("no minewall is running"));
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
        let path = path("stale");
        drop(UnixListener::bind(&path).unwrap());
        let _control = Control::bind(&path).unwrap();
        assert!(Control::bind(&path).unwrap_err().contains("another minewall"));
    }

    #[test]
    fn what_is_no_socket_is_not_replaced() {
        let path = path("file");
        fs::write(&path, "precious").unwrap();
        assert!(Control::bind(&path).unwrap_err().contains("not a socket"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn an_endless_request_is_refused() {
        let path = path("endless");
        let mut control = Control::bind(&path).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&[b'x'; CONTROL_REQUEST_BYTES * 2]).unwrap();
        let mut text = String::new();
        for _ in 0..2 {
            control.serve(|_| unreachable!());
        }
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "unknown request\n");
    }
}
