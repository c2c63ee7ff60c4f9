//! How much the model may think and write, and in what form it answers.

use plugway_sdk::chat::{Failure, FailureKind, ReasoningOptions, Request, ResponseFormat};

use super::blocks::native_value;
use super::{DEFAULT_MAX_TOKENS, is_native, tools};
use crate::anthropic_messages::model::Model;
use crate::json::{Json, Object, raw};
use crate::report::invalid;

/// The least and the most tokens that a reasoning budget may have.
const LEAST_BUDGET: u32 = 1024;
const LARGEST_BUDGET: u32 = 128_000;

/// What is asked of the models where the client wants JSON without a schema: they have
/// no mode for that.
pub const JSON_INSTRUCTION: &str =
    "Answer with one JSON object and nothing else: no prose around it and no code fence.";

/// The limit on the answer, and how the model is to think within it.
pub(super) struct Thinking<'a> {
    /// Tokens, thinking included.
    pub(super) max_tokens: u32,
    mode: Mode,
    /// How thinking is shown; none for the model's default.
    display: Option<&'static str>,
    /// For models that are told the effort, not the budget.
    effort: Option<&'a str>,
}

#[derive(PartialEq)]
enum Mode {
    /// As the provider decides.
    Default,
    Disabled,
    Adaptive,
    /// At most this many tokens.
    Budget(u32),
}

impl<'a> Thinking<'a> {
    /// `limit` is the client's, or else the endpoint's, on the answer as a whole.
    ///
    /// # Errors
    /// Where no budget fits into the limit, or the model cannot think at all.
    pub(super) fn of(
        request: &'a Request,
        model: &Model,
        limit: Option<u32>,
        native: bool,
    ) -> Result<Self, Failure> {
        let mut thinking = Self {
            max_tokens: limit.unwrap_or(DEFAULT_MAX_TOKENS),
            mode: Mode::Default,
            display: None,
            effort: None,
        };
        let Some(options) = &request.reasoning else {
            return Ok(thinking);
        };
        if options.hidden {
            thinking.display = Some("omitted");
        }
        if native {
            thinking.take(options);
            return Ok(thinking);
        }
        match wants_reasoning(options) {
            Some(false) if model.thinks => thinking.mode = Mode::Disabled,
            Some(true) if !model.thinks => {
                return Err(Failure::unsupported("this model does not reason"));
            }
            Some(true) if model.adaptive_thinking => {
                thinking.mode = Mode::Adaptive;
                // Where thinking is adaptive, the default is to leave it out.
                thinking.display.get_or_insert("summarized");
                thinking.effort = options.effort.as_deref();
            }
            Some(true) => thinking.set_budget(options, request.max_tokens, limit)?,
            _ => {}
        }
        Ok(thinking)
    }

    /// As the client wrote it: an effort alone turns nothing on.
    fn take(&mut self, options: &'a ReasoningOptions) {
        self.effort = options.effort.as_deref();
        self.mode = match (options.enabled, options.max_tokens) {
            (Some(false), _) => Mode::Disabled,
            (_, Some(tokens)) => Mode::Budget(tokens),
            (Some(true), None) => Mode::Adaptive,
            (None, None) => Mode::Default,
        };
    }

    /// Whether the model was given a bound on its thinking, below that on the answer.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self.mode, Mode::Budget(_))
    }

    /// Whether the model was asked to think.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.mode, Mode::Adaptive | Mode::Budget(_))
    }

    /// # Errors
    /// Of kind `unsupported`: with a budget, the API refuses to force a tool call.
    pub(super) fn check_tool_choice(&self, request: &Request, sent: bool) -> Result<(), Failure> {
        let forced = sent && tools::is_forced(request.tool_choice.as_ref());
        if forced && matches!(self.mode, Mode::Budget(_)) && !is_native(request) {
            return Err(Failure::unsupported(
                "Anthropic cannot reason where a tool call is required",
            ));
        }
        Ok(())
    }

    /// The field `thinking` of the body.
    pub(super) fn into_field(self) -> Option<Object<'a>> {
        let object = match self.mode {
            Mode::Default => return None,
            Mode::Disabled => return Some(Object::of_type("disabled")),
            Mode::Adaptive => Object::of_type("adaptive"),
            Mode::Budget(tokens) => Object::of_type("enabled").with("budget_tokens", tokens),
        };
        Some(object.with_some("display", self.display))
    }

    fn set_budget(
        &mut self,
        options: &ReasoningOptions,
        client_limit: Option<u32>,
        limit: Option<u32>,
    ) -> Result<(), Failure> {
        let by_share = |percent: u32| share(self.max_tokens, percent);
        let budget = match options.max_tokens {
            None => by_share(percent(options.effort.as_deref())),
            // The operator's limit is no word of the client's: the budget gives way.
            Some(tokens) if client_limit.is_none() && limit.is_some() => tokens.min(by_share(95)),
            Some(tokens) => tokens,
        };
        let budget = budget.clamp(LEAST_BUDGET, LARGEST_BUDGET);
        if limit.is_none() && budget >= self.max_tokens {
            self.max_tokens = budget + DEFAULT_MAX_TOKENS;
        }
        if budget >= self.max_tokens {
            return Err(too_small(options, self.max_tokens));
        }
        self.mode = Mode::Budget(budget);
        Ok(())
    }
}

/// Whether the client wants reasoning; none where it leaves that to the provider.
pub fn wants_reasoning(options: &ReasoningOptions) -> Option<bool> {
    if options.enabled == Some(false) || options.effort.as_deref() == Some("none") {
        return Some(false);
    }
    let wanted =
        options.enabled == Some(true) || options.effort.is_some() || options.max_tokens.is_some();
    wanted.then_some(true)
}

/// The share of the limit that an effort is worth.
fn percent(effort: Option<&str>) -> u32 {
    match effort {
        Some("max" | "xhigh") => 95,
        Some("high") => 80,
        Some("low") => 20,
        Some("minimal") => 10,
        _ => 50,
    }
}

fn share(tokens: u32, percent: u32) -> u32 {
    let share = u64::from(tokens) * u64::from(percent) / 100;
    u32::try_from(share).unwrap_or(u32::MAX)
}

fn too_small(options: &ReasoningOptions, max_tokens: u32) -> Failure {
    match options.max_tokens {
        Some(_) => invalid(
            "reasoning.max_tokens",
            &format!("must be less than max_tokens, which is {max_tokens}"),
        ),
        None => Failure {
            param: Some("max_tokens".into()),
            ..Failure::new(
                FailureKind::Unsupported,
                format!("max_tokens must exceed {LEAST_BUDGET} for Anthropic to reason"),
            )
        },
    }
}

/// The field `output_config` of the body.
///
/// # Errors
/// Of kind `unsupported`, where the model takes no schema for its answer.
pub(super) fn config<'a>(
    request: &'a Request,
    model: &Model,
    thinking: &Thinking<'a>,
) -> Result<Option<Object<'a>>, Failure> {
    let config = Object::new()
        .with_some("effort", effort(request, model, thinking, is_native(request)))
        .with_some("format", format(request, model)?);
    Ok((!config.is_empty()).then_some(config))
}

/// The nearest effort that the API has.
pub(super) fn effort<'a>(
    request: &'a Request,
    model: &Model,
    thinking: &Thinking<'a>,
    native: bool,
) -> Option<&'a str> {
    let verbosity = request.verbosity.as_deref();
    let word = thinking.effort.or(verbosity.filter(|_| model.effort))?;
    match word {
        _ if native => Some(word),
        "minimal" | "low" => Some("low"),
        "medium" | "high" | "max" => Some(word),
        "xhigh" if model.xhigh_effort => Some("xhigh"),
        "xhigh" => Some("high"),
        _ => None,
    }
}

fn format<'a>(request: &'a Request, model: &Model) -> Result<Option<Json<'a>>, Failure> {
    let native = is_native(request);
    match &request.response_format {
        None | Some(ResponseFormat::Text | ResponseFormat::JsonObject) => Ok(None),
        Some(ResponseFormat::Native(json)) => native_value(json, native).map(Some),
        Some(ResponseFormat::JsonSchema(_)) if !native && !model.structured_outputs => {
            Err(Failure::unsupported("this model takes no JSON schema for its answer"))
        }
        Some(ResponseFormat::JsonSchema(format)) => {
            let schema = raw(&format.schema, "response_format.json_schema.schema")?;
            Ok(Some(Object::of_type("json_schema").with("schema", schema).into()))
        }
    }
}

/// A block for the end of the system prompt, where JSON without a schema is wanted.
pub(super) fn json_instruction(request: &Request) -> Option<Json<'static>> {
    matches!(request.response_format, Some(ResponseFormat::JsonObject))
        .then(|| Object::of_type("text").with("text", JSON_INSTRUCTION).into())
}

/// The nearest tier that the API has; none for its default.
pub(super) fn service_tier(request: &Request) -> Option<&str> {
    let tier = request.service_tier.as_deref()?;
    match tier {
        "auto" | "priority" => Some("auto"),
        "default" | "standard" | "standard_only" => Some("standard_only"),
        _ => is_native(request).then_some(tier),
    }
}
