//! minewall: a cryptomining firewall that runs on the router itself.
//!
//! The modules stand in the order in which a packet meets them:
//!
//! 1. [`packet`]: the bytes of an IP packet become a TCP segment.
//! 2. [`flow`]: the segment joins its flow, and its payload finds its place in the stream.
//! 3. [`stream`]: bytes that wait for the rest of their message, in bounded memory.
//! 4. [`dpi`]: what the bytes say.
//! 5. [`verdict`]: what the kernel is told.
//!
//! [`engine`] strings them together; [`limits`] holds every capacity; [`time`] is an argument everywhere.

pub mod limits;
pub mod time;

pub mod dpi;
pub mod engine;
#[cfg(feature = "host")]
pub mod evaluate;
pub mod flow;
pub mod hmm;
pub mod packet;
pub mod stream;
#[cfg(feature = "host")]
pub mod train;
pub mod verdict;
