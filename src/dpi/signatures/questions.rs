//! The probe's part of the built-in signatures: hints that point to a dialect, and the questions that settle it.

use super::compile::program::{QUESTION_CARRIERS, QuestionEntry};
use super::{Dialect, PROGRAM};

/// A question of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DialectQuestion(&'static QuestionEntry);

/// The question called `name`, if a signature has one.
pub(crate) fn question(name: &str) -> Option<DialectQuestion> {
    PROGRAM.questions.iter().find(|entry| PROGRAM.str(entry.name) == name).map(DialectQuestion)
}

impl DialectQuestion {
    /// Dialect that the question is about.
    pub(crate) fn dialect(self) -> Dialect {
        Dialect::built_in(self.0.dialect + 1)
    }

    /// Method that a server may quote in its refusal; empty without.
    pub(crate) fn method(self) -> &'static str {
        PROGRAM.str(self.0.method)
    }

    /// Name in signatures.
    pub(crate) fn name(self) -> &'static str {
        PROGRAM.str(self.0.name)
    }

    /// Framing of the question and of its response, one of [`QUESTION_CARRIERS`].
    pub(crate) fn over(self) -> &'static str {
        QUESTION_CARRIERS.get(usize::from(self.0.over)).copied().unwrap_or_default()
    }

    /// Path of the request, where HTTP carries it.
    pub(crate) fn path(self) -> &'static str {
        if self.0.path == 0 { "/" } else { PROGRAM.str(self.0.path) }
    }

    /// A field of its head; empty without.
    pub(crate) fn field(self) -> &'static str {
        PROGRAM.str(self.0.field)
    }

    /// Text number `step`, counted from 0.
    pub(crate) fn text(self, step: usize) -> Option<&'static [u8]> {
        let (start, end) = self.0.sends;
        let sends = PROGRAM.sends.get(usize::from(start)..usize::from(end))?;
        sends.get(step).map(|text| PROGRAM.text(*text))
    }
}

/// Names of the questions that settle whether a server speaks `dialect`, in their order.
pub(crate) fn asks(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let asks = PROGRAM.asks.iter().filter(move |(_, of)| Dialect::built_in(of + 1) == dialect);
    asks.map(|(name, _)| PROGRAM.str(*name))
}

/// Dialect that the name of a host points to: `xmr-eu1.nanopool.org`, `etc.2miners.com`, `pool.supportxmr.com`. A hint
/// is a whole word of a label, digits behind it left out unless they are part of it, or a part of a label; one with
/// points in it, a part of the whole name.
pub(crate) fn hinted_by_name(name: &str) -> Option<Dialect> {
    let hints = || PROGRAM.names.iter().map(|(text, is_part, of)| (PROGRAM.str(*text), *is_part, *of));
    let dialect = |of: u8| Dialect::built_in(of + 1);
    if let Some((_, _, of)) = hints().find(|(text, ..)| text.contains('.') && name.contains(text)) {
        return Some(dialect(of));
    }
    let known =
        |word: &str| hints().find(|(text, is_part, _)| !is_part && *text == word).map(|(.., of)| dialect(of));
    name.split('.').find_map(|label| {
        // "eth2", "us1"; but "sv2" means it.
        let bare = |word: &str| known(word.trim_end_matches(|last: char| last.is_ascii_digit()));
        let by_word = label.split('-').find_map(|word| known(word).or_else(|| bare(word)));
        let by_part = || hints().find(|(text, is_part, _)| *is_part && label.contains(text));
        by_word.or_else(|| by_part().map(|(.., of)| dialect(of)))
    })
}

/// Dialect that software or a large pool gives `port` to.
pub(crate) fn hinted_by_port(port: u16) -> Option<Dialect> {
    let is_in = |(from, to, _): &&(u16, u16, u8)| (*from..=*to).contains(&port);
    PROGRAM.ports.iter().find(is_in).map(|(.., of)| Dialect::built_in(of + 1))
}
