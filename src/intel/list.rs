//! Lists as text, in the forms in which people publish them. The form is told line by line:
//!
//! | form | lines |
//! |---|---|
//! | our own | `pool.example:3333 block until=2026-12-31`, `198.51.100.0/24`; policy and end may be left out |
//! | hosts file | `0.0.0.0 pool.example www.pool.example` |
//! | domains, `host:port` | `pool.example`, `*.pool.example`, `pool.example:3333`, `stratum+tcp://pool.example:3333` |
//! | adblock | `\|\|pool.example^`; exceptions, `@@\|\|pool.example^`, count in lists that allow |
//! | dnsmasq | `server=/pool.example/`, `address=/pool.example/0.0.0.0`, `local=/pool.example/` |
//! | addresses | `198.51.100.7`, `198.51.100.0/24`, `2001:db8::/32`, `[2001:db8::1]:3333` |
//!
//! An entry may be worth less than its list, not more: `block` stands in lists that block, `allow` in lists
//! that allow.
//!
//! Comments begin with `#`, `!` or `;`, or stand behind ` #`. A line that makes no sense is reported and
//! passed over; a file that is mostly such lines is no list.

use core::fmt;
use std::io::{self, BufRead};

use super::entry::{BadEntry, ListEntry, Pattern, Policy, Ports, What};
use super::{Builder, TooLarge};
use crate::limits::{INTEL_LINE_BYTES, INTEL_WARNINGS};

/// Result of reading a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReport {
    /// Entries.
    pub entries: u32,
    /// Lines that made no sense.
    pub bad_lines: u32,
    /// The first of them.
    pub warnings: Vec<Warning>,
}

/// A line that made no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Number of the line, from 1.
    pub line: u32,
    /// Why.
    pub why: BadLine,
}

/// Why a line is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// The line has more than [`INTEL_LINE_BYTES`] bytes.
    TooLong,
    /// The line is not UTF-8, or has control characters.
    NotText,
    /// The line is no entry.
    Entry(BadEntry),
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadLine::TooLong => write!(f, "longer than {INTEL_LINE_BYTES} bytes"),
            BadLine::NotText => f.write_str("no text"),
            BadLine::Entry(why) => why.fmt(f),
        }
    }
}

/// Why a list is refused as a whole.
#[derive(Debug)]
pub enum BadList {
    /// The file can't be read.
    Unreadable(io::Error),
    /// There is not enough memory for it.
    TooLarge(TooLarge),
    /// Most of its lines make no sense: an error page, a program, another kind of list.
    Garbage(ListReport),
}

impl fmt::Display for BadList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadList::Unreadable(error) => write!(f, "it can't be read: {error}"),
            BadList::TooLarge(why) => why.fmt(f),
            BadList::Garbage(ListReport { entries, bad_lines, warnings }) => {
                write!(f, "it is no list: {entries} of {} lines make sense", entries + bad_lines)?;
                match warnings.first() {
                    Some(first) => write!(f, " (line {}: {})", first.line, first.why),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for BadList {}

impl Builder {
    /// Adds the list that `text` is, under the name `source`; `policy` is that of entries which name none. A
    /// list that is refused leaves nothing behind.
    ///
    /// # Errors
    /// [`BadList`].
    pub fn add_text(
        &mut self,
        source: &str,
        policy: Policy,
        text: impl BufRead,
    ) -> Result<ListReport, BadList> {
        let mark = self.mark();
        let read = self.begin(source).map_err(BadList::TooLarge).and_then(|()| self.read(policy, text));
        if read.is_err() {
            self.undo(mark);
        }
        read
    }

    fn read(&mut self, policy: Policy, mut text: impl BufRead) -> Result<ListReport, BadList> {
        let mut report = ListReport::default();
        let mut too_large = None;
        let mut line = Vec::with_capacity(INTEL_LINE_BYTES + 1);
        let mut number = 0u32;
        while let Some(fits) = next_line(&mut text, &mut line).map_err(BadList::Unreadable)? {
            number = number.saturating_add(1);
            let before = self.len();
            let read = if fits {
                // A list that is too large is read to its end, so that its complaint says how much it needs.
                self.read_line(policy, &line).unwrap_or_else(|why| {
                    too_large = Some(why);
                    Ok(())
                })
            } else {
                Err(BadLine::TooLong)
            };
            report.entries += (self.len() - before) as u32;
            if let Err(why) = read {
                report.bad_lines += 1;
                if report.warnings.len() < INTEL_WARNINGS {
                    report.warnings.push(Warning { line: number, why });
                }
            }
        }
        if let Some(why) = too_large {
            return Err(BadList::TooLarge(why));
        }
        if report.bad_lines > report.entries { Err(BadList::Garbage(report)) } else { Ok(report) }
    }

    fn read_line(&mut self, policy: Policy, line: &[u8]) -> Result<Result<(), BadLine>, TooLarge> {
        let line = match core::str::from_utf8(line) {
            Ok(line)
                if !line.chars().any(|letter| letter.is_control() && letter != '\t' && letter != '\r') =>
            {
                line
            }
            _ => return Ok(Err(BadLine::NotText)),
        };
        // A byte order mark begins the files of some editors.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with(['#', '!', ';']) || line.starts_with("[Adblock") {
            return Ok(Ok(()));
        }
        let line = line
            .split_once(" #")
            .or_else(|| line.split_once("\t#"))
            .map_or(line, |(entry, _)| entry.trim_end());
        let mut outcome = Ok(());
        let mut full = Ok(());
        each_entry(line, policy, &mut |entry| match entry {
            Ok(entry) if !policy.grants(entry.policy) => outcome = Err(BadLine::Entry(BadEntry::TooMuch)),
            Ok(entry) => full = full.and_then(|()| self.add(&entry)),
            Err(why) => outcome = Err(BadLine::Entry(why)),
        });
        full.map(|()| outcome)
    }
}

/// Hands the entries of a line that is not blank to `each`.
fn each_entry(line: &str, policy: Policy, each: &mut dyn FnMut(Result<ListEntry, BadEntry>)) {
    let named = |name: &str, policy| {
        let what = name.parse::<What>()?;
        match what {
            What::Name(_) => {
                Ok(ListEntry { pattern: Pattern { what, ports: Ports::Any }, policy, expires: None })
            }
            What::Net(_) => Err(BadEntry::What),
        }
    };
    let (exception, rule) = match line.strip_prefix("@@") {
        Some(rule) => (true, rule),
        None => (false, line),
    };
    if let Some(rule) = rule.strip_prefix("||") {
        if exception && policy != Policy::Allow {
            // It takes something out of lists that we don't have.
            return;
        }
        return each(match rule.split_once('^') {
            Some((name, "")) => named(name, policy),
            Some((name, options)) if options.starts_with('$') => named(name, policy),
            _ => Err(BadEntry::PartOfSite),
        });
    }
    if let Some(names) =
        ["server=/", "address=/", "local=/"].iter().find_map(|option| line.strip_prefix(option))
    {
        return match names.rsplit_once('/') {
            Some((names, _)) => names.split('/').for_each(|name| each(named(name, policy))),
            None => each(Err(BadEntry::What)),
        };
    }
    let mut words = line.split_ascii_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let is_name = |word: &str| word.parse::<Policy>().is_err() && !word.starts_with("until=");
    if let (Ok(sink), Some(_)) = (first.parse::<core::net::IpAddr>(), second.filter(|word| is_name(word))) {
        if !sink.is_unspecified() && !sink.is_loopback() {
            return each(Err(BadEntry::NoSink));
        }
        // Each such file names this host, and what begins IPv6's multicast addresses.
        let is_local =
            |name: &str| !name.contains('.') || name == "localhost.localdomain" || name == "0.0.0.0";
        let names = line.split_ascii_whitespace().skip(1).filter(|name| !is_local(name));
        return names.for_each(|name| each(named(name, policy)));
    }
    match line.split_once("://") {
        Some(("http" | "https" | "ws" | "wss", rest)) => each(ListEntry::parse(&host_of_url(rest), policy)),
        Some((scheme, rest)) if scheme.starts_with("stratum") => {
            each(ListEntry::parse(rest.trim_end_matches('/'), policy));
        }
        _ => each(ListEntry::parse(line.trim_end_matches('/'), policy)),
    }
}

/// Host and port of a URL behind its scheme (RFC 3986 section 3.2), with the words that follow the URL: a page of
/// a site counts by the site's host.
fn host_of_url(rest: &str) -> String {
    let (url, words) = rest.split_once([' ', '\t']).map_or((rest, ""), |(url, words)| (url, words));
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{host} {words}")
}

/// Reads the next line without its end into `line`; tells whether it fitted, or that there is none.
fn next_line(text: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut fits, mut any) = (true, false);
    loop {
        let available = match text.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        fits &= line.len() + part.len() <= INTEL_LINE_BYTES;
        if fits {
            line.extend(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        text.consume(taken);
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}

#[cfg(test)]
mod tests;
