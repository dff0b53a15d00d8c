//! HTTP messages.

use super::{Desk, Framing, Layer, Reader, Step};
use crate::dpi::{Answer, dialect::HttpHead};
use crate::net::direction::Direction;
use crate::parse::http::chunked::{self, Chunk};
use crate::parse::http::{self, Asked, Body, Head, Parsed, Start};
use crate::parse::json::{self, End};

impl Framing {
    /// A head and, if it is JSON, the body: both are needed to read it, so both wait together.
    pub(super) fn http_message<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            return Step::Done(blank);
        }
        let window = bytes.get(..desk.limit).unwrap_or(bytes);
        let head = match http::head(window) {
            Parsed::Head(head) => head,
            Parsed::NeedMore => return Step::Wait,
            Parsed::Invalid => return Step::Foreign,
        };
        let mut asked = self.asked;
        let request = match head.start {
            Start::Response(101 | 200..) => asked.pop(),
            Start::Response(_) => Start::Request,
            request => {
                asked.push(request);
                request
            }
        };
        let step = match (head.start, request) {
            (Start::Connect, _) => self.enter_tunnel(desk.direction, head.len),
            (Start::Response(200..=299), Start::Connect) => self.enter_tunnel(desk.direction, head.len),
            (Start::Response(101), _) => self.upgrade(desk.direction, &head),
            _ => self.http_body(desk, &head, head.body(request), window),
        };
        if !matches!(step, Step::Wait) {
            if let Some(naming) = head.naming() {
                desk.reader.named(naming);
            }
            self.commit(asked, &head, request);
        }
        step
    }

    pub(super) fn http_chunk(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        match chunked::chunk(bytes) {
            Chunk::Data(line, size) => match size.checked_add(2) {
                Some(with_line_end) => {
                    self.set_pending(direction, with_line_end);
                    Step::Done(line)
                }
                None => Step::Foreign,
            },
            Chunk::Last(line) => {
                self.set_layer(direction, Layer::HttpTrailer);
                Step::Done(line)
            }
            Chunk::NeedMore => Step::Wait,
            Chunk::Invalid => Step::Foreign,
        }
    }

    pub(super) fn http_trailer(&mut self, direction: Direction, bytes: &[u8]) -> Step {
        match http::line_len(bytes) {
            Some(len @ 1..=2) => {
                self.set_layer(direction, Layer::HttpHead);
                Step::Done(len)
            }
            Some(len) => Step::Done(len),
            None => Step::Wait,
        }
    }

    fn upgrade(&mut self, direction: Direction, head: &Head<'_>) -> Step {
        if !head.websocket {
            return Step::Foreign;
        }
        self.set_layer(direction, Layer::Frame);
        if self.layer(direction.reverse()) == Layer::HttpHead {
            self.set_layer(direction.reverse(), Layer::Frame);
        }
        Step::Done(head.len)
    }

    /// What a message that is done with leaves behind.
    fn commit(&mut self, asked: Asked, head: &Head<'_>, request: Start) {
        self.asked = asked;
        let refused = request == Start::Connect && matches!(head.start, Start::Response(300..));
        if refused && self.flags & super::DEPTH > 0 {
            self.flags -= 1;
        }
    }

    fn http_body<R: Reader>(
        &mut self,
        desk: &mut Desk<'_, R>,
        head: &Head<'_>,
        kind: Body,
        window: &[u8],
    ) -> Step {
        let full = window.len() >= desk.limit;
        let body = window.get(head.len..).unwrap_or_default();
        match kind {
            Body::None if matches!(head.start, Start::Response(_)) => Step::Done(head.len),
            Body::None => match self.read_http(desk, head.fields, b"") {
                Answer::Match => Step::Proof,
                // A request without a body says nothing against mining.
                Answer::NeedMore | Answer::NoMatch => Step::Done(head.len),
            },
            Body::Length(len) => {
                let len_here = body.len().min(usize::try_from(len).unwrap_or(usize::MAX));
                let body = body.get(..len_here).unwrap_or_default();
                let rest = len.saturating_sub(u32::try_from(len_here).unwrap_or(u32::MAX));
                let content = content(body);
                if rest > 0 && !full && content != Content::Other {
                    return Step::Wait;
                }
                self.set_pending(desk.direction, rest);
                self.read_content(desk, head, content, body, head.len + len_here)
            }
            Body::Chunked => {
                let mut scratch = core::mem::take(desk.scratch);
                scratch.clear();
                let step = match chunked::unchunk(body, &mut scratch) {
                    None => Step::Foreign,
                    Some(chunks) => {
                        let content = content(scratch.bytes());
                        if !chunks.complete && !full && content != Content::Other {
                            Step::Wait
                        } else {
                            if !chunks.complete {
                                self.set_layer(desk.direction, Layer::HttpChunk);
                            }
                            self.read_content(desk, head, content, scratch.bytes(), head.len + chunks.taken)
                        }
                    }
                };
                *desk.scratch = scratch;
                step
            }
            Body::UntilClose => {
                let value = body.trim_ascii_start();
                let (content, end) = match (content(body), json::end_of_value(value)) {
                    (Content::Json, End::Complete(len)) => (Content::Json, len),
                    (Content::Json, End::Invalid) => (Content::Other, 0),
                    (Content::Other, _) => (Content::Other, 0),
                    _ if !full => return Step::Wait,
                    (content, _) => (content, value.len()),
                };
                // Nothing else can follow in this direction.
                self.set_layer(desk.direction, Layer::Opaque);
                self.read_content(desk, head, content, value.get(..end).unwrap_or_default(), head.len)
            }
        }
    }

    /// Reads a body if it is JSON; the message takes `len` bytes of the stream.
    fn read_content<R: Reader>(
        &mut self,
        desk: &mut Desk<'_, R>,
        head: &Head<'_>,
        content: Content,
        body: &[u8],
        len: usize,
    ) -> Step {
        if content != Content::Json {
            return Step::Done(len);
        }
        match self.read_http(desk, head.fields, body) {
            Answer::NeedMore => Step::Done(len),
            Answer::NoMatch => Step::Foreign,
            Answer::Match => Step::Proof,
        }
    }

    fn read_http<R: Reader>(&self, desk: &mut Desk<'_, R>, fields: HttpHead<'_>, body: &[u8]) -> Answer {
        desk.reader.message(&self.context(desk.direction, Some(fields)), body)
    }
}

/// What a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// JSON, by its first byte: content types lie.
    Json,
    /// Nothing yet.
    Blank,
    /// Anything else.
    Other,
}

fn content(body: &[u8]) -> Content {
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => Content::Json,
        Some(_) => Content::Other,
        None => Content::Blank,
    }
}
