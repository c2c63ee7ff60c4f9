//! Which endpoints a request may go to, and in which order: resolves what the client
//! names, keeps a reason for each endpoint that is ruled out, and asks the strategy. A
//! strategy that fails is replaced, for this request, by the built-in order.

mod asked;
mod builtin;
mod conversation;
mod decision;
mod eligible;
mod facts;
mod health;
mod rank;
mod resolve;
mod window;

pub use asked::{Asked, Service};
pub use conversation::Conversation;
pub use decision::{Cause, Decision, Excluded, Step};
pub use health::{Footing, Health, InFlight, LeftOut, Policy as HealthPolicy};
pub(crate) use resolve::endpoints;

use crate::error::{Code, Error};
use crate::{Router, Settings};
use eligible::Eligible;
use facts::Estimate;
use plugway_engine::Candidate;

/// Decides where a request may go.
///
/// # Errors
/// When the model is unknown, nothing is eligible, or the strategy refuses.
pub fn decide(router: &Router, settings: &Settings, asked: &Asked<'_>) -> Result<Decision, Error> {
    let resolved = resolve::resolve(&settings.config.catalog, asked.routing)?;
    let asked = &Asked { routing: &resolved.routing, ..*asked };
    let eligible = eligible::list(router, resolved.endpoints, asked);
    if eligible.endpoints.is_empty() {
        return Err(nothing_left(asked, eligible));
    }
    let Eligible { endpoints, excluded, is_last_resort, .. } = eligible;
    let policy = rank::choose_policy(router, settings, asked.routing)?;
    let estimate = Estimate::of(asked);
    let conversation = Conversation::of(asked);
    let bounds = &settings.config.routing;
    let candidates: Vec<Candidate> = endpoints
        .iter()
        .map(|it| facts::candidate(router, asked, &it.endpoint, estimate, conversation, bounds))
        .collect();
    let query = facts::query(router, asked, asked.routing, estimate, conversation);
    let (mut plan, strategy) = rank::plan(router, policy.as_deref(), &query, &candidates)?;
    if is_last_resort {
        plan.reason = format!("{LAST_RESORT} {}", plan.reason);
    }
    let limit = match asked.routing.no_fallbacks && asked.routing.order.is_empty() {
        true => 1,
        false => bounds.max_attempts as usize,
    };
    let steps = plan.steps.iter().take(limit).filter_map(|step| {
        let eligible = endpoints.get(step.candidate as usize)?;
        Some(Step {
            endpoint: eligible.endpoint.clone(),
            adapter: eligible.adapter.clone(),
            effort: step.effort.clone(),
            hedge_after_ms: step.hedge_after_ms,
            first_token_timeout_ms: step.first_token_timeout_ms,
        })
    });
    let (steps, service) = (steps.collect(), asked.service);
    let reason = plan.reason;
    Ok(Decision { service, steps, strategy, reason, excluded, query, candidates, conversation })
}

/// Goes ahead of a plan's reason.
const LAST_RESORT: &str = "Nothing but endpoints whose circuit breaker is open was left, so these are tried all the same.";

fn nothing_left(asked: &Asked<'_>, eligible: Eligible) -> Error {
    let models = asked.routing.models.join("`, `");
    let all_for = |cause| eligible.excluded.iter().all(|it| it.cause == cause);
    // No wait and no other preference would change that.
    let (code, what) = if all_for(Cause::Offer) {
        (Code::Unsupported, format!("No endpoint of `{models}` {}", asked.service.activity()))
    } else if all_for(Cause::NativeFormat) {
        let field = asked.native_at.map_or(String::new(), |way| format!(" at `{way}`"));
        (Code::Unsupported, format!("No endpoint of `{models}` reads what is native{field}"))
    } else {
        (Code::NoEndpoint, format!("No endpoint is left for `{models}`"))
    };
    let message = format!("{what}; error.metadata.endpoints has the reason for each.");
    let native_at = asked.native_at.filter(|_| all_for(Cause::NativeFormat));
    let reasons = eligible.excluded.into_iter().map(|it| (it.endpoint, it.reason)).collect();
    let error = Error { reasons, retry_after: eligible.recovery, ..Error::new(code, message) };
    match native_at {
        Some(way) => error.param(way),
        None => error,
    }
}
