//! Responses of a probed server.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use crate::limits::{PROBE_CONNECTIONS, PROBE_SEND_BYTES, PROBE_TOTAL_WAIT};
use crate::net::endpoint::Endpoint;
use crate::probe::hint::Hints;
use crate::probe::session::{Action, ProbeSession};
use crate::probe::{Target, TlsChoice};
use crate::util::time::Instant;

/// Plays a script to a probe: a byte of what the server does (speak, so many bytes of which follow; close; keep
/// silent).
///
/// # Panics
/// If the probe does, or if it connects more often, says more or takes longer than it may.
pub(super) fn probe(script: &[u8]) {
    let target = Target {
        server: Endpoint::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 3_333),
        layer: if script.len().is_multiple_of(2) { TlsChoice::Plain } else { TlsChoice::Auto },
        sni: None,
        hints: Hints::default(),
    };
    let begin = Instant::from_micros(1 << 40);
    let end = begin.after(PROBE_TOTAL_WAIT + Duration::from_secs(1));
    let (mut now, mut connections) = (begin, 0);
    let mut session = ProbeSession::new(&target, [7; 64], now);
    let mut script = script;
    loop {
        match session.poll(now) {
            Action::Connect { tls } => {
                connections += 1;
                assert!(connections <= PROBE_CONNECTIONS);
                session.connected(tls, now);
            }
            Action::Transmit(bytes) => assert!(!bytes.is_empty()),
            Action::Wait(until) => match script {
                [len, rest @ ..] if len & 0x80 == 0 => {
                    let (said, rest) = rest.split_at(rest.len().min(usize::from(*len)));
                    script = rest;
                    now = now.after(Duration::from_millis(1));
                    session.handle_input(said, now);
                }
                [0xff, rest @ ..] => {
                    script = rest;
                    session.handle_failure(crate::probe::strategy::Failure::Closed, now);
                }
                _ => {
                    script = script.get(1..).unwrap_or_default();
                    now = until.after(Duration::from_millis(1));
                }
            },
            Action::Done(_) => break,
        }
        assert!(session.bytes_sent() <= PROBE_SEND_BYTES);
        assert!(now <= end, "a probe goes on for ever");
    }
}
