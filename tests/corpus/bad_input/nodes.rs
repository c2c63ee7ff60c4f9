//! Values within a JSON text, to be spoiled one by one.

use plugway_engine::Frame;
use serde_json::Value;

/// Every variant of the value in which one node that is `such` gave way to `other`.
pub(crate) fn each_replaced(
    value: &Value,
    such: fn(&Value) -> bool,
    other: &Value,
) -> impl Iterator<Item = Value> {
    let mut nth = 0;
    std::iter::from_fn(move || {
        let mut variant = value.clone();
        let mut left = nth;
        nth += 1;
        replace(&mut variant, such, other, &mut left).then_some(variant)
    })
}

/// Replaces the node that has `left` such nodes before it.
fn replace(node: &mut Value, such: fn(&Value) -> bool, other: &Value, left: &mut usize) -> bool {
    if such(node) {
        if *left == 0 {
            node.clone_from(other);
            return true;
        }
        *left -= 1;
    }
    match node {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, such, other, left)),
        Value::Object(fields) => fields.values_mut().any(|item| replace(item, such, other, left)),
        _ => false,
    }
}

/// Calls `edit` on the fields of every object, but for what a tool is called with.
pub(crate) fn each_object(
    node: &mut Value,
    edit: &mut impl FnMut(&mut serde_json::Map<String, Value>),
) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, edit)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if !matches!(&**name, "args" | "arguments" | "input") {
                    each_object(value, edit);
                }
            }
            edit(fields);
        }
        _ => {}
    }
}

/// Edits the JSON of a frame; what is none stays as it is.
pub(crate) fn edited(frame: &Frame, edit: impl FnOnce(&mut Value)) -> Frame {
    let Ok(mut value) = serde_json::from_slice::<Value>(&frame.data) else {
        return frame.clone();
    };
    edit(&mut value);
    Frame { kind: frame.kind.clone(), data: value.to_string().into_bytes() }
}
