//! Each hour of the day has endpoints that come first, e.g. the cheap ones by night.
//! The others follow as fallbacks; among equals the cheapest comes first.
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `hours` | `{}` | by hours in UTC, `from-to` without the latter (`"22-6"` spans midnight): providers, or `name=value` tags, the preferred first; a request's own table replaces the configured one |
//!
//! The hour is that of `query.now_ms`: a strategy has no clock of its own, so that its
//! decisions can be replayed.

use plugway_sdk::strategy::order::{self, Standing};
use plugway_sdk::strategy::{
    Candidate, Plan, Query, Refusal, Setting, Setup, Strategy, known_settings, setting,
};
use std::collections::BTreeMap;

/// Milliseconds in an hour.
const HOUR: u64 = 3_600_000;

/// The strategy as it is configured: who is preferred, by the hour.
#[derive(Debug)]
pub struct TimeOfDay([Vec<String>; 24]);

impl Strategy for TimeOfDay {
    fn open(setup: Setup) -> Result<Self, String> {
        Ok(Self(hours(&setup.options)?.unwrap_or_default()))
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let own = hours(&query.options).map_err(Refusal::InvalidOptions)?;
        let hour = (query.now_ms / HOUR % 24) as usize;
        let preferred = &own.as_ref().unwrap_or(&self.0)[hour];
        let place = |candidate: &Candidate| {
            let named = preferred.iter().position(|name| is_named(candidate, name));
            named.unwrap_or(preferred.len())
        };
        let mut ranked = order::by_key(&query, &candidates, |it| it.estimated_cost);
        // The sort is stable: among equals the cheapest stays first.
        ranked.sort_by_key(|index| {
            let candidate = &candidates[*index];
            (Standing::of(candidate, &query), place(candidate))
        });
        let names = if preferred.is_empty() { "none".into() } else { preferred.join(", ") };
        Ok(Plan::in_order(ranked, format!("preferred at {hour}:00 UTC: {names}")))
    }
}

fn is_named(candidate: &Candidate, name: &str) -> bool {
    let has =
        |(tag, value): (&str, &str)| candidate.tags.iter().any(|it| it.0 == tag && it.1 == value);
    candidate.provider == name || name.split_once('=').is_some_and(has)
}

fn hours(settings: &[Setting]) -> Result<Option<[Vec<String>; 24]>, String> {
    known_settings(settings, &["hours"])?;
    let Some(spans) = setting::<BTreeMap<String, Vec<String>>>(settings, "hours")? else {
        return Ok(None);
    };
    let mut hours: [Option<Vec<String>>; 24] = Default::default();
    for (span, names) in spans {
        let (from, count) = first_and_count(&span)
            .ok_or_else(|| format!("option \"hours\" has {span:?}, which is no span of hours"))?;
        for hour in (from..from + count).map(|hour| hour % 24) {
            if hours[hour].replace(names.clone()).is_some() {
                return Err(format!("option \"hours\" has {hour}:00 twice, once in {span:?}"));
            }
        }
    }
    Ok(Some(hours.map(Option::unwrap_or_default)))
}

/// Of a span such as `8-18`, or `0-24`.
fn first_and_count(span: &str) -> Option<(usize, usize)> {
    let (from, to) = span.split_once('-')?;
    let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
    (from < 24 && to <= 24 && from != to).then(|| (from, (to + 23 - from) % 24 + 1))
}

plugway_sdk::export!(strategy: TimeOfDay);
