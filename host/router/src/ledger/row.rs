//! The part of a row that only people and exports look into, as JSON.

use crate::catalog::{Price, PriceTier};
use crate::record::Attempt;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a row tells beside its columns. Money is in picodollars.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meters: BTreeMap<&'a str, u64>,
    pub(crate) price: Option<PriceLine<'a>>,
    pub(crate) attempts: Vec<AttemptLine<'a>>,
    pub(crate) insured: bool,
    pub(crate) error: Option<&'a str>,
    pub(crate) finish: Option<&'a str>,
    pub(crate) native_finish: Option<&'a str>,
    pub(crate) upstream_id: Option<&'a str>,
    pub(crate) service_tier: Option<&'a str>,
    pub(crate) session: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) referer: Option<&'a str>,
    pub(crate) title: Option<&'a str>,
    pub(crate) media: u32,
    pub(crate) strategy: &'a str,
    pub(crate) reason: &'a str,
}

/// The price that held, per token or unit.
#[derive(Serialize)]
pub(crate) struct PriceLine<'a> {
    prompt: u64,
    completion: u64,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
    reasoning: Option<u64>,
    request: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meters: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above_prompt_tokens: Option<u64>,
}

/// One attempt, with what its provider charges for it.
#[derive(Serialize)]
pub(crate) struct AttemptLine<'a> {
    provider: &'a str,
    endpoint: &'a str,
    model: &'a str,
    credential: &'a str,
    is_byok: bool,
    kind: String,
    outcome: &'a str,
    status: Option<u16>,
    elapsed_ms: u64,
    first_content_ms: Option<u64>,
    prompt: Option<u64>,
    completion: Option<u64>,
    is_estimated: bool,
    upstream_cost: Option<u64>,
}

/// The price as it holds for a prompt of so many tokens.
pub(crate) fn price_line(price: &Price, prompt_tokens: u64) -> PriceLine<'_> {
    let tier = price.tiers.iter().rfind(|tier| prompt_tokens > tier.above_prompt_tokens);
    let mut meters: BTreeMap<&str, u64> = named(&price.meters).collect();
    let line = |prompt, completion| PriceLine {
        prompt,
        completion,
        cache_read: price.cache_read,
        cache_write: price.cache_write,
        cache_write_1h: price.cache_write_1h,
        reasoning: price.reasoning,
        request: price.request,
        meters: BTreeMap::new(),
        above_prompt_tokens: None,
    };
    match tier {
        None => PriceLine { meters, ..line(price.prompt, price.completion) },
        Some(tier) => {
            let PriceTier { cache_read, cache_write, cache_write_1h, reasoning, .. } = *tier;
            meters.extend(named(&tier.meters));
            PriceLine {
                cache_read,
                cache_write,
                cache_write_1h,
                reasoning,
                meters,
                above_prompt_tokens: Some(tier.above_prompt_tokens),
                ..line(tier.prompt, tier.completion)
            }
        }
    }
}

fn named(meters: &[(String, u64)]) -> impl Iterator<Item = (&str, u64)> {
    meters.iter().map(|(name, rate)| (name.as_str(), *rate))
}

/// One attempt as the record has it.
pub(crate) fn attempt_line(attempt: &Attempt) -> AttemptLine<'_> {
    let milliseconds = |it: std::time::Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    AttemptLine {
        provider: &attempt.provider,
        endpoint: &attempt.endpoint,
        model: &attempt.model,
        credential: &attempt.credential,
        is_byok: attempt.is_own,
        kind: format!("{:?}", attempt.kind).to_lowercase(),
        outcome: attempt.outcome,
        status: attempt.status,
        elapsed_ms: milliseconds(attempt.elapsed),
        first_content_ms: attempt.first_content.map(milliseconds),
        prompt: attempt.tokens.map(|(prompt, _)| prompt),
        completion: attempt.tokens.map(|(_, completion)| completion),
        is_estimated: attempt.is_estimated,
        upstream_cost: attempt.upstream_cost,
    }
}
