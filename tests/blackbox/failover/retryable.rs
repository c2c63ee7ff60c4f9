//! What moves on to the next endpoint before the first content, and what does not.

use super::raw::{self, Then};
use super::{bounded, content, counts, failing, in_front_of, two};
use crate::setup::{ask, bare_provider};
use plugway_simulator::{Behaviour, Failure, Kind, Simulator};
use plugway_tests::{LogLines, TestRouter};
use tokio::net::TcpListener;

const ROLE: &str = r#"data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const TOKEN: &str = r#"data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"one"},"finish_reason":null}]}"#;
const STOP: &str = r#"data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const ERROR: &str = r#"data: {"error":{"message":"It broke.","type":"server_error"}}"#;
const COMMENT: &str = ": still here";
const DONE: &str = "data: [DONE]";

fn from_second() -> Simulator {
    Simulator::start(Kind::Anthropic, Behaviour::new().reply("from second")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_content_moves_on() {
    let second = from_second();
    for kind in [Kind::OpenAi, Kind::Anthropic] {
        let first = Simulator::start(kind, Behaviour::new()).unwrap();
        let statuses = [401, 403, 404, 408, 429, 500, 502, 503, 504, 529].map(Failure::status);
        let failures = [
            Failure::rate_limited(7),
            Failure::Close,
            Failure::Cut { after_chunks: 0 },
            Failure::StreamError { after_chunks: 0, code: 500 },
            Failure::Malformed { after_chunks: 0 },
            Failure::Empty,
        ];
        for failure in statuses.into_iter().chain(failures) {
            first.set(failing(failure.clone()));
            // A router for each: what one failure teaches it is not to help the next.
            let router = in_front_of(&first, &second).await;
            let streamed = router.client().stream(&ask("test/both", "Hi")).await;
            assert_eq!(streamed.content(), "from second", "{failure:?}: {:?}", streamed.chunks);
            assert!(streamed.done);
            let id = streamed.headers["x-generation-id"].to_str().unwrap().to_owned();
            let attempts = LogLines::access(&id).await["attempts"].as_str().unwrap().to_owned();
            assert!(
                attempts.starts_with("first/sim:") && attempts.contains(" second/sim:ok:"),
                "{failure:?}: {attempts}"
            );
            let router = in_front_of(&first, &second).await;
            assert_eq!(content(&router, false).await, "from second", "{failure:?}, whole");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_everywhere_is_not_tried_elsewhere() {
    let says = |code, message: &str| Failure::Status {
        code,
        retry_after: None,
        message: Some(message.to_owned()),
    };
    for (kind, failure, error_type) in [
        (Kind::OpenAi, Failure::status(400), "invalid_request"),
        (Kind::OpenAi, Failure::status(422), "invalid_request"),
        (Kind::OpenAi, says(400, "Against our content policy."), "content_policy_violation"),
        (Kind::Anthropic, Failure::status(400), "invalid_request"),
        (
            Kind::Anthropic,
            says(400, "Output blocked by content filtering policy"),
            "content_policy_violation",
        ),
    ] {
        let first = Simulator::start(kind, failing(failure.clone())).unwrap();
        let second = from_second();
        let router = in_front_of(&first, &second).await;
        let answer = router.client().chat(&ask("test/both", "Hi")).await;
        assert_eq!(answer.status, 400, "{failure:?}: {}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["code"], error_type, "{failure:?}");
        let streamed = router.client().stream(&ask("test/both", "Hi")).await;
        assert_eq!(streamed.status, 400, "{failure:?}");
        assert_eq!(first.requests().len(), 2, "{failure:?}");
        assert!(second.requests().is_empty(), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_endpoint_cannot_read_another_may() {
    for (kind, message) in [
        (Kind::OpenAi, "This model's maximum context length is 1000 tokens."),
        (Kind::Anthropic, "prompt is too long: 1001 tokens > 1000 maximum"),
    ] {
        let too_long =
            Failure::Status { code: 400, retry_after: None, message: Some(message.into()) };
        let first = Simulator::start(kind, failing(too_long)).unwrap();
        let second = from_second();
        let router = in_front_of(&first, &second).await;
        for streaming in [true, false] {
            assert_eq!(content(&router, streaming).await, "from second", "{message}");
        }
    }
}

/// The first endpoint is a raw one.
async fn behind_raw(bytes: &str, then: Then, bounds: &str, second: &Simulator) -> TestRouter {
    let first = raw::first(raw::upstream(bytes, then).await, "openai");
    two(bounds, [&first, &bare_provider("second", second)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_moves_on() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let refusing = raw::first(listener.local_addr().unwrap(), "openai");
    drop(listener);
    let second = from_second();
    let router = two("", [&refusing, &bare_provider("second", &second)]).await;
    for streaming in [true, false] {
        assert_eq!(content(&router, streaming).await, "from second", "streaming: {streaming}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_connection_moves_on() {
    let second = from_second();
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    for (bytes, streaming) in [
        (String::new(), true),
        (String::new(), false),
        ("HTTP/1.1 200 OK\r\ncontent-".to_owned(), true),
        (half.to_owned(), false),
        (raw::stream(&[COMMENT, ROLE]), true),
    ] {
        let router = behind_raw(&bytes, Then::Reset, "", &second).await;
        assert_eq!(content(&router, streaming).await, "from second", "{bytes:?}, {streaming}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_and_a_role_are_no_content() {
    let second = from_second();
    for frames in [
        &[COMMENT, ROLE, COMMENT, ERROR][..],
        &[ROLE, ROLE, ERROR, DONE],
        // An empty completion, with and without its end mark.
        &[ROLE, STOP, DONE],
        &[ROLE, STOP],
        &[COMMENT, DONE],
        &[],
    ] {
        let router = behind_raw(&raw::stream(frames), Then::Close, "", &second).await;
        assert_eq!(content(&router, true).await, "from second", "{frames:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_is_none_moves_on() {
    let second = from_second();
    let choice = |content: &str| {
        format!(
            r#"{{"id":"1","object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":{content}}},"finish_reason":"stop"}}]}}"#
        )
    };
    for body in [
        r#"{"error":{"message":"It broke.","type":"server_error"}}"#.to_owned(),
        r#"{"error":{"message":"Slow down.","code":429}}"#.to_owned(),
        choice("\"\""),
        choice("null"),
        r#"{"id":"1","object":"chat.completion","choices":[]}"#.to_owned(),
        "<html>gateway</html>".to_owned(),
    ] {
        let router = behind_raw(&raw::whole(&body), Then::Close, "", &second).await;
        // Also for a stream: some answer whole, and say so.
        for streaming in [false, true] {
            assert_eq!(content(&router, streaming).await, "from second", "{body}, {streaming}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_before_the_first_token_moves_on() {
    let second = from_second();
    for (bytes, bound) in [
        (String::new(), "head_timeout"),
        (raw::stream(&[]), "first_token_timeout"),
        (raw::stream(&[COMMENT, ROLE, COMMENT]), "first_token_timeout"),
        (raw::stream(&[COMMENT, ROLE]), "idle_timeout"),
    ] {
        let bounds = format!("[upstream]\n{bound} = \"300ms\"");
        let router = behind_raw(&bytes, Then::Wait, &bounds, &second).await;
        assert_eq!(content(&router, true).await, "from second", "{bytes:?}, {bound}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_too_slow_moves_on() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let second = from_second();
    let no_head = Behaviour::new().head_delay_ms(60_000);
    let no_token = Behaviour::new().first_token_ms(60_000);
    for (bound, slow, streaming) in [
        ("head_timeout", &no_head, true),
        ("head_timeout", &no_head, false),
        ("first_token_timeout", &no_head, true),
        ("first_token_timeout", &no_token, true),
        ("idle_timeout", &no_token, true),
        ("total_timeout", &no_head, false),
        ("total_timeout", &no_token, true),
    ] {
        first.set(slow.clone());
        let bounds = format!("[upstream]\n{bound} = \"500ms\"");
        let router = bounded(&bounds, &first, &second).await;
        let said = content(&router, streaming).await;
        assert_eq!(said, "from second", "{bound}, streaming: {streaming}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_content_a_reset_is_told_in_band() {
    let second = from_second();
    for then in [Then::Reset, Then::Close] {
        let router = behind_raw(&raw::stream(&[ROLE, TOKEN]), then, "", &second).await;
        // A reset may overtake what was sent before it: then nothing was committed to.
        let streamed = router.client().stream(&ask("test/both", "Hi")).await;
        assert!(streamed.done, "{then:?}");
        if matches!(then, Then::Reset) && streamed.content() == "from second" {
            continue;
        }
        assert_eq!(streamed.content(), "one", "{then:?}: {:?}", streamed.chunks);
        let error = streamed.chunks.iter().find(|chunk| !chunk["error"].is_null()).unwrap();
        assert_eq!(error["error"]["metadata"]["code"], "provider_unavailable", "{error}");
        let id = streamed.headers["x-generation-id"].to_str().unwrap().to_owned();
        let attempts = LogLines::access(&id).await["attempts"].as_str().unwrap().to_owned();
        assert!(!attempts.contains("second"), "{attempts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_trap_before_the_first_content_moves_on() {
    let second = from_second();
    let address = raw::upstream(&raw::stream(&[ROLE, TOKEN, STOP]), Then::Close).await;
    let providers = [&*raw::first(address, "bad-adapter"), &bare_provider("second", &second)];
    for (guest, streaming) in
        [("trap-in-encode", true), ("trap-in-encode", false), ("trap-in-push", true)]
    {
        let router = two("", providers).await;
        router.drop_plugin(guest, "bad-adapter").await;
        assert_eq!(content(&router, streaming).await, "from second", "{guest}, {streaming}");
        let line = "plugway_attempts_total{provider=\"first\",outcome=\"plugin_failed\"} 1";
        assert!(counts(&router, line).await, "{guest}, {streaming}");
    }
}
