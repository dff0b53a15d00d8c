//! The system log: lines with real priorities, as `logread -l` and a log server tell them apart.
//!
//! What a service writes to its standard error, procd logs as errors all alike. So the daemon speaks the
//! protocol of `/dev/log` (RFC 3164 section 4.1, without time and host, which logd adds, and without the process, which in a jail is
//! always 1) and falls back to
//! standard error. It never waits: a line that the log can't take at once is lost.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use log::{Level, Log, Metadata, Record};

use crate::limits::LOG_LINE_MAX_BYTES;

/// A logger that writes to the socket of the system log.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    /// None until it can be reached; logd makes a new socket when it is restarted. The packet loop and the
    /// probing thread share it for as long as one system call takes.
    socket: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    /// A logger for the socket at `path`, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Syslog { path: path.into(), socket: Mutex::new(connect(path).ok()) }
    }

    /// Makes it the program's logger.
    ///
    /// # Errors
    /// There is another one already.
    pub fn install(self) -> Result<(), log::SetLoggerError> {
        log::set_boxed_logger(Box::new(self))
    }

    /// Sends `line`; a socket that is gone is looked for once more.
    fn send(&self, line: &str) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(open) = socket.as_ref() {
            match open.send(line.as_bytes()) {
                Ok(_) => return Ok(()),
                // Its buffer is full: the log is slower than we are, and standard error leads to it too.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => *socket = None,
            }
        }
        let open = connect(&self.path)?;
        open.send(line.as_bytes())?;
        *socket = Some(open);
        Ok(())
    }
}

impl Log for Syslog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let text = one_line(record);
        if self.send(&format!("<{}>minewall: {text}", priority(record.level()))).is_err() {
            // Where that is gone as well, `eprintln` would panic.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    fn flush(&self) {}
}

/// Where syslogd and OpenWrt's logd listen.
pub const SYSLOG_SOCKET: &str = "/dev/log";

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

/// Facility daemon (3) and severity, RFC 3164 section 4.1.1.
fn priority(level: Level) -> u8 {
    const DAEMON: u8 = 3 << 3;
    DAEMON
        + match level {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        }
}

/// The text of `record`, without what would end or disguise a line of the log.
fn one_line(record: &Record<'_>) -> String {
    let mut text = String::new();
    // A String takes everything.
    let _ = write!(text, "{}", record.args());
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > LOG_LINE_MAX_BYTES {
        let end = (0..=LOG_LINE_MAX_BYTES).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(syslog: &Syslog, level: Level, text: &str) {
        syslog.log(&Record::builder().level(level).args(format_args!("{text}")).build());
    }

    /// The packet loop must not end because there is nobody left to complain to. The test runs itself, with a
    /// standard error that nobody reads.
    #[test]
    fn a_log_that_nobody_takes_ends_nothing() {
        const INSIDE: &str = "MINEWALL_TEST_NO_STDERR";
        if std::env::var_os(INSIDE).is_some() {
            say(&Syslog::new(Path::new("/nonexistent/log")), Level::Error, "to whom?");
            return;
        }
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "run::syslog::tests::a_log_that_nobody_takes_ends_nothing", "--nocapture"])
            .env(INSIDE, "1")
            .stdout(std::process::Stdio::null())
            .stderr(writer)
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
    }

    #[test]
    fn lines_bear_their_priority_and_find_a_log_that_was_restarted() {
        let path = std::env::temp_dir().join(format!("minewall-syslog-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let syslog = Syslog::new(&path);
        say(&syslog, Level::Error, "goes to standard error");
        for round in ["first", "second"] {
            let log = UnixDatagram::bind(&path).unwrap();
            let mut buffer = [0; 4_096];
            let mut heard = || {
                let len = log.recv(&mut buffer).unwrap();
                String::from_utf8_lossy(&buffer[..len]).into_owned()
            };
            say(&syslog, Level::Warn, round);
            assert_eq!(heard(), format!("<28>minewall: {round}"));
            say(&syslog, Level::Info, "two\nlines");
            assert_eq!(heard(), "<30>minewall: two lines");
            say(&syslog, Level::Error, &"é".repeat(LOG_LINE_MAX_BYTES));
            let long = heard();
            assert!(long.starts_with("<27>") && long.ends_with('é') && long.len() < LOG_LINE_MAX_BYTES + 40);
            drop(log);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
