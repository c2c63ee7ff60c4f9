//! What goes to a provider: it takes a place, and keeps a record of its own.

use super::admitted::Admitted;
use super::{Body, chat, offers, relay};
use crate::{Router, Settings};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use plugway_wire::Dialect;
use std::sync::Arc;

/// What is wanted of a provider.
pub(super) enum Inference {
    Chat(chat::ChatRoute),
    /// What adapters offer beside chats.
    Offer(offers::OfferRoute),
    /// What a provider offers beside what is understood here.
    Relay {
        provider: String,
        path: String,
    },
}

impl Inference {
    /// Asks for it.
    pub(super) async fn ask(
        self,
        router: Arc<Router>,
        settings: Arc<Settings>,
        request: Request<Incoming>,
        admitted: Admitted,
    ) -> Response<Body> {
        match self {
            Self::Chat(found) => chat::answer(router, settings, found, request, admitted).await,
            Self::Offer(found) => offers::answer(router, settings, found, request, admitted).await,
            Self::Relay { provider, path } => {
                relay::pass(router, settings, request, (&provider, &path), admitted).await
            }
        }
    }

    /// Whether it is asked for so.
    pub(super) fn takes(&self, method: &Method) -> bool {
        match self {
            Self::Chat(_) | Self::Offer(_) => method == Method::POST,
            Self::Relay { .. } => relay::takes(method),
        }
    }

    /// Whose envelope an error gets.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Chat(found) => found.dialect,
            Self::Offer(found) => found.dialect(),
            Self::Relay { .. } => Dialect::OpenAiChat,
        }
    }

    /// The pattern, for logs and metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Chat(found) => found.route,
            Self::Offer(found) => found.route(),
            Self::Relay { .. } => relay::ROUTE,
        }
    }

    /// With which methods it is asked for.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Chat(_) | Self::Offer(_) => "POST",
            Self::Relay { .. } => relay::METHODS,
        }
    }
}
