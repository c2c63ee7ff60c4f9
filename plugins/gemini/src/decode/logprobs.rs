//! Probabilities of tokens, in the shape that the contract has for them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    #[serde(borrow)]
    chosen_candidates: Option<Vec<Token<'a>>>,
    #[serde(borrow)]
    top_candidates: Option<Vec<Top<'a>>>,
}

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Token<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    token: Option<String>,
    #[serde(borrow)]
    log_probability: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Chosen<'a> {
    token: &'a str,
    logprob: &'a RawValue,
    top_logprobs: Vec<Alternative<'a>>,
}

#[derive(Serialize)]
struct Alternative<'a> {
    token: &'a str,
    logprob: &'a RawValue,
}

/// The chosen tokens, each with its alternatives; none where there are no tokens.
pub(super) fn list(json: &str) -> Option<String> {
    let result: Result<'_> = serde_json::from_str(json).ok()?;
    let tops = result.top_candidates.unwrap_or_default();
    let chosen = result.chosen_candidates.unwrap_or_default();
    let list: Vec<Chosen<'_>> = chosen
        .iter()
        .enumerate()
        .filter_map(|(place, token)| {
            let top = tops.get(place).and_then(|top| top.candidates.as_deref());
            let Alternative { token, logprob } = alternative(token)?;
            let top_logprobs = top.unwrap_or_default().iter().filter_map(alternative).collect();
            Some(Chosen { token, logprob, top_logprobs })
        })
        .collect();
    if list.is_empty() { None } else { serde_json::to_string(&list).ok() }
}

fn alternative<'a>(token: &'a Token<'_>) -> Option<Alternative<'a>> {
    Some(Alternative { token: token.token.as_deref()?, logprob: token.log_probability? })
}
