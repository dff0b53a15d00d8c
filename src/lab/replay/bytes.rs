//! A window on a file, and numbers of either byte order in it.

use std::io::{self, Read};

use super::capture::DamageKind;

/// The part of a file that is being looked at.
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Window<R> {
    /// A window on the start of `source`.
    pub(crate) fn new(source: R) -> Self {
        Window { source, buffer: vec![0; CHUNK], start: 0, end: 0, offset: 0 }
    }

    /// Offset of the window in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes in sight.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether the file goes on.
    ///
    /// # Errors
    /// [`DamageKind::Io`].
    pub(crate) fn more(&mut self) -> Result<bool, DamageKind> {
        self.fill(1)
    }

    /// Brings at least `wanted` bytes in sight.
    ///
    /// # Errors
    /// [`DamageKind::Truncated`] if the file ends sooner, [`DamageKind::Io`].
    pub(crate) fn require(&mut self, wanted: usize) -> Result<(), DamageKind> {
        if self.fill(wanted)? { Ok(()) } else { Err(DamageKind::Truncated) }
    }

    /// Moves on by `len` of the bytes in sight.
    pub(crate) fn consume(&mut self, len: usize) {
        self.start = (self.start + len).min(self.end);
        self.offset += len as u64;
    }

    /// Moves on by `len` of the bytes in sight, and hands them over.
    pub(crate) fn take(&mut self, len: usize) -> &[u8] {
        let start = self.start;
        self.consume(len);
        self.buffer.get(start..self.start).unwrap_or_default()
    }

    fn fill(&mut self, wanted: usize) -> Result<bool, DamageKind> {
        if self.end - self.start >= wanted { Ok(true) } else { self.read(wanted) }
    }

    #[cold]
    fn read(&mut self, wanted: usize) -> Result<bool, DamageKind> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.end < wanted {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(len) => self.end += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DamageKind::Io(error.kind())),
            }
        }
        Ok(true)
    }
}

/// The byte order of a file, or of a section of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    /// Least significant byte first.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The 16-bit number at `at`.
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let field = array(bytes, at)?;
        Some(if self == ByteOrder::Big { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
    }

    /// The 32-bit number at `at`.
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let field = array(bytes, at)?;
        Some(if self == ByteOrder::Big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
    }

    /// The signed 64-bit number at `at`.
    pub(crate) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let field = array(bytes, at)?;
        Some(if self == ByteOrder::Big { i64::from_be_bytes(field) } else { i64::from_le_bytes(field) })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Bytes read at once, and all that is ever in memory of a file without longer records.
const CHUNK: usize = 64 * 1024;
