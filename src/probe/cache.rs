//! What has been learnt of endpoints: bounded, with lifetimes, and on disk across restarts.
//!
//! The file ([`atomic_file`]) has a line an endpoint. One that can't be read is set aside with a single warning.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::{Outcome, Transport, Verdict};
use crate::config::Config;
use crate::dpi::dialect::Dialect;
use crate::limits::{CLOCK_SET_FROM, PROBE_CACHE_FILE_BYTES, PROBE_OUTCOMES};
use crate::net::endpoint::Endpoint;
use crate::util::atomic_file;

/// How long each outcome holds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of [`Verdict::Pool`].
    pub pool: u32,
    /// Of [`Verdict::NotPool`].
    pub not_pool: u32,
    /// Of [`Verdict::Inconclusive`].
    pub inconclusive: u32,
}

impl From<&Config> for Lifetimes {
    fn from(config: &Config) -> Self {
        Lifetimes {
            pool: config.probe_pool_seconds,
            not_pool: config.probe_not_pool_seconds,
            inconclusive: config.probe_inconclusive_seconds,
        }
    }
}

impl Lifetimes {
    fn of(&self, verdict: Verdict) -> u64 {
        u64::from(match verdict {
            Verdict::Pool => self.pool,
            Verdict::NotPool => self.not_pool,
            Verdict::Inconclusive => self.inconclusive,
        })
    }
}

/// The outcomes. Times are seconds of the wall clock, since they outlive the process.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    entries: Vec<Entry>,
}

/// What is known of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The endpoint.
    pub server: Endpoint,
    /// What was found.
    pub outcome: Outcome,
    /// Until when it holds.
    pub until: u64,
}

impl Entry {
    /// For how many seconds it holds from `now` on.
    pub fn left(&self, lifetimes: &Lifetimes, now: u64) -> u64 {
        self.until.saturating_sub(now).min(lifetimes.of(self.outcome.verdict))
    }
}

impl Cache {
    /// The outcome for `server` that holds at `now`.
    ///
    /// A router without a battery begins with a wrong clock: an outcome whose end is further away than
    /// its lifetime was entered by another clock, and is taken as if it were new. Until the clock is set
    /// ([`CLOCK_SET_FROM`]), what was entered by one that was is left alone.
    pub fn get(&mut self, server: &Endpoint, lifetimes: &Lifetimes, now: u64) -> Option<&Entry> {
        let at = self.entries.iter().position(|entry| entry.server == *server)?;
        let entry = self.entries.get_mut(at)?;
        if now >= CLOCK_SET_FROM || entry.until < CLOCK_SET_FROM {
            entry.until = entry.until.min(now.saturating_add(lifetimes.of(entry.outcome.verdict)));
        }
        if entry.until <= now {
            self.entries.swap_remove(at);
            return None;
        }
        self.entries.get(at)
    }

    /// Enters `outcome`. With no room left it replaces the one that ends first, pools last of all.
    pub fn insert(&mut self, server: Endpoint, outcome: Outcome, lifetimes: &Lifetimes, now: u64) {
        self.entries.retain(|entry| entry.server != server && entry.until > now);
        if self.entries.len() >= PROBE_OUTCOMES {
            let order = |entry: &Entry| (entry.outcome.verdict == Verdict::Pool, entry.until);
            let victim = self.entries.iter().enumerate().min_by_key(|(_, entry)| order(entry));
            if let Some(at) = victim.map(|(at, _)| at) {
                self.entries.swap_remove(at);
            }
        }
        let until = now.saturating_add(lifetimes.of(outcome.verdict));
        self.entries.push(Entry { server, outcome, until });
    }

    /// Forgets the outcomes of the servers that are `meant`; whether there were any.
    pub fn forget(&mut self, meant: impl Fn(&Endpoint) -> bool) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !meant(&entry.server));
        self.entries.len() < before
    }

    /// Everything that is known.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads the file at `path`; an empty cache if there is none, or none that can be read.
    pub fn load(path: &Path) -> Self {
        match read(path) {
            Ok(entries) => Cache { entries },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Cache::default(),
            Err(error) => {
                log::warn!("{}: {error}; outcomes of earlier probes are forgotten", path.display());
                Cache::default()
            }
        }
    }

    /// Writes the file at `path` so that a power loss leaves the old one or the new one.
    ///
    /// # Errors
    /// The directory can't be made, or the file not be written, synced or renamed.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        atomic_file::save(path, HEAD, &self.body())
    }

    fn body(&self) -> String {
        let mut body = String::new();
        for Entry { server, outcome, until } in &self.entries {
            let _ = writeln!(
                body,
                "{server} {until} {} {} {} {}",
                outcome.verdict.name(),
                outcome.dialect.map_or("-", Dialect::name),
                outcome.transport.map_or("-", Transport::name),
                outcome.evidence,
            );
        }
        body
    }
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let body = atomic_file::load(path, HEAD, PROBE_CACHE_FILE_BYTES)?;
    body.lines().take(PROBE_OUTCOMES).map(parse_entry).collect::<Option<_>>().ok_or_else(atomic_file::damaged)
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = line.splitn(6, ' ');
    let server: SocketAddr = words.next()?.parse().ok()?;
    let until = words.next()?.parse().ok()?;
    let verdict = words.next()?;
    let verdict = [Verdict::Pool, Verdict::NotPool, Verdict::Inconclusive]
        .into_iter()
        .find(|known| known.name() == verdict)?;
    let (dialect, transport) = (words.next()?, words.next()?);
    // A name that a newer version has written is no damage.
    let dialect = Dialect::ALL.into_iter().find(|known| known.name() == dialect);
    let transport = Transport::ALL.into_iter().find(|known| known.name() == transport);
    let mut outcome = Outcome::new(verdict, dialect, transport, &[]);
    outcome.evidence = words.next()?.try_into().ok()?;
    let is_printable = outcome.evidence.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"');
    is_printable.then_some(Entry { server: Endpoint::new(server.ip(), server.port()), outcome, until })
}

const HEAD: &str = "minewall-probes 1 ";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::net::IpAddr;

    const LIVES: Lifetimes = Lifetimes { pool: 1_000, not_pool: 500, inconclusive: 50 };

    fn server(number: usize) -> Endpoint {
        Endpoint::new(IpAddr::from([203, 0, (number / 256) as u8, number as u8]), 3333)
    }

    fn outcome(verdict: Verdict) -> Outcome {
        let dialect = (verdict == Verdict::Pool).then_some(Dialect::CryptoNote);
        Outcome::new(verdict, dialect, Some(Transport::Tls), &[b"refusal: \x1b\"Unauthenticated\""])
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("minewall-cache-{}-{name}", std::process::id()));
        path.join("probes")
    }

    /// A router without a battery boots in 1970, until it hears what time it is.
    #[test]
    fn a_clock_that_is_not_set_yet_ends_nothing() {
        let today = CLOCK_SET_FROM + 9_999;
        let mut cache = Cache::default();
        cache.insert(server(1), outcome(Verdict::Pool), &LIVES, today);
        let entry = cache.get(&server(1), &LIVES, 20).expect("known").clone();
        assert_eq!(entry.left(&LIVES, 20), 1_000, "never longer than it may hold");
        let entry = cache.get(&server(1), &LIVES, today + 100).expect("still known").clone();
        assert_eq!(entry.left(&LIVES, today + 100), 900);
        assert_eq!(cache.get(&server(1), &LIVES, today + 1_000), None);
    }

    #[test]
    fn outcomes_end() {
        let mut cache = Cache::default();
        for (number, verdict) in
            [Verdict::Pool, Verdict::NotPool, Verdict::Inconclusive].into_iter().enumerate()
        {
            cache.insert(server(number), outcome(verdict), &LIVES, 100);
        }
        for (now, left) in [(149, 3), (150, 2), (599, 2), (600, 1), (1_099, 1), (1_100, 0)] {
            let known = (0..3).filter(|&number| cache.get(&server(number), &LIVES, now).is_some()).count();
            assert_eq!(known, left, "at {now}");
        }
    }

    #[test]
    fn a_clock_set_back_makes_nothing_eternal() {
        let mut cache = Cache::default();
        cache.insert(server(1), outcome(Verdict::NotPool), &LIVES, 1_000_000_000);
        assert!(cache.get(&server(1), &LIVES, 10).is_some());
        assert!(cache.get(&server(1), &LIVES, 10 + 500).is_none());
    }

    #[test]
    fn full_is_normal_and_pools_stay_longest() {
        let mut cache = Cache::default();
        cache.insert(server(0), outcome(Verdict::Pool), &LIVES, 0);
        for number in 1..3 * PROBE_OUTCOMES {
            cache.insert(server(number), outcome(Verdict::NotPool), &LIVES, 1);
            assert!(cache.entries().len() <= PROBE_OUTCOMES);
        }
        assert!(cache.get(&server(0), &LIVES, 2).is_some());
        assert!(cache.get(&server(3 * PROBE_OUTCOMES - 1), &LIVES, 2).is_some());
    }

    #[test]
    fn a_file_comes_back_as_it_was() {
        let path = scratch("whole");
        let mut cache = Cache::default();
        for number in 0..PROBE_OUTCOMES {
            let verdict = [Verdict::Pool, Verdict::NotPool, Verdict::Inconclusive][number % 3];
            cache.insert(server(number), outcome(verdict), &LIVES, 7);
        }
        cache.save(&path).expect("saved");
        cache.save(&path).expect("saved over the old one");
        assert!(fs::metadata(&path).expect("there").len() < PROBE_CACHE_FILE_BYTES);
        assert_eq!(Cache::load(&path).entries(), cache.entries());
        fs::remove_dir_all(path.parent().expect("a directory")).expect("removed");
    }

    fn parse(text: &str) -> Option<Vec<Entry>> {
        atomic_file::unseal(HEAD, text)?.lines().map(parse_entry).collect()
    }

    /// Cut at every place, and with every bit of a line turned over: never half a cache, never a panic.
    #[test]
    fn a_damaged_file_is_no_cache() {
        let mut cache = Cache::default();
        cache.insert(server(1), outcome(Verdict::Pool), &LIVES, 7);
        cache.insert(server(2), outcome(Verdict::NotPool), &LIVES, 7);
        let text = atomic_file::seal(HEAD, &cache.body());
        assert_eq!(parse(&text).as_deref(), Some(cache.entries()));
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), None, "{end}");
        }
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let damaged = String::from_utf8(bytes).expect("ASCII stays ASCII");
                let in_sum = (HEAD.len()..HEAD.len() + 8).contains(&at);
                let same_number = in_sum && damaged.eq_ignore_ascii_case(&text);
                assert_eq!(parse(&damaged).is_some(), same_number, "{at} {bit}: {damaged}");
            }
        }
        let path = scratch("damaged");
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fs::write(&path, [0xff; 4_000]).expect("written");
        assert!(Cache::load(&path).entries().is_empty());
        assert!(Cache::load(&path.with_file_name("none")).entries().is_empty());
        fs::remove_dir_all(path.parent().expect("a directory")).expect("removed");
    }
}
