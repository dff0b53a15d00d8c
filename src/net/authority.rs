//! Server by the name or address that a client sends in the clear: host and port (the authority of RFC 3986).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::host_name::HostName;
use crate::net::host_port;
use crate::util::decimal::decimal;

/// A server by the name or address that the client gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Name or address.
    pub host: AuthorityHost,
    /// Port; none where the client leaves it to the protocol.
    pub port: Option<u16>,
}

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, and a packet allocates nothing")]
pub enum AuthorityHost {
    /// A name.
    Name(HostName),
    /// An address.
    Addr(IpAddr),
}

impl Authority {
    /// Reads `host`, `host:port`, `[address]:port` (RFC 3986 section 3.2); user information is no part of
    /// what `Host` and `CONNECT` take.
    pub fn parse(authority: &[u8]) -> Option<Self> {
        let authority = core::str::from_utf8(authority).ok()?;
        let (host, port) = host_port::split(authority).ok()?;
        let host = match authority.strip_prefix('[') {
            Some(_) => AuthorityHost::Addr(host.parse::<Ipv6Addr>().ok()?.into()),
            None => AuthorityHost::parse(host.as_bytes())?,
        };
        let port =
            port.filter(|digits| !digits.is_empty()).map(|digits| decimal(digits.as_bytes()).ok_or(()));
        let port = port.transpose().ok()?;
        Some(Authority { host, port })
    }

    /// The authority of an absolute `http:` target, as proxies are sent (RFC 9112 section 3.2.2).
    pub fn of_url(url: &[u8]) -> Option<Self> {
        let (scheme, rest) = url.split_at_checked(b"http://".len())?;
        if !scheme.eq_ignore_ascii_case(b"http://") {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        Authority::parse(rest.get(..end)?)
    }
}

impl AuthorityHost {
    /// Reads a name or an IPv4 address.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let name = HostName::parse(text).map(AuthorityHost::Name);
        name.or_else(|| {
            core::str::from_utf8(text)
                .ok()?
                .parse::<Ipv4Addr>()
                .ok()
                .map(|addr| AuthorityHost::Addr(addr.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, port: Option<u16>) -> Option<Authority> {
        Some(Authority { host: AuthorityHost::Name(HostName::parse(text.as_bytes())?), port })
    }

    fn addr(text: &str, port: Option<u16>) -> Option<Authority> {
        Some(Authority { host: AuthorityHost::Addr(text.parse().ok()?), port })
    }

    #[test]
    fn authorities() {
        assert_eq!(Authority::parse(b"Pool.Example:3333"), name("pool.example", Some(3333)));
        assert_eq!(Authority::parse(b"pool.example"), name("pool.example", None));
        assert_eq!(Authority::parse(b"pool.example:"), name("pool.example", None));
        assert_eq!(Authority::parse(b"192.0.2.1:443"), addr("192.0.2.1", Some(443)));
        assert_eq!(Authority::parse(b"[2001:db8::1]:443"), addr("2001:db8::1", Some(443)));
        assert_eq!(Authority::parse(b"[2001:db8::1]"), addr("2001:db8::1", None));
        for text in ["", ":1", "a:b", "a:65536", "[::1", "[x]:1", "a b:1", "2001:db8::1", "u@h"] {
            assert_eq!(Authority::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn absolute_targets() {
        assert_eq!(Authority::of_url(b"http://pool.example:8080/x?y"), name("pool.example", Some(8080)));
        assert_eq!(Authority::of_url(b"HTTP://pool.example"), name("pool.example", None));
        for text in ["/index.html", "*", "http:/x", "ftp://pool.example/", "http://"] {
            assert_eq!(Authority::of_url(text.as_bytes()), None, "{text}");
        }
    }
}
