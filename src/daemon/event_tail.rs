//! The latest events, read back from the event log.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use crate::config::Config;
use crate::limits::EVENT_LINE_MAX_BYTES;
use crate::util::bounded_read;

/// The latest `count` lines of the event log of `config`, the oldest first: of the file and, if that has
/// too few, of the one that was rotated last. A log that can't be read has none.
pub fn events(config: &Config, count: usize) -> Vec<String> {
    let mut rotated = config.event_log.clone().into_os_string();
    rotated.push(".1");
    let mut lines = tail(&config.event_log, count);
    if lines.len() < count {
        let mut older = tail(rotated.as_ref(), count - lines.len());
        older.append(&mut lines);
        lines = older;
    }
    lines
}

/// The last `count` lines of the file, from its last bytes.
fn tail(path: &Path, count: usize) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        // A line and its end; one more byte shows whether the first line read is whole.
        let wanted = (count * (EVENT_LINE_MAX_BYTES + 1) + 1) as u64;
        file.seek(SeekFrom::Start(len.saturating_sub(wanted)))?;
        let mut bytes = bounded_read::all(file, wanted)?;
        if len > wanted {
            let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.drain(..end);
        }
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> =
        text.lines().rev().filter(|line| !line.is_empty()).take(count).map(str::to_owned).collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_lines_come_from_both_files_in_order() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let path = directory.join("events");
        let text = format!("config minewall\noption event_log '{}'\n", path.display());
        let config = crate::config::parse(Path::new("test"), text.as_bytes()).unwrap().config;
        assert_eq!(events(&config, 5), [""; 0]);
        std::fs::write(directory.join("events.1"), "1\n2\n3\n").unwrap();
        std::fs::write(&path, "4\n5\n").unwrap();
        assert_eq!(events(&config, 4), ["2", "3", "4", "5"]);
        assert_eq!(events(&config, 1), ["5"]);
        // A line of unusual length pushes the others out, and is not cut.
        std::fs::write(&path, format!("{}\n6\n", "x".repeat(9_999))).unwrap();
        assert_eq!(events(&config, 1), ["6"]);
    }
}
