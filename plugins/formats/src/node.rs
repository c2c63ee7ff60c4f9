//! JSON as providers wrote it: objects keep the order of their fields, and a field
//! that is missing, null or of another type is not there, whichever it is.

mod read;

use plugway_sdk::chat::Extra;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A JSON value that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    /// As it was written: read as a float it could lose its last digit.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// None where the bytes are not JSON.
    pub fn read(json: &[u8]) -> Option<Self> {
        read::value(std::str::from_utf8(json).ok()?)
    }

    /// A field that is not null; of two with one name the later.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        let (_, value) = fields.iter().rev().find(|(known, _)| known == name)?;
        (*value != Self::Null).then_some(value)
    }

    /// The field at the end of a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The value itself where it is a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A field that is a string, and not an empty one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text().filter(|text| !text.is_empty())
    }

    /// The same, as a string of its own.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A field that is a list; empty where there is none.
    pub fn list(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// A field that is a boolean.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value itself where it is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// The value itself where it is a whole number, also one written as a float.
    pub fn as_count(&self) -> Option<u64> {
        let Self::Number(number) = self else { return None };
        let float = || self.as_f64().filter(|count| (0.0..1e15).contains(count));
        number.parse().ok().or_else(|| float().map(|count| count as u64))
    }

    /// A field that is a count; none where it is zero.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_count().filter(|count| *count > 0)
    }

    /// A field that is an index.
    pub fn index(&self, name: &str) -> Option<u32> {
        u32::try_from(self.get(name)?.as_count()?).ok()
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The value as JSON, without white space.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// All fields but the named ones and nulls.
    pub fn extras(&self, modelled: &[&str]) -> Vec<Extra> {
        let Self::Object(fields) = self else { return Vec::new() };
        fields
            .iter()
            .filter(|(name, value)| *value != Self::Null && !modelled.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.json()))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        read::value(raw.get()).ok_or_else(|| serde::de::Error::custom("a value is too deep"))
    }
}

fn write_text(text: &str, out: &mut String) {
    // A string can always be written.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn values_keep_their_order_and_what_is_no_value_is_not_there() {
        let json = r#"{"z":1,"a":{"b":[null,-2,1.5,"x"]},"n":null,"z":2,"f":3.0,"e":""}"#;
        let node = Node::read(json.as_bytes()).unwrap();
        assert_eq!(node.json(), json);
        assert_eq!((node.get("n"), node.text("e"), node.text("z")), (None, None, None));
        assert_eq!(
            (node.count("z"), node.count("f"), node.index("f")),
            (Some(2), Some(3), Some(3))
        );
        assert_eq!(node.at(&["a", "b"]), node.get("a").and_then(|a| a.get("b")));
        assert_eq!(node.extras(&["z", "a", "f"]), [("e".into(), "\"\"".into())]);
        assert_eq!(Node::read(b"{\"cut\":"), None);
        let numbers = r#"[0.12345678901234567,-1E+400,18446744073709551616,1.0,-0]"#;
        assert_eq!(Node::read(numbers.as_bytes()).unwrap().json(), numbers);
        let deep = "[".repeat(100_000);
        assert_eq!(Node::read(deep.as_bytes()), None);
    }
}
