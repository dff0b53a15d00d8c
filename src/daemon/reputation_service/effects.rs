//! What entries of the book come to: lessons of the engine, a layer of its lists, elements of the kernel's sets.

use core::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use super::Keeper;
use crate::engine::{Engine, Layer, Lesson};
use crate::intel::Builder;
use crate::intel::entry::{self, Policy};
use crate::intel::reputation::{Entry, Origin};
use crate::net::endpoint::Endpoint;
use crate::rules;
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;

impl Keeper {
    /// The elements of the kernel's sets, as text for nft; nothing where the kernel is not to block.
    pub fn elements<S: BuildHasher + Clone>(&self, engine: &Engine<S>, now: Instant) -> String {
        if !self.wishes.fills {
            return String::new();
        }
        let wall_clock = unix_seconds();
        rules::elements(self.book.entries().iter().filter_map(|entry| {
            let server = self.blocked(entry).filter(|server| !engine.exempts(server, now))?;
            Some((server, entry.until.saturating_sub(wall_clock)))
        }))
    }

    /// The server that `entry` blocks, if it is a single one that nobody shares.
    pub(super) fn blocked(&self, entry: &Entry) -> Option<Endpoint> {
        let is_by_hand = entry.origin == Origin::Operator;
        let server = entry.subject.as_endpoint().filter(|_| entry.policy == Policy::Block)?;
        (is_by_hand || !self.is_shared(&server)).then_some(server)
    }

    /// What `entry` comes to: an address that others share is not blocked for one of them.
    pub fn worth(&self, entry: &Entry) -> Policy {
        let is_spared = entry.subject.as_endpoint().is_some() && self.blocked(entry).is_none();
        if entry.policy == Policy::Block && is_spared { Policy::Suspect } else { entry.policy }
    }

    /// Whether `server` has an address that many sites share, so that it can't be blocked for one of them.
    pub(super) fn is_shared(&self, server: &Endpoint) -> bool {
        !self.wishes.blocks_shared && self.shared_hosts.by_addr(server.addr(), None, 0).is_some()
    }

    /// Has the engine act upon `entry`, if that is about a single server and blocks it.
    pub(super) fn teach<S: BuildHasher + Clone>(
        &self,
        engine: &mut Engine<S>,
        entry: &Entry,
        wall_clock: u64,
        now: Instant,
    ) {
        let Some(server) = self.blocked(entry) else {
            // What was known of it before is not what is known now.
            if let Some(server) = entry.subject.as_endpoint() {
                engine.forget(|known| *known == server);
            }
            return;
        };
        let until = now.after(Duration::from_secs(entry.until.saturating_sub(wall_clock)));
        let lesson = match entry.origin {
            Origin::Probe => Lesson::Pool(entry.dialect),
            Origin::Dpi | Origin::Operator | Origin::Fleet => Lesson::Known(entry.origin, entry.dialect),
        };
        engine.learn(server, lesson, until);
    }

    /// Has the engine act upon all other entries: names, prefixes, and whatever is not to be blocked. So few
    /// are put in order in less than a packet takes; lists of any length come from elsewhere.
    pub(super) fn replace_layer<S: BuildHasher + Clone>(&self, engine: &mut Engine<S>) {
        let mut builder = Builder::new(usize::MAX);
        for origin in [Origin::Operator, Origin::Probe, Origin::Dpi, Origin::Fleet] {
            let of_origin = self.book.entries().iter().filter(|entry| entry.origin == origin);
            let others = of_origin.filter(|entry| self.blocked(entry).is_none()).map(|entry| entry::Entry {
                pattern: entry.subject.clone(),
                policy: entry.policy,
                // The book forgets what has ended.
                expires: None,
            });
            // Four lists of any length are not too many.
            let _ = builder.begin(origin.name());
            for entry in others {
                let _ = builder.add(&entry);
            }
        }
        let layer = (!builder.is_empty()).then(|| Arc::new(builder.build().0));
        engine.replace_intel(Layer::Learnt, layer);
    }
}
