//! Which listed names have lately led to which addresses, by the answers of name servers.
//!
//! An answer proves nothing: a host that runs malware may ask a name server of its own, and
//! be told that a bank's address is a pool's. So what an answer says is believed of the connections of the
//! host that got it, and of others only as a suspicion; an address that has been the answer for a name on no
//! list, too, is shared by both, and no connection to it is cut off for its address alone.

use core::hash::{BuildHasher, Hash, Hasher};
use core::net::IpAddr;

use super::session::Session;
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

/// The client that got an answer, the one that had asked under its address, and an address in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnswerKey {
    client: IpAddr,
    asker: u32,
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
    /// Keyed hash of the client that has asked: another one may have used the address for that.
    pub asker: u32,
    /// Keyed hash of the client whose share its entries take.
    pub owner: u32,
}

impl AnswerReceiver {
    /// The client at this address whose keyed hash is `owner`.
    pub(super) fn new(client: IpAddr, owner: u32) -> Self {
        AnswerReceiver { client, asker: owner, owner }
    }

    /// The client of `session`.
    pub(super) fn of(session: &Session) -> Self {
        AnswerReceiver::new(session.client().addr(), session.owner())
    }
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
        let AnswerReceiver { client, asker, owner } = receiver;
        let name = listed.map(|name| heapless::String::try_from(name.as_str()));
        let mut is_news = false;
        for &addr in &resolution.addrs {
            match &name {
                Some(Ok(name)) => {
                    let key = AnswerKey { client, asker, addr };
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

    /// The listed names that have led to `addr`, at second `now`, as `receiver` has to believe them.
    pub(super) fn find(
        &self,
        receiver: AnswerReceiver,
        addr: IpAddr,
        now: u32,
    ) -> impl Iterator<Item = Known<'_>> {
        let AnswerReceiver { client, asker, .. } = receiver;
        let set = self.listed.set_of(&AnswerKey { client, asker, addr });
        set.filter(move |(key, answer)| key.addr == addr && answer.until > now).map(move |(key, answer)| {
            Known { name: &answer.name, own: key.client == client && key.asker == asker }
        })
    }

    /// Those who were told addresses for listed names, these addresses and names, and the seconds left at `now`.
    pub(super) fn listed(&self, now: u32) -> impl Iterator<Item = (AnswerReceiver, IpAddr, &str, u32)> {
        let holding = self.listed.iter().filter(move |(_, answer)| answer.until > now);
        holding.map(move |(key, answer)| {
            let receiver = AnswerReceiver { client: key.client, asker: key.asker, owner: answer.owner };
            (receiver, key.addr, &answer.name[..], answer.until - now)
        })
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
const _: () = assert!(size_of::<(AnswerKey, CachedAnswer)>() <= 136 && size_of::<(u32, Other)>() <= 24);

#[cfg(test)]
mod tests;
