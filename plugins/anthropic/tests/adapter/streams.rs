//! Streams that do not run smoothly.

use anthropic::Anthropic;
use plugway_sdk::chat::{Event, FailureKind, Finish, FinishReason, Usage};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed};

use crate::NATIVE;

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message",
    "role":"assistant","model":"claude-test","content":[],"stop_reason":null,
    "usage":{"input_tokens":5,"cache_read_input_tokens":3,"output_tokens":1,
    "cache_creation_input_tokens":2,"cache_creation":{"ephemeral_1h_input_tokens":2}}}}"#;
const BEGIN: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const HELLO: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#;
const CLOSE: &str = r#"{"type":"content_block_stop","index":0}"#;
const ENDED: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn",
    "container":{"id":"c-1"}},"usage":{"input_tokens":6,"output_tokens":9},"context_management":{"applied_edits":[]}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn events(frames: &[&str], memo: &str) -> Vec<Event> {
    let frames: Vec<String> = frames.iter().map(|frame| frame.replace('\n', "")).collect();
    let transcript = Transcript::sse(frames.iter().map(String::as_str));
    let events = streamed::<Anthropic>(&transcript, Framing::Sse, memo);
    check_contract(&events).unwrap();
    events
}

fn answer(frames: &[&str]) -> Answer {
    Answer::of(&events(frames, "openai-chat"))
}

#[test]
fn usage_counts_up() {
    let events = events(&[START, BEGIN, HELLO, CLOSE, ENDED, STOP], "openai-chat");
    let usage: Vec<&Usage> = events
        .iter()
        .filter_map(|event| match event {
            Event::Usage(usage) => Some(usage),
            _ => None,
        })
        .collect();
    let at = |input, output| Usage {
        prompt_tokens: input,
        completion_tokens: output,
        cache_read_tokens: 3,
        cache_write_tokens: 2,
        meters: vec![("cache-write-1h-tokens".into(), 2)],
        ..Usage::default()
    };
    // What a stream begins with is a guess at what will be written.
    assert_eq!(usage, [&at(10, 0), &at(11, 9)]);
}

#[test]
fn where_nothing_is_counted_again_the_first_count_stands() {
    let ended = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#;
    let answer = answer(&[START, BEGIN, HELLO, CLOSE, ended, STOP]);
    assert_eq!((answer.usage[0].prompt_tokens, answer.usage[0].completion_tokens), (10, 1));
}

#[test]
fn native_fields_that_come_late_are_added() {
    let frames = [START, BEGIN, HELLO, CLOSE, ENDED, STOP];
    let extra = Answer::of(&events(&frames, NATIVE)).origin.extra;
    let expected =
        [("container", r#"{"id":"c-1"}"#), ("context_management", r#"{"applied_edits":[]}"#)];
    assert_eq!(extra, expected.map(|(name, json)| (name.into(), json.into())));
    assert_eq!(answer(&frames).origin.extra, []);
}

#[test]
fn an_error_ends_the_stream_and_keeps_what_came() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let answer = answer(&[START, BEGIN, HELLO, error, STOP]);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.usage.len(), 1);
    let failure = answer.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Overloaded);
    assert_eq!(failure.message, "Overloaded");
    assert_eq!(failure.code.as_deref(), Some("overloaded_error"));
}

#[test]
fn an_end_without_a_stop_is_a_failure() {
    for frames in [&[][..], &[START, BEGIN, HELLO], &[START, BEGIN, HELLO, CLOSE, ENDED]] {
        let answer = answer(frames);
        let kind = answer.failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable));
    }
}

#[test]
fn nonsense_is_a_failure() {
    let nonsense = [
        "not json",
        r#"{"index":1}"#,
        r#"{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"x"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":[]}"#,
        r#"{"type":"content_block_stop","index":7}"#,
        r#"{"type":"error"}"#,
    ];
    for frame in nonsense {
        let answer = answer(&[START, BEGIN, HELLO, frame, STOP]);
        let kind = answer.failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable), "{frame}");
    }
}

#[test]
fn what_the_api_may_add_is_skipped() {
    let frames = [
        START,
        r#"{"type":"future_event","future":{"a":1}}"#,
        BEGIN,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"future_delta","x":1}}"#,
        HELLO,
        CLOSE,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"future","x":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"no"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        ENDED,
        STOP,
        "after the end nothing is read",
    ];
    let answer = answer(&frames);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.parts.len(), 1);
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "end_turn")]);
    assert_eq!(answer.failure, None);
}

#[test]
fn usage_never_counts_down_and_survives_what_it_cannot_read() {
    let ended = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":
        {"input_tokens":0,"output_tokens":7,"cache_read_input_tokens":null,
        "cache_creation_input_tokens":"two","iterations":{"future":1},"server_tool_use":[]}}"#;
    let again = r#"{"type":"message_start","message":{"usage":{"input_tokens":1}}}"#;
    let answer = answer(&[START, BEGIN, HELLO, CLOSE, ended, again, STOP]);
    assert_eq!(answer.failure, None);
    let usage = &answer.usage[0];
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 7));
    assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (3, 2));
}

#[test]
fn blocks_that_are_never_closed_end_with_the_message() {
    let call = r#"{"type":"content_block_start","index":1,"content_block":
        {"type":"tool_use","id":"t-1","name":"look","input":{}}}"#;
    let answer = answer(&[START, BEGIN, HELLO, call, ENDED, STOP]);
    assert_eq!(answer.failure, None);
    assert_eq!(answer.calls(0), [("look", "{}")]);
}

#[test]
fn null_where_a_string_belongs_is_nothing() {
    let frames = [
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":null}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":null}}"#,
        HELLO,
        CLOSE,
        r#"{"type":"message_delta","delta":{"stop_reason":null,"stop_sequence":null},"usage":null}"#,
        STOP,
    ];
    let answer = answer(&frames);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "")]);
}

#[test]
fn what_nobody_counted_is_not_free() {
    for usage in ["null", "{}", r#"{"input_tokens":null,"service_tier":"standard"}"#] {
        let start = format!(
            r#"{{"type":"message_start","message":{{"id":"msg_1","content":[],"usage":{usage}}}}}"#
        );
        let ended = format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},"usage":{usage}}}"#
        );
        let answer = answer(&[&start, BEGIN, HELLO, CLOSE, &ended, STOP]);
        assert_eq!(answer.text(0), "Hello");
        assert_eq!(answer.usage, [], "the router counts for itself: {usage}");
    }
}
