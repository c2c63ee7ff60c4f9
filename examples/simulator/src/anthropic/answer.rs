//! Writing a message, whole and as a stream of events.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Usage, pieces};
use crate::timeline::{Frames, Part};

/// Characters of a tool's input in one delta.
const INPUT_CHARS: u32 = 8;

/// The provider pads the data of its events with blanks before the last brace,
/// so that their sizes do not betray the tokens.
const MAX_PADDING: usize = 15;

#[derive(Serialize)]
struct Message<'a> {
    model: &'a str,
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<()>,
    usage: FullUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking { thinking: &'a str, signature: String },
    Text { text: &'a str },
    ToolUse { id: String, name: &'a str, input: &'a Value },
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct MessageStart<'a> {
    r#type: &'static str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct BlockStart<'a> {
    r#type: &'static str,
    index: usize,
    content_block: Block<'a>,
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    r#type: &'static str,
    index: usize,
    delta: Delta<'a>,
}

#[derive(Serialize)]
struct BlockStop {
    r#type: &'static str,
    index: usize,
}

#[derive(Serialize)]
struct MessageDelta {
    r#type: &'static str,
    delta: Stop,
    usage: FinalUsage,
}

#[derive(Serialize)]
struct Stop {
    stop_reason: &'static str,
    stop_sequence: Option<()>,
}

#[derive(Serialize)]
struct FullUsage {
    input_tokens: u32,
    cache_creation_input_tokens: u32,
    cache_read_input_tokens: u32,
    cache_creation: CacheCreation,
    output_tokens: u32,
    service_tier: &'static str,
    inference_geo: &'static str,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u32,
    ephemeral_1h_input_tokens: u32,
}

#[derive(Serialize)]
struct FinalUsage {
    input_tokens: u32,
    cache_creation_input_tokens: u32,
    cache_read_input_tokens: u32,
    output_tokens: u32,
}

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let thinking = reply
        .reasoning
        .as_deref()
        .map(|thinking| Block::Thinking { thinking, signature: ids::signature(thinking) });
    let text = (!reply.text.is_empty()).then_some(Block::Text { text: &reply.text });
    let calls = reply.calls.iter().enumerate();
    let calls = calls.map(|(index, call)| Block::ToolUse {
        id: call_id(answer, index),
        name: &call.name,
        input: &call.arguments,
    });
    let id = message_id(answer);
    let message = Message {
        content: thinking.into_iter().chain(text).chain(calls).collect(),
        stop_reason: Some(stop_reason(reply.finish)),
        usage: full_usage(&reply.usage, reply.usage.completion),
        ..opening(answer, &id)
    };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &message);
}

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let reply = answer.reply;
    let mut events = Events { frames, blocks: 0, pinged: false };
    let id = message_id(answer);
    let start = MessageStart { r#type: "message_start", message: opening(answer, &id) };
    events.event("message_start", &start, Part::Structure);
    if answer.extras {
        let unknown = json!({"type": "weather_report", "sky": "clear"});
        events.event("weather_report", &unknown, Part::Structure);
    }
    if let Some(thinking) = &reply.reasoning {
        events.thinking(thinking, answer.chunk_chars);
    }
    if !reply.text.is_empty() {
        events.start(Block::Text { text: "" });
        for text in pieces(&reply.text, answer.chunk_chars) {
            events.delta(Delta::Text { text });
        }
        events.stop();
    }
    for (index, call) in reply.calls.iter().enumerate() {
        events.start(Block::ToolUse {
            id: call_id(answer, index),
            name: &call.name,
            input: &json!({}),
        });
        events.delta(Delta::InputJson { partial_json: "" });
        for partial_json in pieces(&call.arguments.to_string(), INPUT_CHARS) {
            events.delta(Delta::InputJson { partial_json });
        }
        events.stop();
    }
    events.close(answer);
}

/// Writes the events of one stream.
struct Events<'f> {
    frames: &'f mut Frames,
    /// Content blocks that were started.
    blocks: usize,
    pinged: bool,
}

impl Events<'_> {
    fn thinking(&mut self, thinking: &str, chunk_chars: u32) {
        self.start(Block::Thinking { thinking: "", signature: String::new() });
        for thinking in pieces(thinking, chunk_chars) {
            self.delta(Delta::Thinking { thinking });
        }
        let signature = &ids::signature(thinking);
        self.delta(Delta::Signature { signature });
        self.stop();
    }

    /// Starts a content block; the ping follows the first one.
    fn start(&mut self, content_block: Block<'_>) {
        let start = BlockStart { r#type: "content_block_start", index: self.blocks, content_block };
        self.event("content_block_start", &start, Part::Structure);
        self.blocks += 1;
        self.ping();
    }

    fn ping(&mut self) {
        if !std::mem::replace(&mut self.pinged, true) {
            let ping = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
            self.frames.buffer().extend_from_slice(ping);
            self.frames.end(Part::Structure);
        }
    }

    fn delta(&mut self, delta: Delta<'_>) {
        let delta = BlockDelta { r#type: "content_block_delta", index: self.blocks - 1, delta };
        self.event("content_block_delta", &delta, Part::Content);
    }

    fn stop(&mut self) {
        let stop = BlockStop { r#type: "content_block_stop", index: self.blocks - 1 };
        self.event("content_block_stop", &stop, Part::Structure);
    }

    fn close(&mut self, answer: &Answer<'_>) {
        self.ping();
        let usage = &answer.reply.usage;
        let delta = MessageDelta {
            r#type: "message_delta",
            delta: Stop { stop_reason: stop_reason(answer.reply.finish), stop_sequence: None },
            usage: FinalUsage {
                input_tokens: fresh_tokens(usage),
                cache_creation_input_tokens: usage.cache_written,
                cache_read_input_tokens: usage.cache_read,
                output_tokens: usage.completion,
            },
        };
        self.event("message_delta", &delta, Part::Closing);
        let stop = json!({"type": "message_stop"});
        self.event("message_stop", &stop, Part::Closing);
    }

    fn event(&mut self, name: &str, data: &impl Serialize, part: Part) {
        let buffer = self.frames.buffer();
        buffer.extend_from_slice(b"event: ");
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(b"\ndata: ");
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *buffer, data);
        buffer.pop();
        let padding = buffer.len() % MAX_PADDING;
        buffer.resize(buffer.len() + padding, b' ');
        buffer.extend_from_slice(b"}\n\n");
        self.frames.end(part);
    }
}

/// The message before it has content.
fn opening<'a>(answer: &Answer<'a>, id: &'a str) -> Message<'a> {
    Message {
        model: &answer.prompt.model,
        id,
        r#type: "message",
        role: "assistant",
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage: full_usage(&answer.reply.usage, 1),
        x_simulated: answer.extras.then(|| json!({"note": "no client knows this"})),
    }
}

fn message_id(answer: &Answer<'_>) -> String {
    ids::id("msg_01", answer.number, 22)
}

fn call_id(answer: &Answer<'_>, index: usize) -> String {
    let number = ids::mix(answer.number).wrapping_add(index as u64);
    ids::id("toolu_01", number, 22)
}

fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
    }
}

/// Prompt tokens that the cache has no part in: the format counts them apart.
fn fresh_tokens(usage: &Usage) -> u32 {
    usage.prompt.saturating_sub(usage.cache_read).saturating_sub(usage.cache_written)
}

fn full_usage(usage: &Usage, output_tokens: u32) -> FullUsage {
    FullUsage {
        input_tokens: fresh_tokens(usage),
        cache_creation_input_tokens: usage.cache_written,
        cache_read_input_tokens: usage.cache_read,
        cache_creation: CacheCreation {
            ephemeral_5m_input_tokens: usage.cache_written,
            ephemeral_1h_input_tokens: 0,
        },
        output_tokens,
        service_tier: "standard",
        inference_geo: "not_available",
    }
}
