//! The routes of what adapters offer beside chats: the body in, the value out.

use super::{Body, body, deadline, respond};
use crate::error::Error;
use crate::exchange::{self, offer, offer::Visit};
use crate::record::Record;
use crate::{Router, Settings};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_wire::openai_embeddings::{self, Embeddings};
use plugway_wire::rerank::{self, Version};
use plugway_wire::{BadRequest, DecodeOptions, Dialect};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A route of this kind.
#[derive(Clone, Copy)]
pub(super) enum Desk {
    Embeddings,
    Rerank(Version),
    /// How many tokens the prompt of a message has.
    MessageCount,
}

/// The desk at this path.
pub(super) fn desk(path: &str) -> Option<Desk> {
    let desks = [
        Desk::Embeddings,
        Desk::Rerank(Version::V1),
        Desk::Rerank(Version::V2),
        Desk::MessageCount,
    ];
    desks.into_iter().find(|desk| desk.route() == path)
}

impl Desk {
    /// The pattern, for logs and metrics.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Embeddings => "/v1/embeddings",
            Self::Rerank(Version::V1) => "/v1/rerank",
            Self::Rerank(Version::V2) => "/v2/rerank",
            Self::MessageCount => "/v1/messages/count_tokens",
        }
    }

    /// Whose envelope an error gets there.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Embeddings | Self::Rerank(_) => Dialect::OpenAiChat,
            Self::MessageCount => Dialect::AnthropicMessages,
        }
    }
}

/// `place` is held until the answer has ended.
pub(super) async fn answer(
    router: Arc<Router>,
    settings: Arc<Settings>,
    desk: Desk,
    request: Request<Incoming>,
    place: OwnedSemaphorePermit,
) -> Response<Body> {
    let hall = Hall { router, settings, dialect: desk.dialect(), route: desk.route(), place };
    match desk {
        Desk::Embeddings => embeddings(hall, request).await,
        Desk::Rerank(version) => ranking(hall, request, version).await,
        Desk::MessageCount => message_count(hall, request).await,
    }
}

async fn embeddings(hall: Hall, request: Request<Incoming>) -> Response<Body> {
    let decode = |_: &Parts, body| {
        let embeddings = openai_embeddings::decode(body)?;
        let values = embeddings.call.values;
        Ok((embeddings, values))
    };
    let (visit, Embeddings { call, encoding }) = match hall.enter(request, decode).await {
        Ok(entered) => entered,
        Err(refusal) => return *refusal,
    };
    match offer::embed(visit, call).await {
        Ok(served) => {
            let vectors = &served.answer.vectors;
            let body = openai_embeddings::encode(vectors, encoding, &served.head, &served.bill);
            served.respond(body)
        }
        Err(refused) => exchange::refuse(*refused),
    }
}

async fn ranking(hall: Hall, request: Request<Incoming>, version: Version) -> Response<Body> {
    let decode = |_: &Parts, body: Bytes| {
        let call = rerank::decode(&body, version)?;
        let values = call.values;
        Ok((call, values))
    };
    let (visit, call) = match hall.enter(request, decode).await {
        Ok(entered) => entered,
        Err(refusal) => return *refusal,
    };
    match offer::rerank(visit, call).await {
        Ok(served) => {
            let rankings = &served.answer.rankings;
            let body = rerank::encode(&served.call, rankings, &served.head, &served.bill);
            served.respond(body)
        }
        Err(refused) => exchange::refuse(*refused),
    }
}

async fn message_count(hall: Hall, request: Request<Incoming>) -> Response<Body> {
    let seal_min_bytes = hall.settings.config.routing.seal_min_bytes;
    let options = DecodeOptions { seal_min_bytes };
    let decode = |head: &Parts, body: Bytes| {
        let call = plugway_wire::anthropic_messages::decode_count(head, body, &options)?;
        let values = call.values;
        Ok((call, values))
    };
    let (visit, call) = match hall.enter(request, decode).await {
        Ok(entered) => entered,
        Err(refusal) => return *refusal,
    };
    match offer::count_tokens(visit, call).await {
        Ok(served) => {
            let body = plugway_wire::anthropic_messages::encode_count(served.answer);
            served.respond(body)
        }
        Err(refused) => exchange::refuse(*refused),
    }
}

/// Where every request for something beside chats waits while its body comes in,
/// whatever its client speaks.
pub(super) struct Hall {
    pub(super) router: Arc<Router>,
    pub(super) settings: Arc<Settings>,
    /// How an error is told.
    pub(super) dialect: Dialect,
    /// The pattern, for logs and metrics.
    pub(super) route: &'static str,
    /// Held until the answer has ended.
    pub(super) place: OwnedSemaphorePermit,
}

impl Hall {
    /// Reads the request. What `decode` makes of it comes with the number of JSON values
    /// in its body.
    ///
    /// # Errors
    /// The response that says why it cannot be read.
    pub(super) async fn enter<T>(
        self,
        request: Request<Incoming>,
        decode: impl FnOnce(&Parts, Bytes) -> Result<(T, usize), BadRequest>,
    ) -> Result<(Visit, T), Box<Response<Body>>> {
        let Self { router, settings, dialect, route, place } = self;
        let mut record = Record::open(router.metrics.clone(), route);
        record.hold(place);
        let began = Instant::from_std(record.started());
        let (head, body) = request.into_parts();
        match read(&router, &settings, (&head, body), began, decode).await {
            Ok((call, room, deadline)) => {
                Ok((Visit { router, settings, dialect, room, deadline, record }, call))
            }
            Err(error) => {
                record.failed(&error);
                record.answered(error.code.status());
                Err(Box::new(respond::error_in(dialect, &error, Some(&record.id))))
            }
        }
    }
}

async fn read<T>(
    router: &Router,
    settings: &Settings,
    (head, body): (&Parts, Incoming),
    began: Instant,
    decode: impl FnOnce(&Parts, Bytes) -> Result<(T, usize), BadRequest>,
) -> Result<(T, Option<OwnedSemaphorePermit>, Instant), Error> {
    let time = deadline::of(&head.headers, settings.config.server.request_deadline)?;
    let deadline = began + time;
    let decode = |body| decode(head, body);
    let (call, held) = body::read(router, settings, body, deadline, decode).await?;
    Ok((call, held.room, deadline))
}
