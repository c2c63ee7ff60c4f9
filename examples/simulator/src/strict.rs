//! Reading JSON as strictly as providers do.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

/// The names of an object's fields, in order; other fields are not read.
///
/// # Errors
/// When the JSON is no object, or none at all.
pub(crate) fn names(json: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let names = reader.deserialize_map(Names)?;
    reader.end()?;
    Ok(names)
}

/// The name of a field that is not known, where that is what went wrong.
pub(crate) fn unknown_field(error: &serde_json::Error) -> Option<String> {
    let message = error.to_string();
    let rest = message.strip_prefix("unknown field `")?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            map.next_value::<IgnoredAny>()?;
            names.push(name.into_owned());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_only_objects_have_them() {
        assert_eq!(names(br#"{"b":{"x":1},"a":[2]}"#).unwrap(), ["b", "a"]);
        assert!(names(b"[]").unwrap_err().is_data());
        assert!(names(b"{").is_err());
        assert!(names(b"{} x").is_err());
    }
}
