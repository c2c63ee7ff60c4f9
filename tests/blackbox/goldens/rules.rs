//! The goldens' shape, which adapter reads which flavour, and the checked-in rules
//! that explain why a cost of ours is another.

use serde::Deserialize;
use serde_json::{Value, json};

/// One usage, read in one flavour, at one provider's price.
pub(super) struct Case<'g> {
    pub(super) file: &'g str,
    pub(super) model: &'g str,
    pub(super) usage: &'g Value,
    pub(super) provider: &'g str,
    pub(super) flavour: &'g str,
    /// In picodollars; none where that project names none.
    pub(super) price: Option<Result<u64, String>>,
}

/// Every pair of the golden's usage and a reader of it.
pub(super) fn cases(golden: &Value) -> Vec<Case<'_>> {
    let body = &golden["body"];
    let usage = ["usage", "usageMetadata", "meta"].iter().find_map(|key| body.get(key));
    let usage = usage.unwrap_or(&Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut cases = Vec::new();
    for extractor in golden["extracted"].as_array().into_iter().flatten() {
        for reader in extractor["extractors"].as_array().into_iter().flatten() {
            let is_priced = reader.get("input_price").or(reader.get("output_price")).is_some();
            let price = |key: &str| match reader.get(key) {
                Some(price) => text(price),
                None => "0".to_owned(),
            };
            cases.push(Case {
                file: body["file"].as_str().unwrap_or_default(),
                model: golden["model"].as_str().unwrap_or_default(),
                usage,
                provider: reader["provider_id"].as_str().unwrap_or_default(),
                flavour: reader["api_flavor"].as_str().unwrap_or_default(),
                price: is_priced.then(|| super::sum(&price("input_price"), &price("output_price"))),
            });
        }
    }
    cases
}

/// Who reads a flavour, and whose price holds.
pub(super) struct Flavour {
    pub(super) adapter: &'static str,
    /// In our catalogue.
    pub(super) provider: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    Completion,
    Message,
    Content,
}

/// Flavours by provider: theirs, the flavour, ours, the adapter, the body around it.
/// What is not here waits for an adapter, or for the provider's place in the catalogue.
const FLAVOURS: [(&str, &str, &str, &str, Shape); 12] = [
    ("anthropic", "default", "anthropic", "anthropic", Shape::Message),
    ("cerebras", "chat", "cerebras", "openai-compatible", Shape::Completion),
    ("deepseek", "chat", "deepseek", "deepseek", Shape::Completion),
    ("fireworks", "chat", "fireworks", "openai-compatible", Shape::Completion),
    ("google", "default", "google-ai-studio", "gemini", Shape::Content),
    ("groq", "default", "groq", "groq", Shape::Completion),
    ("mistral", "default", "mistral", "mistral", Shape::Completion),
    ("moonshotai", "chat", "moonshotai", "openai-compatible", Shape::Completion),
    ("openai", "chat", "openai", "openai", Shape::Completion),
    ("openrouter", "chat", "openrouter", "openrouter", Shape::Completion),
    ("ovhcloud", "chat", "ovhcloud", "openai-compatible", Shape::Completion),
    ("x-ai", "chat", "xai", "xai", Shape::Completion),
];

impl Flavour {
    pub(super) fn of(provider: &str, flavour: &str) -> Option<Self> {
        let found = FLAVOURS.iter().find(|it| it.0 == provider && it.1 == flavour)?;
        Some(Self { provider: found.2, adapter: found.3, shape: found.4 })
    }

    /// Who reads it, best first: servers of one family count alike.
    pub(super) fn adapters(&self) -> impl Iterator<Item = &'static str> {
        let family = matches!(self.shape, Shape::Completion).then_some("openai");
        std::iter::once(self.adapter).chain(family)
    }

    /// The least that holds this usage.
    pub(super) fn body(&self, model: &str, usage: &Value) -> Value {
        match self.shape {
            Shape::Completion => json!({
                "id": "x", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": "x"},
                    "finish_reason": "stop",
                }],
                "usage": usage,
            }),
            Shape::Message => json!({
                "id": "x", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": "x"}],
                "stop_reason": "end_turn", "stop_sequence": null, "usage": usage,
            }),
            Shape::Content => json!({
                "candidates": [{
                    "content": {"role": "model", "parts": [{"text": "x"}]},
                    "finishReason": "STOP",
                }],
                "usageMetadata": usage, "modelVersion": model,
            }),
        }
    }
}

/// Why the cost of some cases is another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// In a word, to be counted by.
    cause: String,
    /// For people.
    reason: String,
    provider: String,
    /// Any flavour, if none.
    flavour: Option<String>,
    /// Any model, if none; `*` at the end stands for any rest.
    #[serde(default)]
    models: Vec<String>,
    /// A meter or a field that the usage has; `unlisted`: the catalogue does not have
    /// the model.
    has: Option<String>,
    #[serde(skip)]
    used: bool,
}

/// All of them; the first that fits explains.
#[derive(Deserialize)]
pub(super) struct Rules {
    rule: Vec<Rule>,
}

impl Rules {
    /// The checked-in list.
    pub(super) fn read() -> Self {
        toml::from_str(include_str!("../../corpus/goldens.toml")).unwrap()
    }

    /// The cause, if a rule fits.
    pub(super) fn explain(&mut self, case: &Case<'_>, has: &[String]) -> Option<String> {
        let is_named = |name: &String| match name.strip_suffix('*') {
            Some(start) => case.model.starts_with(start),
            None => case.model == name,
        };
        let rule = self.rule.iter_mut().find(|rule| {
            rule.provider == case.provider
                && rule.flavour.as_ref().is_none_or(|flavour| flavour == case.flavour)
                && (rule.models.is_empty() || rule.models.iter().any(is_named))
                && rule
                    .has
                    .as_ref()
                    .map_or(!has.contains(&"unlisted".to_owned()), |it| has.contains(it))
        })?;
        rule.used = true;
        Some(rule.cause.clone())
    }

    /// Rules that explained nothing.
    pub(super) fn unused(&self) -> Vec<&str> {
        self.rule.iter().filter(|rule| !rule.used).map(|rule| rule.reason.as_str()).collect()
    }
}
