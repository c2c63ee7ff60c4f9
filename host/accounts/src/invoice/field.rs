//! Days and amounts as consoles write them.

use crate::calendar::{Day, day_of, read_day, read_rfc3339};
use crate::money::{MoneyError, read_rounded};

/// Characters of a field that errors show.
const SHOWN: usize = 40;

/// What a field is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Of no form that is known.
    #[error("`{0}` is no date: `2027-01-31`, RFC 3339, or Unix seconds")]
    Date(String),
    /// Of no form that is known.
    #[error("`{0}` is no amount in US dollars")]
    Amount(String),
    /// More than anyone is charged.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// It may separate thousands, or be the decimal point.
    #[error("`{0}` has a comma that may be a decimal point; write decimals with a point")]
    Comma(String),
}

/// The UTC day of a date, of a moment, or of Unix seconds or milliseconds.
pub(super) fn day(text: &str) -> Result<Day, FieldError> {
    let unix = || {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let unit = match text.len() {
            9..=11 if is_number => 1_000,
            12..=14 if is_number => 1,
            _ => return None,
        };
        text.parse::<u64>().ok().map(|number| day_of(number.saturating_mul(unit)))
    };
    let day = read_day(text).ok().or_else(unix).or_else(|| moment(text));
    day.ok_or_else(|| FieldError::Date(shortened(text)))
}

/// RFC 3339, and what comes near to it: a space in place of the `T`, no seconds, no
/// offset, which is taken for UTC.
fn moment(text: &str) -> Option<Day> {
    /// Characters of a date, and with minutes.
    const DATE: usize = 10;
    const MINUTES: usize = 16;
    if let Ok(ms) = read_rfc3339(text) {
        return Some(day_of(ms));
    }
    let text = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let (date, time) = text.split_at_checked(DATE)?;
    let time = time.strip_prefix([' ', 'T'])?;
    let seconds = if text.len() == MINUTES { ":00" } else { "" };
    let offset = if time.contains(['+', '-', 'Z', 'z']) { "" } else { "Z" };
    read_rfc3339(&format!("{date}T{time}{seconds}{offset}")).ok().map(day_of)
}

/// Picodollars: `12.5`, `$1,234.56`, `-$5`, `($5.00)`, `1.2e-3 USD`. And whether it was
/// finer than that and was rounded.
pub(super) fn amount(text: &str, commas_may_be_points: bool) -> Result<(i128, bool), FieldError> {
    let error = || FieldError::Amount(shortened(text));
    let in_brackets = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let mut is_negative = in_brackets.is_some();
    let mut has_sign = is_negative;
    let mut has_unit = false;
    let mut rest = in_brackets.unwrap_or(text).trim();
    loop {
        if let Some(signed) = rest.strip_prefix(['-', '+', '\u{2212}']).filter(|_| !has_sign) {
            is_negative = !rest.starts_with('+');
            (rest, has_sign) = (signed.trim_start(), true);
        } else if let Some(bare) = without_unit(rest).filter(|_| !has_unit) {
            (rest, has_unit) = (bare.trim(), true);
        } else {
            break;
        }
    }
    if rest.starts_with(['-', '+']) {
        return Err(error());
    }
    let number =
        ungrouped(rest, commas_may_be_points).ok_or_else(|| FieldError::Comma(shortened(text)))?;
    let (amount, is_rounded) = read_rounded(&number).map_err(|reason| match reason {
        MoneyError::TooLarge => FieldError::TooLarge(shortened(text)),
        _ => error(),
    })?;
    Ok((if is_negative { -amount } else { amount }, is_rounded))
}

fn without_unit(text: &str) -> Option<&str> {
    let units = ["US$", "USD", "usd", "$"];
    let before = units.into_iter().find_map(|unit| text.strip_prefix(unit));
    before.or_else(|| units.into_iter().find_map(|unit| text.strip_suffix(unit)))
}

/// Without the commas between thousands, and with a zero where a point begins it; none
/// where a comma may be something else.
fn ungrouped(text: &str, commas_may_be_points: bool) -> Option<String> {
    let zero = if text.starts_with('.') { "0" } else { "" };
    if !text.contains(',') {
        return Some(format!("{zero}{text}"));
    }
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None if commas_may_be_points => return None,
        None => (text, None),
    };
    let mut groups = whole.split(',');
    let is_first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
    let are_thousands = is_first && groups.all(|group| group.len() == 3);
    let has_more = decimals.is_some_and(|decimals| decimals.contains(','));
    if !are_thousands || has_more {
        return None;
    }
    let whole = whole.replace(',', "");
    Some(decimals.map_or_else(|| whole.clone(), |decimals| format!("{whole}.{decimals}")))
}

/// A field, as errors show it.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::DAY_MS;

    #[test]
    fn days_are_read_in_the_forms_that_consoles_use() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(day(text).ok(), expected.map(|day| read_day(day).unwrap()), "{text}");
        };
        check("2026-11-28", Some("2026-11-28"));
        check("2026-11-28T23:59:59Z", Some("2026-11-28"));
        check("2026-11-28T23:59:59-02:00", Some("2026-11-29"));
        check("2026-11-28T00:30:00+01:00", Some("2026-11-27"));
        check("2026-11-28T00:00:00", Some("2026-11-28"));
        check("2026-11-28 00:00:00", Some("2026-11-28"));
        check("2026-11-28 12:30", Some("2026-11-28"));
        check("2026-11-28 12:30:01.123456 UTC", Some("2026-11-28"));
        check("2026-11-28 23:30:00+00:00", Some("2026-11-28"));
        check("1795824000", Some("2026-11-28"));
        check("1795910399", Some("2026-11-28"));
        check("1795910400", Some("2026-11-29"));
        check("1795824000000", Some("2026-11-28"));
        assert_eq!(1_795_824_000_000 % DAY_MS, 0);
        for text in ["", "11/28/2026", "28.11.2026", "20261128", "2026-11-28 25:00", "Total"] {
            check(text, None);
        }
        for text in ["2026-11-28junk", "2026-11-28 UTC", "-1", "1795824000.5", "2026-11-2\u{e9}"] {
            check(text, None);
        }
    }

    #[test]
    fn amounts_are_read_in_the_forms_that_consoles_use() {
        let check = |text: &str, expected: i128| {
            assert_eq!(amount(text, false), Ok((expected, false)), "{text}");
        };
        let cent = 10_000_000_000;
        check("12.5", 1_250 * cent);
        check("$1,234.56", 123_456 * cent);
        check("1,234,567", 123_456_700 * cent);
        check("$0.00", 0);
        check(".25", 25 * cent);
        check("1.2e-3", 1_200_000_000);
        check("1.2E-3 USD", 1_200_000_000);
        check("USD 5", 500 * cent);
        check("US$5", 500 * cent);
        check("-$5.00", -500 * cent);
        check("$-5.00", -500 * cent);
        check("+5", 500 * cent);
        check("\u{2212}5", -500 * cent);
        check("($1,000.00)", -100_000 * cent);
        check("$ 5", 500 * cent);
        check("-0", 0);
        assert_eq!(amount("0.30000000000000004", false), Ok((30 * cent, true)));
        assert_eq!(amount("1,234.56", true), Ok((123_456 * cent, false)));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "$", "free", "\u{20ac}5", "5 EUR", "--5", "-(5)", "$$5", "1.2.3", "NaN"] {
            assert_eq!(amount(text, false), Err(FieldError::Amount(text.into())), "{text}");
        }
        for text in ["0,5", "12,34", "1,2345", ",5", "1,23,456.00", "1234,567", "1.234,56"] {
            assert_eq!(amount(text, false), Err(FieldError::Comma(text.into())), "{text}");
        }
        assert_eq!(amount("1,234", true), Err(FieldError::Comma("1,234".into())));
        assert_eq!(amount("1e30", false), Err(FieldError::TooLarge("1e30".into())));
        let long = "9".repeat(1_000);
        let shown = format!("{}...", "9".repeat(40));
        assert_eq!(amount(&long, false), Err(FieldError::TooLarge(shown)));
    }
}
