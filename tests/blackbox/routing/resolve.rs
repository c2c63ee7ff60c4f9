//! What the names in a request mean: models, aliases, suffixes, pins.

use crate::setup::{ask, bare_provider};
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

/// Two providers, `near` and `far`, and what they serve:
/// `acme/swift-1` and `acme/swift-2` (newer) at both, `acme/gift` free at `far`.
struct Acme {
    router: TestRouter,
    near: Simulator,
    far: Simulator,
}

fn endpoint(model: &str, provider: &str, name: &str, more: &str) -> String {
    format!(
        "[[models.\"{model}\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"{name}\"\n{more}\n"
    )
}

impl Acme {
    async fn start(aliases: &str) -> Self {
        let simulator = |reply: &str| {
            Simulator::start(Kind::OpenAi, Script::from(Behaviour::new().reply(reply))).unwrap()
        };
        let (near, far) = (simulator("near"), simulator("far"));
        let price =
            |dollars: u32| format!("price = {{ prompt = {dollars}.0, completion = {dollars}.0 }}");
        let toml = [
            format!("[aliases]\n{aliases}"),
            bare_provider("near", &near),
            bare_provider("far", &far),
            "[models.\"acme/swift-1\"]\nreleased = 2025-01-01".into(),
            endpoint("acme/swift-1", "near", "one", &price(1)),
            endpoint("acme/swift-1", "far", "one", &price(2)),
            "[models.\"acme/swift-2\"]\nreleased = 2026-01-01".into(),
            endpoint("acme/swift-2", "near", "two", &price(1)),
            endpoint("acme/swift-2", "far", "two", &price(2)),
            "[models.\"acme/gift\"]".into(),
            endpoint("acme/gift", "near", "gift", &price(1)),
            endpoint("acme/gift", "far", "gift", &price(0)),
            "[models.\"acme/named:free\"]".into(),
            endpoint("acme/named:free", "near", "named:free", &price(1)),
        ];
        let router = TestRouter::start(&toml.join("\n")).await;
        Self { router, near, far }
    }

    async fn chat(&self, model: &str) -> Answer {
        self.router.client().chat(&ask(model, "Hi")).await
    }

    /// The model that answers, and who.
    async fn served(&self, model: &str) -> (String, String) {
        let answer = self.chat(model).await;
        assert!(answer.status.is_success(), "{model}: {}", answer.text());
        (answer.json()["model"].as_str().unwrap().to_owned(), answer.content())
    }

    /// The sentence of a 400.
    async fn refused(&self, model: &str) -> String {
        let answer = self.chat(model).await;
        assert_eq!(answer.status, 400, "{model}: {}", answer.text());
        answer.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_stands_for_a_model_and_the_answer_names_that() {
    let acme = Acme::start("fast = \"acme/swift-1@far\"\n\"acme/gift\" = \"acme/swift-2\"").await;
    assert_eq!(acme.served("fast").await, ("acme/swift-1".into(), "far".into()));
    assert_eq!(acme.served("acme/gift").await.0, "acme/swift-2");
    let listed = acme.router.client().get("/v1/models").await.json();
    let listed = listed["data"].as_array().unwrap();
    let target = |id: &str| {
        let found = listed.iter().find(|it| it["id"] == id && it["alias_target"].is_object());
        found.map(|it| it["alias_target"]["slug"].clone())
    };
    assert_eq!(target("fast"), Some("acme/swift-1".into()));
    assert_eq!(target("~acme/swift-latest"), Some("acme/swift-2".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_of_a_family_is_its_newest_model() {
    let acme = Acme::start("").await;
    assert_eq!(acme.served("~acme/swift-latest").await.0, "acme/swift-2");
    assert_eq!(acme.served("~acme/swift-latest@far").await.1, "far");
    let message = acme.refused("~acme/swoft-latest").await;
    assert!(message.contains("`~acme/swift-latest`"), "{message}");
    acme.refused("~acme/swift-1-latest").await;
    acme.refused("~acme/-latest").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suffix_asks_for_a_sort_or_a_price() {
    let acme = Acme::start("").await;
    assert_eq!(acme.served("acme/swift-1:floor").await.1, "near");
    assert_eq!(acme.served("acme/gift:free").await.1, "far");
    for model in ["acme/swift-1:nitro", "acme/swift-1:exacto", "acme/gift:nitro:free"] {
        acme.served(model).await;
    }
    assert!(acme.refused("acme/swift-1:free").await.contains("free of charge"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_name_wins_over_a_suffix() {
    let acme = Acme::start("").await;
    assert_eq!(acme.served("acme/named:free").await.0, "acme/named:free");
    // What a provider is asked for by its own name reaches it as it is.
    acme.served("near/any:8b").await;
    assert_eq!(acme.near.requests().last().unwrap().json()["model"], "any:8b");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_suffix_is_refused_and_the_known_ones_are_named() {
    let acme = Acme::start("").await;
    let message = acme.refused("acme/swift-1:turbo").await;
    assert!(message.contains(":turbo") && message.contains("`:nitro`"), "{message}");
    assert!(acme.refused("acme/swift-1:online").await.contains("no web search"));
    for hostile in ["acme/swift-1:", "acme/swift-1@", "@", ":", "acme/swift-1@near@far", "~"] {
        acme.refused(hostile).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_request_goes_there_or_fails_and_says_so() {
    let acme = Acme::start("").await;
    for _ in 0..5 {
        assert_eq!(acme.served("acme/swift-1@far").await.1, "far");
    }
    let message = acme.refused("acme/named:free@far").await;
    assert!(message.contains("pinned to `far`") && message.contains("`near`"), "{message}");
    acme.far.set(Script::from(Behaviour::new().fault(When::Always, Failure::status(500))));
    acme.near.clear();
    let answer = acme.chat("acme/swift-1@far").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("pins the request to `far`"), "{}", answer.text());
    assert!(acme.near.requests().is_empty());
    // The same by lists.
    let mut body = ask("acme/swift-1", "Hi");
    body["provider"] = json!({"only": ["far"], "allow_fallbacks": false});
    let answer = acme.router.client().chat(&body).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(acme.near.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_of_a_list_are_tried_in_its_order_whatever_they_are_called() {
    let acme = Acme::start("old = \"acme/swift-1\"").await;
    let asked = |models: Value| {
        let mut body = ask("", "Hi");
        body.as_object_mut().unwrap().remove("model");
        body["models"] = models;
        body
    };
    // By an alias, and by the id of an endpoint.
    for (models, first) in [
        (json!(["old", "acme/swift-2"]), "acme/swift-1"),
        (json!(["near/two", "old"]), "acme/swift-2"),
        (json!(["unknown", "~acme/swift-latest", "old"]), "acme/swift-2"),
    ] {
        for _ in 0..3 {
            let answer = acme.router.client().chat(&asked(models.clone())).await;
            assert_eq!(answer.json()["model"], first, "{models}: {}", answer.text());
        }
    }
}

/// A provider `twin` that serves `acme/pair` twice, first in `us` and then, for less, in
/// `eu`; `other` serves it too.
async fn twins() -> (TestRouter, Simulator, Simulator) {
    let simulator = |reply: &str| Simulator::start(Kind::OpenAi, Behaviour::new().reply(reply));
    let (twin, other) = (simulator("twin").unwrap(), simulator("other").unwrap());
    let more = |dollars: u32, region: &str| {
        format!("price = {{ prompt = {dollars}, completion = {dollars} }}\nregion = \"{region}\"\n")
    };
    let toml = [
        bare_provider("twin", &twin),
        bare_provider("other", &other),
        "[models.\"acme/pair\"]".into(),
        endpoint("acme/pair", "twin", "first", &more(5, "us")),
        endpoint("acme/pair", "twin", "second", &more(1, "eu")),
        endpoint("acme/pair", "other", "third", &more(1, "us")),
    ];
    (TestRouter::start(&toml.join("\n")).await, twin, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_to_one_endpoint_and_always_to_the_same() {
    let (router, twin, other) = twins().await;
    let pinned = |wishes: Value| {
        let mut body = ask("acme/pair", "Hi");
        body["provider"] = json!({"allow_fallbacks": false});
        body["provider"].as_object_mut().unwrap().extend(wishes.as_object().unwrap().clone());
        body
    };
    let cases = [
        (ask("acme/pair@twin", "Hi"), "first"),
        (ask("acme/pair@twin/us", "Hi"), "first"),
        (ask("acme/pair@twin/eu", "Hi"), "second"),
        // Whoever says how to choose gets the first of that order.
        (ask("acme/pair:floor@twin", "Hi"), "second"),
        (pinned(json!({"only": ["twin"]})), "first"),
        (pinned(json!({"only": ["twin/eu"]})), "second"),
        (pinned(json!({"only": ["twin", "other"]})), "first"),
        (pinned(json!({"only": ["twin"], "sort": "price"})), "second"),
    ];
    for (body, name) in &cases {
        for _ in 0..5 {
            let answer = router.client().chat(body).await;
            assert_eq!(answer.status, 200, "{body}: {}", answer.text());
            assert_eq!(twin.requests().last().unwrap().json()["model"], *name, "{body}");
        }
    }
    assert!(other.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_fails_where_its_endpoint_does_though_its_provider_has_another() {
    for pinned_by_list in [false, true] {
        let (router, twin, other) = twins().await;
        let wait = Failure::Status { code: 429, retry_after: Some(30), message: None };
        twin.set(Script::from(Behaviour::new().fault(When::Always, wait)));
        let mut body = ask("acme/pair@twin", "Hi");
        if pinned_by_list {
            body = ask("acme/pair", "Hi");
            body["provider"] = json!({"only": ["twin"], "allow_fallbacks": false});
        }
        let answer = router.client().chat(&body).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["pinned"], true, "{}", answer.text());
        assert_eq!(twin.requests().len(), 1);
        // It rests, and the other does not stand in for it.
        let answer = router.client().chat(&body).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.text().contains("a pin is to one endpoint"), "{}", answer.text());
        assert_eq!((twin.requests().len(), other.requests().len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_pinned_names_is_tried_one_endpoint_each() {
    let (router, twin, other) = twins().await;
    twin.set(Script::from(Behaviour::new().fault(When::Always, Failure::status(500))));
    let mut body = ask("acme/pair@twin", "Hi");
    body["models"] = json!(["acme/pair@other"]);
    let answer = router.client().chat(&body).await;
    assert_eq!(answer.content(), "other", "{}", answer.text());
    assert!(twin.requests().len() <= 1);
    assert_eq!(other.requests().len(), 1);
}
