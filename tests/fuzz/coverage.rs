//! The fuzz target that the variable `MINEWALL_FUZZ` names, under libFuzzer.
#![no_main]

use std::sync::LazyLock;

use minewall::lab::fuzz::{TARGETS, FuzzTarget};

static TARGET: LazyLock<&FuzzTarget> = LazyLock::new(|| {
    let name = std::env::var("MINEWALL_FUZZ").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target '{name}'"))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (TARGET.run)(input));
