//! Reading the values of an indexed message.

use super::{Tape, TapeKind, TapeNode};
use crate::limits::JSON_DECODED_BYTES;

/// A value of an indexed message.
#[derive(Clone, Copy, Debug)]
pub struct TapeValue<'a> {
    tape: &'a Tape,
    text: &'a [u8],
    at: u16,
    last: bool,
}

impl<'a> TapeValue<'a> {
    pub(super) fn root(tape: &'a Tape, text: &'a [u8]) -> Self {
        TapeValue { tape, text, at: 0, last: false }
    }

    /// The value, read by the rule that of several members with one key the last one counts.
    /// Otherwise it is the first.
    pub fn with_last_keys(self) -> Self {
        TapeValue { last: true, ..self }
    }

    /// Whether the text went on to the end of the message.
    pub fn is_whole(self) -> bool {
        self.tape.whole
    }

    /// Whether an object of the message may have the same key twice. Readers differ in which one
    /// they take.
    pub fn has_repeated_keys(self) -> bool {
        self.tape.repeated
    }

    /// The member of an object that has this key.
    pub fn get(self, key: &str) -> Option<TapeValue<'a>> {
        let mut members = self.members().filter(|(name, _)| name.is(key)).map(|(_, value)| value);
        if self.last { members.last() } else { members.next() }
    }

    /// The members of an object, in the order of the text; of anything else, none.
    pub fn members(self) -> impl Iterator<Item = (TapeValue<'a>, TapeValue<'a>)> {
        let mut children = self.children(TapeKind::Object);
        core::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The items of an array, in order; of anything else, none.
    pub fn items(self) -> impl Iterator<Item = TapeValue<'a>> {
        self.children(TapeKind::Array)
    }

    /// An item of an array, counted from 0.
    pub fn item(self, index: usize) -> Option<TapeValue<'a>> {
        self.items().nth(index)
    }

    /// Number of items of an array; 0 for anything else.
    pub fn len(self) -> usize {
        self.items().count()
    }

    /// Whether there is no item at all.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.kind() == Some(TapeKind::Object)
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.kind() == Some(TapeKind::Array)
    }

    /// Whether it is a string.
    pub fn is_string(self) -> bool {
        self.kind() == Some(TapeKind::String)
    }

    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        self.kind() == Some(TapeKind::Scalar)
            && self.bytes().first().is_some_and(|&byte| byte == b'-' || byte.is_ascii_digit())
    }

    /// Whether it is `true` or `false`.
    pub fn is_bool(self) -> bool {
        self.kind() == Some(TapeKind::Scalar) && matches!(self.bytes(), b"true" | b"false")
    }

    /// Whether it is `false`.
    pub fn is_false(self) -> bool {
        self.kind() == Some(TapeKind::Scalar) && self.bytes() == b"false"
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Some(TapeKind::Scalar) && self.bytes() == b"null"
    }

    /// Whether it is a string that reads `text`, however it is escaped.
    pub fn is(self, text: &str) -> bool {
        self.holds(|bytes| bytes == text.as_bytes())
    }

    /// Whether it is a string of which `test` holds, escapes decoded.
    pub fn holds(self, test: impl FnOnce(&[u8]) -> bool) -> bool {
        if !self.is_string() {
            return false;
        }
        let bytes = self.bytes();
        if !bytes.contains(&b'\\') {
            return test(bytes);
        }
        self.decode().is_some_and(|decoded| test(decoded.as_bytes()))
    }

    /// The bytes as they stand in the text: a string's between its quotes, a container's with its
    /// brackets.
    pub fn bytes(self) -> &'a [u8] {
        self.node().map_or(&[], |node| node.bytes(self.text))
    }

    /// The string without escapes (RFC 8259 section 7).
    fn decode(self) -> Option<heapless::String<JSON_DECODED_BYTES>> {
        let node = self.node()?;
        let start = usize::try_from(node.start).ok()?.checked_sub(1)?;
        let end = usize::try_from(node.end).ok()?.checked_add(1)?;
        let mut buffer = [0; JSON_DECODED_BYTES];
        let (decoded, _) =
            serde_json_core::from_slice_escaped(self.text.get(start..end)?, &mut buffer).ok()?;
        Some(decoded)
    }

    fn children(self, of: TapeKind) -> impl Iterator<Item = TapeValue<'a>> {
        let end = self.node().filter(|node| node.kind == of).map_or(0, |node| node.next);
        let mut at = self.at.saturating_add(1);
        core::iter::from_fn(move || {
            let child = TapeValue { at, ..self };
            at = child.node().filter(|_| at < end)?.next;
            Some(child)
        })
    }

    fn kind(self) -> Option<TapeKind> {
        self.node().map(|node| node.kind)
    }

    fn node(self) -> Option<&'a TapeNode> {
        self.tape.nodes.get(usize::from(self.at))
    }
}
