//! Chunked bodies (RFC 9112 section 7.1).

use super::line_len;
use crate::dpi::Scratch;

/// The head of a chunk (RFC 9112 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Its size line is so long, its data so many bytes; a line end follows the data.
    Data(usize, u32),
    /// The last one; its size line is so long, and the trailer section follows.
    Last(usize),
    /// More bytes are needed.
    NeedMore,
    /// This is no chunk.
    Invalid,
}

/// Reads the size line of a chunk.
pub fn chunk(bytes: &[u8]) -> Chunk {
    let Some(len) = line_len(bytes) else {
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

/// A chunked body, as far as it is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// Raw bytes whose data was taken. What follows is a chunk's size line.
    pub taken: usize,
    /// That was the whole body; `taken` includes the trailer section.
    pub complete: bool,
}

/// Takes the data of a chunked body out of `bytes` into `data`, as far as both go. `None` if it is
/// malformed.
pub(crate) fn unchunk(bytes: &[u8], data: &mut Scratch) -> Option<Chunked> {
    let mut taken = 0;
    loop {
        let rest = bytes.get(taken..).unwrap_or_default();
        match chunk(rest) {
            Chunk::Invalid => return None,
            Chunk::NeedMore => return Some(Chunked { taken, complete: false }),
            Chunk::Data(line, size) => {
                let size = usize::try_from(size).ok()?;
                let payload = rest.get(line..).unwrap_or_default();
                data.extend(payload.iter().take(size).copied());
                // The line end itself isn't checked: a wrong one makes the next size line invalid.
                if payload.get(size..).is_none_or(|end| end.len() < 2) {
                    return Some(Chunked { taken, complete: false });
                }
                taken += line + size + 2;
            }
            Chunk::Last(line) => {
                let mut end = line;
                while let Some(len) = rest.get(end..).and_then(line_len) {
                    end += len;
                    if len <= 2 {
                        return Some(Chunked { taken: taken + end, complete: true });
                    }
                }
                return Some(Chunked { taken, complete: false });
            }
        }
    }
}

/// A chunk's size line: eight digits and an extension, which nobody uses.
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

    #[test]
    fn a_chunked_body_is_put_together() {
        let body = b"3\r\n{\"a\r\n5\r\n\":1}\n\r\n0\r\nTrailer: x\r\n\r\n";
        let mut data = Scratch::default();
        assert_eq!(unchunk(body, &mut data), Some(Chunked { taken: body.len(), complete: true }));
        assert_eq!(data.bytes(), b"{\"a\":1}\n");
        for end in 0..body.len() {
            data.clear();
            assert!(unchunk(&body[..end], &mut data).is_some_and(|body| !body.complete), "{end}");
        }
        assert_eq!(unchunk(b"1\r\nabc\r\n", &mut data), None);
    }
}
