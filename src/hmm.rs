//! Stage one for sessions that the DPI can't read: a hidden Markov model, run in fixed point.
//!
//! Every packet with new payload becomes a [`alphabet::Symbol`]: direction, size, the time since the
//! packet before, and how both compare with what the flow did before ([`observation`]). Two models,
//! one trained on mining and one on everything else, each say how well they expected the symbol
//! ([`forward`]); the logarithm of the quotient is added to the flow's ratio, which forgets a 16th of
//! itself each time. [`decision`] compares the ratio with the thresholds of the [`model`].
//!
//! All arithmetic is of integers, saturates, and gives the same bits on every target.
//!
//! The engine, for every packet with new payload of an undecided flow that the DPI can't read, calls
//! [`Scorer::packet`] with the flow's [`State`]:
//!
//! 1. [`Decision::Suspect`]: stage two probes the server; only proof blocks.
//! 2. [`Decision::Benign`]: the flow bypasses the queue.
//! 3. [`Decision::LetGo`]: it bypasses the queue for a while; then it begins anew with a fresh state.
//! 4. [`Decision::Undecided`]: go on.
//!
//! What the client sends in a session that is short so far is told to [`swarm::Swarms::sent`] too.

pub mod alphabet;
pub mod decision;
pub mod forward;
pub mod model;
pub mod observation;
pub mod swarm;

use crate::flow::Direction;
use crate::limits::HMM_STATE_BYTES;
use crate::util::time::Stamp;
use decision::{Decision, Sensitivity};
use model::{Model, STATES};

/// What stage one keeps of a flow. All zero is a flow of which nothing was seen.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// When the latest packet was seen.
    latest: Stamp,
    /// The forward vector of the mining model and of the background, as [`forward`] packs them; all
    /// zero before the first symbol.
    forward: [[u8; STATES]; 2],
    /// The log-likelihood ratio, in [`RATIO_ONE`]ths of a bit.
    ratio: i16,
    /// Latest size in each of the four [`alphabet::Role`]s that begin a message, at most
    /// [`alphabet::SIZE_CAP`].
    sizes: [u16; 4],
    /// When the latest message to the server began, in units of 16 ms; wraps.
    upward_at: u16,
    /// The size before the latest in each of these roles, modulo 256.
    older_sizes: [u8; 4],
    /// The latest size of a tail in each direction, modulo 256.
    tails: [u8; 2],
    /// The time between the latest two messages to the server, on the logarithmic scale of
    /// [`alphabet::interval_class`].
    upward_interval: u8,
    /// How often the direction has changed (two bits), the latest direction (one bit), and whether the
    /// latest segment was full (one bit).
    turns: u8,
}

const _: () = assert!(size_of::<State>() <= HMM_STATE_BYTES);

/// A packet with payload not seen before.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Which way it goes.
    pub direction: Direction,
    /// New payload bytes.
    pub size: u32,
    /// When.
    pub now: Stamp,
    /// Payload packets of the flow so far, this one included.
    pub packets: u16,
    /// Milliseconds since the flow's first packet.
    pub age_ms: u32,
}

/// Stage one, with its model.
#[derive(Debug)]
pub struct Scorer {
    model: Box<Model>,
}

impl Scorer {
    /// Judges with `model`.
    pub fn new(model: Box<Model>) -> Self {
        Scorer { model }
    }

    /// The model at work.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Takes in one packet and judges the flow.
    pub fn packet(&self, state: &mut State, seen: &Seen, sensitivity: Sensitivity) -> Decision {
        if let Some(symbol) = state.observe(seen.direction, seen.size, seen.now) {
            state.step(&self.model, symbol);
        }
        self.model.thresholds.judge(sensitivity, state.ratio, seen.packets, seen.age_ms)
    }
}

impl State {
    /// Adds the evidence of one symbol to the ratio.
    pub fn step(&mut self, model: &Model, symbol: alphabet::Symbol) {
        let [mining, background] = &mut self.forward;
        let gain =
            model.mining.step(mining, symbol).saturating_sub(model.background.step(background, symbol));
        let gain = (gain + (1 << (FORWARD_SHIFT - 1))) >> FORWARD_SHIFT;
        let ratio = i32::from(self.ratio);
        let leak = (ratio + (1 << (LEAK_SHIFT - 1))) >> LEAK_SHIFT;
        let ratio = (ratio - leak).saturating_add(gain);
        self.ratio = ratio.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    }

    /// The log-likelihood ratio of mining against everything else, in [`RATIO_ONE`]ths of a bit, the
    /// older evidence discounted.
    pub fn ratio(&self) -> i16 {
        self.ratio
    }

    /// Whether the latest message to the server that nothing had prompted, which is a share if it is mining,
    /// is as long as none but Equihash's are: other shares have 100 to 300 bytes.
    pub fn tells_at_length(&self) -> bool {
        let [tell, ..] = self.sizes;
        tell >= EQUIHASH_SHARE_BYTES
    }
}

/// One bit of evidence. An `i16` holds 512 bits; a packet adds no more than 27, of which 15/16 remain
/// with the next, so that the ratio stays below 432.
pub const RATIO_ONE: i16 = 64;
/// The ratio of integers is never further than this from that of floating point, in bits, tables
/// and all; asserted over random models and sequences.
pub const RATIO_ERROR_BITS: f64 = 3.0;
/// What the ratio forgets with every symbol: a 16th. Old evidence must fade, or a few hundred packets
/// of slightly wrong model outweigh anything; and mining that begins late must be found. (On
/// applications held back, recall at 1 % was .54, .66, .67, .68 with a 64th, 32nd, 16th, 8th; at
/// 0.1 % .47, .51, .61, .56.)
pub const LEAK_SHIFT: u32 = 4;
/// Zcash's solution has 1,344 bytes (Equihash 200, 9), twice that in hex: more than a segment. Those of other
/// parameters are shorter, and look like anybody's.
const EQUIHASH_SHARE_BYTES: u16 = 1_150;
/// From the forward step's 2^-16 bits to the ratio's.
const FORWARD_SHIFT: u32 = forward::FRACTION_BITS - RATIO_ONE.ilog2();

/// CRC-32 (IEEE 802.3, reflected), bit by bit: model and sequence files are small and read once.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
