//! Who puts endpoints in order, and what may choose that.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::TestRouter;
use serde_json::{Value, json};

/// A router whose `test/both` is served by `cheap` and by `dear`, of which nothing is
/// measured yet.
struct Scene {
    router: TestRouter,
    _simulators: [Simulator; 2],
}

impl Scene {
    /// With more configuration.
    async fn start(toml: &str) -> Self {
        let start = |name: &str| {
            Simulator::start(Kind::OpenAi, Behaviour::new().reply(format!("from {name}"))).unwrap()
        };
        let simulators = [start("cheap"), start("dear")];
        let toml = format!(
            "{toml}{}{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
            bare_provider("cheap", &simulators[0]),
            bare_provider("dear", &simulators[1]),
            endpoint("test/both", "cheap", 1),
            endpoint("test/both", "dear", 9),
        );
        Self { router: TestRouter::start(&toml).await, _simulators: simulators }
    }

    /// What is answered to a request with this `provider`: by whom, and who chose.
    async fn asked(&self, provider: Value) -> (String, String) {
        let mut request = ask("test/both", "Hi");
        request["provider"] = provider;
        let answer = self.router.client().chat(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let chooser = answer.header("x-plugway-strategy").unwrap();
        let chooser = chooser.split('@').next().unwrap().to_owned();
        (answer.content(), chooser)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_its_strategy_and_the_configuration_comes_below_that() {
    let scene =
        Scene::start("[routing]\nstrategies = [\"absent\", \"price\", \"balanced\"]\n").await;
    let chooser = |provider| async { scene.asked(provider).await.1 };
    assert_eq!(chooser(json!({})).await, "price", "the first that is loaded");
    for name in ["balanced", "price", "latency", "throughput"] {
        assert_eq!(chooser(json!({"strategy": name})).await, name);
    }
    let unknown = json!({"strategy": "absent"});
    let mut request = ask("test/both", "Hi");
    request["provider"] = unknown;
    let answer = scene.router.client().chat(&request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("`absent`"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requests_options_come_before_the_configurations() {
    // Drawn by price to the eighth power, or blindly.
    let scene = Scene::start("[plugins.balanced.options]\nexponent = 8\nexploration = 0\n").await;
    for _ in 0..20 {
        assert_eq!(scene.asked(json!({})).await.0, "from cheap");
    }
    let blind = json!({"options": {"exponent": 0}});
    let mut answers = std::collections::BTreeSet::new();
    for _ in 0..60 {
        answers.insert(scene.asked(blind.clone()).await.0);
    }
    assert_eq!(answers.len(), 2, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_a_strategy_does_not_know_are_a_400_that_names_them() {
    let scene = Scene::start("").await;
    for strategy in ["balanced", "price", "latency", "throughput"] {
        let mut request = ask("test/both", "Hi");
        request["provider"] = json!({"strategy": strategy, "options": {"exponents": 1}});
        let answer = scene.router.client().chat(&request).await;
        assert_eq!(answer.status, 400, "{strategy}: {}", answer.text());
        assert!(answer.text().contains("exponents"), "{strategy}: {}", answer.text());
        assert!(answer.text().contains("provider.options"), "{strategy}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_sort_is_kept_by_every_strategy() {
    let scene = Scene::start("").await;
    for strategy in ["balanced", "price", "latency", "throughput"] {
        for _ in 0..10 {
            let sorted = json!({"strategy": strategy, "sort": "price"});
            assert_eq!(scene.asked(sorted).await.0, "from cheap", "{strategy}");
            let ordered = json!({"strategy": strategy, "order": ["dear"]});
            assert_eq!(scene.asked(ordered).await.0, "from dear", "{strategy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_order_takes_over_for_a_request_whose_strategy_fails() {
    let scene = Scene::start("").await;
    for guest in ["trap-in-route", "nonsense-plan", "empty-plan", "repeated-candidate"] {
        scene.router.drop_plugin(guest, guest).await;
        let failing = scene.asked(json!({"strategy": guest})).await;
        assert_eq!(failing, ("from cheap".to_owned(), "built-in".to_owned()), "{guest}");
        let metrics = scene.router.client().get("/metrics").await.text();
        let counted = format!("plugway_strategy_fallbacks_total{{plugin=\"{guest}\"}} 1");
        assert!(metrics.contains(&counted), "{guest}: {metrics}");
        assert_eq!(scene.asked(json!({"strategy": "price"})).await.1, "price", "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_known_price_comes_behind_what_has_one_and_is_above_every_cap() {
    let start = |name: &str| {
        Simulator::start(Kind::OpenAi, Behaviour::new().reply(format!("from {name}"))).unwrap()
    };
    let (unpriced, dear) = (start("unpriced"), start("dear"));
    let toml = format!(
        "{}{}[models.\"test/both\"]\n[[models.\"test/both\".endpoints]]\nprovider = \"a\"\n\
         model = \"sim\"\n{}[models.\"test/alone\"]\n[[models.\"test/alone\".endpoints]]\n\
         provider = \"a\"\nmodel = \"alone\"\n",
        bare_provider("a", &unpriced),
        bare_provider("dear", &dear),
        endpoint("test/both", "dear", 900),
    );
    let router = TestRouter::start(&toml).await;
    router.drop_plugin("trap-in-route", "trap-in-route").await;
    router.drop_plugin("cost-cap", "cost-cap").await;
    let asked = async |model: &str, provider: Value| {
        let mut request = ask(model, "Hi");
        request["provider"] = provider;
        router.client().chat(&request).await
    };
    for strategy in ["balanced", "price", "latency", "throughput", "trap-in-route"] {
        let sorted = json!({"strategy": strategy, "sort": "price"});
        let answer = asked("test/both", sorted).await;
        assert_eq!(answer.content(), "from dear", "{strategy}: {}", answer.text());
    }
    assert_eq!(asked("test/both", json!({"strategy": "price"})).await.content(), "from dear");
    // Alone, it serves; and no cap on costs admits it.
    let alone = asked("test/alone", json!({"strategy": "price"})).await;
    assert_eq!(alone.content(), "from unpriced", "{}", alone.text());
    let capped = json!({"strategy": "cost-cap", "options": {"max_usd": 1000}});
    assert_eq!(asked("test/alone", capped.clone()).await.status, 404);
    assert_eq!(asked("test/both", capped).await.content(), "from dear");
}

/// Which endpoint of `acme/pair` is asked, by its name of the model: a provider is dear in
/// one region and cheaper in another, and another provider is the cheapest.
async fn pair_at(order: &[&str], more: Value) -> String {
    let start = |says: &str| Simulator::start(Kind::OpenAi, Behaviour::new().reply(says)).unwrap();
    let (twin, other) = (start("from twin"), start("from other"));
    let endpoint = |provider: &str, model: &str, region: &str, dollars: u32| {
        format!(
            "[[models.\"acme/pair\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"{model}\"\n\
             region = \"{region}\"\nprice = {{ prompt = {dollars}.0, completion = {dollars}.0 }}\n"
        )
    };
    let toml = [
        bare_provider("twin", &twin),
        bare_provider("other", &other),
        "[models.\"acme/pair\"]\ncontext_length = 1000\n".into(),
        endpoint("twin", "pair-us", "us", 5),
        endpoint("twin", "pair-eu", "eu", 2),
        endpoint("other", "pair-other", "us", 1),
    ];
    let router = TestRouter::start(&toml.concat()).await;
    router.drop_plugin("trap-in-route", "trap-in-route").await;
    let mut request = ask("acme/pair", "Hi");
    request["provider"] = more;
    request["provider"]["order"] = json!(order);
    let answer = router.client().chat(&request).await;
    assert_eq!(answer.status, 200, "{order:?}: {}", answer.text());
    let asked = [twin.requests(), other.requests()].concat();
    assert_eq!(asked.len(), 1, "{order:?}");
    asked[0].json()["model"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_variants_is_kept_by_every_strategy() {
    for strategy in ["balanced", "price", "trap-in-route"] {
        for (order, expected) in [
            (&["twin/us"][..], "pair-us"),
            (&["twin/us", "twin/eu"], "pair-us"),
            (&["twin/eu", "twin/us"], "pair-eu"),
            (&["other", "twin/us"], "pair-other"),
        ] {
            let served = pair_at(order, json!({"strategy": strategy})).await;
            assert_eq!(served, expected, "{strategy} {order:?}");
        }
    }
    // Where the order does not tell them apart, the strategy does.
    assert_eq!(pair_at(&["twin"], json!({"strategy": "price"})).await, "pair-eu");
}
