//! Writing a chat completion, whole and as a stream of chunks.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::flavour::{Flavour, Name};
use super::thoughts;
use super::usage;
use super::words::{annotations, common, content, finish_reason, native_finish, sources};
use crate::dialect::Answer;
use crate::ids;
use crate::reply::pieces;
use crate::speech::Say;
use crate::sse;
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
    usage: Value,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Value,
    #[serde(flatten)]
    thoughts: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Value>>,
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
    choices: &'a [ChunkChoice<'a>],
    /// Null in every chunk but the last of a stream that reports usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obfuscation: Option<&'a str>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// The fields that are null when present and empty are doubly optional.
#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Option<&'a str>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

pub(super) fn whole(flavour: &Flavour, answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let calls = reply.calls().enumerate();
    let tool_calls = calls.map(|(index, (name, arguments))| ToolCall {
        index: None,
        ..call_start(flavour, answer, index, name, arguments)
    });
    let mut more = common(flavour, answer);
    more.extend(sources(flavour, reply));
    let completion = Completion {
        id: &completion_id(answer),
        object: "chat.completion",
        created: answer.created,
        model: &answer.prompt.model,
        choices: [Choice {
            index: 0,
            message: Message {
                role: "assistant",
                content: content(flavour, reply),
                thoughts: thoughts::fields(flavour, reply),
                tool_calls: tool_calls.collect(),
                refusal: reply.refusal(),
                annotations: annotations(flavour, reply),
            },
            logprobs: None,
            finish_reason: finish_reason(reply),
            more: native_finish(flavour, reply),
        }],
        usage: usage::report(flavour, &reply.usage),
        more,
    };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &completion);
}

pub(super) fn stream(flavour: &Flavour, answer: &Answer<'_>, frames: &mut Frames) {
    let id = completion_id(answer);
    let mut chunks = Chunks { flavour, answer, id: &id, frames, called: 0 };
    let reply = answer.reply;
    if answer.extras {
        chunks.raw(b": what begins with a colon is a comment\n\n");
    }
    if flavour.name == Name::Azure {
        chunks.filtered_prompt();
    }
    match &reply.parts[..] {
        // The only call of an answer that has nothing else begins in the first chunk.
        [Say::Call { name, arguments }] => {
            let call = call_start(flavour, answer, 0, name, "");
            let delta = Delta { tool_calls: vec![call], ..opening(None) };
            chunks.delta(delta, Part::Content);
            chunks.arguments(arguments);
        }
        parts => {
            let content = reply.calls().next().is_none().then_some("");
            chunks.delta(opening(content), Part::Structure);
            parts.iter().for_each(|say| chunks.say(say));
        }
    }
    chunks.close();
}

/// Writes the chunks of one stream.
struct Chunks<'a, 'f> {
    flavour: &'a Flavour,
    answer: &'a Answer<'a>,
    id: &'a str,
    frames: &'f mut Frames,
    /// Calls that have begun.
    called: usize,
}

impl Chunks<'_, '_> {
    fn say(&mut self, say: &Say) {
        match say {
            Say::Text(text) | Say::Cited { text, .. } => self.text(text),
            Say::Refusal(text) => {
                for piece in pieces(text, self.answer.chunk_chars) {
                    let delta = Delta { refusal: Some(Some(piece)), ..Delta::default() };
                    self.delta(delta, Part::Content);
                }
            }
            Say::Reasoning(_) | Say::Sealed(_) => {
                let deltas = thoughts::deltas(self.flavour, self.answer, say);
                for more in deltas {
                    self.delta(Delta { more, ..Delta::default() }, Part::Content);
                }
            }
            Say::Call { name, arguments } => {
                let call = call_start(self.flavour, self.answer, self.called, name, "");
                let delta = Delta { tool_calls: vec![call], ..Delta::default() };
                self.delta(delta, Part::Content);
                self.arguments(arguments);
            }
        }
    }

    fn text(&mut self, text: &str) {
        for piece in pieces(text, self.answer.chunk_chars) {
            let delta = Delta { content: Some(Some(piece)), ..Delta::default() };
            self.delta(delta, Part::Content);
        }
    }

    fn arguments(&mut self, arguments: &str) {
        for piece in pieces(arguments, ARGUMENT_CHARS) {
            let more = ToolCall {
                index: Some(self.called),
                id: None,
                r#type: None,
                function: Function { name: None, arguments: piece },
            };
            let delta = Delta { tool_calls: vec![more], ..Delta::default() };
            self.delta(delta, Part::Content);
        }
        self.called += 1;
    }

    fn close(&mut self) {
        let (flavour, reply) = (self.flavour, self.answer.reply);
        if let Some(annotations) = annotations(flavour, reply).filter(|list| !list.is_empty()) {
            let more = Map::from_iter([("annotations".to_owned(), Value::from(annotations))]);
            self.delta(Delta { more, ..Delta::default() }, Part::Closing);
        }
        let last = ChunkChoice {
            finish_reason: Some(finish_reason(reply)),
            more: native_finish(flavour, reply),
            ..choice(Delta::default())
        };
        let report = usage::report(flavour, &reply.usage);
        let with_usage = usage::in_last_chunk(flavour).then(|| report.clone());
        let mut more = sources(flavour, reply);
        more.extend(usage::beside(flavour, &report, self.id));
        self.chunk(&[last], with_usage, more, Part::Closing);
        if self.tells_usage() && !usage::in_last_chunk(flavour) {
            self.chunk(&[], Some(report), Map::new(), Part::Closing);
        }
        self.frames.buffer().extend_from_slice(b"data: [DONE]\n\n");
        self.frames.end(Part::Closing);
    }

    fn tells_usage(&self) -> bool {
        self.answer.prompt.include_usage || self.flavour.name == Name::OpenRouter
    }

    /// What Azure found in the prompt, before the answer begins.
    fn filtered_prompt(&mut self) {
        let found = json!([{"prompt_index": 0, "content_filter_results": {
            "hate": {"filtered": false, "severity": "safe"}}}]);
        let more = Map::from_iter([("prompt_filter_results".to_owned(), found)]);
        self.chunk(&[], None, more, Part::Structure);
    }

    fn delta(&mut self, delta: Delta<'_>, part: Part) {
        self.chunk(&[choice(delta)], None, Map::new(), part);
    }

    fn chunk(
        &mut self,
        choices: &[ChunkChoice<'_>],
        usage: Option<Value>,
        more: Map<String, Value>,
        part: Part,
    ) {
        let answer = self.answer;
        let padding = self.frames.buffer().len() % OBFUSCATION.len();
        let obfuscated = self.flavour.name == Name::OpenAi;
        let mut all = common(self.flavour, answer);
        all.extend(more);
        let told = usage.is_some() || self.tells_usage() && obfuscated;
        let chunk = Chunk {
            id: self.id,
            object: "chat.completion.chunk",
            created: answer.created,
            model: &answer.prompt.model,
            choices,
            usage: told.then_some(usage),
            obfuscation: obfuscated.then(|| &OBFUSCATION[padding..]),
            more: all,
        };
        sse::data(self.frames, &chunk, part);
    }

    fn raw(&mut self, frame: &[u8]) {
        self.frames.buffer().extend_from_slice(frame);
        self.frames.end(Part::Structure);
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

fn choice(delta: Delta<'_>) -> ChunkChoice<'_> {
    ChunkChoice { index: 0, delta, logprobs: None, finish_reason: None, more: Map::new() }
}

fn call_start<'a>(
    flavour: &Flavour,
    answer: &Answer<'_>,
    index: usize,
    name: &'a str,
    arguments: &'a str,
) -> ToolCall<'a> {
    let number = answer.number_of(index);
    let id = match flavour.call_id_chars {
        Some(chars) => ids::id("", number, chars),
        None => ids::id("call_", number, 24),
    };
    ToolCall {
        index: Some(index),
        id: Some(id),
        r#type: Some("function"),
        function: Function { name: Some(name), arguments },
    }
}
