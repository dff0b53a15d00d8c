//! Local time, by the rules that the system has: POSIX's `TZ` (IEEE 1003.1 section 8.3) as OpenWrt writes it to
//! `/etc/TZ`, or the same text at the end of the zone file that `/etc/localtime` is on other systems (RFC 9636 section
//! 3.3). libc's own conversion is not `unsafe`-free, and libraries bring tables of all zones.

use std::path::Path;

use super::bounded_read::{self, system_text};
use super::calendar::{rfc3339, seconds_of};
use super::decimal::decimal;
use crate::limits::SYSTEM_FILE_BYTES;

/// The local zone: its usual offset from UTC, and when which other one holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalZone {
    /// Seconds east of Greenwich.
    standard: i32,
    summer: Option<Summer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summer {
    offset: i32,
    /// First moment of it, by the standard clock.
    begins: ZoneChange,
    /// End of it, by its own clock.
    ends: ZoneChange,
}

/// A day of the year and the seconds after its midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ZoneChange {
    day: Day,
    seconds: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// `Mm.w.d`: month, week (5: the last), day of the week from Sunday.
    OfWeek { month: u8, week: u8, weekday: u8 },
    /// `n` (from 0, leap days counted) or `Jn` (from 1, without leap days).
    OfYear { number: u16, counts_leap_days: bool },
}

impl LocalZone {
    /// The zone of this system; UTC where it says none.
    pub fn of_system() -> Self {
        let variable = std::env::var("TZ").ok();
        let named =
            variable.as_deref().map(|name| name.trim_start_matches(':')).filter(|name| !name.is_empty());
        if let Some(name) = named {
            return LocalZone::parse(name)
                .or_else(|| of_file(&Path::new(ZONES).join(name)))
                .unwrap_or_default();
        }
        let text = OPENWRT.iter().find_map(|path| system_text(path).ok());
        let zone = text.and_then(|text| LocalZone::parse(text.trim()));
        zone.or_else(|| of_file(Path::new(LOCALTIME))).unwrap_or_default()
    }

    /// Reads POSIX's text, like `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        name(&mut rest)?;
        let standard = -time(&mut rest)?;
        if rest.is_empty() {
            return Some(LocalZone { standard, summer: None });
        }
        name(&mut rest)?;
        let offset = if rest.starts_with(',') { standard + HOUR } else { -time(&mut rest)? };
        let (begins, ends) = (change(&mut rest)?, change(&mut rest)?);
        rest.is_empty().then_some(LocalZone { standard, summer: Some(Summer { offset, begins, ends }) })
    }

    /// `2026-11-22 06:10:50` of so many seconds since 1970.
    pub fn show(&self, unix_seconds: u64) -> String {
        let local = i64::try_from(unix_seconds).unwrap_or_default() + i64::from(self.offset(unix_seconds));
        let text = rfc3339(u64::try_from(local).unwrap_or_default());
        text.trim_end_matches('Z').replace('T', " ")
    }

    /// Seconds east of Greenwich at that time.
    fn offset(&self, unix_seconds: u64) -> i32 {
        let Some(Summer { offset, begins, ends }) = self.summer else { return self.standard };
        let now = i64::try_from(unix_seconds).unwrap_or_default();
        let standard_clock = now + i64::from(self.standard);
        let year = rfc3339(u64::try_from(standard_clock).unwrap_or_default());
        let year: u32 = year.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
        let (from, to) = (begins.of(year), ends.of(year));
        let (after_begin, before_end) = (standard_clock >= from, now + i64::from(offset) < to);
        // South of the equator the year begins in summer.
        let is_summer = if from < to { after_begin && before_end } else { after_begin || before_end };
        if is_summer { offset } else { self.standard }
    }
}

impl ZoneChange {
    /// Its moment in `year`, in seconds since 1970 by the clock that it is told in.
    fn of(self, year: u32) -> i64 {
        let begin = |month: u8| {
            seconds_of(&format!("{year:04}-{month:02}-01")).map_or(0, |seconds| i64::from(seconds) / DAY)
        };
        let day = match self.day {
            Day::OfYear { number, counts_leap_days } => {
                let is_leap = begin(3) - begin(2) == 29;
                let number = i64::from(number);
                begin(1)
                    + if counts_leap_days { number } else { number - 1 + i64::from(is_leap && number >= 60) }
            }
            Day::OfWeek { month, week, weekday } => {
                let first = begin(month);
                let next_month = if month == 12 { first + 31 } else { begin(month + 1) };
                // 1 January 1970 was a Thursday.
                let until = (i64::from(weekday) - (first + 4)).rem_euclid(7);
                let day = first + until + 7 * (i64::from(week) - 1);
                if day >= next_month { day - 7 } else { day }
            }
        };
        day * DAY + i64::from(self.seconds)
    }
}

/// The text behind the last line feed but one of a zone file.
fn of_file(path: &Path) -> Option<LocalZone> {
    let bytes = bounded_read::bytes(path, SYSTEM_FILE_BYTES).ok()?;
    let text = bytes.strip_suffix(b"\n")?;
    let begin = text.iter().rposition(|&byte| byte == b'\n')? + 1;
    LocalZone::parse(core::str::from_utf8(text.get(begin..)?).ok()?)
}

/// Takes a zone's name off: letters, or anything in angle brackets.
fn name(rest: &mut &str) -> Option<()> {
    let end = match rest.strip_prefix('<') {
        Some(inside) => inside.find('>')? + 2,
        None => rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()),
    };
    *rest = rest.get(end..)?;
    (end >= 3).then_some(())
}

/// Takes `[+-]hh[:mm[:ss]]` off, as seconds.
fn time(rest: &mut &str) -> Option<i32> {
    let is_negative = rest.starts_with('-');
    *rest = rest.trim_start_matches(['+', '-']);
    let mut seconds = 0;
    for unit in [HOUR, 60, 1] {
        seconds += number(rest)? * unit;
        match rest.strip_prefix(':') {
            Some(next) => *rest = next,
            None => break,
        }
    }
    Some(if is_negative { -seconds } else { seconds })
}

/// Takes `,day[/time]` off; the time is two o'clock without.
fn change(rest: &mut &str) -> Option<ZoneChange> {
    *rest = rest.strip_prefix(',')?;
    let day = if let Some(next) = rest.strip_prefix('M') {
        *rest = next;
        let month = u8::try_from(number(rest)?).ok().filter(|month| (1..=12).contains(month))?;
        *rest = rest.strip_prefix('.')?;
        let week = u8::try_from(number(rest)?).ok().filter(|week| (1..=5).contains(week))?;
        *rest = rest.strip_prefix('.')?;
        let weekday = u8::try_from(number(rest)?).ok().filter(|weekday| *weekday < 7)?;
        Day::OfWeek { month, week, weekday }
    } else {
        let counts_leap_days = !rest.starts_with('J');
        *rest = rest.trim_start_matches('J');
        let number = u16::try_from(number(rest)?).ok().filter(|number| *number <= 366)?;
        Day::OfYear { number, counts_leap_days }
    };
    let seconds = match rest.strip_prefix('/') {
        Some(next) => {
            *rest = next;
            time(rest)?
        }
        None => 2 * HOUR,
    };
    Some(ZoneChange { day, seconds })
}

/// Takes digits off, at most four.
fn number(rest: &mut &str) -> Option<i32> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()).min(4);
    let (digits, next) = rest.split_at(end);
    *rest = next;
    decimal::<u16>(digits.as_bytes()).map(i32::from)
}

const HOUR: i32 = 3_600;
const DAY: i64 = 86_400;
/// OpenWrt's text of the zone; the first is a link to the second where `/etc` is read-only.
const OPENWRT: [&str; 2] = ["/etc/TZ", "/tmp/TZ"];
const LOCALTIME: &str = "/etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    /// Against date(1), which reads the same text.
    #[test]
    fn every_zone_is_shown_as_date_shows_it() {
        let mut random = Random::new(5);
        for zone in [
            "UTC0",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "EST5EDT,M3.2.0,M11.1.0",
            "NZST-12NZDT,M9.5.0,M4.1.0/3",
            "<+0330>-3:30",
            "IST-5:30",
            "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
            "IST-1GMT0,M10.5.0,M3.5.0/1",
            "AAA3BBB,J60/0,J300",
            "AAA-3BBB,59,299/4",
        ] {
            let parsed = LocalZone::parse(zone).expect(zone);
            let times: Vec<u64> = (0..200).map(|_| u64::from(random.below(2_000_000_000)) + 1_000).collect();
            let input: String = times.iter().map(|time| format!("@{time}\n")).collect();
            let path = std::env::temp_dir().join(format!("minewall-times-{}", std::process::id()));
            std::fs::write(&path, input).expect("written");
            let date = std::process::Command::new("date")
                .args(["+%Y-%m-%d %H:%M:%S", "-f"])
                .arg(&path)
                .env("TZ", zone)
                .output()
                .expect("date(1)");
            std::fs::remove_file(&path).expect("it was written");
            for (time, shown) in times.iter().zip(String::from_utf8_lossy(&date.stdout).lines()) {
                assert_eq!(parsed.show(*time), shown, "{zone} {time}");
            }
        }
    }

    /// The text is the system's, but a wrong one ends no command.
    #[test]
    fn no_text_upsets_it() {
        const SIGNS: &[u8] = b"AZaz<>+-:,./MJ0159\xc3\xbc";
        let mut random = Random::new(7);
        let mut zones = 0;
        for _ in 0..50_000 {
            let mut text = b"CET-1CEST,M3.5.0,M10.5.0/3".to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(text.len() as u32) as usize;
                text[at] = SIGNS[random.below(SIGNS.len() as u32) as usize];
            }
            if let Some(zone) = LocalZone::parse(&String::from_utf8_lossy(&text)) {
                zones += 1;
                for time in [0, 1_795_305_610, u64::from(u32::MAX), u64::from(random.bits() as u32)] {
                    assert_eq!(zone.show(time).len(), 19);
                }
            }
        }
        assert!(zones > 1_000, "{zones}");
    }

    #[test]
    fn other_texts_are_no_zones() {
        for text in
            ["", "UTC", "0", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1x", "Ü-1"]
        {
            assert_eq!(LocalZone::parse(text), None, "{text}");
        }
        assert_eq!(LocalZone::default().show(0), "1970-01-01 00:00:00");
    }
}
