//! Any bytes as a line of intelligence, and as a request on the control socket.
#![no_main]

use minewall::intel::reputation::line;
use minewall::parse::json::Tape;
use minewall::daemon::control::Request;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(Some(report)) = line::read_line(&mut Tape::default(), input) {
        let text = report.subject.to_string();
        assert_eq!(text.parse().as_ref(), Ok(&report.subject));
    }
    let request = std::str::from_utf8(input).ok().and_then(|line| line.parse::<Request>().ok());
    if let Some(request) = request {
        assert_eq!(request.to_string().parse(), Ok(request));
    }
});
