//! What was decided for one request, and why.

use super::{Conversation, LeftOut, Service};
use crate::catalog::{Credential, Endpoint};
use crate::error::Error;
use crate::upstream::Called;
use plugway_engine::{Adapter, Candidate, Plan, Policy, Query, Refusal};
use plugway_routing::health::Snapshot;
use std::sync::Arc;

/// One endpoint to try, with the adapter that was serving when the decision fell.
#[derive(Clone)]
pub struct Step {
    /// Where to.
    pub endpoint: Arc<Endpoint>,
    /// Which of its provider's credentials it is tried with: chosen when it is.
    pub credential: Option<Arc<Credential>>,
    /// Who translates. The request keeps this generation to its end.
    pub adapter: Arc<Adapter>,
    /// Its circuit breaker was open when the decision fell, and how: a last resort.
    pub tripped: Option<LeftOut>,
    /// Reasoning effort to use instead of the client's, if it gave none.
    pub effort: Option<String>,
    /// Start the next step too if no content came after so many milliseconds.
    pub hedge_after_ms: Option<u32>,
    /// Overrides the configured time to first token, milliseconds.
    pub first_token_timeout_ms: Option<u32>,
}

impl Step {
    /// The provider, and what it is called with.
    pub(crate) fn called(&self) -> Called<'_> {
        (&self.endpoint.provider, self.credential.as_deref())
    }
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
    /// The client wants the providers that it names or none.
    pub is_pinned: bool,
    /// Slug of each model that the request names, in its order, and by what kind of name.
    pub resolved_by: Vec<(String, Reached)>,
    /// Endpoints ruled out.
    pub excluded: Vec<Excluded>,
    /// What the strategy was asked. Its seed is all the randomness of this request, its
    /// time is the request's.
    pub query: Query,
    /// Among which it chose.
    pub candidates: Vec<Candidate>,
    /// Where their health is from.
    pub snapshot: Arc<Snapshot>,
    /// The strategy that was asked; none where none is loaded.
    pub policy: Option<Arc<Policy>>,
    /// What it answered, or the built-in order: word for word, and whole.
    pub plan: Plan,
    /// What the request goes on with, where that can be told.
    pub conversation: Option<Conversation>,
}

/// Who decided where no strategy did.
pub const BUILT_IN: &str = "built-in";

impl Decision {
    /// The strategy that was asked failed, and the built-in order took over.
    pub fn is_replaced(&self) -> bool {
        self.policy.is_some() && self.strategy == BUILT_IN
    }
}

/// A request that has no plan: why, and what was weighed until then.
#[derive(Debug)]
pub struct Undecided {
    /// What the client is told.
    pub error: Error,
    /// What was to be done.
    pub service: Service,
    /// Endpoints ruled out.
    pub excluded: Vec<Excluded>,
    /// What a strategy was asked, where it came so far.
    pub question: Option<Question>,
}

impl Undecided {
    /// Before any endpoint was looked at.
    pub(super) fn early(service: Service, error: Error) -> Box<Self> {
        Box::new(Self { error, service, excluded: Vec::new(), question: None })
    }
}

/// A question that got no plan for an answer.
#[derive(Debug)]
pub struct Question {
    /// What was asked.
    pub query: Query,
    /// Among which endpoints.
    pub candidates: Vec<Candidate>,
    /// Where their health is from.
    pub snapshot: Arc<Snapshot>,
    /// Of whom.
    pub policy: Option<Arc<Policy>>,
    /// And what came of it, word for word.
    pub answer: NoPlan,
}

/// What came of a question in place of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    /// The strategy refused.
    Refused(Refusal),
    /// There was no instance of it to ask.
    NoCapacity,
}

/// By what kind of name a request reaches a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The model's own.
    Direct,
    /// One of the operator's.
    Alias,
    /// That of its family, whose newest it is.
    Latest,
    /// Whichever: it is not the first model that the request names.
    Fallback,
}

impl Reached {
    /// As OpenRouter's metadata calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Alias => "alias",
            Self::Latest => "latest",
            Self::Fallback => "fallback",
        }
    }
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
    /// The operator's lists of models.
    Models,
    /// The model's name pins the request to another provider.
    Pin,
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
    /// The strategy accepts none of those that are left.
    Strategy,
}

/// What a rule is called, and what it is about.
struct Row {
    name: &'static str,
    /// In OpenRouter's `excluded_by`, where it is one of them; else the rule's own name.
    rule: Option<&'static str>,
    /// The field of a request that it holds against endpoints.
    field: Option<&'static str>,
}

impl Cause {
    const fn row(self) -> Row {
        let (name, rule, field) = match self {
            Self::Models => ("models", Some("allowed_models"), Some("model")),
            Self::Pin => ("pin", Some("allowed_providers"), Some("model")),
            Self::Providers => ("providers", Some("allowed_providers"), Some("provider")),
            Self::Retention => ("retention", Some("data_policy:zdr"), Some("provider.zdr")),
            Self::Training => {
                ("training", Some("data_policy:training"), Some("provider.data_collection"))
            }
            Self::Distillation => {
                let field = "provider.enforce_distillable_text";
                ("distillation", Some("data_policy:distillation"), Some(field))
            }
            Self::Quantization => {
                ("quantization", Some("quantization"), Some("provider.quantizations"))
            }
            Self::Price => ("price", Some("max_price"), Some("provider.max_price")),
            Self::ContextLength => ("context_length", Some("context_length"), Some("messages")),
            Self::OutputLength => ("output_length", Some("max_tokens"), Some("max_tokens")),
            Self::Parameters => {
                let field = "provider.require_parameters";
                ("parameters", Some("require_parameters"), Some(field))
            }
            Self::Modality => ("modality", Some("modality"), None),
            Self::NativeFormat => ("native_format", Some("native_format"), None),
            Self::ReasoningFormat => ("reasoning_format", Some("reasoning_format"), None),
            Self::Region => ("region", Some("data_region"), Some("provider.regions")),
            Self::ServiceTier => ("service_tier", Some("service_tier"), Some("service_tier")),
            Self::Adapter => ("adapter", None, None),
            Self::Offer => ("offer", Some("endpoint_type"), None),
            Self::Credential => ("credential", None, None),
            Self::Cooling => ("cooling", None, None),
            Self::Tripped => ("tripped", None, None),
            Self::Strategy => ("strategy", Some("strategy"), None),
        };
        Row { name, rule, field }
    }

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What OpenRouter's `excluded_by` calls it, or would; none where no rule, but a
    /// state that passes, shuts the endpoint out.
    pub const fn rule(self) -> Option<&'static str> {
        self.row().rule
    }

    /// The field of the request that it holds against endpoints.
    pub const fn field(self) -> Option<&'static str> {
        self.row().field
    }

    /// The same request may be served another time.
    pub const fn is_passing(self) -> bool {
        self.rule().is_none()
    }

    /// What it guards is what becomes of the prompt.
    pub const fn is_privacy(self) -> bool {
        matches!(self, Self::Retention | Self::Training | Self::Distillation)
    }
}
