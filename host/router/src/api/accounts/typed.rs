//! Fields of administrative bodies that are more than JSON's own types: exact dollars,
//! moments, and what a change leaves as it is. Money is never a float, neither on its
//! way in nor on its way out.

use crate::decisions::rfc3339;
use plugway_accounts::money::{MoneyError, PER_DOLLAR, read_dollars, write_dollars};
use plugway_store::Interval;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// The largest limit, in whole US dollars: more than there is, and far from any bound of
/// the arithmetic.
const MAX_DOLLARS: u32 = 1_000_000_000;

/// US dollars as picodollars; a JSON number with at most twelve decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dollars(pub(crate) u128);

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(write_dollars(self.0)).map_err(S::Error::custom)?;
        number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(raw.get()).map_err(D::Error::custom)
    }
}

impl Dollars {
    /// The text of a JSON number, or what it must be.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let most = u128::from(MAX_DOLLARS) * PER_DOLLAR;
        match read_dollars(text) {
            Ok(picodollars) if picodollars <= most => Ok(Self(picodollars)),
            Ok(_) | Err(MoneyError::TooLarge) => {
                Err(format!("must be at most {MAX_DOLLARS} US dollars"))
            }
            Err(MoneyError::TooFine) => Err("must have at most twelve decimals".to_owned()),
            Err(MoneyError::Negative) => Err("must not be negative".to_owned()),
            Err(MoneyError::NotDecimal) => Err("must be a number of US dollars".to_owned()),
        }
    }
}

impl PartialSchema for Dollars {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0));
        let number = number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)));
        number.description(Some("US dollars, exact to twelve decimals.")).into()
    }
}

impl ToSchema for Dollars {
    fn name() -> Cow<'static, str> {
        "Dollars".into()
    }
}

/// Milliseconds since the Unix epoch; in JSON a moment of RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) u64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(Self::WANTED))
    }
}

impl Moment {
    /// What a text must be.
    pub(crate) const WANTED: &str = "must be a moment in UTC, such as `2027-12-31T23:59:59Z`";

    /// A moment as it is written; none where it is not, or not in UTC.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let ms = moment.offset().is_utc().then(|| moment.unix_timestamp_nanos() / 1_000_000)?;
        u64::try_from(ms).ok().map(Self)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}

/// When spending is counted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reset {
    /// At midnight UTC.
    Daily,
    /// On Mondays at midnight UTC.
    Weekly,
    /// On the first of the month at midnight UTC.
    Monthly,
}

impl Reset {
    /// None where it never is.
    pub(crate) fn of(interval: Interval) -> Option<Self> {
        match interval {
            Interval::Daily => Some(Self::Daily),
            Interval::Weekly => Some(Self::Weekly),
            Interval::Monthly => Some(Self::Monthly),
            Interval::Lifetime => None,
        }
    }
}

impl From<Reset> for Interval {
    fn from(reset: Reset) -> Self {
        match reset {
            Reset::Daily => Self::Daily,
            Reset::Weekly => Self::Weekly,
            Reset::Monthly => Self::Monthly,
        }
    }
}

/// Names and values, which may be any JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Options(pub(crate) Map<String, Value>);

impl PartialSchema for Options {
    fn schema() -> RefOr<Schema> {
        let any = AdditionalProperties::FreeForm(true);
        ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)).into()
    }
}

impl ToSchema for Options {
    fn name() -> Cow<'static, str> {
        "Options".into()
    }
}

/// For a field that may be left out, but is not null.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// For a field whose null means something else than to leave it out.
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(crate) fn given_or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_keep_every_digit() {
        for (text, picodollars) in [
            ("0", 0),
            ("25", 25_000_000_000_000),
            ("0.000000000001", 1),
            ("1e-12", 1),
            ("2.5E1", 25_000_000_000_000),
            ("1000000000", 1_000_000_000_000_000_000_000),
        ] {
            let read: Dollars = serde_json::from_str(text).unwrap();
            assert_eq!(read, Dollars(picodollars), "{text}");
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<Dollars>(&written).unwrap(), read, "{written}");
        }
        assert_eq!(serde_json::to_string(&Dollars(25_500_000_000_000)).unwrap(), "25.5");
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for text in [
            "-1",
            "1e400",
            "1e99999999999",
            "0.0000000000001",
            "1e-13",
            "1000000000.1",
            "\"1\"",
            "true",
            "[]",
            "null",
        ] {
            let error = serde_json::from_str::<Dollars>(text).unwrap_err().to_string();
            assert!(error.starts_with("must "), "{text}: {error}");
        }
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(Moment::read("1970-01-01T00:00:01.5Z"), Some(Moment(1500)));
        assert_eq!(Moment::read("2025-08-20T13:48:21.007+00:00"), Some(Moment(1_755_697_701_007)));
        for text in [
            "",
            "2025-08-20",
            "2025-08-20T13:48:21",
            "2025-08-20T13:48:21+02:00",
            "1969-12-31T23:59:59Z",
            "2025-02-30T00:00:00Z",
        ] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
    }
}
