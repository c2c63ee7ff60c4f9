//! Reading a chat request as strictly as Cohere does.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::dialect::Refusal;
use crate::prompt::{
    Body, Called, Format, Item, Media, Prompt, Returned, Role, Tool, ToolChoice, Visibility,
};
use crate::strict;

/// Every field that the API has: others are refused, as it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    stream: Option<bool>,
    tools: Option<Vec<OfferedTool>>,
    strict_tools: Option<bool>,
    tool_choice: Option<String>,
    response_format: Option<ResponseFormat>,
    max_tokens: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    temperature: Option<f64>,
    seed: Option<i64>,
    p: Option<f64>,
    k: Option<u32>,
    thinking: Option<Thinking>,
    #[serde(rename = "frequency_penalty")]
    _frequency_penalty: Option<f64>,
    #[serde(rename = "presence_penalty")]
    _presence_penalty: Option<f64>,
    #[serde(rename = "logprobs")]
    _logprobs: Option<bool>,
    #[serde(rename = "documents")]
    _documents: Option<IgnoredAny>,
    #[serde(rename = "citation_options")]
    _citation_options: Option<IgnoredAny>,
    #[serde(rename = "safety_mode")]
    _safety_mode: Option<String>,
    #[serde(rename = "priority")]
    _priority: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: Option<Content>,
    tool_plan: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    tool_call_id: Option<String>,
    #[serde(rename = "citations")]
    _citations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    r#type: String,
    text: Option<String>,
    thinking: Option<String>,
    image_url: Option<ImageUrl>,
    document: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageUrl {
    url: String,
    #[serde(rename = "detail")]
    _detail: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    id: String,
    #[serde(rename = "type")]
    _type: String,
    function: CalledFunction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalledFunction {
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferedTool {
    #[serde(rename = "type")]
    _type: String,
    function: OfferedFunction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferedFunction {
    name: String,
    description: Option<String>,
    parameters: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseFormat {
    r#type: String,
    #[serde(alias = "schema")]
    json_schema: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thinking {
    r#type: String,
    token_budget: Option<u32>,
}

pub(super) fn read(body: &[u8]) -> Result<Prompt, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let model = request.model.clone().ok_or_else(|| invalid("model is required"))?;
    let messages = request.messages.as_deref().unwrap_or_default();
    check_calls(messages)?;
    let mut prompt = Prompt { model, ..asked(&request) };
    for (index, message) in messages.iter().enumerate() {
        add(&mut prompt, index, message)?;
    }
    let strict = request.strict_tools;
    prompt.tools = request.tools.into_iter().flatten().map(|tool| offered(tool, strict)).collect();
    prompt.tool_choice = match request.tool_choice.as_deref() {
        None => ToolChoice::Auto,
        Some("REQUIRED") => ToolChoice::Required,
        Some("NONE") => ToolChoice::Forbidden,
        Some(_) => return Err(invalid("tool_choice must be one of REQUIRED, NONE")),
    };
    prompt.format = format(request.response_format)?;
    Ok(prompt)
}

/// What is asked for beside the conversation.
fn asked(request: &Request) -> Prompt {
    let thinking = request.thinking.as_ref();
    let off = thinking.is_some_and(|thinking| thinking.r#type == "disabled");
    Prompt {
        stream: request.stream.unwrap_or(false),
        include_usage: true,
        max_tokens: request.max_tokens,
        stop: request.stop_sequences.clone().unwrap_or_default(),
        temperature: request.temperature,
        top_p: request.p,
        top_k: request.k,
        seed: request.seed,
        thinking_tokens: thinking.and_then(|thinking| thinking.token_budget),
        reasoning: if off { Visibility::Hidden } else { Visibility::IfScripted },
        ..Prompt::default()
    }
}

pub(super) fn invalid(message: impl std::fmt::Display) -> Refusal {
    Refusal::new(400, "", format!("invalid request: {message}"))
}

pub(super) fn not_read(error: &serde_json::Error) -> Refusal {
    let message = match strict::unknown_field(error) {
        Some(name) => format!("unknown field: parameter '{name}' is not a valid field"),
        None => format!("invalid request: {error}"),
    };
    Refusal::new(422, "", message)
}

/// Every call must be answered before anything else is said, and nothing else may be.
fn check_calls(messages: &[Message]) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(invalid("messages must be at least 1 long"));
    }
    let mut pending: BTreeSet<&str> = BTreeSet::new();
    for message in messages {
        if message.role == "tool" {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            if !pending.remove(id) {
                return Err(invalid(format!("tool call id '{id}' not found in previous calls")));
            }
            continue;
        }
        if !pending.is_empty() {
            break;
        }
        let calls = message.tool_calls.iter().flatten();
        pending = calls.map(|call| call.id.as_str()).collect();
    }
    match pending.first() {
        None => Ok(()),
        Some(id) => Err(invalid(format!("tool call '{id}' has no result"))),
    }
}

fn add(prompt: &mut Prompt, index: usize, message: &Message) -> Result<(), Refusal> {
    let role = match &*message.role {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return Err(invalid(format!("message {index} has the unknown role '{other}'"))),
    };
    if message.content.is_none() && role != Role::Assistant {
        return Err(invalid(format!("message {index} has no content")));
    }
    let mut items = Vec::new();
    items.extend(message.tool_plan.clone().map(|plan| Item::new(Body::Reasoning(plan))));
    let said = match &message.content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![Item::text(text)],
        Some(Content::Parts(parts)) => parts.iter().map(item).collect::<Result<_, _>>()?,
    };
    if role == Role::Tool {
        let content = said.into_iter().map(|item| item.body).collect();
        let id = message.tool_call_id.clone();
        let result = Returned { id, name: None, content, failed: false };
        items.push(Item::new(Body::Result(result)));
    } else {
        items.extend(said);
    }
    items.extend(message.tool_calls.iter().flatten().map(called));
    prompt.add(role, items);
    Ok(())
}

fn item(part: &Part) -> Result<Item, Refusal> {
    let missing = || invalid(format!("a part of type '{}' is without its field", part.r#type));
    let body = match &*part.r#type {
        "text" => Body::Text(part.text.clone().ok_or_else(missing)?),
        "thinking" => Body::Reasoning(part.thinking.clone().ok_or_else(missing)?),
        "image_url" => {
            let image = part.image_url.as_ref().ok_or_else(missing)?;
            Body::Media(Media::at("image", &image.url, None))
        }
        "document" => Body::Json(part.document.clone().ok_or_else(missing)?),
        other => return Err(invalid(format!("unknown content type '{other}'"))),
    };
    Ok(Item::new(body))
}

fn called(call: &ToolCall) -> Item {
    Item::new(Body::Call(Called {
        id: Some(call.id.clone()),
        name: call.function.name.clone(),
        arguments: call.function.arguments.clone(),
    }))
}

fn offered(tool: OfferedTool, strict: Option<bool>) -> Tool {
    Tool {
        name: tool.function.name,
        description: tool.function.description,
        schema: tool.function.parameters,
        strict,
        breakpoint: false,
    }
}

fn format(format: Option<ResponseFormat>) -> Result<Format, Refusal> {
    match format {
        None => Ok(Format::Text),
        Some(ResponseFormat { r#type, json_schema }) => match (&*r#type, json_schema) {
            ("text", _) => Ok(Format::Text),
            ("json_object", None) => Ok(Format::Json),
            ("json_object", Some(schema)) => Ok(Format::Schema(schema)),
            (other, _) => Err(invalid(format!("unknown response format '{other}'"))),
        },
    }
}
