//! The packets of one queue, through one engine.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::alive::{Alive, Turns};
use super::clock::Clock;
use super::queue::PacketQueue;
use super::reset::Resetter;
use super::usage::LoopUsage;
use crate::config::Config;
use crate::engine::event::Detection;
use crate::engine::{Engine, Settings};
use crate::hmm::model::Model;
use crate::limits::{PACKETS_PER_TURN, PACKETS_TURN, SWEEP_SETS_PER_SECOND};
use crate::util::half_sip::TableKey;
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;

/// A queue and its engine. Loop 0 belongs to the main thread, every other one to a thread of its own.
pub(super) struct PacketLoop {
    pub engine: Engine<TableKey>,
    pub queue: PacketQueue,
    pub clock: Clock,
    resetter: Arc<Resetter>,
    turns: Turns,
    verdicts_failed: u32,
    swept_at: Instant,
}

/// The rest of a packet loop's thread.
pub(super) trait Surroundings {
    /// Brings the engine up to date before a packet.
    fn prepare(&mut self, engine: &mut Engine<TableKey>);
    /// A packet is counted, and has no verdict yet: the status has it once the verdict takes effect.
    fn counted(&mut self, usage: impl FnOnce() -> LoopUsage);
    /// A packet has given a miner or a suspect away.
    fn found(&mut self, detection: Detection, engine: &Engine<TableKey>, now: Instant);
}

impl PacketLoop {
    /// A loop for each of `queues`. The engines have one hash key, so that a client's share is told alike by all of them.
    pub(super) fn for_queues(
        queues: Vec<PacketQueue>,
        config: &Config,
        model: &Model,
        clock: &Clock,
        alive: &Alive,
    ) -> Vec<Self> {
        let (settings, hasher) = (Settings::from(config), TableKey::new());
        let engines = Engine::for_queues(queues.len(), &settings, model, config.max_flows, &hasher);
        let resetter = Arc::new(Resetter::open());
        let ends = engines.into_iter().zip(queues).enumerate();
        ends.map(|(number, (mut engine, queue))| {
            engine.tell_time(unix_seconds(), clock.now());
            PacketLoop {
                engine,
                queue,
                clock: clock.clone(),
                resetter: Arc::clone(&resetter),
                turns: alive.turns(number),
                verdicts_failed: 0,
                swept_at: clock.now(),
            }
        })
        .collect()
    }

    /// Takes packets for a turn; whether no more came.
    ///
    /// # Errors
    /// The queue broke.
    pub(super) fn take_packets(&mut self, surroundings: &mut impl Surroundings) -> Result<bool, String> {
        let end = self.clock.now().after(PACKETS_TURN);
        for _ in 0..PACKETS_PER_TURN {
            let packet = match self.queue.recv() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(error) => return Err(format!("the queue broke: {error}")),
            };
            surroundings.prepare(&mut self.engine);
            let now = self.clock.now();
            let handled = self.engine.handle(&packet.packet(), now);
            surroundings.counted(|| self.usage());
            if self.queue.give(packet, &handled.verdict, &self.resetter).is_err() {
                self.verdicts_failed = self.verdicts_failed.saturating_add(1);
            }
            if let Some(detection) = handled.event {
                surroundings.found(detection, &self.engine, now);
            }
            if now >= end {
                break;
            }
        }
        Ok(false)
    }

    /// The loop has turned, with or without packets. Once a second a part of the flow table is swept; whether it was.
    pub(super) fn turned(&mut self) -> bool {
        self.turns.turned();
        let now = self.clock.now();
        self.engine.hear_peers(now);
        if now < self.swept_at.after(Duration::from_secs(1)) {
            return false;
        }
        self.swept_at = now;
        self.engine.sweep(SWEEP_SETS_PER_SECOND, now);
        self.engine.tell_time(unix_seconds(), now);
        true
    }

    /// Its part of the status.
    pub(super) fn usage(&self) -> LoopUsage {
        LoopUsage::of(&self.engine, self.verdicts_failed)
    }

    /// Lets every waiting packet pass and gives the queue up; the engine is left.
    pub(super) fn close(self) -> Engine<TableKey> {
        self.queue.close(&self.resetter);
        self.engine
    }
}
