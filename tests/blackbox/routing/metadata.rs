//! `openrouter_metadata`: what the router says of its own decision.

use crate::setup::{ask, bare_provider, endpoint};
use http::Method;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, Python, Streamed, TestRouter};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// An interpreter starts and reads a large description in a few seconds.
const LIMIT: Duration = Duration::from_secs(120);

const DESCRIPTION: &str = "../../shared/specs/openrouter_2026-08-22_openapi.yaml.gz";

const FIELD: &str = "openrouter_metadata";

/// `test/both` is served by `first`, which fails as it is told to, then by `second`.
async fn router(first: &Simulator, second: &Simulator) -> TestRouter {
    let toml = format!(
        "[routing]\nstrategies = [\"price\"]\n{}{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
        bare_provider("first", first),
        bare_provider("second", second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2) + "region = \"eu-west-1\"\n",
    );
    TestRouter::start(&toml).await
}

fn broken() -> Simulator {
    let behaviour = Behaviour::new().fault(When::Always, Failure::status(503));
    Simulator::start(Kind::OpenAi, behaviour).unwrap()
}

fn good() -> Simulator {
    Simulator::start(Kind::Anthropic, Behaviour::new().reply("two")).unwrap()
}

async fn asked(router: &TestRouter, header: &'static str, path: &str, body: &Value) -> Answer {
    let client = router.client();
    let mut request = client.request(Method::POST, path, body.to_string());
    request.headers_mut().insert(header, "enabled".parse().unwrap());
    client.read(request).await
}

async fn told(router: &TestRouter, path: &str, body: &Value) -> Answer {
    asked(router, "x-openrouter-metadata", path, body).await
}

/// Whether it is what OpenRouter's description says: `OpenRouterMetadata`.
pub(crate) fn assert_is_as_published(told: &Value) {
    assert!(told["requested"].is_string(), "{told}");
    let strategies = [
        "direct",
        "auto",
        "free",
        "latest",
        "alias",
        "fallback",
        "pareto",
        "bodybuilder",
        "fusion",
    ];
    assert!(strategies.iter().any(|known| told["strategy"] == *known), "{told}");
    assert!(told.get("region").is_some_and(|it| it.is_string() || it.is_null()), "{told}");
    assert!(told["summary"].is_string() && told["is_byok"].is_boolean(), "{told}");
    assert!(told["attempt"].is_u64() && told["endpoints"]["total"].is_u64(), "{told}");
    for endpoint in told["endpoints"]["available"].as_array().unwrap() {
        assert!(endpoint["provider"].is_string() && endpoint["model"].is_string(), "{told}");
        assert!(endpoint["selected"].is_boolean(), "{told}");
    }
    for attempt in told["attempts"].as_array().unwrap() {
        assert!(attempt["provider"].is_string() && attempt["model"].is_string(), "{told}");
        assert!(attempt["status"].is_u64(), "{told}");
    }
}

/// The same by the description itself, where that is at hand.
pub(crate) async fn assert_is_valid(told: Vec<Value>) {
    let description = Path::new(env!("CARGO_MANIFEST_DIR")).join(DESCRIPTION);
    if !description.exists() {
        // Not by eprintln: the test runner would keep it to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: there is no {}", description.display());
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), Value::from(told.clone()).to_string()).unwrap();
    let path = file.path().to_owned();
    let run = move || {
        let python = Python::venv("listings", "tests/python/listings.txt")?;
        let arguments = [path.to_str().unwrap(), description.to_str().unwrap()];
        Some(python.run("tests/python/metadata.py", &arguments, LIMIT))
    };
    let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
    assert!(printed.contains(&format!("ok {}", told.len())), "{printed}");
}

/// What every answer says here: the first endpoint failed, the second served.
fn assert_tells_the_failover(told: &Value) {
    assert_is_as_published(told);
    assert_eq!(told["requested"], "test/both");
    assert_eq!((&told["strategy"], &told["attempt"]), (&json!("direct"), &json!(2)), "{told}");
    assert_eq!(told["endpoints"]["total"], 2);
    let selected = |at: usize| &told["endpoints"]["available"][at]["selected"];
    assert_eq!((selected(0), selected(1)), (&json!(false), &json!(true)), "{told}");
    assert_eq!(told["region"], "eu-west-1", "{told}");
    let attempts = told["attempts"].as_array().unwrap();
    let of = |field: &str| attempts.iter().map(|it| it[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("status"), [503, 200], "{told}");
    assert_eq!(of("cause"), [json!("provider_overloaded"), Value::Null], "{told}");
    assert_eq!(of("kind"), ["first", "retry"], "{told}");
    assert_eq!(of("model"), ["test/both", "test/both"], "{told}");
    assert!(attempts.iter().all(|attempt| attempt["latency_ms"].is_u64()), "{told}");
    assert!(told["plugway"]["strategy"].as_str().unwrap().starts_with("price@"), "{told}");
    assert!(!told["plugway"]["reason"].as_str().unwrap().is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_is_told_in_each_format() {
    let (first, second) = (broken(), good());
    let chat = ask("test/both", "Hi");
    let mut messages = chat.clone();
    messages["max_tokens"] = json!(50);
    let responses = json!({"model": "test/both", "input": "Hi"});
    for (path, body) in [
        ("/v1/chat/completions", &chat),
        ("/v1/messages", &messages),
        ("/v1/responses", &responses),
    ] {
        let router = router(&first, &second).await;
        let answer = told(&router, path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_tells_the_failover(&answer.json()[FIELD]);
        let mut body = body.clone();
        body["stream"] = json!(true);
        let streamed = Streamed::of(told(&router, path, &body).await);
        let last = streamed.chunks.last().unwrap();
        let event = match path {
            "/v1/chat/completions" => last,
            "/v1/messages" => {
                assert_eq!(last["type"], "message_stop");
                last
            }
            _ => {
                assert_eq!(last["type"], "response.completed");
                &last["response"]
            }
        };
        assert_tells_the_failover(&event[FIELD]);
        let elsewhere = streamed.chunks.iter().filter(|it| it.to_string().contains(FIELD));
        assert_eq!(elsewhere.count(), 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_told() {
    let (first, second) = (broken(), good());
    let router = router(&first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.json().get(FIELD), None);
    let refusal = router.client().chat(&ask("test/none", "Hi")).await;
    assert_eq!(refusal.json().get(FIELD), None);
    let legacy = "x-openrouter-experimental-metadata";
    let answer = asked(&router, legacy, "/v1/chat/completions", &ask("test/both", "Hi")).await;
    assert_tells_the_failover(&answer.json()[FIELD]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_what_was_tried() {
    let (first, second) = (broken(), broken());
    let router = router(&first, &second).await;
    for streaming in [false, true] {
        let mut body = ask("test/both", "Hi");
        body["stream"] = json!(streaming);
        let answer = told(&router, "/v1/chat/completions", &body).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        let told = &answer.json()[FIELD];
        assert_is_as_published(told);
        assert_eq!(told["attempts"].as_array().unwrap().len(), 2, "{told}");
        assert_eq!(told["attempt"], 2, "{told}");
        let available = told["endpoints"]["available"].as_array().unwrap();
        assert!(available.iter().all(|it| it["selected"] == false), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_excluded_is_told_with_its_reason() {
    let (first, second) = (good(), good());
    let router = router(&first, &second).await;
    let mut body = ask("test/both", "Hi");
    body["provider"] = json!({"ignore": ["first"]});
    let answer = told(&router, "/v1/chat/completions", &body).await;
    let metadata = &answer.json()[FIELD];
    assert_is_as_published(metadata);
    assert_eq!(metadata["endpoints"]["total"], 2, "{metadata}");
    let excluded = &metadata["excluded"][0];
    assert_eq!(excluded["provider"], "first", "{metadata}");
    assert_eq!(excluded["model"], "test/both", "{metadata}");
    assert!(!excluded["reason"].as_str().unwrap().is_empty(), "{metadata}");
    // Nothing left: it never reached a provider.
    body["provider"] = json!({"ignore": ["first", "second"]});
    let answer = told(&router, "/v1/chat/completions", &body).await;
    let metadata = &answer.json()[FIELD];
    assert_is_as_published(metadata);
    assert_eq!((&metadata["attempt"], &metadata["endpoints"]["total"]), (&json!(0), &json!(2)));
    assert_eq!(metadata["excluded"].as_array().unwrap().len(), 2, "{metadata}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_valid_by_the_published_description() {
    let (first, second) = (broken(), good());
    let router = router(&first, &second).await;
    let path = "/v1/chat/completions";
    let mut told_of = Vec::new();
    let served = told(&router, path, &ask("test/both", "Hi")).await;
    told_of.push(served.json()[FIELD].clone());
    let mut refused = ask("test/both", "Hi");
    for ignored in [json!(["second"]), json!(["first", "second"])] {
        refused["provider"] = json!({"ignore": ignored});
        let answer = told(&router, path, &refused).await;
        assert!(!answer.status.is_success(), "{}", answer.text());
        let told = answer.json()[FIELD].clone();
        assert_eq!(told["region"], Value::Null, "{told}");
        told_of.push(told);
    }
    assert_is_valid(told_of).await;
}
