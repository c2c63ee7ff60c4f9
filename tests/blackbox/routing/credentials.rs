//! Several credentials of one provider: which comes first, what a refusal does, and what
//! is told of them.

use super::recorded::{id, told};
use crate::setup::{ask, bare_provider, endpoint};
use plugway::route::{self, Asked, Service};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_tests::{Answer, KEYS, LogLines, Play, RawUpstream, TestRouter};
use plugway_wire::Routing;
use serde_json::{Value, json};
use std::time::Duration;

/// `test/first` at a provider `first`, which knows the router by several credentials.
struct Scene {
    router: TestRouter,
    clock: Clock,
    provider: Simulator,
}

/// In `TEST_KEY_A`, `TEST_KEY_B` and so on.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Two of equal weight, of which `b` is the team's own.
const OWN_AND_SHARED: [(&str, &str); 2] = [("a", ""), ("b", "own = true")];

impl Scene {
    /// With these credentials: name, and further keys.
    async fn start(kind: Kind, credentials: &[(&str, &str)]) -> Self {
        Self::with("", kind, credentials, "").await
    }

    /// The same, with more configuration: of `[routing]`, and behind everything.
    async fn with(routing: &str, kind: Kind, credentials: &[(&str, &str)], more: &str) -> Self {
        let provider = Simulator::start(kind, Script::new()).unwrap();
        let toml = format!("[routing]\n{routing}\n{}{more}", configured(&provider, credentials));
        let clock = Clock::stopped(Duration::from_secs(1_800_000_000));
        let router = TestRouter::start_at(&toml, clock.clone()).await;
        Self { router, clock, provider }
    }

    /// What the provider does to whom: to everybody else it replies with the name of the
    /// credential.
    fn set<const N: usize>(&self, faults: [(&str, Failure); N]) {
        let script = NAMES.iter().zip(KEYS).fold(Script::new(), |script, (name, key)| {
            let failure = faults.iter().find(|(of, _)| of == name).map(|(_, failure)| failure);
            let behaviour = Behaviour::new().reply(*name);
            let behaviour = match failure {
                Some(failure) => behaviour.fault(When::Always, failure.clone()),
                None => behaviour,
            };
            script.for_key(key, behaviour)
        });
        self.provider.set(script);
    }

    /// The credentials that the provider was shown, in order; forgotten then.
    fn shown(&self) -> Vec<&'static str> {
        let requests = self.provider.requests_with_credentials();
        self.provider.clear();
        let name = |it: &plugway_simulator::Exchange| {
            let header = it.header("authorization").or(it.header("x-api-key")).unwrap();
            let key = header.trim_start_matches("Bearer ");
            NAMES[KEYS.iter().position(|known| *known == key).unwrap()]
        };
        requests.iter().map(name).collect()
    }

    /// What a chat is answered.
    async fn content(&self, streaming: bool) -> String {
        let request = ask("test/first", "Hi");
        match streaming {
            true => self.router.client().stream(&request).await.content(),
            false => self.chat().await.content(),
        }
    }

    async fn chat(&self) -> Answer {
        self.router.client().chat(&ask("test/first", "Hi")).await
    }

    fn passes(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn metrics(&self) -> String {
        self.router.client().get("/metrics").await.text()
    }

    /// The state of each credential, as `/readyz` tells it.
    async fn states(&self) -> Vec<Value> {
        self.told("state").await
    }

    /// For how many models each is left alone.
    async fn cooling_models(&self) -> Vec<Value> {
        self.told("cooling_models").await
    }

    async fn told(&self, what: &str) -> Vec<Value> {
        let ready = self.router.client().get("/readyz").await.json();
        let credentials = ready["providers"][0]["credentials"].as_array().unwrap().clone();
        credentials.iter().map(|it| it[what].clone()).collect()
    }
}

fn configured(provider: &Simulator, credentials: &[(&str, &str)]) -> String {
    let bare = bare_provider("first", provider).replace("api_key_env = \"TEST_KEY\"\n", "");
    let credentials = credentials.iter().map(|(name, more)| {
        let variable = name.to_uppercase();
        format!(
            "[[providers.first.credentials]]\nname = \"{name}\"\napi_key_env = \"TEST_KEY_{variable}\"\n{more}\n"
        )
    });
    let credentials: String = credentials.collect();
    format!(
        "{bare}relay = [\"/files\"]\n{credentials}[models.\"test/first\"]\ncontext_length = 1000\n{}",
        endpoint("test/first", "first", 1)
    )
}

fn refusal(code: u16) -> Failure {
    Failure::Status { code, retry_after: None, message: None }
}

async fn line_of(answer: &Answer) -> Value {
    LogLines::access(answer.header("x-generation-id").unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_shared_out_by_weight() {
    let it = Scene::start(Kind::OpenAi, &[("a", ""), ("b", "weight = 3")]).await;
    for _ in 0..200 {
        assert_eq!(it.chat().await.status, 200);
    }
    let of_a = it.shown().iter().filter(|name| **name == "a").count();
    // A quarter, within five standard deviations: each request draws its own seed.
    assert!((20..=80).contains(&of_a), "{of_a} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teams_own_account_comes_first_and_costs_its_client_nothing() {
    let it = Scene::start(Kind::OpenAi, &[("a", "weight = 1000"), ("b", "own = true")]).await;
    it.set([]);
    for _ in 0..20 {
        assert_eq!(it.chat().await.content(), "b");
    }
    let told = |usage: &Value| {
        let details = &usage["cost_details"];
        let upstream = details["upstream_inference_cost"].as_f64().unwrap();
        (usage["is_byok"].as_bool().unwrap(), usage["cost"].as_f64().unwrap(), upstream > 0.0)
    };
    let answer = it.chat().await;
    assert_eq!(told(&answer.json()["usage"]), (true, 0.0, true));
    let line = line_of(&answer).await;
    assert_eq!((&line["credential"], &line["cost_picodollars"]), (&json!("b"), &json!(0)));
    let streamed = it.router.client().stream(&ask("test/first", "Hi")).await;
    assert_eq!(told(&streamed.chunks.last().unwrap()["usage"]), (true, 0.0, true));

    // A shared one is paid by who asks.
    it.set([("b", refusal(429))]);
    let answer = it.chat().await;
    let (is_byok, cost, has_upstream) = told(&answer.json()["usage"]);
    assert!(!is_byok && cost > 0.0 && has_upstream, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_are_told_whether_an_own_account_is_next() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    it.set([("b", refusal(401))]);
    let routing = Routing { models: vec!["test/first".into()], ..Routing::default() };
    let is_own_next = || {
        let router = &it.router.router;
        let asked = Asked::beside(Service::Chat, &routing, 100, 0);
        route::decide(router, &router.settings(), &asked).unwrap().candidates[0].own_key
    };
    assert!(is_own_next());
    it.chat().await;
    assert!(!is_own_next(), "it cools down");
    it.passes(1);
    assert!(is_own_next());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_cools_down_and_another_serves_at_once() {
    for kind in [Kind::OpenAi, Kind::Anthropic] {
        let it = Scene::start(kind, &OWN_AND_SHARED).await;
        for (code, outcome) in [
            (401, "provider_authentication"),
            (402, "payment_required"),
            (403, "permission_denied"),
            (429, "rate_limit_exceeded"),
        ] {
            for streaming in [false, true] {
                it.set([("b", refusal(code))]);
                assert_eq!(it.content(streaming).await, "a", "{kind:?} {code}");
                assert_eq!(it.shown(), ["b", "a"], "{kind:?} {code}");
                let answer = it.chat().await;
                assert_eq!(answer.content(), "a");
                assert_eq!(line_of(&answer).await["credential"], "a");
                assert_eq!(it.shown(), ["a"], "{kind:?} {code}: it was not left alone");
                // A second later it is tried again.
                it.passes(1);
                let answer = it.chat().await;
                let line = line_of(&answer).await;
                let attempts = line["attempts"].as_str().unwrap();
                let [first, second] = attempts.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("{attempts}")
                };
                assert!(first.starts_with(&format!("first/sim(b):{outcome}:")), "{attempts}");
                assert!(second.starts_with("first/sim(a):ok:"), "{attempts}");
                // Then after two.
                it.set([]);
                it.passes(1);
                assert_eq!(it.content(streaming).await, "a", "{kind:?} {code}");
                it.passes(1);
                assert_eq!(it.content(streaming).await, "b", "{kind:?} {code}");
                it.provider.clear();
            }
        }
        let metrics = it.metrics().await;
        for line in [
            "plugway_credential_cooldowns_total{provider=\"first\",credential=\"b\"} 16",
            "plugway_credential_attempts_total{provider=\"first\",credential=\"b\",outcome=\"payment_required\"} 4",
        ] {
            assert!(metrics.lines().any(|it| it == line), "{line} is not in\n{metrics}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_wish_for_a_pause_is_kept_for_the_credential_alone() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    it.set([("b", Failure::rate_limited(40))]);
    assert_eq!(it.content(false).await, "a");
    it.set([]);
    it.passes(39);
    assert_eq!(it.content(true).await, "a");
    // For the model that was asked for.
    assert_eq!(it.states().await, ["present", "present"]);
    assert_eq!(it.cooling_models().await, [0, 1]);
    it.passes(1);
    assert_eq!(it.content(false).await, "b");
    assert_eq!(it.cooling_models().await, [0, 0]);
    assert!(!it.metrics().await.contains("plugway_cooldowns_total{endpoint=\"first/sim\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_the_models_and_a_rejection_the_credentials() {
    const OTHER: &str = "[models.\"test/other\"]\ncontext_length = 1000\n\
        [[models.\"test/other\".endpoints]]\nprovider = \"first\"\nmodel = \"other\"\n\
        price = { prompt = 1.0, completion = 10.0 }\n";
    for (code, is_of_model) in [(429, true), (403, true), (401, false), (402, false)] {
        let it = Scene::with("", Kind::OpenAi, &OWN_AND_SHARED, OTHER).await;
        it.set([("b", refusal(code))]);
        assert_eq!(it.content(false).await, "a", "{code}");
        it.set([]);
        assert_eq!(it.content(false).await, "a", "{code}: it was not left alone");
        let served = it.router.client().chat(&ask("test/other", "Hi")).await.content();
        assert_eq!(served, if is_of_model { "b" } else { "a" }, "{code}");
        let (of_model, whole) = match is_of_model {
            true => (1, "present"),
            false => (0, "cooling"),
        };
        assert_eq!(it.cooling_models().await, [0, of_model], "{code}");
        assert_eq!(it.states().await, ["present", whole], "{code}");
        it.passes(1);
        assert_eq!(it.content(false).await, "b", "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_counting_prompts_is_none_of_chats() {
    let it = Scene::start(Kind::Anthropic, &OWN_AND_SHARED).await;
    it.set([("a", refusal(429)), ("b", refusal(429))]);
    let messages = json!([{"role": "user", "content": "How many words are in this?"}]);
    let body = json!({"model": "test/first", "messages": messages}).to_string();
    let client = it.router.client();
    let count = client.request(http::Method::POST, "/v1/messages/count_tokens", body);
    let counted = client.read(count).await;
    assert_ne!(counted.status, 200, "{}", counted.text());
    assert_eq!(it.shown().len(), 2);
    it.set([]);
    assert_eq!(it.content(false).await, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_next_model_may_use_the_credential_that_was_limited_for_the_first() {
    let other = "[models.\"test/other\"]\ncontext_length = 1000\n\
        [[models.\"test/other\".endpoints]]\nprovider = \"first\"\nmodel = \"other\"\n";
    let it = Scene::with("", Kind::OpenAi, &OWN_AND_SHARED, other).await;
    let limited = Behaviour::new().fault(When::Always, refusal(429));
    let script = || Script::new().model("sim", limited.clone()).model("other", Behaviour::new());
    it.provider.set(script());
    let mut request = ask("test/first", "Hi");
    request["models"] = json!(["test/other"]);
    let answer = it.router.client().chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["model"], "test/other");
    // The team's own account comes first again.
    assert_eq!(it.shown(), ["b", "a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_refused_together_do_not_cool_down_equally_long() {
    let all = [("a", ""), ("b", ""), ("c", ""), ("d", "")];
    let it = Scene::start(Kind::OpenAi, &all).await;
    it.set(NAMES.map(|name| (name, refusal(401))));
    assert_eq!(it.chat().await.status, 502);
    let mut rests: Vec<u64> =
        it.told("cooling_ms").await.iter().map(|rest| rest.as_u64().unwrap()).collect();
    assert!(rests.iter().all(|rest| (500..=1000).contains(rest)), "{rests:?}");
    rests.sort_unstable();
    rests.dedup();
    assert!(rests.len() > 1, "{rests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_credentials_cool_down_the_endpoint_is_left_out() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    it.set([("a", Failure::rate_limited(40)), ("b", Failure::rate_limited(20))]);
    let answer = it.chat().await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("20"), "the first of them to recover");
    assert_eq!(it.shown(), ["b", "a"]);
    for streaming in [false, true] {
        let mut request = ask("test/first", "Hi");
        request["stream"] = json!(streaming);
        let answer = it.router.client().chat(&request).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("20"));
        let endpoints = answer.json()["error"]["metadata"]["endpoints"].clone();
        let reason = endpoints[0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("credentials") && reason.contains("20 more seconds"), "{reason}");
    }
    assert!(it.shown().is_empty(), "it was tried all the same");
    it.set([]);
    it.passes(20);
    assert_eq!(it.content(false).await, "b");
    it.passes(20);
    it.set([("b", refusal(402))]);
    assert_eq!(it.content(false).await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_failure_is_the_endpoints_only_when_no_other_is_left() {
    let it = Scene::with("breaker_failures = 1", Kind::OpenAi, &OWN_AND_SHARED, "").await;
    const TRIPS: &str = "plugway_breaker_trips_total{endpoint=\"first/sim\"}";
    for _ in 0..3 {
        it.set([("b", refusal(401))]);
        assert_eq!(it.content(false).await, "a");
        it.passes(60);
    }
    assert!(!it.metrics().await.contains(TRIPS));
    it.set([("a", refusal(401)), ("b", refusal(401))]);
    assert_eq!(it.chat().await.status, 502);
    assert!(it.metrics().await.contains(&format!("{TRIPS} 1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_failures_say_nothing_of_the_credential() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    for code in [400, 404, 500, 503] {
        it.set([("b", refusal(code))]);
        assert_ne!(it.chat().await.status, 200, "{code}");
        assert_eq!(it.shown(), ["b"], "{code}");
        assert_eq!(it.states().await, ["present", "present"], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_tries_no_more_credentials_than_it_may_make_attempts() {
    let all = [("a", ""), ("b", ""), ("c", ""), ("d", "")];
    let bounds = "strategies = [\"price\"]\nmax_attempts = 3";
    let it = Scene::with(bounds, Kind::OpenAi, &all, "").await;
    it.set(NAMES.map(|name| (name, refusal(429))));
    assert_eq!(it.chat().await.status, 429);
    assert_eq!(it.shown().len(), 3);
    // Another endpoint of the plan keeps its turn.
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let more =
        format!("{}{}", endpoint("test/first", "second", 2), bare_provider("second", &second));
    let it = Scene::with(bounds, Kind::OpenAi, &all, &more).await;
    it.set(NAMES.map(|name| (name, refusal(429))));
    assert_eq!(it.content(false).await, "second");
    assert_eq!(it.shown().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_adapters_offer_beside_chats_uses_them_too() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    let client = it.router.client();
    let embed = || async {
        let body = json!({"model": "test/first", "input": ["one", "two"]}).to_string();
        let answer = client.read(client.request(http::Method::POST, "/v1/embeddings", body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let usage = embed().await.json()["usage"].clone();
    assert_eq!((&usage["is_byok"], usage["cost"].as_f64()), (&json!(true), Some(0.0)));
    it.set([("b", refusal(403))]);
    it.provider.clear();
    let answer = embed().await;
    assert_eq!(answer.json()["usage"]["is_byok"], false);
    assert_eq!(line_of(&answer).await["credential"], "a");
    assert_eq!(it.shown(), ["b", "a"]);
    embed().await;
    assert_eq!(it.shown(), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_of_the_provider_is_told_in_answers_or_errors() {
    let all = [("a", ""), ("b", ""), ("c", ""), ("d", "own = true")];
    let it = Scene::start(Kind::OpenAi, &all).await;
    let quoting = format!("bad key: {}", KEYS.join(", "));
    for code in [400, 401, 403, 429, 500] {
        let message = Some(quoting.clone());
        let failure = Failure::Status { code, retry_after: None, message };
        it.set(NAMES.map(|name| (name, failure.clone())));
        for streaming in [false, true] {
            let mut request = ask("test/first", "Hi");
            request["stream"] = json!(streaming);
            let answer = it.router.client().chat(&request).await;
            let told = answer.text();
            // One begins with another: nothing of its rest is left.
            assert!(!told.contains("sk-test") && !told.contains("dddd"), "{told}");
            it.passes(60);
        }
    }
    let log = LogLines::text();
    assert!(KEYS.iter().all(|key| !log.contains(key)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_missing_is_passed_over_and_shown() {
    let it = Scene::start(Kind::OpenAi, &[("x", "own = true"), ("a", "")]).await;
    it.set([]);
    for streaming in [false, true] {
        assert_eq!(it.content(streaming).await, "a");
    }
    assert_eq!(it.states().await, ["missing", "present"]);
    let warnings = it.router.router.settings().config.warnings.to_string();
    let expected = "warning: providers.first.credentials.api_key_env: `TEST_KEY_X` is not set; set it, or remove the credential";
    assert!(warnings.ends_with(expected), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_changes_the_secret_forgets_its_refusals() {
    let it = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    it.set([("b", Failure::rate_limited(60))]);
    assert_eq!(it.content(false).await, "a");
    let reload = |toml: String| async {
        std::fs::write(it.router.config_file(), toml).unwrap();
        let router = it.router.router.clone();
        tokio::task::spawn_blocking(move || router.reload()).await.unwrap();
    };
    let same = configured(&it.provider, &[("a", ""), ("b", "own = true\nweight = 2")]);
    reload(same.clone()).await;
    assert_eq!(it.content(false).await, "a", "the same secret");
    reload(same.replace("TEST_KEY_B", "TEST_KEY_C")).await;
    assert_eq!(it.content(false).await, "c");
    // What was gone for a while begins anew.
    reload(same).await;
    it.set([]);
    assert_eq!(it.content(false).await, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_relayed_keeps_to_one_account() {
    let it = Scene::start(Kind::OpenAi, &[("a", ""), ("b", ""), ("c", "own = true")]).await;
    let relayed = || async { it.router.client().get("/v1/providers/first/files").await };
    for _ in 0..5 {
        relayed().await;
    }
    assert_eq!(it.shown(), ["c"; 5]);
    it.set([("c", refusal(402)), ("a", refusal(402)), ("b", refusal(402))]);
    assert_eq!(it.chat().await.status, 402);
    it.provider.clear();
    assert_eq!(relayed().await.status, 503, "all of them cool down");
    assert!(it.shown().is_empty());
    it.passes(60);
    relayed().await;
    assert_eq!(it.shown(), ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_of_a_token_endpoint_has_tokens_of_its_own() {
    let (provider, tokens) = (RawUpstream::start().await, RawUpstream::start().await);
    let credential = |name: &str, variable: &str| {
        format!(
            "[[providers.raw.credentials]]\nname = \"{name}\"\ncredential = {{ client_id_env = \"TEST_ID\", \
             client_secret_env = \"{variable}\", token_url = \"{}/{name}\" }}\n",
            tokens.base_url()
        )
    };
    let toml = format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"{}\"\nauth = {{ oauth = \"scope\" }}\n{}{}",
        provider.base_url(),
        credential("one", "TEST_KEY_A"),
        credential("two", "TEST_KEY_B"),
    );
    let router = TestRouter::start(&toml).await;
    let body = json!({"access_token": "a-token-very-secret", "expires_in": 3600}).to_string();
    let length = body.len();
    tokens.play([Play::write(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ))]);
    provider.play([Play::write("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")]);
    assert_eq!(router.client().chat(&ask("raw/model", "Hi")).await.status, 502);
    let asked = tokens.requests();
    let of = |path: &str| asked.iter().filter(|it| it.contains(path)).count();
    assert_eq!((of("/one HTTP"), of("/two HTTP")), (1, 1), "{asked:?}");
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_tells_whose_account_paid_for_it() {
    let scene = Scene::start(Kind::OpenAi, &OWN_AND_SHARED).await;
    scene.set([]);
    let answer = scene.chat().await;
    let data = told(&scene.router, id(&answer)).await;
    assert_eq!(data["is_byok"], true, "{data}");
    assert_eq!(data["provider_responses"][0]["is_byok"], true, "{data}");
    // The own one is refused, and a shared one serves.
    scene.set([("b", Failure::status(401))]);
    let answer = scene.chat().await;
    assert_eq!(answer.content(), "a", "{}", answer.text());
    let data = told(&scene.router, id(&answer)).await;
    assert_eq!(data["is_byok"], false, "{data}");
    let each = data["provider_responses"].as_array().unwrap();
    let each: Vec<_> = each.iter().map(|it| it["is_byok"].as_bool().unwrap()).collect();
    assert_eq!(each, [true, false], "{data}");
}
