//! Which listed names have lately led to which addresses, by the answers of name servers.
//!
//! An answer proves nothing: a host that runs malware may ask a name server of its own, and
//! be told that a bank's address is a pool's. So what an answer says is believed of the connections of the
//! host that got it, and of others only as a suspicion; an address that has been the answer for a name on no
//! list, too, is shared by both, and no connection to it is cut off for its address alone.

use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::limits::{
    DNS_TTL_MAX_SECONDS, DNS_TTL_MIN_SECONDS, RESOLVED_NAME_BYTES, RESOLVED_NAMES, RESOLVED_OTHERS,
    RESOLVED_WAYS,
};
use crate::net::host_name::HostName;
use crate::parse::dns::Resolution;

/// Both memories, of fixed size.
#[derive(Debug)]
pub(super) struct DnsCache<S> {
    /// Addresses of listed names. Of one set, what ends first makes room.
    listed: Box<[[Option<ListedAddress>; RESOLVED_WAYS]]>,
    /// Addresses of other names.
    others: Box<[Other]>,
    hasher: S,
}

#[derive(Clone, Debug)]
struct ListedAddress {
    /// Receiver of the answer.
    client: IpAddr,
    addr: IpAddr,
    name: heapless::String<RESOLVED_NAME_BYTES>,
    /// Second of the engine's time.
    until: u32,
}

/// A place that one address at a time has, by a keyed hash. Two that share it, once in 2³², are taken for
/// one, and less is believed of the one.
#[derive(Clone, Copy, Debug, Default)]
struct Other {
    tag: u32,
    until: u32,
    /// Hashes of the names that led to it.
    names: [u32; 2],
    /// There are more of them.
    has_more: bool,
}

/// The names of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// The name.
    pub name: &'a str,
    /// The answer went to the host in question.
    pub own: bool,
}

impl<S: BuildHasher> DnsCache<S> {
    /// Memories without content.
    pub fn new(hasher: S) -> Self {
        DnsCache {
            listed: vec![[const { None }; RESOLVED_WAYS]; RESOLVED_NAMES / RESOLVED_WAYS].into_boxed_slice(),
            others: vec![Other::default(); RESOLVED_OTHERS].into_boxed_slice(),
            hasher,
        }
    }

    /// `client` has been told `resolution` at second `now`; of its names, `listed` is on a list, if any is.
    pub fn learn(&mut self, client: IpAddr, resolution: &Resolution, listed: Option<&HostName>, now: u32) {
        // A client goes on using an address for longer than it may.
        let until = now.saturating_add(resolution.ttl.clamp(DNS_TTL_MIN_SECONDS, DNS_TTL_MAX_SECONDS));
        let name = listed.map(|name| heapless::String::try_from(name.as_str()));
        for &addr in &resolution.addrs {
            match &name {
                Some(Ok(name)) => self.enter(ListedAddress { client, addr, name: name.clone(), until }, now),
                // A listed name too long to be kept is no other name.
                Some(Err(_)) => {}
                None => {
                    let (at, tag) = self.place(addr);
                    let name = resolution.names.first().map_or(0, |name| self.tag(name));
                    if let Some(other) = self.others.get_mut(at) {
                        other.add(tag, name, until, now);
                    }
                }
            }
        }
    }

    /// The listed names that have led to `addr`, at second `now`.
    pub fn find(&self, client: IpAddr, addr: IpAddr, now: u32) -> impl Iterator<Item = Known<'_>> {
        let set = self.listed.get(self.set(addr)).map_or(&[][..], |set| set);
        set.iter()
            .flatten()
            .filter(move |known| known.addr == addr && known.until > now)
            .map(move |known| Known { name: &known.name, own: known.client == client })
    }

    /// Whether `addr` has been the answer for a name on no list.
    pub fn is_other(&self, addr: IpAddr, now: u32) -> bool {
        let (at, tag) = self.place(addr);
        self.others.get(at).is_some_and(|other| other.tag == tag && other.until > now)
    }

    /// Whether `addr` has been the answer for a name on no list that is none of `names`.
    pub fn carries_others(&self, addr: IpAddr, names: &[&HostName], now: u32) -> bool {
        let (at, tag) = self.place(addr);
        let is_named = |hash: &u32| *hash == 0 || names.iter().any(|name| self.tag(name) == *hash);
        let other = self.others.get(at).filter(|other| other.tag == tag && other.until > now);
        other.is_some_and(|other| other.has_more || !other.names.iter().all(is_named))
    }

    /// Whether `addr` has been the answer for more than one name on no list.
    pub fn carries_several(&self, addr: IpAddr, now: u32) -> bool {
        let (at, tag) = self.place(addr);
        let other = self.others.get(at).filter(|other| other.tag == tag && other.until > now);
        other.is_some_and(|other| other.has_more || !other.names.contains(&0))
    }

    /// Hash of a name, never zero.
    fn tag(&self, name: &HostName) -> u32 {
        (self.hasher.hash_one(name.as_str()) as u32).max(1)
    }

    fn enter(&mut self, listed: ListedAddress, now: u32) {
        let at = self.set(listed.addr);
        let Some(set) = self.listed.get_mut(at) else { return };
        let is_same = |way: &Option<ListedAddress>| {
            way.as_ref().is_some_and(|known| known.client == listed.client && known.addr == listed.addr)
        };
        let way = set.iter().position(is_same).or_else(|| {
            let left =
                |way: &Option<ListedAddress>| way.as_ref().map_or(0, |known| known.until.saturating_sub(now));
            set.iter().enumerate().min_by_key(|(_, way)| left(way)).map(|(at, _)| at)
        });
        if let Some(way) = way.and_then(|way| set.get_mut(way)) {
            *way = Some(listed);
        }
    }

    fn set(&self, addr: IpAddr) -> usize {
        self.hasher.hash_one(addr) as usize & (self.listed.len() - 1)
    }

    fn place(&self, addr: IpAddr) -> (usize, u32) {
        let hash = self.hasher.hash_one(addr);
        (hash as usize & (self.others.len() - 1), (hash >> 32) as u32)
    }
}

impl Other {
    /// Notes that the name of hash `name` leads to the address of hash `tag` until `until`.
    fn add(&mut self, tag: u32, name: u32, until: u32, now: u32) {
        if self.tag != tag || self.until <= now {
            *self = Other { tag, until, names: [name, 0], has_more: false };
            return;
        }
        self.until = until.max(self.until);
        if !self.names.contains(&name) {
            match self.names {
                [first, 0] => self.names = [first, name],
                _ => self.has_more = true,
            }
        }
    }
}

const _: () =
    assert!((RESOLVED_NAMES / RESOLVED_WAYS).is_power_of_two() && RESOLVED_OTHERS.is_power_of_two());
const _: () = assert!(size_of::<Option<ListedAddress>>() <= 128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;
    use std::collections::HashMap;
    use std::hash::RandomState;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, number])
    }

    fn addr(number: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, number])
    }

    fn resolution(addrs: &[IpAddr], ttl: u32) -> Resolution {
        Resolution { names: Default::default(), addrs: addrs.iter().copied().collect(), ttl }
    }

    fn name(text: &str) -> HostName {
        HostName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_is_that_of_its_client_and_ends() {
        let mut cache = DnsCache::new(RandomState::new());
        cache.learn(client(1), &resolution(&[addr(1), addr(2)], 1), Some(&name("pool.test")), 100);
        let find = |cache: &DnsCache<_>, of, addr, now| -> Vec<(String, bool)> {
            cache.find(of, addr, now).map(|known| (known.name.to_owned(), known.own)).collect()
        };
        let known = |own| vec![("pool.test".to_owned(), own)];
        assert_eq!(find(&cache, client(1), addr(2), 100), known(true));
        assert_eq!(find(&cache, client(2), addr(1), 100), known(false));
        assert_eq!(find(&cache, client(1), addr(3), 100), []);
        assert_eq!(find(&cache, client(1), addr(1), 99 + DNS_TTL_MIN_SECONDS), known(true));
        assert_eq!(find(&cache, client(1), addr(1), 100 + DNS_TTL_MIN_SECONDS), []);
        cache.learn(client(1), &resolution(&[addr(1)], u32::MAX), Some(&name("pool.test")), 100);
        assert_eq!(find(&cache, client(1), addr(1), 100 + DNS_TTL_MAX_SECONDS), []);
        let long = ["a".repeat(60), "b".repeat(60), "test".into()].join(".");
        cache.learn(client(1), &resolution(&[addr(9)], 1), Some(&name(&long)), 100);
        assert_eq!(find(&cache, client(1), addr(9), 100), []);
        assert!(!cache.is_other(addr(9), 100));
    }

    #[test]
    fn other_names_are_told_apart_until_they_end() {
        let mut cache = DnsCache::new(RandomState::new());
        cache.learn(client(1), &resolution(&[addr(1)], 3_600), None, 0);
        cache.learn(client(2), &resolution(&[addr(1)], 900), None, 0);
        assert!(cache.is_other(addr(1), 3_599) && !cache.is_other(addr(1), 3_600));
        assert!(!cache.is_other(addr(2), 0));
    }

    #[test]
    fn an_address_carries_others_if_another_name_led_to_it() {
        let mut resolved = DnsCache::new(RandomState::new());
        let answer = |text: &str| {
            let mut answer = resolution(&[addr(1)], 600);
            answer.names.push(name(text)).expect("room");
            answer
        };
        let [pool, shop, third] = ["pool.test", "shop.test", "third.test"].map(name);
        assert!(!resolved.carries_others(addr(1), &[], 0), "nothing is known");
        resolved.learn(client(1), &answer("pool.test"), None, 0);
        assert!(!resolved.carries_others(addr(1), &[&pool], 0) && !resolved.carries_several(addr(1), 0));
        assert!(resolved.carries_others(addr(1), &[&shop], 0) && resolved.carries_others(addr(1), &[], 0));
        resolved.learn(client(2), &answer("shop.test"), None, 0);
        resolved.learn(client(2), &answer("pool.test"), None, 0);
        assert!(resolved.carries_others(addr(1), &[&pool], 0));
        assert!(
            !resolved.carries_others(addr(1), &[&pool, &shop], 0) && resolved.carries_several(addr(1), 0)
        );
        resolved.learn(client(2), &answer("third.test"), None, 0);
        assert!(resolved.carries_others(addr(1), &[&pool, &shop, &third], 0), "more than are counted");
        assert!(!resolved.carries_others(addr(1), &[&pool], 600), "it ends");
    }

    /// An entry that is found is the one learnt last; of one set, the one that ends first goes.
    #[test]
    fn agrees_with_a_map() {
        let (mut cache, mut twin) = (DnsCache::new(RandomState::new()), HashMap::new());
        let mut random = Random::new(2);
        for now in 0..20_000 {
            let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
            let text = name(&format!("n{}.test", random.below(100)));
            let ttl = 600 + random.below(5_000);
            cache.learn(of, &resolution(&[to], ttl), Some(&text), now);
            twin.insert((of, to), (text.clone(), now + ttl));
            let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
            for known in cache.find(of, to, now).filter(|known| known.own) {
                let (expected, until) = &twin[&(of, to)];
                assert_eq!(known.name, expected.as_str());
                assert!(*until > now);
            }
        }
    }
}
