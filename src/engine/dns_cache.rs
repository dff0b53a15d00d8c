//! Which listed names have lately led to which addresses, by the answers of name servers.
//!
//! An answer proves nothing: a host that runs malware may ask a name server of its own, and
//! be told that a bank's address is a pool's. So what an answer says is believed of the connections of the
//! host that got it, and of others only as a suspicion; an address that has been the answer for a name on no
//! list, too, is shared by both, and no connection to it is cut off for its address alone.

use core::hash::{BuildHasher, Hash, Hasher};
use core::net::IpAddr;

use crate::limits::{
    DNS_TTL_MAX_SECONDS, DNS_TTL_MIN_SECONDS, RESOLVED_NAME_BYTES, RESOLVED_NAMES, RESOLVED_OTHERS,
    RESOLVED_WAYS,
};
use crate::net::host_name::HostName;
use crate::parse::dns::Resolution;
use crate::util::bounded_cache::BoundedCache;

/// Both memories, of fixed size. In a full set the client with the most entries makes room, with the one that ends
/// first.
#[derive(Debug)]
pub(super) struct DnsCache<S> {
    /// Addresses of listed names.
    listed: BoundedCache<AnswerKey, CachedAnswer, S>,
    /// Addresses of other names, each by a keyed hash. Two that share it, once in 2³², are taken for one, and less is
    /// believed of the one.
    others: BoundedCache<u32, Other, S>,
    hasher: S,
}

/// The client that got an answer, and an address in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnswerKey {
    client: IpAddr,
    addr: IpAddr,
}

impl Hash for AnswerKey {
    /// What several clients were told of one address is found together.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.addr.hash(state);
    }
}

#[derive(Clone, Debug)]
struct CachedAnswer {
    name: heapless::String<RESOLVED_NAME_BYTES>,
    /// Second of the engine's time.
    until: u32,
    /// Keyed hash of the client whose share it takes.
    owner: u32,
}

#[derive(Clone, Copy, Debug)]
struct Other {
    until: u32,
    /// Keyed hash of the first client that got such an answer.
    owner: u32,
    /// Hashes of the names that led to it.
    names: [u32; 2],
    /// There are more of them.
    has_more: bool,
}

/// The owner of what the router itself was told. An answer for a client of its resolver reaches the router first and the
/// client then, which takes the entry over.
pub(super) const ROUTER: u32 = 0;

/// The receiver of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerReceiver {
    /// Its address.
    pub client: IpAddr,
    /// Keyed hash of the client whose share its entries take.
    pub owner: u32,
}

/// The names of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// The name.
    pub name: &'a str,
    /// The answer went to the host in question.
    pub own: bool,
}

impl<S: BuildHasher + Clone> DnsCache<S> {
    /// Memories without content.
    pub(super) fn new(hasher: S) -> Self {
        DnsCache {
            listed: BoundedCache::with_sets(RESOLVED_NAMES / RESOLVED_WAYS, RESOLVED_WAYS, hasher.clone()),
            others: BoundedCache::with_sets(RESOLVED_OTHERS / OTHERS_WAYS, OTHERS_WAYS, hasher.clone()),
            hasher,
        }
    }

    /// `receiver` has been told `resolution` at second `now`; of its names, `listed` is on a list, if any is. Whether
    /// that is news for the kernel: a listed name's address that was not known, or would have ended soon, or an
    /// address that turns out to be shared.
    pub(super) fn learn(
        &mut self,
        receiver: AnswerReceiver,
        resolution: &Resolution,
        listed: Option<&HostName>,
        now: u32,
    ) -> bool {
        // A client goes on using an address for longer than it may.
        let until = now.saturating_add(resolution.ttl.clamp(DNS_TTL_MIN_SECONDS, DNS_TTL_MAX_SECONDS));
        let AnswerReceiver { client, owner } = receiver;
        let name = listed.map(|name| heapless::String::try_from(name.as_str()));
        let mut is_news = false;
        for &addr in &resolution.addrs {
            match &name {
                Some(Ok(name)) => {
                    let key = AnswerKey { client, addr };
                    let known = self.listed.get(&key);
                    is_news |= known.is_none_or(|known| {
                        known.name != *name || known.until < now.saturating_add(DNS_TTL_MIN_SECONDS / 2)
                    });
                    let answer = CachedAnswer { name: name.clone(), until, owner };
                    let rank = |_: &AnswerKey, answer: &CachedAnswer| answer.until;
                    self.listed.insert_fairly(key, answer, |_, answer| answer.owner, rank);
                }
                // A listed name too long to be kept is no other name.
                Some(Err(_)) => {}
                None => {
                    is_news |= !self.is_other(addr, now);
                    let name = resolution.names.first().map_or(0, |name| self.tag(name));
                    self.note_other(
                        addr,
                        name,
                        Other { until, owner, names: [name, 0], has_more: false },
                        now,
                    );
                }
            }
        }
        is_news
    }

    /// The listed names that have led to `addr`, at second `now`.
    pub(super) fn find(&self, client: IpAddr, addr: IpAddr, now: u32) -> impl Iterator<Item = Known<'_>> {
        let set = self.listed.set_of(&AnswerKey { client, addr });
        set.filter(move |(key, answer)| key.addr == addr && answer.until > now)
            .map(move |(key, answer)| Known { name: &answer.name, own: key.client == client })
    }

    /// Clients, the addresses that they were told for listed names, those names, and the seconds left at `now`.
    pub(super) fn listed(&self, now: u32) -> impl Iterator<Item = (IpAddr, IpAddr, &str, u32)> {
        let holding = self.listed.iter().filter(move |(_, answer)| answer.until > now);
        holding.map(move |(key, answer)| (key.client, key.addr, &answer.name[..], answer.until - now))
    }

    /// Whether `addr` has been the answer for a name on no list.
    pub(super) fn is_other(&self, addr: IpAddr, now: u32) -> bool {
        self.other(addr, now).is_some()
    }

    /// Whether `addr` has been the answer for a name on no list that is none of `names`.
    pub(super) fn carries_others(&self, addr: IpAddr, names: &[&HostName], now: u32) -> bool {
        let is_named = |hash: &u32| *hash == 0 || names.iter().any(|name| self.tag(name) == *hash);
        self.other(addr, now).is_some_and(|other| other.has_more || !other.names.iter().all(is_named))
    }

    /// Whether `addr` has been the answer for more than one name on no list.
    pub(super) fn carries_several(&self, addr: IpAddr, now: u32) -> bool {
        self.other(addr, now).is_some_and(|other| other.has_more || !other.names.contains(&0))
    }

    fn other(&self, addr: IpAddr, now: u32) -> Option<&Other> {
        self.others.get(&self.place(addr)).filter(|other| other.until > now)
    }

    /// Notes that the name of hash `name` leads to `addr`; `new` is what is known if nothing was.
    fn note_other(&mut self, addr: IpAddr, name: u32, new: Other, now: u32) {
        let place = self.place(addr);
        match self.others.get_mut(&place).filter(|other| other.until > now) {
            Some(other) => {
                if other.owner == ROUTER {
                    other.owner = new.owner;
                }
                other.add(name, new.until);
            }
            None => {
                self.others.insert_fairly(place, new, |_, other| other.owner, |_, other| other.until);
            }
        }
    }

    /// Hash of a name, never zero.
    fn tag(&self, name: &HostName) -> u32 {
        (self.hasher.hash_one(name.as_str()) as u32).max(1)
    }

    fn place(&self, addr: IpAddr) -> u32 {
        (self.hasher.hash_one(addr) >> 32) as u32
    }
}

impl Other {
    /// Notes that the name of hash `name` leads to the address, too, until `until`.
    fn add(&mut self, name: u32, until: u32) {
        self.until = until.max(self.until);
        if !self.names.contains(&name) {
            match self.names {
                [first, 0] => self.names = [first, name],
                _ => self.has_more = true,
            }
        }
    }
}

/// Places for addresses of other names that one address has the choice of.
const OTHERS_WAYS: usize = 4;

const _: () =
    assert!((RESOLVED_NAMES / RESOLVED_WAYS).is_power_of_two() && RESOLVED_OTHERS.is_power_of_two());
const _: () = assert!(size_of::<(AnswerKey, CachedAnswer)>() <= 128 && size_of::<(u32, Other)>() <= 24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;
    use std::collections::HashMap;
    use std::hash::RandomState;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, number])
    }

    fn receiver(number: u8) -> AnswerReceiver {
        AnswerReceiver { client: client(number), owner: number.into() }
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
        cache.learn(receiver(1), &resolution(&[addr(1), addr(2)], 1), Some(&name("pool.test")), 100);
        let find = |cache: &DnsCache<_>, of, addr, now| -> Vec<(String, bool)> {
            cache.find(of, addr, now).map(|known| (known.name.to_owned(), known.own)).collect()
        };
        let known = |own| vec![("pool.test".to_owned(), own)];
        assert_eq!(find(&cache, client(1), addr(2), 100), known(true));
        assert_eq!(find(&cache, client(2), addr(1), 100), known(false));
        assert_eq!(find(&cache, client(1), addr(3), 100), []);
        assert_eq!(find(&cache, client(1), addr(1), 99 + DNS_TTL_MIN_SECONDS), known(true));
        assert_eq!(find(&cache, client(1), addr(1), 100 + DNS_TTL_MIN_SECONDS), []);
        cache.learn(receiver(1), &resolution(&[addr(1)], u32::MAX), Some(&name("pool.test")), 100);
        assert_eq!(find(&cache, client(1), addr(1), 100 + DNS_TTL_MAX_SECONDS), []);
        let long = ["a".repeat(60), "b".repeat(60), "test".into()].join(".");
        cache.learn(receiver(1), &resolution(&[addr(9)], 1), Some(&name(&long)), 100);
        assert_eq!(find(&cache, client(1), addr(9), 100), []);
        assert!(!cache.is_other(addr(9), 100));
    }

    #[test]
    fn other_names_are_told_apart_until_they_end() {
        let mut cache = DnsCache::new(RandomState::new());
        cache.learn(receiver(1), &resolution(&[addr(1)], 3_600), None, 0);
        cache.learn(receiver(2), &resolution(&[addr(1)], 900), None, 0);
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
        resolved.learn(receiver(1), &answer("pool.test"), None, 0);
        assert!(!resolved.carries_others(addr(1), &[&pool], 0) && !resolved.carries_several(addr(1), 0));
        assert!(resolved.carries_others(addr(1), &[&shop], 0) && resolved.carries_others(addr(1), &[], 0));
        resolved.learn(receiver(2), &answer("shop.test"), None, 0);
        resolved.learn(receiver(2), &answer("pool.test"), None, 0);
        assert!(resolved.carries_others(addr(1), &[&pool], 0));
        assert!(
            !resolved.carries_others(addr(1), &[&pool, &shop], 0) && resolved.carries_several(addr(1), 0)
        );
        resolved.learn(receiver(2), &answer("third.test"), None, 0);
        assert!(resolved.carries_others(addr(1), &[&pool, &shop, &third], 0), "more than are counted");
        assert!(!resolved.carries_others(addr(1), &[&pool], 600), "it ends");
    }

    /// An entry that is found is the one learnt last; of one set, the one that ends first goes.
    #[test]
    fn agrees_with_a_map() {
        let (mut cache, mut reference) = (DnsCache::new(RandomState::new()), HashMap::new());
        let mut random = Random::new(2);
        for now in 0..20_000 {
            let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
            let text = name(&format!("n{}.test", random.below(100)));
            let ttl = 600 + random.below(5_000);
            cache.learn(
                AnswerReceiver { client: of, owner: random.below(3) },
                &resolution(&[to], ttl),
                Some(&text),
                now,
            );
            reference.insert((of, to), (text.clone(), now + ttl));
            let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
            for known in cache.find(of, to, now).filter(|known| known.own) {
                let (expected, until) = &reference[&(of, to)];
                assert_eq!(known.name, expected.as_str());
                assert!(*until > now);
            }
        }
    }

    /// One client looks up more names than there is room for, listed ones and others; what another was told stays.
    #[test]
    fn one_client_displaces_no_other_s_answers() {
        let mut cache = DnsCache::new(RandomState::new());
        cache.learn(receiver(1), &resolution(&[addr(1)], 600), Some(&name("pool.test")), 0);
        cache.learn(receiver(1), &resolution(&[addr(2)], 600), None, 0);
        for number in 0..8 * RESOLVED_OTHERS as u32 {
            let flood = resolution(&[IpAddr::from(number.to_be_bytes())], u32::MAX);
            cache.learn(receiver(2), &flood, Some(&name("other.test")), 1);
            cache.learn(receiver(2), &flood, None, 1);
        }
        assert_eq!(cache.find(client(1), addr(1), 2).filter(|known| known.own).count(), 1);
        assert!(cache.is_other(addr(2), 2));
    }

    #[test]
    fn the_kernel_hears_of_what_is_new_to_it() {
        let mut cache = DnsCache::new(RandomState::new());
        let pool = name("pool.test");
        let answer = resolution(&[addr(1)], DNS_TTL_MIN_SECONDS);
        assert!(cache.learn(receiver(1), &answer, Some(&pool), 0));
        assert!(!cache.learn(receiver(1), &answer, Some(&pool), 1), "it is known, and holds for long");
        assert!(
            cache.learn(receiver(1), &answer, Some(&pool), DNS_TTL_MIN_SECONDS - 10),
            "it would end soon"
        );
        assert!(cache.learn(receiver(2), &answer, Some(&pool), DNS_TTL_MIN_SECONDS - 10), "another client");
        assert!(cache.learn(receiver(2), &answer, None, DNS_TTL_MIN_SECONDS), "it is shared");
        assert!(!cache.learn(receiver(2), &answer, None, DNS_TTL_MIN_SECONDS + 1));
    }

    /// The same through the router's resolver, which is told of every name before its client.
    #[test]
    fn one_client_of_the_resolver_displaces_no_other_s_answers() {
        let mut cache = DnsCache::new(RandomState::new());
        let router = AnswerReceiver { client: addr(254), owner: ROUTER };
        let mut resolve = |by: AnswerReceiver, addr: IpAddr| {
            for receiver in [router, by] {
                cache.learn(receiver, &resolution(&[addr], 86_400), None, 0);
            }
        };
        resolve(receiver(1), addr(2));
        for number in 0..8 * RESOLVED_OTHERS as u32 {
            resolve(receiver(2), IpAddr::from(number.to_be_bytes()));
        }
        assert!(cache.is_other(addr(2), 2));
    }
}
