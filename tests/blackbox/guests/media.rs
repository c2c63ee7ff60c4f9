//! An adapter whose provider cannot fetch what a client names by URL: the router does,
//! where the operator allows it, or the request goes elsewhere.

use super::scene::{Scene, TEXT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use plugway_tests::{Answer, Play, RawUpstream};
use serde_json::{Value, json};

const GUEST: &str = "needs-bytes";

/// Enough to cross the sandbox as a seal.
const IMAGE: &[u8] = &[0xfb; 300];

fn host(server: &RawUpstream) -> String {
    let base: Uri = server.base_url().parse().unwrap();
    base.authority().unwrap().to_string()
}

/// Configuration that lets the router fetch from one server on this machine.
fn allowed(server: &RawUpstream, more: &str) -> String {
    format!(
        "[media]\nfetch = true\nallow_plain_http = true\nprivate_hosts = [\"{}\"]\n{more}\n",
        host(server)
    )
}

fn file(mime: &str, content: &[u8]) -> Play {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    Play::write([head.as_bytes(), content].concat())
}

fn request(model: &str, urls: &[&str]) -> Value {
    let mut content = vec![json!({"type": "text", "text": TEXT})];
    content.extend(urls.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}})));
    json!({
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "provider": {"sort": "price"},
    })
}

async fn ask(scene: &Scene, model: &str, urls: &[&str]) -> Answer {
    scene.router.client().post(request(model, urls).to_string()).await
}

/// What the guest's provider was last sent.
fn sent(scene: &Scene) -> String {
    let request = scene.upstream.requests().pop().unwrap().json();
    request["messages"][0]["content"].as_str().unwrap().to_owned()
}

/// The request is refused as unsupported, by a sentence that holds `told`, and reaches
/// nobody.
async fn refused(scene: &Scene, url: &str, told: &str) {
    let before = scene.upstream.requests().len();
    let answer = ask(scene, "test/bad", &[url]).await;
    assert_eq!(answer.status, 400, "{url}: {}", answer.text());
    let error = answer.json()["error"].clone();
    assert_eq!(error["metadata"]["code"], "unsupported", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(told), "{url}: {message}");
    assert!(!message.contains("127.0.0.1"), "an address was told: {message}");
    assert_eq!(scene.upstream.requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn needs_bytes() {
    let server = RawUpstream::start().await;
    server.play([file("image/PNG; charset=x", IMAGE)]);
    let scene = Scene::with(GUEST, &allowed(&server, "")).await;
    let url = format!("{}/a.png", server.base_url());
    let answer = scene.undisturbed(ask(&scene, "test/bad", &[&url, &url])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let inline = format!("image/png:{}", STANDARD.encode(IMAGE));
    assert_eq!(sent(&scene), format!("{TEXT}\n{inline}\n{inline}"));
    let asked = server.requests();
    assert_eq!(asked.len(), 1, "once, however often it is named");
    assert!(asked[0].starts_with("GET /v1/a.png HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(!asked[0].contains("authorization"), "{}", asked[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_is_granted_content_gets_the_bytes_themselves() {
    let server = RawUpstream::start().await;
    server.play([file("image/png", IMAGE)]);
    let toml = allowed(&server, &format!("[plugins.{GUEST}.allow]\ncontent = true"));
    let scene = Scene::with(GUEST, &toml).await;
    let url = format!("{}/a.png", server.base_url());
    let answer = ask(&scene, "test/bad", &[&url]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(sent(&scene), format!("{TEXT}\nimage/png:{}", STANDARD.encode(IMAGE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_unless_the_operator_says_so() {
    let server = RawUpstream::start().await;
    server.play([file("image/png", IMAGE)]);
    let scene = Scene::with(GUEST, "").await;
    let url = format!("{}/a.png", server.base_url());
    refused(&scene, &url, "the provider fetches nothing").await;
    // Another provider may.
    let answer = ask(&scene, "test/both", &[&url]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_told_and_another_endpoint_is_asked() {
    let server = RawUpstream::start().await;
    let more = "max_size = \"1KiB\"\ntimeout = \"300ms\"";
    let scene = Scene::with(GUEST, &allowed(&server, more)).await;
    let url = format!("{}/a.png", server.base_url());
    let status = |line: &str| Play::write(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n"));
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\nhalf";
    let packed = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx";
    for (script, told) in [
        (vec![status("404 Not Found")], "status 404"),
        (vec![status("500 No")], "status 500"),
        (vec![file("image/png", &[7; 1025])], "media.max_size"),
        (vec![Play::write(endless), Play::write(vec![7; 1025]), Play::Close], "media.max_size"),
        (vec![file("text/html", b"<html>")], "its type"),
        (vec![file("application/pdf", b"%PDF")], "its type"),
        (vec![Play::write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")], "its type"),
        (vec![Play::write(packed)], "its type"),
        (vec![Play::Hang], "in time"),
        (vec![Play::write(endless), Play::write("a"), Play::Hang], "in time"),
        (vec![Play::write(cut), Play::Close], "broke off"),
        (vec![Play::Close], "could not be reached"),
        (vec![Play::write("SSH-2.0\r\n\r\n"), Play::Close], "could not be reached"),
    ] {
        server.play(script);
        refused(&scene, &url, told).await;
    }
    let answer = ask(&scene, "test/both", &[&url]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What is just small enough is taken.
    server.play([file("image/png", &[7; 1024])]);
    assert_eq!(ask(&scene, "test/bad", &[&url]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_leads_to_the_public_network_or_nowhere() {
    let (server, inner) = (RawUpstream::start().await, RawUpstream::start().await);
    inner.play([file("image/png", IMAGE)]);
    let scene = Scene::with(GUEST, &allowed(&server, "")).await;
    let port = host(&inner).rsplit_once(':').unwrap().1.to_owned();
    let direct = [
        format!("http://127.0.0.1:{port}/a.png"),
        format!("http://localhost:{port}/a.png"),
        format!("http://[::1]:{port}/a.png"),
        format!("http://[::ffff:127.0.0.1]:{port}/a.png"),
        format!("http://127.1:{port}/a.png"),
        format!("http://2130706433:{port}/a.png"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/a.png".to_owned(),
    ];
    for url in &direct {
        refused(&scene, url, "the public network").await;
    }
    // Nor does a server that may be asked lead there.
    let url = format!("{}/a.png", server.base_url());
    for location in &direct {
        server.play([Play::write(format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        ))]);
        refused(&scene, &url, "the public network").await;
    }
    assert!(inner.requests().is_empty(), "{:?}", inner.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_a_few_times() {
    let server = RawUpstream::start().await;
    let scene = Scene::with(GUEST, &allowed(&server, "")).await;
    let url = format!("{}/a.png", server.base_url());
    server.play([Play::write("HTTP/1.1 301 Moved\r\nlocation: b\r\ncontent-length: 0\r\n\r\n")]);
    refused(&scene, &url, "redirected").await;
    assert_eq!(server.requests().len(), 4, "itself and three more");
    assert!(server.requests()[3].starts_with("GET /v1/b "));
    for location in ["ftp://host/a", "https://me:pw@host/a", "javascript:1//"] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        server.play([Play::write(answer)]);
        let before = server.requests().len();
        let refusal = ask(&scene, "test/bad", &[&url]).await;
        assert_eq!(refusal.json()["error"]["metadata"]["code"], "unsupported", "{location}");
        assert!(server.requests().len() > before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_has_to_be_allowed() {
    let server = RawUpstream::start().await;
    server.play([file("image/png", IMAGE)]);
    let toml = format!("[media]\nfetch = true\nprivate_hosts = [\"{}\"]\n", host(&server));
    let scene = Scene::with(GUEST, &toml).await;
    refused(&scene, &format!("{}/a.png", server.base_url()), "none that is fetched").await;
    assert!(server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_files_are_fetched_for_one_request() {
    let server = RawUpstream::start().await;
    server.play([file("image/png", IMAGE)]);
    let scene = Scene::with(GUEST, &allowed(&server, "max_per_request = 2")).await;
    let url = |name: &str| format!("{}/{name}", server.base_url());
    let (a, b, c) = (url("a"), url("b"), url("c"));
    assert_eq!(ask(&scene, "test/bad", &[&a, &b]).await.status, 200);
    let answer = ask(&scene, "test/bad", &[&a, &b, &c]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("media.max_per_request"), "{}", answer.text());
    assert_eq!(server.requests().len(), 4);
}
