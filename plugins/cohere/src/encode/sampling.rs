//! How tokens are picked, and where generation stops.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Request};
use serde_json::value::to_raw_value;

use super::is_native;

/// Stop sequences that the API takes at most.
const STOP_SEQUENCES: usize = 5;

/// The largest `k` that the API takes.
const LARGEST_K: u32 = 500;

/// Adds the parameters, those of other dialects within the bounds of this API.
///
/// # Errors
/// Of kind `unsupported` where there are more stop sequences than the API takes.
pub(super) fn add<'a>(body: Object<'a>, request: &'a Request) -> Result<Object<'a>, Failure> {
    let native = is_native(request);
    let asked = &request.sampling;
    if !native && asked.stop.len() > STOP_SEQUENCES {
        return Err(Failure::unsupported(format!(
            "Cohere takes at most {STOP_SEQUENCES} stop sequences"
        )));
    }
    let within = |value: Option<f64>, least: f64, most: f64| {
        value.map(|value| if native { value } else { value.clamp(least, most) })
    };
    let stop: Vec<Json<'_>> = asked.stop.iter().map(Json::from).collect();
    Ok(body
        .with_some("temperature", asked.temperature)
        .with_some("p", within(asked.top_p, 0.01, 0.99))
        .with_some("k", asked.top_k.map(|k| if native { k } else { k.min(LARGEST_K) }))
        .with_some("frequency_penalty", within(asked.frequency_penalty, 0.0, 1.0))
        .with_some("presence_penalty", within(asked.presence_penalty, 0.0, 1.0))
        .with_some("seed", asked.seed.and_then(|seed| to_raw_value(&seed).ok()))
        .with_some("stop_sequences", (!stop.is_empty()).then_some(stop))
        .with_some("logprobs", asked.top_logprobs.map(|_| true)))
}
