//! Names by which clients have lately called their servers.

use core::cmp::Reverse;
use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::limits::{NAMED_SESSIONS, NAMED_WAYS, PROBE_SNI_BYTES};
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use crate::util::bounded_cache::BoundedCache;
use crate::util::time::Stamp;

/// A name as it is kept: longer ones are kept as none.
pub(super) type KeptName = heapless::String<PROBE_SNI_BYTES>;

/// A set-associative cache under a keyed hash. In a full set the client with the most names makes room, with the one
/// longest unused.
#[derive(Debug)]
pub(super) struct SniCache<S> {
    names: BoundedCache<(IpAddr, Endpoint), Named, S>,
}

#[derive(Clone, Debug)]
struct Named {
    name: KeptName,
    used: Stamp,
    /// Keyed hash of the client whose share it takes.
    owner: u32,
}

impl<S: BuildHasher> SniCache<S> {
    /// A cache of [`NAMED_SESSIONS`] names, divided by `parts` (a power of two).
    pub(super) fn new(parts: usize, hasher: S) -> Self {
        let sets = (NAMED_SESSIONS / NAMED_WAYS / parts).max(1);
        SniCache { names: BoundedCache::with_sets(sets, NAMED_WAYS, hasher) }
    }

    /// `client`, whose share is that of `owner`, has called `server` by `name`, or by none.
    pub(super) fn learn(
        &mut self,
        client: IpAddr,
        owner: u32,
        server: Endpoint,
        name: Option<&HostName>,
        now: Stamp,
    ) {
        let name = name.and_then(|name| KeptName::try_from(name.as_str()).ok()).unwrap_or_default();
        let rank = |_: &(IpAddr, Endpoint), named: &Named| Reverse(now.millis_since(named.used));
        let named = Named { name, used: now, owner };
        self.names.insert_fairly((client, server), named, |_, named| named.owner, rank);
    }

    /// The name by which `client` last called `server`, if it did.
    pub(super) fn find(&self, client: IpAddr, server: &Endpoint) -> Option<&KeptName> {
        let named = self.names.get(&(client, *server))?;
        (!named.name.is_empty()).then_some(&named.name)
    }
}

const _: () = assert!((NAMED_SESSIONS / NAMED_WAYS).is_power_of_two());
const _: () = assert!(size_of::<((IpAddr, Endpoint), Named)>() <= 200);

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
        let mut names = SniCache::new(1, RandomState::new());
        names.learn(client(1), 1, server(1), Some(&name("a.example")), Stamp(0));
        assert_eq!(names.find(client(2), &server(1)), None);
        names.learn(client(1), 1, server(1), Some(&name("b.example")), Stamp(1));
        assert_eq!(names.find(client(1), &server(1)).map(|name| &name[..]), Some("b.example"));
        names.learn(client(1), 1, server(1), None, Stamp(2));
        assert_eq!(names.find(client(1), &server(1)), None);
    }

    #[test]
    fn a_name_too_long_to_keep_is_none() {
        let mut names = SniCache::new(1, RandomState::new());
        let long = [["a".repeat(63), "b".repeat(63)].join("."), "example".into()].join(".");
        names.learn(client(1), 1, server(1), Some(&name(&long)), Stamp(0));
        assert_eq!(names.find(client(1), &server(1)), None);
    }

    /// An entry that is still there is the one put in last; of one set the oldest goes.
    #[test]
    fn agrees_with_a_map() {
        let (mut names, mut reference) = (SniCache::new(1, RandomState::new()), HashMap::new());
        let mut random = Random::new(3);
        for step in 0..20_000 {
            let key = (client(random.below(4) as u8), server(random.below(16) as u8));
            let text = name(&format!("n{}.example", random.below(1_000)));
            names.learn(key.0, random.below(3), key.1, Some(&text), Stamp(step));
            reference.insert(key, text);
            let known = reference.get(&key).map(HostName::as_str);
            assert_eq!(names.find(key.0, &key.1).map(|name| &name[..]), known, "just put in");
            let other = (client(random.below(4) as u8), server(random.below(16) as u8));
            if let Some(found) = names.find(other.0, &other.1) {
                assert_eq!(Some(&found[..]), reference.get(&other).map(HostName::as_str));
            }
        }
    }

    /// One client calls servers by more names than there is room for; another's stays.
    #[test]
    fn one_client_displaces_no_other_s_names() {
        let mut names = SniCache::new(1, RandomState::new());
        names.learn(client(1), 1, server(1), Some(&name("a.example")), Stamp(0));
        for number in 0..8 * NAMED_SESSIONS as u32 {
            let server = Endpoint::new(IpAddr::from(number.to_be_bytes()), 443);
            names.learn(client(2), 2, server, Some(&name("b.example")), Stamp(1 + number));
        }
        assert_eq!(names.find(client(1), &server(1)).map(|name| &name[..]), Some("a.example"));
    }
}
