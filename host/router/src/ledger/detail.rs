//! The part of a row that [`super::Line`] wrote, read again: by those who tell of a request,
//! and by those who add up what each of its attempts cost. What a row of another version
//! lacks is empty.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What a row tells beside its columns. Money is in picodollars.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Prices {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    pub(crate) cache_write_1h: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    pub(crate) request: u64,
    pub(crate) meters: BTreeMap<String, u64>,
    /// It is the price for prompts longer than this.
    pub(crate) above_prompt_tokens: Option<u64>,
}

/// One attempt, with what its provider charges for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attempted {
    /// Slug.
    pub(crate) provider: String,
    pub(crate) endpoint: String,
    pub(crate) model: String,
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
