//! What an option can be: how its text is read, refused and shown.

use core::fmt;
use std::path::PathBuf;

use super::Config;
use crate::limits;
use crate::util::decimal::decimal;

/// An option of the section.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name in the file.
    pub name: &'static str,
    /// What it takes and what it does.
    pub kind: Kind,
    /// What it is for; wrapped as it stands in the default file.
    pub help: &'static [&'static str],
}

/// What an option takes, and where it goes.
#[derive(Debug)]
pub enum Kind {
    /// Yes or no, in any of UCI's spellings.
    Bool {
        /// Without the option.
        default: bool,
        /// Stores it.
        set: fn(&mut Config, bool),
    },
    /// A whole number, decimal.
    Integer {
        /// Smallest accepted.
        min: u32,
        /// Largest accepted.
        max: u32,
        /// Without the option.
        default: u32,
        /// What is counted; empty for a plain number.
        unit: &'static str,
        /// Stores it; called with numbers in range only.
        set: fn(&mut Config, u32),
    },
    /// One of some words.
    Choice {
        /// The words.
        words: &'static [&'static str],
        /// Index of the one without the option.
        default: usize,
        /// Stores the word's index; called with valid ones only.
        set: fn(&mut Config, usize),
    },
    /// An absolute path.
    Path {
        /// Without the option.
        default: &'static str,
        /// Stores it.
        set: fn(&mut Config, PathBuf),
    },
    /// Any number of values up to [`limits::CONFIG_LIST_ENTRIES`].
    List {
        /// Without the option.
        default: &'static [&'static str],
        /// What an entry looks like.
        form: &'static str,
        /// Stores all of them, replacing what was there; the index of the first bad one else.
        set: fn(&mut Config, &[String]) -> Result<(), usize>,
    },
}

/// A value that an option can't have: the index among the values given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadValue(pub usize);

impl OptionSpec {
    /// Gives the option of `config` its default.
    pub(super) fn set_default(&self, config: &mut Config) {
        // A test holds every default against its own option.
        let _ = self.set(config, &self.default_values());
    }

    /// Gives the option of `config` the `values` of the file.
    ///
    /// # Errors
    /// [`BadValue`] if one isn't acceptable; `config` may then hold some of the others.
    pub(super) fn set(&self, config: &mut Config, values: &[String]) -> Result<(), BadValue> {
        if let Kind::List { set, .. } = self.kind {
            if values.len() > limits::CONFIG_LIST_ENTRIES {
                return Err(BadValue(limits::CONFIG_LIST_ENTRIES));
            }
            return set(config, values).map_err(BadValue);
        }
        let [value] = values else { return Err(BadValue(0)) };
        self.set_one(config, value).ok_or(BadValue(0))
    }

    fn set_one(&self, config: &mut Config, value: &str) -> Option<()> {
        match self.kind {
            Kind::Bool { set, .. } => set(config, boolean(value)?),
            Kind::Integer { min, max, set, .. } => {
                let number = decimal(value.as_bytes()).filter(|number| (min..=max).contains(number))?;
                set(config, number);
            }
            Kind::Choice { words, set, .. } => set(config, words.iter().position(|&word| word == value)?),
            // An option that may be left out has an empty default, which no file can give it.
            Kind::Path { default: "", set } if value.is_empty() => set(config, PathBuf::new()),
            Kind::Path { set, .. } => set(config, path(value)?),
            Kind::List { .. } => return None,
        }
        Some(())
    }

    /// The default as it would stand in the file; one entry each for a list.
    pub fn default_values(&self) -> Vec<String> {
        match self.kind {
            Kind::Bool { default, .. } => vec![u8::from(default).to_string()],
            Kind::Integer { default, .. } => vec![default.to_string()],
            Kind::Choice { words, default, .. } => {
                words.get(default).map(|&word| word.into()).into_iter().collect()
            }
            Kind::Path { default, .. } => vec![default.into()],
            Kind::List { default, .. } => default.iter().map(|&value| value.into()).collect(),
        }
    }
}

impl fmt::Display for Kind {
    /// What is accepted: "256..524288 flows".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::Bool { .. } => f.write_str("0 or 1"),
            Kind::Integer { min, max, unit: "", .. } => write!(f, "{min}..{max}"),
            Kind::Integer { min, max, unit, .. } => write!(f, "{min}..{max} {unit}"),
            Kind::Choice { words, .. } => f.write_str(&words.join("|")),
            Kind::Path { .. } => write!(f, "an absolute path of at most {} bytes", limits::PATH_BYTES),
            Kind::List { form, .. } => f.write_str(form),
        }
    }
}

/// UCI's spellings of yes and no.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "on" | "true" | "yes" | "enabled" => Some(true),
        "0" | "off" | "false" | "no" | "disabled" => Some(false),
        _ => None,
    }
}

/// An absolute path that can stand in a message and in a socket's address.
pub(super) fn path(text: &str) -> Option<PathBuf> {
    let sound = text.starts_with('/') && text.len() <= limits::PATH_BYTES && !text.contains(char::is_control);
    sound.then(|| text.into())
}

/// Reads every value, or tells which one it can't.
pub(super) fn all<T>(values: &[String], read: fn(&str) -> Option<T>) -> Result<Vec<T>, usize> {
    values.iter().enumerate().map(|(index, value)| read(value).ok_or(index)).collect()
}

/// Parses every value, or tells which one it can't.
pub(super) fn parse_all<T: core::str::FromStr>(values: &[String]) -> Result<Vec<T>, usize> {
    all(values, |value| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_strict() {
        assert_eq!(
            [boolean("yes"), boolean("0"), boolean("Yes"), boolean("")],
            [Some(true), Some(false), None, None]
        );
        assert_eq!(path("/a b"), Some("/a b".into()));
        assert_eq!(
            [path("a"), path(""), path("/a\nb"), path(&format!("/{}", "a".repeat(107)))],
            [const { None }; 4]
        );
    }
}
