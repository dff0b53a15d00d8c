//! Messages that follow one another in a byte stream: JSON values wherever one begins a line, `verb~json`, and
//! lines of text.
//!
//! A JSON value ends where its brackets balance, with or without a line end after it. Blank bytes, byte order
//! marks and zeros between messages mean nothing. What makes no sense is passed over up to the next line end, or up to a
//! value if no more than a few bytes stand before it that are no text: the length of a message, say.

use super::fit;
use super::scanner::{ScanProgress, Scanner};
use super::tree::class;
use super::words::Words;
use crate::limits::LINE_BYTES;

/// A reader in the middle of a line or of a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// The values of the message at hand.
    pub scanner: Scanner,
    /// A line of text as far as it is kept, or the verb before a value.
    pub line: heapless::Vec<u8, LINE_BYTES>,
    state: LineState,
    /// Length of the verb before the value at hand.
    verb: u8,
    /// Bytes that may still stand before a value, in what makes no sense.
    prefix: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LineState {
    /// Between messages.
    #[default]
    Start,
    /// The same, right behind a value, which a zero may end.
    Ended,
    /// In a JSON value.
    Value,
    /// In a line of text.
    Line,
    /// In a line that makes no sense.
    Rest,
}

/// Pieces of a byte stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// No end of a message; more bytes are needed.
    NeedMore,
    /// A message of JSON, whose values the scanner holds.
    Value,
    /// A line of text.
    Line,
    /// A line of text that has no end yet.
    OpenLine,
    /// The beginning of something else, up to the next line end.
    Other,
}

impl Lines {
    /// Whether no message is half read.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, LineState::Start | LineState::Ended) && self.prefix == 0
    }

    /// Whether a value is half read.
    pub(crate) fn is_in_value(&self) -> bool {
        self.state == LineState::Value
    }

    /// Whether a line of text is half read.
    pub(crate) fn is_in_line(&self) -> bool {
        self.state == LineState::Line
    }

    /// Whether a line that makes no sense is passed over.
    pub(crate) fn is_passing_over(&self) -> bool {
        self.state == LineState::Rest
    }

    /// Whether such a line is passed over up to its end, so that nothing else of it matters.
    pub(crate) fn passes_over_line(&self) -> bool {
        self.is_passing_over() && self.prefix == 0
    }

    /// Forgets what is half read; the next byte begins a message.
    pub(crate) fn reset(&mut self) {
        self.state = LineState::Start;
        (self.verb, self.prefix) = (0, 0);
        self.line.clear();
        self.scanner.reset(false);
    }

    /// Forgets what is half read; the next message begins behind a line end.
    pub(crate) fn pass_over_line(&mut self) {
        self.reset();
        self.state = LineState::Rest;
    }

    /// The verb before the value at hand; empty without.
    pub(crate) fn verb(&self) -> &[u8] {
        self.line.get(..usize::from(self.verb)).unwrap_or_default()
    }

    /// Reads `bytes` up to the end of the next message; answers how many it has read. In messages that are packets
    /// of Engine.IO and Socket.IO (protocol revision 5: `42["event",{}]`) digits may stand before a value.
    pub(crate) fn feed(&mut self, words: &Words, bytes: &[u8], are_packets: bool) -> (usize, Piece) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (len, piece) = match self.state {
                LineState::Start | LineState::Ended => (self.start(rest, !are_packets), None),
                LineState::Value => self.value(words, rest),
                LineState::Line => self.text(words, rest, are_packets),
                LineState::Rest => (self.rest(rest, !are_packets), None),
            };
            at += len;
            if let Some(piece) = piece {
                return (at, piece);
            }
        }
        (at, if self.state == LineState::Line { Piece::OpenLine } else { Piece::NeedMore })
    }

    /// Passes over what means nothing, up to the first byte of a message.
    fn start(&mut self, bytes: &[u8], by_line: bool) -> usize {
        let blank = bytes.iter().take_while(|byte| is_blank(**byte)).count();
        let zeros = bytes.iter().take(blank).filter(|byte| **byte == 0).count();
        if zeros > usize::from(self.state == LineState::Ended) {
            self.prefix = LENGTH_BYTES;
        }
        if zeros > 0 {
            self.state = LineState::Start;
        }
        if let Some(first) = bytes.get(blank) {
            self.verb = 0;
            self.line.clear();
            self.state =
                if matches!(first, b'{' | b'[') { self.begin_value(by_line) } else { LineState::Line };
        }
        blank
    }

    /// Passes over what makes no sense.
    fn rest(&mut self, bytes: &[u8], by_line: bool) -> usize {
        let near = bytes.get(..usize::from(self.prefix)).unwrap_or(bytes);
        let first = near.iter().position(|byte| matches!(byte, b'{' | b'\n'));
        if let Some(at) = first.filter(|at| near.get(*at) == Some(&b'{')) {
            self.state = self.begin_value(by_line);
            return at;
        }
        self.prefix -= near.len() as u8;
        match end_of_line(bytes) {
            Some(len) => {
                self.reset();
                len
            }
            None => bytes.len(),
        }
    }

    fn begin_value(&mut self, by_line: bool) -> LineState {
        self.prefix = 0;
        self.scanner.reset(by_line);
        LineState::Value
    }

    fn value(&mut self, words: &Words, bytes: &[u8]) -> (usize, Option<Piece>) {
        match self.scanner.feed(words, bytes) {
            ScanProgress::NeedMore => (bytes.len(), None),
            ScanProgress::Message(len) => {
                if self.scanner.is_idle() {
                    self.state = LineState::Ended;
                }
                (len, Some(Piece::Value))
            }
            ScanProgress::End(len) => {
                self.state = LineState::Ended;
                (len, None)
            }
            ScanProgress::Anew(len) => (len, Some(Piece::Other)),
            ScanProgress::Broken(len) => {
                self.pass_over_line();
                (len, Some(Piece::Other))
            }
        }
    }

    fn text(&mut self, words: &Words, bytes: &[u8], are_packets: bool) -> (usize, Option<Piece>) {
        if matches!(bytes.first(), Some(b'{' | b'[')) && self.line.len() <= VERB_MAX {
            let verb = self.line.strip_suffix(b"~").unwrap_or_default();
            let is_verb = !verb.is_empty() && verb.iter().all(u8::is_ascii_lowercase);
            let is_packet = are_packets && self.line.iter().all(u8::is_ascii_digit);
            if is_verb || is_packet {
                self.verb = if is_verb { self.line.len() as u8 - 1 } else { 0 };
                self.state = self.begin_value(!are_packets);
                return (0, None);
            }
            if self.line.len() <= usize::from(self.prefix) && bytes.first() == Some(&b'{') {
                // The end of a length, which happens to be letters.
                self.state = self.begin_value(!are_packets);
                // A brace is no end of a value.
                let _ = self.scanner.feed(words, bytes.get(..1).unwrap_or_default());
                return (1, Some(Piece::Other));
            }
        }
        // Up to where a value might begin, to the end of the line, or to what is no text.
        let short = self.line.len() <= VERB_MAX;
        let first = usize::from(short && matches!(bytes.first(), Some(b'{' | b'[')));
        let ends = |byte: &u8| match byte {
            b'\n' => true,
            b'{' | b'[' => short,
            _ => !fit::is_text_byte(*byte),
        };
        let len = bytes.iter().skip(first).position(ends).map_or(bytes.len(), |len| first + len);
        if bytes.get(len).is_some_and(|byte| !fit::is_text_byte(*byte)) {
            let before = self.line.len() + len + 1;
            self.pass_over_line();
            self.prefix = PREFIX_BYTES.saturating_sub(before) as u8;
            return (len + 1, Some(Piece::Other));
        }
        let text = bytes.get(..len).unwrap_or_default();
        // What there is no room for is no message of a dialect.
        let room = LINE_BYTES - self.line.len();
        let _ = self.line.extend_from_slice(text.get(..room).unwrap_or(text));
        if bytes.get(len) != Some(&b'\n') {
            return (len, None);
        }
        while self.line.last().is_some_and(u8::is_ascii_whitespace) {
            self.line.pop();
        }
        self.state = LineState::Start;
        self.prefix = 0;
        (len + 1, Some(Piece::Line))
    }
}

/// Length of the first line with its end.
pub(crate) fn end_of_line(bytes: &[u8]) -> Option<usize> {
    let line = class::line(bytes);
    (line < bytes.len()).then_some(line + 1)
}

/// Bytes before a value at the head that are the length of a message, say: few, and one of them is no text.
pub(crate) fn prefix(bytes: &[u8]) -> Option<usize> {
    let near = bytes.get(..=PREFIX_BYTES).unwrap_or(bytes);
    let len = near.iter().position(|byte| matches!(byte, b'{' | b'\n'))?;
    let (before, rest) = bytes.split_at(len);
    (rest.first() == Some(&b'{') && !fit::is_text(before)).then_some(len)
}

/// Whether a line holds nothing but a JSON scalar, or a comment. No miner sends one, but pools written in
/// JavaScript pass over it, and so it could hide what follows.
pub(crate) fn says_nothing(line: &[u8]) -> bool {
    if line.starts_with(b"//") || line.starts_with(b"/*") || line.starts_with(b"#") {
        return true;
    }
    match line.first() {
        Some(b'"') => {
            line.len() > 1 && line.iter().skip(1).position(|&byte| byte == b'"') == Some(line.len() - 2)
        }
        Some(b'-' | b'0'..=b'9') => line.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)),
        _ => matches!(line, b"true" | b"false" | b"null"),
    }
}

/// White space as pools in Python, C and JavaScript strip it (form feeds, vertical tabs and the separators 0x1c to 0x1f
/// included), zeros (programs in C send the one that ends a string), and the bytes of a byte order mark.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | 9..=13 | 0x1c..=0x20 | 0xef | 0xbb | 0xbf)
}

/// Bytes before a value, one of which is no text.
const PREFIX_BYTES: usize = 16;
/// Bytes of a length behind its zeros.
const LENGTH_BYTES: u8 = 2;
/// Longest verb of Xatum with its tilde, or type of a packet.
const VERB_MAX: usize = 9;
