//! The official clients, each over adapters of different families. What a client has to
//! see is in `tests/clients`; here is what the provider must have seen of it.

// The agent is a program for one platform.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod agent;
mod node;
mod python;

use crate::setup::{bare_provider, endpoint};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plugway_simulator::{Behaviour, Exchange, Failure, Kind, Outcome, Script, Simulator, When};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// A client starts in a few seconds, and is done in a few more.
const LIMIT: Duration = Duration::from_secs(120);

/// From a client's end to the end of its requests upstream.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `thinking` thinks, and how the simulator of a provider that signs thoughts
/// signs it.
const THOUGHT: &str = "Three and four make seven.";
const SIGNATURE: &str = "EqRkCkYI2smToi8vWnMtUlRE4vdEYoVUl2h6bbQdDYHK8rADn5ftx7KiwVY4WvfbDBkWCMZEGdSNbJ1dAIoaqrxuslKE1Uu1";

/// How Gemini's simulator signs what it says after it.
const TEXT_SIGNATURE: &str = "EqRkCkYI2LqqVADCXgKOUYkaOpKE3NRFcfP2xCLTTv06kl8D8DOerIMEPpMEzK4rUkyEwLLXvs6HLQLnYtCsBQvXrEH3nOCy";

/// What the scripts ask for beside the version of Anthropic's API.
const BETA: &str = "context-1m-2025-08-07";

/// A provider of one family, and how a router reaches it.
#[derive(Clone, Copy)]
struct Family {
    /// The provider is `test-NAME`, its model is `test/NAME`.
    name: &'static str,
    kind: Kind,
    /// Its model that shows its thoughts.
    thinking: &'static str,
}

const OPENAI: Family = Family { name: "openai", kind: Kind::OpenAi, thinking: "thinking" };
const ANTHROPIC: Family = Family { name: "anthropic", kind: Kind::Anthropic, thinking: "thinking" };
/// Which of Gemini's models think, their names tell.
const GEMINI: Family =
    Family { name: "gemini", kind: Kind::Gemini, thinking: "gemini-2.5-thinking" };

/// What every client must have seen, in words that the names of its script's behaviours
/// hold.
const BEHAVIOURS: [&str; 9] = [
    "chat",
    "stream says the same",
    "tool loop closes",
    "image arrives",
    "shape that was asked for",
    "rate limit",
    "failing provider",
    "stream that breaks",
    "stream is left",
];

/// A test of each of these clients over each family: `run` plays a script of
/// `tests/clients`.
macro_rules! over_every_family {
    ($run:path: $($client:ident $script:literal,)+) => {$(
        mod $client {
            #[tokio::test(flavor = "multi_thread")]
            async fn is_served_through_openai() {
                $run($script, crate::official::OPENAI).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn is_served_through_anthropic() {
                $run($script, crate::official::ANTHROPIC).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn is_served_through_gemini() {
                $run($script, crate::official::GEMINI).await;
            }
        }
    )+};
}
use over_every_family;

/// A router in front of a provider that fails as the scripts expect it.
struct Stage {
    router: TestRouter,
    upstream: Simulator,
    family: Family,
}

impl Stage {
    async fn set(family: Family) -> Self {
        Self::with(family, script(family)).await
    }

    async fn with(family: Family, script: Script) -> Self {
        let upstream = Simulator::start(family.kind, script).unwrap();
        let (provider, model) = (format!("test-{}", family.name), format!("test/{}", family.name));
        let toml = format!(
            "{}\n[models.\"{model}\"]\ncontext_length = 2_000_000\n{}",
            bare_provider(&provider, &upstream),
            endpoint(&model, &provider, 1),
        );
        Self { router: TestRouter::start(&toml).await, upstream, family }
    }

    /// What a script is called with: the router, its model, and the provider.
    fn arguments(&self) -> [String; 3] {
        let name = self.family.name;
        let root = format!("http://{}", self.router.address());
        [root, format!("test/{name}"), format!("test-{name}")]
    }

    /// Looks at what the provider has seen of a client that saw all that it should.
    async fn judge(&self, printed: &str) {
        println!("{printed}");
        let squeezed = |text: &str| text.to_lowercase().replace(['_', ' '], "");
        let held = |words: &&str| squeezed(printed).contains(&squeezed(words));
        let missing: Vec<&str> = BEHAVIOURS.into_iter().filter(|words| !held(words)).collect();
        assert!(missing.is_empty(), "the script has not seen {missing:?}");
        self.has_seen_the_image();
        if held(&"come back") {
            self.has_seen_its_thoughts();
        }
        if held(&"beta") {
            self.has_seen_the_beta();
        }
        self.was_left().await;
    }

    fn has_seen_the_image(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/pixel.png");
        let pixel = STANDARD.encode(std::fs::read(file).unwrap());
        let shown = |it: &Exchange| String::from_utf8_lossy(&it.body).contains(&pixel);
        assert!(self.upstream.requests().iter().any(shown), "no image has arrived as it was sent");
    }

    /// Who signs thoughts gets them back as they were; others get none.
    fn has_seen_its_thoughts(&self) {
        let bodies: Vec<Value> = self.of(self.family.thinking).iter().map(Exchange::json).collect();
        let (turns, parts) = match self.family.kind {
            Kind::Gemini => ("contents", "parts"),
            _ => ("messages", "content"),
        };
        let is_said = |turn: &&Value| turn["role"] == "assistant" || turn["role"] == "model";
        let turns = bodies.iter().filter_map(|body| body[turns].as_array()).flatten();
        let said: Vec<&Value> = turns.filter(is_said).collect();
        let of_turns = said.iter().filter_map(|turn| turn[parts].as_array()).flatten();
        let is_proof =
            |part: &&Value| part["type"] == "thinking" || part["thoughtSignature"].is_string();
        let proofs: Vec<&Value> = of_turns.filter(is_proof).collect();
        let wanted = if self.family.kind == Kind::OpenAi { 0 } else { said.len() };
        assert!(!said.is_empty() && proofs.len() == wanted, "{said:?}");
        let unchanged = |part: &Value| match self.family.kind {
            Kind::Gemini => part["thoughtSignature"] == TEXT_SIGNATURE,
            _ => *part == json!({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}),
        };
        assert!(proofs.iter().all(|part| unchanged(part)), "{proofs:?}");
    }

    /// A beta feature is asked of whoever has it.
    fn has_seen_the_beta(&self) {
        let asked = |it: &Exchange| it.header("anthropic-beta") == Some(BETA);
        let seen = self.upstream.requests().iter().any(asked);
        assert_eq!(seen, self.family.kind == Kind::Anthropic);
    }

    async fn was_left(&self) {
        let is_endless = |it: &&Exchange| it.model.as_deref() == Some("endless");
        let all_left = |seen: &[Exchange]| {
            seen.iter().filter(is_endless).all(|it| it.outcome == Outcome::ClientLeft)
        };
        timeout(PATIENCE, self.upstream.requests_when(all_left))
            .await
            .expect("a stream that was left is still running upstream");
        assert!(!self.of("endless").is_empty(), "no stream was left");
    }

    /// What the provider was asked of one of its models.
    fn of(&self, model: &str) -> Vec<Exchange> {
        let mut seen = self.upstream.requests();
        seen.retain(|it| it.model.as_deref() == Some(model));
        seen
    }
}

fn script(family: Family) -> Script {
    let always = |failure| Behaviour::new().fault(When::Always, failure);
    let breaking = always(Failure::StreamError { after_chunks: 2, code: 500 });
    let endless = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    Script { behaviour: Behaviour::new().chunk_chars(4), ..Script::new() }
        .model("limited", always(Failure::rate_limited(7)))
        .model("limited-too", always(Failure::rate_limited(7)))
        .model("failing", always(Failure::status(500)))
        // A pause between the chunks, so that the first of them commits.
        .model("breaking", breaking.tokens_per_second(50).reply("a b c d e f"))
        .model("endless", endless)
        .model(family.thinking, Behaviour::new().reasoning(THOUGHT).chunk_chars(4))
}
