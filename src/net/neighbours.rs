//! Which hardware address a LAN address was last seen with.
//!
//! The packet that completes a proof may come from the pool, and then carries the upstream
//! router's hardware address; the infected host's was on the packets it sent before.

use core::hash::BuildHasher;
use core::net::IpAddr;

use crate::limits::NEIGHBOURS;

/// A direct-mapped cache: two hosts that meet in one place displace each other, nothing else.
#[derive(Debug)]
pub struct Neighbours<S> {
    entries: Box<[Option<Neighbour>]>,
    hasher: S,
}

/// A host's address, and the hardware address it sends from.
type Neighbour = (IpAddr, [u8; 6]);

impl<S: BuildHasher> Neighbours<S> {
    /// An empty cache of [`NEIGHBOURS`] entries.
    pub fn new(hasher: S) -> Self {
        Neighbours { entries: vec![None; NEIGHBOURS].into_boxed_slice(), hasher }
    }

    /// `addr` sent a packet from `hw_addr`; over a link without hardware addresses that is none.
    pub fn learn(&mut self, addr: IpAddr, hw_addr: Option<[u8; 6]>) {
        let place = self.place(addr);
        if let (Some(hw_addr), Some(entry)) = (hw_addr, self.entries.get_mut(place)) {
            *entry = Some((addr, hw_addr));
        }
    }

    /// The hardware address that `addr` last sent from.
    pub fn hw_addr(&self, addr: IpAddr) -> Option<[u8; 6]> {
        let (known, hw_addr) = (*self.entries.get(self.place(addr))?)?;
        (known == addr).then_some(hw_addr)
    }

    fn place(&self, addr: IpAddr) -> usize {
        self.hasher.hash_one(addr) as usize % NEIGHBOURS
    }
}

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
}
