//! A streamed answer as events, frame by frame, whatever the frames travelled in.

use std::borrow::Cow;

use plugway_sdk::chat::{Citation, Event, Failure, Origin, Part, PartBody, Piece, ToolCall};
use plugway_sdk::log;
use plugway_sdk::provider::{Frame, ResponseHead, StreamDecoder};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::anthropic_messages::decode::{self, unreadable};
use crate::anthropic_messages::usage::Counts;
use crate::anthropic_messages::{DIALECT, REASONING_FORMAT, content, errors};
use crate::json::Fields;

/// Reads one answer. A frame's data is the JSON of one event.
pub struct Decoder {
    native: bool,
    usage: Counts,
    /// Blocks that have begun and not ended.
    open: Vec<Block>,
    /// Parts that have begun: the index of the next.
    parts: u32,
    /// From the last `message_delta`.
    ended: Option<Fields>,
    done: bool,
}

struct Block {
    /// The provider's number for it.
    number: u32,
    /// The part's place, once something of it was sent.
    index: Option<u32>,
    held: Held,
}

/// What is known of an open block and not sent yet.
enum Held {
    Nothing,
    /// A tool call's input as the block began with it, which deltas replace.
    Input(String),
    /// A native block, which is sent in one piece, and the input that was streamed.
    Native(Fields, String),
    /// The client cannot read this block.
    Skipped,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u32,
    message: Option<Fields>,
    content_block: Option<Fields>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    citation: Option<Fields>,
}

impl StreamDecoder for Decoder {
    /// `memo` is the dialect of the client.
    fn new(_: ResponseHead, memo: String) -> Self {
        Self {
            native: memo == DIALECT,
            usage: Counts::default(),
            open: Vec::new(),
            parts: 0,
            ended: None,
            done: false,
        }
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        if self.done {
            return;
        }
        let data = std::str::from_utf8(&frame.data).map_err(|_| unreadable());
        if let Err(failure) = data.and_then(|data| self.read(data, events)) {
            self.done = true;
            events.push(failure.into());
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if !self.done {
            events.push(Failure::unavailable("Anthropic's answer broke off").into());
        }
    }
}

impl Decoder {
    fn read(&mut self, data: &str, events: &mut Vec<Event>) -> Result<(), Failure> {
        let message: Message<'_> = serde_json::from_str(data).map_err(|_| unreadable())?;
        match message.kind.as_ref() {
            "message_start" => self.message_start(message, events),
            "content_block_start" => self.block_start(message, events),
            "content_block_delta" => self.block_delta(&message, events)?,
            "content_block_stop" => self.block_stop(message.index, events)?,
            "message_delta" => self.message_delta(data, message, events)?,
            "message_stop" => self.message_stop(events)?,
            "error" => return Err(failure(data)),
            "ping" => {}
            _ => log::skipped("an event of an unknown type"),
        }
        Ok(())
    }

    fn message_start(&mut self, message: Message<'_>, events: &mut Vec<Event>) {
        let Some(start) = message.message else {
            return;
        };
        let counts = start.get("usage").and_then(Counts::read);
        let tier = counts.as_ref().and_then(|counts| counts.service_tier.clone());
        let origin = decode::origin(&start, tier, self.native);
        events.push(Event::Origin(origin));
        if let Some(counts) = counts {
            self.usage.begin(counts);
            events.extend(self.usage.events());
        }
    }

    fn block_start(&mut self, message: Message<'_>, events: &mut Vec<Event>) {
        let Some(block) = message.content_block else {
            return;
        };
        let mut held = Held::Nothing;
        let mut begun = content::part(&block, self.native);
        match begun.as_mut().map(|part| &mut part.body) {
            Some(PartBody::ToolCall(call)) => held = Held::Input(std::mem::take(&mut call.input)),
            Some(PartBody::Native(_)) => {
                begun = None;
                held = Held::Native(block, String::new());
            }
            Some(_) => {}
            None if !is_known(&block) => held = Held::Skipped,
            None => {}
        }
        self.open.push(Block { number: message.index, index: None, held });
        if let (Some(part), Some(block)) = (begun, self.open.last_mut()) {
            block.emit(part, &mut self.parts, events);
        }
    }

    fn block_delta(
        &mut self,
        message: &Message<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let find = |block: &&mut Block| block.number == message.index;
        let block = self.open.iter_mut().rev().find(find).ok_or_else(unreadable)?;
        let delta = message.delta.ok_or_else(unreadable)?;
        match &mut block.held {
            Held::Skipped => return Ok(()),
            Held::Native(fields, input) => return add_native(fields, input, delta),
            Held::Input(_) | Held::Nothing => {}
        }
        let delta: Delta<'_> = serde_json::from_str(delta.get()).map_err(|_| unreadable())?;
        if let Some(part) = delta.part(self.native) {
            if let PartBody::ToolCall(_) = part.body {
                block.held = Held::Nothing;
            }
            block.emit(part, &mut self.parts, events);
        }
        Ok(())
    }

    fn block_stop(&mut self, number: u32, events: &mut Vec<Event>) -> Result<(), Failure> {
        let place = self.open.iter().rposition(|block| block.number == number);
        let mut block = self.open.remove(place.ok_or_else(unreadable)?);
        match std::mem::replace(&mut block.held, Held::Nothing) {
            Held::Input(input) => {
                let part = ToolCall::more(input).into();
                block.emit(part, &mut self.parts, events);
            }
            Held::Native(mut fields, input) => {
                if !input.is_empty() {
                    let input = RawValue::from_string(input).map_err(|_| unreadable())?;
                    fields.set("input", input);
                }
                let json = serde_json::to_string(&fields).map_err(|_| unreadable())?;
                block.emit(PartBody::Native(json).into(), &mut self.parts, events);
            }
            Held::Nothing | Held::Skipped => {}
        }
        Ok(())
    }

    fn message_delta(
        &mut self,
        data: &str,
        message: Message<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let delta = message.delta.and_then(|json| Fields::read(json.get()));
        let delta = delta.ok_or_else(unreadable)?;
        if self.native {
            let mut extra = delta.extra(&decode::MESSAGE_FIELDS);
            let frame = Fields::read(data).unwrap_or_default();
            extra.extend(frame.extra(&["type", "delta", "usage"]));
            if !extra.is_empty() {
                events.push(Event::Origin(Origin { extra, ..Origin::default() }));
            }
        }
        if let Some(counts) = message.usage.and_then(|json| Counts::read(json.get())) {
            self.usage.update(counts);
            events.extend(self.usage.events());
        }
        self.ended = Some(delta);
        Ok(())
    }

    fn message_stop(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        // Blocks that were never closed, which only copies of the API leave open.
        while let Some(block) = self.open.first() {
            self.block_stop(block.number, events)?;
        }
        self.done = true;
        if self.usage.close() {
            events.extend(self.usage.events());
        }
        let ended = self.ended.take().unwrap_or_default();
        events.push(Event::Finish(decode::finish(&ended, self.native)));
        Ok(())
    }
}

impl Block {
    /// Sends a bit of this block's part; the first one gives the part its place.
    fn emit(&mut self, part: Part, parts: &mut u32, events: &mut Vec<Event>) {
        let index = *self.index.get_or_insert_with(|| {
            *parts += 1;
            *parts - 1
        });
        events.push(Piece::new(0, index, part).into());
    }
}

impl Delta<'_> {
    /// None for deltas that bring nothing, or nothing known.
    fn part(self, native: bool) -> Option<Part> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let part = match self.kind.as_ref() {
            "text_delta" => Part::text(filled(self.text)?),
            "thinking_delta" => reasoning(filled(self.thinking)?, None),
            "signature_delta" => reasoning(String::new(), Some(filled(self.signature)?)),
            "input_json_delta" => ToolCall::more(filled(self.partial_json)?).into(),
            "citations_delta" => cited(content::citation(&self.citation?, native)),
            _ => {
                log::skipped("a delta of an unknown type");
                return None;
            }
        };
        Some(part)
    }
}

fn reasoning(text: String, signature: Option<String>) -> Part {
    Part { signature, format: Some(REASONING_FORMAT.into()), ..Part::reasoning(text) }
}

fn cited(citation: Citation) -> Part {
    Part { citations: vec![citation], ..Part::text("") }
}

/// Whether deltas can make a part of a block that began empty.
fn is_known(block: &Fields) -> bool {
    matches!(block.text("type").as_deref(), Some("text" | "thinking"))
}

/// Adds a delta to a native block: text grows, and any other value is replaced.
fn add_native(fields: &mut Fields, input: &mut String, delta: &RawValue) -> Result<(), Failure> {
    let delta = Fields::read(delta.get()).ok_or_else(unreadable)?;
    for (name, json) in delta.iter().filter(|(name, _)| *name != "type") {
        let more: Option<String> = serde_json::from_str(json).ok();
        let value = match (name, more) {
            ("partial_json", more) => {
                input.push_str(&more.unwrap_or_default());
                continue;
            }
            (name, Some(more)) => to_raw_value(&(fields.text(name).unwrap_or_default() + &more)),
            _ => RawValue::from_string(json.into()),
        };
        fields.set(name, value.map_err(|_| unreadable())?);
    }
    Ok(())
}

fn failure(data: &str) -> Failure {
    Fields::read(data).and_then(|fields| errors::inside(&fields)).unwrap_or_else(unreadable)
}
