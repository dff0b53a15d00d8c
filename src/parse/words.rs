//! A set of known words with a number for each, found by hash: the member names that a reader keeps.
//!
//! The build script includes this file, too: it depends on nothing else of the program.

use std::borrow::Cow;

/// The number of a word, from 1 on.
pub(crate) type WordId = u16;

/// Length of the longest word that is looked up; a longer one is unknown.
pub(crate) const WORD_BYTES: usize = 48;

/// Words, and the number of each.
#[derive(Debug)]
pub(crate) struct Words {
    /// The set that this one adds to; its numbers come first.
    pub base: Option<&'static Words>,
    /// Words in a row.
    pub text: Cow<'static, [u8]>,
    /// End of each word.
    pub ends: Cow<'static, [u16]>,
    /// Numbers by hash, open addressing; a power of two of them. 0 is an empty place.
    pub slots: Cow<'static, [WordId]>,
}

impl Words {
    /// The number of `word`, whose [`hash`] is known.
    pub(crate) fn id(&self, hash: u32, word: &[u8]) -> Option<WordId> {
        let known = self.base.and_then(|base| base.id(hash, word));
        known.or_else(|| self.own_id(hash, word))
    }

    /// The number of `word`.
    pub(crate) fn find(&self, word: &str) -> Option<WordId> {
        self.id(hash(word.as_bytes()), word.as_bytes())
    }

    /// The word with number `id`; empty if there is none.
    pub(crate) fn word(&self, id: WordId) -> &[u8] {
        let below = self.base.map_or(0, Words::count);
        match (self.base, usize::from(id).checked_sub(below + 1)) {
            (Some(base), None) => base.word(id),
            (_, at) => at.and_then(|at| self.own_word(at)).unwrap_or_default(),
        }
    }

    /// Number of words, those of the base included.
    pub(crate) fn count(&self) -> usize {
        self.base.map_or(0, Words::count) + self.ends.len()
    }

    fn own_id(&self, hash: u32, word: &[u8]) -> Option<WordId> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let slot = *self.slots.get(at)?;
            let own = usize::from(slot.checked_sub(1)?);
            if self.own_word(own) == Some(word) {
                return Some(slot + self.base.map_or(0, Words::count) as WordId);
            }
            at = (at + 1) & mask;
        }
    }

    fn own_word(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(usize::from(start)..usize::from(*self.ends.get(at)?))
    }
}

/// FNV-1a of a whole word.
pub(crate) fn hash(word: &[u8]) -> u32 {
    word.iter().fold(HASH_START, |hash, &byte| hash_byte(hash, byte))
}

/// FNV-1a, one byte further. An attacker can choose colliding names, but not the words of the set, so a
/// look-up compares few of them for any name.
pub(crate) const fn hash_byte(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// Start value of a hash.
pub(crate) const HASH_START: u32 = 0x811c_9dc5;

/// The bit of a word in a set of 64 that says which may be there.
pub(crate) const fn bit(word: WordId) -> u64 {
    1 << (word & 63)
}

/// Puts a set together.
#[derive(Debug)]
pub(crate) struct WordsBuilder {
    base: Option<&'static Words>,
    words: Vec<Vec<u8>>,
}

impl WordsBuilder {
    /// An empty set on top of `base`.
    pub(crate) fn new(base: Option<&'static Words>) -> Self {
        WordsBuilder { base, words: Vec::new() }
    }

    /// The number of `word`, which is added if it is new.
    pub(crate) fn add(&mut self, word: &[u8]) -> WordId {
        if let Some(id) = self.base.and_then(|base| base.id(hash(word), word)) {
            return id;
        }
        let below = self.base.map_or(0, Words::count);
        let at = self.words.iter().position(|known| known == word).unwrap_or_else(|| {
            self.words.push(word.to_vec());
            self.words.len() - 1
        });
        (below + at + 1) as WordId
    }

    /// The set.
    pub(crate) fn build(self) -> Words {
        let mut slots = vec![0; (self.words.len() * 2 + 1).next_power_of_two()];
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for (at, word) in self.words.iter().enumerate() {
            let mask = slots.len() - 1;
            let mut slot = hash(word) as usize & mask;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = (at + 1) as WordId;
            text.extend_from_slice(word);
            ends.push(text.len() as u16);
        }
        Words { base: self.base, text: text.into(), ends: ends.into(), slots: slots.into() }
    }
}
