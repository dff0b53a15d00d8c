//! The system log: lines with real priorities, as `logread -l` and a log server tell them apart.
//!
//! What a service writes to its standard error, procd logs as errors all alike. So the daemon speaks the
//! protocol of `/dev/log`: priority (RFC 3164 section 4.1.1), time stamp (4.1.2) and tag, as busybox's `logger`
//! writes them. OpenWrt's logd drops the first 16 bytes of a message whose 16th is a blank, since it takes them for
//! a stamp; without one the beginning of a text would go. The process id is left out: in a jail it is always 1.
//!
//! It never waits: a line that the log can't take at once is lost. A jail shows the socket that was there when it
//! was made, and after a restart of logd that one is dead for good. Then the lines go to standard output and
//! standard error, which procd takes to the log as information and errors, with the level as first word.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use log::{Level, Log, Metadata, Record};

use crate::limits::LOG_LINE_MAX_BYTES;
use crate::util::calendar::rfc3339;
use crate::util::wall_clock::unix_seconds;

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
                // Its buffer is full: the log is slower than the daemon, and standard error leads to it too.
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
        let line = format!("<{}>{} minewall: {text}", priority(record.level()), stamp(unix_seconds()));
        if self.send(&line).is_err() {
            // Where these are gone as well, `println` would panic.
            let _ = match record.level() {
                Level::Error | Level::Warn => {
                    writeln!(io::stderr(), "{}: {text}", level_name(record.level()))
                }
                _ => writeln!(io::stdout(), "{}: {text}", level_name(record.level())),
            };
        }
    }

    fn flush(&self) {}
}

/// Socket of syslogd and of OpenWrt's logd.
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

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug | Level::Trace => "debug",
    }
}

/// `Nov  9 05:10:50`, in UTC: RFC 3164 section 4.1.2, without the blank that follows it.
fn stamp(unix_seconds: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = rfc3339(unix_seconds);
    let number =
        |from: usize| time.get(from..from + 2).and_then(|digits| digits.parse().ok()).unwrap_or(1usize);
    let month = MONTHS.get(number(5).wrapping_sub(1)).unwrap_or(&MONTHS[0]);
    format!("{month} {:2} {}", number(8), time.get(11..19).unwrap_or("00:00:00"))
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

    /// Priority and text of a message: logd (ubox, syslog.c) takes the priority off, then 16 bytes if the last of them
    /// is a blank.
    fn as_logd_reads(message: &str) -> String {
        let (priority, rest) = message.split_at(message.find('>').unwrap() + 1);
        let text = if rest.as_bytes().get(15) == Some(&b' ') { &rest[16..] } else { rest };
        format!("{priority}{text}")
    }

    #[test]
    fn stamps_have_fifteen_bytes() {
        assert_eq!(stamp(1_794_201_050), "Nov  9 05:10:50");
        assert_eq!(stamp(1_798_761_599), "Dec 31 23:59:59");
        assert_eq!(stamp(0), "Jan  1 00:00:00");
    }

    /// The packet loop must not end because no reader of the log is left. The test runs itself, with a standard error
    /// that is not read.
    #[test]
    fn a_log_that_is_not_read_ends_nothing() {
        const INSIDE: &str = "MINEWALL_TEST_NO_STDERR";
        if std::env::var_os(INSIDE).is_some() {
            say(&Syslog::new(Path::new("/nonexistent/log")), Level::Error, "to whom?");
            return;
        }
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "daemon::syslog::tests::a_log_that_is_not_read_ends_nothing", "--nocapture"])
            .env(INSIDE, "1")
            .stdout(std::process::Stdio::piped())
            .stderr(writer)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", run.status);
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "the test did not run itself");
    }

    #[test]
    fn lines_bear_their_priority_and_find_a_log_that_was_restarted() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("log");
        let syslog = Syslog::new(&path);
        say(&syslog, Level::Error, "goes to standard error");
        for round in ["first", "second"] {
            let log = UnixDatagram::bind(&path).unwrap();
            let mut buffer = [0; 4_096];
            let mut heard = || {
                let len = log.recv(&mut buffer).unwrap();
                as_logd_reads(&String::from_utf8_lossy(&buffer[..len]))
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
