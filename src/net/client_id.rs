//! The identity by which a client's share of a bounded store is measured.

use core::net::{IpAddr, Ipv6Addr};

use crate::util::bounded_cache::Numbered;

/// A client: its hardware address where that is known, else its IPv4 address or its IPv6 network.
///
/// A host with privacy extensions (RFC 8981) changes its IPv6 address at will, and any host may use a whole /64
/// (RFC 7421), so a single IPv6 address identifies no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId([u8; 8]);

impl ClientId {
    /// The client at `addr`, whose frames come from `hw_addr` if a link with such addresses lies between.
    pub fn of(addr: IpAddr, hw_addr: Option<[u8; 6]>) -> Self {
        if let Some([a, b, c, d, e, f]) = hw_addr {
            return ClientId([HARDWARE, 0, a, b, c, d, e, f]);
        }
        match addr.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                ClientId([IPV4, 0, 0, 0, a, b, c, d])
            }
            IpAddr::V6(v6) => ClientId(network(v6)),
        }
    }
}

impl Numbered for ClientId {
    fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

/// The first 64 bits of `addr`.
fn network(addr: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = addr.octets();
    [a, b, c, d, e, f, g, h]
}

/// First bytes that no routed IPv6 network has (RFC 4291 section 2.4: 0000 0000 and 0000 0001 are reserved).
const HARDWARE: u8 = 1;
const IPV4: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(addr: &str, hw_addr: Option<[u8; 6]>) -> ClientId {
        ClientId::of(addr.parse().expect("an address"), hw_addr)
    }

    #[test]
    fn a_host_is_one_client_under_all_its_addresses() {
        let mac = Some([2, 0, 0, 0, 0, 1]);
        assert_eq!(id("192.168.1.5", mac), id("2001:db8::5", mac));
        assert_eq!(id("2001:db8::1", None), id("2001:db8::ffff:2", None));
        assert_eq!(id("::ffff:192.168.1.5", None), id("192.168.1.5", None));
    }

    #[test]
    fn different_hosts_are_different_clients() {
        let ids = [
            id("192.168.1.5", None),
            id("192.168.1.6", None),
            id("2001:db8::1", None),
            id("2001:db8:0:1::1", None),
            id("fd00::1", None),
            id("192.168.1.5", Some([2, 0, 0, 0, 0, 1])),
            id("192.168.1.5", Some([2, 0, 0, 0, 0, 2])),
            id("192.168.1.5", Some([0, 0, 192, 168, 1, 5])),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{at}");
        }
    }
}
