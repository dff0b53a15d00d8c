//! JSON by structure: a bounded index over the bytes of one message.
//!
//! The index (a *tape*) lists values in the order of the text, each with the place of its bytes and
//! of its next sibling. Nothing recurses and nothing allocates, so hostile nesting and length cost
//! no more than one pass over the bytes.
//!
//! It stands beside the scanner ([`super::scanner`]), which reads what strangers send as it streams, and of that keeps
//! the members that signatures name and 200 bytes of a text. Here every member counts, with its whole text and its
//! place: requests on the control socket, lines of the reputation store, documents for hooks, ubus and collectors. They
//! come in one piece, and most are ours.
//!
//! The reader is strict about structure and lenient about everything else: scalars, control bytes in
//! strings and bytes after the value are taken as they come, because the other end may take them so.

#[cfg(test)]
mod tests;
mod value;

pub use value::TapeValue;

use crate::limits::{JSON_DEPTH, JSON_NESTING, JSON_NODES};

/// The index of one message; its memory serves one message after the other.
#[derive(Debug, Default)]
pub struct Tape {
    nodes: heapless::Vec<TapeNode, JSON_NODES>,
    whole: bool,
    repeated: bool,
}

impl Tape {
    /// Indexes the object or array that `text` begins with (RFC 8259); what follows it is ignored.
    ///
    /// A text that ends too early is indexed as far as it goes ([`TapeValue::is_whole`] tells). One that
    /// breaks the grammar is refused.
    pub fn index<'a>(&'a mut self, text: &'a [u8]) -> Option<TapeValue<'a>> {
        self.nodes.clear();
        self.whole = false;
        self.repeated = false;
        if self.scan(text).is_none() {
            self.nodes.clear();
        }
        (!self.nodes.is_empty()).then_some(TapeValue::root(self, text))
    }

    /// Fills the tape; `None` if the text breaks the grammar.
    fn scan(&mut self, text: &[u8]) -> Option<()> {
        use TapeExpect::{Colon, FirstItem, FirstKey, Key, Next, Value};

        let mut levels = Levels::new();
        let mut expect = Value;
        let mut key_kept = true;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let mut end = at + 1;
            match (expect, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') => {}
                (Value | FirstItem, b'{' | b'[') => {
                    let object = byte == b'{';
                    let kind = if object { TapeKind::Object } else { TapeKind::Array };
                    let kept = self.keeps_value(&levels, key_kept);
                    let node = if kept { self.push(kind, at, text.len()) } else { None };
                    levels.push(Level { node, object }).ok()?;
                    expect = if object { FirstKey } else { FirstItem };
                }
                (Value | FirstItem, _) if !levels.is_empty() && (byte == b'"' || is_scalar(byte)) => {
                    let kept = self.keeps_value(&levels, key_kept);
                    end = self.scan_plain(text, at, kept);
                    expect = Next;
                }
                (FirstKey | Key, b'"') => {
                    let close = end_of_string(text, end);
                    key_kept = self.keeps(&levels, 2);
                    if key_kept {
                        self.note_repetition(&levels, text, text.get(end..close).unwrap_or(&[]));
                        self.push(TapeKind::String, end, close);
                    }
                    end = close + 1;
                    expect = Colon;
                }
                (Colon, b':') => expect = Value,
                (Next, b',') => expect = if levels.last()?.object { Key } else { Value },
                (FirstItem | Next, b']') | (FirstKey | Next, b'}') => {
                    let level = levels.pop()?;
                    if level.object != (byte == b'}') {
                        return None;
                    }
                    self.close(level, end);
                    if levels.is_empty() {
                        self.whole = true;
                        return Some(());
                    }
                    expect = Next;
                }
                _ => return None,
            }
            at = end;
        }
        while let Some(level) = levels.pop() {
            self.close(level, text.len());
        }
        Some(())
    }

    /// Reads the string or scalar that begins at `at`, and indexes it if it is `kept`; answers its end.
    fn scan_plain(&mut self, text: &[u8], at: usize, kept: bool) -> usize {
        let (kind, start, end) = if text.get(at) == Some(&b'"') {
            (TapeKind::String, at + 1, end_of_string(text, at + 1))
        } else {
            let rest = text.get(at..).unwrap_or_default();
            (TapeKind::Scalar, at, at + rest.iter().take_while(|byte| is_scalar(**byte)).count())
        };
        if kept {
            self.push(kind, start, end);
        }
        if kind == TapeKind::String { end + 1 } else { end }
    }

    /// Whether a value in the innermost level is indexed; an object's goes with its key.
    fn keeps_value(&self, levels: &Levels, key_kept: bool) -> bool {
        match levels.last() {
            Some(level) if level.object => key_kept,
            _ => self.keeps(levels, 1),
        }
    }

    /// Whether the innermost level may take `count` more nodes. The outer levels have some in
    /// reserve, so that a long list of parameters can't hide the method that follows it.
    fn keeps(&self, levels: &Levels, count: usize) -> bool {
        let reserve = match levels.len() {
            0 | 1 => 0,
            2 => 8,
            _ => 24,
        };
        levels.last().is_none_or(|level| level.node.is_some())
            && levels.len() <= JSON_DEPTH
            && self.nodes.len() + count + reserve <= JSON_NODES
    }

    fn push(&mut self, kind: TapeKind, start: usize, end: usize) -> Option<u16> {
        let at = u16::try_from(self.nodes.len()).ok()?;
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        self.nodes.push(TapeNode { start, end, next: at.saturating_add(1), kind }).ok()?;
        Some(at)
    }

    fn close(&mut self, level: Level, end: usize) {
        let next = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        if let Some(node) = level.node.and_then(|at| self.nodes.get_mut(usize::from(at))) {
            node.next = next;
            node.end = u32::try_from(end).unwrap_or(u32::MAX);
        }
    }

    /// Looks for `key` among those that the innermost object has so far. An escaped key could be any.
    fn note_repetition(&mut self, levels: &Levels, text: &[u8], key: &[u8]) {
        let Some(object) = levels.last().and_then(|level| level.node) else { return };
        let mut at = object.saturating_add(1);
        while let Some(node) = self.nodes.get(usize::from(at)) {
            self.repeated |= key.contains(&b'\\') || node.bytes(text) == key;
            at = self.nodes.get(usize::from(node.next)).map_or(u16::MAX, |value| value.next);
        }
    }
}

/// End of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueEnd {
    /// After this many bytes, leading white space included.
    Complete(usize),
    /// Further on.
    NeedMore,
    /// The bytes are no JSON object or array, or one that is nested deeper than
    /// [`JSON_NESTING`].
    Invalid,
}

/// Finds the end of the object or array that `text` begins with: brackets balanced, strings and
/// their escapes honoured. Says nothing of the grammar in between.
pub fn end_of_value(text: &[u8]) -> ValueEnd {
    let mut depth = 0_usize;
    let mut objects = 0_u64;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' => {
                if depth >= JSON_NESTING {
                    return ValueEnd::Invalid;
                }
                depth += 1;
                objects = objects << 1 | u64::from(byte == b'{');
            }
            b'}' | b']' if depth > 0 => {
                if objects & 1 != u64::from(byte == b'}') {
                    return ValueEnd::Invalid;
                }
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    return ValueEnd::Complete(at);
                }
            }
            b'"' if depth > 0 => {
                at = end_of_string(text, at) + 1;
            }
            b',' | b':' if depth > 0 => {}
            _ if depth > 0 && is_scalar(byte) => {}
            _ => return ValueEnd::Invalid,
        }
    }
    ValueEnd::NeedMore
}

/// The place of the quote that ends the string whose bytes begin at `at`, or the end of the text.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Whether `byte` may stand in a number or a literal; in `NaN` too, which some servers print.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[derive(Clone, Copy, Debug)]
struct TapeNode {
    /// First byte; of a string, the one after its quote.
    start: u32,
    /// Offset past the last byte; of a string, its closing quote.
    end: u32,
    /// The node after this one and all that is inside it.
    next: u16,
    kind: TapeKind,
}

const _: () = assert!(size_of::<TapeNode>() <= 12);
const _: () = assert!(JSON_NESTING <= 64 && JSON_DEPTH < JSON_NESTING);

impl TapeNode {
    fn bytes<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let bounds = usize::try_from(self.start).ok().zip(usize::try_from(self.end).ok());
        bounds.and_then(|(start, end)| text.get(start..end)).unwrap_or(&[])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TapeKind {
    Object,
    Array,
    String,
    Scalar,
}

/// A container that is still open.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Node of the value, if it is indexed.
    node: Option<u16>,
    object: bool,
}

type Levels = heapless::Vec<Level, JSON_NESTING>;

/// Tokens that may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TapeExpect {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    Next,
}
