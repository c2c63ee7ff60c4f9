//! Log probabilities as this dialect tells them: lists side by side, where a chat has a
//! list of tokens.

use serde::Deserialize;

use crate::json::Writer;

/// A token of an array like OpenAI chat's `logprobs.content`.
#[derive(Deserialize)]
struct Token {
    token: String,
    logprob: f64,
    #[serde(default)]
    top_logprobs: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    token: String,
    logprob: f64,
}

/// Writes what the arrays hold, or null where that is nothing. `offset` is how many
/// characters of text came before; what the tokens hold is added to it.
pub(super) fn write(json: &mut Writer<'_>, arrays: &[String], offset: &mut u64) {
    let read = arrays.iter().filter_map(|array| serde_json::from_str::<Vec<Token>>(array).ok());
    let tokens: Vec<Token> = read.flatten().collect();
    if tokens.is_empty() {
        json.literal("null");
        return;
    }
    json.open(b'{');
    json.key("tokens").open(b'[');
    tokens.iter().for_each(|it| json.string(&it.token));
    json.close(b']');
    json.key("token_logprobs").open(b'[');
    tokens.iter().for_each(|it| json.double(it.logprob));
    json.close(b']');
    json.key("top_logprobs").open(b'[');
    tokens.iter().for_each(|it| write_alternatives(json, it));
    json.close(b']');
    json.key("text_offset").open(b'[');
    for token in &tokens {
        json.number(*offset);
        *offset = offset.saturating_add(token.token.chars().count() as u64);
    }
    json.close(b']');
    json.close(b'}');
}

/// By token, each once.
fn write_alternatives(json: &mut Writer<'_>, token: &Token) {
    json.open(b'{');
    for (place, it) in token.top_logprobs.iter().enumerate() {
        // Two tokens of the same text are one here, and the better comes first.
        if !token.top_logprobs.iter().take(place).any(|earlier| earlier.token == it.token) {
            json.foreign_key(&it.token).double(it.logprob);
        }
    }
    json.close(b'}');
}
