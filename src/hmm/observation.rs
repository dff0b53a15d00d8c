//! observation
use super::alphabet::*;
use crate::flow::Direction;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub size: u8,
    pub context: u8,
}

#[derive(Clone, Debug, Default)]
pub struct Trail {
    flights: u8,
    last: Option<Direction>,
    sizes: [[u32; 2]; 2],
    since: [u32; 2],
    interval: [u32; 2],
}

pub fn variant(name: &str) -> u32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(0)
}

impl Trail {
    pub fn observe(&mut self, direction: Direction, size: u32, gap_ms: u32, v: u32) -> Option<Symbol> {
        let same = self.last == Some(direction);
        if !same {
            self.flights = (self.flights + 1).min(3);
        }
        self.last = Some(direction);
        self.since[0] = self.since[0].saturating_add(gap_ms);
        self.since[1] = self.since[1].saturating_add(gap_ms);
        let d = direction as usize;
        let [one, two] = self.sizes[d];
        let c1 = change_class(size, one);
        let c2 = change_class(size, two);
        // variant 1: two sizes back
        let now = self.since[d];
        let before = self.interval[d];
        let regular = now > 100 && now.abs_diff(before) <= now.min(before) / 8;
        if !(same && gap_ms < 100) { self.since[d] = 0; self.interval[d] = now; }
        let change = match v {
            0 => c1,
            1 | 2 | 3 => match (c1, c2) {
                (0, _) => 0,
                (_, 0) => 4,
                (1, _) => 1,
                (_, 1) => 5,
                (2, _) => 2,
                _ => 3,
            },
            _ => c1,
        };
        self.sizes[d] = [size, one];
        if self.flights < 3 {
            return None;
        }
        let flag = match v { 2 => regular && d == 0, 3 => regular, _ => false };
        let context = gap_class(gap_ms) + 8 * (same as u8) + 16 * change + 96 * (flag as u8);
        Some(Symbol { size: size_column(direction, size), context })
    }
}
