//! JSON by structure: a bounded index over the bytes of one message.

use crate::limits::JSON_DEPTH;

/// The index of one message.
#[derive(Debug, Default)]
pub struct Tape {}

/// How far a value reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The value is the first so many bytes.
    Complete(usize),
    /// It goes on after the bytes at hand.
    NeedMore,
    /// This is no JSON object or array, or one nested too deep.
    Invalid,
}

/// Finds the end of the object or array that `bytes` begin with.
pub fn end_of_value(bytes: &[u8]) -> End {
    if bytes.first().is_some_and(|b| !matches!(b, b'{' | b'[')) {
        return End::Invalid;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte < b' ' && (in_string || !matches!(byte, b'\t' | b'\r' | b'\n')) {
            return End::Invalid;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' if depth == JSON_DEPTH => return End::Invalid,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return End::Complete(at + 1);
                }
            }
            _ => {}
        }
    }
    End::NeedMore
}
