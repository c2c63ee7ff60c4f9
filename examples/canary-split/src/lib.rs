//! A share of the traffic tries something new first; the rest tries it last. A whole
//! conversation is on one side, and stays on the new side when the share grows.
//!
//! The new thing is a model, or the endpoints with a tag. The client's order comes
//! first: where it names several models in order, a model splits nothing, unless the
//! client lets endpoints be sorted over all models (`provider.sort.partition`).
//!
//! Options, from the configuration; a request cannot set any:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `model` | | slug of the new model; either this or `tag` |
//! | `tag` | | `name=value` of the new endpoints; either this or `model` |
//! | `percent` | required | conversations, or requests without a session, of 100 that try the new first |

use plugway_sdk::strategy::order::{self, Standing};
use plugway_sdk::strategy::{
    Candidate, Plan, Query, Refusal, Setup, Strategy, known_settings, setting,
};

/// The strategy as it is configured.
#[derive(Debug)]
pub struct CanarySplit {
    canary: Canary,
    percent: f64,
}

#[derive(Debug)]
enum Canary {
    Model(String),
    Tag(String, String),
}

impl Strategy for CanarySplit {
    fn open(setup: Setup) -> Result<Self, String> {
        known_settings(&setup.options, &["model", "tag", "percent"])?;
        let model: Option<String> = setting(&setup.options, "model")?;
        let tag: Option<String> = setting(&setup.options, "tag")?;
        let canary = match (model, tag.as_deref().map(|tag| tag.split_once('='))) {
            (Some(model), None) => Canary::Model(model),
            (None, Some(Some((name, value)))) => Canary::Tag(name.into(), value.into()),
            (None, Some(None)) => return Err("option \"tag\" must read `name=value`".into()),
            _ => return Err("set one of the options \"model\" and \"tag\"".into()),
        };
        let percent: Option<f64> = setting(&setup.options, "percent")?;
        match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
            Some(percent) => Ok(Self { canary, percent }),
            None => Err("option \"percent\" must be set, from 0 to 100".into()),
        }
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        known_settings(&query.options, &[]).map_err(Refusal::InvalidOptions)?;
        let tries_new = place(query.session.unwrap_or(query.seed)) < self.percent;
        let mut ranked = order::by_key(&query, &candidates, |it| it.estimated_cost);
        // The sort is stable: on either side the cheapest stays first.
        ranked.sort_by_key(|index| {
            let candidate = &candidates[*index];
            (Standing::of(candidate, &query), self.is_new(candidate) != tries_new)
        });
        let side = if tries_new { "the new" } else { "the old" };
        let drawn = if query.session.is_some() { "conversation" } else { "request" };
        let percent = self.percent;
        let reason = format!("this {drawn} tries {side} first; {percent}% try the new first");
        Ok(Plan::in_order(ranked, reason))
    }
}

impl CanarySplit {
    fn is_new(&self, candidate: &Candidate) -> bool {
        match &self.canary {
            Canary::Model(model) => candidate.model == *model,
            Canary::Tag(name, value) => candidate.tags.iter().any(|(n, v)| n == name && v == value),
        }
    }
}

/// From 0 up to, without, 100; always the same for the same number, and evenly spread
/// however alike the numbers are (Fibonacci hashing).
fn place(number: u64) -> f64 {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    100.0 * (spread as f64 / (1_u64 << 53) as f64)
}

plugway_sdk::export!(strategy: CanarySplit);
