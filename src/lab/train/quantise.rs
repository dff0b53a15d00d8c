//! From floating point to the tables of the router, and to the model file.

use super::chain::{Chain, Row};
use crate::hmm::decision::Thresholds;
use crate::hmm::model::{self, Column, MAX_SHIFT, Model, STATES, Summary};
use crate::util::crc32::crc32;

/// The integer model of two trained chains.
pub fn model(mining: &Chain, background: &Chain, thresholds: Thresholds, summary: Summary) -> Box<Model> {
    Box::new(Model { mining: tables(mining), background: tables(background), thresholds, summary })
}

fn tables(chain: &Chain) -> model::Chain {
    model::Chain {
        start: row(&chain.start),
        step: chain.step.each_ref().map(row),
        size: core::array::from_fn(|at| column(&chain.size[at])),
        context: core::array::from_fn(|at| column(&chain.context[at])),
    }
}

/// Probabilities that sum to one, in 2^-16; never 0.
fn row(row: &Row) -> [u16; STATES] {
    row.map(|p| (p * 65_536.0).round().clamp(1.0, 65_535.0) as u16)
}

/// One column, scaled so that its largest entry uses all 16 bits.
fn column(row: &Row) -> Column {
    let largest = row.iter().copied().fold(0.0, f64::max);
    let mut shift = 0;
    while shift < MAX_SHIFT && largest * f64::from(1u32 << (shift + 1)) * 65_536.0 < 65_535.5 {
        shift += 1;
    }
    let unit = 65_536.0 * f64::from(1u32 << shift);
    Column { shift, entries: row.map(|p| (p * unit).round().clamp(1.0, 65_535.0) as u16) }
}

/// The model as a file, see [`crate::hmm::model`].
pub fn encode(model: &Model) -> Vec<u8> {
    let mut out = [model::MAGIC, &[model::VERSION], &model::ALPHABET].concat();
    let Summary { seed, mining, benign, rates } = model.summary;
    out.extend(seed.to_be_bytes());
    out.extend(mining.to_be_bytes());
    out.extend(benign.to_be_bytes());
    for rate in rates {
        out.extend(rate.recall.to_be_bytes());
        out.extend(rate.false_positives.to_be_bytes());
    }
    for threshold in model.thresholds.suspect.iter().flatten().chain([&model.thresholds.benign]) {
        out.extend(threshold.to_be_bytes());
    }
    for chain in [&model.mining, &model.background] {
        for p in chain.start.iter().chain(chain.step.iter().flatten()) {
            out.extend(p.to_be_bytes());
        }
        for column in chain.size.iter().chain(&chain.context) {
            out.push(column.shift);
            out.extend(column.entries.iter().flat_map(|entry| entry.to_be_bytes()));
        }
    }
    let sum = crc32(&out);
    out.extend(sum.to_be_bytes());
    out
}
