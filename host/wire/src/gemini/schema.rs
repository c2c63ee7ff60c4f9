//! Google's own schemas, told as JSON Schema: types in capitals, `nullable`, and a few
//! keywords by other names. What is JSON Schema already stays as it is.

use bytes::BytesMut;

use super::names::items;
use crate::BadRequest;
use crate::json::{Node, Writer};

/// Keywords in snake case, and what they are in JSON Schema.
const RENAMED: [(&str, &str); 10] = [
    ("min_items", "minItems"),
    ("max_items", "maxItems"),
    ("min_properties", "minProperties"),
    ("max_properties", "maxProperties"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("any_of", "anyOf"),
    ("additional_properties", "additionalProperties"),
    ("defs", "$defs"),
    ("ref", "$ref"),
];

/// Keywords whose values are whole numbers.
const LIMITS: [&str; 6] =
    ["minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"];

/// Keywords that only tune how Google writes the answer.
const OWN: [&str; 2] = ["propertyOrdering", "property_ordering"];

/// The schema as everybody but Google reads it.
pub(super) fn common(node: &Node<'_, '_>) -> Result<String, BadRequest> {
    // What is carried is carried without two fields of one name.
    node.json()?;
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out), node)?;
    // Written from texts alone.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn write(json: &mut Writer<'_>, node: &Node<'_, '_>) -> Result<(), BadRequest> {
    let mut fields = node.object()?;
    let nullable = fields.take("nullable").map(|node| node.boolean()).transpose()?;
    let nullable = nullable.unwrap_or(false);
    let kind = fields.take("type");
    json.open(b'{');
    if let Some(kind) = kind {
        write_type(json, &kind, nullable)?;
    }
    let is_typed = kind.is_some();
    for (name, value) in fields.left() {
        let name = match RENAMED.iter().find(|(snake, _)| *snake == name) {
            Some((_, camel)) if fields.left().any(|(other, _)| other == *camel) => {
                return Err(value.fault("duplicate_field", "is given more than once"));
            }
            Some((_, camel)) => camel,
            None => name,
        };
        match name {
            "anyOf" => {
                write_list(json.key("anyOf"), &value, nullable && !is_typed)?;
            }
            "properties" | "$defs" => write_map(json.key(name), &value)?,
            "items" if value.is_object() => write(json.key("items"), &value)?,
            "additionalProperties" if value.is_object() => {
                write(json.key("additionalProperties"), &value)?;
            }
            "prefixItems" | "oneOf" | "allOf" => write_list(json.key(name), &value, false)?,
            "enum" if nullable => write_enum(json.key("enum"), &value)?,
            "example" => {
                json.key("examples").open(b'[');
                json.raw(value.raw());
                json.close(b']');
            }
            // It says no more than that there is an enum.
            "format" if value.raw() == "\"enum\"" => {}
            // The API writes numbers of 64 bits as texts.
            _ if LIMITS.contains(&name) && is_count(&value) => {
                json.foreign_key(name).raw(value.escaped()?)
            }
            _ if OWN.contains(&name) => {}
            _ => json.foreign_key(name).raw(value.raw()),
        }
    }
    json.close(b'}');
    Ok(())
}

fn write_type(
    json: &mut Writer<'_>,
    kind: &Node<'_, '_>,
    nullable: bool,
) -> Result<(), BadRequest> {
    if !kind.is_string() {
        json.key("type").raw(kind.raw());
        return Ok(());
    }
    let word = kind.text()?;
    let lower = word.to_ascii_lowercase();
    // Some ask for nothing in particular, and some client libraries for no type at all.
    if lower == "type_unspecified" || lower.is_empty() {
        return Ok(());
    }
    let known = ["string", "number", "integer", "boolean", "array", "object", "null"];
    if !known.contains(&&*lower) {
        return Err(kind.invalid("must be STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT or NULL"));
    }
    if nullable && lower != "null" {
        json.key("type").open(b'[');
        json.string(&lower);
        json.string("null");
        json.close(b']');
    } else {
        json.key("type").string(&lower);
    }
    Ok(())
}

fn write_list(
    json: &mut Writer<'_>,
    node: &Node<'_, '_>,
    nullable: bool,
) -> Result<(), BadRequest> {
    json.open(b'[');
    for item in items(node)? {
        write(json, &item)?;
    }
    if nullable {
        json.raw(r#"{"type":"null"}"#);
    }
    json.close(b']');
    Ok(())
}

fn write_map(json: &mut Writer<'_>, node: &Node<'_, '_>) -> Result<(), BadRequest> {
    json.open(b'{');
    for (name, value) in node.object()?.left() {
        json.foreign_key(name);
        if value.is_object() {
            write(json, &value)?;
        } else {
            json.raw(value.raw());
        }
    }
    json.close(b'}');
    Ok(())
}

/// A whole number, written as a text.
fn is_count(node: &Node<'_, '_>) -> bool {
    let digits = node.escaped().unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Null is one of the values where it is allowed.
fn write_enum(json: &mut Writer<'_>, node: &Node<'_, '_>) -> Result<(), BadRequest> {
    json.open(b'[');
    let values = node.array()?;
    values.iter().for_each(|value| json.raw(value.raw()));
    if values.iter().all(|value| value.raw() != "null") {
        json.literal("null");
    }
    json.close(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(own: Value, expected: Value) {
        let text = own.to_string();
        let common = common(&Node::root(&text)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&common).unwrap(), expected);
    }

    #[test]
    fn types_are_in_small_letters_and_null_is_one() {
        check(json!({"type": "STRING"}), json!({"type": "string"}));
        check(json!({"type": "integer"}), json!({"type": "integer"}));
        check(json!({"type": ["string", "null"]}), json!({"type": ["string", "null"]}));
        check(json!({"type": "TYPE_UNSPECIFIED"}), json!({}));
        check(json!({"type": "NUMBER", "nullable": true}), json!({"type": ["number", "null"]}));
        check(json!({"type": "NUMBER", "nullable": false}), json!({"type": "number"}));
        check(
            json!({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": true}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        );
        check(
            json!({"type": "STRING", "format": "enum", "enum": ["a"], "nullable": true}),
            json!({"type": ["string", "null"], "enum": ["a", null]}),
        );
    }

    #[test]
    fn schemas_hold_schemas() {
        check(
            json!({"type": "OBJECT", "required": ["a"], "propertyOrdering": ["a", "type"],
            "properties": {
                "a": {"type": "ARRAY", "items": {"type": "STRING", "format": "date"},
                    "minItems": "1", "max_items": 3},
                "type": {"type": "STRING", "description": "TYPE", "example": "X"},
            }}),
            json!({"type": "object", "required": ["a"], "properties": {
                "a": {"type": "array", "items": {"type": "string", "format": "date"},
                    "minItems": 1, "maxItems": 3},
                "type": {"type": "string", "description": "TYPE", "examples": ["X"]},
            }}),
        );
        check(
            json!({"$defs": {"n": {"type": "NULL"}}, "any_of": [{"$ref": "#/$defs/n"}],
                "additionalProperties": {"type": "BOOLEAN"}, "x-mine": {"type": "KEPT"}}),
            json!({"$defs": {"n": {"type": "null"}}, "anyOf": [{"$ref": "#/$defs/n"}],
                "additionalProperties": {"type": "boolean"}, "x-mine": {"type": "KEPT"}}),
        );
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, param) in [
            (r#"{"type":"TEXT"}"#, "type"),
            (r#"{"items":{"type":"TEXT"}}"#, "items.type"),
            (r#"{"properties":{"a":{"nullable":1}}}"#, "properties.a.nullable"),
            (r#"{"properties":[]}"#, "properties"),
            (r#"{"default":{"a":1,"a":2}}"#, ".default.a"),
            (r#"{"min_items":1,"minItems":2}"#, "min_items"),
            ("[]", ""),
        ] {
            let error = common(&Node::root(text)).expect_err(text);
            assert_eq!(error.param.as_deref().unwrap_or_default(), param, "{error}");
        }
    }
}
