//! Reading a request for a response as strictly as OpenAI does.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::items::{self, Item};
use crate::dialect::Refusal;
use crate::prompt::{self, Format, Prompt, Role, Tool, ToolChoice};
use crate::strict;

/// Every field that the API has: others are refused, as it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: Option<String>,
    input: Option<Input>,
    instructions: Option<String>,
    stream: Option<bool>,
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    tools: Option<Vec<OfferedTool>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    text: Option<Text>,
    reasoning: Option<Reasoning>,
    include: Option<Vec<String>>,
    previous_response_id: Option<String>,
    #[serde(rename = "background")]
    _background: Option<bool>,
    #[serde(rename = "context_management")]
    _context_management: Option<IgnoredAny>,
    #[serde(rename = "conversation")]
    _conversation: Option<IgnoredAny>,
    #[serde(rename = "max_tool_calls")]
    _max_tool_calls: Option<u32>,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    #[serde(rename = "prompt")]
    _prompt: Option<IgnoredAny>,
    #[serde(rename = "prompt_cache_key")]
    _prompt_cache_key: Option<String>,
    #[serde(rename = "prompt_cache_options")]
    _prompt_cache_options: Option<IgnoredAny>,
    #[serde(rename = "prompt_cache_retention")]
    _prompt_cache_retention: Option<String>,
    #[serde(rename = "safety_identifier")]
    _safety_identifier: Option<String>,
    #[serde(rename = "service_tier")]
    _service_tier: Option<String>,
    #[serde(rename = "store")]
    _store: Option<bool>,
    #[serde(rename = "stream_options")]
    _stream_options: Option<IgnoredAny>,
    #[serde(rename = "top_logprobs")]
    _top_logprobs: Option<u8>,
    #[serde(rename = "truncation")]
    _truncation: Option<String>,
    #[serde(rename = "user")]
    _user: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Value>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: Option<TextFormat>,
    #[serde(rename = "verbosity")]
    _verbosity: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFormat {
    r#type: String,
    schema: Option<Value>,
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "strict")]
    _strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasoning {
    effort: Option<String>,
    summary: Option<String>,
    #[serde(rename = "generate_summary")]
    _generate_summary: Option<String>,
}

#[derive(Deserialize)]
struct OfferedTool {
    r#type: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    parameters: Value,
    strict: Option<bool>,
    /// Where the older format has what is asked for here.
    function: Option<IgnoredAny>,
}

pub(super) fn read(body: &[u8]) -> Result<Prompt, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let model = request.model.clone().ok_or_else(|| missing("model"))?;
    if let Some(id) = &request.previous_response_id {
        let message = format!("Previous response with id '{id}' not found.");
        let refusal = Refusal::invalid(message).code("previous_response_not_found");
        return Err(refusal.param("previous_response_id"));
    }
    let mut prompt = Prompt { model, ..asked(&request) };
    if let Some(text) = request.instructions {
        prompt.add(Role::System, vec![prompt::Item::text(text)]);
    }
    match request.input.ok_or_else(|| missing("input"))? {
        Input::Text(text) => prompt.add(Role::User, vec![prompt::Item::text(text)]),
        Input::Items(list) => {
            let items = list.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?;
            items::check_calls(&items)?;
            for (index, item) in items.iter().enumerate() {
                items::add(&mut prompt, index, item)?;
            }
        }
    }
    prompt.tools = tools(request.tools)?;
    prompt.tool_choice = tool_choice(request.tool_choice.as_ref());
    prompt.format = format(request.text.and_then(|text| text.format))?;
    Ok(prompt)
}

fn item((index, value): (usize, Value)) -> Result<Item, Refusal> {
    serde_json::from_value(value).map_err(|error| {
        let param = format!("input[{index}]");
        match strict::unknown_field(&error) {
            Some(name) => unknown(&format!("{param}.{name}")),
            None => Refusal::invalid(format!("Invalid value: {error}.")).param(param),
        }
    })
}

/// What is asked for beside the conversation.
fn asked(request: &Request) -> Prompt {
    let reasoning = request.reasoning.as_ref();
    let included = request.include.iter().flatten();
    Prompt {
        stream: request.stream.unwrap_or(false),
        include_usage: true,
        max_tokens: request.max_output_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        parallel_calls: request.parallel_tool_calls,
        effort: reasoning.and_then(|reasoning| reasoning.effort.clone()),
        summarised: reasoning.is_some_and(|reasoning| reasoning.summary.is_some()),
        encrypted: included.into_iter().any(|what| what == "reasoning.encrypted_content"),
        ..Prompt::default()
    }
}

fn not_read(error: &serde_json::Error) -> Refusal {
    match strict::unknown_field(error) {
        Some(name) => unknown(&name),
        None if error.is_data() => Refusal::invalid(format!("Invalid request: {error}.")),
        None => Refusal::invalid("We could not parse the JSON body of your request."),
    }
}

fn unknown(name: &str) -> Refusal {
    let refusal = Refusal::invalid(format!("Unknown parameter: '{name}'."));
    refusal.code("unknown_parameter").param(name)
}

pub(super) fn missing(name: &str) -> Refusal {
    let refusal = Refusal::invalid(format!("Missing required parameter: '{name}'."));
    refusal.code("missing_required_parameter").param(name)
}

fn tools(offered: Option<Vec<OfferedTool>>) -> Result<Vec<Tool>, Refusal> {
    let mut tools = Vec::new();
    for (index, tool) in offered.into_iter().flatten().enumerate() {
        if tool.function.is_some() {
            return Err(unknown(&format!("tools[{index}].function")));
        }
        if !matches!(&*tool.r#type, "function" | "custom") {
            continue;
        }
        tools.push(Tool {
            name: tool.name.ok_or_else(|| missing(&format!("tools[{index}].name")))?,
            description: tool.description,
            schema: tool.parameters,
            strict: tool.strict,
            breakpoint: false,
        });
    }
    Ok(tools)
}

fn tool_choice(choice: Option<&Value>) -> ToolChoice {
    match choice {
        Some(Value::String(mode)) if mode == "none" => ToolChoice::Forbidden,
        Some(Value::String(mode)) if mode == "required" => ToolChoice::Required,
        Some(Value::Object(named)) => {
            let name = named.get("name").and_then(Value::as_str);
            name.map_or(ToolChoice::Auto, |name| ToolChoice::Named(name.to_owned()))
        }
        _ => ToolChoice::Auto,
    }
}

fn format(format: Option<TextFormat>) -> Result<Format, Refusal> {
    let Some(format) = format else { return Ok(Format::Text) };
    match (&*format.r#type, format.schema) {
        ("text", _) => Ok(Format::Text),
        ("json_object", _) => Ok(Format::Json),
        ("json_schema", Some(schema)) => Ok(Format::Schema(schema)),
        ("json_schema", None) => Err(missing("text.format.schema")),
        (other, _) => {
            let message = format!("Invalid value: '{other}'.");
            Err(Refusal::invalid(message).code("invalid_value").param("text.format.type"))
        }
    }
}
