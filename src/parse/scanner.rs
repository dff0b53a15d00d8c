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

mod string;

use super::tree::{Tree, ValueKind};
use super::words::{WORD_BYTES, WordId, Words, hash};
use crate::limits::{JSON_DEPTH, JSON_ITEMS};
use string::StringScan;

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
    /// The name of the member whose value comes next; 0 if it is not known.
    key: WordId,
    string: StringScan,
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
        self.expect = Expect::Root;
        self.within = Within::Nothing;
        (self.depth, self.skipped_from, self.base, self.objects) = (0, 0, 0, 0);
        is_half_read
    }

    /// Forgets a half-read value.
    pub(crate) fn reset(&mut self) {
        self.expect = Expect::Root;
        self.within = Within::Nothing;
        (self.depth, self.skipped_from, self.base, self.objects) = (0, 0, 0, 0);
        self.tree.clear();
    }

    /// Reads `bytes`, the next ones of the value.
    pub(crate) fn feed(&mut self, words: &Words, bytes: &[u8]) -> ScanProgress {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.within {
                Within::Nothing => {}
                Within::Key | Within::String(_) => {
                    at += self.string_bytes(words, bytes.get(at..).unwrap_or_default());
                    continue;
                }
                Within::Bare(node) => {
                    let len = bytes.iter().skip(at).take_while(|byte| is_bare(**byte)).count();
                    self.bare_bytes(node, bytes.get(at..at + len).unwrap_or_default());
                    at += len;
                    if at < bytes.len() {
                        self.end_bare(node);
                    }
                    continue;
                }
                _ => {
                    if !self.comment_byte(byte) {
                        return ScanProgress::Broken(at);
                    }
                    at += 1;
                    continue;
                }
            }
            at += 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'/' if self.depth > 0 => self.within = Within::Slash,
                _ if self.skipped_from > 0 => self.skip_byte(byte),
                _ => match self.token(byte) {
                    None => {}
                    Some(StructureEvent::Message) => return ScanProgress::Message(at),
                    Some(StructureEvent::End) => return ScanProgress::End(at),
                    Some(StructureEvent::Broken) => return ScanProgress::Broken(at - 1),
                },
            }
        }
        ScanProgress::NeedMore
    }

    /// Takes a byte of structure.
    fn token(&mut self, byte: u8) -> Option<StructureEvent> {
        use Expect::{Colon, FirstItem, FirstKey, Key, Next, Root, Value};
        match (self.expect, byte) {
            (Root | Value | FirstItem, b'{' | b'[') => {
                self.open(if byte == b'{' { ValueKind::Object } else { ValueKind::Array });
            }
            (Value | FirstItem, b'"') => {
                let node = self.push(ValueKind::String);
                self.string.begin(node != NONE);
                self.within = Within::String(node);
            }
            (Value | FirstItem, _) if is_bare(byte) => {
                let node = self.push(ValueKind::Word);
                self.string.begin(node != NONE);
                self.within = Within::Bare(node);
                self.bare_bytes(node, &[byte]);
            }
            (FirstKey | Key, b'"') => {
                self.string.begin_key();
                self.within = Within::Key;
            }
            (Colon, b':') => self.expect = Value,
            (Next, b',') => self.expect = if self.objects & 1 == 1 { Key } else { Value },
            (FirstItem | Value | Next, b']') if self.objects & 1 == 0 && self.depth > 0 => {
                return self.close();
            }
            (FirstKey | Key | Next, b'}') if self.objects & 1 == 1 => return self.close(),
            _ => return Some(StructureEvent::Broken),
        }
        None
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
        let is_kept =
            if self.objects & 1 == 1 { self.key != 0 } else { self.tree.count(parent) < JSON_ITEMS };
        let key = if self.objects & 1 == 1 { self.key } else { 0 };
        if is_kept { self.tree.push(kind, key, level as usize + 1).unwrap_or(NONE) } else { NONE }
    }

    /// Takes a byte of a container that is passed over.
    fn skip_byte(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth <= self.skipped_from {
                    self.skipped_from = 0;
                    self.expect = Expect::Next;
                }
            }
            b'"' => {
                self.string.begin(false);
                self.within = Within::String(NONE);
            }
            _ => {}
        }
    }

    /// Bytes of a string or a name; answers how many.
    fn string_bytes(&mut self, words: &Words, bytes: &[u8]) -> usize {
        if self.within == Within::Key
            && let Some(name) = self.string.whole_name(bytes)
        {
            // Nearly all names lie whole in the segment, and are looked up where they stand.
            self.within = Within::Nothing;
            self.end_key(if name.len() > WORD_BYTES { None } else { words.id(hash(name), name) });
            return name.len() + 1;
        }
        let level = self.level() as usize + 1;
        let node = match self.within {
            Within::String(node) => node,
            _ => NONE,
        };
        let (len, ended) = self.string.feed(&mut self.tree, node, level, bytes);
        if !ended {
            return len;
        }
        if self.within == Within::Key {
            self.end_key(self.string.word(words));
        } else if node != NONE {
            self.string.finish(&mut self.tree, node);
        }
        self.within = Within::Nothing;
        len
    }

    /// A member's name is complete.
    fn end_key(&mut self, word: Option<WordId>) {
        self.expect = Expect::Colon;
        self.key = word.unwrap_or(0);
        let level = self.level();
        let object = level.checked_sub(1).and_then(|above| self.open.get(above as usize)).copied();
        let Some(object) = object else { return };
        self.tree.count(object);
        if self.key == 0 {
            if level == 1 {
                self.tree.note_unknown();
            }
        } else {
            self.tree.note_member(object, self.key);
        }
    }

    fn bare_bytes(&mut self, node: u16, bytes: &[u8]) {
        if node != NONE {
            let level = self.level() as usize + 1;
            self.string.keep(&mut self.tree, node, level, bytes);
        }
    }

    /// A number, a literal or another bare word is complete.
    fn end_bare(&mut self, node: u16) {
        self.within = Within::Nothing;
        if node != NONE {
            self.string.finish_bare(&mut self.tree, node);
        }
    }

    /// Takes a byte of a comment (JSON has none, but some readers take them); returns whether it is one.
    fn comment_byte(&mut self, byte: u8) -> bool {
        self.within = match (self.within, byte) {
            (Within::Slash, b'/') => Within::LineComment,
            (Within::Slash, b'*') => Within::BlockComment,
            (Within::Slash, _) => return false,
            (Within::LineComment, b'\n') | (Within::Star, b'/') => Within::Nothing,
            (Within::BlockComment | Within::Star, b'*') => Within::Star,
            (Within::Star, _) => Within::BlockComment,
            (within, _) => within,
        };
        true
    }
}

/// Events at a byte of structure.
enum StructureEvent {
    Message,
    End,
    Broken,
}

/// Whether `byte` may stand in a number or a literal; in `NaN` too, which some servers print.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests;
