//! A value that a condition is about, as far as its shapes ask.

use super::compile::program::shape;
use crate::parse::tree::{Value, ValueKind, class};

/// The value at the end of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing<'a> {
    Value(Value<'a>),
    Bytes(&'a [u8]),
    Nothing,
}

impl<'a> Thing<'a> {
    pub(super) fn value(self) -> Option<Value<'a>> {
        match self {
            Thing::Value(value) => Some(value),
            Thing::Bytes(_) | Thing::Nothing => None,
        }
    }

    pub(super) fn string(self) -> Option<&'a [u8]> {
        match self {
            Thing::Value(value) => value.is_string().then(|| value.bytes()),
            Thing::Bytes(bytes) => Some(bytes),
            Thing::Nothing => None,
        }
    }

    /// Bytes of a string, kept or not.
    pub(super) fn len(self) -> usize {
        match self {
            Thing::Value(value) => value.string_len(),
            Thing::Bytes(bytes) => bytes.len(),
            Thing::Nothing => 0,
        }
    }

    /// Whether not all of the string is kept.
    pub(super) fn is_cut(self) -> bool {
        self.string().is_some_and(|text| text.len() < self.len())
    }

    pub(super) fn hex_digits(self) -> Option<usize> {
        match self {
            Thing::Value(value) => value.hex_digits(),
            Thing::Bytes(bytes) => {
                let digits = bytes.strip_prefix(b"0x").unwrap_or(bytes);
                let is_hex = !digits.is_empty() && class::of_all(digits) & class::HEX != 0;
                is_hex.then_some(digits.len())
            }
            Thing::Nothing => None,
        }
    }

    pub(super) fn is_all(self, class: u8) -> bool {
        match self {
            Thing::Value(value) => value.is_all(class),
            Thing::Bytes(bytes) => class::of_all(bytes) & class != 0,
            Thing::Nothing => false,
        }
    }

    pub(super) fn integer(self, shape: u16) -> Option<u32> {
        let fold = |bytes: &mut dyn Iterator<Item = &u8>| {
            bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        match (self, shape) {
            (Thing::Bytes(bytes), shape::BIG) if bytes.len() <= 4 => Some(fold(&mut bytes.iter())),
            (Thing::Bytes(bytes), shape::LITTLE) if bytes.len() <= 4 => Some(fold(&mut bytes.iter().rev())),
            (Thing::Value(value), shape::INTEGER) if value.is_number() || value.is_string() => {
                // A fraction counts for nothing, and what is too large is the largest.
                let whole = value.bytes().split(|byte| *byte == b'.').next()?;
                let number: u64 = core::str::from_utf8(whole).ok()?.parse().ok()?;
                Some(u32::try_from(number).unwrap_or(u32::MAX))
            }
            (Thing::Bytes(bytes), shape::INTEGER) => core::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn is_of_kind(self, shape: u16) -> bool {
        let kind = match self {
            Thing::Value(value) => value.kind(),
            Thing::Bytes(_) => Some(ValueKind::String),
            Thing::Nothing => None,
        };
        let is_string = matches!(kind, Some(ValueKind::String | ValueKind::Prefixed));
        match shape {
            shape::STRING => is_string,
            shape::NUMBER => kind == Some(ValueKind::Number),
            shape::BOOL => matches!(kind, Some(ValueKind::True | ValueKind::False)),
            shape::TRUE => kind == Some(ValueKind::True),
            shape::FALSE => kind == Some(ValueKind::False),
            shape::NULL => kind == Some(ValueKind::Null),
            shape::OBJECT => kind == Some(ValueKind::Object),
            shape::ARRAY => kind == Some(ValueKind::Array),
            shape::NAME => is_string || kind == Some(ValueKind::Number),
            shape::PRESENT => kind.is_some(),
            shape::ABSENT => kind.is_none_or(|kind| kind == ValueKind::Null),
            _ => false,
        }
    }
}
