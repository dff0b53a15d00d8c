//! Built-in knowledge, without any list of the user's.

#[cfg(any(test, feature = "host"))]
use std::sync::Arc;
use std::sync::OnceLock;

use super::entry::{ListEntry, Policy};
use super::list::BadList;
use super::{Builder, Intel, TooLarge};

/// The list of pools, `builtin/pools.txt` as the build script shortens it: without comments, and with one line
/// for the two entries of a stratum host ([`in_full`]).
const POOLS: &str = include_str!(concat!(env!("OUT_DIR"), "/pools.txt"));
/// Addresses that many sites share: content delivery networks, large front ends, public resolvers.
const SHARED: &str = include_str!(concat!(env!("OUT_DIR"), "/shared.txt"));

/// The name of the list of pools.
const NAME: &str = "builtin";

/// Adds the list of pools, no entry of which is worth more than `at_most`.
///
/// # Errors
/// [`TooLarge`], if there is not enough memory for it.
pub(crate) fn add(builder: &mut Builder, at_most: Policy) -> Result<(), TooLarge> {
    builder.begin(NAME)?;
    for (entry, _) in read(NAME, &in_full(POOLS)).entries() {
        builder.add(&ListEntry { policy: entry.policy.min(at_most), ..entry })?;
    }
    Ok(())
}

/// The addresses that many sites share, as a list of its own: a match means a shared address.
///
/// # Panics
/// If the list that is part of the program can't be read, which a test rules out.
pub(crate) fn shared() -> &'static Intel {
    static READ: OnceLock<Intel> = OnceLock::new();
    READ.get_or_init(|| read("shared", SHARED))
}

/// The list of pools alone, as the program brings it.
///
/// # Panics
/// As [`shared`].
#[cfg(any(test, feature = "host"))]
pub(crate) fn pools() -> Arc<Intel> {
    static READ: OnceLock<Arc<Intel>> = OnceLock::new();
    READ.get_or_init(|| Arc::new(read(NAME, &in_full(POOLS)))).clone()
}

/// The list with both entries of each host that stands alone in its line: blocked at every port but the web's,
/// and a suspect there.
fn in_full(list: &str) -> String {
    let mut full = String::with_capacity(3 * list.len());
    for line in list.lines() {
        match line.contains(' ') {
            true => full.extend([line, "\n"]),
            false => full.extend([line, ":nonweb block\n", line, " suspect\n"]),
        }
    }
    full
}

fn read(name: &str, text: &str) -> Intel {
    let mut builder = Builder::new(usize::MAX);
    let read: Result<_, BadList> = builder.add_text(name, Policy::Block, text.as_bytes());
    read.expect("the list is part of the program");
    builder.build().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::entry::Ports;
    use crate::net::host_name::HostName;

    fn builtin(at_most: Policy) -> Intel {
        let mut builder = Builder::new(1 << 20);
        add(&mut builder, at_most).unwrap();
        builder.build().0
    }

    fn policy(intel: &Intel, name: &str, port: u16) -> Option<Policy> {
        let name = HostName::parse(name.as_bytes()).unwrap();
        intel.by_name(&name, Some(port), 0).map(|found| found.policy)
    }

    #[test]
    fn every_line_makes_sense_and_is_there_once() {
        for (text, name) in [(&in_full(POOLS)[..], NAME), (SHARED, "shared")] {
            let mut builder = Builder::new(1 << 20);
            let report = builder.add_text(name, Policy::Block, text.as_bytes()).unwrap();
            assert_eq!(report.warnings, [], "{name}");
            let (intel, left_out) = builder.build();
            assert_eq!((intel.len(), left_out), (report.entries as usize, 0), "{name} has something twice");
        }
        assert!(builtin(Policy::Block).bytes() < 16 * 1_024);
    }

    #[test]
    fn the_build_leaves_out_nothing_but_comments() {
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(lines(&in_full(POOLS)), lines(include_str!("builtin/pools.txt")));
        assert_eq!(lines(SHARED), lines(include_str!("builtin/shared.txt")));
    }

    #[test]
    fn pools_are_known_and_their_pages_are_nobody_s_business() {
        use Policy::{Block, Suspect};
        let intel = builtin(Block);
        for (name, port, expected) in [
            ("pool.supportxmr.com", 3333, Some(Block)),
            ("pool.supportxmr.com", 443, Some(Suspect)),
            ("supportxmr.com", 443, None),
            ("www.supportxmr.com", 80, None),
            ("xmr-eu1.nanopool.org", 10_343, Some(Block)),
            ("xmr.nanopool.org", 443, None),
            ("api.nanopool.org", 443, None),
            ("donate.v2.xmrig.com", 3333, Some(Block)),
            ("donate.ssl.xmrig.com", 443, Some(Suspect)),
            ("randomxmonero.auto.nicehash.com", 9200, Some(Block)),
            ("www.nicehash.com", 443, None),
            ("xmr.2miners.com", 2222, Some(Block)),
            ("xmr.2miners.com", 443, None),
            ("eu.stratum.braiins.com", 3333, Some(Block)),
            ("braiins.com", 443, None),
            ("example.com", 3333, None),
        ] {
            assert_eq!(policy(&intel, name, port), expected, "{name}:{port}");
        }
        // A person who reads a page is never cut off.
        assert!(
            intel.entries().all(|(entry, _)| entry.policy != Block || entry.pattern.ports == Ports::NonWeb)
        );
        assert_eq!(policy(&builtin(Suspect), "pool.supportxmr.com", 3333), Some(Suspect));
    }

    #[test]
    fn shared_addresses_are_known() {
        let shared = shared();
        let is_shared = |addr: &str| shared.by_addr(addr.parse().unwrap(), None, 0).is_some();
        assert!(is_shared("104.16.132.229") && is_shared("2606:4700::6810:84e5") && is_shared("1.1.1.1"));
        assert!(is_shared("151.101.1.69") && is_shared("142.250.74.36") && is_shared("140.82.121.4"));
        assert!(!is_shared("192.0.2.1") && !is_shared("203.0.113.9") && !is_shared("2001:db8::1"));
    }
}
