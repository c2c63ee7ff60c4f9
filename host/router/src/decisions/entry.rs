//! What a request hands in: shared with what it has been decided by, and made a record of
//! by whoever writes it down or is asked for it.

use crate::route::{Cause, Decision, Excluded, NoPlan, Question, Service, Step, Undecided};
use plugway_engine as engine;
use plugway_routing::health::Snapshot;
use plugway_store::decisions as kept;
use std::sync::Arc;

/// A request that ended.
pub(crate) struct Entry {
    /// All but what was weighed.
    pub(crate) record: kept::Record,
    pub(crate) weighed: Weighed,
}

/// What a decision rested on.
#[derive(Default)]
pub(crate) enum Weighed {
    /// The request did not come so far.
    #[default]
    Nothing,
    /// It was decided.
    Decided(Arc<Decision>),
    /// There was no endpoint or no plan for it.
    Undecided(Box<Undecided>),
}

impl Entry {
    /// As it is kept.
    pub(crate) fn record(&self) -> kept::Record {
        let mut record = self.record.clone();
        match &self.weighed {
            Weighed::Nothing => {}
            Weighed::Decided(decision) => {
                record.request.service = Some(service(decision.service));
                record.excluded = decision.excluded.iter().map(exclusion).collect();
                record.decision = Some(decided(decision));
                tell_attempts(&mut record, decision);
            }
            Weighed::Undecided(undecided) => {
                record.request.service = Some(service(undecided.service));
                record.excluded = undecided.excluded.iter().map(exclusion).collect();
                record.decision = undecided.question.as_ref().map(asked);
            }
        }
        record
    }

    /// What its record refers to.
    pub(crate) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        match &self.weighed {
            Weighed::Nothing => None,
            Weighed::Decided(decision) => Some(&decision.snapshot),
            Weighed::Undecided(undecided) => undecided.question.as_ref().map(|it| &it.snapshot),
        }
    }
}

/// Whose the endpoints were, for people: an attempt knows no more than an id.
fn tell_attempts(record: &mut kept::Record, decision: &Decision) {
    let endpoint = |id: &str| {
        let step = decision.steps.iter().find(|step| step.endpoint.id == id)?;
        Some((step.endpoint.model_slug.clone(), step.endpoint.provider.display_name.clone()))
    };
    for attempt in &mut record.attempts {
        if let Some(told) = endpoint(&attempt.endpoint) {
            (attempt.model, attempt.provider) = told;
        }
    }
    if let Some(served) = &mut record.outcome.served
        && let Some(told) = endpoint(&served.endpoint)
    {
        (served.model, served.provider) = told;
    }
}

fn decided(decision: &Decision) -> kept::Decision {
    let Decision { policy, query, candidates, snapshot, .. } = decision;
    let plan = plan(&decision.plan);
    let ruling = match decision.is_replaced() {
        true => kept::Ruling::Failed { instead: plan },
        false => kept::Ruling::Plan(plan),
    };
    let asked = ruled(policy.as_deref(), query, candidates, snapshot, ruling);
    let steps = decision.steps.iter().filter_map(|step| walked(step, candidates)).collect();
    kept::Decision { steps, reason: decision.reason.clone(), ..asked }
}

/// A step as it is walked, by the place of its endpoint among the candidates.
fn walked(step: &Step, candidates: &[engine::Candidate]) -> Option<kept::Step> {
    let candidate = candidates.iter().position(|it| it.id == step.endpoint.id)?;
    Some(kept::Step {
        candidate: candidate.try_into().ok()?,
        effort: step.effort.clone(),
        hedge_after_ms: step.hedge_after_ms,
        first_token_timeout_ms: step.first_token_timeout_ms,
    })
}

fn asked(question: &Question) -> kept::Decision {
    let Question { policy, query, candidates, snapshot, answer } = question;
    let ruling = match answer {
        NoPlan::Refused(refusal) => self::refusal(refusal.clone()),
        NoPlan::NoCapacity => kept::Ruling::NoCapacity,
    };
    ruled(policy.as_deref(), query, candidates, snapshot, ruling)
}

/// A question and its answer. No strategy has imports that answer anything yet, so none
/// has read a prompt.
fn ruled(
    policy: Option<&engine::Policy>,
    asked: &engine::Query,
    candidates: &[engine::Candidate],
    snapshot: &Snapshot,
    ruling: kept::Ruling,
) -> kept::Decision {
    kept::Decision {
        strategy: policy.map(strategy),
        query: query(asked),
        candidates: candidates.iter().map(candidate).collect(),
        snapshot: snapshot.id,
        imports: Vec::new(),
        read_prompts: false,
        ruling,
        steps: Vec::new(),
        reason: String::new(),
    }
}

pub(super) fn refusal(from: engine::Refusal) -> kept::Ruling {
    match from {
        engine::Refusal::NoRoute(sentence) => kept::Ruling::NoRoute(sentence),
        engine::Refusal::InvalidOptions(sentence) => kept::Ruling::InvalidOptions(sentence),
    }
}

fn service(service: Service) -> kept::Service {
    match service {
        Service::Chat => kept::Service::Chat,
        Service::TokenCount => kept::Service::TokenCount,
        Service::Embeddings => kept::Service::Embeddings,
        Service::Rerank => kept::Service::Rerank,
    }
}

fn exclusion(from: &Excluded) -> kept::Exclusion {
    kept::Exclusion {
        endpoint: from.endpoint.clone(),
        provider: from.provider.clone(),
        model: from.model.clone(),
        cause: cause(from.cause),
        reason: from.reason.clone(),
    }
}

/// `ContextLength` is `context-length`.
fn cause(cause: Cause) -> String {
    let mut name = String::new();
    for letter in format!("{cause:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn strategy(policy: &engine::Policy) -> kept::Strategy {
    let (strategy, setup) = (policy.strategy(), policy.setup());
    kept::Strategy {
        id: strategy.id().to_owned(),
        // The engine writes it as 64 digits.
        digest: kept::Digest::from_hex(strategy.digest()).unwrap_or([0; 32].into()),
        options: setup.options.clone(),
        score_names: setup.score_names.clone(),
        state: setup.state.as_deref().map(crate::digest::sha256).map(Into::into),
    }
}

fn query(from: &engine::Query) -> kept::Query {
    kept::Query {
        models: from.models.clone(),
        keep_model_order: from.keep_model_order,
        providers: from.providers.clone(),
        objective: match from.objective {
            engine::Objective::Balanced => kept::Objective::Balanced,
            engine::Objective::Price => kept::Objective::Price,
            engine::Objective::Throughput => kept::Objective::Throughput,
            engine::Objective::Latency => kept::Objective::Latency,
            engine::Objective::Quality => kept::Objective::Quality,
        },
        min_throughput: from.min_throughput.map(cutoffs),
        max_latency_ms: from.max_latency_ms.map(cutoffs),
        prompt_tokens: from.prompt_tokens,
        max_tokens: from.max_tokens,
        streaming: from.streaming,
        needs: from.needs.clone(),
        tags: from.tags.clone(),
        options: from.options.clone(),
        session: from.session,
        seed: from.seed,
        now_ms: from.now_ms,
    }
}

fn cutoffs(engine::Cutoffs { p50, p75, p90, p99 }: engine::Cutoffs) -> kept::Cutoffs {
    kept::Cutoffs { p50, p75, p90, p99 }
}

fn candidate(from: &engine::Candidate) -> kept::Candidate {
    let engine::ComparePrice { prompt, completion, cache_read, cache_write, request } = from.price;
    kept::Candidate {
        id: from.id.clone(),
        provider: from.provider.clone(),
        model: from.model.clone(),
        price: kept::Price { prompt, completion, cache_read, cache_write, request },
        estimated_cost: from.estimated_cost,
        context_length: from.context_length,
        max_output_tokens: from.max_output_tokens,
        quantization: from.quantization.clone(),
        region: from.region.clone(),
        service_tier: from.service_tier.clone(),
        own_key: from.own_key,
        warm: from.warm,
        scores: from.scores.clone(),
        tags: from.tags.clone(),
    }
}

pub(super) fn plan(from: &engine::Plan) -> kept::Plan {
    let step = |step: &engine::Step| kept::Step {
        candidate: step.candidate,
        effort: step.effort.clone(),
        hedge_after_ms: step.hedge_after_ms,
        first_token_timeout_ms: step.first_token_timeout_ms,
    };
    kept::Plan {
        steps: from.steps.iter().map(step).collect(),
        reason: from.reason.clone(),
        note: from.note.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_names() {
        for (rule, name) in [
            (Cause::Price, "price"),
            (Cause::ContextLength, "context-length"),
            (Cause::NativeFormat, "native-format"),
        ] {
            assert_eq!(cause(rule), name);
        }
    }
}
