//! A request that is in no ledger, as if it were: of what was never sent, or has a row that
//! waits to be written, the decision's record tells all that is known.

use crate::ledger::{Attempted, Detail};
use plugway_store::decisions::{Attempt, Record};
use plugway_store::ledger::{Row, State, Tokens};

/// The row that the record would have, and what that would say beside its columns.
pub(super) fn recorded(record: &Record) -> (Row, Detail) {
    let Record { request, outcome, .. } = record;
    let served = outcome.served.clone().unwrap_or_default();
    let row = Row {
        id: record.id.clone(),
        run: 0,
        state: State::Settled,
        came_ms: record.came_ms,
        ended_ms: Some(record.came_ms.saturating_add(outcome.duration_ms)),
        key: request.key.clone(),
        workspace: request.workspace.clone().unwrap_or_default(),
        route: request.route.clone(),
        model: request.models.clone(),
        served_model: served.model,
        endpoint: served.endpoint,
        provider: served.provider,
        credential: String::new(),
        is_byok: served.is_own,
        streamed: request.streamed,
        is_estimated: outcome.tokens.estimated,
        outcome: outcome.kind.clone(),
        status: outcome.status,
        tokens: Tokens {
            prompt: outcome.tokens.prompt,
            completion: outcome.tokens.completion,
            cache_read: outcome.tokens.cached,
            cache_write: 0,
            reasoning: outcome.tokens.reasoning,
        },
        cost: outcome.cost,
        upstream_cost: outcome.upstream_cost,
        byok_cost: outcome.upstream_cost.filter(|_| served.is_own),
        cache_discount: None,
        markup: None,
        first_content_ms: outcome.first_content_ms,
        duration_ms: Some(outcome.duration_ms),
        detail: String::new(),
    };
    let detail = Detail {
        attempts: record.attempts.iter().map(attempted).collect(),
        error: outcome.error.clone(),
        finish: outcome.finish.clone(),
        native_finish: outcome.native_finish.clone(),
        upstream_id: served.upstream_id,
        service_tier: served.service_tier,
        session: request.session.clone(),
        user_agent: request.user_agent.clone(),
        referer: request.referer.clone(),
        title: request.title.clone(),
        media: outcome.tokens.media,
        ..Detail::default()
    };
    (row, detail)
}

fn attempted(it: &Attempt) -> Attempted {
    Attempted {
        provider: it.provider.clone(),
        endpoint: it.endpoint.clone(),
        model: it.model.clone(),
        is_byok: it.is_own,
        outcome: it.cause.clone().unwrap_or_else(|| "ok".to_owned()),
        status: it.status,
        elapsed_ms: it.elapsed_ms,
        prompt: it.tokens.map(|(prompt, _)| prompt),
        completion: it.tokens.map(|(_, completion)| completion),
        upstream_cost: it.cost,
        ..Attempted::default()
    }
}
