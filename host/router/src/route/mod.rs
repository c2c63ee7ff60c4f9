//! Which endpoints a request may go to, and in which order: resolves what the client
//! names, keeps a reason for each endpoint that is ruled out, and asks the strategy. A
//! strategy that fails is replaced, for this request, by the built-in order.

mod asked;
mod builtin;
mod conversation;
pub(crate) mod credentials;
mod decision;
mod eligible;
mod facts;
mod health;
mod instead;
pub(crate) mod name;
mod pin;
mod preference;
mod rank;
mod resolve;
mod unavailable;

pub use asked::{Asked, Service};
pub(crate) use eligible::{names, names_model};
pub(crate) use builtin::plan as built_in;
pub use conversation::Conversation;
pub use credentials::CredentialHealth;
pub use decision::{
    BUILT_IN, Cause, Decision, Excluded, NoPlan, Question, Reached, Step, Undecided,
};
pub use health::{Health, InFlight, SnapshotPolicy, Watch};
pub(crate) use health::{restore, save_all, save_now_and_then, told as health_told};
pub use plugway_routing::health::{Footing, LeftOut, Policy as HealthPolicy};
pub(crate) use rank::{check, replacement};
pub(crate) use resolve::{endpoints, model};

use crate::config::RoutingConfig;
use crate::{Router, Settings};
use eligible::{Choice, Eligible};
use facts::{Estimate, Facts};
use plugway_engine::{Candidate, Query};
use plugway_wire::Routing;
use preference::Arranged;
use resolve::Resolved;

/// Decides where a request may go.
///
/// # Errors
/// When the model is unknown, nothing is eligible, or the strategy refuses.
pub fn decide(
    router: &Router,
    settings: &Settings,
    asked: &Asked<'_>,
) -> Result<Decision, Box<Undecided>> {
    let named = &asked.routing.models;
    let resolved = resolve::resolve(&settings.config.catalog, asked.routing).map_err(|error| {
        let names = resolve::unpinned(&settings.config.catalog, named);
        let is_pinned = asked.routing.is_pinned() || (names.is_empty() && !named.is_empty());
        let instead = match is_pinned {
            true => Vec::new(),
            false => instead::instead(router, settings, asked, &names, &error),
        };
        Undecided::early(asked.service, error.asked_for(named, is_pinned).or_instead(instead))
    })?;
    let asked = &Asked { routing: &resolved.routing, ..*asked };
    decide_among(router, settings, asked, &resolved).map_err(|undecided| {
        let is_pinned = is_pinned(asked, &resolved);
        // A pinned request wants no other; what a strategy would accept only it knows.
        let instead = match is_pinned || undecided.question.is_some() {
            true => Vec::new(),
            false => {
                let names = resolved.unpinned();
                instead::instead(router, settings, asked, &names, &undecided.error)
            }
        };
        let error = resolve::told_of_pin(undecided.error, resolved.pin.clone());
        let error = error.asked_for(named, is_pinned).or_instead(instead);
        Box::new(Undecided { error, ..*undecided })
    })
}

fn is_pinned(asked: &Asked<'_>, resolved: &Resolved) -> bool {
    resolved.pin.is_some() || asked.routing.is_pinned()
}

fn decide_among(
    router: &Router,
    settings: &Settings,
    asked: &Asked<'_>,
    resolved: &Resolved,
) -> Result<Decision, Box<Undecided>> {
    let early = |error| Undecided::early(asked.service, error);
    let routing = &settings.config.routing;
    let (named, pins) = (resolved.endpoints.clone(), &resolved.pins);
    let mut eligible = eligible::list(router, &routing.ceiling, named, asked, pins);
    eligible.excluded.extend(resolved.excluded.iter().cloned());
    if eligible.endpoints.is_empty() {
        let excluded = eligible.excluded.clone();
        let error = unavailable::nothing_left(asked, eligible);
        return Err(Box::new(Undecided { excluded, ..*early(error) }));
    }
    let Eligible { endpoints, excluded, is_last_resort, .. } = eligible;
    let policy = rank::choose_policy(router, settings, asked.routing).map_err(early)?;
    let estimate = Estimate::of(asked);
    let snapshot = router.health.snapshot(SnapshotPolicy::from(routing));
    let conversation = Conversation::of(asked);
    let facts =
        Facts { router, bounds: routing, asked, estimate, conversation, snapshot: &snapshot };
    let candidates: Vec<Candidate> =
        endpoints.iter().map(|it| facts.candidate(&it.endpoint)).collect();
    let providers = eligible::slugs(&asked.routing.order, endpoints.iter().map(|it| &*it.endpoint));
    let query =
        Query { providers, ..facts::query(router, asked, asked.routing, estimate, conversation) };
    let (plan, strategy) = match rank::plan(router, policy.as_deref(), &query, &candidates) {
        Ok(ranked) => ranked,
        Err(answer) => {
            let error = rank::told(&answer, &candidates, &excluded);
            let question = Some(Question { query, candidates, snapshot, policy, answer });
            return Err(Box::new(Undecided { excluded, question, ..*early(error) }));
        }
    };
    let known = (&*endpoints, &*candidates);
    let arranged = preference::arrange(&plan.steps, known, &query, asked, pins);
    Ok(Decision {
        service: asked.service,
        steps: steps(&arranged.steps, &endpoints, asked.routing, routing),
        strategy,
        reason: reason(&plan.reason, is_last_resort, &arranged, resolved.pin.as_deref()),
        is_pinned: is_pinned(asked, resolved),
        resolved_by: resolved.reached.clone(),
        excluded,
        query,
        candidates,
        snapshot,
        policy,
        plan,
        conversation,
    })
}

/// The steps of a plan as they are walked. What names no endpoint is no step.
fn steps(
    plan: &[plugway_engine::Step],
    endpoints: &[Choice],
    asked: &Routing,
    routing: &RoutingConfig,
) -> Vec<Step> {
    let limit = match asked.no_fallbacks && asked.order.is_empty() {
        true => 1,
        false => routing.max_attempts as usize,
    };
    let steps = plan.iter().filter_map(|step| {
        let Choice { endpoint, adapter, tripped } = endpoints.get(step.candidate as usize)?;
        Some(Step {
            endpoint: endpoint.clone(),
            adapter: adapter.clone(),
            credential: None,
            tripped: *tripped,
            effort: step.effort.clone(),
            hedge_after_ms: step.hedge_after_ms,
            first_token_timeout_ms: step.first_token_timeout_ms,
        })
    });
    steps.take(limit).collect()
}

/// The strategy's sentence, with what the router itself adds to the plan.
fn reason(said: &str, is_last_resort: bool, arranged: &Arranged, pin: Option<&str>) -> String {
    let pinned = pin.map(|pin| format!("The request is pinned to {pin}. "));
    let before = if is_last_resort { LAST_RESORT } else { "" };
    let in_order = if arranged.in_order { IN_ORDER } else { "" };
    let takers_first = if arranged.takers_first { TAKERS_FIRST } else { "" };
    format!("{}{before}{said}{in_order}{takers_first}", pinned.unwrap_or_default())
}

/// Goes ahead of a plan's reason.
const LAST_RESORT: &str = "Nothing but endpoints whose circuit breaker is open was left, so these are tried all the same. ";

/// Follows a plan's reason.
const IN_ORDER: &str = " Variants come in the order that the request gives them.";

/// Follows both.
const TAKERS_FIRST: &str = " Of each model, endpoints that take all that is asked for come first.";
