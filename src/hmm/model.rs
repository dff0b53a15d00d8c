//! The model file: a panel of pairs of hidden Markov models, what their ratio decides, and the training.
//!
//! Big-endian throughout. A probability is one byte: the number of 16ths of an octave by which it lies below
//! one, so that a rare symbol is as precise (4 %) as a frequent one and a pair takes 7.5 KB of flash.
//!
//! ```text
//! "MWHMM" 0x03                                  magic and version
//! u8 states, u8 size columns, u8 context columns, u8 members    the alphabet and the panel's size
//! u64 seed; u32 mining sequences; u32 benign sequences          the training
//! 9 x i16                                       `Test`, in the order of its fields
//! members x 2 (mining, background):
//!   states x u8                                 start probabilities
//!   states x states x u8                        transitions, from each to each
//!   (size columns + context columns) x states x u8    P(column | state)
//! u32                                           CRC-32 of all that
//! ```

use super::alphabet::{CONTEXT_COLUMNS, SIZE_COLUMNS};
use super::threshold::Test;
use crate::limits::HMM_PANEL;
use crate::util::crc32::crc32;

/// Hidden states of each chain.
pub(crate) const STATES: usize = 10;

/// The model that is part of the program.
pub(crate) const EMBEDDED: &[u8] = include_bytes!("default.model");

/// A panel of models and the test of its ratio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Trained apart; the first one also screens flows. At least one, at most [`HMM_PANEL`].
    pub(crate) members: Box<[Pair]>,
    /// Drift, thresholds and calibration.
    pub(crate) test: Test,
    /// Origin.
    pub(crate) summary: Summary,
}

/// Two chains whose ratio is evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Trained on mining.
    pub mining: Chain,
    /// Trained on everything else.
    pub background: Chain,
}

/// A hidden Markov model with factorised emissions: P(symbol | state) = P(size | state) P(context | state).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Probability of each state at the first symbol, in 2^-16.
    pub start: [u16; STATES],
    /// Probability of each state after each.
    pub step: Transitions,
    /// First factor.
    pub size: Box<[Column; SIZE_COLUMNS]>,
    /// Second factor.
    pub context: Box<[Column; CONTEXT_COLUMNS]>,
}

/// Probabilities of states after each state, in 2^-16: as many in a word as it has 32 bits, which one multiplication
/// serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transitions(pub [[usize; WORDS]; STATES]);

/// Words of a state's row.
pub(crate) const WORDS: usize = STATES / LANES;
const LANES: usize = size_of::<usize>() / size_of::<u32>();

impl Transitions {
    fn of(rows: &[[u16; STATES]; STATES]) -> Self {
        let word = |entries: &[u16]| {
            entries.iter().zip(0..).fold(0, |word, (entry, lane)| word | usize::from(*entry) << (32 * lane))
        };
        let mut words = [[0; WORDS]; STATES];
        for (words, row) in words.iter_mut().zip(rows) {
            words.iter_mut().zip(row.chunks(LANES)).for_each(|(place, entries)| *place = word(entries));
        }
        Transitions(words)
    }

    /// Each state's probabilities.
    #[cfg(any(test, feature = "host"))]
    pub(crate) fn rows(&self) -> [[u16; STATES]; STATES] {
        let entry = |row: &[usize; WORDS], to: usize| (row[to / LANES] >> (32 * (to % LANES))) as u16;
        self.0.each_ref().map(|row| core::array::from_fn(|to| entry(row, to)))
    }
}

/// The probability of one column in each state, in 2^-(16 + shift).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Column {
    /// Scale of a rare column, which 16 bits alone would hold too coarsely.
    pub shift: u8,
    /// Start probabilities by state; none is 0.
    pub entries: [u16; STATES],
}

/// The training in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Seed of everything random.
    pub seed: u64,
    /// Mining sequences.
    pub mining: u32,
    /// Benign sequences.
    pub benign: u32,
}

/// Why a model is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The beginning is not that of a model.
    NotAModel,
    /// Written by another release.
    WrongVersion(u8),
    /// Cut short or too long.
    WrongLength,
    /// Damaged on its way: the checksum does not match.
    Corrupt,
    /// Trained for another number of states, columns or members.
    WrongAlphabet,
    /// Probabilities that do not sum to one.
    Absurd,
    /// Thresholds that contradict each other.
    AbsurdThresholds,
}

impl core::fmt::Display for ModelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ModelError::NotAModel => f.write_str("not a model file"),
            ModelError::WrongVersion(version) => {
                write!(f, "a model of version {version}, this release reads {VERSION}")
            }
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
    /// The first reason for which it is no model.
    pub fn decode(bytes: &[u8]) -> Result<Box<Model>, ModelError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ModelError::NotAModel)?;
        let &version = rest.first().ok_or(ModelError::WrongLength)?;
        if version != VERSION {
            return Err(ModelError::WrongVersion(version));
        }
        let (body, sum) = bytes.split_last_chunk().ok_or(ModelError::WrongLength)?;
        if crc32(body) != u32::from_be_bytes(*sum) {
            let is_whole = members_in(bytes.len()).is_some();
            return Err(if is_whole { ModelError::Corrupt } else { ModelError::WrongLength });
        }
        let mut cursor = Cursor(body.get(MAGIC.len() + 1..).unwrap_or_default());
        let [states, sizes, contexts, members] = cursor.take()?;
        if [states, sizes, contexts] != ALPHABET || !(1..=HMM_PANEL).contains(&usize::from(members)) {
            return Err(ModelError::WrongAlphabet);
        }
        if members_in(bytes.len()) != Some(usize::from(members)) {
            return Err(ModelError::WrongLength);
        }
        let summary = Summary {
            seed: u64::from_be_bytes(cursor.take()?),
            mining: u32::from_be_bytes(cursor.take()?),
            benign: u32::from_be_bytes(cursor.take()?),
        };
        let mut fields = [0; Test::FIELDS];
        for field in &mut fields {
            *field = i16::from_be_bytes(cursor.take()?);
        }
        let test = Test::from_fields(fields).ok_or(ModelError::AbsurdThresholds)?;
        let mut pairs = Vec::with_capacity(usize::from(members));
        for _ in 0..members {
            pairs.push(Pair { mining: cursor.chain()?, background: cursor.chain()? });
        }
        Ok(Box::new(Model { members: pairs.into_boxed_slice(), test, summary }))
    }

    /// The training in short.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

/// The number of members of a model file of this length.
fn members_in(length: usize) -> Option<usize> {
    let members = length.checked_sub(FRAME)?;
    members.is_multiple_of(2 * CHAIN_LENGTH).then_some(members / (2 * CHAIN_LENGTH))
}

/// The part of the file that is not read yet.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or(ModelError::WrongLength)?;
        self.0 = rest;
        Ok(taken)
    }

    fn chain(&mut self) -> Result<Chain, ModelError> {
        let start = self.distribution()?;
        let mut step = [[0; STATES]; STATES];
        for row in &mut step {
            *row = self.distribution()?;
        }
        Ok(Chain { start, step: Transitions::of(&step), size: self.columns()?, context: self.columns()? })
    }

    /// A distribution over the states.
    fn distribution(&mut self) -> Result<[u16; STATES], ModelError> {
        let levels: [u8; STATES] = self.take()?;
        let row = levels.map(|level| probability(level).min(u64::from(u16::MAX) << MAX_SHIFT));
        is_one(row.iter().sum())?;
        Ok(row.map(|p| (p >> MAX_SHIFT).max(1) as u16))
    }

    /// A distribution over the columns for each state.
    fn columns<const N: usize>(&mut self) -> Result<Box<[Column; N]>, ModelError> {
        let mut columns = Box::new([Column::default(); N]);
        let mut sums = [0u64; STATES];
        for column in columns.iter_mut() {
            let levels: [u8; STATES] = self.take()?;
            *column = Column::of(levels);
            sums.iter_mut().zip(levels).for_each(|(sum, level)| *sum += probability(level));
        }
        sums.into_iter().try_for_each(is_one)?;
        Ok(columns)
    }
}

impl Column {
    /// The column whose entries have these levels, scaled so that the largest uses all 16 bits.
    fn of(levels: [u8; STATES]) -> Self {
        let least = levels.iter().copied().min().unwrap_or(0);
        let shift = (least / 16).min(MAX_SHIFT);
        let scaled = |level: u8| (probability(level) << shift >> MAX_SHIFT).clamp(1, u64::from(u16::MAX));
        Column { shift, entries: levels.map(|level| scaled(level) as u16) }
    }
}

/// 2^(-level / 16) in 2^-32.
pub(crate) fn probability(level: u8) -> u64 {
    let power = POWERS.get(usize::from(level & 15)).copied().unwrap_or(0);
    power >> (level >> 4)
}

/// Whether probabilities in 2^-32 sum to one, but for the rounding of each to a 16th of an octave.
fn is_one(sum: u64) -> Result<(), ModelError> {
    const ONE: u64 = 1 << 32;
    if sum.abs_diff(ONE) <= ONE / 24 { Ok(()) } else { Err(ModelError::Absurd) }
}

/// 2^(32 - i / 16), rounded.
static POWERS: [u64; 16] = [
    4_294_967_296,
    4_112_874_773,
    3_938_502_376,
    3_771_522_796,
    3_611_622_603,
    3_458_501_653,
    3_311_872_529,
    3_171_459_999,
    3_037_000_500,
    2_908_241_642,
    2_784_941_738,
    2_666_869_345,
    2_553_802_834,
    2_445_529_972,
    2_341_847_524,
    2_242_560_872,
];

/// First bytes of a model file.
pub(crate) const MAGIC: &[u8] = b"MWHMM";
/// The version that this release reads and writes.
pub(crate) const VERSION: u8 = 3;
/// States and columns, as the file states them.
pub(crate) const ALPHABET: [u8; 3] = [STATES as u8, SIZE_COLUMNS as u8, CONTEXT_COLUMNS as u8];
/// The rarest column is scaled by 2^16.
const MAX_SHIFT: u8 = 16;
/// The longest model file.
pub(crate) const LENGTH_MAX: usize = FRAME + HMM_PANEL * 2 * CHAIN_LENGTH;
/// Bytes of a file that belong to no member.
const FRAME: usize = MAGIC.len() + 1 + ALPHABET.len() + 1 + 16 + Test::FIELDS * 2 + 4;
const CHAIN_LENGTH: usize = STATES * (1 + STATES + SIZE_COLUMNS + CONTEXT_COLUMNS);

const _: () = assert!(CONTEXT_COLUMNS < 256 && SIZE_COLUMNS < 256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_sound() {
        let model = Model::decode(EMBEDDED).expect("built in");
        assert!(model.summary.mining > 100 && model.summary.benign > 100);
        assert!(model.members.len() > 1, "a single model is no panel");
    }

    #[test]
    fn levels_are_sixteenths_of_an_octave() {
        for level in 0..=u8::MAX {
            let exact = 2f64.powi(32) * (-f64::from(level) / 16.0).exp2();
            assert!((probability(level) as f64 - exact).abs() <= 1.0, "{level}");
        }
    }

    #[test]
    fn a_cut_or_lengthened_model_is_refused() {
        for end in (0..EMBEDDED.len()).step_by(13) {
            assert!(Model::decode(&EMBEDDED[..end]).is_err(), "cut at {end}");
        }
        let longer = [EMBEDDED, &[0]].concat();
        assert_eq!(Model::decode(&longer), Err(ModelError::WrongLength));
        let pair = EMBEDDED.len() - 2 * CHAIN_LENGTH;
        let fewer = [&EMBEDDED[..pair - 4], &crc32(&EMBEDDED[..pair - 4]).to_be_bytes()].concat();
        assert_eq!(Model::decode(&fewer), Err(ModelError::WrongLength), "a member is missing");
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
        let body = altered.len() - 4;
        let sum = crc32(&altered[..body]);
        altered[body..].copy_from_slice(&sum.to_be_bytes());
        Model::decode(&altered)
    }

    #[test]
    fn a_model_that_makes_no_sense_is_refused_with_the_reason() {
        assert_eq!(altered(0, b"X"), Err(ModelError::NotAModel));
        assert_eq!(altered(MAGIC.len(), &[1]), Err(ModelError::WrongVersion(1)));
        assert_eq!(altered(MAGIC.len() + 1, &[200]), Err(ModelError::WrongAlphabet));
        assert_eq!(altered(MAGIC.len() + 4, &[0]), Err(ModelError::WrongAlphabet), "no member");
        let test = MAGIC.len() + 5 + 16;
        assert_eq!(altered(test, &[0x80, 0]), Err(ModelError::AbsurdThresholds));
        let chain = test + 2 * Test::FIELDS;
        assert_eq!(altered(chain, &[0; STATES]), Err(ModelError::Absurd), "every state is certain");
        let columns = chain + STATES * (1 + STATES);
        assert_eq!(altered(columns, &[0; STATES]), Err(ModelError::Absurd), "sum");
    }
}
