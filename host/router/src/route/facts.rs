//! What a strategy is told: the request in numbers, and each endpoint that it may go to.

use super::conversation::{Conversation, warm_at};
use super::{Asked, builtin, credentials, health};
use crate::Router;
use crate::catalog::Endpoint;
use crate::config::RoutingConfig;
use plugway_engine::{Candidate, Objective, Query};
use plugway_routing::health::Snapshot;
use plugway_wire::{Partition, Routing, Sort};

/// What the request will about use, for comparing prices and checking limits.
#[derive(Clone, Copy)]
pub(super) struct Estimate {
    pub(super) prompt_tokens: u32,
    pub(super) completion_tokens: u32,
}

impl Estimate {
    /// An answer is taken for 500 tokens, if the client sets no lower limit.
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let limit = asked.max_tokens.unwrap_or(u32::MAX);
        Self { prompt_tokens: asked.prompt().tokens(), completion_tokens: limit.min(500) }
    }
}

/// What all candidates of a decision are described by.
pub(super) struct Facts<'a> {
    pub(super) router: &'a Router,
    pub(super) bounds: &'a RoutingConfig,
    pub(super) asked: &'a Asked<'a>,
    pub(super) estimate: Estimate,
    pub(super) conversation: Option<Conversation>,
    pub(super) snapshot: &'a Snapshot,
}

impl Facts<'_> {
    /// The endpoint as strategies see it.
    pub(super) fn candidate(&self, endpoint: &Endpoint) -> Candidate {
        let Self { router, bounds, asked, estimate, conversation, snapshot } = *self;
        let warm = warm_at(router, bounds, conversation, asked.routing, endpoint);
        let cached = warm.as_ref().map_or(0, |place| place.cached_tokens);
        let (price, estimated_cost) = builtin::compare_price(endpoint, estimate, cached);
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
            own_key: credentials::is_own_next(router, asked.service, asked.caller, endpoint),
            warm: warm.is_some() && asked.routing.sort.is_none(),
            tags: endpoint.tags.clone(),
            health: health::told(snapshot, asked.service, &endpoint.id),
            ..Candidate::default()
        }
    }
}

pub(super) fn query(
    router: &Router,
    asked: &Asked<'_>,
    routing: &Routing,
    estimate: Estimate,
    conversation: Option<Conversation>,
) -> Query {
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
        session: conversation.and_then(Conversation::number),
        seed: asked.seed.unwrap_or_else(rand::random),
        now_ms: router.clock.unix_ms(),
    }
}
