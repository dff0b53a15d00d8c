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
        self.decode().is_some_and(|decoded| test(&decoded))
    }

    /// The bytes as they stand in the text: a string's between its quotes, a container's with its
    /// brackets.
    pub fn bytes(self) -> &'a [u8] {
        self.node().map_or(&[], |node| node.bytes(self.text))
    }

    /// The string without escapes (RFC 8259 section 7); `None` if it is longer than any that is compared, or no text.
    fn decode(self) -> Option<heapless::Vec<u8, JSON_DECODED_BYTES>> {
        let mut decoded = heapless::Vec::new();
        let mut rest = self.bytes().iter();
        while let Some(&byte) = rest.next() {
            let byte = match byte {
                b'\\' => match rest.next()? {
                    &byte @ (b'"' | b'\\' | b'/') => byte,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'u' => {
                        let c = unicode(&mut rest)?;
                        decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()).ok()?;
                        continue;
                    }
                    _ => return None,
                },
                byte => byte,
            };
            decoded.push(byte).ok()?;
        }
        core::str::from_utf8(&decoded).is_ok().then_some(decoded)
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

/// The character that `digits` give in UTF-16, behind a first `\u`.
fn unicode(digits: &mut core::slice::Iter<'_, u8>) -> Option<char> {
    let first = utf16_unit(digits)?;
    if first & 0xfc00 != HIGH_SURROGATE {
        return char::from_u32(first);
    }
    if (digits.next()?, digits.next()?) != (&b'\\', &b'u') {
        return None;
    }
    char::decode_utf16([first as u16, utf16_unit(digits)? as u16]).next()?.ok()
}

fn utf16_unit(digits: &mut core::slice::Iter<'_, u8>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit << 4 | char::from(*digits.next()?).to_digit(16)?))
}

/// The upper six bits of the first unit of a pair (RFC 2781 section 2.1).
const HIGH_SURROGATE: u32 = 0xd800;
