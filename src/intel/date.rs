//! Dates in lists (RFC 3339, in UTC, without fractions).

/// Seconds since 1970 of `2026-12-31` (its beginning), `2026-12-31T23:59:59Z` or `@1798761599`; `None` also
/// beyond 2106, where 32 bits end.
pub fn parse(text: &str) -> Option<u32> {
    if let Some(seconds) = text.strip_prefix('@') {
        return number(seconds);
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
    // Years begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = u64::from(days.checked_sub(DAYS_TO_1970)?);
    u32::try_from(days * 86_400 + u64::from(hour * 3_600 + minute * 60 + second)).ok()
}

/// Days from 1 March of the year 0 to 1 January 1970, in the Gregorian calendar.
const DAYS_TO_1970: u32 = 719_468;

fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator).map(number);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the seconds that date(1) tells.
    #[test]
    fn dates_become_seconds() {
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("2000-02-29"), Some(951_782_400));
        assert_eq!(parse("2026-11-22T00:00:10Z"), Some(1_795_305_610));
        assert_eq!(parse("2100-03-01"), Some(4_107_542_400));
        assert_eq!(parse("@77"), Some(77));
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
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
