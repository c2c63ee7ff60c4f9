//! Which adapter reads which flavour, whose price holds, and what a model is called
//! there.

use super::rules::Case;
use plugway::catalog::{Catalog, Endpoint};
use plugway_engine::chat::{Request, Usage};
use plugway_engine::{Adapter, CallContext, EndpointFacts, ResponseHead};
use plugway_wire::answer::Tally;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Who reads a flavour, and whose price holds.
#[derive(PartialEq, Eq)]
pub(crate) struct Flavour {
    /// Of that project.
    theirs: (&'static str, &'static str),
    /// In our catalogue.
    pub(crate) provider: &'static str,
    pub(crate) adapter: &'static str,
    pub(crate) shape: Shape,
}

/// The body around a usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Completion,
    Response,
    Embedding,
    Message,
    /// The same, where the endpoint is to be told.
    Invoked,
    Content,
}

/// Flavours by provider: theirs, the flavour, ours, the adapter, the body around it.
const FLAVOURS: [Flavour; 30] = [
    flavour("anthropic", "chat", "anthropic", "openai-compatible", Shape::Completion),
    flavour("anthropic", "default", "anthropic", "anthropic", Shape::Message),
    flavour("aws", "anthropic", "amazon-bedrock", "bedrock", Shape::Invoked),
    flavour("azure", "anthropic", "azure", "anthropic", Shape::Message),
    flavour("azure", "chat", "azure", "azure-openai", Shape::Completion),
    flavour("azure", "embeddings", "azure", "azure-openai", Shape::Embedding),
    flavour("azure", "responses", "azure", "azure-openai", Shape::Response),
    flavour("cerebras", "chat", "cerebras", "openai-compatible", Shape::Completion),
    flavour("deepseek", "chat", "deepseek", "deepseek", Shape::Completion),
    flavour("google", "anthropic", "google-vertex-anthropic", "gemini", Shape::Message),
    flavour("google", "chat", "google-ai-studio", "openai-compatible", Shape::Completion),
    flavour("google", "default", "google-ai-studio", "gemini", Shape::Content),
    flavour("groq", "default", "groq", "groq", Shape::Completion),
    // Its price is that of the host behind it.
    flavour(
        "huggingface_fireworks-ai",
        "chat",
        "fireworks",
        "openai-compatible",
        Shape::Completion,
    ),
    flavour("huggingface_groq", "chat", "groq", "groq", Shape::Completion),
    flavour("huggingface_hyperbolic", "chat", "hyperbolic", "openai-compatible", Shape::Completion),
    flavour("huggingface_nebius", "chat", "nebius", "openai-compatible", Shape::Completion),
    flavour("huggingface_novita", "chat", "novita", "openai-compatible", Shape::Completion),
    flavour("huggingface_nscale", "chat", "nscale", "openai-compatible", Shape::Completion),
    flavour("huggingface_ovhcloud", "chat", "ovhcloud", "openai-compatible", Shape::Completion),
    flavour("huggingface_sambanova", "chat", "sambanova", "openai-compatible", Shape::Completion),
    flavour("huggingface_together", "chat", "together", "openai-compatible", Shape::Completion),
    flavour("mistral", "default", "mistral", "mistral", Shape::Completion),
    flavour("openai", "chat", "openai", "openai", Shape::Completion),
    flavour("openai", "embeddings", "openai", "openai", Shape::Embedding),
    flavour("openai", "responses", "openai", "openai", Shape::Response),
    flavour("openrouter", "chat", "openrouter", "openrouter", Shape::Completion),
    flavour("ovhcloud", "chat", "ovhcloud", "openai-compatible", Shape::Completion),
    flavour("zai", "chat", "z-ai", "openai-compatible", Shape::Completion),
    flavour("zhipuai", "chat", "zhipuai", "openai-compatible", Shape::Completion),
];

const fn flavour(
    provider: &'static str,
    flavour: &'static str,
    ours: &'static str,
    adapter: &'static str,
    shape: Shape,
) -> Flavour {
    Flavour { theirs: (provider, flavour), provider: ours, adapter, shape }
}

impl Flavour {
    /// All whose prices are looked at.
    pub(crate) fn providers() -> impl Iterator<Item = &'static str> {
        FLAVOURS.iter().map(|it| it.provider).collect::<BTreeSet<_>>().into_iter()
    }

    /// All of them.
    pub(crate) fn all() -> &'static [Self] {
        &FLAVOURS
    }

    pub(crate) fn of(case: &Case<'_>) -> Option<&'static Self> {
        FLAVOURS.iter().find(|it| it.theirs == (case.provider, case.flavour))
    }

    /// The provider's offer of a model: by its very name, or by what is the same in
    /// another spelling.
    pub(crate) fn endpoint<'c>(&self, catalog: &'c Catalog, model: &str) -> Option<&'c Endpoint> {
        let endpoints = catalog.models.values().flat_map(|it| &it.endpoints).map(AsRef::as_ref);
        let offers: Vec<_> = endpoints.filter(|it| it.provider.name == self.provider).collect();
        let exact = offers.iter().find(|it| it.upstream_model == model);
        let named = |name: &str| offers.iter().find(|it| plain(&it.upstream_model) == name);
        let plain = plain(model);
        // Azure has the version in a field of the deployment.
        let unversioned = if self.provider == "azure" { undated(&plain) } else { None };
        exact.or_else(|| named(&plain)).or_else(|| named(unversioned?)).copied()
    }

    /// What the adapter makes of the usage, summed up as the router does.
    pub(crate) fn read(
        &self,
        adapter: &Adapter,
        endpoint: &Endpoint,
        usage: &Value,
    ) -> Result<Usage, String> {
        let body = self.body(&endpoint.upstream_model, usage).to_string().into_bytes();
        let head = ResponseHead { status: 200, headers: Vec::new() };
        if self.shape == Shape::Embedding {
            let call = adapter.embeddings(CallContext::default()).ok_or("it embeds nothing")?;
            let call = call.map_err(|error| error.to_string())?;
            let read = call.decode(head, body, "1").map_err(|error| error.to_string())?;
            return read.map_err(|it| it.message)?.usage.ok_or_else(|| "no usage was read".into());
        }
        let tally = self.tally(adapter, endpoint, body)?;
        tally.total_usage().ok_or_else(|| "no usage was read".to_owned())
    }

    /// The counts of each model, where several had a part in it.
    pub(crate) fn parts(
        &self,
        adapter: &Adapter,
        endpoint: &Endpoint,
        usage: &Value,
    ) -> Result<Vec<Usage>, String> {
        if self.shape == Shape::Embedding {
            return Ok(Vec::new());
        }
        let body = self.body(&endpoint.upstream_model, usage).to_string().into_bytes();
        Ok(self.tally(adapter, endpoint, body)?.usage)
    }

    fn tally(
        &self,
        adapter: &Adapter,
        endpoint: &Endpoint,
        body: Vec<u8>,
    ) -> Result<Tally, String> {
        let head = ResponseHead { status: 200, headers: Vec::new() };
        let memo = self.memo(adapter, endpoint)?;
        let attempt = adapter.attempt(CallContext::default()).map_err(|error| error.to_string())?;
        let events = attempt.decode(head, body, &memo).map_err(|error| error.to_string())?;
        let mut tally = Tally::default();
        for event in events {
            tally.observe(&event);
        }
        Ok(tally)
    }

    /// Which of the adapter's interfaces has this shape, where it has several.
    pub(crate) fn api(&self) -> Option<&'static str> {
        match self.shape {
            Shape::Response => Some("responses"),
            Shape::Invoked => Some("invoke"),
            _ => None,
        }
    }

    /// What the adapter remembers of a request in this format.
    fn memo(&self, adapter: &Adapter, endpoint: &Endpoint) -> Result<String, String> {
        let mut facts =
            EndpointFacts { max_output_tokens: Some(1024), options: endpoint.options.clone() };
        facts.options.extend(self.api().map(|api| ("api".to_owned(), format!("\"{api}\""))));
        let mut attempt =
            adapter.attempt(CallContext::default()).map_err(|error| error.to_string())?;
        let encoded = attempt.encode(&request(&endpoint.upstream_model), &facts);
        let encoded = encoded.map_err(|error| error.to_string())?;
        Ok(encoded.map_err(|failure| failure.message)?.memo)
    }

    /// The least that holds this usage.
    pub(crate) fn body(&self, model: &str, usage: &Value) -> Value {
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
            Shape::Response => json!({
                "id": "x", "object": "response", "created_at": 1, "model": model,
                "status": "completed",
                "output": [{
                    "id": "x", "type": "message", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "x", "annotations": []}],
                }],
                "usage": usage,
            }),
            Shape::Embedding => json!({
                "object": "list", "model": model,
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
                "usage": usage,
            }),
            Shape::Message | Shape::Invoked => json!({
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

/// A user says `x`.
fn request(model: &str) -> Request {
    let text = json!({
        "body": {"Text": "x"}, "id": null, "signature": null, "format": null, "citations": [],
        "cache": null, "extra": [],
    });
    let request = json!({
        "model": model, "dialect": "openai-chat", "headers": [],
        "messages": [{"role": "User", "parts": [text], "name": null, "extra": []}],
        "tools": [], "tool_choice": null, "parallel_tool_calls": null, "response_format": null,
        "sampling": {
            "temperature": null, "top_p": null, "top_k": null, "min_p": null, "top_a": null,
            "frequency_penalty": null, "presence_penalty": null, "repetition_penalty": null,
            "seed": null, "stop": [], "logit_bias": [], "top_logprobs": null,
        },
        "choices": 1, "max_tokens": null, "reasoning": null, "modalities": [],
        "verbosity": null, "service_tier": null, "user": null, "cache_key": null,
        "auto_cache": null, "streaming": false, "extra": [],
    });
    serde_json::from_value(request).unwrap()
}

/// A model's name without what hosts put around it: who made it, the version of an API.
fn plain(model: &str) -> String {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name).to_lowercase();
    let name = name.strip_prefix("anthropic.").unwrap_or(&name);
    let ends = ["@default", "-v1:0", "-v1"];
    let name = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    name.replace('@', "-")
}

/// Without a day at the end, such as `-2025-08-07`.
fn undated(name: &str) -> Option<&str> {
    let (rest, day) = name.split_at_checked(name.len().checked_sub("-2025-08-07".len())?)?;
    let is_day = day.starts_with("-20") && day.chars().all(|it| it == '-' || it.is_ascii_digit());
    is_day.then_some(rest)
}

#[test]
fn the_same_model_is_known_by_its_names() {
    for name in ["claude-sonnet-4-5@20250929", "anthropic.claude-sonnet-4-5-20250929-v1:0"] {
        assert_eq!(plain(name), "claude-sonnet-4-5-20250929");
    }
    assert_eq!(plain("accounts/fireworks/models/GPT-oss"), "gpt-oss");
    assert_eq!(undated("gpt-5-2025-08-07"), Some("gpt-5"));
    assert_eq!(undated("claude-sonnet-4-5-20250929"), None);
}
