//! Mechanisms that any module may use, and that know nothing of packets.

pub(crate) mod atomic_file;
pub mod background;
pub(crate) mod bounded_cache;
pub mod calendar;
pub mod channel;
pub(crate) mod crc32;
pub(crate) mod decimal;
pub(crate) mod fair_budget;
pub mod half_sip;
pub mod json_object;
pub mod local_time;
#[cfg(any(test, feature = "host"))]
pub mod random;
pub(crate) mod regular_file;
pub(crate) mod text;
pub mod time;
pub(crate) mod token_bucket;
pub mod wall_clock;
