//! The choices of a response: what each says, and how it ends.

use std::collections::{BTreeMap, BTreeSet};

use plugway_sdk::chat::{
    Citation, Event, Extra, Failure, Finish, FinishReason, Part, PartBody, Piece,
};
use plugway_sdk::provider::Places;

use super::calls::Calls;
use super::{media, reasoning, sources};
use crate::node::Node;

/// Fields of a choice that are modelled.
const MODELLED: [&str; 8] = [
    "index",
    "message",
    "delta",
    "logprobs",
    "finish_reason",
    "native_finish_reason",
    "text",
    "usage",
];

/// Fields of a message or delta that are modelled, or say nothing.
const SAID: [&str; 15] = [
    "role",
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_text",
    "reasoning_details",
    "reasoning_encrypted",
    "tool_calls",
    "function_call",
    "annotations",
    "images",
    "audio",
    "padding",
    "token_id",
];

/// What tells the parts of a choice apart.
#[derive(Debug, PartialEq)]
pub(super) enum Key {
    /// The text between two thoughts, by its place among such texts.
    Text(u32),
    Refusal,
    Reasoning,
    /// A thought among the items of the content, by its place among the texts.
    Thought(u32),
    /// An item of `reasoning_details`, by its kind and index.
    Detail(&'static str, u32),
    /// One that is encrypted: the n-th, for it comes in one bit.
    Encrypted(u32),
    Audio,
    /// The n-th image.
    Image(u32),
    /// A call, by its number in `Calls`.
    Call(usize),
}

/// All choices of one response.
pub(super) struct Choices {
    native: bool,
    /// The response is not a stream.
    whole: bool,
    places: Places<Key>,
    calls: Calls,
    images: u32,
    encrypted: u32,
    /// Choices that were seen, and whether they have finished.
    finished: BTreeMap<u32, bool>,
    /// Choices whose text has begun, and whether the sources were told with it.
    texts: BTreeMap<u32, bool>,
    /// Of each choice: how many thoughts interrupted its text, and whether there was text
    /// since the last.
    thoughts: BTreeMap<u32, (u32, bool)>,
    sources: Vec<Citation>,
}

impl Choices {
    pub(super) fn new(native: bool) -> Self {
        Self {
            native,
            whole: false,
            places: Places::default(),
            calls: Calls::new(native),
            images: 0,
            encrypted: 0,
            finished: BTreeMap::new(),
            texts: BTreeMap::new(),
            thoughts: BTreeMap::new(),
            sources: Vec::new(),
        }
    }

    /// What is read is a whole response.
    pub(super) fn read_whole(&mut self) {
        self.whole = true;
    }

    pub(super) fn response_id(&mut self, id: &str) {
        self.calls.response_id(id);
    }

    /// Takes in the sources of the answer, which servers repeat.
    pub(super) fn found(&mut self, sources: Vec<Citation>) {
        if self.sources.is_empty() {
            self.sources = sources;
        }
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
    pub(super) fn read(&mut self, item: &Node, position: usize, events: &mut Vec<Event>) {
        let choice = item.index("index").or(u32::try_from(position).ok()).unwrap_or_default();
        if *self.finished.entry(choice).or_insert(false) {
            return;
        }
        let (message, delta) = (item.get("message"), item.get("delta"));
        // Some servers repeat all that was said so far beside what is new.
        let said = if self.whole { message.or(delta) } else { delta.or(message) };
        if let Some(said) = said {
            self.said(choice, said, item.get("logprobs"), events);
        }
        // Some servers write the word for that they have none.
        if let Some(native) = item.text("finish_reason").filter(|reason| *reason != "null") {
            self.finish(choice, item, native, events);
        }
    }

    /// Ends what a server left open before its end mark.
    pub(super) fn end(&mut self, events: &mut Vec<Event>) {
        let open: BTreeSet<u32> =
            self.finished.iter().filter(|(_, ended)| !**ended).map(|(choice, _)| *choice).collect();
        for choice in open {
            self.finish(choice, &Node::Null, "", events);
        }
    }

    fn said(&mut self, choice: u32, said: &Node, logprobs: Option<&Node>, events: &mut Vec<Event>) {
        for (key, part) in reasoning::parts(said, &mut self.encrypted) {
            self.piece(choice, key, part, logprobs_of(logprobs, "reasoning_content"), events);
        }
        let mut extra = if self.native { said.extras(&SAID) } else { Vec::new() };
        self.content(choice, said, logprobs_of(logprobs, "content"), &mut extra, events);
        // What no text could carry is carried by one that says nothing.
        if !extra.is_empty() {
            self.bit_of_text(choice, Part { extra, ..Part::text("") }, None, events);
        }
        if let Some(refusal) = said.text("refusal") {
            let part = PartBody::Refusal(refusal.into()).into();
            self.piece(choice, Key::Refusal, part, logprobs_of(logprobs, "refusal"), events);
        }
        if let Some(part) = said.get("audio").and_then(|audio| media::audio(audio, self.native)) {
            self.piece(choice, Key::Audio, part, None, events);
        }
        for image in said.list("images").iter().filter_map(media::image) {
            self.image(choice, image, events);
        }
        self.calls.read(choice, said, &mut self.places, events);
    }

    /// The content: a string, or items of several kinds in the order of the answer.
    fn content(
        &mut self,
        choice: u32,
        said: &Node,
        logprobs: Option<String>,
        extra: &mut Vec<Extra>,
        events: &mut Vec<Event>,
    ) {
        let mut part = Part::text("");
        part.citations = said.list("annotations").iter().filter_map(sources::annotation).collect();
        // A token can be half a character: then it has a probability and no text yet.
        let spoken = said.get("content").and_then(Node::as_text).is_some();
        if let Some(text) = said.text("content") {
            part.body = PartBody::Text(text.into());
        }
        for item in said.list("content") {
            match item.text("type") {
                Some("thinking") => {
                    if let Some(thought) = reasoning::thought(item) {
                        self.thought(choice, thought, events);
                    }
                }
                Some("reference" | "tool_reference") => {
                    part.citations.extend(sources::reference(item, self.native));
                }
                Some("image_url") => {
                    if let Some(image) = media::image(item) {
                        self.image(choice, image, events);
                    }
                }
                _ => {
                    let text = Part::text(item.text("text").unwrap_or_default());
                    self.text(choice, text, None, extra, events);
                }
            }
        }
        self.text(choice, part, logprobs.filter(|_| spoken), extra, events);
    }

    /// A bit of the text, unless it says nothing.
    fn text(
        &mut self,
        choice: u32,
        mut part: Part,
        logprobs: Option<String>,
        extra: &mut Vec<Extra>,
        events: &mut Vec<Event>,
    ) {
        let silent = matches!(&part.body, PartBody::Text(text) if text.is_empty());
        if silent && logprobs.is_none() && part.citations.is_empty() {
            return;
        }
        if !std::mem::replace(self.texts.entry(choice).or_insert(false), !self.sources.is_empty()) {
            part.citations.extend(self.sources.iter().cloned());
        }
        part.extra = std::mem::take(extra);
        self.bit_of_text(choice, part, logprobs, events);
    }

    fn bit_of_text(
        &mut self,
        choice: u32,
        part: Part,
        logprobs: Option<String>,
        events: &mut Vec<Event>,
    ) {
        let (place, spoken) = self.thoughts.entry(choice).or_default();
        *spoken |= !matches!(&part.body, PartBody::Text(text) if text.is_empty());
        let key = Key::Text(*place);
        self.piece(choice, key, part, logprobs, events);
    }

    /// A bit of a thought that has a place among the texts.
    fn thought(&mut self, choice: u32, thought: Part, events: &mut Vec<Event>) {
        let (place, spoken) = self.thoughts.entry(choice).or_default();
        *place += u32::from(std::mem::take(spoken));
        let key = Key::Thought(*place);
        self.piece(choice, key, thought, None, events);
    }

    fn image(&mut self, choice: u32, image: Part, events: &mut Vec<Event>) {
        let key = Key::Image(self.images);
        self.images += 1;
        self.piece(choice, key, image, None, events);
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

    fn finish(&mut self, choice: u32, item: &Node, native: &str, events: &mut Vec<Event>) {
        self.finished.insert(choice, true);
        // Sources that came after the text.
        if self.texts.get(&choice) == Some(&false) && !self.sources.is_empty() {
            let part = Part { citations: self.sources.clone(), ..Part::text("") };
            self.texts.insert(choice, true);
            self.bit_of_text(choice, part, None, events);
        }
        let reason = self.calls.reason(choice, reason(native));
        // A router of providers tells the word of the one that it routed to.
        let native = item.text("native_finish_reason").unwrap_or(native);
        let mut finish = Finish::new(choice, reason, native);
        // By two names of compatible servers; numbers are ids of tokens.
        finish.stop_sequence = item
            .text("stop_reason")
            .or_else(|| item.text("matched_stop"))
            .filter(|sequence| *sequence != native)
            .map(Into::into);
        if self.native {
            finish.extra = item.extras(&MODELLED);
        }
        events.push(Event::Finish(finish));
    }
}

fn logprobs_of(logprobs: Option<&Node>, what: &str) -> Option<String> {
    let list = logprobs?.get(what)?;
    matches!(list, Node::List(items) if !items.is_empty()).then(|| list.json())
}

/// The contract's word for the end of a choice. What compatible servers add to
/// OpenAI's own words is mostly another provider's.
pub(crate) fn reason(native: &str) -> FinishReason {
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
