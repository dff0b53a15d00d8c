//! Files and streams of bounded size, read whole.
//!
//! Not by `read_to_end`, of which std has a copy for each kind of reader, and guesses at the size of what is left: 4 KB of
//! flash on MIPS.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::io_error::in_words;
use crate::limits::SYSTEM_FILE_BYTES;

/// The first `most` bytes of what `from` has.
///
/// # Errors
/// Those of reading.
pub fn all(mut from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    chunks(&mut |chunk| from.read(chunk), usize::try_from(most).unwrap_or(usize::MAX))
}

fn chunks(read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>, most: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    while bytes.len() < most {
        match read(&mut chunk) {
            Ok(0) => break,
            Ok(len) => bytes.extend_from_slice(chunk.get(..len.min(most - bytes.len())).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// The first `most` bytes of the file at `path`.
///
/// # Errors
/// It can't be opened or read.
pub fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    all(File::open(path)?, most)
}

/// The first `most` bytes of the file at `path`, as text.
///
/// # Errors
/// It can't be opened or read, or is no UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    into_text(bytes(path, most)?)
}

/// A file of the system, as text.
///
/// # Errors
/// As [`text`].
pub fn system_text(path: &str) -> io::Result<String> {
    text(path.as_ref(), SYSTEM_FILE_BYTES)
}

/// `bytes` as text.
///
/// # Errors
/// They are no UTF-8.
pub fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| in_words(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_wanted() {
        let long = vec![7; 10_000];
        for most in [0, 1, 4_095, 4_096, 4_097, 9_999, 10_000, 10_001] {
            assert_eq!(all(&long[..], most).unwrap(), long[..long.len().min(most as usize)], "{most}");
        }
        assert!(into_text(b"\xff".to_vec()).is_err());
    }
}
