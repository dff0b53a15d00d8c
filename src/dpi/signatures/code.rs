//! The code of conditions: operations, places of bytes, ranges.

use super::compile::program::{path, shape};
use crate::parse::grpc;

/// Operations one after the other, each with the words that belong to it.
pub(super) struct Operations<'a>(pub(super) &'a [u16]);

impl<'a> Iterator for Operations<'a> {
    type Item = (u16, &'a [u16]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[operation, len], rest) = self.0.split_first_chunk()?;
        let (inside, rest) = rest.split_at_checked(usize::from(len))?;
        self.0 = rest;
        Some((operation, inside))
    }
}

/// The bytes from one place to another, as far as they are there; all of them without places.
pub(super) fn data<'a>(bytes: &'a [u8], steps: &[u16]) -> Option<&'a [u8]> {
    let index = |step: &u16| usize::from(step & !path::INDEX);
    match steps {
        [] => Some(bytes),
        // The end of the bytes is as good as any end behind it, where none is asked for.
        [from, to] if *to == path::INDEX | OPEN_END => bytes.get(index(from)..),
        [from, to] => bytes.get(index(from)..index(to)),
        _ => None,
    }
}

/// Whether all bytes between two places are there.
pub(super) fn is_complete(bytes: &[u8], steps: &[u16]) -> bool {
    matches!(steps, [_, to] if usize::from(to & !path::INDEX) <= bytes.len())
}

/// The bytes from a place on, as far as they are there.
pub(super) fn rest_of<'a>(bytes: &'a [u8], steps: &[u16]) -> &'a [u8] {
    let from = steps.first().map_or(0, |from| usize::from(from & !path::INDEX));
    bytes.get(from..).unwrap_or_default()
}

/// The member of protobuf that numbers of fields lead to, the first of each.
pub(super) fn proto<'a>(bytes: &'a [u8], steps: &[u16]) -> Option<&'a [u8]> {
    steps.iter().try_fold(bytes, |bytes, step| {
        let number = u64::from(step & !path::INDEX);
        grpc::members(bytes).find(|(field, _)| *field == number).map(|(_, value)| value)
    })
}

/// Words that belong to a shape.
pub(super) fn arguments_of(shape: u16, rest: &[u16]) -> usize {
    match shape {
        shape::IS..=shape::ONLY => usize::from(rest.first().copied().unwrap_or(0)) + 1,
        shape::HEX..=shape::ITEMS => 2,
        shape::INTEGER..=shape::BIG => 4,
        _ => 0,
    }
}

pub(super) fn in_range(number: usize, arguments: &[u16]) -> bool {
    matches!(arguments, [from, to] if number >= usize::from(*from) && (number <= usize::from(*to) || *to == u16::MAX))
}

pub(super) fn in_long_range(number: u32, arguments: &[u16]) -> bool {
    let long = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
    matches!(arguments, [a, b, c, d] if (long(*a, *b)..=long(*c, *d)).contains(&number))
}

/// The end of `[FROM..]`.
const OPEN_END: u16 = path::INDEX - 1;
