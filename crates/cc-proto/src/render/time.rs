//! Times as people read them, without a clock or a time zone: UTC.

use crate::id::Timestamp;

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// `HH:MMZ`, with the date before it where it is not today's; the year goes no further than 9999.
pub(super) fn clock_time(ts: Timestamp, now: Timestamp) -> String {
    let minutes = ts.0 % DAY_MS / 60_000;
    let time = format!("{:02}:{:02}Z", minutes / 60, minutes % 60);
    let days = ts.0 / DAY_MS;
    if days == now.0 / DAY_MS {
        return time;
    }
    let (year, month, day) = civil_date(days);
    if year > 9999 {
        return format!("9999-12-31 {time}");
    }
    format!("{year:04}-{month:02}-{day:02} {time}")
}

/// `YYYY-MM-DDTHH:MM:SSZ`, for logs; the year goes no further than 9999.
pub fn utc_time(ts: Timestamp) -> String {
    let seconds = ts.0 % DAY_MS / 1000;
    let (year, month, day) = civil_date(ts.0 / DAY_MS);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!(
        "{:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}Z",
        year.min(9999),
        seconds % 60
    )
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01.
fn civil_date(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
