//! Signatures: the messages of each mining dialect as data, not code.
//!
//! A dialect is a file in this folder, compiled into tables when the program is built. Files of the operator
//! and of feeds are compiled by the same code when they are loaded and stand beside the built-in ones.
//! `openwrt/SIGNATURES.md` describes the language.

mod code;
#[allow(dead_code, reason = "the build script uses the rest")]
pub(crate) mod compile;
mod dialect;
mod load;
pub(crate) mod matcher;
mod questions;
pub(crate) mod shape;
mod thing;
pub(crate) mod word;

use std::borrow::Cow;
use std::sync::Arc;

use crate::parse::words;
use crate::parse::words::{WordId, Words};
use compile::program::{Confidence, DialectEntry, Phase, Program, QuestionEntry, Role, Rule};
pub use dialect::Dialect;
pub use load::{FileRefusal, Listed, SignatureFile};
use matcher::{Before, Match, Message};
pub(crate) use questions::{DialectQuestion, asks, hinted_by_name, hinted_by_port, question};

include!(concat!(env!("OUT_DIR"), "/signatures.rs"));

/// The signatures in force.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Signatures of the operator and of feeds, one copy for all packet loops.
    added: Option<Arc<Added>>,
}

/// Signatures that were loaded when the program ran.
#[derive(Debug)]
struct Added {
    words: Words,
    program: Program,
    /// The dialect of each entry of the program.
    dialects: Vec<Dialect>,
    /// Whether its file is a feed's.
    suspects: Vec<bool>,
}

impl Signatures {
    /// The member names that readers keep.
    pub(crate) fn words(&self) -> &Words {
        self.added.as_ref().map_or(&WORDS, |added| &added.words)
    }

    /// The number of a word among them; 0 if it is not known.
    pub(crate) fn word(&self, word: &[u8]) -> WordId {
        if word.is_empty() { 0 } else { self.words().id(words::hash(word), word).unwrap_or(0) }
    }

    /// The signature that `message` fits best. A feed's never stands before a strong one of the program or the operator:
    /// the writer of a feed can't turn a proof into a suspicion.
    pub(crate) fn find(&self, message: &Message<'_>, before: Before) -> Option<Match<'_>> {
        let built_in = PROGRAM.find(message, before, &[], false);
        let Some(added) = &self.added else { return built_in };
        let own = added.program.find(message, before, &added.suspects, false);
        let trusted = match (built_in, own) {
            (Some(built_in), Some(own)) => Some(if own.beats(&built_in) { own } else { built_in }),
            (built_in, own) => built_in.or(own),
        };
        let of_feed = added.program.find(message, before, &added.suspects, true);
        match (&trusted, &of_feed) {
            (Some(trusted), Some(of_feed))
                if trusted.confidence == Confidence::Hint && of_feed.confidence > Confidence::Hint => {}
            (Some(_), _) => return trusted,
            (None, _) => {}
        }
        of_feed
    }

    /// Whether a signature of a binary message may fit `message` once more bytes have come.
    pub(crate) fn may_fit(&self, message: &Message<'_>) -> bool {
        PROGRAM.may_fit(message) || self.added.as_ref().is_some_and(|added| added.program.may_fit(message))
    }

    /// Whether a match is worth no more than a suspicion: a feed's is.
    pub(crate) fn is_suspicion(&self, found: &Option<Match<'_>>) -> bool {
        found.is_some_and(|found| !core::ptr::eq(found.program, &PROGRAM) && self.suspects(&found))
    }

    fn suspects(&self, found: &Match<'_>) -> bool {
        let added = self.added.as_ref();
        added.and_then(|added| added.suspects.get(usize::from(found.rule.dialect))).copied().unwrap_or(false)
    }

    /// The dialect of a match.
    pub(crate) fn dialect_of(&self, found: &Match<'_>) -> Dialect {
        let index = usize::from(found.rule.dialect);
        match &self.added {
            Some(added) if core::ptr::eq(found.program, &added.program) => {
                added.dialects.get(index).copied().unwrap_or(Dialect::built_in(1))
            }
            _ => Dialect::built_in(found.rule.dialect + 1),
        }
    }
}
