//! Messages of both ends of a session and their times, as seen at the client's router.

use crate::lab::train::rng::Rng;
use crate::net::direction::Direction;

/// A message that an application writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScriptedMessage {
    /// Seconds since the session began, when its first byte passes the router.
    pub at: f64,
    /// Which way it goes.
    pub direction: Direction,
    /// Length before any wrapping, bytes.
    pub bytes: u32,
}

/// The path between the two ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// Round trip, seconds.
    pub rtt: f64,
    /// Standard deviation of the one-way delay, seconds.
    pub jitter: f64,
    /// Share of messages that are lost once, and come a timeout later.
    pub loss: f64,
    /// Mean time that the server thinks before a reply, seconds.
    pub think: f64,
    /// Share of replies that a busy server delays by up to seconds.
    pub stalls: f64,
}

impl Path {
    /// A path as home users have them: 5 to 300 ms, mostly clean.
    pub(crate) fn sample(rng: &mut Rng) -> Self {
        let rtt = rng.log_uniform(0.005, 0.3);
        Path {
            rtt,
            jitter: rng.log_uniform(0.000_2, 0.01).min(rtt / 3.0),
            loss: if rng.chance(0.5) { 0.0 } else { rng.uniform(0.0, 0.02) },
            think: rng.log_uniform(0.000_3, 0.05),
            stalls: if rng.chance(0.6) { 0.0 } else { rng.uniform(0.0, 0.05) },
        }
    }

    /// Time of the reply to a message that passed at `at`.
    pub(crate) fn reply(&self, rng: &mut Rng, at: f64) -> f64 {
        let mut delay = self.rtt + rng.exponential(self.think) + (self.jitter * rng.normal()).abs();
        if rng.chance(self.loss) {
            // RFC 6298 section 2.4 allows no less than a second; Linux takes 200 ms.
            delay += self.rtt + rng.uniform(0.2, 0.4);
        }
        if rng.chance(self.stalls) {
            delay += rng.exponential(0.5);
        }
        at + delay
    }
}

/// A size that a kind of message has throughout one session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Nearly constant length: identifiers and counters move it by a few bytes.
    Fixed {
        /// Length, bytes.
        base: u32,
        /// Largest addition.
        spread: u32,
    },
    /// A few constant lengths, by kind of content.
    Few {
        /// The lengths.
        of: [u32; 4],
        /// Largest addition.
        spread: u32,
    },
    /// Log-normal: text, pages, records.
    Text {
        /// Median, bytes.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Size {
    /// The length of one message.
    pub(crate) fn sample(&self, rng: &mut Rng) -> u32 {
        match *self {
            Size::Fixed { base, spread } => base + rng.range(0, spread),
            Size::Few { of, spread } => *rng.pick(&of) + rng.range(0, spread),
            Size::Text { median, sigma } => rng.log_normal(median, sigma).clamp(1.0, 60_000.0) as u32,
        }
    }

    /// A constant size between `low` and `high`, with a spread of at most `spread`.
    pub(crate) fn fixed(rng: &mut Rng, low: u32, high: u32, spread: u32) -> Self {
        let base = rng.log_uniform(f64::from(low.max(1)), f64::from(high.max(1))) as u32;
        Size::Fixed { base, spread: rng.range(0, spread) }
    }

    /// A text whose median lies between `low` and `high`.
    pub(crate) fn text(rng: &mut Rng, low: f64, high: f64) -> Self {
        Size::Text { median: rng.log_uniform(low, high), sigma: rng.uniform(0.25, 1.1) }
    }

    /// Any of the three, between `low` and `high`.
    pub(crate) fn any(rng: &mut Rng, low: u32, high: u32) -> Self {
        match rng.range(0, 3) {
            0 | 1 => Size::fixed(rng, low, high, 6),
            2 => {
                let mut length = || rng.log_uniform(f64::from(low), f64::from(high)) as u32;
                let of = [length(), length(), length(), length()];
                Size::Few { of, spread: rng.range(0, 4) }
            }
            _ => Size::text(rng, f64::from(low), f64::from(high)),
        }
    }
}

/// Rhythm of repeated messages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// A fixed period, give or take a share of it.
    Periodic {
        /// Seconds.
        period: f64,
        /// Largest deviation, share of the period.
        jitter: f64,
    },
    /// At random (Poisson).
    Random {
        /// Mean, seconds.
        mean: f64,
    },
    /// In spells of activity between pauses: people.
    Human {
        /// Mean inside a spell, seconds.
        mean: f64,
        /// Mean pause, seconds.
        pause: f64,
    },
}

impl Rhythm {
    /// Seconds to the next time.
    pub(crate) fn next(&self, rng: &mut Rng) -> f64 {
        match *self {
            Rhythm::Periodic { period, jitter } => period * (1.0 + rng.uniform(-jitter, jitter)),
            Rhythm::Random { mean } => rng.exponential(mean),
            Rhythm::Human { mean, pause } => {
                let pause = if rng.chance(0.15) { rng.exponential(pause) } else { 0.0 };
                rng.log_normal(mean, 0.8) + pause
            }
        }
    }

    /// A periodic rhythm, with a period between `low` and `high` seconds.
    pub(crate) fn periodic(rng: &mut Rng, low: f64, high: f64) -> Self {
        let jitter = if rng.chance(0.5) { 0.002 } else { rng.uniform(0.0, 0.2) };
        Rhythm::Periodic { period: rng.log_uniform(low, high), jitter }
    }

    /// At random, with a mean between `low` and `high` seconds.
    pub(crate) fn random(rng: &mut Rng, low: f64, high: f64) -> Self {
        Rhythm::Random { mean: rng.log_uniform(low, high) }
    }

    /// Any of the three, between `low` and `high` seconds.
    pub(crate) fn any(rng: &mut Rng, low: f64, high: f64) -> Self {
        match rng.range(0, 2) {
            0 => Rhythm::periodic(rng, low, high),
            1 => Rhythm::random(rng, low, high),
            _ => Rhythm::Human { mean: rng.log_uniform(low, high), pause: high * 3.0 },
        }
    }
}

/// The messages of one session, in no order until it is finished.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The path they take.
    pub path: Path,
    /// Seconds after which nothing more is said.
    pub end: f64,
    messages: Vec<ScriptedMessage>,
}

impl Script {
    /// An empty session of `end` seconds.
    pub(crate) fn new(path: Path, end: f64) -> Self {
        Script { path, end, messages: Vec::new() }
    }

    /// The client says `bytes` at `at`.
    pub(crate) fn up(&mut self, at: f64, bytes: u32) {
        self.messages.push(ScriptedMessage { at, direction: Direction::ToServer, bytes });
    }

    /// The server says `bytes`, which pass at `at`.
    pub(crate) fn down(&mut self, at: f64, bytes: u32) {
        self.messages.push(ScriptedMessage { at, direction: Direction::ToClient, bytes });
    }

    /// The client asks at `at`; the answer's time is returned.
    pub(crate) fn exchange(&mut self, rng: &mut Rng, at: f64, request: u32, response: u32) -> f64 {
        self.up(at, request);
        let answered = self.path.reply(rng, at);
        self.down(answered, response);
        answered
    }

    /// Calls `act` at every beat of `rhythm` from `from` to the end.
    pub(crate) fn every(
        &mut self,
        rng: &mut Rng,
        from: f64,
        rhythm: Rhythm,
        mut act: impl FnMut(&mut Self, &mut Rng, f64),
    ) {
        let mut at = from + rhythm.next(rng);
        let mut beats = 0;
        while at < self.end && beats < MAX_BEATS {
            act(self, rng, at);
            at += rhythm.next(rng).max(0.001);
            beats += 1;
        }
    }

    /// The messages in order of time.
    pub(crate) fn finish(mut self) -> Vec<ScriptedMessage> {
        self.messages.retain(|m| m.at <= self.end + 5.0 && m.bytes > 0);
        self.messages.sort_by(|a, b| a.at.total_cmp(&b.at));
        self.messages
    }
}

/// More than any sequence keeps.
const MAX_BEATS: usize = 600;
