//! Bodies that come compressed: made plain within the bounds for plain ones.

use crate::setup::{Pair, ask};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use plugway_simulator::Behaviour;
use plugway_tests::{Answer, TestRouter};
use serde_json::json;
use std::io::Write as _;

/// `{"model":"test/open","messages":[{"role":"user","content":"Hi"}]}` in brotli.
const BROTLI: &str = "1b4000809c07760c99065a58c0e93c60e82324996d91bdb9ad2d4287f4b25974bafa54599a631c300fbc5d9f8fe381e9cca6f3c13847794381c9729915f50c1a30ef06";

fn brotli() -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&BROTLI[at..at + 2], 16).unwrap();
    (0..BROTLI.len()).step_by(2).map(byte).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A frame of one block, which is not compressed.
fn zstd(plain: &[u8]) -> Vec<u8> {
    let header = (u32::try_from(plain.len()).unwrap() << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x38], &header[..3], plain].concat()
}

async fn post(router: &TestRouter, path: &str, coding: &str, body: Vec<u8>) -> Answer {
    let client = router.client();
    let mut request = client.request(Method::POST, path, body);
    request.headers_mut().insert("content-encoding", coding.parse().unwrap());
    client.read(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_read_on_every_route() {
    let pair = Pair::start(Behaviour::new().reply("Hello.")).await;
    let plain = ask("test/open", "Hi").to_string();
    let chat = "/v1/chat/completions";
    for (path, coding, body) in [
        (chat, "gzip", gzip(plain.as_bytes())),
        (chat, "br", brotli()),
        (chat, "zstd", zstd(plain.as_bytes())),
        (chat, "identity", plain.clone().into_bytes()),
        ("/api/chat", "gzip", gzip(plain.as_bytes())),
        ("/api/show", "gzip", gzip(br#"{"model":"test/open"}"#)),
    ] {
        let answer = post(&pair.router, path, coding, body).await;
        assert_eq!(answer.status, 200, "{path} {coding}: {}", answer.text());
    }
    let sent = pair.open.requests().pop().unwrap().json();
    assert_eq!(sent["messages"], json!([{"role": "user", "content": "Hi"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_codings_are_named_and_those_that_are_taken_too() {
    let pair = Pair::start(Behaviour::new()).await;
    for coding in ["deflate", "gzip, gzip", "compress", "nonsense"] {
        let body = gzip(ask("test/open", "Hi").to_string().as_bytes());
        let answer = post(&pair.router, "/v1/chat/completions", coding, body).await;
        assert_eq!(answer.status, 415, "{coding}");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, br, zstd"));
        assert_eq!(answer.json()["error"]["metadata"]["error_type"], "invalid_request");
    }
    assert!(pair.open.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_or_swells_is_refused_and_gives_its_room_back() {
    let bounds = "[server]\nmax_body = '1MiB'\nmax_buffered = '2MiB'\n";
    let pair = Pair::with(Behaviour::new(), bounds).await;
    let chat = "/v1/chat/completions";
    let whole = gzip(ask("test/open", "Hi").to_string().as_bytes());
    let plain = ask("test/open", "Hi").to_string().into_bytes();
    for (coding, body) in [
        ("gzip", whole[..whole.len() - 4].to_vec()),
        ("gzip", plain.clone()),
        ("br", whole.clone()),
        ("zstd", plain),
        ("gzip", Vec::new()),
    ] {
        let answer = post(&pair.router, chat, coding, body).await;
        assert_eq!(answer.status, 400, "{coding}: {}", answer.text());
    }
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 100 << 10, "{}", bomb.len());
    // More often than there would be room for them.
    for _ in 0..4 {
        let answer = post(&pair.router, chat, "gzip", bomb.clone()).await;
        assert_eq!(answer.status, 413, "{}", answer.text());
    }
    let answer = post(&pair.router, chat, "gzip", whole).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_nothing_is_read_no_longer_than_the_client_waits() {
    let pair = Pair::start(Behaviour::new()).await;
    // Blocks of metadata without any, behind a window's size: they never end.
    let barren = [&[0x0c][..], &[0x06].repeat(31 << 20)].concat();
    let client = pair.router.client();
    for path in ["/v1/chat/completions", "/v1/embeddings"] {
        let mut request = client.request(Method::POST, path, barren.clone());
        let headers = request.headers_mut();
        headers.insert("content-encoding", "br".parse().unwrap());
        headers.insert("x-plugway-timeout", "0.1".parse().unwrap());
        let answer = client.read(request).await;
        assert_eq!(answer.status, 504, "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiny_members_take_no_more_room_than_what_they_hold() {
    let bounds = "[server]\nmax_body = '256KiB'\nmax_buffered = '256KiB'\n";
    let pair = Pair::with(Behaviour::new(), bounds).await;
    let plain = ask("test/open", &"x".repeat(900)).to_string();
    let members = plain.bytes().map(|byte| gzip(&[byte])).collect::<Vec<_>>().concat();
    let answer = post(&pair.router, "/v1/chat/completions", "gzip", members).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_beside_the_others_is_turned_away() {
    let bounds = "[server]\nmax_body = '1MiB'\nmax_buffered = '1MiB'\n";
    let pair = Pair::with(Behaviour::new(), bounds).await;
    // Plain it would fit, and compressed; but not both at once.
    let mut text = String::new();
    let mut seed: u64 = 1;
    while text.len() < 900 << 10 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text += &format!("{seed:x}");
    }
    let body = gzip(ask("test/open", &text).to_string().as_bytes());
    let answer = post(&pair.router, "/v1/chat/completions", "gzip", body).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("max_buffered"), "{}", answer.text());
}
