//! Answers as events. A whole answer goes through the same steps as a streamed one.

mod calls;
mod citations;
mod fields;
mod logprobs;

use plugway_sdk::chat::{
    Event, Failure, Finish, FinishReason, Origin, Part, PartBody, Piece, Reasoning,
};
use plugway_sdk::log;
use plugway_sdk::provider::{Frame, Places, ResponseHead, StreamDecoder, UpstreamResponse};
use serde_json::Value;

use crate::errors::{self, unreadable};
use crate::{DIALECT, PLAN_FORMAT, usage};
use calls::Calls;
use fields::{extras, index, list, text};

/// What some servers of this API send after the last event.
const DONE: &[u8] = b"[DONE]";

/// Fields of an answer, and of a stream's last event, that events model.
const MODELLED: [&str; 8] =
    ["id", "type", "role", "finish_reason", "message", "usage", "logprobs", "error"];

pub(crate) fn whole(response: &UpstreamResponse, memo: String) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(response.head.clone(), memo);
    let read = serde_json::from_slice(&response.body)
        .map_err(|_| unreadable())
        .and_then(|answer| decoder.answer(&answer, &mut events));
    if let Err(failure) = read {
        events.push(failure.into());
    }
    events
}

/// What tells the parts of an answer apart.
#[derive(Debug, PartialEq)]
enum Key {
    /// An item of the content, by its index.
    Text(u32),
    Thinking(u32),
    Plan,
    /// A call, by its number.
    Call(usize),
}

/// Reads one answer.
pub struct Decoder {
    /// The client takes native fields of this format.
    native: bool,
    places: Places<Key>,
    calls: Calls,
    /// The item of the content that the last text was of.
    text: Option<u32>,
    /// The last event has come, or a failure.
    done: bool,
}

impl StreamDecoder for Decoder {
    /// `memo` is the dialect of the client.
    fn new(_: ResponseHead, memo: String) -> Self {
        Self {
            native: memo == DIALECT,
            places: Places::default(),
            calls: Calls::default(),
            text: None,
            done: false,
        }
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        let data = frame.data.trim_ascii();
        if self.done || data.is_empty() || data == DONE {
            return;
        }
        let read = serde_json::from_slice(data)
            .map_err(|_| unreadable())
            .and_then(|event| self.event(&event, events));
        if let Err(failure) = read {
            self.done = true;
            events.push(failure.into());
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.done {
            events.push(Failure::unavailable("Cohere's answer broke off").into());
        }
    }
}

impl Decoder {
    fn answer(&mut self, answer: &Value, events: &mut Vec<Event>) -> Result<(), Failure> {
        if let Some(failure) = errors::inside(answer) {
            return Err(failure);
        }
        let message = answer.get("message").filter(|message| message.is_object());
        let message = message.ok_or_else(unreadable)?;
        let extra = if self.native { extras(answer, &MODELLED) } else { Vec::new() };
        self.origin(answer, extra, events);
        match message.get("content") {
            Some(Value::String(_)) => self.content(0, message, "content", None, events),
            _ => {
                for (place, item) in (0..).zip(list(message, "content")) {
                    self.item(place, item, None, events);
                }
            }
        }
        // Its tokens, and their places among the items, are those of the text.
        self.logprobs(answer.get("logprobs"), events);
        self.plan(message, events);
        for (place, call) in list(message, "tool_calls").iter().enumerate() {
            self.call(index(call, "index"), place, call, events)?;
        }
        for citation in list(message, "citations") {
            self.citation(citation, events);
        }
        self.finish(answer, events)
    }

    fn event(&mut self, event: &Value, events: &mut Vec<Event>) -> Result<(), Failure> {
        let place = index(event, "index").unwrap_or_default();
        let delta = event.get("delta").unwrap_or(&Value::Null);
        let message = delta.get("message").unwrap_or(&Value::Null);
        match text(event, "type").unwrap_or_default() {
            "message-start" => self.origin(event, Vec::new(), events),
            "content-start" | "content-delta" => {
                let item = message.get("content").unwrap_or(&Value::Null);
                self.item(place, item, delta.get("logprobs"), events);
            }
            "tool-plan-delta" => self.plan(message, events),
            "tool-call-start" | "tool-call-delta" => {
                for call in one_or_many(message, "tool_calls") {
                    self.call(index(event, "index"), self.calls.count(), call, events)?;
                }
            }
            "citation-start" => {
                for citation in one_or_many(message, "citations") {
                    self.citation(citation, events);
                }
            }
            "message-end" => {
                if self.native {
                    let extra = extras(delta, &MODELLED);
                    if !extra.is_empty() {
                        events.push(Event::Origin(Origin { extra, ..Origin::default() }));
                    }
                }
                self.done = true;
                self.finish(delta, events)?;
            }
            "content-end" | "tool-call-end" | "citation-end" | "debug" => {}
            _ => match errors::inside(event) {
                Some(failure) => return Err(failure),
                None => log::skipped("an event of an unknown type"),
            },
        }
        Ok(())
    }

    fn origin(&mut self, holder: &Value, extra: Vec<(String, String)>, events: &mut Vec<Event>) {
        let id = text(holder, "id").map(String::from);
        if let Some(id) = &id {
            self.calls.answer_id(id);
        }
        events.push(Event::Origin(Origin { id, extra, ..Origin::default() }));
    }

    /// An item of the content, or the next bit of it.
    fn item(
        &mut self,
        place: u32,
        item: &Value,
        logprobs: Option<&Value>,
        events: &mut Vec<Event>,
    ) {
        if item.get("thinking").is_some() {
            if let Some(thought) = text(item, "thinking") {
                self.piece(Key::Thinking(place), Part::reasoning(thought), None, events);
            }
            return;
        }
        self.content(place, item, "text", logprobs, events);
    }

    fn content(
        &mut self,
        place: u32,
        holder: &Value,
        field: &str,
        logprobs: Option<&Value>,
        events: &mut Vec<Event>,
    ) {
        let written = text(holder, field).unwrap_or_default();
        let logprobs = logprobs.and_then(logprobs::array);
        if !written.is_empty() || logprobs.is_some() {
            self.piece(Key::Text(place), Part::text(written), logprobs, events);
        }
    }

    /// The log probabilities of a whole answer, which stand apart from its text.
    fn logprobs(&mut self, logprobs: Option<&Value>, events: &mut Vec<Event>) {
        let Some(logprobs) = logprobs.and_then(logprobs::array) else { return };
        let key = Key::Text(self.text.unwrap_or_default());
        self.piece(key, Part::text(""), Some(logprobs), events);
    }

    fn plan(&mut self, message: &Value, events: &mut Vec<Event>) {
        if let Some(plan) = text(message, "tool_plan") {
            self.piece(Key::Plan, planned(plan), None, events);
        }
    }

    fn call(
        &mut self,
        given: Option<u32>,
        place: usize,
        call: &Value,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let place = given.and_then(|given| usize::try_from(given).ok()).unwrap_or(place);
        if let Some((number, part)) = self.calls.bit(place, call, self.native)? {
            self.piece(Key::Call(number), part, None, events);
        }
        Ok(())
    }

    /// A citation belongs to an item of the content, or to the plan.
    fn citation(&mut self, citation: &Value, events: &mut Vec<Event>) {
        let (key, mut part) = match text(citation, "type") {
            Some("PLAN") => (Key::Plan, planned("")),
            kind => {
                let place = index(citation, "content_index").or(self.text).unwrap_or_default();
                match kind {
                    Some("THINKING_CONTENT") => (Key::Thinking(place), Part::reasoning("")),
                    _ => (Key::Text(place), Part::text("")),
                }
            }
        };
        part.citations = citations::read(citation, self.native);
        self.piece(key, part, None, events);
    }

    fn finish(&mut self, ended: &Value, events: &mut Vec<Event>) -> Result<(), Failure> {
        events.extend(usage::of_chat(ended.get("usage")).map(Event::Usage));
        let native = text(ended, "finish_reason").unwrap_or_default();
        events.push(Event::Finish(Finish::new(0, self.calls.reason(reason(native)), native)));
        text(ended, "error").map_or(Ok(()), |message| Err(errors::failed(message)))
    }

    fn piece(&mut self, key: Key, part: Part, logprobs: Option<String>, events: &mut Vec<Event>) {
        if let Key::Text(place) = key {
            self.text = Some(place);
        }
        let (index, _) = self.places.of(0, key);
        events.push(Event::Piece(Piece { logprobs, ..Piece::new(0, index, part) }));
    }
}

fn planned(plan: &str) -> Part {
    let body = PartBody::Reasoning(Reasoning::Text(plan.into()));
    Part { format: Some(PLAN_FORMAT.into()), ..body.into() }
}

/// Events hold one thing where answers hold a list of them.
fn one_or_many<'a>(message: &'a Value, name: &str) -> &'a [Value] {
    match message.get(name) {
        Some(Value::Array(many)) => many,
        Some(one) if one.is_object() => std::slice::from_ref(one),
        _ => &[],
    }
}

/// The contract's word for the end of an answer.
fn reason(native: &str) -> FinishReason {
    match native {
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "ERROR" | "TIMEOUT" | "USER_CANCEL" => FinishReason::Error,
        _ => FinishReason::Stop,
    }
}
