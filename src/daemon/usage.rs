//! Use of an engine, and the sum over all packet loops.

use crate::engine::{Counters, Engine};
use crate::flow::table::TableCounters;
use crate::util::half_sip::TableKey;

/// Counters and use of one packet loop, or of all together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LoopUsage {
    pub counters: Counters,
    pub table: TableCounters,
    /// Flows in the table, and those that it holds.
    pub flows: [usize; 2],
    /// Slots of the reassembly pool in use, and all.
    pub slots: [usize; 2],
    /// Slots taken from a flow that still needed them.
    pub slots_taken_away: u32,
    pub verdicts_failed: u32,
    /// Findings that the main loop had no room for.
    pub findings_lost: u32,
    /// Facts that some other engine was not told.
    pub facts_lost: u32,
}

impl LoopUsage {
    /// Use of `engine`.
    pub(super) fn of(engine: &Engine<TableKey>, verdicts_failed: u32) -> Self {
        let (flows, pool) = (engine.flows(), engine.reassembly());
        LoopUsage {
            counters: engine.counters(),
            table: engine.table_counters(),
            flows: [flows.len(), flows.capacity()],
            slots: [pool.in_use(), pool.capacity()],
            slots_taken_away: pool.taken_away,
            verdicts_failed,
            findings_lost: 0,
            facts_lost: engine.facts_lost(),
        }
    }

    /// The sum of both.
    pub(super) fn plus(&self, other: &LoopUsage) -> Self {
        let both =
            |[one, all]: [usize; 2], [other_one, other_all]: [usize; 2]| [one + other_one, all + other_all];
        LoopUsage {
            counters: self.counters.plus(&other.counters),
            table: self.table.plus(&other.table),
            flows: both(self.flows, other.flows),
            slots: both(self.slots, other.slots),
            slots_taken_away: self.slots_taken_away.saturating_add(other.slots_taken_away),
            verdicts_failed: self.verdicts_failed.saturating_add(other.verdicts_failed),
            findings_lost: self.findings_lost.saturating_add(other.findings_lost),
            facts_lost: self.facts_lost.saturating_add(other.facts_lost),
        }
    }
}
