//! Errors of input and output in words of ours.

use core::fmt;
use std::borrow::Cow;
use std::io::{Error, ErrorKind};

/// The words. A `String` would do on a desk; what std writes of one for a debugger brings tables of Unicode, 4 KB of flash
/// on MIPS.
#[derive(Debug)]
struct InWords(Cow<'static, str>);

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InWords {}

/// An error of this kind that says `words`.
pub(crate) fn in_words(kind: ErrorKind, words: impl Into<Cow<'static, str>>) -> Error {
    Error::new(kind, InWords(words.into()))
}
