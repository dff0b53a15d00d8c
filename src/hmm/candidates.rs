//! The pool of candidates: the panel's state of each flow that looks like mining so far.
//!
//! Few flows are candidates, so the state of a whole panel is kept here and not in every flow record; a record
//! holds a [`Ticket`]. A place that is taken away changes its generation, so that an old ticket finds nothing.
//!
//! **Eviction.** A newcomer takes a free place, else one whose flow has been silent for
//! [`HMM_CANDIDATE_IDLE`]; else the client with the most places loses the one with the smallest sum. A client
//! that has the most itself therefore displaces its own flows only.

use core::num::NonZeroU16;

use super::alphabet::Symbol;
use super::model::Model;
use super::panel::Evidence;
use crate::limits::{HMM_CANDIDATE_IDLE, HMM_COLD_SYMBOLS};
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
}

/// The pool.
#[derive(Debug)]
pub(crate) struct Candidates {
    places: Box<[Place]>,
    /// Owners of all places, sorted, while the largest share is looked for.
    scratch: Box<[u32]>,
    used: usize,
    counters: CandidateCounters,
}

#[derive(Clone, Debug, Default)]
struct Place {
    generation: u16,
    /// `None` while the place is free.
    owner: Option<u32>,
    latest: Stamp,
    /// Symbols since the sum was last above zero.
    cold: u8,
    evidence: Evidence,
}

impl Candidates {
    /// A pool of `capacity` places, one at least.
    pub fn new(capacity: u16) -> Self {
        let capacity = usize::from(capacity.max(1));
        Candidates {
            places: vec![Place::default(); capacity].into_boxed_slice(),
            scratch: vec![0; capacity].into_boxed_slice(),
            used: 0,
            counters: CandidateCounters::default(),
        }
    }

    /// Gives a place to a flow of `owner` whose first symbols are `symbols`; returns its sum, too.
    pub fn enter(
        &mut self,
        owner: u32,
        model: &Model,
        symbols: impl Iterator<Item = Symbol>,
        now: Stamp,
    ) -> Option<(Ticket, i32)> {
        let index = self.room(owner, now)?;
        let place = self.places.get_mut(index)?;
        match place.owner {
            Some(_) => self.counters.evicted = self.counters.evicted.saturating_add(1),
            None => self.used += 1,
        }
        self.counters.entered = self.counters.entered.saturating_add(1);
        let generation = NonZeroU16::new(place.generation.wrapping_add(1)).unwrap_or(NonZeroU16::MIN);
        *place = Place { generation: generation.get(), owner: Some(owner), latest: now, ..Place::default() };
        let sum = symbols.fold(0, |_, symbol| place.evidence.step(model, symbol));
        Some((Ticket { place: u16::try_from(index).ok()?, generation }, sum))
    }

    /// Adds a symbol to the flow with this ticket; returns the sum. `None` where the place was taken away, or
    /// where the evidence has been gone for so long that the flow is given up as a candidate.
    pub fn step(&mut self, ticket: Ticket, model: &Model, symbol: Symbol, now: Stamp) -> Option<i32> {
        let place = self.place(ticket)?;
        place.latest = now;
        let sum = place.evidence.step(model, symbol);
        place.cold = if sum > 0 { 0 } else { place.cold + 1 };
        if place.cold >= HMM_COLD_SYMBOLS {
            self.leave(ticket);
            return None;
        }
        Some(sum)
    }

    /// The sum of the flow with this ticket.
    pub fn sum(&self, ticket: Ticket) -> Option<i32> {
        let place = self.places.get(usize::from(ticket.place))?;
        place.is_of(ticket).then(|| place.evidence.sum())
    }

    /// Frees the place of a flow that has ended.
    pub fn leave(&mut self, ticket: Ticket) {
        if let Some(place) = self.place(ticket) {
            place.owner = None;
            self.used -= 1;
        }
    }

    /// Frees all places; tickets that were given out find nothing.
    pub fn clear(&mut self) {
        self.places.iter_mut().for_each(|place| place.owner = None);
        self.used = 0;
    }

    /// Flows that have a place.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Counters since the start.
    pub fn counters(&self) -> CandidateCounters {
        self.counters
    }

    fn place(&mut self, ticket: Ticket) -> Option<&mut Place> {
        self.places.get_mut(usize::from(ticket.place)).filter(|place| place.is_of(ticket))
    }

    /// The place for a newcomer of `owner`.
    fn room(&mut self, owner: u32, now: Stamp) -> Option<usize> {
        let is_open =
            |place: &Place| place.owner.is_none() || now.has_passed(place.latest, HMM_CANDIDATE_IDLE);
        if let Some(index) = self.places.iter().position(is_open) {
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
    fn is_of(&self, ticket: Ticket) -> bool {
        self.owner.is_some() && self.generation == ticket.generation.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> (Candidates, Box<Model>) {
        (Candidates::new(8), Model::embedded().expect("built in"))
    }

    fn enter(pool: &mut Candidates, model: &Model, host: u8, now: u32) -> Ticket {
        pool.enter(u32::from(host), model, core::iter::empty(), Stamp(now)).expect("room").0
    }

    #[test]
    fn one_client_with_many_flows_displaces_its_own_only() {
        let (mut pool, model) = pool();
        let others: Vec<Ticket> = (1..4).map(|host| enter(&mut pool, &model, host, 0)).collect();
        for at in 0..100 {
            enter(&mut pool, &model, 9, at);
        }
        assert!(others.iter().all(|&ticket| pool.sum(ticket).is_some()));
        assert_eq!((pool.len(), pool.counters().evicted), (8, 95));
        // And a third client still finds a place.
        let late = enter(&mut pool, &model, 4, 100);
        assert!(pool.sum(late).is_some() && others.iter().all(|&ticket| pool.sum(ticket).is_some()));
    }

    #[test]
    fn a_place_that_was_taken_away_is_not_found_by_its_old_ticket() {
        let (mut pool, model) = pool();
        let tickets: Vec<Ticket> = (0..9).map(|at| enter(&mut pool, &model, 7, at)).collect();
        assert_eq!(tickets.iter().filter(|&&ticket| pool.sum(ticket).is_some()).count(), 8);
        let symbol = Symbol::default();
        let lost = tickets.iter().find(|&&ticket| pool.sum(ticket).is_none()).expect("one");
        assert_eq!(pool.step(*lost, &model, symbol, Stamp(9)), None);
        pool.leave(*lost);
        assert_eq!(pool.len(), 8, "an old ticket frees nothing");
    }

    #[test]
    fn the_place_of_a_silent_flow_is_free() {
        let (mut pool, model) = pool();
        let silent = enter(&mut pool, &model, 1, 0);
        for _ in 0..7 {
            enter(&mut pool, &model, 2, 1_000);
        }
        let later = HMM_CANDIDATE_IDLE.as_millis() as u32 + 500;
        enter(&mut pool, &model, 1, later);
        assert_eq!(pool.sum(silent), None);
    }

    #[test]
    fn evidence_that_never_comes_frees_the_place() {
        let (mut pool, model) = pool();
        let ticket = enter(&mut pool, &model, 1, 0);
        let mut unlikely = Symbol::default();
        for size in 0..u8::MAX {
            let mut evidence = Evidence::default();
            unlikely.size = size;
            if (0..4).all(|_| evidence.step(&model, unlikely) == 0) {
                break;
            }
        }
        let steps =
            (1..=u32::from(HMM_COLD_SYMBOLS)).map(|at| pool.step(ticket, &model, unlikely, Stamp(at)));
        assert_eq!(steps.last(), Some(None));
        assert_eq!(pool.len(), 0);
    }
}
