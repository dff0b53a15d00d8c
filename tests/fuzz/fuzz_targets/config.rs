//! Any bytes as a configuration file.
#![no_main]

use std::path::Path;

use minewall::config;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    // Refused or not; what is refused names its line.
    if let Err(complaint) = config::parse(Path::new("minewall"), file) {
        assert!(!complaint.to_string().is_empty());
    }
});
