//! An address and a port.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and port, IPv4 as an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
// Compared and hashed at once: member by member takes four calls, and a packet's ends are compared several times.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct Endpoint {
    addr: [u8; 16],
    port: u16,
}

impl Endpoint {
    /// The endpoint of `addr` and `port`.
    pub fn new(addr: IpAddr, port: u16) -> Self {
        Endpoint { addr: mapped(addr), port }
    }

    /// The endpoint of an address as it is kept here, and `port`.
    pub(super) fn of_octets(addr: [u8; 16], port: u16) -> Self {
        Endpoint { addr, port }
    }

    /// The address, IPv4 where it was mapped.
    pub fn addr(&self) -> IpAddr {
        Ipv6Addr::from(self.addr).to_canonical()
    }

    /// Bytes of [`Endpoint::to_bytes`].
    pub const BYTES: usize = 18;

    /// The address of 16 bytes and the port, in network byte order.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (addr, port) = bytes.split_at_mut(16);
        addr.copy_from_slice(&self.addr);
        port.copy_from_slice(&self.port.to_be_bytes());
        bytes
    }

    /// The port, host byte order.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address is of a private, link-local or loopback range: of this side of a router.
    pub fn is_local(&self) -> bool {
        match self.addr() {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                // RFC 6598: addresses a carrier's NAT gives its customers.
                let shared = a == 100 && (64..128).contains(&b);
                v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared
            }
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
        }
    }
}

/// The address as it is kept: IPv4 mapped.
pub(super) fn mapped(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && u128::from_ne_bytes(self.addr) == u128::from_ne_bytes(other.addr)
    }
}

impl Ord for Endpoint {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |end: &Self| u128::from_be_bytes(end.addr);
        number(self).cmp(&number(other)).then(self.port.cmp(&other.port))
    }
}

impl PartialOrd for Endpoint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.to_bytes());
    }
}

impl core::fmt::Display for Endpoint {
    /// `192.0.2.1:3333`, `[2001:db8::1]:3333`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::net::SocketAddr::new(self.addr(), self.port).fmt(f)
    }
}

impl From<(Ipv4Addr, u16)> for Endpoint {
    fn from((addr, port): (Ipv4Addr, u16)) -> Self {
        Endpoint::new(addr.into(), port)
    }
}
