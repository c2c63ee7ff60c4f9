//! The choices of a response: what each says, and how it ends.

use std::collections::BTreeMap;

use plugway_sdk::chat::{Citation, Event, Failure, Finish, FinishReason, Part, PartBody, Piece};
use plugway_sdk::provider::Places;
use serde_json::Value;

use super::calls::Calls;
use super::fields::{extras, index, list, text};
use super::{media, reasoning};

/// Fields of a choice that are modelled.
const MODELLED: [&str; 7] =
    ["index", "message", "delta", "logprobs", "finish_reason", "text", "usage"];

/// What tells the parts of a choice apart.
#[derive(Debug, PartialEq)]
pub(super) enum Key {
    Text,
    Refusal,
    Reasoning,
    /// An item of `reasoning_details`, by its kind and index.
    Detail(&'static str, u32),
    Audio,
    /// The n-th image.
    Image(u32),
    /// A call, by its number in `Calls`.
    Call(usize),
}

/// All choices of one response.
pub(super) struct Choices {
    native: bool,
    places: Places<Key>,
    calls: Calls,
    images: u32,
    /// Choices that were seen, and whether they have finished.
    finished: BTreeMap<u32, bool>,
}

impl Choices {
    pub(super) fn new(native: bool) -> Self {
        Self {
            native,
            places: Places::default(),
            calls: Calls::new(native),
            images: 0,
            finished: BTreeMap::new(),
        }
    }

    pub(super) fn response_id(&mut self, id: &str) {
        self.calls.response_id(id);
    }

    pub(super) fn any(&self) -> bool {
        !self.finished.is_empty()
    }

    pub(super) fn all_finished(&self) -> bool {
        self.finished.values().all(|finished| *finished)
    }

    /// What is wrong with the choices that have ended.
    pub(super) fn failure(&self) -> Option<Failure> {
        let nameless =
            self.finished.iter().any(|(choice, ended)| *ended && self.calls.nameless(*choice));
        nameless.then(|| Failure::unavailable("the provider sent a tool call without a name"))
    }

    /// Reads one item of `choices`; the position stands in for a missing index.
    pub(super) fn read(&mut self, item: &Value, position: usize, events: &mut Vec<Event>) {
        let choice = index(item, "index").or(u32::try_from(position).ok()).unwrap_or_default();
        self.finished.entry(choice).or_insert(false);
        if let Some(said) = item.get("message").or_else(|| item.get("delta")) {
            self.said(choice, said, item.get("logprobs"), events);
        }
        if let Some(native) = text(item, "finish_reason") {
            self.finish(choice, item, native, events);
        }
    }

    /// Ends what a server left open before its end mark.
    pub(super) fn end(&mut self, events: &mut Vec<Event>) {
        for (choice, finished) in &mut self.finished {
            if !*finished {
                *finished = true;
                let reason = self.calls.reason(*choice, FinishReason::Stop);
                events.push(Event::Finish(Finish::new(*choice, reason, "")));
            }
        }
    }

    fn said(
        &mut self,
        choice: u32,
        said: &Value,
        logprobs: Option<&Value>,
        events: &mut Vec<Event>,
    ) {
        for (key, part) in reasoning::parts(said) {
            self.piece(choice, key, part, logprobs_of(logprobs, "reasoning_content"), events);
        }
        self.content(choice, said, logprobs_of(logprobs, "content"), events);
        if let Some(refusal) = text(said, "refusal") {
            let part = PartBody::Refusal(refusal.into()).into();
            self.piece(choice, Key::Refusal, part, logprobs_of(logprobs, "refusal"), events);
        }
        if let Some(part) = said.get("audio").and_then(|audio| media::audio(audio, self.native)) {
            self.piece(choice, Key::Audio, part, None, events);
        }
        for image in list(said, "images").iter().filter_map(media::image) {
            let key = Key::Image(self.images);
            self.images += 1;
            self.piece(choice, key, image, None, events);
        }
        self.calls.read(choice, said, &mut self.places, events);
    }

    fn content(
        &mut self,
        choice: u32,
        said: &Value,
        logprobs: Option<String>,
        events: &mut Vec<Event>,
    ) {
        let content = said.get("content").unwrap_or(&Value::Null);
        let mut written = String::new();
        match content {
            Value::String(text) => written.push_str(text),
            Value::Array(items) => {
                written.extend(items.iter().filter_map(|item| text(item, "text")));
            }
            _ => {}
        }
        let mut part = Part::text(written);
        part.citations = list(said, "annotations").iter().filter_map(citation).collect();
        let silent = matches!(&part.body, PartBody::Text(text) if text.is_empty());
        // A token can be half a character: then it has a probability and no text yet.
        let probable = logprobs.is_some() && content.is_string();
        if !silent || probable || !part.citations.is_empty() {
            self.piece(choice, Key::Text, part, logprobs, events);
        }
    }

    fn piece(
        &mut self,
        choice: u32,
        key: Key,
        part: Part,
        logprobs: Option<String>,
        events: &mut Vec<Event>,
    ) {
        let (index, _) = self.places.of(choice, key);
        events.push(Event::Piece(Piece { logprobs, ..Piece::new(choice, index, part) }));
    }

    fn finish(&mut self, choice: u32, item: &Value, native: &str, events: &mut Vec<Event>) {
        if self.finished.insert(choice, true) == Some(true) {
            return;
        }
        let mut finish = Finish::new(choice, self.calls.reason(choice, reason(native)), native);
        // By two names of compatible servers; numbers are ids of tokens.
        finish.stop_sequence = text(item, "stop_reason")
            .or_else(|| text(item, "matched_stop"))
            .filter(|sequence| *sequence != native)
            .map(Into::into);
        if self.native {
            finish.extra = extras(item, &MODELLED);
        }
        events.push(Event::Finish(finish));
    }
}

fn logprobs_of(logprobs: Option<&Value>, what: &str) -> Option<String> {
    let list = logprobs?.get(what)?;
    (!list.as_array()?.is_empty()).then(|| list.to_string())
}

/// The contract's word for the end of a choice. What compatible servers add to
/// OpenAI's own words is mostly another provider's.
fn reason(native: &str) -> FinishReason {
    match native.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "model_length" | "max_output_tokens" => FinishReason::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        "content_filter" | "content_filtered" | "safety" | "refusal" | "recitation"
        | "sensitive" => FinishReason::ContentFilter,
        "pause_turn" => FinishReason::Paused,
        "error"
        | "abort"
        | "aborted"
        | "cancelled"
        | "network_error"
        | "insufficient_system_resource" => FinishReason::Error,
        _ => FinishReason::Stop,
    }
}

fn citation(annotation: &Value) -> Option<Citation> {
    let source = annotation.get("url_citation")?;
    let owned = |name| text(source, name).map(Into::into);
    let span = index(source, "start_index").zip(index(source, "end_index"));
    Some(Citation {
        url: owned("url"),
        title: owned("title"),
        quote: owned("content"),
        span: span.filter(|(first, end)| first < end),
        extra: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finish_reasons() {
        let check = |native, expected| assert_eq!(reason(native), expected, "{native}");
        check("stop", FinishReason::Stop);
        check("eos", FinishReason::Stop);
        check("MAX_TOKENS", FinishReason::Length);
        check("function_call", FinishReason::ToolCalls);
        check("SAFETY", FinishReason::ContentFilter);
        check("insufficient_system_resource", FinishReason::Error);
        check("a word of the future", FinishReason::Stop);
    }
}
