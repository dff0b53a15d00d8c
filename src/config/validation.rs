//! The table of options in the words of OpenWrt's `uci_validate_section`.

use super::SECTION_KIND;
use super::kind::Kind;
use super::options::OPTIONS;
use crate::limits;

/// The file that the init script sources: a function that validates section `$1`.
///
/// Its types say less than the daemon's: an address is any text there. What the daemon takes, it takes.
pub fn script() -> String {
    let mut text = format!(
        "#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Written by minewall's tests from the daemon's own table of options.

validate_minewall_section() {{
	uci_validate_section {SECTION_KIND} {SECTION_KIND} \"$1\""
    );
    for option in OPTIONS {
        let default = option.default_values().join(" ");
        let default = if default.is_empty() { default } else { format!(":{default}") };
        text += &format!(" \\\n\t\t'{}:{}{default}'", option.name, datatype(&option.kind));
    }
    text + "\n}\n"
}

/// A type of `validate_data`'s.
fn datatype(kind: &Kind) -> String {
    match *kind {
        Kind::Bool { .. } => "or(bool,\"enabled\",\"disabled\")".into(),
        Kind::Integer { min, max, .. } => format!("range({min},{max})"),
        Kind::Choice { words, .. } => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("or({})", words.join(","))
        }
        Kind::Path { .. } => format!("maxlength({})", limits::PATH_BYTES),
        Kind::List { .. } => "list(string)".into(),
    }
}
