//! What reading a stream through a component costs: frames per second of every
//! first-party adapter, beside the native parse of the same frames into
//! `serde_json::Value`. Rounds are interleaved; compare within one run. Prints, and
//! asserts nothing.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it cannot go on"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use plugway_engine::{Adapter, CallContext, Engine, Frame, Grants, Limits, Plugin, ResponseHead};
use serde_json::Value;

/// Frames of one stream.
const FRAMES: usize = 1000;

/// Streams of each kind; the best of them is told, for what is slower was disturbed.
const ROUNDS: usize = 20;

/// Frames that arrive together: one by one, and as fast networks bring them.
const TOGETHER: [usize; 2] = [1, 16];

const OPENAI: (&[(&str, &str)], (&str, &str)) = (
    &[],
    (
        "",
        r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}"#,
    ),
);

const ANTHROPIC: (&[(&str, &str)], (&str, &str)) = (
    &[
        (
            "message_start",
            r#"{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
        ),
        (
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ],
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}"#,
    ),
);

const GEMINI: (&[(&str, &str)], (&str, &str)) = (
    &[],
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":" word"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2},"modelVersion":"m","responseId":"r"}"#,
    ),
);

const BEDROCK: (&[(&str, &str)], (&str, &str)) = (
    &[("messageStart", r#"{"p":"ab","role":"assistant"}"#)],
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":" word"},"p":"abcdefgh"}"#),
);

const COHERE: (&[(&str, &str)], (&str, &str)) = (
    &[
        (
            "message-start",
            r#"{"id":"m1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        ),
        (
            "content-start",
            r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        ),
    ],
    (
        "content-delta",
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":" word"}}}}"#,
    ),
);

const OLLAMA: (&[(&str, &str)], (&str, &str)) = (
    &[],
    (
        "",
        r#"{"model":"m","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":" word"},"done":false}"#,
    ),
);

fn main() {
    let engine = Engine::new(Limits::default(), None).expect("an engine");
    println!(
        "{:<18} {:>12} {:>12} {:>12} {:>7}",
        "adapter", "one by one", "by sixteen", "serde_json", "ratio"
    );
    for component in plugway::FIRST_PARTY {
        let loaded = engine.load(component.id, component.wasm, &Grants::default());
        let Ok(Plugin::Adapter(adapter)) = loaded else { continue };
        let frames = stream(component.id);
        let mut best = [Duration::MAX; 3];
        for _ in 0..ROUNDS {
            for (kind, together) in TOGETHER.into_iter().enumerate() {
                best[kind] = best[kind].min(pushed(&adapter, &frames, together));
            }
            best[2] = best[2].min(parsed(&frames));
        }
        let rate = best.map(|took| frames.len() as f64 / took.as_secs_f64());
        println!(
            "{:<18} {:>10.0}/s {:>10.0}/s {:>10.0}/s {:>7.2}",
            component.id,
            rate[0],
            rate[1],
            rate[2],
            rate[2] / rate[1]
        );
    }
}

/// A stream in the format that this adapter reads.
fn stream(adapter: &str) -> Vec<Frame> {
    let (opening, each) = match adapter {
        "anthropic" => ANTHROPIC,
        "gemini" => GEMINI,
        "bedrock" => BEDROCK,
        "cohere" => COHERE,
        "ollama" => OLLAMA,
        _ => OPENAI,
    };
    let frame = |(kind, data): (&str, &str)| Frame {
        kind: (!kind.is_empty()).then(|| kind.to_owned()),
        data: data.as_bytes().to_vec(),
    };
    let opening = opening.iter().copied().map(frame);
    opening.chain(std::iter::repeat_n(each, FRAMES).map(frame)).collect()
}

fn pushed(adapter: &Adapter, frames: &[Frame], together: usize) -> Duration {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    let attempt = adapter.attempt(CallContext::default()).expect("an instance");
    let mut decoder = attempt.decoder(head, "").expect("a decoder");
    let groups: Vec<Vec<Frame>> = frames.chunks(together).map(<[Frame]>::to_vec).collect();
    let began = Instant::now();
    for group in groups {
        black_box(decoder.push(group).expect("events"));
    }
    began.elapsed()
}

fn parsed(frames: &[Frame]) -> Duration {
    let began = Instant::now();
    for frame in frames {
        black_box(serde_json::from_slice::<Value>(&frame.data).expect("JSON"));
    }
    began.elapsed()
}
