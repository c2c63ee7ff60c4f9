//! A real model behind the router: the one of `examples/local-model`. It is tiny,
//! so what it says is not judged, only how it is told and counted.

use crate::setup::ask;
use plugway_tests::{LogLines, Program, Python, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;

/// Loading takes a second or two.
const LIMIT: Duration = Duration::from_secs(120);

const MODEL: &str = "smollm/smollm2-135m";

/// The server, and a router in front of it configured as the example says.
async fn start() -> Option<(Program, TestRouter)> {
    let (server, base_url) = tokio::task::spawn_blocking(|| {
        let python = Python::venv("local-model", "examples/local-model/requirements.txt")?;
        let mut server = python.start("examples/local-model/serve.py", &["--port", "0"]);
        let base_url = server.line(LIMIT);
        Some((server, base_url))
    })
    .await
    .unwrap()?;
    let toml = include_str!("../../examples/local-model/plugway.toml");
    let example = "http://127.0.0.1:8080/v1";
    assert!(toml.contains(example));
    let router = TestRouter::start(&toml.replace(example, &base_url)).await;
    Some((server, router))
}

fn request() -> Value {
    let mut request = ask(MODEL, "Write a sentence about rivers.");
    request["max_tokens"] = json!(24);
    request["temperature"] = json!(0);
    request
}

/// What the access log says agrees with the usage that the client was told.
async fn check(id: &str, usage: &Value, stream: bool) {
    let count = |name: &str| usage[name].as_u64().unwrap_or_else(|| panic!("no {name}: {usage}"));
    assert!(count("prompt_tokens") > 0);
    assert!((1..=24).contains(&count("completion_tokens")), "{usage}");
    assert_eq!(count("total_tokens"), count("prompt_tokens") + count("completion_tokens"));
    assert_eq!(usage["cost"].as_f64(), Some(0.0));
    let line = LogLines::access(id).await;
    assert_eq!(line["outcome"], "ok");
    assert_eq!(line["endpoint"], "local/smollm2-135m-instruct");
    assert_eq!(line["stream"], stream);
    assert_eq!(line["prompt_tokens"], usage["prompt_tokens"]);
    assert_eq!(line["completion_tokens"], usage["completion_tokens"]);
    assert_eq!(line["estimated"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_model_answers_through_the_router() {
    let Some((_server, router)) = start().await else { return };

    let whole = router.client().chat(&request()).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    let body = whole.json();
    assert!(!whole.content().trim().is_empty(), "{body}");
    let finish = &body["choices"][0]["finish_reason"];
    assert!(["stop", "length"].contains(&finish.as_str().unwrap()), "{body}");
    check(body["id"].as_str().unwrap(), &body["usage"], false).await;

    let streamed = router.client().stream(&request()).await;
    assert_eq!(streamed.status, 200);
    assert!(streamed.done);
    assert!(!streamed.content().trim().is_empty(), "{:?}", streamed.chunks);
    let finishes = streamed.chunks.iter().map(|chunk| &chunk["choices"][0]["finish_reason"]);
    let finishes: Vec<_> = finishes.filter_map(Value::as_str).collect();
    assert!(matches!(finishes[..], ["stop" | "length"]), "{:?}", streamed.chunks);
    let last = streamed.chunks.last().unwrap();
    check(last["id"].as_str().unwrap(), &last["usage"], true).await;
    println!("whole: {}\nstreamed: {}", whole.content(), streamed.content());
}
