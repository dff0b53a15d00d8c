//! Any bytes as a JSON message: indexed, and every value in it read.
#![no_main]

use minewall::parse::json::{End, Tape, Value, end_of_value};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let End::Complete(len) = end_of_value(text) {
        assert!((1..=text.len()).contains(&len));
    }
    if let Some(root) = Tape::default().index(text) {
        read(root);
        read(root.with_last_keys());
    }
});

fn read(value: Value<'_>) {
    value.is("mining.subscribe");
    value.holds(|text| text.is_ascii());
    assert_eq!(value.is_empty(), value.len() == 0);
    for (key, member) in value.members() {
        key.holds(|name| name.is_empty());
        read(member);
    }
    value.items().for_each(read);
}
