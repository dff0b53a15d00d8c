//! Entries as lines of JSON: what `minewall intel add -` reads and `intel list --json` writes. The schema is in
//! `openwrt/EVENTS.md`.

use core::fmt;

use super::{Entry, Subject};
use crate::dpi::signatures::Dialect;
use crate::intel::entry::{BadEntry, Policy};
use crate::limits::REPUTATION_LINE_MAX_BYTES;
use crate::parse::json::{Tape, TapeValue};
use crate::util::json_object::JsonObject;

/// Content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Server or servers.
    pub subject: Subject,
    /// Policy, if the line names one.
    pub policy: Option<Policy>,
    /// Dialect spoken there, if the line names one that is known here.
    pub dialect: Option<Dialect>,
    /// Seconds for which it holds, if the line says so.
    pub seconds: Option<u32>,
}

/// Why a line is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadReputationLine {
    /// Longer than any that makes sense.
    TooLong,
    /// The line begins as JSON, and is no object of one line, or has a key twice.
    NotJson,
    /// An object that lacks this member, or has another kind of value there.
    Member(&'static str),
    /// The subject is none.
    Subject(BadEntry),
}

impl fmt::Display for BadReputationLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadReputationLine::TooLong => write!(f, "longer than {REPUTATION_LINE_MAX_BYTES} bytes"),
            BadReputationLine::NotJson => f.write_str("not a JSON object on one line, or a key twice in it"),
            BadReputationLine::Member(name) => write!(f, "no \"{name}\", or no such value for it"),
            BadReputationLine::Subject(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for BadReputationLine {}

/// Reads a line: JSON, or an address or name as it stands. `None` of one that tells nothing: blank, a
/// comment, or an event that proves nothing about its server.
///
/// # Errors
/// [`BadReputationLine`]: lines come from outside, and may hold anything.
pub fn read_line(tape: &mut Tape, line: &[u8]) -> Result<Option<ImportReport>, BadReputationLine> {
    let line = line.trim_ascii();
    match line.first() {
        None | Some(b'#') => Ok(None),
        Some(_) if line.len() > REPUTATION_LINE_MAX_BYTES => Err(BadReputationLine::TooLong),
        Some(b'{') => {
            let root = tape.index(line).filter(|root| root.is_whole() && !root.has_repeated_keys());
            read_object(root.ok_or(BadReputationLine::NotJson)?)
        }
        Some(_) => {
            let subject =
                core::str::from_utf8(line).map_err(|_| BadReputationLine::Subject(BadEntry::What))?;
            let subject = subject.parse().map_err(BadReputationLine::Subject)?;
            Ok(Some(ImportReport { subject, policy: None, dialect: None, seconds: None }))
        }
    }
}

fn read_object(root: TapeValue<'_>) -> Result<Option<ImportReport>, BadReputationLine> {
    let is = |key: &str, text: &str| root.get(key).is_some_and(|value| value.is(text));
    let dialect = Dialect::all().find(|dialect| is("dialect", dialect.name()));
    if is("event", "detection") {
        // Through a proxy or on a shared host, a miner says nothing about the server that it talks to.
        let proves = root.get("server_is_pool").is_some_and(|value| value.is_bool() && !value.is_false());
        let subject = subject(root, "server")?;
        return Ok(proves.then_some(ImportReport { subject, policy: None, dialect, seconds: None }));
    }
    if root.get("event").is_some() && !is("event", "intel") {
        return Ok(None);
    }
    let policy = match root.get("policy") {
        None => None,
        Some(_) => Some(
            Policy::ALL
                .into_iter()
                .find(|policy| is("policy", policy.name()))
                .ok_or(BadReputationLine::Member("policy"))?,
        ),
    };
    let seconds = match root.get("expires_in") {
        None => None,
        Some(value) => {
            let digits = core::str::from_utf8(value.bytes()).ok().filter(|_| value.is_number());
            Some(
                digits
                    .and_then(|digits| digits.parse().ok())
                    .ok_or(BadReputationLine::Member("expires_in"))?,
            )
        }
    };
    Ok(Some(ImportReport { subject: subject(root, "entry")?, policy, dialect, seconds }))
}

fn subject(root: TapeValue<'_>, key: &'static str) -> Result<Subject, BadReputationLine> {
    let mut text = None;
    root.get(key).ok_or(BadReputationLine::Member(key))?.holds(|bytes| {
        text = core::str::from_utf8(bytes).ok().map(str::parse);
        true
    });
    text.ok_or(BadReputationLine::Member(key))?.map_err(BadReputationLine::Subject)
}

impl Entry {
    /// The entry as a line of JSON at `now`; `since` is the date of [`Entry::since`] (RFC 3339).
    pub fn to_json(&self, since: &str, now: u64) -> String {
        let mut line = JsonObject::default();
        line.text("event", "intel");
        line.text("entry", &self.subject.to_string());
        line.text_or_null("policy", self.fact.policy().map(Policy::name));
        line.text("source", self.origin.name());
        line.text_or_null("dialect", self.dialect.map(Dialect::name));
        line.text("since", since);
        line.numbers(&[("expires_in", self.until.saturating_sub(now))]);
        line.text("fact", self.fact.name());
        line.text_or_null("evidence", (!self.evidence.is_empty()).then_some(&self.evidence));
        line.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EvidenceText, Fact, Origin, Reach};
    use super::*;
    use crate::util::random::Random;

    fn report(line: &str) -> Result<Option<ImportReport>, BadReputationLine> {
        read_line(&mut Tape::default(), line.as_bytes())
    }

    fn entry(subject: &str) -> Entry {
        Entry {
            subject: subject.parse().expect(subject),
            fact: Fact::Suspect,
            origin: Origin::Operator,
            reach: Reach::House,
            dialect: Some(Dialect::EthereumStratum2),
            evidence: EvidenceText::new(),
            since: 0,
            until: 604_800,
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for subject in [
            "203.0.113.9:3333",
            "[2001:db8::1]:443",
            "pool.example:3333",
            "198.51.100.0/24",
            "pool.example@203.0.113.9:443",
        ] {
            let line = entry(subject).to_json("1970-01-01T00:00:00Z", 800);
            let expected = ImportReport {
                subject: subject.parse().expect(subject),
                policy: Some(Policy::Suspect),
                dialect: Some(Dialect::EthereumStratum2),
                seconds: Some(604_000),
            };
            assert_eq!(report(&line), Ok(Some(expected)), "{line}");
        }
        let longest = entry(&format!("{}.example:65535", vec!["x".repeat(60); 4].join(".")));
        let line = Entry {
            until: u64::MAX,
            evidence: EvidenceText::try_from(&*"x".repeat(96)).expect("room"),
            ..longest
        }
        .to_json("9999-12-31T23:59:59Z", 0);
        assert!(line.ends_with('}') && line.len() <= REPUTATION_LINE_MAX_BYTES, "{line}");
    }

    #[test]
    fn only_an_event_that_proves_its_server_a_pool_teaches() {
        let event = |event: &str, is_pool: &str| {
            format!(
                r#"{{"event":"{event}","server":"203.0.113.9:3333","dialect":"cryptonote","source":"dpi"{is_pool}}}"#
            )
        };
        let taught = report(&event("detection", r#","server_is_pool":true"#)).expect("good").expect("news");
        assert_eq!(taught.subject.to_string(), "203.0.113.9:3333");
        assert_eq!((taught.policy, taught.dialect), (None, Some(Dialect::CryptoNote)));
        for (kind, is_pool) in [
            ("detection", r#","server_is_pool":false"#),
            ("detection", ""),
            ("suspicion", r#","server_is_pool":true"#),
            ("weather", ""),
        ] {
            assert_eq!(report(&event(kind, is_pool)), Ok(None), "{kind}{is_pool}");
        }
    }

    #[test]
    fn plain_lines_and_comments() {
        assert_eq!(
            report(" pool.example:3333\r\n").map(|report| report.map(|h| h.subject.to_string())),
            Ok(Some("pool.example:3333".into()))
        );
        for line in ["", "  ", "# pool.example", "\n"] {
            assert_eq!(report(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn garbage_is_refused_with_its_reason() {
        let deep = format!("{{\"entry\":{}1{}}}", "[".repeat(300), "]".repeat(300));
        for (line, why) in [
            ("{", BadReputationLine::NotJson),
            ("{\"entry\":\"203.0.113.9\"", BadReputationLine::NotJson),
            (&deep, BadReputationLine::NotJson),
            (r#"{"entry":"203.0.113.9","entry":"203.0.113.8"}"#, BadReputationLine::NotJson),
            ("{}", BadReputationLine::Member("entry")),
            (r#"{"entry":5}"#, BadReputationLine::Member("entry")),
            (r#"{"event":"intel","server":"203.0.113.9:1"}"#, BadReputationLine::Member("entry")),
            (r#"{"entry":"203.0.113.9","policy":"deny"}"#, BadReputationLine::Member("policy")),
            (r#"{"entry":"203.0.113.9","policy":1}"#, BadReputationLine::Member("policy")),
            (r#"{"entry":"203.0.113.9","expires_in":-1}"#, BadReputationLine::Member("expires_in")),
            (r#"{"entry":"203.0.113.9","expires_in":"1"}"#, BadReputationLine::Member("expires_in")),
            (r#"{"entry":"203.0.113.9","expires_in":99999999999}"#, BadReputationLine::Member("expires_in")),
            (r#"{"entry":"$(reboot)"}"#, BadReputationLine::Subject(BadEntry::What)),
            ("rm -rf /", BadReputationLine::Subject(BadEntry::What)),
            (&"x".repeat(REPUTATION_LINE_MAX_BYTES + 1), BadReputationLine::TooLong),
        ] {
            assert_eq!(report(line), Err(why), "{line}");
        }
    }

    /// Lines come from every holder of the broker's password.
    #[test]
    fn damaged_lines_never_do_more_than_be_refused() {
        let mut random = Random::new(9);
        let good = entry("pool.example:3333").to_json("1970-01-01T00:00:00Z", 0).into_bytes();
        let mut tape = Tape::default();
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut line = good.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(line.len() as u32) as usize;
                line[at] = random.bits() as u8;
            }
            line.truncate(random.below(2 * good.len() as u32) as usize);
            match read_line(&mut tape, &line) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused: no test of both");
    }
}
