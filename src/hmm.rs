//! Stage one for sessions that the DPI can't read: a panel of hidden Markov models in fixed point.
//!
//! 1. [`observation`]: each packet with new payload becomes a [`alphabet::Symbol`], which says its role,
//!    size, gap, and how these compare with what the flow did before. The flow record keeps the latest
//!    [`HMM_RECENT`] symbols; no chain runs yet.
//! 2. Screening: once the flow is past its beginning, the panel's first member scores those symbols, and again
//!    after every [`HMM_RECENT`] more. Most flows end here.
//! 3. [`candidates`]: a flow worth it gets a place in a bounded pool, where the whole [`panel`] weighs each
//!    symbol. Page's test ([`threshold`]) adds up the mean of the members' ratios less a drift, to which earlier
//!    connections of the same client and server have contributed.
//! 4. The engine compares the sum, with what the ClientHello adds ([`client_prior`]), with the threshold of its
//!    settings; a flow at or above it that is long and old enough is a suspect, and stage two asks its server. Only
//!    proof blocks.
//!
//! Many short sessions of one client to one server are counted apart ([`beaconing`]).
//!
//! All arithmetic is of integers, saturates, and gives the same bits on every target.

pub mod alphabet;
pub mod beaconing;
pub mod candidates;
pub mod client_prior;
pub mod decision;
pub mod forward;
pub mod house;
pub mod model;
pub mod observation;
pub mod panel;
pub mod suspicion;
pub mod threshold;

use crate::dpi::TlsClient;
use crate::limits::{HMM_ENTRY_AGE, HMM_MIN_AGE, HMM_MIN_PACKETS, HMM_RECENT, HMM_STATE_BYTES};
use crate::net::direction::Direction;
use crate::util::time::{Instant, Stamp};
use alphabet::Symbol;
use candidates::{CandidateCounters, Candidates, Carry, Standing, Ticket};
use house::{House, SharedHouse};
use model::Model;
use suspicion::Suspicion;
use threshold::Sensitivity;

/// Stage one's part of a flow record. All zero is a flow of which nothing was seen.
#[derive(Clone, Debug, Default)]
pub struct ScoreState {
    /// Time of the latest packet.
    latest: Stamp,
    /// Latest size in each of the four [`alphabet::PacketRole`]s that begin a message, at most
    /// [`alphabet::SIZE_CAP`].
    sizes: [u16; 4],
    /// Start of the latest message to the server, in units of 16 ms; wraps.
    upward_at: u16,
    /// The size before the latest in each of these roles, modulo 256.
    older_sizes: [u8; 4],
    /// The latest size of a tail in each direction, modulo 256.
    tails: [u8; 2],
    /// Time between the latest two messages to the server, on the logarithmic scale of
    /// [`alphabet::interval_class`].
    upward_interval: u8,
    /// Changes of direction (two bits), the latest direction (one bit), and whether the latest segment was full
    /// (one bit).
    turns: u8,
    /// The latest symbols, a ring: symbol number n is at n modulo its length.
    recent: [Symbol; HMM_RECENT],
    /// Symbols so far; stays within a multiple of the ring's length once it is full.
    symbols: u8,
    /// Screenings in a row that found nothing.
    failed: u8,
    /// The flow's place among the candidates.
    ticket: Option<Ticket>,
}

const _: () = assert!(size_of::<ScoreState>() <= HMM_STATE_BYTES);

/// A packet with payload not seen before.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Keyed hash of the client that the flow's place is charged to.
    pub owner: u32,
    /// Which way it goes.
    pub direction: Direction,
    /// New payload bytes.
    pub size: u32,
    /// Time of arrival.
    pub now: Stamp,
    /// Payload packets of the flow so far, this one included.
    pub packets: u16,
    /// Milliseconds since the flow's first packet.
    pub age_ms: u32,
    /// The program behind it, if it speaks TLS.
    pub client: Option<TlsClient>,
}

/// Stage one's view of a flow after its latest packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// Nothing new to say: the flow is short or young, or its latest packet carries no symbol.
    Pending,
    /// So many screenings in a row have found nothing.
    Unlikely {
        /// Screenings in a row.
        screenings: u8,
        /// Page's sum of the latest.
        sum: i32,
    },
    /// The flow looks like mining as far as this sum says, in [`RATIO_ONE`]ths of a bit.
    Candidate {
        /// Page's sum, with the prior of the ClientHello.
        sum: i32,
    },
}

impl Assessment {
    /// Whether the flow is suspect at `threshold`.
    pub fn reaches(&self, threshold: i32) -> bool {
        matches!(self, Assessment::Candidate { sum } if *sum >= threshold)
    }
}

/// Stage one: a model and the flows that it watches.
#[derive(Debug)]
pub struct StageOne {
    model: Box<Model>,
    candidates: Candidates,
    house: SharedHouse,
}

/// Facts that the engine has about a candidate beside its sum.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Amount of suspicion wanted.
    pub sensitivity: Sensitivity,
    /// Servers that may be newly suspected in a day, where the threshold follows the house.
    pub budget: u32,
    /// A list suspects this client and server: they are suspect as easily as at *eager*.
    pub is_listed: bool,
    /// Keyed hash of the client whose share of the budget it takes.
    pub client: u32,
    /// Keyed hash of the server.
    pub server: u64,
    /// Time of the packet.
    pub now: Instant,
}

impl StageOne {
    /// Stage one with `model` and room for `candidates` flows under watch.
    pub fn new(model: Box<Model>, candidates: u16) -> Self {
        StageOne { model, candidates: Candidates::new(candidates), house: SharedHouse::default() }
    }

    /// The model at work.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Watches with another model from now on; no flow is a candidate any more. The same model changes nothing.
    pub fn replace_model(&mut self, model: Box<Model>) {
        if self.model != model {
            self.model = model;
            self.candidates.clear();
        }
    }

    /// Takes in one packet of a flow that the DPI can't read. `pair` is a keyed hash of client and server, asked for
    /// once a flow at most.
    pub fn packet(&mut self, state: &mut ScoreState, seen: &Seen, pair: impl FnOnce() -> u64) -> Assessment {
        let Some(symbol) = state.observe(seen.direction, seen.size, seen.now) else {
            return Assessment::Pending;
        };
        if let Some(ticket) = state.ticket {
            if let Some(standing) = self.candidates.step(ticket, &self.model, symbol, seen) {
                return standing.assess(seen);
            }
            state.ticket = None;
            state.begin_window();
        }
        state.remember(symbol);
        if u128::from(seen.age_ms) < HMM_ENTRY_AGE.as_millis() || !state.is_window_full() {
            return Assessment::Pending;
        }
        self.screen(state, seen, pair)
    }

    /// Scores the latest symbols with the first member, and makes the flow a candidate if they are worth it.
    fn screen(&mut self, state: &mut ScoreState, seen: &Seen, pair: impl FnOnce() -> u64) -> Assessment {
        let sum = self.model.screening_sum(state.window());
        if sum >= i32::from(self.model.test.screen) {
            let carry = Carry { pair: pair() as u32 | 1, most: i32::from(self.model.test.floor) };
            if let Some((ticket, standing)) = self.candidates.enter(&self.model, state.window(), seen, carry)
            {
                state.ticket = Some(ticket);
                state.failed = 0;
                return standing.assess(seen);
            }
        }
        state.begin_window();
        if !is_old_enough(seen.packets, seen.age_ms) {
            return Assessment::Pending;
        }
        state.failed = state.failed.saturating_add(1);
        Assessment::Unlikely { screenings: state.failed, sum }
    }

    /// Whether a candidate whose server nothing clears is suspect.
    pub fn suspect(&self, sum: i32, circumstances: &Circumstances) -> Option<Suspicion> {
        let &Circumstances { sensitivity, budget, is_listed, client, server, now } = circumstances;
        let test = &self.model.test;
        let eager = test.threshold(Sensitivity::Eager);
        let reached = match sensitivity {
            Sensitivity::Adaptive if budget != NEW_HOUSE => self.house.try_take().and_then(|mut house| {
                let is_suspect = house.weigh(client, server, sum, test, budget, now);
                is_suspect.then(|| house.threshold(test, budget, now))
            }),
            fixed => Some(test.threshold(fixed)).filter(|&threshold| sum >= threshold),
        };
        let threshold = reached.or((is_listed && sum >= eager).then_some(eager))?;
        Some(Suspicion::new(sum, threshold, test))
    }

    /// `server`, a suspect through `client` (both as in [`Circumstances`]), has proved to be a pool.
    pub fn give_back(&self, client: u32, server: u64) {
        // Where another loop has the house, the day is one question poorer.
        if let Some(mut house) = self.house.try_take() {
            house.give_back(client, server);
        }
    }

    /// The suspicion of a suspect whose sum has become strong.
    pub fn strong(&self, sum: i32) -> Option<Suspicion> {
        let test = &self.model.test;
        // Asked with each packet of a suspect: the probability is worth its time only where it is told.
        (sum >= test.strong()).then(|| Suspicion::new(sum, test.strong(), test))
    }

    /// The least sum that is worth a question to [`StageOne::suspect`].
    pub fn floor(&self) -> i32 {
        i32::from(self.model.test.floor)
    }

    /// The threshold of a fixed sensitivity; that of a new house otherwise.
    pub fn threshold(&self, sensitivity: Sensitivity) -> i32 {
        self.model.test.threshold(sensitivity)
    }

    /// The history of the house's sums.
    pub fn house(&self) -> House {
        self.house.take().clone()
    }

    /// Goes on with what an earlier run has learned of the house.
    pub fn restore_house(&mut self, house: House) {
        *self.house.take() = house;
    }

    /// Weighs flows in the house of `other` from now on: what is learned of one house, and its budget, is one.
    pub fn share_house(&mut self, other: &StageOne) {
        self.house = other.house.clone();
    }

    /// Page's sum of the flow, if it is a candidate.
    pub fn sum(&self, state: &ScoreState) -> Option<i32> {
        self.candidates.sum(state.ticket?)
    }

    /// Frees what stage one keeps of a flow that has ended.
    pub fn release(&mut self, state: &ScoreState) {
        if let Some(ticket) = state.ticket {
            self.candidates.leave(ticket);
        }
    }

    /// Flows under watch.
    pub fn watched(&self) -> usize {
        self.candidates.len()
    }

    /// Counters of candidates since the start.
    pub fn counters(&self) -> CandidateCounters {
        self.candidates.counters()
    }
}

impl Standing {
    fn assess(self, seen: &Seen) -> Assessment {
        if !self.is_old_enough {
            return Assessment::Pending;
        }
        Assessment::Candidate { sum: self.sum + client_prior::prior(seen.client) }
    }
}

impl ScoreState {
    /// Whether the flow is a candidate.
    pub fn is_candidate(&self) -> bool {
        self.ticket.is_some()
    }

    /// Whether the latest unprompted message to the server, which is a share if it is mining, is as long as only
    /// Equihash's are: other shares have 100 to 300 bytes.
    pub fn sends_long_shares(&self) -> bool {
        let [client_initiated, ..] = self.sizes;
        client_initiated >= EQUIHASH_SHARE_BYTES
    }

    fn remember(&mut self, symbol: Symbol) {
        if let Some(place) = self.recent.get_mut(usize::from(self.symbols) % HMM_RECENT) {
            *place = symbol;
        }
        self.symbols = match self.symbols.checked_add(1) {
            Some(symbols) if usize::from(symbols) < 2 * HMM_RECENT => symbols,
            // As full as a ring, with the same symbol next.
            _ => HMM_RECENT as u8,
        };
    }

    /// The latest symbols, the oldest first.
    fn window(&self) -> impl Iterator<Item = Symbol> {
        let symbols = usize::from(self.symbols);
        let first = symbols.saturating_sub(HMM_RECENT);
        (first..symbols).filter_map(|number| self.recent.get(number % HMM_RECENT).copied())
    }

    /// Symbols from here on are a new window, for which the ring must fill again.
    fn begin_window(&mut self) {
        self.symbols = 0;
    }

    /// The first window may be short: a flow whose messages are rare is old enough before the ring is full.
    fn is_window_full(&self) -> bool {
        usize::from(self.symbols) >= if self.failed == 0 { HMM_FIRST_WINDOW } else { HMM_RECENT }
    }
}

/// Whether a flow may become suspect: short sessions are not mining.
pub(crate) fn is_old_enough(packets: u16, age_ms: u32) -> bool {
    packets >= HMM_MIN_PACKETS && u128::from(age_ms) >= HMM_MIN_AGE.as_millis()
}

/// The budget of a house that stays new: nothing is learned of it, and no number of suspects is too large.
pub const NEW_HOUSE: u32 = u32::MAX;
/// A bit of evidence.
pub(crate) const RATIO_ONE: i32 = 64;
/// Largest gain of one symbol by one member, in [`RATIO_ONE`]ths of a bit: ten bits. A single rare
/// symbol must not decide.
pub(crate) const GAIN_MAX: i32 = 10 * RATIO_ONE;
/// The gain of a symbol in integers is never further than this from that of floating point over the same tables,
/// in bits; asserted over random models and sequences.
#[cfg(test)]
pub(crate) const GAIN_ERROR_BITS: f64 = 1.0;
/// Symbols of the first window: twelve packets less those of the handshake.
const HMM_FIRST_WINDOW: usize = 5;
/// Zcash's solution has 1,344 bytes (Equihash 200, 9), twice that in hex: more than a segment. Those of other
/// parameters are shorter, and look like other dialects'.
const EQUIHASH_SHARE_BYTES: u16 = 1_150;

#[cfg(all(test, feature = "host"))]
mod tests;
