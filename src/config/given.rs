//! The values that the file gives an option, gathered over its statements.

use super::Config;
use super::kind::{BadValue, OptionSpec, Shape};
use crate::limits;

/// The values that the file gives an option.
pub(super) struct Given {
    pub(super) spec: &'static OptionSpec,
    values: Vec<String>,
    /// Lines of the values.
    lines: Vec<u32>,
    is_list: bool,
}

impl Given {
    /// No values yet.
    pub(super) fn nothing(spec: &'static OptionSpec) -> Self {
        Given { spec, values: Vec::new(), lines: Vec::new(), is_list: false }
    }

    /// `option`: the last one counts, and an empty one unsets.
    pub(super) fn replace(&mut self, line: u32, value: String) {
        *self = Given::nothing(self.spec);
        if matches!(self.spec.kind.shape(), Shape::List(_)) {
            // As the firewall's own configuration, a list may be written as words of one option.
            value.split_whitespace().for_each(|word| self.push(line, word.into()));
        } else if !value.is_empty() {
            self.push(line, value);
        }
    }

    /// `list`: one more.
    pub(super) fn append(&mut self, line: u32, value: String) {
        self.is_list = true;
        if !value.is_empty() {
            self.push(line, value);
        }
    }

    fn push(&mut self, line: u32, value: String) {
        self.values.push(value);
        self.lines.push(line);
    }

    /// Whether the file gives no value.
    pub(super) fn is_unset(&self) -> bool {
        self.values.is_empty()
    }

    /// Sets the option of `config`, or says on which line what is wrong.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), (u32, String)> {
        let OptionSpec { name, kind, set, .. } = self.spec;
        let shape = kind.shape();
        let line = |index: usize| self.lines.get(index).copied().unwrap_or_default();
        if self.is_list && !matches!(shape, Shape::List(_)) {
            return Err((line(0), format!("option '{name}' takes one value, not a list: {shape}")));
        }
        set(config, &self.values).map_err(|BadValue(index)| {
            let value = self.values.get(index).map(String::as_str).unwrap_or_default();
            let text = match shape {
                Shape::List(_) if index >= limits::CONFIG_LIST_ENTRIES => {
                    format!("option '{name}': more than {} entries", limits::CONFIG_LIST_ENTRIES)
                }
                Shape::Number { .. } if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("option '{name}': {} is out of range {shape}", shown(value))
                }
                _ => format!("option '{name}': {} is not {shape}", shown(value)),
            };
            (line(index), text)
        })
    }
}

/// A word of the file as it can stand in a message: quoted, on one line, not too long.
pub(super) fn shown(word: &str) -> String {
    let mut text = String::from("'");
    for c in word.chars().take(SHOWN_CHARS) {
        // Not `escape_debug`, whose tables of what can be printed take 2 KB.
        match c {
            '\'' | '"' | '\\' => text.extend(['\\', c]),
            _ if c.is_control() => text.extend(c.escape_default()),
            _ => text.push(c),
        }
    }
    text + if word.chars().nth(SHOWN_CHARS).is_some() { "…'" } else { "'" }
}

/// Characters of a bad value that a message repeats.
const SHOWN_CHARS: usize = 64;
