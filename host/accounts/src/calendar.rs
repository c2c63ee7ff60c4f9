//! Days and what a budget's spending is counted over, all in UTC: weeks begin on Monday,
//! months on the 1st. Holds for any time whatever that a clock may say.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};

/// A UTC day, counted from 1970-01-01.
pub type Day = i64;

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

/// Days after which the calendar repeats itself, weekdays included.
const CYCLE: Day = 146_097;

/// 1970-01-01 as the `time` crate counts days.
const EPOCH_JULIAN: Day = 2_440_588;

/// The last moment that RFC 3339 can name, 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;

/// How often a budget begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// At midnight.
    Daily,
    /// On Monday.
    Weekly,
    /// On the 1st.
    Monthly,
    /// Never.
    Lifetime,
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form that is asked for.
    #[error("is no date and time such as `2027-01-31T23:59:59Z`")]
    NotRfc3339,
    /// Not of the form that is asked for.
    #[error("is no date such as `2027-01-31`")]
    NotDate,
    /// Before 1970.
    #[error("is before 1970")]
    TooEarly,
}

impl Interval {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Lifetime];

    /// As configuration, APIs and the database have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Lifetime => "lifetime",
        }
    }

    /// None where no interval is called so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.name() == name)
    }

    /// The days of which `day` is one: from the first to the one after the last.
    #[must_use]
    pub fn days(self, day: Day) -> Range<Day> {
        let (before, length) = match self {
            Self::Daily => (0, 1),
            Self::Weekly => (i64::from(date(day).weekday().number_days_from_monday()), 7),
            Self::Monthly => {
                let date = date(day);
                (i64::from(date.day()) - 1, i64::from(date.month().length(date.year())))
            }
            Self::Lifetime => return Day::MIN..Day::MAX,
        };
        let first = day.saturating_sub(before);
        first..first.saturating_add(length)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The day in which a moment lies.
#[must_use]
pub const fn day_of(unix_ms: u64) -> Day {
    // Never beyond 63 bits after the division.
    (unix_ms / DAY_MS).cast_signed()
}

/// The first day of the interval in which `day` lies; for a lifetime there is none, and
/// the least of all days stands for it.
#[must_use]
pub fn first_day(interval: Interval, day: Day) -> Day {
    interval.days(day).start
}

/// When the interval in which a moment lies is over; never for a lifetime.
#[must_use]
pub fn next_reset_ms(interval: Interval, now_ms: u64) -> Option<u64> {
    resets_at_ms(interval, day_of(now_ms))
}

/// The same of a day.
#[must_use]
pub fn resets_at_ms(interval: Interval, day: Day) -> Option<u64> {
    match interval {
        Interval::Lifetime => None,
        interval => {
            let end = u64::try_from(interval.days(day).end).unwrap_or(0);
            Some(end.saturating_mul(DAY_MS))
        }
    }
}

/// A day as `2027-01-31`.
#[must_use]
pub fn write_day(day: Day) -> String {
    let year = i64::from(date(day).year()) + day.div_euclid(CYCLE) * 400;
    format!("{year:04}-{:02}-{:02}", u8::from(date(day).month()), date(day).day())
}

/// Reads a day of the form `2027-01-31`.
///
/// # Errors
/// When it is of another form, or no day is called so.
pub fn read_day(text: &str) -> Result<Day, DateError> {
    let part = |range: Range<usize>| {
        let digits = text.get(range).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<u16>().ok()
    };
    let parts = || {
        let well_formed =
            text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
        well_formed.then(|| i64::from(date.to_julian_day()) - EPOCH_JULIAN)
    };
    parts().ok_or(DateError::NotDate)
}

/// Reads a moment such as `2027-01-31T23:59:59Z`, in milliseconds since 1970; what is
/// finer is cut off.
///
/// # Errors
/// When it is of another form, or before 1970.
pub fn read_rfc3339(text: &str) -> Result<u64, DateError> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| DateError::NotRfc3339)?;
    let ms = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    u64::try_from(ms).map_err(|_| DateError::TooEarly)
}

/// The same, written: in UTC, and with decimals only where there are some. What is later
/// than the year 9999 is written as its end.
#[must_use]
pub fn write_rfc3339(unix_ms: u64) -> String {
    let nanos = i128::from(unix_ms.min(LAST_MS)) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos);
    // Neither fails below the bound.
    moment.ok().and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}

/// The date of a day, or one that stands at the same place in another cycle of the calendar.
fn date(day: Day) -> Date {
    let julian = EPOCH_JULIAN + day.rem_euclid(CYCLE);
    // Within 400 years from 1970.
    i32::try_from(julian).ok().and_then(|day| Date::from_julian_day(day).ok()).unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        read_day(text).unwrap()
    }

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(day("1970-01-01"), 0);
        assert_eq!(day("1969-12-31"), -1);
        assert_eq!(day("2026-11-28"), 20_785);
        assert_eq!(day_of(DAY_MS - 1), 0);
        assert_eq!(day_of(DAY_MS), 1);
        for text in ["1970-01-01", "1600-02-29", "2000-02-29", "2024-02-29", "9999-12-31"] {
            assert_eq!(write_day(day(text)), text);
        }
        let wrong = ["2026-02-29", "2026-13-01", "2026-00-10", "26-01-01", "2026-1-01", "", "x"];
        let odd = ["2026/01/01", "2026-01-01 ", "+026-01-01", "2026-01-0\u{661}", "2100-02-29"];
        for text in wrong.into_iter().chain(odd) {
            assert_eq!(read_day(text), Err(DateError::NotDate), "{text}");
        }
    }

    #[test]
    fn intervals_begin_at_midnight_on_monday_and_on_the_1st() {
        let check = |interval: Interval, on: &str, first: &str, next: &str| {
            let days = interval.days(day(on));
            assert_eq!((write_day(days.start), write_day(days.end)), (first.into(), next.into()));
            assert_eq!(first_day(interval, day(on)), day(first));
        };
        check(Interval::Daily, "2026-11-28", "2026-11-28", "2026-11-29");
        check(Interval::Daily, "2026-12-31", "2026-12-31", "2027-01-01");
        check(Interval::Weekly, "2026-11-28", "2026-11-23", "2026-11-30");
        check(Interval::Weekly, "2026-11-30", "2026-11-30", "2026-12-07");
        check(Interval::Weekly, "2026-11-29", "2026-11-23", "2026-11-30");
        check(Interval::Weekly, "2027-01-01", "2026-12-28", "2027-01-04");
        check(Interval::Weekly, "1970-01-01", "1969-12-29", "1970-01-05");
        check(Interval::Monthly, "2026-11-30", "2026-11-01", "2026-12-01");
        check(Interval::Monthly, "2024-02-29", "2024-02-01", "2024-03-01");
        check(Interval::Monthly, "2026-02-28", "2026-02-01", "2026-03-01");
        check(Interval::Monthly, "2100-02-28", "2100-02-01", "2100-03-01");
        check(Interval::Monthly, "2026-12-31", "2026-12-01", "2027-01-01");
        check(Interval::Monthly, "1969-12-31", "1969-12-01", "1970-01-01");
    }

    #[test]
    fn the_next_reset_is_the_first_moment_after_the_interval() {
        let check = |interval: Interval, now: &str, expected: Option<&str>| {
            let next = next_reset_ms(interval, read_rfc3339(now).unwrap());
            assert_eq!(next.map(write_rfc3339).as_deref(), expected, "{interval} at {now}");
        };
        check(Interval::Daily, "2026-11-28T23:59:59.999Z", Some("2026-11-29T00:00:00Z"));
        check(Interval::Daily, "2026-11-29T00:00:00Z", Some("2026-11-30T00:00:00Z"));
        check(Interval::Weekly, "2026-11-29T23:59:59Z", Some("2026-11-30T00:00:00Z"));
        check(Interval::Monthly, "2024-02-29T12:00:00Z", Some("2024-03-01T00:00:00Z"));
        check(Interval::Monthly, "2026-12-31T23:00:00Z", Some("2027-01-01T00:00:00Z"));
        check(Interval::Lifetime, "2026-12-31T23:00:00Z", None);
    }

    #[test]
    fn every_day_lies_in_its_interval_and_the_next_begins_where_it_ends() {
        let spread = (-400_000..400_000).step_by(7).chain([Day::MIN + 40, Day::MAX - 40]);
        for on in spread {
            for interval in [Interval::Daily, Interval::Weekly, Interval::Monthly] {
                let days = interval.days(on);
                assert!(days.contains(&on), "{interval} {on}");
                assert_eq!(interval.days(days.end - 1), days, "{interval} {on}");
                assert_eq!(interval.days(days.start), days, "{interval} {on}");
                assert_eq!(interval.days(days.end).start, days.end, "{interval} {on}");
            }
        }
    }

    #[test]
    fn no_time_that_a_clock_may_say_is_too_early_or_too_late() {
        for day in [Day::MIN, Day::MIN + 1, -1, 0, Day::MAX - 1, Day::MAX] {
            for interval in Interval::ALL {
                let days = interval.days(day);
                assert!(days.start <= day && day <= days.end, "{interval} {day}");
                let _ = resets_at_ms(interval, day);
            }
            assert!(!write_day(day / 500).is_empty());
        }
        for ms in [0, LAST_MS, LAST_MS + 1, u64::MAX] {
            assert!(next_reset_ms(Interval::Monthly, ms).is_some_and(|next| next >= ms));
        }
        assert_eq!(write_rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(resets_at_ms(Interval::Daily, -5), Some(0));
    }

    #[test]
    fn moments_are_read_with_any_offset_and_written_in_utc() {
        let check = |text: &str, expected: Result<&str, DateError>| {
            let read = read_rfc3339(text).map(write_rfc3339);
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        };
        check("2027-01-31T23:59:59Z", Ok("2027-01-31T23:59:59Z"));
        check("2027-01-31T23:59:59.250Z", Ok("2027-01-31T23:59:59.25Z"));
        check("2027-02-01T01:30:00+02:00", Ok("2027-01-31T23:30:00Z"));
        check("2027-01-31T23:59:59.9999999Z", Ok("2027-01-31T23:59:59.999Z"));
        check("1969-12-31T23:59:59Z", Err(DateError::TooEarly));
        for text in ["2027-01-31", "2027-02-30T00:00:00Z", "", "soon", "2027-01-31T24:00:00Z"] {
            check(text, Err(DateError::NotRfc3339));
        }
    }

    #[test]
    fn intervals_are_called_by_their_names() {
        for interval in Interval::ALL {
            assert_eq!(Interval::parse(interval.name()), Some(interval));
            let json = serde_json::to_string(&interval).unwrap();
            assert_eq!(json, format!("\"{}\"", interval.name()));
        }
        assert_eq!(Interval::parse("Daily"), None);
        assert_eq!(Interval::parse("yearly"), None);
    }
}
