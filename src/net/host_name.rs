//! Host names in the one form in which they are compared: A-labels (RFC 5890 section 2.3.2.1), lower case,
//! no closing dot.

use core::fmt;

use crate::limits::NAME_BYTES;

/// A host name. Never an address literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(heapless::String<NAME_BYTES>);

impl HostName {
    /// Reads a name in any case, with or without its closing dot. `None` for what is no host name: an
    /// empty or overlong label (RFC 1035 section 2.3.4), other characters than letters, digits, `-` and
    /// `_`, or an IPv4 address, which is told by its last label (RFC 3696 section 2).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
        let mut name = heapless::String::new();
        let mut label = 0;
        let mut is_number = true;
        for &byte in bytes {
            if byte == b'.' {
                if label == 0 {
                    return None;
                }
                (label, is_number) = (0, true);
            } else {
                if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) || label == LABEL_BYTES {
                    return None;
                }
                label += 1;
                is_number &= byte.is_ascii_digit();
            }
            name.push(char::from(byte.to_ascii_lowercase())).ok()?;
        }
        (label > 0 && !is_number).then_some(HostName(name))
    }

    /// Text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, and each name that it lies under, the shortest first: `com`, `example.com`,
    /// `www.example.com`.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        let text = self.as_str();
        let dots = text.bytes().enumerate().rev().filter(|(_, byte)| *byte == b'.').map(|(at, _)| at + 1);
        dots.chain([0]).filter_map(|start| text.get(start..))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest label (RFC 1035 section 2.3.4).
const LABEL_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        HostName::parse(text.as_bytes()).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn names_are_brought_into_one_form() {
        assert_eq!(parsed("Pool.Example.COM.").as_deref(), Some("pool.example.com"));
        assert_eq!(
            parsed("_stratum._tcp.xn--mnchen-3ya.de").as_deref(),
            Some("_stratum._tcp.xn--mnchen-3ya.de")
        );
        assert_eq!(parsed("1.2.3.4a").as_deref(), Some("1.2.3.4a"));
        let longest = [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), &"d".repeat(61)]
            .map(String::as_str)
            .join(".");
        assert_eq!(longest.len(), NAME_BYTES);
        assert_eq!(parsed(&longest).as_deref(), Some(&longest[..]));
    }

    #[test]
    fn other_texts_are_no_names() {
        let long_label = "a".repeat(64);
        let long_name = "a.".repeat(128);
        for text in [
            "",
            ".",
            "..",
            ".a",
            "a..b",
            "a..",
            "192.0.2.1",
            "3232235777",
            "2001:db8::1",
            "a b",
            "a/b",
            "münchen.de",
            "a\0",
            &long_label,
            &long_name,
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_lies_under_each_of_its_domains() {
        let name = HostName::parse(b"eu.xmrpool.example").unwrap();
        assert_eq!(name.domains().collect::<Vec<_>>(), ["example", "xmrpool.example", "eu.xmrpool.example"]);
        assert_eq!(HostName::parse(b"localhost").unwrap().domains().collect::<Vec<_>>(), ["localhost"]);
    }
}
