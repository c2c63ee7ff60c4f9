//! What an adapter may offer beside chat: counting a prompt, embeddings, ordering
//! documents, listing models. Each is a pair of calls in one fresh sandbox: one
//! writes the request, the other reads the answer. Which of them there are is read
//! from the component's exports.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::bindings::adapter::plugway::provider::types as wit;
use crate::bindings::{chat, embeddings, models, rerank, token_count};
use crate::engine::Engine;
use crate::error::CallError;
use crate::inspect::Shape;
use crate::plugin::Identity;
use crate::rehearsal;
use crate::sandbox::{CallContext, Sandbox, State};
use crate::spoken;
use crate::types::{EndpointFacts, ResponseHead, UpstreamRequest};

pub use embeddings::exports::plugway::provider::embeddings::{
    EmbedInput, EmbedRequest, EmbedResponse,
};
pub use models::exports::plugway::provider::models::{Model as ListedModel, Page};
pub use rerank::exports::plugway::provider::rerank::{Ranking, RerankRequest, RerankResponse};

/// The name of one of these, for people and for lists of what an adapter can do.
pub const OFFERS: [&str; 4] = ["token-count", "embeddings", "rerank", "models"];

/// Defines one offer: who calls it, and the two calls.
macro_rules! offer {
    ($(#[$doc:meta])* $call:ident, $module:ident, $world:ident, $accessor:ident, $name:literal,
     $request:ty, $answer:ty) => {
        $(#[$doc])*
        pub struct $call {
            sandbox: Sandbox,
            instance: $module::$world,
        }

        impl $call {
            /// Writes the request.
            ///
            /// # Errors
            /// Outer: the plugin failed. Inner: the adapter refuses the request.
            pub fn encode(
                &mut self,
                request: $request,
                endpoint: &EndpointFacts,
            ) -> Result<Result<UpstreamRequest, chat::Failure>, CallError> {
                let exports = self.instance.$accessor();
                let endpoint = wit::Endpoint {
                    max_output_tokens: endpoint.max_output_tokens,
                    options: endpoint.options.clone(),
                };
                let encoded = self.sandbox.call(concat!($name, ".encode"), |store| {
                    exports.call_encode(store, request, &endpoint)
                })?;
                Ok(encoded.map(Into::into).map_err(spoken::failure))
            }

            /// Reads a 2xx response.
            ///
            /// # Errors
            /// Outer: the plugin failed. Inner: the response is not to be used.
            pub fn decode(
                mut self,
                head: ResponseHead,
                body: Vec<u8>,
                memo: &str,
            ) -> Result<Result<$answer, chat::Failure>, CallError> {
                let exports = self.instance.$accessor();
                let response = wit::UpstreamResponse { head: head.into(), body };
                let decoded = self.sandbox.call(concat!($name, ".decode"), |store| {
                    exports.call_decode(store, &response, memo)
                })?;
                Ok(decoded.map_err(spoken::failure))
            }
        }
    };
}

offer!(
    /// One count of a prompt.
    TokenCountCall,
    token_count,
    TokenCount,
    plugway_provider_token_count,
    "token-count",
    &chat::Request,
    u64
);
offer!(
    /// One request for embeddings.
    EmbeddingsCall,
    embeddings,
    Embeddings,
    plugway_provider_embeddings,
    "embeddings",
    &EmbedRequest,
    EmbedResponse
);
offer!(
    /// One ordering of documents.
    RerankCall,
    rerank,
    Rerank,
    plugway_provider_rerank,
    "rerank",
    &RerankRequest,
    RerankResponse
);
offer!(
    /// One page of the provider's list of models; none asks for the first.
    ModelsCall,
    models,
    Models,
    plugway_provider_models,
    "models",
    Option<&str>,
    Page
);

/// What one adapter offers, ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Offers {
    token_count: Option<token_count::TokenCountPre<State>>,
    embeddings: Option<embeddings::EmbeddingsPre<State>>,
    rerank: Option<rerank::RerankPre<State>>,
    models: Option<models::ModelsPre<State>>,
}

/// Makes an instance for one call; none where the adapter does not offer it.
macro_rules! instantiate {
    ($function:ident, $field:ident, $call:ident) => {
        pub(crate) fn $function(
            &self,
            engine: &Engine,
            identity: &Arc<Identity>,
            context: CallContext,
        ) -> Option<Result<$call, CallError>> {
            let linked = self.$field.as_ref()?;
            let limits = Arc::clone(engine.limits());
            let mut sandbox =
                Sandbox::new(engine.wasmtime(), Arc::clone(identity), limits, context);
            let instance = sandbox.call("instantiate", |store| linked.instantiate(store));
            Some(instance.map(|instance| $call { sandbox, instance }))
        }
    };
}

impl Offers {
    /// Reads from the exports what there is.
    pub(crate) fn link(shape: &Shape, instance: &InstancePre<State>) -> wasmtime::Result<Self> {
        let exports = |name: &str| {
            let prefix = format!("plugway:provider/{name}@0.1.");
            shape.exports.iter().any(|export| export.starts_with(&prefix))
        };
        let [counts, embeds, reranks, lists] = OFFERS.map(|name| exports(name).then_some(instance));
        Ok(Self {
            token_count: counts.cloned().map(token_count::TokenCountPre::new).transpose()?,
            embeddings: embeds.cloned().map(embeddings::EmbeddingsPre::new).transpose()?,
            rerank: reranks.cloned().map(rerank::RerankPre::new).transpose()?,
            models: lists.cloned().map(models::ModelsPre::new).transpose()?,
        })
    }

    instantiate!(token_count, token_count, TokenCountCall);
    instantiate!(embeddings, embeddings, EmbeddingsCall);
    instantiate!(rerank, rerank, RerankCall);
    instantiate!(models, models, ModelsCall);

    /// Of [`OFFERS`], those that there are.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let there = [
            self.token_count.is_some(),
            self.embeddings.is_some(),
            self.rerank.is_some(),
            self.models.is_some(),
        ];
        OFFERS.into_iter().zip(there).filter_map(|(name, is)| is.then_some(name)).collect()
    }

    /// Asks for everything once, and shows an answer that says nothing.
    pub(crate) fn rehearse(
        &self,
        engine: &Engine,
        identity: &Arc<Identity>,
    ) -> Result<(), CallError> {
        macro_rules! try_out {
            ($offer:ident, $request:expr) => {
                let fresh = || self.$offer(engine, identity, CallContext::default());
                if let Some(call) = fresh() {
                    // A refusal is an answer too.
                    let _ = call?.encode($request, &rehearsal::endpoint())?;
                }
                if let Some(call) = fresh() {
                    let _ = call?.decode(rehearsal::head(200), rehearsal::body(), "")?;
                }
            };
        }
        try_out!(token_count, &rehearsal::request());
        try_out!(embeddings, &rehearsal::embed_request());
        try_out!(rerank, &rehearsal::rerank_request());
        try_out!(models, None);
        Ok(())
    }
}
