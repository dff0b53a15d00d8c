//! Civil dates and times of UTC (RFC 3339), in the Gregorian calendar.
//!
//! Both directions are Hinnant's (`days_from_civil`, `civil_from_days`); a calendar library would be larger
//! than the rest of the daemon. A year begins in March there, so that the leap day is its last.

use super::decimal::decimal;

/// `2026-11-22T05:10:50Z` of so many seconds since 1970.
pub fn rfc3339(unix_seconds: u64) -> String {
    let days = unix_seconds / DAY + DAYS_TO_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let second = unix_seconds % DAY;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since 1970 of `2026-12-31` (its beginning), `2026-12-31T23:59:59Z` or `@1798761599`; none for another
/// text, nor beyond 2106, where 32 bits end.
pub fn seconds_of(text: &str) -> Option<u32> {
    if let Some(seconds) = text.strip_prefix('@') {
        return decimal(seconds.as_bytes());
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_date = (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(DAYS_TO_1970 as u32)?;
    u32::try_from(u64::from(days) * DAY + u64::from(hour * 3_600 + minute * 60 + second)).ok()
}

fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator).map(|part| decimal(part.as_bytes()));
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: u64 = 719_468;
const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the seconds that date(1) tells.
    #[test]
    fn both_directions_know_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_795_305_610, "2026-11-22T00:00:10Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(u64::from(seconds)), text);
            assert_eq!(seconds_of(text), Some(seconds));
        }
        assert_eq!(seconds_of("2000-02-29"), Some(951_782_400));
        assert_eq!(seconds_of("@77"), Some(77));
    }

    #[test]
    fn each_day_of_two_centuries_is_the_one_after_the_day_before() {
        for day in 0..49_710 {
            assert_eq!(seconds_of(&rfc3339(day * DAY)).map(u64::from), Some(day * DAY));
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-01-32",
            "2026-1-1T24:00:00Z",
            "2026-01-01T00:00:00",
            "1969-12-31",
            "2110-01-01",
            "+1-1-1",
            "@",
        ] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
    }
}
