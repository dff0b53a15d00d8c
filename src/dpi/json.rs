//! JSON by structure: a bounded index over the bytes of one message.

/// The index of one message.
#[derive(Debug, Default)]
pub struct Tape {}
