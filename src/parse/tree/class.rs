//! Classes of bytes, a bit each; those of a string are the classes that all its bytes belong to.

/// Hexadecimal digits.
pub(crate) const HEX: u8 = 1;
/// Decimal digits.
pub(crate) const DIGIT: u8 = 2;
/// Decimal digits and the point.
pub(crate) const DECIMAL: u8 = 4;
/// Capital letters.
pub(crate) const UPPER: u8 = 8;
/// Small letters.
pub(crate) const LOWER: u8 = 16;
/// Base58 as Bitcoin writes it.
pub(crate) const BASE58: u8 = 32;
/// Base64 with its padding, the URL's alphabet included (RFC 4648 sections 4 and 5).
pub(crate) const BASE64: u8 = 64;
/// All bytes that stand for themselves in a string of JSON: neither a quote nor a backslash.
const PLAIN: u8 = 128;
/// No class of a string: which it has is not told yet.
pub(crate) const UNTOLD: u8 = PLAIN;

/// The classes of one byte.
pub(crate) const fn of(byte: u8) -> u8 {
    TABLE[byte as usize] & !PLAIN
}

/// The classes that all of `bytes` belong to.
pub(crate) fn of_all(bytes: &[u8]) -> u8 {
    let (len, mut classes) = hex_words(bytes);
    for &byte in bytes.get(len..).unwrap_or_default() {
        classes &= of(byte);
        // Most text soon belongs to none of them.
        if classes == 0 {
            break;
        }
    }
    classes
}

/// Number of bytes before the first quote or backslash, and which of `classes` they all belong to.
///
/// Hashes and blobs make up most of what pools send: words of figures and small hexadecimal letters are looked at in
/// one step, and so is text that belongs to no class.
pub(crate) fn run(bytes: &[u8], classes: u8) -> (usize, u8) {
    let mut classes = classes & ALL;
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if classes == 0 {
            return (at + plain(rest), 0);
        }
        if classes & HEX != 0 {
            let (len, of_words) = hex_words(rest);
            at += len;
            classes &= of_words;
        }
        let Some(&byte) = bytes.get(at) else { return (at, classes) };
        let of_byte = TABLE[usize::from(byte)];
        if of_byte & PLAIN == 0 {
            return (at, classes);
        }
        classes &= of_byte;
        at += 1;
    }
}

/// Number of bytes before the first quote or backslash.
pub(crate) fn plain(bytes: &[u8]) -> usize {
    before(bytes, |word| zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b'\\')))
}

/// Number of bytes before the first line end; all of them without.
pub(crate) fn line(bytes: &[u8]) -> usize {
    before(bytes, |word| zeros(word ^ repeat(b'\n')))
}

/// Number of bytes before the first one that is looked for. `ends` has a bit set in the lowest byte of a word that is
/// one: the lowest bit is exact, what is borrowed goes to higher bytes.
fn before(bytes: &[u8], ends: impl Fn(usize) -> usize) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut at = 0;
    for word in words {
        let ends = ends(usize::from_le_bytes(*word));
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    at + rest.iter().position(|&byte| ends(usize::from(byte)) & 0x80 != 0).unwrap_or(rest.len())
}

/// Bytes at the head, in whole words, that are figures and small letters up to `f`, and the classes that they all
/// belong to.
fn hex_words(bytes: &[u8]) -> (usize, u8) {
    let (words, _) = bytes.as_chunks::<WORD>();
    let (mut len, mut classes) = (0, ALL);
    for word in words {
        let word = usize::from_le_bytes(*word);
        let (figures, letters) = hex_digits(word);
        if figures | letters != repeat(0x80) {
            break;
        }
        len += WORD;
        classes &= if letters == 0 { ALL } else { !(DIGIT | DECIMAL | UPPER) };
        classes &= if figures == 0 { ALL } else { !(UPPER | LOWER) };
        classes &= if zeros(word ^ repeat(b'0')) == 0 { ALL } else { !BASE58 };
    }
    (len, classes)
}

/// The highest bit of each byte of a word that is a figure, and that is a small letter up to `f`. A sum has that bit set
/// where the byte is at least the bound; bytes below 128 carry nothing over to the next.
fn hex_digits(word: usize) -> (usize, usize) {
    let low = word & repeat(0x7f);
    let at_least = |bound: u8| low.wrapping_add(repeat(0x80 - bound));
    let is_ascii = !word & repeat(0x80);
    let figures = at_least(b'0') & !at_least(b'9' + 1) & is_ascii;
    let letters = at_least(b'a') & !at_least(b'f' + 1) & is_ascii;
    (figures, letters)
}

/// A bit that is set in the lowest byte of a word that is zero, and none if no byte is (Hacker's Delight, section 6-1).
fn zeros(word: usize) -> usize {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

/// A word of which each byte is `byte`.
const fn repeat(byte: u8) -> usize {
    usize::from_ne_bytes([byte; WORD])
}

const WORD: usize = size_of::<usize>();
/// All classes of values.
const ALL: u8 = !PLAIN;

const TABLE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = compute(byte as u8);
        byte += 1;
    }
    table
};

const fn compute(byte: u8) -> u8 {
    let mut classes = 0;
    if byte.is_ascii_hexdigit() {
        classes |= HEX;
    }
    if byte.is_ascii_digit() {
        classes |= DIGIT;
    }
    if byte.is_ascii_digit() || byte == b'.' {
        classes |= DECIMAL;
    }
    if byte.is_ascii_uppercase() {
        classes |= UPPER;
    }
    if byte.is_ascii_lowercase() {
        classes |= LOWER;
    }
    if byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l') {
        classes |= BASE58;
    }
    if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=') {
        classes |= BASE64;
    }
    if !matches!(byte, b'"' | b'\\') {
        classes |= PLAIN;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a run is, byte by byte.
    fn reference(bytes: &[u8], classes: u8) -> (usize, u8) {
        let len = bytes.iter().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
        (len, bytes[..len].iter().fold(classes & ALL, |classes, byte| classes & of(*byte)))
    }

    #[test]
    fn runs_are_read_as_byte_by_byte() {
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let len = next(80);
            let bytes: Vec<u8> = (0..len)
                .map(|_| match next(40) {
                    0 => next(256) as u8,
                    1 => b"/:`gAF.\"\\\x00\x7f\x80\xb0\xe1\n"[next(15)],
                    _ => b"0123456789abcdef"[next(16)],
                })
                .collect();
            let classes = [u8::MAX, ALL, HEX | BASE64, HEX, 0][next(5)];
            let name = bytes.escape_ascii();
            assert_eq!(run(&bytes, classes), reference(&bytes, classes), "{name} {classes}");
            assert_eq!(plain(&bytes), reference(&bytes, 0).0, "{name}");
            let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
            assert_eq!(super::line(&bytes), line, "{name}");
        }
    }

    #[test]
    fn each_byte_is_a_digit_in_any_place_of_a_word_or_in_none() {
        for byte in 0..=u8::MAX {
            let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            for at in 0..WORD {
                let mut word = [b'0'; WORD];
                word[at] = byte;
                let (figures, letters) = hex_digits(usize::from_le_bytes(word));
                assert_eq!(figures | letters == repeat(0x80), is_digit, "{byte} at {at}");
            }
        }
    }
}
