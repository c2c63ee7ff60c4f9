//! One router before a simulated provider of every format.

use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use plugway_tests::TestRouter;
use serde_json::{Value, json};

use super::said::Said;

/// A provider's format, and how the router is told of the provider.
pub(super) struct Format {
    /// The provider is `sim-NAME`: the catalogue knows others by the bare name. Its model
    /// is `test/NAME`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    adapter: &'static str,
    /// More lines of the provider's table.
    lines: &'static str,
    /// The provider's own name for the model.
    model: &'static str,
}

const CLAUDE: &str = "claude-sonnet-4-5";

const fn format(
    name: &'static str,
    kind: Kind,
    adapter: &'static str,
    lines: &'static str,
    model: &'static str,
) -> Format {
    Format { name, kind, adapter, lines, model }
}

pub(super) const FORMATS: [Format; 18] = [
    format("openai", Kind::OpenAi, "openai", "", "gpt-5-mini"),
    format(
        "responses",
        Kind::OpenAiResponses,
        "openai",
        "options = { api = \"responses\" }",
        "gpt-5-mini",
    ),
    format("azure", Kind::AzureOpenAi, "azure-openai", "", "gpt-5-mini"),
    format("compatible", Kind::OpenAi, "openai-compatible", "", "some-model"),
    format("deepseek", Kind::DeepSeek, "deepseek", "", "deepseek-chat"),
    format("groq", Kind::Groq, "groq", "", "openai/gpt-oss-120b"),
    format("mistral", Kind::Mistral, "mistral", "", "magistral-medium"),
    format("openrouter", Kind::OpenRouter, "openrouter", "", "anthropic/claude-sonnet-4.5"),
    format("perplexity", Kind::Perplexity, "perplexity", "", "sonar"),
    format("xai", Kind::Xai, "xai", "", "grok-4"),
    format("anthropic", Kind::Anthropic, "anthropic", "", CLAUDE),
    format("gemini", Kind::Gemini, "gemini", "", "gemini-2.5-flash"),
    format(
        "vertex",
        Kind::Gemini,
        "gemini",
        "auth = \"bearer\"\noptions = { platform = \"vertex\", project = \"p\" }",
        "gemini-2.5-flash",
    ),
    format(
        "vertex-claude",
        Kind::Gemini,
        "gemini",
        "auth = \"bearer\"\noptions = { platform = \"vertex\", project = \"p\", publisher = \"anthropic\" }",
        CLAUDE,
    ),
    format(
        "converse",
        Kind::Bedrock,
        "bedrock",
        "auth = \"bearer\"",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    format(
        "invoke",
        Kind::Bedrock,
        "bedrock",
        "auth = \"bearer\"\noptions = { api = \"invoke\" }",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    format("cohere", Kind::Cohere, "cohere", "", "command-a-reasoning"),
    format("ollama", Kind::Ollama, "ollama", "", "qwen3"),
];

/// What is wrong, format by format: all of it is seen in one run.
#[derive(Default)]
pub(super) struct Wrong(Vec<String>);

impl Wrong {
    pub(super) fn check(&mut self, right: bool, format: &Format, told: impl std::fmt::Display) {
        if !right {
            self.0.push(format!("{}: {told}", format.name));
        }
    }

    pub(super) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        format: &Format,
        found: &T,
        expected: &T,
    ) {
        self.check(found == expected, format, format_args!("{found:?}, not {expected:?}"));
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
        }
    }
}

pub(super) struct Fleet {
    pub(super) router: TestRouter,
    simulators: Vec<Simulator>,
}

impl Fleet {
    /// All behave like this.
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let script = || Script { behaviour: behaviour.clone(), ..Script::new() };
        let start = |format: &Format| Simulator::start(format.kind, script()).unwrap();
        let simulators: Vec<Simulator> = FORMATS.iter().map(start).collect();
        let tables = FORMATS.iter().zip(&simulators).map(|(format, simulator)| {
            let Format { name, adapter, lines, model, .. } = format;
            let url = simulator.base_url();
            format!(
                "[providers.sim-{name}]\nadapter = \"{adapter}\"\nbase_url = \"{url}\"\n\
                 api_key_env = \"TEST_KEY\"\n{lines}\n\
                 [models.\"test/{name}\"]\ncontext_length = 200_000\n\
                 [[models.\"test/{name}\".endpoints]]\nprovider = \"sim-{name}\"\n\
                 model = \"{model}\"\nprice = {{ prompt = 1.0, completion = 10.0 }}\n"
            )
        });
        let router = TestRouter::start(&tables.collect::<String>()).await;
        Self { router, simulators }
    }

    /// The simulator of this format.
    pub(super) fn of(&self, format: &Format) -> &Simulator {
        let place = FORMATS.iter().position(|it| it.name == format.name).unwrap();
        &self.simulators[place]
    }

    /// Every format that can say what is scripted.
    pub(super) fn saying(behaviour: &Behaviour) -> impl Iterator<Item = &'static Format> {
        static ALL: [Format; 18] = FORMATS;
        ALL.iter().filter(|format| format.kind.says(behaviour).is_ok())
    }

    /// What the model of this format answers.
    pub(super) async fn ask(&self, format: &Format, request: &Value, streaming: bool) -> Said {
        let mut request = request.clone();
        request["model"] = format!("test/{}", format.name).into();
        let client = self.router.client();
        if streaming {
            Said::streamed(client.stream(&request).await)
        } else {
            Said::whole(&client.chat(&request).await)
        }
    }
}

/// A request with one user message.
pub(super) fn asking(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}
