//! JSON as providers wrote it: objects keep the order of their fields, and a field
//! that is missing, null or of another type is not there, whichever it is.

use std::fmt;

use plugway_sdk::chat::Extra;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// A JSON value that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    /// None where the bytes are not JSON.
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
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
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The value itself where it is a whole number, also one written as a float.
    pub fn as_count(&self) -> Option<u64> {
        let Self::Number(number) = self else { return None };
        let float = || number.as_f64().filter(|count| (0.0..1e15).contains(count));
        number.as_u64().or_else(|| float().map(|count| count as u64))
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
        // Strings for keys and finite numbers: there is no way to fail.
        serde_json::to_string(self).unwrap_or_else(|_| "null".into())
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
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
            }
        }
    }
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
        let deep = "[".repeat(100_000);
        assert_eq!(Node::read(deep.as_bytes()), None);
    }
}
