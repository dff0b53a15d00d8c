//! Any bytes as a ClientHello, as a name server's answer, and as the authority of a request.
#![no_main]

use minewall::parse::dns::Resolution;
use minewall::parse::client_hello::{self, Hello, Parsed};
use minewall::dpi::target::Target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Whether HTTP is offered isn't waited for.
    let parse = |bytes: &[u8]| match client_hello::parse(bytes) {
        Parsed::Hello(hello) => Parsed::Hello(Hello { web: false, ..hello }),
        other => other,
    };
    let whole = parse(bytes);
    for end in 0..bytes.len().min(600) {
        let part = parse(&bytes[..end]);
        assert!(part == Parsed::NeedMore || part == whole, "more bytes take an answer back");
    }
    if let Ok(resolution) = Resolution::read(bytes) {
        assert!(!resolution.names.is_empty() && !resolution.addrs.is_empty());
    }
    Target::parse(bytes);
    Target::of_url(bytes);
});
