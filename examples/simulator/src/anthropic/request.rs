//! Reading a messages request as strictly as Anthropic does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content::{Block, blocks};
use crate::dialect::Refusal;
use crate::prompt::{Format, Item, Prompt, Role, Tool, ToolChoice, Visibility};
use crate::strict;

/// Fewest tokens that thinking may be given.
const MIN_THINKING_BUDGET: u32 = 1024;

/// What is not in the body, but in path and headers.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    /// The version that the body must name; none where a header does.
    pub(crate) version: Option<&'static str>,
    pub(crate) model: Option<String>,
    pub(crate) stream: Option<bool>,
    /// The body may have the field `stream` all the same.
    pub(crate) stream_field: bool,
    /// Only tokens are to be counted: no limit is needed.
    pub(crate) counts: bool,
}

/// Every field that the API has: others are refused, as it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    max_tokens: Option<u32>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    stream: Option<bool>,
    temperature: Option<f64>,
    thinking: Option<Thinking>,
    tools: Option<Vec<OfferedTool>>,
    tool_choice: Option<Choice>,
    output_config: Option<OutputConfig>,
    output_format: Option<OutputFormat>,
    stop_sequences: Option<Vec<String>>,
    top_k: Option<u32>,
    top_p: Option<f64>,
    anthropic_version: Option<String>,
    anthropic_beta: Option<Vec<String>>,
    #[serde(rename = "cache_control")]
    _cache_control: Option<IgnoredAny>,
    #[serde(rename = "container")]
    _container: Option<IgnoredAny>,
    #[serde(rename = "context_management")]
    _context_management: Option<IgnoredAny>,
    #[serde(rename = "inference_geo")]
    _inference_geo: Option<IgnoredAny>,
    #[serde(rename = "mcp_servers")]
    _mcp_servers: Option<IgnoredAny>,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    #[serde(rename = "service_tier")]
    _service_tier: Option<IgnoredAny>,
    #[serde(rename = "speed")]
    _speed: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thinking {
    r#type: String,
    budget_tokens: Option<u32>,
    #[serde(rename = "display")]
    _display: Option<String>,
}

#[derive(Deserialize)]
struct OfferedTool {
    /// Some server tools have none.
    name: Option<String>,
    description: Option<String>,
    strict: Option<bool>,
    input_schema: Option<Value>,
    /// Only server tools and an explicit `custom` have one.
    r#type: Option<String>,
    cache_control: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    r#type: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputConfig {
    format: Option<OutputFormat>,
    effort: Option<String>,
    #[serde(rename = "task_budget")]
    _task_budget: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OutputFormat {
    r#type: String,
    schema: Option<Value>,
}

pub(crate) fn read(body: &[u8], envelope: Envelope) -> Result<Prompt, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    check_envelope(&request, &envelope)?;
    let required = |name: &str| Refusal::invalid(format!("{name}: Field required"));
    let model = request.model.as_deref().map(str::to_owned).or(envelope.model);
    let model = model.ok_or_else(|| required("model"))?;
    if request.max_tokens.is_none() && !envelope.counts {
        return Err(required("max_tokens"));
    }
    let messages = request.messages.as_deref().ok_or_else(|| required("messages"))?;
    let reasoning = reasoning(&request, request.max_tokens.unwrap_or(u32::MAX))?;
    let turns = turns(messages)?;
    check_turns(messages, &turns)?;
    let mut prompt = Prompt { model, reasoning, ..asked(&request) };
    prompt.stream = envelope.stream.or(request.stream).unwrap_or(false);
    for tool in request.tools.into_iter().flatten().enumerate() {
        prompt.tools.push(offered(tool)?);
    }
    if let Some(system) = request.system {
        let blocks = blocks(system, "system")?;
        blocks.iter().try_for_each(|block| block.check("system"))?;
        prompt.add(Role::System, items(&blocks)?);
    }
    for (message, blocks) in messages.iter().zip(&turns) {
        let role = if message.role == "user" { Role::User } else { Role::Assistant };
        prompt.add(role, items(blocks)?);
    }
    let config = request.output_config.and_then(|config| config.format);
    prompt.format = format(config.or(request.output_format))?;
    Ok(prompt)
}

/// What is asked for beside the conversation.
fn asked(request: &Request<'_>) -> Prompt {
    let choice = request.tool_choice.as_ref();
    let config = request.output_config.as_ref();
    Prompt {
        include_usage: true,
        max_tokens: request.max_tokens,
        tool_choice: tool_choice(choice),
        parallel_calls: choice.and_then(|it| it.disable_parallel_tool_use).map(|off| !off),
        stop: request.stop_sequences.clone().unwrap_or_default(),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        effort: config.and_then(|config| config.effort.clone()),
        thinking_tokens: request.thinking.as_ref().and_then(|thinking| thinking.budget_tokens),
        ..Prompt::default()
    }
}

/// What stands in the path must not stand in the body, and the other way round.
fn check_envelope(request: &Request<'_>, envelope: &Envelope) -> Result<(), Refusal> {
    let elsewhere = envelope.version.is_some();
    let odd = [
        ("model", envelope.model.is_some() && request.model.is_some()),
        ("stream", elsewhere && !envelope.stream_field && request.stream.is_some()),
        ("anthropic_version", !elsewhere && request.anthropic_version.is_some()),
        ("anthropic_beta", !elsewhere && request.anthropic_beta.is_some()),
    ];
    if let Some((name, _)) = odd.iter().find(|(_, odd)| *odd) {
        return Err(Refusal::invalid(format!("{name}: Extra inputs are not permitted")));
    }
    match envelope.version {
        Some(version) if request.anthropic_version.as_deref() != Some(version) => {
            Err(Refusal::invalid("Invalid API version"))
        }
        _ => Ok(()),
    }
}

fn items(blocks: &[Block<'_>]) -> Result<Vec<Item>, Refusal> {
    let items = blocks.iter().map(Block::item).collect::<Result<Vec<_>, _>>()?;
    Ok(items.into_iter().flatten().collect())
}

fn not_read(error: &serde_json::Error) -> Refusal {
    Refusal::invalid(match strict::unknown_field(error) {
        Some(name) => format!("{name}: Extra inputs are not permitted"),
        None if error.is_data() => error.to_string(),
        None => format!("The request body is not valid JSON: {error}"),
    })
}

/// Whether thinking is shown, after the checks of what it excludes.
fn reasoning(request: &Request<'_>, max_tokens: u32) -> Result<Visibility, Refusal> {
    let temperature = request.temperature.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&temperature) {
        return Err(Refusal::invalid("temperature: range: 0..1"));
    }
    let Some(thinking) = &request.thinking else {
        return Ok(Visibility::Hidden);
    };
    match (&*thinking.r#type, thinking.budget_tokens) {
        ("disabled", _) => return Ok(Visibility::Hidden),
        ("adaptive", _) => {}
        ("enabled", None) => {
            let message = "thinking.enabled.budget_tokens: Field required";
            return Err(Refusal::invalid(message));
        }
        ("enabled", Some(budget)) if budget < MIN_THINKING_BUDGET => {
            return Err(Refusal::invalid(format!(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to \
                 {MIN_THINKING_BUDGET}"
            )));
        }
        ("enabled", Some(budget)) if budget >= max_tokens => {
            return Err(Refusal::invalid(
                "`max_tokens` must be greater than `thinking.budget_tokens`.",
            ));
        }
        ("enabled", Some(_)) => {}
        (other, _) => {
            return Err(Refusal::invalid(format!(
                "thinking: Input tag '{other}' found using 'type' does not match any of the \
                 expected tags: 'adaptive', 'disabled', 'enabled'"
            )));
        }
    }
    if temperature < 1.0 {
        return Err(Refusal::invalid(
            "`temperature` may only be set to 1 when thinking is enabled.",
        ));
    }
    let choice = request.tool_choice.as_ref();
    if choice.is_some_and(|choice| matches!(&*choice.r#type, "any" | "tool")) {
        let message = "Thinking may not be enabled when tool_choice forces tool use.";
        return Err(Refusal::invalid(message));
    }
    Ok(Visibility::Shown)
}

/// The blocks of every message, each found to be well-formed.
fn turns<'a>(messages: &'a [Message<'a>]) -> Result<Vec<Vec<Block<'a>>>, Refusal> {
    if messages.is_empty() {
        let message = "messages: at least one message is required";
        return Err(Refusal::invalid(message));
    }
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        check_role(index, &message.role)?;
        let place = format!("messages.{index}");
        let blocks = blocks(message.content, &format!("{place}.content"))?;
        if blocks.is_empty() && index + 1 < messages.len() {
            return Err(Refusal::invalid(format!(
                "{place}: all messages must have non-empty content except for the optional \
                 final assistant message"
            )));
        }
        for (at, block) in blocks.iter().enumerate() {
            block.check(&format!("{place}.content.{at}"))?;
        }
        turns.push(blocks);
    }
    Ok(turns)
}

fn check_role(index: usize, role: &str) -> Result<(), Refusal> {
    match role {
        "user" | "assistant" => Ok(()),
        "system" => Err(Refusal::invalid(
            "messages: Unexpected role \"system\". The Messages API accepts a top-level \
             `system` parameter, not \"system\" as an input message role.",
        )),
        _ => Err(Refusal::invalid(format!(
            "messages.{index}.role: Input should be 'user' or 'assistant'"
        ))),
    }
}

/// Every call must be answered in the next message, and nothing else may be.
fn check_turns(messages: &[Message<'_>], turns: &[Vec<Block<'_>>]) -> Result<(), Refusal> {
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for (index, (message, blocks)) in messages.iter().zip(turns).enumerate() {
        let results = blocks.iter().filter(|block| block.r#type == "tool_result");
        let results = results.filter_map(|block| block.tool_use_id.as_deref());
        for (at, id) in results.enumerate() {
            if message.role != "user" || !called.remove(id) {
                return Err(Refusal::invalid(format!(
                    "messages.{index}.content.{at}: unexpected `tool_use_id` found in \
                     `tool_result` blocks: {id}. Each `tool_result` block must have a \
                     corresponding `tool_use` block in the previous message."
                )));
            }
        }
        check_answered(&called, index)?;
        let calls = blocks.iter().filter(|block| block.r#type == "tool_use");
        called = calls.filter_map(|block| block.id.as_deref()).collect();
    }
    check_answered(&called, messages.len())
}

fn check_answered(called: &BTreeSet<&str>, index: usize) -> Result<(), Refusal> {
    if called.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = called.iter().copied().collect();
    Err(Refusal::invalid(format!(
        "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately \
         after: {}. Each `tool_use` block must have a corresponding `tool_result` block in \
         the next message.",
        index.saturating_sub(1),
        ids.join(", ")
    )))
}

fn offered((index, tool): (usize, OfferedTool)) -> Result<Tool, Refusal> {
    let custom = tool.r#type.as_deref().is_none_or(|kind| kind == "custom");
    let required = |field| {
        let message = format!("tools.{index}.custom.{field}: Field required");
        Err(Refusal::invalid(message))
    };
    if custom && tool.name.is_none() {
        return required("name");
    }
    if custom && tool.input_schema.is_none() {
        return required("input_schema");
    }
    Ok(Tool {
        name: tool.name.unwrap_or_default(),
        description: tool.description,
        schema: tool.input_schema.unwrap_or_default(),
        strict: tool.strict,
        breakpoint: tool.cache_control.is_some(),
    })
}

fn tool_choice(choice: Option<&Choice>) -> ToolChoice {
    match choice {
        Some(choice) if choice.r#type == "none" => ToolChoice::Forbidden,
        Some(choice) if choice.r#type == "any" => ToolChoice::Required,
        Some(Choice { name: Some(name), .. }) => ToolChoice::Named(name.clone()),
        _ => ToolChoice::Auto,
    }
}

fn format(format: Option<OutputFormat>) -> Result<Format, Refusal> {
    match format {
        None => Ok(Format::Text),
        Some(OutputFormat { r#type, schema: Some(schema) }) if r#type == "json_schema" => {
            Ok(Format::Schema(schema))
        }
        Some(_) => Err(Refusal::invalid(
            "output_config.format: Input should be a json_schema with a schema",
        )),
    }
}
