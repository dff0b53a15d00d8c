//! Messages that follow one another in a byte stream: JSON values, and the lines of the two
//! dialects that aren't JSON.
//!
//! A JSON value ends where its brackets balance, with or without a line end after it. Any other
//! line makes the stream foreign: mail or chat that quotes a mining message is not mining.

use core::ops::Range;

use super::json::{self, End};

/// What stands at the head of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// So many bytes mean nothing: blank lines, white space.
    Blank(usize),
    /// One message; what follows begins at the second value.
    Message(Range<usize>, usize),
    /// More bytes are needed.
    NeedMore,
    /// The stream carries something else.
    Foreign,
}

/// Reads the head of a stream of JSON values or Xatum lines.
pub fn next_json(bytes: &[u8]) -> Line {
    match blank_prefix(bytes) {
        0 => {}
        blank => return Line::Blank(blank),
    }
    match bytes.first() {
        None => Line::NeedMore,
        Some(b'{' | b'[') => match json::end_of_value(bytes) {
            End::Complete(len) => Line::Message(0..len, len),
            End::NeedMore => Line::NeedMore,
            End::Invalid => Line::Foreign,
        },
        Some(_) => match xatum_verb(bytes) {
            Fit::Yes => whole_line(bytes),
            Fit::Maybe => Line::NeedMore,
            Fit::No => Line::Foreign,
        },
    }
}

/// Reads the head of a Duino-Coin stream. Its clients send no line ends: from them (`client`) the
/// end of the bytes ends a command too, once it has the three fields of the shortest one.
pub fn next_text(bytes: &[u8], client: bool) -> Line {
    match blank_prefix(bytes) {
        0 => {}
        blank => return Line::Blank(blank),
    }
    let commas = bytes.iter().filter(|&&byte| byte == b',').count();
    match whole_line(bytes) {
        Line::NeedMore if client && commas >= 2 => Line::Message(0..bytes.len(), bytes.len()),
        line => line,
    }
}

/// The first line of a stream joined midway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// So many bytes end a JSON message whose beginning was not seen.
    Json(usize),
    /// A whole line of Duino-Coin.
    Text,
    /// The line goes on.
    NeedMore,
    /// Not the end of anything we read.
    Foreign,
}

/// Judges the first line of a stream joined midway.
pub fn tail(bytes: &[u8]) -> Tail {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
        return if is_text(bytes) { Tail::NeedMore } else { Tail::Foreign };
    };
    let line = bytes.get(..end).unwrap_or_default().trim_ascii();
    match line.last() {
        _ if !is_text(line) => Tail::Foreign,
        None | Some(b'}' | b']') => Tail::Json(end + 1),
        _ if is_duino_line(line) => Tail::Text,
        _ => Tail::Foreign,
    }
}

/// Whether bytes begin in a certain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They do.
    Yes,
    /// They do as far as they go.
    Maybe,
    /// They don't.
    No,
}

impl Fit {
    /// Whether `bytes` begin with `literal`.
    pub fn prefix(bytes: &[u8], literal: &[u8]) -> Fit {
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
pub fn opens_json(bytes: &[u8]) -> Fit {
    let mut tokens = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (tokens.next(), tokens.next()) {
        (None, _) | (Some(b'{' | b'['), None) => Fit::Maybe,
        (Some(b'{'), Some(b'"' | b'}')) => Fit::Yes,
        (Some(b'['), Some(b'{' | b'[' | b'"' | b']')) => Fit::Yes,
        _ => Fit::No,
    }
}

/// Length of the line that `bytes` begin with, if it holds nothing but a JSON scalar. No miner sends one,
/// but pools written in JavaScript pass over it, and so it could hide what follows.
pub fn scalar_line(bytes: &[u8]) -> (Fit, usize) {
    let window = bytes.get(..SCALAR_LINE_MAX).unwrap_or(bytes);
    let mut len = match window.first() {
        Some(b'"') => {
            window.iter().skip(1).position(|&byte| byte == b'"').map_or(window.len(), |end| end + 2)
        }
        Some(b'-' | b'0'..=b'9') => {
            window.iter().take_while(|&&byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)).count()
        }
        _ => {
            let literals = [&b"true"[..], b"false", b"null"].map(|word| (Fit::prefix(window, word), word));
            match literals.iter().find(|(fit, _)| *fit != Fit::No) {
                Some((Fit::Yes, word)) => word.len(),
                Some(_) => window.len(),
                None => return (Fit::No, 0),
            }
        }
    };
    if !is_text(window.get(..len).unwrap_or_default()) {
        return (Fit::No, 0);
    }
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r');
    len += window.get(len..).unwrap_or_default().iter().take_while(blank).count();
    match window.get(len) {
        Some(b'\n') => (Fit::Yes, len + 1),
        None if window.len() < SCALAR_LINE_MAX => (Fit::Maybe, 0),
        _ => (Fit::No, 0),
    }
}

const SCALAR_LINE_MAX: usize = 64;

/// Whether `bytes` begin with the verb of a Xatum line and its object: `shake~{`, `job~{`.
pub fn xatum_verb(bytes: &[u8]) -> Fit {
    let verb = bytes.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    match (verb, bytes.get(verb..).unwrap_or_default()) {
        (1..=8, rest) => Fit::prefix(rest, b"~{"),
        _ => Fit::No,
    }
}

/// Length of the version that a Duino-Coin server greets with ("4.3"), if `bytes` begin with one.
pub fn version(bytes: &[u8]) -> Option<usize> {
    matches!(bytes, [major, b'.', minor, ..] if major.is_ascii_digit() && minor.is_ascii_digit()).then_some(3)
}

/// Printable text, tabs and line ends included; UTF-8 is not checked.
pub fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte >= b' ' && byte != 0x7f || matches!(byte, b'\t' | b'\r' | b'\n'))
}

fn whole_line(bytes: &[u8]) -> Line {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    match end {
        _ if !is_text(line) => Line::Foreign,
        None => Line::NeedMore,
        Some(end) => Line::Message(0..line.trim_ascii_end().len(), end + 1),
    }
}

/// Zeros are blank, too: programs in C send the one that ends a string.
fn blank_prefix(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count()
}

/// A line that Duino-Coin alone has: a job request, a job (two SHA-1 hashes and a difficulty), or
/// the word on a share.
fn is_duino_line(line: &[u8]) -> bool {
    let is_hash = |field: &[u8]| field.len() == 40 && field.iter().all(u8::is_ascii_hexdigit);
    let mut fields = line.split(|&byte| byte == b',');
    match fields.next() {
        Some(b"JOB") => fields.next().is_some(),
        Some(b"GOOD") => fields.next().is_none(),
        Some(b"BAD") => true,
        Some(hash) => is_hash(hash) && fields.next().is_some_and(is_hash),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_brackets_balance() {
        assert_eq!(next_json(b"{\"a\":\"}\"}{\"b\":1}"), Line::Message(0..9, 9));
        assert_eq!(next_json(b"[{\"a\":1}]\r\n"), Line::Message(0..9, 9));
        assert_eq!(next_json(b"\r\n {"), Line::Blank(3));
        assert_eq!(next_json(b"\0\n{"), Line::Blank(2));
        assert_eq!(next_json(b"{\"a\":[1,2"), Line::NeedMore);
    }

    #[test]
    fn any_other_line_is_foreign_as_early_as_can_be_told() {
        for foreign in
            [&b"EHLO"[..], b"2", b"\"text\"", b"true\n", b"}", b",{\"a\":1}", b"shake {", b"\x16\x03"]
        {
            assert_eq!(next_json(foreign), Line::Foreign, "{}", foreign.escape_ascii());
        }
    }

    #[test]
    fn a_scalar_is_passed_over_with_its_line() {
        for line in ["1\n", "-2.5e3 \r\n", "true\n", "null\n", "\"a b\"\n"] {
            let text = [line.as_bytes(), b"{"].concat();
            assert_eq!(scalar_line(&text), (Fit::Yes, line.len()), "{line}");
            for end in 1..line.len() {
                assert_eq!(scalar_line(&text[..end]).0, Fit::Maybe, "{line} {end}");
            }
        }
        for other in [&b"1,2\n"[..], b"nick\n", b"220 ready\n", b"\"a\":1\n", b"{", b"1\x80", &[b'1'; 80]] {
            assert_eq!(scalar_line(other).0, Fit::No, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn xatum_lines_end_at_their_line_end() {
        assert_eq!(next_json(b"shake~{\"addr\":\"xel:q\"}\r\nrest"), Line::Message(0..22, 24));
        assert_eq!(next_json(b"shake~{\"addr\":1}"), Line::NeedMore);
        assert_eq!(next_json(b"sha"), Line::NeedMore);
    }

    #[test]
    fn duino_commands_may_lack_their_line_end() {
        assert_eq!(next_text(b"JOB,user,LOW", true), Line::Message(0..12, 12));
        assert_eq!(next_text(b"JOB,user", true), Line::NeedMore);
        assert_eq!(next_text(b"JOB,user,LOW\nx", true), Line::Message(0..12, 13));
        assert_eq!(next_text(b"a,b,c", false), Line::NeedMore);
        assert_eq!(next_text(b"a,\0", false), Line::Foreign);
    }

    #[test]
    fn the_end_of_a_json_line_is_passed_over_and_other_text_is_not() {
        assert_eq!(tail(b"\":1}\n{"), Tail::Json(5));
        assert_eq!(tail(b"\n{"), Tail::Json(1));
        assert_eq!(tail(b"as I said,\n{"), Tail::Foreign);
        assert_eq!(tail(b"\":1}"), Tail::NeedMore);
        assert_eq!(tail(b"\x00\x01"), Tail::Foreign);
        assert_eq!(tail(b"JOB,me,LOW\n"), Tail::Text);
        assert_eq!(tail(b"GOOD\n"), Tail::Text);
    }

    #[test]
    fn one_bracket_does_not_make_json() {
        assert_eq!(opens_json(b" {"), Fit::Maybe);
        assert_eq!(opens_json(b"{ \"id\""), Fit::Yes);
        assert_eq!(opens_json(b"{\x9c"), Fit::No);
        assert_eq!(opens_json(b"[ 1]"), Fit::No);
        assert_eq!(version(b"4.3\n"), Some(3));
        assert_eq!(version(b"220 "), None);
    }
}
