//! The key of a connection.

use core::hash::{Hash, Hasher};

use super::endpoint::Endpoint;

/// The two ends of a TCP connection in canonical order: both directions have one key, and the protocol is always
/// TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FiveTuple {
    low: Endpoint,
    high: Endpoint,
}

impl FiveTuple {
    /// The key of the connection between `a` and `b`, whichever way round.
    pub fn new(a: Endpoint, b: Endpoint) -> Self {
        if a <= b { FiveTuple { low: a, high: b } } else { FiveTuple { low: b, high: a } }
    }

    /// The lesser of the two ends.
    pub fn low(&self) -> Endpoint {
        self.low
    }

    /// Both ends, the lesser first.
    pub fn ends(&self) -> [&Endpoint; 2] {
        [&self.low, &self.high]
    }

    /// The greater of the two ends.
    pub fn high(&self) -> Endpoint {
        self.high
    }
}

impl Hash for FiveTuple {
    /// Writes one buffer: a keyed hash then runs once over 36 bytes, not over four members with their lengths.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut bytes = [0; 2 * Endpoint::BYTES];
        let (low, high) = bytes.split_at_mut(Endpoint::BYTES);
        low.copy_from_slice(&self.low.to_bytes());
        high.copy_from_slice(&self.high.to_bytes());
        state.write(&bytes);
    }
}
