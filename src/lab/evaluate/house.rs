//! A house in which nothing mines: how many servers it asks by stage one's suspicion, day by day.
//!
//! Every day [`FLOWS_A_DAY`] long flows are drawn from the benign sessions at hand and spread over the day, with
//! the daemon's own histogram and budget ([`House`]). Most servers are called again on other days, some are new every
//! day. The answer *not a pool* clears a server for a week, as the reputation store has it.

use std::collections::HashMap;
use std::fmt::Write;

use crate::hmm::house::House;
use crate::hmm::threshold::Test;
use crate::lab::train::rng::Rng;
use crate::lab::train::scores::Trace;
use crate::lab::train::sequence::Label;
use crate::limits::SUSPECTS_PER_DAY_DEFAULT;
use crate::util::time::Instant;

/// Servers newly asked on each day of several houses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HouseProbes {
    /// Of each house, by day.
    pub houses: Vec<Vec<u32>>,
}

/// Lets [`HOUSES`] houses live for `days` on the benign ones of `traces`.
pub(crate) fn live(traces: &[Trace<'_>], test: &Test, days: usize) -> HouseProbes {
    let benign: Vec<&Trace<'_>> = traces.iter().filter(|trace| trace.case.label() == Label::Benign).collect();
    let houses = if benign.is_empty() { 0 } else { HOUSES };
    HouseProbes { houses: (0..houses).map(|house| one(&benign, test, days, house)).collect() }
}

fn one(benign: &[&Trace<'_>], test: &Test, days: usize, number: u64) -> Vec<u32> {
    let mut rng = Rng::keyed(SEED, number);
    let mut house = House::default();
    // Day on which each server was cleared.
    let mut cleared: HashMap<u64, usize> = HashMap::new();
    let mut asked = vec![0; days];
    for (day, asked) in asked.iter_mut().enumerate() {
        for flow in 0..FLOWS_A_DAY {
            let session = rng.range(0, benign.len() as u32 - 1);
            let is_new = rng.chance(NEW_SERVERS);
            let name =
                if is_new { (day as u64 + 1) << 32 | u64::from(flow) << 16 } else { 0 } | u64::from(session);
            let server = Rng::keyed(number, name).bits();
            if cleared.get(&server).is_some_and(|since| day - since < CLEARED_DAYS) {
                continue;
            }
            let at =
                (day as u64 * u64::from(FLOWS_A_DAY) + u64::from(flow)) * DAY_MICROS / u64::from(FLOWS_A_DAY);
            let now = Instant::from_micros(at);
            let mut sums = benign[session as usize].sums().filter(|&sum| sum >= i32::from(test.floor));
            if sums
                .any(|sum| house.weigh(session % DEVICES, server, sum, test, SUSPECTS_PER_DAY_DEFAULT, now))
            {
                *asked += 1;
                cleared.insert(server, day);
            }
        }
    }
    asked
}

impl HouseProbes {
    /// Mean and largest number of servers asked on a day of `days`.
    pub(crate) fn on(&self, days: core::ops::Range<usize>) -> (f64, u32) {
        let all: Vec<u32> = self
            .houses
            .iter()
            .flat_map(|house| house.get(days.clone()).unwrap_or_default())
            .copied()
            .collect();
        let mean = all.iter().sum::<u32>() as f64 / all.len().max(1) as f64;
        (mean, all.into_iter().max().unwrap_or(0))
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let days = self.houses.first().map_or(0, Vec::len);
        let mut out = format!(
            "servers asked a day by {} houses in which nothing mines, {FLOWS_A_DAY} long flows a day:\n",
            self.houses.len()
        );
        for (what, range) in
            [("first day", 0..1), ("days 2 to 7", 1..7.min(days)), ("after a week", 7.min(days)..days)]
        {
            if !range.is_empty() {
                let (mean, most) = self.on(range);
                let _ = writeln!(out, "  {what:12} {mean:5.1} in the mean, {most} at most");
            }
        }
        out
    }
}

/// Ten long flows of each device.
const FLOWS_A_DAY: u32 = 10 * DEVICES;
const DEVICES: u32 = 30;
/// Share of the flows whose server was never called before.
const NEW_SERVERS: f64 = 0.3;
/// The reputation store keeps *not a pool* for so long.
const CLEARED_DAYS: usize = 7;
const HOUSES: u64 = 20;
const DAY_MICROS: u64 = 24 * 3_600 * 1_000_000;
const SEED: u64 = 23;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::model::Model;
    use crate::lab::train::dataset;
    use crate::lab::train::generate;

    /// The scripted look-alikes are harder than any house; the first day stays within its bound all the same.
    #[test]
    fn a_new_house_asks_fewer_than_fifty_servers_on_its_first_day_and_fewer_after_a_week() {
        let model = Model::embedded().expect("built in");
        let cases = dataset::cases(generate::benign(91, 150, 320));
        let traces = Trace::of_all(&cases, &model);
        let asked = live(&traces, &model.test, 12);
        let (first, most) = asked.on(0..1);
        let (later, _) = asked.on(7..12);
        assert!(first > 0.0 && most < SUSPECTS_PER_DAY_DEFAULT, "{asked:?}");
        assert!(later < first, "{first} {later}");
        assert_eq!(live(&traces, &model.test, 12), asked, "the same houses again");
    }
}
