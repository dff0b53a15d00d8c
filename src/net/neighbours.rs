//! Which hardware address a LAN address was last seen with.
//!
//! The packet that completes a proof may come from the pool, and then carries the upstream
//! router's hardware address; the infected host's was on the packets it sent before.

use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::limits::NEIGHBOURS;
use crate::util::bounded_cache::BoundedCache;

/// A set-associative cache under a keyed hash. In a full set the hardware address with the most entries makes room, so
/// that a host which uses many addresses displaces its own.
#[derive(Debug)]
pub(crate) struct Neighbours<S> {
    entries: BoundedCache<IpAddr, [u8; 6], S>,
}

impl<S: BuildHasher> Neighbours<S> {
    /// An empty cache of [`NEIGHBOURS`] entries.
    pub(crate) fn new(hasher: S) -> Self {
        Neighbours { entries: BoundedCache::with_sets(NEIGHBOURS / WAYS, WAYS, hasher) }
    }

    /// `addr` sent a packet from `hw_addr`; over a link without hardware addresses that is none.
    pub(crate) fn learn(&mut self, addr: IpAddr, hw_addr: Option<[u8; 6]>) {
        if let Some(hw_addr) = hw_addr {
            self.entries.insert_fairly(addr, hw_addr, |_, hw_addr| *hw_addr, |_, _| ());
        }
    }

    /// The hardware address that `addr` last sent from.
    pub(crate) fn hw_addr(&self, addr: IpAddr) -> Option<[u8; 6]> {
        self.entries.get(&addr).copied()
    }
}

/// Entries of a set.
const WAYS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::RandomState;

    #[test]
    fn the_latest_address_counts_and_strangers_are_unknown() {
        let mut neighbours = Neighbours::new(RandomState::new());
        let host = IpAddr::from([192, 168, 1, 50]);
        neighbours.learn(host, Some([1; 6]));
        neighbours.learn(host, Some([2; 6]));
        neighbours.learn(host, None);
        assert_eq!(neighbours.hw_addr(host), Some([2; 6]));
        assert_eq!(neighbours.hw_addr(IpAddr::from([192, 168, 1, 51])), None);
    }

    #[test]
    fn a_host_with_many_addresses_displaces_its_own() {
        let mut neighbours = Neighbours::new(RandomState::new());
        let host = IpAddr::from([192, 168, 1, 50]);
        neighbours.learn(host, Some([1; 6]));
        for number in 0..20_000_u32 {
            neighbours.learn(IpAddr::from((0x0a00_0000 + number).to_be_bytes()), Some([2; 6]));
        }
        assert_eq!(neighbours.hw_addr(host), Some([1; 6]));
    }
}
