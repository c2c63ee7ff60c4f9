//! Writing an answer, whole and line by line.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, pieces};
use crate::speech::{Say, arguments};
use crate::timeline::{Frames, Part};

/// When every answer was made: tests compare them.
const CREATED_AT: &str = "2026-01-01T00:00:00.000001Z";

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    created_at: &'static str,
    message: Message<'a>,
    done: bool,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

#[derive(Default, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: String,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    index: usize,
    name: &'a str,
    arguments: Box<RawValue>,
}

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let (text, thought) = (reply.text(), reply.reasoning());
    let calls = reply.calls().enumerate();
    let calls = calls.map(|(index, (name, written))| call(answer, index, name, written));
    let message = Message {
        content: &text,
        thinking: thought.as_deref(),
        tool_calls: calls.collect(),
        ..said()
    };
    let whole = Line { done: true, more: ended(answer), ..line(answer, message) };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &whole);
}

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let mut called = 0;
    for say in &answer.reply.parts {
        match say {
            Say::Reasoning(thought) => {
                for piece in pieces(thought, answer.chunk_chars) {
                    let message = Message { thinking: Some(piece), ..said() };
                    write(frames, &line(answer, message), Part::Content);
                }
            }
            Say::Call { name, arguments: written } => {
                let calls = vec![call(answer, called, name, written)];
                let message = Message { tool_calls: calls, ..said() };
                write(frames, &line(answer, message), Part::Content);
                called += 1;
            }
            say => {
                for content in pieces(say.as_text().unwrap_or_default(), answer.chunk_chars) {
                    let message = Message { content, ..said() };
                    write(frames, &line(answer, message), Part::Content);
                }
            }
        }
    }
    let last = Line { done: true, more: ended(answer), ..line(answer, said()) };
    write(frames, &last, Part::Closing);
}

fn write(frames: &mut Frames, line: &Line<'_>, part: Part) {
    let buffer = frames.buffer();
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *buffer, line);
    buffer.push(b'\n');
    frames.end(part);
}

fn said() -> Message<'static> {
    Message { role: "assistant", ..Message::default() }
}

fn line<'a>(answer: &Answer<'a>, message: Message<'a>) -> Line<'a> {
    let mut more = serde_json::Map::new();
    if answer.extras {
        more.insert("x_simulated".into(), json!({"note": "no client knows this"}));
    }
    let model = answer.prompt.model.as_str();
    Line { model, created_at: CREATED_AT, message, done: false, more }
}

fn call<'a>(answer: &Answer<'_>, index: usize, name: &'a str, written: &str) -> Call<'a> {
    let id = ids::id("call_", answer.number_of(index), 8);
    Call { id, function: Function { index, name, arguments: arguments(written) } }
}

/// What the last line tells.
fn ended(answer: &Answer<'_>) -> serde_json::Map<String, Value> {
    let usage = &answer.reply.usage;
    let reason = match answer.reply.finish {
        Finish::Length => "length",
        _ => "stop",
    };
    let fields: [(&str, Value); 7] = [
        ("done_reason", reason.into()),
        ("total_duration", 5.into()),
        ("load_duration", 1.into()),
        ("prompt_eval_count", usage.prompt.into()),
        ("prompt_eval_duration", 1.into()),
        ("eval_count", usage.completion.into()),
        ("eval_duration", 1.into()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
