//! What is known without any list of the user's.

use super::Intel;
use super::entry::Policy;
use super::{Builder, list::BadList};

/// The list of pools.
pub const POOLS: &str = include_str!("builtin/pools.txt");
/// Addresses that many sites share: content delivery networks, large front ends, public resolvers.
pub const SHARED: &str = include_str!("builtin/shared.txt");

/// The name of the list of pools.
pub const NAME: &str = "builtin";

/// The addresses that many sites share, as a list of its own: whoever matches is one.
///
/// # Panics
/// If the list that is part of the program can't be read, which a test rules out.
pub fn shared() -> Intel {
    let mut builder = Builder::new(usize::MAX);
    let read: Result<_, BadList> = builder.add_text("shared", Policy::Suspect, SHARED.as_bytes());
    read.expect("the list is part of the program");
    builder.build().0
}
