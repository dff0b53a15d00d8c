//! Entries in as little memory as there can be: one run of bytes, and where each bucket of it begins.
//!
//! A keyed hash of a name or prefix picks a bucket; the few records in it are compared whole, so nothing
//! matches by a collision, and names that meet in one bucket can't be computed. There is no pointer
//! for an entry, only a quarter of one.
//!
//! A record is the length of its key, the length of its rules, the key, and the rules. A key is a name in its
//! text form, or [`V4`] or [`V6`] (which no name begins with), a prefix length and as many bytes as it
//! covers.

use core::cmp::Reverse;
use core::hash::{BuildHasher, Hasher};
use core::net::IpAddr;
use std::hash::RandomState;

use super::entry::{Policy, Ports, What};
use crate::net::cidr::Cidr;
use crate::net::host_name::HostName;

/// An immutable table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Offset of each bucket in `records`, and the end of the last one.
    starts: Box<[u32]>,
    records: Box<[u8]>,
    /// Prefix lengths that occur, a bit each.
    v4_lengths: u64,
    v6_lengths: [u128; 2],
    hasher: RandomState,
    entries: u32,
}

/// Rule for a key: all but the key of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryRule {
    /// Worth of a match.
    pub policy: Policy,
    /// Which ports are meant.
    pub ports: Ports,
    /// Which list says so: an index into the names of lists.
    pub source: u8,
    /// End of validity, in seconds since 1970.
    pub expires: Option<u32>,
}

/// A key in the form in which records have it.
pub(super) type EncodedKey = heapless::Vec<u8, KEY_BYTES>;

/// A name is the longest key.
pub(super) const KEY_BYTES: usize = crate::limits::NAME_BYTES;
/// Rules of one key: those of the longest form that fit in a byte's length.
pub(super) const RULES_OF_A_KEY: usize = 255 / RULE_MAX_BYTES;

/// First byte of a prefix's key.
const V4: u8 = 4;
const V6: u8 = 6;

/// Entries of one bucket, on average. Each more costs comparisons, each less a part of a pointer.
const BUCKET_ENTRIES: usize = 4;

impl Table {
    /// The table of `records`, each a key and its rules as [`push_record`] writes them, one rule each.
    /// What is there twice stays once; rules beyond [`RULES_OF_A_KEY`] are left out and counted, what is worth
    /// the least first.
    pub(super) fn build(unsorted: &[u8]) -> (Self, u32) {
        let mut table = Table::default();
        let mut order: Vec<(u32, u32)> = Vec::new();
        let buckets = records(unsorted).count().div_ceil(BUCKET_ENTRIES).max(1);
        let mut at = 0;
        for record in records(unsorted) {
            order.push((bucket(table.hash(record.key), buckets), at));
            at += record.bytes() as u32;
            table.note_length(record.key);
        }
        let record_at = |at: u32| records(unsorted.get(at as usize..).unwrap_or_default()).next();
        order.sort_unstable_by(|(bucket, at), (other_bucket, other_at)| {
            // Where there are too many for one key, what is worth the most stays.
            let parts =
                |at: u32| record_at(at).map(|record| (record.key, Reverse(record.policy()), record.rules));
            bucket.cmp(other_bucket).then_with(|| parts(*at).cmp(&parts(*other_at)))
        });
        let mut sorted: Vec<u8> = Vec::with_capacity(unsorted.len());
        let mut starts = Vec::with_capacity(buckets + 1);
        let (mut left_out, mut open): (u32, Option<Open<'_>>) = (0, None);
        for (bucket, at) in order {
            let Some(record) = record_at(at) else { continue };
            while starts.len() <= bucket as usize {
                starts.push(sorted.len() as u32);
            }
            match &mut open {
                Some(last) if last.key == record.key => {
                    if last.latest == record.rules {
                        continue;
                    }
                    if last.count == RULES_OF_A_KEY {
                        left_out += 1;
                        continue;
                    }
                    sorted.extend(record.rules);
                    if let Some(len) = sorted.get_mut(last.at + 1) {
                        *len += record.rules.len() as u8;
                    }
                    (last.latest, last.count) = (record.rules, last.count + 1);
                }
                _ => {
                    open = Some(Open { key: record.key, latest: record.rules, at: sorted.len(), count: 1 });
                    sorted.extend([record.key.len() as u8, record.rules.len() as u8]);
                    sorted.extend(record.key);
                    sorted.extend(record.rules);
                }
            }
            table.entries += 1;
        }
        while starts.len() <= buckets {
            starts.push(sorted.len() as u32);
        }
        table.starts = starts.into_boxed_slice();
        table.records = sorted.into_boxed_slice();
        (table, left_out)
    }

    /// The rules of every name that `name` is or lies under, with that name.
    pub(super) fn names<'a>(&'a self, name: &'a HostName) -> impl Iterator<Item = (&'a str, EntryRule)> {
        let mut hasher = self.hasher.build_hasher();
        name.domains().flat_map(move |domain| {
            hash_label(&mut hasher, domain.split('.').next().unwrap_or_default());
            self.find(hasher.finish(), domain.as_bytes()).map(move |rule| (domain, rule))
        })
    }

    /// The rules of every prefix that `addr` has, with that prefix.
    pub(super) fn nets(&self, addr: IpAddr) -> impl Iterator<Item = (Cidr, EntryRule)> {
        let addr = addr.to_canonical();
        let [lows, highs] = if addr.is_ipv4() { [self.v4_lengths.into(), 0] } else { self.v6_lengths };
        let lengths = RecordBits(lows).chain(RecordBits(highs).map(|bit| bit + 128));
        lengths.filter_map(move |len| Cidr::new(addr, len)).flat_map(|net| {
            let key = net_key(&net);
            self.find(self.hash(&key), &key).map(move |rule| (net, rule))
        })
    }

    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], EntryRule)> {
        records(&self.records).flat_map(|record| EntryRules(record.rules).map(move |rule| (record.key, rule)))
    }

    /// Prefixes with a rule of this policy. Names are passed over by their first byte.
    pub(super) fn nets_of(&self, policy: Policy) -> impl Iterator<Item = (Cidr, EntryRule)> {
        let is_net = |key: &[u8]| matches!(key, [V4 | V6, ..]);
        let rules = self.entries().filter(move |(key, rule)| is_net(key) && rule.policy == policy);
        rules.filter_map(|(key, rule)| match what(key)? {
            What::Net(net) => Some((net, rule)),
            What::Name(_) => None,
        })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries as usize
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.records.len() + size_of_val(&*self.starts)
    }

    fn find<'a>(&'a self, hash: u64, key: &[u8]) -> EntryRules<'a> {
        let buckets = self.starts.len().saturating_sub(1).max(1);
        let at = bucket(hash, buckets) as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        let bucket = range.and_then(|(start, end)| self.records.get(*start as usize..*end as usize));
        let found = records(bucket.unwrap_or_default()).find(|record| record.key == key);
        EntryRules(found.map_or(&[], |record| record.rules))
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        match core::str::from_utf8(key) {
            // Label by label from the right, so that the hash of a name goes on from that of its domain.
            Ok(name) if !matches!(key, [V4 | V6, ..]) => {
                name.rsplit('.').for_each(|label| hash_label(&mut hasher, label));
            }
            _ => hasher.write(key),
        }
        hasher.finish()
    }

    fn note_length(&mut self, key: &[u8]) {
        match key {
            [V4, len, ..] => self.v4_lengths |= 1 << (len & 63),
            [V6, len, ..] => {
                if let Some(lengths) = self.v6_lengths.get_mut(usize::from(len >> 7)) {
                    *lengths |= 1 << (len & 127);
                }
            }
            _ => {}
        }
    }
}

/// The record that more rules may still be added to.
struct Open<'a> {
    key: &'a [u8],
    latest: &'a [u8],
    /// Offset of the record.
    at: usize,
    count: usize,
}

fn hash_label(hasher: &mut impl Hasher, label: &str) {
    hasher.write(label.as_bytes());
    hasher.write_u8(b'.');
}

fn bucket(hash: u64, buckets: usize) -> u32 {
    (((hash >> 32) * buckets as u64) >> 32) as u32
}

/// The key of `what`.
pub(super) fn key(what: &What) -> EncodedKey {
    match what {
        // No name is longer than a key may be.
        What::Name(name) => EncodedKey::from_slice(name.as_str().as_bytes()).unwrap_or_default(),
        What::Net(net) => net_key(net),
    }
}

fn net_key(net: &Cidr) -> EncodedKey {
    let len = net.prefix_len();
    let covered = usize::from(len.div_ceil(8));
    let (family, octets) = match net.addr() {
        IpAddr::V4(v4) => (V4, v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => (V6, v6),
    };
    let octets = octets.octets().into_iter().skip(if family == V4 { 12 } else { 0 });
    [family, len].into_iter().chain(octets.take(covered)).collect()
}

/// Decodes `key`.
pub(super) fn what(key: &[u8]) -> Option<What> {
    let octets =
        |bytes: &[u8], into: &mut [u8]| into.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    let net = match key {
        [V4, len, covered @ ..] => {
            let mut addr = [0; 4];
            octets(covered, &mut addr);
            Cidr::new(addr.into(), *len)
        }
        [V6, len, covered @ ..] => {
            let mut addr = [0; 16];
            octets(covered, &mut addr);
            // A mapped address would have been an IPv4 key.
            Cidr::new(addr.into(), *len)
        }
        _ => return HostName::parse(key).map(What::Name),
    };
    net.map(What::Net)
}

/// Appends the record of `key` with one rule.
pub(super) fn push_record(records: &mut Vec<u8>, key: &[u8], rule: &EntryRule) {
    let rule = rule.encode();
    records.extend([key.len() as u8, rule.len() as u8]);
    records.extend(key);
    records.extend(&rule);
}

#[derive(Clone, Copy)]
pub(super) struct EncodedEntry<'a> {
    pub key: &'a [u8],
    pub rules: &'a [u8],
}

impl EncodedEntry<'_> {
    /// Policy of the first rule.
    fn policy(&self) -> Option<Policy> {
        EntryRules(self.rules).next().map(|rule| rule.policy)
    }

    fn bytes(&self) -> usize {
        2 + self.key.len() + self.rules.len()
    }
}

/// The records that `bytes` are.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = EncodedEntry<'_>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let [key_len, rules_len, behind @ ..] = rest else { return None };
        let (key, behind) = behind.split_at_checked((*key_len).into())?;
        let (rules, behind) = behind.split_at_checked((*rules_len).into())?;
        rest = behind;
        Some(EncodedEntry { key, rules })
    })
}

impl EntryRule {
    /// Policy (2 bits), kind of ports (2 bits), whether it ends (1 bit); the list; the port; the end.
    fn encode(&self) -> heapless::Vec<u8, RULE_MAX_BYTES> {
        let (kind, port) = match self.ports {
            Ports::Any => (0, None),
            Ports::NonWeb => (NON_WEB, None),
            Ports::One(port) => (ONE_PORT, Some(port)),
        };
        let ends = if self.expires.is_some() { ENDS } else { 0 };
        let port = port.into_iter().flat_map(u16::to_be_bytes);
        let expires = self.expires.into_iter().flat_map(u32::to_be_bytes);
        [self.policy as u8 | kind | ends, self.source].into_iter().chain(port).chain(expires).collect()
    }
}

const ONE_PORT: u8 = 4;
const NON_WEB: u8 = 8;
const ENDS: u8 = 16;
const RULE_MAX_BYTES: usize = 8;

/// Rules as a record has them.
#[derive(Clone, Copy)]
pub(super) struct EntryRules<'a>(pub &'a [u8]);

impl Iterator for EntryRules<'_> {
    type Item = EntryRule;

    fn next(&mut self) -> Option<EntryRule> {
        let (&[flags, source], mut rest) = self.0.split_first_chunk()?;
        let policy = *Policy::ALL.get(usize::from(flags & 3))?;
        let mut ports = if flags & NON_WEB == 0 { Ports::Any } else { Ports::NonWeb };
        if flags & ONE_PORT > 0 {
            let (port, behind) = rest.split_first_chunk()?;
            (ports, rest) = (Ports::One(u16::from_be_bytes(*port)), behind);
        }
        let mut expires = None;
        if flags & ENDS > 0 {
            let (end, behind) = rest.split_first_chunk()?;
            (expires, rest) = (Some(u32::from_be_bytes(*end)), behind);
        }
        self.0 = rest;
        Some(EntryRule { policy, ports, source, expires })
    }
}

/// The positions of the bits that are set.
struct RecordBits(u128);

impl Iterator for RecordBits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let lowest = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (lowest < u128::BITS).then_some(lowest as u8)
    }
}
