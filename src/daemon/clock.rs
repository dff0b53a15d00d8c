//! The daemon's time, and what is counted by it.

use std::time::Duration;

use crate::util::time::Instant;

/// The monotonic clock, from the start of the daemon.
#[derive(Clone)]
pub(super) struct Clock(std::time::Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Clock(std::time::Instant::now())
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_micros(self.0.elapsed().as_micros() as u64)
    }
}

/// Packets of the last whole minute, which show that the kernel hands them over now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PacketsOfMinute {
    begin: Instant,
    at_begin: u64,
    last: Option<u64>,
}

impl PacketsOfMinute {
    /// So many packets have been seen at `now`. To be called once a second.
    pub(super) fn note(&mut self, packets: u64, now: Instant) {
        if now >= self.begin.after(Duration::from_secs(60)) {
            *self = PacketsOfMinute { begin: now, at_begin: packets, last: Some(packets - self.at_begin) };
        }
    }

    /// Those of the last minute; in the first one, those since its begin.
    pub(super) fn count(&self, packets: u64) -> u64 {
        self.last.unwrap_or(packets - self.at_begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_counted_a_minute_at_a_time() {
        let at = |seconds| Instant::default().after(Duration::from_secs(seconds));
        let mut minute = PacketsOfMinute::default();
        minute.note(7, at(1));
        assert_eq!(minute.count(9), 9);
        minute.note(100, at(60));
        minute.note(500, at(119));
        assert_eq!(minute.count(500), 100);
        minute.note(500, at(120));
        minute.note(500, at(180));
        assert_eq!(minute.count(500), 0);
    }
}
