//! HTTP messages.

use super::{
    DEPTH, Found, Framing, GRPC, HTTP, Layer, Naming, Step, StepContext, TLS, UNREADABLE, WEBSOCKET,
};
use crate::dpi::drafts::{Content, Draft};
use crate::dpi::signatures::compile::program::carrier;
use crate::limits::HTTP_LINE_MAX;
use crate::net::authority::Authority;
use crate::net::direction::Direction;
use crate::parse::fit::{self, Fit};
use crate::parse::http::chunked::{self, Chunk};
use crate::parse::http::{Body, Start, authorities, opens_request};
use crate::parse::lines::end_of_line;
use crate::parse::scanner::ScanProgress;
use crate::parse::words::Words;

impl Framing {
    /// The next line of a head. Of a long line no more than its beginning is kept.
    pub(super) fn http_head<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let end = end_of_line(bytes);
        let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let draft = &mut *context.draft;
        draft.keep(line);
        draft.missing = draft.missing.saturating_add(line.len() as u32);
        if end.is_none() {
            if draft.missing > HTTP_LINE_MAX {
                self.resume(context);
            }
            return Step::done(line.len());
        }
        let is_blank = draft.missing <= 2 && draft.bytes.trim_ascii().is_empty();
        draft.missing = 0;
        if is_blank {
            draft.bytes.clear();
            return self.end_of_head(context, line.len());
        }
        let Draft { bytes: field, head, lines, .. } = draft;
        // Obsolete line folding (section 5.2): no field read here is long enough to be folded.
        let is_folded = matches!(field.first(), Some(b' ' | b'\t'));
        if let Some(head) = head.as_mut().filter(|_| !is_folded) {
            head.field(field.trim_ascii_end(), &mut lines.scanner.tree, context.words);
        }
        field.clear();
        Step::done(line.len())
    }

    fn end_of_head(&mut self, context: &mut StepContext<'_>, len: usize) -> Step<'static> {
        let direction = context.direction;
        let draft = &mut *context.draft;
        draft.lines.scanner.tree.keep_head();
        let Some(head) = draft.head else {
            self.resume(context);
            return Step::done(len);
        };
        let request = match head.start {
            Start::Response(101 | 200..) => self.asked.pop(),
            Start::Response(_) => Start::Request,
            request => {
                self.asked.push(request);
                request
            }
        };
        let naming = naming(draft, context.words);
        let step = match (head.start, request, head.body(request)) {
            (Start::Connect, ..) | (Start::Response(200..=299), Start::Connect, _) => {
                draft.reset();
                self.enter_tunnel(context, len)
            }
            (Start::Response(101), ..) => self.upgrade(context, head.websocket, len),
            (Start::Response(_), _, Body::None) => {
                self.leave_refused_tunnel(request, head.start);
                self.next_message(context, len)
            }
            (_, _, Body::None) => {
                self.set_layer(direction, Layer::Text);
                Step::found(len, Found::Message(carrier::HTTP))
            }
            (_, _, body) => {
                self.leave_refused_tunnel(request, head.start);
                let (layer, pending) = match body {
                    Body::Length(bytes) => (Layer::HttpBody, bytes),
                    Body::Chunked => (Layer::HttpChunk, 0),
                    Body::UntilClose | Body::None => (Layer::HttpBody, u32::MAX),
                };
                self.set_layer(direction, layer);
                self.set_pending(direction, pending);
                Step::done(len)
            }
        };
        match (naming, &step.found) {
            // A request without a body is a message as well; its server's name is told first, and the head again.
            (Some(naming), Found::Message(_)) => {
                self.set_pending(direction, 0);
                self.set_layer(direction, Layer::HttpBody);
                Step::found(len, Found::Named(naming))
            }
            (Some(naming), _) => Step::found(step.len, Found::Named(naming)),
            (None, _) => step,
        }
    }

    /// More of a body; with nothing pending, its end.
    pub(super) fn http_body<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let direction = context.direction;
        let pending = self.pending(direction);
        if pending == 0 {
            return self.end_of_body(context, 0);
        }
        let here = bytes.len().min(usize::try_from(pending).unwrap_or(usize::MAX));
        let (len, is_message) = body_bytes(context, bytes.get(..here).unwrap_or_default());
        if pending != u32::MAX {
            self.set_pending(direction, pending - len as u32);
        }
        if is_message {
            return Step::found(len, Found::Message(carrier::HTTP));
        }
        if pending != u32::MAX && self.pending(direction) == 0 {
            return self.end_of_body(context, len);
        }
        Step::done(len)
    }

    /// The body is complete, or its chunk is.
    fn end_of_body(&mut self, context: &mut StepContext<'_>, len: usize) -> Step<'static> {
        let is_chunk = context.draft.is_last_frame;
        if is_chunk {
            return Step { len, ..self.enter(context.direction, Layer::HttpChunk) };
        }
        self.end_of_message(context, len)
    }

    fn end_of_message(&mut self, context: &mut StepContext<'_>, len: usize) -> Step<'static> {
        self.set_layer(context.direction, Layer::Text);
        let draft = &mut *context.draft;
        // What is cut short is read as far as it goes.
        let is_half_read = draft.lines.scanner.cut_short();
        match draft.body {
            Content::Json if !is_half_read => self.next_message(context, len),
            Content::Other if draft.bytes.contains(&b'=') && fit::is_text(&draft.bytes) => {
                Step::found(len, Found::Message(carrier::FORM))
            }
            _ => Step::found(len, Found::Message(carrier::HTTP)),
        }
    }

    pub(super) fn http_chunk<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        match chunked::chunk(bytes.get(blank..).unwrap_or_default()) {
            Chunk::Data(len, size) => {
                // The line end behind the data is passed over before the next size.
                context.draft.is_last_frame = true;
                self.set_pending(context.direction, size);
                self.set_layer(context.direction, Layer::HttpBody);
                Step::done(blank + len)
            }
            Chunk::Last(len) => {
                context.draft.is_last_frame = false;
                self.set_layer(context.direction, Layer::HttpTrailer);
                Step::done(blank + len)
            }
            Chunk::NeedMore => Step { len: blank, ..Step::wait() },
            Chunk::Invalid => {
                self.resume(context);
                Step::done(blank)
            }
        }
    }

    pub(super) fn http_trailer<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        match end_of_line(bytes) {
            Some(len @ 1..=2) => self.end_of_message(context, len),
            Some(len) => Step::done(len),
            None => Step::wait(),
        }
    }

    /// Whether each end has spoken HTTP, and nothing that has left it: a tunnel, WebSocket, gRPC, or nonsense.
    pub(in crate::dpi) fn is_http(&self) -> bool {
        const BOTH: u32 = HTTP[0] | HTTP[1];
        const LEFT: u32 = DEPTH | TLS | WEBSOCKET | GRPC | UNREADABLE[0] | UNREADABLE[1];
        self.flags & (BOTH | LEFT) == BOTH
    }

    /// Whether each end has spoken HTTP alone, and no message has begun that has not ended.
    pub(in crate::dpi) fn is_between_http_messages(&self) -> bool {
        self.is_http() && self.layers == [Layer::Text; 2]
    }

    /// Whether `bytes`, with which a segment of `direction` begins, are no HTTP where both ends have spoken that.
    pub(in crate::dpi) fn leaves_http(&self, direction: Direction, bytes: &[u8]) -> bool {
        self.is_http()
            && direction == Direction::ToServer
            && self.layer(direction) == Layer::Text
            && opens_request(bytes) == Fit::No
    }

    fn next_message(&mut self, context: &mut StepContext<'_>, len: usize) -> Step<'static> {
        context.draft.reset();
        self.set_layer(context.direction, Layer::Text);
        Step::done(len)
    }

    fn upgrade(&mut self, context: &mut StepContext<'_>, websocket: bool, len: usize) -> Step<'static> {
        let direction = context.direction;
        context.draft.reset();
        if !websocket {
            self.resume(context);
            return Step::done(len);
        }
        self.flags |= WEBSOCKET;
        self.set_layer(direction, Layer::Frame);
        let other = direction.reverse();
        if self.flags & HTTP[other as usize] != 0 && self.layer(other) == Layer::Text {
            self.set_layer(other, Layer::Frame);
        }
        Step::done(len)
    }

    fn leave_refused_tunnel(&mut self, request: Start, response: Start) {
        let refused = request == Start::Connect && matches!(response, Start::Response(300..));
        if refused && self.flags & super::DEPTH > 0 {
            self.flags -= 1;
            self.set_layer(Direction::ToServer, Layer::Text);
        }
    }
}

/// Bytes of a body; answers how many are done with, and whether a JSON message ends with them.
fn body_bytes(context: &mut StepContext<'_>, bytes: &[u8]) -> (usize, bool) {
    let draft = &mut *context.draft;
    let blank = match draft.body {
        Content::Blank => bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count(),
        Content::Json | Content::Other => 0,
    };
    let rest = bytes.get(blank..).unwrap_or_default();
    match (draft.body, rest.first()) {
        (_, None) => return (bytes.len(), false),
        (Content::Blank, Some(b'{' | b'[')) => draft.body = Content::Json,
        (Content::Blank, Some(_)) => draft.body = Content::Other,
        _ => {}
    }
    if draft.body == Content::Other {
        draft.keep(rest);
        return (bytes.len(), false);
    }
    // More values may follow one, with blanks between them.
    let skipped = match draft.lines.scanner.is_idle() {
        true => rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count(),
        false => 0,
    };
    let rest = rest.get(skipped..).unwrap_or_default();
    let done = blank + skipped;
    match draft.lines.scanner.feed(context.words, rest) {
        ScanProgress::NeedMore => (bytes.len(), false),
        ScanProgress::Message(len) => (done + len, true),
        ScanProgress::End(len) => (done + len, false),
        ScanProgress::Anew(_) | ScanProgress::Broken(_) => {
            draft.lines.scanner.reset(false);
            draft.body = Content::Other;
            (bytes.len(), false)
        }
    }
}

/// The server that a request is for.
fn naming(draft: &Draft, words: &Words) -> Option<Naming> {
    let head = draft.head?;
    let (host, target) = authorities(draft.lines.scanner.tree.head(words)?);
    match head.start {
        Start::Response(_) => None,
        Start::Connect => Authority::parse(target?).map(Naming::Proxy),
        Start::Request | Start::Head => match target.and_then(Authority::of_url) {
            Some(target) => Some(Naming::Proxy(target)),
            None => Authority::parse(host?).map(Naming::Http),
        },
    }
}
