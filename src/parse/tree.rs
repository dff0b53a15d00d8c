//! The values of one message in fixed memory: what a streaming reader keeps of it.
//!
//! Nodes stand in the order of the text, each with the place of its next sibling. Members are known by
//! the number of their name ([`Words`]); a string has its length, the classes that all its bytes belong
//! to and as much of its text as there is room for.

pub(crate) mod class;
mod value;

pub(crate) use value::Value;

use super::words::{WordId, Words, bit};
use crate::limits::{JSON_NODES, JSON_STRING_BYTES, JSON_TEXT_BYTES};

/// The values of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: heapless::Vec<Node, JSON_NODES>,
    text: KeptText,
    /// A bit for each known member name, by its number modulo 64, at any depth.
    present: u64,
    /// The nodes of the message's own members that nearly every rule asks for, by the number of their name; 0 without.
    tops: [u8; TOPS],
    /// Members at the top whose names are not known.
    unknown: u8,
    /// An object may have a member twice.
    repeated: bool,
    /// Nodes and bytes of text that stay when a message is done with: the head around it.
    kept_nodes: u8,
    kept_text: u16,
}

/// The texts of all strings and numbers in a row.
#[derive(Clone, Debug)]
struct KeptText {
    bytes: [u8; JSON_TEXT_BYTES],
    len: u16,
}

impl Default for KeptText {
    fn default() -> Self {
        KeptText { bytes: [0; JSON_TEXT_BYTES], len: 0 }
    }
}

impl KeptText {
    fn len(&self) -> usize {
        self.len.into()
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len as u16);
    }

    fn get(&self, from: u16, len: u8) -> &[u8] {
        let kept = self.bytes.get(..self.len()).unwrap_or_default();
        kept.get(usize::from(from)..).and_then(|rest| rest.get(..usize::from(len))).unwrap_or_default()
    }

    /// Appends `bytes` as one; answers how many, all or none.
    fn extend(&mut self, bytes: &[u8]) -> usize {
        let free = self.bytes.get_mut(self.len.into()..).unwrap_or_default();
        let Some(places) = free.get_mut(..bytes.len()) else { return 0 };
        places.copy_from_slice(bytes);
        self.len += bytes.len() as u16;
        bytes.len()
    }
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// The member's name; 0 in an array.
    key: WordId,
    /// The node behind this one and all that is inside it.
    next: u16,
    /// First byte of its text.
    start: u16,
    /// Bytes of a string, items or members of a container; saturating.
    len: u16,
    /// Bytes of text that are kept.
    kept: u8,
    /// Kind of the value.
    kind: ValueKind,
    /// The [`class`]es of all bytes of a string; with [`class::UNTOLD`] they are those of the text that is kept.
    classes: u8,
}

const _: () = assert!(size_of::<Node>() <= 12);

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// Members.
    Object,
    /// Items.
    Array,
    /// A string.
    String,
    /// A string that begins with `0x`; its classes are those of the rest.
    Prefixed,
    /// A number.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
    /// A bare word of another kind.
    Word,
}

impl Tree {
    /// Forgets all values but those of the head.
    pub(crate) fn clear(&mut self) {
        self.nodes.truncate(self.kept_nodes.into());
        self.text.truncate(self.kept_text.into());
        if self.kept_nodes == 0 {
            self.present = 0;
        }
        self.tops = [0; TOPS];
        self.unknown = 0;
        self.repeated = false;
    }

    /// Forgets all values.
    pub(crate) fn reset(&mut self) {
        (self.kept_nodes, self.kept_text) = (0, 0);
        self.clear();
    }

    /// Makes all values so far the head of the messages that follow.
    pub(crate) fn keep_head(&mut self) {
        self.kept_nodes = self.nodes.len().min(HEAD_NODES) as u8;
        self.nodes.truncate(HEAD_NODES);
        self.close(0);
        self.kept_text = self.text.len() as u16;
    }

    /// Adds a value called `key` at `level` (the message itself is 1); `None` where there is no room. The outer
    /// levels have some in reserve, so that a long list can't hide what follows it.
    pub(crate) fn push(&mut self, kind: ValueKind, key: WordId, level: usize) -> Option<u16> {
        let reserve = match level {
            0..=2 => 0,
            3 => 8,
            _ => 24,
        };
        if self.nodes.len() + 1 + reserve > JSON_NODES {
            return None;
        }
        let at = self.nodes.len() as u16;
        let start = self.text.len() as u16;
        self.nodes.push(Node { key, next: at + 1, start, len: 0, kept: 0, kind, classes: u8::MAX }).ok()?;
        if key != 0 {
            self.present |= bit(key);
            if level == 2
                && let Some(top) = self.tops.get_mut(usize::from(key)).filter(|top| **top == 0)
            {
                *top = at as u8;
            }
        }
        Some(at)
    }

    /// Adds a string or number with its `text` at the top of an array or object at node `parent`.
    pub(crate) fn push_text(&mut self, kind: ValueKind, key: WordId, text: &[u8]) {
        let Some(at) = self.push(kind, key, 2) else { return };
        if kind == ValueKind::String && text.len() <= SHORT_BYTES {
            self.put_short(at, text, 2);
        } else {
            let prefixed = kind == ValueKind::String && text.starts_with(b"0x");
            let digits = if prefixed { text.get(2..).unwrap_or_default() } else { text };
            self.extend(at, text, 2);
            self.set_classes(at, class::of_all(digits), prefixed, text.len());
        }
    }

    /// Gives the string at `node` its whole `text`, of at most [`SHORT_BYTES`].
    pub(crate) fn put_short(&mut self, node: u16, text: &[u8], level: usize) {
        self.extend(node, text, level);
        let Some(node) = self.nodes.get_mut(usize::from(node)) else { return };
        node.len = text.len() as u16;
        let prefixed = text.starts_with(b"0x");
        if prefixed {
            node.kind = ValueKind::Prefixed;
        }
        if usize::from(node.kept) < text.len() {
            node.classes = class::of_all(if prefixed { text.get(2..).unwrap_or_default() } else { text });
        }
    }

    /// Keeps more `bytes` of the text of the string or number at `node`, as far as there is room.
    pub(crate) fn extend(&mut self, node: u16, bytes: &[u8], level: usize) {
        let reserve = match level {
            0..=2 => 0,
            3 => TEXT_RESERVE,
            _ => 2 * TEXT_RESERVE,
        };
        let Some(node) = self.nodes.get_mut(usize::from(node)) else { return };
        let room = JSON_TEXT_BYTES.saturating_sub(self.text.len() + reserve);
        let room = room.min(JSON_STRING_BYTES.saturating_sub(usize::from(node.kept)));
        node.kept += self.text.extend(bytes.get(..room).unwrap_or(bytes)) as u8;
    }

    /// The text of the string or number at `node`, as far as it is kept.
    pub(crate) fn text(&self, node: u16) -> &[u8] {
        let node = self.nodes.get(usize::from(node));
        node.map_or(&[], |node| self.text.get(node.start, node.kept))
    }

    /// Notes the classes and the whole length of the string at `node`. Of a long row of digits no more than its
    /// beginning is kept.
    pub(crate) fn set_classes(&mut self, node: u16, classes: u8, prefixed: bool, len: usize) {
        let Some(node) = self.nodes.get_mut(usize::from(node)) else { return };
        node.classes = classes;
        node.len = u16::try_from(len).unwrap_or(u16::MAX);
        if prefixed {
            node.kind = ValueKind::Prefixed;
        }
        if classes & class::HEX != 0 && len > SHORT_BYTES && node.kept > HEX_KEPT {
            self.text.truncate(self.text.len() - usize::from(node.kept - HEX_KEPT));
            node.kept = HEX_KEPT;
        }
    }

    /// Says what the bare word at `node` is, and its whole length.
    pub(crate) fn set_kind(&mut self, node: u16, kind: ValueKind, len: usize) {
        if let Some(node) = self.nodes.get_mut(usize::from(node)) {
            node.kind = kind;
            node.len = u16::try_from(len).unwrap_or(u16::MAX);
        }
    }

    /// Counts one more item or member of the container at `node`; answers how many there were.
    pub(crate) fn count(&mut self, node: u16) -> u16 {
        let Some(node) = self.nodes.get_mut(usize::from(node)) else { return 0 };
        let before = node.len;
        node.len = before.saturating_add(1);
        before
    }

    /// Ends the container at `node`.
    pub(crate) fn close(&mut self, node: u16) {
        let next = self.nodes.len() as u16;
        if let Some(node) = self.nodes.get_mut(usize::from(node)) {
            node.next = next;
        }
    }

    /// Notes that the object at `node` has a member `key`; readers differ in which of two they take.
    pub(crate) fn note_member(&mut self, node: u16, key: WordId) {
        if self.present & bit(key) != 0 && !self.repeated {
            let end = self.nodes.len();
            let mut at = usize::from(node) + 1;
            while let Some(child) = self.nodes.get(at).filter(|_| at < end) {
                self.repeated |= child.key == key;
                at = usize::from(child.next).max(at + 1);
            }
        }
    }

    /// Forgets the message's first member if it is kept without a name: another one follows.
    pub(crate) fn forget_nameless(&mut self) {
        let behind_root = usize::from(self.kept_nodes) + 1;
        if let Some(first) = self.nodes.get(behind_root).filter(|first| first.key == 0) {
            self.text.truncate(first.start.into());
            self.nodes.truncate(behind_root);
        }
    }

    /// Counts a member at the top whose name is not known.
    pub(crate) fn note_unknown(&mut self) {
        self.unknown = self.unknown.saturating_add(1);
    }

    /// Members at the top whose names are not known.
    pub(crate) fn unknown_members(&self) -> u8 {
        self.unknown
    }

    /// Whether an object may have a member twice.
    pub(crate) fn has_repeated_members(&self) -> bool {
        self.repeated
    }

    /// A bit for each known member name, by its number modulo 64.
    pub(crate) fn present(&self) -> u64 {
        self.present
    }

    /// The value of the message, which holds all others.
    pub(crate) fn root<'a>(&'a self, words: &'a Words) -> Option<Value<'a>> {
        let at = u16::from(self.kept_nodes);
        (self.nodes.len() > usize::from(at)).then_some(Value::new(self, words, at))
    }

    /// The head around the message, if there is one.
    pub(crate) fn head<'a>(&'a self, words: &'a Words) -> Option<Value<'a>> {
        (self.kept_nodes > 0).then_some(Value::new(self, words, 0))
    }
}

/// Words whose members are found without a search: the first ones of the set.
const TOPS: usize = 8;
const _: () = assert!(JSON_NODES <= u8::MAX as usize);
/// Bytes of text that deeper levels leave to the outer ones, each.
const TEXT_RESERVE: usize = 256;
/// Values of a head: the rest is the message's.
const HEAD_NODES: usize = JSON_NODES / 4;
/// A string up to this length is kept as it is, a row of hexadecimal digits, too (an Ethereum address has 42), and its
/// classes are told when they are asked for.
pub(crate) const SHORT_BYTES: usize = 66;
/// And of a longer one this much, for the event.
const HEX_KEPT: u8 = 24;

const _: () = assert!(JSON_STRING_BYTES <= u8::MAX as usize && JSON_TEXT_BYTES <= u16::MAX as usize);
const _: () = assert!(TEXT_RESERVE * 3 < JSON_TEXT_BYTES);
