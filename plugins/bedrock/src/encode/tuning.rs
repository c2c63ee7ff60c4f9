//! How the model thinks and picks tokens. Converse knows four parameters; the others go
//! into the additional fields, in the words of the model's family.

use plugway_formats::anthropic_messages::{self, Tuning, wants_reasoning};
use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, ReasoningOptions, Request, ToolChoice};
use plugway_sdk::provider::Endpoint;

use super::{is_of_family, non_empty};
use crate::model::Family;
use crate::options::Options;

/// Where an answer says which stop sequence it met.
const STOP_SEQUENCE: &str = "/stop_sequence";

pub(crate) struct Tuned<'a> {
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    additional: Object<'a>,
    asks_for_stop: bool,
    /// The model takes JSON schemas for its answer.
    pub(super) structured_outputs: bool,
    /// The model takes strict tools.
    pub(super) strict_tools: bool,
}

impl<'a> Tuned<'a> {
    /// # Errors
    /// Where the model cannot do what is asked of it.
    pub(crate) fn of(
        request: &'a Request,
        endpoint: &Endpoint,
        options: &Options,
    ) -> Result<Self, Failure> {
        let native = is_of_family(request, options.model.family);
        if options.model.family == Family::Anthropic {
            return Self::anthropic(request, endpoint, options, native);
        }
        if !native && request.parallel_tool_calls == Some(false) && !request.tools.is_empty() {
            return Err(several_calls());
        }
        let additional = match options.model.family {
            Family::Nova => nova(request, options)?,
            Family::OpenAi => openai(request, native),
            _ => Object::new(),
        };
        Ok(Self {
            max_tokens: request.max_tokens,
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            additional,
            asks_for_stop: false,
            structured_outputs: true,
            strict_tools: native,
        })
    }

    fn anthropic(
        request: &'a Request,
        endpoint: &Endpoint,
        options: &Options,
        native: bool,
    ) -> Result<Self, Failure> {
        let tuning = Tuning::of(request, endpoint, native)?;
        let effort = tuning.effort.map(|effort| Object::new().with("effort", effort));
        let betas = anthropic_messages::betas(request).into_iter().map(Json::from).collect();
        let additional = Object::new()
            .with_some("thinking", tuning.thinking)
            .with_some("output_config", effort)
            .with_some("top_k", tuning.top_k)
            .with_some("anthropic_beta", non_empty(betas))
            .with_some("tool_choice", single_call(request, options)?)
            // What a client says in the model's own words is for the model.
            .with_extra(request.extra.iter().filter(|_| speaks_anthropic(request)))?;
        Ok(Self {
            max_tokens: tuning.max_tokens,
            temperature: tuning.temperature,
            top_p: tuning.top_p,
            additional,
            asks_for_stop: !super::is_native(request) && !request.sampling.stop.is_empty(),
            structured_outputs: tuning.structured_outputs,
            strict_tools: tuning.structured_outputs,
        })
    }

    /// The field `inferenceConfig` of the body.
    pub(super) fn inference(&self, request: &'a Request) -> Option<Object<'a>> {
        let stop = request.sampling.stop.iter().map(Json::from).collect();
        let config = Object::new()
            .with_some("maxTokens", self.max_tokens)
            .with_some("temperature", self.temperature)
            .with_some("topP", self.top_p)
            .with_some("stopSequences", non_empty(stop));
        (!config.is_empty()).then_some(config)
    }

    /// The fields of the model's own answer that are wanted beside Converse's.
    pub(super) fn response_paths(&self) -> Option<Vec<Json<'a>>> {
        self.asks_for_stop.then(|| vec![STOP_SEQUENCE.into()])
    }

    pub(super) fn into_additional(self) -> Option<Object<'a>> {
        (!self.additional.is_empty()).then_some(self.additional)
    }
}

fn speaks_anthropic(request: &Request) -> bool {
    request.dialect == anthropic_messages::DIALECT
}

/// What keeps Anthropic's models from calling several tools at once.
fn single_call(request: &Request, options: &Options) -> Result<Option<Object<'static>>, Failure> {
    if request.parallel_tool_calls != Some(false) || request.tools.is_empty() {
        return Ok(None);
    }
    // The named tool is in `toolConfig`; here only a choice without a name is taken.
    let kind = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::Required) => "any",
        Some(ToolChoice::None) => return Ok(None),
        Some(_) => return Err(several_calls()),
    };
    if !options.model.single_calls {
        return Err(several_calls());
    }
    Ok(Some(Object::of_type(kind).with("disable_parallel_tool_use", true)))
}

fn several_calls() -> Failure {
    Failure::unsupported("Bedrock cannot keep this model from calling several tools at once")
}

fn nova<'a>(request: &Request, options: &Options) -> Result<Object<'a>, Failure> {
    let sampling = request.sampling.top_k.map(|top_k| Object::new().with("topK", top_k));
    let wanted = request.reasoning.as_ref().and_then(wants_reasoning);
    let reasoning = match (wanted, &request.reasoning) {
        (Some(true), Some(asked)) if options.model.nova_reasoning => {
            Some(Object::of_type("enabled").with("maxReasoningEffort", nova_effort(asked)))
        }
        (Some(true), _) => return Err(Failure::unsupported("this model does not reason")),
        (Some(false), _) if options.model.nova_reasoning => Some(Object::of_type("disabled")),
        _ => None,
    };
    Ok(Object::new().with_some("inferenceConfig", sampling).with_some("reasoningConfig", reasoning))
}

fn nova_effort(options: &ReasoningOptions) -> &'static str {
    match options.effort.as_deref() {
        Some("minimal" | "low") => "low",
        Some("high" | "xhigh" | "max") => "high",
        _ => "medium",
    }
}

fn openai(request: &Request, native: bool) -> Object<'_> {
    let effort = request.reasoning.as_ref().and_then(|options| options.effort.as_deref());
    let effort = effort.and_then(|effort| match effort {
        _ if native => Some(effort),
        "minimal" | "low" => Some("low"),
        "medium" => Some("medium"),
        "high" | "xhigh" | "max" => Some("high"),
        _ => None,
    });
    Object::new().with_some("reasoning_effort", effort)
}
