//! What the main loop gives to the engines of all queues: settings, model, lists, signatures, reputation, networks.
//!
//! Each is whole and shared, or a copy. For the engine of another thread it is left in a place of its kind, where a newer
//! one takes the place of one that was not fetched yet: nothing waits, and nothing gets lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dpi::signatures::Signatures;
use crate::engine::{Engine, Settings};
use crate::hmm::model::Model;
use crate::intel::Intel;
use crate::intel::reputation::view::View;
use crate::net::endpoint::Endpoint;
use crate::net::local_networks::LocalNetworks;
use crate::util::half_sip::TableKey;

/// One change for every engine.
#[derive(Clone)]
pub(super) enum EngineUpdate {
    Settings(Box<Settings>),
    Model(Box<Model>),
    Lists(Option<Arc<Intel>>),
    Signatures(Signatures),
    Reputation(Arc<View>),
    Networks(Arc<LocalNetworks>),
}

/// Number of kinds.
const KINDS: usize = 6;

impl EngineUpdate {
    /// Has `engine` work with it from now on.
    pub(super) fn apply(self, engine: &mut Engine<TableKey>) {
        match self {
            EngineUpdate::Settings(settings) => engine.configure(*settings),
            EngineUpdate::Model(model) => engine.replace_model(model),
            EngineUpdate::Lists(lists) => drop(engine.replace_intel(lists)),
            EngineUpdate::Signatures(signatures) => engine.replace_signatures(signatures),
            EngineUpdate::Reputation(view) => engine.replace_reputation(view),
            EngineUpdate::Networks(networks) => engine.set_networks(networks),
        }
    }

    fn kind(&self) -> usize {
        match self {
            EngineUpdate::Settings(_) => 0,
            EngineUpdate::Model(_) => 1,
            EngineUpdate::Lists(_) => 2,
            EngineUpdate::Signatures(_) => 3,
            EngineUpdate::Reputation(_) => 4,
            EngineUpdate::Networks(_) => 5,
        }
    }
}

/// What waits for the engine of another thread.
#[derive(Default)]
pub(super) struct UpdatePlaces {
    has_any: AtomicBool,
    places: Mutex<Waiting>,
}

/// Updates, by kind, and sessions of which the main loop wants to know whether they are suspects still.
#[derive(Default)]
pub(super) struct Waiting {
    pub updates: [Option<EngineUpdate>; KINDS],
    pub sessions: Vec<(Endpoint, Endpoint)>,
}

impl UpdatePlaces {
    /// Leaves `update` in the place of its kind.
    pub(super) fn leave(&self, update: EngineUpdate) {
        let mut waiting = self.lock();
        let kind = update.kind();
        if let Some(place) = waiting.updates.get_mut(kind) {
            *place = Some(update);
        }
        self.has_any.store(true, Ordering::Release);
    }

    /// Asks about `sessions`, client and server each, in place of those that were not looked at yet.
    pub(super) fn ask_about(&self, sessions: Vec<(Endpoint, Endpoint)>) {
        let mut waiting = self.lock();
        waiting.sessions = sessions;
        self.has_any.store(true, Ordering::Release);
    }

    /// What waits; a look at empty places takes no lock.
    pub(super) fn fetch(&self) -> Option<Waiting> {
        if !self.has_any.load(Ordering::Acquire) {
            return None;
        }
        let mut waiting = self.lock();
        self.has_any.store(false, Ordering::Release);
        Some(core::mem::take(&mut *waiting))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A newer one takes the place of one that was not fetched; what is fetched is fetched once.
    #[test]
    fn the_latest_of_each_kind_is_fetched_once() {
        let places = UpdatePlaces::default();
        assert!(places.fetch().is_none());
        let [one, two] = [(); 2].map(|()| Arc::new(LocalNetworks::default()));
        places.leave(EngineUpdate::Networks(one));
        places.leave(EngineUpdate::Lists(None));
        places.leave(EngineUpdate::Networks(Arc::clone(&two)));
        let fetched: Vec<_> = places.fetch().expect("updates").updates.into_iter().flatten().collect();
        let is_two = |update: &EngineUpdate| match update {
            EngineUpdate::Networks(networks) => Arc::ptr_eq(networks, &two),
            _ => false,
        };
        assert_eq!((fetched.len(), fetched.iter().filter(|update| is_two(update)).count()), (2, 1));
        assert!(places.fetch().is_none());
    }
}
