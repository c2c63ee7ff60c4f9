//! The smallest value that a JSON schema allows, near enough for a simulation:
//! answers in JSON mode and the arguments of unscripted tool calls.

use serde_json::{Map, Value};

/// Depth at which a recursive schema is answered with null.
const MAX_DEPTH: usize = 16;

/// A value that conforms to the schema's types: first enum value, required
/// properties (all, when none is named), one array item, `"text"`, 1, true.
pub(crate) fn sample(schema: &Value) -> Value {
    sample_at(schema, schema, 0)
}

fn sample_at(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let inner = |schema: &Value| sample_at(schema, root, depth + 1);
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#'));
        return target.map_or(Value::Null, inner);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(keyword).and_then(|choices| choices.get(0)) {
            return inner(first);
        }
    }
    // Google writes them in capitals.
    match &*type_of(schema).to_ascii_lowercase() {
        "object" => Value::Object(object(schema, inner)),
        "array" => Value::Array(schema.get("items").map(inner).into_iter().collect()),
        "string" => Value::from("text"),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(Value::from(1)),
        "boolean" => Value::from(true),
        _ => Value::Null,
    }
}

/// The schema's type; of several, the first.
fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    let implied = if schema.get("properties").is_some() { "object" } else { "null" };
    named.unwrap_or(implied)
}

fn object(schema: &Value, inner: impl Fn(&Value) -> Value) -> Map<String, Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let wanted = |name: &str| required.is_none_or(|names| names.iter().any(|n| n == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| wanted(name))
        .map(|(name, property)| (name.clone(), inner(property)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn samples_conform() {
        let cases = [
            (json!({"type": "string"}), json!("text")),
            (json!({"type": ["integer", "null"]}), json!(1)),
            (json!({"enum": ["b", "a"]}), json!("b")),
            (json!({"const": 4}), json!(4)),
            (json!({"type": "array", "items": {"type": "boolean"}}), json!([true])),
            (json!({"anyOf": [{"type": "number", "minimum": 3}]}), json!(3)),
            (
                json!({"type": "object", "required": ["a"],
                       "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "null"}},
                       "$defs": {"A": {"properties": {"c": {"type": "string"}}}}}),
                json!({"a": {"c": "text"}}),
            ),
            (json!({}), json!(null)),
        ];
        for (schema, expected) in cases {
            assert_eq!(sample(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_recursive_schema_ends() {
        let schema = json!({"type": "array", "items": {"$ref": "#"}});
        assert!(sample(&schema).is_array());
    }
}
