//! Prior knowledge of servers: lists of names and addresses, and the worth of a match.
//!
//! An [`Intel`] is immutable. It is built from lists ([`Builder`]) away from the packet path and swapped in
//! whole; looking up allocates nothing. Matching is by whole labels (`xmrpool.example` matches
//! `eu.xmrpool.example`, not `notxmrpool.example`) and by address prefix. Of several entries that match,
//! allow beats block, and block beats suspect.
//!
//! Forms of lists: [`list`]. What is known without any: [`builtin`].

pub(crate) mod builtin;
pub mod entry;
pub mod exemptions;
pub mod reputation;
pub(crate) mod list;
mod table;

use core::fmt;
use core::net::IpAddr;

use crate::limits::{INTEL_SOURCES, KERNEL_LISTED, NAME_BYTES};
use crate::net::cidr::Cidr;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;
use entry::{ListEntry, Pattern, Policy, Ports, What};
pub use table::EntryRule;
use table::Table;

/// Lists in force.
#[derive(Debug, Default)]
pub struct Intel {
    table: Table,
    /// Names of the lists, by [`EntryRule::source`].
    sources: Box<[Box<str>]>,
    /// Single addresses that an entry blocks, [`KERNEL_LISTED`] at most.
    blocked: Box<[BlockedAddress]>,
}

/// A single address that an entry of a list blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockedAddress {
    /// The address.
    pub addr: IpAddr,
    /// The ports that are meant.
    pub ports: Ports,
    /// The end of the entry, in seconds since 1970.
    pub expires: Option<u32>,
}

/// The entry that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListMatch<'a> {
    /// The action.
    pub policy: Policy,
    /// The ports that are meant.
    pub ports: Ports,
    /// The name or prefix that matched.
    pub by: By<'a>,
    /// The list that has the entry.
    pub source: &'a str,
}

/// The subject of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    /// This name, which the name in question is or lies under.
    Name(&'a str),
    /// This prefix.
    Net(Cidr),
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Name(name) => f.write_str(name),
            By::Net(net) => net.fmt(f),
        }
    }
}

/// An entry that matches, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The entry.
    pub entry: ListEntry,
    /// Name of the list.
    pub source: String,
    /// The entry still holds.
    pub holds: bool,
    /// The entry is the one that decides.
    pub decides: bool,
}

impl Intel {
    /// The entry that decides about the server called `name` at `port` (unknown: any port will do), at
    /// `now`, in seconds since 1970.
    pub fn by_name<'a>(&'a self, name: &'a HostName, port: Option<u16>, now: u64) -> Option<ListMatch<'a>> {
        let mut rules = self.table.names(name).map(|(name, rule)| (By::Name(name), rule));
        self.decide(&mut rules, port, now)
    }

    /// The entry that decides about `addr` at `port`, at `now`, in seconds since 1970.
    pub fn by_addr(&self, addr: IpAddr, port: Option<u16>, now: u64) -> Option<ListMatch<'_>> {
        let mut rules = self.table.nets(addr).map(|(net, rule)| (By::Net(net), rule));
        self.decide(&mut rules, port, now)
    }

    /// The match of an endpoint.
    pub fn by_address(&self, server: &Endpoint, now: u64) -> Option<ListMatch<'_>> {
        self.by_addr(server.addr(), Some(server.port()), now)
    }

    /// Every entry that matches, the deciding one first.
    pub fn explain(&self, what: &What, port: Option<u16>, now: u64) -> Vec<Explanation> {
        let rules: Vec<(What, EntryRule)> = match what {
            What::Name(name) => {
                let named = |(name, rule): (&str, EntryRule)| {
                    Some((What::Name(HostName::parse(name.as_bytes())?), rule))
                };
                self.table.names(name).filter_map(named).collect()
            }
            What::Net(net) => self.table.nets(net.addr()).map(|(net, rule)| (What::Net(net), rule)).collect(),
        };
        let mut explanations: Vec<Explanation> = rules
            .into_iter()
            .filter(|(_, rule)| rule.ports.contain(port))
            .map(|(what, rule)| Explanation {
                entry: ListEntry {
                    pattern: Pattern { what, ports: rule.ports },
                    policy: rule.policy,
                    expires: rule.expires,
                },
                source: self.source(rule).into(),
                holds: rule.holds(now),
                decides: false,
            })
            .collect();
        explanations
            .sort_by_key(|explanation| core::cmp::Reverse((explanation.holds, explanation.entry.policy)));
        if let Some(first) = explanations.first_mut() {
            first.decides = first.holds;
        }
        explanations
    }

    /// All entries, and the list of each, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = (ListEntry, &str)> {
        self.table.entries().filter_map(|(key, rule)| {
            let pattern = Pattern { what: table::what(key)?, ports: rule.ports };
            Some((ListEntry { pattern, policy: rule.policy, expires: rule.expires }, self.source(rule)))
        })
    }

    /// Single addresses that an entry blocks, as many as are kept for the kernel.
    pub fn blocked(&self) -> impl Iterator<Item = &BlockedAddress> {
        self.blocked.iter()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Names of the lists.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| &source[..])
    }

    // `dyn`: one copy for names and prefixes.
    fn decide<'a>(
        &'a self,
        rules: &mut dyn Iterator<Item = (By<'a>, EntryRule)>,
        port: Option<u16>,
        now: u64,
    ) -> Option<ListMatch<'a>> {
        let in_force = rules.filter(|(_, rule)| rule.ports.contain(port) && rule.holds(now));
        let (by, rule) = in_force.max_by_key(|(_, rule)| rule.policy)?;
        Some(ListMatch { policy: rule.policy, ports: rule.ports, by, source: self.source(rule) })
    }

    fn source(&self, rule: EntryRule) -> &str {
        self.sources.get(usize::from(rule.source)).map_or("", |source| source)
    }
}

impl EntryRule {
    fn holds(&self, now: u64) -> bool {
        self.expires.is_none_or(|end| u64::from(end) > now)
    }
}

/// Gathers entries; list by list, each whole or not at all.
#[derive(Debug)]
pub struct Builder {
    /// Records of one rule each, as [`table::push_record`] writes them.
    records: Vec<u8>,
    entries: u32,
    sources: Vec<Box<str>>,
    memory: usize,
    /// Bytes of the list at hand that found no room.
    left_out: usize,
}

/// There are more entries than memory for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Bytes that there may be.
    pub memory: usize,
    /// Bytes that would be enough.
    pub needed: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the lists together would need {} KiB, more than the {} KiB that option 'intel_memory' grants",
            self.needed.div_ceil(1_024),
            self.memory / 1_024
        )
    }
}

impl std::error::Error for TooLarge {}

/// A position in the work of a [`Builder`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    records: usize,
    entries: u32,
    sources: usize,
}

impl Builder {
    /// Nothing yet, and so many bytes for what comes. While it is built, it takes up to three times as much.
    pub fn new(memory: usize) -> Self {
        Builder { records: Vec::new(), entries: 0, sources: Vec::new(), memory, left_out: 0 }
    }

    /// Begins a list: the entries that follow are its.
    ///
    /// # Errors
    /// [`TooLarge`] if there are [`INTEL_SOURCES`] already.
    pub fn begin(&mut self, source: &str) -> Result<(), TooLarge> {
        if self.sources.len() >= INTEL_SOURCES {
            return Err(TooLarge { memory: self.memory, needed: self.records.len() });
        }
        self.sources.push(source.into());
        self.left_out = 0;
        Ok(())
    }

    /// Adds an entry to the list that was begun last.
    ///
    /// # Errors
    /// [`TooLarge`] where its bytes would be too many.
    pub fn add(&mut self, entry: &ListEntry) -> Result<(), TooLarge> {
        let rule = EntryRule {
            policy: entry.policy,
            ports: entry.pattern.ports,
            source: self.sources.len().saturating_sub(1) as u8,
            expires: entry.expires,
        };
        self.push(&table::key(&entry.pattern.what), &rule)
    }

    /// Adds the entries that `old` has of the list `source`.
    ///
    /// # Errors
    /// As [`Builder::begin`] and [`Builder::add`].
    pub fn keep(&mut self, old: &Intel, source: &str) -> Result<(), TooLarge> {
        self.begin(source)?;
        let number = self.sources.len().saturating_sub(1) as u8;
        for (key, rule) in old.table.entries().filter(|(_, rule)| old.source(*rule) == source) {
            self.push(key, &EntryRule { source: number, ..rule })?;
        }
        Ok(())
    }

    /// The present position, for [`Builder::undo`].
    pub fn mark(&self) -> Mark {
        Mark { records: self.records.len(), entries: self.entries, sources: self.sources.len() }
    }

    /// Forgets what has been added since `mark`.
    pub fn undo(&mut self, mark: Mark) {
        self.records.truncate(mark.records);
        self.sources.truncate(mark.sources);
        self.left_out = 0;
        self.entries = mark.entries;
    }

    /// Entries so far, those included that are there twice.
    pub fn len(&self) -> usize {
        self.entries as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Puts what there is into its final form; and tells how many rules of one and the same name or prefix
    /// were too many and have been left out.
    pub fn build(self) -> (Intel, u32) {
        let (table, left_out) = Table::build(&self.records);
        let blocked = (table.nets_of(Policy::Block)).filter(|(net, _)| net.is_host()).map(
            |(net, EntryRule { ports, expires, .. })| BlockedAddress { addr: net.addr(), ports, expires },
        );
        let blocked = blocked.take(KERNEL_LISTED).collect();
        (Intel { table, sources: self.sources.into_boxed_slice(), blocked }, left_out)
    }

    fn push(&mut self, key: &[u8], rule: &EntryRule) -> Result<(), TooLarge> {
        let before = self.records.len();
        if self.left_out > 0 || before + RECORD_MAX_BYTES > self.memory {
            // What follows is only measured.
            let mut record = Vec::new();
            table::push_record(&mut record, key, rule);
            self.left_out += record.len();
            let needed = before + RECORD_MAX_BYTES + self.left_out;
            return Err(TooLarge { memory: self.memory, needed });
        }
        table::push_record(&mut self.records, key, rule);
        self.entries += 1;
        Ok(())
    }
}

/// A record with one rule, and its bucket's share.
const RECORD_MAX_BYTES: usize = NAME_BYTES + 16;

#[cfg(test)]
mod tests;
