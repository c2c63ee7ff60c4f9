//! Dollars as people and JSON write them, money as it is counted: whole picodollars
//! (10^-12 US dollars), with no float in between. One answer's cost fits 64 bits; what
//! adds them up takes 128.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use std::fmt;

/// Picodollars in a dollar.
pub const PER_DOLLAR: u128 = 1_000_000_000_000;

/// Decimals of a dollar that a picodollar resolves.
pub const DECIMALS: u32 = 12;

/// No amount in dollars is larger: what is, is a slip of the keyboard.
pub const MOST_DOLLARS: u128 = 1_000_000_000_000_000;

/// Digits of [`MOST_DOLLARS`].
const MOST_DIGITS: i64 = 16;

/// Parts of a markup that make up the whole.
const MILLION: u128 = 1_000_000;

/// Picodollars that JSON has as dollars: `0.000123`, exact in both directions. It is read
/// from text only, for a [`serde_json::Value`] has made a float of it already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(pub u128);

/// Why a text is no amount in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Less than nothing.
    #[error("is negative")]
    Negative,
    /// Not as JSON writes numbers.
    #[error("is no decimal number")]
    NotDecimal,
    /// More decimals than the unit resolves.
    #[error("has more than {DECIMALS} decimals, finer than money is counted")]
    TooFine,
    /// Above [`MOST_DOLLARS`].
    #[error("is more than {MOST_DOLLARS} dollars")]
    TooLarge,
}

/// Reads dollars as JSON writes numbers, `10`, `0.5`, `2.50E-2`, exactly.
///
/// # Errors
/// When the text is no such number, is negative, too fine or too large.
pub fn read_dollars(text: &str) -> Result<u128, MoneyError> {
    let number = Number::read(text)?;
    if number.is_negative && !number.digits.is_empty() {
        return Err(MoneyError::Negative);
    }
    number.picodollars(&Finer::Refuse)
}

/// Reads what may be negative and may be finer than money is counted, and rounds it to
/// the nearest picodollar: whether it had to.
pub(crate) fn read_rounded(text: &str) -> Result<(i128, bool), MoneyError> {
    let number = Number::read(text)?;
    let (amount, rounded) = match number.picodollars(&Finer::Refuse) {
        Err(MoneyError::TooFine) => (number.picodollars(&Finer::Round)?, true),
        amount => (amount?, false),
    };
    let amount = i128::try_from(amount).map_err(|_| MoneyError::TooLarge)?;
    Ok((if number.is_negative { -amount } else { amount }, rounded))
}

/// Picodollars as a JSON number in dollars, with the fewest decimals that are exact.
#[must_use]
pub fn write_dollars(picodollars: u128) -> String {
    let (whole, fraction) = (picodollars / PER_DOLLAR, picodollars % PER_DOLLAR);
    if fraction == 0 {
        return whole.to_string();
    }
    let decimals = format!("{fraction:0width$}", width = DECIMALS as usize);
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

/// The same for what may be negative.
#[must_use]
pub fn write_signed_dollars(picodollars: i128) -> String {
    let sign = if picodollars < 0 { "-" } else { "" };
    format!("{sign}{}", write_dollars(picodollars.unsigned_abs()))
}

/// Picodollars for people: `$1,234.50`, with as many decimals as it takes and at least two.
#[must_use]
pub fn show_dollars(picodollars: u128) -> String {
    let exact = write_dollars(picodollars);
    let (whole, decimals) = exact.split_once('.').unwrap_or((&exact, ""));
    let mut grouped = String::with_capacity(whole.len() * 2);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("${grouped}.{decimals:0<2}")
}

/// The same for what may be negative: `-$0.25`.
#[must_use]
pub fn show_signed_dollars(picodollars: i128) -> String {
    let sign = if picodollars < 0 { "-" } else { "" };
    format!("{sign}{}", show_dollars(picodollars.unsigned_abs()))
}

/// What is billed for a cost: so many millionths of it more, rounded up to a whole
/// picodollar.
#[must_use]
pub fn with_markup(cost: u64, markup_ppm: u64) -> u64 {
    let markup = (u128::from(cost) * u128::from(markup_ppm)).div_ceil(MILLION);
    u64::try_from(u128::from(cost) + markup).unwrap_or(u64::MAX)
}

/// A number, taken apart: its digits, without zeros around them, times a power of ten.
struct Number {
    is_negative: bool,
    digits: String,
    power: i64,
}

/// What becomes of decimals that money does not resolve.
enum Finer {
    Refuse,
    Round,
}

impl Number {
    fn read(text: &str) -> Result<Self, MoneyError> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        if !are_digits(whole) || !are_digits(fraction) {
            return Err(MoneyError::NotDecimal);
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = length(all.len() - digits.len());
        let power = exponent.saturating_sub(length(fraction.len())).saturating_add(dropped);
        Ok(Self { is_negative, digits: digits.trim_start_matches('0').to_owned(), power })
    }

    /// Without its sign.
    fn picodollars(&self, finer: &Finer) -> Result<u128, MoneyError> {
        let count = length(self.digits.len());
        if count == 0 {
            return Ok(0);
        }
        if count.saturating_add(self.power) > MOST_DIGITS {
            return Err(MoneyError::TooLarge);
        }
        let power = self.power.saturating_add(i64::from(DECIMALS));
        let amount = match (u32::try_from(power), finer) {
            (Ok(power), _) => whole(&self.digits)? * 10_u128.pow(power),
            (Err(_), Finer::Refuse) => return Err(MoneyError::TooFine),
            (Err(_), Finer::Round) => self.rounded(count.saturating_add(power))?,
        };
        let most = MOST_DOLLARS * PER_DOLLAR;
        if amount > most { Err(MoneyError::TooLarge) } else { Ok(amount) }
    }

    /// The digits before the point, where so many of them are, and one more from a half on.
    fn rounded(&self, before: i64) -> Result<u128, MoneyError> {
        let Ok(before) = usize::try_from(before) else { return Ok(0) };
        let (kept, left) = self.digits.split_at(before);
        let up = left.as_bytes().first().is_some_and(|digit| *digit >= b'5');
        Ok(whole(kept)? + u128::from(up))
    }
}

fn read_exponent(text: &str) -> Result<i64, MoneyError> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if !are_digits(digits) {
        return Err(MoneyError::NotDecimal);
    }
    // Beyond 64 bits it is as good as infinite; half of that leaves room to add lengths.
    Ok(sign * digits.parse().unwrap_or(i64::MAX / 2).min(i64::MAX / 2))
}

/// No digits are zero.
fn whole(digits: &str) -> Result<u128, MoneyError> {
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| MoneyError::TooLarge)
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_dollars(self.0))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = RawValue::from_string(write_dollars(self.0)).map_err(ser::Error::custom)?;
        text.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(from)?;
        read_dollars(text.get()).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn dollars_are_read_exactly() {
        let check = |text: &str, expected: Result<u128, MoneyError>| {
            assert_eq!(read_dollars(text), expected, "{text}");
        };
        check("0", Ok(0));
        check("-0", Ok(0));
        check("-0.0e5", Ok(0));
        check("0e999999999999999999999999", Ok(0));
        check("10", Ok(10 * PER_DOLLAR));
        check("0.5", Ok(PER_DOLLAR / 2));
        check("1e3", Ok(1_000 * PER_DOLLAR));
        check("1E+3", Ok(1_000 * PER_DOLLAR));
        check("2.50E-2", Ok(25_000_000_000));
        check("0.1", Ok(100_000_000_000));
        check("1e-12", Ok(1));
        check("0.0000000000010000000000000", Ok(1));
        check("50000000.000000000001", Ok(50_000_000 * PER_DOLLAR + 1));
        check("1000000000000000", Ok(MOST_DOLLARS * PER_DOLLAR));
        check("1e15", Ok(MOST_DOLLARS * PER_DOLLAR));
        check("0.00000000000000000001e15", Ok(10_000_000));
    }

    #[test]
    fn what_is_no_amount_says_why() {
        use MoneyError::{Negative, NotDecimal, TooFine, TooLarge};
        let check = |text: &str, expected: MoneyError| {
            assert_eq!(read_dollars(text), Err(expected), "{text}");
        };
        for text in ["", "-", ".5", "5.", "+1", "1,5", "0x10", "NaN", "Infinity", "1e", "1e+"] {
            check(text, NotDecimal);
        }
        for text in ["--1", "1e1.5", "1 ", "\u{661}", "null", "\"5\"", "1e--3", "e3", "1.2.3"] {
            check(text, NotDecimal);
        }
        check("-1", Negative);
        check("-1e-30", Negative);
        check("1e-13", TooFine);
        check("0.0000000000001", TooFine);
        check("1e-99999999999999999999999", TooFine);
        check("1000000000000000.000000000001", TooLarge);
        check("1e16", TooLarge);
        check("99999999999999999999999999999999999999999999", TooLarge);
        check("1e99999999999999999999999", TooLarge);
        check(&"9".repeat(100_000), TooLarge);
    }

    #[test]
    fn what_is_written_has_the_fewest_decimals_that_are_exact() {
        let check = |amount: u128, json: &str, shown: &str| {
            assert_eq!(write_dollars(amount), json);
            assert_eq!(show_dollars(amount), shown);
        };
        check(0, "0", "$0.00");
        check(1, "0.000000000001", "$0.000000000001");
        check(123_000_000, "0.000123", "$0.000123");
        check(PER_DOLLAR / 2, "0.5", "$0.50");
        check(1_234 * PER_DOLLAR, "1234", "$1,234.00");
        check(50_000_000 * PER_DOLLAR + 1, "50000000.000000000001", "$50,000,000.000000000001");
        assert_eq!(write_signed_dollars(-250_000_000_000), "-0.25");
        assert_eq!(show_signed_dollars(-250_000_000_000), "-$0.25");
        assert_eq!(write_signed_dollars(i128::MIN), "-170141183460469231731687303.715884105728");
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..20_000 {
            let bits = random.random_range(0..90_u32);
            let amount = random.random::<u128>() >> (127 - bits);
            let expected = if amount > MOST_DOLLARS * PER_DOLLAR {
                Err(MoneyError::TooLarge)
            } else {
                Ok(amount)
            };
            assert_eq!(read_dollars(&write_dollars(amount)), expected, "{amount}");
            let shifted = format!("{amount}E-{DECIMALS}");
            assert_eq!(read_dollars(&shifted), expected, "{shifted}");
        }
    }

    #[test]
    fn json_has_dollars_and_never_a_float() {
        let text = r#"{"limit":50000000.000000000001}"#;
        #[derive(Serialize, Deserialize)]
        struct Body {
            limit: Option<Dollars>,
        }
        let body: Body = serde_json::from_str(text).unwrap();
        assert_eq!(body.limit, Some(Dollars(50_000_000 * PER_DOLLAR + 1)));
        assert_eq!(serde_json::to_string(&body).unwrap(), text);
        let body: Body = serde_json::from_str(r#"{"limit":null}"#).unwrap();
        assert_eq!(body.limit, None);
        let error = serde_json::from_str::<Body>(r#"{"limit":-3}"#).err().unwrap();
        assert!(error.to_string().starts_with("is negative"), "{error}");
        assert!(serde_json::from_str::<Body>(r#"{"limit":"3"}"#).is_err());
    }

    #[test]
    fn amounts_of_others_are_rounded_to_the_nearest_picodollar() {
        let check = |text: &str, expected: Result<(i128, bool), MoneyError>| {
            assert_eq!(read_rounded(text), expected, "{text}");
        };
        check("0.30000000000000004", Ok((300_000_000_000, true)));
        check("0.0000000000005", Ok((1, true)));
        check("0.00000000000049", Ok((0, true)));
        check("-0.0000000000015", Ok((-2, true)));
        check("1e-400", Ok((0, true)));
        check("0.99999999999999", Ok((1_000_000_000_000, true)));
        check("-2.5", Ok((-2_500_000_000_000, false)));
        check(&format!("0.{}", "3".repeat(10_000)), Ok((333_333_333_333, true)));
        check("1e16", Err(MoneyError::TooLarge));
        check("x", Err(MoneyError::NotDecimal));
    }

    #[test]
    fn a_markup_is_rounded_up_to_a_whole_picodollar() {
        let check = |cost: u64, ppm: u64, expected: u64| {
            assert_eq!(with_markup(cost, ppm), expected, "{cost} and {ppm} ppm");
        };
        check(0, 50_000, 0);
        check(1_000_000, 0, 1_000_000);
        check(1_000_000, 50_000, 1_050_000);
        check(1, 1, 2);
        check(3, 333_333, 4);
        check(1_000_001, 1_000_000, 2_000_002);
        check(u64::MAX, 1, u64::MAX);
        check(u64::MAX, u64::MAX, u64::MAX);
        check(u64::MAX / 2, 1_000_000, u64::MAX - 1);
    }
}
