//! Every way in which a client's HTTP can be bad, byte for byte over a socket.

use crate::setup::{Pair, ask};
use http::Method;
use plugway_simulator::Behaviour;
use plugway_tests::{RawAnswer, RawClient};

const POST: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";

/// A router that waits for nobody for long, and takes no large bodies.
const STRICT: &str =
    "[server]\nbody_timeout = \"1s\"\nheader_timeout = \"1s\"\nmax_body = \"64KiB\"";

fn body() -> String {
    ask("test/open", "Hi").to_string()
}

/// A request that is good.
fn good() -> String {
    let body = body();
    format!("{POST}content-length: {}\r\n\r\n{body}", body.len())
}

/// Sends these bytes on a connection of their own.
async fn send(pair: &Pair, bytes: impl AsRef<[u8]>) -> RawClient {
    let mut client = RawClient::connect(&pair.router).await;
    client.send(bytes).await;
    client
}

#[track_caller]
fn check(case: &str, answer: &RawAnswer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{case}: {}{}", answer.head, answer.text());
    assert_eq!(answer.error_type(), kind, "{case}: {}", answer.text());
}

/// A neighbour is served all the same.
async fn serves_on(pair: &Pair) {
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_late_or_too_short_is_refused() {
    let pair = Pair::with(Behaviour::new(), STRICT).await;
    let (body, half) = (body(), &body()[..20]);
    let declared =
        |length: usize, sent: &str| format!("{POST}content-length: {length}\r\n\r\n{sent}");
    let chunked = |rest: &str| format!("{POST}transfer-encoding: chunked\r\n\r\n{rest}");
    for (case, request) in [
        ("nothing", declared(body.len(), "")),
        ("half", declared(body.len(), half)),
        ("shorter than declared", declared(body.len() + 1, &body)),
        ("no last chunk", chunked(&format!("{:x}\r\n{body}\r\n", body.len()))),
        ("half a chunk", chunked(&format!("{:x}\r\n{half}", body.len()))),
    ] {
        let mut client = send(&pair, request).await;
        check(case, &client.answer().await, 408, "request_timeout");
        assert_eq!(client.rest().await, b"", "{case}");
    }
    // It drips: the bound is on the whole, not on the pause between bytes.
    let mut client = send(&pair, declared(body.len(), "")).await;
    for byte in body.bytes() {
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        if !client.send([byte]).await {
            break;
        }
    }
    check("drips", &client.answer().await, 408, "request_timeout");
    serves_on(&pair).await;
    assert_eq!(pair.open.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_with_the_connection_reaches_nobody() {
    let pair = Pair::start(Behaviour::new()).await;
    let body = body();
    for request in [
        format!("{POST}content-length: {}\r\n\r\n{body}", body.len() + 1),
        format!("{POST}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()),
    ] {
        let mut client = send(&pair, request).await;
        client.finish_sending().await;
        client.rest().await;
    }
    serves_on(&pair).await;
    assert_eq!(pair.open.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_and_the_refusal_arrives() {
    let pair = Pair::with(Behaviour::new(), STRICT).await;
    let large = "x".repeat(8 * 1024 * 1024);
    let declared = format!("{POST}content-length: {}\r\n\r\n", large.len());
    let chunked = format!("{POST}transfer-encoding: chunked\r\n\r\n{:x}\r\n", large.len());
    let absurd = format!("{POST}content-length: {}\r\n\r\n", u64::MAX - 2);
    for (case, head, sent) in [
        ("declared", &declared, ""),
        ("declared and sent", &declared, &*large),
        ("in a chunk", &chunked, &large),
        ("a length that nobody has", &absurd, ""),
    ] {
        let mut client = send(&pair, head).await;
        // The router may stop to listen at any time; it must have said why.
        client.send(sent).await;
        check(case, &client.answer().await, 413, "payload_too_large");
        client.rest().await;
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_longer_than_declared_is_cut_where_it_was_declared() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut client = send(&pair, good() + "}}} and more").await;
    assert_eq!(client.answer().await.status, 200);
    // What follows is no request.
    check("the rest", &client.answer().await, 400, "");
    assert_eq!(client.rest().await, b"");
    assert_eq!(pair.open.requests().len(), 1);
    let short = body().len() - 1;
    let mut client = send(&pair, format!("{POST}content-length: {short}\r\n\r\n{}", body())).await;
    check("cut", &client.answer().await, 400, "invalid_request");
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_framing_is_refused_and_ends_the_connection() {
    let pair = Pair::start(Behaviour::new()).await;
    let (length, body) = (body().len(), body());
    let chunked = |rest: &str| format!("{POST}transfer-encoding: chunked\r\n\r\n{rest}");
    let with = |headers: &str| format!("{POST}{headers}\r\n\r\n{body}");
    for (case, request, kind) in [
        ("two lengths", with(&format!("content-length: {length}\r\ncontent-length: 3")), ""),
        ("a list of lengths", with(&format!("content-length: {length}, 3")), ""),
        ("no number", with("content-length: many"), ""),
        ("negative", with("content-length: -1"), ""),
        ("signed", with(&format!("content-length: +{length}")), ""),
        ("too large a number", with("content-length: 99999999999999999999999"), ""),
        ("unknown coding", with("transfer-encoding: zip"), ""),
        ("chunked not last", with("transfer-encoding: chunked, gzip"), ""),
        ("no chunk size", chunked("zz\r\n{}"), "invalid_request"),
        ("a huge chunk size", chunked(&format!("{}\r\n", "f".repeat(40))), "invalid_request"),
        ("a negative chunk size", chunked("-1\r\n{}\r\n"), "invalid_request"),
        ("no end of chunk", chunked("2\r\n{}xx0\r\n\r\n"), "invalid_request"),
        ("an endless extension", chunked(&format!("2;{}", "x".repeat(100_000))), "invalid_request"),
    ] {
        let mut client = send(&pair, request).await;
        check(case, &client.answer().await, 400, kind);
        assert_eq!(client.rest().await, b"", "{case}");
    }
    serves_on(&pair).await;
    assert_eq!(pair.open.requests().len(), 1, "a badly framed request was served");
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_good_framing_is_served() {
    let pair = Pair::start(Behaviour::new()).await;
    let body = body();
    let (first, rest) = body.split_at(7);
    let chunks =
        format!("{:x};x=\"y\"\r\n{first}\r\n{:X}\r\n{rest}\r\n0\r\n", first.len(), rest.len());
    let chunked = format!("{POST}transfer-encoding: chunked\r\n\r\n{chunks}");
    let length = body.len();
    for (case, request) in [
        ("chunks", format!("{chunked}\r\n")),
        ("trailers", format!("{chunked}x-checksum: 1\r\ncontent-length: 3\r\n\r\n")),
        ("the same length twice", format!("{POST}content-length: {length}\r\ncontent-length: {length}\r\n\r\n{body}")),
        ("empty lines ahead", format!("\r\n\r\n{}", good())),
        ("an upgrade that is not taken", good().replace("host:", "connection: upgrade\r\nupgrade: websocket\r\nhost:")),
        ("HTTP/2 in clear that is not taken", good().replace("host:", "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAAA\r\nhost:")),
        ("an unknown expectation", good().replace("host:", "expect: a miracle\r\nhost:")),
        ("its own absolute form", good().replace("POST /v1", "POST http://localhost/v1")),
    ] {
        let mut client = send(&pair, &request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 200, "{case}: {}", answer.text());
        // The connection is where it should be for the next request.
        client.send(good()).await;
        assert_eq!(client.answer().await.status, 200, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_counts_for_nothing_and_ends_the_connection() {
    let pair = Pair::start(Behaviour::new()).await;
    let chunks = format!("{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body());
    for headers in [
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 3",
    ] {
        // What a proxy that went by the length would take for another request.
        let smuggled = good();
        let request = format!("{POST}{headers}\r\n\r\n{chunks}{smuggled}");
        let mut client = send(&pair, request).await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.rest().await, b"");
    }
    assert_eq!(pair.open.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_waits_for_leave_gets_it_unless_it_is_refused() {
    let pair = Pair::with(Behaviour::new(), STRICT).await;
    let expecting = |head: &str| format!("{head}expect: 100-continue\r\n\r\n");
    let length = format!("content-length: {}\r\n", body().len());
    let mut client = send(&pair, expecting(&format!("{POST}{length}"))).await;
    assert_eq!(client.answer().await.status, 100);
    client.send(body()).await;
    assert_eq!(client.answer().await.status, 200);

    let elsewhere = POST.replace("chat/completions", "nothing");
    let foreign = POST.replace("localhost", "evil.example");
    for (case, head, status, kind) in [
        ("too large", format!("{POST}content-length: 99999999\r\n"), 413, "payload_too_large"),
        ("no such route", format!("{elsewhere}{length}"), 404, "not_found"),
        ("a foreign host", format!("{foreign}{length}"), 403, "foreign_origin"),
    ] {
        let mut client = send(&pair, expecting(&head)).await;
        check(case, &client.answer().await, status, kind);
        assert_eq!(client.rest().await, b"", "{case}: the connection goes on without the body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_headers_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let many: String = (0..500).map(|n| format!("x-{n}: {n}\r\n")).collect();
    for (case, request, statuses) in [
        ("many", format!("{POST}{many}\r\n"), [431, 400]),
        ("a large one", format!("{POST}x: {}\r\n\r\n", "x".repeat(300_000)), [431, 400]),
        ("one without end", format!("{POST}x: {}", "x".repeat(300_000)), [431, 400]),
        ("a name without end", format!("{POST}{}", "x".repeat(300_000)), [431, 400]),
        (
            "a long path",
            format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(300_000)),
            [414, 431],
        ),
        ("a path without end", format!("GET /{}", "x".repeat(300_000)), [414, 431]),
        ("a method without end", "X".repeat(300_000), [431, 400]),
    ] {
        let mut client = send(&pair, request).await;
        let answer = client.answer().await;
        assert!(statuses.contains(&answer.status), "{case}: {}", answer.head);
        assert_eq!(client.rest().await, b"", "{case}");
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    for (case, bytes) in [
        ("garbage", &b"\x00\x01\x02\x03\r\n\r\n"[..]),
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and thirty-two random bytes",
        ),
        ("HTTP/0.9", b"GET /\r\n\r\n"),
        ("another version", b"GET / HTTP/3.7\r\nhost: localhost\r\n\r\n"),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        ("NUL in a header", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n"),
        ("CR in a header", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n"),
        ("a folded header", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n x: y\r\n\r\n"),
        ("a space before the colon", b"GET /healthz HTTP/1.1\r\nhost : localhost\r\n\r\n"),
        ("a path with a space", b"GET /health z HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        ("a path with a NUL", b"GET /health\0z HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ] {
        let mut client = send(&pair, bytes).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{case}: {}", answer.head);
        assert_eq!(client.rest().await, b"", "{case}");
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_proxies_know_are_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    for (line, host, status) in [
        ("CONNECT localhost:443", "localhost:443", 404),
        ("CONNECT evil.example:443", "evil.example:443", 403),
        ("TRACE /v1/chat/completions", "localhost", 405),
        ("TRACE /healthz", "localhost", 405),
        ("DELETE /v1/models", "localhost", 405),
        ("BREW /v1/chat/completions", "localhost", 405),
        ("OPTIONS *", "localhost", 404),
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
        let mut client = send(&pair, request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status, "{line}: {}{}", answer.head, answer.text());
        assert!(!answer.error_type().is_empty(), "{line}: {}", answer.text());
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_at_once_are_answered_in_order() {
    let pair = Pair::start(Behaviour::new()).await;
    let get = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let missing = "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut client = send(&pair, [get, &good(), missing, &good(), get].concat()).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(client.answer().await.status);
    }
    assert_eq!(statuses, [200, 200, 404, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_within_its_head_is_not_waited_for() {
    let pair = Pair::with(Behaviour::new(), STRICT).await;
    // Each could go on as a request of one protocol or the other.
    for begun in ["", "P", "PRI * HT", "POST", "GET / HTTP/1.1\r\nhost: local", "\r\n"] {
        let mut client = send(&pair, begun).await;
        let said = String::from_utf8(client.rest().await).unwrap();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{begun:?}: {said}");
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_origins_that_are_not_the_routers_are_refused() {
    let pair =
        Pair::with(Behaviour::new(), "[server]\nallowed_hosts = [\"Router.internal\"]").await;
    for (headers, status) in [
        ("host: localhost", 200),
        ("host: LocalHost:1", 200),
        ("host: 127.0.0.1:8787", 200),
        ("host: [::1]", 200),
        ("host: router.INTERNAL:80", 200),
        ("host: localhost\r\norigin: http://127.0.0.1:3000", 200),
        ("host: localhost\r\norigin: https://router.internal", 200),
        ("x: no host", 403),
        ("host:", 403),
        ("host: evil.example", 403),
        ("host: localhost.evil.example", 403),
        ("host: 127.0.0.1.nip.example", 403),
        ("host: evil.example:80", 403),
        ("host: user@localhost", 403),
        ("host: localhost@evil.example", 403),
        ("host: localhost:80@evil.example", 403),
        ("host: [::1]evil.example", 403),
        ("host: localhost, evil.example", 403),
        ("host: localhost\r\nhost: evil.example", 403),
        ("host: evil.example\r\nhost: localhost", 403),
        ("host: \u{e9}", 403),
        ("host: localhost\r\norigin: null", 403),
        ("host: localhost\r\norigin:", 403),
        ("host: localhost\r\norigin: evil.example", 403),
        ("host: localhost\r\norigin: https://evil.example", 403),
        ("host: localhost\r\norigin: https://localhost:80@evil.example", 403),
        ("host: localhost\r\norigin: http://localhost\r\norigin: https://evil.example", 403),
    ] {
        for (method, path, body) in
            [("POST", "/v1/chat/completions", body()), ("GET", "/metrics", String::new())]
        {
            let request = format!(
                "{method} {path} HTTP/1.1\r\n{headers}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut client = send(&pair, request).await;
            let answer = client.answer().await;
            let kind = if status == 403 { "foreign_origin" } else { "" };
            check(&format!("{method} {headers}"), &answer, status, kind);
        }
    }
    for target in
        ["http://evil.example", "http://user@evil.example", "http://localhost@evil.example"]
    {
        let request = good().replace("POST /", &format!("POST {target}/"));
        let mut client = send(&pair, request).await;
        check(target, &client.answer().await, 403, "foreign_origin");
    }
    let request = "GET /healthz HTTP/1.0\r\n\r\n";
    check("no host", &send(&pair, request).await.answer().await, 403, "foreign_origin");
    serves_on(&pair).await;
    let request = pair.router.client().request(Method::GET, "/healthz", "");
    assert_eq!(pair.router.client().send(request).await.status(), 200);
}
