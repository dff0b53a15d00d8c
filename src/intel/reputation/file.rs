//! The store on disk: a line an entry behind a checksum ([`atomic_file`]).
//!
//! `SUBJECT SINCE UNTIL FACT SOURCE REACH DIALECT EVIDENCE`, with a space between; `-` for a dialect that is not
//! known, `house` or an address for the reach, and nothing or more words for the evidence.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Entry, EvidenceText, Fact, Origin, Reach, Store, import};
use crate::dpi::signatures::Dialect;
use crate::limits::{REPUTATION_ENTRIES, REPUTATION_FILE_BYTES};
use crate::util::atomic_file;

/// Files of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The store's own.
    pub path: PathBuf,
    /// Files of earlier versions: read once, and removed when what they held is in the store's own.
    pub earlier: Vec<PathBuf>,
}

impl Store {
    /// Opens the store at `now`. A file that can't be read is set aside with a warning; without any the store is
    /// empty. What earlier versions kept is taken over and written at once.
    pub fn open(files: &Files, now: u64) -> Self {
        let path = &files.path;
        let (mut store, mut is_imported) = match read(path) {
            Ok(store) => (store, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Store::default(), false),
            Err(error) => match import::read(path, now) {
                Ok(entries) => (Store { entries }, true),
                Err(_) => {
                    log::warn!(
                        "{}: {error}; it is set aside, and the reputation of servers begins anew",
                        path.display()
                    );
                    set_aside(path);
                    (Store::default(), false)
                }
            },
        };
        store.adopt_clock(now);
        let earlier = files.earlier.iter().filter(|earlier| *earlier != path);
        let mut taken_over = Vec::new();
        for file in earlier {
            match import::read(file, now) {
                Ok(entries) => {
                    for entry in entries {
                        store.enter(entry, now);
                    }
                    taken_over.push(file);
                    is_imported = true;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => log::warn!("{}: {error}; it is passed over", file.display()),
            }
        }
        if is_imported {
            store.replace_earlier(path, &taken_over);
        }
        store
    }

    /// The store at `path` as it is, for a look without a daemon; nothing is changed.
    ///
    /// # Errors
    /// There is none, it can't be read, or it is damaged.
    pub fn peek(path: &Path) -> io::Result<Self> {
        read(path)
    }

    fn replace_earlier(&self, path: &Path, taken_over: &[&PathBuf]) {
        if let Err(error) = Store::save(path, &self.to_body()) {
            log::warn!("{}: {error}; files of an earlier version stay where they are", path.display());
            return;
        }
        for file in taken_over {
            if let Err(error) = fs::remove_file(file) {
                log::warn!("{}: {error}", file.display());
            }
        }
        log::info!("{}: entries taken over from an earlier version: {}", path.display(), self.entries.len());
    }

    /// Writes a [`Store::to_body`] to `path` so that a power loss leaves the old file or the new one.
    ///
    /// # Errors
    /// The directory can't be made, or the file not be written, synced or renamed.
    pub fn save(path: &Path, body: &str) -> io::Result<()> {
        atomic_file::save(path, HEAD, body)
    }

    /// Content of the file.
    pub fn to_body(&self) -> String {
        let mut body = String::new();
        for Entry { subject, fact, origin, reach, dialect, evidence, since, until } in &self.entries {
            let _ = write!(body, "{subject} {since} {until} {} {} ", fact.name(), origin.name());
            let _ = match reach {
                Reach::House => write!(body, "{HOUSE}"),
                Reach::Client(addr) => write!(body, "{addr}"),
            };
            let _ = writeln!(body, " {} {evidence}", dialect.map_or("-", Dialect::name));
        }
        body
    }
}

fn read(path: &Path) -> io::Result<Store> {
    let body = atomic_file::load(path, HEAD, REPUTATION_FILE_BYTES)?;
    let lines = body.lines().count();
    let entries: Vec<Entry> = body.lines().take(REPUTATION_ENTRIES).filter_map(parse_entry).collect();
    if entries.len() < lines {
        // The checksum is right: a newer version has written words that this one doesn't know.
        log::warn!("{}: entries passed over: {} of {lines}", path.display(), lines - entries.len());
    }
    Ok(Store { entries })
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = line.splitn(8, ' ');
    let mut next = || words.next();
    Some(Entry {
        subject: next()?.parse().ok()?,
        since: next()?.parse().ok()?,
        until: next()?.parse().ok()?,
        fact: Fact::from_name(next()?)?,
        origin: Origin::from_name(next()?)?,
        reach: match next()? {
            HOUSE => Reach::House,
            client => Reach::Client(client.parse().ok()?),
        },
        dialect: dialect(next()?),
        evidence: evidence(next()?)?,
    })
}

/// Dialect of a name; one that only a newer version knows is none.
pub(super) fn dialect(name: &str) -> Option<Dialect> {
    Dialect::of_name(name)
}

/// Evidence of a text, if it is one.
pub(super) fn evidence(text: &str) -> Option<EvidenceText> {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    EvidenceText::try_from(text).ok().filter(|_| is_printable)
}

fn set_aside(path: &Path) {
    let mut aside = OsString::from(path);
    aside.push(".damaged");
    if let Err(error) = fs::rename(path, &aside) {
        log::warn!("{}: {error}", path.display());
    }
}

const HEAD: &str = "minewall-reputation 1 ";
const HOUSE: &str = "house";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn new() -> Self {
            Scratch(tempfile::tempdir().expect("a directory"))
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn files(&self) -> Files {
            Files { path: self.at("reputation"), earlier: vec![self.at("learned"), self.at("probes")] }
        }
    }

    const NOW: u64 = 1_790_000_000;

    fn full() -> Store {
        let mut store = Store::default();
        for number in 0..REPUTATION_ENTRIES {
            let subject = match number % 3 {
                0 => format!("203.0.{}.{}:3333", number / 256, number % 256),
                1 => format!("pool.example@[2001:db8::{number:x}]:443"),
                _ => format!("{}.{number}.example:65535", "x".repeat(63)),
            };
            store.enter(
                Entry {
                    subject: subject.parse().expect("a subject"),
                    fact: Fact::ALL[number % 6],
                    origin: [Origin::Probe, Origin::Operator][number % 2],
                    reach: [Reach::House, Reach::Client([192, 168, 1, 50].into())][number / 2 % 2],
                    dialect: [None, Some(Dialect::CryptoNote)][number % 2],
                    evidence: evidence(["", "tls: login refused"][number / 3 % 2]).expect("evidence"),
                    since: NOW,
                    until: NOW + 604_800,
                },
                NOW,
            );
        }
        store
    }

    #[test]
    fn a_file_comes_back_as_it_was() {
        let scratch = Scratch::new();
        let (files, store) = (scratch.files(), full());
        assert_eq!(Store::open(&files, NOW), Store::default());
        Store::save(&files.path, &store.to_body()).expect("saved");
        Store::save(&files.path, &store.to_body()).expect("saved over the old one");
        assert!(fs::metadata(&files.path).expect("there").len() < REPUTATION_FILE_BYTES);
        assert_eq!(Store::open(&files, NOW), store);
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let scratch = Scratch::new();
        let files = scratch.files();
        let mut random = Random::new(3);
        for _ in 0..200 {
            Store::save(&files.path, &full().to_body()).expect("saved");
            let mut bytes = fs::read(&files.path).expect("there");
            let at = random.below(bytes.len() as u32) as usize;
            if random.below(2) == 0 {
                bytes.truncate(at)
            } else {
                bytes[at] ^= 0x10
            }
            fs::write(&files.path, &bytes).expect("written");
            assert_eq!(Store::open(&files, NOW), Store::default(), "{at}");
            assert_eq!(fs::read(scratch.at("reputation.damaged")).expect("set aside"), bytes);
        }
    }

    #[test]
    fn words_of_a_newer_version_cost_their_line_only() {
        let scratch = Scratch::new();
        let files = scratch.files();
        let good = "203.0.113.9:1 1 2 pool probe house - ";
        for line in [
            "",
            "203.0.113.9:1",
            "203.0.113.9:1 1 2 klingon probe house - ",
            "x 1 2 pool probe house - ",
            "203.0.113.9:1 1 2 pool probe house - \u{1}",
        ] {
            assert_eq!(parse_entry(line), None, "{line}");
            Store::save(&files.path, &format!("{good}\n{line}\n")).expect("saved");
            assert_eq!(Store::open(&files, NOW).entries.len(), 1, "{line}");
        }
        assert_eq!(
            parse_entry("203.0.113.9:1 1 2 pool probe house klingon ").map(|entry| entry.dialect),
            Some(None)
        );
    }

    /// Names of the longest kind in every entry still fit.
    #[test]
    fn the_longest_file_can_be_read() {
        let name = vec!["x".repeat(60); 4].join(".");
        let entry = parse_entry(&format!(
            "{name}.exampl@[2001:db8:1111:2222:3333:4444:5555:6666]:65535 {0} {0} strongly_suspected operator 2001:db8:1111:2222:3333:4444:5555:6666 ethereum-stratum-1 {1}",
            u32::MAX,
            "x".repeat(96)
        ));
        let store = Store { entries: vec![entry.expect("an entry"); REPUTATION_ENTRIES] };
        assert!((store.to_body().len() + 64) as u64 <= REPUTATION_FILE_BYTES);
    }

    /// Both files of an earlier version, at the paths that it used: what they held is kept, and they are gone.
    #[test]
    fn files_of_an_earlier_version_are_read_once_and_replaced() {
        let scratch = Scratch::new();
        let files = scratch.files();
        let [learned, probes] = [&files.earlier[0], &files.earlier[1]];
        let until = NOW + 1_000;
        atomic_file::save(learned, "minewall-learned 1 ", &format!("pool.example:3333 {NOW} {until} block operator -\n203.0.113.1:3333 {NOW} {until} block dpi cryptonote\n203.0.113.2:3333 {NOW} {until} block fleet -\n203.0.113.3:3333 {NOW} {until} block probe kaspa\n")).expect("saved");
        atomic_file::save(probes, "minewall-probes 1 ", &format!("203.0.113.3:3333 {until} pool kaspa tcp job from the server\n203.0.113.4:443 {until} not_pool - https web server: HTTP/1.1 400\n203.0.113.5:443 {until} inconclusive - - no answer\n")).expect("saved");
        let expected = [
            "pool.example:3333 pool operator",
            "203.0.113.2:3333 suspect fleet",
            "203.0.113.3:3333 pool probe",
            "203.0.113.4:443 not_pool probe",
            "203.0.113.5:443 inconclusive probe",
        ];
        for _ in 0..2 {
            let store = Store::open(&files, NOW);
            let mut found: Vec<String> = store
                .holding(NOW)
                .map(|entry| format!("{} {} {}", entry.subject, entry.fact.name(), entry.origin.name()))
                .collect();
            found.sort_by_key(|text| expected.iter().position(|known| known == text));
            assert_eq!(found, expected, "a client's word alone is not taken over");
            let pool = store
                .holding(NOW)
                .find(|entry| entry.subject.to_string() == "203.0.113.3:3333")
                .expect("there");
            assert_eq!(
                (pool.dialect, &pool.evidence[..], pool.until),
                (Some(Dialect::Kaspa), "tcp: job from the server", until)
            );
            assert!(!learned.exists() && !probes.exists() && files.path.exists());
        }
        // One that was at the store's own path is rewritten in place.
        atomic_file::save(
            &files.path,
            "minewall-learned 1 ",
            &format!("203.0.113.9:1 {NOW} {until} allow operator -\n"),
        )
        .expect("saved");
        assert_eq!(Store::open(&files, NOW).entries.len(), 1);
        assert!(fs::read_to_string(&files.path).expect("there").starts_with(HEAD));
    }

    /// A disk that takes no writes loses nothing: the files of the earlier version stay.
    #[test]
    fn without_a_place_for_the_store_the_earlier_files_stay() {
        let scratch = Scratch::new();
        let mut files = scratch.files();
        atomic_file::save(
            &files.earlier[0],
            "minewall-learned 1 ",
            &format!("203.0.113.9:1 {NOW} {} allow operator -\n", NOW + 9),
        )
        .expect("saved");
        // No directory can be made below a file.
        files.path = files.earlier[0].join("reputation");
        assert_eq!(Store::open(&files, NOW).entries.len(), 1);
        assert!(files.earlier[0].exists());
    }
}
