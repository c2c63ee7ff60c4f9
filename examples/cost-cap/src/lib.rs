//! No request may be expected to cost more than a cap: dearer endpoints are not tried,
//! and a request that every endpoint is too dear for is refused. Of the others the
//! cheapest comes first, after what the client asked for.
//!
//! The expected cost supposes an answer of usual length. It is no limit to the bill:
//! that is what keys have budgets for.
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `max_usd` | no cap | US dollars that one request may be expected to cost; a request can lower the configured cap, not raise it |

use plugway_sdk::strategy::{
    Candidate, Plan, Query, Refusal, Setting, Setup, Strategy, known_settings, order, setting,
};

/// The strategy as it is configured.
#[derive(Debug)]
pub struct CostCap {
    max_usd: f64,
}

impl Strategy for CostCap {
    fn open(setup: Setup) -> Result<Self, String> {
        Ok(Self { max_usd: cap(&setup.options)? })
    }

    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let own = cap(&query.options).map_err(Refusal::InvalidOptions)?;
        let cap = self.max_usd.min(own);
        let mut ranked = order::by_key(&query, &candidates, |it| it.estimated_cost);
        // A cost that is not a number is unknown, and above every cap.
        ranked.retain(|index| cap.is_infinite() || candidates[*index].estimated_cost <= cap);

        let Some(first) = ranked.first().map(|index| &candidates[*index]) else {
            return Err(Refusal::NoRoute(too_dear(&candidates, cap)));
        };
        let cost = match first.estimated_cost {
            cost if cost.is_nan() => format!("{} has no known cost", first.id),
            cost => format!("{} is expected to cost ${cost:.6}", first.id),
        };
        let kept = match cap {
            f64::INFINITY => "there is no cap".to_owned(),
            cap => {
                let (kept, all) = (ranked.len(), candidates.len());
                format!("{kept} of {all} candidates keep to the cap of ${cap:.6}")
            }
        };
        Ok(Plan::in_order(ranked, format!("{cost}; {kept}")))
    }
}

/// What to say where no candidate keeps to the cap.
fn too_dear(candidates: &[Candidate], cap: f64) -> String {
    let known = candidates.iter().map(|it| it.estimated_cost).filter(|cost| !cost.is_nan());
    match known.reduce(f64::min) {
        Some(least) => format!(
            "One request may cost ${cap:.6}, and the cheapest endpoint is expected to cost \
             ${least:.6}; shorten the prompt or lower `max_tokens`."
        ),
        None => format!(
            "One request may cost ${cap:.6}, and no endpoint has a known price; name a model \
             that has one, or leave out `max_usd`."
        ),
    }
}

fn cap(settings: &[Setting]) -> Result<f64, String> {
    known_settings(settings, &["max_usd"])?;
    match setting(settings, "max_usd")? {
        None => Ok(f64::INFINITY),
        Some(cap) if cap >= 0.0 => Ok(cap),
        Some(_) => Err("option \"max_usd\" must not be below 0".into()),
    }
}

plugway_sdk::export!(strategy: CostCap);
