//! What every guest is put into: a router whose `test/bad` is served by the guest
//! alone, `test/both` by the guest first and by a good provider after it, and
//! `test/good` by a neighbour whose stream is under way all the while.

use crate::setup::{ask, bare_provider, endpoint, provider};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, Streamed, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;

/// What the second provider of `test/both` says.
const SECOND: &str = "from the second";

/// A neighbour's stream has so many chunks, of which so many come in a second: it
/// takes as long as a guest's misbehaviour.
const CHUNKS: u32 = 30;
const CHUNKS_PER_SECOND: u32 = 40;

/// A text that is long enough to cross the sandbox as a seal.
pub(super) const TEXT: &str =
    "Would you be so kind as to tell me how a guest behaves that was brought up well?";

/// Guests that spin are stopped soon.
const LIMITS: &str = "call_budget = \"100ms\"";

const PATIENCE: Duration = Duration::from_secs(20);

/// How the guest is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// For a whole answer.
    Whole,
    /// For a stream.
    Stream,
    /// For a whole answer, which the guest's provider refuses.
    Refusal,
}

/// A router, the guest in it, and what stands behind them.
pub(super) struct Scene {
    pub(super) router: TestRouter,
    pub(super) guest: String,
    /// The guest's provider.
    pub(super) upstream: Simulator,
    /// The neighbour's.
    pub(super) good: Simulator,
    _second: Simulator,
}

impl Scene {
    /// With a good adapter in the guest's place; `toml` comes on top.
    pub(super) async fn without(guest: &str, toml: &str) -> Self {
        Self::bounded(guest, LIMITS, toml, "auth = \"bearer\"").await
    }

    /// With the guest, whose provider takes its credential in this way.
    pub(super) async fn keyed(guest: &str, toml: &str, auth: &str) -> Self {
        Self::bounded(guest, LIMITS, toml, auth).await.enter().await
    }

    async fn bounded(guest: &str, limits: &str, toml: &str, auth: &str) -> Self {
        let start = |behaviour| Simulator::start(Kind::OpenAi, behaviour).unwrap();
        let upstream = start(Behaviour::new().reply("from the guest's provider"));
        let good = start(quick());
        let second = start(Behaviour::new().reply(SECOND));
        let bad =
            provider("bad", &upstream, 1).replace("\"openai\"", &format!("\"{guest}\"\n{auth}"));
        // How many instances of a strategy are warm must not depend on chance.
        let limits = format!("[plugins.limits]\nmax_warm_instances = 1\n{limits}\n");
        let toml = [
            &limits,
            toml,
            &bad,
            &provider("good", &good, 1),
            &bare_provider("second", &second),
            "[models.\"test/both\"]\ncontext_length = 1000\n",
            &at_guest("test/both", "sim-both"),
            &endpoint("test/both", "second", 2),
        ];
        let router = TestRouter::start(&toml.join("\n")).await;
        let scene = Self { router, guest: guest.to_owned(), upstream, good, _second: second };
        scene.load("provider-minimal", guest).await;
        scene
    }

    /// With the guest.
    pub(super) async fn with(guest: &str, toml: &str) -> Self {
        Self::without(guest, toml).await.enter().await
    }

    async fn enter(self) -> Self {
        self.load(&self.guest, &self.guest).await;
        self
    }

    /// Drops a component that is taken. Who looked first, the router by itself or
    /// this, does not matter.
    pub(super) async fn load(&self, name: &str, id: &str) {
        self.router.drop_plugin(name, id).await;
        let status = self.status(id).await;
        assert!(status["state"] == "serving" && status["last_error"].is_null(), "{status}");
    }

    /// Drops a component that is refused, and what served goes on. The reason.
    pub(super) async fn refuse(&self, name: &str, id: &str) -> String {
        let before = self.status(id).await;
        self.router.drop_plugin(name, id).await;
        let after = self.status(id).await;
        assert_eq!(after["digest"], before["digest"], "{after}");
        let said = after["last_error"].as_str().unwrap_or_default().to_owned();
        assert!(!said.is_empty(), "{name} was not refused: {after}");
        assert!(said.contains(&format!("`{id}`")), "{said}");
        said
    }

    /// What comes of asking `model` in this way, read to the end.
    pub(super) async fn ask(&self, model: &str, ask: Ask) -> Answer {
        let fault = Behaviour::new().fault(When::Always, Failure::status(500));
        self.upstream.set(if ask == Ask::Refusal { fault } else { Behaviour::new() });
        let mut request = crate::setup::ask(model, TEXT);
        // The guest's endpoint is the cheapest.
        request["provider"] = json!({"sort": "price"});
        request["stream"] = json!(ask == Ask::Stream);
        self.router.client().post(request.to_string()).await
    }

    /// Runs `misbehaviour` while a neighbour's stream is under way, and holds the
    /// neighbour to every byte of it. Afterwards no instance is in use any more.
    pub(super) async fn undisturbed<T>(&self, misbehaviour: impl Future<Output = T>) -> T {
        let engine = self.router.router.registry.engine();
        let (id, body) = self.neighbour().await;
        let expected = normal(&id, &read(body).await);
        let at_rest = engine.instances_in_use();

        self.good.set(quick().tokens_per_second(CHUNKS_PER_SECOND));
        let (id, mut body) = self.neighbour().await;
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let outcome = misbehaviour.await;
        let mut streamed = first.to_vec();
        streamed.extend(read(body).await);
        assert_eq!(normal(&id, &streamed), expected, "{}", self.guest);
        assert!(expected.ends_with("data: [DONE]\n\n"), "{expected}");

        let freed = async {
            while engine.instances_in_use() > at_rest {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let is_freed = tokio::time::timeout(PATIENCE, freed).await.is_ok();
        assert!(is_freed, "{}: an instance is still in use", self.guest);
        outcome
    }

    /// A stream that has begun, and its id.
    async fn neighbour(&self) -> (String, Incoming) {
        let mut request = ask("test/good", "Hi");
        request["stream"] = json!(true);
        let response = self.router.client().open(request.to_string()).await;
        assert_eq!(response.status(), 200);
        let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
        (id, response.into_body())
    }

    /// What `/readyz` says of a plugin.
    pub(super) async fn status(&self, id: &str) -> Value {
        let status = self.router.client().get("/readyz").await.json();
        let plugins = status["plugins"].as_array().unwrap();
        plugins.iter().find(|it| it["id"] == id).unwrap().clone()
    }
}

/// Configuration of one more endpoint of the guest's provider: a model there serves
/// one model here.
pub(super) fn at_guest(model: &str, upstream: &str) -> String {
    endpoint(model, "bad", 1).replace("\"sim\"", &format!("\"{upstream}\""))
}

fn quick() -> Behaviour {
    Behaviour::new().completion_tokens(CHUNKS)
}

async fn read(body: Incoming) -> Vec<u8> {
    body.collect().await.unwrap().to_bytes().to_vec()
}

/// A stream without what differs from one to the next: the router's id, the
/// provider's id and the time.
fn normal(id: &str, streamed: &[u8]) -> String {
    let text = std::str::from_utf8(streamed).unwrap().replace(id, "ID");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\"created\":") {
        let digits = at + "\"created\":".len();
        out.push_str(&rest[..digits]);
        rest = rest[digits..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

/// Holds an error to naming the guest and the bound or rule.
pub(super) fn blames(error: &Value, guest: &str, said: &str) {
    assert_eq!(error["metadata"]["code"], "plugin_failed", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("`{guest}`")), "{message}");
    assert!(message.contains(said), "no `{said}` in: {message}");
}

/// A guest whose call fails before any content: it costs its attempt, names itself
/// and `said`, and where there is a second endpoint, that one serves.
pub(super) async fn check(guest: &str, ask: Ask, said: &str) {
    check_bounded(guest, LIMITS, ask, said).await;
}

/// The same, under other limits.
pub(super) async fn check_bounded(guest: &str, limits: &str, ask: Ask, said: &str) {
    let scene = Scene::bounded(guest, limits, "", "auth = \"bearer\"").await.enter().await;
    let misbehaviour = async {
        let alone = scene.ask("test/bad", ask).await;
        assert_eq!(alone.status, 502, "{guest}: {}", alone.text());
        blames(&alone.json()["error"], guest, said);
        let both = scene.ask("test/both", ask).await;
        assert_eq!(both.status, 200, "{guest}: {}", both.text());
        let text = if ask == Ask::Stream { Streamed::of(both).content() } else { both.content() };
        assert_eq!(text, SECOND, "{guest}");
    };
    scene.undisturbed(misbehaviour).await;
    let metrics = scene.router.client().get("/metrics").await.text();
    let counted = format!("plugway_plugin_failures_total{{plugin=\"{guest}\"}} 2");
    assert!(metrics.contains(&counted), "{guest}: {metrics}");
}

/// A guest that is refused at load, for reasons that hold all of `parts`: what
/// served under its name goes on serving.
pub(super) async fn check_refused(guest: &str, parts: &[&str]) {
    let scene = Scene::without(guest, "").await;
    let said = scene.undisturbed(scene.refuse(guest, guest)).await;
    for part in parts {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    let served = scene.ask("test/bad", Ask::Whole).await;
    assert_eq!(served.status, 200, "{guest}: {}", served.text());
}
