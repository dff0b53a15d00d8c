//! The control socket: a line in, an answer out, or a stream of lines for as long as the client listens.
//!
//! A Unix stream socket that only its owner may open (mode 0600). A client sends one [`Request`], a word
//! and its arguments in one line, and reads the answer to its end. The answer's first line is the word of
//! an [`RequestOutcome`], the rest is text for the client. Two requests are answered with a stream: after `ok`
//! a line follows whenever there is something to tell, until either side goes.
//!
//! The daemon's end never waits: what a client doesn't take at once waits in memory, up to a bound.

pub(super) mod handlers;
mod knowledge;
mod request;
mod server;

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use knowledge::of_files;
pub use request::{Offer, Request};
pub use server::{Control, Reply, Stream};

use crate::limits::{CONTROL_ANSWER_BYTES, CONTROL_PATIENCE};
use crate::util::bounded_read;
use crate::util::named::named;

named! {
    /// Outcome of a request.
    pub enum RequestOutcome {
        /// Done, or found.
        Done = "ok",
        /// There is nothing of the kind.
        Nothing = "none",
        /// The daemon refuses; the text says why.
        Refused = "refused",
    }
}

/// An answer: what became of the request, and text for people or programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAnswer {
    /// Outcome of the request.
    pub outcome: RequestOutcome,
    /// Whole lines, or nothing.
    pub text: String,
}

impl ControlAnswer {
    /// [`RequestOutcome::Done`].
    pub fn done(text: impl Into<String>) -> Self {
        ControlAnswer { outcome: RequestOutcome::Done, text: text.into() }
    }

    /// [`RequestOutcome::Nothing`].
    pub fn nothing(text: impl Into<String>) -> Self {
        ControlAnswer { outcome: RequestOutcome::Nothing, text: text.into() }
    }

    /// Appends `line`.
    pub fn with(mut self, line: &str) -> Self {
        self.text.push_str(line);
        self
    }

    /// [`RequestOutcome::Refused`], for the reason `why`, which has no line feed.
    pub fn refused(why: impl core::fmt::Display) -> Self {
        ControlAnswer { outcome: RequestOutcome::Refused, text: format!("{why}\n") }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// No daemon listens.
    NotRunning(String),
    /// Something else; the cause in words.
    Failed(String),
}

impl core::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (Unanswered::NotRunning(why) | Unanswered::Failed(why)) = self;
        f.write_str(why)
    }
}

/// Asks the daemon that listens at `path`; not for a stream.
///
/// # Errors
/// No daemon listens, or the socket belongs to another user, or the daemon has no place for another client.
pub fn ask(path: &Path, request: &Request) -> Result<ControlAnswer, Unanswered> {
    let answer = open(path, request, Some(CONTROL_PATIENCE))?;
    let text = bounded_read::all(answer, CONTROL_ANSWER_BYTES as u64).and_then(bounded_read::into_text);
    let text = text.map_err(|error| explain(path, &error))?;
    let (head, text) = text.split_once('\n').ok_or_else(|| cut_short(path))?;
    let outcome = RequestOutcome::from_name(head).ok_or_else(|| cut_short(path))?;
    Ok(ControlAnswer { outcome, text: text.into() })
}

/// Asks the daemon that listens at `path` for a stream: its lines, to be read at leisure. The reader ends
/// when the daemon does.
///
/// # Errors
/// As [`ask`].
pub fn follow(path: &Path, request: &Request) -> Result<BufReader<UnixStream>, Unanswered> {
    let mut answer = BufReader::new(open(path, request, None)?);
    let mut head = String::new();
    answer.read_line(&mut head).map_err(|error| explain(path, &error))?;
    if head.trim_end() == RequestOutcome::Done.name() {
        return Ok(answer);
    }
    let why = bounded_read::all(answer, CONTROL_ANSWER_BYTES as u64).and_then(bounded_read::into_text);
    let why = why.unwrap_or_default();
    Err(if why.is_empty() { cut_short(path) } else { Unanswered::Failed(why.trim_end().into()) })
}

fn open(path: &Path, request: &Request, patience: Option<Duration>) -> Result<UnixStream, Unanswered> {
    let connect = || {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(patience)?;
        stream.write_all(format!("{request}\n").as_bytes())?;
        Ok(stream)
    };
    connect().map_err(|error| explain(path, &error))
}

fn explain(path: &Path, error: &io::Error) -> Unanswered {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            let why = format!("no minewall is running (no answer at {})", path.display());
            Unanswered::NotRunning(why)
        }
        _ => Unanswered::Failed(format!("{}: {error}", path.display())),
    }
}

fn cut_short(path: &Path) -> Unanswered {
    Unanswered::Failed(format!("{}: the daemon went away, or has too many clients", path.display()))
}
