//! An answer in one piece.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::{MediaKind, Part, PartBody};

use super::pieces::{self, CHOICE_FIELDS, MESSAGE_FIELDS, RESPONSE_FIELDS};
use crate::answer::{Answer, Choice};
use crate::json::{Writer, write_extra};
use crate::{Bill, ErrorBody, Head, routed};

/// Writes a `chat.completion`. `failure` tells of an answer that broke off: what
/// there is of it is shown, and each choice that did not finish says why.
pub(super) fn encode(
    answer: &Answer,
    head: &Head,
    include_reasoning: bool,
    bill: Option<&Bill>,
    failure: Option<&ErrorBody>,
) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    head.write(&mut json, "chat.completion");
    if let Some(tier) = &answer.tally().service_tier {
        json.key("service_tier").string(tier);
    }
    write_extra(&mut json, answer.extra(), &RESPONSE_FIELDS);
    if answer.extra().iter().all(|(name, _)| name != "system_fingerprint") {
        // OpenRouter's own client takes no whole answer without it.
        json.key("system_fingerprint").literal("null");
    }
    json.key("choices").open(b'[');
    for choice in answer.choices() {
        write_choice(&mut json, choice, include_reasoning, failure);
    }
    if let (Some(failure), []) = (failure, answer.choices()) {
        let nothing = Choice::new(0);
        write_choice(&mut json, &nothing, include_reasoning, Some(failure));
    }
    json.close(b']');
    if let Some(bill) = bill {
        bill.write(json.key("usage"));
    }
    routed::write(&mut json, bill, failure);
    json.close(b'}');
    out.freeze()
}

impl Head {
    pub(crate) fn write(&self, json: &mut Writer<'_>, object: &str) {
        json.key("id").string(&self.id);
        json.key("object").string(object);
        json.key("created").number(self.created);
        json.key("model").string(&self.model);
        json.key("provider").string(&self.provider);
    }
}

fn write_choice(
    json: &mut Writer<'_>,
    choice: &Choice,
    include_reasoning: bool,
    failure: Option<&ErrorBody>,
) {
    json.open(b'{');
    json.key("index").number(u64::from(choice.index));
    json.key("message");
    write_message(json, &choice.parts, include_reasoning);
    match (&choice.finish, failure) {
        (None, Some(failure)) => {
            json.key("finish_reason").string("error");
            json.key("native_finish_reason").literal("null");
            failure.write(json.key("error"));
        }
        (finish, _) => pieces::write_finish(json, finish.as_ref()),
    }
    let (content, mut reasoning) = (&choice.logprobs[..], &choice.reasoning_logprobs[..]);
    if !include_reasoning {
        reasoning = &[];
    }
    pieces::write_logprobs(json.key("logprobs"), content, reasoning);
    if let Some(finish) = &choice.finish {
        write_extra(json, &finish.extra, &CHOICE_FIELDS);
    }
    json.close(b'}');
}

fn write_message(json: &mut Writer<'_>, parts: &[Part], include_reasoning: bool) {
    json.open(b'{');
    json.key("role").string("assistant");
    let text = joined(parts, |body| match body {
        PartBody::Text(text) => Some(text),
        _ => None,
    });
    json.key("content").string_or_null(text.as_deref());
    let refusal = joined(parts, |body| match body {
        PartBody::Refusal(text) => Some(text),
        _ => None,
    });
    json.key("refusal").string_or_null(refusal.as_deref());
    if include_reasoning {
        let reasoning = joined(parts, |body| match body {
            PartBody::Reasoning(reasoning) => Some(pieces::readable(reasoning)),
            _ => None,
        });
        let reasoning = reasoning.filter(|text| !text.is_empty());
        json.key("reasoning").string_or_null(reasoning.as_deref());
    }
    write_details(json, parts, include_reasoning);
    write_calls(json, parts);
    write_annotations(json, parts);
    write_media(json, parts);
    let said = |part: &&Part| matches!(part.body, PartBody::Text(_) | PartBody::Refusal(_));
    let extra = parts.iter().filter(said).flat_map(|part| &part.extra);
    write_extra(json, &extra.cloned().collect::<Vec<_>>(), &MESSAGE_FIELDS);
    json.close(b'}');
}

/// The texts that `pick` picks, joined; none where it picks nothing.
fn joined<'p>(parts: &'p [Part], pick: impl Fn(&'p PartBody) -> Option<&'p str>) -> Option<String> {
    let texts = parts.iter().filter_map(|part| pick(&part.body));
    texts.fold(None, |whole, text| Some(whole.unwrap_or_default() + text))
}

fn write_details(json: &mut Writer<'_>, parts: &[Part], include_reasoning: bool) {
    let mut details =
        parts.iter().filter(|part| pieces::has_detail(part, include_reasoning)).peekable();
    if details.peek().is_none() {
        return;
    }
    json.key("reasoning_details").open(b'[');
    for (part, index) in details.zip(0..) {
        let call_id = match &part.body {
            PartBody::ToolCall(call) => Some(&*call.id),
            _ => None,
        };
        pieces::write_detail(json, part, call_id, index);
    }
    json.close(b']');
}

fn write_calls(json: &mut Writer<'_>, parts: &[Part]) {
    let mut calls = parts
        .iter()
        .filter_map(|part| match &part.body {
            PartBody::ToolCall(call) => Some((part, call)),
            _ => None,
        })
        .peekable();
    if calls.peek().is_none() {
        return;
    }
    json.key("tool_calls").open(b'[');
    for (part, call) in calls {
        pieces::write_call(json, call, &part.extra, None, call.freeform);
    }
    json.close(b']');
}

fn write_annotations(json: &mut Writer<'_>, parts: &[Part]) {
    if !parts.iter().any(pieces::has_annotations) {
        return;
    }
    json.key("annotations").open(b'[');
    let mut offset: u32 = 0;
    for part in parts {
        pieces::write_annotations(json, &part.citations, offset);
        if let PartBody::Text(text) = &part.body {
            offset = offset.saturating_add(pieces::characters(text));
        }
    }
    json.close(b']');
}

fn write_media(json: &mut Writer<'_>, parts: &[Part]) {
    let of_kind = |kind: MediaKind| {
        parts.iter().filter_map(move |part| match &part.body {
            PartBody::Media(media) if media.kind == kind => Some((part, media)),
            _ => None,
        })
    };
    let mut images = of_kind(MediaKind::Image).peekable();
    if images.peek().is_some() {
        json.key("images").open(b'[');
        for (_, image) in images {
            pieces::write_image(json, image);
        }
        json.close(b']');
    }
    // The dialect has room for one sound.
    if let Some((part, audio)) = of_kind(MediaKind::Audio).next() {
        pieces::write_audio(json.key("audio"), part, audio);
    }
}
