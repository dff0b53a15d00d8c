//! Names of zones and of network devices, as they can stand in a rule.

use core::fmt;
use core::str::FromStr;

/// A name of at most 15 bytes (Linux' IFNAMSIZ), without anything that nft or a shell could take for more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceName(String);

/// The text is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName;

impl FromStr for DeviceName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
        let is_name = (1..=15).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_plain);
        if is_name { Ok(DeviceName(text.into())) } else { Err(BadName) }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_that_no_other_program_reads_more_into() {
        for name in ["guest", "br-guest", "eth0.3", "wlan0-1", "if@2", "a_b"] {
            assert_eq!(name.parse::<DeviceName>().map(|name| name.to_string()), Ok(name.into()));
        }
        for text in ["", "-a", "a b", "a\"", "wg*", "sixteen-letters-", "$(x)", "ü"] {
            assert_eq!(text.parse::<DeviceName>(), Err(BadName), "{text}");
        }
    }
}
