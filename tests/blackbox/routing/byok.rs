//! Clients' own provider keys: which comes when, who may use it, what a refusal does and to
//! whom, who pays, and that nothing shows one.

use crate::setup::{ask, bare_provider, endpoint};
use http::{HeaderMap, HeaderValue, Method};
use plugway::account::issue::NewKey;
use plugway_accounts::{Keyring, MasterKey};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_store::ledger::Row;
use plugway_store::{ByokRow, Change, DEFAULT_WORKSPACE, Sealed, WorkspaceRow};
use plugway_tests::{Answer, KEY, KEYS, LogLines, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// What the router itself calls the provider with, and what clients bring. One begins with
/// another.
const SECRETS: [(&str, &str); 6] = [
    ("shared", KEY),
    ("another", KEYS[3]),
    ("one", "sk-brought-11111111"),
    ("two", "sk-brought-22222222"),
    ("three", "sk-brought-33333333"),
    ("four", "sk-brought-11111111-4444"),
];

const MASTER: &str = "6f1d0b7c42a99e835d10f4cbe7a2386157c9ad04be8f723016dd95e84b0c2fa7";
const OTHER_MASTER: &str = "b51f0a2c9d7e83461f20c5ab97d3e8640f1a2b3c4d5e6f708192a3b4c5d6e7f8";

/// `test/first` at a provider `first`. Two workspaces have a key of the router each: ours,
/// which is the default one, and `theirs`.
struct Scene {
    router: TestRouter,
    clock: Clock,
    provider: Simulator,
    ours: Client,
    theirs: Client,
    home: TempDir,
}

/// A key of the router.
struct Client {
    secret: String,
    hash: String,
}

impl Scene {
    /// The router has one credential of its own.
    async fn start() -> Self {
        Self::with("api_key_env = \"TEST_KEY\"").await
    }

    /// With this as the provider's credential.
    async fn with(credential: &str) -> Self {
        Self::behind(credential, "").await
    }

    /// The same, with tables of its own behind.
    async fn behind(credential: &str, tables: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let master = home.path().join("master");
        std::fs::write(&master, MASTER).unwrap();
        let provider = Simulator::start(Kind::OpenAi, Script::new()).unwrap();
        let bare = bare_provider("first", &provider).replace("api_key_env = \"TEST_KEY\"\n", "");
        let toml = format!(
            "[secrets]\nmaster_key_file = {master:?}\n{bare}{credential}\nrelay = [\"/files\"]\n{tables}\
             [models.\"test/first\"]\ncontext_length = 1000\n{}",
            endpoint("test/first", "first", 1)
        );
        let clock = Clock::stopped(Duration::from_secs(1_800_000_000));
        let router = TestRouter::start_at(&toml, clock.clone()).await;
        let workspace = WorkspaceRow {
            id: "w-theirs".to_owned(),
            slug: "theirs".to_owned(),
            name: "Theirs".to_owned(),
            created_ms: 0,
            updated_ms: 0,
            settings: "{}".to_owned(),
            budgets: Vec::new(),
        };
        assert_eq!(router.router.store.create_workspace(&workspace).await.unwrap(), Change::Done);
        let ours = client(&router, DEFAULT_WORKSPACE, None).await;
        let theirs = client(&router, "w-theirs", None).await;
        let it = Self { router, clock, provider, ours, theirs, home };
        it.set([]);
        it
    }

    /// Brings the key of this name for the default workspace, behind those that are there.
    async fn bring(&self, name: &str, edit: impl FnOnce(&mut ByokRow)) {
        let accounts = self.router.router.accounts.brought();
        let ring = Keyring::new(MasterKey::read(MASTER).unwrap(), Vec::new());
        let mut row = ByokRow {
            id: name.to_owned(),
            workspace: Some(DEFAULT_WORKSPACE.to_owned()),
            provider: "first".to_owned(),
            name: String::new(),
            position: accounts.all().len().try_into().unwrap(),
            is_fallback: false,
            disabled: false,
            created_ms: 0,
            updated_ms: 0,
            sealed: ring.seal(name, secret(name)).unwrap(),
            key_id: ring.key_id(),
            label: String::new(),
            settings: "{}".to_owned(),
        };
        edit(&mut row);
        assert_eq!(self.router.router.store.create_byok(&row).await.unwrap(), Change::Done);
        self.router.router.accounts.refresh().await.unwrap();
    }

    /// What the provider does to whom: to everybody else it replies with the name of the
    /// key.
    fn set<const N: usize>(&self, faults: [(&str, Failure); N]) {
        let script = SECRETS.iter().fold(Script::new(), |script, (name, key)| {
            let failure = faults.iter().find(|(of, _)| of == name).map(|(_, failure)| failure);
            let behaviour = Behaviour::new().reply(*name);
            let behaviour = match failure {
                Some(failure) => behaviour.fault(When::Always, failure.clone()),
                None => behaviour,
            };
            script.for_key(*key, behaviour)
        });
        self.provider.set(script);
    }

    /// The keys that the provider was shown, in order; forgotten then.
    fn shown(&self) -> Vec<&'static str> {
        let requests = self.provider.requests_with_credentials();
        self.provider.clear();
        let name = |it: &plugway_simulator::Exchange| {
            let key = it.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
            SECRETS.iter().find(|(_, known)| *known == key).unwrap().0
        };
        requests.iter().map(name).collect()
    }

    async fn chat(&self, of: &Client) -> Answer {
        self.send(of, &ask("test/first", "Hi")).await
    }

    async fn send(&self, of: &Client, body: &Value) -> Answer {
        self.call(of, Method::POST, "/v1/chat/completions", body.to_string()).await
    }

    async fn call(&self, of: &Client, method: Method, path: &str, body: String) -> Answer {
        let client = self.router.client();
        let mut request = client.request(method, path, body);
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(format!("Bearer {}", of.secret)).unwrap();
        headers.insert("authorization", value);
        request.headers_mut().extend(headers);
        client.read(request).await
    }

    /// Which key served a request of this client's.
    async fn served(&self, of: &Client) -> String {
        self.chat(of).await.content()
    }

    async fn row(&self, answer: &Answer) -> Row {
        let id = answer.header("x-generation-id").unwrap();
        self.router.router.store.generation(id).await.unwrap().unwrap()
    }

    async fn ready(&self) -> Value {
        self.router.client().get("/readyz").await.json()
    }

    fn passes(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn client(router: &TestRouter, workspace: &str, limit: Option<u128>) -> Client {
    let new = NewKey { workspace: workspace.to_owned(), limit, ..NewKey::default() };
    let (row, secret) = new.issue(1).unwrap();
    assert_eq!(router.router.store.create_key(&row).await.unwrap(), Change::Done);
    router.router.accounts.refresh().await.unwrap();
    Client { secret: secret.expose().to_owned(), hash: row.hash }
}

fn secret(name: &str) -> &'static str {
    SECRETS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn refusal(code: u16) -> Failure {
    Failure::Status { code, retry_after: None, message: None }
}

fn theirs(row: &mut ByokRow) {
    row.workspace = Some("w-theirs".to_owned());
}

fn fallback(row: &mut ByokRow) {
    row.is_fallback = true;
}

fn settings(settings: Value) -> impl FnOnce(&mut ByokRow) {
    move |row| row.settings = settings.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn brought_keys_come_first_in_their_order_and_fallback_keys_after_the_routers_own() {
    let it = Scene::start().await;
    it.bring("three", fallback).await;
    it.bring("two", |row| row.position = 7).await;
    it.bring("one", |row| row.position = 3).await;
    assert_eq!(it.served(&it.ours).await, "one");
    it.provider.clear();
    it.set([("one", refusal(401)), ("two", refusal(402)), ("shared", refusal(429))]);
    assert_eq!(it.served(&it.ours).await, "three");
    assert_eq!(it.shown(), ["one", "two", "shared", "three"]);
    // What was refused is left alone for a while.
    it.set([]);
    assert_eq!(it.served(&it.ours).await, "shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_credentials_of_the_router_stand_between_brought_keys_and_fallback_keys() {
    let one = |name, variable| {
        format!(
            "[[providers.first.credentials]]\nname = \"{name}\"\napi_key_env = \"{variable}\"\n"
        )
    };
    let it = Scene::behind("", &(one("x", "TEST_KEY") + &one("y", "TEST_KEY_D"))).await;
    it.bring("two", fallback).await;
    it.bring("one", |_| {}).await;
    let refuses = refusal(403);
    it.set([("one", refuses.clone()), ("shared", refuses.clone()), ("another", refuses)]);
    assert_eq!(it.served(&it.ours).await, "two");
    let mut shown = it.shown();
    shown[1..3].sort_unstable();
    assert_eq!(shown, ["one", "another", "shared", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspaces_keys_serve_it_alone_and_those_of_no_workspace_serve_all() {
    let it = Scene::start().await;
    it.bring("one", theirs).await;
    assert_eq!(it.served(&it.theirs).await, "one");
    assert_eq!(it.served(&it.ours).await, "shared");
    // Those of all come after the workspace's own, wherever they stand.
    it.bring("two", |row| (row.workspace, row.position) = (None, -5)).await;
    assert_eq!(it.served(&it.theirs).await, "one");
    assert_eq!(it.served(&it.ours).await, "two");
    it.set([("one", refusal(401))]);
    it.provider.clear();
    assert_eq!(it.served(&it.theirs).await, "two");
    assert_eq!(it.shown(), ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_for_what_it_may_be_used_for() {
    for (restriction, is_used) in [
        (json!({"allowed_models": ["test/first"]}), true),
        (json!({"allowed_models": ["other/*", "test/*"]}), true),
        (json!({"allowed_models": ["test/second"]}), false),
        (json!({"allowed_api_key_hashes": ["OURS"]}), true),
        (json!({"allowed_api_key_hashes": ["0".repeat(64)]}), false),
        (json!({"allowed_user_ids": ["ann"]}), true),
        (json!({"allowed_user_ids": ["bob"]}), false),
        (json!({"from_a_later_version": true}), false),
    ] {
        let it = Scene::start().await;
        let text = restriction.to_string().replace("OURS", &it.ours.hash);
        it.bring("one", settings(serde_json::from_str(&text).unwrap())).await;
        let mut body = ask("test/first", "Hi");
        body["user"] = json!("ann");
        let expected = if is_used { "one" } else { "shared" };
        assert_eq!(it.send(&it.ours, &body).await.content(), expected, "{restriction}");
    }
    let it = Scene::start().await;
    it.bring("one", |row| row.disabled = true).await;
    assert_eq!(it.served(&it.ours).await, "shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_always_used_is_never_replaced_by_the_routers_own() {
    let it = Scene::start().await;
    it.bring("one", settings(json!({"always_use": true}))).await;
    it.set([("one", refusal(401))]);
    assert_eq!(it.chat(&it.ours).await.status, 502);
    assert_eq!(it.shown(), ["one"]);
    let again = it.chat(&it.ours).await;
    assert_eq!(again.status, 503, "{}", again.text());
    assert!(it.shown().is_empty(), "it was not left alone");
    assert_eq!(it.served(&it.theirs).await, "shared");
    // Nor where it cannot be opened.
    let it = Scene::start().await;
    it.bring("one", |row| {
        let ring = Keyring::new(MasterKey::read(OTHER_MASTER).unwrap(), Vec::new());
        row.sealed = ring.seal("one", secret("one")).unwrap();
        row.settings = json!({"always_use": true}).to_string();
    })
    .await;
    let answer = it.chat(&it.ours).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("always uses"), "{}", answer.text());
    assert!(it.shown().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_credential_serves_whoever_brings_a_key() {
    let it = Scene::with("byok_only = true").await;
    let answer = it.chat(&it.ours).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("clients' own keys alone"), "{}", answer.text());
    it.bring("one", |_| {}).await;
    assert_eq!(it.served(&it.ours).await, "one");
    assert_eq!(it.chat(&it.theirs).await.status, 503);
    assert_eq!(it.shown(), ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_cools_down_alone() {
    let it = Scene::start().await;
    it.bring("one", |_| {}).await;
    it.bring("two", theirs).await;
    it.set([("one", Failure::rate_limited(40))]);
    assert_eq!(it.served(&it.ours).await, "shared");
    it.set([]);
    it.provider.clear();
    it.passes(39);
    assert_eq!(it.served(&it.ours).await, "shared");
    assert_eq!(it.served(&it.theirs).await, "two");
    assert_eq!(it.shown(), ["shared", "two"]);
    it.passes(1);
    assert_eq!(it.served(&it.ours).await, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_is_nobody_elses_trouble() {
    for code in [401, 402, 403, 404, 429] {
        let it = Scene::with("byok_only = true").await;
        it.bring("one", |_| {}).await;
        it.bring("two", theirs).await;
        it.set([("one", refusal(code))]);
        for _ in 0..20 {
            assert_ne!(it.chat(&it.ours).await.status, 200);
            // Beyond its pause, so that the provider is asked each time.
            it.passes(600);
        }
        assert!(it.shown().len() >= 20, "{code}");
        let states: Vec<_> = it
            .router
            .client()
            .get("/metrics")
            .await
            .text()
            .lines()
            .filter(|line| line.starts_with("plugway_breakers_open{") && !line.ends_with(" 0"))
            .map(str::to_owned)
            .collect();
        assert!(states.is_empty(), "{code}: {states:?}");
        assert_eq!(it.served(&it.theirs).await, "two", "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_routers_own_account_keep_nobody_from_a_key_of_their_own() {
    let it = Scene::start().await;
    it.bring("one", |_| {}).await;
    it.set([("shared", Failure::rate_limited(60))]);
    assert_eq!(it.chat(&it.theirs).await.status, 429);
    assert_eq!(it.chat(&it.theirs).await.status, 503);
    assert_eq!(it.shown(), ["shared"]);
    assert_eq!(it.served(&it.ours).await, "one");
    // And where that fails too, the pause of the router's own account is kept.
    it.set([("one", refusal(401))]);
    it.provider.clear();
    assert_ne!(it.chat(&it.ours).await.status, 200);
    assert_eq!(it.shown(), ["one"]);
    it.passes(60);
    it.set([]);
    assert_eq!(it.served(&it.theirs).await, "shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoints_own_failure_is_everybodys() {
    let it = Scene::with("byok_only = true").await;
    it.bring("one", |_| {}).await;
    it.bring("two", theirs).await;
    let pause = Failure::Status { code: 503, retry_after: Some(30), message: None };
    it.set([("one", pause)]);
    assert_ne!(it.chat(&it.ours).await.status, 200);
    assert_eq!(it.chat(&it.theirs).await.status, 503);
    assert_eq!(it.shown(), ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_brought_key_serves_costs_its_client_nothing_and_the_rest_is_billed() {
    let it = Scene::start().await;
    it.bring("one", |_| {}).await;
    let answer = it.chat(&it.ours).await;
    let usage = &answer.json()["usage"];
    assert_eq!((&usage["is_byok"], usage["cost"].as_f64()), (&json!(true), Some(0.0)));
    assert!(usage["cost_details"]["upstream_inference_cost"].as_f64().unwrap() > 0.0);
    let row = it.row(&answer).await;
    assert_eq!((row.is_byok, row.cost, &*row.credential), (true, Some(0), "byok:one"));
    assert!(row.upstream_cost > Some(0));
    // It is refused, and what serves is not the client's.
    it.set([("one", refusal(401))]);
    let answer = it.chat(&it.ours).await;
    let usage = &answer.json()["usage"];
    assert_eq!(usage["is_byok"], false);
    assert!(usage["cost"].as_f64().unwrap() > 0.0);
    let row = it.row(&answer).await;
    assert!(!row.is_byok && row.cost > Some(0) && row.credential == "default", "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_cost_is_charged_to_whoever_owns_its_key_whoever_serves() {
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let tables = bare_provider("second", &second) + &endpoint("test/first", "second", 1);
    let it = Scene::behind("api_key_env = \"TEST_KEY\"", &tables).await;
    it.bring("one", |_| {}).await;
    let mut body = ask("test/first", "Hi");
    // What says nothing costs all the same.
    it.set([("one", Failure::Empty)]);
    body["provider"] = json!({"order": ["first", "second"]});
    let answer = it.send(&it.ours, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let row = it.row(&answer).await;
    assert_eq!((&*row.provider, row.is_byok), ("second", false), "{row:?}");
    let byok = row.byok_cost.unwrap();
    assert!(byok > 0 && row.upstream_cost == row.cost.map(|cost| cost + byok), "{row:?}");
    // And the other way round.
    it.set([]);
    second.set(Behaviour::new().fault(When::Always, Failure::Empty));
    body["provider"] = json!({"order": ["second", "first"]});
    let answer = it.send(&it.ours, &body).await;
    let row = it.row(&answer).await;
    assert_eq!((&*row.provider, row.is_byok, row.cost), ("first", true, Some(0)), "{row:?}");
    assert!(row.byok_cost > Some(0) && row.upstream_cost > row.byok_cost, "{row:?}");
    let accounts = it.router.router.accounts.now();
    let budget = &accounts.key(&it.ours.hash).unwrap().budget;
    let day = plugway_accounts::day_of(it.router.router.clock.unix_ms());
    assert_eq!(budget.usage(day).byok.lifetime, u128::from(byok + row.byok_cost.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_not_held_against_what_others_pay() {
    let it = Scene::start().await;
    let poor = client(&it.router, DEFAULT_WORKSPACE, Some(1)).await;
    assert_eq!(it.chat(&poor).await.status, 403);
    // The router's own credential may have to serve.
    it.bring("one", |_| {}).await;
    assert_eq!(it.chat(&poor).await.status, 403);
    it.bring("two", settings(json!({"always_use": true}))).await;
    assert_eq!(it.served(&poor).await, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_a_brought_key() {
    let it = Scene::start().await;
    it.bring("one", settings(json!({"always_use": true}))).await;
    let quoted = |code| Failure::Status {
        code,
        retry_after: None,
        message: Some(format!("no such key: {}", secret("one"))),
    };
    for code in [400, 401, 500] {
        it.set([("one", quoted(code))]);
        let answer = it.chat(&it.ours).await;
        assert!(answer.status != 200 && !answer.text().contains(secret("one")), "{code}");
        it.passes(600);
    }
    let script = Script::new();
    let quoting = Behaviour::new().reply(format!("your key is {}", secret("one")));
    it.provider.set(script.for_key(secret("one"), quoting));
    let answer = it.chat(&it.ours).await;
    assert!(answer.content().starts_with("your key is ***"), "{}", answer.content());
    let row = it.row(&answer).await;
    let told = format!("{row:?}{}", it.router.router.accounts.brought().all().len());
    let metrics = it.router.client().get("/metrics").await.text();
    for text in [&told, &it.ready().await.to_string(), &metrics, &LogLines::text()] {
        assert!(!text.contains(secret("one")), "{text}");
    }
    // Nor is there a series for each of them.
    let series =
        "plugway_credential_attempts_total{provider=\"first\",credential=\"byok\",outcome=\"ok\"}";
    assert!(metrics.contains(series) && !metrics.contains("byok:"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_left_out_and_told() {
    let it = Scene::start().await;
    it.bring("one", |row| row.sealed.truncate(20)).await;
    it.bring("two", |row| {
        let ring = Keyring::new(MasterKey::read(OTHER_MASTER).unwrap(), Vec::new());
        row.sealed = ring.seal("two", secret("two")).unwrap();
    })
    .await;
    assert_eq!(it.served(&it.ours).await, "shared");
    let told = it.ready().await["byok"].clone();
    assert_eq!(told["keys"], 2);
    let reasons: Vec<_> = told["unusable"].as_object().unwrap().values().collect();
    assert_eq!(reasons, [1, 1], "{told}");
    LogLines::wait(|line| {
        line["message"] == "clients' own provider keys cannot be opened" && line["first"] == "two"
    })
    .await;
    it.bring("three", |_| {}).await;
    assert_eq!(it.served(&it.ours).await, "three");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_sealed_anew_go_on_and_what_is_remembered_of_them_holds() {
    let it = Scene::start().await;
    it.bring("one", |_| {}).await;
    it.bring("two", |_| {}).await;
    it.set([("one", Failure::rate_limited(40))]);
    assert_eq!(it.served(&it.ours).await, "two");
    it.set([]);
    std::fs::write(it.home.path().join("master"), OTHER_MASTER).unwrap();
    let before = MasterKey::read(MASTER).unwrap();
    let ring = Keyring::new(MasterKey::read(OTHER_MASTER).unwrap(), vec![before]);
    let reseal = |row: &ByokRow| {
        let sealed = ring.reseal(&row.id, &row.sealed)?;
        let key_id = ring.key_id();
        Ok::<_, plugway_accounts::seal::ResealError>(sealed.map(|sealed| Sealed { sealed, key_id }))
    };
    let resealed = it.router.router.store.reseal_byok(2, reseal).await.unwrap().unwrap();
    assert_eq!(resealed, 2);
    it.router.router.accounts.refresh().await.unwrap();
    assert_eq!(it.served(&it.ours).await, "two", "its pause is forgotten");
    it.passes(40);
    assert_eq!(it.served(&it.ours).await, "one");
    assert_eq!(it.ready().await["byok"]["unusable"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_relayed_goes_with_the_callers_own_key() {
    let it = Scene::start().await;
    it.bring("one", theirs).await;
    it.bring("two", |row| {
        theirs(row);
        row.settings = json!({"allowed_models": ["test/first"]}).to_string();
        row.position = -1;
    })
    .await;
    for (of, expected) in [(&it.theirs, "one"), (&it.ours, "shared")] {
        it.call(of, Method::GET, "/v1/providers/first/files", String::new()).await;
        assert_eq!(it.shown(), [expected]);
    }
}
