//! Names by which clients have lately called their servers.

use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::limits::{NAMED_SESSIONS, NAMED_WAYS, PROBE_SNI_BYTES};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::util::time::Stamp;

/// A name as it is kept: longer ones are kept as none.
pub type KeptName = heapless::String<PROBE_SNI_BYTES>;

/// A set-associative cache under a keyed hash: of one set, the name longest unused makes room.
#[derive(Debug)]
pub(super) struct SniCache<S> {
    sets: Box<[[Option<NamedServer>; NAMED_WAYS]]>,
    hasher: S,
}

#[derive(Clone, Debug)]
struct NamedServer {
    client: IpAddr,
    server: Endpoint,
    name: KeptName,
    used: Stamp,
}

impl<S: BuildHasher> SniCache<S> {
    /// A cache of [`NAMED_SESSIONS`] names.
    pub fn new(hasher: S) -> Self {
        let sets = vec![[const { None }; NAMED_WAYS]; NAMED_SESSIONS / NAMED_WAYS].into_boxed_slice();
        SniCache { sets, hasher }
    }

    /// `client` has called `server` by `name`, or by none.
    pub fn learn(&mut self, client: IpAddr, server: Endpoint, name: Option<&HostName>, now: Stamp) {
        let place = self.place(client, &server);
        let Some(set) = self.sets.get_mut(place) else { return };
        let name = name.and_then(|name| KeptName::try_from(name.as_str()).ok()).unwrap_or_default();
        let is_same =
            |way: &Option<NamedServer>| way.as_ref().is_some_and(|entry| entry.is_of(client, &server));
        let way = set.iter().position(is_same).or_else(|| {
            // An empty way first, then the oldest.
            let age = |way: &Option<NamedServer>| {
                way.as_ref().map_or(u32::MAX, |entry| now.millis_since(entry.used))
            };
            set.iter().enumerate().max_by_key(|(_, way)| age(way)).map(|(at, _)| at)
        });
        if let Some(way) = way.and_then(|way| set.get_mut(way)) {
            *way = Some(NamedServer { client, server, name, used: now });
        }
    }

    /// The name by which `client` last called `server`, if it did.
    pub fn find(&self, client: IpAddr, server: &Endpoint) -> Option<&KeptName> {
        let set = self.sets.get(self.place(client, server))?;
        let entry = set.iter().flatten().find(|entry| entry.is_of(client, server))?;
        (!entry.name.is_empty()).then_some(&entry.name)
    }

    fn place(&self, client: IpAddr, server: &Endpoint) -> usize {
        self.hasher.hash_one((client, server)) as usize & (self.sets.len() - 1)
    }
}

impl NamedServer {
    fn is_of(&self, client: IpAddr, server: &Endpoint) -> bool {
        self.client == client && self.server == *server
    }
}

const _: () = assert!((NAMED_SESSIONS / NAMED_WAYS).is_power_of_two());
const _: () = assert!(size_of::<Option<NamedServer>>() <= 192);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;
    use std::collections::HashMap;
    use std::hash::RandomState;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, number])
    }

    fn server(number: u8) -> Endpoint {
        Endpoint::new(IpAddr::from([192, 0, 2, number]), 443)
    }

    fn name(text: &str) -> HostName {
        HostName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_that_of_its_client_and_the_latest_counts() {
        let mut names = SniCache::new(RandomState::new());
        names.learn(client(1), server(1), Some(&name("a.example")), Stamp(0));
        assert_eq!(names.find(client(2), &server(1)), None);
        names.learn(client(1), server(1), Some(&name("b.example")), Stamp(1));
        assert_eq!(names.find(client(1), &server(1)).map(|name| &name[..]), Some("b.example"));
        names.learn(client(1), server(1), None, Stamp(2));
        assert_eq!(names.find(client(1), &server(1)), None);
    }

    #[test]
    fn a_name_too_long_to_keep_is_none() {
        let mut names = SniCache::new(RandomState::new());
        let long = [["a".repeat(63), "b".repeat(63)].join("."), "example".into()].join(".");
        names.learn(client(1), server(1), Some(&name(&long)), Stamp(0));
        assert_eq!(names.find(client(1), &server(1)), None);
    }

    /// An entry that is still there is the one put in last; of one set the oldest goes.
    #[test]
    fn agrees_with_a_map() {
        let (mut names, mut twin) = (SniCache::new(RandomState::new()), HashMap::new());
        let mut random = Random::new(3);
        for step in 0..20_000 {
            let key = (client(random.below(4) as u8), server(random.below(16) as u8));
            let text = name(&format!("n{}.example", random.below(1_000)));
            names.learn(key.0, key.1, Some(&text), Stamp(step));
            twin.insert(key, text);
            let known = twin.get(&key).map(HostName::as_str);
            assert_eq!(names.find(key.0, &key.1).map(|name| &name[..]), known, "just put in");
            let other = (client(random.below(4) as u8), server(random.below(16) as u8));
            if let Some(found) = names.find(other.0, &other.1) {
                assert_eq!(Some(&found[..]), twin.get(&other).map(HostName::as_str));
            }
        }
    }
}
