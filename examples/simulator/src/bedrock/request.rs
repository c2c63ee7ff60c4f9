//! Reading a request to Converse as strictly as the service does.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::blocks::{self, Block, CachePoint};
use super::errors::invalid;
use crate::dialect::Refusal;
use crate::ids;
use crate::prompt::{Body, Format, Item, Prompt, Role, Tool, ToolChoice, Visibility};
use crate::strict;

/// Where an answer says which stop sequence it met.
const STOP_SEQUENCE: &str = "/stop_sequence";

/// Every field that the API has: others are refused, as it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    messages: Option<Vec<Message>>,
    system: Option<Vec<Block>>,
    inference_config: Option<InferenceConfig>,
    tool_config: Option<ToolConfig>,
    output_config: Option<OutputConfig>,
    additional_model_request_fields: Option<Map<String, Value>>,
    additional_model_response_field_paths: Option<Vec<String>>,
    #[serde(rename = "guardrailConfig")]
    _guardrail_config: Option<IgnoredAny>,
    #[serde(rename = "performanceConfig")]
    _performance_config: Option<IgnoredAny>,
    #[serde(rename = "promptVariables")]
    _prompt_variables: Option<IgnoredAny>,
    #[serde(rename = "requestMetadata")]
    _request_metadata: Option<IgnoredAny>,
    #[serde(rename = "serviceTier")]
    _service_tier: Option<IgnoredAny>,
}

/// A question for the number of tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    input: Input,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Input {
    Converse(Box<Request>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: Vec<Block>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InferenceConfig {
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ToolConfig {
    tools: Vec<OfferedTool>,
    tool_choice: Option<Choice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum OfferedTool {
    ToolSpec(ToolSpec),
    CachePoint(CachePoint),
    SystemTool(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ToolSpec {
    name: String,
    description: Option<String>,
    input_schema: Schema,
    strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    json: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Choice {
    Auto(IgnoredAny),
    Any(IgnoredAny),
    Tool(Named),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OutputConfig {
    text_format: Option<TextFormat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFormat {
    #[serde(rename = "type")]
    _type: String,
    structure: Structure,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Structure {
    JsonSchema(JsonSchema),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSchema {
    schema: String,
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
}

pub(super) fn read(body: &[u8], model: String) -> Result<Prompt, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    prompt(request, model)
}

pub(super) fn counted(body: &[u8], model: String) -> Result<Prompt, Refusal> {
    let count: Count = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let Input::Converse(request) = count.input;
    prompt(*request, model)
}

pub(super) fn not_read(error: &serde_json::Error) -> Refusal {
    match strict::unknown_field(error) {
        Some(name) => invalid(format!(
            "The model returned the following errors: {name}: Extra inputs are not permitted"
        )),
        None => Refusal { kind: "SerializationException", ..invalid(error.to_string()) },
    }
}

fn prompt(request: Request, model: String) -> Result<Prompt, Refusal> {
    let mut prompt = Prompt { model, ..asked(&request) };
    let has_tools = request.tool_config.is_some();
    if let Some(config) = request.tool_config {
        tools(&mut prompt, config)?;
    }
    if let Some(config) = request.output_config {
        prompt.format = format(config)?;
    }
    if let Some(system) = request.system {
        let mut items = Vec::new();
        for (at, block) in system.into_iter().enumerate() {
            blocks::add(&mut items, block, &format!("system.{at}"))?;
        }
        prompt.add(Role::System, items);
    }
    let messages = request.messages.unwrap_or_default();
    check_roles(&messages)?;
    for (index, message) in messages.into_iter().enumerate() {
        let role = if message.role == "user" { Role::User } else { Role::Assistant };
        let mut items = Vec::new();
        for (at, block) in message.content.into_iter().enumerate() {
            blocks::add(&mut items, block, &format!("messages.{index}.content.{at}"))?;
        }
        prompt.add(role, items);
    }
    check_calls(&prompt, has_tools)?;
    check_signatures(&prompt)?;
    Ok(prompt)
}

/// What is asked for beside the conversation.
fn asked(request: &Request) -> Prompt {
    let config = request.inference_config.as_ref();
    let additional = request.additional_model_request_fields.as_ref();
    let field = |name: &str| additional.and_then(|fields| fields.get(name));
    let is_on = |field: Option<&Value>| field.is_some_and(|it| it["type"] != "disabled");
    let on = is_on(field("thinking"))
        || is_on(field("reasoningConfig"))
        || field("reasoning_effort").is_some();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let effort = field("output_config").and_then(|config| text(&config["effort"]));
    let nova = field("reasoningConfig").and_then(|it| text(&it["maxReasoningEffort"]));
    let paths = request.additional_model_response_field_paths.iter().flatten();
    Prompt {
        include_usage: true,
        max_tokens: config.and_then(|config| config.max_tokens),
        temperature: config.and_then(|config| config.temperature),
        top_p: config.and_then(|config| config.top_p),
        top_k: field("top_k").and_then(number),
        stop: config.and_then(|config| config.stop_sequences.clone()).unwrap_or_default(),
        effort: effort.or(nova).or_else(|| field("reasoning_effort").and_then(text)),
        thinking_tokens: field("thinking").and_then(|it| number(&it["budget_tokens"])),
        parallel_calls: field("tool_choice")
            .and_then(|it| it["disable_parallel_tool_use"].as_bool())
            .map(|off| !off),
        reasoning: if on { Visibility::IfScripted } else { Visibility::Hidden },
        echoes_stop: paths.into_iter().any(|path| path == STOP_SEQUENCE),
        ..Prompt::default()
    }
}

fn tools(prompt: &mut Prompt, config: ToolConfig) -> Result<(), Refusal> {
    for tool in config.tools {
        match tool {
            OfferedTool::ToolSpec(spec) => prompt.tools.push(Tool {
                name: spec.name,
                description: spec.description,
                schema: spec.input_schema.json,
                strict: spec.strict,
                breakpoint: false,
            }),
            OfferedTool::CachePoint(point) => {
                point.check()?;
                if let Some(last) = prompt.tools.last_mut() {
                    last.breakpoint = true;
                }
            }
            OfferedTool::SystemTool(_) => {}
        }
    }
    if prompt.tools.is_empty() {
        return Err(invalid("toolConfig.tools must have at least one tool"));
    }
    prompt.tool_choice = match config.tool_choice {
        None | Some(Choice::Auto(_)) => ToolChoice::Auto,
        Some(Choice::Any(_)) => ToolChoice::Required,
        Some(Choice::Tool(named)) => ToolChoice::Named(named.name),
    };
    Ok(())
}

fn format(config: OutputConfig) -> Result<Format, Refusal> {
    let Some(format) = config.text_format else { return Ok(Format::Text) };
    let Structure::JsonSchema(wanted) = format.structure;
    let schema = serde_json::from_str(&wanted.schema);
    schema.map(Format::Schema).map_err(|_| invalid("The schema is no JSON."))
}

/// The user begins, and both sides take turns.
fn check_roles(messages: &[Message]) -> Result<(), Refusal> {
    let odd = |message: &Message| !matches!(&*message.role, "user" | "assistant");
    if messages.iter().any(odd) {
        return Err(invalid("Member must satisfy enum value set: [user, assistant]"));
    }
    if messages.first().is_none_or(|message| message.role != "user") {
        return Err(invalid(
            "A conversation must start with a user message. Try again with a conversation that \
             starts with a user message.",
        ));
    }
    if messages.windows(2).any(|pair| pair[0].role == pair[1].role) {
        return Err(invalid(
            "A conversation must alternate between user and assistant roles. Make sure the \
             conversation alternates between user and assistant roles and try again.",
        ));
    }
    match messages.iter().position(|message| message.content.is_empty()) {
        None => Ok(()),
        Some(index) => Err(invalid(format!(
            "The content field in the Message object at messages.{index} is empty. Add a \
             ContentBlock object to the content field and try again."
        ))),
    }
}

/// Every call must be answered in the next message, and nothing else may be.
fn check_calls(prompt: &Prompt, has_tools: bool) -> Result<(), Refusal> {
    let mut called: BTreeSet<&str> = BTreeSet::new();
    let mut any = false;
    for (index, turn) in prompt.turns.iter().enumerate() {
        for item in &turn.items {
            if let Body::Result(result) = &item.body {
                any = true;
                if !called.remove(result.id.as_deref().unwrap_or_default()) {
                    return Err(invalid(format!(
                        "The number of toolResult blocks at messages.{index}.content exceeds \
                         the number of toolUse blocks of previous turn."
                    )));
                }
            }
        }
        check_answered(&called, index)?;
        let calls = turn.items.iter().filter_map(|item| match &item.body {
            Body::Call(call) => call.id.as_deref(),
            _ => None,
        });
        called = calls.collect();
        any |= !called.is_empty();
    }
    check_answered(&called, prompt.turns.len())?;
    if any && !has_tools {
        return Err(invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content \
             blocks.",
        ));
    }
    Ok(())
}

fn check_answered(called: &BTreeSet<&str>, index: usize) -> Result<(), Refusal> {
    if called.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = called.iter().copied().collect();
    Err(invalid(format!(
        "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
        ids.join(", ")
    )))
}

/// Reasoning must come back as it went out.
fn check_signatures(prompt: &Prompt) -> Result<(), Refusal> {
    let forged = |item: &Item| match &item.body {
        Body::Reasoning(text) => item.signature.as_deref() != Some(&ids::signature(text)),
        _ => false,
    };
    if prompt.said().any(|(_, item)| forged(item)) {
        return Err(invalid(
            "The model returned the following errors: Invalid `signature` in `thinking` block",
        ));
    }
    Ok(())
}
