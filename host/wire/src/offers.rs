//! What a client asks for beside chats, whatever it speaks: vectors, or documents in
//! order.

use std::fmt;

use plugway_engine::chat::{MediaSource, ResultBody};
use plugway_engine::{EmbedInput, EmbedRequest, RerankRequest};

use crate::Routing;

/// Bytes of text that make a token, about.
const TOKEN_BYTES: usize = 4;

/// Tokens that an image counts for, about.
const MEDIUM_TOKENS: u64 = 1000;

/// A request for embeddings. `Debug` shows no content.
#[derive(Clone)]
pub struct EmbedCall {
    /// In clear, until an attempt seals it. The model is the client's word for it;
    /// `user` is not set: see [`EmbedCall::user`].
    pub request: EmbedRequest,
    /// Where the client would like it served.
    pub routing: Routing,
    /// The raw id of the end user, to be made a pseudonym of and never forwarded.
    pub user: Option<String>,
    /// The settings to put under it, by name.
    pub preset: Option<String>,
    /// The inputs hold a `native` case, which only this dialect's family reads.
    pub native: bool,
    /// Bytes of text; of a list of tokens what so many would take.
    pub approx_bytes: usize,
    /// Media in the inputs.
    pub media: u32,
    /// JSON values in the body: beside its bytes, what the call takes grows with them.
    pub values: usize,
}

impl EmbedCall {
    /// A call for `request`, and what follows from it. `values` is how many JSON values
    /// the body holds.
    pub fn new(mut request: EmbedRequest, routing: Routing, values: usize) -> Self {
        request.model = routing.models.first().cloned().unwrap_or_default();
        let (mut native, mut approx_bytes, mut media) = (false, 0_usize, 0_u32);
        for input in &request.input {
            match input {
                EmbedInput::Text(text) => approx_bytes += text.len(),
                EmbedInput::Tokens(tokens) => approx_bytes += tokens.len() * TOKEN_BYTES,
                EmbedInput::Parts(parts) => {
                    for part in parts {
                        match &part.body {
                            ResultBody::Text(text) | ResultBody::Json(text) => {
                                approx_bytes += text.len();
                            }
                            ResultBody::Media(medium) => {
                                media += 1;
                                if let MediaSource::Text(text) = &medium.source {
                                    approx_bytes += text.len();
                                }
                            }
                            ResultBody::Native(_) => native = true,
                        }
                    }
                }
            }
        }
        let (user, preset) = (None, None);
        Self { request, routing, user, preset, native, approx_bytes, media, values }
    }

    /// For a provider that does not count.
    pub fn approx_tokens(&self) -> u64 {
        let text = (self.approx_bytes / TOKEN_BYTES) as u64;
        text.saturating_add(u64::from(self.media) * MEDIUM_TOKENS).max(1)
    }
}

impl fmt::Debug for EmbedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedCall")
            .field("routing", &self.routing)
            .field("inputs", &self.request.input.len())
            .field("approx_bytes", &self.approx_bytes)
            .finish_non_exhaustive()
    }
}

/// A request to put documents in order. `Debug` shows no content.
#[derive(Clone)]
pub struct RerankCall {
    /// In clear, until an attempt seals it. The model is the client's word for it.
    pub request: RerankRequest,
    /// In whose words `request.extra` is: where there is any, only an adapter that
    /// speaks it may be asked.
    pub dialect: &'static str,
    /// Where the client would like it served.
    pub routing: Routing,
    /// The settings to put under it, by name.
    pub preset: Option<String>,
    /// The answer is to repeat each document.
    pub return_documents: bool,
    /// JSON values in the body.
    pub values: usize,
}

impl RerankCall {
    /// Bytes that are read: the query once for each document.
    pub fn approx_bytes(&self) -> usize {
        let RerankRequest { query, documents, .. } = &self.request;
        let queries = query.len().saturating_mul(documents.len());
        documents.iter().fold(queries, |sum, document| sum.saturating_add(document.len()))
    }
}

impl fmt::Debug for RerankCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RerankCall")
            .field("routing", &self.routing)
            .field("documents", &self.request.documents.len())
            .finish_non_exhaustive()
    }
}
