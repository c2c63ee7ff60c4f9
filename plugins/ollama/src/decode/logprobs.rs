//! Log probabilities, which have the contract's shape but for what is left out of it.

use serde_json::{Map, Value, json};

/// The array with all fields that clients rely on; none where it is empty or no array.
pub(super) fn array(json: &str) -> Option<String> {
    let mut tokens: Vec<Map<String, Value>> = serde_json::from_str(json).ok()?;
    for token in &mut tokens {
        complete(token);
        let alternatives = token.entry("top_logprobs").or_insert_with(|| json!([]));
        let alternatives = alternatives.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
        alternatives.iter_mut().filter_map(Value::as_object_mut).for_each(complete);
    }
    (!tokens.is_empty()).then(|| json!(tokens).to_string())
}

/// A token that is longer than this is none of a model's, and its bytes one by one
/// would be more than an adapter may hold.
const MAX_TOKEN_BYTES: usize = 4096;

fn complete(token: &mut Map<String, Value>) {
    let text = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let bytes = (text.len() <= MAX_TOKEN_BYTES).then_some(text.as_bytes());
    let bytes = json!(bytes);
    token.entry("bytes").or_insert(bytes);
}
