//! Any bytes as a list.
#![no_main]

use minewall::intel::Builder;
use minewall::intel::entry::{Entry, Policy, What};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let mut builder = Builder::new(1 << 20);
    let accepted = builder.add_text("fuzz", Policy::Suspect, text);
    let intel = builder.build().0;
    assert_eq!(accepted.is_err_and(|why| why.to_string().is_empty()), false);
    for (entry, _) in intel.entries() {
        // What is taken is written as it is read, and found.
        assert_eq!(Entry::parse(&entry.to_string(), Policy::Allow).as_ref(), Ok(&entry));
        assert!(match &entry.pattern.what {
            What::Name(name) => intel.by_name(name, None, 0).is_some() || entry.expires == Some(0),
            What::Net(net) => intel.by_addr(net.addr(), None, 0).is_some() || entry.expires == Some(0),
        });
    }
});
