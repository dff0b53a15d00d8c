//! Numbers as text.

use core::str::FromStr;

/// A number written in digits and nothing else (`from_str` would let a sign pass); none if it is too large for
/// a `T`, or there is no digit.
pub(crate) fn decimal<T: FromStr>(digits: &[u8]) -> Option<T> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_only() {
        assert_eq!(decimal(b"007"), Some(7_u8));
        assert_eq!(decimal(b"65535"), Some(u16::MAX));
        for text in [&b""[..], b"+7", b"-7", b" 7", b"7 ", b"0x7", b"256", b"\xff", "\u{0667}".as_bytes()] {
            assert_eq!(decimal::<u8>(text), None, "{}", text.escape_ascii());
        }
    }
}
