//! JSON as it is written and read here: objects keep the order of their fields, and
//! values that are only carried keep their bytes.

use std::borrow::Cow;
use std::fmt;

use plugway_sdk::chat::{Extra, Failure};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A value to be written; borrows from the request wherever it can.
pub enum Json<'a> {
    Null,
    Bool(bool),
    Integer(u64),
    Signed(i64),
    Number(f64),
    Text(&'a str),
    /// Text that is made here, around a part of the request or from none.
    Made(String),
    /// Already JSON, written byte for byte.
    Raw(Cow<'a, RawValue>),
    List(Vec<Json<'a>>),
    Object(Object<'a>),
}

impl Json<'_> {
    /// The UTF-8 bytes of the value.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self)
            .map_err(|error| Failure::unsupported(format!("the request is not JSON: {error}")))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Made(value) => serializer.serialize_str(value),
            Self::Raw(value) => value.serialize(serializer),
            Self::List(values) => values.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl From<bool> for Json<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Json<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i64> for Json<'_> {
    fn from(value: i64) -> Self {
        Self::Signed(value)
    }
}

impl From<String> for Json<'_> {
    fn from(value: String) -> Self {
        Self::Made(value)
    }
}

impl From<f64> for Json<'_> {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<Cow<'a, str>> for Json<'a> {
    fn from(value: Cow<'a, str>) -> Self {
        match value {
            Cow::Borrowed(value) => Self::Text(value),
            Cow::Owned(value) => Self::Made(value),
        }
    }
}

impl<'a> From<&'a String> for Json<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self::Raw(Cow::Borrowed(value))
    }
}

impl From<Box<RawValue>> for Json<'_> {
    fn from(value: Box<RawValue>) -> Self {
        Self::Raw(Cow::Owned(value))
    }
}

impl<'a> From<Object<'a>> for Json<'a> {
    fn from(value: Object<'a>) -> Self {
        Self::Object(value)
    }
}

impl<'a> From<Vec<Json<'a>>> for Json<'a> {
    fn from(values: Vec<Json<'a>>) -> Self {
        Self::List(values)
    }
}

/// An object to be written, its fields in the order in which they were added.
#[derive(Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object that says first what it is.
    pub fn of_type(name: &'a str) -> Self {
        Self::new().with("type", name)
    }

    /// The same with one more field, which it must not have yet.
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Json<'a>>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The same with one more field if there is a value for it.
    pub fn with_some(self, name: &'a str, value: Option<impl Into<Json<'a>>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with native fields of the client. They fill gaps and never replace
    /// what is there; where both are objects, they are merged by the same rule.
    pub fn with_extra(
        mut self,
        extra: impl IntoIterator<Item = &'a Extra>,
    ) -> Result<Self, Failure> {
        for (name, json) in extra {
            let value = raw(json, name)?;
            match self.0.iter_mut().find(|(known, _)| known == name) {
                None => self = self.with(name.as_str(), value),
                Some((_, Json::Object(object))) => object.fill(value),
                Some(_) => {}
            }
        }
        Ok(self)
    }

    /// The same with the fields of another, none of which it must have yet.
    pub fn joined(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds a field, which it must not have yet.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Json<'a>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is no field but this one.
    pub fn is_only(&self, name: &str) -> bool {
        self.0.iter().all(|(known, _)| known == name)
    }

    fn fill(&mut self, native: &RawValue) {
        let Some(fields) = Fields::read(native.get()) else {
            return;
        };
        for (name, value) in fields.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                None => self.0.push((name.into(), value.into())),
                Some((_, Json::Object(object))) => object.fill(&value),
                Some(_) => {}
            }
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The fields of an object that was read, in its own order.
#[derive(Default)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// None where the text is not a JSON object.
    pub fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The JSON of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    /// The value of a field that holds a string.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Sets a field, in its former place if it had one.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, former)) => *former = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// All fields except those that are named, and those that are null.
    pub fn extra(&self, except: &[&str]) -> Vec<Extra> {
        self.iter()
            .filter(|(name, json)| !except.contains(name) && *json != "null")
            .map(|(name, json)| (name.to_owned(), json.to_owned()))
            .collect()
    }

    /// Names and JSON of the fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A JSON value of the request, to be written as it is.
///
/// # Errors
/// Of kind `invalid-request`, naming the field, where it does not parse.
pub fn raw<'a>(json: &'a str, field: &str) -> Result<&'a RawValue, Failure> {
    serde_json::from_str(json).map_err(|_| crate::report::invalid(field, "is not valid JSON"))
}

/// A JSON object of the request, to be written as it is; an empty one where there is
/// nothing.
///
/// # Errors
/// As [`raw`], and where it is no object.
pub fn raw_object<'a>(json: &'a str, field: &str) -> Result<&'a RawValue, Failure> {
    let json = match json.trim() {
        "" => "{}",
        json => json,
    };
    let value = raw(json, field)?;
    if !json.starts_with('{') {
        return Err(crate::report::invalid(field, "must be a JSON object"));
    }
    Ok(value)
}

/// The same JSON without the white space between its tokens; the tokens themselves
/// and their order are kept.
pub fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|&c| {
            if in_string {
                in_string = escaped || c != '"';
                escaped = !escaped && c == '\\';
                return true;
            }
            in_string = c == '"';
            !matches!(c, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}
