//! The flow table beside a reference model: a map that forgets what has expired.

use core::hash::BuildHasherDefault;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::HashMap;
use std::hash::DefaultHasher;

use crate::flow::table::{FlowRecord, FlowTable, Lookup, Worth};
use crate::limits::FLOW_WAYS;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::util::time::{Instant, Stamp};

/// Plays operations of two bytes each (kind and argument) to a table of a few sets: a packet of a flow, a look-up,
/// time that passes, a sweep.
///
/// # Panics
/// If the table forgets a flow that the model knows although there is room, remembers one that has expired, or
/// counts wrong.
pub(super) fn flow_table(script: &[u8]) {
    let mut table: FlowTable<FuzzFlow, _> =
        FlowTable::new(SETS * FLOW_WAYS, IDLE, BuildHasherDefault::<DefaultHasher>::default());
    let mut model: HashMap<u8, Stamp> = HashMap::new();
    let mut now = Instant::from_micros(1 << 40);
    for operation in script.chunks_exact(2) {
        let (kind, argument) = (operation[0] & 3, operation[1]);
        match kind {
            0 => {
                let stamp = now.stamp();
                match table.place(&key(argument), || 0, stamp) {
                    Lookup::Known(record) => {
                        assert!(model.contains_key(&argument), "flow {argument} was never entered");
                        assert_eq!(
                            record.last_seen, model[&argument],
                            "flow {argument} has another's record"
                        );
                        record.last_seen = stamp;
                    }
                    Lookup::New(record, replaced) => {
                        let is_gone = model.get(&argument).is_none_or(|seen| expired(*seen, now));
                        assert!(is_gone, "flow {argument} is forgotten");
                        *record = FuzzFlow { key: key(argument), last_seen: stamp };
                        if let Some(old) = replaced {
                            model.retain(|flow, _| key(*flow) != old.key);
                        }
                    }
                    Lookup::Refused => panic!("undecided flows make room"),
                }
                model.insert(argument, stamp);
            }
            1 => {
                let there = table.get(&key(argument)).is_some();
                assert_eq!(there, model.contains_key(&argument), "flow {argument}");
            }
            2 => now = now.after(Duration::from_secs(u64::from(argument))),
            _ => {
                table.sweep(usize::from(argument), now.stamp(), |record| {
                    model.retain(|flow, seen| key(*flow) != record.key || !expired(*seen, now));
                });
            }
        }
        assert_eq!(table.len(), model.len());
    }
}

/// A record that is undecided until it expires.
#[derive(Clone, Default)]
struct FuzzFlow {
    key: FiveTuple,
    last_seen: Stamp,
}

impl FlowRecord for FuzzFlow {
    fn key(&self) -> &FiveTuple {
        &self.key
    }

    fn last_seen(&self) -> Stamp {
        self.last_seen
    }

    fn worth(&self, now: Stamp, idle: Duration) -> Worth {
        if now.has_passed(self.last_seen, idle) { Worth::Expired } else { Worth::Undecided }
    }

    fn owner(&self) -> u32 {
        0
    }
}

fn expired(seen: Stamp, now: Instant) -> bool {
    now.stamp().has_passed(seen, IDLE)
}

fn key(flow: u8) -> FiveTuple {
    let end = |last, port| Endpoint::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), port);
    FiveTuple::new(end(1, 1_000 + u16::from(flow)), end(2, 443))
}

const SETS: usize = 16;
const IDLE: Duration = Duration::from_secs(600);
