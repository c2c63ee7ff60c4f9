//! Log probabilities, which come per chunk of text with one number for each token.

use serde_json::{Value, json};

use super::fields::{list, text};

/// A chunk that is longer than this is no token of a model's, and its bytes one by one
/// would be more than an adapter may hold.
const MAX_TOKEN_BYTES: usize = 4096;

/// The array that the contract wants, of one chunk or a list of them; none where they
/// hold nothing.
pub(super) fn array(logprobs: &Value) -> Option<String> {
    let chunks = match logprobs {
        Value::Array(chunks) => chunks.as_slice(),
        chunk => std::slice::from_ref(chunk),
    };
    let tokens: Vec<Value> = chunks.iter().filter_map(token).collect();
    (!tokens.is_empty()).then(|| Value::Array(tokens).to_string())
}

/// A chunk is mostly one token. The probability of several is their product, whose
/// logarithm is the sum.
fn token(chunk: &Value) -> Option<Value> {
    let numbers: Vec<f64> = list(chunk, "logprobs").iter().filter_map(Value::as_f64).collect();
    if numbers.is_empty() {
        return None;
    }
    let token = text(chunk, "text").unwrap_or_default();
    Some(json!({
        "token": token,
        "logprob": numbers.iter().sum::<f64>(),
        "bytes": (token.len() <= MAX_TOKEN_BYTES).then_some(token.as_bytes()),
        "top_logprobs": [],
    }))
}
