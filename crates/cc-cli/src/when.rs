//! Times as people write and read them: UTC, with a `Z`, the same as in an agent's prompt.

use cc_proto::id::{ArrivalNo, Timestamp};

use crate::error::{CliError, CliResult, Kind};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Where `log --since` begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// After this line.
    Line(ArrivalNo),
    /// With what arrived at this time or later.
    Time(Timestamp),
}

/// Reads `--since`: a line number, a span back from now (`90s`, `10m`, `2h`, `3d`, `1w`), a date, or a date and time.
pub fn parse_since(text: &str, now: Timestamp) -> CliResult<Since> {
    let text = text.trim();
    if let Ok(n) = text.parse() {
        return Ok(Since::Line(ArrivalNo(n)));
    }
    let time = span_ms(text)
        .map(|span| now.0.saturating_sub(span))
        .or_else(|| instant_ms(text));
    time.map(|ms| Since::Time(Timestamp(ms))).ok_or_else(|| {
        CliError::new(Kind::Usage, format!("cannot understand --since {text}"))
            .hint("a line number, or 90s, 10m, 2h, 3d, 1w, 2026-11-22, 2026-11-22T10:00Z")
    })
}

/// Reads `--expires`: a span from now (`30m`, `24h`, `7d`, `2w`), a date, a date and time, or `never`, which is `None`.
pub fn parse_expires(text: &str, now: Timestamp) -> CliResult<Option<Timestamp>> {
    let text = text.trim();
    if text == "never" {
        return Ok(None);
    }
    let time = span_ms(text)
        .and_then(|span| now.0.checked_add(span))
        .or_else(|| instant_ms(text));
    let understood = time.ok_or_else(|| {
        CliError::new(Kind::Usage, format!("cannot understand --expires {text}"))
            .hint("30m, 24h, 7d, 2w, 2026-11-22, 2026-11-22T10:00Z, or never")
    })?;
    if understood <= now.0 {
        return Err(CliError::new(
            Kind::Usage,
            format!("--expires {text} is not in the future"),
        ));
    }
    Ok(Some(Timestamp(understood)))
}

/// `2026-11-22 10:00Z`
pub fn long_time(time: Timestamp) -> String {
    let (hour, minute) = (time.0 / 3_600_000 % 24, time.0 / 60_000 % 60);
    let (year, month, day) = civil(time.0 / DAY_MS);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}Z")
}

/// `HH:MMZ`, with the date before it where it is not `today`'s.
pub fn short_time(time: Timestamp, now: Timestamp) -> String {
    let (hour, minute) = (time.0 / 3_600_000 % 24, time.0 / 60_000 % 60);
    if time.0 / DAY_MS == now.0 / DAY_MS {
        return format!("{hour:02}:{minute:02}Z");
    }
    long_time(time)
}

/// The wall clock.
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 counts as 1970.
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}

fn span_ms(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1000,
        'm' => 60 * 1000,
        'h' => 60 * 60 * 1000,
        'd' => DAY_MS,
        'w' => 7 * DAY_MS,
        _ => return None,
    };
    text[..text.len() - 1]
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
}

fn instant_ms(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (text, "00:00"),
    };
    let date: Vec<u64> = numbers(date, '-')?;
    let time: Vec<u64> = numbers(time, ':')?;
    let (&[year, month, day], &[hour, minute, ref second @ ..]) =
        (date.as_slice(), time.as_slice())
    else {
        return None;
    };
    let second = match second {
        [] => 0,
        [second] => *second,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // A day that no month has comes back as another.
    (civil(days) == (year, month, day))
        .then_some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000)
}

fn numbers(text: &str, separator: char) -> Option<Vec<u64>> {
    text.split(separator)
        .map(|part| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse().ok())?
        })
        .collect()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.max(1) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

/// The date of a day since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_341_600_000); // 2026-11-22T10:00Z

    #[test]
    fn a_time_is_shown_with_its_date_only_where_it_is_not_today() {
        assert_eq!(short_time(NOW, NOW), "10:00Z");
        assert_eq!(
            short_time(Timestamp(NOW.0 - DAY_MS), NOW),
            "2026-11-21 10:00Z"
        );
        assert_eq!(short_time(Timestamp(0), NOW), "1970-01-01 00:00Z");
        assert_eq!(
            short_time(Timestamp(951_782_400_000), NOW),
            "2000-02-29 00:00Z"
        );
    }

    #[test]
    fn every_form_of_since_is_understood() {
        let time = |ms| Since::Time(Timestamp(ms));
        for (text, wanted) in [
            ("12", Since::Line(ArrivalNo(12))),
            ("10m", time(NOW.0 - 600_000)),
            ("1w", time(NOW.0 - 7 * DAY_MS)),
            ("2026-11-22", time(NOW.0 - 10 * 3_600_000)),
            ("2026-11-22T10:00Z", time(NOW.0)),
            ("2026-11-22T10:00:30Z", time(NOW.0 + 30_000)),
        ] {
            assert_eq!(parse_since(text, NOW).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn an_invite_ends_in_the_future_or_never() {
        let ends = |text| parse_expires(text, NOW);
        assert_eq!(ends("never").unwrap(), None);
        assert_eq!(ends("24h").unwrap(), Some(Timestamp(NOW.0 + DAY_MS)));
        assert_eq!(
            ends("2026-11-23").unwrap().map(long_time).unwrap(),
            "2026-11-23 00:00Z"
        );
        for text in [
            "",
            "0s",
            "2026-11-22T10:00Z",
            "1970-01-01",
            "12",
            "soon",
            "99999999999999999w",
        ] {
            assert_eq!(ends(text).unwrap_err().kind, Kind::Usage, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_a_usage_error() {
        for text in [
            "",
            "x",
            "m",
            "2026-02-30",
            "2026-13-01",
            "2026-11-22T25:00Z",
            "2026-11-22T10:00",
            "ä",
            "1-2",
        ] {
            assert_eq!(
                parse_since(text, NOW).unwrap_err().kind,
                Kind::Usage,
                "{text}"
            );
        }
    }
}
