//! The host that a packet is tied to: its hardware address, its address and its lease must agree.
//!
//! Any host of a network can send packets with the address of another one. The hardware address is the tie that is
//! closest to the packet, so where it is not that of the address's lease, the lease's host is not accused.

use std::net::IpAddr;
use std::path::PathBuf;

use super::leases::{self, Lease};
use crate::util::named::named;

named! {
    /// Certainty about the identity of the accused host.
    pub(crate) enum Identity {
        /// Hardware address, address and lease agree.
        Confirmed = "confirmed",
        /// There is no hardware address or no lease to compare with.
        Unconfirmed = "unconfirmed",
        /// The lease of the address belongs to another hardware address.
        Conflict = "conflict",
    }
}

/// A host as far as the leases tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accused {
    /// Certainty of the identity.
    pub identity: Identity,
    /// Name of the host.
    pub name: Option<String>,
}

/// The host behind `addr` and `mac`, by the leases in `files`.
pub(crate) fn accused(files: &[PathBuf], addr: IpAddr, mac: Option<[u8; 6]>) -> Accused {
    identify(&leases::read(files), addr, mac)
}

fn identify(leases: &[Lease], addr: IpAddr, mac: Option<[u8; 6]>) -> Accused {
    let of_addr = leases.iter().find(|lease| lease.addrs.contains(&addr));
    let of_mac = mac.and_then(|mac| leases.iter().find(|lease| lease.mac == Some(mac)));
    let identity = match (mac, of_addr.and_then(|lease| lease.mac)) {
        (Some(mac), Some(leased)) if mac == leased => Identity::Confirmed,
        (Some(_), Some(_)) => Identity::Conflict,
        _ => Identity::Unconfirmed,
    };
    // An IPv6 address of the host's own choice has no lease, or one without a name.
    let of_addr = of_addr.filter(|_| identity != Identity::Conflict);
    let name = [of_addr, of_mac].into_iter().flatten().find_map(|lease| lease.name.clone());
    Accused { identity, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: [u8; 6] = [2, 0, 0x5e, 0x10, 0, 1];
    const INTRUDER: [u8; 6] = [2, 0, 0x5e, 0x10, 0, 2];

    fn leases() -> Vec<Lease> {
        let text = "1 02:00:5e:10:00:01 192.168.1.50 laptop *\n1 02:00:5e:10:00:02 192.168.1.51 tv *\n";
        text.lines().filter_map(leases::parse).collect()
    }

    fn of(addr: [u8; 4], mac: Option<[u8; 6]>) -> (Identity, Option<String>) {
        let Accused { identity, name } = identify(&leases(), addr.into(), mac);
        (identity, name)
    }

    #[test]
    fn a_lease_is_confirmed_by_the_hardware_address() {
        let laptop = Some("laptop".to_owned());
        assert_eq!(of([192, 168, 1, 50], Some(LAPTOP)), (Identity::Confirmed, laptop.clone()));
        assert_eq!(of([192, 168, 1, 50], None), (Identity::Unconfirmed, laptop.clone()));
        assert_eq!(
            of([192, 168, 1, 99], Some(LAPTOP)),
            (Identity::Unconfirmed, laptop),
            "an address without a lease"
        );
    }

    /// Its IPv6 address has no lease, or one without a name and MAC.
    #[test]
    fn a_host_of_ipv6_has_the_name_of_its_hardware_address() {
        let of = |text: &str| {
            let leases: Vec<Lease> = text.lines().filter_map(leases::parse).collect();
            identify(&leases, "2001:db8::50".parse().unwrap(), Some(LAPTOP)).name
        };
        let of_ipv4 = "1 02:00:5e:10:00:01 192.168.1.50 laptop *\n";
        assert_eq!(of(of_ipv4).as_deref(), Some("laptop"));
        let nameless = format!("# br-lan 0001 2c0e - 1763790000 50 128 2001:db8::50/128\n{of_ipv4}");
        assert_eq!(of(&nameless).as_deref(), Some("laptop"));
    }

    /// A second host uses the address of the laptop.
    #[test]
    fn a_spoofed_neighbour_is_not_accused() {
        assert_eq!(of([192, 168, 1, 50], Some(INTRUDER)), (Identity::Conflict, Some("tv".to_owned())));
        assert_eq!(of([192, 168, 1, 50], Some([2; 6])), (Identity::Conflict, None));
    }
}
