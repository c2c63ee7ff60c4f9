//! The life of a request for what adapters offer beside chats: the count of a prompt,
//! embeddings, documents in order. It is decided, attempted, failed over and settled as
//! a chat is; only that its answer is one value, which whoever asked writes down in the
//! client's format.
//!
//! ```text
//! decide      endpoints whose adapter has the offer     (route)
//! attempt     until one yields a value                  (failover, transfer)
//! settle      tokens, cost, health, access log
//! ```

mod count;
mod embed;
mod rerank;

use super::attempt::Failed;
use super::failover::{self, Answered, Ask};
use super::media::{self, Fill};
use super::tariff::{self, Tariff};
use super::transfer::{self, Reply, breach_of_contract, plugin_failed, told};
use super::{Exchange, Refused, STRATEGY, echo, head_of, kept, reserve};
use crate::account::Caller;
use crate::api::{Body, respond};
use crate::buffer::Held;
use crate::catalog::Provider;
use crate::error::{Code, Error};
use crate::presets;
use crate::record::{Ending, Record, Tokens, Trace};
use crate::route::{self, Asked, Step};
use crate::upstream::{self, Outgoing};
use crate::{Router, Settings};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use plugway_engine::chat::{Failure, MediaKind, Usage};
use plugway_engine::{Adapter, CallContext, CallError, ResponseHead, UpstreamRequest};
use plugway_wire::seal::Seals;
use plugway_wire::{Bill, ChatCall, Dialect, EmbedCall, Head, RerankCall};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

pub(crate) use count::Counted;

/// What a request needs beside what it asks for. Whoever reads a body makes it.
pub(crate) struct RequestContext {
    pub(crate) router: Arc<Router>,
    /// What held when the request came.
    pub(crate) settings: Arc<Settings>,
    /// How an error is told.
    pub(crate) dialect: Dialect,
    /// The share of the common bound on buffered bodies that the request takes.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    pub(crate) deadline: Instant,
    pub(crate) record: Record,
    /// Who asks.
    pub(crate) caller: Caller,
    /// The client wants to know how the request is routed.
    pub(crate) tells_routing: bool,
}

impl RequestContext {
    /// The request is refused before anything is decided.
    fn refused(self, error: Error) -> Box<Refused> {
        let Self { dialect, record, .. } = self;
        Box::new(Refused { dialect, error, record })
    }
}

/// An answer that is there, settled, and still to be written down.
pub(crate) struct Served<O: Offer> {
    /// What was asked.
    pub(crate) call: O,
    /// What was found.
    pub(crate) answer: O::Answer,
    /// What it took.
    pub(crate) bill: Bill,
    /// Id, time, model and provider.
    pub(crate) head: Head,
    strategy: Option<HeaderValue>,
    dialect: Dialect,
    record: Record,
    room: Option<OwnedSemaphorePermit>,
}

/// Something that adapters offer beside chats.
pub(crate) trait Offer: Sized + Send + Sync + 'static {
    /// An instance for one request and its answer.
    type Call: Send;
    /// What comes of it.
    type Answer: Send + Sync;

    /// What a decision rests on.
    fn asked(&self) -> Asked<'_>;

    /// The user whom the request names.
    fn user(&self) -> Option<&str> {
        None
    }

    /// What it names by URL.
    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        Vec::new()
    }

    /// None where the adapter does not offer it.
    fn open(adapter: &Adapter, context: CallContext) -> Option<Result<Self::Call, CallError>>;

    /// Has the adapter write the request. Inner: it refuses.
    fn encode(
        &self,
        call: &mut Self::Call,
        router: &Router,
        settings: &Settings,
        step: &Step,
        fills: &[Fill],
    ) -> Result<Result<Written, Failure>, CallError>;

    /// Has it read a good response. Inner: that is not to be used.
    fn decode(
        call: Self::Call,
        head: ResponseHead,
        body: Vec<u8>,
        memo: &str,
    ) -> Result<Result<Self::Answer, Failure>, CallError>;

    /// Says what is wrong with an answer that no client could make sense of.
    fn verify(&self, answer: &Self::Answer) -> Result<(), &'static str>;

    /// What the provider says that it took.
    fn counted(answer: &Self::Answer) -> Option<Usage>;

    /// For a provider that says nothing; none where nothing is ever paid.
    fn estimate(&self) -> Option<Usage>;
}

/// What an adapter wrote.
pub(crate) struct Written {
    pub(super) request: UpstreamRequest,
    /// What stands behind its seals.
    pub(super) seals: Seals,
    /// It was shown seals.
    pub(super) sealed: bool,
}

/// Counts the tokens of a chat's prompt, as its provider counts them: where no endpoint
/// can, that is said, for an estimate is no count.
pub(crate) async fn count_tokens(
    context: RequestContext,
    mut call: ChatCall,
) -> Result<Served<Counted>, Box<Refused>> {
    if let Err(error) = presets::apply(&context.router, &context.caller, &mut call).await {
        return Err(context.refused(error));
    }
    serve(context, Counted(call)).await
}

/// Makes vectors, one for each input.
pub(crate) async fn embed(
    context: RequestContext,
    mut call: EmbedCall,
) -> Result<Served<EmbedCall>, Box<Refused>> {
    if let Err(error) =
        presets::apply_to_embeddings(&context.router, &context.caller, &mut call).await
    {
        return Err(context.refused(error));
    }
    serve(context, call).await
}

/// Puts documents in order.
pub(crate) async fn rerank(
    context: RequestContext,
    mut call: RerankCall,
) -> Result<Served<RerankCall>, Box<Refused>> {
    if let Err(error) = presets::apply_to_ranking(&context.router, &context.caller, &mut call).await
    {
        return Err(context.refused(error));
    }
    serve(context, call).await
}

async fn serve<O: Offer>(context: RequestContext, call: O) -> Result<Served<O>, Box<Refused>> {
    let RequestContext { router, settings, dialect, room, deadline, .. } = context;
    let RequestContext { mut record, caller, tells_routing, .. } = context;
    let caller = caller.on_behalf_of(call.user());
    let asked = Asked { caller: Some(&caller), ..call.asked() };
    record.model = asked.routing.models.join(",");
    if tells_routing {
        record.tell_routing(&asked.routing.models);
    }
    let decision = match route::decide(&router, &settings, &asked) {
        Ok(decision) => Arc::new(decision),
        Err(undecided) => return Err(Box::new(Refused::undecided(dialect, record, undecided))),
    };
    record.planned(&decision);
    let strategy = HeaderValue::try_from(&decision.strategy).ok();
    let media = media::Fetches::default();
    let mut exchange = Exchange {
        router,
        settings,
        dialect,
        call,
        decision,
        record,
        caller,
        hedges: true,
        deadline,
        media,
        echoes: echo::Echoes::default(),
        _room: room,
    };
    if let Err(error) = reserve::reserve(&mut exchange) {
        let Exchange { record, .. } = exchange;
        return Err(Box::new(Refused { dialect, error, record }));
    }
    match failover::first_answer(&exchange).await {
        Ok(answered) => Ok(settle(exchange, answered, strategy)),
        Err(error) => {
            let Exchange { decision, record, call, .. } = exchange;
            let error = error.asked_for(&call.asked().routing.models, decision.is_pinned);
            Err(Box::new(Refused { dialect, error, record }))
        }
    }
}

/// Closes the account. The request's bytes are needed no longer; those of the answer are
/// held until it was sent.
fn settle<O: Offer>(
    exchange: Exchange<O>,
    answered: Answered<O>,
    strategy: Option<HeaderValue>,
) -> Served<O> {
    let Exchange { settings, call, mut record, dialect, .. } = exchange;
    let Answered { answer: Value { answer, room }, step, in_flight, place, number } = answered;
    let endpoint = step.endpoint;
    let head = head_of(&record, &endpoint);
    let counted = O::counted(&answer);
    let estimated = counted.is_none();
    let tariff = Tariff::new(settings, endpoint.clone(), step.credential);
    let (mut bill, tokens) = match counted.or_else(|| call.estimate()) {
        Some(usage) => {
            let bill = tariff.bill(usage.clone(), std::slice::from_ref(&usage));
            let (prompt, completion) = (usage.prompt_tokens, usage.completion_tokens);
            (bill, Tokens { prompt, completion, estimated })
        }
        None => (Bill { cost: Some(0), ..Bill::unpriced(read_alone(0)) }, Tokens::default()),
    };
    if let Some(mut place) = place {
        place.used(failover::total(&bill.usage));
    }
    record.consumed(tokens, bill.cost);
    record.billed(&bill, &tariff);
    record.endpoint.clone_from(&endpoint.id);
    tariff.credential_name().clone_into(&mut record.credential);
    let ending = Ending {
        outcome: "ok",
        usage: Some(&bill.usage),
        is_estimated: estimated,
        upstream_cost: bill.upstream_cost,
    };
    record.attempt(number, ending);
    bill.metadata = record.metadata();
    record.finished("complete");
    in_flight.ended(None);
    Served { call, answer, bill, head, strategy, dialect, record, room }
}

impl<O: Offer> Served<O> {
    /// The response with this JSON, once its row is in the ledger.
    pub(crate) async fn respond(
        self,
        body: impl Into<Bytes>,
    ) -> Result<Response<Body>, Box<Refused>> {
        let Self { mut record, room, strategy, dialect, .. } = self;
        record.answered(StatusCode::OK);
        if let Err(error) = record.hand_in().committed().await {
            return Err(Box::new(Refused { dialect, error, record }));
        }
        let mut response = respond::json_text(StatusCode::OK, body);
        respond::name_generation(&mut response, &record.id);
        if let Some(strategy) = strategy {
            response.headers_mut().insert(STRATEGY, strategy);
        }
        Ok(response.map(|body| kept::with(body, (room, record))))
    }
}

/// What an attempt yields.
pub(super) struct Value<A> {
    answer: A,
    /// The share of the common bound on buffered bodies that the response took.
    room: Option<OwnedSemaphorePermit>,
}

impl<O: Offer> Ask for O {
    type Answer = Value<O::Answer>;

    fn attempt(
        exchange: &Exchange<Self>,
        step: &Step,
        trace: &Trace,
    ) -> impl Future<Output = Result<Value<O::Answer>, Failed>> + Send {
        attempt(exchange, step, trace)
    }

    fn named_media(&self) -> Vec<(MediaKind, &str)> {
        Offer::named_media(self)
    }

    fn streams(&self) -> bool {
        false
    }

    fn presumed(exchange: &Exchange<Self>) -> Option<Usage> {
        exchange.call.estimate()
    }
}

async fn attempt<O: Offer>(
    exchange: &Exchange<O>,
    step: &Step,
    trace: &Trace,
) -> Result<Value<O::Answer>, Failed> {
    let (router, bounds) = (&exchange.router, &exchange.settings.config.upstream);
    let origin = &step.endpoint.provider;
    let failed = |error: CallError| plugin_failed(router, step.adapter.id(), &origin.name, &error);
    let deadline = exchange.deadline.min(Instant::now() + bounds.total_timeout);
    let encode = |fills: &[Fill]| encode(exchange, step, fills);
    let (call, outgoing, memo) = transfer::encoded(exchange, step, deadline, encode).await?;
    let response = transfer::send(exchange, step, outgoing, deadline, trace).await?;
    trace.answered(response.status().as_u16());
    let (head, body) = match transfer::receive(exchange, step, response, deadline).await? {
        Reply::Good { head, body, .. } => (head, body),
        Reply::Refusal(head, body) => {
            // Errors are explained by the part of the adapter that chats.
            drop(call);
            let explaining = step.adapter.attempt(exchange.context()).map_err(failed)?;
            let failure = explaining.explain(head, body).map_err(failed)?;
            return Err(told(router, step.called(), failure).into());
        }
    };
    let limit = bounds.max_response_bytes;
    let Held { bytes, room } = transfer::read(exchange, step, body, limit, deadline).await?;
    let decoded = O::decode(call, head, bytes.into(), &memo).map_err(failed)?;
    let answer = decoded.map_err(|failure| told(router, step.called(), failure))?;
    match exchange.call.verify(&answer) {
        Ok(()) => Ok(Value { answer, room }),
        Err(flaw) => Err(unusable(origin, flaw).into()),
    }
}

/// What encoding leaves behind: the open call, the request and its memo.
type Encoded<C> = (C, Outgoing, String);

/// Has the adapter write the request. Inner: it refuses.
fn encode<O: Offer>(
    exchange: &Exchange<O>,
    step: &Step,
    fills: &[Fill],
) -> Result<Result<Encoded<O::Call>, Failure>, Error> {
    let (router, adapter) = (&exchange.router, &step.adapter);
    let provider = &step.endpoint.provider;
    let failed = |error: CallError| plugin_failed(router, adapter.id(), &provider.name, &error);
    let Some(call) = O::open(adapter, exchange.context()) else {
        // The decision saw to that; a reload cannot change the adapter of a step.
        let message = format!("The adapter `{}` does not offer that.", adapter.id());
        return Err(Error::upstream(Code::Unsupported, &provider.name, message));
    };
    let mut call = call.map_err(failed)?;
    let encoded = exchange.call.encode(&mut call, router, &exchange.settings, step, fills);
    let encoded = encoded.map_err(failed)?;
    let Written { request, seals, sealed } = match encoded {
        Ok(written) => written,
        Err(failure) => return Ok(Err(failure)),
    };
    let memo = request.memo.clone();
    let outgoing = upstream::prepare(request, provider, &seals, sealed).map_err(|breach| {
        breach_of_contract(router, adapter.id(), &provider.name, &breach.to_string())
    })?;
    Ok(Ok((call, outgoing, memo)))
}

fn unusable(provider: &Provider, flaw: &str) -> Error {
    let name = &provider.name;
    Error::upstream(Code::ProviderUnavailable, name, format!("The provider `{name}` {flaw}."))
}

/// Whatever was read, a count of nothing is none. Some bill searches or images, and count
/// no tokens.
fn says_something(usage: &Usage) -> bool {
    usage.prompt_tokens > 0 || !usage.meters.is_empty() || usage.cost.is_some()
}

/// Of so many tokens that were read, and none written.
fn read_alone(prompt_tokens: u64) -> Usage {
    Usage { prompt_tokens, ..tariff::presumed(0, 0) }
}
