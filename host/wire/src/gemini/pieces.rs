//! How the parts of an answer look, whole or streamed.

use plugway_engine::chat::{Media, MediaSource, Part, PartBody, Reasoning, ToolCall};

use super::{UNNAMED, signature};
use crate::json::{self, Writer, write_extra};

/// Names of a part that no native field may take.
const PART_FIELDS: [&str; 7] = [
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
];

/// Whether a client that wants thoughts, or does not, is told of the part. Who hides what
/// was thought is still told of its proof, without which no tool call can be answered.
pub(super) fn is_told(part: &Part, include_thoughts: bool) -> bool {
    match is_hidden(&part.body, include_thoughts) {
        true => part.signature.is_some() || part.id.is_some(),
        false => is_shown(&part.body) && says_something(part),
    }
}

/// The text of the part is a thought that the client does not want.
fn is_hidden(body: &PartBody, include_thoughts: bool) -> bool {
    let is_thought =
        matches!(body, PartBody::Reasoning(Reasoning::Text(_) | Reasoning::Summary(_)));
    is_thought && !include_thoughts
}

/// The tool of a call that cannot be told of.
pub(super) fn malformed(body: &PartBody) -> Option<&str> {
    match body {
        PartBody::ToolCall(call) if input(call).is_none() => Some(&call.name),
        _ => None,
    }
}

fn is_shown(body: &PartBody) -> bool {
    match body {
        PartBody::ToolCall(call) => input(call).is_some(),
        PartBody::Native(json) => json.trim_start().starts_with('{'),
        // Of a tool that the provider ran; there is no form for it in an answer.
        PartBody::ToolResult(_) => false,
        _ => true,
    }
}

/// Whether there is anything in the part.
fn says_something(part: &Part) -> bool {
    let is_empty = match &part.body {
        PartBody::Text(text)
        | PartBody::Refusal(text)
        | PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => text.is_empty(),
        _ => false,
    };
    !is_empty || !part.extra.is_empty() || signature::written(part).is_some()
}

/// The arguments of a call, where they are what the format has room for: an object. A
/// model that wrote nothing meant none.
pub(super) fn input(call: &ToolCall) -> Option<&str> {
    let input = call.input.trim();
    if input.is_empty() {
        return Some("{}");
    }
    let is_object = input.starts_with('{') && input.ends_with('}');
    (is_object && json::check(input).is_ok()).then_some(input)
}

/// One of `parts`.
pub(super) fn write_part(json: &mut Writer<'_>, part: &Part, include_thoughts: bool) {
    json.open(b'{');
    match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => json.key("text").string(text),
        PartBody::Reasoning(reasoning) => {
            let text = match reasoning {
                Reasoning::Text(text) | Reasoning::Summary(text) if include_thoughts => text,
                _ => "",
            };
            json.key("text").string(text);
            json.key("thought").boolean(true);
        }
        PartBody::ToolCall(call) => write_call(json.key("functionCall"), call),
        PartBody::Media(media) => write_media(json, media),
        PartBody::Native(native) => {
            let fields = native.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            if let Some(fields) = fields.map(str::trim).filter(|fields| !fields.is_empty()) {
                json.raw(fields);
            }
        }
        PartBody::ToolResult(_) => {}
    }
    if let Some(proof) = signature::written(part) {
        json.key("thoughtSignature").string(&proof);
    }
    write_extra(json, &part.extra, &PART_FIELDS);
    json.close(b'}');
}

fn write_call(json: &mut Writer<'_>, call: &ToolCall) {
    json.open(b'{');
    // The provider gave it none.
    if !call.id.starts_with(UNNAMED) {
        json.key("id").string(&call.id);
    }
    json.key("name").string(&call.name);
    json.key("args").raw(input(call).unwrap_or("{}"));
    json.close(b'}');
}

fn write_media(json: &mut Writer<'_>, media: &Media) {
    let mime = media.mime.as_deref();
    match &media.source {
        MediaSource::Base64(data) => {
            json.key("inlineData").open(b'{');
            json.key("mimeType").string(mime.unwrap_or("application/octet-stream"));
            json.key("data").string(data);
            json.close(b'}');
        }
        MediaSource::Uri(uri) | MediaSource::FileId(uri) => {
            json.key("fileData").open(b'{');
            if let Some(mime) = mime {
                json.key("mimeType").string(mime);
            }
            json.key("fileUri").string(uri);
            json.close(b'}');
        }
        MediaSource::Text(text) => json.key("text").string(text),
    }
}
