//! Reading a messages request as strictly as Anthropic does.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content::{Block, blocks};
use crate::dialect::Refusal;
use crate::prompt::{CachePrefix, Format, Last, Prompt, Reasoning, Tool, ToolChoice};

/// Fewest tokens that thinking may be given.
const MIN_THINKING_BUDGET: u32 = 1024;

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
    #[serde(rename = "stop_sequences")]
    _stop_sequences: Option<Vec<String>>,
    #[serde(rename = "top_k")]
    _top_k: Option<u32>,
    #[serde(rename = "top_p")]
    _top_p: Option<f64>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Thinking {
    r#type: String,
    budget_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct OfferedTool {
    /// Some server tools have none.
    name: Option<String>,
    input_schema: Option<Value>,
    /// Only server tools and an explicit `custom` have one.
    r#type: Option<String>,
    cache_control: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    r#type: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct OutputConfig {
    format: Option<OutputFormat>,
}

#[derive(Deserialize)]
struct OutputFormat {
    r#type: String,
    schema: Option<Value>,
}

pub(super) fn read(body: &[u8]) -> Result<Prompt, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let required = |name: &str| Refusal::invalid(format!("{name}: Field required"));
    let model = request.model.as_deref().ok_or_else(|| required("model"))?;
    let max_tokens = request.max_tokens.ok_or_else(|| required("max_tokens"))?;
    let messages = request.messages.as_deref().ok_or_else(|| required("messages"))?;
    let reasoning = reasoning(&request, max_tokens)?;
    let turns = turns(messages)?;
    check_turns(messages, &turns)?;
    let mut prompt = Prompt {
        model: model.to_owned(),
        stream: request.stream.unwrap_or(false),
        include_usage: true,
        max_tokens: Some(max_tokens),
        tool_choice: tool_choice(request.tool_choice.as_ref()),
        reasoning,
        ..Prompt::default()
    };
    let mut cache = Cache::default();
    for tool in request.tools.into_iter().flatten().enumerate() {
        prompt.tools.push(offered(tool, &mut cache)?);
    }
    if let Some(system) = request.system {
        for block in blocks(system, "system")? {
            block.check("system")?;
            cache.add(&block);
        }
    }
    for (message, blocks) in messages.iter().zip(&turns) {
        add_turn(&mut prompt, message, blocks, &mut cache)?;
    }
    prompt.text_bytes = cache.text_bytes;
    prompt.cache_prefix = cache.prefix;
    let config = request.output_config.and_then(|config| config.format);
    prompt.format = format(config.or(request.output_format))?;
    Ok(prompt)
}

fn not_read(error: &serde_json::Error) -> Refusal {
    let message = error.to_string();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    Refusal::invalid(match unknown {
        Some((name, _)) => format!("{name}: Extra inputs are not permitted"),
        None if error.is_data() => message,
        None => format!("The request body is not valid JSON: {message}"),
    })
}

/// Whether thinking is shown, after the checks of what it excludes.
fn reasoning(request: &Request<'_>, max_tokens: u32) -> Result<Reasoning, Refusal> {
    let temperature = request.temperature.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&temperature) {
        return Err(Refusal::invalid("temperature: range: 0..1"));
    }
    let Some(thinking) = &request.thinking else {
        return Ok(Reasoning::Hidden);
    };
    match (&*thinking.r#type, thinking.budget_tokens) {
        ("disabled", _) => return Ok(Reasoning::Hidden),
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
    Ok(Reasoning::Shown)
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

fn offered((index, tool): (usize, OfferedTool), cache: &mut Cache) -> Result<Tool, Refusal> {
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
    let name = tool.name.unwrap_or_default();
    cache.count(&name, name.len());
    cache.mark(tool.cache_control.is_some());
    Ok(Tool { name, schema: tool.input_schema.unwrap_or_default() })
}

fn add_turn(
    prompt: &mut Prompt,
    message: &Message<'_>,
    blocks: &[Block<'_>],
    cache: &mut Cache,
) -> Result<(), Refusal> {
    let mut texts = Vec::new();
    let mut results = Vec::new();
    for block in blocks {
        cache.add(block);
        match &*block.r#type {
            "text" => texts.extend(block.text.as_deref()),
            "image" => prompt.images += 1,
            "document" => prompt.documents += 1,
            "tool_result" => results.push(result(prompt, block, cache)?),
            _ => {}
        }
    }
    if !results.is_empty() {
        prompt.last = Last::ToolResults(results);
    } else if message.role == "user" {
        prompt.last = Last::User(texts.join("\n"));
    }
    Ok(())
}

/// The text of a tool's result, whose own blocks are counted like the others.
fn result(prompt: &mut Prompt, block: &Block<'_>, cache: &mut Cache) -> Result<String, Refusal> {
    let Some(content) = block.content else {
        return Ok(String::new());
    };
    let mut texts = Vec::new();
    for inner in blocks(content, "tool_result.content")? {
        inner.check("tool_result.content")?;
        cache.add(&inner);
        match &*inner.r#type {
            "image" => prompt.images += 1,
            "document" => prompt.documents += 1,
            _ => texts.extend(inner.text.map(Cow::into_owned)),
        }
    }
    Ok(texts.join("\n"))
}

/// Measures the prompt, and how far it is marked for caching.
#[derive(Default)]
struct Cache {
    text_bytes: usize,
    hasher: DefaultHasher,
    prefix: Option<CachePrefix>,
}

impl Cache {
    fn add(&mut self, block: &Block<'_>) {
        let text = block.text.as_deref().unwrap_or_default();
        self.count(text, block.text_bytes());
        self.mark(block.cache_control.is_some());
    }

    /// Length and beginning tell prompts apart well enough here.
    fn count(&mut self, text: &str, bytes: usize) {
        let beginning = &text.as_bytes()[..text.len().min(64)];
        (beginning, bytes).hash(&mut self.hasher);
        self.text_bytes += bytes;
    }

    fn mark(&mut self, marked: bool) {
        if marked {
            self.prefix =
                Some(CachePrefix { digest: self.hasher.finish(), text_bytes: self.text_bytes });
        }
    }
}

fn tool_choice(choice: Option<&Choice>) -> ToolChoice {
    match choice {
        Some(choice) if choice.r#type == "none" => ToolChoice::Forbidden,
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
