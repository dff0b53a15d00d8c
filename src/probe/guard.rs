//! Whether an endpoint may be asked by the daemon, and how often.
//!
//! Whoever sends crafted traffic through the router must not be able to turn it into a scanner or a
//! reflector: addresses of this side are never asked, and token buckets bound how often anybody is,
//! all together and each block of addresses (/24, /48) by itself.
//!
//! A server whose pool's words were read in a session is asked, too, since one host's words may be a lie meant
//! to cut others off. That is no suspicion, and takes nothing from those: it has buckets of its own.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::net::UdpSocket;

use crate::intel::exemptions::AllowList;
use crate::limits::{CONFIRMATIONS_PER_HOUR, PROBE_BLOCK_BURST, PROBE_BLOCKS, PROBE_BURST};
use crate::net::endpoint::Endpoint;
use crate::util::time::Instant;

/// Why an endpoint is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Private, link-local, multicast, or otherwise not of the internet.
    NotGlobal,
    /// The router's own address.
    Own,
    /// The user exempts it.
    Allowed,
    /// There have been too many probes lately; it may be tried again.
    Rate,
}

/// Why an endpoint is to be asked, the weightier reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Its sessions can't be read, and look like mining; or a list says so.
    Suspicion = 0,
    /// A session's words have shown a pool, and nobody but the two ends has a say in them.
    Confirmation = 1,
}

/// The guard.
#[derive(Debug)]
pub struct Guard {
    /// By [`Purpose`].
    all: [Bucket; 2],
    blocks: heapless::Vec<((IpAddr, Purpose), Bucket), PROBE_BLOCKS>,
    hourly: u32,
    block_hourly: u32,
}

impl Guard {
    /// A guard that lets `hourly` suspicions an hour pass, `block_hourly` of them for each block; and as many
    /// confirmations for each block, but no more than [`CONFIRMATIONS_PER_HOUR`] in all.
    pub fn new(hourly: u32, block_hourly: u32, now: Instant) -> Self {
        Guard { all: [Bucket::full(PROBE_BURST, now); 2], blocks: heapless::Vec::new(), hourly, block_hourly }
    }

    /// Other rates from now on.
    pub fn configure(&mut self, hourly: u32, block_hourly: u32) {
        self.hourly = hourly;
        self.block_hourly = block_hourly;
    }

    /// Takes a token for a probe of `server` at `now`.
    ///
    /// # Errors
    /// Why it must not be made.
    pub fn admit(
        &mut self,
        server: &Endpoint,
        purpose: Purpose,
        allow: &AllowList,
        now: Instant,
    ) -> Result<(), Refusal> {
        let addr = server.addr();
        if !is_global(addr) || server.port() == 0 {
            return Err(Refusal::NotGlobal);
        }
        if allow.allows_endpoint(server) {
            return Err(Refusal::Allowed);
        }
        if is_own(addr) {
            return Err(Refusal::Own);
        }
        let hourly = match purpose {
            Purpose::Suspicion => self.hourly,
            Purpose::Confirmation => self.hourly.min(CONFIRMATIONS_PER_HOUR),
        };
        // Whoever is refused uses up nothing, and displaces no block's bucket.
        let all = &mut self.all[purpose as usize];
        all.fill(hourly, PROBE_BURST, now);
        if all.tokens == 0 {
            return Err(Refusal::Rate);
        }
        let block_hourly = self.block_hourly;
        let block = self.block(addr, purpose, now);
        block.fill(block_hourly, PROBE_BLOCK_BURST, now);
        if block.tokens == 0 {
            return Err(Refusal::Rate);
        }
        block.tokens -= 1;
        self.all[purpose as usize].tokens -= 1;
        Ok(())
    }

    /// The bucket of an address's block; with no room left, in place of the one used longest ago.
    fn block(&mut self, addr: IpAddr, purpose: Purpose, now: Instant) -> &mut Bucket {
        let block = (block_of(addr), purpose);
        let known = self.blocks.iter().position(|(known, _)| *known == block);
        let at = known.unwrap_or_else(|| {
            let new = (block, Bucket::full(PROBE_BLOCK_BURST, now));
            match self.blocks.push(new) {
                Ok(()) => self.blocks.len() - 1,
                Err(new) => {
                    let oldest = self.blocks.iter().enumerate().min_by_key(|(_, (_, bucket))| bucket.used_at);
                    let at = oldest.map_or(0, |(at, _)| at);
                    self.blocks[at] = new;
                    at
                }
            }
        });
        let (_, bucket) = &mut self.blocks[at];
        bucket.used_at = now;
        bucket
    }
}

/// Tokens come one by one, at a rate an hour.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u32,
    filled_at: Instant,
    used_at: Instant,
}

impl Bucket {
    fn full(tokens: u32, now: Instant) -> Self {
        Bucket { tokens, filled_at: now, used_at: now }
    }

    fn fill(&mut self, hourly: u32, burst: u32, now: Instant) {
        let Some(interval) = HOUR.checked_div(hourly) else { return };
        while self.tokens < burst && now >= self.filled_at.after(interval) {
            self.tokens += 1;
            self.filled_at = self.filled_at.after(interval);
        }
        if self.tokens >= burst {
            self.filled_at = now;
        }
    }
}

/// The /24 or /48 of `addr`.
fn block_of(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => IpAddr::from(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::from(Ipv6Addr::from_bits(v6.to_bits() & !(u128::MAX >> 48))),
    }
}

/// Whether `addr` is one of the internet's hosts (RFC 6890). An IPv6 address that stands for an IPv4
/// one is judged by that.
pub fn is_global(addr: IpAddr) -> bool {
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

/// Whether `addr` is an address of this machine: the kernel talks to those from the same address. Nothing is
/// sent. (That it lets a socket be bound to it would not do: `ip_nonlocal_bind` lets any.)
fn is_own(addr: IpAddr) -> bool {
    let unspecified =
        if addr.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((unspecified, 0))
        .and_then(|socket| socket.connect((addr, DISCARD_PORT)).and_then(|()| socket.local_addr()))
        .is_ok_and(|from| from.ip() == addr)
}

/// RFC 863; any would do.
const DISCARD_PORT: u16 = 9;
const HOUR: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const SUSPICION: Purpose = Purpose::Suspicion;

    fn endpoint(text: &str) -> Endpoint {
        let addr: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(addr.ip(), addr.port())
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn only_hosts_of_the_internet_are_asked() {
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

    #[test]
    fn the_routers_own_address_is_told() {
        assert!(is_own("127.0.0.1".parse().expect("an address")));
        assert!(!is_own("192.0.2.1".parse().expect("an address")));
    }

    #[test]
    fn exempt_servers_are_left_alone() {
        let allow = AllowList { servers: vec!["192.0.2.0/24:3333".parse().expect("one")], hosts: vec![] };
        let mut guard = Guard::new(100, 100, at(0));
        assert_eq!(guard.admit(&endpoint("192.0.2.9:3333"), SUSPICION, &allow, at(0)), Err(Refusal::Allowed));
        assert_eq!(guard.admit(&endpoint("192.0.2.9:3334"), SUSPICION, &allow, at(0)), Ok(()));
    }

    /// A host that mines in the clear at one pool after the other, and a suspect in the same network.
    #[test]
    fn confirmations_take_nothing_from_suspicions() {
        let mut guard = Guard::new(60, 6, at(0));
        let allow = AllowList::default();
        let server = |second: u64| Endpoint::new(IpAddr::from([203, 0, 113, second as u8]), 3333);
        let mut admit = |second, purpose| guard.admit(&server(second), purpose, &allow, at(second)).is_ok();
        let confirmed = (0..24 * 3_600).filter(|&second| admit(second, Purpose::Confirmation)).count() as u32;
        assert!((23 * 6..=24 * 6 + PROBE_BLOCK_BURST).contains(&confirmed), "{confirmed}");
        assert!(admit(24 * 3_600, SUSPICION) && admit(24 * 3_600, SUSPICION));
        let anywhere = |second: u64| Endpoint::new(IpAddr::from([9, second as u8, 1, 1]), 3333);
        let mut guard = Guard::new(60, 6, at(0));
        let passed = (0..100)
            .filter(|&at_once| guard.admit(&anywhere(at_once), Purpose::Confirmation, &allow, at(0)).is_ok())
            .count();
        assert_eq!(passed as u32, PROBE_BURST);
        let hours = 24_u64;
        let passed = (1..hours * 3_600).filter(|&second| {
            guard.admit(&anywhere(second), Purpose::Confirmation, &allow, at(second)).is_ok()
        });
        assert!(passed.count() as u64 <= hours * u64::from(CONFIRMATIONS_PER_HOUR) + u64::from(PROBE_BURST));
    }

    /// A host that has used up what there is for all: who is refused for that neither uses up what there is for
    /// a block of addresses, nor makes the guard forget what a block has used up.
    #[test]
    fn who_is_refused_takes_nothing() {
        let allow = AllowList::default();
        let mut guard = Guard::new(1, 100, at(0));
        let anywhere = |number: u32| Endpoint::new(IpAddr::from([9, number as u8, 1, 1]), 3333);
        let suspect = endpoint("203.0.113.1:3333");
        for _ in 0..PROBE_BLOCK_BURST {
            assert_eq!(guard.admit(&suspect, SUSPICION, &allow, at(0)), Ok(()));
        }
        let passed = |number: &u32| guard.admit(&anywhere(*number), SUSPICION, &allow, at(0)).is_ok();
        assert_eq!((0..256).filter(passed).count() as u32, PROBE_BURST - PROBE_BLOCK_BURST);
        assert!(
            guard.blocks.iter().any(|((block, _), _)| *block == block_of(suspect.addr())),
            "it is forgotten"
        );
        for _ in 0..PROBE_BLOCK_BURST {
            guard.all[SUSPICION as usize].tokens = 1;
            assert_eq!(guard.admit(&anywhere(200), SUSPICION, &allow, at(0)), Ok(()));
        }
    }

    /// A day of suspects as many as one likes, all over the internet and in one network.
    #[test]
    fn nobody_makes_a_scanner_of_the_router() {
        let (hourly, block_hourly) = (60, 6);
        let mut guard = Guard::new(hourly, block_hourly, at(0));
        let allow = AllowList::default();
        let count = |guard: &mut Guard, start: u64, hours: u64, server: fn(u64) -> Endpoint| {
            (start..start + hours * 3_600)
                .filter(|&second| guard.admit(&server(second), SUSPICION, &allow, at(second)).is_ok())
                .count() as u64
        };
        let anywhere = |second: u64| {
            Endpoint::new(IpAddr::from([11 + (second % 80) as u8, (second / 80) as u8, 1, 1]), 3333)
        };
        let passed = count(&mut guard, 0, 24, anywhere);
        assert!(passed <= u64::from(hourly) * 24 + u64::from(PROBE_BURST), "{passed}");
        assert!(passed >= u64::from(hourly) * 23, "{passed}");
        let one_network = |second: u64| Endpoint::new(IpAddr::from([203, 0, 113, second as u8]), 3333);
        let passed = count(&mut guard, 200_000, 24, one_network);
        assert!(passed <= u64::from(block_hourly) * 24 + u64::from(PROBE_BLOCK_BURST), "{passed}");
        assert!(passed >= u64::from(block_hourly) * 23, "{passed}");
    }
}
