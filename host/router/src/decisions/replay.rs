//! A decision, made again from its record: the same strategy is asked the same, and has to
//! give the same plan, word for word.

use super::entry::{plan, refusal};
use crate::route::{Service, built_in, check, health_told, replacement};
use plugway_engine as engine;
use plugway_engine::{CallError, CallErrorKind, Policy};
use plugway_routing::health::Snapshot;
use plugway_store::decisions as kept;
use plugway_store::decisions::{Record, Ruling};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same answer.
    Same,
    /// This one instead of the recorded one.
    Different(Ruling),
}

/// Why a record cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No strategy was asked for this request, or none could be.
    #[error("nothing was decided for this request")]
    NothingDecided,
    /// Its strategy saw what is not in the record.
    #[error("the strategy read the prompt, which the record does not hold")]
    ReadPrompts,
    /// Another strategy, other bytes, or otherwise opened.
    #[error("the record is of strategy `{recorded}`; open that one, as it was, to replay it")]
    OtherStrategy {
        /// Id and digest.
        recorded: String,
    },
    /// It rests on other health than what was handed in.
    #[error("the record rests on the health snapshot {recorded}; hand in that one to replay it")]
    OtherSnapshot {
        /// The snapshot's id.
        recorded: u64,
    },
    /// The strategy failed where it had answered.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Asks `policy` what it was asked when the record was made, by the snapshot of health that
/// the record refers to; no policy stands for the built-in order. No time but the record's
/// and no randomness but its seed go into the answer.
///
/// # Errors
/// When the record holds no decision of this policy or by this snapshot, or the strategy
/// fails.
pub fn replay(
    record: &Record,
    snapshot: &Snapshot,
    policy: Option<&Policy>,
) -> Result<Replay, ReplayError> {
    let decision = record.decision.as_ref().ok_or(ReplayError::NothingDecided)?;
    let service = record.request.service.map(service).ok_or(ReplayError::NothingDecided)?;
    if decision.ruling == Ruling::NoCapacity {
        return Err(ReplayError::NothingDecided);
    }
    if decision.read_prompts {
        return Err(ReplayError::ReadPrompts);
    }
    if !is_of(decision.strategy.as_ref(), policy) {
        let recorded = decision.strategy.as_ref();
        let recorded = recorded.map(|it| format!("{}@{}", it.id, it.digest));
        let recorded = recorded.unwrap_or_else(|| "built-in".to_owned());
        return Err(ReplayError::OtherStrategy { recorded });
    }
    if decision.snapshot != snapshot.id {
        return Err(ReplayError::OtherSnapshot { recorded: decision.snapshot });
    }
    let query = query(&decision.query);
    let told = |it: &kept::Candidate| candidate(it, health_told(snapshot, service, &it.id));
    let candidates: Vec<_> = decision.candidates.iter().map(told).collect();
    let ruling = match policy {
        None => Ruling::Plan(plan(&built_in(&query, &candidates))),
        Some(policy) => rule(policy, &query, &candidates, &decision.ruling)?,
    };
    Ok(match ruling == decision.ruling {
        true => Replay::Same,
        false => Replay::Different(ruling),
    })
}

/// What the strategy says now, and what the router makes of it. It may fail where it failed
/// before.
fn rule(
    policy: &Policy,
    query: &engine::Query,
    candidates: &[engine::Candidate],
    recorded: &Ruling,
) -> Result<Ruling, CallError> {
    let failed = |breach: &str| Ruling::Failed {
        instead: plan(&replacement(policy.strategy().id(), breach, query, candidates)),
    };
    let had_failed = matches!(recorded, Ruling::Failed { .. });
    match policy.route(query, candidates) {
        Ok(Ok(answered)) => Ok(match check(&answered, candidates.len()) {
            Ok(()) => Ruling::Plan(plan(&answered)),
            Err(breach) => failed(breach),
        }),
        Ok(Err(refused)) => Ok(refusal(refused)),
        Err(error) if had_failed && error.cause != CallErrorKind::NoCapacity => {
            Ok(failed(&error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Whether the policy is the recorded strategy, opened as it was.
fn is_of(recorded: Option<&kept::Strategy>, policy: Option<&Policy>) -> bool {
    let (recorded, policy) = match (recorded, policy) {
        (None, None) => return true,
        (Some(recorded), Some(policy)) => (recorded, policy),
        _ => return false,
    };
    let (strategy, setup) = (policy.strategy(), policy.setup());
    let state = setup.state.as_deref().map(crate::digest::sha256).map(Into::into);
    recorded.digest.to_string() == strategy.digest()
        && recorded.options == setup.options
        && recorded.score_names == setup.score_names
        && recorded.state == state
}

fn service(from: kept::Service) -> Service {
    match from {
        kept::Service::Chat => Service::Chat,
        kept::Service::TokenCount => Service::TokenCount,
        kept::Service::Embeddings => Service::Embeddings,
        kept::Service::Rerank => Service::Rerank,
    }
}

fn query(from: &kept::Query) -> engine::Query {
    engine::Query {
        models: from.models.clone(),
        keep_model_order: from.keep_model_order,
        providers: from.providers.clone(),
        objective: match from.objective {
            kept::Objective::Balanced => engine::Objective::Balanced,
            kept::Objective::Price => engine::Objective::Price,
            kept::Objective::Throughput => engine::Objective::Throughput,
            kept::Objective::Latency => engine::Objective::Latency,
            kept::Objective::Quality => engine::Objective::Quality,
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

fn cutoffs(kept::Cutoffs { p50, p75, p90, p99 }: kept::Cutoffs) -> engine::Cutoffs {
    engine::Cutoffs { p50, p75, p90, p99 }
}

fn candidate(from: &kept::Candidate, health: engine::Health) -> engine::Candidate {
    let kept::Price { prompt, completion, cache_read, cache_write, request } = from.price;
    engine::Candidate {
        id: from.id.clone(),
        provider: from.provider.clone(),
        model: from.model.clone(),
        price: engine::ComparePrice { prompt, completion, cache_read, cache_write, request },
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
        health,
    }
}
