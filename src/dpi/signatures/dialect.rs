//! The dialects by number: those that are built in, and those that came later.

use core::num::NonZeroU8;
use std::sync::OnceLock;

use super::PROGRAM;
use super::compile::program::DialectEntry;

/// A mining protocol, named as in the events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dialect(NonZeroU8);

/// Dialects that were named by files at run time. A number once given stays with its name for as long as the
/// program runs, so that no flow or verdict changes its meaning when files are loaded again.
static NAMED_LATER: [OnceLock<Later>; LATER_MAX] = [const { OnceLock::new() }; LATER_MAX];

#[derive(Debug)]
struct Later {
    name: String,
    family: String,
    is_generic: bool,
}

impl Dialect {
    pub(super) const fn built_in(number: u8) -> Dialect {
        match NonZeroU8::new(number) {
            Some(number) => Dialect(number),
            None => Dialect(NonZeroU8::MIN),
        }
    }

    /// The built-in ones.
    pub fn all() -> impl Iterator<Item = Dialect> {
        (1..=PROGRAM.dialects.len()).map(|number| Dialect::built_in(number as u8))
    }

    /// The dialect called `name`, as far as it is known.
    pub fn of_name(name: &str) -> Option<Dialect> {
        let later = || {
            let at =
                NAMED_LATER.iter().position(|later| later.get().is_some_and(|later| later.name == name))?;
            Some(Dialect::built_in((FIRST_LATER + at) as u8))
        };
        Dialect::all().find(|dialect| dialect.name() == name).or_else(later)
    }

    /// The name in events and in the replay's lines.
    pub fn name(self) -> &'static str {
        match (self.entry(), self.later()) {
            (Some(entry), _) => PROGRAM.str(entry.name),
            (None, Some(later)) => &later.name,
            (None, None) => "unknown",
        }
    }

    /// Dialects of one family share messages, so a flow may turn from one into the other.
    pub(crate) fn family(self) -> &'static str {
        match (self.entry(), self.later()) {
            (Some(entry), _) => PROGRAM.str(entry.family),
            (None, Some(later)) => &later.family,
            (None, None) => "",
        }
    }

    /// Whether it says no more than its family does; a more specific one keeps its name then.
    pub(crate) fn is_generic(self) -> bool {
        match (self.entry(), self.later()) {
            (Some(entry), _) => entry.generic,
            (None, later) => later.is_some_and(|later| later.is_generic),
        }
    }

    /// The dialect that a file names at run time.
    ///
    /// # Errors
    /// More than [`LATER_MAX`] names since the program began.
    pub(super) fn name_later(name: &str, family: &str, is_generic: bool) -> Result<Dialect, String> {
        if let Some(known) = Dialect::of_name(name) {
            return Ok(known);
        }
        let later = || Later { name: name.into(), family: family.into(), is_generic };
        let place = NAMED_LATER.iter().position(|place| place.set(later()).is_ok());
        let at = place.ok_or_else(|| format!("more than {LATER_MAX} dialects were named since the start"))?;
        Ok(Dialect::built_in((FIRST_LATER + at) as u8))
    }

    fn entry(self) -> Option<&'static DialectEntry> {
        PROGRAM.dialects.get(usize::from(self.0.get()) - 1)
    }

    fn later(self) -> Option<&'static Later> {
        NAMED_LATER.get(usize::from(self.0.get()).checked_sub(FIRST_LATER)?)?.get()
    }
}

impl core::fmt::Debug for Dialect {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Names that files may add.
const LATER_MAX: usize = 64;
/// Their numbers are the last ones of a byte.
const FIRST_LATER: usize = u8::MAX as usize + 1 - LATER_MAX;
