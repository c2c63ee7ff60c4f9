//! Routers in front of simulated providers, as most tests need them.

use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use plugway_tests::{KEY, TestRouter, binary};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// A router with one provider of each kind, each serving a model of its own:
/// `test/open` through the `openai` adapter, `test/anth` through `anthropic`.
pub(crate) struct Pair {
    pub(crate) router: TestRouter,
    pub(crate) open: Simulator,
    pub(crate) anth: Simulator,
}

/// Both models, for tests that run over both adapters.
pub(crate) const MODELS: [&str; 2] = ["test/open", "test/anth"];

impl Pair {
    /// Starts both simulators with the same behaviour.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::with(behaviour, "").await
    }

    /// The same, with more configuration in front.
    pub(crate) async fn with(behaviour: Behaviour, toml: &str) -> Self {
        let script = || Script { behaviour: behaviour.clone(), ..Script::new() };
        let open = Simulator::start(Kind::OpenAi, script()).unwrap();
        let anth = Simulator::start(Kind::Anthropic, script()).unwrap();
        let toml =
            format!("{toml}\n{}\n{}", provider("open", &open, 1), provider("anth", &anth, 2));
        let router = TestRouter::start(&toml).await;
        Self { router, open, anth }
    }

    /// The simulator behind a model of [`MODELS`].
    pub(crate) fn upstream(&self, model: &str) -> &Simulator {
        if model == "test/open" { &self.open } else { &self.anth }
    }
}

/// Configuration of a provider `name` that serves `test/<name>`, at `dollars`
/// per million prompt tokens and ten times that per million completion tokens.
pub(crate) fn provider(name: &str, simulator: &Simulator, dollars: u32) -> String {
    format!(
        "{}\n[models.\"test/{name}\"]\ncontext_length = 2_000_000\n{}",
        bare_provider(name, simulator),
        endpoint(&format!("test/{name}"), name, dollars),
    )
}

/// Configuration of a provider that serves nothing yet.
pub(crate) fn bare_provider(name: &str, simulator: &Simulator) -> String {
    let adapter = simulator.kind().adapter();
    format!(
        "[providers.{name}]\nadapter = \"{adapter}\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n",
        simulator.base_url()
    )
}

/// Configuration of one endpoint of a model.
pub(crate) fn endpoint(model: &str, provider: &str, dollars: u32) -> String {
    format!(
        "[[models.\"{model}\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"sim\"\n\
         price = {{ prompt = {dollars}.0, completion = {dollars}0.0 }}\n"
    )
}

/// A request with one user message.
pub(crate) fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// What `plugway models --live` prints with this configuration: the words of each line.
///
/// # Panics
/// When a provider does not list its models.
pub(crate) fn listed(toml: &str) -> Vec<Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("plugway.toml");
    // Shared, as the tests' routers do: compiling takes long.
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
    std::fs::create_dir_all(&cache).unwrap();
    let cache = std::fs::canonicalize(cache).unwrap();
    std::fs::write(&file, format!("{toml}\n[plugins]\ncache_directory = {cache:?}\n")).unwrap();
    let mut command = Command::new(binary());
    command.args(["models", "--live", "--config"]).arg(file);
    command.env_clear().env("HOME", home.path()).env("TEST_KEY", KEY);
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}{complaints}");
    printed.lines().map(|line| line.split_whitespace().map(Into::into).collect()).collect()
}

/// How many of the lines begin with these words.
pub(crate) fn lines_with(listed: &[Vec<String>], words: &[&str]) -> usize {
    let begins = |line: &&Vec<String>| line.len() >= words.len() && line[..words.len()] == *words;
    listed.iter().filter(begins).count()
}
