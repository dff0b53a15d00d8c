//! The ClientHello, which a TLS client sends in the clear: the name of the server that it wants, and whether it wants HTTP.
//!
//! The ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2) may be cut into records and
//! segments anywhere, and with a post-quantum key share it is larger than a segment. It is read only as
//! far as the server name (RFC 6066 section 3), where that stands; with Encrypted Client Hello the name is
//! the outer one. Whether HTTP is offered (ALPN, RFC 7301) is told where that is at hand by then; it is not
//! waited for. Unknown extensions and GREASE (RFC 8701) are passed over by their lengths.

use super::fit::Fit;
use crate::net::host_name::HostName;

/// A ClientHello, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, and a packet allocates nothing")]
pub(crate) enum ParsedHello {
    /// A ClientHello.
    Hello(Hello),
    /// More bytes are needed.
    NeedMore,
    /// This is no ClientHello.
    Invalid,
}

/// Contents of a ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The server name; none if the client sent none, or one that is no host name.
    pub name: Option<HostName>,
    /// The protocol that it wants first is HTTP, of any version.
    pub web: bool,
    /// It offers protocols (ALPN), of any kind.
    pub negotiates: bool,
    /// An extension is sent that is reserved for GREASE (RFC 8701), as browsers do.
    pub greases: bool,
}

/// Whether `bytes` begin a connection of TLS 1.0 to 1.3: a handshake record that begins with a ClientHello.
pub(crate) fn opens(bytes: &[u8]) -> Fit {
    let fits = |at: usize, byte: u8| match at {
        0 => byte == HANDSHAKE,
        1 => byte == 3,
        2 => byte <= 4,
        // A record has 2^14 bytes at most.
        3 => byte <= 0x40,
        4 => true,
        _ => byte == CLIENT_HELLO,
    };
    match bytes.iter().take(6).enumerate().all(|(at, &byte)| fits(at, byte)) {
        true if bytes.len() < 6 => Fit::Maybe,
        true => Fit::Yes,
        false => Fit::No,
    }
}

/// Reads the ClientHello that `bytes` begin with.
pub(crate) fn parse(bytes: &[u8]) -> ParsedHello {
    let mut hello = HelloReader { bytes, in_record: 0, left: HEADER_BYTES };
    match read(&mut hello) {
        Ok(hello) => ParsedHello::Hello(hello),
        Err(HelloStop::NeedMore) => ParsedHello::NeedMore,
        Err(HelloStop::Invalid) => ParsedHello::Invalid,
    }
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HelloStop {
    NeedMore,
    Invalid,
}

fn read(hello: &mut HelloReader<'_>) -> Result<Hello, HelloStop> {
    if hello.byte()? != CLIENT_HELLO {
        return Err(HelloStop::Invalid);
    }
    hello.left = hello.number(3)?;
    if hello.number(2)? >> 8 != 3 {
        return Err(HelloStop::Invalid);
    }
    hello.skip(RANDOM_BYTES)?;
    for width in [1, 2, 1] {
        // Session, cipher suites, compression methods.
        let len = hello.number(width)?;
        hello.skip(len)?;
    }
    let mut found = Hello::default();
    if hello.left == 0 {
        // A client of 2003 or earlier.
        return Ok(found);
    }
    let extensions = hello.number(2)?;
    if extensions != hello.left {
        return Err(HelloStop::Invalid);
    }
    let mut is_named = false;
    while hello.left > 0 {
        match extension(hello, is_named, &mut found) {
            Ok(kind) => is_named |= kind == SERVER_NAME,
            // The name is at hand, and nothing behind it is worth waiting for.
            Err(_) if is_named => break,
            Err(stop) => return Err(stop),
        }
    }
    Ok(found)
}

/// Reads one extension, and answers which. There is one name; a second one is ignored (`is_named`).
fn extension(hello: &mut HelloReader<'_>, is_named: bool, found: &mut Hello) -> Result<usize, HelloStop> {
    let (kind, len) = (hello.number(2)?, hello.number(2)?);
    let mut rest = len;
    match kind {
        SERVER_NAME if !is_named => {
            if len < 5 || len > hello.left || hello.number(2)? != len - 2 || hello.byte()? != HOST_NAME {
                return Err(HelloStop::Invalid);
            }
            let name_len = hello.number(2)?;
            rest = (len - 5).checked_sub(name_len).ok_or(HelloStop::Invalid)?;
            let before = hello.left;
            found.name = hello.name(name_len)?;
            // One too long to be a name was not read to its end.
            rest += name_len - (before - hello.left);
        }
        ALPN if len >= 4 && len <= hello.left => {
            // Length of the list, length of the first name, and how that begins.
            hello.skip(3)?;
            found.web = hello.byte()? == b'h';
            found.negotiates = true;
            rest -= 4;
        }
        // RFC 8701 section 2: two equal bytes that end in 0xa.
        _ => found.greases |= kind & 0x0f0f == 0x0a0a && kind >> 8 == kind & 0xff,
    }
    hello.skip(rest)?;
    Ok(kind)
}

/// The handshake message inside the records.
struct HelloReader<'a> {
    /// Bytes that have not been read.
    bytes: &'a [u8],
    /// Bytes of the record at hand that have not been read.
    in_record: usize,
    /// Bytes of the message that have not been read.
    left: usize,
}

impl HelloReader<'_> {
    fn byte(&mut self) -> Result<u8, HelloStop> {
        if self.left == 0 {
            return Err(HelloStop::Invalid);
        }
        if self.in_record == 0 {
            self.next_record()?;
        }
        let (&byte, rest) = self.bytes.split_first().ok_or(HelloStop::NeedMore)?;
        self.bytes = rest;
        self.in_record -= 1;
        self.left -= 1;
        Ok(byte)
    }

    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Result<usize, HelloStop> {
        (0..width).try_fold(0, |value: usize, _| Ok(value << 8 | usize::from(self.byte()?)))
    }

    fn skip(&mut self, mut len: usize) -> Result<(), HelloStop> {
        if len > self.left {
            return Err(HelloStop::Invalid);
        }
        while len > 0 {
            if self.in_record == 0 {
                self.next_record()?;
            }
            let here = len.min(self.in_record);
            self.bytes = self.bytes.get(here..).ok_or(HelloStop::NeedMore)?;
            self.in_record -= here;
            self.left -= here;
            len -= here;
        }
        Ok(())
    }

    /// A host name of `len` bytes; none if they are no name.
    fn name(&mut self, len: usize) -> Result<Option<HostName>, HelloStop> {
        let mut name = heapless::Vec::<u8, { crate::limits::NAME_BYTES + 1 }>::new();
        for _ in 0..len {
            if name.push(self.byte()?).is_err() {
                return Ok(None);
            }
        }
        Ok(HostName::parse(&name))
    }

    /// RFC 8446 section 5.1: handshake records are neither empty nor interleaved with others.
    fn next_record(&mut self) -> Result<(), HelloStop> {
        let header = self.bytes.first_chunk::<5>();
        let Some(&[kind, major, _, high, low]) = header else {
            let fits = self.bytes.first().is_none_or(|&kind| kind == HANDSHAKE);
            return Err(if fits { HelloStop::NeedMore } else { HelloStop::Invalid });
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || major != 3 || len == 0 || len > RECORD_BYTES {
            return Err(HelloStop::Invalid);
        }
        self.bytes = self.bytes.get(5..).unwrap_or_default();
        self.in_record = len;
        Ok(())
    }
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// The extension (RFC 6066 section 3), and the only type of name there is.
const SERVER_NAME: usize = 0;
/// RFC 7301 section 3.1. Of the names registered for it, those of HTTP alone begin with an h.
const ALPN: usize = 16;
const HOST_NAME: u8 = 0;
const RANDOM_BYTES: usize = 32;
/// Type and length of a handshake message.
const HEADER_BYTES: usize = 4;
const RECORD_BYTES: usize = 1 << 14;

#[cfg(test)]
mod tests;
