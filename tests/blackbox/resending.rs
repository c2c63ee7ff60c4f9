//! Connections that a provider closes as they are used again: the request is sent once
//! more where nobody can have read it, and nowhere else.

use crate::setup::ask;
use crate::wire::Wire;
use http::Method;
use plugway_tests::{Client, LogLines, Play, RawUpstream, TestRouter};
use serde_json::Value;
use std::time::Duration;

/// Longer than a stale connection takes to be found closed.
const WORK: Duration = Duration::from_millis(1500);

/// Configuration of one provider, which has paths that are relayed.
fn provider(name: &str, upstream: &RawUpstream) -> String {
    format!(
        "[providers.{name}]\nadapter = \"openai\"\nbase_url = \"{}\"\nauth = \"bearer\"\n\
         api_key_env = \"TEST_KEY\"\nrelay = [\"/files\"]\n",
        upstream.base_url()
    )
}

async fn start(name: &str) -> (TestRouter, RawUpstream) {
    let upstream = RawUpstream::start().await;
    (TestRouter::start(&provider(name, &upstream)).await, upstream)
}

/// An answer behind which the connection stays open.
fn kept_open() -> Play {
    let body = Wire::OpenAi.whole("Hello.").to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    Play::write(format!("{head} {}\r\n\r\n{body}", body.len()))
}

/// The model of the provider `name`, which nobody listed.
fn model(name: &str) -> String {
    format!("{name}/m")
}

/// A router whose one connection to its provider has served a chat.
async fn used(name: &str) -> (TestRouter, RawUpstream) {
    let (router, upstream) = start(name).await;
    upstream.play([kept_open()]);
    let answer = router.client().chat(&ask(&model(name), "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    (router, upstream)
}

/// What the metric says of the provider `name`.
async fn resent(client: &Client, name: &str) -> Option<String> {
    let text = client.get("/metrics").await.text();
    let start = format!("plugway_requests_resent_total{{provider=\"{name}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&*start)).map(str::to_owned)
}

/// The access log's line of the last chat.
async fn line(name: &str, outcome: &str) -> Value {
    let model = model(name);
    LogLines::wait(|line| line["model"] == *model && line["outcome"] == outcome).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_a_stale_connection_is_sent_once_more_and_that_is_told() {
    let (router, upstream) = used("stale").await;
    // Also what is sent once more, on a fresh connection.
    upstream.play([Play::Close]);
    let answer = router.client().chat(&ask("stale/m", "Again")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(upstream.requests().len(), 3, "once, and once more");
    assert_eq!(upstream.requests()[1], upstream.requests()[2]);
    assert_eq!(resent(&router.client(), "stale").await.as_deref(), Some("1"));
    assert_eq!(line("stale", "provider_unavailable").await["resent"], true);
    assert_eq!(line("stale", "ok").await["resent"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_a_fresh_connection_is_sent_once() {
    let (router, upstream) = start("fresh").await;
    upstream.play([Play::Close]);
    let answer = router.client().chat(&ask("fresh/m", "Hi")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(resent(&router.client(), "fresh").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_provider_worked_on_is_sent_once() {
    let (router, upstream) = used("worked").await;
    upstream.play([Play::Wait(WORK), Play::Close]);
    let answer = router.client().chat(&ask("worked/m", "Again")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(resent(&router.client(), "worked").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_still_sends_is_sent_once() {
    let (router, upstream) = used("relaying").await;
    upstream.play([Play::Close]);
    let client = router.client();
    let request = client.request(Method::POST, "/v1/providers/relaying/files", "a file");
    assert_eq!(client.read(request).await.status, 502);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_connect_to_meanwhile_is_no_reason_not_to_send_again() {
    let (one, other) = (RawUpstream::start().await, RawUpstream::start().await);
    let toml = provider("one", &one) + &provider("other", &other);
    let router = TestRouter::start(&toml).await;
    one.play([kept_open()]);
    other.play([kept_open()]);
    let client = router.client();
    assert_eq!(client.chat(&ask("one/m", "Hi")).await.status, 200);
    one.play([Play::Wait(Duration::from_millis(300)), Play::Close]);
    let again = tokio::spawn(async move { client.chat(&ask("one/m", "Again")).await });
    while one.requests().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // On a connection of its own, begun between the sending and the close.
    assert_eq!(router.client().chat(&ask("other/m", "Hi")).await.status, 200);
    assert_eq!(again.await.unwrap().status, 502);
    assert_eq!(one.requests().len(), 3);
}
