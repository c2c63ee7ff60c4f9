//! A decision as it is told over HTTP and to the operator: what was asked, of whom, what the
//! answer was, and what was out of the question.

use plugway_store::decisions::{Decision, Exclusion, Ruling, Strategy};
use serde_json::{Value, json};

/// What was asked, of whom, and the answer.
pub(crate) fn decided(decision: &Decision) -> Value {
    let (reason, replaced) = match &decision.ruling {
        Ruling::Plan(_) => (decision.reason.as_str(), false),
        Ruling::Failed { .. } => (decision.reason.as_str(), true),
        Ruling::NoRoute(sentence) | Ruling::InvalidOptions(sentence) => (sentence.as_str(), false),
        Ruling::NoCapacity => ("No instance of the strategy was free.", false),
    };
    let planned = decision.steps.iter().filter_map(|step| {
        let candidate = decision.candidates.get(step.candidate as usize)?;
        Some(json!({
            "endpoint": candidate.id,
            "effort": step.effort,
            "hedge_after_ms": step.hedge_after_ms,
            "first_token_timeout_ms": step.first_token_timeout_ms,
        }))
    });
    let considered = decision.candidates.iter().map(|it| {
        json!({
            "endpoint": it.id,
            "provider": it.provider,
            "model": it.model,
            "estimated_cost": it.estimated_cost,
            "warm": it.warm,
        })
    });
    json!({
        "strategy": decision.strategy.as_ref().map_or("built-in", |it| &it.id),
        "digest": decision.strategy.as_ref().map(|it: &Strategy| it.digest),
        "failed": replaced,
        "reason": reason,
        "note": decision.plan().map(|it| &it.note),
        // Numbers of 64 bits would lose some of them in many a reader.
        "seed": decision.query.seed.to_string(),
        "health_snapshot": decision.snapshot.to_string(),
        "options": decision.query.options,
        "considered": considered.collect::<Vec<_>>(),
        "planned": planned.collect::<Vec<_>>(),
    })
}

/// An endpoint that was ruled out.
pub(crate) fn excluded(it: &Exclusion) -> Value {
    json!({
        "endpoint": it.endpoint,
        "provider": it.provider,
        "model": it.model,
        "cause": it.cause,
        "reason": it.reason,
    })
}
