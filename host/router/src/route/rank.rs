//! Who puts the candidates in order: the strategy, or the built-in order where the
//! strategy failed.

use super::{Excluded, NoPlan, builtin};
use crate::error::{Code, Error, Reason};
use crate::telemetry::PluginLabels;
use crate::{Router, Settings};
use plugway_engine::{CallErrorKind, Candidate, Plan, Policy, Query, Refusal};
use plugway_wire::Routing;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The strategy that the request names, or else the first configured one that
/// is loaded. None: the built-in order decides.
pub(super) fn choose_policy(
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
pub(super) fn plan(
    router: &Router,
    policy: Option<&Policy>,
    query: &Query,
    candidates: &[Candidate],
) -> Result<(Plan, String), NoPlan> {
    let Some(policy) = policy else {
        return Ok((builtin::plan(query, candidates), "built-in".to_owned()));
    };
    let strategy = policy.strategy();
    let breach = match policy.route(query, candidates) {
        Ok(Ok(plan)) => match check(&plan, candidates.len()) {
            Ok(()) => return Ok((plan, format!("{}@{}", strategy.id(), short(strategy.digest())))),
            Err(breach) => breach.to_owned(),
        },
        Ok(Err(refusal)) => return Err(NoPlan::Refused(refusal)),
        Err(error) if error.cause == CallErrorKind::NoCapacity => return Err(NoPlan::NoCapacity),
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
    Ok((replacement(strategy.id(), &breach, query, candidates), "built-in".to_owned()))
}

/// The built-in order in place of a strategy that failed so.
pub(crate) fn replacement(
    strategy: &str,
    breach: &str,
    query: &Query,
    candidates: &[Candidate],
) -> Plan {
    let plan = builtin::plan(query, candidates);
    let reason = format!("Strategy `{strategy}` failed ({breach}). {}", plan.reason);
    Plan { reason, ..plan }
}

/// What a client is told where there is no plan: of each endpoint, if it is they that will
/// not do.
pub(super) fn told(answer: &NoPlan, candidates: &[Candidate], excluded: &[Excluded]) -> Error {
    match answer {
        NoPlan::Refused(Refusal::NoRoute(sentence)) => {
            let refused = candidates.iter().map(|it| Reason::refused(it, sentence));
            let excluded = excluded.iter().cloned().map(Reason::from);
            let reasons = refused.chain(excluded).collect();
            Error { reasons, ..Error::new(Code::NoEndpoint, sentence) }
        }
        NoPlan::Refused(Refusal::InvalidOptions(sentence)) => {
            Error::new(Code::InvalidRequest, sentence).param("provider.options")
        }
        NoPlan::NoCapacity => Error::no_instance(),
    }
}

/// Whether a plan names candidates that exist, each once.
pub(crate) fn check(plan: &Plan, candidates: usize) -> Result<(), &'static str> {
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

    #[test]
    fn no_plan_reaches_beyond_the_candidates_whatever_a_strategy_returns() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        let mut random = StdRng::seed_from_u64(6);
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let candidates = random.random_range(1..6_u32);
            let length = random.random_range(0..6);
            let steps: Vec<u32> = (0..length).map(|_| random.random_range(0..6)).collect();
            let plan = Plan {
                steps: steps.iter().map(|&it| Step { candidate: it, ..Step::default() }).collect(),
                ..Plan::default()
            };
            let mut sorted = steps.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let is_good = !steps.is_empty()
                && sorted.len() == steps.len()
                && steps.iter().all(|it| *it < candidates);
            assert_eq!(check(&plan, candidates as usize).is_ok(), is_good, "{steps:?}");
            if is_good { taken += 1 } else { refused += 1 }
        }
        assert!(taken > 1_000 && refused > 1_000, "{taken} {refused}");
    }
}
