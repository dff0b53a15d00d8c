//! Small files that outlive a power loss, whole or not at all.
//!
//! Text behind a first line with a name, a version and a checksum. It is written beside the old file,
//! synced, and renamed over it, so that after a power loss there is the old one or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::bounded_read;
use super::crc32::crc32;
use super::io_error::in_words;

/// Writes `body` to `path`, behind `head` (`NAME VERSION `).
///
/// # Errors
/// The directory can't be made, or the file not be written, synced or renamed.
pub(crate) fn save(path: &Path, head: &str, body: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    // What is known of hosts and servers is the owner's alone.
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(seal(head, body).as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The directory holds the name.
    File::open(directory)?.sync_all()
}

/// Reads what [`save`] has written to `path`, at most `max_bytes` of it.
///
/// # Errors
/// There is none ([`io::ErrorKind::NotFound`]), it can't be read, or it is damaged.
pub(crate) fn load(path: &Path, head: &str, max_bytes: u64) -> io::Result<String> {
    let text = bounded_read::text(path, max_bytes)?;
    unseal(head, &text).map(str::to_owned).ok_or_else(damaged)
}

/// The error for contents that make no sense.
pub(crate) fn damaged() -> io::Error {
    in_words(io::ErrorKind::InvalidData, "damaged")
}

/// `body` behind its first line.
pub(crate) fn seal(head: &str, body: &str) -> String {
    format!("{head}{:08x}\n{body}", crc32(body.as_bytes()))
}

/// The body of a text that [`seal`] has made, if it is unchanged.
pub(crate) fn unseal<'a>(head: &str, text: &'a str) -> Option<&'a str> {
    let (first, body) = text.split_once('\n')?;
    let sum = u32::from_str_radix(first.strip_prefix(head)?, 16).ok()?;
    (sum == crc32(body.as_bytes())).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_ends_in_the_checksum() {
        assert_eq!(seal("x 1 ", ""), "x 1 00000000\n");
    }

    #[test]
    fn another_s_file_is_damaged() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("durable");
        save(&path, "ours 1 ", "a line\n").expect("saved");
        assert_eq!(load(&path, "ours 1 ", 100).expect("whole"), "a line\n");
        assert_eq!(fs::metadata(&path).expect("saved").permissions().mode() & 0o777, 0o600);
        for (head, max_bytes) in [("ours 2 ", 100), ("ours 1 ", 20)] {
            let error = load(&path, head, max_bytes).expect_err("not ours, or too long");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        fs::remove_file(&path).expect("it is there");
        assert_eq!(load(&path, "ours 1 ", 100).expect_err("gone").kind(), io::ErrorKind::NotFound);
    }
}
