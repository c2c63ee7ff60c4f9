//! Which endpoints a request may go to, and in which order: lists the candidates,
//! keeps a reason for each that is ruled out, and asks the strategy. A strategy
//! that fails is replaced, for this request, by the built-in order.

mod asked;
mod breaker;
mod builtin;
mod cooldown;
mod eligible;
mod health;
mod window;

pub use asked::{Asked, Service};
pub(crate) use eligible::endpoints;
pub use health::{Footing, Health, InFlight, LeftOut, Policy as HealthPolicy, Verdict};

use crate::catalog::Endpoint;
use crate::error::{Code, Error};
use crate::telemetry::PluginLabels;
use crate::{Router, Settings};
use eligible::Eligible;
use plugway_engine::{Adapter, CallErrorKind, Candidate, Objective, Plan, Policy, Query, Refusal};
use plugway_wire::{Partition, Routing, Sort};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// One endpoint to try, with the adapter that was serving when the decision fell.
#[derive(Clone)]
pub struct Step {
    /// Where to.
    pub endpoint: Arc<Endpoint>,
    /// Who translates. The request keeps this generation to its end.
    pub adapter: Arc<Adapter>,
    /// Reasoning effort to use if the client gave none.
    pub effort: Option<String>,
    /// Overrides the configured time to first token, milliseconds.
    pub first_token_timeout_ms: Option<u32>,
}

/// What was decided for one request, and why.
pub struct Decision {
    /// What is to be done.
    pub service: Service,
    /// Tried in order; never empty.
    pub steps: Vec<Step>,
    /// Who decided: a strategy's id and digest, or `built-in`.
    pub strategy: String,
    /// The strategy's sentence.
    pub reason: String,
    /// Endpoints ruled out: id and reason.
    pub excluded: Vec<(String, String)>,
    /// All randomness of this request.
    pub seed: u64,
    /// The request's time, milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Decides where a request may go.
///
/// # Errors
/// When the model is unknown, nothing is eligible, or the strategy refuses.
pub fn decide(router: &Router, settings: &Settings, asked: &Asked<'_>) -> Result<Decision, Error> {
    let eligible = eligible::list(router, &settings.config.catalog, asked)?;
    if eligible.endpoints.is_empty() {
        return Err(nothing_left(asked, eligible));
    }
    let Eligible { endpoints, excluded, is_last_resort, .. } = eligible;
    let policy = choose_policy(router, settings, asked.routing)?;
    let estimate = Estimate::of(asked);
    let candidates: Vec<Candidate> =
        endpoints.iter().map(|it| candidate(router, asked, &it.endpoint, estimate)).collect();
    let query = query(asked, estimate);
    let (mut plan, strategy) = plan(router, policy.as_deref(), &query, &candidates)?;
    if is_last_resort {
        plan.reason = format!("{LAST_RESORT} {}", plan.reason);
    }
    let limit = match asked.routing.no_fallbacks && asked.routing.order.is_empty() {
        true => 1,
        false => settings.config.routing.max_attempts as usize,
    };
    let steps = plan.steps.iter().take(limit).filter_map(|step| {
        let eligible = endpoints.get(step.candidate as usize)?;
        Some(Step {
            endpoint: eligible.endpoint.clone(),
            adapter: eligible.adapter.clone(),
            effort: step.effort.clone(),
            first_token_timeout_ms: step.first_token_timeout_ms,
        })
    });
    Ok(Decision {
        service: asked.service,
        steps: steps.collect(),
        strategy,
        reason: plan.reason,
        excluded,
        seed: query.seed,
        now_ms: query.now_ms,
    })
}

/// Goes ahead of a plan's reason.
const LAST_RESORT: &str = "Nothing but endpoints whose circuit breaker is open was left, so these are tried all the same.";

fn nothing_left(asked: &Asked<'_>, eligible: Eligible) -> Error {
    let models = asked.routing.models.join("`, `");
    // No wait and no other preference would change that.
    let all = eligible.excluded.len();
    let (code, what) = if eligible.lacks_offer == all {
        (Code::Unsupported, format!("No endpoint of `{models}` {}", asked.service.activity()))
    } else if eligible.cannot_read == all {
        let field = asked.native_at.map_or(String::new(), |way| format!(" at `{way}`"));
        (Code::Unsupported, format!("No endpoint of `{models}` reads what is native{field}"))
    } else {
        (Code::NoEndpoint, format!("No endpoint is left for `{models}`"))
    };
    let message = format!("{what}; error.metadata.endpoints has the reason for each.");
    let native_at = asked.native_at.filter(|_| eligible.cannot_read == all);
    Error {
        reasons: eligible.excluded.into(),
        retry_after: eligible.recovery,
        param: native_at.map(Into::into),
        ..Error::new(code, message)
    }
}

/// The strategy that the request names, or else the first configured one that
/// is loaded. None: the built-in order decides.
fn choose_policy(
    router: &Router,
    settings: &Settings,
    routing: &Routing,
) -> Result<Option<Arc<Policy>>, Error> {
    if let Some(name) = &routing.strategy {
        return match router.registry.policy(name) {
            Some(policy) => Ok(Some(policy)),
            None => {
                let message = format!("No strategy named `{name}` is loaded; /readyz lists them.");
                Err(Error::new(Code::InvalidRequest, message).param("provider.strategy"))
            }
        };
    }
    Ok(settings.config.routing.strategies.iter().find_map(|name| router.registry.policy(name)))
}

/// The strategy's plan, if it keeps to the contract, and who made it.
fn plan(
    router: &Router,
    policy: Option<&Policy>,
    query: &Query,
    candidates: &[Candidate],
) -> Result<(Plan, String), Error> {
    let Some(policy) = policy else {
        return Ok((builtin::plan(query, candidates), "built-in".to_owned()));
    };
    let strategy = policy.strategy();
    let breach = match policy.route(query, candidates) {
        Ok(Ok(plan)) => match check(&plan, candidates.len()) {
            Ok(()) => return Ok((plan, format!("{}@{}", strategy.id(), short(strategy.digest())))),
            Err(breach) => breach.to_owned(),
        },
        Ok(Err(Refusal::NoRoute(sentence))) => return Err(Error::new(Code::NoEndpoint, sentence)),
        Ok(Err(Refusal::InvalidOptions(sentence))) => {
            return Err(Error::new(Code::InvalidRequest, sentence).param("provider.options"));
        }
        Err(error) if error.cause == CallErrorKind::NoCapacity => {
            return Err(Error::no_instance());
        }
        Err(error) => {
            let labels = PluginLabels { plugin: strategy.id().to_owned() };
            router.metrics.plugin_failures.get_or_create(&labels).inc();
            tracing::error!(%error, backtrace = error.backtrace(), "strategy failed");
            error.to_string()
        }
    };
    let labels = PluginLabels { plugin: strategy.id().to_owned() };
    router.metrics.strategy_fallbacks.get_or_create(&labels).inc();
    tracing::warn!(strategy = strategy.id(), breach, "the built-in order takes over");
    let mut plan = builtin::plan(query, candidates);
    plan.reason = format!("Strategy `{}` failed ({breach}). {}", strategy.id(), plan.reason);
    Ok((plan, "built-in".to_owned()))
}

/// Whether a plan names candidates that exist, each once.
fn check(plan: &Plan, candidates: usize) -> Result<(), &'static str> {
    let mut seen = BTreeSet::new();
    if plan.steps.is_empty() {
        return Err("its plan is empty");
    }
    for step in &plan.steps {
        if step.candidate as usize >= candidates {
            return Err("its plan names a candidate that does not exist");
        }
        if !seen.insert(step.candidate) {
            return Err("its plan repeats a candidate");
        }
    }
    Ok(())
}

/// What the request will about use, for comparing prices and checking limits.
#[derive(Clone, Copy)]
struct Estimate {
    prompt_tokens: u32,
    completion_tokens: u32,
}

impl Estimate {
    /// Four bytes of text make a token, about; an image a thousand tokens; an
    /// answer 500 tokens, if the client sets no lower limit.
    fn of(asked: &Asked<'_>) -> Self {
        let text = u32::try_from(asked.prompt_bytes / 4).unwrap_or(u32::MAX);
        let media = asked.media.saturating_mul(1000);
        let limit = asked.max_tokens.unwrap_or(u32::MAX);
        Self { prompt_tokens: text.saturating_add(media).max(1), completion_tokens: limit.min(500) }
    }
}

fn candidate(
    router: &Router,
    asked: &Asked<'_>,
    endpoint: &Endpoint,
    estimate: Estimate,
) -> Candidate {
    let (price, estimated_cost) = builtin::compare_price(endpoint, estimate);
    Candidate {
        id: endpoint.id.clone(),
        provider: endpoint.provider.name.clone(),
        model: endpoint.model_slug.clone(),
        price,
        estimated_cost,
        context_length: endpoint.context_length.unwrap_or(u32::MAX),
        max_output_tokens: endpoint.max_output_tokens,
        quantization: endpoint.quantization.clone(),
        region: endpoint.region.clone(),
        service_tier: endpoint.service_tier.clone(),
        tags: endpoint.tags.clone(),
        health: router.health.reading(&asked.service.health_id(&endpoint.id)),
        ..Candidate::default()
    }
}

fn query(asked: &Asked<'_>, estimate: Estimate) -> Query {
    let routing = asked.routing;
    let needs = asked.needs.iter().copied().chain(asked.service.offer());
    Query {
        models: routing.models.clone(),
        keep_model_order: matches!(routing.partition, Partition::Model),
        providers: routing.order.clone(),
        objective: match routing.sort {
            None => Objective::Balanced,
            Some(Sort::Price) => Objective::Price,
            Some(Sort::Throughput) => Objective::Throughput,
            Some(Sort::Latency) => Objective::Latency,
            Some(Sort::Exacto) => Objective::Quality,
        },
        min_throughput: routing.min_throughput,
        max_latency_ms: routing.max_latency_ms,
        prompt_tokens: estimate.prompt_tokens,
        max_tokens: asked.max_tokens,
        streaming: asked.streaming,
        needs: needs.map(str::to_owned).collect(),
        tags: asked.metadata.to_vec(),
        options: routing.options.clone(),
        session: asked.session.map(number_of),
        seed: rand::random(),
        now_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// The number of the conversation of this name.
fn number_of(session: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    session.hash(&mut hasher);
    hasher.finish()
}

/// The part of a digest that people read.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_engine::Step;

    #[test]
    fn a_plan_names_each_candidate_at_most_once() {
        let plan = |candidates: &[u32]| Plan {
            steps: candidates
                .iter()
                .map(|&candidate| Step { candidate, ..Step::default() })
                .collect(),
            ..Plan::default()
        };
        assert_eq!(check(&plan(&[1, 0]), 2), Ok(()));
        assert!(check(&plan(&[]), 2).is_err());
        assert!(check(&plan(&[2]), 2).is_err());
        assert!(check(&plan(&[0, 0]), 2).is_err());
    }
}
