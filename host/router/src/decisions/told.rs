//! A record as it is told over HTTP: OpenRouter's account of a generation, and beside it
//! what was decided and why. Whoever may use the router may read it: its id is as hard to
//! guess as a key.

use super::moment::rfc3339;
use plugway_store::decisions::{
    Attempt, Decision, Exclusion, Outcome, Record, Ruling, Service, Strategy,
};
use serde_json::{Value, json};

/// Picodollars in a dollar.
const PER_DOLLAR: f64 = 1e12;

/// Fields of what this router does not do, or does not know.
const UNKNOWN: [&str; 14] = [
    "app_id",
    "cache_discount",
    "external_user",
    "moderation_latency",
    "native_tokens_completion_images",
    "num_fetches",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_search_results",
    "preset_id",
    "response_cache_source_id",
    "router",
    "web_search_engine",
    "workspace_id",
];

/// The whole account.
pub(crate) fn generation(record: &Record) -> Value {
    let mut data = request(record);
    let more = [served(record), counts(&record.outcome), json!({"plugway": account(record)})];
    for more in more {
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
    }
    for name in UNKNOWN {
        data[name] = Value::Null;
    }
    json!({ "data": data })
}

/// What came.
fn request(record: &Record) -> Value {
    let Record { request, outcome, .. } = record;
    json!({
        "id": record.id,
        "request_id": record.id,
        "session_id": request.session,
        "created_at": rfc3339(record.came_ms),
        "api_type": api_type(request.service),
        "streamed": request.streamed,
        "cancelled": outcome.kind == "cancelled",
        "user_agent": request.user_agent,
        "http_referer": request.referer,
        "origin": request.referer.as_deref().unwrap_or(""),
        "data_region": "global",
    })
}

/// Who served it, and how that went.
fn served(record: &Record) -> Value {
    let Record { request, outcome, .. } = record;
    let served = outcome.served.as_ref();
    json!({
        "upstream_id": served.and_then(|it| it.upstream_id.as_deref()),
        "model": served.map_or(request.models.as_str(), |it| &it.model),
        "provider_name": served.map(|it| &it.provider),
        "service_tier": served.and_then(|it| it.service_tier.as_deref()),
        "finish_reason": outcome.finish,
        "native_finish_reason": outcome.native_finish,
        "latency": outcome.duration_ms,
        "generation_time": generation_time(outcome),
        "is_byok": served.is_some_and(|it| it.is_own),
        "provider_responses": record.attempts.iter().map(response).collect::<Vec<_>>(),
    })
}

/// What it took, where anything was served.
fn counts(outcome: &Outcome) -> Value {
    let tokens = outcome.tokens;
    let count = |tokens: u64| outcome.served.is_some().then_some(tokens);
    let cost = dollars(outcome.cost.unwrap_or(0));
    json!({
        "tokens_prompt": count(tokens.prompt),
        "tokens_completion": count(tokens.completion),
        "native_tokens_prompt": count(tokens.prompt),
        "native_tokens_completion": count(tokens.completion),
        "native_tokens_reasoning": count(tokens.reasoning),
        "native_tokens_cached": count(tokens.cached),
        "num_media_prompt": tokens.media,
        "usage": cost,
        "total_cost": cost,
        "upstream_inference_cost": outcome.upstream_cost.map(dollars),
    })
}

/// What OpenRouter has no fields for.
fn account(record: &Record) -> Value {
    let Record { request, outcome, .. } = record;
    json!({
        "route": request.route,
        "models": request.models,
        "title": request.title,
        "status": outcome.status,
        "outcome": outcome.kind,
        "error": outcome.error,
        "endpoint": outcome.served.as_ref().map(|it| &it.endpoint),
        "time_to_first_token": outcome.first_content_ms,
        "tokens_estimated": outcome.tokens.estimated,
        "unpriced": outcome.cost.is_none(),
        "decision": record.decision.as_ref().map(decided),
        "excluded": record.excluded.iter().map(excluded).collect::<Vec<_>>(),
        "attempts": record.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

/// What was asked, of whom, and the answer.
pub(crate) fn decided(decision: &Decision) -> Value {
    let (reason, replaced) = match &decision.ruling {
        Ruling::Plan(_) => (decision.reason.as_str(), false),
        Ruling::Failed { .. } => (decision.reason.as_str(), true),
        Ruling::NoRoute(sentence) | Ruling::InvalidOptions(sentence) => (sentence.as_str(), false),
        Ruling::NoCapacity => ("No instance of the strategy was free.", false),
    };
    let planned = decision.steps.iter().filter_map(|step| {
        let candidate = decision.candidates.get(step.candidate as usize)?;
        Some(json!({
            "endpoint": candidate.id,
            "effort": step.effort,
            "hedge_after_ms": step.hedge_after_ms,
            "first_token_timeout_ms": step.first_token_timeout_ms,
        }))
    });
    let considered = decision.candidates.iter().map(|it| {
        json!({
            "endpoint": it.id,
            "provider": it.provider,
            "model": it.model,
            "estimated_cost": it.estimated_cost,
            "warm": it.warm,
        })
    });
    json!({
        "strategy": decision.strategy.as_ref().map_or("built-in", |it| &it.id),
        "digest": decision.strategy.as_ref().map(|it: &Strategy| it.digest),
        "failed": replaced,
        "reason": reason,
        "note": decision.plan().map(|it| &it.note),
        // Numbers of 64 bits would lose some of them in many a reader.
        "seed": decision.query.seed.to_string(),
        "health_snapshot": decision.snapshot.to_string(),
        "options": decision.query.options,
        "considered": considered.collect::<Vec<_>>(),
        "planned": planned.collect::<Vec<_>>(),
    })
}

/// An endpoint that was ruled out.
pub(crate) fn excluded(it: &Exclusion) -> Value {
    json!({
        "endpoint": it.endpoint,
        "provider": it.provider,
        "model": it.model,
        "cause": it.cause,
        "reason": it.reason,
    })
}

fn attempt(it: &Attempt) -> Value {
    json!({
        "endpoint": it.endpoint,
        "outcome": it.cause.as_deref().unwrap_or("ok"),
        "status": it.status,
        "elapsed_ms": it.elapsed_ms,
        "prompt_tokens": it.tokens.map(|(prompt, _)| prompt),
        "completion_tokens": it.tokens.map(|(_, completion)| completion),
    })
}

/// An attempt in OpenRouter's form. Where nothing came back there is no status to tell.
fn response(it: &Attempt) -> Value {
    let status = it.status.or_else(|| it.cause.is_none().then_some(200));
    json!({
        "endpoint_id": it.endpoint,
        "provider_name": it.provider,
        "model_permaslug": it.model,
        "status": status,
        "latency": it.elapsed_ms,
        "is_byok": it.is_own,
    })
}

/// Of the names that OpenRouter has.
fn api_type(service: Option<Service>) -> Option<&'static str> {
    match service? {
        Service::Chat => Some("completions"),
        Service::Embeddings => Some("embeddings"),
        Service::Rerank => Some("rerank"),
        Service::TokenCount => None,
    }
}

/// From the first content to the end.
fn generation_time(outcome: &Outcome) -> Option<u64> {
    outcome.first_content_ms.map(|first| outcome.duration_ms.saturating_sub(first))
}

#[expect(clippy::cast_precision_loss, reason = "shown, not counted with")]
fn dollars(picodollars: u64) -> f64 {
    picodollars as f64 / PER_DOLLAR
}
