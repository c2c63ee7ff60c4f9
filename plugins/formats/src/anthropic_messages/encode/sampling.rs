//! How tokens are picked, and where generation stops.

use plugway_sdk::chat::{Failure, Request};

use super::is_native;
use crate::anthropic_messages::model::Model;
use crate::json::Json;

/// The least `top_p` that the API takes beside thinking.
const LEAST_THINKING_TOP_P: f64 = 0.95;

/// What is left of the sampling parameters. They only tune, so that one that the
/// model refuses is dropped.
#[derive(Default)]
pub(super) struct Sampling {
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u32>,
}

/// The parameters to send to a model that does or does not think.
pub(super) fn of(request: &Request, model: &Model, thinks: bool, native: bool) -> Sampling {
    let asked = &request.sampling;
    if native {
        return Sampling { temperature: asked.temperature, top_p: asked.top_p, top_k: asked.top_k };
    }
    if model.fixed_sampling {
        return Sampling::default();
    }
    if thinks {
        return Sampling {
            top_p: asked.top_p.filter(|top_p| *top_p >= LEAST_THINKING_TOP_P),
            ..Sampling::default()
        };
    }
    let temperature = asked.temperature.map(|value| value.clamp(0.0, 1.0));
    let one_too_many = model.one_sampling_parameter && temperature.is_some();
    Sampling { temperature, top_p: asked.top_p.filter(|_| !one_too_many), top_k: asked.top_k }
}

/// # Errors
/// Of kind `unsupported` for a sequence of white space alone, which the API refuses.
pub(super) fn stop_sequences(request: &Request) -> Result<Vec<Json<'_>>, Failure> {
    let stop = &request.sampling.stop;
    if !is_native(request) && stop.iter().any(|sequence| sequence.trim().is_empty()) {
        return Err(Failure::unsupported("Anthropic takes no stop sequence of white space alone"));
    }
    Ok(stop.iter().map(Json::from).collect())
}
