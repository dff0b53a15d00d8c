//! The daemon's end of the control socket.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::fs::Mode;
use rustix::process::umask;

use super::{Answer, Request};
use crate::limits::{
    CONTROL_ANSWER_BYTES, CONTROL_CLIENTS, CONTROL_FOLLOWERS, CONTROL_PATIENCE, CONTROL_REQUEST_BYTES,
    CONTROL_STREAM_BYTES,
};

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer, and that was it.
    Once(Answer),
    /// These lines, and whatever is published to the stream from now on.
    Stream(Stream, String),
}

/// What can be followed.
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
    clients: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    since: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What there is of the request.
    AwaitRequest(Vec<u8>),
    /// What it has not taken yet of an answer.
    AwaitTaking(Vec<u8>),
    /// The same of a stream, which goes on.
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
        Ok(Control { path: path.into(), listener, clients: Vec::new() })
    }

    /// The descriptors to wait for, and for what.
    pub fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let clients = self.clients.iter().map(|client| (client.stream.as_fd(), client.awaits()));
        core::iter::once((self.listener.as_fd(), PollFlags::IN)).chain(clients)
    }

    /// Whether a client has not finished its request, or not taken its answer: it is given up in time.
    pub fn has_clients(&self) -> bool {
        self.clients.iter().any(|client| !matches!(client.state, State::Following(..)))
    }

    /// Takes what has arrived, answers what is complete, hands over what is taken. Never waits.
    pub fn serve(&mut self, mut answer: impl FnMut(Request) -> Reply) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < CONTROL_CLIENTS && stream.set_nonblocking(true).is_ok() {
                let state = State::AwaitRequest(Vec::new());
                self.clients.push(Client { stream, since: Instant::now(), state });
            }
        }
        let mut places = CONTROL_FOLLOWERS - self.following().count();
        self.clients.retain_mut(|client| {
            if let State::AwaitRequest(_) = client.state {
                let reply = match client.read() {
                    Progress::Waiting => return client.since.elapsed() < CONTROL_PATIENCE,
                    Progress::Gone => return false,
                    Progress::Asked(None) => Reply::Once(Answer::refused("unknown request")),
                    Progress::Asked(Some(request)) => answer(*request),
                };
                client.state = match reply {
                    Reply::Stream(..) if places == 0 => {
                        State::AwaitTaking(on_the_wire(&Answer::refused("too many follow already")))
                    }
                    Reply::Stream(stream, lines) => {
                        places -= 1;
                        State::Following(stream, on_the_wire(&Answer::done(lines)))
                    }
                    Reply::Once(answer) => State::AwaitTaking(on_the_wire(&answer)),
                };
            }
            client.write()
        });
    }

    /// Tells `line`, which has no line feed, to those who follow `stream`. One who is too slow for what
    /// there is to tell is dropped.
    pub fn publish(&mut self, stream: Stream, line: &str) {
        self.clients.retain_mut(|client| match &mut client.state {
            State::Following(followed, waiting) if *followed == stream => {
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

    fn following(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(|client| matches!(client.state, State::Following(..)))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("{} stays behind: {error}", self.path.display());
        }
    }
}

fn on_the_wire(answer: &Answer) -> Vec<u8> {
    let mut bytes = format!("{}\n{}", answer.outcome.word(), answer.text).into_bytes();
    bytes.truncate(CONTROL_ANSWER_BYTES);
    bytes
}

enum Progress {
    Waiting,
    Asked(Option<Box<Request>>),
    Gone,
}

impl Client {
    fn awaits(&self) -> PollFlags {
        match &self.state {
            State::AwaitRequest(_) => PollFlags::IN,
            State::AwaitTaking(_) => PollFlags::OUT,
            // It has nothing more to say: readable it is once it has gone.
            State::Following(_, waiting) if waiting.is_empty() => PollFlags::IN,
            State::Following(..) => PollFlags::IN | PollFlags::OUT,
        }
    }

    fn read(&mut self) -> Progress {
        let State::AwaitRequest(request) = &mut self.state else { return Progress::Gone };
        let mut buffer = [0; CONTROL_REQUEST_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Progress::Gone,
                Ok(len) => {
                    request.extend(buffer.iter().take(len));
                    if let Some(end) = request.iter().position(|&byte| byte == b'\n') {
                        request.truncate(end);
                        let line = core::str::from_utf8(request).ok();
                        return Progress::Asked(line.and_then(|line| line.parse().ok()).map(Box::new));
                    }
                    if request.len() > CONTROL_REQUEST_BYTES {
                        return Progress::Asked(None);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Progress::Gone,
            }
        }
    }

    /// Hands over what it takes; whether it is to stay.
    fn write(&mut self) -> bool {
        let (waiting, follows) = match &mut self.state {
            State::AwaitRequest(_) => return true,
            State::AwaitTaking(waiting) => (waiting, false),
            State::Following(_, waiting) => (waiting, true),
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
mod tests {
    use super::*;
    use crate::run::control::{ask, follow};
    use std::io::BufRead;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("minewall-control-{name}-{}.sock", std::process::id()))
    }

    impl Client {
        fn waiting(&self) -> usize {
            match &self.state {
                State::Following(_, waiting) => waiting.len(),
                State::AwaitRequest(_) | State::AwaitTaking(_) => 0,
            }
        }
    }

    /// Serves `control` until `client` is through.
    fn with_server<T: Send>(
        control: &mut Control,
        mut reply: impl FnMut(Request) -> Reply,
        client: impl FnOnce() -> T + Send,
    ) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let answer = client();
                done.store(true, Ordering::Release);
                answer
            });
            while !done.load(Ordering::Acquire) {
                control.serve(&mut reply);
                std::thread::yield_now();
            }
            asking.join().unwrap()
        })
    }

    #[test]
    fn a_question_is_answered_and_a_silent_client_delays_nobody() {
        let path = path("answer");
        let mut control = Control::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let _silent = UnixStream::connect(&path).unwrap();
        let reply = |request| Reply::Once(Answer::nothing(format!("{request:?}")));
        let answer = with_server(&mut control, reply, || ask(&path, &Request::StatusJson));
        assert_eq!(answer.unwrap(), Answer::nothing("StatusJson"));
        drop(control);
        assert!(ask(&path, &Request::Status).unwrap_err().to_string().contains("no minewall is running"));
    }

    /// An answer larger than any socket's buffer, to a client that takes its time.
    #[test]
    fn a_long_answer_arrives_whole() {
        let path = path("long");
        let mut control = Control::bind(&path).unwrap();
        let text = "x".repeat(CONTROL_ANSWER_BYTES - 3);
        let reply = |_| Reply::Once(Answer::done(text.clone()));
        let answer = with_server(&mut control, reply, || ask(&path, &Request::ListJson));
        assert!(answer.unwrap().text == text);
        control.serve(|_| unreachable!());
        assert!(!control.has_clients());
    }

    #[test]
    fn who_follows_is_told_and_who_asks_something_else_is_not() {
        let path = path("follow");
        let mut control = Control::bind(&path).unwrap();
        let reply = |request| match request {
            Request::Follow => Reply::Stream(Stream::Events, String::new()),
            _ => Reply::Stream(Stream::Shared, "known\n".into()),
        };
        let (events, shared) = with_server(&mut control, reply, || {
            (follow(&path, &Request::Follow).unwrap(), follow(&path, &Request::FollowShared).unwrap())
        });
        control.publish(Stream::Events, "an event");
        control.publish(Stream::Shared, "a pool");
        drop(control);
        let lines = |stream: std::io::BufReader<UnixStream>| -> Vec<String> {
            stream.lines().map(Result::unwrap).collect()
        };
        assert_eq!(lines(events), ["an event"]);
        assert_eq!(lines(shared), ["known", "a pool"]);
    }

    /// However much there is to tell, the daemon's end takes bounded memory and never waits; those that
    /// read get every line.
    #[test]
    fn a_follower_that_does_not_read_is_dropped() {
        const LINES: usize = 40_000;
        let path = path("slow");
        let mut control = Control::bind(&path).unwrap();
        let reply = |_| Reply::Stream(Stream::Events, String::new());
        let (reads, _sleeps) = with_server(&mut control, reply, || {
            (follow(&path, &Request::Follow).unwrap(), follow(&path, &Request::Follow).unwrap())
        });
        let line = "e".repeat(100);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut lines = reads.lines();
                (lines.by_ref().map_while(Result::ok).take(LINES).count(), lines)
            });
            for _ in 0..LINES {
                control.publish(Stream::Events, &line);
                // The first reads, but may be slow to begin with.
                while control
                    .clients
                    .first()
                    .is_some_and(|client| client.waiting() > CONTROL_STREAM_BYTES / 2)
                {
                    control.serve(|_| unreachable!());
                }
            }
            while !reader.is_finished() {
                control.serve(|_| unreachable!());
            }
            let (told, _reads) = reader.join().unwrap();
            assert_eq!(told, LINES);
            assert_eq!(control.following().count(), 1, "only who reads");
        });
    }

    #[test]
    fn followers_leave_places_for_questions_and_are_forgotten_when_they_go() {
        let path = path("places");
        let mut control = Control::bind(&path).unwrap();
        let reply = |request| match request {
            Request::Follow => Reply::Stream(Stream::Events, String::new()),
            _ => Reply::Once(Answer::done("fine\n")),
        };
        let followers = with_server(&mut control, reply, || {
            let followers: Vec<_> =
                (0..CONTROL_FOLLOWERS).map(|_| follow(&path, &Request::Follow).unwrap()).collect();
            let why = follow(&path, &Request::Follow).unwrap_err().to_string();
            assert_eq!(why, "too many follow already");
            assert_eq!(ask(&path, &Request::Status).unwrap().text, "fine\n");
            followers
        });
        drop(followers);
        while control.following().count() > 0 {
            control.serve(|_| unreachable!());
        }
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
        assert_eq!(text, "refused\nunknown request\n");
    }
}
