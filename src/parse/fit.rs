//! Whether bytes begin like something, as far as they go.

/// Whether bytes begin in a certain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The bytes match.
    Yes,
    /// The bytes match as far as they go.
    Maybe,
    /// The bytes don't match.
    No,
}

impl Fit {
    /// Whether `bytes` begin with `literal`.
    pub(crate) fn prefix(bytes: &[u8], literal: &[u8]) -> Fit {
        if bytes.starts_with(literal) {
            Fit::Yes
        } else if literal.starts_with(bytes) {
            Fit::Maybe
        } else {
            Fit::No
        }
    }
}

/// Whether `bytes` begin like JSON: an object or array with a fitting second token, so that one
/// random byte doesn't pass for it.
pub(crate) fn opens_json(bytes: &[u8]) -> Fit {
    let mut tokens = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (tokens.next(), tokens.next()) {
        (None, _) | (Some(b'{' | b'['), None) => Fit::Maybe,
        (Some(b'{'), Some(b'"' | b'}')) => Fit::Yes,
        (Some(b'['), Some(b'{' | b'[' | b'"' | b']')) => Fit::Yes,
        _ => Fit::No,
    }
}

/// Printable text, tabs and line ends included; UTF-8 is not checked.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_text_byte(*byte))
}

/// Whether it is a byte of such text.
pub(crate) fn is_text_byte(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || matches!(byte, b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bracket_does_not_make_json() {
        assert_eq!(opens_json(b" {"), Fit::Maybe);
        assert_eq!(opens_json(b"{ \"id\""), Fit::Yes);
        assert_eq!(opens_json(b"{\x9c"), Fit::No);
        assert_eq!(opens_json(b"[ 1]"), Fit::No);
    }
}
