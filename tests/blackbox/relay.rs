//! What a provider offers beside chat, passed on as it is: with the operator's
//! credential and on listed paths only.

use http::Method;
use http_body_util::BodyExt;
use plugway_tests::{KEY, LogLines, Play, RawClient, RawUpstream, TestRouter};
use std::time::Duration;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\nset-cookie: session=1\r\n\
    content-length: 5\r\nx-request-id: r1\r\n\r\nsound";

async fn start(name: &str, more: &str) -> (TestRouter, RawUpstream) {
    let upstream = RawUpstream::start().await;
    let toml = format!(
        "{more}\n[providers.{name}]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
         auth = {{ header = \"x-own-key\" }}\napi_key_env = \"TEST_KEY\"\n\
         headers = {{ x-team = \"blue\" }}\nrelay = [\"/audio\", \"/files\"]\n",
        upstream.base_url()
    );
    (TestRouter::start(&toml).await, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_path_is_passed_on_with_the_operators_credential_and_nobody_elses() {
    let (router, upstream) = start("passed", "").await;
    upstream.play([Play::write(OK)]);
    let client = router.client();
    let mut request = client.request(
        Method::POST,
        "/v1/providers/passed/audio/speech?key=of-the-client&voice=a%20b",
        "{\"n\": 1 }",
    );
    let headers = request.headers_mut();
    headers.insert("authorization", "Bearer of-the-client".parse().unwrap());
    headers.insert("x-own-key", "of-the-client".parse().unwrap());
    headers.insert("cookie", "of-the-client".parse().unwrap());
    headers.insert("x-kept", "yes".parse().unwrap());
    let response = client.send(request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-request-id"], "r1");
    assert!(!response.headers().contains_key("set-cookie"), "the operator's session leaked");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "sound");
    let sent = upstream.requests().remove(0);
    assert!(sent.starts_with("POST /v1/audio/speech?voice=a%20b HTTP/1.1\r\n"), "{sent}");
    assert!(sent.ends_with("\r\n\r\n{\"n\": 1 }"), "{sent}");
    for kept in [format!("x-own-key: {KEY}"), "x-kept: yes".into(), "x-team: blue".into()] {
        assert!(sent.contains(&format!("\r\n{kept}\r\n")), "{kept} is missing: {sent}");
    }
    assert!(!sent.contains("of-the-client"), "a client's credential left: {sent}");
    let line =
        LogLines::wait(|line| line["target"] == "plugway::access" && line["provider"] == "passed")
            .await;
    assert_eq!((&line["status"], &line["response_bytes"]), (&200.into(), &5.into()));
    assert_eq!((&line["path"], &line["outcome"]), (&"/audio".into(), &"ok".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_or_climbs_is_not_passed_on() {
    let (router, upstream) = start("closed", "").await;
    upstream.play([Play::write(OK)]);
    for (path, status) in [
        ("/v1/providers/closed/models", 404),
        ("/v1/providers/closed/audiobooks", 404),
        ("/v1/providers/closed/audio/../models", 400),
        ("/v1/providers/closed/audio/%2e%2e/models", 400),
        ("/v1/providers/closed/audio/%252e%252e/models", 400),
        ("/v1/providers/unheard-of/audio", 404),
    ] {
        let answer = router.client().get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string());
    }
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_passes_as_it_is_but_for_the_credential_in_it() {
    let (router, upstream) = start("quoting", "").await;
    let body = format!("{{\"error\": \"the key {KEY} is bad\"}}");
    let length = body.len();
    upstream.play([Play::write(format!(
        "HTTP/1.1 401 Unauthorized\r\nx-key: {KEY}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))]);
    let answer = router.client().get("/v1/providers/quoting/files/1").await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().starts_with("{\"error\": \"the key ***"), "{}", answer.text());
    assert!(!answer.text().contains(KEY) && answer.header("x-key").is_some_and(|it| it != KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_does_not_show_the_credential_and_what_is_packed_is_not_passed() {
    let (router, upstream) = start("moved", "").await;
    let page = format!("<a href=\"/v1/files?key={KEY}\">here</a>");
    let length = page.len();
    let head = format!("HTTP/1.1 301 Moved\r\nlocation: /files?key={KEY}\r\n");
    upstream.play([Play::write(format!("{head}content-length: {length}\r\n\r\n{page}"))]);
    let answer = router.client().get("/v1/providers/moved/files").await;
    assert_eq!(answer.status, 301);
    assert!(answer.text().contains("here") && !answer.text().contains(KEY), "{}", answer.text());
    assert!(!answer.header("location").unwrap().contains(KEY));
    let head = "HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\npack";
    upstream.play([Play::write(head)]);
    let answer = router.client().get("/v1/providers/moved/files").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (500, ""));
    assert_eq!(answer.header("content-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_plain_methods_are_passed_on() {
    let (router, upstream) = start("methods", "").await;
    upstream.play([Play::write(OK)]);
    for method in [Method::TRACE, Method::OPTIONS, Method::from_bytes(b"PURGE").unwrap()] {
        let client = router.client();
        let answer = client.send(client.request(method, "/v1/providers/methods/files", "")).await;
        assert_eq!(answer.status(), 405);
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_flows_as_it_comes_and_one_that_breaks_off_does_not_look_complete() {
    let (router, upstream) = start("flowing", "").await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    upstream.play([
        Play::write(head),
        Play::Wait(Duration::from_millis(300)),
        Play::write("4\r\nlast\r\n"),
        Play::Close,
    ]);
    let mut client = RawClient::connect(&router).await;
    client.send("GET /v1/providers/flowing/files/1 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let begun = client.until(b"first").await;
    assert!(!begun.windows(4).any(|it| it == b"last"), "it was held back");
    let rest = client.rest().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a broken answer ended like a whole one");
    let line =
        LogLines::wait(|line| line["target"] == "plugway::access" && line["provider"] == "flowing")
            .await;
    assert_eq!(line["outcome"], "provider_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_larger_than_the_bound_is_refused_declared_or_not() {
    // The provider never answers: what it says to the head might pass the refusal by.
    let (router, _silent) = start("bounded", "[upstream]\nmax_upload = \"1KiB\"\n").await;
    let client = router.client();
    let request = client.request(Method::POST, "/v1/providers/bounded/files", vec![b'x'; 2048]);
    assert_eq!(client.send(request).await.status(), 413);
    let mut raw = RawClient::connect(&router).await;
    let chunk = format!("200\r\n{}\r\n", "x".repeat(0x200));
    raw.send(format!(
        "POST /v1/providers/bounded/files HTTP/1.1\r\nhost: localhost\r\n\
         transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(3)
    ))
    .await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_providers_work() {
    let (router, upstream) = start("left", "").await;
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    upstream.play([Play::write(head), Play::Hang]);
    let mut client = RawClient::connect(&router).await;
    client.send("GET /v1/providers/left/files/1 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    client.until(b"first").await;
    drop(client);
    let line =
        LogLines::wait(|line| line["target"] == "plugway::access" && line["provider"] == "left")
            .await;
    assert_eq!(line["outcome"], "cancelled");
    assert_eq!(router.router.metrics.in_flight.get(), 0);
}
