//! What providers were sent, shown to the clients that ask for it.

use crate::setup::{bare_provider, endpoint};
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, KEY, Streamed, TestRouter};
use serde_json::{Value, json};

/// Two providers in different formats, of which the first fails before any content.
struct Scene {
    router: TestRouter,
    first: Simulator,
    second: Simulator,
}

impl Scene {
    async fn set() -> Self {
        let failing = Behaviour::new().fault(When::Always, Failure::status(500));
        let first = Simulator::start(Kind::OpenAi, failing).unwrap();
        let second = Simulator::start(Kind::Anthropic, Behaviour::new().reply("Hi.")).unwrap();
        let toml = format!(
            "[routing]\nstrategies = [\"price\"]\n{}{}[models.\"test/both\"]\n{}{}",
            bare_provider("first", &first),
            bare_provider("second", &second),
            endpoint("test/both", "first", 1),
            endpoint("test/both", "second", 2),
        );
        Self { router: TestRouter::start(&toml).await, first, second }
    }

    async fn ask(&self, path: &str, body: &Value) -> Answer {
        let client = self.router.client();
        client.read(client.request(http::Method::POST, path, body.to_string())).await
    }

    /// What the providers got, attempt by attempt.
    fn sent(&self) -> [Value; 2] {
        [&self.first, &self.second].map(|it| it.requests().pop().unwrap().json())
    }
}

fn asking(text: &str) -> Value {
    json!({"model": "test/both", "stream": true, "debug": {"echo_upstream_body": true},
        "max_tokens": 50, "messages": [{"role": "user", "content": text}]})
}

fn echoes(chunks: &[Value]) -> Vec<Value> {
    let debug = chunks.iter().map(|chunk| &chunk["debug"]["echo_upstream_body"]);
    debug.filter(|body| !body.is_null()).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempts_body_comes_first_as_it_was_sent() {
    let scene = Scene::set().await;
    // Long enough to be sealed: what is shown holds the text, and no seal.
    let text = "Say hello, \"please\", and do so in as few words as you can manage at all.";
    let streamed = Streamed::of(scene.ask("/v1/chat/completions", &asking(text)).await);
    assert!(streamed.done, "{:?}", streamed.chunks);
    assert_eq!(echoes(&streamed.chunks[..2]), scene.sent());
    assert!(echoes(&streamed.chunks[2..]).is_empty());
    assert!(streamed.chunks[..2].iter().all(|chunk| chunk["choices"] == json!([])));
    assert_eq!(streamed.content(), "Hi.");

    let mut request = asking(text);
    request["max_output_tokens"] = request["max_tokens"].take();
    request["input"] = request["messages"].take();
    let streamed = Streamed::of(scene.ask("/v1/responses", &request).await);
    assert_eq!(echoes(&streamed.chunks[2..4]), scene.sent());
    assert!(streamed.chunks[2..4].iter().all(|event| event["type"] == "response.debug"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_stream_has_a_place_for_it() {
    let scene = Scene::set().await;
    let mut whole = asking("Hi");
    whole["stream"] = json!(false);
    let answer = scene.ask("/v1/chat/completions", &whole).await;
    assert_eq!((answer.content().as_str(), &answer.json()["debug"]), ("Hi.", &Value::Null));
    for path in ["/v1/messages", "/v1/completions"] {
        let mut request = asking("Hi");
        if path == "/v1/completions" {
            request["prompt"] = request["messages"].take()[0]["content"].take();
        }
        let refused = scene.ask(path, &request).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.text().contains("`debug` has no place"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_credential_is_not_in_it() {
    let scene = Scene::set().await;
    let text = format!("Is it {KEY} that this router holds? It would be bad if it said so.");
    let streamed = Streamed::of(scene.ask("/v1/chat/completions", &asking(&text)).await);
    let shown = echoes(&streamed.chunks);
    assert_eq!(shown.len(), 2);
    assert!(scene.sent().iter().all(|body| body.to_string().contains(KEY)));
    assert!(!shown.iter().any(|body| body.to_string().contains(KEY)), "{shown:?}");
    assert!(shown.iter().all(|body| body.to_string().contains("that this router holds?")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_shown_is_told_by_its_size() {
    let scene = Scene::set().await;
    let text = "x".repeat(700 * 1024);
    let streamed = Streamed::of(scene.ask("/v1/chat/completions", &asking(&text)).await);
    let shown = echoes(&streamed.chunks);
    assert!(shown[0].to_string().contains(&text));
    let size = shown[1]["omitted_bytes"].as_u64().unwrap();
    assert!(size > 700 * 1024, "{size}");
    assert_eq!(streamed.content(), "Hi.");
}
