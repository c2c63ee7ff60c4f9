//! Every decision leaves a record: it replays, it says nothing of what was said, and
//! `GET /v1/generation` tells it as soon as the answer has been read.

use crate::setup::{Pair, ask, bare_provider, endpoint, provider};
use flate2::read::GzDecoder;
use http::Method;
use http_body_util::BodyExt;
use plugway::decisions::{Replay, ReplayError, replay};
use plugway_routing::Clock;
use plugway_routing::health::Snapshot;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_store::decisions::{Record, Ruling};
use plugway_tests::{Answer, LogLines, TestRouter};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What must be found nowhere.
const SAID: &str = "an-unmistakable-word";

/// A router whose model `test/both` is served by two providers.
async fn both(strategy: &str, first: &Simulator, second: &Simulator) -> TestRouter {
    TestRouter::start(&two(strategy, first, second)).await
}

pub(super) fn two(strategy: &str, first: &Simulator, second: &Simulator) -> String {
    format!(
        "[routing]\nstrategies = [\"{strategy}\"]\n{}{}[models.\"test/both\"]\n\
         context_length = 100_000\n{}{}",
        bare_provider("first", first),
        bare_provider("second", second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    )
}

pub(super) fn simulator(behaviour: Behaviour) -> Simulator {
    Simulator::start(Kind::OpenAi, behaviour).unwrap()
}

pub(crate) fn id(answer: &Answer) -> &str {
    answer.header("x-generation-id").unwrap()
}

/// What is told of a generation.
pub(crate) async fn told(router: &TestRouter, id: &str) -> Value {
    let answer = router.client().get(&format!("/v1/generation?id={id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"].clone()
}

pub(super) async fn record(router: &TestRouter, id: &str) -> Record {
    router.router.journal.find(id).await.unwrap().expect("no record")
}

/// The health that the record's decision rests on.
pub(super) async fn snapshot(router: &TestRouter, record: &Record) -> Arc<Snapshot> {
    let id = record.decision.as_ref().unwrap().snapshot;
    router.router.journal.snapshot(id).await.unwrap().expect("no snapshot")
}

async fn post(router: &TestRouter, path: &str, body: &Value) -> Answer {
    let client = router.client();
    client.read(client.request(Method::POST, path, body.to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_decision_replays_bit_by_bit() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    for strategy in ["balanced", "price"] {
        let router = both(strategy, &first, &second).await;
        let policy = router.router.registry.policy(strategy).unwrap();
        let mut records = Vec::new();
        for turn in 0..20 {
            let mut request = ask("test/both", "Hi");
            request["metadata"] = json!({"turn": turn.to_string()});
            let answer = router.client().chat(&request).await;
            let record = record(&router, id(&answer)).await;
            let snapshot = snapshot(&router, &record).await;
            records.push((record, snapshot));
        }
        // Of another engine, whose instances have seen nothing of these requests.
        let other = both(strategy, &first, &second).await;
        let fresh = other.router.registry.policy(strategy).unwrap();
        for (record, snapshot) in records {
            // As it comes back from the file.
            let record = Record::decode(&record.encode().unwrap()).unwrap();
            let decision = record.decision.as_ref().unwrap();
            assert_eq!(decision.candidates.len(), 2);
            for policy in [&policy, &fresh] {
                assert_eq!(replay(&record, &snapshot, Some(policy)).unwrap(), Replay::Same);
            }
            let mut other = record.clone();
            let Ruling::Plan(plan) = &mut other.decision.as_mut().unwrap().ruling else {
                panic!("{:?}", record.decision)
            };
            plan.steps.reverse();
            assert!(matches!(
                replay(&other, &snapshot, Some(&fresh)).unwrap(),
                Replay::Different(_)
            ));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_not_replayed_by_another_strategy() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = both("balanced", &first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    let record = record(&router, id(&answer)).await;
    let other = router.router.registry.policy("price").unwrap();
    let snapshot = snapshot(&router, &record).await;
    let refused = replay(&record, &snapshot, Some(&other));
    assert!(matches!(refused, Err(ReplayError::OtherStrategy { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_order_replays_too() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = both("nobody", &first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    let record = record(&router, id(&answer)).await;
    assert_eq!(record.decision.as_ref().unwrap().strategy, None);
    let snapshot = snapshot(&router, &record).await;
    assert_eq!(replay(&record, &snapshot, None).unwrap(), Replay::Same);
}

/// Makes the decision about a request once more, which names the strategy and fares so.
async fn replayed(router: &TestRouter, strategy: &str, request: &Value, status: u16) -> Record {
    let answer = router.client().chat(request).await;
    assert_eq!(answer.status, status, "{strategy}: {}", answer.text());
    let record = record(router, id(&answer)).await;
    let record = Record::decode(&record.encode().unwrap()).unwrap();
    let snapshot = snapshot(router, &record).await;
    let policy = router.router.registry.policy(strategy).unwrap();
    let replay = replay(&record, &snapshot, Some(&policy)).unwrap();
    assert_eq!(replay, Replay::Same, "{strategy}: {record:?}");
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_replays_also_where_the_client_is_told_more() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = both("price", &first, &second).await;
    router.drop_plugin("cost-cap", "cost-cap").await;
    for model in ["test/both", "test/both@second"] {
        for (cap, status) in [(json!(0.000_000_1), 404), (json!(-1), 400)] {
            let mut request = ask(model, "Hi");
            request["provider"] = json!({"strategy": "cost-cap", "options": {"max_usd": cap}});
            let record = replayed(&router, "cost-cap", &request, status).await;
            let decision = record.decision.unwrap();
            let (Ruling::NoRoute(sentence) | Ruling::InvalidOptions(sentence)) = &decision.ruling
            else {
                panic!("{decision:?}")
            };
            assert!(!sentence.contains("pinned"), "{sentence}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_failed_fails_alike_when_replayed() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = both("price", &first, &second).await;
    for guest in ["trap-in-route", "nonsense-plan", "empty-plan", "repeated-candidate"] {
        router.drop_plugin(guest, guest).await;
        let mut request = ask("test/both", "Hi");
        request["provider"] = json!({"strategy": guest});
        let record = replayed(&router, guest, &request, 200).await;
        let ruling = record.decision.unwrap().ruling;
        assert!(matches!(ruling, Ruling::Failed { .. }), "{guest}: {ruling:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_told_from_the_moment_its_answer_was_read() {
    let pair = Pair::start(Behaviour::new().reply("Hello there.")).await;
    for streaming in [false, true] {
        for _ in 0..20 {
            let request = ask("test/open", "Hi");
            let id = match streaming {
                false => id(&pair.router.client().chat(&request).await).to_owned(),
                true => {
                    let streamed = pair.router.client().stream(&request).await;
                    streamed.headers["x-generation-id"].to_str().unwrap().to_owned()
                }
            };
            let data = told(&pair.router, &id).await;
            assert_eq!(data["id"], id);
            assert_eq!(data["streamed"], streaming);
            assert_eq!(
                (&data["cancelled"], &data["finish_reason"]),
                (&json!(false), &json!("stop"))
            );
            assert_eq!(
                (&data["model"], &data["api_type"]),
                (&json!("test/open"), &json!("completions"))
            );
            assert!(data["tokens_completion"].as_u64().unwrap() > 0, "{data}");
            assert!(data["total_cost"].as_f64().unwrap() > 0.0, "{data}");
            assert_eq!(data["plugway"]["attempts"][0]["outcome"], "ok");
            assert_eq!(data["provider_responses"][0]["status"], 200);
            assert_eq!(data["plugway"]["decision"]["strategy"], "balanced");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bill_is_the_one_that_the_client_got() {
    let pair = Pair::start(Behaviour::new().reply("Hello there.")).await;
    let answer = pair.router.client().chat(&ask("test/anth", "Hi")).await;
    let (body, data) = (answer.json(), told(&pair.router, id(&answer)).await);
    assert_eq!(body["id"], data["id"]);
    assert_eq!(body["usage"]["cost"], data["usage"]);
    assert_eq!(body["usage"]["prompt_tokens"], data["native_tokens_prompt"]);
    assert_eq!(body["usage"]["completion_tokens"], data["native_tokens_completion"]);
    assert_eq!(body["provider"], data["provider_name"]);
    assert_eq!(data["upstream_inference_cost"], data["usage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_names_a_generation_can_be_asked_about() {
    let pair = Pair::start(Behaviour::new()).await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    for (path, body) in [
        ("/v1/chat/completions", json!({"messages": messages})),
        ("/v1/completions", json!({"prompt": "Hi"})),
        ("/v1/responses", json!({"input": "Hi"})),
        ("/v1/messages", json!({"messages": messages, "max_tokens": 99})),
        ("/api/chat", json!({"messages": messages, "stream": false})),
        (
            "/v1beta/models/test/open:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        ),
        ("/v1/embeddings", json!({"input": "Hi"})),
        ("/v1/rerank", json!({"query": "Hi", "documents": ["a", "b"]})),
    ] {
        let mut body = body;
        if !path.contains(':') {
            body["model"] = json!("test/open");
        }
        let answer = post(&pair.router, path, &body).await;
        let data = told(&pair.router, id(&answer)).await;
        assert_eq!(data["plugway"]["status"], answer.status.as_u16(), "{path}: {}", answer.text());
        assert_eq!(data["plugway"]["models"], "test/open", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_and_the_one_that_served_are_both_told() {
    let broken = Behaviour::new().fault(When::Always, Failure::status(500));
    let (first, second) = (simulator(broken), simulator(Behaviour::new()));
    let router = both("price", &first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    let data = told(&router, id(&answer)).await;
    let attempts = data["plugway"]["attempts"].as_array().unwrap();
    let told: Vec<_> = attempts.iter().map(|it| (&it["endpoint"], &it["outcome"])).collect();
    let (failed, ok) = (json!("provider_unavailable"), json!("ok"));
    let ids = (json!("first/sim"), json!("second/sim"));
    assert_eq!(told, [(&ids.0, &failed), (&ids.1, &ok)]);
    assert_eq!(data["plugway"]["endpoint"], "second/sim");
    let planned = data["plugway"]["decision"]["planned"].as_array().unwrap();
    assert_eq!(planned.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_leaves_a_record_with_its_exclusions() {
    let (first, second) = (simulator(Behaviour::new()), simulator(Behaviour::new()));
    let router = both("price", &first, &second).await;
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"only": ["nobody"]});
    let answer = router.client().chat(&request).await;
    assert!(!answer.status.is_success());
    let data = told(&router, id(&answer)).await;
    let excluded = data["plugway"]["excluded"].as_array().unwrap();
    let told: Vec<_> = excluded.iter().map(|it| (&it["endpoint"], &it["cause"])).collect();
    let providers = json!("providers");
    assert_eq!(told, [(&json!("first/sim"), &providers), (&json!("second/sim"), &providers)]);
    assert_eq!(data["plugway"]["decision"], Value::Null);
    assert_eq!((&data["usage"], &data["tokens_prompt"]), (&json!(0), &Value::Null));

    let unknown = router.client().chat(&ask("test/nobody", "Hi")).await;
    let data = told_of(&router, &unknown).await;
    assert_eq!(data["plugway"]["outcome"], "model_not_found");
}

async fn told_of(router: &TestRouter, answer: &Answer) -> Value {
    told(router, id(answer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_leaves_a_record() {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    let pair = Pair::start(slow).await;
    let mut request = ask("test/open", "Tell me a long story");
    request["stream"] = json!(true);
    let mut response = pair.router.client().open(request.to_string()).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    LogLines::access(&id).await;
    let data = told(&pair.router, &id).await;
    assert_eq!((&data["cancelled"], &data["streamed"]), (&json!(true), &json!(true)));
    assert_eq!(data["plugway"]["attempts"][0]["outcome"], "cancelled");
    assert_eq!(data["plugway"]["tokens_estimated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_said_is_kept() {
    let echo = format!("{SAID} in the answer");
    let (first, second) = (simulator(Behaviour::new().reply(&echo)), simulator(Behaviour::new()));
    let router = both("price", &first, &second).await;
    let mut request = ask("test/both", &format!("{SAID} in the prompt {}", "x".repeat(200)));
    request["tools"] = json!([{"type": "function", "function": {"name": SAID,
        "parameters": {"type": "object"}}}]);
    let good = router.client().chat(&request).await;
    assert!(good.text().contains(SAID), "{}", good.text());
    let quoting = Failure::status(400);
    for simulator in [&first, &second] {
        simulator.set(Behaviour::new().fault(When::Always, quoting.clone()));
    }
    let bad = router.client().chat(&request).await;
    assert_eq!(bad.status, 400);
    for answer in [good, bad] {
        let record = record(&router, id(&answer)).await;
        let bytes = record.encode().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(SAID), "{record:?}");
        assert!(!record.decision.unwrap().read_prompts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_the_client_gives_are_kept() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut body = ask("test/open", "Hi");
    body["session_id"] = json!("session-7");
    body["metadata"] = json!({"team": "search"});
    let client = pair.router.client();
    let mut request = client.request(Method::POST, "/v1/chat/completions", body.to_string());
    for (name, value) in
        [("http-referer", "https://app.example"), ("x-title", "App"), ("user-agent", "agent/1")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = client.read(request).await;
    let data = told(&pair.router, id(&answer)).await;
    assert_eq!(data["session_id"], "session-7");
    assert_eq!(
        (&data["http_referer"], &data["origin"]),
        (&json!("https://app.example"), &json!("https://app.example"))
    );
    assert_eq!(
        (&data["user_agent"], &data["plugway"]["title"]),
        (&json!("agent/1"), &json!("App"))
    );
    let record = record(&pair.router, id(&answer)).await;
    assert_eq!(record.decision.unwrap().query.tags, [("team".into(), "search".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_outlast_the_process_and_are_read_again() {
    let home = tempfile::tempdir().unwrap();
    let upstream = simulator(Behaviour::new());
    let state = home.path().join("state.db");
    let toml = format!("state = {state:?}\n{}", provider("open", &upstream, 1));
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..2 {
        let router = TestRouter::start(&toml).await;
        for id in &ids {
            assert_eq!(told(&router, id).await["id"], *id);
        }
        for _ in 0..10 {
            let answer = router.client().chat(&ask("test/open", "Hi")).await;
            ids.push(id(&answer).to_owned());
        }
        router.stop().await;
    }
    let router = TestRouter::start(&toml).await;
    for id in &ids {
        assert_eq!(told(&router, id).await["id"], *id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_forgotten_when_its_time_has_come() {
    let upstream = simulator(Behaviour::new());
    let clock = Clock::stopped(Duration::from_secs(1_764_300_000));
    let toml = format!("[decisions]\nkeep_for = \"1h\"\n{}", provider("open", &upstream, 1));
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    // Of what never left there is nothing else.
    let answer = router.client().chat(&ask("test/nobody", "Hi")).await;
    clock.advance(Duration::from_secs(3600));
    assert_eq!(told(&router, id(&answer)).await["created_at"], "2025-11-28T03:20:00.000Z");
    clock.advance(Duration::from_secs(1));
    let path = format!("/v1/generation?id={}", id(&answer));
    assert_eq!(router.client().get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_not_found() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let unknown = client.get("/v1/generation?id=gen-unknown").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["error"]["code"], 404);
    for path in ["/v1/generation", "/v1/generation?id=", "/v1/generation?other=1"] {
        assert_eq!(client.get(path).await.status, 400, "{path}");
    }
    assert_eq!(post(&pair.router, "/v1/generation?id=x", &json!({})).await.status, 405);
    assert_eq!(client.get("/api/v1/generation?id=x").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_decision_is_kept_where_none_is_to_be_kept() {
    let pair = Pair::with(Behaviour::new(), "[decisions]\nenabled = false\n").await;
    // The ledger has what it cost, and not why it went there.
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    let data = told(&pair.router, id(&answer)).await;
    assert_eq!((&data["plugway"]["decision"], &data["model"]), (&Value::Null, &json!("test/open")));
    let refused = pair.router.client().chat(&ask("test/nobody", "Hi")).await;
    let path = format!("/v1/generation?id={}", id(&refused));
    let missing = pair.router.client().get(&path).await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("decisions.enabled"), "{}", missing.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_has_the_published_form() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/specs/openrouter_2026-08-22_openapi.yaml.gz");
    if !file.exists() {
        println!("skipped: there is no published description here");
        return;
    }
    let mut text = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let schema = schema(&text, "GenerationResponse");
    assert!(schema.len() > 40, "{schema:?}");
    let pair = Pair::start(Behaviour::new()).await;
    let served = pair.router.client().chat(&ask("test/open", "Hi")).await;
    let refused = pair.router.client().chat(&ask("test/nobody", "Hi")).await;
    for answer in [served, refused] {
        let data = told(&pair.router, id(&answer)).await;
        for (field, types) in &schema {
            let value = &data[field];
            assert!(data.as_object().unwrap().contains_key(field), "{field} is missing");
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
            };
            let fits = types.iter().any(|it| it == kind || (it == "number" && kind == "integer"));
            assert!(fits, "{field}: {value} is none of {types:?}");
        }
    }
}

/// Each field below the schema's `data`, with its types, as the file is indented.
fn schema(description: &str, name: &str) -> Vec<(String, Vec<String>)> {
    let (_, rest) = description.split_once(&format!("\n    {name}:\n")).unwrap();
    let (_, rest) = rest.split_once("\n          properties:\n").unwrap();
    let (properties, _) = rest.split_once("\n          required:\n").unwrap();
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_type = false;
    for line in properties.lines() {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim();
        if indent == 12 {
            fields.push((word.trim_end_matches(':').to_owned(), Vec::new()));
        } else if indent == 14 {
            is_type = word == "type:";
            if let Some(single) = word.strip_prefix("type: ") {
                fields.last_mut().unwrap().1.push(single.trim_matches('\'').to_owned());
            }
        } else if is_type && let Some(each) = word.strip_prefix("- ") {
            fields.last_mut().unwrap().1.push(each.trim_matches('\'').to_owned());
        }
    }
    fields
}
