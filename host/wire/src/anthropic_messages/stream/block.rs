//! One block of an answer while it grows, and the events that tell of it.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Citation, Part, PartBody, Reasoning, ToolCall};

use super::{PING, event};
use crate::answer::join;
use crate::anthropic_messages::input::{self, Scan};
use crate::anthropic_messages::{carried, citations, pieces};
use crate::conversation::plain;
use crate::json::{Node, Writer};

/// The blocks of one message, numbered as they begin.
#[derive(Default)]
pub(super) struct Blocks {
    begun: u32,
    pinged: bool,
}

impl Blocks {
    /// Begins a block as `write` writes it, and gives back its number.
    fn start(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut Writer<'_>)) -> u32 {
        let number = self.begun;
        self.begun += 1;
        event("content_block_start", out, |json| {
            json.key("index").number(u64::from(number));
            write(json.key("content_block"));
        });
        self.ping(out);
        number
    }

    /// A block that does not grow.
    pub(super) fn sole(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut Writer<'_>)) {
        let number = self.start(out, write);
        stop(number, out);
    }

    /// The one ping that every stream has, behind the start of its first block.
    pub(super) fn ping(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.pinged, true) {
            out.put_slice(PING);
        }
    }
}

fn delta(number: u32, kind: &str, out: &mut BytesMut, write: impl FnOnce(&mut Writer<'_>)) {
    event("content_block_delta", out, |json| {
        json.key("index").number(u64::from(number));
        json.key("delta").open(b'{');
        json.key("type").string(kind);
        write(json);
        json.close(b'}');
    });
}

fn stop(number: u32, out: &mut BytesMut) {
    event("content_block_stop", out, |json| {
        json.key("index").number(u64::from(number));
    });
}

/// The block that is being told.
pub(super) struct Block {
    /// Of the part that it tells of.
    pub(super) index: u32,
    /// Once there is something to show.
    number: Option<u32>,
    state: State,
    /// What is told at the end: proofs, and what can be told only whole.
    part: Part,
}

enum State {
    Text,
    Thinking { shown: bool },
    Call(Input),
    Whole,
}

/// The input of a call, which clients parse as it grows.
#[derive(Default)]
struct Input {
    scan: Scan,
    /// It begins as an object does, and is told as it comes.
    is_object: bool,
    /// What does not begin as an object, so far.
    held: String,
    /// The proof was told before the call.
    proved: bool,
}

impl Block {
    /// Begins the block of a part with its first bit.
    pub(super) fn begin(
        index: u32,
        part: &Part,
        include_reasoning: bool,
        blocks: &mut Blocks,
        out: &mut BytesMut,
    ) -> Self {
        let empty = String::new();
        let (state, body) = match &part.body {
            PartBody::Text(_) => (State::Text, PartBody::Text(empty)),
            PartBody::Refusal(_) => (State::Text, PartBody::Refusal(empty)),
            PartBody::Reasoning(Reasoning::Text(_)) => (
                State::Thinking { shown: include_reasoning },
                PartBody::Reasoning(Reasoning::Text(empty)),
            ),
            PartBody::Reasoning(Reasoning::Summary(_)) => (
                State::Thinking { shown: include_reasoning },
                PartBody::Reasoning(Reasoning::Summary(empty)),
            ),
            PartBody::ToolCall(call) => {
                let call = ToolCall { input: empty, ..call.clone() };
                (State::Call(Input::default()), PartBody::ToolCall(call))
            }
            whole => (State::Whole, whole.clone()),
        };
        let mut block = Self { index, number: None, state, part: plain(body) };
        if let State::Whole = block.state {
            block.part = part.clone();
            return block;
        }
        if let State::Call(input) = &mut block.state {
            block.number = Some(begin_call(part, input, blocks, out));
        }
        block.grow(part, blocks, out);
        block
    }

    /// The input of the call is not whole yet, so that nothing else can be told.
    pub(super) fn must_not_end(&self) -> bool {
        matches!(&self.state, State::Call(input) if !input.scan.has_ended())
    }

    /// Tells of the next bit.
    pub(super) fn grow(&mut self, bit: &Part, blocks: &mut Blocks, out: &mut BytesMut) {
        if let State::Whole = self.state {
            join(&mut self.part, bit.clone());
            return;
        }
        match (&mut self.state, &bit.body) {
            (State::Text, PartBody::Text(text) | PartBody::Refusal(text)) => {
                if self.number.is_none() {
                    self.part.extra.extend(bit.extra.iter().cloned());
                }
                self.text(text, &bit.citations, blocks, out);
            }
            (
                State::Thinking { shown: true },
                PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)),
            ) if !text.is_empty() => {
                let number = self.thinking(blocks, out);
                delta(number, "thinking_delta", out, |json| json.key("thinking").string(text));
            }
            (State::Call(input), PartBody::ToolCall(call)) => {
                if let (Some(number), Some(bit)) = (self.number, input.grow(&call.input)) {
                    input_delta(number, &bit, out);
                }
            }
            // A part keeps the kind that it began with.
            _ => {}
        }
        for (known, given) in [
            (&mut self.part.id, &bit.id),
            (&mut self.part.signature, &bit.signature),
            (&mut self.part.format, &bit.format),
        ] {
            if given.is_some() {
                known.clone_from(given);
            }
        }
    }

    fn text(&mut self, text: &str, sources: &[Citation], blocks: &mut Blocks, out: &mut BytesMut) {
        let sources = sources.iter().filter(|it| citations::is_told(it));
        let mut sources = sources.peekable();
        if text.is_empty() && sources.peek().is_none() {
            return;
        }
        let extra = &self.part.extra;
        let number = *self.number.get_or_insert_with(|| {
            blocks.start(out, |json| pieces::write_text(json, "", &[], extra))
        });
        if !text.is_empty() {
            delta(number, "text_delta", out, |json| json.key("text").string(text));
        }
        for citation in sources {
            delta(number, "citations_delta", out, |json| {
                citations::write(json.key("citation"), citation);
            });
        }
    }

    fn thinking(&mut self, blocks: &mut Blocks, out: &mut BytesMut) -> u32 {
        let start = || blocks.start(out, |json| pieces::write_thinking(json, "", ""));
        *self.number.get_or_insert_with(start)
    }

    /// Tells of what is left, and ends the block.
    pub(super) fn end(mut self, blocks: &mut Blocks, out: &mut BytesMut) {
        match &mut self.state {
            State::Thinking { .. } => {
                if self.number.is_some() || pieces::must_come_back(&self.part) {
                    let number = self.thinking(blocks, out);
                    let signature = carried::signature(&self.part);
                    if !signature.is_empty() {
                        delta(number, "signature_delta", out, |json| {
                            json.key("signature").string(&signature);
                        });
                    }
                }
            }
            State::Call(input) => {
                if let (Some(number), Some(rest)) = (self.number, input.rest()) {
                    input_delta(number, &rest, out);
                }
            }
            State::Whole => {
                if pieces::is_told_whole(&self.part) {
                    whole(&self.part, blocks, out);
                }
            }
            State::Text => {}
        }
        if let Some(number) = self.number {
            stop(number, out);
        }
        self.prove(blocks, out);
    }

    /// Tells of a proof that has no place in the block itself.
    fn prove(&self, blocks: &mut Blocks, out: &mut BytesMut) {
        let call_id = match (&self.state, &self.part.body) {
            (State::Text, _) => None,
            (State::Call(Input { proved: false, .. }), PartBody::ToolCall(call)) => Some(&*call.id),
            _ => return,
        };
        if let Some(signature) = &self.part.signature {
            let proof = carried::proof(self.part.format.as_deref(), signature, call_id);
            blocks.sole(out, |json| pieces::write_redacted(json, &proof));
        }
    }
}

/// Begins the block of a call, behind that of its proof where it came with one.
fn begin_call(part: &Part, input: &mut Input, blocks: &mut Blocks, out: &mut BytesMut) -> u32 {
    let PartBody::ToolCall(call) = &part.body else { return blocks.begun };
    if let Some(signature) = &part.signature {
        let proof = carried::proof(part.format.as_deref(), signature, Some(&call.id));
        blocks.sole(out, |json| pieces::write_redacted(json, &proof));
        input.proved = true;
    }
    blocks.start(out, |json| pieces::write_call(json, call, "{}", &part.extra))
}

fn input_delta(number: u32, bit: &str, out: &mut BytesMut) {
    delta(number, "input_json_delta", out, |json| json.key("partial_json").string(bit));
}

/// A block that comes in one bit. The input of a call that the provider ran itself is
/// told in a delta, as that provider does.
fn whole(part: &Part, blocks: &mut Blocks, out: &mut BytesMut) {
    let called = match &part.body {
        PartBody::Native(block) => without_input(block),
        _ => None,
    };
    match called {
        Some((block, input)) => {
            let number = blocks.start(out, |json| json.raw(&block));
            input_delta(number, &input, out);
            stop(number, out);
        }
        None => blocks.sole(out, |json| pieces::write_whole(json, part)),
    }
}

/// The block of a provider's own call with an empty input, and the input.
fn without_input(block: &str) -> Option<(String, String)> {
    let node = Node::root(block);
    let mut fields = node.object().ok()?;
    let kind = fields.string("type").ok().flatten()?;
    let input = fields.take("input").filter(Node::is_object)?;
    if !matches!(&*kind, "server_tool_use" | "mcp_tool_use") || input.raw() == "{}" {
        return None;
    }
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("type").string(&kind);
    json.key("input").literal("{}");
    for (name, node) in fields.left() {
        json.foreign_key(name).raw(node.raw());
    }
    json.close(b'}');
    Some((String::from_utf8_lossy(&out).into_owned(), input.raw().to_owned()))
}

impl Input {
    /// Takes the next bit in, and gives back what is to be told.
    fn grow(&mut self, bit: &str) -> Option<String> {
        if self.is_object {
            self.scan.read(bit);
            return Some(bit.to_owned()).filter(|bit| !bit.is_empty());
        }
        self.held.push_str(bit);
        if !self.held.trim_start().starts_with('{') {
            return None;
        }
        self.is_object = true;
        let held = std::mem::take(&mut self.held);
        self.scan.read(&held);
        Some(held)
    }

    /// What was no object, as one; none where all was told.
    fn rest(&mut self) -> Option<String> {
        let rest = input::object(&self.held).into_owned();
        (!self.is_object && rest != "{}").then_some(rest)
    }
}
