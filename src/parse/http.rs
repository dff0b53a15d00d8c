//! HTTP/1.x message framing (RFC 9112): heads line by line, and where their bodies end.

pub(crate) mod chunked;

use super::fit::Fit;
use super::tree::{Tree, Value, ValueKind};
use super::words::{WordId, Words};
use crate::util::decimal::decimal;

/// Kinds of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    /// A request whose response is framed by its own head alone.
    #[default]
    Request,
    /// `HEAD`: its response has no body.
    Head,
    /// `CONNECT`: a response of success begins a tunnel.
    Connect,
    /// A response, with its status code.
    Response(u16),
}

/// Fields of a head that frame the message; the rest goes into the [`Tree`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    /// Kind of the message.
    pub start: Start,
    /// `Upgrade: websocket`.
    pub websocket: bool,
    /// A web page can make a browser send it: the browser says where it comes from, or its body is of a kind that
    /// needs no consent of the server (Fetch standard, "CORS-safelisted request-header").
    pub by_page: bool,
    /// `Content-Length`.
    content_length: Option<u32>,
    /// `Transfer-Encoding: chunked`.
    chunked: bool,
}

/// Delimitation of a body (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none.
    None,
    /// So many bytes.
    Length(u32),
    /// Chunks.
    Chunked,
    /// Bytes until the connection closes.
    UntilClose,
}

/// Whether `bytes` begin a request.
pub(crate) fn opens_request(bytes: &[u8]) -> Fit {
    // Most bytes begin none.
    let may_open = |first: &u8| METHODS.iter().any(|method| method.first() == Some(first));
    if !bytes.first().is_none_or(may_open) {
        return Fit::No;
    }
    best(METHODS.iter().map(|method| Fit::prefix(bytes, method)))
}

/// Whether `bytes` begin a response.
pub(crate) fn opens_response(bytes: &[u8]) -> Fit {
    Fit::prefix(bytes, b"HTTP/1.")
}

impl Head {
    /// Begins a head with its start line; `None` if it is none. What it says is put into `tree`.
    pub(crate) fn begin(line: &[u8], tree: &mut Tree, words: &Words) -> Option<Head> {
        let words_of_line = || line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let mut parts = words_of_line();
        let (first, second) = (parts.next()?, parts.next()?);
        let word = |name: &str| words.find(name).unwrap_or(0);
        if first.starts_with(b"HTTP/1.") {
            let status: u16 = decimal(second).filter(|status| (100..1000).contains(status))?;
            tree.reset();
            tree.push(ValueKind::Object, 0, 1);
            tree.push_text(ValueKind::Number, word("status"), second);
            return Some(Head { start: Start::Response(status), ..Head::default() });
        }
        if !METHODS.iter().any(|method| method.trim_ascii_end() == first)
            || !words_of_line().next_back().is_some_and(|version| version.starts_with(b"HTTP/1."))
        {
            return None;
        }
        tree.reset();
        tree.push(ValueKind::Object, 0, 1);
        tree.push_text(ValueKind::String, word("verb"), first);
        push_target(second, tree, word);
        let start = match first {
            b"HEAD" => Start::Head,
            b"CONNECT" => Start::Connect,
            _ => Start::Request,
        };
        Some(Head { start, ..Head::default() })
    }

    /// Takes one header field. What is none is passed over, as servers do that are lenient.
    pub(crate) fn field(&mut self, line: &[u8], tree: &mut Tree, words: &Words) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { return };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let mut lower = [0; super::words::WORD_BYTES];
        let Some(lower) = lower.get_mut(..name.len()) else { return };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let key: &[u8] = match &*lower {
            b"content-length" => {
                self.content_length = decimal(value).or(self.content_length);
                b"length"
            }
            b"content-type" => {
                let is = |kind: &&[u8]| {
                    value.get(..kind.len()).is_some_and(|head| head.eq_ignore_ascii_case(kind))
                };
                self.by_page |= OF_FORMS.iter().any(is);
                b"type"
            }
            b"transfer-encoding" => {
                self.chunked = ends_with_ignore_case(value, b"chunked");
                return;
            }
            b"upgrade" => {
                self.websocket = value.eq_ignore_ascii_case(b"websocket");
                return;
            }
            b"origin" | b"referer" => {
                self.by_page = true;
                return;
            }
            name if name.starts_with(b"sec-fetch-") => {
                self.by_page = true;
                return;
            }
            b"user-agent" | b"server" => {
                self.by_page |= value.starts_with(b"Mozilla/");
                b"agent"
            }
            name => name,
        };
        if let Some(key) = words.id(super::words::hash(key), key) {
            tree.push_text(ValueKind::String, key, value);
        }
    }

    /// Delimitation of the body. `request` is what a response answers.
    pub(crate) fn body(&self, request: Start) -> Body {
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
}

/// The texts of a head that name a server: `Host`, and the request's target.
pub(crate) fn authorities<'a>(head: Value<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    let text = |name| head.get(name).map(Value::bytes);
    (text("host"), text("target"))
}

/// Puts target, path and query into `tree`; of the query only members with known names.
fn push_target(target: &[u8], tree: &mut Tree, word: impl Fn(&str) -> WordId) {
    tree.push_text(ValueKind::String, word("target"), target);
    let mut parts = target.splitn(2, |&byte| byte == b'?');
    tree.push_text(ValueKind::String, word("path"), parts.next().unwrap_or_default());
    if let Some(query) = parts.next()
        && let Some(object) = tree.push(ValueKind::Object, word("query"), 2)
    {
        push_form(query, object, tree, &word);
        tree.close(object);
    }
}

/// Puts the members of a query or a form (`a=b&c=d`) into the object at `node`.
pub(crate) fn push_form(text: &[u8], node: u16, tree: &mut Tree, word: impl Fn(&str) -> WordId) {
    for member in text.split(|&byte| byte == b'&') {
        let mut parts = member.splitn(2, |&byte| byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        tree.count(node);
        let key = core::str::from_utf8(name).map_or(0, &word);
        if key != 0 {
            tree.push_text(ValueKind::String, key, value);
        }
    }
}

/// The kinds of the requests whose responses are still to come, oldest lowest, two bits each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PendingRequests(u8);

impl PendingRequests {
    /// Notes a request. When full, it counts as an ordinary one, which is what nearly all are.
    pub(crate) fn push(&mut self, request: Start) {
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

    /// Whether no response is to come.
    pub(crate) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The request that the next response answers.
    pub(crate) fn pop(&mut self) -> Start {
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

fn best(fits: impl Iterator<Item = Fit>) -> Fit {
    fits.fold(Fit::No, |best, fit| match (best, fit) {
        (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
        (Fit::Maybe, _) | (_, Fit::Maybe) => Fit::Maybe,
        (Fit::No, Fit::No) => Fit::No,
    })
}

fn ends_with_ignore_case(text: &[u8], end: &[u8]) -> bool {
    text.last_chunk::<7>().is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// RFC 9110 section 9, and RFC 5789.
const METHODS: [&[u8]; 9] =
    [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"TRACE ", b"PATCH "];

/// Kinds of bodies that a page may send anywhere without being asked to.
const OF_FORMS: [&[u8]; 3] = [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"];

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::parse::words::WordsBuilder;

    /// The names of a head's members, and those of the queries and fields below.
    static WORDS: LazyLock<Words> = LazyLock::new(|| {
        let mut words = WordsBuilder::new(None);
        for word in ["method", "path", "query", "agent", "x-mining-extensions", "address"] {
            words.add(word.as_bytes());
        }
        words.build()
    });

    fn head(text: &str) -> (Head, Tree) {
        let mut tree = Tree::default();
        let mut lines = text.split('\n').map(|line| line.trim_end().as_bytes());
        let mut head = Head::begin(lines.next().unwrap(), &mut tree, &WORDS).unwrap();
        lines.for_each(|line| head.field(line, &mut tree, &WORDS));
        tree.keep_head();
        (head, tree)
    }

    fn text<'a>(tree: &'a Tree, name: &str) -> &'a [u8] {
        tree.head(&WORDS).and_then(|head| head.get(name)).map_or(b"", Value::bytes)
    }

    #[test]
    fn reads_a_getwork_request() {
        let (head, tree) = head(
            "POST /work?a=1&address=x HTTP/1.1\r\nX-MINING-extensions: longpoll\r\nuser-agent:bfgminer/5.5\r\nContent-Length: 45\r",
        );
        assert_eq!((head.start, head.by_page), (Start::Request, false));
        assert_eq!((text(&tree, "path"), text(&tree, "agent")), (&b"/work"[..], &b"bfgminer/5.5"[..]));
        assert_eq!(text(&tree, "x-mining-extensions"), b"longpoll");
        let query = tree.head(&WORDS).unwrap().get("query").unwrap();
        assert_eq!(query.get("address").map(Value::bytes), Some(&b"x"[..]));
        assert_eq!(head.body(Start::Request), Body::Length(45));
    }

    #[test]
    fn what_a_page_can_make_a_browser_send_is_told() {
        for field in [
            "Origin: https://a.example",
            "Sec-Fetch-Mode: cors",
            "referer: x",
            "Content-Type: text/plain;charset=UTF-8",
        ] {
            assert!(head(&format!("POST / HTTP/1.1\n{field}")).0.by_page, "{field}");
        }
        assert!(!head("POST / HTTP/1.1\nContent-Type: application/json").0.by_page);
    }

    #[test]
    fn other_lines_begin_no_head() {
        for line in ["POST / HTTP/2", "GET /", "HTTP/1.1 99 Low", "PRI * HTTP/2.0", "HELO me", ""] {
            assert!(Head::begin(line.as_bytes(), &mut Tree::default(), &WORDS).is_none(), "{line}");
        }
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        let body = |text: &str, request| head(text).0.body(request);
        assert_eq!(body("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked", Start::Request), Body::Chunked);
        assert_eq!(body("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", Start::Head), Body::None);
        assert_eq!(body("HTTP/1.0 200 OK", Start::Request), Body::UntilClose);
        assert_eq!(body("HTTP/1.1 304 Same", Start::Request), Body::None);
        assert_eq!(body("POST / HTTP/1.1\nContent-Length: -1", Start::Request), Body::None);
    }

    #[test]
    fn remembers_four_requests_in_order() {
        let mut asked = PendingRequests::default();
        for request in [Start::Request, Start::Head, Start::Connect, Start::Request, Start::Head] {
            asked.push(request);
        }
        let order = [asked.pop(), asked.pop(), asked.pop(), asked.pop(), asked.pop()];
        assert_eq!(order, [Start::Request, Start::Head, Start::Connect, Start::Request, Start::Request]);
    }
}
