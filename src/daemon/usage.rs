//! Use of an engine, and the sum over all packet loops.

use crate::engine::{Counters, Engine};
use crate::util::counters::{counters, named_counters};
use crate::util::half_sip::TableKey;

counters! {
    /// Counters and use of one packet loop, or of all together.
    pub(super) struct LoopUsage {
        pub counters: Counters,
        pub flows: FlowsUse,
        pub assembly: SlotsUse,
        pub verdicts_failed: u32,
        /// Findings that the main loop had no room for.
        pub findings_lost: u32,
        /// Facts that some other engine was not told.
        pub facts_lost: u32,
    }
}

named_counters! {
    /// Use of the flow table.
    pub(super) struct FlowsUse {
        /// Flows in it.
        pub used: usize,
        /// Flows it can hold.
        pub capacity: usize,
        /// Entered so far.
        pub opened: u32,
        /// Idle for too long.
        pub expired: u32,
        /// Decided flows evicted for newcomers.
        pub evicted_settled: u32,
        /// Undecided flows evicted for newcomers.
        pub evicted_undecided: u32,
        /// Newcomers refused since a whole set was suspect.
        pub refused: u32,
    }
}

named_counters! {
    /// Use of the reassembly pool.
    pub(super) struct SlotsUse {
        /// Slots that hold bytes.
        pub used: usize,
        /// Slots there are.
        pub capacity: usize,
        /// Slots taken from a flow that still needed them.
        pub taken_away: u32,
    }
}

impl LoopUsage {
    /// Use of `engine`.
    pub(super) fn of(engine: &Engine<TableKey>, verdicts_failed: u32) -> Self {
        let (flows, table, pool) = (engine.flows(), engine.table_counters(), engine.reassembly());
        LoopUsage {
            counters: engine.counters(),
            flows: FlowsUse {
                used: flows.len(),
                capacity: flows.capacity(),
                opened: table.opened,
                expired: table.expired,
                evicted_settled: table.evicted_settled,
                evicted_undecided: table.evicted_undecided,
                refused: table.refused,
            },
            assembly: SlotsUse {
                used: pool.in_use(),
                capacity: pool.capacity(),
                taken_away: pool.taken_away,
            },
            verdicts_failed,
            findings_lost: 0,
            facts_lost: engine.facts_lost(),
        }
    }
}
