//! The pool of candidates: the panel's state of each flow that looks like mining so far.
//!
//! Few flows are candidates, so the state of a whole panel is kept here and not in every flow record; a record
//! holds a [`Ticket`]. A place that is taken away changes its generation, so that an old ticket finds nothing.
//!
//! **Reconnections.** A miner comes back after every drop. A flow that begins after the latest packet of another one of
//! the same client and server takes over its evidence, which halves with every [`HMM_CARRY_HALVES`] in between, and its
//! packets and age, so that sessions too short to be classified alone add up. For that, a place keeps its evidence when
//! its flow ends, until another flow needs it, and flows enter before they are old enough to be suspect. What is taken
//! over alone makes no flow a suspect ([`Carry::most`]), and it counts for one flow only.
//!
//! **Eviction.** A newcomer takes a free place, else one whose flow has been silent for
//! [`HMM_CANDIDATE_IDLE`]; else the client with the most places loses the one with the smallest sum. A client
//! that has the most itself therefore displaces its own flows only.

use core::num::NonZeroU16;

use super::alphabet::Symbol;
use super::model::Model;
use super::panel::PanelEvidence;
use super::{Seen, is_old_enough};
use crate::limits::{HMM_CANDIDATE_BYTES, HMM_CANDIDATE_IDLE, HMM_CARRY_HALVES, HMM_COLD_SYMBOLS};
use crate::util::time::Stamp;

/// Admission to a place of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    place: u16,
    generation: NonZeroU16,
}

/// Counters of candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CandidateCounters {
    /// Flows that became candidates.
    pub entered: u32,
    /// Candidates that lost their place to another.
    pub evicted: u32,
    /// Candidates that took over the evidence of a connection before them.
    pub carried: u32,
}

/// The pool.
#[derive(Debug)]
pub(crate) struct Candidates {
    places: Box<[Place]>,
    /// Owners of all places, sorted, while the largest share is looked for.
    scratch: Box<[u32]>,
    /// Places from the first on that may hold evidence; the others were not taken since the pool was empty, and need not
    /// be searched.
    begun: usize,
    used: usize,
    counters: CandidateCounters,
}

#[derive(Clone, Debug, Default)]
struct Place {
    generation: u16,
    /// The flow has ended, or has lost the place.
    is_free: bool,
    /// Symbols since the sum was last above zero.
    cold: u8,
    /// `None` of a place that was never taken.
    owner: Option<u32>,
    /// Keyed hash of client and server; 0 where there is no evidence to take over.
    pair: u32,
    latest: Stamp,
    /// Taken over from connections before.
    before: CarriedAge,
    /// Evidence of earlier connections and of this one.
    so_far: CarriedAge,
    evidence: PanelEvidence,
}

const _: () = assert!(size_of::<Place>() <= HMM_CANDIDATE_BYTES);

/// Packets and age of connections.
#[derive(Clone, Copy, Debug, Default)]
struct CarriedAge {
    packets: u16,
    age_ms: u32,
}

/// A newcomer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carry {
    /// Keyed hash of client and server.
    pub pair: u32,
    /// Sum that evidence of earlier connections makes at most.
    pub most: i32,
}

/// Page's sum of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The sum.
    pub sum: i32,
    /// The flow, with those before it, is long and old enough to be suspect.
    pub is_old_enough: bool,
}

impl Candidates {
    /// A pool of `capacity` places, one at least.
    pub(crate) fn new(capacity: u16) -> Self {
        let capacity = usize::from(capacity.max(1));
        Candidates {
            places: vec![Place::default(); capacity].into_boxed_slice(),
            scratch: vec![0; capacity].into_boxed_slice(),
            begun: 0,
            used: 0,
            counters: CandidateCounters::default(),
        }
    }

    /// Gives a place to the flow of `seen` whose first symbols are `symbols`, and the evidence of the connection
    /// before it.
    pub(crate) fn enter(
        &mut self,
        model: &Model,
        symbols: impl Iterator<Item = Symbol>,
        seen: &Seen,
        carry: Carry,
    ) -> Option<(Ticket, Standing)> {
        let (before, sum) = self.take_over(seen, carry);
        let index = self.room(seen.owner, seen.now)?;
        let place = self.places.get_mut(index)?;
        if place.is_taken() {
            self.counters.evicted = self.counters.evicted.saturating_add(1);
        } else {
            self.used += 1;
        }
        self.counters.entered = self.counters.entered.saturating_add(1);
        let generation = NonZeroU16::new(place.generation.wrapping_add(1)).unwrap_or(NonZeroU16::MIN);
        *place = Place {
            generation: generation.get(),
            owner: Some(seen.owner),
            pair: carry.pair,
            before,
            evidence: PanelEvidence::starting_at(sum),
            ..Place::default()
        };
        symbols.for_each(|symbol| {
            place.evidence.step(model, symbol);
        });
        let standing = place.stand(seen);
        Some((Ticket { place: u16::try_from(index).ok()?, generation }, standing))
    }

    /// Takes the evidence of the latest connection of the same client and server that was silent before the one of
    /// `seen` began.
    fn take_over(&mut self, seen: &Seen, carry: Carry) -> (CarriedAge, i32) {
        let is_before = |place: &&mut Place| {
            place.pair == carry.pair
                && place.owner == Some(seen.owner)
                && seen.now.millis_since(place.latest) >= seen.age_ms
                && !seen.now.has_passed(place.latest, HMM_CANDIDATE_IDLE)
        };
        let earlier = self.places.iter_mut().take(self.begun).filter(is_before);
        let Some(earlier) = earlier.min_by_key(|place| seen.now.millis_since(place.latest)) else {
            return (CarriedAge::default(), 0);
        };
        let silence = seen.now.millis_since(earlier.latest).saturating_sub(seen.age_ms);
        let halves = u128::from(silence) / HMM_CARRY_HALVES.as_millis().max(1);
        let sum = (earlier.evidence.sum() >> halves.min(31) as u32).min(carry.most);
        let before = earlier.so_far;
        earlier.pair = 0;
        self.used -= usize::from(!core::mem::replace(&mut earlier.is_free, true));
        self.counters.carried = self.counters.carried.saturating_add(1);
        (before, sum)
    }

    /// Adds a symbol to the flow with this ticket. `None` where the place was taken away, or where the evidence has
    /// been gone for so long that the flow is given up as a candidate.
    pub(crate) fn step(
        &mut self,
        ticket: Ticket,
        model: &Model,
        symbol: Symbol,
        seen: &Seen,
    ) -> Option<Standing> {
        let place = self.place(ticket)?;
        let sum = place.evidence.step(model, symbol);
        place.cold = if sum > 0 { 0 } else { place.cold + 1 };
        if place.cold >= HMM_COLD_SYMBOLS {
            self.leave(ticket);
            return None;
        }
        Some(place.stand(seen))
    }

    /// The sum of the flow with this ticket.
    pub(crate) fn sum(&self, ticket: Ticket) -> Option<i32> {
        let place = self.places.get(usize::from(ticket.place))?;
        place.is_of(ticket).then(|| place.evidence.sum())
    }

    /// Frees the place of a flow that has ended; its evidence stays for the next connection.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        if let Some(place) = self.place(ticket) {
            place.is_free = true;
            self.used -= 1;
        }
    }

    /// Frees all places and forgets all evidence; tickets that were given out find nothing.
    pub(crate) fn clear(&mut self) {
        self.places.iter_mut().for_each(|place| (place.is_free, place.pair) = (true, 0));
        (self.begun, self.used) = (0, 0);
    }

    /// Flows that have a place.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// Counters since the start.
    pub(crate) fn counters(&self) -> CandidateCounters {
        self.counters
    }

    fn place(&mut self, ticket: Ticket) -> Option<&mut Place> {
        self.places.get_mut(usize::from(ticket.place)).filter(|place| place.is_of(ticket))
    }

    /// The place for a newcomer of `owner`: of those that are open one without evidence, or the one that has been silent
    /// for longest.
    fn room(&mut self, owner: u32, now: Stamp) -> Option<usize> {
        if self.begun < self.places.len() {
            self.begun += 1;
            return Some(self.begun - 1);
        }
        let is_open = |place: &Place| !place.is_taken() || now.has_passed(place.latest, HMM_CANDIDATE_IDLE);
        let open = self.places.iter().enumerate().filter(|(_, place)| is_open(place));
        let silence = |place: &Place| (place.pair == 0, now.millis_since(place.latest));
        if let Some((index, _)) = open.max_by_key(|(_, place)| silence(place)) {
            return Some(index);
        }
        let largest = self.largest_owner(owner);
        let of_largest = self.places.iter().enumerate().filter(|(_, place)| place.owner == Some(largest));
        of_largest.min_by_key(|(_, place)| place.evidence.sum()).map(|(index, _)| index)
    }

    /// The owner of the most places; `newcomer` among equals.
    fn largest_owner(&mut self, newcomer: u32) -> u32 {
        let owners = self.places.iter().map(|place| place.owner.unwrap_or_default());
        self.scratch.iter_mut().zip(owners).for_each(|(scratch, owner)| *scratch = owner);
        self.scratch.sort_unstable();
        let groups = self.scratch.chunk_by(|a, b| a == b);
        let largest = groups.max_by_key(|group| (group.len(), group.contains(&newcomer)));
        largest.and_then(|group| group.first()).copied().unwrap_or(newcomer)
    }
}

impl Place {
    fn is_taken(&self) -> bool {
        self.owner.is_some() && !self.is_free
    }

    fn is_of(&self, ticket: Ticket) -> bool {
        self.is_taken() && self.generation == ticket.generation.get()
    }

    /// Notes the packet of `seen`.
    fn stand(&mut self, seen: &Seen) -> Standing {
        self.latest = seen.now;
        self.so_far = CarriedAge {
            packets: self.before.packets.saturating_add(seen.packets),
            age_ms: self.before.age_ms.saturating_add(seen.age_ms),
        };
        let is_old_enough = is_old_enough(self.so_far.packets, self.so_far.age_ms);
        Standing { sum: self.evidence.sum(), is_old_enough }
    }
}

#[cfg(test)]
mod tests;
