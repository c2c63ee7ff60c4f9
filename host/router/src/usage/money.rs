//! Money as JSON and tables have it.

use plugway_accounts::money::{Dollars, write_signed_dollars};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Picodollars that JSON has as dollars.
pub(super) fn dollars(picodollars: u64) -> Dollars {
    Dollars(picodollars.into())
}

/// The same for what may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SignedDollars(pub(super) i128);

impl Serialize for SignedDollars {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = RawValue::from_string(write_signed_dollars(self.0)).map_err(S::Error::custom)?;
        text.serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_has_every_digit() {
        let told = |picodollars| serde_json::to_string(&dollars(picodollars)).unwrap();
        assert_eq!(told(1), "0.000000000001");
        assert_eq!(told(u64::MAX), "18446744.073709551615");
        assert_eq!(serde_json::to_string(&SignedDollars(-1)).unwrap(), "-0.000000000001");
    }
}
