//! Chunked bodies (RFC 9112 section 7.1).

use crate::parse::lines::end_of_line;

/// The head of a chunk (RFC 9112 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// The size line is so long, the data so many bytes; a line end follows the data.
    Data(usize, u32),
    /// The last one; its size line is so long, and the trailer section follows.
    Last(usize),
    /// More bytes are needed.
    NeedMore,
    /// This is no chunk.
    Invalid,
}

/// Reads the size line of a chunk.
pub(crate) fn chunk(bytes: &[u8]) -> Chunk {
    let Some(len) = end_of_line(bytes) else {
        let fits = bytes.len() <= CHUNK_LINE_MAX && bytes.first().is_none_or(u8::is_ascii_hexdigit);
        return if fits { Chunk::NeedMore } else { Chunk::Invalid };
    };
    let line = bytes.get(..len).unwrap_or_default().trim_ascii_end();
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if !(1..=8).contains(&digits) || !matches!(line.get(digits), None | Some(b';' | b' ' | b'\t')) {
        return Chunk::Invalid;
    }
    let size = line
        .iter()
        .take(digits)
        .fold(0u32, |size, &digit| size << 4 | char::from(digit).to_digit(16).unwrap_or_default());
    if size == 0 { Chunk::Last(len) } else { Chunk::Data(len, size) }
}

/// A chunk's size line: eight digits and an extension.
const CHUNK_LINE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks() {
        assert_eq!(chunk(b"1a;x=y\r\n"), Chunk::Data(8, 26));
        assert_eq!(chunk(b"0\r\n"), Chunk::Last(3));
        assert_eq!(chunk(b"ffffffff"), Chunk::NeedMore);
        for invalid in [&b"123456789\r\n"[..], b"\r\n", b"5x\r\n", b"{"] {
            assert_eq!(chunk(invalid), Chunk::Invalid, "{}", invalid.escape_ascii());
        }
    }
}
