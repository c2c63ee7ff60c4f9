//! Writing a message, whole and as a stream of events.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::bedrock::chunk;
use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Usage, pieces};
use crate::speech::{Cite, Say, arguments};
use crate::timeline::{Frames, Part};

/// What an event travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    /// A server-sent event.
    Event,
    /// A chunk of Bedrock's.
    Chunk,
}

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
    stop_sequence: Option<&'a str>,
    usage: FullUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Thinking {
        thinking: &'a str,
        signature: String,
    },
    RedactedThinking {
        data: &'a str,
    },
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<Vec<Value>>,
    },
    ToolUse {
        id: String,
        name: &'a str,
        input: Box<RawValue>,
    },
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
    #[serde(rename = "citations_delta")]
    Citations { citation: Value },
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
struct MessageDelta<'a> {
    r#type: &'static str,
    delta: Stop<'a>,
    usage: FinalUsage,
}

#[derive(Serialize)]
struct Stop<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
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

pub(crate) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let blocks = reply.parts.iter().enumerate().map(|(place, say)| block(answer, place, say));
    let id = message_id(answer);
    let message = Message {
        content: blocks.collect(),
        stop_reason: Some(stop_reason(&reply.finish)),
        stop_sequence: stop_sequence(&reply.finish),
        usage: full_usage(&reply.usage, reply.usage.completion),
        ..opening(answer, &id)
    };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &message);
}

pub(crate) fn stream(answer: &Answer<'_>, frames: &mut Frames, wrap: Wrap) {
    let mut events = Events { frames, wrap, blocks: 0, pinged: false };
    let id = message_id(answer);
    let start = MessageStart { r#type: "message_start", message: opening(answer, &id) };
    events.event("message_start", &start, Part::Structure);
    if answer.extras {
        let unknown = json!({"type": "weather_report", "sky": "clear"});
        events.event("weather_report", &unknown, Part::Structure);
    }
    for (place, say) in answer.reply.parts.iter().enumerate() {
        events.say(answer, place, say);
    }
    events.close(answer);
}

/// A part of the answer as it is in the end.
fn block<'a>(answer: &Answer<'_>, place: usize, say: &'a Say) -> Block<'a> {
    match say {
        Say::Reasoning(thinking) => {
            Block::Thinking { thinking, signature: ids::signature(thinking) }
        }
        Say::Sealed(data) => Block::RedactedThinking { data },
        Say::Text(text) | Say::Refusal(text) => Block::Text { text, citations: None },
        Say::Cited { text, sources } => {
            Block::Text { text, citations: Some(sources.iter().map(citation).collect()) }
        }
        Say::Call { name, arguments: written } => {
            Block::ToolUse { id: call_id(answer, place), name, input: arguments(written) }
        }
    }
}

fn citation(source: &Cite) -> Value {
    json!({
        "type": "web_search_result_location",
        "url": source.url,
        "title": source.title,
        "cited_text": source.quote,
        "encrypted_index": ids::signature(&source.url),
    })
}

/// Writes the events of one stream.
struct Events<'f> {
    frames: &'f mut Frames,
    wrap: Wrap,
    /// Content blocks that were started.
    blocks: usize,
    pinged: bool,
}

impl Events<'_> {
    fn say(&mut self, answer: &Answer<'_>, place: usize, say: &Say) {
        match say {
            Say::Reasoning(thinking) => self.thinking(thinking, answer.chunk_chars),
            Say::Sealed(_) => self.start(block(answer, place, say)),
            Say::Text(text) | Say::Refusal(text) => self.text(text, None, answer.chunk_chars),
            Say::Cited { text, sources } => self.text(text, Some(sources), answer.chunk_chars),
            Say::Call { name, arguments: written } => {
                let input = arguments("{}");
                self.start(Block::ToolUse { id: call_id(answer, place), name, input });
                self.delta(Delta::InputJson { partial_json: "" });
                for partial_json in pieces(written, INPUT_CHARS) {
                    self.delta(Delta::InputJson { partial_json });
                }
            }
        }
        self.stop();
    }

    fn text(&mut self, text: &str, sources: Option<&Vec<Cite>>, chunk_chars: u32) {
        self.start(Block::Text { text: "", citations: sources.map(|_| Vec::new()) });
        for source in sources.into_iter().flatten() {
            self.delta(Delta::Citations { citation: citation(source) });
        }
        for text in pieces(text, chunk_chars) {
            self.delta(Delta::Text { text });
        }
    }

    fn thinking(&mut self, thinking: &str, chunk_chars: u32) {
        self.start(Block::Thinking { thinking: "", signature: String::new() });
        for thinking in pieces(thinking, chunk_chars) {
            self.delta(Delta::Thinking { thinking });
        }
        let signature = &ids::signature(thinking);
        self.delta(Delta::Signature { signature });
    }

    /// Starts a content block; the ping follows the first one.
    fn start(&mut self, content_block: Block<'_>) {
        let start = BlockStart { r#type: "content_block_start", index: self.blocks, content_block };
        self.event("content_block_start", &start, Part::Structure);
        self.blocks += 1;
        self.ping();
    }

    fn ping(&mut self) {
        let pinged = std::mem::replace(&mut self.pinged, true);
        if !pinged && self.wrap == Wrap::Event {
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
            delta: Stop {
                stop_reason: stop_reason(&answer.reply.finish),
                stop_sequence: stop_sequence(&answer.reply.finish),
            },
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
        if self.wrap == Wrap::Chunk {
            return chunk(self.frames, data, part);
        }
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
    ids::id("toolu_01", answer.number_of(index), 22)
}

fn stop_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "refusal",
        Finish::StopSequence(_) => "stop_sequence",
    }
}

fn stop_sequence(finish: &Finish) -> Option<&str> {
    match finish {
        Finish::StopSequence(sequence) => Some(sequence),
        _ => None,
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
