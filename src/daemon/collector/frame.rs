//! Forms in which an event goes to a collector.

use crate::util::calendar::rfc3339;
use crate::util::wall_clock::unix_seconds;

/// A line.
pub(super) fn line(document: &str) -> Vec<u8> {
    format!("{document}\n").into_bytes()
}

/// A message of RFC 5424 section 6: priority, version, time, host, program, no process, the kind of message, no
/// structured data. JSON in ASCII needs no byte order mark (section 6.4).
pub(super) fn syslog(document: &str, router: &str, is_proof: bool) -> String {
    let severity = if is_proof { WARNING } else { NOTICE };
    format!("<{}>1 {} {router} minewall - event - {document}", DAEMON + severity, rfc3339(unix_seconds()))
}

/// A message of a stream, with its length before it (RFC 6587 section 3.4.1).
pub(super) fn counted(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

/// Facility 3, in the place of a priority that it has (RFC 5424 section 6.2.1).
const DAEMON: u8 = 3 << 3;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_header_of_the_rfc_and_a_stream_its_length() {
        let message = syslog("{}", "router", true);
        assert!(message.starts_with("<28>1 20") && message.ends_with("Z router minewall - event - {}"));
        assert!(syslog("{}", "router", false).starts_with("<29>1 "));
        assert_eq!(counted("abc"), b"3 abc");
        assert_eq!(line("{}"), b"{}\n");
    }
}
