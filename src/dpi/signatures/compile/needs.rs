//! What a message must have for a condition to hold, told before the condition is looked at.

use core::ops::Range;

use super::super::words::bit;
use super::program::{edge, kind, op, path, shape};
use super::{ENGINE_WORDS, WORDS_OF_READERS};

/// What must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Members, by the bits of their names.
    pub(super) members: u64,
    /// Kinds of values ([`kind`]).
    pub(super) kinds: u8,
}

impl Needs {
    pub(super) fn and(self, other: Needs) -> Needs {
        Needs { members: self.members | other.members, kinds: self.kinds | other.kinds }
    }

    fn or(self, other: Needs) -> Needs {
        Needs { members: self.members & other.members, kinds: self.kinds & other.kinds }
    }
}

/// What a term can't hold without: of alternatives, what all of them need.
pub(super) fn of_term(term: &[u16]) -> Needs {
    let all = |inside| operations(inside).map(of_term).fold(Needs::default(), Needs::and);
    match term {
        [op::TEST, ..] => of_test(term),
        [op::ALL, _, inside @ ..] | [op::GRADE, _, _, inside @ ..] => all(inside),
        [op::ANY, _, inside @ ..] => of_alternatives(inside),
        _ => Needs::default(),
    }
}

/// What all of some terms need, or all of some grades.
pub(super) fn of_alternatives(code: &[u16]) -> Needs {
    operations(code).map(of_term).reduce(Needs::or).unwrap_or_default()
}

/// The methods that a term asks for, if that is all it does: the numbers of their texts.
pub(super) fn exact_methods(term: &[u16]) -> Option<&[u16]> {
    match term {
        [op::TEST, _, 1, path::METHOD, 1, shape::IS, count, methods @ ..]
            if methods.len() == usize::from(*count) =>
        {
            Some(methods)
        }
        _ => None,
    }
}

/// Whether a term asks for a part of the method.
pub(super) fn tests_method(term: &[u16]) -> bool {
    matches!(term, [op::TEST, _, 1, path::METHOD, ..])
}

/// The byte that a term asks for at a place of the method (or of the path, if that is `of_path`) or of a message that is no
/// text; 0 if it asks for none, or for one of several. Of alternatives it is the byte that all of them ask for; of several
/// terms, the one that tells most.
pub(super) fn edge_of(term: &[u16], texts: &[Vec<u8>], of_path: bool) -> u16 {
    let (edge, place, ids) = match term {
        [op::TEST, _, 2, path::HTTP, PATH, 1, shape, count, ids @ ..]
            if of_path && ids.len() == usize::from(*count) =>
        {
            match *shape {
                shape::IS | shape::BEGINS => (edge::METHOD_BEGINS, 0, ids),
                shape::ENDS => (edge::METHOD_ENDS, 1, ids),
                _ => return 0,
            }
        }
        [op::TEST, _, 1, path::METHOD, ..] if of_path => return 0,
        [op::TEST, _, 1, path::METHOD, 1, shape::BEGINS, _, ids @ ..] => (edge::METHOD_BEGINS, 0, ids),
        // The last letter is the same in many words.
        [op::TEST, _, 1, path::METHOD, 1, shape::ENDS, _, ids @ ..] => (edge::METHOD_ENDS, 1, ids),
        [op::TEST, _, 1, path::DATA, 1, shape::IS | shape::BEGINS, _, ids @ ..] => (edge::DATA, 0, ids),
        [op::TEST, _, 3, path::DATA, from, _, 1, shape::IS | shape::BEGINS, _, ids @ ..] => {
            (edge::DATA, from - path::INDEX, ids)
        }
        [op::TEST, _, 3, path::DATA, from, to, 1, shape @ (shape::LITTLE | shape::BIG), range @ ..] => {
            return edge_of_number(from - path::INDEX..to - path::INDEX, *shape, range);
        }
        [op::ALL, _, inside @ ..] => {
            return operations(inside).map(|term| edge_of(term, texts, of_path)).fold(0, more_telling);
        }
        [op::ANY, _, inside @ ..] => {
            let mut edges = operations(inside).map(|term| edge_of(term, texts, of_path));
            let first = edges.next().unwrap_or(0);
            return if edges.all(|edge| edge == first) { first } else { 0 };
        }
        _ => return 0,
    };
    let common = |behind: u16| {
        let mut bytes = ids.iter().map(|id| {
            let text = texts.get(usize::from(*id) - 1)?;
            let ending = edge == edge::METHOD_ENDS;
            text.get(if ending { text.len().checked_sub(2)? } else { usize::from(behind) })
        });
        let byte = bytes.next().flatten().filter(|_| place + behind <= edge::PLACE_MAX)?;
        bytes.all(|other| other == Some(byte)).then_some(edge | (place + behind) << 8 | u16::from(*byte))
    };
    let places = match edge {
        edge::DATA => 0..=edge::PLACE_MAX,
        // All paths begin with a slash.
        edge::METHOD_BEGINS if of_path => 1..=edge::PLACE_MAX,
        _ => 0..=0,
    };
    places.filter_map(common).fold(0, more_telling)
}

/// Number of the word under which a head has the path; the search for rules asks for the same.
const PATH: u16 = {
    assert!(matches!(WORDS_OF_READERS[2].as_bytes(), b"path"));
    ENGINE_WORDS.len() as u16 + 3
};

/// The byte of a number between two that is the same in all of them, the highest.
fn edge_of_number(places: Range<u16>, shape: u16, range: &[u16]) -> u16 {
    let ([a, b, c, d], 1..=4) = (range, places.len()) else { return 0 };
    let shift = 8 * (places.len() - 1);
    let [least, greatest] =
        [(a, b), (c, d)].map(|(high, low)| (u32::from(*high) << 16 | u32::from(*low)) >> shift);
    let place = if shape == shape::BIG { places.start } else { places.end - 1 };
    let is_one = least == greatest && least <= u8::MAX.into() && place <= edge::PLACE_MAX;
    if is_one { edge::DATA | place << 8 | least as u16 } else { 0 }
}

/// Of two bytes that are asked for, the one that fewer messages have: many have zeros, in figures or not.
pub(super) fn more_telling(one: u16, other: u16) -> u16 {
    let worth = |edge: u16| (edge != 0) as u8 + (!matches!(edge as u8, 0 | b'0')) as u8;
    if worth(other) > worth(one) { other } else { one }
}

fn of_test(term: &[u16]) -> Needs {
    // A head's members are told with those of the message.
    let [op::TEST, _, steps, base @ (path::ROOT | path::HTTP), rest @ ..] = term else {
        return Needs::default();
    };
    let (steps, shapes) = rest.split_at(usize::from(*steps).saturating_sub(1).min(rest.len()));
    // What isn't there may be just what is asked for.
    if shapes.contains(&shape::ABSENT) {
        return Needs::default();
    }
    let members = steps.iter().filter(|step| **step < path::INDEX).fold(0, |needs, step| needs | bit(*step));
    Needs { members, kinds: if *base == path::ROOT { kinds(steps, shapes) } else { 0 } }
}

/// Kinds of result and parameters, by what is looked for inside them or by the one shape that they have.
fn kinds(steps: &[u16], shapes: &[u16]) -> u8 {
    let number = |name| ENGINE_WORDS.iter().position(|known| *known == name).map_or(0, |at| at as u16 + 1);
    let [base, inside @ ..] = steps else { return 0 };
    let shift = match *base {
        base if base == number("result") => 0,
        base if base == number("params") => kind::PARAMS,
        _ => return 0,
    };
    let kinds = match (inside.first(), shapes) {
        (Some(&step), _) if step < path::INDEX => kind::OBJECT,
        (Some(&path::SOME), _) => 0,
        (Some(_), _) | (None, [1, shape::ARRAY, ..]) => kind::ARRAY,
        (None, [1, shape::OBJECT | shape::ONLY, ..]) => kind::OBJECT,
        (None, [1, shape::STRING..=shape::NULL | shape::NAME, ..])
        | (None, [1, shape::WALLET..=shape::LAST_PLAIN | shape::IS..=shape::HAS, ..])
        | (None, [1, shape::HEX..=shape::LENGTH | shape::INTEGER, ..]) => kind::SCALAR,
        _ => 0,
    };
    kinds << shift
}

/// Operations one after the other, each with what belongs to it.
fn operations(mut code: &[u16]) -> impl Iterator<Item = &[u16]> {
    core::iter::from_fn(move || {
        let len = usize::from(*code.get(1)?) + 2;
        let (operation, rest) = code.split_at_checked(len)?;
        code = rest;
        Some(operation)
    })
}
