//! Running a plugin natively, in its own unit tests: a [`Transcript`] is what a
//! provider answered; [`whole`] and [`streamed`] decode it as the router would;
//! [`Answer`] joins the pieces, so that both can be compared; [`check_contract`]
//! finds what the contract forbids.

mod answer;
mod contract;
mod transcript;

pub use answer::Answer;
pub use contract::check_contract;
pub use transcript::{Transcript, explained, streamed, whole};

use crate::chat::{Message, Request, Sampling};
use crate::provider::Endpoint;
use crate::strategy::{Candidate, Health, Objective, Price, Query};

/// A request of one user message `hi`, with no other wish.
pub fn request() -> Request {
    Request {
        model: "test-model".into(),
        dialect: "openai-chat".into(),
        headers: Vec::new(),
        messages: vec![Message::user("hi")],
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls: None,
        response_format: None,
        sampling: Sampling::default(),
        choices: 1,
        max_tokens: None,
        reasoning: None,
        modalities: Vec::new(),
        verbosity: None,
        service_tier: None,
        user: None,
        cache_key: None,
        auto_cache: None,
        streaming: false,
        extra: Vec::new(),
    }
}

/// An endpoint of which nothing is known, with these options: name and JSON.
pub fn endpoint(options: &[(&str, &str)]) -> Endpoint {
    Endpoint {
        max_output_tokens: None,
        options: options.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect(),
    }
}

/// A query without preferences.
pub fn query() -> Query {
    Query {
        models: Vec::new(),
        keep_model_order: false,
        providers: Vec::new(),
        objective: Objective::Balanced,
        min_throughput: None,
        max_latency_ms: None,
        prompt_tokens: 1000,
        max_tokens: None,
        streaming: false,
        needs: Vec::new(),
        tags: Vec::new(),
        options: Vec::new(),
        session: None,
        seed: 1,
        now_ms: 0,
    }
}

/// An idle, unmeasured candidate of this id, `<provider>/<model>`, at this cost in
/// US dollars for the whole request.
pub fn candidate(id: &str, estimated_cost: f64) -> Candidate {
    let (provider, model) = id.split_once('/').unwrap_or((id, id));
    Candidate {
        id: id.into(),
        provider: provider.into(),
        model: model.into(),
        price: Price {
            prompt: estimated_cost * 1000.0,
            completion: 0.0,
            cache_read: None,
            cache_write: None,
            request: 0.0,
        },
        estimated_cost,
        context_length: 128_000,
        max_output_tokens: None,
        quantization: None,
        region: None,
        service_tier: None,
        own_key: false,
        warm: false,
        scores: Vec::new(),
        tags: Vec::new(),
        health: Health::default(),
    }
}
