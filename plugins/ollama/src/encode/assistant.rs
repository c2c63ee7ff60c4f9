//! What an assistant said, which is one message whatever it holds: thoughts, then text,
//! then calls. What cannot be said in that order is refused.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, Message, Part, PartBody, Reasoning, ToolCall};
use serde_json::value::to_raw_value;

/// # Errors
/// Of kind `unsupported` where a part has no place, or stands where it has none.
pub(super) fn message(message: &Message, native: bool) -> Result<Object<'_>, Failure> {
    let mut thoughts: Vec<&str> = Vec::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut calls: Vec<Json<'_>> = Vec::new();
    for part in &message.parts {
        let in_order = match &part.body {
            PartBody::Reasoning(reasoning) => {
                let Some(thought) = readable(part, reasoning) else { continue };
                thoughts.push(thought);
                texts.is_empty() && calls.is_empty()
            }
            PartBody::Text(text) | PartBody::Refusal(text) => {
                texts.push(text);
                calls.is_empty()
            }
            PartBody::ToolCall(call) => {
                let extra = if native { part.extra.as_slice() } else { &[] };
                calls.push(tool_call(call)?.with_extra(extra)?.into());
                true
            }
            PartBody::Media(_) | PartBody::ToolResult(_) | PartBody::Native(_) => {
                return Err(Failure::unsupported("Ollama has no place for this part of an answer"));
            }
        };
        if !in_order {
            return Err(Failure::unsupported(
                "Ollama keeps an assistant's thoughts before its text, and its text before its \
                 tool calls",
            ));
        }
    }
    Ok(Object::new()
        .with("role", "assistant")
        .with("content", joined(&texts)?)
        .with_some("thinking", (!thoughts.is_empty()).then(|| joined(&thoughts)).transpose()?)
        .with_some("tool_calls", (!calls.is_empty()).then_some(calls)))
}

/// Thoughts that nobody signed. What a provider signed is for its eyes alone.
fn readable<'a>(part: &Part, reasoning: &'a Reasoning) -> Option<&'a str> {
    let anyones = part.format.as_deref().is_none_or(|format| format == "unknown");
    match reasoning {
        Reasoning::Text(text) | Reasoning::Summary(text) if anyones => Some(text),
        _ => None,
    }
}

/// One string of several: a message has no more, and the server would drop the calls of
/// a second one.
fn joined<'a>(texts: &[&'a str]) -> Result<Json<'a>, Failure> {
    match texts {
        [] => Ok("".into()),
        [text] => Ok((*text).into()),
        texts => to_raw_value(&texts.concat())
            .map(Json::from)
            .map_err(|_| Failure::unsupported("the message is no text")),
    }
}

fn tool_call(call: &ToolCall) -> Result<Object<'_>, Failure> {
    if call.freeform {
        return Err(Failure::unsupported("Ollama has no tools whose input is plain text"));
    }
    let input = match call.input.trim() {
        "" => "{}",
        input => input,
    };
    let no_object =
        |_| Failure::unsupported("Ollama takes the input of a tool call only as a JSON object");
    let arguments = raw(input, "messages.tool_calls.arguments").map_err(no_object)?;
    if !input.starts_with('{') {
        return Err(no_object(Failure::unsupported("")));
    }
    let function = Object::new().with("name", &call.name).with("arguments", arguments);
    Ok(Object::new().with("id", &call.id).with("type", "function").with("function", function))
}
