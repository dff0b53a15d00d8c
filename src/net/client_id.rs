//! Identity of a client where shares are divided: hardware address where one is known, else address.

use core::net::{IpAddr, Ipv4Addr};

/// One client of this side. Two addresses of one hardware address are one client; without hardware addresses an
/// IPv6 /64 is one, since a host takes as many addresses of it as it likes (RFC 8981).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientId {
    /// By hardware address.
    Mac([u8; 6]),
    /// By IPv4 address.
    V4(Ipv4Addr),
    /// By the first 64 bits of its IPv6 address.
    V6Net(u64),
}

impl ClientId {
    /// Identity of the client at `addr`, with `mac` where that is known.
    pub fn of(addr: IpAddr, mac: Option<[u8; 6]>) -> Self {
        match (mac, addr.to_canonical()) {
            (Some(mac), _) => ClientId::Mac(mac),
            (None, IpAddr::V4(v4)) => ClientId::V4(v4),
            (None, IpAddr::V6(v6)) => ClientId::V6Net((v6.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addr: &str, mac: Option<[u8; 6]>) -> ClientId {
        ClientId::of(addr.parse().expect(addr), mac)
    }

    #[test]
    fn addresses_of_one_host_are_one_client() {
        let mac = Some([2, 0, 0x5e, 0x10, 0, 1]);
        assert_eq!(of("192.168.1.5", mac), of("2001:db8::5", mac));
        assert_eq!(of("192.168.1.5", None), of("::ffff:192.168.1.5", None));
        assert_eq!(of("2001:db8::5", None), of("2001:db8::6:7", None));
        assert_ne!(of("2001:db8::5", None), of("2001:db8:0:1::5", None));
        assert_ne!(of("192.168.1.5", None), of("192.168.1.6", None));
        assert_ne!(of("192.168.1.5", mac), of("192.168.1.5", None));
    }
}
