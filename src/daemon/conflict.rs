//! Connections that come back although they are decided.
//!
//! The kernel remembers a decision in the connection's labels or mark ([`crate::rules::memory`]). Another program that
//! writes the whole mark makes it forget, and every packet of every connection is queued again. A few such packets are
//! usual: those that were on their way, and connections whose place in the set of five-tuples has ended. Many in each of
//! several windows of time are a conflict.

use super::problems::{Code, Problems};
use crate::limits::{CONFLICT_PACKETS, CONFLICT_WINDOW, CONFLICT_WINDOWS};
use crate::util::time::Instant;

/// Watches the engine's count of such packets.
#[derive(Debug, Default)]
pub(super) struct ConflictWatch {
    window_ends: Instant,
    /// The count when the window began.
    at_start: u64,
    /// Windows in a row with many.
    windows: u32,
}

impl ConflictWatch {
    /// Takes note of the engine's `count` at `now`; to be called at least once a window. True once there is a
    /// conflict.
    pub(super) fn notice(&mut self, count: u64, now: Instant, problems: &Problems) -> bool {
        if now < self.window_ends {
            return false;
        }
        let many = count.saturating_sub(self.at_start) >= CONFLICT_PACKETS;
        self.windows = if many { self.windows + 1 } else { 0 };
        self.window_ends = now.after(CONFLICT_WINDOW);
        self.at_start = count;
        let is_conflict = self.windows == CONFLICT_WINDOWS;
        if is_conflict {
            problems.report(Code::MarkConflict, "", TEXT.into());
        }
        is_conflict
    }
}

const TEXT: &str = "connections come back that are decided: another program overwrites their marks; \
                    they are kept in a set instead, as many as it holds";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_in_a_row_are_a_conflict_and_a_burst_is_none() {
        let problems = Problems::default();
        let mut watch = ConflictWatch::default();
        let (mut now, mut count) = (Instant::default(), 0);
        let mut step = |watch: &mut ConflictWatch, packets: u64| {
            now = now.after(CONFLICT_WINDOW);
            count += packets;
            watch.notice(count, now, &problems)
        };
        for packets in [0, 100_000, 0, CONFLICT_PACKETS, CONFLICT_PACKETS - 1, CONFLICT_PACKETS] {
            assert!(!step(&mut watch, packets));
        }
        let told: Vec<bool> = (0..5).map(|_| step(&mut watch, CONFLICT_PACKETS)).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1, "{told:?}");
        assert_eq!(problems.all().len(), 1);
    }
}
