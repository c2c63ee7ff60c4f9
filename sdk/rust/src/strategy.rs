//! What a routing strategy implements: a pure function that orders the endpoints
//! which could serve a request. The router has already removed what the request,
//! the key or the policy rules out.

pub mod draw;
pub mod measured;
pub mod objective;
pub mod order;
mod patience;
mod percentile;
mod soundness;

pub use crate::bindings::strategy::exports::plugway::strategy::strategy::{
    Candidate, Cutoffs, Health, Objective, Percentiles, Plan, Price, Query, Refusal, Setting,
    Setup, Step,
};
#[doc(hidden)]
pub use crate::export::{ExportedStrategy as Exported, exportable_strategy as exportable};

pub use patience::Patience;
pub use percentile::Percentile;
pub use soundness::{Band, Bands};

use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;

/// A strategy. Opened once and asked many times, one at a time; it must not
/// remember any request, so that every decision can be replayed from its inputs.
pub trait Strategy: Sized + 'static {
    /// Reads the configuration. Called at load and when it changed.
    ///
    /// # Errors
    /// A sentence naming what is wrong; the former policy keeps serving.
    fn open(setup: Setup) -> Result<Self, String>;

    /// Orders the candidates, of which there is at least one. Those left out of the
    /// plan are not tried. The same query and candidates give the same plan; chance
    /// comes from `query.seed` alone.
    ///
    /// # Errors
    /// Where no candidate is acceptable or the request's own options are wrong.
    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal>;
}

impl Plan {
    /// Tries the candidates in the order of these indices; the reason is one
    /// sentence for whoever asks why.
    pub fn in_order(
        candidates: impl IntoIterator<Item = usize>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            steps: candidates.into_iter().map(Step::new).collect(),
            reason: reason.into(),
            note: String::new(),
        }
    }
}

impl Step {
    /// Tries one candidate, by its index, as the router is configured to.
    ///
    /// Indices beyond `u32` do not occur; they would name no candidate.
    pub fn new(candidate: usize) -> Self {
        Self {
            candidate: u32::try_from(candidate).unwrap_or(u32::MAX),
            effort: None,
            hedge_after_ms: None,
            first_token_timeout_ms: None,
        }
    }
}

/// The setting of this name; none where it is absent or `null`. Given twice, the
/// last stands.
///
/// # Errors
/// A sentence naming the setting, where its value has another type.
pub fn setting<T: DeserializeOwned>(settings: &[Setting], name: &str) -> Result<Option<T>, String> {
    let Some((_, json)) = settings.iter().rev().find(|(key, _)| key == name) else {
        return Ok(None);
    };
    serde_json::from_str(json).map_err(|error| format!("option {name:?} is wrong: {error}"))
}

/// The number of this name, within bounds; `default` where the setting is absent.
///
/// # Errors
/// A sentence naming the setting, where its value is something else or out of bounds.
pub fn number(
    settings: &[Setting],
    name: &str,
    range: RangeInclusive<f64>,
    default: f64,
) -> Result<f64, String> {
    let value = setting(settings, name)?.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("option {name:?} must be from {} to {}", range.start(), range.end()))
}

/// Says which settings a strategy does not know, so that a typing error is not
/// ignored in silence.
///
/// # Errors
/// A sentence naming the first unknown setting and those that there are.
pub fn known_settings(settings: &[Setting], known: &[&str]) -> Result<(), String> {
    match settings.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) if known.is_empty() => {
            Err(format!("there is no option {name:?}; this strategy has none"))
        }
        Some((name, _)) => {
            Err(format!("there is no option {name:?}; there are: {}", known.join(", ")))
        }
    }
}
