//! This side of the router, as its routes say: connected networks and delegated prefixes.
//!
//! | file (proc(5)) | a line |
//! |---|---|
//! | `/proc/net/route` | device, destination, gateway, flags, ..., mask: hexadecimal, in the machine's byte order |
//! | `/proc/net/ipv6_route` | destination, length, source, length, next hop, metric, ..., flags, device |
//!
//! Whether an address is private says less: hosts of an IPv6 network have global addresses. A network that is
//! connected by a device towards the internet is not of this side; such a device carries the default route (or
//! halves of it, as VPN clients lay them) or, where no route is one, a way through a gateway to a global address.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::cidr::Cidr;
use super::scope::is_global;
use super::socket;
use crate::limits::{LOCAL_NETWORKS, ROUTES_FILE_BYTES};
use crate::util::bounded_read;

/// Networks of this side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalNetworks {
    prefixes: Vec<Cidr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    prefix: Cidr,
    device: String,
    has_gateway: bool,
    /// `unreachable`, by which a delegated prefix is held together (RFC 7084 section 4.3, WPD-5).
    is_reject: bool,
}

/// Reads a line of a file of routes.
type ReadRoute = fn(&str) -> Option<Route>;

impl LocalNetworks {
    /// Networks as the kernel's routes say now. What can't be read is none.
    pub fn read() -> Self {
        let files: [(&str, ReadRoute); 2] =
            [("/proc/self/net/route", v4_route), ("/proc/self/net/ipv6_route", v6_route)];
        let mut routes = Vec::new();
        for (path, route) in files {
            match bounded_read::text(path.as_ref(), ROUTES_FILE_BYTES) {
                Ok(text) => routes.extend(text.lines().filter_map(route)),
                Err(error) => log::debug!("{path}: {error}"),
            }
        }
        LocalNetworks::of_routes(&routes)
    }

    /// Whether `addr` is of this side by a route.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(addr))
    }

    /// Whether no network is known.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    fn of_routes(routes: &[Route]) -> Self {
        let has_default = routes.iter().any(Route::is_default);
        let leads_out = |route: &Route| match has_default {
            true => route.is_default(),
            false => route.has_gateway && is_global(route.prefix.addr()),
        };
        let outside: Vec<&str> =
            routes.iter().filter(|route| leads_out(route)).map(|route| &route.device[..]).collect();
        let is_of_this_side = |route: &&Route| {
            !route.is_default()
                && !route.has_gateway
                && (route.is_reject || route.device != "lo" && !outside.contains(&&route.device[..]))
        };
        let mut prefixes: Vec<_> = routes.iter().filter(is_of_this_side).map(|route| route.prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes.truncate(LOCAL_NETWORKS);
        LocalNetworks { prefixes }
    }

    /// Networks of a test.
    #[cfg(test)]
    pub(crate) fn of(prefixes: &[&str]) -> Self {
        LocalNetworks { prefixes: prefixes.iter().map(|text| text.parse().expect("a prefix")).collect() }
    }
}

impl core::fmt::Display for LocalNetworks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (number, prefix) in self.prefixes.iter().enumerate() {
            write!(f, "{}{prefix}", if number == 0 { "" } else { ", " })?;
        }
        if self.prefixes.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl Route {
    /// Whether it is the way to everywhere, or to so much that it must be meant.
    fn is_default(&self) -> bool {
        let (addr, len) = (self.prefix.addr(), self.prefix.prefix_len());
        !self.is_reject && len < if addr.is_ipv4() { 8 } else { 16 } && !addr.is_multicast()
    }
}

fn v4_route(line: &str) -> Option<Route> {
    let mut words = line.split_ascii_whitespace();
    let device = words.next()?.to_owned();
    // The kernel prints the address's bytes as a number of this machine.
    let mut address = || Some(Ipv4Addr::from(u32::from_str_radix(words.next()?, 16).ok()?.to_ne_bytes()));
    let (destination, gateway) = (address()?, address()?);
    let flags = u32::from_str_radix(words.next()?, 16).ok()?;
    let mask = Ipv4Addr::from(u32::from_str_radix(words.nth(3)?, 16).ok()?.to_ne_bytes());
    Some(Route {
        prefix: Cidr::new(destination.into(), mask.to_bits().leading_ones() as u8)?,
        device,
        has_gateway: flags & RTF_GATEWAY != 0 || !gateway.is_unspecified(),
        is_reject: flags & RTF_REJECT != 0,
    })
    .filter(|_| flags & RTF_UP != 0)
}

/// The number of so many hexadecimal digits.
fn hexadecimal(digits: &str) -> Option<u128> {
    let value = |byte: u8| char::from(byte).to_digit(16);
    (digits.len() <= 32).then_some(())?;
    digits.bytes().try_fold(0, |number, byte| Some(number << 4 | u128::from(value(byte)?)))
}

fn v6_route(line: &str) -> Option<Route> {
    let mut words = line.split_ascii_whitespace();
    let destination = hexadecimal(words.next()?)?;
    let len = u8::try_from(hexadecimal(words.next()?)?).ok()?;
    let next_hop = hexadecimal(words.nth(2)?)?;
    let flags = hexadecimal(words.nth(3)?)? as u32;
    let device = words.next()?.to_owned();
    let addr = Ipv6Addr::from_bits(destination);
    Some(Route {
        prefix: Cidr::new(addr.into(), len)?,
        device,
        has_gateway: flags & RTF_GATEWAY != 0 || next_hop != 0,
        is_reject: flags & RTF_REJECT != 0,
    })
    // The loopback device holds `unreachable default` where there is no other.
    .filter(|route| flags & RTF_UP != 0 && !(route.is_reject && len == 0) && !addr.is_multicast())
}

/// Flags of routes (linux/route.h, linux/ipv6_route.h).
const RTF_UP: u32 = 1;
const RTF_GATEWAY: u32 = 2;
const RTF_REJECT: u32 = 0x200;

/// Whether `addr` is an address of this machine: the kernel talks to those from the same address. Nothing is
/// sent. (That it lets a socket be bound to it would not do: `ip_nonlocal_bind` lets any.)
pub fn is_own(addr: IpAddr) -> bool {
    socket::connected_udp(SocketAddr::new(addr, DISCARD_PORT))
        .and_then(|socket| socket.local_addr())
        .is_ok_and(|from| from.ip() == addr)
}

/// RFC 863; any would do.
const DISCARD_PORT: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(device: &str, destination: [u8; 4], gateway: [u8; 4], flags: u32, mask: [u8; 4]) -> String {
        let hex = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        format!(
            "{device}\t{}\t{}\t{flags:04X}\t0\t0\t0\t{}\t0\t0\t0",
            hex(destination),
            hex(gateway),
            hex(mask)
        )
    }

    fn v6(device: &str, destination: &str, len: u8, next_hop: &str, flags: u32) -> String {
        let hex = |text: &str| format!("{:032x}", text.parse::<Ipv6Addr>().expect(text).to_bits());
        let zero = "0".repeat(32);
        format!(
            "{} {len:02x} {zero} 00 {} 00000400 00000001 00000000 {flags:08x} {device:>8}",
            hex(destination),
            hex(next_hop)
        )
    }

    fn networks(v4: &[String], v6: &[String]) -> LocalNetworks {
        let v4 = v4.iter().filter_map(|line| v4_route(line));
        let v6 = v6.iter().filter_map(|line| v6_route(line));
        LocalNetworks::of_routes(&v4.chain(v6).collect::<Vec<_>>())
    }

    fn contains(networks: &LocalNetworks, addr: &str) -> bool {
        networks.contains(addr.parse().expect(addr))
    }

    /// A router with a global IPv6 network inside, and a global IPv4 network towards the provider.
    #[test]
    fn what_is_inside_has_no_default_route() {
        let networks = networks(
            &[
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT".into(),
                v4("wan", [0; 4], [203, 0, 113, 1], 3, [0; 4]),
                v4("wan", [203, 0, 113, 0], [0; 4], 1, [255, 255, 255, 0]),
                v4("br-lan", [192, 168, 1, 0], [0; 4], 1, [255, 255, 255, 0]),
                v4("br-dmz", [198, 51, 100, 8], [0; 4], 1, [255, 255, 255, 248]),
                v4("br-lan", [198, 51, 100, 64], [192, 168, 1, 9], 3, [255, 255, 255, 192]),
            ],
            &[
                v6("wan", "::", 0, "fe80::1", 0x0045_0003),
                v6("wan", "2001:db8:ffff::", 64, "::", 0x0004_0001),
                v6("br-lan", "2001:db8:1:1::", 64, "::", 1),
                v6("lo", "2001:db8:1::", 48, "::", 0x0020_0201),
                v6("lo", "::", 0, "::", 0x0020_0200),
                v6("lo", "::1", 128, "::", 0x8020_0001),
                v6("br-lan", "ff00::", 8, "::", 1),
            ],
        );
        for addr in
            ["192.168.1.7", "198.51.100.9", "2001:db8:1:1::5", "2001:db8:1:77::5", "::ffff:192.168.1.7"]
        {
            assert!(contains(&networks, addr), "{addr}");
        }
        for addr in
            ["203.0.113.9", "198.51.100.65", "2001:db8:ffff::9", "2001:db8:2::1", "1.1.1.1", "2600::1"]
        {
            assert!(!contains(&networks, addr), "{addr}");
        }
    }

    /// A VPN client covers the default route by two halves of it; WireGuard by routes without a gateway.
    #[test]
    fn halves_of_the_internet_lead_out() {
        let networks = networks(
            &[
                v4("wan", [0; 4], [203, 0, 113, 1], 3, [0; 4]),
                v4("tun0", [0; 4], [10, 8, 0, 1], 3, [128, 0, 0, 0]),
                v4("tun0", [128, 0, 0, 0], [10, 8, 0, 1], 3, [128, 0, 0, 0]),
                v4("wg0", [128, 0, 0, 0], [0; 4], 1, [128, 0, 0, 0]),
                v4("wg0", [198, 51, 100, 0], [0; 4], 1, [255, 255, 255, 0]),
            ],
            &[v6("wg0", "2000::", 3, "::", 1)],
        );
        assert!(!contains(&networks, "200.1.1.1") && !contains(&networks, "2600::1"));
        assert!(!contains(&networks, "198.51.100.9"), "a network behind a device that leads out");
    }

    /// Without a default route, as in a laboratory.
    #[test]
    fn a_gateway_to_a_global_address_leads_out() {
        let networks = networks(
            &[
                v4("lan0", [10, 7, 1, 0], [0; 4], 1, [255, 255, 255, 0]),
                v4("wan0", [203, 0, 113, 9], [10, 7, 2, 2], 7, [255; 4]),
                v4("wan0", [198, 51, 100, 0], [0; 4], 1, [255, 255, 255, 0]),
            ],
            &[v6("lan0", "2001:db8:7::", 64, "::", 1), v6("wan0", "2001:db8:9::1", 128, "fd07:2::2", 3)],
        );
        assert!(contains(&networks, "2001:db8:7::5") && contains(&networks, "10.7.1.2"));
        for addr in ["203.0.113.9", "198.51.100.7", "2001:db8:9::1"] {
            assert!(!contains(&networks, addr), "{addr}");
        }
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for line in ["", "eth0", "eth0 zz 0 0 0 0 0 0", "eth0 00000000 00000000 0001 0 0 0"] {
            assert_eq!(v4_route(line), None, "{line}");
        }
        for line in ["", "zz", "00 00 00 00", &v6("wan", "2001:db8::", 64, "::", 0)] {
            assert_eq!(v6_route(line), None, "{line}");
        }
        let _ = LocalNetworks::read();
    }

    #[test]
    fn the_routers_own_address_is_told() {
        assert!(is_own("127.0.0.1".parse().expect("an address")));
        assert!(!is_own("192.0.2.1".parse().expect("an address")));
    }
}
