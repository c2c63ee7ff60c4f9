//! Adapters: one fresh sandbox per attempt, which encodes the request and then
//! reads the answer, whole or as a stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::component::{InstancePre, ResourceAny};

use crate::bindings::adapter::exports::plugway::provider::provider as wit;
use crate::bindings::adapter::plugway::provider::types;
use crate::bindings::adapter::{Adapter as Instance, AdapterPre};
use crate::bindings::chat;
use crate::engine::{Code, Engine};
use crate::error::CallError;
use crate::grants::Grants;
use crate::offers::{EmbeddingsCall, ModelsCall, Offers, RerankCall, TokenCountCall};
use crate::plugin::Identity;
use crate::rehearsal;
use crate::sandbox::{CallContext, Sandbox, State};
use crate::spoken;
use crate::types::{
    AdapterInfo, AuthScheme, EndpointFacts, Frame, Framing, ResponseHead, UpstreamRequest,
};

/// Proposals for a credential that are taken from an adapter.
const MAX_AUTH_SCHEMES: usize = 16;

/// A loaded adapter. Shared by all requests; holds no instance of its own.
pub struct Adapter {
    engine: Engine,
    identity: Arc<Identity>,
    instance: AdapterPre<State>,
    offers: Offers,
    grants: Grants,
    info: AdapterInfo,
    code: Arc<Code>,
}

impl Adapter {
    /// An adapter that has not been called yet.
    pub(crate) fn link(
        engine: Engine,
        identity: Arc<Identity>,
        code: Arc<Code>,
        instance: InstancePre<State>,
        grants: &Grants,
    ) -> wasmtime::Result<Unproven> {
        let offers = Offers::link(&code.shape, &instance)?;
        let instance = AdapterPre::new(instance)?;
        Ok(Unproven { engine, identity, code, instance, offers, grants: grants.clone() })
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// SHA-256 of the component in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.identity.digest
    }

    /// What it passed over in answers since it was loaded, by its own count.
    pub fn skipped(&self) -> u64 {
        self.identity.skipped.load(Ordering::Relaxed)
    }

    /// What the adapter says of itself.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// What it was made from.
    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.code
    }

    /// What it was granted.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What the adapter makes of the request that every adapter is tried with; none
    /// where it refuses that.
    ///
    /// # Errors
    /// When the plugin fails.
    pub(crate) fn rehearse(&self) -> Result<Option<UpstreamRequest>, CallError> {
        let mut attempt = self.attempt(CallContext::default())?;
        let encoded = attempt.encode(&rehearsal::request(), &rehearsal::endpoint())?;
        let memo = encoded.as_ref().map_or("", |request| &request.memo);
        let mut decoder = attempt.decoder(rehearsal::head(200), memo)?;
        decoder.push(rehearsal::frames())?;
        decoder.end()?;
        // One instance at a time: the pool may be as good as taken.
        drop(decoder);
        let fresh = || self.attempt(CallContext::default());
        fresh()?.decode(rehearsal::head(200), rehearsal::body(), memo)?;
        fresh()?.explain(rehearsal::head(500), rehearsal::body())?;
        self.offers.rehearse(&self.engine, &self.identity)?;
        Ok(encoded.ok())
    }

    /// A fresh instance for one attempt.
    ///
    /// # Errors
    /// When all instances are in use, or the plugin fails as it starts.
    pub fn attempt(&self, context: CallContext) -> Result<Attempt, CallError> {
        instantiate(&self.engine, &self.identity, &self.instance, context)
    }

    /// What it offers beside chat, of [`OFFERS`](crate::OFFERS).
    pub fn offers(&self) -> Vec<&'static str> {
        self.offers.names()
    }

    /// A fresh instance to count a prompt; none where the adapter does not offer it.
    ///
    /// # Errors
    /// As [`Adapter::attempt`].
    pub fn token_count(&self, context: CallContext) -> Option<Result<TokenCountCall, CallError>> {
        self.offers.token_count(&self.engine, &self.identity, context)
    }

    /// A fresh instance for embeddings; none where the adapter does not offer it.
    ///
    /// # Errors
    /// As [`Adapter::attempt`].
    pub fn embeddings(&self, context: CallContext) -> Option<Result<EmbeddingsCall, CallError>> {
        self.offers.embeddings(&self.engine, &self.identity, context)
    }

    /// A fresh instance to order documents; none where the adapter does not offer it.
    ///
    /// # Errors
    /// As [`Adapter::attempt`].
    pub fn rerank(&self, context: CallContext) -> Option<Result<RerankCall, CallError>> {
        self.offers.rerank(&self.engine, &self.identity, context)
    }

    /// A fresh instance to list models; none where the adapter does not offer it.
    ///
    /// # Errors
    /// As [`Adapter::attempt`].
    pub fn models(&self, context: CallContext) -> Option<Result<ModelsCall, CallError>> {
        self.offers.models(&self.engine, &self.identity, context)
    }
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter")
            .field("id", &self.id())
            .field("digest", &self.identity.short_digest())
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// An adapter before its first call.
pub(crate) struct Unproven {
    engine: Engine,
    identity: Arc<Identity>,
    code: Arc<Code>,
    instance: AdapterPre<State>,
    offers: Offers,
    grants: Grants,
}

impl Unproven {
    /// Has the adapter describe itself, and rehearses it.
    pub(crate) fn prove(self) -> Result<(Adapter, Option<UpstreamRequest>), CallError> {
        let Self { engine, identity, code, instance, offers, grants } = self;
        let mut attempt = instantiate(&engine, &identity, &instance, CallContext::default())?;
        let provider = attempt.instance.plugway_provider_provider();
        let info = attempt.sandbox.call("describe", |store| provider.call_describe(store))?;
        drop(attempt);
        let info = info.into();
        let adapter = Adapter { engine, identity, instance, offers, grants, info, code };
        let rehearsed = adapter.rehearse()?;
        Ok((adapter, rehearsed))
    }
}

fn instantiate(
    engine: &Engine,
    identity: &Arc<Identity>,
    instance: &AdapterPre<State>,
    context: CallContext,
) -> Result<Attempt, CallError> {
    let limits = Arc::clone(engine.limits());
    let mut sandbox = Sandbox::new(engine.wasmtime(), Arc::clone(identity), limits, context);
    let instance = sandbox.call("instantiate", |store| instance.instantiate(store))?;
    Ok(Attempt { sandbox, instance })
}

/// One attempt at one provider: encodes, then reads the answer in one of three
/// ways. After a [`CallError`] it is spent; dropping it frees the instance.
pub struct Attempt {
    sandbox: Sandbox,
    instance: Instance,
}

impl Attempt {
    /// Translates a request.
    ///
    /// # Errors
    /// Outer: the plugin failed. Inner: the adapter refuses the request.
    pub fn encode(
        &mut self,
        request: &chat::Request,
        endpoint: &EndpointFacts,
    ) -> Result<Result<UpstreamRequest, chat::Failure>, CallError> {
        let provider = self.instance.plugway_provider_provider();
        let endpoint = wit::Endpoint {
            max_output_tokens: endpoint.max_output_tokens,
            options: endpoint.options.clone(),
        };
        let encoded =
            self.sandbox.call("encode", |store| provider.call_encode(store, request, &endpoint))?;
        Ok(encoded.map(Into::into).map_err(spoken::failure))
    }

    /// Translates a whole 2xx response.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn decode(
        mut self,
        head: ResponseHead,
        body: Vec<u8>,
        memo: &str,
    ) -> Result<Vec<chat::Event>, CallError> {
        let provider = self.instance.plugway_provider_provider();
        let response = wit::UpstreamResponse { head: head.into(), body };
        let events =
            self.sandbox.call("decode", |store| provider.call_decode(store, &response, memo))?;
        self.sandbox.bound("decode", events).map(spoken::events)
    }

    /// Explains a response with any other status.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn explain(
        mut self,
        head: ResponseHead,
        body: Vec<u8>,
    ) -> Result<chat::Failure, CallError> {
        let provider = self.instance.plugway_provider_provider();
        let response = wit::UpstreamResponse { head: head.into(), body };
        let failure =
            self.sandbox.call("explain", |store| provider.call_explain(store, &response))?;
        Ok(spoken::failure(failure))
    }

    /// Begins to translate a streamed 2xx response.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn decoder(mut self, head: ResponseHead, memo: &str) -> Result<Decoder, CallError> {
        let decoder = self.instance.plugway_provider_provider().stream_decoder();
        let head = head.into();
        let resource = self.sandbox.call("stream-decoder.constructor", |store| {
            decoder.call_constructor(store, &head, memo)
        })?;
        Ok(Decoder { sandbox: self.sandbox, instance: self.instance, resource })
    }
}

/// Translates one stream. After a [`CallError`] it is spent; dropping it frees
/// the instance.
pub struct Decoder {
    sandbox: Sandbox,
    instance: Instance,
    resource: ResourceAny,
}

impl Decoder {
    /// Translates frames that arrived together. Yields the events that they
    /// complete, possibly none.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn push(&mut self, frames: Vec<Frame>) -> Result<Vec<chat::Event>, CallError> {
        const EXPORT: &str = "stream-decoder.push";
        let decoder = self.instance.plugway_provider_provider().stream_decoder();
        let frames: Vec<wit::Frame> = frames.into_iter().map(Into::into).collect();
        let events =
            self.sandbox.call(EXPORT, |store| decoder.call_push(store, self.resource, &frames))?;
        self.sandbox.bound(EXPORT, events).map(spoken::events)
    }

    /// Tells that the body ended cleanly.
    ///
    /// # Errors
    /// When the plugin fails.
    pub fn end(&mut self) -> Result<Vec<chat::Event>, CallError> {
        const EXPORT: &str = "stream-decoder.end";
        let decoder = self.instance.plugway_provider_provider().stream_decoder();
        let events = self.sandbox.call(EXPORT, |store| decoder.call_end(store, self.resource))?;
        self.sandbox.bound(EXPORT, events).map(spoken::events)
    }
}

impl From<wit::Info> for AdapterInfo {
    fn from(info: wit::Info) -> Self {
        Self {
            name: spoken::sentence(&info.name),
            default_base_url: info.default_base_url.and_then(spoken::name),
            auth: info.auth.into_iter().filter_map(auth_scheme).take(MAX_AUTH_SCHEMES).collect(),
            dialects: spoken::names(info.dialects),
            reasoning_formats: spoken::names(info.reasoning_formats),
            supported_parameters: spoken::names(info.supported_parameters),
        }
    }
}

/// None where the scheme has a name that is none.
fn auth_scheme(scheme: wit::AuthScheme) -> Option<AuthScheme> {
    match scheme {
        wit::AuthScheme::None => Some(AuthScheme::None),
        wit::AuthScheme::Bearer => Some(AuthScheme::Bearer),
        wit::AuthScheme::Header(header) => spoken::name(header).map(AuthScheme::Header),
        wit::AuthScheme::Query(parameter) => spoken::name(parameter).map(AuthScheme::Query),
        wit::AuthScheme::Sigv4(service) => spoken::name(service).map(AuthScheme::Sigv4),
        wit::AuthScheme::Oauth(scope) => spoken::name(scope).map(AuthScheme::Oauth),
    }
}

impl From<wit::UpstreamRequest> for UpstreamRequest {
    fn from(request: wit::UpstreamRequest) -> Self {
        Self {
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body,
            framing: request.framing.into(),
            memo: request.memo,
        }
    }
}

impl From<types::Framing> for Framing {
    fn from(framing: types::Framing) -> Self {
        match framing {
            types::Framing::Sse => Self::Sse,
            types::Framing::Ndjson => Self::Ndjson,
            types::Framing::AwsEventStream => Self::AwsEventStream,
            types::Framing::Raw => Self::Raw,
        }
    }
}

impl From<ResponseHead> for wit::ResponseHead {
    fn from(head: ResponseHead) -> Self {
        Self { status: head.status, headers: head.headers }
    }
}

impl From<Frame> for wit::Frame {
    fn from(frame: Frame) -> Self {
        Self { kind: frame.kind, data: frame.data }
    }
}
