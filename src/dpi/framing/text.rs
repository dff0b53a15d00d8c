//! JSON, lines and HTTP in a byte stream, wherever they begin.

use super::first::{Resumption, resumes};
use super::{BROKEN, Found, Framing, HTTP, Layer, Step, StepContext};
use crate::dpi::drafts::Draft;
use crate::dpi::signatures::compile::program::carrier;
use crate::net::direction::Direction;
use crate::parse::fit::{self, Fit};
use crate::parse::http::{self, Head};
use crate::parse::lines::{self, Piece};

impl Framing {
    pub(super) fn text<'b>(
        &mut self,
        context: &mut StepContext<'_>,
        bytes: &'b [u8],
        begins_segment: bool,
    ) -> Step<'b> {
        let direction = context.direction;
        let at = direction as usize;
        let is_behind_http = self.flags & HTTP[at] != 0 && context.draft.lines.is_idle();
        if (begins_segment && self.flags & BROKEN[at] != 0 || is_behind_http)
            && !context.draft.lines.is_in_value()
            && context.draft.bytes.is_empty()
            && let Some(step) = self.resume_frames(context, bytes)
        {
            return step;
        }
        if begins_segment
            && context.draft.lines.is_passing_over()
            && let Some(step) = begins_message(context, bytes)
        {
            return step;
        }
        if begins_segment && self.collects_turn(context, bytes) {
            // The same bytes are read as text next.
            return Step::found(0, Found::Message(carrier::BINARY));
        }
        let (len, piece) = context.draft.lines.feed(context.words, bytes, false);
        match piece {
            Piece::NeedMore => Step::done(len),
            Piece::OpenLine => Step::found(len, Found::OpenLine),
            Piece::Other => {
                self.note_nonsense(direction);
                Step::done(len)
            }
            Piece::Value => {
                self.contradict_http(direction);
                let over = if context.draft.lines.verb().is_empty() { carrier::LINE } else { carrier::TILDE };
                Step::found(self.with_line_end(context, bytes, len), Found::Message(over))
            }
            Piece::Line => {
                let draft = &mut *context.draft;
                match Head::begin(&draft.lines.line, &mut draft.lines.scanner.tree, context.words) {
                    Some(head) => {
                        draft.head = Some(head);
                        // Lines of the head come here.
                        self.end_turn(draft, direction);
                        self.flags |= HTTP[at] | super::WEB;
                        self.note_message(direction);
                        self.set_layer(direction, Layer::HttpHead);
                        Step::done(len)
                    }
                    None => Step::found(len, Found::Message(carrier::CSV)),
                }
            }
        }
    }

    /// The length of a message of `len` bytes with the line end that ends the segment, which nearly every message has and
    /// which says no more where nothing but text can follow.
    fn with_line_end(&self, context: &StepContext<'_>, bytes: &[u8], len: usize) -> usize {
        let at = context.direction as usize;
        let is_plain = self.flags & (HTTP[at] | BROKEN[at] | super::TURN[at]) == 0;
        let ends = is_plain && context.draft.lines.is_idle() && bytes.get(len..) == Some(b"\n");
        len + usize::from(ends)
    }

    /// Collects the first bytes of a turn, by which a message of a binary protocol is told, or of one that puts a length
    /// of ten digits before its messages; whether signatures are to look at them.
    fn collects_turn(&mut self, context: &mut StepContext<'_>, bytes: &[u8]) -> bool {
        if self.flags & super::TURN[context.direction as usize] == 0 {
            return false;
        }
        let draft = &mut *context.draft;
        // Most turns are text, of which nothing is copied.
        let is_first = draft.bytes.is_empty();
        if is_first && (draft.lines.is_in_value() || is_told_as_text(bytes)) {
            self.end_turn(draft, context.direction);
            return false;
        }
        let room = BINARY_BYTES.saturating_sub(draft.bytes.len());
        draft.keep(bytes.get(..room).unwrap_or(bytes));
        let is_text = !is_first && is_told_as_text(&draft.bytes);
        if is_text {
            self.end_turn(draft, context.direction);
        }
        !is_text
    }

    /// Ends the collection of a turn's first bytes.
    pub(in crate::dpi) fn end_turn(&mut self, draft: &mut Draft, direction: Direction) {
        self.flags &= !super::TURN[direction as usize];
        draft.bytes.clear();
    }

    /// A frame at the beginning of a segment, in a flow joined midway, after a loss, or of an end that doesn't wait for the
    /// other's consent to a WebSocket.
    fn resume_frames(&mut self, context: &mut StepContext<'_>, bytes: &[u8]) -> Option<Step<'static>> {
        // Text begins none.
        let first = *bytes.first()?;
        if (b' '..0x80).contains(&first) {
            return None;
        }
        let mut passed = 0;
        let layer = loop {
            match resumes(bytes.get(passed..).unwrap_or_default()) {
                Resumption::Frame => break Layer::Frame,
                Resumption::Grpc => break Layer::Grpc,
                Resumption::Control(len) => passed += len,
                Resumption::NeedMore => return Some(Step { len: passed, ..Step::wait() }),
                Resumption::Other if passed == 0 => return None,
                Resumption::Other => return Some(Step::done(passed)),
            }
        };
        context.draft.reset();
        self.flags |= if layer == Layer::Frame { super::WEBSOCKET } else { super::GRPC };
        self.set_layer(context.direction, layer);
        Some(Step::done(passed))
    }

    /// JSON of a server that was thought to speak HTTP: what the client has sent was no HTTP to it.
    fn contradict_http(&mut self, direction: Direction) {
        let client = Direction::ToServer;
        let is_http = matches!(
            self.layer(client),
            Layer::HttpHead | Layer::HttpBody | Layer::HttpChunk | Layer::HttpTrailer
        );
        if direction == Direction::ToClient && is_http && self.flags & HTTP[1] == 0 {
            self.set_pending(client, 0);
            self.set_layer(client, Layer::Text);
            self.flags |= BROKEN[0] | super::REST[0];
        }
    }
}

/// Whether the first bytes of a turn are those of text, and no length of a message.
fn is_told_as_text(bytes: &[u8]) -> bool {
    bytes
        .get(..TOLD_BY)
        .is_some_and(|head| fit::is_text(head) && !head.iter().take(LENGTH_DIGITS).all(u8::is_ascii_digit))
}

/// Ends nonsense where a segment begins like a message; it ends with its line in any case. Answers with the step, if more
/// bytes have to tell.
fn begins_message(context: &mut StepContext<'_>, bytes: &[u8]) -> Option<Step<'static>> {
    let blank = bytes.iter().take_while(|byte| lines::is_blank(**byte)).count();
    let rest = bytes.get(blank..).filter(|rest| !rest.is_empty())?;
    // A list of anything but objects is more often the middle of a message than one.
    let json = match rest {
        [b'[', b'[' | b'"' | b']', ..] => Fit::No,
        _ => fit::opens_json(rest),
    };
    let begins = [json, http::opens_request(rest), http::opens_response(rest)];
    if begins.contains(&Fit::Yes) {
        context.draft.lines.reset();
        return None;
    }
    if let Some(len) = lines::prefix(bytes) {
        context.draft.lines.reset();
        return Some(Step::done(len));
    }
    begins.contains(&Fit::Maybe).then_some(Step { len: blank, ..Step::wait() })
}

/// Bytes of a turn that signatures of binary protocols see.
pub(super) const BINARY_BYTES: usize = 192;
/// Digits of the length before each message of Bismuth.
const LENGTH_DIGITS: usize = 10;
/// Bytes by which text is told from what is none.
const TOLD_BY: usize = 16;
