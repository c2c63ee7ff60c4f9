//! A streamed answer of Converse as events, frame by frame: the frame's kind is the
//! event's name.

use plugway_formats::json::Fields;
use plugway_formats::usage::grown;
use plugway_sdk::chat::{Event, Failure, Origin, Part, PartBody, Piece, ToolCall, Usage};
use plugway_sdk::log;
use plugway_sdk::provider::{Frame, ResponseHead};
use serde_json::value::{RawValue, to_raw_value};

use super::content;
use super::{finish, id, origin, unreadable, usage};
use crate::errors;
use crate::memo::Memo;

/// Reads one answer.
pub(crate) struct Decoder {
    memo: Memo,
    /// From the head; told with the first event.
    id: Option<String>,
    /// Blocks that have begun and not ended.
    open: Vec<Block>,
    /// Parts that have begun: the index of the next.
    parts: u32,
    /// The answer has its reason to end; only its metadata may follow.
    stopped: bool,
    usage: Option<Usage>,
}

struct Block {
    /// The service's number for it.
    number: u32,
    /// The part that grows: its place, and what it is made of.
    part: Option<(u32, Kind)>,
    held: Held,
}

/// Bits of one kind make up one part.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Reasoning,
    Call,
    Image,
    Whole,
}

/// What is known of an open block beside its part.
enum Held {
    Nothing,
    /// A call without any input so far.
    Call,
    Native(Native),
    /// The format of an image, for its first bit.
    Image(Option<String>),
    /// The client cannot read this block.
    Skipped,
}

/// A block that is sent in one piece.
struct Native {
    name: &'static str,
    fields: Fields,
    /// Of a call, as it was streamed.
    input: String,
    /// Of a result.
    content: Vec<Box<RawValue>>,
}

impl Decoder {
    pub(crate) fn new(head: &ResponseHead, memo: Memo) -> Self {
        Self { memo, id: id(head), open: Vec::new(), parts: 0, stopped: false, usage: None }
    }

    /// # Errors
    /// What ends the answer.
    pub(crate) fn push(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), Failure> {
        if let Some(id) = self.id.take() {
            events.push(Event::Origin(Origin { id: Some(id), ..Origin::default() }));
        }
        let kind = frame.kind.as_deref().unwrap_or_default();
        let read: fn(&mut Self, &Fields, &mut Vec<Event>) -> Result<(), Failure> = match kind {
            "contentBlockStart" => Self::block_start,
            "contentBlockDelta" => Self::block_delta,
            "contentBlockStop" => Self::block_stop,
            "messageStop" => Self::message_stop,
            "metadata" => Self::metadata,
            _ => return other(kind, &frame.data),
        };
        let data = std::str::from_utf8(&frame.data).ok().and_then(Fields::read);
        let data = data.ok_or_else(unreadable)?;
        // Behind the end of the answer only its metadata belong to it.
        if self.stopped && kind != "metadata" {
            return Ok(());
        }
        read(self, &data, events)
    }

    /// Whether anything of an answer came.
    pub(crate) fn has_begun(&self) -> bool {
        self.parts > 0 || self.stopped || !self.open.is_empty()
    }

    /// Whether the answer came to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.stopped
    }

    fn block_start(&mut self, data: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        let start = data.get("start").and_then(Fields::read).unwrap_or_default();
        let object = |name| start.get(name).and_then(Fields::read);
        let mut block = Block { number: number(data)?, part: None, held: Held::Nothing };
        if let Some(call) = object("toolUse") {
            if content::is_for_client(&call) {
                let part = content::tool_call(&call, String::new()).into();
                block.emit(Kind::Call, part, &mut self.parts, events);
                block.held = Held::Call;
            } else {
                block.held = self.native("toolUse", call);
            }
        } else if let Some(result) = object("toolResult") {
            block.held = self.native("toolResult", result);
        } else if let Some(image) = object("image") {
            block.held = Held::Image(image.text("format"));
        }
        self.open.push(block);
        Ok(())
    }

    fn native(&self, name: &'static str, fields: Fields) -> Held {
        if !self.memo.takes_native() {
            return Held::Skipped;
        }
        Held::Native(Native { name, fields, input: String::new(), content: Vec::new() })
    }

    fn block_delta(&mut self, data: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        let number = number(data)?;
        let delta = data.get("delta").and_then(Fields::read).ok_or_else(unreadable)?;
        // Only calls and results are begun expressly.
        let place = self.open.iter().rposition(|block| block.number == number);
        let place = place.unwrap_or_else(|| {
            self.open.push(Block { number, part: None, held: Held::Nothing });
            self.open.len() - 1
        });
        let Some(block) = self.open.get_mut(place) else {
            return Ok(());
        };
        match &mut block.held {
            Held::Skipped => return Ok(()),
            Held::Native(native) => return native.add(&delta),
            Held::Call if has_input(&delta) => block.held = Held::Nothing,
            _ => {}
        }
        if let Some((kind, part)) = bit(&delta, &block.held, &self.memo) {
            if kind == Kind::Call && !matches!(block.part, Some((_, Kind::Call))) {
                // Input of a call that never began.
                return Err(unreadable());
            }
            block.emit(kind, part, &mut self.parts, events);
        }
        Ok(())
    }

    fn block_stop(&mut self, data: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        let number = number(data)?;
        // A block without any content is never begun.
        if let Some(place) = self.open.iter().rposition(|block| block.number == number) {
            let block = self.open.remove(place);
            block.close(&mut self.parts, events)?;
        }
        Ok(())
    }

    fn message_stop(&mut self, data: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        for block in std::mem::take(&mut self.open) {
            block.close(&mut self.parts, events)?;
        }
        self.stopped = true;
        let origin = origin(data, &self.memo);
        if origin != Origin::default() {
            events.push(Event::Origin(origin));
        }
        events.push(Event::Finish(finish(data)));
        Ok(())
    }

    fn metadata(&mut self, data: &Fields, events: &mut Vec<Event>) -> Result<(), Failure> {
        let origin = origin(data, &self.memo);
        if origin != Origin::default() {
            events.push(Event::Origin(origin));
        }
        if let Some(usage) = data.get("usage").and_then(usage::usage) {
            let usage = grown(self.usage.as_ref(), usage);
            events.push(Event::Usage(usage.clone()));
            self.usage = Some(usage);
        }
        Ok(())
    }
}

impl Block {
    /// Sends a bit. A bit of another kind than the last begins the next part.
    fn emit(&mut self, kind: Kind, part: Part, parts: &mut u32, events: &mut Vec<Event>) {
        let index = match self.part {
            Some((index, known)) if known == kind && kind != Kind::Whole => index,
            _ => {
                *parts += 1;
                *parts - 1
            }
        };
        self.part = Some((index, kind));
        events.push(Piece::new(0, index, part).into());
    }

    fn close(mut self, parts: &mut u32, events: &mut Vec<Event>) -> Result<(), Failure> {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Call => self.emit(Kind::Call, ToolCall::more("{}").into(), parts, events),
            Held::Native(native) => {
                let part = PartBody::Native(native.into_json()?).into();
                self.emit(Kind::Whole, part, parts, events);
            }
            Held::Nothing | Held::Image(_) | Held::Skipped => {}
        }
        Ok(())
    }
}

impl Native {
    fn add(&mut self, delta: &Fields) -> Result<(), Failure> {
        if let Some(call) = delta.get("toolUse").and_then(Fields::read) {
            self.input.push_str(&call.text("input").unwrap_or_default());
        }
        if let Some(content) = delta.get("toolResult") {
            let content: Vec<Box<RawValue>> =
                serde_json::from_str(content).map_err(|_| unreadable())?;
            self.content.extend(content);
        }
        Ok(())
    }

    fn into_json(mut self) -> Result<String, Failure> {
        if !self.input.is_empty() {
            // What is no JSON is a text.
            let input =
                RawValue::from_string(self.input.clone()).or_else(|_| to_raw_value(&self.input));
            self.fields.set("input", input.map_err(|_| unreadable())?);
        }
        if !self.content.is_empty() {
            self.fields.set("content", to_raw_value(&self.content).map_err(|_| unreadable())?);
        }
        let fields = serde_json::to_string(&self.fields).map_err(|_| unreadable())?;
        Ok(format!("{{\"{}\":{fields}}}", self.name))
    }
}

/// The number of the block that an event is about; the first where it says none.
fn number(data: &Fields) -> Result<u32, Failure> {
    match data.get("contentBlockIndex") {
        None | Some("null") => Ok(0),
        Some(json) => serde_json::from_str(json).map_err(|_| unreadable()),
    }
}

fn has_input(delta: &Fields) -> bool {
    let call = delta.get("toolUse").and_then(Fields::read);
    call.and_then(|call| call.text("input")).is_some_and(|input| !input.is_empty())
}

/// What a delta adds; none where it brings nothing, or nothing known.
fn bit(delta: &Fields, held: &Held, memo: &Memo) -> Option<(Kind, Part)> {
    let object = |name| delta.get(name).and_then(Fields::read);
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(text) = filled(delta.text("text")) {
        return Some((Kind::Text, Part::text(text)));
    }
    if let Some(cited) = object("citation") {
        let citations = vec![content::citation(&cited, memo)];
        return Some((Kind::Text, Part { citations, ..Part::text("") }));
    }
    if let Some(call) = object("toolUse") {
        return Some((Kind::Call, ToolCall::more(filled(call.text("input"))?).into()));
    }
    if let Some(thought) = object("reasoningContent") {
        if let Some(data) = filled(thought.text("redactedContent")) {
            return Some((Kind::Whole, content::redacted(data, memo)));
        }
        let (text, proof) = (filled(thought.text("text")), filled(thought.text("signature")));
        let is_any = text.is_some() || proof.is_some();
        let part = || content::thought(text.unwrap_or_default(), proof, memo);
        return is_any.then(|| (Kind::Reasoning, part()));
    }
    let image = object("image").and_then(|image| Fields::read(image.get("source")?))?;
    let format = match held {
        Held::Image(format) => format.clone(),
        _ => None,
    };
    Some((Kind::Image, content::image_bit(format, image.text("bytes")?)?))
}

/// An event that is none of an answer: an error, or one that is not known.
pub(crate) fn other(kind: &str, data: &[u8]) -> Result<(), Failure> {
    let named = ["Exception", "Error", "Failure"].iter().any(|ending| kind.ends_with(ending));
    if named {
        return Err(errors::in_stream(Some(kind), data));
    }
    let body = std::str::from_utf8(data).ok().and_then(Fields::read);
    match body.filter(|_| kind.is_empty()).and_then(|body| errors::inside(&body)) {
        Some(failure) => Err(failure),
        None => {
            if kind != "messageStart" {
                log::skipped("an event of an unknown type");
            }
            Ok(())
        }
    }
}
