//! Step 3: bytes that wait for the rest of their message, and bytes that wait to be acknowledged.
//!
//! Most messages come whole in one segment and are read in place. The beginning of a message that is not complete, or
//! a segment that overtook another one, is copied into a slot of a fixed pool. A slot also keeps bytes that have been
//! read, until their receiver has acknowledged them: only so can it be told whether a segment brings the same bytes.
//!
//! **Eviction.** A full pool gives up, in this order: a slot with nothing but read bytes, the longest idle; of the
//! client with the most slots, which may be the newcomer's own, the longest idle. Its flow loses a message, not more.

mod copy_from;

use heapless::Vec;

use crate::limits::{ASSEMBLY_BYTES, ASSEMBLY_RUNS, ASSEMBLY_SLOTS};
use crate::net::direction::Direction;
use crate::net::five_tuple::FiveTuple;
use crate::util::time::Stamp;
use copy_from::CopyFrom;

/// The pool of slots.
#[derive(Debug)]
pub struct ReassemblyPool {
    /// Apart from the bytes, so that a search for room stays within a few cache lines.
    places: Box<[PoolPlace]>,
    /// Those that were in use at some time; room for all is taken at the start, and the lowest index goes first.
    slots: std::vec::Vec<Slot>,
    free: Vec<SlotIndex, ASSEMBLY_SLOTS>,
    /// Slots taken from a flow that still needed them.
    pub taken_away: u32,
}

/// Place of a direction's waiting bytes: an index into the pool. The slot knows its owner, so a
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

/// The right to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolClaim {
    /// The flow.
    pub key: FiveTuple,
    /// Direction of the bytes.
    pub direction: Direction,
    /// Keyed hash of the client whose share it counts for.
    pub client: u32,
}

/// The owner of a slot.
#[derive(Clone, Copy, Debug)]
struct PoolPlace {
    owner: Option<PoolClaim>,
    used: Stamp,
    /// Bytes that are not read yet lie in the slot.
    waits: bool,
}

/// The bytes of one direction of one flow, from sequence number `base` on.
#[derive(Clone, Debug)]
pub struct Slot {
    base: u32,
    /// Leading bytes that have been read, and are kept for comparison.
    read: u16,
    /// The parts of `bytes` that are there: sorted, apart from each other.
    runs: Vec<ByteRun, ASSEMBLY_RUNS>,
    bytes: [u8; ASSEMBLY_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ByteRun {
    start: u16,
    end: u16,
}

/// The bytes lie outside the slot, or in too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl ReassemblyPool {
    /// A pool of so many slots, at most [`ASSEMBLY_SLOTS`].
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.min(ASSEMBLY_SLOTS);
        let nobody = PoolPlace { owner: None, used: Stamp(0), waits: false };
        ReassemblyPool {
            places: vec![nobody; capacity].into_boxed_slice(),
            slots: std::vec::Vec::with_capacity(capacity),
            free: (0..capacity as u8).rev().map(SlotIndex).collect(),
            taken_away: 0,
        }
    }

    /// The slot at `index`, if it still belongs to `direction` of `key`.
    pub fn get(&mut self, index: SlotIndex, key: &FiveTuple, direction: Direction) -> Option<&mut Slot> {
        let at = usize::from(index.0);
        let owner = self.places.get(at)?.owner.as_ref()?;
        if owner.direction == direction && owner.key == *key { self.slots.get_mut(at) } else { None }
    }

    /// Takes a slot, empty and beginning at sequence number `base`, for bytes that wait.
    pub fn claim(&mut self, claim: PoolClaim, base: u32, now: Stamp) -> Option<SlotIndex> {
        let index =
            self.free.pop().or_else(|| self.evict_read(now)).or_else(|| self.evict_from_largest(claim, now));
        self.hand_out(index?, claim, base, true, now)
    }

    /// Takes a slot for bytes that have been read, if that costs no flow a message.
    pub fn claim_for_read(&mut self, claim: PoolClaim, base: u32, now: Stamp) -> Option<SlotIndex> {
        let index = self.free.pop().or_else(|| self.evict_read(now));
        self.hand_out(index?, claim, base, false, now)
    }

    /// The slot at `index` was used at `now`, and holds bytes that wait, or none.
    pub fn note(&mut self, index: SlotIndex, waits: bool, now: Stamp) {
        if let Some(place) = self.places.get_mut(usize::from(index.0)) {
            (place.waits, place.used) = (waits, now);
        }
    }

    /// Frees the slot at `index`, if it still belongs to `direction` of `key`.
    pub fn release(&mut self, index: SlotIndex, key: &FiveTuple, direction: Direction) {
        if self.get(index, key, direction).is_some()
            && let Some(place) = self.places.get_mut(usize::from(index.0))
        {
            place.owner = None;
            // There is room for every slot.
            let _ = self.free.push(index);
        }
    }

    /// Slots in use.
    pub fn in_use(&self) -> usize {
        self.capacity() - self.free.len()
    }

    /// Slots there are.
    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Slots with bytes that wait for others.
    pub fn waiting(&self) -> usize {
        self.places.iter().filter(|place| place.owner.is_some() && place.waits).count()
    }

    fn hand_out(
        &mut self,
        index: SlotIndex,
        claim: PoolClaim,
        base: u32,
        waits: bool,
        now: Stamp,
    ) -> Option<SlotIndex> {
        let at = usize::from(index.0);
        *self.places.get_mut(at)? = PoolPlace { owner: Some(claim), used: now, waits };
        if at == self.slots.len() {
            self.slots.push(Slot { base: 0, read: 0, runs: Vec::new(), bytes: [0; ASSEMBLY_BYTES] });
        }
        let slot = self.slots.get_mut(at)?;
        (slot.base, slot.read) = (base, 0);
        slot.runs.clear();
        Some(index)
    }

    /// The longest idle slot with nothing but read bytes.
    fn evict_read(&self, now: Stamp) -> Option<SlotIndex> {
        let read = self.places.iter().zip(0..).filter(|(place, _)| !place.waits);
        read.max_by_key(|(place, _)| now.millis_since(place.used)).map(|(_, at)| SlotIndex(at))
    }

    /// The longest idle slot of the client that has the most, the one of `claim` included.
    fn evict_from_largest(&mut self, claim: PoolClaim, now: Stamp) -> Option<SlotIndex> {
        let client = |place: &PoolPlace| place.owner.map(|owner| owner.client);
        let share = |place: &PoolPlace| {
            let count = self.places.iter().filter(|other| client(other) == client(place)).count();
            count + usize::from(client(place) == Some(claim.client))
        };
        let ranked = self.places.iter().zip(0..);
        let victim = ranked.max_by_key(|(place, _)| (share(place), now.millis_since(place.used)));
        let at = victim.map(|(_, at)| SlotIndex(at))?;
        self.taken_away = self.taken_away.saturating_add(1);
        Some(at)
    }
}

impl Slot {
    /// The bytes that are to be read next, up to the first hole.
    pub fn head(&self) -> &[u8] {
        self.bytes.get(usize::from(self.read)..usize::from(self.first_end())).unwrap_or_default()
    }

    /// Sequence number of the first byte held.
    pub fn begin(&self) -> u32 {
        self.base
    }

    /// Sequence number of the first byte to be read.
    pub fn unread(&self) -> u32 {
        self.base.wrapping_add(self.read.into())
    }

    /// Sequence number behind the bytes of [`Slot::head`].
    pub fn head_end(&self) -> u32 {
        self.base.wrapping_add(self.first_end().into())
    }

    /// Whether bytes wait behind a hole.
    pub fn has_hole(&self) -> bool {
        self.runs.last().is_some_and(|run| run.end > self.first_end())
    }

    /// Whether no byte waits to be read.
    pub fn is_read(&self) -> bool {
        self.runs.last().is_none_or(|run| run.end <= self.read)
    }

    /// Whether nothing is held at all.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The bytes that are held from sequence number `seq` on, up to the first hole.
    pub fn from(&self, seq: u32) -> &[u8] {
        let offset = seq.wrapping_sub(self.base) as usize;
        let within = |run: &&ByteRun| usize::from(run.start) <= offset && offset < usize::from(run.end);
        let run = self.runs.iter().find(within);
        run.and_then(|run| self.bytes.get(offset..usize::from(run.end))).unwrap_or_default()
    }

    /// Whether `bytes`, which begin at sequence number `seq`, are others than those held for the same places.
    pub fn contradicts(&self, seq: u32, bytes: &[u8]) -> bool {
        let offset = i64::from(seq.wrapping_sub(self.base) as i32);
        self.runs.iter().any(|run| {
            let start = offset.max(run.start.into());
            let end = (offset + bytes.len() as i64).min(run.end.into());
            let part =
                |from: i64| Some(usize::try_from(start - from).ok()?..usize::try_from(end - from).ok()?);
            start < end
                && part(0).and_then(|held| self.bytes.get(held))
                    != part(offset).and_then(|new| bytes.get(new))
        })
    }

    /// Whether the places from sequence number `seq` up to `end` are all held.
    pub fn covers(&self, seq: u32, end: u32) -> bool {
        let (start, end) = (seq.wrapping_sub(self.base), end.wrapping_sub(self.base));
        self.runs.iter().any(|run| u32::from(run.start) <= start && start <= end && end <= u32::from(run.end))
    }

    /// Whether [`Slot::put`] would take `len` bytes at sequence number `seq`.
    pub fn has_room(&self, seq: u32, len: usize) -> bool {
        let end_of = |base: u32| (seq.wrapping_sub(base) as usize).saturating_add(len);
        let end = end_of(self.base);
        if end > ASSEMBLY_BYTES {
            // What has been read makes room.
            return end_of(self.unread()) <= ASSEMBLY_BYTES;
        }
        self.merged(ByteRun { start: (end - len) as u16, end: end as u16 }).is_ok()
    }

    /// Puts `bytes` at sequence number `seq`; of bytes that were there already the first ones
    /// stay. Bytes that have been read make room. Answers whether any was new.
    ///
    /// # Errors
    /// [`NoRoom`] where they don't fit; nothing is stored then.
    pub fn put(&mut self, seq: u32, bytes: &[u8]) -> Result<bool, NoRoom> {
        let end_of = |base: u32| (seq.wrapping_sub(base) as usize).checked_add(bytes.len());
        if end_of(self.unread()).is_none_or(|end| end > ASSEMBLY_BYTES)
            && end_of(self.base).is_none_or(|end| end > ASSEMBLY_BYTES)
        {
            return Err(NoRoom);
        }
        if let Some(excess) = end_of(self.base).map(|end| end.saturating_sub(ASSEMBLY_BYTES)) {
            self.forget(excess);
        }
        let start = seq.wrapping_sub(self.base) as usize;
        let end = start.checked_add(bytes.len()).filter(|&end| end <= ASSEMBLY_BYTES).ok_or(NoRoom)?;
        let added = ByteRun { start: start as u16, end: end as u16 };
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

    /// The first `count` bytes of the head have been read.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.head().len());
        self.read = self.read.saturating_add(count as u16);
    }

    /// Drops bytes that have been read, at most `count` of them.
    pub fn forget(&mut self, count: usize) {
        let count = count.min(self.read.into());
        if count == 0 {
            return;
        }
        let end = self.runs.last().map_or(0, |run| run.end.into()).max(count).min(ASSEMBLY_BYTES);
        self.bytes.copy_within(count.min(end)..end, 0);
        self.base = self.base.wrapping_add(count as u32);
        let count = count as u16;
        self.read = self.read.saturating_sub(count);
        self.runs.retain_mut(|run| {
            run.start = run.start.saturating_sub(count);
            run.end = run.end.saturating_sub(count);
            run.start < run.end
        });
    }

    /// Makes room for bytes from sequence number `base` on, before those held, which count as read no more; if all fit.
    pub fn extend_back(&mut self, base: u32) -> bool {
        let shift = self.base.wrapping_sub(base) as usize;
        let end = self.runs.last().map_or(0, |run| usize::from(run.end));
        if shift.saturating_add(end) > ASSEMBLY_BYTES {
            return false;
        }
        self.bytes.copy_within(..end, shift);
        for run in &mut self.runs {
            run.start += shift as u16;
            run.end += shift as u16;
        }
        (self.base, self.read) = (base, 0);
        true
    }

    /// The receiver has all bytes up to `ack`: they are dropped once that is all of those read, so that few are moved.
    pub fn acknowledged(&mut self, ack: u32) {
        if ack.wrapping_sub(self.unread()) as i32 >= 0 {
            self.forget(usize::MAX);
        }
    }

    /// Gives up what is missing before `seq`: the bytes behind the first hole become the head if it ends there.
    pub fn skip_to(&mut self, seq: u32) {
        self.consume(usize::MAX);
        self.forget(usize::MAX);
        if let Some(start) = self.runs.first().map(|run| run.start) {
            self.read = seq.wrapping_sub(self.base).min(start.into()) as u16;
            self.forget(usize::MAX);
        }
    }

    /// The end of the bytes before the first hole.
    fn first_end(&self) -> u16 {
        match self.runs.first() {
            Some(run) if run.start == 0 => run.end,
            _ => self.read,
        }
    }

    /// The runs with `added` among them, and whether it adds nothing.
    fn merged(&self, added: ByteRun) -> Result<(Vec<ByteRun, ASSEMBLY_RUNS>, bool), NoRoom> {
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
                added = ByteRun { start: added.start.min(run.start), end: added.end.max(run.end) };
            }
        }
        if !placed {
            runs.push(added).map_err(|_| NoRoom)?;
        }
        Ok((runs, false))
    }
}

#[cfg(test)]
mod tests;
