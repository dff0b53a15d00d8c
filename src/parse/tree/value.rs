//! Reading the values of a message.

use super::{Node, Tree, ValueKind, class};
use crate::parse::words::{WordId, Words, bit};

/// A value of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    tree: &'a Tree,
    words: &'a Words,
    at: u16,
    last: bool,
}

impl<'a> Value<'a> {
    pub(super) fn new(tree: &'a Tree, words: &'a Words, at: u16) -> Self {
        Value { tree, words, at, last: false }
    }

    /// The value, read by the rule that of several members with one name the last one counts.
    /// Otherwise it is the first.
    pub(crate) fn with_last_members(self) -> Self {
        Value { last: true, ..self }
    }

    /// The tree that it is part of.
    pub(crate) fn tree(self) -> &'a Tree {
        self.tree
    }

    /// The words whose numbers the members' names are.
    pub(crate) fn words(self) -> &'a Words {
        self.words
    }

    /// The member of an object with the name that has number `key`.
    pub(crate) fn member(self, key: WordId) -> Option<Value<'a>> {
        if self.tree.present & bit(key) == 0 {
            return None;
        }
        if self.at == u16::from(self.tree.kept_nodes)
            && !self.last
            && let Some(&at) = self.tree.tops.get(usize::from(key))
        {
            return (at != 0).then_some(Value { at: at.into(), ..self });
        }
        if !self.is_object() {
            return None;
        }
        let mut members = self.children().filter(|child| child.node().is_some_and(|node| node.key == key));
        if self.last { members.last() } else { members.next() }
    }

    /// The member called `name`, which must be among the known words.
    pub(crate) fn get(self, name: &str) -> Option<Value<'a>> {
        self.member(self.words.find(name)?)
    }

    /// The members of an object: the number of each name, and the value.
    pub(crate) fn members(self) -> impl Iterator<Item = (WordId, Value<'a>)> {
        let is_object = self.is_object();
        self.children()
            .filter(move |_| is_object)
            .filter_map(|child| child.node().map(|node| (node.key, child)))
    }

    /// The items of an array that are kept, in order; of anything else, none.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'a>> {
        let is_array = self.is_array();
        self.children().filter(move |_| is_array)
    }

    /// An item of an array, counted from 0.
    pub(crate) fn item(self, index: usize) -> Option<Value<'a>> {
        self.items().nth(index)
    }

    /// Number of items of an array or members of an object; 0 for anything else.
    pub(crate) fn len(self) -> usize {
        self.node()
            .filter(|node| matches!(node.kind, ValueKind::Array | ValueKind::Object))
            .map_or(0, |node| node.len.into())
    }

    /// Whether there is no item or member at all.
    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Kind of the value.
    pub(crate) fn kind(self) -> Option<ValueKind> {
        self.node().map(|node| node.kind)
    }

    /// Whether it is an object.
    pub(crate) fn is_object(self) -> bool {
        self.kind() == Some(ValueKind::Object)
    }

    /// Whether it is an array.
    pub(crate) fn is_array(self) -> bool {
        self.kind() == Some(ValueKind::Array)
    }

    /// Whether it is a string.
    pub(crate) fn is_string(self) -> bool {
        matches!(self.kind(), Some(ValueKind::String | ValueKind::Prefixed))
    }

    /// Whether it is a number.
    pub(crate) fn is_number(self) -> bool {
        self.kind() == Some(ValueKind::Number)
    }

    /// Whether it is `true` or `false`.
    pub(crate) fn is_bool(self) -> bool {
        matches!(self.kind(), Some(ValueKind::True | ValueKind::False))
    }

    /// Whether it is `false`.
    pub(crate) fn is_false(self) -> bool {
        self.kind() == Some(ValueKind::False)
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(self) -> bool {
        self.kind() == Some(ValueKind::Null)
    }

    /// Whether it is a string that reads `text`, however it was escaped.
    #[cfg(test)]
    pub(crate) fn is(self, text: &str) -> bool {
        self.is_string() && self.bytes() == text.as_bytes() && self.string_len() == text.len()
    }

    /// Whether it is a string of whose text `test` holds.
    pub(crate) fn holds(self, test: impl FnOnce(&[u8]) -> bool) -> bool {
        self.is_string() && test(self.bytes())
    }

    /// The text of a string or number, escapes decoded, as far as it is kept.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.tree.text(self.at)
    }

    /// The whole length of a string in bytes.
    pub(crate) fn string_len(self) -> usize {
        self.node().filter(|_| self.is_string()).map_or(0, |node| node.len.into())
    }

    /// Number of hexadecimal digits of the string, with or without `0x`; `None` if it has other characters.
    pub(crate) fn hex_digits(self) -> Option<usize> {
        let node = self.node()?;
        let len = match node.kind {
            ValueKind::String => node.len.into(),
            ValueKind::Prefixed => usize::from(node.len).checked_sub(2)?,
            _ => return None,
        };
        (len > 0 && self.classes(node) & class::HEX != 0).then_some(len)
    }

    /// The classes of all bytes of the string `node`; of one that begins with `0x`, those of the rest.
    fn classes(self, node: &Node) -> u8 {
        if node.classes & class::UNTOLD == 0 {
            return node.classes;
        }
        let text = self.bytes();
        class::of_all(if node.kind == ValueKind::Prefixed { text.get(2..).unwrap_or_default() } else { text })
    }

    /// Whether all bytes of the string belong to `class` ([`class`]).
    pub(crate) fn is_all(self, class: u8) -> bool {
        self.node().is_some_and(|node| node.kind == ValueKind::String && self.classes(node) & class != 0)
    }

    /// The items of an array or the values of an object's members, as far as they are kept.
    pub(crate) fn children(self) -> impl Iterator<Item = Value<'a>> {
        let container = self.node().filter(|node| matches!(node.kind, ValueKind::Object | ValueKind::Array));
        let end = container.map_or(0, |node| node.next);
        let mut at = self.at.saturating_add(1);
        core::iter::from_fn(move || {
            let child = Value { at, ..self };
            let node = child.node().filter(|_| at < end)?;
            at = node.next.max(at + 1);
            Some(child)
        })
    }

    fn node(self) -> Option<&'a Node> {
        self.tree.nodes.get(usize::from(self.at))
    }
}
