//! What was decided for one request, and why.

use super::{Conversation, Service};
use crate::catalog::Endpoint;
use plugway_engine::{Adapter, Candidate, Query};
use std::sync::Arc;

/// One endpoint to try, with the adapter that was serving when the decision fell.
#[derive(Clone)]
pub struct Step {
    /// Where to.
    pub endpoint: Arc<Endpoint>,
    /// Who translates. The request keeps this generation to its end.
    pub adapter: Arc<Adapter>,
    /// Reasoning effort to use instead of the client's, if it gave none.
    pub effort: Option<String>,
    /// Start the next step too if no content came after so many milliseconds.
    pub hedge_after_ms: Option<u32>,
    /// Overrides the configured time to first token, milliseconds.
    pub first_token_timeout_ms: Option<u32>,
}

/// What was decided for one request, and why.
pub struct Decision {
    /// What is to be done.
    pub service: Service,
    /// Tried in order; never empty.
    pub steps: Vec<Step>,
    /// Who decided: a strategy's id and digest, or `built-in`.
    pub strategy: String,
    /// The strategy's sentence.
    pub reason: String,
    /// Endpoints ruled out.
    pub excluded: Vec<Excluded>,
    /// What the strategy was asked. Its seed is all the randomness of this request, its
    /// time is the request's.
    pub query: Query,
    /// Among which it chose.
    pub candidates: Vec<Candidate>,
    /// What the request goes on with, where that can be told.
    pub conversation: Option<Conversation>,
}

/// An endpoint that the request may not go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its id.
    pub endpoint: String,
    /// Whose it is.
    pub provider: String,
    /// Which model it would have served.
    pub model: String,
    /// Which rule shut it out.
    pub cause: Cause,
    /// The same for people.
    pub reason: String,
}

impl Excluded {
    /// Shuts `endpoint` out.
    pub(super) fn new(endpoint: &Endpoint, cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.id.clone(),
            provider: endpoint.provider.name.clone(),
            model: endpoint.model_slug.clone(),
            cause,
            reason: reason.into(),
        }
    }
}

/// The rules that shut endpoints out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Lists of providers to use or not to use.
    Providers,
    /// It may keep what it is sent.
    Retention,
    /// It may train on what it is sent.
    Training,
    /// Its model's author may not allow distillation.
    Distillation,
    /// Not one of the quantizations that are accepted.
    Quantization,
    /// It costs more than the client will pay.
    Price,
    /// The prompt is too long for it.
    ContextLength,
    /// It writes less than is wanted.
    OutputLength,
    /// It does not know a parameter that has to be obeyed.
    Parameters,
    /// It cannot read or write that kind of media.
    Modality,
    /// It cannot do something that the request makes use of.
    Feature,
    /// It does not speak the format of native parts.
    NativeFormat,
    /// It cannot read the reasoning that the conversation carries.
    ReasoningFormat,
    /// It is elsewhere.
    Region,
    /// It is of a tier that nobody asked for.
    ServiceTier,
    /// Its adapter is not loaded.
    Adapter,
    /// Its adapter does not offer what is asked for.
    Offer,
    /// There is no credential for it, or none that may be used now.
    Credential,
    /// Its provider asked for a pause.
    Cooling,
    /// Its circuit breaker is open.
    Tripped,
    /// It bears no more requests at a time.
    Capacity,
}
