//! The kinds of options: how the text of a value is read, refused and shown.

use core::fmt;
use core::ops::RangeInclusive;
use std::path::PathBuf;

use super::Config;
use crate::limits;
use crate::util::decimal::decimal;

/// An option of the section, as [`super::options`] declares it.
pub struct OptionSpec {
    /// Name in the file.
    pub name: &'static str,
    /// Names that earlier versions had for it.
    pub aliases: &'static [&'static str],
    /// Title on the settings page; empty in a router's program, which shows none.
    pub title: &'static str,
    /// Tab of the settings page.
    pub tab: Tab,
    /// Purpose; wrapped as in the default file, each line with a blank in front.
    pub help: &'static [&'static str],
    /// Accepted values.
    pub kind: &'static (dyn Kind + Sync),
    /// Reads the values and stores them.
    pub(super) set: fn(&mut Config, &[String]) -> Result<(), BadValue>,
}

/// A tab of the settings page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Options that most people change.
    General,
    /// Stage one.
    Encrypted,
    /// Stage two.
    Probe,
    /// Lists and reputation.
    Known,
    /// Logs and names.
    Reports,
    /// Hooks.
    Notices,
    /// Sizes and numbers that rarely change.
    Resources,
}

/// Accepted values, without the type that they become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Yes or no, in any of UCI's spellings.
    Flag,
    /// A decimal number.
    Number {
        /// Smallest accepted.
        min: u32,
        /// Largest accepted.
        max: u32,
        /// Unit of the number; empty for a plain number.
        unit: &'static str,
    },
    /// A choice of words, each with its meaning on the settings page.
    Choice(Vec<(&'static str, &'static str)>),
    /// An absolute path.
    Path,
    /// One value of a form, or none.
    One(Form),
    /// Any number of values of one form, up to [`limits::CONFIG_LIST_ENTRIES`].
    List(Form),
}

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Address, prefix or hardware address.
    Host,
    /// Address or prefix, with or without a port.
    Endpoint,
    /// Absolute path.
    Path,
    /// Name of a zone or of a network device.
    Name,
    /// Address of a collector of events.
    Collector,
    /// SHA-256 fingerprint of a certificate.
    Fingerprint,
}

/// A value that an option can't have: the index among the values given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadValue(pub usize);

/// The part of a kind that is the same for all types of values.
pub trait Kind {
    /// Accepted values.
    fn shape(&self) -> Shape;
    /// The default as it would stand in the file; one entry each for a list.
    fn default_values(&self) -> Vec<String>;
}

/// The part of a kind that makes values.
pub(super) trait Read {
    /// Type of a parsed value.
    type Value;
    /// The value that `values` stand for.
    fn read(&self, values: &[String]) -> Result<Self::Value, BadValue>;
    /// The value without the option.
    fn default_value(&self) -> Self::Value;

    /// Puts the value that `values` stand for in `place`. One copy for all options of a kind.
    #[inline(never)]
    fn store(&self, values: &[String], place: &mut Self::Value) -> Result<(), BadValue> {
        *place = self.read(values)?;
        Ok(())
    }
}

/// Yes or no.
pub(super) struct Flag {
    pub default: bool,
}

/// A decimal number in a range.
pub(super) struct Number<T> {
    pub min: u32,
    pub max: u32,
    pub default: u32,
    pub unit: &'static str,
    /// Called with numbers in range only.
    pub to: fn(u32) -> T,
}

/// A choice of words: word, value, meaning.
pub(super) struct Choice<T: 'static> {
    pub words: &'static [(&'static str, T, &'static str)],
    /// Index of the word without the option.
    pub default: usize,
}

/// An absolute path; with an empty default it may be left out.
pub(super) struct AbsolutePath {
    pub default: &'static str,
}

/// One value of a form, which may be left out.
pub(super) struct One<T> {
    pub form: Form,
    pub read: fn(&str) -> Option<T>,
}

/// Values of one form.
pub(super) struct List<T> {
    pub form: Form,
    pub default: &'static [&'static str],
    pub read: fn(&str) -> Option<T>,
}

impl Kind for Flag {
    fn shape(&self) -> Shape {
        Shape::Flag
    }

    fn default_values(&self) -> Vec<String> {
        vec![u8::from(self.default).to_string()]
    }
}

impl Read for Flag {
    type Value = bool;

    fn read(&self, values: &[String]) -> Result<bool, BadValue> {
        boolean(only(values)?).ok_or(BadValue(0))
    }

    fn default_value(&self) -> bool {
        self.default
    }
}

impl<T> Kind for Number<T> {
    fn shape(&self) -> Shape {
        Shape::Number { min: self.min, max: self.max, unit: self.unit }
    }

    fn default_values(&self) -> Vec<String> {
        vec![self.default.to_string()]
    }
}

impl<T> Read for Number<T> {
    type Value = T;

    fn read(&self, values: &[String]) -> Result<T, BadValue> {
        number_in(self.min..=self.max, values).map(self.to)
    }

    fn default_value(&self) -> T {
        (self.to)(self.default)
    }
}

impl<T> Kind for Choice<T> {
    fn shape(&self) -> Shape {
        Shape::Choice(self.words.iter().map(|&(word, _, meaning)| (word, meaning)).collect())
    }

    fn default_values(&self) -> Vec<String> {
        vec![self.words[self.default].0.into()]
    }
}

impl<T: Copy> Read for Choice<T> {
    type Value = T;

    fn read(&self, values: &[String]) -> Result<T, BadValue> {
        let wanted = only(values)?;
        let found = self.words.iter().find(|(word, ..)| *word == wanted);
        found.map(|&(_, value, _)| value).ok_or(BadValue(0))
    }

    /// A test holds every default index against its words.
    fn default_value(&self) -> T {
        self.words[self.default].1
    }
}

impl Kind for AbsolutePath {
    fn shape(&self) -> Shape {
        Shape::Path
    }

    fn default_values(&self) -> Vec<String> {
        vec![self.default.into()]
    }
}

impl Read for AbsolutePath {
    type Value = PathBuf;

    fn read(&self, values: &[String]) -> Result<PathBuf, BadValue> {
        path(only(values)?).ok_or(BadValue(0))
    }

    fn default_value(&self) -> PathBuf {
        self.default.into()
    }
}

impl<T> Kind for One<T> {
    fn shape(&self) -> Shape {
        Shape::One(self.form)
    }

    fn default_values(&self) -> Vec<String> {
        vec![String::new()]
    }
}

impl<T> Read for One<T> {
    type Value = Option<T>;

    fn read(&self, values: &[String]) -> Result<Option<T>, BadValue> {
        (self.read)(only(values)?).map(Some).ok_or(BadValue(0))
    }

    fn default_value(&self) -> Option<T> {
        None
    }
}

impl<T> Kind for List<T> {
    fn shape(&self) -> Shape {
        Shape::List(self.form)
    }

    fn default_values(&self) -> Vec<String> {
        self.default.iter().map(|&value| value.into()).collect()
    }
}

impl<T> Read for List<T> {
    type Value = Vec<T>;

    fn read(&self, values: &[String]) -> Result<Vec<T>, BadValue> {
        if values.len() > limits::CONFIG_LIST_ENTRIES {
            return Err(BadValue(limits::CONFIG_LIST_ENTRIES));
        }
        let mut entries = Vec::new();
        for (at, value) in values.iter().enumerate() {
            entries.push((self.read)(value).ok_or(BadValue(at))?);
        }
        Ok(entries)
    }

    fn default_value(&self) -> Vec<T> {
        let mut entries = Vec::new();
        for value in self.default {
            entries.extend((self.read)(value));
        }
        entries
    }
}

impl fmt::Display for Shape {
    /// Range and unit as a message shows them: "256..524288 flows".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Flag => f.write_str("0 or 1"),
            Shape::Number { min, max, unit: "" } => write!(f, "{min}..{max}"),
            Shape::Number { min, max, unit } => write!(f, "{min}..{max} {unit}"),
            Shape::Choice(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                f.write_str(&words.join("|"))
            }
            Shape::Path => write!(f, "an absolute path of at most {} bytes", limits::PATH_BYTES),
            Shape::One(form) | Shape::List(form) => f.write_str(form.text()),
        }
    }
}

impl Form {
    /// The form in words.
    pub const fn text(self) -> &'static str {
        match self {
            Form::Host => "an address, a prefix like 192.168.1.0/24, or a MAC like 02:00:5e:10:00:01",
            Form::Endpoint => {
                "an address or prefix, with a port like 192.0.2.1:3333 or [2001:db8::1]:3333 if one is meant"
            }
            Form::Path => "an absolute path",
            Form::Name => "a name of at most 15 letters, digits, and of . _ - @",
            Form::Collector => "syslog, or udp://, tcp:// or tls:// with HOST:PORT",
            Form::Fingerprint => "a SHA-256 fingerprint: 64 hexadecimal digits, with colons or without",
        }
    }
}

fn only(values: &[String]) -> Result<&str, BadValue> {
    match values {
        [value] => Ok(value),
        _ => Err(BadValue(0)),
    }
}

fn number_in(range: RangeInclusive<u32>, values: &[String]) -> Result<u32, BadValue> {
    decimal(only(values)?.as_bytes()).filter(|number| range.contains(number)).ok_or(BadValue(0))
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
        let number = Number { min: 2, max: 7, default: 3, unit: "", to: |number| number };
        let read = |text: &str| number.read(&[text.into()]).ok();
        assert_eq!(
            [read("007"), read("8"), read("1"), read("+2"), read("")],
            [Some(7), None, None, None, None]
        );
    }
}
