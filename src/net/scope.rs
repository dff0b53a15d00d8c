//! Scopes of addresses.

use core::net::{IpAddr, Ipv4Addr};

use super::endpoint::Endpoint;

/// Whether `addr` is one of the internet's hosts (RFC 6890). An IPv6 address that stands for an IPv4
/// one is classified by that.
pub(crate) fn is_global(addr: IpAddr) -> bool {
    match addr.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_special = matches!((a, b, c), (0 | 240..=255, _, _) | (192, 0, 0));
            let is_benchmark = a == 198 && matches!(b, 18 | 19);
            !(Endpoint::new(v4.into(), 1).is_local() || v4.is_multicast() || is_special || is_benchmark)
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments();
            let v4 = |high: u16, low: u16| {
                is_global(IpAddr::from(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))))
            };
            match (a, b) {
                // NAT64 (RFC 6052) and 6to4 (RFC 3056).
                (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && v4(g, h),
                (0x2002, high) => v4(high, c),
                // Teredo, ORCHID and others of 2001::/23 (RFC 2928).
                (0x2001, 0..=0x1ff) => false,
                _ => a & 0xe000 == 0x2000,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_internet_are_told_from_others() {
        for addr in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:192.168.0.1",
            "::10.0.0.1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:0a00:0001::1",
            "2002:7f00:1::1",
            "2001::1",
            "100::1",
        ] {
            assert!(!is_global(addr.parse().expect("an address")), "{addr}");
        }
        for addr in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "2606:4700::1111",
            "2001:db8::1",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:0101:0101::1",
        ] {
            assert!(is_global(addr.parse().expect("an address")), "{addr}");
        }
    }
}
