//! Items of the input: messages, reasoning, calls and what they gave back.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::request::missing;
use crate::dialect::Refusal;
use crate::prompt::{self, Body, Called, Media, Prompt, Returned, Role, Source};

/// An item, of any type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// A message may be without.
    r#type: Option<String>,
    role: Option<String>,
    content: Option<Content>,
    summary: Option<Vec<Part>>,
    encrypted_content: Option<String>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    input: Option<String>,
    output: Option<Content>,
    id: Option<String>,
    #[serde(rename = "status")]
    _status: Option<String>,
    #[serde(rename = "phase")]
    _phase: Option<String>,
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
    refusal: Option<String>,
    image_url: Option<String>,
    file_id: Option<String>,
    file_url: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    input_audio: Option<Audio>,
    prompt_cache_breakpoint: Option<IgnoredAny>,
    #[serde(rename = "detail")]
    _detail: Option<String>,
    #[serde(rename = "annotations")]
    _annotations: Option<IgnoredAny>,
    #[serde(rename = "logprobs")]
    _logprobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    data: String,
    format: String,
}

impl Item {
    fn kind(&self) -> &str {
        self.r#type.as_deref().unwrap_or("message")
    }
}

/// Every output needs its call, and every call its output.
pub(super) fn check_calls(items: &[Item]) -> Result<(), Refusal> {
    let mut pending: BTreeSet<&str> = BTreeSet::new();
    for item in items {
        let id = item.call_id.as_deref().unwrap_or_default();
        match item.kind() {
            "function_call" | "custom_tool_call" => {
                pending.insert(id);
            }
            "function_call_output" | "custom_tool_call_output" if !pending.remove(id) => {
                return Err(Refusal::invalid(format!(
                    "No tool call found for function call output with call_id {id}."
                ))
                .param("input"));
            }
            _ => {}
        }
    }
    match pending.first() {
        None => Ok(()),
        Some(id) => {
            let message = format!("No tool output found for function call {id}.");
            Err(Refusal::invalid(message).param("input"))
        }
    }
}

/// Adds what an item says.
pub(super) fn add(prompt: &mut Prompt, index: usize, item: &Item) -> Result<(), Refusal> {
    let need = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| missing(&format!("input[{index}].{name}")))
    };
    match item.kind() {
        "message" => message(prompt, index, item)?,
        "reasoning" => {
            need("id", &item.id.clone().or(Some(String::new())))?;
            let summary = item.summary.as_ref();
            let summary = summary.ok_or_else(|| missing(&format!("input[{index}].summary")))?;
            prompt.add(Role::Assistant, thought(summary, item));
        }
        "function_call" | "custom_tool_call" => {
            let written = item.arguments.clone().or_else(|| item.input.clone());
            let call = Called {
                id: Some(need("call_id", &item.call_id)?),
                name: need("name", &item.name)?,
                arguments: need("arguments", &written)?,
            };
            prompt.add(Role::Assistant, vec![prompt::Item::new(Body::Call(call))]);
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output = item.output.as_ref();
            let output = output.ok_or_else(|| missing(&format!("input[{index}].output")))?;
            let content = said(output, index, "output")?;
            let result = Returned {
                id: Some(need("call_id", &item.call_id)?),
                name: None,
                content: content.into_iter().map(|item| item.body).collect(),
                failed: false,
            };
            prompt.add(Role::Tool, vec![prompt::Item::new(Body::Result(result))]);
        }
        "item_reference" => {
            let id = item.id.as_deref().unwrap_or_default();
            return Err(Refusal::invalid(format!("Item with id '{id}' not found.")).param("input"));
        }
        other => {
            let message = format!("Invalid value: '{other}'.");
            let refusal = Refusal::invalid(message).code("invalid_value");
            return Err(refusal.param(format!("input[{index}].type")));
        }
    }
    Ok(())
}

fn message(prompt: &mut Prompt, index: usize, item: &Item) -> Result<(), Refusal> {
    let role = match item.role.as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        other => {
            let message = format!("Invalid value: '{}'.", other.unwrap_or("null"));
            let refusal = Refusal::invalid(message).code("invalid_value");
            return Err(refusal.param(format!("input[{index}].role")));
        }
    };
    let content = item.content.as_ref();
    let content = content.ok_or_else(|| missing(&format!("input[{index}].content")))?;
    if let Content::Parts(parts) = content {
        check_side(role, index, parts)?;
    }
    prompt.add(role, said(content, index, "content")?);
    Ok(())
}

/// What the model said is output, and what it was told is input.
fn check_side(role: Role, index: usize, parts: &[Part]) -> Result<(), Refusal> {
    let fits = |part: &&Part| match role {
        Role::Assistant => matches!(&*part.r#type, "output_text" | "refusal"),
        _ => part.r#type.starts_with("input_"),
    };
    match parts.iter().enumerate().find(|(_, part)| !fits(part)) {
        None => Ok(()),
        Some((at, part)) => {
            let message = format!("Invalid value: '{}'.", part.r#type);
            let refusal = Refusal::invalid(message).code("invalid_value");
            Err(refusal.param(format!("input[{index}].content[{at}]")))
        }
    }
}

/// Reasoning in words with its proof, or the proof alone.
fn thought(summary: &[Part], item: &Item) -> Vec<prompt::Item> {
    let mut texts: Vec<&str> = summary.iter().filter_map(|part| part.text.as_deref()).collect();
    if let Some(Content::Parts(parts)) = &item.content {
        texts.extend(parts.iter().filter_map(|part| part.text.as_deref()));
    }
    let proof = item.encrypted_content.clone();
    let item = match (texts.is_empty(), proof) {
        (true, None) => return Vec::new(),
        (true, Some(proof)) => prompt::Item::new(Body::Sealed(proof)),
        (false, signature) => {
            prompt::Item { signature, ..prompt::Item::new(Body::Reasoning(texts.concat())) }
        }
    };
    vec![item]
}

fn said(content: &Content, index: usize, field: &str) -> Result<Vec<prompt::Item>, Refusal> {
    match content {
        Content::Text(text) => Ok(vec![prompt::Item::text(text)]),
        Content::Parts(parts) => {
            let items = parts.iter().enumerate().map(|(at, part)| {
                let body = body(part, &format!("input[{index}].{field}[{at}]"))?;
                let breakpoint = part.prompt_cache_breakpoint.is_some();
                Ok(prompt::Item { breakpoint, ..prompt::Item::new(body) })
            });
            items.collect()
        }
    }
}

fn body(part: &Part, place: &str) -> Result<Body, Refusal> {
    let need = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| missing(&format!("{place}.{name}")))
    };
    let file = |kind| {
        let source = Source::File(part.file_id.clone()?);
        Some(Body::Media(Media { kind, source, mime: None, name: None }))
    };
    Ok(match &*part.r#type {
        "input_text" | "output_text" => Body::Text(need("text", &part.text)?),
        "refusal" => Body::Text(need("refusal", &part.refusal)?),
        "input_image" => match file("image") {
            Some(body) => body,
            None => {
                let url = need("image_url", &part.image_url)?;
                Body::Media(Media::at("image", &url, None))
            }
        },
        "input_file" => match file("document") {
            Some(body) => body,
            None => {
                let data = part.file_data.clone().or_else(|| part.file_url.clone());
                let data = need("file_data", &data)?;
                Body::Media(Media::at("document", &data, part.filename.clone()))
            }
        },
        "input_audio" => {
            let audio = part.input_audio.as_ref().ok_or_else(|| missing(place))?;
            let (source, mime) = (Source::Data(audio.data.clone()), Some(audio.format.clone()));
            Body::Media(Media { kind: "audio", source, mime, name: None })
        }
        other => {
            let message = format!("Invalid value: '{other}'.");
            return Err(Refusal::invalid(message).code("invalid_value").param(place));
        }
    })
}
