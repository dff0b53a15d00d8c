//! The model file: tables, thresholds, where it comes from.
//!
//! Big-endian throughout:
//!
//! ```text
//! "MWHMM" 0x01                                  magic and version
//! u8 states, u8 size columns, u8 context columns, u8 bands    the alphabet it was trained for
//! u64 seed; u32 mining sequences; u32 benign sequences        the training
//! 3 x (u16 recall, u16 false positives)         measured on held-back applications, in 10,000ths;
//!                                               cautious, balanced, eager
//! 3 x bands x i16; i16                          thresholds: suspect by sensitivity and band; benign
//! twice, mining and background:
//!   states x u16                                start probabilities, in 2^-16
//!   states x states x u16                       transitions, from each to each, in 2^-16
//!   size columns x (u8 shift, states x u16)     P(column | state), in 2^-(16 + shift)
//!   context columns x (u8 shift, states x u16)
//! u32                                           CRC-32 of all that
//! ```

use super::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS};
use super::decision::{BANDS, Sensitivity, Thresholds};
use crate::util::crc32::crc32;

/// Hidden states of each chain. Ten found more than seven in experiments; two packed forward vectors of
/// them leave room in the flow record for the sizes by role and the beat.
pub const STATES: usize = 10;

/// The model that is part of the program.
pub const EMBEDDED: &[u8] = include_bytes!("default.model");

/// A pair of hidden Markov models and what to make of their quotient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Trained on mining.
    pub mining: Chain,
    /// Trained on everything else.
    pub background: Chain,
    /// What ratio decides.
    pub thresholds: Thresholds,
    /// Where it comes from.
    pub summary: Summary,
}

/// One hidden Markov model, its emissions factorised: P(symbol) = P(size) P(context), given the
/// state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Probability of each state at the first symbol, in 2^-16.
    pub start: [u16; STATES],
    /// Probability of each state after each, in 2^-16.
    pub step: [[u16; STATES]; STATES],
    /// The first factor.
    pub size: [Column; SIZE_COLUMNS],
    /// The second factor.
    pub context: [Column; CONTEXT_COLUMNS],
}

/// The probability of one column in each state, in 2^-(16 + shift).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Rare columns are scaled up, so that 16 bits are precise enough.
    pub shift: u8,
    /// By state; none is 0.
    pub entries: [u16; STATES],
}

/// The training, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Of all that was random.
    pub seed: u64,
    /// Mining sequences.
    pub mining: u32,
    /// Benign sequences.
    pub benign: u32,
    /// By sensitivity, on held-back applications.
    pub rates: [Rates; 3],
}

/// Shares of long flows that become suspects, in 10,000ths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of mining.
    pub recall: u16,
    /// Of everything else.
    pub false_positives: u16,
}

/// Why a model is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// It does not begin as a model does.
    NotAModel,
    /// It has another version than 1: it was written by another release.
    WrongVersion(u8),
    /// It ends early, or goes on after its end.
    WrongLength,
    /// Its checksum does not match: it was damaged on its way.
    Corrupt,
    /// It was trained for another number of states, columns or bands.
    WrongAlphabet,
    /// Probabilities that do not sum to one, or are zero.
    Absurd,
    /// Thresholds that contradict each other.
    AbsurdThresholds,
}

impl core::fmt::Display for ModelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ModelError::NotAModel => f.write_str("not a model file"),
            ModelError::WrongVersion(version) => write!(f, "version {version}, this release reads 1"),
            ModelError::WrongLength => f.write_str("cut short, or longer than a model"),
            ModelError::Corrupt => f.write_str("damaged: the checksum does not match"),
            ModelError::WrongAlphabet => f.write_str("trained for another alphabet"),
            ModelError::Absurd => f.write_str("probabilities that do not sum to one"),
            ModelError::AbsurdThresholds => f.write_str("thresholds that contradict each other"),
        }
    }
}

impl core::error::Error for ModelError {}

impl Model {
    /// The model that is part of the program.
    ///
    /// # Errors
    /// Never, in a program whose tests pass.
    pub fn embedded() -> Result<Box<Model>, ModelError> {
        Model::decode(EMBEDDED)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Box<Model>, ModelError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ModelError::NotAModel)?;
        let &version = rest.first().ok_or(ModelError::WrongLength)?;
        if version != VERSION {
            return Err(ModelError::WrongVersion(version));
        }
        if bytes.len() != LENGTH {
            return Err(ModelError::WrongLength);
        }
        let (body, sum) = bytes.split_last_chunk().ok_or(ModelError::WrongLength)?;
        if crc32(body) != u32::from_be_bytes(*sum) {
            return Err(ModelError::Corrupt);
        }
        let mut cursor = Cursor(body.get(MAGIC.len() + 1..).unwrap_or_default());
        if cursor.take()? != ALPHABET {
            return Err(ModelError::WrongAlphabet);
        }
        let mut model = Box::new(Model::zero());
        model.summary.read(&mut cursor)?;
        model.thresholds.read(&mut cursor)?;
        model.mining.read(&mut cursor)?;
        model.background.read(&mut cursor)?;
        model.thresholds.check()?;
        model.mining.check()?;
        model.background.check()?;
        Ok(model)
    }

    fn zero() -> Self {
        let chain = Chain {
            start: [0; STATES],
            step: [[0; STATES]; STATES],
            size: [Column::default(); SIZE_COLUMNS],
            context: [Column::default(); CONTEXT_COLUMNS],
        };
        let (thresholds, summary) = (Thresholds::default(), Summary::default());
        Model { mining: chain.clone(), background: chain, thresholds, summary }
    }
}

impl Summary {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ModelError> {
        self.seed = u64::from_be_bytes(cursor.take()?);
        self.mining = u32::from_be_bytes(cursor.take()?);
        self.benign = u32::from_be_bytes(cursor.take()?);
        for rates in &mut self.rates {
            *rates = Rates { recall: cursor.number()?, false_positives: cursor.number()? };
        }
        Ok(())
    }

    /// The rates of one sensitivity.
    pub fn rates(&self, sensitivity: Sensitivity) -> Rates {
        let [cautious, balanced, eager] = self.rates;
        match sensitivity {
            Sensitivity::Cautious => cautious,
            Sensitivity::Balanced => balanced,
            Sensitivity::Eager => eager,
        }
    }
}

impl Thresholds {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ModelError> {
        for threshold in self.suspect.iter_mut().flatten().chain([&mut self.benign]) {
            *threshold = i16::from_be_bytes(cursor.take()?);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ModelError> {
        let [cautious, balanced, eager] = &self.suspect;
        let ordered = cautious.iter().zip(balanced).all(|(more, less)| more >= less)
            && balanced.iter().zip(eager).all(|(more, less)| more >= less)
            && eager.iter().all(|&threshold| threshold > self.benign);
        if ordered { Ok(()) } else { Err(ModelError::AbsurdThresholds) }
    }
}

impl Chain {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ModelError> {
        for p in self.start.iter_mut().chain(self.step.iter_mut().flatten()) {
            *p = cursor.number()?;
        }
        for column in self.size.iter_mut().chain(&mut self.context) {
            let [shift] = cursor.take()?;
            column.shift = shift;
            for entry in &mut column.entries {
                *entry = cursor.number()?;
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ModelError> {
        let is_one = |sum: u64, unit: u64| sum.abs_diff(unit) <= unit / 256;
        let rows = self.step.iter().chain([&self.start]);
        let rows_sum = |row: &[u16; STATES]| {
            row.iter().all(|&p| p > 0) && is_one(row.iter().map(|&p| u64::from(p)).sum(), 1 << 16)
        };
        if rows.into_iter().all(rows_sum) && columns_sum(&self.size) && columns_sum(&self.context) {
            Ok(())
        } else {
            Err(ModelError::Absurd)
        }
    }
}

/// Whether the columns of each state sum to one.
fn columns_sum(columns: &[Column]) -> bool {
    let mut sums = [0u64; STATES];
    for column in columns {
        if column.shift > MAX_SHIFT || column.entries.contains(&0) {
            return false;
        }
        for (sum, &entry) in sums.iter_mut().zip(&column.entries) {
            *sum += u64::from(entry) << (MAX_SHIFT - column.shift);
        }
    }
    let unit = 1u64 << (16 + MAX_SHIFT);
    sums.iter().all(|sum| sum.abs_diff(unit) <= unit / 64)
}

/// The bytes that remain to be read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or(ModelError::WrongLength)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16, ModelError> {
        self.take().map(u16::from_be_bytes)
    }
}

/// How a model file begins.
pub const MAGIC: &[u8] = b"MWHMM";
/// The version this release reads and writes.
pub const VERSION: u8 = 1;
/// States, columns and bands, as the file states them.
pub const ALPHABET: [u8; 4] = [STATES as u8, SIZE_COLUMNS as u8, CONTEXT_COLUMNS as u8, BANDS as u8];
/// The rarest column is scaled by 2^16.
pub const MAX_SHIFT: u8 = 16;

/// Length of a model file.
pub const LENGTH: usize = MAGIC.len() + 1 + ALPHABET.len() + 28 + (3 * BANDS + 1) * 2 + 2 * CHAIN_LENGTH + 4;
const CHAIN_LENGTH: usize = STATES * (1 + STATES) * 2 + (SIZE_COLUMNS + CONTEXT_COLUMNS) * (1 + 2 * STATES);

const _: () = assert!(CONTEXT_COLUMNS < 256 && SIZE_COLUMNS < 256 && LENGTH < 16_384);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_sound() {
        let model = Model::decode(EMBEDDED).expect("built in");
        assert!(model.summary.mining > 100 && model.summary.benign > 100);
    }

    #[test]
    fn a_cut_or_lengthened_model_is_refused() {
        for end in 0..EMBEDDED.len() {
            assert!(Model::decode(&EMBEDDED[..end]).is_err(), "cut at {end}");
        }
        let longer = [EMBEDDED, &[0]].concat();
        assert_eq!(Model::decode(&longer), Err(ModelError::WrongLength));
    }

    #[test]
    fn a_damaged_model_is_refused() {
        for at in (0..EMBEDDED.len()).step_by(37) {
            let mut damaged = EMBEDDED.to_vec();
            damaged[at] ^= 4;
            assert!(Model::decode(&damaged).is_err(), "damaged at {at}");
        }
    }

    /// The embedded model with some bytes replaced and its checksum made good.
    fn altered(at: usize, bytes: &[u8]) -> Result<Box<Model>, ModelError> {
        let mut altered = EMBEDDED.to_vec();
        altered[at..at + bytes.len()].copy_from_slice(bytes);
        let body = LENGTH - 4;
        let sum = crc32(&altered[..body]);
        altered[body..].copy_from_slice(&sum.to_be_bytes());
        Model::decode(&altered)
    }

    #[test]
    fn a_model_that_makes_no_sense_is_refused_with_the_reason() {
        assert_eq!(altered(0, b"X"), Err(ModelError::NotAModel));
        assert_eq!(altered(MAGIC.len(), &[2]), Err(ModelError::WrongVersion(2)));
        assert_eq!(altered(MAGIC.len() + 1, &[200]), Err(ModelError::WrongAlphabet));
        let thresholds = MAGIC.len() + 1 + ALPHABET.len() + 28;
        let upside_down = 30_000i16.to_be_bytes();
        assert_eq!(altered(thresholds + 2 * 2 * BANDS, &upside_down), Err(ModelError::AbsurdThresholds));
        let chain = thresholds + (3 * BANDS + 1) * 2;
        assert_eq!(altered(chain, &[0, 0]), Err(ModelError::Absurd), "no such start");
        let columns = chain + STATES * (1 + STATES) * 2;
        assert_eq!(altered(columns, &[17]), Err(ModelError::Absurd), "shift");
        assert_eq!(altered(columns, &[0, 255, 255]), Err(ModelError::Absurd), "sum");
    }
}
