//! `plugway route` says what would happen to a request, and sends nothing.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::{KEY, binary};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A configuration with two endpoints of `test/both`, the second dearer.
struct Scene {
    home: TempDir,
    first: Simulator,
    second: Simulator,
}

impl Scene {
    fn new() -> Self {
        let simulator = || Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let (first, second) = (simulator(), simulator());
        let home = tempfile::tempdir().unwrap();
        // Shared, as the tests' routers do: compiling takes long.
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
        std::fs::create_dir_all(&cache).unwrap();
        let cache = std::fs::canonicalize(cache).unwrap();
        let toml = format!(
            "[routing]\nstrategies = [\"price\"]\n[plugins]\ncache_directory = {cache:?}\n{}{}\
             [models.\"test/both\"]\ncontext_length = 100_000\n{}{}",
            bare_provider("first", &first),
            bare_provider("second", &second),
            endpoint("test/both", "first", 1),
            endpoint("test/both", "second", 2),
        );
        std::fs::write(home.path().join("plugway.toml"), toml).unwrap();
        Self { home, first, second }
    }

    /// Runs it on this body.
    fn route(&self, body: &Value, more: &[&str]) -> Output {
        std::fs::write(self.home.path().join("req.json"), body.to_string()).unwrap();
        let mut command = Command::new(binary());
        command.args(["route", "req.json"]).args(more).current_dir(self.home.path());
        command.env_clear().env("HOME", self.home.path()).env("TEST_KEY", KEY);
        command.output().unwrap()
    }

    fn was_asked(&self) -> bool {
        !self.first.requests().is_empty() || !self.second.requests().is_empty()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
        + &String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_printed_in_order_and_nothing_is_sent() {
    let scene = Scene::new();
    let output = scene.route(&ask("test/both", "Hi"), &["--seed", "42"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    let line = |begin: &str| {
        let found = text.lines().find(|line| line.starts_with(begin));
        found.unwrap_or_else(|| panic!("no `{begin}` in {text}"))
    };
    assert!(line("1.").contains("first/sim"), "{text}");
    assert!(line("2.").contains("second/sim"), "{text}");
    assert!(line("strategy").contains("price@"), "{text}");
    assert!(text.contains("seed 42"), "{text}");
    assert!(!scene.was_asked());
    assert!(!scene.home.path().join(".local/state/plugway/plugway.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ruled_out_is_printed_with_its_reason() {
    let scene = Scene::new();
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"ignore": ["first"]});
    let output = scene.route(&request, &["--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["excluded"][0]["endpoint"], "first/sim");
    assert_eq!(told["excluded"][0]["reason"], "provider.ignore names it");
    assert_eq!(told["decision"]["planned"][0]["endpoint"], "second/sim");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_what_is_walked() {
    let scene = Scene::new();
    let lists = "supported_parameters = [\"temperature\"]\n";
    let file = scene.home.path().join("plugway.toml");
    let toml = std::fs::read_to_string(&file).unwrap();
    let toml = toml.replace("provider = \"first\"\n", &format!("provider = \"first\"\n{lists}"));
    assert!(toml.contains(lists), "{toml}");
    std::fs::write(&file, toml).unwrap();
    // The strategy puts the cheap one first, and the router the one that takes tools.
    let mut request = ask("test/both", "Hi");
    request["tools"] = json!([{"type": "function", "function": {"name": "f",
        "parameters": {"type": "object"}}}]);
    let output = scene.route(&request, &[]);
    let printed = text(&output);
    let line = |begin: &str| printed.lines().find(|line| line.starts_with(begin)).unwrap_or("");
    assert!(line("1.").contains("second/sim"), "{printed}");
    assert!(line("2.").contains("first/sim"), "{printed}");
    assert!(line("reason").contains("take all that is asked for come first"), "{printed}");
    let told = scene.route(&request, &["--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let planned = told["decision"]["planned"].as_array().unwrap();
    let ids: Vec<_> = planned.iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(ids, ["second/sim", "first/sim"], "{told}");
    // Nor is there a second step where the client wants none.
    request["provider"] = json!({"allow_fallbacks": false});
    let printed = text(&scene.route(&request, &[]));
    assert!(!printed.contains("\n2.") && printed.contains("\nnot tried"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_goes_nowhere_fails_and_says_why() {
    let scene = Scene::new();
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"only": ["nobody"]});
    let output = scene.route(&request, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    let excluded = text.lines().filter(|line| line.starts_with("excluded")).count();
    assert_eq!(excluded, 2, "{text}");
    assert!(text.lines().any(|line| line.starts_with("refused")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_format_is_read_by_its_path() {
    let scene = Scene::new();
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let path = "/v1beta/models/test/both:generateContent";
    let output = scene.route(&body, &["--path", path]);
    assert!(output.status.success(), "{}", text(&output));
    let wrong = scene.route(&body, &[]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(!scene.was_asked());
}
