//! The routes of what adapters offer beside chats: the body in, the value out.

use super::admitted::Admitted;
use super::{Body, body, deadline, respond, shed};
use crate::error::Error;
use crate::exchange::{self, Refused, offer, offer::RequestContext};
use crate::record::{Record, Routed};
use crate::{Router, Settings};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_wire::gemini::Method;
use plugway_wire::ollama;
use plugway_wire::openai_embeddings::{self, Embeddings};
use plugway_wire::rerank::{self, Version};
use plugway_wire::{BadRequest, ChatCall, DecodeOptions, Dialect};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A route of this kind.
#[derive(Clone, Copy)]
pub(super) enum OfferRoute {
    Embeddings,
    /// Of tools for local models; on their older path or not.
    Embed {
        older: bool,
    },
    Rerank(Version),
    /// Counts and vectors, each at the path of its model.
    Model(Method),
    /// How many tokens the prompt of a message has.
    MessageCount,
}

/// The route of this path.
pub(super) fn offer_route(path: &str) -> Option<OfferRoute> {
    let known = [
        OfferRoute::Embeddings,
        OfferRoute::Embed { older: false },
        OfferRoute::Embed { older: true },
        OfferRoute::Rerank(Version::V1),
        OfferRoute::Rerank(Version::V2),
        OfferRoute::MessageCount,
    ];
    let found = known.into_iter().find(|known| known.route() == path);
    found.or_else(|| Method::of(path).filter(|method| !method.is_chat()).map(OfferRoute::Model))
}

impl OfferRoute {
    /// The pattern, for logs and metrics.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Embeddings => "/v1/embeddings",
            Self::Embed { older: false } => "/api/embed",
            Self::Embed { older: true } => "/api/embeddings",
            Self::Rerank(Version::V1) => "/v1/rerank",
            Self::Rerank(Version::V2) => "/v2/rerank",
            Self::Model(method) => method.route(),
            Self::MessageCount => "/v1/messages/count_tokens",
        }
    }

    /// Whose envelope an error gets there.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Embeddings | Self::Rerank(_) => Dialect::OpenAiChat,
            Self::Embed { .. } => Dialect::Ollama,
            Self::Model(_) => Dialect::Gemini,
            Self::MessageCount => Dialect::AnthropicMessages,
        }
    }
}

/// Its place is held until the answer has ended.
pub(super) async fn answer(
    router: Arc<Router>,
    settings: Arc<Settings>,
    at: OfferRoute,
    request: Request<Incoming>,
    admitted: Admitted,
) -> Response<Body> {
    let (dialect, route) = (at.dialect(), at.route());
    let intake = Intake { router, settings, dialect, route, admitted };
    match at {
        OfferRoute::Embeddings => embeddings(intake, request).await,
        OfferRoute::Embed { older } => embed(intake, request, older).await,
        OfferRoute::Rerank(version) => ranking(intake, request, version).await,
        OfferRoute::MessageCount => {
            let messages = (
                plugway_wire::anthropic_messages::decode_count as _,
                plugway_wire::anthropic_messages::encode_count as _,
            );
            count(intake, request, messages).await
        }
        OfferRoute::Model(Method::CountTokens) => {
            let contents =
                (plugway_wire::gemini::decode_count as _, plugway_wire::gemini::encode_count as _);
            count(intake, request, contents).await
        }
        OfferRoute::Model(method) => vectors(intake, request, method).await,
    }
}

/// How a dialect reads the question for a count, and how it tells the answer.
type Counting =
    (fn(&Parts, Bytes, &DecodeOptions) -> Result<ChatCall, BadRequest>, fn(u64) -> Bytes);

async fn count(
    intake: Intake,
    request: Request<Incoming>,
    (read, encode): Counting,
) -> Response<Body> {
    let options = DecodeOptions { seal_min_bytes: intake.settings.config.routing.seal_min_bytes };
    let decode = |head: &Parts, body| {
        let call = read(head, body, &options)?;
        let values = call.values;
        Ok((call, values))
    };
    intake
        .serve(request, decode, async |context, call| {
            let served = offer::count_tokens(context, call).await?;
            let body = encode(served.answer);
            served.respond(body).await
        })
        .await
}

async fn vectors(intake: Intake, request: Request<Incoming>, method: Method) -> Response<Body> {
    let decode = |head: &Parts, body| {
        let call = plugway_wire::gemini::decode_embeddings(head, body)?;
        let values = call.values;
        Ok((call, values))
    };
    intake
        .serve(request, decode, async |context, call| {
            let served = offer::embed(context, call).await?;
            let tokens = served.bill.usage.prompt_tokens;
            let vectors = &served.answer.vectors;
            let body = plugway_wire::gemini::encode_embeddings(vectors, method, tokens);
            served.respond(body).await
        })
        .await
}

async fn embeddings(intake: Intake, request: Request<Incoming>) -> Response<Body> {
    let decode = |_: &Parts, body| {
        let embeddings = openai_embeddings::decode(body)?;
        let values = embeddings.call.values;
        Ok((embeddings, values))
    };
    intake
        .serve(request, decode, async |context, Embeddings { call, encoding }| {
            let served = offer::embed(context, call).await?;
            let vectors = &served.answer.vectors;
            let body = openai_embeddings::encode(vectors, encoding, &served.head, &served.bill);
            served.respond(body).await
        })
        .await
}

async fn embed(intake: Intake, request: Request<Incoming>, older: bool) -> Response<Body> {
    let decode = |_: &Parts, body: Bytes| {
        let call = ollama::decode_embed(&body, older)?;
        let values = call.values;
        Ok((call, values))
    };
    intake
        .serve(request, decode, async |context, call| {
            let served = offer::embed(context, call).await?;
            let tokens = served.bill.usage.prompt_tokens;
            let body =
                ollama::encode_embed(&served.answer.vectors, older, &served.head.model, tokens);
            served.respond(body).await
        })
        .await
}

async fn ranking(intake: Intake, request: Request<Incoming>, version: Version) -> Response<Body> {
    let decode = |_: &Parts, body: Bytes| {
        let call = rerank::decode(&body, version)?;
        let values = call.values;
        Ok((call, values))
    };
    intake
        .serve(request, decode, async |context, call| {
            let served = offer::rerank(context, call).await?;
            let rankings = &served.answer.rankings;
            let body = rerank::encode(&served.call, rankings, &served.head, &served.bill);
            served.respond(body).await
        })
        .await
}

/// Where every request for something beside chats waits while its body comes in,
/// whatever its client speaks.
struct Intake {
    router: Arc<Router>,
    settings: Arc<Settings>,
    /// How an error is told.
    dialect: Dialect,
    /// The pattern, for logs and metrics.
    route: &'static str,
    /// Its place is held until the answer has ended.
    admitted: Admitted,
}

impl Intake {
    /// Reads the request, and answers it with what `answer` makes of it.
    async fn serve<T>(
        self,
        request: Request<Incoming>,
        decode: impl FnOnce(&Parts, Bytes) -> Result<(T, usize), BadRequest>,
        answer: impl AsyncFnOnce(RequestContext, T) -> Result<Response<Body>, Box<Refused>>,
    ) -> Response<Body> {
        match self.enter(request, decode).await {
            Err(refusal) => *refusal,
            Ok((context, call)) => match answer(context, call).await {
                Ok(response) => response,
                Err(refused) => exchange::refuse(*refused).await,
            },
        }
    }

    /// Reads the request. What `decode` makes of it comes with the number of JSON values
    /// in its body.
    ///
    /// # Errors
    /// The response that says why it cannot be read.
    async fn enter<T>(
        self,
        request: Request<Incoming>,
        decode: impl FnOnce(&Parts, Bytes) -> Result<(T, usize), BadRequest>,
    ) -> Result<(RequestContext, T), Box<Response<Body>>> {
        let Self { router, settings, dialect, route, admitted } = self;
        let mut record = Record::open(router.metrics.clone(), route);
        record.keep_in(&router, request.headers());
        let caller = record.of(admitted);
        let began = Instant::from_std(record.started());
        if let Err(error) = record.open_account(&router, &settings) {
            return Err(Box::new(shed::refuse(dialect, &error, record, request).await));
        }
        let (head, body) = request.into_parts();
        let tells_routing = Routed::is_wanted(&head.headers);
        match read(&router, &settings, (&head, body), began, decode).await {
            Ok((call, room, deadline)) => {
                let context = RequestContext {
                    router,
                    settings,
                    dialect,
                    room,
                    deadline,
                    record,
                    caller,
                    tells_routing,
                };
                Ok((context, call))
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
    let (call, held) = body::read(router, settings, (head, body), deadline, decode).await?;
    Ok((call, held.room, deadline))
}
