//! Whether the daemon may ask a server, and how often.
//!
//! Crafted traffic must not turn the router into a scanner or a reflector: addresses of this side are never asked,
//! and token buckets bound how often any other is, all together and each block of addresses (/24, /48) by itself.
//!
//! Three reasons to ask have buckets of their own, so that none takes from another: a suspicion; a pool's words that
//! were read in a session (one host's words may be a lie meant to cut others off); another router's word.
//!
//! The last tokens are kept for clients that have had none lately: one client's suspects, as many as they may be,
//! leave another client's to be asked at once.

use core::hash::Hash;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::intel::exemptions::AllowList;
use crate::limits::{
    CONFIRMATIONS_PER_HOUR, HEARSAY_PER_HOUR, PROBE_BLOCK_BURST, PROBE_BLOCKS, PROBE_BURST, PROBE_CLIENTS,
    PROBE_RESERVE,
};
use crate::net::client_id::ClientId;
use crate::net::endpoint::Endpoint;
use crate::net::local_networks::{LocalNetworks, is_own};
use crate::net::scope::is_global;
use crate::util::bounded_cache::BoundedCache;
use crate::util::time::Instant;
use crate::util::token_bucket::{Rate, TokenBucket};

/// Why a server is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Private, link-local, multicast, or otherwise not of the internet.
    NotGlobal,
    /// In a network of this side.
    Local,
    /// The router's own address.
    Own,
    /// The user exempts it.
    Exempt,
    /// Too many probes lately; it may be tried again.
    Rate,
}

/// Why a server is to be asked, the weightier reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Sessions with the server can't be read, and look like mining; or a list says so.
    Suspicion = 0,
    /// A session's words have shown a pool, and the two ends alone have a say in them.
    Confirmation = 1,
    /// A second router says that the server is a pool.
    Hearsay = 2,
}

impl Purpose {
    const COUNT: usize = 3;

    /// Probes an hour for it where `hourly` is granted for suspicions.
    fn hourly(self, hourly: u32) -> u32 {
        match self {
            Purpose::Suspicion => hourly,
            Purpose::Confirmation => hourly.min(CONFIRMATIONS_PER_HOUR),
            Purpose::Hearsay => hourly.min(HEARSAY_PER_HOUR),
        }
    }
}

/// The guard.
#[derive(Debug)]
pub struct Guard {
    /// Tokens by [`Purpose`].
    all: [TokenBucket; Purpose::COUNT],
    /// Shares of clients in the last tokens; the one used longest ago makes room.
    clients: BoundedCache<ClientId, BlockShare>,
    /// Networks of servers, each purpose by itself; the one used longest ago makes room.
    blocks: BoundedCache<(IpAddr, Purpose), BlockShare>,
    /// Shares of clients in the last token of such a network.
    in_blocks: BoundedCache<(ClientId, IpAddr, Purpose), BlockShare>,
    hourly: u32,
    block_hourly: u32,
}

#[derive(Debug)]
struct BlockShare {
    bucket: TokenBucket,
    used_at: Instant,
}

impl Guard {
    /// A guard that lets `hourly` suspicions an hour pass, `block_hourly` of them for each block; and as many
    /// confirmations and words of other routers for each block, but no more than [`CONFIRMATIONS_PER_HOUR`] and
    /// [`HEARSAY_PER_HOUR`] in all.
    pub fn new(hourly: u32, block_hourly: u32) -> Self {
        Guard {
            all: Default::default(),
            clients: BoundedCache::new(PROBE_CLIENTS),
            blocks: BoundedCache::new(PROBE_BLOCKS),
            in_blocks: BoundedCache::new(PROBE_BLOCKS),
            hourly,
            block_hourly,
        }
    }

    /// Takes over other rates, with full buckets: what was used up at the old rate would be owed at that rate.
    pub fn configure(&mut self, hourly: u32, block_hourly: u32) {
        if (hourly, block_hourly) != (self.hourly, self.block_hourly) {
            *self = Guard::new(hourly, block_hourly);
        }
    }

    /// Takes a token for a probe of `server`, which `client` (none: another router) is the reason for.
    ///
    /// # Errors
    /// [`Refusal::Rate`]; a refusal uses up nothing and displaces no block's bucket.
    pub fn take(
        &mut self,
        server: &Endpoint,
        client: Option<ClientId>,
        purpose: Purpose,
        now: Instant,
    ) -> Result<(), Refusal> {
        let rate = Rate::per_hour(purpose.hourly(self.hourly)).burst(PROBE_BURST);
        let block_rate = Rate::per_hour(self.block_hourly).burst(PROBE_BLOCK_BURST);
        let in_block_rate = Rate::per_hour(self.block_hourly.div_ceil(2)).burst(1);
        let client_rate = Rate::per_hour(purpose.hourly(self.hourly).div_ceil(2)).burst(PROBE_RESERVE);
        let all = &mut self.all[purpose as usize];
        if !all.has(&rate, now) {
            return Err(Refusal::Rate);
        }
        let is_plenty = all.has(&rate.burst(PROBE_BURST - PROBE_RESERVE), now);
        let of_client = client.and_then(|client| share(&mut self.clients, client, now));
        if !is_plenty && of_client.as_ref().is_some_and(|share| !share.bucket.has(&client_rate, now)) {
            return Err(Refusal::Rate);
        }
        let block = block_of(server.addr());
        let of_block = share(&mut self.blocks, (block, purpose), now);
        let of_block = of_block.filter(|share| share.bucket.has(&block_rate, now)).ok_or(Refusal::Rate)?;
        let is_last = !of_block.bucket.has(&block_rate.burst(PROBE_BLOCK_BURST - 1), now);
        let in_block = client.and_then(|client| share(&mut self.in_blocks, (client, block, purpose), now));
        if is_last && in_block.as_ref().is_some_and(|share| !share.bucket.has(&in_block_rate, now)) {
            return Err(Refusal::Rate);
        }
        of_block.bucket.take(&block_rate, now);
        of_block.used_at = now;
        for (share, rate) in [(of_client, client_rate), (in_block, in_block_rate)] {
            if let Some(share) = share {
                share.bucket.take(&rate, now);
                share.used_at = now;
            }
        }
        all.take(&rate, now);
        Ok(())
    }
}

/// Whether `server` may be asked at all.
///
/// # Errors
/// Why not.
pub fn check(server: &Endpoint, exempt: &AllowList, networks: &LocalNetworks) -> Result<(), Refusal> {
    check_with(server, exempt, networks, is_own)
}

fn check_with(
    server: &Endpoint,
    exempt: &AllowList,
    networks: &LocalNetworks,
    is_own: impl Fn(IpAddr) -> bool,
) -> Result<(), Refusal> {
    let addr = server.addr();
    if !is_global(addr) || server.port() == 0 {
        Err(Refusal::NotGlobal)
    } else if networks.contains(addr) {
        Err(Refusal::Local)
    } else if exempt.allows_endpoint(server) {
        Err(Refusal::Exempt)
    } else if is_own(addr) {
        Err(Refusal::Own)
    } else {
        Ok(())
    }
}

/// The share of `key`; with no room left, in place of the one used longest ago.
fn share<K: Hash + Eq>(
    shares: &mut BoundedCache<K, BlockShare>,
    key: K,
    now: Instant,
) -> Option<&mut BlockShare> {
    let new = || BlockShare { bucket: TokenBucket::default(), used_at: now };
    shares.get_or_insert_with(key, new, |_, share| share.used_at)
}

/// The /24 or /48 of `addr`.
fn block_of(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => IpAddr::from(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::from(Ipv6Addr::from_bits(v6.to_bits() & !(u128::MAX >> 48))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUSPICION: Purpose = Purpose::Suspicion;

    fn client(addr: Ipv4Addr) -> ClientId {
        ClientId::of(addr.into(), None)
    }

    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 50);

    fn endpoint(text: &str) -> Endpoint {
        let addr: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(addr.ip(), addr.port())
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn this_side_and_exempt_servers_are_left_alone() {
        let exempt = AllowList { servers: vec!["192.0.2.0/24:3333".parse().expect("one")], hosts: vec![] };
        let networks = LocalNetworks::of(&["2001:db8:7::/48"]);
        for (server, refusal) in [
            ("192.0.2.9:3333", Some(Refusal::Exempt)),
            ("192.0.2.9:3334", None),
            ("[2001:db8:7:1::5]:443", Some(Refusal::Local)),
            ("[2001:db8:8::5]:443", None),
            ("127.0.0.1:3333", Some(Refusal::NotGlobal)),
            ("203.0.113.7:3333", Some(Refusal::Own)),
        ] {
            let is_own = |addr| addr == IpAddr::from([203, 0, 113, 7]);
            assert_eq!(check_with(&endpoint(server), &exempt, &networks, is_own).err(), refusal, "{server}");
        }
    }

    fn take(guard: &mut Guard, server: Endpoint, purpose: Purpose, second: u64) -> bool {
        guard.take(&server, Some(client(CLIENT)), purpose, at(second)).is_ok()
    }

    /// A host that mines in the clear at one pool after the other, and a suspect in the same network.
    #[test]
    fn confirmations_take_nothing_from_suspicions() {
        let mut guard = Guard::new(60, 6);
        let server = |second: u64| Endpoint::new(IpAddr::from([203, 0, 113, second as u8]), 3333);
        let confirmed = (0..24 * 3_600)
            .filter(|&second| take(&mut guard, server(second), Purpose::Confirmation, second))
            .count() as u32;
        assert!((23 * 6..=24 * 6 + PROBE_BLOCK_BURST).contains(&confirmed), "{confirmed}");
        let suspect = server(24 * 3_600);
        for client in [[192, 168, 1, 50], [192, 168, 1, 51]].map(|addr| client(Ipv4Addr::from(addr))) {
            assert_eq!(guard.take(&suspect, Some(client), SUSPICION, at(24 * 3_600)), Ok(()));
        }
        for (purpose, hourly) in
            [(Purpose::Confirmation, CONFIRMATIONS_PER_HOUR), (Purpose::Hearsay, HEARSAY_PER_HOUR)]
        {
            let mut guard = Guard::new(60, 6);
            let anywhere = |second: u64| Endpoint::new(IpAddr::from([9, second as u8, 1, 1]), 3333);
            let hours = 24_u64;
            let passed =
                (0..hours * 3_600).filter(|&second| take(&mut guard, anywhere(second), purpose, second));
            assert!(
                passed.count() as u64 <= hours * u64::from(hourly) + u64::from(PROBE_BURST),
                "{purpose:?}"
            );
        }
    }

    /// A host that has used up what there is for all: a refusal neither uses up what there is for a block of
    /// addresses, nor makes the guard forget what a block has used up.
    #[test]
    fn a_refusal_takes_nothing() {
        let mut guard = Guard::new(1, 100);
        let anywhere = |number: u64| Endpoint::new(IpAddr::from([9, number as u8, 1, 1]), 3333);
        let suspect = endpoint("203.0.113.1:3333");
        for number in 0..PROBE_BLOCK_BURST {
            let client = client(Ipv4Addr::from_bits(number));
            assert_eq!(guard.take(&suspect, Some(client), SUSPICION, at(0)), Ok(()));
        }
        let passed =
            (0..256).filter(|&number| take(&mut guard, anywhere(number), SUSPICION, 0)).count() as u32;
        assert_eq!(passed, PROBE_BURST - PROBE_BLOCK_BURST);
        assert!(
            guard.blocks.iter().any(|((block, _), _)| *block == block_of(suspect.addr())),
            "it is forgotten"
        );
    }

    /// 40 suspicions a minute by one client, for a day: another client's is asked at once, at any time of it.
    #[test]
    fn one_client_s_suspects_leave_another_s_to_be_asked() {
        let mut guard = Guard::new(60, 6);
        let anywhere = |number: u64| {
            Endpoint::new(IpAddr::from([11 + (number % 80) as u8, (number / 80) as u8, 1, 1]), 443)
        };
        let mut random = crate::util::random::Random::new(2);
        let mut theirs = 0;
        for number in 0..40 * 60 * 24 {
            let second = number * 60 / 40;
            let now = at(second);
            theirs += u32::from(guard.take(&anywhere(number), Some(client(CLIENT)), SUSPICION, now).is_ok());
            // Every four minutes there is another, and its server in a network of its own.
            if number % 160 == 0 {
                let other = client(Ipv4Addr::from(random.bits() as u32));
                let server = Endpoint::new(IpAddr::from([203, 0, random.below(250) as u8, 1]), 3333);
                assert_eq!(guard.take(&server, Some(other), SUSPICION, now), Ok(()), "at {second}");
            }
        }
        assert!(theirs > 12 * 60, "{theirs}: the rest is for the one that wants it");
    }

    /// One client is suspicious with every server of a network, for a day. Another's suspicion there is asked at once.
    #[test]
    fn one_client_s_suspects_leave_another_s_of_the_same_network_to_be_asked() {
        let mut guard = Guard::new(60, 6);
        let server = |number: u64| Endpoint::new(IpAddr::from([203, 0, 113, number as u8]), 443);
        let other = client(Ipv4Addr::new(192, 168, 1, 51));
        let mut theirs = 0;
        for second in 0..24 * 3_600 {
            theirs += u32::from(take(&mut guard, server(second), SUSPICION, second));
            if second % 1_800 == 900 {
                assert_eq!(guard.take(&server(7), Some(other), SUSPICION, at(second)), Ok(()), "{second}");
            }
        }
        assert!(theirs >= 24 * 3, "{theirs}: the rest is for the one that wants it");
    }

    #[test]
    fn other_rates_hold_from_now_on() {
        let suspect = endpoint("203.0.113.1:3333");
        let ask = |guard: &mut Guard, server: Endpoint, second| {
            guard.take(&server, None, Purpose::Suspicion, at(second)).is_ok()
        };
        for (hourly, block_hourly, passes) in [
            (1, 1, 0..=0),
            (3_600, 3_600, 95..=100),
            (3_600, 1, PROBE_BLOCK_BURST..=PROBE_BLOCK_BURST),
            (1, 3_600, PROBE_BURST..=PROBE_BURST),
        ] {
            let mut guard = Guard::new(1, 1);
            let of_block = (0..10).filter(|_| ask(&mut guard, suspect, 0)).count() as u32;
            let anywhere = |number: u8| Endpoint::new(IpAddr::from([9, number, 1, 1]), 3333);
            let of_others = (0..100).filter(|&number| ask(&mut guard, anywhere(number), 0)).count() as u32;
            assert_eq!(of_block, PROBE_BLOCK_BURST);
            assert_eq!(of_block + of_others, PROBE_BURST, "another router takes the last tokens, too");
            guard.configure(hourly, block_hourly);
            let passed = (1..=100).filter(|&second| ask(&mut guard, suspect, second)).count() as u32;
            assert!(passes.contains(&passed), "{hourly} {block_hourly}: {passed}");
        }
    }

    /// The bucket that makes room is the one used longest ago, however old it is.
    #[test]
    fn a_bucket_in_use_is_kept() {
        let mut guard = Guard::new(3_600_000, 3_600_000);
        let favourite = (endpoint("203.0.113.1:3333"), client(CLIENT));
        for second in 0..4 * PROBE_BLOCKS as u64 {
            let other = (
                Endpoint::new(IpAddr::from([9, second as u8, 1, 1]), 3333),
                client(Ipv4Addr::new(192, 168, 2, second as u8)),
            );
            for (server, client) in [favourite, other] {
                assert_eq!(guard.take(&server, Some(client), SUSPICION, at(second)), Ok(()));
            }
            let block = (block_of(favourite.0.addr()), SUSPICION);
            assert!(guard.blocks.iter().any(|(key, _)| *key == block), "at {second}");
            assert!(guard.clients.iter().any(|(key, _)| *key == favourite.1), "at {second}");
        }
    }

    #[test]
    fn a_private_server_is_refused() {
        let refusal = check(&endpoint("192.168.1.1:443"), &AllowList::default(), &LocalNetworks::default());
        assert_eq!(refusal, Err(Refusal::NotGlobal));
    }

    /// A day of suspects as many as there can be, all over the internet and in one network.
    #[test]
    fn no_client_makes_a_scanner_of_the_router() {
        let (hourly, block_hourly) = (60, 6);
        let mut guard = Guard::new(hourly, block_hourly);
        let count = |guard: &mut Guard, start: u64, hours: u64, server: fn(u64) -> Endpoint| {
            (start..start + hours * 3_600)
                .filter(|&second| take(guard, server(second), SUSPICION, second))
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
