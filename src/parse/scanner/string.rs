//! The bytes of one string: escapes decoded, classified, kept as far as there is room.

use crate::parse::tree::{Tree, ValueKind, class};
use crate::parse::words::{WORD_BYTES, WordId, Words};

/// A string, a member's name or a bare word that is half read.
#[derive(Clone, Debug)]
pub(super) struct StringScan {
    /// The [`class`]es of all bytes so far.
    classes: u8,
    /// Decoded bytes so far.
    len: u32,
    escape: Escape,
    /// The string is kept, or is a name.
    wanted: bool,
    /// The string begins with `0x`.
    prefixed: bool,
    /// A member's name, as far as a known one goes.
    name: [u8; WORD_BYTES],
    is_name: bool,
}

/// Progress of an escape (RFC 8259 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    No,
    Backslash,
    /// Digits that are missing, and the number so far.
    Unicode(u8, u16),
}

impl Default for StringScan {
    fn default() -> Self {
        StringScan {
            classes: u8::MAX,
            len: 0,
            escape: Escape::No,
            wanted: false,
            prefixed: false,
            name: [0; WORD_BYTES],
            is_name: false,
        }
    }
}

impl StringScan {
    /// Begins a value.
    pub(super) fn begin(&mut self, wanted: bool) {
        (self.classes, self.len, self.escape) = (u8::MAX, 0, Escape::No);
        (self.wanted, self.prefixed, self.is_name) = (wanted, false, false);
    }

    /// Begins a member's name.
    pub(super) fn begin_key(&mut self) {
        self.begin(true);
        self.is_name = true;
    }

    /// Reads `bytes` up to the closing quote; answers how many with it, and whether it was there.
    pub(super) fn feed(&mut self, tree: &mut Tree, node: u16, level: usize, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.escape != Escape::No {
                self.escaped(tree, node, level, byte);
                at += 1;
                continue;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            let run = if self.wanted && !self.is_name {
                self.keep_run(tree, node, level, rest)
            } else {
                let run = class::plain(rest);
                if self.wanted {
                    self.keep(tree, node, level, rest.get(..run).unwrap_or_default());
                }
                run
            };
            at += run;
            match bytes.get(at) {
                Some(b'"') => return (at + 1, true),
                Some(_) => {
                    self.escape = Escape::Backslash;
                    at += 1;
                }
                None => {}
            }
        }
        (at, false)
    }

    /// Keeps and classifies decoded bytes.
    pub(super) fn keep(&mut self, tree: &mut Tree, node: u16, level: usize, bytes: &[u8]) {
        if self.is_name {
            let free = self.name.get_mut(self.len as usize..).unwrap_or_default();
            let (kept, _) = bytes.split_at(bytes.len().min(free.len()));
            if let Some(places) = free.get_mut(..kept.len()) {
                places.copy_from_slice(kept);
            }
            self.len = self.len.saturating_add(bytes.len() as u32);
            return;
        }
        let rest = self.classify_head(bytes);
        self.classes &= class::of_all(rest);
        self.len = self.len.saturating_add(rest.len() as u32);
        tree.extend(node, bytes, level);
    }

    /// Keeps and classifies the bytes of a string before the next quote or backslash; answers how many.
    fn keep_run(&mut self, tree: &mut Tree, node: u16, level: usize, bytes: &[u8]) -> usize {
        // The first two say more than their classes.
        let head = bytes.iter().take(2_usize.saturating_sub(self.len as usize));
        let head = head.take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
        let (head, rest) = bytes.split_at(head);
        self.classify_head(head);
        let (run, classes) = if self.len < 2 { (0, self.classes) } else { class::run(rest, self.classes) };
        self.classes = classes;
        self.len = self.len.saturating_add(run as u32);
        let run = head.len() + run;
        tree.extend(node, bytes.get(..run).unwrap_or_default(), level);
        run
    }

    /// Takes the first two bytes of a string; answers with those behind them.
    fn classify_head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while self.len < 2
            && let Some((&byte, tail)) = rest.split_first()
        {
            self.classify_start(byte);
            self.len += 1;
            rest = tail;
        }
        rest
    }

    /// The number of the name, if it is known.
    pub(super) fn word(&self, words: &Words) -> Option<WordId> {
        let name = self.name.get(..self.len as usize)?;
        words.id(crate::parse::words::hash(name), name)
    }

    /// Keeps bytes of a bare word, which nothing escapes and no class matters of.
    pub(super) fn keep_word(&mut self, tree: &mut Tree, node: u16, level: usize, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len() as u32);
        tree.extend(node, bytes, level);
    }

    /// The string at `node` is complete.
    pub(super) fn finish(&self, tree: &mut Tree, node: u16) {
        tree.set_classes(node, self.classes, self.prefixed && self.len > 1, self.len as usize);
    }

    /// The bare word at `node` is complete.
    pub(super) fn finish_bare(&self, tree: &mut Tree, node: u16) {
        let kind = match tree.text(node) {
            b"true" => ValueKind::True,
            b"false" => ValueKind::False,
            b"null" => ValueKind::Null,
            [b'-' | b'0'..=b'9', ..] => ValueKind::Number,
            _ => ValueKind::Word,
        };
        tree.set_kind(node, kind, self.len as usize);
    }

    /// Takes one of the first two bytes: `0x` is no digit of the number.
    fn classify_start(&mut self, byte: u8) {
        if self.len == 1 && byte == b'x' && self.classes & class::DIGIT != 0 && self.prefixed {
            self.classes |= class::HEX;
            return;
        }
        self.prefixed = self.len == 0 && byte == b'0';
        self.classes &= class::of(byte);
    }

    /// Takes a byte of an escape. Halves of a surrogate pair read as question marks: no word has any.
    fn escaped(&mut self, tree: &mut Tree, node: u16, level: usize, byte: u8) {
        let mut buffer = [0; 4];
        let decoded: &[u8] = match (self.escape, byte) {
            (Escape::Backslash, b'u') => {
                self.escape = Escape::Unicode(4, 0);
                return;
            }
            (Escape::Unicode(missing, unit), _) => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0) as u16;
                let unit = unit << 4 | digit;
                if missing > 1 {
                    self.escape = Escape::Unicode(missing - 1, unit);
                    return;
                }
                char::from_u32(u32::from(unit)).unwrap_or('?').encode_utf8(&mut buffer).as_bytes()
            }
            (_, b'n') => b"\n",
            (_, b't') => b"\t",
            (_, b'r') => b"\r",
            (_, b'b') => b"\x08",
            (_, b'f') => b"\x0c",
            (_, byte) => {
                buffer[0] = byte;
                buffer.get(..1).unwrap_or_default()
            }
        };
        self.escape = Escape::No;
        if self.wanted {
            self.keep(tree, node, level, decoded);
        }
    }
}
