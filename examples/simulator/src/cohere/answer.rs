//! Writing an answer, whole and as a stream of events.

use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Reply, Usage, pieces};
use crate::speech::{Cite, Say};
use crate::sse;
use crate::timeline::{Frames, Part};

/// Characters of a call's arguments in one delta.
const ARGUMENT_CHARS: u32 = 8;

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let content = reply.parts.iter().filter_map(|say| match say {
        Say::Reasoning(text) => Some(json!({"type": "thinking", "thinking": text})),
        say => say.as_text().map(|text| json!({"type": "text", "text": text})),
    });
    let calls = reply.calls().enumerate();
    let calls = calls.map(|(index, (name, arguments))| call(answer, index, name, arguments));
    let mut message = json!({"role": "assistant"});
    let mut set = |name: &str, list: Vec<Value>| {
        if !list.is_empty() {
            message[name] = list.into();
        }
    };
    set("content", content.collect());
    set("tool_calls", calls.collect());
    set("citations", citations(reply));
    let mut whole = json!({
        "id": message_id(answer),
        "finish_reason": finish_reason(&reply.finish),
        "message": message,
        "usage": usage(&reply.usage),
    });
    if answer.extras {
        whole["x_simulated"] = json!({"note": "no client knows this"});
    }
    body.extend_from_slice(whole.to_string().as_bytes());
}

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let mut events = Events { answer, frames, items: 0, calls: 0, citations: 0 };
    let message = json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
                         "citations": []});
    let start = json!({"id": message_id(answer), "delta": {"message": message}});
    events.event("message-start", start, Part::Structure);
    if answer.extras {
        events.event("weather-report", json!({"sky": "clear"}), Part::Structure);
    }
    answer.reply.parts.iter().for_each(|say| events.say(say));
    let end = json!({"id": message_id(answer), "delta": {
        "finish_reason": finish_reason(&answer.reply.finish),
        "usage": usage(&answer.reply.usage)}});
    events.event("message-end", end, Part::Closing);
}

/// Writes the events of one stream.
struct Events<'a, 'f> {
    answer: &'a Answer<'a>,
    frames: &'f mut Frames,
    /// Items of the content, calls and citations that have begun.
    items: usize,
    calls: usize,
    citations: usize,
}

impl Events<'_, '_> {
    fn say(&mut self, say: &Say) {
        match say {
            Say::Text(text) | Say::Refusal(text) => self.item("text", text, &[]),
            Say::Cited { text, sources } => self.item("text", text, sources),
            Say::Reasoning(text) => self.item("thinking", text, &[]),
            Say::Sealed(_) => {}
            Say::Call { name, arguments } => self.call(name, arguments),
        }
    }

    fn item(&mut self, kind: &str, text: &str, sources: &[Cite]) {
        let index = self.items;
        let held = |content: Value| json!({"index": index, "delta": {"message": content}});
        let start = held(json!({"content": {"type": kind, kind: ""}}));
        self.event("content-start", start, Part::Structure);
        for piece in pieces(text, self.answer.chunk_chars) {
            let delta = held(json!({"content": {kind: piece}}));
            self.event("content-delta", delta, Part::Content);
        }
        if !sources.is_empty() {
            let at = json!({"index": self.citations});
            let mut start = at.clone();
            start["delta"] = json!({"message": {"citations": citation(text, sources, index)}});
            self.event("citation-start", start, Part::Structure);
            self.event("citation-end", at, Part::Structure);
            self.citations += 1;
        }
        self.event("content-end", json!({"index": index}), Part::Structure);
        self.items += 1;
    }

    fn call(&mut self, name: &str, arguments: &str) {
        let index = self.calls;
        let held =
            |call: Value| json!({"index": index, "delta": {"message": {"tool_calls": call}}});
        let start = held(call(self.answer, index, name, ""));
        self.event("tool-call-start", start, Part::Structure);
        for piece in pieces(arguments, ARGUMENT_CHARS) {
            let delta = held(json!({"function": {"arguments": piece}}));
            self.event("tool-call-delta", delta, Part::Content);
        }
        self.event("tool-call-end", json!({"index": index}), Part::Structure);
        self.calls += 1;
    }

    fn event(&mut self, name: &str, mut data: Value, part: Part) {
        data["type"] = name.into();
        sse::event(self.frames, name, &data, part);
    }
}

fn message_id(answer: &Answer<'_>) -> String {
    ids::hex_id("", answer.number)
}

fn call(answer: &Answer<'_>, index: usize, name: &str, arguments: &str) -> Value {
    json!({"id": ids::id(&format!("{name}_"), answer.number_of(index), 12), "type": "function",
           "function": {"name": name, "arguments": arguments}})
}

/// The sources of all texts, each with the item that it is for.
fn citations(reply: &Reply) -> Vec<Value> {
    let items = reply.parts.iter().filter(|say| !matches!(say, Say::Call { .. }));
    let cited = items.enumerate().filter_map(|(index, say)| match say {
        Say::Cited { text, sources } => Some(citation(text, sources, index)),
        _ => None,
    });
    cited.collect()
}

fn citation(text: &str, sources: &[Cite], index: usize) -> Value {
    let source = |(place, source): (usize, &Cite)| {
        let id = format!("doc:{place}");
        json!({"type": "document", "id": id, "document": {
            "id": id, "title": source.title, "url": source.url, "snippet": source.quote}})
    };
    json!({"start": 0, "end": text.chars().count(), "text": text, "type": "TEXT_CONTENT",
           "content_index": index,
           "sources": sources.iter().enumerate().map(source).collect::<Vec<_>>()})
}

fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ContentFilter => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
        Finish::ToolCalls => "TOOL_CALL",
        Finish::StopSequence(_) => "STOP_SEQUENCE",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "billed_units": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
        "tokens": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
        "cached_tokens": usage.cache_read,
    })
}
