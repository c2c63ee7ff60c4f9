//! The events of a stream: their names, their numbers, and where they say they belong.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Part, PartBody, Reasoning, ToolCall};

use super::citations;
use super::layout::{Item, Spot};
use crate::json::Writer;

/// Writes events and numbers them.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    next: u64,
}

impl Numbered {
    /// Appends one event, whose own fields `tell` writes.
    pub(super) fn event(
        &mut self,
        kind: &str,
        out: &mut BytesMut,
        tell: impl FnOnce(&mut Writer<'_>),
    ) {
        out.put_slice(b"event: ");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\ndata: ");
        let mut json = Writer::new(out);
        json.open(b'{');
        json.key("type").string(kind);
        json.key("sequence_number").number(self.next);
        tell(&mut json);
        json.close(b'}');
        json.end_event();
        self.next += 1;
    }
}

/// What the events of a part are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) added: &'static str,
    pub(super) delta: &'static str,
    pub(super) done: &'static str,
    pub(super) part_done: &'static str,
    /// What the whole text is called when it is done.
    pub(super) text: &'static str,
    /// What the part's place in its item is called.
    pub(super) index: &'static str,
}

/// None where a part of this kind is told with its item alone.
pub(super) fn names(part: &Part) -> Option<Names> {
    let content = |delta, done, text| Names {
        added: "response.content_part.added",
        delta,
        done,
        part_done: "response.content_part.done",
        text,
        index: "content_index",
    };
    match &part.body {
        PartBody::Text(_) => {
            Some(content("response.output_text.delta", "response.output_text.done", "text"))
        }
        PartBody::Refusal(_) => {
            Some(content("response.refusal.delta", "response.refusal.done", "refusal"))
        }
        PartBody::Reasoning(Reasoning::Text(_)) => {
            Some(content("response.reasoning_text.delta", "response.reasoning_text.done", "text"))
        }
        PartBody::Reasoning(Reasoning::Summary(_)) => Some(Names {
            added: "response.reasoning_summary_part.added",
            delta: "response.reasoning_summary_text.delta",
            done: "response.reasoning_summary_text.done",
            part_done: "response.reasoning_summary_part.done",
            text: "text",
            index: "summary_index",
        }),
        _ => None,
    }
}

/// What a part says to a reader; empty where it says nothing.
pub(super) fn readable(part: &Part) -> &str {
    match &part.body {
        PartBody::Text(text)
        | PartBody::Refusal(text)
        | PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => text,
        _ => "",
    }
}

/// Which item an event is about.
pub(super) fn of_item(json: &mut Writer<'_>, item: &Item, place: usize) {
    json.key("item_id").string(&item.id);
    json.key("output_index").number(place as u64);
}

/// Which part of which item an event is about.
pub(super) fn of_part(json: &mut Writer<'_>, item: &Item, spot: Spot, names: Names) {
    of_item(json, item, spot.item);
    json.key(names.index).number(spot.index as u64);
}

/// What a model writes more of a call's input.
pub(super) fn tell_input(
    events: &mut Numbered,
    item: &Item,
    spot: Spot,
    call: &ToolCall,
    bit: &ToolCall,
    out: &mut BytesMut,
) {
    let kind = if call.freeform {
        "response.custom_tool_call_input.delta"
    } else {
        "response.function_call_arguments.delta"
    };
    if !bit.input.is_empty() {
        events.event(kind, out, |json| {
            of_item(json, item, spot.item);
            json.key("delta").string(&bit.input);
        });
    }
}

/// The whole input of a call.
pub(super) fn end_input(
    events: &mut Numbered,
    item: &Item,
    spot: Spot,
    call: &ToolCall,
    out: &mut BytesMut,
) {
    let (kind, name) = if call.freeform {
        ("response.custom_tool_call_input.done", "input")
    } else {
        ("response.function_call_arguments.done", "arguments")
    };
    events.event(kind, out, |json| {
        of_item(json, item, spot.item);
        if !call.freeform {
            json.key("name").string(&call.name);
        }
        json.key(name).string(&call.input);
    });
}

/// How far a part is told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) has_begun: bool,
    pub(super) annotations: u64,
    pub(super) characters: u32,
}

/// Tells of the sources that come with a bit of a text.
pub(super) fn tell_citations(
    events: &mut Numbered,
    item: &Item,
    spot: Spot,
    names: Names,
    progress: &mut Progress,
    bit: &Part,
    out: &mut BytesMut,
) {
    for citation in bit.citations.iter().filter(|citation| citations::has_form(citation)) {
        events.event("response.output_text.annotation.added", out, |json| {
            of_part(json, item, spot, names);
            json.key("annotation_index").number(progress.annotations);
            citations::write(json.key("annotation"), citation, progress.characters);
        });
        progress.annotations += 1;
    }
}
