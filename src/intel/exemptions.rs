//! Exemptions of the user: hosts of the house, and servers that every host may use.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::net::cidr::Cidr;
use crate::net::endpoint::Endpoint;
use crate::net::host_port;
use crate::util::decimal::decimal;

/// A host the user exempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExemptHost {
    /// A host by address.
    At(Cidr),
    /// A host by network card, at any address.
    Card([u8; 6]),
}

impl FromStr for ExemptHost {
    type Err = NotAllowable;

    /// A [`Cidr`], or `02:00:5e:10:00:01`.
    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        text.parse().map(ExemptHost::At).or_else(|_| mac(text).map(ExemptHost::Card).ok_or(NotAllowable))
    }
}

/// A server the user exempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Addresses of the server.
    pub prefix: Cidr,
    /// Port of the server; every port without.
    pub port: Option<u16>,
}

impl Server {
    /// Whether `server` is one of them.
    pub fn includes(&self, server: &Endpoint) -> bool {
        self.port.is_none_or(|port| port == server.port()) && self.prefix.contains(server.addr())
    }
}

impl fmt::Display for Server {
    /// Writes the form that is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.prefix.fmt(f),
            Some(port) if self.prefix.addr().is_ipv4() => write!(f, "{}:{port}", self.prefix),
            Some(port) => write!(f, "[{}]:{port}", self.prefix),
        }
    }
}

impl FromStr for Server {
    type Err = NotAllowable;

    /// `192.0.2.1`, `192.0.2.0/24:3333`, `2001:db8::1`, `[2001:db8::/32]:3333`.
    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        let (prefix, port) = host_port::split(text).map_err(|_| NotAllowable)?;
        let port = port.map(|port| decimal(port.as_bytes()).filter(|&port| port != 0).ok_or(NotAllowable));
        Ok(Server { prefix: prefix.parse().map_err(|_| NotAllowable)?, port: port.transpose()? })
    }
}

/// The text is none of the accepted forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowable;

impl fmt::Display for NotAllowable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such address, prefix or endpoint")
    }
}

impl std::error::Error for NotAllowable {}

/// The allowlist. Looked up when a flow opens or is about to be blocked: a scan of
/// [`CONFIG_LIST_ENTRIES`](crate::limits::CONFIG_LIST_ENTRIES) entries at most, no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    /// Exempt hosts of this side.
    pub hosts: Vec<ExemptHost>,
    /// Exempt servers.
    pub servers: Vec<Server>,
}

impl AllowList {
    /// Whether the host at `addr`, seen with the link-layer address `mac`, may mine.
    pub fn allows_host(&self, addr: IpAddr, mac: Option<[u8; 6]>) -> bool {
        self.hosts.iter().any(|host| match host {
            ExemptHost::At(prefix) => prefix.contains(addr),
            ExemptHost::Card(card) => Some(*card) == mac,
        })
    }

    /// Whether a server at `addr` is exempt, at any port.
    pub fn allows_any_at(&self, addr: IpAddr) -> bool {
        self.servers.iter().any(|allowed| allowed.prefix.contains(addr))
    }

    /// Whether every host may mine at `server`.
    pub fn allows_endpoint(&self, server: &Endpoint) -> bool {
        self.servers.iter().any(|allowed| allowed.includes(server))
    }
}

/// Six pairs of hexadecimal digits, with `:` or `-` between.
pub(crate) fn mac(text: &str) -> Option<[u8; 6]> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut parts = text.split(separator);
    let mut mac = [0; 6];
    for byte in &mut mac {
        let pair =
            parts.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|c| c.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    if parts.next().is_none() { Some(mac) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn allow_list(hosts: &[&str], servers: &[&str]) -> AllowList {
        AllowList {
            hosts: hosts.iter().map(|text| text.parse().expect("a host")).collect(),
            servers: servers.iter().map(|text| text.parse().expect("a server")).collect(),
        }
    }

    #[test]
    fn a_server_is_exempt_at_any_port_by_its_address() {
        let list = allow_list(&[], &["192.0.2.0/24:3333", "203.0.113.9"]);
        assert!(list.allows_any_at(ip("192.0.2.7")) && list.allows_any_at(ip("203.0.113.9")));
        assert!(!list.allows_any_at(ip("203.0.113.8")));
    }

    #[test]
    fn hosts_by_address_prefix_and_card() {
        let list = allow_list(&["192.168.1.7", "10.0.0.0/8", "fd00:1::/32", "02-00-5E-10-00-01"], &[]);
        assert!(list.allows_host(ip("192.168.1.7"), None));
        assert!(!list.allows_host(ip("192.168.1.8"), None));
        assert!(list.allows_host(ip("::ffff:10.255.0.1"), None));
        assert!(list.allows_host(ip("fd00:1:2::3"), None));
        assert!(!list.allows_host(ip("fd00:2::3"), None));
        assert!(list.allows_host(ip("192.0.2.1"), Some([2, 0, 0x5e, 0x10, 0, 1])));
        assert!(!list.allows_host(ip("192.0.2.1"), Some([2, 0, 0x5e, 0x10, 0, 2])));
        assert!(!list.allows_host(ip("192.0.2.1"), None));
    }

    #[test]
    fn servers_by_prefix_and_port() {
        let list = allow_list(&[], &["192.0.2.1:3333", "198.51.100.0/24", "[2001:db8::/32]:443", "fd00::1"]);
        let allows = |addr: &str, port| list.allows_endpoint(&Endpoint::new(ip(addr), port));
        assert!(allows("192.0.2.1", 3333) && !allows("192.0.2.1", 3334));
        assert!(allows("198.51.100.99", 1) && !allows("198.51.101.99", 1));
        assert!(allows("2001:db8:1::1", 443) && !allows("2001:db8:1::1", 80));
        assert!(allows("fd00::1", 9) && !allows("fd00::2", 9));
    }

    #[test]
    fn servers_are_shown_as_they_are_read() {
        for text in ["192.0.2.1:3333", "192.0.2.0/24", "0.0.0.0/0", "[2001:db8::/32]:443", "fd00::1", "::/0"]
        {
            assert_eq!(text.parse().map(|server: Server| server.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn all_of_one_family_is_none_of_the_other() {
        let (all_v4, all_v6) = (allow_list(&["0.0.0.0/0"], &[]), allow_list(&["::/0"], &[]));
        assert!(all_v4.allows_host(ip("192.0.2.1"), None) && !all_v4.allows_host(ip("2001:db8::1"), None));
        assert!(!all_v6.allows_host(ip("192.0.2.1"), None) && all_v6.allows_host(ip("2001:db8::1"), None));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "example.com", "1.2.3", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/+8", "1.2.3.4/8/8"]
        {
            assert!(text.parse::<ExemptHost>().is_err() && text.parse::<Server>().is_err(), "{text}");
        }
        for text in
            ["1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:x", "[::1", "[::1]x", "[::1]:", "::1]:1"]
        {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
        for text in [
            "02:00:5e:10:00",
            "02:00:5e:10:00:01:02",
            "2:0:5e:10:0:1",
            "02:00:5e:10:00:0g",
            "é2:00:5e:10:00:1",
        ] {
            assert!(text.parse::<ExemptHost>().is_err(), "{text}");
        }
    }
}
