//! The part of a row that only people and exports look into, as JSON: written as a request
//! ends, and read again by those who tell of it and those who add up what each of its
//! attempts cost. What a row of another version lacks is empty.

use crate::catalog::{Price, PriceTier};
use crate::record::Attempt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a row tells beside its columns. Money is in picodollars.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Detail {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meters: BTreeMap<String, u64>,
    /// What held when the request came.
    pub(crate) price: Option<Prices>,
    /// In the order in which they began.
    pub(crate) attempts: Vec<Attempted>,
    /// The answer came to nothing, and is not billed.
    pub(crate) insured: bool,
    pub(crate) error: Option<String>,
    pub(crate) finish: Option<String>,
    pub(crate) native_finish: Option<String>,
    pub(crate) upstream_id: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) referer: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) media: u32,
    pub(crate) strategy: String,
    pub(crate) reason: String,
}

/// A price, per token or unit.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Prices {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    pub(crate) cache_write_1h: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    pub(crate) request: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meters: BTreeMap<String, u64>,
    /// It is the price for prompts longer than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) above_prompt_tokens: Option<u64>,
}

/// One attempt, with what its provider charges for it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Attempted {
    /// Slug.
    pub(crate) provider: String,
    pub(crate) endpoint: String,
    pub(crate) model: String,
    /// Which of the provider's.
    pub(crate) credential: String,
    pub(crate) is_byok: bool,
    /// Why it was made; none: nobody knows any more.
    pub(crate) kind: Option<String>,
    pub(crate) outcome: String,
    pub(crate) status: Option<u16>,
    pub(crate) elapsed_ms: u64,
    pub(crate) first_content_ms: Option<u64>,
    pub(crate) prompt: Option<u64>,
    pub(crate) completion: Option<u64>,
    pub(crate) is_estimated: bool,
    pub(crate) upstream_cost: Option<u64>,
}

impl Detail {
    /// Of what stands in a row. Nothing, where that is no more than a beginning, or was
    /// changed by hand.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// As it stands in a row.
    pub(crate) fn write(&self) -> String {
        // Texts and numbers: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Prices {
    /// The price as it holds for a prompt of so many tokens.
    pub(crate) fn of(price: &Price, prompt_tokens: u64) -> Self {
        let named = |meters: &[(String, u64)]| meters.iter().cloned().collect::<BTreeMap<_, _>>();
        let mut meters = named(&price.meters);
        let line = |prompt, completion| Self {
            prompt,
            completion,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
            cache_write_1h: price.cache_write_1h,
            reasoning: price.reasoning,
            request: price.request,
            ..Self::default()
        };
        let tier = price.tiers.iter().rfind(|tier| prompt_tokens > tier.above_prompt_tokens);
        let Some(tier) = tier else {
            return Self { meters, ..line(price.prompt, price.completion) };
        };
        let PriceTier { cache_read, cache_write, cache_write_1h, reasoning, .. } = *tier;
        meters.extend(named(&tier.meters));
        Self {
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

impl From<&Attempt> for Attempted {
    fn from(attempt: &Attempt) -> Self {
        Self {
            provider: attempt.provider.clone(),
            endpoint: attempt.endpoint.clone(),
            model: attempt.model.clone(),
            credential: attempt.credential.clone(),
            is_byok: attempt.is_own,
            kind: Some(format!("{:?}", attempt.kind).to_lowercase()),
            outcome: attempt.outcome.to_owned(),
            status: attempt.status,
            elapsed_ms: milliseconds(attempt.elapsed),
            first_content_ms: attempt.first_content.map(milliseconds),
            prompt: attempt.tokens.map(|(prompt, _)| prompt),
            completion: attempt.tokens.map(|(_, completion)| completion),
            is_estimated: attempt.is_estimated,
            upstream_cost: attempt.upstream_cost,
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_of_another_version_lacks_is_empty() {
        for text in ["", "{}", "[]", "{\"attempts\":7}", "{\"of_the_future\":[1]}"] {
            let detail = Detail::read(text);
            assert!(detail.attempts.is_empty() && detail.price.is_none(), "{text}");
        }
        let detail = Detail::read(r#"{"attempts":[{"provider":"p","upstream_cost":3}]}"#);
        assert_eq!(detail.attempts[0].upstream_cost, Some(3));
    }

    #[test]
    fn the_largest_cost_is_read_as_it_was_written() {
        let detail = Detail::read(r#"{"attempts":[{"upstream_cost":18446744073709551615}]}"#);
        assert_eq!(detail.attempts[0].upstream_cost, Some(u64::MAX));
    }
}
