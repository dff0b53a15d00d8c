//! Step 3: bytes that wait for the rest of their message, and bytes that wait to be acknowledged.
//!
//! Most messages come whole in one segment and are read in place. The beginning of a message that is not complete, or
//! a segment that overtook another one, is copied into a slot of a fixed pool. A slot also keeps bytes that have been
//! read, until their receiver has acknowledged them: only so can it be told whether a segment brings the same bytes.
//!
//! A network that loses or overtakes packets of an upload has more come early than such a slot holds. It moves to one of
//! a few wide slots then, so that no byte passes unread, and none has to come again.
//!
//! **Eviction.** A full pool gives up, in this order: a slot with nothing but read bytes, the longest idle; of the
//! client with the most slots, which may be the newcomer's own, the longest idle. Its flow loses a message, not more.

mod copy_from;
mod slot;

use core::cmp::Reverse;

use heapless::Vec;

pub(crate) use self::slot::Slot;
use crate::limits::{ASSEMBLY_BYTES, ASSEMBLY_SLOTS, WIDE_SLOT_BYTES, WIDE_SLOT_IDLE, WIDE_SLOT_SHARE};
use crate::net::direction::Direction;
use crate::net::five_tuple::FiveTuple;
use crate::util::time::Stamp;

/// The pool of slots.
#[derive(Debug)]
pub struct ReassemblyPool {
    /// Apart from the bytes, so that a search for room stays within a few cache lines; those of wide slots are the last.
    places: Box<[PoolPlace]>,
    /// Number of the others.
    narrow: usize,
    /// Those that were in use at some time; room for all is taken at the start, and the lowest index goes first.
    slots: std::vec::Vec<Slot<[u8; ASSEMBLY_BYTES]>>,
    /// The same of wide ones.
    wide: std::vec::Vec<Slot<[u8; WIDE_SLOT_BYTES]>>,
    free: Vec<SlotIndex, ASSEMBLY_SLOTS>,
    /// Slots taken from a flow that still needed them.
    pub taken_away: u32,
}

/// Place of a direction's waiting bytes: an index into the pool. The slot knows its owner, so a
/// stale index finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotIndex(u8);

const _: () = assert!(ASSEMBLY_SLOTS + ASSEMBLY_SLOTS.div_ceil(WIDE_SLOT_SHARE) < u8::MAX as usize);
const _: () = assert!(ASSEMBLY_BYTES < WIDE_SLOT_BYTES && WIDE_SLOT_BYTES <= u16::MAX as usize);

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

impl ReassemblyPool {
    /// A pool of so many slots, at most [`ASSEMBLY_SLOTS`], and of wide ones.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.min(ASSEMBLY_SLOTS);
        let wide = capacity.div_ceil(WIDE_SLOT_SHARE);
        let nobody = PoolPlace { owner: None, used: Stamp(0), waits: false };
        ReassemblyPool {
            places: vec![nobody; capacity + wide].into_boxed_slice(),
            narrow: capacity,
            slots: std::vec::Vec::with_capacity(capacity),
            wide: std::vec::Vec::with_capacity(wide),
            free: (0..capacity as u8).rev().map(SlotIndex).collect(),
            taken_away: 0,
        }
    }

    /// The slot at `index`, if it still belongs to `direction` of `key`.
    pub fn get(&mut self, index: SlotIndex, key: &FiveTuple, direction: Direction) -> Option<&mut Slot> {
        let at = usize::from(index.0);
        let owner = self.places.get(at)?.owner.as_ref()?;
        if owner.direction == direction && owner.key == *key { self.slot(at) } else { None }
    }

    fn slot(&mut self, at: usize) -> Option<&mut Slot> {
        if let Some(at) = at.checked_sub(self.narrow) {
            return self.wide.get_mut(at).map(|slot| slot as &mut Slot);
        }
        self.slots.get_mut(at).map(|slot| slot as &mut Slot)
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

    /// Takes a wide slot in place of the one at `index`, or of none, for bytes from sequence number `base` on. What it held
    /// stays.
    pub fn widen(&mut self, index: SlotIndex, claim: PoolClaim, base: u32, now: Stamp) -> Option<SlotIndex> {
        let at = usize::from(index.0);
        if (self.narrow..self.places.len()).contains(&at)
            && self.get(index, &claim.key, claim.direction).is_some()
        {
            return Some(index);
        }
        let place = self.wide_place(claim.client, now)?;
        let wide = self.hand_out(place, claim, base, true, now)?;
        if self.get(index, &claim.key, claim.direction).is_some() {
            let ReassemblyPool { slots, wide: wides, .. } = self;
            let place = usize::from(wide.0).checked_sub(self.narrow);
            if let (Some(old), Some(new)) = (slots.get(at), place.and_then(|at| wides.get_mut(at))) {
                (new as &mut Slot).copy(old);
            }
            self.release(index, &claim.key, claim.direction);
        }
        Some(wide)
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
            if usize::from(index.0) < self.narrow {
                // There is room for every slot.
                let _ = self.free.push(index);
            }
        }
    }

    /// Slots in use.
    pub fn in_use(&self) -> usize {
        self.places.iter().filter(|place| place.owner.is_some()).count()
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
        if at == self.slots.len() && at < self.narrow {
            self.slots.push(Slot::new());
        }
        if at == self.narrow + self.wide.len() {
            self.wide.push(Slot::new());
        }
        self.slot(at)?.clear(base);
        Some(index)
    }

    /// A wide slot's place for `client`: a free one, or one with nothing but read bytes, or one that has waited in vain, or
    /// the longest idle of a client that has two more.
    fn wide_place(&mut self, client: u32, now: Stamp) -> Option<SlotIndex> {
        let wide = || self.places.iter().zip(0..).skip(self.narrow);
        let own = count_of(wide(), client);
        let rank = |place: &PoolPlace, at: u8| {
            let idle = place.owner.map(|_| now.millis_since(place.used));
            let is_in_vain = place.waits && now.has_passed(place.used, WIDE_SLOT_IDLE);
            let excess =
                place.owner.map_or(0, |owner| count_of(wide(), owner.client).saturating_sub(own + 1));
            // The first of the free ones, so that their memory is used one after the other.
            (idle.is_none(), !place.waits, is_in_vain, excess, idle, Reverse(at))
        };
        let best = wide().max_by_key(|(place, at)| rank(place, *at));
        let (at, (is_free, is_read, is_in_vain, excess, ..)) =
            best.map(|(place, at)| (at, rank(place, at)))?;
        if !is_free && !is_read {
            if !is_in_vain && excess == 0 {
                return None;
            }
            self.taken_away = self.taken_away.saturating_add(1);
        }
        Some(SlotIndex(at))
    }

    fn narrow_places(&self) -> impl Iterator<Item = (&PoolPlace, u8)> {
        self.places.iter().zip(0..).take(self.narrow)
    }

    /// The longest idle slot with nothing but read bytes.
    fn evict_read(&self, now: Stamp) -> Option<SlotIndex> {
        let read = self.narrow_places().filter(|(place, _)| !place.waits);
        read.max_by_key(|(place, _)| now.millis_since(place.used)).map(|(_, at)| SlotIndex(at))
    }

    /// The longest idle slot of the client that has the most, the one of `claim` included.
    fn evict_from_largest(&mut self, claim: PoolClaim, now: Stamp) -> Option<SlotIndex> {
        let share = |place: &PoolPlace| {
            let of = |client| count_of(self.narrow_places(), client) + usize::from(client == claim.client);
            place.owner.map_or(0, |owner| of(owner.client))
        };
        let victim =
            self.narrow_places().max_by_key(|(place, _)| (share(place), now.millis_since(place.used)));
        let at = victim.map(|(_, at)| SlotIndex(at))?;
        self.taken_away = self.taken_away.saturating_add(1);
        Some(at)
    }
}

/// Slots among `places` that `client` has.
fn count_of<'a>(places: impl Iterator<Item = (&'a PoolPlace, u8)>, client: u32) -> usize {
    places.filter(|(place, _)| place.owner.is_some_and(|owner| owner.client == client)).count()
}

#[cfg(test)]
mod tests;
