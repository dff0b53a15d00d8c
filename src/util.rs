//! Mechanisms that any module may use, and that know nothing of packets.

pub(crate) mod atomic_file;
pub mod background;
pub(crate) mod bounded_cache;
pub mod bounded_read;
pub mod calendar;
pub mod channel;
pub(crate) mod counters;
pub(crate) mod crc32;
pub(crate) mod decimal;
pub(crate) mod fair_budget;
pub mod half_sip;
pub(crate) mod io_error;
pub mod json_object;
pub mod local_time;
pub(crate) mod named;
#[cfg(any(test, feature = "host"))]
pub mod random;
pub(crate) mod regular_file;
pub mod text;
pub mod time;
pub(crate) mod token_bucket;
pub mod wall_clock;
