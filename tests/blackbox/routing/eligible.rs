//! Which endpoints a request may go to, rule by rule.

use crate::setup::ask;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

/// The model of a [`Scene`].
pub(super) const MODEL: &str = "test/both";

/// A router whose model is served by `one`, which is cheap, then by `two`.
pub(super) struct Scene {
    pub(super) router: TestRouter,
    pub(super) one: Simulator,
    pub(super) two: Simulator,
}

/// What tells an endpoint and its provider from another: keys of their tables.
#[derive(Clone, Copy)]
pub(super) struct Offer<'t> {
    pub(super) kind: Kind,
    pub(super) provider: &'t str,
    pub(super) endpoint: &'t str,
}

/// Nothing is known of it.
pub(super) const PLAIN: Offer<'_> = Offer { kind: Kind::OpenAi, provider: "", endpoint: "" };

/// Of which the catalogue says this.
pub(super) const fn known(endpoint: &str) -> Offer<'_> {
    Offer { endpoint, ..PLAIN }
}

impl Scene {
    /// With these keys of `[routing]`.
    pub(super) async fn start(routing: &str, one: Offer<'_>, two: Offer<'_>) -> Self {
        let simulate = |name: &str, kind| {
            let behaviour = Behaviour::new().reply(format!("from {name}"));
            Simulator::start(kind, behaviour).unwrap()
        };
        let (first, second) = (simulate("one", one.kind), simulate("two", two.kind));
        let table = |name: &str, price: u32, simulator: &Simulator, offer: Offer<'_>| {
            format!(
                "[providers.{name}]\nadapter = \"{}\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n{}\n\
                 [[models.\"{MODEL}\".endpoints]]\nprovider = \"{name}\"\nmodel = \"sim\"\n\
                 price = {{ prompt = {price}, completion = {price} }}\n{}\n",
                simulator.kind().adapter(),
                simulator.base_url(),
                offer.provider,
                offer.endpoint,
            )
        };
        let toml = format!(
            "[routing]\nstrategies = [\"price\"]\n{routing}\n{}{}",
            table("one", 1, &first, one),
            table("two", 2, &second, two),
        );
        Self { router: TestRouter::start(&toml).await, one: first, two: second }
    }

    /// What a request with these fields gets.
    pub(super) async fn asked(&self, fields: Value) -> Answer {
        let mut request = ask(MODEL, "Hi");
        for (name, value) in fields.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.router.client().chat(&request).await
    }

    /// Each request goes to that provider, or is refused as a request that nobody may
    /// serve.
    async fn goes(&self, expected: &[(Value, Option<&str>)]) {
        for (fields, provider) in expected {
            let answer = self.asked(fields.clone()).await;
            let Some(name) = provider else {
                assert_eq!(answer.status, 404, "{fields}: {}", answer.text());
                continue;
            };
            assert_eq!(answer.status, 200, "{fields}: {}", answer.text());
            let served = answer.json()["provider"].as_str().unwrap().to_lowercase();
            assert!(served.ends_with(name), "{fields}: {served}");
        }
    }
}

/// The request's provider object.
fn provider(wishes: Value) -> Value {
    json!({"provider": wishes})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_goes_by_its_slug_or_its_display_name_in_any_case() {
    let one = Offer { provider: "display_name = \"The One\"", ..PLAIN };
    let scene = Scene::start("", one, PLAIN).await;
    scene
        .goes(&[
            (provider(json!({"ignore": ["The One"]})), Some("two")),
            (provider(json!({"ignore": ["the one"]})), Some("two")),
            (provider(json!({"only": ["TWO"]})), Some("two")),
            (provider(json!({"order": ["Two", "The One"]})), Some("two")),
            (provider(json!({"only": ["The"]})), None),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_slug_names_every_variant_and_a_variant_itself() {
    let scene =
        Scene::start("", known("region = \"us-east5\""), known("variant = \"turbo\"")).await;
    scene
        .goes(&[
            (provider(json!({"only": ["one"]})), Some("one")),
            (provider(json!({"only": ["one/us-east5"]})), Some("one")),
            (provider(json!({"only": ["one/us-east4"]})), None),
            (provider(json!({"only": ["two/turbo"]})), Some("two")),
            (provider(json!({"order": ["two/turbo", "one"]})), Some("two")),
            (provider(json!({"ignore": ["one/us-east5"]})), Some("two")),
            (provider(json!({"ignore": ["one/turbo"]})), Some("one")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_service_tier_serves_those_who_ask_for_the_tier() {
    let scene = Scene::start("", known("service_tier = \"priority\""), PLAIN).await;
    scene
        .goes(&[
            (json!({}), Some("two")),
            (provider(json!({"only": ["one"]})), None),
            (provider(json!({"only": ["one/priority"]})), Some("one")),
            (provider(json!({"order": ["one/priority"]})), Some("one")),
            (json!({"service_tier": "priority"}), Some("one")),
            (json!({"service_tier": "fast"}), Some("one")),
            (json!({"service_tier": "default"}), Some("two")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_to_a_service_tier_asks_for_the_tier() {
    let scene = Scene::start("", known("service_tier = \"priority\""), PLAIN).await;
    let pinned = |pin: &str| json!({"model": format!("{MODEL}@{pin}")});
    scene
        .goes(&[
            (pinned("one/priority"), Some("one")),
            (pinned("one"), None),
            (pinned("two"), Some("two")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suffix_admits_a_tier_of_its_own_model_alone() {
    let other = "[models.\"test/other\"]\n[[models.\"test/other\".endpoints]]\n\
                 provider = \"two\"\nmodel = \"other\"";
    let both = format!("service_tier = \"priority\"\n{other}");
    let scene = Scene::start("", known(&both), PLAIN).await;
    // The cheap endpoint of the tier would come first, were it admitted.
    let models = |first: &str, second: &str| json!({"model": first, "models": [second], "provider": {"sort": "price"}});
    let nitro = format!("{MODEL}:nitro");
    scene
        .goes(&[
            (models(MODEL, "test/other:nitro"), Some("two")),
            (models(&nitro, "test/other"), Some("one")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flexible_tier_never_falls_back_and_is_not_missed_where_there_is_none() {
    let scene = Scene::start("", PLAIN, known("service_tier = \"flex\"")).await;
    scene.goes(&[(json!({"service_tier": "flex"}), Some("two")), (json!({}), Some("one"))]).await;
    scene.two.set(
        Behaviour::new()
            .fault(plugway_simulator::When::Always, plugway_simulator::Failure::status(500)),
    );
    let answer = scene.asked(json!({"service_tier": "flex"})).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let without = Scene::start("", PLAIN, PLAIN).await;
    without.goes(&[(json!({"service_tier": "flex"}), Some("one"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_counts_against_an_endpoint_where_privacy_is_asked_for() {
    let two = Offer { provider: "retains_prompts = false\ntrains_on_prompts = false", ..PLAIN };
    let scene = Scene::start("", PLAIN, two).await;
    scene
        .goes(&[
            (provider(json!({"zdr": true})), Some("two")),
            (provider(json!({"data_collection": "deny"})), Some("two")),
            (provider(json!({"zdr": false, "data_collection": "allow"})), Some("one")),
            (provider(json!({"zdr": true, "only": ["one"]})), None),
            (provider(json!({"enforce_distillable_text": true})), None),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_stays_in_the_regions_that_it_names() {
    let scene = Scene::start("", PLAIN, known("region = \"eu-west-1\"")).await;
    scene
        .goes(&[
            (provider(json!({"regions": ["eu"]})), Some("two")),
            (provider(json!({"regions": ["us", "eu-west-1"]})), Some("two")),
            (provider(json!({"regions": ["us"]})), None),
        ])
        .await;
    let answer = scene.asked(provider(json!({"region": ["eu"]}))).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantization_stands_for_its_variants() {
    let scene =
        Scene::start("", known("quantization = \"nvfp4\""), known("quantization = \"bf16\"")).await;
    scene
        .goes(&[
            (provider(json!({"quantizations": ["bf16", "fp8"]})), Some("two")),
            (provider(json!({"quantizations": ["fp4"]})), Some("one")),
            (provider(json!({"quantizations": ["mxfp4"]})), None),
            (provider(json!({"quantizations": ["unknown"]})), None),
        ])
        .await;
    let unknown = Scene::start("", PLAIN, known("quantization = \"bf16\"")).await;
    unknown.goes(&[(provider(json!({"quantizations": ["unknown"]})), Some("one"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_dearer_is_used_than_the_client_will_pay() {
    let scene = Scene::start("", PLAIN, PLAIN).await;
    scene
        .goes(&[
            (provider(json!({"max_price": {"prompt": 1}})), Some("one")),
            (provider(json!({"max_price": {"completion": "1.5"}, "order": ["two"]})), Some("one")),
            (provider(json!({"max_price": {"prompt": 0.5}})), None),
            (provider(json!({"max_price": {"image": 0, "audio": 0}})), Some("one")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_be_as_long_as_is_asked_for() {
    let scene = Scene::start("", known("max_output_tokens = 100"), PLAIN).await;
    scene
        .goes(&[
            (json!({"max_tokens": 100}), Some("one")),
            (json!({"max_tokens": 101}), Some("two")),
            (json!({"max_tokens": 101, "provider": {"only": ["one"]}}), None),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_fits_the_context_and_is_counted_where_that_decides() {
    // By its bytes the text might have anything from 450 to 1300 tokens; it has 1000.
    let text = " the".repeat(1000);
    let messages = json!([{"role": "user", "content": text}]);
    let told = |tokenizer: &str, limit: u32| {
        format!("context_length = {limit}\n[models.\"{MODEL}\"]\n{tokenizer}")
    };
    for (tokenizer, limit, provider) in [
        ("tokenizer = \"o200k\"", 980, "two"),
        ("tokenizer = \"o200k\"", 1020, "one"),
        ("tokenizer = \"cl100k\"", 980, "two"),
        ("", 980, "one"),
        ("", 300, "two"),
    ] {
        let two = told(tokenizer, 1_000_000);
        let one = format!("context_length = {limit}");
        let scene = Scene::start("", known(&one), known(&two)).await;
        scene.goes(&[(json!({"messages": messages}), Some(provider))]).await;
    }
}

fn picture() -> Value {
    let url = "data:image/png;base64,iVBORw0KGgo=";
    json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_to_who_reads_pictures_or_is_not_known_not_to() {
    let blind = known("input_modalities = [\"text\"]");
    let sees = known("input_modalities = [\"text\", \"image\"]");
    for (two, reads) in [(sees, true), (PLAIN, true), (blind, false)] {
        let scene = Scene::start("", blind, two).await;
        scene
            .goes(&[
                (json!({}), Some("one")),
                (json!({"messages": picture()}), reads.then_some("two")),
            ])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_drawn_by_who_draws() {
    let writes = known("output_modalities = [\"text\"]");
    let draws = known("output_modalities = [\"text\", \"image\"]");
    let scene = Scene::start("", writes, draws).await;
    let wanted = json!({"modalities": ["image", "text"], "max_tokens": 5});
    let answer = scene.asked(wanted.clone()).await;
    assert!(scene.one.requests().is_empty(), "{}", answer.text());
    assert_eq!(scene.two.requests().len(), 1, "{}", answer.text());
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_tools_comes_first_and_no_model_is_removed_for_lacking_them() {
    let plain = known("supported_parameters = [\"max_tokens\", \"temperature\"]");
    let able = known("supported_parameters = [\"max_tokens\", \"tools\"]");
    let scene = Scene::start("", plain, able).await;
    scene.goes(&[(json!({}), Some("one")), (json!({"tools": tools()}), Some("two"))]).await;
    scene.two.set(
        Behaviour::new()
            .fault(plugway_simulator::When::Always, plugway_simulator::Failure::status(500)),
    );
    // It may lack them in the catalogue only.
    scene.goes(&[(json!({"tools": tools()}), Some("one"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_take_every_parameter_and_lacks_one_is_left_out() {
    let plain = known("supported_parameters = [\"max_tokens\"]");
    let able = known("supported_parameters = [\"max_tokens\", \"tools\"]");
    let scene = Scene::start("", plain, able).await;
    let strict = |only: Value| json!({"tools": tools(), "provider": only});
    scene
        .goes(&[
            (strict(json!({"require_parameters": true})), Some("two")),
            (strict(json!({"require_parameters": true, "only": ["one"]})), None),
            (strict(json!({"only": ["one"]})), Some("one")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_signatures_keeps_to_who_can_read_them() {
    let two = Offer { kind: Kind::Anthropic, ..PLAIN };
    let scene = Scene::start("", PLAIN, two).await;
    scene.two.set(Behaviour::new().reasoning("Hm.").reply("Yes?"));
    let thinking = json!({
        "reasoning": {"effort": "low"},
        "max_tokens": 4000,
        "provider": {"only": ["two"]},
    });
    let thought = scene.asked(thinking).await.json()["choices"][0]["message"].clone();
    assert!(thought["reasoning_details"][0]["signature"].is_string(), "{thought}");
    let messages = json!([
        {"role": "user", "content": "Hi"},
        thought,
        {"role": "user", "content": "Go on"},
    ]);
    scene
        .goes(&[
            (json!({}), Some("one")),
            (json!({"messages": messages}), Some("two")),
            (json!({"messages": messages, "provider": {"only": ["one"]}}), Some("one")),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_lists_are_a_ceiling() {
    let private = Offer {
        provider: "retains_prompts = false\ntrains_on_prompts = false",
        endpoint: "region = \"eu\"",
        ..PLAIN
    };
    for routing in [
        "allow_providers = [\"two\"]",
        "ignore_providers = [\"one\"]",
        "regions = [\"eu\"]",
        "zdr = true",
        "data_collection = \"deny\"",
    ] {
        let scene = Scene::start(routing, PLAIN, private).await;
        scene
            .goes(&[
                (json!({}), Some("two")),
                (provider(json!({"only": ["one"]})), None),
                (provider(json!({"zdr": false, "data_collection": "allow"})), Some("two")),
                (provider(json!({"ignore": ["two"]})), None),
            ])
            .await;
    }
    for routing in ["allow_models = [\"other/*\"]", "ignore_models = [\"test/*\"]"] {
        Scene::start(routing, PLAIN, PLAIN).await.goes(&[(json!({}), None)]).await;
    }
    Scene::start("allow_models = [\"test/*\"]", PLAIN, PLAIN)
        .await
        .goes(&[(json!({}), Some("one"))])
        .await;
}
