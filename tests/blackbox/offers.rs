//! What adapters offer beside chats, as clients see it: vectors, documents in order, and
//! what both cost. The providers' answers are written by hand.

mod completions;
mod embeddings;
mod failing;
mod listing;
mod rerank;
mod routed;
mod sealed;

use crate::wire::{json_response, response};
use plugway_tests::{Answer, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};

/// Configuration of a provider at an upstream.
fn provider(name: &str, adapter: &str, upstream: &RawUpstream) -> String {
    format!(
        "[providers.{name}]\nadapter = \"{adapter}\"\nbase_url = \"{}\"\nauth = \"bearer\"\n\
         api_key_env = \"TEST_KEY\"\n",
        upstream.base_url()
    )
}

/// Configuration of one endpoint of a model, with two dollars per million tokens that
/// are read, and a tenth of a cent for a search.
fn endpoint(model: &str, provider: &str) -> String {
    format!(
        "[[models.\"{model}\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"upstream-{provider}\"\n\
         price = {{ prompt = 2, completion = 0, meters = {{ search-units = 0.001 }} }}\n"
    )
}

/// Providers, each with its adapter, that serve one model in this order.
struct Scene {
    router: TestRouter,
    upstreams: Vec<RawUpstream>,
}

/// What they serve.
const MODEL: &str = "test/m";

impl Scene {
    async fn start(adapters: &[&str]) -> Self {
        let mut toml = "[routing]\nstrategies = [\"price\"]\n".to_owned();
        let (mut upstreams, mut endpoints) = (Vec::new(), String::new());
        for (adapter, place) in adapters.iter().zip(1..) {
            let upstream = RawUpstream::start().await;
            let name = format!("p{place}");
            toml += &provider(&name, adapter, &upstream);
            endpoints += &endpoint(MODEL, &name);
            upstreams.push(upstream);
        }
        toml += &format!("[models.\"{MODEL}\"]\noutput_modalities = [\"embeddings\"]\n{endpoints}");
        Self { router: TestRouter::start(&toml).await, upstreams }
    }

    /// What the first provider answers from now on.
    fn answers(&self, body: &Value) {
        self.upstreams[0].play([Play::write(json_response(body)), Play::Close]);
    }

    /// What one of them answers in place of what it was asked for.
    fn fails(&self, place: usize, status: &str, body: &Value) {
        let head = format!("{status}\r\ncontent-type: application/json");
        let failure = response(&head, body.to_string());
        self.upstreams[place].play([Play::write(failure), Play::Close]);
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let client = self.router.client();
        client.read(client.request(http::Method::POST, path, body.to_string())).await
    }

    /// What a provider was asked, last: the line and the body.
    fn asked(&self, place: usize) -> (String, Value) {
        let request = self.upstreams[place].requests().pop().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        (line, serde_json::from_str(body).unwrap())
    }
}

/// A request for one vector for each of two texts.
fn two_texts() -> Value {
    json!({"model": MODEL, "input": ["one text", "and another"]})
}

/// OpenAI's answer to it, out of order.
fn two_vectors() -> Value {
    json!({"object": "list", "model": "m", "data": [
        {"object": "embedding", "index": 1, "embedding": [0.25, -1.0]},
        {"object": "embedding", "index": 0, "embedding": [1.0, 0.5]},
    ], "usage": {"prompt_tokens": 5, "total_tokens": 5}})
}

/// Reason and endpoint of each that did not serve.
fn reasons(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let told = body["error"]["metadata"]["endpoints"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    told.iter().map(|it| (text(&it["endpoint"]), text(&it["reason"]))).collect()
}
