//! The tokens inside a value: names, strings, words, comments; and the lines that they may reach over.

use super::{Expect, NONE, Scanner, StructureEvent, TAG, Within};
use crate::parse::tree::{SHORT_BYTES, class};
use crate::parse::words::{WORD_BYTES, WordId, Words, hash};

/// Beginning of a line inside a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineStart {
    /// Not known, or something else.
    #[default]
    Other,
    /// Blanks only.
    Blank,
    /// A brace, and blanks.
    Brace,
}

impl Scanner {
    /// Begins a member's name. Nearly all lie whole in the segment, and are looked up where they stand.
    pub(super) fn begin_name(&mut self, words: &Words, bytes: &[u8], at: &mut usize) {
        let rest = bytes.get(*at..).unwrap_or_default();
        let (name, behind) = rest.split_at(class::plain(rest));
        if behind.first() != Some(&b'"') || self.begins_line(name) {
            self.string.begin_key();
            self.within = Within::Key;
            return;
        }
        *at += name.len() + 1;
        self.end_key(if name.len() > WORD_BYTES { None } else { words.id(hash(name), name) });
        if behind.get(1) == Some(&b':') {
            *at += 1;
            self.expect = Expect::Value;
        }
    }

    /// Begins the string at `node`. A short one that lies whole in the segment is taken at once.
    pub(super) fn begin_string(&mut self, node: u16, bytes: &[u8], at: &mut usize) {
        let rest = bytes.get(*at..).unwrap_or_default();
        let (text, behind) = rest.split_at(class::plain(rest.get(..=SHORT_BYTES).unwrap_or(rest)));
        if behind.first() != Some(&b'"') || text.len() > SHORT_BYTES || self.begins_line(text) {
            self.string.begin(node != NONE);
            self.within = Within::String(node);
            return;
        }
        if node != NONE {
            self.tree.put_short(node, text, self.level() as usize + 1);
        }
        *at += text.len() + 1;
    }

    /// Whether the quote behind `text`, of which a string consists so far, is the first of a message.
    fn begins_line(&self, text: &[u8]) -> bool {
        self.by_line && self.line.after(text) == LineStart::Brace
    }

    /// Bytes of a string or a name.
    pub(super) fn string_bytes(
        &mut self,
        words: &Words,
        bytes: &[u8],
        at: &mut usize,
    ) -> Option<StructureEvent> {
        let rest = bytes.get(*at..).unwrap_or_default();
        let level = self.level() as usize + 1;
        let node = match self.within {
            Within::String(node) => node,
            _ => NONE,
        };
        let (len, ended) = self.string.feed(&mut self.tree, node, level, rest);
        *at += len;
        if self.by_line {
            self.line = self.line.after(rest.get(..len - usize::from(ended)).unwrap_or_default());
        }
        if !ended {
            return None;
        }
        if core::mem::take(&mut self.line) == LineStart::Brace {
            // The quote is the message's.
            *at -= 1;
            return Some(self.begin_anew());
        }
        if self.within == Within::Key {
            self.end_key(self.string.word(words));
        } else if node != NONE {
            self.string.finish(&mut self.tree, node);
        }
        self.within = Within::Nothing;
        None
    }

    /// A member's name is complete.
    fn end_key(&mut self, word: Option<WordId>) {
        self.expect = Expect::Colon;
        self.key = word.unwrap_or(0);
        let level = self.level();
        let object = level.checked_sub(1).and_then(|above| self.open.get(above as usize)).copied();
        let Some(object) = object else { return };
        let before = self.tree.count(object);
        if level == 1 && before == 1 {
            self.tree.forget_nameless();
        }
        if self.key == 0 {
            if level == 1 {
                self.tree.note_unknown();
                self.key = if before == 0 { TAG } else { 0 };
            }
        } else {
            self.tree.note_member(object, self.key);
        }
    }

    /// Bytes of a number, a literal or another bare word.
    pub(super) fn bare_bytes(&mut self, node: u16, bytes: &[u8], at: &mut usize) {
        let rest = bytes.get(*at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| is_bare(**byte)).count();
        let (word, behind) = rest.split_at(len);
        *at += len;
        if node != NONE {
            let level = self.level() as usize + 1;
            self.string.keep_word(&mut self.tree, node, level, word);
        }
        if !behind.is_empty() {
            self.within = Within::Nothing;
            if node != NONE {
                self.string.finish_bare(&mut self.tree, node);
            }
        }
    }

    /// Takes a byte of a comment (JSON has none, but some readers take them).
    pub(super) fn comment_byte(&mut self, bytes: &[u8], at: &mut usize) -> Option<StructureEvent> {
        let byte = *bytes.get(*at)?;
        *at += 1;
        self.within = match (self.within, byte) {
            (Within::Slash, b'/') => Within::LineComment,
            (Within::Slash, b'*') => Within::BlockComment,
            (Within::Slash, _) => return Some(StructureEvent::Broken),
            (Within::LineComment, b'\n') | (Within::Star, b'/') => Within::Nothing,
            (Within::BlockComment | Within::Star, b'*') => Within::Star,
            (Within::Star, _) => Within::BlockComment,
            (within, _) => within,
        };
        if self.by_line {
            self.line = self.line.after(&[byte]);
        }
        (self.line == LineStart::Brace).then(|| self.begin_anew())
    }
}

impl LineStart {
    /// The beginning of the line after `bytes`, read from their end: few have to be looked at.
    fn after(self, bytes: &[u8]) -> Self {
        let mut has_brace = false;
        for byte in bytes.iter().rev() {
            match byte {
                b'\n' if has_brace => return LineStart::Brace,
                b'\n' => return LineStart::Blank,
                b' ' | b'\t' | b'\r' => {}
                b'{' if !has_brace => has_brace = true,
                _ => return LineStart::Other,
            }
        }
        match (self, has_brace) {
            (LineStart::Blank, true) | (LineStart::Brace, false) => LineStart::Brace,
            (LineStart::Blank, false) => LineStart::Blank,
            _ => LineStart::Other,
        }
    }
}

/// Whether `byte` may stand in a number or a literal; in `NaN` too, which some servers print.
pub(super) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}
