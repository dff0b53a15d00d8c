//! The book on disk: a line an entry, see [`atomic_file`](crate::util::atomic_file) for the rest.

use std::fmt::Write;
use std::io;
use std::path::Path;

use super::{Book, Entry, Origin};
use crate::dpi::dialect::Dialect;
use crate::intel::entry::Policy;
use crate::limits::{BOOK_ENTRIES, BOOK_FILE_BYTES};
use crate::util::atomic_file;

impl Book {
    /// Reads the file at `path`; an empty book if there is none, or none that can be read.
    pub fn load(path: &Path) -> Self {
        match read(path) {
            Ok(entries) => Book { entries },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Book::default(),
            Err(error) => {
                log::warn!("{}: {error}; what was learnt of pools is forgotten", path.display());
                Book::default()
            }
        }
    }

    /// Writes a [`Book::to_body`] to `path` so that a power loss leaves the old file or the new one.
    ///
    /// # Errors
    /// The directory can't be made, or the file not be written, synced or renamed.
    pub fn save(path: &Path, body: &str) -> io::Result<()> {
        atomic_file::save(path, HEAD, body)
    }

    /// What is to be written.
    pub fn to_body(&self) -> String {
        let mut body = String::new();
        for Entry { subject, policy, origin, dialect, since, until } in &self.entries {
            let dialect = dialect.map_or("-", Dialect::name);
            let _ = writeln!(body, "{subject} {since} {until} {} {} {dialect}", policy.name(), origin.name());
        }
        body
    }
}

fn read(path: &Path) -> io::Result<Vec<Entry>> {
    parse(&atomic_file::load(path, HEAD, BOOK_FILE_BYTES)?).ok_or_else(atomic_file::damaged)
}

fn parse(body: &str) -> Option<Vec<Entry>> {
    body.lines().take(BOOK_ENTRIES).map(parse_entry).collect()
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    Some(Entry {
        subject: next()?.parse().ok()?,
        since: next()?.parse().ok()?,
        until: next()?.parse().ok()?,
        policy: next()?.parse::<Policy>().ok()?,
        origin: Origin::from_name(next()?)?,
        // A name that a newer version has written is no damage.
        dialect: Some(next()?)
            .and_then(|name| Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)),
    })
}

const HEAD: &str = "minewall-learned 1 ";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn full() -> Book {
        let mut book = Book::default();
        for number in 0..BOOK_ENTRIES {
            let subject = match number % 3 {
                0 => format!("203.0.{}.{}:3333", number / 256, number % 256),
                1 => format!("[2001:db8::{number:x}]:443"),
                _ => format!("{}.{number}.example:65535", "x".repeat(63)),
            };
            book.enter(Entry {
                subject: subject.parse().expect("a subject"),
                policy: Policy::ALL[number % 3],
                origin: [Origin::Dpi, Origin::Probe, Origin::Operator][number % 3],
                dialect: [None, Some(Dialect::CryptoNote)][number % 2],
                since: 1_790_000_000,
                until: 1_790_604_800,
            });
        }
        book
    }

    #[test]
    fn a_file_comes_back_as_it_was() {
        let directory = std::env::temp_dir().join(format!("minewall-book-{}", std::process::id()));
        let path = directory.join("learned");
        let book = full();
        Book::save(&path, &book.to_body()).expect("saved");
        assert!(fs::metadata(&path).expect("there").len() < BOOK_FILE_BYTES);
        assert_eq!(Book::load(&path), book);
        fs::write(&path, "no such thing").expect("written");
        assert_eq!(Book::load(&path), Book::default());
        assert_eq!(Book::load(&directory.join("none")), Book::default());
        fs::remove_dir_all(&directory).expect("removed");
    }

    #[test]
    fn a_line_that_makes_no_sense_spoils_the_file() {
        let body = full().to_body();
        assert!(parse(&body).is_some());
        for line in ["", "203.0.113.9:1", "203.0.113.9:1 1 2 block dpi", "x 1 2 block dpi -"] {
            assert_eq!(parse_entry(line), None, "{line}");
        }
        assert_eq!(parse_entry("203.0.113.9:1 1 2 block dpi klingon").map(|entry| entry.dialect), Some(None));
    }

    /// Names of the longest kind in every entry still fit.
    #[test]
    fn the_longest_file_can_be_read() {
        let name = format!("{}.example:65535", vec!["x".repeat(60); 4].join("."));
        assert!(name.parse::<crate::intel::entry::Pattern>().is_ok());
        let line = format!("{name} {0} {0} suspect operator ethereum-stratum-1\n", u32::MAX);
        assert!(((line.len() + 8) * BOOK_ENTRIES) as u64 <= BOOK_FILE_BYTES);
    }
}
