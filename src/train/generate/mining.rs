//! Scripted miners and pools.
//!
//! A dialect is its message lengths, as the wire formats give them with JSON written tightly; what
//! pools and miners make of it (spacing, counters, extra keys, batching, rhythm) is drawn for every
//! session.

use super::Session;
use super::script::{Path, Rhythm, Script, Size};
use super::wire::Transport;
use crate::train::rng::Rng;

/// A length between two bounds, drawn once a session.
type Bounds = (u32, u32);

/// Message lengths of a dialect, bytes.
#[derive(Debug)]
pub struct Dialect {
    /// Its name, as in the events.
    pub name: &'static str,
    /// Requests and replies before the first job.
    hello: &'static [(Bounds, Bounds)],
    /// A job.
    job: Bounds,
    /// How much jobs differ inside a session.
    job_habit: JobHabit,
    /// Sent with a job when the difficulty moves; (0, 0) where the job itself says it.
    difficulty: Bounds,
    /// A share, and the pool's reply.
    share: Bounds,
    reply: Bounds,
    /// What else the miner asks by the clock (keepalive, hash rate, work), with its reply; the period
    /// in seconds, and how many sessions in ten do so.
    chore: Option<(Bounds, Bounds, (f64, f64), u32)>,
    /// Seconds between jobs.
    jobs_every: (f64, f64),
}

#[derive(Clone, Copy, Debug)]
enum JobHabit {
    /// The same length, give or take a counter's digits.
    Constant,
    /// Merkle branches of 67 bytes come and go with every block.
    Branches,
    /// Any length in proportion.
    Loose,
}

use JobHabit::{Branches, Constant, Loose};

/// Every dialect that the DPI knows, and some that stand for those it doesn't.
pub const DIALECTS: &[Dialect] = &[
    // CryptoNote login; twice, for it is what hidden miners speak.
    Dialect {
        name: "cn",
        hello: &[((150, 1_150), (380, 760))],
        job: (240, 600),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (170, 330),
        reply: (58, 100),
        chore: Some(((80, 140), (62, 105), (30.0, 90.0), 7)),
        jobs_every: (8.0, 180.0),
    },
    Dialect {
        name: "cn",
        hello: &[((150, 1_150), (380, 760))],
        job: (240, 600),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (170, 330),
        reply: (58, 100),
        chore: Some(((80, 140), (62, 105), (30.0, 90.0), 4)),
        jobs_every: (20.0, 240.0),
    },
    Dialect {
        name: "v1",
        hello: &[((40, 160), (90, 240)), ((60, 180), (36, 70))],
        job: (330, 900),
        job_habit: Branches,
        difficulty: (46, 80),
        share: (88, 220),
        reply: (34, 64),
        chore: None,
        jobs_every: (10.0, 90.0),
    },
    Dialect {
        name: "v1-asic",
        hello: &[((100, 200), (80, 150)), ((40, 120), (90, 240)), ((60, 180), (36, 70)), ((50, 80), (36, 60))],
        job: (330, 900),
        job_habit: Branches,
        difficulty: (46, 80),
        share: (110, 230),
        reply: (34, 64),
        chore: Some(((45, 90), (36, 90), (30.0, 120.0), 2)),
        jobs_every: (15.0, 60.0),
    },
    Dialect {
        name: "zec",
        hello: &[((70, 130), (60, 110)), ((60, 140), (36, 60))],
        job: (270, 360),
        job_habit: Constant,
        difficulty: (100, 140),
        share: (2_780, 2_990),
        reply: (34, 64),
        chore: None,
        jobs_every: (10.0, 90.0),
    },
    Dialect {
        name: "zhash",
        hello: &[((70, 130), (60, 110)), ((60, 140), (36, 60))],
        job: (270, 420),
        job_habit: Constant,
        difficulty: (100, 140),
        share: (300, 480),
        reply: (34, 64),
        chore: None,
        jobs_every: (10.0, 90.0),
    },
    Dialect {
        name: "ethproxy",
        hello: &[((100, 210), (36, 60)), ((50, 75), (230, 310))],
        job: (225, 330),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (210, 310),
        reply: (36, 60),
        chore: Some(((170, 250), (36, 60), (8.0, 70.0), 8)),
        jobs_every: (2.0, 20.0),
    },
    Dialect {
        name: "ethproxy-poll",
        hello: &[((100, 210), (36, 60)), ((50, 75), (230, 310))],
        job: (225, 330),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (210, 310),
        reply: (36, 60),
        chore: Some(((50, 80), (225, 330), (3.0, 15.0), 10)),
        jobs_every: (5.0, 30.0),
    },
    Dialect {
        name: "nheth",
        hello: &[((80, 120), (90, 150)), ((45, 80), (36, 60)), ((60, 140), (36, 60))],
        job: (170, 260),
        job_habit: Constant,
        difficulty: (46, 80),
        share: (80, 170),
        reply: (34, 60),
        chore: None,
        jobs_every: (2.0, 25.0),
    },
    Dialect {
        name: "eth2",
        hello: &[((90, 140), (90, 160)), ((40, 70), (36, 80)), ((60, 120), (36, 60))],
        job: (90, 170),
        job_habit: Constant,
        difficulty: (70, 140),
        share: (60, 120),
        reply: (30, 60),
        chore: Some(((60, 110), (30, 60), (10.0, 120.0), 6)),
        jobs_every: (2.0, 25.0),
    },
    Dialect {
        name: "kawpow",
        hello: &[((60, 110), (60, 120)), ((60, 140), (36, 60))],
        job: (250, 400),
        job_habit: Constant,
        difficulty: (95, 140),
        share: (200, 310),
        reply: (34, 64),
        chore: Some(((90, 180), (34, 60), (20.0, 90.0), 3)),
        jobs_every: (8.0, 75.0),
    },
    Dialect {
        name: "kaspa",
        hello: &[((70, 120), (60, 100)), ((80, 170), (36, 60))],
        job: (110, 230),
        job_habit: Constant,
        difficulty: (46, 80),
        share: (90, 190),
        reply: (34, 60),
        chore: None,
        jobs_every: (0.15, 3.0),
    },
    Dialect {
        name: "ergo",
        hello: &[((60, 110), (50, 100)), ((60, 140), (36, 60))],
        job: (170, 300),
        job_habit: Constant,
        difficulty: (46, 80),
        share: (90, 180),
        reply: (34, 60),
        chore: None,
        jobs_every: (15.0, 90.0),
    },
    Dialect {
        name: "beam",
        hello: &[((80, 190), (100, 190))],
        job: (130, 240),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (290, 390),
        reply: (60, 130),
        chore: None,
        jobs_every: (10.0, 75.0),
    },
    Dialect {
        name: "grin",
        hello: &[((100, 200), (70, 110)), ((60, 110), (500, 760))],
        job: (480, 760),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (420, 720),
        reply: (70, 130),
        chore: Some(((60, 90), (70, 220), (10.0, 60.0), 7)),
        jobs_every: (10.0, 75.0),
    },
    Dialect {
        name: "ckb",
        hello: &[((120, 220), (70, 120))],
        job: (190, 310),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (100, 220),
        reply: (34, 70),
        chore: Some(((50, 80), (190, 310), (5.0, 60.0), 3)),
        jobs_every: (4.0, 25.0),
    },
    Dialect {
        name: "conflux",
        hello: &[((80, 180), (36, 60))],
        job: (200, 290),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (180, 270),
        reply: (34, 64),
        chore: None,
        jobs_every: (0.4, 8.0),
    },
    Dialect {
        name: "alph",
        hello: &[((60, 110), (50, 80)), ((60, 140), (36, 60))],
        job: (9_000, 16_500),
        job_habit: Constant,
        difficulty: (46, 90),
        share: (150, 280),
        reply: (34, 64),
        chore: Some(((100, 170), (34, 64), (20.0, 90.0), 3)),
        jobs_every: (1.0, 12.0),
    },
    Dialect {
        name: "ironfish",
        hello: &[((120, 260), (60, 110))],
        job: (330, 520),
        job_habit: Constant,
        difficulty: (90, 150),
        share: (90, 190),
        reply: (60, 140),
        chore: None,
        jobs_every: (8.0, 90.0),
    },
    Dialect {
        name: "xatum",
        hello: &[((120, 300), (60, 180))],
        job: (240, 400),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (230, 400),
        reply: (30, 120),
        chore: Some(((6, 9), (6, 9), (10.0, 60.0), 8)),
        jobs_every: (2.0, 30.0),
    },
    Dialect {
        name: "kadena",
        hello: &[((60, 140), (36, 60)), ((60, 110), (60, 130))],
        job: (600, 900),
        job_habit: Constant,
        difficulty: (90, 140),
        share: (80, 180),
        reply: (34, 64),
        chore: None,
        jobs_every: (1.0, 30.0),
    },
    Dialect {
        name: "decred",
        hello: &[((40, 120), (90, 240)), ((60, 180), (36, 70))],
        job: (560, 1_000),
        job_habit: Constant,
        difficulty: (46, 80),
        share: (110, 240),
        reply: (34, 64),
        chore: None,
        jobs_every: (10.0, 120.0),
    },
    Dialect {
        name: "webminer",
        hello: &[((120, 300), (180, 360))],
        job: (180, 360),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (130, 260),
        reply: (25, 80),
        chore: None,
        jobs_every: (10.0, 180.0),
    },
    Dialect {
        name: "nimiq",
        hello: &[((200, 420), (100, 320))],
        job: (300, 900),
        job_habit: Branches,
        difficulty: (100, 320),
        share: (350, 900),
        reply: (25, 80),
        chore: Some(((30, 60), (60, 120), (20.0, 90.0), 4)),
        jobs_every: (10.0, 75.0),
    },
    Dialect {
        name: "duino",
        hello: &[((20, 70), (80, 110))],
        job: (0, 0),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (20, 80),
        reply: (4, 12),
        chore: None,
        jobs_every: (60.0, 60.0),
    },
    Dialect {
        name: "sv2-standard",
        hello: &[((60, 190), (12, 40)), ((60, 140), (60, 140))],
        job: (48, 80),
        job_habit: Constant,
        difficulty: (40, 60),
        share: (24, 34),
        reply: (14, 28),
        chore: None,
        jobs_every: (10.0, 90.0),
    },
    Dialect {
        name: "sv2-extended",
        hello: &[((60, 190), (12, 40)), ((60, 140), (60, 140))],
        job: (250, 900),
        job_habit: Branches,
        difficulty: (40, 60),
        share: (30, 60),
        reply: (14, 28),
        chore: None,
        jobs_every: (10.0, 90.0),
    },
    // Getwork and getblocktemplate over one kept HTTP connection.
    Dialect {
        name: "http-getwork",
        hello: &[((180, 500), (150, 1_800))],
        job: (0, 0),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (260, 1_200),
        reply: (120, 400),
        chore: Some(((160, 450), (180, 2_400), (0.8, 12.0), 10)),
        jobs_every: (60.0, 60.0),
    },
    // What no table names: anything that logs in, is sent jobs, and answers with shares.
    Dialect {
        name: "unknown-a",
        hello: &[((40, 900), (40, 900)), ((40, 300), (30, 300))],
        job: (60, 2_500),
        job_habit: Loose,
        difficulty: (40, 150),
        share: (40, 1_500),
        reply: (14, 160),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 4)),
        jobs_every: (0.4, 180.0),
    },
    Dialect {
        name: "unknown-b",
        hello: &[((40, 900), (40, 900))],
        job: (60, 2_500),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (40, 1_500),
        reply: (14, 160),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 4)),
        jobs_every: (0.4, 180.0),
    },
    Dialect {
        name: "unknown-c",
        hello: &[((40, 900), (40, 900)), ((40, 300), (30, 300))],
        job: (100, 700),
        job_habit: Constant,
        difficulty: (40, 150),
        share: (50, 400),
        reply: (14, 120),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 3)),
        jobs_every: (5.0, 120.0),
    },
    Dialect {
        name: "unknown-d",
        hello: &[((40, 900), (40, 900))],
        job: (100, 900),
        job_habit: Branches,
        difficulty: (40, 150),
        share: (50, 400),
        reply: (14, 120),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 3)),
        jobs_every: (5.0, 120.0),
    },
    Dialect {
        name: "unknown-e",
        hello: &[((40, 900), (40, 900)), ((40, 300), (30, 300))],
        job: (100, 700),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (50, 700),
        reply: (14, 120),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 6)),
        jobs_every: (2.0, 60.0),
    },
    Dialect {
        name: "unknown-f",
        hello: &[((40, 900), (40, 900))],
        job: (40, 1_400),
        job_habit: Constant,
        difficulty: (0, 0),
        share: (30, 900),
        reply: (8, 200),
        chore: Some(((30, 250), (20, 250), (8.0, 120.0), 2)),
        jobs_every: (10.0, 300.0),
    },
];

/// One session of dialect number `kind`.
pub fn session(rng: &mut Rng, kind: usize) -> Session {
    let dialect = &DIALECTS[kind];
    let habits = Habits::sample(rng, dialect);
    let path = Path { think: habits.think, ..Path::sample(rng) };
    let mut script = Script::new(path, rng.log_uniform(60.0, 5_400.0));
    let ready = login(&mut script, rng, dialect, &habits);
    jobs(&mut script, rng, &habits, ready);
    shares(&mut script, rng, dialect, &habits, ready);
    if let Some((ask, answer, period)) = habits.chore {
        script.every(rng, ready, period, |script, rng, at| {
            let (ask, answer) = (ask.sample(rng), answer.sample(rng));
            script.exchange(rng, at, ask, answer);
        });
    }
    let mut transport = Transport::sample(rng);
    if dialect.name.starts_with("sv2") {
        transport = transport.over_noise();
    } else if matches!(dialect.name, "webminer" | "nimiq") {
        transport = transport.with_web_socket();
    }
    (script, transport, dialect.name)
}

/// What this pool and this miner make of the dialect.
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
    /// Miners behind one connection.
    workers: u32,
    /// Mean seconds of hashing and of pauses, where the miner pauses.
    throttle: Option<(f64, f64)>,
    verbosity: f64,
}

impl Habits {
    fn sample(rng: &mut Rng, d: &Dialect) -> Self {
        // Spaces after colons and commas, longer key names, more keys.
        let verbosity = if rng.chance(0.5) { 1.0 } else { rng.uniform(1.0, 1.25) };
        let length = |rng: &mut Rng, (low, high): Bounds| (f64::from(rng.range(low, high)) * verbosity) as u32;
        let fixed = |rng: &mut Rng, bounds: Bounds, spread: u32| {
            let base = length(rng, bounds);
            Size::Fixed { base, spread: rng.range(0, spread) }
        };
        let job = match d.job_habit {
            Constant | Branches => fixed(rng, d.job, 4),
            Loose => {
                let base = length(rng, d.job);
                Size::Fixed { base, spread: base / rng.range(4, 40) }
            }
        };
        let period = rng.log_uniform(d.jobs_every.0, d.jobs_every.1);
        let jobs = if rng.chance(0.65) {
            Rhythm::Periodic { period, jitter: *rng.pick(&[0.005, 0.1, 0.1, 0.5]) }
        } else {
            Rhythm::Random { mean: period }
        };
        let workers = if rng.chance(0.08) { rng.range(2, 40) } else { 1 };
        let chore = d.chore.and_then(|(ask, answer, (low, high), in_ten)| {
            let rhythm = Rhythm::periodic(rng, low, high);
            let (ask, answer) = (fixed(rng, ask, 3), fixed(rng, answer, 3));
            (rng.range(1, 10) <= in_ten).then_some((ask, answer, rhythm))
        });
        let slowest_thought = if rng.chance(0.1) { 0.4 } else { 0.04 };
        let reply = fixed(rng, d.reply, 2);
        let Size::Fixed { base: accepted, .. } = reply else { unreachable!("made by `fixed`") };
        Habits {
            job,
            branches: matches!(d.job_habit, Branches),
            difficulty: if d.difficulty.1 == 0 { 0 } else { length(rng, d.difficulty) },
            always_difficulty: rng.chance(0.12),
            jobs,
            blocks: rng.log_uniform(period.max(5.0), 900.0),
            share: fixed(rng, d.share, if workers > 1 { 24 } else { 3 }),
            reply,
            refusal: accepted + rng.range(5, 90),
            refused: if rng.chance(0.5) { 0.003 } else { rng.uniform(0.0, 0.08) },
            unanswered: rng.chance(0.02),
            block_extra: if rng.chance(if d.name.starts_with("sv2") { 0.9 } else { 0.15 }) { rng.range(40, 120) } else { 0 },
            share_mean: rng.log_uniform(2.0, 240.0) / f64::from(workers).sqrt(),
            start_factor: if rng.chance(0.5) { 1.0 } else { rng.log_uniform(0.1, 4.0) },
            retarget: rng.range(3, 20),
            job_after_share: if rng.chance(0.85) { 0.0 } else { rng.uniform(0.2, 1.0) },
            chore,
            think: rng.log_uniform(0.000_3, slowest_thought),
            workers,
            throttle: rng.chance(0.12).then(|| (rng.log_uniform(30.0, 600.0), rng.log_uniform(20.0, 600.0))),
            verbosity,
        }
    }
}

/// The exchange before the first job; returns when it is over.
fn login(script: &mut Script, rng: &mut Rng, d: &Dialect, habits: &Habits) -> f64 {
    let burst = rng.chance(0.25);
    let mut at = 0.001;
    let mut answered = at;
    for &((up_low, up_high), (down_low, down_high)) in d.hello {
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

fn shares(script: &mut Script, rng: &mut Rng, d: &Dialect, habits: &Habits, ready: f64) {
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
            if d.name == "duino" {
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
        at += rng.exponential(mean).max(0.01);
    }
}

const MAX_SHARES: u32 = 400;
