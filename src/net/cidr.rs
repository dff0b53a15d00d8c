//! Address prefixes of both families (RFC 4632, RFC 4291 section 2.3).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::util::decimal::decimal;

/// The addresses that begin with the same bits; a single address is its own longest prefix.
///
/// An IPv4-mapped IPv6 address is the IPv4 address, and `::/0` contains no IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// Bits beyond the prefix are zero.
    addr: IpAddr,
    len: u8,
}

impl Cidr {
    /// The first `len` bits of `addr`. `None` if its family has fewer.
    pub fn new(addr: IpAddr, len: u8) -> Option<Self> {
        let (addr, len) = match (addr, addr.to_canonical()) {
            (IpAddr::V6(v6), IpAddr::V4(v4)) => match len.checked_sub(MAPPED_PREFIX_LEN) {
                Some(len) => (IpAddr::V4(v4), len),
                None => (IpAddr::V6(v6), len),
            },
            (_, canonical) => (canonical, len),
        };
        let addr = match addr {
            IpAddr::V4(v4) if len <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) if len <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Cidr { addr, len })
    }

    /// The address alone.
    pub fn host(addr: IpAddr) -> Self {
        let addr = addr.to_canonical();
        Cidr { addr, len: width(addr) }
    }

    /// First address of the prefix.
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Bits in common.
    pub fn prefix_len(&self) -> u8 {
        self.len
    }

    /// Whether it is a single address.
    pub fn is_host(&self) -> bool {
        self.len == width(self.addr)
    }

    /// Whether `addr` begins with it.
    pub fn contains(&self, addr: IpAddr) -> bool {
        let shared = match (self.addr, addr.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => return false,
        };
        shared >= u32::from(self.len)
    }

    /// Whether all of `other` begins with it.
    pub fn covers(&self, other: &Cidr) -> bool {
        self.len <= other.len && self.contains(other.addr)
    }
}

impl fmt::Display for Cidr {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)?;
        if self.is_host() { Ok(()) } else { write!(f, "/{}", self.len) }
    }
}

/// A text that is neither an address nor a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCidr;

impl FromStr for Cidr {
    type Err = NotCidr;

    /// Parses the written form; bits beyond the prefix may be set.
    fn from_str(text: &str) -> Result<Self, NotCidr> {
        let Some((addr, len)) = text.split_once('/') else {
            return text.parse().map(Cidr::host).map_err(|_| NotCidr);
        };
        let addr = addr.parse().map_err(|_| NotCidr)?;
        decimal(len.as_bytes()).and_then(|len| Cidr::new(addr, len)).ok_or(NotCidr)
    }
}

/// Bits of an address.
fn width(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// Length of the prefix that makes an IPv6 address of an IPv4 one (RFC 4291 section 2.5.5.2).
const MAPPED_PREFIX_LEN: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap_or_else(|_| panic!("{text} is a prefix"))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
    }

    #[test]
    fn written_as_read() {
        for text in ["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "fd00::1", "::/0"] {
            assert_eq!(cidr(text).to_string(), text);
        }
        for (text, form) in [
            ("192.0.2.9/24", "192.0.2.0/24"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/95", "::fffe:0:0/95"),
        ] {
            assert_eq!(cidr(text).to_string(), form, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "example.com",
            "1.2.3",
            "1.2.3.4/33",
            "::1/129",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "1.2.3.4/8/8",
            "/8",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(NotCidr), "{text}");
        }
    }

    #[test]
    fn families_are_apart() {
        assert!(cidr("0.0.0.0/0").contains(ip("::ffff:10.0.0.1")));
        assert!(!cidr("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(!cidr("::/0").contains(ip("192.0.2.1")) && cidr("::/0").contains(ip("2001:db8::1")));
        assert!(
            cidr("10.0.0.0/8").covers(&cidr("10.1.0.0/16"))
                && !cidr("10.1.0.0/16").covers(&cidr("10.0.0.0/8"))
        );
    }

    /// The reference model compares bit by bit.
    #[test]
    fn agrees_with_a_comparison_of_bits() {
        let mut random = Random::new(1);
        for _ in 0..20_000 {
            let base = random.bits() as u32;
            let len = random.below(33) as u8;
            // A random bit or none differs, so that both answers are frequent.
            let other = base ^ 1_u32.checked_shl(random.below(40)).unwrap_or(0);
            let same = (0..len).all(|bit| (base >> (31 - bit)) & 1 == (other >> (31 - bit)) & 1);
            let v6 = |bits: u32| IpAddr::from(Ipv6Addr::from_bits(0x2001 << 112 | u128::from(bits) << 32));
            let v4 = |bits: u32| IpAddr::from(Ipv4Addr::from(bits));
            for (prefix, addr) in
                [(Cidr::new(v4(base), len), v4(other)), (Cidr::new(v6(base), 64 + len), v6(other))]
            {
                assert_eq!(
                    prefix.map(|prefix| prefix.contains(addr)),
                    Some(same),
                    "{base:#x}/{len} {other:#x}"
                );
            }
        }
    }
}
