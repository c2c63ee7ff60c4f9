//! A response as a stream of events.

use serde_json::{Value, json};

use super::answer::{Group, begun, groups, item, notes, part, response, summary, summary_part};
use crate::dialect::Answer;
use crate::reply::pieces;
use crate::speech::Say;
use crate::sse;
use crate::timeline::{Frames, Part};

/// Characters of a call's arguments in one delta.
const ARGUMENT_CHARS: u32 = 8;

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let mut events = Events { answer, frames, sequence: 0, place: 0, item_id: Value::Null };
    let begun = json!({"response": begun(answer, "in_progress")});
    events.event("response.created", begun.clone(), Part::Structure);
    events.event("response.in_progress", begun, Part::Structure);
    if answer.extras {
        events.event("response.weather_report", json!({"sky": "clear"}), Part::Structure);
    }
    for group in groups(answer) {
        events.item(&group);
    }
    let response = response(answer);
    let last = match response["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    events.event(last, json!({"response": response}), Part::Closing);
}

/// Writes the events of one stream.
struct Events<'a, 'f> {
    answer: &'a Answer<'a>,
    frames: &'f mut Frames,
    sequence: u32,
    /// Place and id of the item that is told of.
    place: usize,
    item_id: Value,
}

impl Events<'_, '_> {
    fn item(&mut self, group: &Group<'_>) {
        let whole = item(self.answer, self.place, group);
        self.item_id = whole["id"].clone();
        let mut empty = whole.clone();
        for (field, value) in
            [("summary", json!([])), ("content", json!([])), ("arguments", json!(""))]
        {
            if empty.get(field).is_some() {
                empty[field] = value;
            }
        }
        if empty.get("status").is_some() {
            empty["status"] = "in_progress".into();
        }
        let added = json!({"output_index": self.place, "item": empty});
        self.event("response.output_item.added", added, Part::Structure);
        match group {
            Group::Thought(say) => {
                if let Some(text) = summary(self.answer, say) {
                    self.summary(text);
                }
            }
            Group::Message(said) => {
                for (index, say) in said.iter().enumerate() {
                    self.part(index, say);
                }
            }
            Group::Call(_, arguments) => self.arguments(arguments),
        }
        let done = json!({"output_index": self.place, "item": whole});
        self.event("response.output_item.done", done, Part::Structure);
        self.place += 1;
    }

    fn summary(&mut self, text: &str) {
        let name = |what: &str| format!("response.reasoning_summary_{what}");
        let at = json!({"summary_index": 0});
        let with = |part: Value| merged(&at, json!({"part": part}));
        self.of_item(&name("part.added"), with(summary_part("")), Part::Structure);
        for piece in pieces(text, self.answer.chunk_chars) {
            let delta = merged(&at, json!({"delta": piece}));
            self.of_item(&name("text.delta"), delta, Part::Content);
        }
        self.of_item(&name("text.done"), merged(&at, json!({"text": text})), Part::Structure);
        self.of_item(&name("part.done"), with(summary_part(text)), Part::Structure);
    }

    fn part(&mut self, index: usize, say: &Say) {
        let at = json!({"content_index": index});
        let with = |value: Value| merged(&at, value);
        let whole = part(say);
        let refusal = matches!(say, Say::Refusal(_));
        let field = if refusal { "refusal" } else { "text" };
        let mut empty = whole.clone();
        empty[field] = "".into();
        if !refusal {
            empty["annotations"] = json!([]);
        }
        let added = with(json!({"part": empty}));
        self.of_item("response.content_part.added", added, Part::Structure);
        let text = whole[field].as_str().unwrap_or_default();
        let name = if refusal { "response.refusal" } else { "response.output_text" };
        for piece in pieces(text, self.answer.chunk_chars) {
            let mut delta = with(json!({"delta": piece}));
            if !refusal {
                delta["logprobs"] = json!([]);
            }
            self.of_item(&format!("{name}.delta"), delta, Part::Content);
        }
        for (place, note) in notes(say).into_iter().enumerate() {
            let note = with(json!({"annotation_index": place, "annotation": note}));
            self.of_item("response.output_text.annotation.added", note, Part::Structure);
        }
        let mut done = with(json!({field: text}));
        if !refusal {
            done["logprobs"] = json!([]);
        }
        self.of_item(&format!("{name}.done"), done, Part::Structure);
        let done = with(json!({"part": whole}));
        self.of_item("response.content_part.done", done, Part::Structure);
    }

    fn arguments(&mut self, arguments: &str) {
        for piece in pieces(arguments, ARGUMENT_CHARS) {
            let delta = json!({"delta": piece});
            self.of_item("response.function_call_arguments.delta", delta, Part::Content);
        }
        let done = json!({"arguments": arguments});
        self.of_item("response.function_call_arguments.done", done, Part::Structure);
    }

    /// An event about the item.
    fn of_item(&mut self, name: &str, data: Value, part: Part) {
        let item = json!({"item_id": self.item_id, "output_index": self.place});
        self.event(name, merged(&item, data), part);
    }

    fn event(&mut self, name: &str, data: Value, part: Part) {
        let head = json!({"type": name, "sequence_number": self.sequence});
        self.sequence += 1;
        sse::event(self.frames, name, &merged(&head, data), part);
    }
}

/// The fields of both objects.
fn merged(first: &Value, second: Value) -> Value {
    let mut fields = first.as_object().cloned().unwrap_or_default();
    if let Value::Object(more) = second {
        fields.extend(more);
    }
    fields.into()
}
