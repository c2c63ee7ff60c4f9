//! Answers that no server should send.

use cohere::Cohere;
use plugway_sdk::chat::{Event, FailureKind, Finish, FinishReason};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};

const START: &str =
    r#"{"type":"message-start","id":"m1","delta":{"message":{"role":"assistant"}}}"#;
const HELLO: &str =
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Hello"}}}}"#;
const END: &str = r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#;

fn events(frames: &[&str]) -> Vec<Event> {
    let transcript = Transcript::sse(frames.iter().copied());
    let events = streamed::<Cohere>(&transcript, Framing::Sse, "openai-chat");
    check_contract(&events).unwrap();
    events
}

fn answer(frames: &[&str]) -> Answer {
    Answer::of(&events(frames))
}

fn of_body(body: &str) -> Answer {
    let events = whole::<Cohere>(&Transcript::new(200, body), "openai-chat");
    check_contract(&events).unwrap();
    Answer::of(&events)
}

#[test]
fn a_stream_that_breaks_off_is_a_failure_and_keeps_what_came() {
    for frames in [&[][..], &[START], &[START, HELLO], &[START, HELLO, "[DONE]"]] {
        let answer = answer(frames);
        let kind = answer.failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable));
        assert!(answer.finishes.is_empty());
    }
    assert_eq!(answer(&[START, HELLO]).text(0), "Hello");
}

#[test]
fn the_end_mark_may_be_missing_or_doubled() {
    let expected = [Finish::new(0, FinishReason::Stop, "COMPLETE")];
    for frames in
        [&[START, HELLO, END][..], &[START, HELLO, END, "[DONE]", "[DONE]", HELLO, "nonsense"]]
    {
        let answer = answer(frames);
        assert_eq!(answer.finishes, expected);
        assert_eq!(answer.text(0), "Hello");
        assert_eq!(answer.failure, None);
        assert_eq!(answer.usage, [], "the router counts for itself");
    }
}

#[test]
fn an_error_inside_a_success_is_told() {
    let in_stream = answer(&[START, HELLO, r#"{"message":"the model is overloaded","id":"e1"}"#]);
    assert_eq!(in_stream.text(0), "Hello");
    assert_eq!(in_stream.failure.unwrap().message, "the model is overloaded");
    let late = r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"it broke"}}"#;
    let late = answer(&[START, HELLO, late]);
    assert_eq!(late.finishes, [Finish::new(0, FinishReason::Error, "ERROR")]);
    assert_eq!(late.failure.unwrap().kind, FailureKind::Unavailable);
    let in_body = of_body(r#"{"message":"too many tokens","id":"e1"}"#).failure.unwrap();
    assert_eq!(in_body.message, "too many tokens");
}

#[test]
fn nonsense_is_a_failure() {
    for frame in [
        "not json",
        "<html>",
        r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}}}"#,
    ] {
        let failure = answer(&[START, HELLO, frame, END]).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{frame}");
    }
    for body in ["", "<html>down</html>", "null", "[]", "{}", r#"{"message":null}"#, "\u{0}"] {
        let failure = of_body(body).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{body}");
    }
    let events = whole::<Cohere>(&Transcript::new(200, b"{\"id\":\"\xff\"}"), "openai-chat");
    assert!(matches!(events.as_slice(), [Event::Failed(_)]));
}

#[test]
fn what_the_api_may_add_is_skipped_and_null_is_nothing() {
    let frames = [
        START,
        r#"{"type":"debug","prompt":"<|START|>"}"#,
        r#"{"type":"future-event","delta":[1]}"#,
        r#"{"type":null,"delta":null}"#,
        "[]",
        "7",
        r#"{"type":"content-start","index":null,"delta":{"message":{"content":null}}}"#,
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":null,"future":{}}}}}"#,
        HELLO,
        r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":null}}}"#,
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":null}}}"#,
        r#"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":null,"sources":[null,7]}}}}"#,
        END,
    ];
    let answer = answer(&frames);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.parts.len(), 1);
    assert_eq!(answer.failure, None);
    let nulls = r#"{"id":null,"finish_reason":null,"message":{"content":[null,{"type":"future"},{"text":null}],"tool_calls":[],"citations":null,"tool_plan":7},"usage":null,"logprobs":[null]}"#;
    let answer = of_body(nulls);
    assert!(answer.parts.is_empty());
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "")]);
}

#[test]
fn a_large_frame_is_read() {
    let text = "ä".repeat(2_500_000);
    let frame = format!(
        r#"{{"type":"content-delta","index":0,"delta":{{"message":{{"content":{{"text":"{text}"}}}}}}}}"#
    );
    assert_eq!(answer(&[START, &frame, END]).text(0), text);
}

#[test]
fn a_token_of_megabytes_has_no_list_of_its_bytes() {
    let token = "x".repeat(5_000_000);
    let bit = format!(
        r#"{{"type":"content-delta","index":0,"delta":{{"message":{{"content":{{"text":"a"}}}},
        "logprobs":{{"text":"{token}","logprobs":[-0.5]}}}}}}"#
    );
    let logprobs = &answer(&[START, &bit.replace('\n', ""), END]).logprobs[&(0, 0)][0];
    assert!(logprobs.contains(r#""bytes":null"#));
}
