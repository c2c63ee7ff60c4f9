//! A response as it is in the end.

use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Usage};
use crate::speech::{Cite, Say};

/// What one item of the output is made of.
pub(super) enum Group<'a> {
    Thought(&'a Say),
    /// Texts and refusals that follow each other.
    Message(Vec<&'a Say>),
    Call(&'a str, &'a str),
}

/// The answer's parts as items.
pub(super) fn groups<'a>(answer: &Answer<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for say in &answer.reply.parts {
        match say {
            Say::Reasoning(_) | Say::Sealed(_) => groups.push(Group::Thought(say)),
            Say::Call { name, arguments } => groups.push(Group::Call(name, arguments)),
            Say::Text(_) | Say::Cited { .. } | Say::Refusal(_) => match groups.last_mut() {
                Some(Group::Message(said)) => said.push(say),
                _ => groups.push(Group::Message(vec![say])),
            },
        }
    }
    groups
}

/// The whole response.
pub(super) fn response(answer: &Answer<'_>) -> Value {
    let groups = groups(answer);
    let items = groups.iter().enumerate().map(|(place, group)| item(answer, place, group));
    let output: Vec<Value> = items.collect();
    let (status, reason) = match answer.reply.finish {
        Finish::Length => ("incomplete", Some("max_output_tokens")),
        Finish::ContentFilter => ("incomplete", Some("content_filter")),
        Finish::Stop | Finish::ToolCalls | Finish::StopSequence(_) => ("completed", None),
    };
    let mut response = begun(answer, status);
    response["output"] = output.into();
    response["incomplete_details"] = reason.map(|reason| json!({"reason": reason})).into();
    response["usage"] = usage(&answer.reply.usage);
    response
}

/// The response before it has output.
pub(super) fn begun(answer: &Answer<'_>, status: &str) -> Value {
    let prompt = answer.prompt;
    let mut response = json!({
        "id": ids::hex_id("resp_", answer.number),
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": prompt.max_tokens,
        "metadata": {},
        "model": prompt.model,
        "output": [],
        "parallel_tool_calls": prompt.parallel_calls.unwrap_or(true),
        "previous_response_id": null,
        "reasoning": {"effort": prompt.effort, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": prompt.temperature.unwrap_or(1.0),
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": prompt.top_p.unwrap_or(1.0),
        "truncation": "disabled",
        "usage": null,
        "user": null,
    });
    if answer.extras {
        response["x_simulated"] = json!({"note": "no client knows this"});
    }
    response
}

/// An item as it is in the end.
pub(super) fn item(answer: &Answer<'_>, place: usize, group: &Group<'_>) -> Value {
    let number = answer.number_of(place);
    match group {
        Group::Thought(say) => {
            let summary = summary(answer, say).map(summary_part);
            let mut item = json!({"id": ids::hex_id("rs_", number), "type": "reasoning",
                                  "summary": summary.into_iter().collect::<Vec<_>>()});
            if answer.prompt.encrypted {
                item["encrypted_content"] = say.proof().into();
            }
            item
        }
        Group::Message(said) => json!({
            "id": ids::hex_id("msg_", number), "type": "message", "status": "completed",
            "role": "assistant", "content": said.iter().map(|say| part(say)).collect::<Vec<_>>()}),
        Group::Call(name, arguments) => json!({
            "id": ids::hex_id("fc_", number), "type": "function_call", "status": "completed",
            "call_id": ids::id("call_", number, 24), "name": name, "arguments": arguments}),
    }
}

/// The words of reasoning that the request wants to see.
pub(super) fn summary<'a>(answer: &Answer<'_>, say: &'a Say) -> Option<&'a str> {
    match say {
        Say::Reasoning(text) if answer.prompt.summarised => Some(text),
        _ => None,
    }
}

pub(super) fn summary_part(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

/// A part of a message as it is in the end.
pub(super) fn part(say: &Say) -> Value {
    match say {
        Say::Refusal(text) => json!({"type": "refusal", "refusal": text}),
        say => {
            let text = say.as_text().unwrap_or_default();
            json!({"type": "output_text", "text": text, "annotations": notes(say),
                   "logprobs": []})
        }
    }
}

/// The sources of a text.
pub(super) fn notes(say: &Say) -> Vec<Value> {
    let Say::Cited { text, sources } = say else { return Vec::new() };
    let end = text.chars().count();
    let note = |source: &Cite| {
        json!({"type": "url_citation", "start_index": 0, "end_index": end,
               "url": source.url, "title": source.title})
    };
    sources.iter().map(note).collect()
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt.saturating_add(usage.completion),
    })
}
