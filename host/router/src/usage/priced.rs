//! Attempts and prices of a row's detail, with money as the exact dollars that people and
//! programs read.

use super::money::dollars;
use crate::ledger::{Attempted, Prices};
use plugway_accounts::money::Dollars;
use serde::Serialize;
use std::collections::BTreeMap;

/// Dollars for a token or a unit.
#[derive(Serialize)]
pub(super) struct PriceTold<'a> {
    prompt: Dollars,
    completion: Dollars,
    cache_read: Option<Dollars>,
    cache_write: Option<Dollars>,
    cache_write_1h: Option<Dollars>,
    reasoning: Option<Dollars>,
    request: Dollars,
    meters: BTreeMap<&'a str, Dollars>,
    above_prompt_tokens: Option<u64>,
}

/// An attempt, with what it cost.
#[derive(Serialize)]
pub(super) struct AttemptTold<'a> {
    endpoint: &'a str,
    provider: &'a str,
    model: &'a str,
    kind: Option<&'a str>,
    outcome: &'a str,
    status: Option<u16>,
    elapsed_ms: u64,
    time_to_first_token: Option<u64>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    tokens_estimated: bool,
    is_byok: bool,
    upstream_cost: Option<Dollars>,
}

pub(super) fn attempt(it: &Attempted) -> AttemptTold<'_> {
    AttemptTold {
        endpoint: &it.endpoint,
        provider: &it.provider,
        model: &it.model,
        kind: it.kind.as_deref(),
        outcome: &it.outcome,
        status: it.status,
        elapsed_ms: it.elapsed_ms,
        time_to_first_token: it.first_content_ms,
        prompt_tokens: it.prompt,
        completion_tokens: it.completion,
        tokens_estimated: it.is_estimated,
        is_byok: it.is_byok,
        upstream_cost: it.upstream_cost.map(dollars),
    }
}

pub(super) fn price(it: &Prices) -> PriceTold<'_> {
    PriceTold {
        prompt: dollars(it.prompt),
        completion: dollars(it.completion),
        cache_read: it.cache_read.map(dollars),
        cache_write: it.cache_write.map(dollars),
        cache_write_1h: it.cache_write_1h.map(dollars),
        reasoning: it.reasoning.map(dollars),
        request: dollars(it.request),
        meters: it.meters.iter().map(|(name, rate)| (name.as_str(), dollars(*rate))).collect(),
        above_prompt_tokens: it.above_prompt_tokens,
    }
}
