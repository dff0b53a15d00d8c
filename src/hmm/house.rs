//! The threshold of a house: as low as its budget of questions allows.
//!
//! Houses differ: in one nothing ever looks like mining, in another a voice assistant does all day. The daemon counts
//! how far each server rises on a scale of sums, once a day and server, and keeps an average over about eight days
//! in a small histogram. The threshold is the lowest level that no more than the budget's number of servers reach in
//! a day. A house of which nothing is known counts as one in which half the budget's number reaches the model's
//! start, and twice the budget's the level below; that guess weighs as much as one day. The threshold never falls
//! below the model's floor.
//!
//! Besides, no more servers than the budget are made suspects in a day; the last fifth of it is kept for sums of
//! twice the threshold, so that look-alikes in the morning leave room for a miner in the evening.
//!
//! **Shares.** Where there are several clients, one counts for at most half the budget's number of servers in the
//! histogram of a day, so that it can't raise the threshold for the others by itself. A client that has had less than a
//! tenth of the budget today gets it also when the budget is used up; all together never have more than twice the budget.
//!
//! **Proof.** A suspect that proves to be a pool gives back its part of the budget and its place in the histogram: both
//! are there for false alarms, and a house with many miners would run out of questions with the fortieth.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::RATIO_ONE;
use super::threshold::Test;
use crate::util::time::Instant;

/// The house of all packet loops. A loop takes it by a try that never waits: the loop that finds it taken weighs its flow
/// with the flow's next packet.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedHouse(Arc<Mutex<House>>);

impl SharedHouse {
    /// The house, unless another loop has it.
    pub(crate) fn try_take(&self) -> Option<MutexGuard<'_, House>> {
        match self.0.try_lock() {
            Ok(house) => Some(house),
            // Every number in it is good by itself.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The house, once no loop has it; off the packet's way.
    pub(crate) fn take(&self) -> MutexGuard<'_, House> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Distribution of one house's sums.
#[derive(Clone, Debug)]
pub struct House {
    /// Servers a day whose sum ended in each level, in 256ths: a fading sum over days.
    history: [u32; LEVELS],
    /// The weight of the days in it, in 256ths of a day.
    days: u32,
    /// Servers of today by level.
    today: [u16; LEVELS],
    /// Highest level of each server that was counted today.
    servers: Box<[Counted]>,
    /// Today's shares of clients; full, the one with the fewest servers makes room.
    shares: heapless::Vec<Share, CLIENTS>,
    began: Option<Instant>,
    /// Servers made suspects today.
    suspects: u32,
    /// Index of the level from which a server is suspect.
    level: usize,
}

/// A server in a slot of its hash; another one with the same slot displaces it and may be counted twice.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// 0 is an empty slot.
    tag: u32,
    level: u8,
    suspect: bool,
    /// It is in the histogram of today.
    is_counted: bool,
}

/// A client's part in today.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Keyed hash of the client.
    client: u32,
    /// Servers in the histogram.
    servers: u16,
    suspects: u16,
}

impl Default for House {
    fn default() -> Self {
        House {
            history: [0; LEVELS],
            days: 0,
            today: [0; LEVELS],
            servers: vec![Counted::default(); SERVERS].into_boxed_slice(),
            began: None,
            shares: heapless::Vec::new(),
            suspects: 0,
            level: usize::MAX,
        }
    }
}

impl House {
    /// Takes in the sum of a flow of `client` with `server`, both keyed hashes, which nothing is known to clear. Whether the
    /// server is suspect: the sum reaches the house's threshold, and the day's budget has room for one more.
    pub(crate) fn weigh(
        &mut self,
        client: u32,
        server: u64,
        sum: i32,
        test: &Test,
        budget: u32,
        now: Instant,
    ) -> bool {
        let Some(level) = level(sum, test) else { return false };
        self.turn_day(now);
        let share = self.share(client);
        let Some(index) = self.count_server(share, server, level, budget) else { return false };
        if self.level == usize::MAX {
            self.level = self.lowest_level(test, budget, now);
        }
        let threshold = sum_of(self.level, test);
        let (Some(slot), Some(share)) = (self.servers.get_mut(index), self.shares.get_mut(share)) else {
            return false;
        };
        if sum < threshold || slot.suspect {
            return sum >= threshold;
        }
        let limit = if sum >= 2 * threshold { budget } else { budget - budget / 5 };
        let is_due =
            u32::from(share.suspects) < (budget / 10).max(1) && self.suspects < budget.saturating_mul(2);
        if self.suspects >= limit && !is_due {
            return false;
        }
        slot.suspect = true;
        share.suspects = share.suspects.saturating_add(1);
        self.suspects += 1;
        true
    }

    /// Counts `server` at `level`, once a day; index of its slot.
    fn count_server(&mut self, share: usize, server: u64, level: usize, budget: u32) -> Option<usize> {
        let (index, tag) = self.place(server);
        let has_others = self.shares.len() > 1;
        let (slot, share) = (self.servers.get_mut(index)?, self.shares.get_mut(share)?);
        if slot.tag != tag {
            let is_counted = !has_others || u32::from(share.servers) < (budget / 2).max(1);
            *slot = Counted { tag, level: level as u8, suspect: false, is_counted };
            if is_counted {
                share.servers = share.servers.saturating_add(1);
                count(&mut self.today, level, 1);
                self.level = usize::MAX;
            }
        } else if level > usize::from(slot.level) {
            if slot.is_counted {
                count(&mut self.today, usize::from(slot.level), -1);
                count(&mut self.today, level, 1);
                self.level = usize::MAX;
            }
            slot.level = level as u8;
        }
        Some(index)
    }

    /// `server`, a suspect through `client`, has proved to be a pool. Its question takes nothing from the day's budget,
    /// and its sum is none of those that the house has without a miner.
    pub(crate) fn give_back(&mut self, client: u32, server: u64) {
        let (index, tag) = self.place(server);
        let Some(slot) = self.servers.get_mut(index).filter(|slot| slot.tag == tag) else { return };
        let Counted { level, suspect, is_counted, .. } = core::mem::take(slot);
        if is_counted {
            count(&mut self.today, usize::from(level), -1);
            self.level = usize::MAX;
        }
        self.suspects = self.suspects.saturating_sub(u32::from(suspect));
        if let Some(share) = self.shares.iter_mut().find(|share| share.client == client) {
            share.servers = share.servers.saturating_sub(u16::from(is_counted));
            share.suspects = share.suspects.saturating_sub(u16::from(suspect));
        }
    }

    /// Index and tag of the slot of `server`.
    fn place(&self, server: u64) -> (usize, u32) {
        (server as usize % self.servers.len(), (server >> 32) as u32 | 1)
    }

    /// Index of the share of `client`.
    fn share(&mut self, client: u32) -> usize {
        if let Some(at) = self.shares.iter().position(|share| share.client == client) {
            return at;
        }
        let new = Share { client, ..Share::default() };
        if self.shares.push(new).is_ok() {
            return self.shares.len() - 1;
        }
        let least = self.shares.iter_mut().enumerate().min_by_key(|(_, share)| share.servers);
        least.map_or(0, |(at, share)| {
            *share = new;
            at
        })
    }

    /// The threshold at `now`.
    pub(crate) fn threshold(&self, test: &Test, budget: u32, now: Instant) -> i32 {
        sum_of(self.lowest_level(test, budget, now), test)
    }

    /// The lowest level that no more than `budget` servers reach in a day, as far as is known.
    fn lowest_level(&self, test: &Test, budget: u32, now: Instant) -> usize {
        let start = level(i32::from(test.start), test).unwrap_or(0);
        let today = self.began.map_or(0, |began| now.micros().saturating_sub(began.micros()));
        let today = (today.min(DAY.as_micros() as u64) * 256 / DAY.as_micros() as u64) as u32;
        let weight = u64::from(256 + self.days + today);
        let mut servers = 0u64;
        let mut lowest = LEVELS;
        for at in (0..LEVELS).rev() {
            servers += u64::from(self.history[at]) + 256 * u64::from(self.today[at]);
            let guess = if at < start {
                u64::from(budget) << (start - at).min(16)
            } else {
                u64::from(budget) >> (at - start + 1).min(16)
            };
            if servers + 256 * guess > weight * u64::from(budget) {
                break;
            }
            lowest = at;
        }
        lowest
    }

    fn turn_day(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let past = now.micros().saturating_sub(began.micros()) / DAY.as_micros() as u64;
        if past == 0 {
            return;
        }
        for (history, today) in self.history.iter_mut().zip(&mut self.today) {
            *history = *history - *history / FADE + (u32::from(*today) << 8);
            *today = 0;
        }
        self.days = self.days - self.days / FADE + 256;
        // Days without a single candidate; more than a few weeks say no more.
        for _ in 1..past.min(60) {
            self.history.iter_mut().for_each(|history| *history -= *history / FADE);
            self.days = self.days - self.days / FADE + 256;
        }
        self.servers.fill(Counted::default());
        self.shares.iter_mut().for_each(|share| *share = Share { client: share.client, ..Share::default() });
        (self.suspects, self.level, self.began) = (0, usize::MAX, Some(now));
    }

    /// The part that survives a restart, as one line: the weight of the days, then the histogram with today's servers.
    pub fn to_line(&self) -> String {
        let levels =
            self.history.iter().zip(&self.today).map(|(history, today)| history + (u32::from(*today) << 8));
        let numbers = core::iter::once(self.days).chain(levels);
        let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
        numbers.join(" ") + "\n"
    }

    /// Reads such a line; `None` if it is none.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut numbers =
            line.trim_end().split(' ').map(|number| number.parse::<u32>().ok().filter(|n| *n <= MOST));
        let mut house = House { days: numbers.next()??, ..House::default() };
        for history in &mut house.history {
            *history = numbers.next()??;
        }
        numbers.next().is_none().then_some(house)
    }
}

fn count(today: &mut [u16; LEVELS], level: usize, by: i16) {
    if let Some(count) = today.get_mut(level) {
        *count = count.saturating_add_signed(by);
    }
}

/// The level of a sum; none below the floor.
fn level(sum: i32, test: &Test) -> Option<usize> {
    let above = usize::try_from(sum - i32::from(test.floor)).ok()?;
    Some((above / LEVEL_WIDTH as usize).min(LEVELS - 1))
}

/// The least sum of a level.
fn sum_of(level: usize, test: &Test) -> i32 {
    i32::from(test.floor) + level as i32 * LEVEL_WIDTH
}

/// Levels of the histogram, of two bits each.
const LEVELS: usize = 48;
pub(crate) const LEVEL_WIDTH: i32 = 2 * RATIO_ONE;
/// Slots for the servers of one day, 8 bytes each.
const SERVERS: usize = 512;
/// Clients with a share of their own, 8 bytes each.
const CLIENTS: usize = 32;
/// A day loses an eighth of its weight with each that follows.
const FADE: u32 = 8;
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// More is no number of servers or days.
const MOST: u32 = 1 << 26;

#[cfg(test)]
mod tests;
