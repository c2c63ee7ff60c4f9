//! Answers that no server should send.

use ollama::Ollama;
use plugway_sdk::chat::{Event, FailureKind, Finish, FinishReason};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};

const HELLO: &str = r#"{"model":"tiny:1b","message":{"content":"Hello"},"done":false}"#;
const END: &str =
    r#"{"model":"tiny:1b","message":{"content":""},"done":true,"done_reason":"stop"}"#;

fn answer(lines: &[&str]) -> Answer {
    let transcript = Transcript::new(200, lines.join("\n"));
    let events = streamed::<Ollama>(&transcript, Framing::Ndjson, "openai-chat");
    check_contract(&events).unwrap();
    Answer::of(&events)
}

fn of_body(body: &str) -> Answer {
    let events = whole::<Ollama>(&Transcript::new(200, body), "openai-chat");
    check_contract(&events).unwrap();
    Answer::of(&events)
}

#[test]
fn a_stream_that_breaks_off_is_a_failure_and_keeps_what_came() {
    for lines in [&[][..], &[HELLO], &[HELLO, HELLO]] {
        let answer = answer(lines);
        let kind = answer.failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable));
        assert!(answer.finishes.is_empty());
    }
    assert_eq!(answer(&[HELLO]).text(0), "Hello");
    assert_eq!(of_body(HELLO).failure.unwrap().kind, FailureKind::Unavailable);
}

#[test]
fn nothing_is_read_after_the_end() {
    let answer = answer(&[HELLO, END, END, HELLO, "nonsense"]);
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "stop")]);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.failure, None);
    assert_eq!(answer.usage, [], "the router counts for itself");
}

#[test]
fn a_stream_that_came_whole_is_read() {
    let answer = of_body(&format!("{HELLO}\r\n{HELLO}\n\n{END}\n"));
    assert_eq!(answer.text(0), "HelloHello");
    assert_eq!(answer.failure, None);
}

#[test]
fn an_error_inside_a_success_is_told() {
    let check = |error: &str, kind: FailureKind| {
        let in_stream = answer(&[HELLO, error, END]);
        assert_eq!(in_stream.text(0), "Hello");
        assert_eq!(in_stream.failure.unwrap().kind, kind, "{error}");
        assert_eq!(of_body(error).failure.unwrap().kind, kind, "{error}");
    };
    check(r#"{"error":"an error was encountered"}"#, FailureKind::Unavailable);
    check(r#"{"error":"server busy, please try again"}"#, FailureKind::Overloaded);
    check(r#"{"error":"too many requests","StatusCode":429}"#, FailureKind::RateLimited);
    check(r#"{"error":{"message":"it broke"}}"#, FailureKind::Unavailable);
}

#[test]
fn nonsense_is_a_failure() {
    for line in [
        "not json",
        "<html>",
        "[]",
        "{}",
        "7",
        r#"{"message":null}"#,
        r#"{"message":"text"}"#,
        r#"{"message":{"tool_calls":{"function":{}}}}"#,
        r#"{"message":{"tool_calls":[{"function":null}]}}"#,
        r#"{"message":{"tool_calls":[{"function":{"name":"","arguments":{}}}]}}"#,
    ] {
        let failure = answer(&[HELLO, line, END]).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{line}");
    }
    for body in ["", "<html>down</html>", "null", "[]", "\u{0}"] {
        let failure = of_body(body).failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{body}");
    }
    let events = whole::<Ollama>(&Transcript::new(200, b"{\"model\":\"\xff\"}"), "openai-chat");
    assert!(matches!(events.as_slice(), [Event::Failed(_)]));
}

#[test]
fn what_the_server_may_add_is_skipped_and_null_is_nothing() {
    let nulls = r#"{"model":null,"created_at":null,"message":{"role":null,"content":null,"thinking":null,"images":null,"tool_calls":null,"future":{}},"logprobs":null,"error":null,"future":[1],"done":null}"#;
    let answer = answer(&[nulls, HELLO, "", r#"{"model":7,"message":{"content":7}}"#, END]);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.parts.len(), 1);
    assert_eq!(answer.failure, None);
    let bare = of_body(r#"{"done":true,"done_reason":null,"eval_count":"many"}"#);
    assert_eq!(bare.finishes, [Finish::new(0, FinishReason::Stop, "")]);
}

#[test]
fn a_large_line_is_read() {
    let text = "ä".repeat(2_500_000);
    let line = format!(r#"{{"message":{{"content":"{text}"}}}}"#);
    assert_eq!(answer(&[&line, END]).text(0), text);
}

#[test]
fn a_token_of_megabytes_has_no_list_of_its_bytes() {
    let token = "x".repeat(5_000_000);
    let line = format!(
        r#"{{"message":{{"content":"a"}},"logprobs":[{{"token":"{token}","logprob":-0.5}}],"done":false}}"#
    );
    let logprobs = &answer(&[&line, END]).logprobs[&(0, 0)][0];
    assert!(logprobs.contains(r#""bytes":null"#));
}
