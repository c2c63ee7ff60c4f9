//! More than fits: turned away early, while the rest is served.

use crate::setup::{Pair, ask};
use http::Method;
use http_body_util::BodyExt;
use plugway_simulator::Behaviour;
use plugway_tests::{Client, TestRouter};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// The value of the metric's line that begins with `name`.
async fn metric(client: &Client, name: &str) -> u64 {
    let text = client.get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or("0").trim().parse().unwrap()
}

const REQUESTS: &str = "plugway_in_use{resource=\"requests\"}";
const SHED: &str = "plugway_requests_shed_total{bound=\"requests\"}";

/// Waits until no request has a place any more.
async fn all_free(router: &TestRouter) {
    let client = router.client();
    let free = async {
        while metric(&client, REQUESTS).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, free).await.unwrap_or_else(|_| panic!("a place was never given back"));
    assert_eq!(metric(&client, "plugway_requests_in_flight").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_requests_are_shed_and_the_others_served() {
    let slow = Behaviour::new().head_delay_ms(1500).reply("in the end");
    let pair = Pair::with(slow, "[server]\nmax_requests = 4\n").await;
    let client = pair.router.client();
    assert_eq!(metric(&client, "plugway_capacity{resource=\"requests\"}").await, 4);
    let requests: Vec<_> = (0..40)
        .map(|_| {
            let client = pair.router.client();
            tokio::spawn(async move { client.chat(&ask("test/open", "Hi")).await })
        })
        .collect();
    timeout(PATIENCE, pair.open.requests_when(|seen| !seen.is_empty())).await.unwrap();
    for path in ["/healthz", "/readyz", "/metrics", "/v1/models"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    let (mut served, mut shed) = (0, 0);
    for request in requests {
        let answer = request.await.unwrap();
        if answer.status == 200 {
            assert_eq!(answer.content(), "in the end");
            served += 1;
            continue;
        }
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["code"], "overloaded");
        assert!(answer.text().contains("server.max_requests"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        shed += 1;
    }
    assert!(served >= 4 && shed > 0, "{served} served, {shed} shed");
    assert_eq!(pair.open.requests().len(), served, "a shed request reached the provider");
    assert_eq!(metric(&client, SHED).await, shed);
    all_free(&pair.router).await;
    assert_eq!(client.chat(&ask("test/open", "Hi")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_described_only_where_there_is_a_place_and_soon() {
    let slow = Behaviour::new().head_delay_ms(60_000);
    let pair = Pair::with(slow, "[server]\nmax_requests = 1\n").await;
    let client = pair.router.client();
    let show = |body: String| client.request(Method::POST, "/api/show", body);
    let model = json!({"model": "test/open"});
    assert_eq!(client.read(show(model.to_string())).await.status, 200);
    let padded = json!({"model": "test/open", "padding": " ".repeat(64 << 10)});
    // A body that nobody reads ends its connection.
    let refused = pair.router.client().read(show(padded.to_string())).await;
    assert_eq!(refused.status, 413, "{}", refused.text());
    let mut hasty = show(model.to_string());
    hasty.headers_mut().insert("x-plugway-timeout", "soon".parse().unwrap());
    assert_eq!(client.read(hasty).await.status, 400);
    all_free(&pair.router).await;
    let holding = {
        let client = pair.router.client();
        tokio::spawn(async move { client.chat(&ask("test/open", "Hi")).await })
    };
    timeout(PATIENCE, pair.open.requests_when(|seen| !seen.is_empty())).await.unwrap();
    let shed = client.read(show(model.to_string())).await;
    assert_eq!(shed.status, 503, "{}", shed.text());
    holding.abort();
    all_free(&pair.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_its_place_until_it_ends_or_its_client_leaves() {
    let endless = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    let pair = Pair::with(endless, "[server]\nmax_requests = 2\n").await;
    let client = pair.router.client();
    let mut request = ask("test/open", "Tell me a long story");
    request["stream"] = json!(true);
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = client.open(request.to_string()).await;
        stream.body_mut().frame().await.unwrap().unwrap();
        streams.push(stream);
    }
    for _ in 0..3 {
        assert_eq!(client.chat(&ask("test/anth", "Hi")).await.status, 503);
    }
    drop(streams);
    all_free(&pair.router).await;
    // Nobody waits for the head of this one.
    let unanswered = timeout(Duration::from_millis(50), client.open(request.to_string())).await;
    drop(unanswered);
    all_free(&pair.router).await;
    assert_eq!(client.open(request.to_string()).await.status(), 200);
}

/// Sends a chat with a body of `bytes` and reads what comes back to its end:
/// the answer, and whether the connection serves on.
async fn post_raw(connection: &mut TcpStream, bytes: usize) -> (String, bool) {
    let mut body = ask("test/open", "").to_string();
    body.push_str(&" ".repeat(bytes - body.len()));
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {bytes}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // A router that does not take the body may close the connection meanwhile.
    let _ = connection.write_all(body.as_bytes()).await;
    let mut answer = String::new();
    while !answer.contains("}}") {
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, connection.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "no whole answer: {answer}");
        answer.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    let serves_on = !answer.to_ascii_lowercase().contains("connection: close");
    (answer, serves_on)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shed_request_leaves_its_connection_in_order() {
    let slow = Behaviour::new().head_delay_ms(60_000);
    let pair = Pair::with(slow, "[server]\nmax_requests = 1\n").await;
    let client = pair.router.client();
    let holding = tokio::spawn(async move { client.chat(&ask("test/open", "Hi")).await });
    timeout(PATIENCE, pair.open.requests_when(|seen| !seen.is_empty())).await.unwrap();
    let mut connection = TcpStream::connect(pair.router.address()).await.unwrap();
    for bytes in [100, 100_000, 1_000_000, 200] {
        let (answer, serves_on) = post_raw(&mut connection, bytes).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{bytes}: {answer}");
        assert!(serves_on, "{bytes}: {answer}");
    }
    // A client that asks first is spared its body.
    let asking = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                  content-length: 1000\r\nexpect: 100-continue\r\n\r\n";
    connection.write_all(asking.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    holding.abort();
    all_free(&pair.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_of_connections_operators_are_answered_and_chats_shed() {
    let pair = Pair::with(Behaviour::new(), "[server]\nmax_connections = 2\n").await;
    // Both places are taken by clients that say nothing for now.
    let idle = [
        TcpStream::connect(pair.router.address()).await.unwrap(),
        TcpStream::connect(pair.router.address()).await.unwrap(),
    ];
    let client = pair.router.client();
    let full = async {
        while metric(&client, "plugway_in_use{resource=\"connections\"}").await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, full).await.unwrap();
    let health = client.get("/healthz").await;
    assert_eq!((health.status.as_u16(), health.header("connection")), (200, Some("close")));
    let shed = client.chat(&ask("test/open", "Hi")).await;
    assert_eq!(shed.status, 503, "{}", shed.text());
    assert!(shed.text().contains("server.max_connections"), "{}", shed.text());
    assert!(shed.header("retry-after").is_some());
    assert!(pair.open.requests().is_empty());

    drop(idle);
    let served = async {
        while client.chat(&ask("test/open", "Hi")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, served).await.expect("there was never room again");
}
