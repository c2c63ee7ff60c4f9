//! Reading a chat completion request as strictly as OpenAI does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::flavour::{FIELDS, Flavour, MESSAGE_FIELDS, Name, Thoughts};
use super::message::{self, Message};
use crate::dialect::Refusal;
use crate::prompt::{Format, Prompt, Tool, ToolChoice, Visibility};
use crate::strict;

const ROLES: [&str; 6] = ["system", "assistant", "user", "function", "tool", "developer"];

/// Fields that everyone has, and those that say something here.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    messages: Option<Vec<&'a RawValue>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u32>,
    seed: Option<i64>,
    random_seed: Option<i64>,
    stop: Option<Stop>,
    tools: Option<Vec<OfferedTool>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<ResponseFormat>,
    reasoning_effort: Option<String>,
    reasoning: Option<Reasoning>,
    thinking: Option<Thinking>,
    include_reasoning: Option<bool>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

/// OpenRouter's.
#[derive(Deserialize)]
struct Reasoning {
    enabled: Option<bool>,
    effort: Option<String>,
    max_tokens: Option<u32>,
    exclude: Option<bool>,
}

/// DeepSeek's.
#[derive(Deserialize)]
struct Thinking {
    r#type: String,
}

#[derive(Deserialize)]
struct OfferedTool {
    function: Option<OfferedFunction>,
    custom: Option<OfferedFunction>,
    cache_control: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferedFunction {
    name: String,
    description: Option<String>,
    #[serde(default)]
    parameters: Value,
    strict: Option<bool>,
    /// Of a tool without a schema.
    #[serde(rename = "format")]
    _format: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFormat {
    r#type: String,
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSchema {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default, alias = "schema_definition")]
    schema: Value,
    #[serde(rename = "strict")]
    _strict: Option<bool>,
}

pub(super) fn read(flavour: &Flavour, body: &[u8]) -> Result<Prompt, Refusal> {
    let names = strict::names(body).map_err(|error| not_read(&error))?;
    let known = |name: &str| FIELDS.contains(&name) || flavour.fields.contains(&name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(unknown(flavour, name));
    }
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let Some(model) = request.model.as_deref().filter(|model| !model.is_empty()) else {
        return Err(Refusal::invalid("you must provide a model parameter"));
    };
    let Some(messages) = &request.messages else {
        let missing = Refusal::invalid("Missing required parameter: 'messages'.");
        return Err(missing.code("missing_required_parameter").param("messages"));
    };
    check_range("temperature", request.temperature, 2.0)?;
    let messages = self::messages(flavour, messages)?;
    check_turns(&messages)?;
    let mut prompt = Prompt { model: model.to_owned(), ..asked(&request) };
    prompt.reasoning = visibility(&request);
    prompt.tools = tools(flavour, request.tools)?;
    prompt.tool_choice = tool_choice(request.tool_choice);
    prompt.format = format(request.response_format)?;
    for (index, message) in messages.iter().enumerate() {
        message::add(&mut prompt, flavour, index, message)?;
    }
    Ok(prompt)
}

/// What is asked for beside the conversation.
fn asked(request: &Request<'_>) -> Prompt {
    let options = request.stream_options.as_ref();
    let reasoning = request.reasoning.as_ref();
    let effort = reasoning.and_then(|wanted| wanted.effort.clone());
    Prompt {
        stream: request.stream.unwrap_or(false),
        include_usage: options.is_some_and(|options| options.include_usage == Some(true)),
        max_tokens: request.max_completion_tokens.or(request.max_tokens),
        parallel_calls: request.parallel_tool_calls,
        stop: match &request.stop {
            Some(Stop::One(sequence)) => vec![sequence.clone()],
            Some(Stop::Many(sequences)) => sequences.clone(),
            None => Vec::new(),
        },
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        seed: request.seed.or(request.random_seed),
        effort: request.reasoning_effort.clone().or(effort),
        thinking_tokens: reasoning.and_then(|wanted| wanted.max_tokens),
        ..Prompt::default()
    }
}

fn visibility(request: &Request<'_>) -> Visibility {
    let wanted = request.reasoning.as_ref();
    let off = wanted.is_some_and(|it| it.enabled == Some(false) || it.exclude == Some(true))
        || request.thinking.as_ref().is_some_and(|thinking| thinking.r#type == "disabled")
        || request.include_reasoning == Some(false);
    if off { Visibility::Hidden } else { Visibility::IfScripted }
}

pub(super) fn not_read(error: &serde_json::Error) -> Refusal {
    if error.is_data() {
        return Refusal::invalid(format!("Invalid request: {error}."));
    }
    Refusal::invalid(
        "We could not parse the JSON body of your request. (HINT: This likely means you \
         aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, \
         but what was sent was not valid JSON.)",
    )
}

/// A field of another provider, or of nobody.
pub(super) fn unknown(flavour: &Flavour, name: &str) -> Refusal {
    match flavour.name {
        Name::Mistral => Refusal {
            status: 422,
            ..Refusal::invalid("Extra inputs are not permitted").param(name)
        },
        Name::Groq => Refusal::invalid(format!("property '{name}' is unsupported")),
        Name::Perplexity | Name::Xai => {
            Refusal::invalid(format!("Argument not supported: {name}")).param(name)
        }
        _ => Refusal::invalid(format!("Unrecognized request argument supplied: {name}")),
    }
}

fn check_range(name: &str, value: Option<f64>, most: f64) -> Result<(), Refusal> {
    match value {
        Some(value) if value > most => Err(Refusal::invalid(format!(
            "Invalid '{name}': decimal above maximum value. \
             Expected a value <= {most}, but got {value:?} instead."
        ))
        .code("decimal_above_max_value")
        .param(name)),
        _ => Ok(()),
    }
}

/// The messages, each with no field but those that the provider has.
fn messages<'a>(flavour: &Flavour, raw: &[&'a RawValue]) -> Result<Vec<Message<'a>>, Refusal> {
    let own = |name: &str| {
        let openrouter = flavour.name == Name::OpenRouter && name == "cache_control";
        MESSAGE_FIELDS.contains(&name) || flavour.message_fields.contains(&name) || openrouter
    };
    let mut messages = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate() {
        let names = strict::names(raw.get().as_bytes()).map_err(|error| not_read(&error))?;
        if let Some(name) = names.iter().find(|name| !own(name)) {
            return Err(Refusal::invalid(format!(
                "Additional properties are not allowed ('{name}' was unexpected) - \
                 'messages.{index}'"
            )));
        }
        messages.push(serde_json::from_str(raw.get()).map_err(|error| not_read(&error))?);
    }
    Ok(messages)
}

/// Checks roles, and that tool calls and tool messages belong together.
fn check_turns(messages: &[Message<'_>]) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(Refusal::invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, \
             but got an empty array instead.",
        )
        .code("empty_array")
        .param("messages"));
    }
    let mut pending: BTreeSet<&str> = BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let role = &*message.role;
        if !ROLES.contains(&role) {
            return Err(unsupported(role, &ROLES, format!("messages[{index}].role")));
        }
        if role == "tool" {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            if !pending.remove(id) {
                return Err(Refusal::invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a \
                     preceeding message with 'tool_calls'.",
                )
                .param(format!("messages.[{index}].role")));
            }
            continue;
        }
        check_answered(&pending, index)?;
        let calls = message.tool_calls.iter().flatten();
        pending = calls.map(|call| &*call.id).collect();
    }
    check_answered(&pending, messages.len())
}

fn check_answered(pending: &BTreeSet<&str>, index: usize) -> Result<(), Refusal> {
    if pending.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = pending.iter().copied().collect();
    Err(Refusal::invalid(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding \
         to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        ids.join(", ")
    ))
    .param(format!("messages.[{index}].role")))
}

pub(super) fn unsupported(value: &str, supported: &[&str], param: String) -> Refusal {
    let supported: Vec<String> = supported.iter().map(|name| format!("'{name}'")).collect();
    Refusal::invalid(format!(
        "Invalid value: '{value}'. Supported values are: {}.",
        supported.join(", ")
    ))
    .code("invalid_value")
    .param(param)
}

fn tools(flavour: &Flavour, offered: Option<Vec<OfferedTool>>) -> Result<Vec<Tool>, Refusal> {
    let offered = offered.unwrap_or_default();
    if !flavour.tools && !offered.is_empty() {
        return Err(unknown(flavour, "tools"));
    }
    let tool = |(index, tool): (usize, OfferedTool)| {
        let function = tool.function.or(tool.custom).ok_or_else(|| {
            let name = format!("tools[{index}].function");
            Refusal::invalid(format!("Missing required parameter: '{name}'."))
                .code("missing_required_parameter")
                .param(name)
        })?;
        if tool.cache_control.is_some() && flavour.thoughts != Thoughts::Details {
            return Err(unknown(flavour, "cache_control"));
        }
        Ok(Tool {
            name: function.name,
            description: function.description,
            schema: function.parameters,
            strict: function.strict,
            breakpoint: tool.cache_control.is_some(),
        })
    };
    offered.into_iter().enumerate().map(tool).collect()
}

fn tool_choice(choice: Option<Value>) -> ToolChoice {
    match choice {
        Some(Value::String(mode)) if mode == "none" => ToolChoice::Forbidden,
        Some(Value::String(mode)) if mode == "required" || mode == "any" => ToolChoice::Required,
        Some(Value::Object(named)) => {
            let inner = named.get("function").or_else(|| named.get("custom"));
            let name = inner.and_then(|inner| inner.get("name")).and_then(Value::as_str);
            name.map_or(ToolChoice::Auto, |name| ToolChoice::Named(name.to_owned()))
        }
        _ => ToolChoice::Auto,
    }
}

fn format(format: Option<ResponseFormat>) -> Result<Format, Refusal> {
    let Some(format) = format else {
        return Ok(Format::Text);
    };
    match (&*format.r#type, format.json_schema) {
        ("text", _) => Ok(Format::Text),
        ("json_object", _) => Ok(Format::Json),
        ("json_schema", Some(json_schema)) => Ok(Format::Schema(json_schema.schema)),
        ("json_schema", None) => {
            Err(Refusal::invalid("Missing required parameter: 'response_format.json_schema'.")
                .code("missing_required_parameter")
                .param("response_format.json_schema"))
        }
        (other, _) => Err(unsupported(
            other,
            &["json_object", "json_schema", "text"],
            "response_format.type".to_owned(),
        )),
    }
}
