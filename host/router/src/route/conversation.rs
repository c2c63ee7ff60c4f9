//! Which conversation a request belongs to, and where its prompt cache is warm. Of a
//! conversation that its client does not name, nothing but a digest is kept.

use super::Asked;
use crate::catalog::Endpoint;
use crate::config::RoutingConfig;
use crate::{Router, digest};
use plugway_routing::warmth::{self, Place};
use plugway_wire::Routing;
use std::sync::PoisonError;

/// A conversation, with whichever model.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    digest: u128,
    is_named: bool,
}

impl Conversation {
    /// By the client's own name for it, or else by what it begins with.
    pub(super) fn of(asked: &Asked<'_>) -> Option<Self> {
        if let Some(name) = asked.session {
            let digest = digest::short(&[b"session", name.as_bytes()]);
            return Some(Self { digest, is_named: true });
        }
        if asked.opening.is_empty() {
            return None;
        }
        let opening = asked.opening.iter().map(|part| &part[..]);
        let parts: Vec<&[u8]> = std::iter::once(&b"opening"[..]).chain(opening).collect();
        Some(Self { digest: digest::short(&parts), is_named: false })
    }

    /// The number that strategies know it by: none where its client did not name it.
    pub(super) fn number(self) -> Option<u64> {
        self.is_named.then_some((self.digest >> 64) as u64)
    }

    /// The conversation with one model.
    fn with(self, model: &str) -> warmth::Conversation {
        let digest = digest::short(&[&self.digest.to_be_bytes(), model.as_bytes()]);
        warmth::Conversation { digest, is_named: self.is_named }
    }

    /// The endpoint has answered: its cache is warm from now on, if it is worth staying
    /// for. What was read from the cache and written to it makes `cached_tokens`.
    pub fn answered(
        self,
        router: &Router,
        routing: &RoutingConfig,
        endpoint: &Endpoint,
        cached_tokens: u64,
    ) {
        if !is_worth_staying(endpoint) {
            return;
        }
        let conversation = self.with(&endpoint.model_slug);
        let (policy, now) = (policy(routing), router.clock.now());
        let mut warmth = router.warmth.lock().unwrap_or_else(PoisonError::into_inner);
        warmth.answered(conversation, &endpoint.id, cached_tokens, policy, now);
    }
}

/// What the endpoint has of the conversation in its cache. A client that says itself
/// which endpoint comes first is not held anywhere; one that sorts is not either, though
/// what the cache saves is in the cost.
pub(super) fn warm_at(
    router: &Router,
    bounds: &RoutingConfig,
    conversation: Option<Conversation>,
    asked: &Routing,
    endpoint: &Endpoint,
) -> Option<Place> {
    if !asked.order.is_empty() || !is_worth_staying(endpoint) {
        return None;
    }
    let conversation = conversation?.with(&endpoint.model_slug);
    let (policy, now) = (policy(bounds), router.clock.now());
    let warmth = router.warmth.lock().unwrap_or_else(PoisonError::into_inner);
    warmth.find(conversation, policy, now).filter(|place| *place.endpoint == *endpoint.id)
}

/// Whether the endpoint's cache is cheaper than reading anew.
fn is_worth_staying(endpoint: &Endpoint) -> bool {
    let price = endpoint.price.as_ref();
    price.is_some_and(|it| it.cache_read.is_some_and(|read| read < it.prompt))
}

fn policy(routing: &RoutingConfig) -> warmth::Policy {
    warmth::Policy { lasts: routing.sticky_for, most: routing.sticky_max }
}
