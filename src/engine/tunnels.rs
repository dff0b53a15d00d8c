//! Servers behind proxies: what each client has asked a proxy for.

use core::fmt;
use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv6Addr};

use super::sni_cache::KeptName;
use crate::limits::{TUNNEL_WAYS, TUNNELS};
use crate::net::authority::{Authority, AuthorityHost};
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::host_name::HostName;
use crate::util::bounded_cache::BoundedCache;
use crate::util::time::Stamp;

/// A server that a proxy was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyTarget {
    /// Address, where the client gave one.
    pub addr: Option<IpAddr>,
    /// Name, where the client gave one, or told one in a greeting inside the tunnel; else empty.
    pub name: KeptName,
    /// Port.
    pub port: u16,
}

impl ProxyTarget {
    /// The name, if there is one.
    pub fn host_name(&self) -> Option<HostName> {
        HostName::parse(self.name.as_bytes())
    }

    /// The endpoint; its address is unspecified where only the name is known.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.addr.unwrap_or(Ipv6Addr::UNSPECIFIED.into()), self.port)
    }

    fn new(target: &Authority, default_port: u16) -> Self {
        let (addr, name) = match &target.host {
            AuthorityHost::Addr(addr) => (Some(*addr), KeptName::new()),
            AuthorityHost::Name(name) => (None, KeptName::try_from(name.as_str()).unwrap_or_default()),
        };
        ProxyTarget { addr, name, port: target.port.unwrap_or(default_port) }
    }
}

impl fmt::Display for ProxyTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr {
            Some(_) => self.endpoint().fmt(formatter),
            None => write!(formatter, "{}:{}", self.name, self.port),
        }
    }
}

/// A set-associative cache under a keyed hash, fair by client: of a full set, the client with the most tunnels loses
/// the one that was opened first.
#[derive(Debug)]
pub(super) struct Tunnels<S> {
    cache: BoundedCache<FiveTuple, Tunnel, S>,
    hasher: S,
}

#[derive(Debug)]
struct Tunnel {
    target: ProxyTarget,
    owner: u32,
    opened: Stamp,
}

impl<S: BuildHasher + Clone> Tunnels<S> {
    /// No tunnel yet, with room for [`TUNNELS`].
    pub(super) fn new(hasher: S) -> Self {
        let cache = BoundedCache::with_sets(TUNNELS / TUNNEL_WAYS, TUNNEL_WAYS, hasher.clone());
        Tunnels { cache, hasher }
    }

    /// The client of connection `key`, which counts for `owner`, has asked its proxy for `target`; `default_port` where
    /// it named none.
    pub(super) fn open(
        &mut self,
        key: FiveTuple,
        owner: u32,
        target: &Authority,
        default_port: u16,
        now: Stamp,
    ) {
        let tunnel = Tunnel { target: ProxyTarget::new(target, default_port), owner, opened: now };
        let age = |_: &FiveTuple, tunnel: &Tunnel| core::cmp::Reverse(now.millis_since(tunnel.opened));
        self.cache.insert_fairly(key, tunnel, |_, tunnel| tunnel.owner, age);
    }

    /// The client of connection `key` has told `name` inside the tunnel.
    pub(super) fn tell_name(&mut self, key: &FiveTuple, name: &HostName) {
        if let Some(tunnel) = self.cache.get_mut(key)
            && tunnel.target.name.is_empty()
        {
            tunnel.target.name = KeptName::try_from(name.as_str()).unwrap_or_default();
        }
    }

    /// What the client of connection `key` has asked its proxy for.
    pub(super) fn target(&self, key: &FiveTuple) -> Option<&ProxyTarget> {
        self.cache.get(key).map(|tunnel| &tunnel.target)
    }

    /// An endpoint that stands for `target` where endpoints are compared: of a name, one of the block for discarding
    /// (RFC 6666) that no server has.
    pub(super) fn stand_in(&self, target: &ProxyTarget) -> Endpoint {
        let by_name = || Ipv6Addr::from_bits(DISCARD | u128::from(self.hasher.hash_one(&target.name)));
        Endpoint::new(target.addr.unwrap_or_else(|| by_name().into()), target.port)
    }
}

const DISCARD: u128 = 0x0100_0000_0000_0000 << 64;
const _: () = assert!((TUNNELS / TUNNEL_WAYS).is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_s_tunnels_leave_another_s() {
        let mut tunnels = Tunnels::new(std::hash::RandomState::new());
        let key = |port: u16| {
            let end = |addr: [u8; 4], port| Endpoint::new(addr.into(), port);
            FiveTuple::new(end([192, 168, 1, 50], port), end([203, 0, 113, 9], 1080))
        };
        let target = |name: &str, port| Authority {
            host: AuthorityHost::Name(HostName::parse(name.as_bytes()).expect(name)),
            port,
        };
        tunnels.open(key(1), 1, &target("quiet.example", Some(1)), 80, Stamp(0));
        for port in 2..500 {
            tunnels.open(key(port), 2, &target("loud.example", None), 80, Stamp(u32::from(port)));
            assert_eq!(tunnels.target(&key(port)).map(|target| target.port), Some(80));
        }
        assert_eq!(tunnels.target(&key(1)).map(|target| &target.name[..]), Some("quiet.example"));
    }
}
