//! How a client is told that nothing is left.

use super::eligible::{MODEL, Offer, PLAIN, Scene, known};
use crate::setup::{ask, bare_provider, endpoint};
use http::Method;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

fn error(answer: &Answer) -> Value {
    answer.json()["error"].clone()
}

fn failing(failure: Failure) -> Behaviour {
    Behaviour::new().fault(When::Always, failure)
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_404_and_name_what_excluded_each_endpoint() {
    let scene = Scene::start("", PLAIN, known("quantization = \"fp8\"")).await;
    let wishes = json!({"quantizations": ["fp8"], "max_price": {"prompt": 1}});
    let answer = scene.asked(json!({"provider": wishes})).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    let error = error(&answer);
    let availability = json!({
        "code": "constraint_filtered",
        "retryable": false,
        "requested_models": [MODEL],
        "affected_providers": ["one", "two"],
        "excluded_by": ["quantization", "max_price"],
    });
    assert_eq!(error["availability"], availability);
    assert_eq!(error["metadata"]["error_type"], "not_found");
    let endpoints = &error["metadata"]["endpoints"];
    let first = json!({
        "endpoint": "one/sim",
        "provider": "one",
        "model": MODEL,
        "code": "quantization",
        "reason": "provider.quantizations does not name its `unknown`",
    });
    assert_eq!(endpoints[0], first);
    assert_eq!(endpoints[1]["code"], "price");
    assert!(error["metadata"]["previous_errors"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_constraint_has_the_name_that_openrouters_clients_know() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    for (fields, code, rule, field) in [
        (
            json!({"provider": {"zdr": true}}),
            "privacy_restricted",
            "data_policy:zdr",
            "provider.zdr",
        ),
        (
            json!({"provider": {"data_collection": "deny"}}),
            "privacy_restricted",
            "data_policy:training",
            "provider.data_collection",
        ),
        (
            json!({"provider": {"regions": ["eu"]}}),
            "constraint_filtered",
            "data_region",
            "provider.regions",
        ),
        (
            json!({"provider": {"only": ["nobody"]}}),
            "constraint_filtered",
            "allowed_providers",
            "provider",
        ),
        (
            json!({"provider": {"require_parameters": true}, "top_a": 0.5}),
            "constraint_filtered",
            "require_parameters",
            "provider.require_parameters",
        ),
    ] {
        let answer = scene.asked(fields.clone()).await;
        assert_eq!(answer.status, 404, "{fields}: {}", answer.text());
        let availability = &error(&answer)["availability"];
        assert_eq!(availability["code"], code, "{fields}");
        assert_eq!(availability["excluded_by"], json!([rule]), "{fields}");
        assert_eq!(availability["constraint"]["field"], field, "{fields}");
        assert!(availability["constraint"]["detail"].is_string(), "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_everywhere_is_an_error_of_its_length() {
    let short = known("context_length = 10");
    let scene = Scene::start("", short, short).await;
    let messages = json!([{"role": "user", "content": "word ".repeat(100)}]);
    let answer = scene.asked(json!({"messages": messages})).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = error(&answer);
    assert_eq!(error["metadata"]["error_type"], "context_length_exceeded");
    assert_eq!(error["availability"]["excluded_by"], json!(["context_length"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_503_and_says_when_to_come_back() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    let busy = Failure::Status { code: 429, retry_after: Some(30), message: None };
    scene.one.set(failing(busy.clone()));
    scene.two.set(failing(busy));
    let exhausted = scene.asked(json!({})).await;
    assert_eq!(exhausted.status, 429, "{}", exhausted.text());
    let told = error(&exhausted);
    assert_eq!(told["availability"]["code"], "capacity_exhausted");
    assert_eq!(told["availability"]["retryable"], true);
    assert_eq!(told["availability"]["retry_after"], 30);
    let previous = json!([{"provider": "one", "code": "rate_limit_exceeded", "status": 429}]);
    assert_eq!(told["metadata"]["previous_errors"], previous);

    let cooling = scene.asked(json!({})).await;
    assert_eq!(cooling.status, 503, "{}", cooling.text());
    let told = error(&cooling);
    assert_eq!(told["availability"]["code"], "temporarily_unavailable");
    assert_eq!(told["availability"]["retryable"], true);
    assert_eq!(told["metadata"]["endpoints"][1]["code"], "cooling");
    let wait: u64 = cooling.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(told["availability"]["retry_after"], wait);
    // With one that is merely not allowed beside, it still passes.
    let partly = scene.asked(json!({"provider": {"ignore": ["two"]}})).await;
    assert_eq!(partly.status, 503, "{}", partly.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_is_told_as_openrouter_tells_it() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    let answer = scene.router.client().chat(&ask("test/nothing", "Hi")).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let availability = &error(&answer)["availability"];
    assert_eq!(availability["code"], "model_not_found");
    assert_eq!(availability["requested_models"], json!(["test/nothing"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_request_fails_and_says_that_it_is_pinned() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    let pin = |name: &str| json!({"provider": {"only": [name], "allow_fallbacks": false}});
    let nowhere = scene.asked(pin("nobody")).await;
    assert_eq!(nowhere.status, 404, "{}", nowhere.text());
    assert_eq!(error(&nowhere)["metadata"]["pinned"], true);
    assert!(nowhere.text().contains("is pinned to"), "{}", nowhere.text());
    scene.one.set(failing(Failure::status(500)));
    let failed = scene.asked(pin("one")).await;
    assert_eq!(failed.status, 502, "{}", failed.text());
    assert_eq!(error(&failed)["metadata"]["pinned"], true);
    assert!(scene.two.requests().is_empty());
    let free = scene.asked(json!({"provider": {"ignore": ["two"]}})).await;
    assert!(error(&free)["metadata"]["pinned"].is_null(), "{}", free.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_has_a_place_for_it_and_no_message_names_another_ones() {
    let two = Offer { kind: Kind::Anthropic, ..PLAIN };
    let scene = Scene::start("", PLAIN, two).await;
    let provider = json!({"zdr": true});
    let user = json!([{"role": "user", "content": "Hi"}]);
    for (path, body, place) in [
        (
            "/v1/messages",
            json!({"model": MODEL, "max_tokens": 5, "messages": user, "provider": provider}),
            "/error/availability/code",
        ),
        (
            "/v1/responses",
            json!({"model": MODEL, "input": "Hi", "provider": provider}),
            "/error/availability/code",
        ),
        (
            "/v1/chat/completions",
            json!({"model": MODEL, "messages": user, "provider": provider}),
            "/error/availability/code",
        ),
    ] {
        let client = scene.router.client();
        let request = client.request(Method::POST, path, body.to_string());
        let answer = client.read(request).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        let told = answer.json();
        let code = told.pointer(place).and_then(Value::as_str);
        assert_eq!(code, Some("privacy_restricted"), "{path}: {told}");
        let message = told["error"]["message"].as_str().unwrap();
        assert!(!message.contains("error.metadata"), "{path}: {message}");
        assert!(message.contains("zdr"), "{path}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_failed_are_told_as_the_client_named_them() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    let busy = Failure::Status { code: 429, retry_after: Some(30), message: None };
    scene.one.set(failing(busy.clone()));
    scene.two.set(failing(busy));
    let named = format!("{MODEL}:floor");
    let answer = scene.asked(json!({"model": named})).await;
    let availability = &error(&answer)["availability"];
    assert_eq!(availability["code"], "capacity_exhausted", "{}", answer.text());
    assert_eq!(availability["requested_models"], json!([named]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_model_is_named_to_who_pins_and_a_dear_one_to_nobody_who_wants_a_free_one() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let model = |slug: &str, dollars: u32| {
        let endpoint = endpoint(slug, "one", dollars).replace("\"sim\"", &format!("{slug:?}"));
        format!("[models.\"{slug}\"]\n{}\n", endpoint.replace("00.0", "0.0"))
    };
    let toml = [
        bare_provider("one", &simulator),
        model("acme/swift-1", 1),
        model("acme/swift-2", 2),
        model("acme/gift-1", 1),
        model("acme/gift-2", 0),
    ];
    let router = TestRouter::start(&toml.join("")).await;
    let asked = async |model: &str| {
        let answer = router.client().chat(&ask(model, "Hi")).await;
        assert_eq!(answer.status, 400, "{model}: {}", answer.text());
        let error = error(&answer);
        let pinned = error["metadata"]["pinned"] == true;
        (error["availability"]["fallback_models"].clone(), pinned)
    };
    assert_eq!(asked("acme/swift-9").await, (json!(["acme/swift-1", "acme/swift-2"]), false));
    for pinned in ["acme/swift-9@one", "acme/swift-1@two", "acme/swift-1:free@one"] {
        assert_eq!(asked(pinned).await, (Value::Null, true), "{pinned}");
    }
    for free in ["acme/swift-1:free", "acme/swift-9:free", "acme/swift-9:nitro:free"] {
        assert_eq!(asked(free).await, (Value::Null, false), "{free}");
    }
    assert_eq!(asked("acme/gift-1:free").await, (json!(["acme/gift-2"]), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_same_family_that_would_serve_are_named() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let model = |slug: &str, released: &str, more: &str| {
        let endpoint = endpoint(slug, "one", 1).replace("\"sim\"", &format!("{slug:?}"));
        format!("[models.\"{slug}\"]\nreleased = {released}\n{endpoint}{more}\n")
    };
    let toml = [
        bare_provider("one", &simulator),
        model("acme/swift-1", "2024-01-01", ""),
        model("acme/swift-2", "2025-01-01", "region = \"eu\""),
        model("acme/swift-3", "2026-01-01", "region = \"eu\"\ncontext_length = 10"),
        model("acme/slow-1", "2026-01-01", "region = \"eu\""),
    ];
    let router = TestRouter::start(&toml.join("")).await;
    let asked = async |model: &str, wishes: Value| {
        let mut body = ask(model, &"word ".repeat(100));
        body["provider"] = wishes;
        let answer = router.client().chat(&body).await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
        error(&answer)["availability"]["fallback_models"].clone()
    };
    let in_eu = json!({"regions": ["eu"]});
    assert_eq!(asked("acme/swift-1", in_eu.clone()).await, json!(["acme/swift-2"]));
    // Nobody has it: the family is told by its name.
    let any = asked("acme/swift-9", json!({})).await;
    assert_eq!(any, json!(["acme/swift-2", "acme/swift-1"]));
    // Nothing of the family would do, or nothing else is wanted.
    assert_eq!(asked("acme/slow-1", json!({"regions": ["us"]})).await, Value::Null);
    assert_eq!(asked("acme/swift-1@one", in_eu).await, Value::Null);
    assert_eq!(asked("nobody/any-1", json!({})).await, Value::Null);
    assert!(simulator.requests().is_empty());
}
