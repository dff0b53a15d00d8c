//! Any file as a capture. Seeds: `tests/traces`.
#![no_main]

use minewall::limits::FLOWS_MIN;
use minewall::lab::replay::{engine, replay};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(replayed) = replay(engine(FLOWS_MIN), file) {
        assert!(replayed.packets <= file.len() as u64 / 16);
        assert!(replayed.damage.is_none_or(|damage| damage.offset <= file.len() as u64));
    }
});
