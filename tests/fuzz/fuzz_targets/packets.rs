//! Any packets through the engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| minewall::lab::fuzz::packets(script));
