//! Events and hosts as records: objects of JSON, of which some are chosen and shown as a table with local time.

use minewall::parse::json::Tape;
use minewall::util::calendar;
use minewall::util::local_time::LocalZone;
use minewall::util::wall_clock::unix_seconds;
use pico_args::Arguments;

use super::ubus::string;

/// Which records are wanted.
#[derive(Debug, Default)]
pub(super) struct Filter {
    host: Option<String>,
    verdict: Option<String>,
    dialect: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
}

impl Filter {
    /// Takes `--host`, `--verdict`, `--dialect`, `--days`, `--since` and `--until`.
    pub(super) fn take(arguments: &mut Arguments) -> Result<Self, String> {
        let mut text = |option| super::text_option(arguments, option);
        let verdict = text("--verdict")?;
        if let Some(word) = verdict.as_deref().filter(|word| !VERDICTS.contains(word)) {
            return Err(format!("--verdict: '{word}' is not {}", VERDICTS.join(", ")));
        }
        let moment = |option: &str, text: Option<String>| -> Result<Option<u64>, String> {
            let seconds = |text: String| {
                let seconds = calendar::seconds_of(&text).map(u64::from);
                seconds.ok_or_else(|| {
                    format!("{option}: '{text}' is not like 2026-11-22 or 2026-11-22T06:10:12Z")
                })
            };
            text.map(seconds).transpose()
        };
        let since = moment("--since", text("--since")?)?;
        let days = match text("--days")? {
            Some(text) => {
                let days: u32 = text.parse().map_err(|_| format!("--days: '{text}' is not a number"))?;
                Some(unix_seconds().saturating_sub(u64::from(days) * 86_400))
            }
            None => None,
        };
        Ok(Filter {
            host: text("--host")?,
            dialect: text("--dialect")?,
            until: moment("--until", text("--until")?)?,
            since: since.max(days),
            verdict,
        })
    }

    /// Whether `record`, whose time is the member `time`, is wanted.
    pub(super) fn admits(&self, record: &str, time: &str) -> bool {
        let members = members(record, &[time, "client", "mac", "host", "verdict", "dialect"]);
        let [time, client, mac, host, verdict, dialect] = &members[..] else { return false };
        let is = |wanted: &Option<String>, found: &Option<String>| match (wanted, found) {
            (None, _) => true,
            (Some(wanted), Some(found)) => wanted.eq_ignore_ascii_case(found),
            (Some(_), None) => false,
        };
        let seconds = time.as_deref().and_then(calendar::seconds_of).map(u64::from);
        let is_in_time = match seconds {
            Some(seconds) => {
                self.since.is_none_or(|since| seconds >= since)
                    && self.until.is_none_or(|until| seconds < until)
            }
            None => self.since.is_none() && self.until.is_none(),
        };
        is_in_time
            && [client, mac, host].into_iter().any(|found| is(&self.host, found))
            && is(&self.verdict, verdict)
            && is(&self.dialect, dialect)
    }
}

/// The members `keys` of the JSON object `record`, as far as they are texts or numbers.
fn members(record: &str, keys: &[&str]) -> Vec<Option<String>> {
    let mut tape = Tape::default();
    let object = tape.index(record.as_bytes());
    let member = |key: &&str| {
        let value = object.as_ref()?.get(key)?;
        let number = || core::str::from_utf8(value.bytes()).ok().filter(|_| value.is_number());
        string(value).or_else(number).map(str::to_owned)
    };
    keys.iter().map(member).collect()
}

/// A table of records.
pub(super) struct RecordTable {
    zone: LocalZone,
    columns: &'static [RecordColumn],
}

/// Title, member of the record, and usual width.
type RecordColumn = (&'static str, &'static str, usize);

impl RecordTable {
    /// A table with these columns.
    pub(super) fn new(columns: &'static [RecordColumn]) -> Self {
        RecordTable { zone: LocalZone::of_system(), columns }
    }

    /// The titles.
    pub(super) fn head(&self) -> String {
        self.line(self.columns.iter().map(|(title, ..)| (*title).to_owned()))
    }

    /// A record as a line; `-` stands for what is not known.
    pub(super) fn row(&self, record: &str) -> String {
        let keys: Vec<&str> = self.columns.iter().map(|(_, key, _)| *key).collect();
        let cells = members(record, &keys).into_iter().zip(&keys).map(|(cell, key)| {
            let cell = cell.unwrap_or_else(|| "-".into());
            if !key.ends_with("time") {
                return cell;
            }
            calendar::seconds_of(&cell).map_or(cell, |seconds| self.zone.show(seconds.into()))
        });
        self.line(cells)
    }

    fn line(&self, cells: impl Iterator<Item = String>) -> String {
        let mut text = String::new();
        for (cell, (_, _, width)) in cells.zip(self.columns) {
            text += &format!("{cell:width$}  ");
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

/// Columns of events.
pub(super) const EVENT: &[RecordColumn] = &[
    ("time", "time", 19),
    ("host", "host", 16),
    ("address", "client", 15),
    ("verdict", "verdict", 9),
    ("dialect", "dialect", 12),
    ("server", "server", 0),
];
/// Columns of hosts.
pub(super) const HOST: &[RecordColumn] = &[
    ("last", "last_time", 19),
    ("host", "host", 16),
    ("address", "client", 15),
    ("MAC", "mac", 17),
    ("times", "detections", 5),
    ("verdict", "verdict", 9),
    ("dialect", "dialect", 12),
    ("server", "server", 0),
];
/// Columns of the report.
pub(super) const REPORT: &[RecordColumn] = &[
    ("first", "first_time", 19),
    ("last", "last_time", 19),
    ("host", "host", 16),
    ("address", "client", 15),
    ("times", "detections", 5),
    ("verdict", "verdict", 9),
    ("dialect", "dialect", 12),
    ("server", "server", 0),
];

const VERDICTS: [&str; 3] = ["blocked", "monitored", "suspected"];

#[cfg(test)]
mod tests {
    use super::*;

    const HOST_RECORD: &str = r#"{"client":"10.0.0.1","mac":"02:00:5e:10:00:01","host":null,"detections":3,"first_time":"2026-11-22T05:10:50Z","last_time":"2026-11-23T05:10:50Z","server":"192.0.2.1:3333","dialect":"cryptonote","verdict":"blocked","unreported":0}"#;

    fn admits(options: &[&str]) -> bool {
        let mut arguments = Arguments::from_vec(options.iter().map(Into::into).collect());
        Filter::take(&mut arguments).expect("good options").admits(HOST_RECORD, "last_time")
    }

    #[test]
    fn records_are_chosen_by_host_time_verdict_and_dialect() {
        for wanted in [
            &[][..],
            &["--host", "10.0.0.1"],
            &["--host", "02:00:5E:10:00:01"],
            &["--verdict", "blocked", "--dialect", "cryptonote"],
            &["--since", "2026-11-23T05:10:50Z", "--until", "2026-11-24"],
        ] {
            assert!(admits(wanted), "{wanted:?}");
        }
        for unwanted in [
            ["--host", "10.0.0.2"],
            ["--verdict", "suspected"],
            ["--dialect", "stratum"],
            ["--since", "2026-11-23T05:10:51Z"],
            ["--until", "2026-11-23T05:10:50Z"],
        ] {
            assert!(!admits(&unwanted), "{unwanted:?}");
        }
        for bad in [["--verdict", "bad"], ["--since", "today"], ["--days", "-1"]] {
            let mut arguments = Arguments::from_vec(bad.iter().map(Into::into).collect());
            assert!(Filter::take(&mut arguments).is_err_and(|error| error.starts_with(bad[0])), "{bad:?}");
        }
    }

    #[test]
    fn a_record_is_a_line_in_local_time() {
        let zone = LocalZone::parse("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let table = RecordTable { zone, columns: REPORT };
        assert_eq!(
            table.row(HOST_RECORD),
            "2026-11-22 06:10:50  2026-11-23 06:10:50  -                 10.0.0.1         3      blocked    cryptonote    192.0.2.1:3333\n"
        );
        assert!(table.head().starts_with("first                last                 host "));
        assert!(table.row("no record").starts_with("-  "));
    }
}
