//! How far an invoice and the ledger may be apart.

use plugway_accounts::money::{MoneyError, read_dollars};
use std::str::FromStr;

/// Millionths of an invoice that make up one percent of it.
const PER_PERCENT: u128 = 10_000;

/// Picodollars in a dollar, over the millionths in a whole: percent are read as dollars.
const PER_MILLIONTH: u128 = 1_000_000_000_000 / PER_PERCENT;

/// So much, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// Picodollars.
    Amount(u128),
    /// Millionths of what is invoiced.
    Share(u128),
}

impl Tolerance {
    /// Whether the difference is small enough.
    pub(super) fn covers(self, invoiced: i128, difference: i128) -> bool {
        match self {
            Self::Amount(amount) => difference.unsigned_abs() <= amount,
            Self::Share(millionths) => {
                let most = invoiced.unsigned_abs().saturating_mul(millionths) / 1_000_000;
                difference.unsigned_abs() <= most
            }
        }
    }
}

/// `0.01` is a cent, `0.5%` half a percent.
impl FromStr for Tolerance {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let Some(percent) = text.strip_suffix('%') else {
            return read_dollars(text).map(Self::Amount);
        };
        let percent = read_dollars(percent.trim_end())?;
        match percent % PER_MILLIONTH {
            0 => Ok(Self::Share(percent / PER_MILLIONTH)),
            _ => Err(MoneyError::TooFine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_or_a_share_is_allowed_either_way() {
        for (text, invoiced, difference, expected) in [
            ("0", 100, 0, true),
            ("0", 100, 1, false),
            ("0.000000000005", 100, -5, true),
            ("0.000000000005", 100, 6, false),
            ("5%", 100, 5, true),
            ("5%", 100, -6, false),
            ("0.5%", 1_000, 5, true),
            ("100%", -7, -7, true),
            ("100%", 0, 1, false),
        ] {
            let tolerance: Tolerance = text.parse().unwrap();
            assert_eq!(tolerance.covers(invoiced, difference), expected, "{text} {difference}");
        }
        assert_eq!("0.0001%".parse(), Ok(Tolerance::Share(1)));
        for text in ["", "%", "-1", "x", "0.00001%", "1 $"] {
            assert!(text.parse::<Tolerance>().is_err(), "{text}");
        }
    }
}
