//! Which endpoints a request may go to, and in which order: resolves what the client
//! names, keeps a reason for each endpoint that is ruled out, and asks the strategy. A
//! strategy that fails is replaced, for this request, by the built-in order.

mod asked;
mod builtin;
pub(crate) mod credentials;
mod decision;
mod eligible;
mod facts;
mod health;
pub(crate) mod name;
mod preference;
mod rank;
mod resolve;
mod unavailable;

pub use asked::{Asked, Service};
pub use credentials::CredentialHealth;
pub use decision::{Cause, Decision, Excluded, Reached, Step};
pub use health::{Health, InFlight, SnapshotPolicy};
pub(crate) use health::{restore, save_all, save_now_and_then};
pub use plugway_routing::health::{Footing, LeftOut, Policy as HealthPolicy};
pub(crate) use resolve::{endpoints, model};

use crate::error::Error;
use crate::{Router, Settings};
use eligible::Eligible;
use facts::Estimate;
use plugway_engine::{Candidate, Query};
use resolve::Resolved;

/// Decides where a request may go.
///
/// # Errors
/// When the model is unknown, nothing is eligible, or the strategy refuses.
pub fn decide(router: &Router, settings: &Settings, asked: &Asked<'_>) -> Result<Decision, Error> {
    let named = &asked.routing.models;
    let resolved = resolve::resolve(&settings.config.catalog, asked.routing)
        .map_err(|error| error.asked_for(named, false))?;
    let asked = &Asked { routing: &resolved.routing, ..*asked };
    let is_pinned = resolved.pin.is_some() || asked.routing.is_pinned();
    let pin = resolved.pin.clone();
    decide_among(router, settings, asked, &resolved)
        .map_err(|error| resolve::told_of_pin(error, pin).asked_for(named, is_pinned))
}

fn decide_among(
    router: &Router,
    settings: &Settings,
    asked: &Asked<'_>,
    resolved: &Resolved,
) -> Result<Decision, Error> {
    let ceiling = &settings.config.routing.ceiling;
    let mut eligible = eligible::list(router, ceiling, resolved.endpoints.clone(), asked);
    eligible.excluded.extend(resolved.excluded.iter().cloned());
    if eligible.endpoints.is_empty() {
        return Err(unavailable::nothing_left(asked, eligible));
    }
    let Eligible { endpoints, excluded, is_last_resort, .. } = eligible;
    let policy = rank::choose_policy(router, settings, asked.routing)?;
    let estimate = Estimate::of(asked);
    let snapshot = router.health.snapshot(SnapshotPolicy::from(&settings.config.routing));
    let candidates: Vec<Candidate> = endpoints
        .iter()
        .map(|it| facts::candidate(router, &snapshot, asked, &it.endpoint, estimate))
        .collect();
    let providers = eligible::slugs(&asked.routing.order, endpoints.iter().map(|it| &*it.endpoint));
    let query = Query { providers, ..facts::query(router, asked, asked.routing, estimate) };
    let (mut plan, strategy) = rank::plan(router, policy.as_deref(), &query, &candidates)?;
    if is_last_resort {
        plan.reason = format!("{LAST_RESORT} {}", plan.reason);
    }
    if preference::put_takers_first(&mut plan.steps, &endpoints, asked.parameters) {
        plan.reason.push_str(TAKERS_FIRST);
    }
    if let Some(pin) = &resolved.pin {
        plan.reason = format!("The request is pinned to {pin}. {}", plan.reason);
    }
    let limit = match asked.routing.no_fallbacks && asked.routing.order.is_empty() {
        true => 1,
        false => settings.config.routing.max_attempts as usize,
    };
    let steps = plan.steps.iter().take(limit).filter_map(|step| {
        let eligible = endpoints.get(step.candidate as usize)?;
        Some(Step {
            endpoint: eligible.endpoint.clone(),
            credential: None,
            adapter: eligible.adapter.clone(),
            effort: step.effort.clone(),
            hedge_after_ms: step.hedge_after_ms,
            first_token_timeout_ms: step.first_token_timeout_ms,
        })
    });
    let (steps, service) = (steps.collect(), asked.service);
    let is_pinned = resolved.pin.is_some() || asked.routing.is_pinned();
    let reason = plan.reason;
    Ok(Decision {
        service,
        steps,
        strategy,
        reason,
        is_pinned,
        resolved_by: resolved.reached.clone(),
        excluded,
        query,
        candidates,
        snapshot,
    })
}

/// Goes ahead of a plan's reason.
const LAST_RESORT: &str = "Nothing but endpoints whose circuit breaker is open was left, so these are tried all the same.";

/// Follows a plan's reason.
const TAKERS_FIRST: &str = " Of each model, endpoints that take all that is asked for come first.";
