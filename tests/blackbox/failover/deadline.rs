//! The time that a request may take as a whole, all attempts included.

use super::{bounded, failing, in_front_of};
use crate::setup::{Pair, ask};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const HEADER: &str = "x-plugway-timeout";

fn hanging(kind: Kind) -> Simulator {
    Simulator::start(kind, Behaviour::new().head_delay_ms(600_000)).unwrap()
}

/// Asks with this value of the header.
async fn within(
    router: &TestRouter,
    seconds: &str,
    request: &Value,
) -> (StatusCode, HeaderMap, String) {
    let client = router.client();
    let mut request = client.request(Method::POST, "/v1/chat/completions", request.to_string());
    request.headers_mut().insert(HEADER, seconds.parse().unwrap());
    let (head, body) = client.send(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn error(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    body["error"].clone()
}

fn streamed(model: &str) -> Value {
    let mut request = ask(model, "Hi");
    request["stream"] = json!(true);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_own_deadline_holds_over_all_attempts() {
    let (first, second) = (hanging(Kind::OpenAi), hanging(Kind::Anthropic));
    let router = bounded("[server]\nrequest_deadline = \"500ms\"", &first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(second.requests().is_empty(), "an attempt began after the deadline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_shorten_its_requests_deadline() {
    let (first, second) = (hanging(Kind::OpenAi), hanging(Kind::Anthropic));
    let router = in_front_of(&first, &second).await;
    for request in [ask("test/both", "Hi"), streamed("test/both")] {
        let (status, _, body) = within(&router, "0.3", &request).await;
        assert_eq!(status, 504, "{body}");
        assert_eq!(error(&body)["metadata"]["code"], "timeout");
    }
    assert!(second.requests().is_empty(), "an attempt began after the deadline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_extend_its_requests_deadline() {
    let (first, second) = (hanging(Kind::OpenAi), hanging(Kind::Anthropic));
    let router = bounded("[server]\nrequest_deadline = \"300ms\"", &first, &second).await;
    let (status, _, body) = within(&router, "3600", &ask("test/both", "Hi")).await;
    assert_eq!(status, 504, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_after_a_failure_is_told_with_its_reason() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = hanging(Kind::Anthropic);
    let router = in_front_of(&first, &second).await;
    let (status, _, body) = within(&router, "2", &ask("test/both", "Hi")).await;
    assert_eq!(status, 504, "{body}");
    let endpoints = error(&body)["metadata"]["endpoints"].clone();
    let ids: Vec<_> = endpoints.as_array().unwrap().iter().map(|it| &it["endpoint"]).collect();
    assert_eq!(ids, ["first/sim", "second/sim"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_head_a_deadline_is_told_in_band() {
    let pair = Pair::with(Behaviour::new(), "[server]\nhead_hold = \"100ms\"").await;
    let silent = Behaviour::new().first_token_ms(600_000);
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    for (behaviour, has_content) in [(silent, false), (slow, true)] {
        for model in ["test/open", "test/anth"] {
            pair.upstream(model).set(behaviour.clone());
            let (status, _, body) = within(&pair.router, "1.5", &streamed(model)).await;
            assert_eq!(status, 200, "{body}");
            assert!(body.ends_with("data: [DONE]\n\n"), "{body}");
            let chunks: Vec<Value> = body
                .lines()
                .filter_map(|line| line.strip_prefix("data: {"))
                .map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap())
                .collect();
            let told = chunks.iter().find(|chunk| !chunk["error"].is_null()).unwrap();
            assert_eq!(told["error"]["metadata"]["code"], "timeout", "{told}");
            assert_eq!(told["error"]["code"], 504, "{told}");
            let mut deltas = chunks.iter().map(|it| &it["choices"][0]["delta"]["content"]);
            let said = deltas.any(|it| it.as_str().is_some_and(|text| !text.is_empty()));
            assert_eq!(said, has_content, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_of_seconds_is_refused_by_name() {
    let pair = Pair::start(Behaviour::new()).await;
    for wrong in ["0", "-1", "soon", "1e3", "inf"] {
        let (status, _, body) = within(&pair.router, wrong, &ask("test/open", "Hi")).await;
        assert_eq!(status, 400, "{wrong}: {body}");
        assert!(error(&body)["message"].as_str().unwrap().contains(HEADER), "{wrong}: {body}");
    }
    assert!(pair.open.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_late_for_its_own_deadline_is_not_waited_for() {
    let pair = Pair::start(Behaviour::new()).await;
    let address = pair.router.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\n{HEADER}: 0.2\r\ncontent-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    let read = stream.read_exact(&mut answer);
    timeout(Duration::from_secs(20), read).await.expect("it still waits").unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 504");
}
