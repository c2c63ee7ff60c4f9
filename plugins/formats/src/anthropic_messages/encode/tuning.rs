//! What Anthropic's models are told of thinking and sampling, for APIs that wrap the
//! models in a format of their own.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::Endpoint;

use super::output::{self, Thinking};
use super::sampling;
use crate::anthropic_messages::model::Model;
use crate::json::Object;

/// The values that the model takes; what it would refuse is left out.
pub struct Tuning<'a> {
    /// The client's limit, or the one that a budget for thinking needs.
    pub max_tokens: Option<u32>,
    /// Between 0 and 1.
    pub temperature: Option<f64>,
    /// Beside a temperature only where the model takes both.
    pub top_p: Option<f64>,
    /// As the client gave it.
    pub top_k: Option<u32>,
    /// The field `thinking`.
    pub thinking: Option<Object<'a>>,
    /// The field `output_config.effort`.
    pub effort: Option<&'a str>,
    /// The model takes JSON schemas for its answer, and strict tools.
    pub structured_outputs: bool,
}

impl<'a> Tuning<'a> {
    /// Values of a `native` request are sent as the client wrote them.
    ///
    /// # Errors
    /// Where no budget fits into the limit, or the model cannot think at all.
    pub fn of(request: &'a Request, endpoint: &Endpoint, native: bool) -> Result<Self, Failure> {
        let model = Model::of(&request.model, endpoint)?;
        let limit = request.max_tokens.or(endpoint.max_output_tokens);
        let thinking = Thinking::of(request, &model, limit, native)?;
        if !native {
            thinking.check_tool_choice(request, !request.tools.is_empty())?;
        }
        let sampling = sampling::of(request, &model, thinking.is_on(), native);
        let needs_limit = thinking.is_bounded() && !native;
        Ok(Self {
            max_tokens: request.max_tokens.or(needs_limit.then_some(thinking.max_tokens)),
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            effort: output::effort(request, &model, &thinking, native),
            thinking: thinking.into_field(),
            structured_outputs: native || model.structured_outputs,
        })
    }
}
