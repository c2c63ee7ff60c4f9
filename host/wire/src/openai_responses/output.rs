//! How the items of an answer look, under way and whole.

use plugway_engine::chat::{Media, MediaSource, Part, PartBody, Reasoning, ToolCall};

use super::carried::{self, Carried};
use super::layout::{Item, Kind, Layout, Spot};
use super::{citations, reasoning};
use crate::json::{Writer, write_extra, write_joined};

/// Names of an item that no native field may take.
const ITEM_FIELDS: [&str; 14] = [
    "id",
    "type",
    "status",
    "role",
    "content",
    "summary",
    "encrypted_content",
    "signature",
    "format",
    "call_id",
    "name",
    "arguments",
    "input",
    "result",
];

/// What was said: parts, and the tokens of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) parts: &'a [Part],
    /// Arrays shaped as in chat completions, for each part.
    pub(super) logprobs: &'a [Vec<String>],
}

impl<'a> Said<'a> {
    pub(super) fn part(self, place: usize) -> Option<&'a Part> {
        self.parts.get(place)
    }

    fn parts_of(self, item: &'a Item) -> impl Iterator<Item = (usize, &'a Part)> {
        item.parts.iter().filter_map(move |place| Some((*place, self.part(*place)?)))
    }
}

/// Places all parts of an answer that is whole.
pub(super) fn arrange(layout: &mut Layout, parts: &[Part]) -> Vec<Option<Spot>> {
    let mut spots = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        spots.push(layout.shows(part).then(|| layout.place(place, part, parts)));
    }
    spots
}

/// `output`: the items as they are. If the answer broke off, the last one is not whole.
pub(super) fn write_items(json: &mut Writer<'_>, layout: &Layout, said: Said<'_>, is_broken: bool) {
    let last = layout.items().iter().rposition(|item| item.kind != Kind::Proof);
    json.open(b'[');
    for (place, item) in layout.items().iter().enumerate() {
        let is_cut = is_broken && Some(place) == last;
        write_item(json, item, said, if is_cut { "incomplete" } else { "completed" });
    }
    json.close(b']');
}

/// One item as it is.
pub(super) fn write_item(json: &mut Writer<'_>, item: &Item, said: Said<'_>, status: &str) {
    let Some((place, first)) = said.parts_of(item).next() else { return };
    match (item.kind, &first.body) {
        (Kind::Native, PartBody::Native(native)) => return json.raw(native),
        (Kind::Proof, _) => return write_proof(json, item, first),
        _ => json.open(b'{'),
    }
    json.key("id").string(&item.id);
    match (item.kind, &first.body) {
        (Kind::Call, PartBody::ToolCall(call)) => write_call(json, call, status, &call.input),
        (Kind::Image, PartBody::Media(media)) => write_image(json, media, status),
        (Kind::Reasoning, _) => write_reasoning(json, item, said),
        _ => {
            write_message(json, status);
            json.key("content").open(b'[');
            for (place, _) in said.parts_of(item) {
                write_content(json, said, place);
            }
            json.close(b']');
        }
    }
    write_extra(json, &extra_of(item, said, place), &ITEM_FIELDS);
    json.close(b'}');
}

/// What is said of the item stands on its parts.
fn extra_of(item: &Item, said: Said<'_>, first: usize) -> Vec<(String, String)> {
    match item.parts.as_slice() {
        [_] => said.part(first).map_or_else(Vec::new, |part| part.extra.clone()),
        _ => said.parts_of(item).flat_map(|(_, part)| part.extra.clone()).collect(),
    }
}

/// One item as it begins: nothing is in it yet.
pub(super) fn write_begun(json: &mut Writer<'_>, item: &Item, first: &Part) {
    match (item.kind, &first.body) {
        (Kind::Native, PartBody::Native(native)) => return json.raw(native),
        (Kind::Proof, _) => return write_proof(json, item, first),
        _ => json.open(b'{'),
    }
    json.key("id").string(&item.id);
    match (item.kind, &first.body) {
        (Kind::Call, PartBody::ToolCall(call)) => write_call(json, call, "in_progress", ""),
        (Kind::Reasoning, _) => {
            json.key("type").string("reasoning");
            json.key("summary").literal("[]");
        }
        (Kind::Image, _) => {
            json.key("type").string("image_generation_call");
            json.key("status").string("in_progress");
            json.key("result").literal("null");
        }
        _ => {
            write_message(json, "in_progress");
            json.key("content").literal("[]");
        }
    }
    write_extra(json, &first.extra, &ITEM_FIELDS);
    json.close(b'}');
}

fn write_message(json: &mut Writer<'_>, status: &str) {
    json.key("type").string("message");
    json.key("status").string(status);
    json.key("role").string("assistant");
}

fn write_call(json: &mut Writer<'_>, call: &ToolCall, status: &str, input: &str) {
    let (kind, name) =
        if call.freeform { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
    json.key("type").string(kind);
    json.key("status").string(status);
    json.key("call_id").string(&call.id);
    json.key("name").string(&call.name);
    json.key(name).string(input);
}

/// An image; one that lies elsewhere has no data to show.
fn write_image(json: &mut Writer<'_>, media: &Media, status: &str) {
    json.key("type").string("image_generation_call");
    json.key("status").string(status);
    match &media.source {
        MediaSource::Base64(data) => json.key("result").string(data),
        MediaSource::Uri(url) => {
            json.key("result").literal("null");
            json.key("url").string(url);
        }
        MediaSource::Text(_) | MediaSource::FileId(_) => json.key("result").literal("null"),
    }
    let format = media.mime.as_deref().and_then(|mime| mime.strip_prefix("image/"));
    json.key("output_format").string(format.unwrap_or("png"));
}

fn write_reasoning(json: &mut Writer<'_>, item: &Item, said: Said<'_>) {
    json.key("type").string("reasoning");
    let (mut sealed, mut signature, mut format) = (None, None, None);
    json.key("summary").open(b'[');
    for (place, part) in said.parts_of(item) {
        match &part.body {
            PartBody::Reasoning(Reasoning::Encrypted(data)) => sealed = Some(data),
            PartBody::Reasoning(Reasoning::Summary(_)) => write_content(json, said, place),
            _ => {}
        }
        signature = signature.or(part.signature.as_ref());
        format = format.or(part.format.as_ref());
    }
    json.close(b']');
    let thoughts = said.parts_of(item).filter(|(_, part)| is_thought(part));
    let mut thoughts = thoughts.peekable();
    if thoughts.peek().is_some() {
        json.key("content").open(b'[');
        for (place, _) in thoughts {
            write_content(json, said, place);
        }
        json.close(b']');
    }
    let is_own = Carried::is_own(format.map(String::as_str));
    if !is_own && (sealed.is_some() || signature.is_some()) {
        let first = said.parts_of(item).next().map(|(_, part)| part);
        let carried = Carried {
            kind: first.map_or(carried::Kind::Encrypted, kind),
            format: format.cloned(),
            id: first.and_then(|part| part.id.clone()),
            signature: signature.cloned(),
            data: sealed.cloned(),
        };
        json.key("encrypted_content").string(&carried.written());
    } else if let Some(data) = sealed {
        json.key("encrypted_content").string(data);
    }
    if let Some(signature) = signature {
        json.key("signature").string(signature);
    }
    json.key("format").string(format.map_or(reasoning::UNKNOWN_FORMAT, String::as_str));
}

fn kind(part: &Part) -> carried::Kind {
    match &part.body {
        PartBody::Reasoning(Reasoning::Text(_)) => carried::Kind::Text,
        PartBody::Reasoning(Reasoning::Summary(_)) => carried::Kind::Summary,
        _ => carried::Kind::Encrypted,
    }
}

fn is_thought(part: &Part) -> bool {
    matches!(&part.body, PartBody::Reasoning(Reasoning::Text(text)) if !text.is_empty())
}

fn write_proof(json: &mut Writer<'_>, item: &Item, part: &Part) {
    json.open(b'{');
    json.key("id").string(&item.id);
    json.key("type").string("reasoning");
    json.key("summary").literal("[]");
    let signature = part.signature.clone();
    let (kind, signature, data) = match part.body {
        PartBody::ToolCall(_) => (carried::Kind::Call, None, signature),
        _ => (carried::Kind::Said, signature, None),
    };
    let (format, id) = (part.format.clone(), Some(item.id.clone()));
    let carried = Carried { kind, format, id, signature, data };
    json.key("encrypted_content").string(&carried.written());
    json.key("format").string(part.format.as_deref().unwrap_or(reasoning::UNKNOWN_FORMAT));
    json.close(b'}');
}

/// One part of an item's content or summary, as it is; nothing where it has no form.
pub(super) fn write_content(json: &mut Writer<'_>, said: Said<'_>, place: usize) {
    let Some(part) = said.part(place) else { return };
    match &part.body {
        PartBody::Text(text) => {
            let logprobs = said.logprobs.get(place).map_or(&[][..], Vec::as_slice);
            write_text(json, part, text, logprobs);
        }
        PartBody::Refusal(text) => write_plain(json, "refusal", "refusal", text),
        PartBody::Reasoning(Reasoning::Text(text)) => {
            write_plain(json, "reasoning_text", "text", text);
        }
        PartBody::Reasoning(Reasoning::Summary(text)) if !text.is_empty() => {
            write_plain(json, "summary_text", "text", text);
        }
        _ => {}
    }
}

/// The same part as it begins: nothing is in it yet.
pub(super) fn write_empty_content(json: &mut Writer<'_>, part: &Part) {
    match &part.body {
        PartBody::Refusal(_) => write_plain(json, "refusal", "refusal", ""),
        PartBody::Reasoning(Reasoning::Text(_)) => write_plain(json, "reasoning_text", "text", ""),
        PartBody::Reasoning(_) => write_plain(json, "summary_text", "text", ""),
        _ => json.raw(r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#),
    }
}

fn write_plain(json: &mut Writer<'_>, kind: &str, name: &str, text: &str) {
    json.open(b'{');
    json.key("type").string(kind);
    json.key(name).string(text);
    json.close(b'}');
}

fn write_text(json: &mut Writer<'_>, part: &Part, text: &str, logprobs: &[String]) {
    json.open(b'{');
    json.key("type").string("output_text");
    json.key("text").string(text);
    json.key("annotations").open(b'[');
    // Counted once, and only where it is asked for: a text may be long, and cited often.
    let mut length = None;
    for citation in part.citations.iter().filter(|citation| citations::has_form(citation)) {
        let length = *length.get_or_insert_with(|| characters(text));
        citations::write(json, citation, length);
    }
    json.close(b']');
    write_joined(json.key("logprobs"), logprobs);
    json.close(b'}');
}

/// Length of a text as citations count it.
pub(super) fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
