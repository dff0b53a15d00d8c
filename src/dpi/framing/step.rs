//! What a step of a reader finds.

use super::Naming;

/// Finds at the head of some bytes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, and a packet allocates nothing")]
pub(in crate::dpi) enum Found<'a> {
    /// No find; bytes that were not consumed are to be offered again with what follows.
    Nothing,
    /// A message, which the draft holds; the carrier.
    Message(u16),
    /// The beginning of a line, which may be a message already: some clients send no line ends.
    OpenLine,
    /// The client's name for its server.
    Named(Naming),
    /// The answer of a name server.
    Resolved(&'a [u8]),
    /// A handshake of Stratum V2, with the server's consent to what followed.
    StratumV2,
}

/// Number of bytes that are done with, and what they said.
#[derive(Debug)]
pub(in crate::dpi) struct Step<'a> {
    pub len: usize,
    pub found: Found<'a>,
    /// The caller has to bring more bytes.
    pub waits: bool,
}

impl<'a> Step<'a> {
    pub(super) fn done(len: usize) -> Self {
        Step { len, found: Found::Nothing, waits: false }
    }

    pub(super) fn wait() -> Self {
        Step { len: 0, found: Found::Nothing, waits: true }
    }

    pub(super) fn found(len: usize, found: Found<'a>) -> Self {
        Step { len, found, waits: false }
    }
}
