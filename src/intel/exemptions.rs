//! Whom the user exempts: hosts of his own, and servers anybody may use.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use crate::net::packet::Endpoint;

/// An address prefix of either family (RFC 4632, RFC 4291 section 2.3); a single address is its longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// IPv4 as its IPv4-mapped IPv6 address; bits beyond the prefix are zero.
    bits: u128,
    /// All ones where `bits` counts.
    mask: u128,
    /// `::/0` means no IPv4 host, though the mapped form would fit.
    is_v4: bool,
}

/// Length of the prefix that makes an IPv6 address of an IPv4 one.
const MAPPED_PREFIX_LEN: u32 = 96;

impl Prefix {
    /// The first `len` bits of `addr`. `None` if its family has fewer.
    pub fn new(addr: IpAddr, len: u8) -> Option<Self> {
        let (bits, len) = match addr {
            IpAddr::V4(v4) if len <= 32 => {
                (v4.to_ipv6_mapped().to_bits(), MAPPED_PREFIX_LEN + u32::from(len))
            }
            IpAddr::V6(v6) if len <= 128 => (v6.to_bits(), u32::from(len)),
            _ => return None,
        };
        // Written as IPv6, `::ffff:192.0.2.1` is still an IPv4 host.
        let is_v4 = bits >> 32 == 0xffff && len >= MAPPED_PREFIX_LEN;
        let mask = u128::MAX.checked_shl(u128::BITS - len).unwrap_or(0);
        Some(Prefix { bits: bits & mask, mask, is_v4 })
    }

    /// Whether `addr` begins with it.
    pub fn contains(&self, addr: IpAddr) -> bool {
        let (bits, is_v4) = match addr.to_canonical() {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        is_v4 == self.is_v4 && bits & self.mask == self.bits
    }

    /// Whether it is of IPv4.
    pub fn is_v4(&self) -> bool {
        self.is_v4
    }

    fn first(&self) -> IpAddr {
        let addr = Ipv6Addr::from_bits(self.bits);
        if self.is_v4 { addr.to_canonical() } else { addr.into() }
    }
}

impl fmt::Display for Prefix {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.mask.leading_ones() - if self.is_v4 { MAPPED_PREFIX_LEN } else { 0 };
        match self.mask {
            u128::MAX => self.first().fmt(f),
            _ => write!(f, "{}/{len}", self.first()),
        }
    }
}

impl FromStr for Prefix {
    type Err = NotAllowable;

    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        let (addr, len) = match text.split_once('/') {
            None => (text, None),
            Some((addr, len)) => (addr, Some(decimal(len).ok_or(NotAllowable)?)),
        };
        let addr: IpAddr = addr.parse().map_err(|_| NotAllowable)?;
        let whole = if addr.is_ipv4() { 32 } else { 128 };
        Prefix::new(addr, len.unwrap_or(whole)).ok_or(NotAllowable)
    }
}

/// A host the user exempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// By address.
    At(Prefix),
    /// By its network card, whatever address it has been given.
    Card([u8; 6]),
}

impl FromStr for Host {
    type Err = NotAllowable;

    /// A [`Prefix`], or `02:00:5e:10:00:01`.
    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        text.parse().map(Host::At).or_else(|_| mac(text).map(Host::Card).ok_or(NotAllowable))
    }
}

/// A server the user exempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its addresses.
    pub prefix: Prefix,
    /// Its port; every port without.
    pub port: Option<u16>,
}

impl Server {
    /// Whether `server` is one of them.
    pub fn includes(&self, server: &Endpoint) -> bool {
        self.port.is_none_or(|port| port == server.port()) && self.prefix.contains(server.addr())
    }
}

impl fmt::Display for Server {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.prefix.fmt(f),
            Some(port) if self.prefix.is_v4 => write!(f, "{}:{port}", self.prefix),
            Some(port) => write!(f, "[{}]:{port}", self.prefix),
        }
    }
}

impl FromStr for Server {
    type Err = NotAllowable;

    /// `192.0.2.1`, `192.0.2.0/24:3333`, `2001:db8::1`, `[2001:db8::/32]:3333`.
    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        let (prefix, port) = if let Some(bracketed) = text.strip_prefix('[') {
            let (prefix, port) = bracketed.split_once(']').ok_or(NotAllowable)?;
            match port.strip_prefix(':') {
                Some(port) => (prefix, Some(port)),
                None if port.is_empty() => (prefix, None),
                None => return Err(NotAllowable),
            }
        } else {
            // With more than one colon it is IPv6, which can name a port in brackets only.
            match text.split_once(':') {
                Some((prefix, port)) if !port.contains(':') => (prefix, Some(port)),
                _ => (text, None),
            }
        };
        let port =
            port.map(|port| decimal(port).filter(|&port| port != 0).ok_or(NotAllowable)).transpose()?;
        Ok(Server { prefix: prefix.parse()?, port })
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
    pub hosts: Vec<Host>,
    /// Exempt servers.
    pub servers: Vec<Server>,
}

impl AllowList {
    /// Whether the host at `addr`, seen with the link-layer address `mac`, may mine.
    pub fn allows_host(&self, addr: IpAddr, mac: Option<[u8; 6]>) -> bool {
        self.hosts.iter().any(|host| match host {
            Host::At(prefix) => prefix.contains(addr),
            Host::Card(card) => Some(*card) == mac,
        })
    }

    /// Whether anybody may mine at `server`.
    pub fn allows_endpoint(&self, server: &Endpoint) -> bool {
        self.servers.iter().any(|allowed| allowed.includes(server))
    }
}

/// Digits and nothing else: `from_str` would let a sign pass.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Six pairs of hexadecimal digits, with `:` or `-` between.
fn mac(text: &str) -> Option<[u8; 6]> {
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
            assert!(text.parse::<Host>().is_err() && text.parse::<Server>().is_err(), "{text}");
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
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }

    /// The twin compares bit by bit.
    #[test]
    fn prefixes_agree_with_a_naive_twin() {
        let mut random = crate::util::random::Random::new(1);
        for _ in 0..20_000 {
            let base = random.bits() as u32;
            let len = random.below(33) as u8;
            // A random bit or none differs, so that both answers are frequent.
            let other = base ^ 1_u32.checked_shl(random.below(40)).unwrap_or(0);
            let same = (0..len).all(|bit| (base >> (31 - bit)) & 1 == (other >> (31 - bit)) & 1);
            let prefix = Prefix::new(core::net::Ipv4Addr::from(base).into(), len).expect("a valid length");
            assert_eq!(
                prefix.contains(core::net::Ipv4Addr::from(other).into()),
                same,
                "{base:#x}/{len} {other:#x}"
            );
        }
    }
}
