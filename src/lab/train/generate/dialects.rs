//! The message lengths of every mining dialect, read from `dialects.csv`.

use core::str::FromStr;
use std::sync::OnceLock;

/// A length between two bounds, drawn once a session.
pub(crate) type Bounds = (u32, u32);

/// Message lengths of a dialect, bytes; `dialects.csv` explains the columns.
#[derive(Debug)]
pub(crate) struct DialectLengths {
    /// Name as in the events.
    pub name: &'static str,
    /// Requests and replies before the first job.
    pub hello: Vec<(Bounds, Bounds)>,
    /// Length of a job.
    pub job: Bounds,
    /// Differences of jobs inside a session.
    pub job_habit: JobHabit,
    /// Sent with a job when the difficulty moves; (0, 0) where the job itself says it.
    pub difficulty: Bounds,
    /// Length of a share.
    pub share: Bounds,
    /// Reply of the pool to a share.
    pub reply: Bounds,
    /// A request by the clock with its reply, the period in seconds, and how many sessions in ten make it.
    pub chore: Option<(Bounds, Bounds, (f64, f64), u32)>,
    /// Seconds between jobs.
    pub jobs_every: (f64, f64),
}

impl DialectLengths {
    /// Stratum V2: binary, in Noise.
    pub(crate) fn is_sv2(&self) -> bool {
        self.name.starts_with("sv2")
    }
}

/// Differences in length of the jobs of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JobHabit {
    /// All of one length, give or take a counter's digits.
    Constant,
    /// Merkle branches of 67 bytes come and go with every block.
    Branches,
    /// Any length in proportion.
    Loose,
}

/// Every dialect that the DPI knows, and some that stand for those it doesn't.
pub(crate) fn dialects() -> &'static [DialectLengths] {
    static DIALECTS: OnceLock<Vec<DialectLengths>> = OnceLock::new();
    DIALECTS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1);
        lines.map(|line| dialect(line).unwrap_or_else(|| panic!("dialects.csv: {line}"))).collect()
    })
}

/// Parses a line of the table, which is part of the program.
fn dialect(line: &'static str) -> Option<DialectLengths> {
    let fields: Vec<&str> = line.split(',').collect();
    let &[name, hello, job, habit, difficulty, share, reply, chore, period, in_ten, jobs_every] = &fields[..]
    else {
        return None;
    };
    let chore = match exchange(chore) {
        Some((ask, answer)) => Some((ask, answer, range(period)?, in_ten.parse().ok()?)),
        None => None,
    };
    Some(DialectLengths {
        name,
        hello: hello.split(' ').map(exchange).collect::<Option<_>>()?,
        job: range(job)?,
        job_habit: match habit {
            "constant" => JobHabit::Constant,
            "branches" => JobHabit::Branches,
            "loose" => JobHabit::Loose,
            _ => return None,
        },
        difficulty: range(difficulty)?,
        share: range(share)?,
        reply: range(reply)?,
        chore,
        jobs_every: range(jobs_every)?,
    })
}

/// `60-110/50-100`: a request and its reply.
fn exchange(text: &str) -> Option<(Bounds, Bounds)> {
    let (request, reply) = text.split_once('/')?;
    Some((range(request)?, range(reply)?))
}

/// `60-110`.
fn range<T: FromStr>(text: &str) -> Option<(T, T)> {
    let (low, high) = text.split_once('-')?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

const TABLE: &str = include_str!("dialects.csv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        assert!(dialects().len() > 30);
        for dialect in dialects() {
            let lengths = [dialect.job, dialect.share, dialect.reply];
            assert!(lengths.iter().all(|(low, high)| low <= high), "{}", dialect.name);
            assert!(dialect.jobs_every.0 <= dialect.jobs_every.1 && !dialect.hello.is_empty());
        }
        assert!(dialect("short,1-2/3-4,5-6").is_none());
    }
}
