//! Numbers of the names that the program itself looks for in messages: known when it is built, so that a look-up
//! hashes nothing.

use super::compile::{ENGINE_WORDS, WORDS_OF_READERS};
use crate::parse::words::WordId;

pub(crate) const METHOD: WordId = number("method");
pub(crate) const PARAMS: WordId = number("params");
pub(crate) const BODY: WordId = number("body");
pub(crate) const ID: WordId = number("id");
pub(crate) const RESULT: WordId = number("result");
pub(crate) const ERROR: WordId = number("error");
pub(crate) const PATH: WordId = number("path");
pub(crate) const AGENT: WordId = number("agent");

/// The number of `name`, which must be in one of the two lists: they are the first words of the set, in this order.
pub(crate) const fn number(name: &str) -> WordId {
    let mut at = 0;
    while at < ENGINE_WORDS.len() + WORDS_OF_READERS.len() {
        let known = if at < ENGINE_WORDS.len() {
            ENGINE_WORDS[at]
        } else {
            WORDS_OF_READERS[at - ENGINE_WORDS.len()]
        };
        if is_same(name.as_bytes(), known.as_bytes()) {
            return at as WordId + 1;
        }
        at += 1;
    }
    panic!("the name is in none of the lists")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpi::signatures::WORDS;

    #[test]
    fn numbers_are_those_of_the_set() {
        for name in ENGINE_WORDS.iter().chain(&WORDS_OF_READERS) {
            assert_eq!(WORDS.find(name), Some(number(name)), "{name}");
        }
    }
}
