//! Writing a chat completion, whole and as a stream of chunks.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Reply, Usage, pieces};
use crate::script::Call;
use crate::timeline::{Frames, Part};

/// Characters of tool arguments in one chunk.
const ARGUMENT_CHARS: u32 = 8;

/// The provider pads its chunks with a field of random length, so that their
/// sizes do not betray the tokens; here the length follows from the chunk's.
const OBFUSCATION: &str = "sT9vQ2mXe1LrYp";

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: UsageReport,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    refusal: Option<()>,
    annotations: [(); 0],
}

#[derive(Serialize)]
struct ToolCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    choices: &'a [ChunkChoice<'a>],
    /// Null in every chunk but the last of a stream that reports usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<UsageReport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obfuscation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

/// The fields that are null when present and empty are doubly optional.
#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Option<()>>,
}

#[derive(Clone, Copy, Serialize)]
struct UsageReport {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Clone, Copy, Serialize)]
struct PromptDetails {
    cached_tokens: u32,
    audio_tokens: u32,
}

#[derive(Clone, Copy, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u32,
    audio_tokens: u32,
    accepted_prediction_tokens: u32,
    rejected_prediction_tokens: u32,
}

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let arguments: Vec<String> = arguments(reply).collect();
    let calls = reply.calls.iter().zip(&arguments).enumerate();
    let tool_calls = calls.map(|(index, (call, arguments))| ToolCall {
        index: None,
        ..call_start(answer.number, index, call, arguments)
    });
    let completion = Completion {
        id: &completion_id(answer),
        object: "chat.completion",
        created: answer.created,
        model: &answer.prompt.model,
        choices: [Choice {
            index: 0,
            message: Message {
                role: "assistant",
                content: reply.calls.is_empty().then_some(&reply.text),
                reasoning_content: reply.reasoning.as_deref(),
                tool_calls: tool_calls.collect(),
                refusal: None,
                annotations: [],
            },
            logprobs: None,
            finish_reason: finish_reason(reply.finish),
        }],
        usage: usage(&reply.usage),
        service_tier: "default",
        system_fingerprint: "fp_simulated",
        x_simulated: extra(answer),
    };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &completion);
}

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let id = completion_id(answer);
    let mut chunks = Chunks { answer, id: &id, frames };
    let reply = answer.reply;
    if answer.extras {
        chunks.raw(b": what begins with a colon is a comment\n\n");
    }
    if let Some(call) = reply.opening_call() {
        let delta =
            Delta { tool_calls: vec![call_start(answer.number, 0, call, "")], ..opening(None) };
        chunks.delta(delta, Part::Content);
    } else {
        let content = reply.calls.is_empty().then_some("");
        chunks.delta(opening(content), Part::Structure);
    }
    let reasoning = reply.reasoning.as_deref().unwrap_or_default();
    for piece in pieces(reasoning, answer.chunk_chars) {
        let delta = Delta { reasoning_content: Some(piece), ..Delta::default() };
        chunks.delta(delta, Part::Content);
    }
    for piece in pieces(&reply.text, answer.chunk_chars) {
        let delta = Delta { content: Some(Some(piece)), ..Delta::default() };
        chunks.delta(delta, Part::Content);
    }
    chunks.calls(reply);
    chunks.close(reply);
}

/// Writes the chunks of one stream.
struct Chunks<'a, 'f> {
    answer: &'a Answer<'a>,
    id: &'a str,
    frames: &'f mut Frames,
}

impl Chunks<'_, '_> {
    fn calls(&mut self, reply: &Reply) {
        let begun = reply.opening_call().is_some();
        for (index, (call, arguments)) in reply.calls.iter().zip(arguments(reply)).enumerate() {
            if !begun {
                let delta = Delta {
                    tool_calls: vec![call_start(self.answer.number, index, call, "")],
                    ..Delta::default()
                };
                self.delta(delta, Part::Content);
            }
            for piece in pieces(&arguments, ARGUMENT_CHARS) {
                let more = ToolCall {
                    index: Some(index),
                    id: None,
                    r#type: None,
                    function: Function { name: None, arguments: piece },
                };
                let delta = Delta { tool_calls: vec![more], ..Delta::default() };
                self.delta(delta, Part::Content);
            }
        }
    }

    fn close(&mut self, reply: &Reply) {
        let last = ChunkChoice {
            index: 0,
            delta: Delta::default(),
            logprobs: None,
            finish_reason: Some(finish_reason(reply.finish)),
        };
        self.chunk(&[last], None, Part::Closing);
        if self.answer.prompt.include_usage {
            self.chunk(&[], Some(usage(&reply.usage)), Part::Closing);
        }
        self.frames.buffer().extend_from_slice(b"data: [DONE]\n\n");
        self.frames.end(Part::Closing);
    }

    fn delta(&mut self, delta: Delta<'_>, part: Part) {
        let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason: None };
        self.chunk(&[choice], None, part);
    }

    fn chunk(&mut self, choices: &[ChunkChoice<'_>], usage: Option<UsageReport>, part: Part) {
        let answer = self.answer;
        let padding = self.frames.buffer().len() % OBFUSCATION.len();
        let chunk = Chunk {
            id: self.id,
            object: "chat.completion.chunk",
            created: answer.created,
            model: &answer.prompt.model,
            service_tier: "default",
            system_fingerprint: "fp_simulated",
            choices,
            usage: answer.prompt.include_usage.then_some(usage),
            obfuscation: Some(&OBFUSCATION[padding..]),
            x_simulated: extra(answer),
        };
        let buffer = self.frames.buffer();
        buffer.extend_from_slice(b"data: ");
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *buffer, &chunk);
        buffer.extend_from_slice(b"\n\n");
        self.frames.end(part);
    }

    fn raw(&mut self, frame: &[u8]) {
        self.frames.buffer().extend_from_slice(frame);
        self.frames.end(Part::Structure);
    }
}

impl Reply {
    /// The call that begins in the first chunk: the only one of an answer that
    /// has nothing else.
    fn opening_call(&self) -> Option<&Call> {
        match &self.calls[..] {
            [call] if self.reasoning.is_none() => Some(call),
            _ => None,
        }
    }
}

fn completion_id(answer: &Answer<'_>) -> String {
    ids::id("chatcmpl-", answer.number, 29)
}

fn opening(content: Option<&str>) -> Delta<'_> {
    Delta {
        role: Some("assistant"),
        content: Some(content),
        refusal: Some(None),
        ..Delta::default()
    }
}

fn call_start<'a>(number: u64, index: usize, call: &'a Call, arguments: &'a str) -> ToolCall<'a> {
    let number = ids::mix(number).wrapping_add(index as u64);
    ToolCall {
        index: Some(index),
        id: Some(ids::id("call_", number, 24)),
        r#type: Some("function"),
        function: Function { name: Some(&call.name), arguments },
    }
}

fn arguments(reply: &Reply) -> impl Iterator<Item = String> {
    reply.calls.iter().map(|call| call.arguments.to_string())
}

fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

fn usage(usage: &Usage) -> UsageReport {
    UsageReport {
        prompt_tokens: usage.prompt,
        completion_tokens: usage.completion,
        total_tokens: usage.prompt.saturating_add(usage.completion),
        prompt_tokens_details: PromptDetails { cached_tokens: usage.cache_read, audio_tokens: 0 },
        completion_tokens_details: CompletionDetails {
            reasoning_tokens: usage.reasoning,
            audio_tokens: 0,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
        },
    }
}

fn extra(answer: &Answer<'_>) -> Option<Value> {
    answer.extras.then(|| json!({"note": "no client knows this"}))
}
