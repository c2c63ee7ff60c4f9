//! How the pieces of an answer look, whole or streamed.

use plugway_engine::chat;

use crate::json::{Writer, write_extra, write_joined};
use crate::routed;

/// Names of a message that no native field may take.
pub(super) const MESSAGE_FIELDS: [&str; 9] = [
    "role",
    "content",
    "refusal",
    "reasoning",
    "reasoning_details",
    "tool_calls",
    "annotations",
    "images",
    "audio",
];

/// Names of a choice that no native field may take.
pub(super) const CHOICE_FIELDS: [&str; 7] =
    ["index", "message", "delta", "finish_reason", "native_finish_reason", "logprobs", "error"];

/// Names of a response that no native field may take.
pub(super) const RESPONSE_FIELDS: [&str; 10] = [
    "id",
    "object",
    "created",
    "model",
    "provider",
    "service_tier",
    "choices",
    "usage",
    "error",
    routed::FIELD,
];

const CALL_FIELDS: [&str; 5] = ["index", "id", "type", "function", "custom"];

const AUDIO_FIELDS: [&str; 2] = ["id", "data"];

/// The reasoning that a person can read; empty where it is encrypted.
pub(crate) fn readable(reasoning: &chat::Reasoning) -> &str {
    match reasoning {
        chat::Reasoning::Text(text) | chat::Reasoning::Summary(text) => text,
        chat::Reasoning::Encrypted(_) => "",
    }
}

/// Whether the part has an entry among the `reasoning_details`: it is reasoning
/// with something in it, or it carries a proof that must come back.
pub(super) fn has_detail(part: &chat::Part, include_reasoning: bool) -> bool {
    match &part.body {
        chat::PartBody::Reasoning(
            chat::Reasoning::Text(text)
            | chat::Reasoning::Summary(text)
            | chat::Reasoning::Encrypted(text),
        ) => include_reasoning && (!text.is_empty() || part.signature.is_some()),
        // Hidden reasoning or not, a call without its proof breaks the next turn.
        chat::PartBody::ToolCall(_) => part.signature.is_some(),
        chat::PartBody::Text(_) => include_reasoning && part.signature.is_some(),
        _ => false,
    }
}

/// One entry of `reasoning_details`. The proof on a call is an encrypted entry
/// under the call's id, here as in the requests that bring it back.
pub(super) fn write_detail(
    json: &mut Writer<'_>,
    part: &chat::Part,
    call_id: Option<&str>,
    index: u32,
) {
    json.open(b'{');
    let signature = part.signature.as_deref();
    match &part.body {
        chat::PartBody::Reasoning(chat::Reasoning::Text(text)) => {
            json.key("type").string("reasoning.text");
            if !text.is_empty() {
                json.key("text").string(text);
            }
            if let Some(signature) = signature {
                json.key("signature").string(signature);
            }
        }
        chat::PartBody::Reasoning(chat::Reasoning::Summary(text)) => {
            json.key("type").string("reasoning.summary");
            json.key("summary").string(text);
        }
        chat::PartBody::Reasoning(chat::Reasoning::Encrypted(data)) => {
            json.key("type").string("reasoning.encrypted");
            json.key("data").string(data);
        }
        _ => {
            json.key("type").string("reasoning.encrypted");
            json.key("data").string(signature.unwrap_or_default());
        }
    }
    if let Some(id) = call_id.or(part.id.as_deref()) {
        json.key("id").string(id);
    }
    // Of a streamed block the format may only come with its signature.
    if let Some(format) = &part.format {
        json.key("format").string(format);
    }
    json.key("index").number(u64::from(index));
    if matches!(part.body, chat::PartBody::Reasoning(_)) {
        let ours = ["type", "text", "summary", "data", "signature", "id", "format", "index"];
        write_extra(json, &part.extra, &ours);
    }
    json.close(b'}');
}

/// A tool call. `place` is its index among the calls, which only a stream tells; a
/// later bit of a streamed call has neither id nor name.
pub(super) fn write_call(
    json: &mut Writer<'_>,
    call: &chat::ToolCall,
    extra: &[(String, String)],
    place: Option<u32>,
    freeform: bool,
) {
    let (kind, input) = if freeform { ("custom", "input") } else { ("function", "arguments") };
    json.open(b'{');
    if let Some(place) = place {
        json.key("index").number(u64::from(place));
    }
    if !call.id.is_empty() {
        json.key("id").string(&call.id);
        json.key("type").string(kind);
    }
    json.key(kind).open(b'{');
    if !call.name.is_empty() {
        json.key("name").string(&call.name);
    }
    json.key(input).string(&call.input);
    json.close(b'}');
    write_extra(json, extra, &CALL_FIELDS);
    json.close(b'}');
}

/// Citations of one text, which begins `offset` characters into the content. One
/// without an address has no form in this dialect.
pub(super) fn write_annotations(json: &mut Writer<'_>, citations: &[chat::Citation], offset: u32) {
    for citation in citations {
        let Some(url) = &citation.url else {
            continue;
        };
        json.open(b'{');
        json.key("type").string("url_citation");
        json.key("url_citation").open(b'{');
        json.key("url").string(url);
        if let Some(title) = &citation.title {
            json.key("title").string(title);
        }
        if let Some(quote) = &citation.quote {
            json.key("content").string(quote);
        }
        if let Some((start, end)) = citation.span {
            let placed = |index: u32| u64::from(index) + u64::from(offset);
            json.key("start_index").number(placed(start));
            json.key("end_index").number(placed(end));
        }
        let ours = ["url", "title", "content", "start_index", "end_index"];
        write_extra(json, &citation.extra, &ours);
        json.close(b'}');
        json.close(b'}');
    }
}

/// Length of a text as citations count it.
pub(super) fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Whether [`write_annotations`] has anything to write.
pub(super) fn has_annotations(part: &chat::Part) -> bool {
    part.citations.iter().any(|citation| citation.url.is_some())
}

/// An image that the model made, as one of `images`.
pub(super) fn write_image(json: &mut Writer<'_>, image: &chat::Media) {
    json.open(b'{');
    json.key("type").string("image_url");
    json.key("image_url").open(b'{');
    json.key("url").string(&url(image));
    json.close(b'}');
    json.close(b'}');
}

fn url(media: &chat::Media) -> String {
    match &media.source {
        chat::MediaSource::Base64(data) => {
            let mime = media.mime.as_deref().unwrap_or("application/octet-stream");
            format!("data:{mime};base64,{data}")
        }
        chat::MediaSource::Uri(text)
        | chat::MediaSource::Text(text)
        | chat::MediaSource::FileId(text) => text.clone(),
    }
}

/// Sound that the model made.
pub(super) fn write_audio(json: &mut Writer<'_>, part: &chat::Part, audio: &chat::Media) {
    json.open(b'{');
    if let Some(id) = &part.id {
        json.key("id").string(id);
    }
    if let chat::MediaSource::Base64(data) = &audio.source {
        json.key("data").string(data);
    }
    write_extra(json, &part.extra, &AUDIO_FIELDS);
    json.close(b'}');
}

/// `logprobs`, from arrays that are joined; null where there are none.
pub(super) fn write_logprobs(json: &mut Writer<'_>, content: &[String], reasoning: &[String]) {
    if content.is_empty() && reasoning.is_empty() {
        json.literal("null");
        return;
    }
    json.open(b'{');
    write_joined(json.key("content"), content);
    json.key("refusal").literal("null");
    if !reasoning.is_empty() {
        write_joined(json.key("reasoning_content"), reasoning);
    }
    json.close(b'}');
}

/// `finish_reason`. This dialect has no word for an answer that pauses: it stops.
pub(super) fn finish_reason(reason: chat::FinishReason) -> &'static str {
    match reason {
        chat::FinishReason::Stop | chat::FinishReason::Paused => "stop",
        chat::FinishReason::Length => "length",
        chat::FinishReason::ToolCalls => "tool_calls",
        chat::FinishReason::ContentFilter => "content_filter",
        chat::FinishReason::Error => "error",
    }
}

/// `finish_reason` and `native_finish_reason`.
pub(crate) fn write_finish(json: &mut Writer<'_>, finish: Option<&chat::Finish>) {
    let reason = finish.map(|finish| finish_reason(finish.reason));
    json.key("finish_reason").string_or_null(reason);
    let native = finish.map(|finish| &*finish.native);
    let native = native.filter(|native| !native.is_empty());
    json.key("native_finish_reason").string_or_null(native);
}
