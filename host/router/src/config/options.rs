//! Free tables: what the router hands on without knowing its keys.

use http::{HeaderName, HeaderValue};
use plugway_engine::Setting;
use serde_json::{Number, Value};
use toml::de::DeValue;

use super::reader::Entry;

/// A table of any values, as JSON.
pub(super) fn read_options(entry: &Entry<'_>) -> Vec<Setting> {
    let Some(section) = entry.table() else {
        return Vec::new();
    };
    let options = section.entries();
    options
        .filter_map(|option| match to_json(option.value()) {
            Some(json) => Some((option.key().to_owned(), json.to_string())),
            None => {
                option.error("cannot be passed on as JSON", "write a finite number below 2^64");
                None
            }
        })
        .collect()
}

/// A table of texts.
pub(super) fn read_pairs(entry: &Entry<'_>) -> Vec<(String, String)> {
    let Some(section) = entry.table() else {
        return Vec::new();
    };
    let pairs = section.entries();
    pairs.filter_map(|pair| Some((pair.key().to_owned(), pair.text()?.to_owned()))).collect()
}

/// A table of HTTP headers.
pub(super) fn read_headers(entry: &Entry<'_>) -> Vec<(HeaderName, HeaderValue)> {
    /// The host's own business, or per connection.
    const RESERVED: &[&str] = &[
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    ];
    let Some(section) = entry.table() else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for header in section.entries() {
        let Some(text) = header.text() else { continue };
        let name = HeaderName::from_bytes(header.key().as_bytes());
        match (name, HeaderValue::from_str(text)) {
            (Ok(name), _) if RESERVED.contains(&name.as_str()) => {
                header.error("is set by the router itself", "remove it");
            }
            (Ok(name), Ok(value)) => headers.push((name, value)),
            _ => header.error("is no valid HTTP header", "use ASCII without line breaks"),
        }
    }
    headers
}

fn to_json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Integer(number) => {
            let (text, radix) = (number.as_str(), number.radix());
            match i64::from_str_radix(text, radix) {
                Ok(number) => number.into(),
                Err(_) => u64::from_str_radix(text, radix).ok()?.into(),
            }
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok()?;
            Value::Number(Number::from_f64(number)?)
        }
        DeValue::Array(items) => {
            let items = items.iter().map(|item| to_json(item.get_ref()));
            Value::Array(items.collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), to_json(value.get_ref())?)));
            Value::Object(pairs.collect::<Option<_>>()?)
        }
    })
}
