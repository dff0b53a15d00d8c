//! JSON as it streams (RFC 8259): bytes in, values of the message at hand out, in fixed memory.
//!
//! A message is an object, or an array without objects; of an array of objects (a batch) each object is a
//! message. Members with unknown names, values nested too deep and items too far behind are passed over, not
//! refused: depth is a counter there, and strings, blanks and numbers may have any length. Each byte is looked
//! at once, wherever the segments end.
//!
//! The reader is strict about structure and lenient about the rest: bare words, control bytes in strings,
//! comments and a comma before a closing bracket are taken as they come, because the other end may take
//! them so.
//!
//! Where messages are lines, a line that begins with a brace begins a message, also behind an open string,
//! comment or array: a receiver that reads lines has refused the rest, and reads on here.

mod string;
mod token;

use super::tree::{Tree, ValueKind};
use super::words::{WordId, Words};
use crate::limits::{JSON_DEPTH, JSON_ITEMS};
use string::StringScan;
use token::{LineStart, is_bare};

/// A reader in the middle of a JSON value, or between two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// The values of the message at hand.
    pub tree: Tree,
    expect: Expect,
    /// Token that the bytes at hand are inside of.
    within: Within,
    /// Containers that are open.
    depth: u32,
    /// The depth in which a container began that is passed over; 0 if none is.
    skipped_from: u32,
    /// Containers around the message: 1 in a batch.
    base: u32,
    /// A bit for each container that is read, the innermost lowest: it is an object.
    objects: u16,
    /// The nodes of containers that are read, by level.
    open: [u16; JSON_DEPTH],
    /// The name of the member whose value comes next; 0 if it is not known, [`TAG`] if it may be the kind of the message.
    key: WordId,
    string: StringScan,
    /// Messages are lines.
    by_line: bool,
    /// Beginning of the line at hand, as far as it goes.
    line: LineStart,
}

/// Progress of the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanProgress {
    /// The value goes on behind the bytes.
    NeedMore,
    /// So many bytes are read, and a message ends with them. More of a batch may follow ([`Scanner::is_idle`]).
    Message(usize),
    /// So many bytes are read, and the batch ends with them.
    End(usize),
    /// So many bytes are read; the value at hand ended unfinished, and a message begins with the last of them.
    Anew(usize),
    /// The byte behind so many breaks the grammar.
    Broken(usize),
}

/// Tokens that may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Root,
    FirstKey,
    Key,
    Colon,
    Value,
    FirstItem,
    Next,
}

/// Token that the latest byte was part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    Key,
    /// A string or a bare word; the node that keeps it.
    String(u16),
    Bare(u16),
    /// The beginning of a comment.
    Slash,
    LineComment,
    BlockComment,
    /// A star in a comment, which a slash would end.
    Star,
}

/// No node.
const NONE: u16 = u16::MAX;
/// An unknown name that comes first in a message: an object behind it is kept without one while it stands alone, because
/// the name may be the kind of the message (serde's enums: `{"Submit":{..}}`).
const TAG: WordId = WordId::MAX;

impl Scanner {
    /// Whether no value is half read.
    pub(crate) fn is_idle(&self) -> bool {
        self.expect == Expect::Root && self.within == Within::Nothing
    }

    /// Ends a value that will not go on; whether there is any.
    pub(crate) fn cut_short(&mut self) -> bool {
        let is_half_read = !self.is_idle() && self.depth > self.base;
        for level in (0..self.level().min(JSON_DEPTH as u32)).rev() {
            if let Some(&node) = self.open.get(level as usize) {
                self.tree.close(node);
            }
        }
        self.forget_open();
        is_half_read
    }

    /// Forgets a half-read value; `by_line` says whether messages are lines from now on.
    pub(crate) fn reset(&mut self, by_line: bool) {
        self.by_line = by_line;
        self.forget_open();
        self.tree.clear();
    }

    fn forget_open(&mut self) {
        self.expect = Expect::Root;
        self.within = Within::Nothing;
        self.line = LineStart::Other;
        (self.depth, self.skipped_from, self.base, self.objects) = (0, 0, 0, 0);
    }

    /// Reads `bytes`, the next ones of the value.
    pub(crate) fn feed(&mut self, words: &Words, bytes: &[u8]) -> ScanProgress {
        let mut at = 0;
        while at < bytes.len() {
            let event = match self.within {
                Within::Nothing => self.structure(words, bytes, &mut at),
                Within::Key | Within::String(_) => self.string_bytes(words, bytes, &mut at),
                Within::Bare(node) => {
                    self.bare_bytes(node, bytes, &mut at);
                    None
                }
                _ => self.comment_byte(bytes, &mut at),
            };
            match event {
                None => {}
                Some(StructureEvent::Message) => return ScanProgress::Message(at),
                Some(StructureEvent::End) => return ScanProgress::End(at),
                Some(StructureEvent::Anew) => return ScanProgress::Anew(at),
                Some(StructureEvent::Broken) => return ScanProgress::Broken(at - 1),
            }
        }
        ScanProgress::NeedMore
    }

    /// Takes what begins at a byte outside of strings, words and comments.
    fn structure(&mut self, words: &Words, bytes: &[u8], at: &mut usize) -> Option<StructureEvent> {
        let byte = *bytes.get(*at)?;
        *at += 1;
        match byte {
            b' ' | b'\t' | b'\r' => return None,
            b'\n' => {
                self.line = if self.by_line { LineStart::Blank } else { LineStart::Other };
                return None;
            }
            _ => {}
        }
        let begins_line = core::mem::take(&mut self.line) == LineStart::Blank;
        match byte {
            b'/' if self.depth > 0 => self.within = Within::Slash,
            b'{' if begins_line && self.is_inside() => return Some(self.begin_anew()),
            _ if self.skipped_from > 0 => return self.skip_byte(bytes, at, byte),
            _ => return self.token(words, bytes, at, byte),
        }
        None
    }

    /// Takes a byte of structure, with the whole of a name, a string or a word that begins with it.
    fn token(&mut self, words: &Words, bytes: &[u8], at: &mut usize, byte: u8) -> Option<StructureEvent> {
        use Expect::{Colon, FirstItem, FirstKey, Key, Next, Root, Value};
        match (self.expect, byte) {
            (FirstKey | Key, b'"') => {
                self.begin_name(words, bytes, at);
                if self.expect == Value && bytes.get(*at) == Some(&b'"') {
                    *at += 1;
                    self.string_value(bytes, at);
                }
            }
            (Value | FirstItem, b'"') => self.string_value(bytes, at),
            (Root | Value | FirstItem, b'{' | b'[') => {
                self.open(if byte == b'{' { ValueKind::Object } else { ValueKind::Array });
            }
            (Value | FirstItem, _) if is_bare(byte) => {
                let node = self.push(ValueKind::Word);
                self.string.begin(node != NONE);
                self.within = Within::Bare(node);
                *at -= 1;
                self.bare_bytes(node, bytes, at);
                self.pass_comma(bytes, at);
            }
            (Colon, b':') => self.expect = Value,
            (Next, b',') => self.expect_another(),
            (FirstItem | Value | Next, b']') if self.objects & 1 == 0 && self.depth > 0 => {
                return self.close();
            }
            (FirstKey | Key | Next, b'}') if self.objects & 1 == 1 => return self.close(),
            _ => return Some(StructureEvent::Broken),
        }
        None
    }

    /// Takes a string behind its first quote.
    fn string_value(&mut self, bytes: &[u8], at: &mut usize) {
        let node = self.push(ValueKind::String);
        self.begin_string(node, bytes, at);
        self.pass_comma(bytes, at);
    }

    /// Takes the comma behind a string or a word that has ended, which nearly always stands there.
    fn pass_comma(&mut self, bytes: &[u8], at: &mut usize) {
        if self.within == Within::Nothing && bytes.get(*at) == Some(&b',') {
            *at += 1;
            self.expect_another();
        }
    }

    /// Another item or member follows.
    fn expect_another(&mut self) {
        self.expect = if self.objects & 1 == 1 { Expect::Key } else { Expect::Value };
    }

    /// Whether a brace would begin a part of a message, no message.
    fn is_inside(&self) -> bool {
        // Items of a batch are messages.
        self.depth > 1 || self.objects != 0 || self.expect == Expect::Next
    }

    /// Ends the value at hand where it is, and begins a message.
    fn begin_anew(&mut self) -> StructureEvent {
        self.forget_open();
        self.open(ValueKind::Object);
        StructureEvent::Anew
    }

    /// Begins a container, to be read or passed over.
    fn open(&mut self, kind: ValueKind) {
        let in_batch = self.depth == 1 && self.objects == 0 && kind == ValueKind::Object;
        let node = if self.depth == 0 || in_batch {
            // In a batch each object is a message.
            self.tree.clear();
            self.base = self.depth;
            self.tree.push(kind, 0, 1).unwrap_or(NONE)
        } else {
            self.push(kind)
        };
        let level = self.level();
        match self.open.get_mut(level as usize) {
            Some(open) if node != NONE => *open = node,
            _ => {
                self.skipped_from = self.depth;
                self.depth += 1;
                return;
            }
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u16::from(kind == ValueKind::Object);
        self.expect = if kind == ValueKind::Object { Expect::FirstKey } else { Expect::FirstItem };
    }

    /// Ends the innermost container.
    fn close(&mut self) -> Option<StructureEvent> {
        self.depth -= 1;
        self.objects >>= 1;
        self.expect = Expect::Next;
        let level = self.level();
        if let Some(&node) = self.open.get(level as usize) {
            self.tree.close(node);
        }
        if self.depth > self.base {
            return None;
        }
        let was_batch = self.depth == 0 && self.base == 1;
        if self.depth == 0 {
            self.expect = Expect::Root;
            self.base = 0;
        }
        Some(if was_batch { StructureEvent::End } else { StructureEvent::Message })
    }

    /// Levels of the message that are open.
    fn level(&self) -> u32 {
        self.depth.saturating_sub(self.base)
    }

    /// A node for the value that begins, if it is kept.
    fn push(&mut self, kind: ValueKind) -> u16 {
        self.expect = Expect::Next;
        let level = self.level();
        let parent = level.checked_sub(1).and_then(|above| self.open.get(above as usize)).copied();
        let Some(parent) = parent else { return NONE };
        let (is_kept, key) = match self.key {
            _ if self.objects & 1 == 0 => (self.tree.count(parent) < JSON_ITEMS, 0),
            TAG => (kind == ValueKind::Object, 0),
            key => (key != 0, key),
        };
        if is_kept { self.tree.push(kind, key, level as usize + 1).unwrap_or(NONE) } else { NONE }
    }

    /// Takes a byte of a container that is passed over.
    fn skip_byte(&mut self, bytes: &[u8], at: &mut usize, byte: u8) -> Option<StructureEvent> {
        match byte {
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth <= self.skipped_from {
                    self.skipped_from = 0;
                    self.expect = Expect::Next;
                }
            }
            b'"' => self.begin_string(NONE, bytes, at),
            _ => {}
        }
        None
    }
}

/// Events at a byte of structure.
enum StructureEvent {
    Message,
    End,
    Anew,
    Broken,
}

#[cfg(test)]
mod tests;
