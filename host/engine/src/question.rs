//! A routing question in the contract's types. They borrow, so that candidates
//! are laid out anew for each question but their strings are not copied.

use crate::bindings::strategy::exports::plugway::strategy::strategy as wit;
use crate::rehearsal::SELF_CHECK;
use crate::spoken;
use crate::types::{
    Candidate, ComparePrice, Cutoffs, Health, Objective, Percentiles, Plan, Query, Refusal, Step,
};

/// Name and value, borrowed.
type Pair<'a> = (&'a str, &'a str);

/// Lays the question out and passes it on.
pub(crate) fn ask<R>(
    query: &Query,
    candidates: &[Candidate],
    ask: impl FnOnce(wit::Query<'_>, &[wit::Candidate<'_>]) -> R,
) -> R {
    let models = strings(&query.models);
    let providers = strings(&query.providers);
    let needs = strings(&query.needs);
    let tags = pairs(&query.tags);
    let options = pairs(&query.options);
    let query = wit::Query {
        models: &models,
        keep_model_order: query.keep_model_order,
        providers: &providers,
        objective: query.objective.into(),
        min_throughput: query.min_throughput.map(Into::into),
        max_latency_ms: query.max_latency_ms.map(Into::into),
        prompt_tokens: query.prompt_tokens,
        max_tokens: query.max_tokens,
        streaming: query.streaming,
        needs: &needs,
        tags: &tags,
        options: &options,
        session: query.session,
        seed: query.seed,
        now_ms: query.now_ms,
    };
    let labels: Vec<Vec<Pair<'_>>> =
        candidates.iter().map(|candidate| pairs(&candidate.tags)).collect();
    let candidates: Vec<wit::Candidate<'_>> = candidates
        .iter()
        .zip(&labels)
        .map(|(candidate, labels)| self::candidate(candidate, labels))
        .collect();
    ask(query, &candidates)
}

/// Borrows names and values.
pub(crate) fn pairs(owned: &[(String, String)]) -> Vec<Pair<'_>> {
    owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// What a policy is tried with before it serves: two candidates that differ in
/// price, of a provider by which a plugin can tell.
pub(crate) fn trial_candidates() -> Vec<Candidate> {
    let candidate = |name: &str, price: f64| Candidate {
        id: format!("{SELF_CHECK}/{name}"),
        provider: SELF_CHECK.to_owned(),
        model: "self-check/model".to_owned(),
        price: ComparePrice { prompt: price, completion: price, ..ComparePrice::default() },
        estimated_cost: price / 1000.0,
        context_length: 128_000,
        ..Candidate::default()
    };
    vec![candidate("cheap", 1.0), candidate("dear", 2.0)]
}

/// The question about [`trial_candidates`].
pub(crate) fn trial_query() -> Query {
    Query {
        models: vec!["self-check/model".to_owned()],
        prompt_tokens: 1000,
        seed: 1,
        ..Query::default()
    }
}

fn strings(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

fn candidate<'a>(from: &'a Candidate, labels: &'a [Pair<'a>]) -> wit::Candidate<'a> {
    wit::Candidate {
        id: &from.id,
        provider: &from.provider,
        model: &from.model,
        price: from.price.into(),
        estimated_cost: from.estimated_cost,
        context_length: from.context_length,
        max_output_tokens: from.max_output_tokens,
        quantization: from.quantization.as_deref(),
        region: from.region.as_deref(),
        service_tier: from.service_tier.as_deref(),
        own_key: from.own_key,
        warm: from.warm,
        scores: &from.scores,
        tags: labels,
        health: (&from.health).into(),
    }
}

impl From<Objective> for wit::Objective {
    fn from(objective: Objective) -> Self {
        match objective {
            Objective::Balanced => Self::Balanced,
            Objective::Price => Self::Price,
            Objective::Throughput => Self::Throughput,
            Objective::Latency => Self::Latency,
            Objective::Quality => Self::Quality,
        }
    }
}

impl From<Cutoffs> for wit::Cutoffs {
    fn from(Cutoffs { p50, p75, p90, p99 }: Cutoffs) -> Self {
        Self { p50, p75, p90, p99 }
    }
}

impl From<Percentiles> for wit::Percentiles {
    fn from(Percentiles { p50, p75, p90, p99, samples }: Percentiles) -> Self {
        Self { p50, p75, p90, p99, samples }
    }
}

impl From<ComparePrice> for wit::Price {
    fn from(price: ComparePrice) -> Self {
        let ComparePrice { prompt, completion, cache_read, cache_write, request } = price;
        Self { prompt, completion, cache_read, cache_write, request }
    }
}

impl From<&Health> for wit::Health {
    fn from(health: &Health) -> Self {
        Self {
            uptime_30s: health.uptime_30s,
            uptime_5m: health.uptime_5m,
            uptime_30m: health.uptime_30m,
            rate_limited_5m: health.rate_limited_5m,
            bad_tool_calls: health.bad_tool_calls,
            tripped: health.tripped,
            in_flight: health.in_flight,
            capacity: health.capacity,
            latency_ms: health.latency_ms.map(Into::into),
            throughput: health.throughput.map(Into::into),
        }
    }
}

impl From<wit::Plan> for Plan {
    fn from(plan: wit::Plan) -> Self {
        let steps = plan.steps.into_iter().map(Into::into).collect();
        Self { steps, reason: spoken::sentence(&plan.reason), note: spoken::note(plan.note) }
    }
}

impl From<wit::Step> for Step {
    fn from(step: wit::Step) -> Self {
        Self {
            candidate: step.candidate,
            effort: step.effort.and_then(spoken::name),
            hedge_after_ms: step.hedge_after_ms,
            first_token_timeout_ms: step.first_token_timeout_ms,
        }
    }
}

impl From<wit::Refusal> for Refusal {
    fn from(refusal: wit::Refusal) -> Self {
        match refusal {
            wit::Refusal::NoRoute(text) => Self::NoRoute(spoken::sentence(&text)),
            wit::Refusal::InvalidOptions(text) => Self::InvalidOptions(spoken::sentence(&text)),
        }
    }
}
