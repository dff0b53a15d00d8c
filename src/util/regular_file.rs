//! Files that a configuration names.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::io_error::in_words;

/// Opens the regular file at `path` for reading. Never waits, as the open of a FIFO without a writer would.
///
/// # Errors
/// It can't be opened, or is something else: a FIFO, a device, a directory.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(in_words(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}
