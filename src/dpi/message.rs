//! From a draft to the message that signatures look at.

use super::drafts::Draft;
use super::signatures::compile::program::carrier;
use super::signatures::matcher::Message;
use super::signatures::{Signatures, word};
use crate::parse::grpc;
use crate::parse::http::push_form;
use crate::parse::tree::{Tree, Value, ValueKind};

/// Puts what isn't JSON into values: the fields of a line, the members of a form.
pub(super) fn prepare(draft: &mut Draft, signatures: &Signatures, over: u16) {
    let tree = &mut draft.lines.scanner.tree;
    match over {
        carrier::CSV => {
            tree.reset();
            push_fields(tree, &draft.lines.line);
        }
        carrier::FORM => {
            tree.clear();
            if let Some(root) = tree.push(ValueKind::Object, 0, 1) {
                push_form(&draft.bytes, root, tree, |name| signatures.word(name.as_bytes()));
                tree.close(root);
            }
        }
        _ => {}
    }
}

/// The message in `draft`, which came in the carrier `over`.
pub(super) fn of<'a>(draft: &'a Draft, signatures: &'a Signatures, over: u16) -> Message<'a> {
    let words = signatures.words();
    let tree = &draft.lines.scanner.tree;
    let root = if over & (carrier::GRPC | carrier::BINARY) != 0 { None } else { tree.root(words) };
    let data = match over {
        carrier::GRPC => draft.bytes.get(grpc::PREFIX..).unwrap_or_default(),
        carrier::BINARY => &draft.bytes,
        carrier::HTTP if root.is_none() => &draft.bytes,
        _ => &[],
    };
    let get = |word| root.and_then(|root: Value<'_>| root.member(word));
    let filled = |word| get(word).is_some_and(|value| !value.is_null());
    // Grin's nodes repeat the method in the response.
    let is_response = filled(word::RESULT) && !filled(word::PARAMS) && !filled(word::BODY);
    let method = match get(word::METHOD).filter(|method| !is_response && method.is_string()) {
        _ if over == carrier::TILDE => draft.lines.verb(),
        Some(method) => method.bytes(),
        None => &[],
    };
    Message {
        over,
        method,
        method_word: signatures.word(method),
        root,
        http: tree.head(words),
        data,
        is_open: false,
    }
}

fn push_fields(tree: &mut Tree, line: &[u8]) {
    let Some(root) = tree.push(ValueKind::Array, 0, 1) else { return };
    for field in line.split(|&byte| byte == b',') {
        tree.count(root);
        tree.push_text(ValueKind::String, 0, field);
    }
    tree.close(root);
}
