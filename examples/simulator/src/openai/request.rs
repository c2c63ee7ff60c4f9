//! Reading a chat completion request as strictly as OpenAI does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dialect::Refusal;
use crate::prompt::{Format, Last, Prompt, Tool, ToolChoice};

const ROLES: [&str; 6] = ["system", "assistant", "user", "function", "tool", "developer"];

const PARTS: [&str; 5] = ["text", "image_url", "input_audio", "refusal", "file"];

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f64>,
    tools: Option<Vec<OfferedTool>>,
    tool_choice: Option<Value>,
    response_format: Option<ResponseFormat>,
    // These betray a request in Anthropic's format.
    system: Option<IgnoredAny>,
    stop_sequences: Option<IgnoredAny>,
    anthropic_version: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow)]
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    function: CalledFunction<'a>,
}

#[derive(Deserialize)]
struct CalledFunction<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: Cow<'a, str>,
}

#[derive(Deserialize)]
struct OfferedTool {
    function: Option<OfferedFunction>,
}

#[derive(Deserialize)]
struct OfferedFunction {
    name: String,
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize)]
struct ResponseFormat {
    r#type: String,
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
struct JsonSchema {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(default)]
    schema: Value,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    image_url: Option<ImageUrl<'a>>,
}

#[derive(Deserialize)]
struct ImageUrl<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

/// What a message's content holds.
#[derive(Default)]
struct Content {
    text: String,
    images: u32,
    documents: u32,
}

pub(super) fn read(body: &[u8]) -> Result<Prompt, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    reject_foreign(&request)?;
    let Some(model) = request.model.filter(|model| !model.is_empty()) else {
        return Err(Refusal::invalid("you must provide a model parameter"));
    };
    let Some(messages) = request.messages else {
        let missing = Refusal::invalid("Missing required parameter: 'messages'.");
        return Err(missing.code("missing_required_parameter").param("messages"));
    };
    check_range("temperature", request.temperature, 2.0)?;
    check_turns(&messages)?;
    let mut prompt = Prompt {
        model: model.into_owned(),
        stream: request.stream.unwrap_or(false),
        include_usage: request
            .stream_options
            .is_some_and(|options| options.include_usage == Some(true)),
        max_tokens: request.max_completion_tokens.or(request.max_tokens),
        tool_choice: tool_choice(request.tool_choice),
        tools: tools(request.tools)?,
        format: format(request.response_format)?,
        ..Prompt::default()
    };
    for (index, message) in messages.iter().enumerate() {
        add_message(&mut prompt, index, message)?;
    }
    Ok(prompt)
}

fn not_read(error: &serde_json::Error) -> Refusal {
    if error.is_data() {
        return Refusal::invalid(format!("Invalid request: {error}."));
    }
    Refusal::invalid(
        "We could not parse the JSON body of your request. (HINT: This likely means you \
         aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, \
         but what was sent was not valid JSON.)",
    )
}

fn reject_foreign(request: &Request<'_>) -> Result<(), Refusal> {
    let foreign = [
        ("system", request.system.is_some()),
        ("stop_sequences", request.stop_sequences.is_some()),
        ("anthropic_version", request.anthropic_version.is_some()),
    ];
    match foreign.iter().find(|(_, present)| *present) {
        Some((name, _)) => {
            Err(Refusal::invalid(format!("Unrecognized request argument supplied: {name}")))
        }
        None => Ok(()),
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

fn unsupported(value: &str, supported: &[&str], param: String) -> Refusal {
    let supported: Vec<String> = supported.iter().map(|name| format!("'{name}'")).collect();
    Refusal::invalid(format!(
        "Invalid value: '{value}'. Supported values are: {}.",
        supported.join(", ")
    ))
    .code("invalid_value")
    .param(param)
}

fn add_message(prompt: &mut Prompt, index: usize, message: &Message<'_>) -> Result<(), Refusal> {
    let content = content(message, index)?;
    prompt.text_bytes += content.text.len();
    prompt.images += content.images;
    prompt.documents += content.documents;
    for call in message.tool_calls.iter().flatten() {
        prompt.text_bytes += call.function.name.len() + call.function.arguments.len();
    }
    match (&*message.role, &mut prompt.last) {
        ("user", last) => *last = Last::User(content.text),
        ("tool", Last::ToolResults(results)) => results.push(content.text),
        ("tool", last) => *last = Last::ToolResults(vec![content.text]),
        _ => {}
    }
    Ok(())
}

fn content(message: &Message<'_>, index: usize) -> Result<Content, Refusal> {
    let Some(raw) = message.content else {
        if message.role == "assistant" {
            return Ok(Content::default());
        }
        return Err(Refusal::invalid(format!(
            "Invalid value for 'content': expected a string, got null. (messages[{index}])"
        ))
        .param(format!("messages.[{index}].content")));
    };
    if raw.get().starts_with('"') {
        let text: Text<'_> = serde_json::from_str(raw.get()).map_err(|error| not_read(&error))?;
        return Ok(Content { text: text.0.into_owned(), ..Content::default() });
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(raw.get()).map_err(|error| not_read(&error))?;
    let mut content = Content::default();
    for (at, part) in parts.iter().enumerate() {
        add_part(&mut content, part, &format!("messages[{index}].content[{at}]"))?;
    }
    Ok(content)
}

fn add_part(content: &mut Content, part: &Part<'_>, place: &str) -> Result<(), Refusal> {
    let missing = |field: &str| {
        let name = format!("{place}.{field}");
        Refusal::invalid(format!("Missing required parameter: '{name}'."))
            .code("missing_required_parameter")
            .param(name)
    };
    match &*part.r#type {
        "text" => {
            let text = part.text.as_deref().ok_or_else(|| missing("text"))?;
            if !content.text.is_empty() {
                content.text.push('\n');
            }
            content.text.push_str(text);
        }
        "image_url" => {
            let image = part.image_url.as_ref().ok_or_else(|| missing("image_url"))?;
            if !(image.url.starts_with("data:image/") || image.url.starts_with("http")) {
                return Err(Refusal::invalid(
                    "Invalid image URL. The URL must be a valid HTTP or HTTPS URL, \
                     or a data URL with base64 encoding.",
                )
                .code("invalid_image_url"));
            }
            content.images += 1;
        }
        "file" | "input_audio" => content.documents += 1,
        "refusal" => {}
        other => return Err(unsupported(other, &PARTS, place.to_owned())),
    }
    Ok(())
}

fn tools(offered: Option<Vec<OfferedTool>>) -> Result<Vec<Tool>, Refusal> {
    let offered = offered.into_iter().flatten().enumerate();
    let tool = |(index, tool): (usize, OfferedTool)| {
        let function = tool.function.ok_or_else(|| {
            let name = format!("tools[{index}].function");
            Refusal::invalid(format!("Missing required parameter: '{name}'."))
                .code("missing_required_parameter")
                .param(name)
        })?;
        Ok(Tool { name: function.name, schema: function.parameters })
    };
    offered.map(tool).collect()
}

fn tool_choice(choice: Option<Value>) -> ToolChoice {
    match choice {
        Some(Value::String(mode)) if mode == "none" => ToolChoice::Forbidden,
        Some(Value::Object(named)) => {
            let name = named.get("function").and_then(|f| f.get("name"));
            let name = name.and_then(Value::as_str);
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
