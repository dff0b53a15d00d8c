//! From floating point to the tables of the router, and to the model file.

use super::chain::{FloatChain, Row};
use super::refine;
use crate::hmm::model::{self, Model, STATES};
use crate::hmm::threshold::Test;
use crate::util::crc32::crc32;

/// The model file of a panel, see [`crate::hmm::model`].
pub(crate) fn encode(panel: &[refine::FloatPair], test: &Test, summary: model::Summary) -> Vec<u8> {
    let mut out = [model::MAGIC, &[model::VERSION], &model::ALPHABET].concat();
    out.push(panel.len() as u8);
    out.extend(summary.seed.to_be_bytes());
    out.extend(summary.mining.to_be_bytes());
    out.extend(summary.benign.to_be_bytes());
    out.extend(test.fields().into_iter().flat_map(i16::to_be_bytes));
    for chain in panel.iter().flat_map(|pair| [&pair.mining, &pair.background]) {
        out.extend(rows(chain).flat_map(levels));
    }
    let sum = crc32(&out);
    out.extend(sum.to_be_bytes());
    out
}

/// The model that the router makes of a panel's file.
///
/// # Errors
/// The router would refuse it.
pub(crate) fn model(
    panel: &[refine::FloatPair],
    test: &Test,
    summary: model::Summary,
) -> Result<Box<Model>, super::Error> {
    let refused = |error: model::ModelError| super::Error::from(format!("the result is no good: {error}"));
    Model::decode(&encode(panel, test, summary)).map_err(refused)
}

/// The tables of any number of trainings.
///
/// # Errors
/// The router would refuse one.
pub(crate) fn tables(trainings: &[refine::FloatPair]) -> Result<Vec<model::Pair>, super::Error> {
    let mut tables = Vec::new();
    for pair in trainings {
        let model = model(core::slice::from_ref(pair), &Test::ANY, model::Summary::default())?;
        tables.extend(model.members);
    }
    Ok(tables)
}

fn rows(chain: &FloatChain) -> impl Iterator<Item = &Row> {
    [&chain.start].into_iter().chain(&chain.step).chain(&chain.size).chain(&chain.context)
}

/// The nearest 16ths of an octave below one.
fn levels(row: &Row) -> [u8; STATES] {
    row.map(|p| (-16.0 * p.log2()).round().clamp(0.0, f32::from(u8::MAX)) as u8)
}
