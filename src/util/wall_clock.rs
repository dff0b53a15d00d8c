//! The time of day: for people, and for what outlives the process.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970; zero before.
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
