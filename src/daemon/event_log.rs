//! Detections as JSON lines, in a file of bounded size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::problems::{Code, Problems};
use crate::util::json_object::JsonObject;

/// A detection as a line of the file. Every text is printable ASCII: bytes off the wire are
/// escaped before they get here.
#[derive(Clone, Debug)]
pub(super) struct EventLine<'a> {
    /// `detection`, or `suspicion`: of that, nothing is proven and nothing blocked.
    pub event: &'a str,
    /// Time of the detection, RFC 3339 in UTC.
    pub time: &'a str,
    /// Address of the infected host.
    pub client: &'a str,
    /// Hardware address of the client.
    pub mac: Option<&'a str>,
    /// Name of the client, from the DHCP leases.
    pub host: Option<&'a str>,
    /// `confirmed` where hardware address, address and lease agree, `conflict` where the lease of the address belongs
    /// to another hardware address (`host` is then that of the hardware address), else `unconfirmed`. A capture has
    /// no leases to compare with.
    pub identity: Option<&'a str>,
    /// Address and port of the pool.
    pub server: &'a str,
    /// Whether it is that itself: no proxy, and no host that serves others, as far as can be seen.
    pub server_is_pool: bool,
    /// The name by which the host called it.
    pub server_name: Option<&'a str>,
    /// The server that the host asked `server` for, a proxy.
    pub target: Option<&'a str>,
    /// The protocol.
    pub dialect: &'a str,
    /// Coin or algorithm, where the wire told.
    pub coin: Option<&'a str>,
    /// The miner's own name.
    pub agent: Option<&'a str>,
    /// The wallet, shortened.
    pub wallet: Option<&'a str>,
    /// `dpi`, `probe`, `intel` or `hmm`.
    pub source: &'a str,
    /// Evidence, as text.
    pub evidence: &'a str,
    /// Probability of mining in percent, of a suspicion by sizes and times.
    pub probability: Option<u8>,
    /// `blocked`, `monitored` or `suspected`.
    pub verdict: &'a str,
    /// Packets with payload until then.
    pub payload_packets: u16,
}

impl EventLine<'_> {
    pub(super) fn to_json(&self) -> String {
        let mut line = JsonObject::default();
        line.text("event", self.event);
        line.text("time", self.time);
        line.text("client", self.client);
        line.text_or_null("mac", self.mac);
        line.text_or_null("host", self.host);
        if let Some(identity) = self.identity {
            line.text("identity", identity);
        }
        line.text("server", self.server);
        line.flag("server_is_pool", self.server_is_pool);
        line.text_or_null("server_name", self.server_name);
        if let Some(target) = self.target {
            line.text("target", target);
        }
        line.text("dialect", self.dialect);
        line.text_or_null("coin", self.coin);
        line.text_or_null("agent", self.agent);
        line.text_or_null("wallet", self.wallet);
        line.text("source", self.source);
        line.text("evidence", self.evidence);
        if let Some(probability) = self.probability {
            line.numbers(&[("probability", probability.into())]);
        }
        line.text("verdict", self.verdict);
        line.numbers(&[("payload_packets", self.payload_packets.into())]);
        line.finish()
    }
}

/// The file, and the older ones beside it: `events.jsonl`, `events.jsonl.1`, ...
#[derive(Debug)]
pub(super) struct EventLog {
    path: PathBuf,
    max_bytes: u64,
    rotations: u32,
    problems: Problems,
}

impl EventLog {
    /// A log at `path` that is rotated before it would exceed `max_bytes` (0: write nothing),
    /// with `rotations` older files kept.
    pub(super) fn new(path: &Path, max_bytes: u64, rotations: u32, problems: &Problems) -> Self {
        EventLog { path: path.into(), max_bytes, rotations, problems: problems.clone() }
    }

    /// Appends `line`, which has no line feed. A failure is a problem until a write succeeds.
    pub(super) fn write(&mut self, line: &str) {
        if self.max_bytes == 0 {
            return;
        }
        match self.try_write(line) {
            Ok(()) => self.problems.resolve_of(Code::File, SUBJECT),
            Err(error) => {
                let text = format!("events are not written to {}: {error}", self.path.display());
                self.problems.report(Code::File, SUBJECT, text);
            }
        }
    }

    /// The file is opened for each event: events are rare, and it may have been moved away.
    fn try_write(&mut self, line: &str) -> io::Result<()> {
        let len = line.len() as u64 + 2;
        let mut file = self.open()?;
        if file.metadata()?.len() + len > self.max_bytes {
            drop(file);
            self.rotate()?;
            file = self.open()?;
        }
        // The disk was full, or the power went, in the middle of the line before.
        let separator = if is_cut_short(&mut file)? { "\n" } else { "" };
        file.write_all(format!("{separator}{line}\n").as_bytes())
    }

    fn open(&self) -> io::Result<File> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        // The file holds wallets and hardware addresses, so other users on the router can't read it.
        OpenOptions::new().create(true).read(true).append(true).mode(0o640).open(&self.path)
    }

    fn rotate(&self) -> io::Result<()> {
        for age in (1..self.rotations).rev() {
            match fs::rename(self.aged(age), self.aged(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.rotations == 0 { fs::remove_file(&self.path) } else { fs::rename(&self.path, self.aged(1)) }
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }
}

/// The event log among the files that can't be written.
const SUBJECT: &str = "event_log";

/// Whether the last line of `file` has no end.
fn is_cut_short(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_log_never_outgrows_its_bounds() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("log");
        let path = directory.join("events.jsonl");
        let mut log = EventLog::new(&path, 100, 2, &Problems::default());
        for number in 0..50 {
            log.write(&format!("{{\"number\":{number},\"filler\":\"0123456789\"}}"));
        }
        let mut names: Vec<_> =
            fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort_unstable();
        assert_eq!(names, ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
        for name in names {
            let file = fs::metadata(directory.join(name)).unwrap();
            assert!(file.len() <= 100 && file.permissions().mode() & 0o007 == 0, "{file:?}");
        }
        assert!(fs::read_to_string(&path).unwrap().contains("\"number\":49"));
    }

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let path = directory.join("events.jsonl");
        fs::write(&path, "{\"whole\":1}\n{\"cut").unwrap();
        let mut log = EventLog::new(&path, 100, 1, &Problems::default());
        log.write("{\"next\":2}");
        log.write("{\"next\":3}");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"whole\":1}\n{\"cut\n{\"next\":2}\n{\"next\":3}\n");
    }

    #[test]
    fn a_log_that_cannot_be_written_does_no_harm() {
        let problems = Problems::default();
        let mut log = EventLog::new(Path::new("/proc/nothing/events.jsonl"), 100, 1, &problems);
        log.write("{}");
        log.write("{}");
        assert_eq!(problems.all().len(), 1);
        let scratch = tempfile::tempdir().unwrap();
        log.path = scratch.path().join("events.jsonl");
        log.write("{}");
        assert!(problems.all().is_empty());
        let mode = fs::metadata(&log.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "{mode:o}");
    }
}
