//! Looking into JSON that a server wrote: a field that is missing, null, empty or of
//! another type is not there.

use plugway_sdk::chat::Extra;
use serde_json::Value;

/// A string that is not empty.
pub(super) fn text<'a>(holder: &'a Value, name: &str) -> Option<&'a str> {
    holder.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A list; empty where there is none.
pub(super) fn list<'a>(holder: &'a Value, name: &str) -> &'a [Value] {
    holder.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// An index.
pub(super) fn index(holder: &Value, name: &str) -> Option<u32> {
    u32::try_from(holder.get(name)?.as_u64()?).ok()
}

/// All fields but the named ones and nulls.
pub(super) fn extras(holder: &Value, modelled: &[&str]) -> Vec<Extra> {
    let Some(fields) = holder.as_object() else { return Vec::new() };
    fields
        .iter()
        .filter(|(name, value)| !value.is_null() && !modelled.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}
