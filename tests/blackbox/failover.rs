//! What happens when providers fail, before and after the first content.

mod breaker;
mod budget;
mod cooldown;
mod deadline;
mod raw;
mod retryable;

use crate::setup::{MODELS, Pair, ask, bare_provider, endpoint};
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::TestRouter;
use serde_json::json;

/// A router whose model `test/both` is served by `first`, then by `second`.
async fn in_front_of(first: &Simulator, second: &Simulator) -> TestRouter {
    bounded("", first, second).await
}

/// The same, with more configuration: keys of `[routing]`, then other sections.
async fn bounded(bounds: &str, first: &Simulator, second: &Simulator) -> TestRouter {
    two(bounds, [&bare_provider("first", first), &bare_provider("second", second)]).await
}

/// The same, of providers that are configured by hand.
async fn two(bounds: &str, providers: [&str; 2]) -> TestRouter {
    let toml = format!(
        "[routing]\nstrategies = [\"price\"]\n{bounds}\n{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
        providers.concat(),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    TestRouter::start(&toml).await
}

/// The content of an answer, streamed or whole.
async fn content(router: &TestRouter, streaming: bool) -> String {
    let request = ask("test/both", "Hi");
    match streaming {
        true => {
            let streamed = router.client().stream(&request).await;
            assert!(streamed.done, "{:?}", streamed.chunks);
            streamed.content()
        }
        false => router.client().chat(&request).await.content(),
    }
}

/// Whether the metrics hold this line.
async fn counts(router: &TestRouter, line: &str) -> bool {
    router.client().get("/metrics").await.text().lines().any(|it| it == line)
}

fn failing(failure: Failure) -> Behaviour {
    Behaviour::new().reply("from first").fault(When::Always, failure)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_content_a_failure_is_told_in_band() {
    for kind in [Kind::OpenAi, Kind::Anthropic] {
        let first = Simulator::start(kind, Behaviour::new()).unwrap();
        let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let router = in_front_of(&first, &second).await;
        for failure in [
            Failure::Cut { after_chunks: 2 },
            Failure::StreamError { after_chunks: 2, code: 500 },
            Failure::Malformed { after_chunks: 2 },
        ] {
            // A pause between the chunks, so that the first of them commits.
            first.set(failing(failure.clone()).tokens_per_second(50).reply("a b c d e f"));
            let streamed = router.client().stream(&ask("test/both", "Hi")).await;
            assert_eq!(streamed.status, 200);
            assert!(streamed.content().starts_with('a'), "{failure:?}: {:?}", streamed.chunks);
            let error = streamed.chunks.iter().find(|chunk| !chunk["error"].is_null());
            let error = error.unwrap_or_else(|| panic!("{failure:?}: {:?}", streamed.chunks));
            assert_eq!(error["choices"][0]["finish_reason"], "error");
            assert!(streamed.done);
        }
        assert!(second.requests().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_the_client_learns_of_each() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::rate_limited(9))).unwrap();
    let second = Simulator::start(Kind::Anthropic, failing(Failure::rate_limited(4))).unwrap();
    let router = in_front_of(&first, &second).await;
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("4"));
    let body = answer.json();
    assert_eq!(body["error"]["code"], 429);
    assert_eq!(body["error"]["metadata"]["code"], "rate_limit_exceeded");
    let endpoints = body["error"]["metadata"]["endpoints"].as_array().unwrap();
    let ids: Vec<_> = endpoints.iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(ids, ["first/sim", "second/sim"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_class_of_provider_error_has_its_status() {
    let pair = Pair::start(Behaviour::new()).await;
    for model in MODELS {
        for (code, status, error_type) in [
            (400, 400, "invalid_request"),
            (401, 502, "provider_authentication"),
            (403, 403, "permission_denied"),
            (404, 404, "provider_model_not_found"),
            (429, 429, "rate_limit_exceeded"),
            (500, 502, "provider_unavailable"),
            (529, 503, "provider_overloaded"),
        ] {
            pair.upstream(model).set(failing(Failure::status(code)));
            let answer = pair.router.client().chat(&ask(model, "Hi")).await;
            assert_eq!(answer.status, status, "{model} {code}: {}", answer.text());
            let error = &answer.json()["error"];
            assert_eq!(error["metadata"]["code"], error_type, "{model} {code}");
            assert!(!error["message"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_models_are_tried_in_order() {
    let pair = Pair::start(Behaviour::new().reply("plan b")).await;
    pair.open.set(failing(Failure::status(400)));
    let mut request = ask("test/open", "Hi");
    request["models"] = json!(["test/anth"]);
    let answer = pair.router.client().chat(&request).await;
    assert_eq!(answer.content(), "plan b", "{}", answer.text());
    assert_eq!(answer.json()["model"], "test/anth");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_lists_are_kept() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("from first")).unwrap();
    let second = Simulator::start(Kind::Anthropic, Behaviour::new().reply("from second")).unwrap();
    let router = in_front_of(&first, &second).await;
    for (provider, expected) in [
        (json!({"only": ["second"]}), "from second"),
        (json!({"ignore": ["first"]}), "from second"),
        (json!({"order": ["second"]}), "from second"),
        (json!({"order": ["second"], "allow_fallbacks": false}), "from second"),
        (json!({"sort": "price"}), "from first"),
        (json!({"max_price": {"prompt": 1}}), "from first"),
    ] {
        let mut request = ask("test/both", "Hi");
        request["provider"] = provider.clone();
        let answer = router.client().chat(&request).await;
        assert_eq!(answer.content(), expected, "{provider}: {}", answer.text());
    }
    for provider in [
        json!({"only": ["nobody"]}),
        json!({"zdr": true}),
        json!({"data_collection": "deny"}),
        json!({"quantizations": ["fp8"]}),
        json!({"max_price": {"prompt": "0.5"}}),
    ] {
        let mut request = ask("test/both", "Hi");
        request["provider"] = provider.clone();
        let answer = router.client().chat(&request).await;
        assert_eq!(answer.status, 404, "{provider}: {}", answer.text());
        let reasons = answer.json()["error"]["metadata"]["endpoints"].clone();
        assert_eq!(reasons.as_array().map(Vec::len), Some(2), "{provider}: {reasons}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_falls_silent_is_given_up_on() {
    let stall = Failure::Stall { after_chunks: 2, milliseconds: 60_000 };
    let toml = "[server]\nkeep_alive_interval = \"100ms\"\n[upstream]\nidle_timeout = \"500ms\"\n";
    let stalling = failing(stall).tokens_per_second(50).reply("a b c d e f");
    let pair = Pair::with(stalling, toml).await;
    for model in MODELS {
        let streamed = pair.router.client().stream(&ask(model, "Hi")).await;
        assert!(streamed.content().starts_with('a'), "{:?}", streamed.chunks);
        let error = streamed.chunks.iter().find(|chunk| !chunk["error"].is_null()).unwrap();
        assert_eq!(error["error"]["metadata"]["code"], "timeout", "{error}");
    }
}
