//! What the engine's tests and benches share: guests built once, one engine with
//! one code cache, and the smallest requests.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test uses a part of this")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use plugway_engine::{
    Adapter, Candidate, ComparePrice, EndpointFacts, Engine, Grants, Limits, Plugin, Query,
    Strategy, chat,
};
use plugway_guest_build::{Guest, build, graft};
use std::sync::Arc;

/// Every component of the workspace.
const GUESTS: [Guest<'_>; 7] = [
    Guest::Package("plugway-plugin-anthropic"),
    Guest::Package("plugway-plugin-balanced"),
    Guest::Package("plugway-plugin-openai"),
    Guest::Package("plugway-plugin-price"),
    Guest::Package("provider-minimal"),
    Guest::Package("strategy-minimal"),
    Guest::Examples("plugway-test-guests"),
];

/// The bytes of a component, built at the first call.
pub fn guest(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let components = build(&GUESTS).unwrap();
        components.into_iter().map(|component| (component.name, component.path)).collect()
    });
    let path = built.get(name).unwrap_or_else(|| panic!("no guest named {name}"));
    std::fs::read(path).unwrap()
}

/// A good adapter with one of the modules that no compiler would write in it.
pub fn grafted(name: &str) -> Vec<u8> {
    let modules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guests/modules");
    let component = wat::parse_file(format!("{modules}/{name}.wat")).unwrap();
    graft(&guest("provider-minimal"), &component).unwrap()
}

/// Compiled code that all test binaries share.
pub fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("code-cache")
}

/// An engine with pools that many tests can have at the same time.
pub fn engine(limits: Limits) -> Engine {
    Engine::new(limits, Some(cache())).unwrap()
}

/// Limits for tests: the defaults with small pools.
pub fn limits() -> Limits {
    Limits { max_instances: 64, ..Limits::default() }
}

/// Loads an adapter without grants.
pub fn adapter(engine: &Engine, name: &str) -> Arc<Adapter> {
    match engine.load(name, &guest(name), &Grants::default()) {
        Ok(Plugin::Adapter(adapter)) => adapter,
        other => panic!("{name} is no adapter: {other:?}"),
    }
}

/// Loads a strategy.
pub fn strategy(engine: &Engine, name: &str) -> Arc<Strategy> {
    match engine.load(name, &guest(name), &Grants::default()) {
        Ok(Plugin::Strategy(strategy)) => strategy,
        other => panic!("{name} is no strategy: {other:?}"),
    }
}

/// A request of one user message with this text.
pub fn request(text: &str) -> chat::Request {
    let part = chat::Part {
        body: chat::PartBody::Text(text.to_owned()),
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    };
    let message =
        chat::Message { role: chat::Role::User, parts: vec![part], name: None, extra: Vec::new() };
    chat::Request {
        model: "test-model".to_owned(),
        dialect: "openai-chat".to_owned(),
        headers: Vec::new(),
        messages: vec![message],
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls: None,
        response_format: None,
        sampling: sampling(),
        choices: 1,
        max_tokens: Some(100),
        reasoning: None,
        modalities: Vec::new(),
        verbosity: None,
        service_tier: None,
        user: None,
        cache_key: None,
        auto_cache: None,
        streaming: true,
        extra: Vec::new(),
    }
}

fn sampling() -> chat::Sampling {
    chat::Sampling {
        temperature: None,
        top_p: None,
        top_k: None,
        min_p: None,
        top_a: None,
        frequency_penalty: None,
        presence_penalty: None,
        repetition_penalty: None,
        seed: None,
        stop: Vec::new(),
        logit_bias: Vec::new(),
        top_logprobs: None,
    }
}

/// Nothing known.
pub fn endpoint() -> EndpointFacts {
    EndpointFacts::default()
}

/// Candidates of which each is dearer than the one before.
pub fn candidates(count: usize) -> Vec<Candidate> {
    (0..count)
        .map(|index| {
            let price = 1.0 + index as f64;
            Candidate {
                id: format!("provider-{index}/model"),
                provider: format!("provider-{index}"),
                model: "author/model".to_owned(),
                price: ComparePrice { prompt: price, completion: price, ..ComparePrice::default() },
                estimated_cost: price / 1000.0,
                context_length: 128_000,
                tags: vec![("region".to_owned(), "eu".to_owned())],
                ..Candidate::default()
            }
        })
        .collect()
}

/// A question about those candidates.
pub fn query() -> Query {
    Query {
        models: vec!["author/model".to_owned()],
        prompt_tokens: 1000,
        seed: 7,
        now_ms: 1_700_000_000_000,
        ..Query::default()
    }
}
