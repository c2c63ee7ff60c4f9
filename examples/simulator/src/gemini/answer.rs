//! Writing generated content, whole and as a stream.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::request::call_signature;
use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Reply, Usage, pieces};
use crate::speech::{Say, arguments};
use crate::timeline::{Frames, Part};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    candidates: Vec<Candidate<'a>>,
    usage_metadata: Value,
    model_version: &'a str,
    response_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    grounding_metadata: Option<Value>,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Bit<'a>>,
    role: &'static str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bit<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: &'a str,
    args: Box<RawValue>,
}

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let mut bits: Vec<Bit<'_>> = Vec::new();
    for (place, say) in reply.parts.iter().enumerate() {
        bits.push(match say.as_text() {
            Some(text) => Bit { text: Some(text), ..Bit::default() },
            None => bit(answer, place, say),
        });
    }
    if let (Some(last), true) = (bits.last_mut(), signs_text(reply)) {
        last.thought_signature = Some(ids::signature(&reply.text()));
    }
    let candidate = Candidate {
        grounding_metadata: grounding(reply),
        ..candidate(bits, Some(finish_reason(&reply.finish)))
    };
    let chunk = chunk(answer, candidate, usage(&reply.usage));
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer_pretty(body, &chunk);
}

/// Events, or one array of all chunks.
pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames, events: bool) {
    let reply = answer.reply;
    let early = json!({"promptTokenCount": reply.usage.prompt,
                       "totalTokenCount": reply.usage.prompt});
    let mut chunks = Chunks { answer, frames, events, early, written: 0 };
    for (place, say) in reply.parts.iter().enumerate() {
        chunks.say(place, say);
    }
    let signature = signs_text(reply).then(|| ids::signature(&reply.text()));
    let last = Bit { text: Some(""), thought_signature: signature, ..Bit::default() };
    let candidate = Candidate {
        grounding_metadata: grounding(reply),
        ..candidate(vec![last], Some(finish_reason(&reply.finish)))
    };
    chunks.write(candidate, usage(&reply.usage), Part::Closing);
    if !events {
        frames.buffer().extend_from_slice(b"\n]");
        frames.end(Part::Closing);
    }
}

/// Writes the chunks of one stream.
struct Chunks<'a, 'f> {
    answer: &'a Answer<'a>,
    frames: &'f mut Frames,
    events: bool,
    /// What is known of usage before the end.
    early: Value,
    written: usize,
}

impl Chunks<'_, '_> {
    fn say(&mut self, place: usize, say: &Say) {
        let (text, thought) = match say {
            Say::Text(text) | Say::Cited { text, .. } => (text, None),
            Say::Reasoning(text) => (text, Some(true)),
            say => {
                let bit = bit(self.answer, place, say);
                let usage = self.early.clone();
                return self.write(candidate(vec![bit], None), usage, Part::Content);
            }
        };
        for piece in pieces(text, self.answer.chunk_chars) {
            let bit = Bit { text: Some(piece), thought, ..Bit::default() };
            let usage = self.early.clone();
            self.write(candidate(vec![bit], None), usage, Part::Content);
        }
    }

    fn write(&mut self, candidate: Candidate<'_>, usage: Value, part: Part) {
        let chunk = chunk(self.answer, candidate, usage);
        let buffer = self.frames.buffer();
        let before: &[u8] = match (self.events, self.written) {
            (true, _) => b"data: ",
            (false, 0) => b"[",
            (false, _) => b",\r\n",
        };
        buffer.extend_from_slice(before);
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *buffer, &chunk);
        if self.events {
            buffer.extend_from_slice(b"\r\n\r\n");
        }
        self.frames.end(part);
        self.written += 1;
    }
}

fn chunk<'a>(answer: &Answer<'a>, candidate: Candidate<'a>, usage: Value) -> Chunk<'a> {
    Chunk {
        candidates: vec![candidate],
        usage_metadata: usage,
        model_version: &answer.prompt.model,
        response_id: ids::id("", answer.number, 22),
        x_simulated: answer.extras.then(|| json!({"note": "no client knows this"})),
    }
}

fn candidate<'a>(parts: Vec<Bit<'a>>, finish_reason: Option<&'static str>) -> Candidate<'a> {
    let content = Content { parts, role: "model" };
    Candidate { content, finish_reason, index: 0, grounding_metadata: None }
}

/// A part that is no text of the answer.
fn bit<'a>(answer: &Answer<'_>, place: usize, say: &'a Say) -> Bit<'a> {
    match say {
        Say::Reasoning(text) => Bit { text: Some(text), thought: Some(true), ..Bit::default() },
        Say::Call { name, arguments: written } => {
            let is_call = |say: &&Say| matches!(say, Say::Call { .. });
            let first = !answer.reply.parts[..place].iter().any(|say| is_call(&say));
            let signed = first && signs(answer.reply);
            Bit {
                function_call: Some(Call { id: None, name, args: arguments(written) }),
                thought_signature: signed.then(|| call_signature(name, written)),
                ..Bit::default()
            }
        }
        _ => Bit::default(),
    }
}

/// An answer that was thought about is signed: on its first call, else on its last text.
fn signs(reply: &Reply) -> bool {
    reply.usage.reasoning > 0
}

fn signs_text(reply: &Reply) -> bool {
    signs(reply) && reply.calls().next().is_none() && !reply.text().is_empty()
}

fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls | Finish::StopSequence(_) => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::ContentFilter => "SAFETY",
    }
}

/// The sources, with the bytes of the text that each is for.
fn grounding(reply: &Reply) -> Option<Value> {
    let (mut found, mut supports) = (Vec::new(), Vec::new());
    let mut start = 0;
    for say in &reply.parts {
        let text = say.as_text().unwrap_or_default();
        let end = start + text.len();
        if let Say::Cited { sources, .. } = say {
            let first = found.len();
            found.extend(
                sources
                    .iter()
                    .map(|source| json!({"web": {"uri": source.url, "title": source.title}})),
            );
            let indices: Vec<usize> = (first..found.len()).collect();
            let segment = json!({"startIndex": start, "endIndex": end, "text": text});
            supports.push(json!({"segment": segment, "groundingChunkIndices": indices}));
        }
        start = end;
    }
    (!found.is_empty()).then(|| {
        json!({"webSearchQueries": ["simulated"], "groundingChunks": found,
               "groundingSupports": supports})
    })
}

fn usage(usage: &Usage) -> Value {
    let mut counts = json!({
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.prompt.saturating_add(usage.completion),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}],
    });
    if usage.reasoning > 0 {
        counts["thoughtsTokenCount"] = usage.reasoning.into();
    }
    if usage.cache_read > 0 {
        counts["cachedContentTokenCount"] = usage.cache_read.into();
    }
    counts
}
