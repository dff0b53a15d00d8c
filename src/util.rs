//! Mechanisms that any module may use, and that know nothing of packets.

pub(crate) mod atomic_file;
#[cfg(any(test, feature = "host"))]
pub(crate) mod random;
pub mod time;
