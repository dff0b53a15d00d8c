//! Whom an entry is about: an address, a prefix or a name, with a port or without.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::allow::Server;
use crate::packet::Endpoint;

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Addresses, and a port; every port without.
    Server(Server),
    /// A host's name in A-label form and lower case, all names below it, and a port; every port without.
    Name(String, Option<u16>),
}

impl Subject {
    /// One server.
    pub fn endpoint(server: &Endpoint) -> Self {
        Subject::Server(Server::at(server))
    }

    /// The server, if it is a single one.
    pub fn as_endpoint(&self) -> Option<Endpoint> {
        match self {
            Subject::Server(Server { prefix, port: Some(port) }) => {
                prefix.as_address().map(|addr| Endpoint::new(addr, *port))
            }
            _ => None,
        }
    }

    /// Whether it is `other` or includes all of it.
    pub fn covers(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Server(own), Subject::Server(other)) => {
                own.prefix.covers(&other.prefix) && (own.port.is_none() || own.port == other.port)
            }
            (Subject::Name(own, port), Subject::Name(other, other_port)) => {
                is_below(other, own) && (port.is_none() || port == other_port)
            }
            _ => false,
        }
    }

    /// Whether what is said of `self` matters to somebody who asks about `other`.
    pub fn concerns(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Server(own), Subject::Server(asked)) => {
                (own.prefix.covers(&asked.prefix) || asked.prefix.covers(&own.prefix))
                    && (own.port.is_none() || asked.port.is_none() || own.port == asked.port)
            }
            (Subject::Name(..), Subject::Name(asked, port)) => self.includes_name(asked, *port),
            _ => false,
        }
    }

    /// Whether `server` is meant.
    pub fn includes(&self, server: &Endpoint) -> bool {
        match self {
            Subject::Server(own) => own.includes(server),
            Subject::Name(..) => false,
        }
    }

    /// Whether the host called `name` is meant, at `port`; at any without.
    pub fn includes_name(&self, name: &str, port: Option<u16>) -> bool {
        match self {
            Subject::Server(_) => false,
            Subject::Name(own, own_port) => {
                is_below(name, own) && (own_port.is_none() || port.is_none() || *own_port == port)
            }
        }
    }

    /// Whether a port of `addr` is meant.
    pub fn touches(&self, addr: IpAddr) -> bool {
        matches!(self, Subject::Server(own) if own.prefix.contains(addr))
    }
}

/// Whether `name` is `suffix` or a name below it, by whole labels.
fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The text is neither address nor name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASubject;

impl fmt::Display for NotASubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address, prefix or host name, with or without a port (IPv6 with a port in brackets)")
    }
}

impl std::error::Error for NotASubject {}

impl FromStr for Subject {
    type Err = NotASubject;

    /// `203.0.113.9`, `203.0.113.0/24:3333`, `[2001:db8::1]:443`, `pool.example`, `pool.example:3333`.
    fn from_str(text: &str) -> Result<Self, NotASubject> {
        if let Ok(server) = text.parse() {
            return Ok(Subject::Server(server));
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|&port: &u16| is_number && port != 0);
                (name, Some(port.ok_or(NotASubject)?))
            }
            None => (text, None),
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if is_host_name(&name) { Ok(Subject::Name(name, port)) } else { Err(NotASubject) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Server(server) => server.fmt(f),
            Subject::Name(name, None) => f.write_str(name),
            Subject::Name(name, Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}

/// RFC 1035 section 2.3.1, with the digits of RFC 1123 section 2.1 and the underscores that people use.
/// At least two labels, the last of which has a letter: neither a whole top-level domain nor a mistyped
/// address is anybody's pool.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(byte))
    };
    let top = name.rsplit_once('.').map_or("", |(_, top)| top);
    name.len() <= 253 && name.split('.').all(is_label) && top.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Subject {
        text.parse().expect(text)
    }

    #[test]
    fn every_form_is_read_as_it_is_shown() {
        for (text, shown) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:3333", "203.0.113.9:3333"),
            ("203.0.113.77/24", "203.0.113.0/24"),
            ("203.0.113.0/24:3333", "203.0.113.0/24:3333"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("[2001:db8::/32]:443", "[2001:db8::/32]:443"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("Pool.Example.", "pool.example"),
            ("eu.pool.example:3333", "eu.pool.example:3333"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ] {
            assert_eq!(subject(text).to_string(), shown, "{text}");
            assert_eq!(subject(shown), subject(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let (long_label, long) = ("x".repeat(64) + ".example", "label.".repeat(43) + "example");
        for text in [
            "",
            ".",
            "com",
            "a..example",
            "-a.example",
            "a-.example",
            "münchen.example",
            "pool example.com",
            "pool.example:",
            "pool.example:0",
            "pool.example:+1",
            "pool.example:65536",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4:99999",
            "$(reboot).example",
            "a.example\n",
            &long_label,
            &long,
        ] {
            assert_eq!(text.parse::<Subject>(), Err(NotASubject), "{text:?}");
        }
    }

    #[test]
    fn labels_match_whole() {
        assert!(is_below("eu.xmrpool.eu", "xmrpool.eu") && is_below("xmrpool.eu", "xmrpool.eu"));
        assert!(!is_below("notxmrpool.eu", "xmrpool.eu") && !is_below("eu", "xmrpool.eu"));
    }

    #[test]
    fn only_a_single_server_is_an_endpoint() {
        let is_endpoint = |text: &str| subject(text).as_endpoint().map(|server| server.to_string());
        assert_eq!(is_endpoint("203.0.113.9:3333").as_deref(), Some("203.0.113.9:3333"));
        assert_eq!(is_endpoint("[2001:db8::1]:443").as_deref(), Some("[2001:db8::1]:443"));
        for text in ["203.0.113.9", "203.0.113.0/24:3333", "pool.example:1"] {
            assert_eq!(is_endpoint(text), None, "{text}");
        }
    }
}
