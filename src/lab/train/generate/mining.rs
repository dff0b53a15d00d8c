//! Scripted miners and pools.
//!
//! A dialect is its message lengths ([`super::dialects`]); what pools and miners make of it (spacing,
//! counters, extra keys, batching, rhythm) is drawn for every session.

use super::ScriptedSession;
use super::dialects::{Bounds, DialectLengths, JobHabit, dialects};
use super::script::{Path, Rhythm, Script, Size};
use super::wire::SessionWrapping;
use crate::lab::train::rng::Rng;

/// A session of dialect number `kind`.
pub(crate) fn session(rng: &mut Rng, kind: usize) -> ScriptedSession {
    let dialect = &dialects()[kind];
    let habits = Habits::sample(rng, dialect);
    let script = play(rng, dialect, &habits, 60.0);
    let mut transport = SessionWrapping::sample(rng);
    if rng.chance(TUNNELLED) {
        transport = if rng.chance(0.6) { transport.with_web_socket() } else { transport.over_ssh() };
    }
    if rng.chance(EVASIVE) {
        transport = transport.evasive(rng);
    }
    if dialect.is_sv2() {
        transport = transport.over_noise();
    } else if matches!(dialect.name, "webminer" | "nimiq") {
        transport = transport.with_web_socket();
    }
    (script, transport, dialect.name)
}

/// A session of dialect number `kind` of at least `seconds` in TLS as programs use it, straight to the pool, whose miner
/// finds a share every `low` to `high` seconds in the mean.
#[cfg(test)]
pub(crate) fn session_in_tls(
    rng: &mut Rng,
    kind: usize,
    low: f64,
    high: f64,
    seconds: f64,
) -> ScriptedSession {
    let dialect = &dialects()[kind];
    let share_mean = rng.log_uniform(low, high);
    let habits = Habits { share_mean, start_factor: 1.0, throttle: None, ..Habits::sample(rng, dialect) };
    let script = play(rng, dialect, &habits, seconds);
    let mut transport = SessionWrapping::sample(rng);
    while !transport.is_direct_tls() {
        transport = SessionWrapping::sample(rng);
    }
    if matches!(dialect.name, "webminer" | "nimiq") {
        transport = transport.with_web_socket();
    }
    (script, transport, dialect.name)
}

/// What both ends say in a session of `least` seconds to an hour and a half.
fn play(rng: &mut Rng, dialect: &DialectLengths, habits: &Habits, least: f64) -> Script {
    let path = Path { think: habits.think, ..Path::sample(rng) };
    let mut script = Script::new(path, rng.log_uniform(least, 5_400.0));
    let ready = login(&mut script, rng, dialect, habits);
    jobs(&mut script, rng, habits, ready);
    shares(&mut script, rng, dialect, habits, ready);
    if let Some((size, rhythm)) = habits.notice {
        script.every(rng, ready, rhythm, |script, rng, at| {
            let bytes = size.sample(rng);
            script.down(at, bytes);
        });
    }
    if let Some((ask, answer, period)) = habits.chore {
        script.every(rng, ready, period, |script, rng, at| {
            let (ask, answer) = (ask.sample(rng), answer.sample(rng));
            script.exchange(rng, at, ask, answer);
        });
    }
    script
}

/// Parameters of the dialect that this pool and this miner choose.
struct Habits {
    job: Size,
    branches: bool,
    /// Bytes of a difficulty message, 0 for none; and whether one comes with every job.
    difficulty: u32,
    always_difficulty: bool,
    jobs: Rhythm,
    /// Blocks interrupt the rhythm, and their jobs may be longer or shorter.
    blocks: f64,
    share: Size,
    reply: Size,
    refusal: u32,
    refused: f64,
    unanswered: bool,
    /// Bytes of what is said of a new block before its job, 0 for nothing.
    block_extra: u32,
    share_mean: f64,
    /// The difficulty is off by this factor at first, and corrected every so many shares.
    start_factor: f64,
    retarget: u32,
    /// Share of accepted shares after which the pool sends a new job.
    job_after_share: f64,
    chore: Option<(Size, Size, Rhythm)>,
    think: f64,
    /// A share at once after each job: the difficulty is far too low.
    prompt: bool,
    /// Shares by the clock, give or take so much of the period: proxies and throttled miners that hand in what they have
    /// at the end of a slice of time, and test programs.
    by_clock: Option<f64>,
    /// Length and rhythm of what the pool says besides, `None` of most: time stamps, block heights, pings.
    notice: Option<(Size, Rhythm)>,
    /// Miners behind one connection.
    workers: u32,
    /// Mean seconds of hashing and of pauses, where the miner pauses.
    throttle: Option<(f64, f64)>,
    verbosity: f64,
}

impl Habits {
    // The order of the draws is part of the training: another order makes other sessions of the same seed.
    fn sample(rng: &mut Rng, d: &DialectLengths) -> Self {
        // Spaces after colons and commas, longer key names, more keys.
        let verbosity = if rng.chance(0.5) { 1.0 } else { rng.uniform(1.0, 1.25) };
        let length = Lengths { verbosity };
        let job = length.job(rng, d);
        // Hidden miners that are throttled or never find a share: jobs and nothing else.
        let is_sv2 = d.is_sv2();
        let quiet = rng.chance(if is_sv2 { QUIET_SV2 } else { QUIET });
        let period = job_period(rng, d, quiet);
        let jobs = if rng.chance(0.65) {
            Rhythm::Periodic { period, jitter: *rng.pick(&[0.005, 0.1, 0.1, 0.5]) }
        } else {
            Rhythm::Random { mean: period }
        };
        let workers = if rng.chance(0.08) { rng.range(2, 40) } else { 1 };
        let chore = d.chore.and_then(|(ask, answer, (low, high), in_ten)| {
            let rhythm = Rhythm::periodic(rng, low, high);
            let (ask, answer) = (length.fixed(rng, ask, 3), length.fixed(rng, answer, 3));
            (rng.range(1, 10) <= in_ten).then_some((ask, answer, rhythm))
        });
        let share_mean = if quiet { rng.log_uniform(400.0, 7_200.0) } else { rng.log_uniform(2.0, 240.0) };
        let think = think(rng);
        let notice = rng.chance(if is_sv2 { 0.5 } else { 0.07 }).then(|| {
            let rhythm = Rhythm::periodic(rng, 10.0, 120.0);
            (Size::fixed(rng, 20, 160, 2), rhythm)
        });
        let reply = length.fixed(rng, d.reply, 2);
        let Size::Fixed { base: accepted, .. } = reply else { unreachable!("made by `fixed`") };
        let extra_chance = if is_sv2 { 0.9 } else { 0.15 };
        Habits {
            job,
            branches: matches!(d.job_habit, JobHabit::Branches),
            difficulty: if d.difficulty.1 == 0 { 0 } else { length.of(rng, d.difficulty) },
            always_difficulty: rng.chance(0.12),
            jobs,
            blocks: rng.log_uniform(period.max(5.0), 900.0),
            share: length.fixed(rng, d.share, if workers > 1 { 24 } else { 3 }),
            reply,
            refusal: accepted + rng.range(5, 90),
            refused: if rng.chance(0.5) { 0.003 } else { rng.uniform(0.0, 0.08) },
            unanswered: rng.chance(0.02),
            block_extra: if rng.chance(extra_chance) { rng.range(40, 120) } else { 0 },
            share_mean: share_mean / f64::from(workers).sqrt(),
            start_factor: if quiet || rng.chance(0.5) { 1.0 } else { rng.log_uniform(0.1, 4.0) },
            retarget: rng.range(3, 20),
            job_after_share: if rng.chance(0.85) { 0.0 } else { rng.uniform(0.2, 1.0) },
            chore,
            think,
            prompt: rng.chance(if d.name == "v1-long" { 0.6 } else { 0.02 }),
            by_clock: rng.chance(BY_CLOCK).then(|| *rng.pick(&[0.0, 0.001, 0.01, 0.05])),
            notice,
            workers,
            throttle: rng.chance(0.12).then(|| (rng.log_uniform(30.0, 600.0), rng.log_uniform(20.0, 600.0))),
            verbosity,
        }
    }
}

/// Seconds that a pool takes for an answer.
fn think(rng: &mut Rng) -> f64 {
    let slowest = if rng.chance(0.1) { 0.4 } else { 0.04 };
    if rng.chance(0.02) { rng.log_uniform(0.4, 6.0) } else { rng.log_uniform(0.000_3, slowest) }
}

/// Lengths of one client's messages.
struct Lengths {
    verbosity: f64,
}

impl Lengths {
    fn of(&self, rng: &mut Rng, (low, high): Bounds) -> u32 {
        (f64::from(rng.range(low, high)) * self.verbosity) as u32
    }

    fn fixed(&self, rng: &mut Rng, bounds: Bounds, spread: u32) -> Size {
        let base = self.of(rng, bounds);
        Size::Fixed { base, spread: rng.range(0, spread) }
    }

    fn job(&self, rng: &mut Rng, d: &DialectLengths) -> Size {
        match d.job_habit {
            JobHabit::Constant | JobHabit::Branches => self.fixed(rng, d.job, 4),
            JobHabit::Loose => {
                let base = self.of(rng, d.job);
                Size::Fixed { base, spread: base / rng.range(4, 40) }
            }
        }
    }
}

/// Seconds between two jobs.
fn job_period(rng: &mut Rng, d: &DialectLengths, quiet: bool) -> f64 {
    let slow = d.jobs_every.1 >= SLOWEST_USUAL && rng.chance(SLOW);
    if slow {
        rng.log_uniform(d.jobs_every.1.max(120.0), 600.0)
    } else if quiet && rng.chance(0.6) {
        rng.log_uniform(8.0, 40.0)
    } else if d.is_sv2() && rng.chance(0.5) {
        *rng.pick(&[15.0, 20.0, 30.0, 30.0, 45.0, 60.0])
    } else {
        rng.log_uniform(d.jobs_every.0, d.jobs_every.1)
    }
}

/// The exchange before the first job; returns when it is over.
fn login(script: &mut Script, rng: &mut Rng, d: &DialectLengths, habits: &Habits) -> f64 {
    let burst = rng.chance(0.25);
    let mut at = 0.001;
    let mut answered = at;
    for &((up_low, up_high), (down_low, down_high)) in &d.hello {
        let up = (f64::from(rng.range(up_low, up_high)) * habits.verbosity) as u32;
        let down = (f64::from(rng.range(down_low, down_high)) * habits.verbosity) as u32;
        answered = script.exchange(rng, at, up, down);
        at = if burst { at + 0.001 } else { answered + rng.exponential(0.002) };
    }
    if habits.difficulty > 0 {
        script.down(answered + 0.000_5, habits.difficulty);
    }
    let job = habits.job.sample(rng);
    script.down(answered + 0.001, job);
    answered
}

fn jobs(script: &mut Script, rng: &mut Rng, habits: &Habits, ready: f64) {
    if matches!(habits.job, Size::Fixed { base: 0, .. }) {
        return;
    }
    let mut extra = if habits.branches { rng.range(0, 13) * 67 } else { 0 };
    let mut next_block = ready + rng.exponential(habits.blocks);
    let push = |script: &mut Script, rng: &mut Rng, at: f64, extra: u32| {
        if habits.difficulty > 0 && (habits.always_difficulty || rng.chance(0.04)) {
            script.down(at, habits.difficulty + rng.range(0, 2));
        }
        let job = habits.job.sample(rng) + extra;
        script.down(at + 0.000_3, job);
        if habits.prompt {
            let (share, reply) = (habits.share.sample(rng), habits.reply.sample(rng));
            let found = at + 0.001 + rng.exponential(0.02);
            script.exchange(rng, found, share, reply);
        }
    };
    script.every(rng, ready, habits.jobs, |script, rng, at| {
        if at > next_block {
            next_block = at + rng.exponential(habits.blocks);
            if habits.branches {
                extra = if rng.chance(0.3) { 0 } else { rng.range(0, 13) * 67 };
            }
            let early = rng.uniform(0.0, 1.0);
            let at = (at - early).max(ready);
            script.down(at - 0.000_1, habits.block_extra);
            push(script, rng, at, extra);
        } else {
            if habits.branches && rng.chance(0.2) {
                extra += 67;
            }
            push(script, rng, at, extra);
        }
    });
}

fn shares(script: &mut Script, rng: &mut Rng, d: &DialectLengths, habits: &Habits, ready: f64) {
    if habits.prompt {
        return;
    }
    let mut mean = habits.share_mean * habits.start_factor;
    let mut at = ready + rng.exponential(mean);
    let mut resume = habits.throttle.map(|(busy, _)| ready + rng.exponential(busy));
    let mut count = 0;
    while at < script.end && count < MAX_SHARES {
        if let (Some(pause_at), Some((busy, pause))) = (resume, habits.throttle)
            && at > pause_at
        {
            at += rng.exponential(pause);
            resume = Some(at + rng.exponential(busy));
        }
        let share = habits.share.sample(rng) + if habits.workers > 1 { rng.range(0, 4) } else { 0 };
        if habits.unanswered {
            script.up(at, share);
        } else {
            let refused = rng.chance(habits.refused);
            let reply = if refused { habits.refusal } else { habits.reply.sample(rng) };
            let answered = script.exchange(rng, at, share, reply);
            if d.name.starts_with("duino") {
                let (ask, work) = (rng.range(40, 48), rng.range(86, 90));
                script.exchange(rng, answered + 0.001, ask, work);
            }
            if rng.chance(habits.job_after_share) {
                let job = habits.job.sample(rng);
                script.down(answered + rng.exponential(0.002), job);
            }
            count += 1;
            if count % habits.retarget == 0 && (mean / habits.share_mean - 1.0).abs() > 0.2 {
                mean = habits.share_mean + (mean - habits.share_mean) * 0.3;
                if habits.difficulty > 0 {
                    script.down(answered + 0.000_4, habits.difficulty);
                }
                let job = habits.job.sample(rng);
                script.down(answered + 0.000_8, job);
            }
        }
        count += u32::from(habits.unanswered);
        at += match habits.by_clock {
            Some(jitter) => mean * (1.0 + rng.uniform(-jitter, jitter)),
            None => rng.exponential(mean),
        }
        .max(0.01);
    }
}

const MAX_SHARES: u32 = 400;
/// Share of the sessions that are put into WebSocket or SSH on purpose, beside those that are anyway.
const TUNNELLED: f64 = 0.2;
/// Share of the sessions behind a wrapper that pads, holds back or adds messages.
const EVASIVE: f64 = 0.14;
/// Share of the sessions with hardly a share.
const QUIET: f64 = 0.08;
/// The same of Stratum V2.
const QUIET_SV2: f64 = 0.4;
/// Share of the sessions whose shares come by the clock.
const BY_CLOCK: f64 = 0.05;
/// Seconds: pools of dialects that reach this send jobs as rarely as every ten minutes, too.
const SLOWEST_USUAL: f64 = 15.0;
/// Share of them.
const SLOW: f64 = 0.12;
