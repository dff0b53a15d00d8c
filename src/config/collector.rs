//! The address of a collector of events, and how it is known.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv6Addr};

use crate::util::decimal::decimal;
use crate::util::named::named;

/// Destination of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collector {
    /// The router's own log.
    Syslog,
    /// A program on the network.
    Remote {
        /// Way there.
        transport: CollectorTransport,
        /// Address, or name of at most 253 bytes.
        host: String,
        /// Port, not 0.
        port: u16,
    },
}

named! {
    /// Way to a collector.
    pub enum CollectorTransport {
        /// A datagram an event.
        Udp = "udp",
        /// A stream.
        Tcp = "tcp",
        /// A stream in TLS.
        Tls = "tls",
    }
}

/// Form of what a collector is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectorFormat {
    /// A message of RFC 5424; in a stream with its length before it (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
    Syslog,
    /// A line of JSON.
    Json,
}

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// The text is no address of a collector, or no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCollector;

impl FromStr for Collector {
    type Err = BadCollector;

    fn from_str(text: &str) -> Result<Self, BadCollector> {
        if text == "syslog" {
            return Ok(Collector::Syslog);
        }
        let (scheme, place) = text.split_once("://").ok_or(BadCollector)?;
        let transport = CollectorTransport::from_name(scheme);
        let (host, port) = place.rsplit_once(':').ok_or(BadCollector)?;
        let port = decimal::<u16>(port.as_bytes());
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inside) => inside.parse::<Ipv6Addr>().map(|_| inside).map_err(|_| BadCollector)?,
            None if is_name(host) => host,
            None => return Err(BadCollector),
        };
        match (transport, port) {
            (Some(transport), Some(port @ 1..)) => {
                Ok(Collector::Remote { transport, host: host.into(), port })
            }
            _ => Err(BadCollector),
        }
    }
}

/// Letters, digits, dots and hyphens: a name, or an address of IPv4.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(is_plain)
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Collector::Syslog => f.write_str("syslog"),
            Collector::Remote { transport, host, port } => match host.parse::<IpAddr>() {
                Ok(IpAddr::V6(addr)) => write!(f, "{}://[{addr}]:{port}", transport.name()),
                _ => write!(f, "{}://{host}:{port}", transport.name()),
            },
        }
    }
}

impl FromStr for Fingerprint {
    type Err = BadCollector;

    /// 64 hexadecimal digits; colons between them, and the `sha-256:` of RFC 5425 section 4.2.2 before them, are
    /// taken as programs print them.
    fn from_str(text: &str) -> Result<Self, BadCollector> {
        let lower = text.to_ascii_lowercase();
        let digits = lower.strip_prefix("sha-256:").unwrap_or(&lower).replace(':', "");
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BadCollector);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_| BadCollector)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadCollector)?;
        }
        Ok(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["syslog", "udp://192.168.1.9:514", "tcp://logs.example:601", "tls://[2001:db8::1]:6514"]
        {
            assert_eq!(text.parse::<Collector>().map(|address| address.to_string()), Ok(text.into()));
        }
        for text in [
            "",
            "192.168.1.9:514",
            "http://a:1",
            "tcp://a",
            "tcp://a:0",
            "tcp://a:65536",
            "tcp://:1",
            "tcp://a b:1",
            "tcp://[192.0.2.1]:1",
            "tcp://2001:db8::1:1",
            "tcp://a/b:1",
        ] {
            assert_eq!(text.parse::<Collector>(), Err(BadCollector), "{text}");
        }
    }

    #[test]
    fn fingerprints_are_read_as_programs_print_them() {
        let printed = Fingerprint([0xab; 32]).to_string();
        let plain = "ab".repeat(32);
        for text in [&printed, &plain, &format!("sha-256:{printed}"), &printed.to_lowercase()] {
            assert_eq!(text.parse(), Ok(Fingerprint([0xab; 32])), "{text}");
        }
        for text in ["", "ab", &"ab".repeat(33), &"xy".repeat(32)] {
            assert_eq!(text.parse::<Fingerprint>(), Err(BadCollector), "{text}");
        }
    }
}
