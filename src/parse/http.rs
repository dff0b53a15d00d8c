//! HTTP/1.x message framing (RFC 9112): heads, and where their bodies end.

pub mod chunked;

use super::lines::Fit;
use crate::dpi::dialect::HttpHead;
use crate::dpi::target::{Naming, Target};
use crate::util::decimal::decimal;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A request whose response is framed by its own head alone.
    Request,
    /// `HEAD`: its response has no body.
    Head,
    /// `CONNECT`: a response of success begins a tunnel.
    Connect,
    /// A response, with its status code.
    Response(u16),
}

/// A message's head.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Length with its closing blank line.
    pub len: usize,
    /// What the message is.
    pub start: Start,
    /// What the dialects want to know of it.
    pub fields: HttpHead<'a>,
    /// `Upgrade: websocket`.
    pub websocket: bool,
    /// `Host`; empty without.
    host: &'a [u8],
    /// `Content-Length`.
    content_length: Option<u32>,
    /// `Transfer-Encoding: chunked`.
    chunked: bool,
}

/// A head, or why there is none.
#[derive(Clone, Copy, Debug)]
pub enum Parsed<'a> {
    /// The whole head.
    Head(Head<'a>),
    /// It goes on after the bytes at hand.
    NeedMore,
    /// This is no HTTP, or HTTP whose framing can't be trusted.
    Invalid,
}

/// How a body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// So many bytes.
    Length(u32),
    /// Chunks.
    Chunked,
    /// All that comes until the connection closes.
    UntilClose,
}

/// Whether `bytes` begin a request.
pub fn opens_request(bytes: &[u8]) -> Fit {
    best(METHODS.iter().map(|method| Fit::prefix(bytes, method)))
}

/// Whether `bytes` begin a response.
pub fn opens_response(bytes: &[u8]) -> Fit {
    Fit::prefix(bytes, b"HTTP/1.")
}

/// Reads the head that `bytes` begin with.
pub fn head(bytes: &[u8]) -> Parsed<'_> {
    let mut lines = Lines { bytes, at: 0 };
    let Some(first) = lines.next() else {
        let fit = best([opens_request(bytes), opens_response(bytes)].into_iter());
        return if fit == Fit::No { Parsed::Invalid } else { Parsed::NeedMore };
    };
    let Some((start, target)) = start_line(first) else { return Parsed::Invalid };
    let fields = HttpHead { target, ..HttpHead::default() };
    let mut head =
        Head { len: 0, start, fields, websocket: false, host: b"", content_length: None, chunked: false };
    loop {
        match lines.next() {
            None => return Parsed::NeedMore,
            Some(b"") => break,
            // Obsolete line folding (section 5.2): no field read here is long enough to be folded.
            Some([b' ' | b'\t', ..]) => {}
            Some(line) => {
                if !head.field(line) {
                    return Parsed::Invalid;
                }
            }
        }
    }
    head.len = lines.at;
    Parsed::Head(head)
}

impl<'a> Head<'a> {
    /// How the body is delimited. `request` is what a response answers.
    pub fn body(&self, request: Start) -> Body {
        let bodiless = match self.start {
            Start::Response(status) => status < 200 || matches!(status, 204 | 304) || request == Start::Head,
            Start::Connect => true,
            Start::Request | Start::Head => false,
        };
        match (self.start, self.content_length) {
            _ if bodiless => Body::None,
            _ if self.chunked => Body::Chunked,
            (_, Some(0)) => Body::None,
            (_, Some(len)) => Body::Length(len),
            (Start::Response(_), None) => Body::UntilClose,
            (_, None) => Body::None,
        }
    }

    /// Whom a request is for.
    pub fn naming(&self) -> Option<Naming> {
        match self.start {
            Start::Response(_) => None,
            Start::Connect => Target::parse(self.fields.target).map(Naming::Proxy),
            Start::Request | Start::Head => match Target::of_url(self.fields.target) {
                Some(target) => Some(Naming::Proxy(target)),
                None => Target::parse(self.host).map(Naming::Http),
            },
        }
    }

    /// Takes one header field; `false` if the framing it gives is nonsense.
    fn field(&mut self, line: &'a [u8]) -> bool {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return false };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("content-length") {
            let len = decimal(value);
            let agrees = self.content_length.is_none() || self.content_length == len;
            self.content_length = len;
            return len.is_some() && agrees;
        }
        if is("transfer-encoding") {
            self.chunked = ends_with_ignore_case(value, b"chunked");
        } else if is("host") {
            self.host = value;
        } else if is("upgrade") {
            self.websocket = value.eq_ignore_ascii_case(b"websocket");
        } else if is("user-agent") || is("server") {
            self.fields.agent = value;
        } else if is("x-mining-extensions") || is("x-roll-ntime") || is("x-stratum") {
            self.fields.mining_extensions = true;
        }
        true
    }
}

/// Length of the first line with its end; a blank one is 1 or 2 long.
pub fn line_len(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n').map(|end| end + 1)
}

/// The kinds of the requests whose responses are still to come, oldest lowest, two bits each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked(u8);

impl Asked {
    /// Notes a request. When full, it counts as an ordinary one, which is what nearly all are.
    pub fn push(&mut self, request: Start) {
        let kind = match request {
            Start::Head => 2,
            Start::Connect => 3,
            Start::Request | Start::Response(_) => 1,
        };
        let used = (u8::BITS - self.0.leading_zeros()).div_ceil(2);
        if used < crate::limits::HTTP_PIPELINE as u32 {
            self.0 |= kind << (used * 2);
        }
    }

    /// What the next response answers.
    pub fn pop(&mut self) -> Start {
        let kind = self.0 & 3;
        self.0 >>= 2;
        match kind {
            2 => Start::Head,
            3 => Start::Connect,
            _ => Start::Request,
        }
    }
}

const _: () = assert!(crate::limits::HTTP_PIPELINE * 2 == u8::BITS as usize);

/// Lines without their ends.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let len = line_len(rest)?;
        self.at += len;
        let line = rest.get(..len - 1)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// `method SP target SP HTTP/1.x` or `HTTP/1.x SP status ...`; the target is empty in a response.
fn start_line(line: &[u8]) -> Option<(Start, &[u8])> {
    let mut words = line.split(|&byte| byte == b' ');
    let (first, second) = (words.next()?, words.next()?);
    if first.starts_with(b"HTTP/1.") {
        let status = decimal(second).filter(|status| (100..1000).contains(status))?;
        return Some((Start::Response(status), &[]));
    }
    let start = match first {
        b"HEAD" => Start::Head,
        b"CONNECT" => Start::Connect,
        _ if METHODS.iter().any(|method| method.trim_ascii_end() == first) => Start::Request,
        _ => return None,
    };
    words.next().filter(|version| version.starts_with(b"HTTP/1."))?;
    Some((start, second))
}

fn ends_with_ignore_case(value: &[u8], end: &[u8]) -> bool {
    value
        .len()
        .checked_sub(end.len())
        .and_then(|at| value.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

fn best(fits: impl Iterator<Item = Fit>) -> Fit {
    fits.fold(Fit::No, |best, fit| match (best, fit) {
        (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
        (Fit::Maybe, _) | (_, Fit::Maybe) => Fit::Maybe,
        _ => Fit::No,
    })
}

/// RFC 9110 section 9, and RFC 5789.
const METHODS: [&[u8]; 9] =
    [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PATCH "];

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Head<'_> {
        match head(bytes) {
            Parsed::Head(head) => head,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_getwork_request() {
        let bytes = b"POST /work HTTP/1.1\r\nX-MINING-extensions: longpoll\r\nuser-agent:bfgminer/5.5\r\n\
            Content-Length: 45\r\n\r\n{";
        let head = whole(bytes);
        assert_eq!((head.len, head.start), (bytes.len() - 1, Start::Request));
        assert_eq!((head.fields.target, head.fields.agent), (&b"/work"[..], &b"bfgminer/5.5"[..]));
        assert!(head.fields.mining_extensions);
        assert_eq!(head.body(Start::Request), Body::Length(45));
    }

    #[test]
    fn folded_lines_and_bare_line_feeds_are_tolerated() {
        let head = whole(b"GET / HTTP/1.0\nX: a\n b: c\nUser-Agent: x\n\n");
        assert_eq!(head.fields.agent, b"x");
        assert_eq!(head.body(Start::Request), Body::None);
    }

    #[test]
    fn every_part_of_a_head_asks_for_more() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n";
        for end in 0..bytes.len() {
            assert!(matches!(head(&bytes[..end]), Parsed::NeedMore), "{end}");
        }
        assert_eq!(whole(bytes).body(Start::Request), Body::Chunked);
        assert_eq!(whole(bytes).body(Start::Head), Body::None);
    }

    #[test]
    fn framing_that_contradicts_itself_is_refused() {
        for bytes in [
            &b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"[..],
            b"POST / HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/2\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"HTTP/1.1 99 Low\r\n\r\n",
            b"PRI * HTTP/2.0\r\n",
            b"HELO me\r\n",
        ] {
            assert!(matches!(head(bytes), Parsed::Invalid), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_response_without_a_length_lasts_until_the_close() {
        assert_eq!(whole(b"HTTP/1.0 200 OK\r\n\r\n").body(Start::Request), Body::UntilClose);
        assert_eq!(whole(b"HTTP/1.1 304 Same\r\n\r\n").body(Start::Request), Body::None);
    }

    #[test]
    fn remembers_four_requests_in_order() {
        let mut asked = Asked::default();
        for request in [Start::Request, Start::Head, Start::Connect, Start::Request, Start::Head] {
            asked.push(request);
        }
        let order = [asked.pop(), asked.pop(), asked.pop(), asked.pop(), asked.pop()];
        assert_eq!(order, [Start::Request, Start::Head, Start::Connect, Start::Request, Start::Request]);
    }
}
