//! Step 3: bytes that wait for the rest of their message.
//!
//! Most messages come whole in one segment and are read in place. Only the beginning of a message
//! that is not complete, or a segment that overtook another one, is copied into a slot of a fixed
//! pool. A full pool takes the slot that was longest idle; its flow loses a message, not more.

use heapless::Vec;

use crate::limits::{ASSEMBLY_BYTES, ASSEMBLY_RUNS, ASSEMBLY_SLOTS};
use crate::net::direction::Direction;
use crate::net::five_tuple::FiveTuple;
use crate::util::time::Stamp;

/// The pool of slots.
#[derive(Debug)]
pub struct ReassemblyPool {
    slots: Box<[Slot]>,
    /// Slots taken from a flow that still needed them.
    pub taken_away: u32,
}

/// Where a direction's waiting bytes are: an index into the pool. The slot knows its owner, so a
/// stale index finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotIndex(u8);

const _: () = assert!(ASSEMBLY_SLOTS < u8::MAX as usize);
const _: () = assert!(ASSEMBLY_BYTES <= u16::MAX as usize);

impl Default for SlotIndex {
    /// No slot.
    fn default() -> Self {
        SlotIndex(u8::MAX)
    }
}

/// The waiting bytes of one direction of one flow, from sequence number `base` on.
#[derive(Clone, Debug)]
pub struct Slot {
    owner: Option<(FiveTuple, Direction)>,
    used: Stamp,
    base: u32,
    /// Which of `bytes` are there: sorted, apart from each other.
    runs: Vec<Run, ASSEMBLY_RUNS>,
    bytes: [u8; ASSEMBLY_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    start: u16,
    end: u16,
}

/// The bytes lie outside the slot, or in too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl ReassemblyPool {
    /// A pool of [`ASSEMBLY_SLOTS`] slots.
    pub fn new() -> Self {
        let empty =
            Slot { owner: None, used: Stamp(0), base: 0, runs: Vec::new(), bytes: [0; ASSEMBLY_BYTES] };
        ReassemblyPool { slots: vec![empty; ASSEMBLY_SLOTS].into_boxed_slice(), taken_away: 0 }
    }

    /// The slot at `index`, if it still belongs to `direction` of `key`.
    pub fn get(&mut self, index: SlotIndex, key: &FiveTuple, direction: Direction) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(index.0)).filter(|slot| slot.owner == Some((*key, direction)))
    }

    /// Takes a slot for `direction` of `key`, empty and beginning at sequence number `base`.
    pub fn claim(
        &mut self,
        key: &FiveTuple,
        direction: Direction,
        base: u32,
        now: Stamp,
    ) -> Option<SlotIndex> {
        let (index, slot) = self.slots.iter_mut().enumerate().max_by_key(|(_, slot)| match slot.owner {
            None => u32::MAX,
            Some(_) => now.millis_since(slot.used).min(u32::MAX - 1),
        })?;
        if slot.owner.is_some() {
            self.taken_away = self.taken_away.saturating_add(1);
        }
        slot.owner = Some((*key, direction));
        slot.used = now;
        slot.base = base;
        slot.runs.clear();
        Some(SlotIndex(index as u8))
    }

    /// Frees the slot at `index`, if it still belongs to `direction` of `key`.
    pub fn release(&mut self, index: SlotIndex, key: &FiveTuple, direction: Direction) {
        if let Some(slot) = self.get(index, key, direction) {
            slot.owner = None;
        }
    }

    /// Slots in use.
    pub fn in_use(&self) -> usize {
        self.slots.iter().filter(|slot| slot.owner.is_some()).count()
    }
}

impl Default for ReassemblyPool {
    fn default() -> Self {
        ReassemblyPool::new()
    }
}

impl Slot {
    /// The bytes from `base` on, up to the first hole.
    pub fn head(&self) -> &[u8] {
        match self.runs.first() {
            Some(run) if run.start == 0 => self.bytes.get(..usize::from(run.end)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Sequence number of the first byte held or awaited.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Sequence number behind the bytes of [`Slot::head`].
    pub fn head_end(&self) -> u32 {
        self.base.wrapping_add(self.head().len() as u32)
    }

    /// Whether bytes wait behind a hole.
    pub fn has_hole(&self) -> bool {
        self.runs.last().is_some_and(|run| usize::from(run.end) > self.head().len())
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Puts `bytes` at sequence number `seq`; of bytes that were there already the first ones
    /// stay. Answers whether any was new.
    ///
    /// # Errors
    /// [`NoRoom`] where they don't fit; nothing is stored then.
    pub fn put(&mut self, seq: u32, bytes: &[u8], now: Stamp) -> Result<bool, NoRoom> {
        self.used = now;
        let start = seq.wrapping_sub(self.base) as usize;
        let end = start.checked_add(bytes.len()).filter(|&end| end <= ASSEMBLY_BYTES).ok_or(NoRoom)?;
        let added = Run { start: start as u16, end: end as u16 };
        let (runs, covered) = self.merged(added)?;
        if covered {
            return Ok(false);
        }
        let mut from = start;
        for run in &self.runs {
            let (run_start, run_end) = (usize::from(run.start), usize::from(run.end));
            if run_end > from && run_start < end {
                self.bytes.copy_from(bytes, start, from, run_start);
                from = run_end;
            }
        }
        self.bytes.copy_from(bytes, start, from, end);
        self.runs = runs;
        Ok(true)
    }

    /// Drops the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(ASSEMBLY_BYTES);
        self.bytes.copy_within(count.., 0);
        self.base = self.base.wrapping_add(count as u32);
        let count = count as u16;
        self.runs.retain_mut(|run| {
            run.start = run.start.saturating_sub(count);
            run.end = run.end.saturating_sub(count);
            run.start < run.end
        });
    }

    /// Gives up what is missing: the bytes behind the first hole become the head.
    pub fn skip_hole(&mut self) {
        self.consume(self.head().len());
        if let Some(run) = self.runs.first() {
            self.consume(usize::from(run.start));
        }
    }

    /// The runs with `added` among them, and whether it adds nothing.
    fn merged(&self, added: Run) -> Result<(Vec<Run, ASSEMBLY_RUNS>, bool), NoRoom> {
        if added.start == added.end
            || self.runs.iter().any(|run| run.start <= added.start && added.end <= run.end)
        {
            return Ok((Vec::new(), true));
        }
        let mut runs = Vec::new();
        let mut added = added;
        let mut placed = false;
        for run in &self.runs {
            if run.end < added.start {
                runs.push(*run).map_err(|_| NoRoom)?;
            } else if run.start > added.end {
                if !placed {
                    runs.push(added).map_err(|_| NoRoom)?;
                    placed = true;
                }
                runs.push(*run).map_err(|_| NoRoom)?;
            } else {
                added = Run { start: added.start.min(run.start), end: added.end.max(run.end) };
            }
        }
        if !placed {
            runs.push(added).map_err(|_| NoRoom)?;
        }
        Ok((runs, false))
    }
}

/// Copies within bounds, or not at all.
trait CopyFrom {
    /// Copies the part `from..to` of a source that begins at `start`.
    fn copy_from(&mut self, source: &[u8], start: usize, from: usize, to: usize);
}

impl CopyFrom for [u8; ASSEMBLY_BYTES] {
    fn copy_from(&mut self, source: &[u8], start: usize, from: usize, to: usize) {
        let to = to.min(start + source.len());
        if let (Some(target), Some(source)) = (
            self.get_mut(from.min(to)..to),
            source.get(from.min(to).saturating_sub(start)..to.saturating_sub(start)),
        ) && target.len() == source.len()
        {
            target.copy_from_slice(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::endpoint::Endpoint;
    use core::net::Ipv4Addr;

    const NOW: Stamp = Stamp(0);
    const UP: Direction = Direction::ToServer;

    fn key(port: u16) -> FiveTuple {
        FiveTuple::new(Endpoint::from((Ipv4Addr::LOCALHOST, port)), Endpoint::from((Ipv4Addr::LOCALHOST, 1)))
    }

    fn slot(base: u32) -> Slot {
        let mut pool = ReassemblyPool::new();
        let index = pool.claim(&key(2), UP, base, NOW).unwrap();
        pool.get(index, &key(2), UP).unwrap().clone()
    }

    #[test]
    fn a_hole_is_filled() {
        let mut slot = slot(u32::MAX - 1);
        assert_eq!(slot.put(2, b"ef", NOW), Ok(true));
        assert_eq!((slot.head(), slot.has_hole()), (&b""[..], true));
        assert_eq!(slot.put(u32::MAX - 1, b"abcd", NOW), Ok(true));
        assert_eq!((slot.head(), slot.has_hole()), (&b"abcdef"[..], false));
        slot.consume(3);
        assert_eq!((slot.head(), slot.base()), (&b"def"[..], 1));
    }

    #[test]
    fn the_first_bytes_stay_where_segments_contradict_each_other() {
        let mut slot = slot(0);
        assert_eq!(slot.put(2, b"cd", NOW), Ok(true));
        assert_eq!(slot.put(0, b"ABCDEF", NOW), Ok(true));
        assert_eq!(slot.head(), b"ABcdEF");
        assert_eq!(slot.put(1, b"xxx", NOW), Ok(false));
    }

    #[test]
    fn a_hole_that_stays_is_given_up() {
        let mut slot = slot(100);
        slot.put(100, b"ab", NOW).unwrap();
        slot.put(110, b"yz", NOW).unwrap();
        slot.skip_hole();
        assert_eq!((slot.head(), slot.base()), (&b"yz"[..], 110));
    }

    #[test]
    fn what_does_not_fit_leaves_the_slot_as_it_was() {
        let mut slot = slot(0);
        assert_eq!(slot.put(1, &[0; ASSEMBLY_BYTES], NOW), Err(NoRoom));
        for run in 0..ASSEMBLY_RUNS as u32 {
            assert_eq!(slot.put(10 + run * 10, b"x", NOW), Ok(true));
        }
        assert_eq!(slot.put(5, b"x", NOW), Err(NoRoom));
        assert_eq!(slot.put(u32::MAX, b"before the base", NOW), Err(NoRoom));
    }

    #[test]
    fn a_full_pool_takes_the_slot_longest_idle() {
        let mut pool = ReassemblyPool::new();
        let mut indices = std::vec::Vec::new();
        for flow in 0..ASSEMBLY_SLOTS as u16 {
            let index = pool.claim(&key(flow), UP, 0, Stamp(u32::from(flow) + 1)).unwrap();
            indices.push(index);
        }
        let newest = pool.claim(&key(999), UP, 0, Stamp(1_000)).unwrap();
        assert_eq!((newest, pool.taken_away), (indices[0], 1));
        assert!(pool.get(indices[0], &key(0), UP).is_none());
        pool.release(newest, &key(999), UP);
        assert_eq!(pool.in_use(), ASSEMBLY_SLOTS - 1);
    }

    /// Random puts and consumes against a map from offset to byte.
    #[test]
    fn agrees_with_a_map_of_bytes() {
        let mut random = crate::util::random::Random::new(11);
        for _ in 0..300 {
            let mut slot = slot(0);
            let mut twin = std::collections::BTreeMap::new();
            let mut base = 0u32;
            for _ in 0..60 {
                let seq = base + random.below(40);
                let bytes: std::vec::Vec<u8> =
                    (0..random.below(12)).map(|_| random.below(256) as u8).collect();
                if slot.put(seq, &bytes, NOW).is_ok() {
                    for (offset, byte) in bytes.iter().enumerate() {
                        twin.entry(seq + offset as u32).or_insert(*byte);
                    }
                }
                let head: std::vec::Vec<u8> = (base..).map_while(|at| twin.get(&at).copied()).collect();
                assert_eq!(slot.head(), head);
                assert_eq!(slot.has_hole(), twin.len() > head.len());
                let gone = random.below(head.len() as u32 + 1);
                slot.consume(gone as usize);
                base += gone;
                twin.retain(|at, _| *at >= base);
            }
        }
    }
}
