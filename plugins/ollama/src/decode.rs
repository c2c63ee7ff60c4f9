//! Answers as events. A whole answer is a stream of one line.

mod calls;
mod logprobs;

use plugway_formats::json::Fields;
use plugway_sdk::chat::{Event, Failure, Finish, FinishReason, Origin, Part, Piece, Usage};
use plugway_sdk::provider::{Frame, Places, ResponseHead, StreamDecoder, UpstreamResponse};

use crate::DIALECT;
use crate::errors::{self, unreadable};
use calls::Calls;

/// Fields of a line that events model; the others are native to it.
const MODELLED: [&str; 9] = [
    "model",
    "created_at",
    "message",
    "done",
    "done_reason",
    "prompt_eval_count",
    "eval_count",
    "logprobs",
    "error",
];

pub(crate) fn whole(response: &UpstreamResponse, memo: String) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(response.head.clone(), memo);
    // Mostly one line; a proxy may have put a stream together.
    for line in serde_json::Deserializer::from_slice(&response.body).into_iter() {
        decoder.next(line.ok(), &mut events);
        if decoder.done {
            return events;
        }
    }
    decoder.end(&mut events);
    events
}

/// What tells the parts of an answer apart.
#[derive(Debug, PartialEq)]
enum Key {
    Thinking,
    Text,
    /// A call, by its number.
    Call(usize),
}

/// Reads the lines of one answer.
pub struct Decoder {
    /// The client takes native fields of this format.
    native: bool,
    model: Option<String>,
    places: Places<Key>,
    calls: Calls,
    /// The last line has come, or a failure.
    done: bool,
}

impl StreamDecoder for Decoder {
    /// `memo` is the dialect of the client.
    fn new(_: ResponseHead, memo: String) -> Self {
        Self {
            native: memo == DIALECT,
            model: None,
            places: Places::default(),
            calls: Calls::default(),
            done: false,
        }
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        if !self.done && !frame.data.trim_ascii().is_empty() {
            self.next(serde_json::from_slice(&frame.data).ok(), events);
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.done {
            events.push(Failure::unavailable("Ollama's answer broke off").into());
        }
    }
}

impl Decoder {
    fn next(&mut self, line: Option<Fields>, events: &mut Vec<Event>) {
        let read = line.ok_or_else(unreadable).and_then(|line| self.line(&line, events));
        if let Err(failure) = read {
            self.done = true;
            events.push(failure.into());
        }
    }

    fn line(&mut self, line: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        if let Some(failure) = errors::inside(line) {
            return Err(failure);
        }
        let model = line.text("model").filter(|model| self.model.as_ref() != Some(model));
        if model.is_some() {
            self.model.clone_from(&model);
            events.push(Event::Origin(Origin { model, ..Origin::default() }));
        }
        let done = line.get("done") == Some("true");
        let message = line.get("message").and_then(Fields::read);
        match message {
            Some(message) => self.message(line, &message, events)?,
            None if done => {}
            None => return Err(unreadable()),
        }
        if done {
            self.done = true;
            self.finish(line, events);
        }
        Ok(())
    }

    fn message(
        &mut self,
        line: &Fields,
        message: &Fields,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let filled = |name| message.text(name).filter(|text| !text.is_empty());
        let (thought, text) = (filled("thinking"), filled("content"));
        // They do not say what they are of: of the text, where there is any.
        let mut logprobs = line.get("logprobs").and_then(logprobs::array);
        if let Some(thought) = thought {
            let of_it = if text.is_none() { logprobs.take() } else { None };
            self.piece(Key::Thinking, Part::reasoning(thought), of_it, events);
        }
        // A token can be half a character: then it has a probability and no text yet.
        if text.is_some() || logprobs.is_some() {
            self.piece(Key::Text, Part::text(text.unwrap_or_default()), logprobs, events);
        }
        let calls: Vec<Fields> = match message.get("tool_calls") {
            None | Some("null") => Vec::new(),
            Some(calls) => serde_json::from_str(calls).map_err(|_| unreadable())?,
        };
        for call in calls {
            let time = line.text("created_at").unwrap_or_default();
            let (number, part) = self.calls.call(&call, &time, self.native)?;
            self.piece(Key::Call(number), part, None, events);
        }
        Ok(())
    }

    fn finish(&mut self, line: &Fields, events: &mut Vec<Event>) {
        let extra = if self.native { line.extra(&MODELLED) } else { Vec::new() };
        if !extra.is_empty() {
            events.push(Event::Origin(Origin { extra, ..Origin::default() }));
        }
        events.extend(usage(line).map(Event::Usage));
        let native = line.text("done_reason").unwrap_or_default();
        let reason = match native.as_str() {
            "length" => FinishReason::Length,
            // The server says `stop` after calls, too.
            "stop" | "tool_calls" | "" if self.calls.any() => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        events.push(Event::Finish(Finish::new(0, reason, native)));
    }

    fn piece(&mut self, key: Key, part: Part, logprobs: Option<String>, events: &mut Vec<Event>) {
        let (index, _) = self.places.of(0, key);
        events.push(Event::Piece(Piece { logprobs, ..Piece::new(0, index, part) }));
    }
}

/// None without the prompt's count: half a bill is a wrong one.
fn usage(line: &Fields) -> Option<Usage> {
    let count = |name| line.get(name)?.parse::<u64>().ok();
    Some(Usage {
        prompt_tokens: count("prompt_eval_count")?,
        completion_tokens: count("eval_count").unwrap_or_default(),
        ..Usage::default()
    })
}
