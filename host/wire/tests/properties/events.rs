//! A provider's stream gives the same events, through framer and adapter, wherever
//! the network cuts it.

use plugway_engine::chat::{self, Event, PartBody, Reasoning};
use plugway_engine::{Framing, ResponseHead};
use plugway_wire::answer::Answer;
use plugway_wire::framing::Framer;

use crate::plugins::{CONTEXT, adapter};

const LIMIT: usize = 1 << 20;

/// What every transcript says, beside its reasoning.
const TEXT: &str = "caf\u{e9} \u{1f9ea} \u{4f60}\u{597d}";

/// Events in this dialect; the line ends are put in later.
const OPENAI: &str = r#": PROCESSING
:
data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"reasoning":"H\u00e4, 🤔"},"finish_reason":null}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"café "},"finish_reason":null}]}
id: 7
retry: 10

data: {"id":"c1","model":"m","choices":[{"index":0,
data: "delta":{"content":"🧪 你好"},"finish_reason":null}]}

: still here

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Z\u00fcrich\"}"}}]},"finish_reason":null}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"completion_tokens_details":{"reasoning_tokens":3}}}

data: [DONE]

"#;

const ANTHROPIC: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":11,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"H\u00e4, 🤔"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2lnbmVk"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

: a comment

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"café "}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,
data: "delta":{"type":"text_delta","text":"🧪 你好"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"Z\u00fcrich\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

"#;

/// The transcript as streams that differ in how their lines end, and in whether
/// the last event's empty line is there.
fn streams(transcript: &str) -> [Vec<u8>; 4] {
    // In this order: a CR and the LF of an empty line after it would be one end.
    let mut turn = 0;
    let mixed = transcript.split('\n').fold(String::new(), |mixed, line| {
        let end = ["\n", "\r", "\r\n"][turn % 3];
        turn += 1;
        mixed + line + end
    });
    [
        format!("\u{feff}{transcript}"),
        transcript.replace('\n', "\r\n"),
        transcript.trim_end().replace('\n', "\r"),
        mixed,
    ]
    .map(String::into_bytes)
}

/// The events of a stream that comes in these chunks.
fn events<'c>(name: &str, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Event> {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    let attempt = adapter(name).attempt(CONTEXT).unwrap();
    let mut decoder = attempt.decoder(ResponseHead { status: 200, headers }, "").unwrap();
    let mut framer = Framer::new(Framing::Sse, LIMIT);
    let mut events = Vec::new();
    for chunk in chunks {
        let mut frames = Vec::new();
        framer.push(chunk, &mut frames).unwrap();
        if !frames.is_empty() {
            events.extend(decoder.push(frames).unwrap());
        }
    }
    let mut frames = Vec::new();
    framer.end(&mut frames).unwrap();
    if !frames.is_empty() {
        events.extend(decoder.push(frames).unwrap());
    }
    events.extend(decoder.end().unwrap());
    events
}

/// The stream is understood, and the transcript was worth cutting.
fn says_everything(events: &[Event]) {
    let answer = Answer::from_events(events.iter().cloned());
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for part in &answer.choices()[0].parts {
        match &part.body {
            PartBody::Text(more) => text += more,
            PartBody::Reasoning(Reasoning::Text(more)) => reasoning += more,
            PartBody::ToolCall(call) => calls.push((call.name.as_str(), call.input.as_str())),
            _ => {}
        }
    }
    assert_eq!(text, TEXT);
    assert_eq!(reasoning, "H\u{e4}, \u{1f914}");
    let [("weather", input)] = calls[..] else { panic!("{calls:?}") };
    assert_eq!(serde_json::from_str::<serde_json::Value>(input).unwrap()["city"], "Z\u{fc}rich");
    let tally = answer.tally();
    assert_eq!(tally.finish_reason, Some(chat::FinishReason::ToolCalls));
    assert!(tally.failure.is_none());
    let usage = tally.usage.last().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7));
}

fn check(name: &str, transcript: &str) {
    let expected = events(name, [transcript.as_bytes()]);
    says_everything(&expected);
    for (which, stream) in streams(transcript).iter().enumerate() {
        for cut in 0..=stream.len() {
            let (before, after) = stream.split_at(cut);
            let cut_there = events(name, [before, after]);
            assert!(cut_there == expected, "{name}, stream {which}, cut at byte {cut}");
        }
        for length in [1, 2, 3, 7, 64] {
            let pieces = events(name, stream.chunks(length));
            assert!(pieces == expected, "{name}, stream {which}, in chunks of {length}");
        }
    }
}

#[test]
fn a_stream_of_completion_chunks_cut_anywhere_gives_the_same_events() {
    check("openai", OPENAI);
}

#[test]
fn a_stream_of_content_blocks_cut_anywhere_gives_the_same_events() {
    check("anthropic", ANTHROPIC);
}
