//! Reading a chat request more strictly than Ollama does, which overlooks what it does
//! not know: here that is an error, or a field of another provider would pass.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dialect::Refusal;
use crate::prompt::{
    Body, Called, Format, Item, Media, Prompt, Returned, Role, Source, Tool, Visibility,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: String,
    messages: Vec<Message>,
    stream: Option<bool>,
    tools: Option<Vec<OfferedTool>>,
    format: Option<Value>,
    think: Option<Value>,
    options: Option<Options>,
    #[serde(rename = "keep_alive")]
    _keep_alive: Option<Value>,
    #[serde(rename = "logprobs")]
    _logprobs: Option<bool>,
    #[serde(rename = "top_logprobs")]
    _top_logprobs: Option<u32>,
    #[serde(rename = "truncate")]
    _truncate: Option<bool>,
    #[serde(rename = "shift")]
    _shift: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: String,
    images: Option<Vec<String>>,
    thinking: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    tool_name: Option<String>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    id: Option<String>,
    #[serde(rename = "type")]
    _type: Option<String>,
    function: CalledFunction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalledFunction {
    name: String,
    arguments: Box<RawValue>,
    #[serde(rename = "index")]
    _index: Option<u32>,
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

#[derive(Default, Deserialize)]
struct Options {
    num_predict: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u32>,
    seed: Option<i64>,
    stop: Option<Vec<String>>,
}

pub(super) fn read(body: &[u8]) -> Result<Prompt, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let thinks = request.think.as_ref();
    let options = request.options.unwrap_or_default();
    let mut prompt = Prompt {
        model: request.model,
        // Its default is to stream.
        stream: request.stream.unwrap_or(true),
        include_usage: true,
        max_tokens: options.num_predict,
        stop: options.stop.unwrap_or_default(),
        temperature: options.temperature,
        top_p: options.top_p,
        top_k: options.top_k,
        seed: options.seed,
        effort: thinks.and_then(Value::as_str).map(str::to_owned),
        reasoning: match thinks {
            Some(Value::Bool(false)) => Visibility::Hidden,
            _ => Visibility::IfScripted,
        },
        format: match request.format {
            None => Format::Text,
            Some(Value::String(word)) if word == "json" => Format::Json,
            Some(schema @ Value::Object(_)) => Format::Schema(schema),
            Some(_) => return Err(invalid("invalid format: expected \"json\" or a JSON schema")),
        },
        ..Prompt::default()
    };
    prompt.tools = request.tools.into_iter().flatten().map(offered).collect();
    for message in request.messages {
        add(&mut prompt, message)?;
    }
    Ok(prompt)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "", message)
}

pub(super) fn not_read(error: &serde_json::Error) -> Refusal {
    invalid(error.to_string())
}

fn add(prompt: &mut Prompt, message: Message) -> Result<(), Refusal> {
    let role = match &*message.role {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return Err(invalid(format!("invalid role: {other}"))),
    };
    let images = message.images.unwrap_or_default();
    let images = images.into_iter().map(image).collect::<Result<Vec<_>, _>>()?;
    let text = (!message.content.is_empty()).then_some(Body::Text(message.content));
    let mut items = Vec::new();
    if role == Role::Tool {
        items.push(Item::new(Body::Result(Returned {
            id: message.tool_call_id,
            name: message.tool_name,
            content: images.into_iter().chain(text).collect(),
            failed: false,
        })));
    } else {
        items.extend(message.thinking.map(|thought| Item::new(Body::Reasoning(thought))));
        items.extend(images.into_iter().chain(text).map(Item::new));
    }
    for call in message.tool_calls.into_iter().flatten() {
        let arguments = call.function.arguments.get().to_owned();
        if !arguments.starts_with('{') {
            return Err(invalid("json: cannot unmarshal tool call arguments into an object"));
        }
        let name = call.function.name;
        items.push(Item::new(Body::Call(Called { id: call.id, name, arguments })));
    }
    prompt.add(role, items);
    Ok(())
}

/// Only bytes are taken, and no URL, not even one that holds them.
fn image(data: String) -> Result<Body, Refusal> {
    let standard = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    match data.bytes().position(|byte| !standard(byte)) {
        None => {
            let source = Source::Data(data);
            Ok(Body::Media(Media { kind: "image", source, mime: None, name: None }))
        }
        Some(place) => Err(invalid(format!("illegal base64 data at input byte {place}"))),
    }
}

fn offered(tool: OfferedTool) -> Tool {
    Tool {
        name: tool.function.name,
        description: tool.function.description,
        schema: tool.function.parameters,
        ..Tool::default()
    }
}
