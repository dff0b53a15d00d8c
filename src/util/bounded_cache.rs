//! A map of fixed capacity that makes room by a named rule.
//!
//! Either one set, which is searched from one end to the other (some hundred entries at most), or many small
//! sets under a keyed hash, so that an attacker can't choose which entries meet. A full set evicts the entry of
//! the least rank, and the caller says what the rank is: the time of the last use, the end of validity, the
//! worth. Where clients compete, [`BoundedCache::insert_fairly`] takes the place from the client with the most
//! entries, so that one client never displaces the others.

use core::cmp::Reverse;
use core::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

/// A map of `K` to `V` with a fixed number of places.
#[derive(Clone, Debug)]
pub(crate) struct BoundedCache<K, V, S = OneSet> {
    /// With one set as many as are in use; else all places of all sets.
    places: Vec<Option<(K, V)>>,
    sets: usize,
    /// Places of a set.
    ways: usize,
    hasher: S,
}

impl<K: Hash + Eq, V> BoundedCache<K, V> {
    /// An empty cache with one set of `capacity` places; memory is taken as entries come.
    pub(crate) fn new(capacity: usize) -> Self {
        BoundedCache { places: Vec::new(), sets: 1, ways: capacity, hasher: OneSet::default() }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> BoundedCache<K, V, S> {
    /// An empty cache of `sets` (a power of two) times `ways` places, all of them allocated now.
    pub(crate) fn with_sets(sets: usize, ways: usize, hasher: S) -> Self {
        debug_assert!(sets.is_power_of_two());
        let places = core::iter::repeat_with(|| None).take(sets * ways).collect();
        BoundedCache { places, sets, ways, hasher }
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let at = self.position(key)?;
        self.places.get(at)?.as_ref().map(|(_, value)| value)
    }

    /// The value of `key`, to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.position(key)?;
        self.places.get_mut(at)?.as_mut().map(|(_, value)| value)
    }

    /// The same; `latest` is the place of the one that was asked for before, where it is looked for without a hash.
    pub(crate) fn get_mut_near(&mut self, key: &K, latest: &mut usize) -> Option<&mut V> {
        if self.entry(*latest).is_none_or(|(known, _)| known != key) {
            *latest = self.position(key)?;
        }
        self.places.get_mut(*latest)?.as_mut().map(|(_, value)| value)
    }

    /// Enters `value` under `key`; what made room for it, or its earlier value. A full set evicts the entry of
    /// the least `rank`.
    pub(crate) fn insert<R: Numbered>(
        &mut self,
        key: K,
        value: V,
        rank: impl Fn(&K, &V) -> R,
    ) -> Option<(K, V)> {
        let at = self.place(&key).unwrap_or_else(|full| full.least(&self.numbers(rank)));
        self.put(at, key, value)
    }

    /// Enters `value` under `key` only if a full set has an entry of lesser `rank`; the loser, which may be the
    /// newcomer itself, or the earlier value.
    pub(crate) fn offer<R: Numbered>(
        &mut self,
        key: K,
        value: V,
        rank: impl Fn(&K, &V) -> R,
    ) -> Option<(K, V)> {
        let at = match self.place(&key) {
            Ok(at) => at,
            Err(full) => {
                let of_newcomer = rank(&key, &value).number();
                let ranks = self.numbers(rank);
                let at = full.least(&ranks);
                if ranks(at).is_none_or(|least| least >= of_newcomer) {
                    return Some((key, value));
                }
                at
            }
        };
        self.put(at, key, value)
    }

    /// Enters `value` under `key`; what made room for it, or its earlier value. In a full set the `owner` with
    /// the most entries makes room, with its entry of the least `rank`: the newcomer's, unless another has at
    /// least two more.
    pub(crate) fn insert_fairly<O: Numbered, R: Numbered>(
        &mut self,
        key: K,
        value: V,
        owner: impl Fn(&K, &V) -> O,
        rank: impl Fn(&K, &V) -> R,
    ) -> Option<(K, V)> {
        let at = self.place(&key).unwrap_or_else(|full| {
            let newcomer = owner(&key, &value).number();
            full.least_of_greediest(newcomer, &self.numbers(owner), &self.numbers(rank))
        });
        self.put(at, key, value)
    }

    /// The value of `key`, made by `make` if there is none yet; a full set evicts the entry of the least `rank`.
    pub(crate) fn get_or_insert_with<R: Numbered>(
        &mut self,
        key: K,
        make: impl FnOnce() -> V,
        rank: impl Fn(&K, &V) -> R,
    ) -> Option<&mut V> {
        let at = match self.position(&key) {
            Some(at) => at,
            None => {
                let at = self.place(&key).unwrap_or_else(|full| full.least(&self.numbers(rank)));
                self.put(at, key, make());
                at
            }
        };
        self.places.get_mut(at)?.as_mut().map(|(_, value)| value)
    }

    /// Takes out the value of `key`.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.position(key)?;
        self.places.get_mut(at)?.take().map(|(_, value)| value)
    }

    /// All entries, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().flatten().map(|(key, value)| (key, value))
    }

    /// The entries of the set that `key` belongs to.
    pub(crate) fn set_of<'a>(&'a self, key: &K) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, S> {
        let PlaceSet { begin, end } = self.set(key);
        let set = self.places.get(begin..end).unwrap_or_default();
        set.iter().flatten().map(|(key, value)| (key, value))
    }

    /// Whether no place of a cache with one set has ever been taken, told at once.
    pub(crate) fn is_unused(&self) -> bool {
        self.places.is_empty()
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// The set of `key`.
    fn set(&self, key: &K) -> PlaceSet {
        if self.sets == 1 {
            return PlaceSet { begin: 0, end: self.places.len() };
        }
        let begin = (self.hasher.hash_one(key) as usize & (self.sets - 1)) * self.ways;
        PlaceSet { begin, end: begin + self.ways }
    }

    fn entry(&self, at: usize) -> Option<(&K, &V)> {
        self.places.get(at)?.as_ref().map(|(key, value)| (key, value))
    }

    /// What `number` says of the entry at a place; none where there is no entry.
    fn numbers<N: Numbered>(&self, number: impl Fn(&K, &V) -> N) -> impl Fn(usize) -> Option<u64> {
        move |at| self.entry(at).map(|(key, value)| number(key, value).number())
    }

    fn position(&self, key: &K) -> Option<usize> {
        self.set(key).first(&|at| self.entry(at).is_some_and(|(known, _)| known == key))
    }

    /// Place of `key`, or a place for it without eviction.
    fn place(&self, key: &K) -> Result<usize, PlaceSet> {
        let set = self.set(key);
        match self.position(key).or_else(|| set.first(&|at| self.entry(at).is_none())) {
            Some(at) => Ok(at),
            None if self.sets == 1 && set.end < self.ways => Ok(set.end),
            None => Err(set),
        }
    }

    fn put(&mut self, at: usize, key: K, value: V) -> Option<(K, V)> {
        if at == self.places.len() && at < self.sets * self.ways {
            self.places.push(None);
        }
        match self.places.get_mut(at) {
            Some(place) => place.replace((key, value)),
            // A cache without places keeps nothing.
            None => Some((key, value)),
        }
    }
}

/// A rank or an owner: numbers are compared by one copy of the rules for the caches of all types.
pub(crate) trait Numbered {
    /// Equal for what is equal, and greater for what is greater.
    fn number(self) -> u64;
}

impl Numbered for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl Numbered for u32 {
    fn number(self) -> u64 {
        self.into()
    }
}

impl Numbered for [u8; 6] {
    fn number(self) -> u64 {
        let [a, b, c, d, e, f] = self;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl<T: Numbered> Numbered for Reverse<T> {
    fn number(self) -> u64 {
        !self.0.number()
    }
}

impl Numbered for () {
    fn number(self) -> u64 {
        0
    }
}

/// The places of a set. The rules see places by number only, so that there is one copy of them in the program and
/// not one for each type of entry (15 KB on MIPS).
#[derive(Clone, Copy, Debug)]
struct PlaceSet {
    begin: usize,
    end: usize,
}

impl PlaceSet {
    fn first(self, is_it: &dyn Fn(usize) -> bool) -> Option<usize> {
        (self.begin..self.end).find(|&at| is_it(at))
    }

    /// The first of those that rank least.
    fn least(self, rank: &dyn Fn(usize) -> Option<u64>) -> usize {
        (self.begin..self.end).min_by_key(|&at| rank(at)).unwrap_or(self.begin)
    }

    /// The least of the owner that makes room for the newcomer.
    fn least_of_greediest(
        self,
        newcomer: u64,
        owner: &dyn Fn(usize) -> Option<u64>,
        rank: &dyn Fn(usize) -> Option<u64>,
    ) -> usize {
        let owners = || (self.begin..self.end).filter_map(owner);
        let count = |whose: u64| owners().filter(|&owner| owner == whose).count();
        let own = count(newcomer);
        let larger = |a: (usize, u64), b: (usize, u64)| if b.0 > a.0 { b } else { a };
        let theirs = match owners().map(|owner| (count(owner), owner)).reduce(larger) {
            Some((most, greediest)) if own == 0 || most > own + 1 => greediest,
            _ => newcomer,
        };
        let of_theirs = (self.begin..self.end).filter(|&at| owner(at) == Some(theirs));
        of_theirs.min_by_key(|&at| rank(at)).unwrap_or(self.begin)
    }
}

/// The hasher of a cache with one set, which needs none.
pub(crate) type OneSet = BuildHasherDefault<NoHash>;

/// Hashes everything to zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoHash;

impl Hasher for NoHash {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;
    use std::collections::HashMap;
    use std::hash::RandomState;

    /// Entries with their time of use, in a cache of four.
    fn filled(times: [u32; 4]) -> BoundedCache<u32, u32> {
        let mut cache = BoundedCache::new(4);
        for (key, time) in (0..).zip(times) {
            assert_eq!(cache.insert(key, time, |_, &time| time), None);
        }
        cache
    }

    #[test]
    fn a_full_set_evicts_the_least_rank() {
        let mut cache = filled([7, 3, 9, 5]);
        assert_eq!(cache.insert(10, 1, |_, &time| time), Some((1, 3)));
        assert_eq!(cache.insert(11, 8, |_, &time| time), Some((10, 1)));
        assert_eq!(cache.insert(11, 2, |_, &time| time), Some((11, 8)), "the earlier value");
        assert_eq!(cache.len(), 4);
    }

    #[test]
    fn an_offer_of_lesser_rank_is_refused() {
        let mut cache = filled([7, 3, 9, 5]);
        assert_eq!(cache.offer(10, 3, |_, &time| time), Some((10, 3)));
        assert_eq!(cache.offer(10, 4, |_, &time| time), Some((1, 3)));
        assert_eq!(cache.offer(10, 0, |_, &time| time), Some((10, 4)), "an entry is renewed in any case");
    }

    #[test]
    fn a_cache_without_places_keeps_nothing() {
        let mut none = BoundedCache::new(0);
        assert_eq!(none.insert(1, 1_u32, |_, &time: &u32| time), Some((1_u32, 1)));
        assert_eq!(none.insert_fairly(1, 1, |_, &time| time, |_, &time| time), Some((1, 1)));
        assert!(none.len() == 0 && none.get(&1).is_none());
    }

    #[test]
    fn what_is_taken_out_leaves_its_place() {
        let mut cache = filled([7, 3, 9, 5]);
        assert_eq!(cache.remove(&2), Some(9));
        assert_eq!(cache.insert(10, 1, |_, &time| time), None);
        assert_eq!(cache.len(), 4);
        assert_eq!(cache.get_or_insert_with(0, || 99, |_, &time| time), Some(&mut 7));
        assert_eq!(cache.get_or_insert_with(12, || 99, |_, &time| time), Some(&mut 99));
    }

    /// A client that fills the cache, and three that want a share: each gets a quarter, and keeps it.
    #[test]
    fn no_owner_displaces_the_others() {
        let mut cache = BoundedCache::new(16);
        let mut time = 0;
        let mut enter = |cache: &mut BoundedCache<(u8, u32), u32>, client: u8| {
            time += 1;
            cache.insert_fairly((client, time), time, |&(client, _), _| u32::from(client), |_, &time| time)
        };
        for _ in 0..40 {
            enter(&mut cache, 0);
        }
        for client in 1..=3 {
            for _ in 0..4 {
                assert_eq!(enter(&mut cache, client).map(|((loser, _), _)| loser), Some(0));
            }
        }
        for client in [0, 0, 0, 1, 2, 3, 0] {
            assert_eq!(enter(&mut cache, client).map(|((loser, _), _)| loser), Some(client));
        }
        for client in 0..=3 {
            assert_eq!(cache.iter().filter(|((owner, _), _)| *owner == client).count(), 4);
        }
        let newest = cache.iter().filter(|((owner, _), _)| *owner == 0).map(|(_, &time)| time).min();
        assert!(newest > Some(40), "of one owner the oldest makes room: {newest:?}");
    }

    /// A found value is the one entered last; the bounds hold.
    #[test]
    fn agrees_with_a_map() {
        let mut random = Random::new(11);
        let mut caches = (BoundedCache::with_sets(4, 4, RandomState::new()), BoundedCache::new(16));
        let mut reference = HashMap::new();
        for step in 0..20_000_u32 {
            let key = random.below(40);
            match random.below(4) {
                0 => {
                    let gone = (caches.0.remove(&key), caches.1.remove(&key));
                    let known = reference.remove(&key);
                    assert!([gone.0, gone.1].into_iter().flatten().all(|value| Some(value) == known));
                }
                1 => {
                    caches.0.insert(key, step, |_, &step| step);
                    caches.1.insert(key, step, |_, &step| step);
                    reference.insert(key, step);
                    assert_eq!((caches.0.get(&key), caches.1.get(&key)), (Some(&step), Some(&step)));
                }
                _ => {
                    let found = [caches.0.get(&key), caches.1.get(&key)];
                    assert!(found.into_iter().flatten().all(|value| Some(value) == reference.get(&key)));
                }
            }
            assert!(caches.0.len() <= 16 && caches.1.len() <= 16);
        }
    }
}
